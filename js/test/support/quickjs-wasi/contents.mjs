// SPDX-License-Identifier: MIT
//
// contents.mjs - cases: what values hold.

import { add, each } from "./case.mjs";

add(
  "toNumber",
  each([
    "1.5",
    "'12'",
    "''",
    "null",
    "undefined",
    "true",
    "({ valueOf: () => 7 })",
    "[]",
    "({})",
    "new Date(5)",
  ], (handle) => handle.toNumber()),
);
add(
  "toNumber that throws",
  each(
    ["1n", "Symbol()", "({ valueOf() { throw new Error('v') } })"],
    (handle) => handle.toNumber(),
  ),
  {
    differs: "conversions",
    ours: [
      "TypeError: cannot convert BigInt to number",
      "TypeError: cannot convert symbol to number",
      "Error: v",
    ],
  },
);
add(
  "toString",
  each([
    "'s'",
    "1.5",
    "-0",
    "null",
    "undefined",
    "true",
    "10n",
    "[1, [2]]",
    "({})",
    "({ toString: () => 't' })",
    "(x) => x",
    "new Error('e')",
  ], (handle) => handle.toString()),
);
add(
  "toString that throws",
  each(
    ["({ toString() { throw new Error('s') } })", "Object.create(null)", "Symbol()"],
    (handle) => String(handle.toString()).slice(0, 6),
  ),
  {
    differs: "conversions",
    ours: ["Error: s", "TypeError: toPrimitive", "Symbol"],
  },
);
add(
  "toBoolean",
  each(
    ["''", "'a'", "0", "-0", "NaN", "0n", "1n", "null", "undefined", "({})", "[]", "Symbol()"],
    (handle) => handle.toBoolean(),
  ),
);
add(
  "bytes",
  each([
    "new Uint8Array([1, 2, 3]).subarray(1)",
    "new Uint8Array([4, 5]).buffer",
    "new Uint16Array([1, 2])",
    "({})",
    "'s'",
  ], (handle) => [
    [...new Uint8Array(handle.toArrayBuffer())],
    [...handle.toUint8Array()],
  ]),
);
add(
  "bytes of a DataView",
  each(["new DataView(new Uint8Array([7, 8]).buffer, 1)"], (handle) => [...handle.toUint8Array()]),
  {
    differs: "bytes",
    ours: [[8]],
  },
);
