import { x } from "./nowhere.mjs";
console.log("never", x);
