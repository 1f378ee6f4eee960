import { isEven } from "./even.mjs";
import { sleep } from "torpor:run";
export let early;
try { isEven(0); } catch (error) { early = error.name; }
await sleep(10);
export const isOdd = (n) => n !== 0 && isEven(n - 1);
