import { count } from "../counter.mjs";
export const leaf = () => count;
