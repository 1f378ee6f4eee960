// SPDX-License-Identifier: MIT
//
// kinds.mjs - cases: what values are.

import { add, each } from "./case.mjs";

const values = [
  "undefined",
  "null",
  "true",
  "0",
  "'s'",
  "1n",
  "Symbol()",
  "({})",
  "[]",
  "() => 1",
  "(class {})",
  "new Error()",
  "Object.create(new Error())",
  "Promise.resolve()",
  "new ArrayBuffer(1)",
  "new Uint8Array(1)",
  "new Map()",
  "new Set()",
  "new Date(0)",
  "/x/",
  "new WeakRef({})",
  "new WeakMap()",
  "new WeakSet()",
  "new DataView(new ArrayBuffer(1))",
  "new Proxy([], {})",
  "new Proxy(() => 1, {})",
  "Object.create(Map.prototype)",
  "async () => 1",
  "new TypeError()",
];
for (
  const is of [
    "isUndefined",
    "isNull",
    "isBool",
    "isNumber",
    "isString",
    "isSymbol",
    "isBigInt",
    "isObject",
    "isArray",
    "isFunction",
    "isError",
    "isPromise",
    "isArrayBuffer",
    "isProxy",
    "isMap",
    "isSet",
    "isDate",
    "isRegExp",
    "isWeakRef",
    "isWeakMap",
    "isWeakSet",
    "isDataView",
    "typeof",
  ]
) {
  add(is, (vm) => values.map((code) => `${code}: ${vm.evalCode(code)[is]}`));
}
add("vm.typeof", (vm) => values.map((code) => vm.typeof(vm.evalCode(code))));
add(
  "className",
  each(values.filter((code) => !code.includes("Proxy")), (handle) => handle.className),
);
add("className of a proxy", (vm) => vm.evalCode("new Proxy([], {})").className, {
  differs: "classNames",
  ours: "Proxy",
});
add("classId", (vm) => {
  const id = (code) => vm.evalCode(code).classId;
  return [
    id("1"),
    id("null"),
    id("({})") === id("Object.create(null)"),
    id("[]") === id("({})"),
    id("new Map") > 0,
  ];
});
add(
  "constructorName",
  each([
    "[]",
    "({})",
    "new Map()",
    "new (class Own {})()",
    "Object.create(null)",
    "() => 1",
    "({ constructor: 3 })",
  ], (handle) => handle.constructorName),
);
add(
  "constructorName of others",
  each(["1", "'s'", "new Proxy({}, {})"], (handle) => handle.constructorName),
  {
    differs: "constructorNames",
    ours: [undefined, undefined, undefined],
  },
);
add("identity", (vm) => {
  const [a, b, c] = ["globalThis.o = {}", "o", "({})"].map((code) => vm.evalCode(code));
  return [
    a.identity === b.identity,
    a.identity === c.identity,
    a.identity === a.dup().identity,
    vm.newNumber(5).identity,
    vm.null.identity,
  ];
});
add(
  "length",
  each(
    ["'abc'", "[1, 2]", "({ length: '7' })", "(a, b) => 1", "new Uint8Array(3)"],
    (handle) => handle.length,
  ),
);
add("length where there is none", each(["({})", "undefined"], (handle) => handle.length), {
  differs: "refused",
  ours: [0, "TypeError: cannot read property 'length' of undefined"],
});
add(
  "promiseState",
  each([
    "Promise.resolve()",
    "new Promise(() => {})",
    "const p = Promise.reject(); p.catch(() => {}); p",
  ], (handle) => handle.promiseState),
);
add("promiseState of others", each(["({})", "1"], (handle) => handle.promiseState), {
  differs: "refused",
  ours: ["refused", "refused"],
});
