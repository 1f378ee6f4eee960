// SPDX-License-Identifier: MIT
//
// values.mjs - cases: making values.

import { add, caught } from "./case.mjs";

add("constants of a VM", (vm) => [
  vm.undefined.typeof,
  vm.null.isNull,
  vm.true.toBoolean(),
  vm.false.toBoolean(),
  vm.global.typeof,
  vm.getUndefined().typeof,
  vm.getNull().isNull,
  vm.getTrue().toBoolean(),
  vm.getFalse().toBoolean(),
  vm.getGlobal().getProp("Object").typeof,
  vm.undefined === vm.undefined,
  vm.global === vm.global,
]);
add("constants survive dispose", (vm) => {
  for (const handle of [vm.undefined, vm.null, vm.true, vm.false, vm.global]) handle.dispose();
  return [
    vm.undefined.disposed,
    vm.null.typeof,
    vm.true.toBoolean(),
    vm.global.getProp("Array").typeof,
  ];
});
add("dup of constants", (vm) => vm.null.dup() === vm.null, { differs: "constants", ours: true });
add(
  "strings",
  (vm) =>
    ["", "plain", "ü ß €", "\u{1f600}", "a\0b", "lone \ud800 one", "x".repeat(70000)].map(
      (text) => {
        const handle = vm.newString(text);
        return [handle.length, handle.toString() === text, vm.dump(handle) === text];
      },
    ),
);
add(
  "strings of the guest",
  (vm) =>
    ["'\\ud800x'", "'\\0'", "'ä'.repeat(300)", "'\u20ac'.repeat(300)"].map((code) =>
      vm.evalCode(code).toString()
    ),
);
add(
  "numbers",
  (vm) =>
    [0, -0, 1.5, -7, NaN, Infinity, 2 ** 53, 5e-324].map((
      n,
    ) => [vm.newNumber(n).toNumber(), vm.dump(vm.newNumber(n))]),
);
add(
  "BigInts",
  (vm) =>
    [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)].map((
      n,
    ) => [vm.newBigInt(n).toBigInt(), vm.newBigInt(n).toString(), vm.newBigInt(n).isBigInt]),
);
add("large BigInts in", (vm) => vm.newBigInt(2n ** 100n).toString(), {
  differs: "bigints",
  ours: String(2n ** 100n),
});
add("large BigInts out", (vm) => vm.evalCode("-(2n ** 100n)").toBigInt(), {
  differs: "bigints",
  ours: -(2n ** 100n),
});
add("toBigInt of others", (vm) => caught(() => vm.newNumber(1).toBigInt()));
add("objects and arrays", (vm) => {
  const [object, array] = [vm.newObject(), vm.newArray()];
  object.setProp("a", vm.newNumber(1));
  array.setProp("0", vm.newString("first"));
  return [vm.dump(object), vm.dump(array), array.isArray, array.length, object.className];
});
add("symbols", (vm) => {
  const symbol = vm.newSymbolFor("shared");
  vm.setProp(vm.global, "s", symbol);
  return [
    symbol.isSymbol,
    symbol.typeof,
    vm.dump(symbol) === Symbol.for("shared"),
    vm.evalCode("s === Symbol.for('shared')").toBoolean(),
  ];
});
add("buffers", (vm) => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  return [
    vm.newArrayBuffer(bytes.buffer),
    vm.newArrayBuffer(bytes.subarray(1, 3)),
    vm.newUint8Array(bytes.subarray(2)),
    vm.newUint8Array(new Uint8Array(0)),
  ]
    .map((handle) => [handle.className, handle.isArrayBuffer, [...handle.toUint8Array()]]);
});
add("errors from texts", (vm) => {
  const error = vm.newError("words");
  return [
    error.isError,
    error.constructorName,
    error.getProp("message").toString(),
    error.getProp("name").toString(),
  ];
});
add("errors from errors", (vm) => {
  const given = new TypeError("typed");
  given.stack = "where it was";
  const error = vm.newError(given);
  return ["name", "message", "stack"].map((key) => error.getProp(key).toString());
});
add("classes of errors", (vm) => vm.newError(new RangeError("r")).constructorName, {
  differs: "hostErrors",
  ours: "RangeError",
});
add(
  "arguments of wrong types",
  (vm) => [caught(() => vm.newString(5).toString()), caught(() => vm.newNumber("5").toNumber())],
  {
    differs: "arguments",
    ours: ["refused", "refused"],
  },
);
