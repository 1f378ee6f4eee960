// SPDX-License-Identifier: MIT
//
// init.js - what the constructor of Headers takes, and in which order it asks.

const list = (init) => [...new Headers(init)];

same(list(), []);
same(list(undefined), []);
same(list({}), []);
same(list([]), []);
same(list([["b", "2"], ["a", "1"], ["B", "3"]]), [["a", "1"], ["b", "2, 3"]]);
same(list({ b: 2, A: " 1 " }), [["a", "1"], ["b", "2"]]);
same(list(new Headers({ a: 1 })), [["a", "1"]]);
same(list(new Map([["a", 1], ["b", null]])), [["a", "1"], ["b", "null"]]);
same(list([new Set(["a", "1"])]), [["a", "1"]]);
same(
  list((function* () {
    yield ["a", "1"];
    yield ["b", "2"];
  })()),
  [["a", "1"], ["b", "2"]],
);
throws(() => new Headers({ [Symbol.iterator]: undefined, a: 1 }), "TypeError", "a record with it");
for (const wrong of [null, 0, 1, "", "ab", true, Symbol(), 1n]) {
  throws(() => new Headers(wrong), "TypeError");
}
for (
  const wrong of [["ab"], [["a"]], [["a", "b", "c"]], [[]], [5], [null], [{}], [["a", "1"], "bc"]]
) {
  throws(() => new Headers(wrong), "TypeError", JSON.stringify(wrong));
}
for (const wrong of [5, {}, "text"]) {
  throws(() => new Headers({ [Symbol.iterator]: wrong }), "TypeError");
  throws(() => new Headers([{ [Symbol.iterator]: wrong }]), "TypeError");
  throws(() => new Headers({ [Symbol.iterator]: () => ({ next: wrong }) }), "TypeError");
  throws(() => new Headers({ [Symbol.iterator]: () => ({ next: () => 5 }) }), "TypeError");
}
throws(() => new Headers({ [Symbol.iterator]: () => 5 }), "TypeError");
throws(() => new Headers({ a: "\u0100" }), "TypeError");
throws(() => new Headers({ "\u0100": "a" }), "TypeError");
throws(() => new Headers({ "": "a" }), "TypeError");
throws(() => new Headers({ [Symbol("s")]: "a" }), "TypeError");
throws(() => new Headers({ a: Symbol() }), "TypeError");
throws(() => new Headers({ a: "b\nc" }), "TypeError");
same(
  list(
    Object.create({ inherited: 1 }, { hidden: { value: 1 }, seen: { value: 2, enumerable: true } }),
  ), // deno-fmt-ignore-line
  [["seen", "2"]],
);
same(list(Object.defineProperty({ a: 1 }, Symbol("s"), { value: 1 })), [["a", "1"]]);
same(list(() => {}), []);
same(list(Object.assign(() => {}, { a: 1 })), [["a", "1"]]);
same(list(Object(1)), []);
same(list(new Date()), []);

// What throws, throws; iterators are not closed.
let closed = 0;
const iterable = (next) => ({
  [Symbol.iterator]: () => ({ next, return: () => (closed++, {}) }),
});
const failing = () => {
  throw new RangeError();
};
throws(() => new Headers(iterable(failing)), "RangeError");
throws(() => new Headers([iterable(failing)]), "RangeError");
throws(() => new Headers({ [Symbol.iterator]: failing }), "RangeError");
throws(() =>
  new Headers({
    get [Symbol.iterator]() {
      return failing();
    },
  }), "RangeError");
throws(() =>
  new Headers({
    get a() {
      return failing();
    },
  }), "RangeError");
throws(() => new Headers([["a", { toString: failing }]]), "RangeError");
throws(() =>
  new Headers(iterable(() => ({
    get done() {
      return failing();
    },
  }))), "RangeError");
throws(() =>
  new Headers(iterable(() => ({
    get value() {
      return failing();
    },
  }))), "RangeError");
throws(() => new Headers(iterable(() => ({ value: 5 }))), "TypeError");
throws(() => new Headers([iterable(() => ({ value: Symbol() }))]), "TypeError");
same(closed, 0);

// Everything is converted before anything is looked at, one pair after the other.
const log = [];
const tell = (text) => ({ toString: () => (log.push(text), text) });
const pairs = [[tell("a b"), tell("1")], [tell("c"), tell("2"), tell("3")], [tell("d"), tell("4")]];
throws(() => new Headers(pairs), "TypeError");
same(log, ["a b", "1", "c", "2", "3", "d", "4"]);
log.length = 0;
throws(() => new Headers({ "a b": tell("1"), c: tell("2") }), "TypeError");
same(log, ["1", "2"]);
log.length = 0;
throws(() => new Headers({ a: tell("1"), "\u0100": tell("2"), c: tell("3") }), "TypeError");
same(log, ["1"]);
log.length = 0;
const stepping = function* () {
  log.push("first");
  yield [tell("a"), "1"];
  log.push("second");
  yield 5;
  log.push("never");
};
throws(() => new Headers(stepping()), "TypeError");
same(log, ["first", "a", "second"]);

// What is asked of a record.
const asked = [];
const name = (key) => typeof key === "symbol" ? key.description : key;
const record = new Proxy({ a: "1", b: "2", hidden: "3" }, {
  get: (target, key, receiver) => {
    asked.push(`get ${name(key)}`);
    return Reflect.get(target, key, receiver);
  },
  has: failing,
  ownKeys: (target) => {
    asked.push("keys");
    return Reflect.ownKeys(target);
  },
  getOwnPropertyDescriptor: (target, key) => {
    asked.push(`own ${name(key)}`);
    const found = Reflect.getOwnPropertyDescriptor(target, key);
    return key === "hidden" ? { ...found, enumerable: false } : found;
  },
});
same(list(record), [["a", "1"], ["b", "2"]]);
same(asked, ["get Symbol.iterator", "keys", "own a", "get a", "own b", "get b", "own hidden"]);
throws(() => new Headers(new Proxy({}, { ownKeys: failing })), "RangeError");
throws(() => new Headers(new Proxy({ a: 1 }, { getOwnPropertyDescriptor: failing })), "RangeError");

// A Headers is a sequence like any other.
const patched = new Headers({ a: 1 });
patched[Symbol.iterator] = function* () {
  yield ["other", "2"];
};
same(list(patched), [["other", "2"]]);

// A getter of the new target's prototype comes after the conversion.
const steps = [];
const target = new Proxy(function () {}, {
  get: (object, key) => {
    steps.push(`target ${name(key)}`);
    return Reflect.get(object, key);
  },
});
Reflect.construct(Headers, [[["a", { toString: () => (steps.push("value"), "1") }]]], target);
same(steps, ["value", "target prototype"]);

// Many names and many values.
const many = Array.from({ length: 3000 }, (_, i) => [`n${(i * 7919) % 1000}`, `${i}`]);
const kept = new Headers(many);
const expected = new Map();
for (const [key, value] of many) {
  expected.set(key, expected.has(key) ? `${expected.get(key)}, ${value}` : value);
}
same([...kept], [...expected].sort(([a], [b]) => a < b ? -1 : 1));
