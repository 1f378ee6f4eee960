// SPDX-License-Identifier: MIT
//
// depth.js - nesting that is deeper than any native stack.

let nested = {};
for (let i = 0; i < 50000; i++) {
  nested = i % 3 ? { nested } : i % 2 ? [nested] : new Map([[1, nested]]);
}
structuredClone(nested);
let endless = [];
for (let i = 0; i < 50000; i++) endless = new Set([endless]);
structuredClone(endless);

let chain = new Error("last");
for (let i = 0; i < 50000; i++) chain = new Error(`${i}`, { cause: chain });
let depth = 0;
for (let error = structuredClone(chain); error; error = error.cause) depth++;
same(depth, 50001);
