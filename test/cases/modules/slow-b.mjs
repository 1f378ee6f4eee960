import { shared } from "./slow-shared.mjs";
console.log("b begins", shared);
await new Promise((resolve) => setTimeout(resolve, 10));
export const b = "b";
console.log("b ends");
