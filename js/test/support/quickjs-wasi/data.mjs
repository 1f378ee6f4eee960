// SPDX-License-Identifier: MIT
//
// data.mjs - cases: whole values.

import { add, caught, caughtHost, each } from "./case.mjs";

add(
  "dump",
  each([
    "({ a: 1, b: [true, null, 'x', -0], c: { d: {} } })",
    "[]",
    "({ f() {}, u: undefined, s: Symbol('u') })",
    "() => 1",
    "Symbol('u')",
    "Symbol.for('g')",
    "Object.create({ up: 1 })",
    "class P { x = 1 }; new P()",
    "({ get x() { return 5 } })",
    "Object.defineProperty({}, 'hidden', { value: 1 })",
    "(function () { return arguments })(1, 2)",
    "new Uint8Array([1, 2])",
    "new Uint8Array([1, 2]).buffer",
    "5n",
  ], (handle, vm) => vm.dump(handle)),
);
add("dump of proxies", (vm) => caught(() => vm.dump(vm.evalCode("new Proxy({ a: 1 }, {})")).a), {
  differs: "proxies",
  ours: "TypeError: the value is a Proxy, not data",
});
add("dump of circles and of what is shared", (vm) => {
  const value = vm.dump(vm.evalCode("const s = {}, c = { s, t: [s] }; c.self = c; c"));
  return [value.self === value, value.s === value.t[0]];
});
add("dump of errors", (vm) => {
  const error = vm.dump(vm.evalCode("new TypeError('t')", "file.js"));
  return [error instanceof Error, error.name, error.message, /file\.js/.test(error.stack)];
});
add(
  "the stack of a dumped error",
  (vm) => vm.dump(vm.evalCode("new TypeError('t')")).stack.startsWith("TypeError: t\n"),
  { differs: "errorData", ours: true },
);
add("dump of causes", (vm) => vm.dump(vm.evalCode("new Error('e', { cause: 5 })")).cause, {
  differs: "errorData",
  ours: 5,
});
add(
  "dump of other kinds",
  each([
    "new Date(5)",
    "new Map([[1, 2]])",
    "new Set([1])",
    "/a/g",
    "new Int16Array([1])",
    "new Float64Array([0.5])",
    "Object('s')",
  ], (handle, vm) => vm.dump(handle)?.constructor?.name),
  {
    differs: "data",
    ours: ["Date", "Map", "Set", "RegExp", "Int16Array", "Float64Array", "String"],
  },
);
add("dump of large BigInts", (vm) => vm.dump(vm.evalCode("2n ** 70n")), {
  differs: "bigints",
  ours: 2n ** 70n,
});
add("dump of holes", (vm) => 1 in vm.dump(vm.evalCode("[1, , 3]")), {
  differs: "holes",
  ours: false,
});
add(
  "dump of getters that throw",
  (vm) =>
    caught(() => vm.dump(vm.evalCode("({ get x() { throw new Error('g') } })")).x instanceof Error),
  {
    differs: "getters",
    ours: "Error: g",
  },
);
add("dump of __proto__", (vm) => Object.keys(vm.dump(vm.evalCode("({ ['__proto__']: 1 })"))), {
  differs: "prototypes",
  ours: ["__proto__"],
});

const tell = "Object.prototype.toString.call(v) + JSON.stringify(v) + typeof v";
const host = (value) => (vm) => {
  vm.setProp(vm.global, "v", vm.hostToHandle(value));
  return vm.evalCode(tell).toString();
};
for (
  const [name, value] of Object.entries({
    undefined: undefined,
    null: null,
    booleans: [true, false],
    numbers: [0, 1.5, -7],
    text: "te\0xt \ud800",
    object: { a: { b: [1, { c: "d" }] }, n: null, u: undefined },
    array: [1, "2", [3]],
    shared: Symbol.for("shared").description,
    instance: new (class P {
      x = 1;
    })(),
    bare: Object.assign(Object.create(null), { a: 1 }),
    bytes: new Uint8Array([1, 2]),
    buffer: new Uint8Array([1]).buffer,
  })
) {
  add(`hostToHandle of ${name}`, host(value));
}
add(
  "hostToHandle of numbers",
  (vm) => [-0, NaN, Infinity].map((n) => vm.hostToHandle(n).toNumber()),
);
add(
  "hostToHandle of BigInts and symbols",
  (
    vm,
  ) => [
    vm.hostToHandle(7n).toBigInt(),
    vm.dump(vm.hostToHandle(Symbol.for("k"))) === Symbol.for("k"),
  ],
);
add("hostToHandle of errors", (vm) => {
  const error = vm.hostToHandle(new TypeError("t"));
  return [error.isError, error.getProp("name").toString(), error.getProp("message").toString()];
});
add("hostToHandle of holes", (vm) => {
  vm.setProp(vm.global, "v", vm.hostToHandle([1, , 3]));
  return vm.evalCode("v.length + String(v)").toString();
});
add("hostToHandle of unique symbols", (vm) => caught(() => vm.hostToHandle(Symbol("u"))));
add("hostToHandle of getters that throw", (vm) =>
  caughtHost(() =>
    vm.hostToHandle({
      get x() {
        throw new Error("mine");
      },
    })
  ));
add(
  "hostToHandle of other kinds",
  (vm) =>
    [new Date(5), new Map(), new Set(), /a/, new Int8Array(1), new Float32Array(1)].map((value) =>
      vm.hostToHandle(value).className
    ),
  {
    differs: "data",
    ours: ["Date", "Map", "Set", "RegExp", "Int8Array", "Float32Array"],
  },
);
add(
  "hostToHandle of functions",
  (vm) => [
    caught(() => vm.hostToHandle(() => 1).typeof),
    caught(() => vm.hostToHandle({ f() {} }).typeof),
  ],
  {
    differs: "functionsIn",
    ours: ["refused", "refused"],
  },
);
add(
  "hostToHandle of Symbol.iterator",
  (vm) => caught(() => vm.hostToHandle(Symbol.iterator).typeof),
  { differs: "symbols", ours: "symbol" },
);
add("hostToHandle of __proto__", (vm) => vm.hostToHandle(JSON.parse('{"__proto__": 1}')).keys(), {
  differs: "prototypes",
  ours: ["__proto__"],
});
add("hostToHandle of circles", (vm) => {
  const circle = {};
  circle.self = circle;
  return caught(() => vm.dump(vm.hostToHandle(circle)).self.self !== undefined);
}, { differs: "circles", ours: true });
add(
  "hostToHandle of handles within",
  (vm) =>
    caught(() =>
      vm.hostToHandle({ h: vm.newObject(), n: vm.newNumber(5) }).keys().length &&
      vm.dump(vm.hostToHandle([vm.newNumber(5)]))[0]
    ),
  {
    differs: "handlesIn",
    // Theirs copies all that the handle is made of, which takes minutes.
    alone: true,
    ours: 5,
  },
);
