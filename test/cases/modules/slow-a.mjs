import { shared } from "./slow-shared.mjs";
console.log("a begins", shared);
await new Promise((resolve) => setTimeout(resolve, 20));
export const a = "a";
console.log("a ends");
