// SPDX-License-Identifier: MIT
//
// values.js - what structuredClone makes of each kind of value.

const clone = structuredClone;
const equal = (value, text) => {
  const made = clone(value);
  check(made !== value || !(value instanceof Object), `${text}: another object`);
  same(made, value, text);
};

// ---- the function itself ------------------------------------------------------

same(clone.name, "structuredClone");
const descriptor = Object.getOwnPropertyDescriptor(globalThis, "structuredClone");
check(descriptor.writable && descriptor.enumerable && descriptor.configurable);
throws(() => clone(), "TypeError");
throws(() => clone(1, 1), "TypeError");
throws(() => clone(1, "text"), "TypeError");
same(clone(1, null), 1);
same(clone(1, {}), 1);
same(clone(1, { transfer: undefined }), 1);

// ---- primitives ---------------------------------------------------------------

for (const value of [undefined, null, true, false, 0, -0, 1.5, NaN, Infinity, -1, 2 ** 53]) {
  equal(value, "primitive");
}
for (const value of ["", "text", "\u0000", "\ud800", "\u{1f600}", "x".repeat(70000)]) {
  equal(value, "string");
}
for (const value of [0n, -1n, 2n ** 64n, -(3n ** 333n)]) equal(value, "bigint");
throws(() => clone(Symbol("s")), "DataCloneError");
throws(() => clone(Symbol.iterator), "DataCloneError");

// ---- boxed values, dates, regular expressions ----------------------------------

for (const value of [true, false, 0, -0, NaN, "", "text", 7n, -(2n ** 70n)]) {
  equal(Object(value), "boxed");
}
throws(() => clone(Object(Symbol())), "DataCloneError");
equal(new Date(0), "date");
equal(new Date(8.64e15), "date");
check(Number.isNaN(clone(new Date(NaN)).getTime()));
for (const value of [/a/, /a\/b/dgimsuy, /[\p{L}--[a-z]]/v, new RegExp("")]) {
  value.lastIndex = 3;
  const made = clone(value);
  same([made.source, made.flags, made.lastIndex], [value.source, value.flags, 0]);
  check(Object.getPrototypeOf(made) === RegExp.prototype);
}
const boxed = Object.assign(Object("abc"), { more: 1 });
same(Reflect.ownKeys(clone(boxed)), ["0", "1", "2", "length"], "no further properties");
const dated = Object.assign(new Date(5), { more: 1 });
same(Reflect.ownKeys(clone(dated)), []);

// ---- objects and arrays ---------------------------------------------------------

equal({}, "object");
equal({ b: 1, a: { c: [1, [2, [3]]] }, 7: 1, 0: 2 }, "object");
same(Object.keys(clone({ b: 1, a: 2, 7: 3, 0: 4 })), ["0", "7", "b", "a"], "order");
equal([], "array");
equal([1, "2", null, undefined, [{}]], "array");
equal([1, , 3, , ,], "holes");
same(clone([1, , 3, ,]).length, 4);
check(!(1 in clone([1, , 3])));
const extra = Object.assign([1, , 3], { "-1": 2, x: { y: 1 } });
equal(extra, "array with properties");
const sparse = [];
sparse[4294967290] = 1;
sparse.length = 4294967295;
same(clone(sparse).length, 4294967295);
same(Object.keys(clone(sparse)), ["4294967290"]);
const long = Array.from({ length: 3000 }, (_, i) => ({ i }));
equal(long, "long array");

class Point {
  #hidden = 1;
  constructor() {
    this.x = 1;
  }
  get y() {
    return this.#hidden;
  }
}
const point = clone(new Point());
check(Object.getPrototypeOf(point) === Object.prototype);
same(point, { x: 1 });
same(clone(Object.create(null, { a: { value: 1, enumerable: true } })), { a: 1 });
same(clone(Object.create({ inherited: 1 })), {});
same(clone({ [Symbol("s")]: 1, a: 2 }), { a: 2 }, "no symbols");
same(clone(Object.defineProperty({ a: 1 }, "b", { value: 2 })), { a: 1 }, "enumerable ones");
const frozen = Object.freeze({ a: Object.freeze([1]) });
const thawed = clone(frozen);
thawed.a.push(2);
same(thawed, { a: [1, 2] });
class List extends Array {}
const list = clone(List.from([1, 2]));
check(Object.getPrototypeOf(list) === Array.prototype);
same(clone(Math), {});

// ---- maps and sets ----------------------------------------------------------------

equal(new Map(), "map");
equal(new Map([[1, 2], ["a", { b: 1 }], [{ k: 1 }, [1]], [NaN, -0], [undefined, null]]), "map");
equal(new Set(), "set");
equal(new Set([1, "a", { b: new Set([1]) }, NaN]), "set");
equal(new Map([[new Map([[1, new Set([{}])]]), new Map()]]), "nested");
const dressed = Object.assign(new Map([[1, 2]]), { more: 1 });
same(Reflect.ownKeys(clone(dressed)), []);
class Registry extends Map {}
check(Object.getPrototypeOf(clone(new Registry([[1, 2]]))) === Map.prototype);
for (let size = 0; size < 40; size++) {
  equal(new Map(Array.from({ length: size }, (_, i) => [i, i])), "map of each size");
  equal(new Set(Array.from({ length: size }, (_, i) => `${i}`)), "set of each size");
}

// ---- one object in many places, cycles ---------------------------------------------

const shared = { a: 1 };
const holder = clone({
  one: shared,
  two: shared,
  list: [shared],
  map: new Map([[shared, shared]]),
});
check(holder.one === holder.two && holder.one === holder.list[0]);
check([...holder.map][0][0] === holder.one && [...holder.map][0][1] === holder.one);
const circle = { list: [] };
circle.list.push(circle, circle.list);
const turned = clone(circle);
check(turned.list[0] === turned && turned.list[1] === turned.list);
const knot = new Map();
knot.set(knot, new Set([knot]));
const knotted = clone(knot);
check([...knotted][0][0] === knotted && [...[...knotted][0][1]][0] === knotted);
const text = Object("same");
const pair = clone([text, text]);
check(pair[0] === pair[1]);

// ---- what cannot be cloned -----------------------------------------------------------

const refused = {
  function: () => {},
  class: class {},
  method: Math.max,
  bound: (() => {}).bind(),
  async: async () => {},
  generatorFunction: function* () {},
  generator: (function* () {})(),
  promise: Promise.resolve(),
  weakMap: new WeakMap(),
  weakSet: new WeakSet(),
  weakRef: new WeakRef({}),
  proxy: new Proxy({}, {}),
  proxyOfArray: new Proxy([], {}),
  proxyOfMap: new Proxy(new Map(), {}),
  iterator: [][Symbol.iterator](),
  mapIterator: new Map().entries(),
  arguments: (function () {
    return arguments;
  })(1),
  strictArguments: (function () {
    "use strict";
    return arguments;
  })(1),
  registry: new FinalizationRegistry(() => {}),
};
for (const [name, value] of Object.entries(refused)) {
  const places = [value, [value], { value }, new Map([[value, 1]]), new Map([[1, value]])];
  for (const place of [...places, new Set([value]), [[[{ a: new Map([[1, [value]]]) }]]]]) {
    const error = throws(() => clone(place), "DataCloneError", name);
    check(error instanceof DOMException && error.code === 25, name);
  }
}
