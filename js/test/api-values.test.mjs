// SPDX-License-Identifier: MIT
//
// api-values.test.mjs - values that the host makes, and what handles say of
// values: kinds, classes, conversions, properties by every kind of key.

import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import { Brand, JSException, MisuseError, WrongTypeError } from "torpor-vm";

// ---- Making -------------------------------------------------------------------

test("strings go in and come out exactly", () =>
  withVM((vm) => {
    const texts = [
      "",
      "a",
      "\0",
      "a\0b",
      "é",
      "ÿ".repeat(300),
      "a".repeat(255) + "ÿ",
      "ā",
      "日本語",
      "😀",
      "\ud800",
      "\udc00x\ud800",
      "\ufeffmark",
      "x".repeat(64),
      "x".repeat(65),
      "x".repeat(100_000),
      "ü".repeat(100_000),
      "日".repeat(100_000),
      "x".repeat(8191) + "\ud800",
    ];
    const same = vm.evalCode("(a, b) => a === b");
    for (const text of texts) {
      const made = vm.newString(text);
      assert(made.isString, "it is a string");
      assert.equal(made.typeof, "string");
      assert.equal(made.toString(), text);
      assert.equal(vm.dump(made), text);
      assert.equal(made.length, text.length);
      const inside = vm.evalCode(JSON.stringify(text));
      assert(vm.callFunction(same, vm.undefined, made, inside).toBoolean(), JSON.stringify(text));
      assert.equal(inside.toString(), text);
    }
    for (const wrong of [1, null, undefined, {}, Symbol("x"), new String("x")]) {
      assert.throws(() => vm.newString(wrong), MisuseError);
    }
  }));

test("numbers go in and come out exactly", () =>
  withVM((vm) => {
    const numbers = [
      0,
      -0,
      1,
      -1,
      1.5,
      NaN,
      Infinity,
      -Infinity,
      2 ** 31,
      -(2 ** 31),
      2 ** 32,
      2 ** 53,
      5e-324,
    ];
    const give = vm.evalCode("(x) => x");
    for (const number of numbers) {
      const made = vm.newNumber(number);
      assert.equal(made.toNumber(), number);
      const back = vm.callFunction(give, vm.undefined, made);
      assert(back.isNumber, String(number));
      assert.equal(back.toNumber(), number);
      assert.equal(vm.dump(back), number);
      assert.equal(back.toString(), String(number));
    }
    // A NaN with other bits is a NaN and no other value.
    const bits = new Float64Array(new BigUint64Array([0xfffc000000000001n]).buffer)[0];
    assert.equal(vm.callFunction(give, vm.undefined, vm.newNumber(bits)).toNumber(), NaN);
    assert.equal(vm.dump(vm.hostToHandle({ a: bits })).a, NaN);
    for (const wrong of ["1", 1n, null, undefined, {}]) {
      assert.throws(() => vm.newNumber(wrong), MisuseError);
    }
  }));

test("bigints go in and come out exactly", () =>
  withVM((vm) => {
    const give = vm.evalCode("(x) => x");
    for (
      const value of [
        0n,
        1n,
        -1n,
        2n ** 31n,
        -(2n ** 63n),
        2n ** 64n,
        2n ** 64n - 1n,
        -(2n ** 1000n) + 7n,
      ]
    ) {
      const made = vm.newBigInt(value);
      assert(made.isBigInt, String(value));
      assert.equal(made.toBigInt(), value);
      assert.equal(vm.callFunction(give, vm.undefined, made).toBigInt(), value);
      assert.equal(vm.dump(made), value);
      assert.equal(made.toString(), String(value));
      assert.equal(vm.evalCode(`${value}n`).toBigInt(), value);
    }
    assert.throws(() => vm.newBigInt(1), MisuseError);
    assert.throws(() => vm.newBigInt("1"), MisuseError);
    assert.throws(() => vm.newNumber(1).toBigInt(), WrongTypeError);
  }));

test("objects, arrays, dates, maps, sets, buffers, symbols, errors", () =>
  withVM((vm) => {
    const object = vm.newObject();
    object.setProp("a", vm.true);
    assert.deepEqual(vm.dump(object), { a: true });
    const array = vm.newArray();
    array.setProp(0, vm.newNumber(1));
    array.setProp(2, vm.null);
    assert.equal(array.length, 3);
    // deno-lint-ignore no-sparse-arrays
    assert.deepEqual(vm.dump(array), [1, , null]);
    const date = vm.newDate(new Date(86_400_000));
    assert(date.isDate, "a Date");
    assert.deepEqual(vm.dump(date), new Date(86_400_000));
    assert.equal(vm.newDate(5).toNumber(), 5);
    assert.equal(vm.newDate(NaN).toNumber(), NaN);
    assert.throws(() => vm.newDate("2020"), MisuseError);
    const key = vm.newString("k");
    const map = vm.newMap([[key, vm.newNumber(1)], [object, vm.null]]);
    assert(map.isMap, "a Map");
    assert.deepEqual(vm.dump(map), new Map([["k", 1], [{ a: true }, null]]));
    assert.deepEqual(vm.dump(vm.newMap()), new Map());
    const set = vm.newSet(new Set([key, vm.newNumber(-0), vm.newNumber(0)]));
    assert.deepEqual(vm.dump(set), new Set(["k", 0]));
    assert.deepEqual(
      vm.dump(vm.newSet(Array.from({ length: 2000 }, (_, i) => vm.newNumber(i)))).size,
      2000,
    );
    for (const wrong of [5, null, {}, [1], [[key]], [[1, 2]], ["ab"]]) {
      assert.throws(() => vm.newMap(wrong), MisuseError);
    }
    for (const wrong of [5, null, {}, [1], "ab"]) {
      assert.throws(() => vm.newSet(wrong), MisuseError);
    }
    const symbol = vm.newSymbolFor("shared");
    assert(symbol.isSymbol, "a symbol");
    assert.equal(vm.dump(symbol), Symbol.for("shared"));
    assert.equal(symbol.toString(), "Symbol(shared)");
    assert.throws(() => vm.newSymbolFor(Symbol("x")), MisuseError);
  }));

test("buffers are copied both ways", () =>
  withVM((vm) => {
    const bytes = new Uint8Array([0, 1, 2, 255]);
    for (
      const source of [
        bytes,
        bytes.buffer,
        new DataView(bytes.buffer),
        new Uint16Array(bytes.buffer),
      ]
    ) {
      const buffer = vm.newArrayBuffer(source);
      assert(buffer.isArrayBuffer, "an ArrayBuffer");
      assert.deepEqual(new Uint8Array(buffer.toArrayBuffer()), bytes);
      const view = vm.newUint8Array(source);
      assert.deepEqual(view.toUint8Array(), bytes);
      assert.equal(view.constructorName, "Uint8Array");
    }
    assert.deepEqual(vm.newArrayBuffer(bytes.subarray(1, 3)).toUint8Array(), bytes.slice(1, 3));
    assert.equal(vm.newArrayBuffer(new ArrayBuffer(0)).toArrayBuffer().byteLength, 0);
    assert.equal(vm.newUint8Array(new Uint8Array(0)).toUint8Array().length, 0);
    const copy = vm.newUint8Array(bytes);
    bytes[0] = 9;
    assert.equal(copy.getProp(0).toNumber(), 0);
    const out = copy.toUint8Array();
    out[1] = 77;
    assert.equal(copy.getProp(1).toNumber(), 1);
    assert.deepEqual(
      vm.evalCode("new Uint16Array(new Uint8Array([9, 9, 1, 2, 3, 4]).buffer, 2, 1)")
        .toUint8Array(),
      new Uint8Array([1, 2]),
    );
    for (const wrong of ["x", 4, null, undefined, [1, 2], {}]) {
      assert.throws(() => vm.newArrayBuffer(wrong), MisuseError);
      assert.throws(() => vm.newUint8Array(wrong), MisuseError);
    }
    for (const code of ["({})", "[1]", "'text'", "5"]) {
      assert.throws(() => vm.evalCode(code).toUint8Array(), WrongTypeError);
    }
    assert.throws(
      () => vm.evalCode("const b = new ArrayBuffer(8); b.transfer(); b").toUint8Array(),
      WrongTypeError,
    );
  }));

test("errors keep name, message, stack and cause", () =>
  withVM((vm) => {
    const given = new RangeError("far", { cause: new TypeError("deep") });
    const made = vm.newError(given);
    assert(made.isError, "an Error");
    assert.equal(made.getProp("name").toString(), "RangeError");
    assert.equal(made.getProp("message").toString(), "far");
    assert.equal(made.getProp("stack").toString(), given.stack);
    assert.equal(made.getProp("cause").getProp("message").toString(), "deep");
    assert.equal(run(vm, "(e) => e instanceof RangeError"), undefined);
    const is = vm.evalCode("(e) => e instanceof RangeError && e.cause instanceof TypeError");
    assert(vm.callFunction(is, vm.undefined, made).toBoolean(), "of the guest's classes");
    const plain = vm.newError("just a message");
    assert.equal(plain.toString(), "Error: just a message");
    class Own extends Error {
      name = "Own";
    }
    assert.equal(vm.newError(new Own("x")).getProp("name").toString(), "Own");
    assert.throws(() => vm.newError(5), MisuseError);
    assert.throws(() => vm.newError(), MisuseError);
    assert.throws(() => vm.newError({ message: "x" }), MisuseError);
  }));

test("constants are cached and survive dispose", () =>
  withVM((vm) => {
    for (const name of ["global", "undefined", "null", "true", "false"]) {
      const handle = vm[name];
      assert.equal(vm[name], handle, name);
      handle.dispose();
      assert.equal(handle.disposed, false, name);
      assert.equal(vm[name], handle, name);
    }
    assert.equal(vm.dump(vm.true), true);
    assert.equal(vm.dump(vm.false), false);
    assert.equal(vm.dump(vm.null), null);
    assert.equal(vm.dump(vm.undefined), undefined);
    vm.global.setProp("x", vm.true);
    assert.equal(run(vm, "x"), true);
    assert.equal(vm.evalCode("undefined"), vm.undefined);
  }));

// ---- What a value is ----------------------------------------------------------

const KINDS = [
  ["undefined", "isUndefined", "undefined", 0],
  ["null", "isNull", "object", 0],
  ["true", "isBool", "boolean", 0],
  ["1.5", "isNumber", "number", 0],
  ["'text'", "isString", "string", 0],
  ["Symbol('x')", "isSymbol", "symbol", 0],
  ["5n", "isBigInt", "bigint", 0],
  ["({})", "isObject", "object"],
  ["[1]", "isArray", "object"],
  ["(function f() {})", "isFunction", "function"],
  ["(() => 1)", "isFunction", "function"],
  ["(async function* () {})", "isFunction", "function"],
  ["(class {})", "isFunction", "function"],
  ["Math.max", "isFunction", "function"],
  ["(() => 1).bind(null)", "isFunction", "function"],
  ["new TypeError('x')", "isError", "object"],
  ["Promise.resolve()", "isPromise", "object"],
  ["new ArrayBuffer(1)", "isArrayBuffer", "object"],
  ["new Proxy({}, {})", "isProxy", "object"],
  ["new Map", "isMap", "object"],
  ["new Set", "isSet", "object"],
  ["new Date", "isDate", "object"],
  ["/x/g", "isRegExp", "object"],
  ["new WeakRef({})", "isWeakRef", "object"],
  ["new WeakMap", "isWeakMap", "object"],
  ["new WeakSet", "isWeakSet", "object"],
  ["new DataView(new ArrayBuffer(1))", "isDataView", "object"],
];
const TESTS = [...new Set(KINDS.map(([, name]) => name))];

test("each kind of value is that and no other", () =>
  withVM((vm) => {
    for (const [code, name, type, brand] of KINDS) {
      const handle = vm.unwrapResult(vm.evalCode(code));
      for (const other of TESTS) {
        const expected = other === name || (other === "isObject" && brand !== 0);
        assert.equal(handle[other], expected, `${code}: ${other}`);
      }
      assert.equal(handle.typeof, type, code);
      assert.equal(vm.typeof(handle), type, code);
      assert.equal(handle.brand === Brand.NONE, brand === 0, code);
      assert.equal(handle.classId === 0, brand === 0, code);
      assert.equal(typeof handle.className, brand === 0 ? "undefined" : "string", code);
      handle.dispose();
    }
  }));

test("no program can change what a value is", () =>
  withVM((vm) => {
    run(
      vm,
      `globalThis.fake = { __proto__: Promise.prototype, constructor: Map, [Symbol.toStringTag]: "Set" };
      Object.defineProperty(Map, Symbol.hasInstance, { value: () => true });
      Array.isArray = () => true; Promise.prototype = 1;`,
    );
    const fake = vm.getProp(vm.global, "fake");
    for (const name of ["isPromise", "isMap", "isSet", "isArray"]) {
      assert.equal(fake[name], false, name);
    }
    assert.equal(fake.className, "Object");
    const map = vm.evalCode("const m = new Map; m.__proto__ = null; m");
    assert(map.isMap, "without its prototype, too");
    assert(vm.evalCode("new Proxy(() => 1, {})").isFunction, "a proxy of a function can be called");
    assert.equal(vm.evalCode("new Proxy([], {})").isArray, false);
  }));

test("class names, constructor names and identity", () =>
  withVM((vm) => {
    assert.equal(vm.evalCode("new Map").className, "Map");
    assert.equal(vm.evalCode("class Point {}; new Point").constructorName, "Point");
    assert.equal(vm.evalCode("[]").constructorName, "Array");
    assert.equal(vm.evalCode("Object.create(null)").constructorName, undefined);
    assert.equal(vm.evalCode("({ get constructor() { throw 1 } })").constructorName, undefined);
    assert.equal(vm.evalCode("({ constructor: 5 })").constructorName, undefined);
    assert.equal(
      vm.evalCode("new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })")
        .constructorName,
      undefined,
    );
    run(vm, "var shared = { a: 1 }");
    const [a, b, c] = ["shared", "shared", "({ a: 1 })"].map((code) => vm.evalCode(code));
    assert.equal(a.identity, b.identity);
    assert.notEqual(a.identity, c.identity);
    assert.equal(a.dup().identity, a.identity);
    assert.notEqual(a.identity, 0);
    assert.equal(vm.newNumber(5).identity, 0);
    assert.equal(vm.null.identity, 0);
    assert.equal(vm.evalCode("Symbol.iterator").identity, vm.evalCode("Symbol.iterator").identity);
  }));

test("lengths and conversions", () =>
  withVM((vm) => {
    assert.equal(vm.evalCode("[1, 2]").length, 2);
    assert.equal(vm.evalCode("'日本'").length, 2);
    assert.equal(vm.evalCode("(a, b) => 1").length, 2);
    assert.equal(vm.evalCode("({ length: 7 })").length, 7);
    assert.equal(vm.evalCode("'12'").toNumber(), 12);
    assert.equal(vm.evalCode("'x'").toNumber(), NaN);
    assert.equal(vm.undefined.toNumber(), NaN);
    assert.equal(vm.null.toNumber(), 0);
    assert.equal(vm.true.toNumber(), 1);
    assert.equal(vm.evalCode("({ valueOf() { return 9 } })").toNumber(), 9);
    assert.throws(() => vm.evalCode("Symbol()").toNumber(), JSException);
    assert.throws(() => vm.evalCode("({ valueOf() { throw 1 } })").toNumber(), JSException);
    for (
      const [code, truth] of [
        ["0", false],
        ["''", false],
        ["NaN", false],
        ["0n", false],
        ["null", false],
        [
          "undefined",
          false,
        ],
        ["'0'", true],
        ["[]", true],
        ["Symbol()", true],
        ["-1", true],
      ]
    ) {
      assert.equal(vm.evalCode(code).toBoolean(), truth, code);
    }
    for (
      const [code, text] of [
        ["null", "null"],
        ["undefined", "undefined"],
        ["true", "true"],
        ["-0", "0"],
        [
          "1e21",
          "1e+21",
        ],
        ["[1, [2]]", "1,2"],
        ["({})", "[object Object]"],
        ["Symbol('x')", "Symbol(x)"],
        ["5n", "5"],
        [
          "({ toString: () => 'own' })",
          "own",
        ],
      ]
    ) {
      assert.equal(vm.evalCode(code).toString(), text, code);
    }
    assert.throws(
      () => vm.evalCode("({ toString() { throw new Error('no') } })").toString(),
      JSException,
    );
    assert.throws(() => vm.evalCode("Object.create(null)").toString(), JSException);
  }));

// ---- Properties -----------------------------------------------------------------

const KEYS = [
  "",
  "a",
  "0",
  "-1",
  "4294967295",
  "\0",
  "a\0b",
  "é",
  "日本",
  "\ud800",
  "x\udfff",
  "\ufeff",
  "__proto__",
  "constructor",
  "toString",
  "k".repeat(100_000),
  "日".repeat(20_000),
  "q".repeat(21_000) + "\ud800",
  0,
  7,
  -1,
  -0,
  1.5,
  NaN,
  Infinity,
  4294967294,
  4294967295,
  2 ** 53,
  Symbol.iterator,
  Symbol.toStringTag,
  Symbol.for("shared"),
  Symbol.for("a\0\ud800"),
];

test("properties by every kind of key", () =>
  withVM((vm) => {
    const twice = vm.evalCode("(o, k) => o[k]");
    for (const key of KEYS) {
      const label = String(key).slice(0, 20);
      const object = vm.evalCode("Object.create(null)");
      const keyHandle = vm.hostToHandle(key);
      assert.equal(object.hasOwnProperty(key), false, label);
      assert.equal(object.getProp(key), vm.undefined, label);
      object.setProp(key, vm.newNumber(1));
      assert.equal(object.getProp(key).toNumber(), 1, label);
      assert.equal(object.getProp(keyHandle).toNumber(), 1, label);
      assert.equal(vm.callFunction(twice, vm.undefined, object, keyHandle).toNumber(), 1, label);
      assert(object.hasOwnProperty(key), label);
      assert(object.propertyIsEnumerable(key), label);
      assert.deepEqual(vm.dump(object.getOwnPropertyDescriptor(key).value), 1, label);
      const keys = object.getOwnPropertyKeys();
      assert.equal(keys.length, 1, label);
      if (typeof key === "symbol") assert(keys[0].isSymbol, label);
      else assert.equal(keys[0], String(key), label);
      assert(vm.deleteProp(object, key), label);
      assert.equal(object.hasOwnProperty(key), false, label);
      vm.defineProp(object, key, vm.newNumber(2), { enumerable: false });
      assert.equal(vm.getProp(object, key).toNumber(), 2, label);
      assert.equal(object.propertyIsEnumerable(key), false, label);
      assert.equal(object.deleteProp(key), false, label);
      const data = vm.newObject();
      data.defineProp(key, vm.true, { enumerable: true, writable: true, configurable: true });
      assert(data.hasOwnProperty(key), label);
      for (const one of [object, keyHandle, data, ...keys]) one.dispose?.();
    }
  }));

test("a property __proto__ of a plain object is the prototype", () =>
  withVM((vm) => {
    const object = vm.newObject();
    const other = vm.evalCode("({ inherited: 1 })");
    object.setProp("__proto__", other);
    assert.equal(object.hasOwnProperty("__proto__"), false);
    assert.equal(object.getProp("inherited").toNumber(), 1);
    assert.equal(object.getPrototypeOf().identity, other.identity);
    object.defineProp("__proto__", vm.true, { enumerable: true });
    assert(object.hasOwnProperty("__proto__"), "it can be defined");
    assert.deepEqual(object.keys(), ["__proto__"]);
    const dumped = vm.dump(object);
    assert.deepEqual(Object.keys(dumped), ["__proto__"]);
    assert.equal(Object.getPrototypeOf(dumped), Object.prototype);
  }));

test("keys that make trouble", () =>
  withVM((vm) => {
    const object = vm.newObject();
    const thrower = vm.evalCode("({ toString() { throw new Error('no key') } })");
    const got = object.getProp(thrower);
    assert(got.isException, "what its toString throws comes back");
    assert.throws(() => object.setProp(thrower, vm.true), JSException);
    assert.throws(() => object.hasOwnProperty(thrower), JSException);
    assert.throws(() => object.deleteProp(thrower), JSException);
    assert.throws(() => object.defineProp(thrower, vm.true), JSException);
    assert.throws(() => object.getOwnPropertyDescriptor(thrower), JSException);
    for (const wrong of [undefined, null, true, 1n, {}, [], () => 1, Symbol("unique"), Symbol()]) {
      assert.throws(() => object.getProp(wrong), MisuseError);
      assert.throws(() => object.setProp(wrong, vm.true), MisuseError);
      assert.throws(() => object.defineProp(wrong, vm.true), MisuseError);
      assert.throws(() => object.deleteProp(wrong), MisuseError);
      assert.throws(() => object.hasOwnProperty(wrong), MisuseError);
    }
    const unique = vm.evalCode("Symbol('unique')");
    object.setProp(unique, vm.newNumber(3));
    assert.equal(object.getProp(unique).toNumber(), 3);
    assert(object.getOwnPropertyKeys()[0].isSymbol, "listed as a handle");
  }));

test("what cannot be set, defined or deleted", () =>
  withVM((vm) => {
    const frozen = vm.evalCode("Object.freeze({ a: 1 })");
    assert.throws(() => frozen.setProp("a", vm.true), JSException);
    assert.throws(() => frozen.defineProp("b", vm.true), JSException);
    assert.equal(frozen.deleteProp("a"), false);
    const text = vm.newString("text");
    assert.throws(() => text.setProp("a", vm.true), JSException);
    assert.equal(text.getProp("length").toNumber(), 4);
    assert(vm.undefined.getProp("a").isException, "undefined has no properties");
    assert(vm.null.getProp("a").isException, "nor has null");
    assert.throws(() => vm.undefined.setProp("a", vm.true));
    assert.throws(() => frozen.setProp("a", 5), MisuseError);
    assert.throws(() => frozen.setProp("a"), MisuseError);
    assert.throws(() => frozen.defineProp("a", vm.true, 5), MisuseError);
    assert.throws(() => frozen.defineProp("a", vm.true, null), MisuseError);
    assert.throws(() => vm.setProp(5, "a", vm.true), MisuseError);
  }));

test("descriptors tell of getters without running them", () =>
  withVM((vm) => {
    const object = vm.evalCode(
      "({ get a() { throw 1 }, set b(v) { throw 2 }, c: 3, __proto__: { inherited: 4 } })",
    );
    const a = object.getOwnPropertyDescriptor("a");
    assert(a.get.isFunction, "a getter");
    assert(a.set.isUndefined, "no setter");
    assert.equal("value" in a, false);
    const b = object.getOwnPropertyDescriptor("b");
    assert(b.set.isFunction, "a setter");
    const c = object.getOwnPropertyDescriptor("c");
    assert.equal(c.value.toNumber(), 3);
    assert.deepEqual([c.writable, c.enumerable, c.configurable], [true, true, true]);
    assert.equal(object.getOwnPropertyDescriptor("inherited"), undefined);
    assert.equal(object.getOwnPropertyDescriptor("none"), undefined);
  }));

test("keys, names and symbols are listed in their order", () =>
  withVM((vm) => {
    const object = vm.evalCode(
      `const o = { b: 1, 2: 1, a: 1, 1: 1, [Symbol.for("s")]: 1, "\\ud800": 1 };
      Object.defineProperty(o, "hidden", { value: 1 }); o`,
    );
    assert.deepEqual(object.keys(), ["1", "2", "b", "a", "\ud800"]);
    assert.deepEqual(object.getOwnPropertyNames(), ["1", "2", "b", "a", "\ud800", "hidden"]);
    const all = object.getOwnPropertyKeys();
    assert.deepEqual(all.slice(0, 6), ["1", "2", "b", "a", "\ud800", "hidden"]);
    assert.equal(vm.dump(all[6]), Symbol.for("s"));
    assert.deepEqual(vm.newNumber(1).keys(), []);
    assert.throws(() => vm.null.keys());
    const trap = vm.evalCode("new Proxy({}, { ownKeys() { throw new Error('trap') } })");
    assert.throws(() => trap.keys(), JSException);
    const many = vm.evalCode(
      "Object.fromEntries(Array.from({ length: 20000 }, (_, i) => ['k' + i, i]))",
    );
    assert.equal(many.keys().length, 20000);
  }));

test("proxies show what is behind them", () =>
  withVM((vm) => {
    run(
      vm,
      "var target = {}, handler = {}, proxy = new Proxy(target, handler), both = Proxy.revocable({}, {})",
    );
    const proxy = vm.getProp(vm.global, "proxy");
    assert.equal(proxy.getProxyTarget().identity, vm.getProp(vm.global, "target").identity);
    assert.equal(proxy.getProxyHandler().identity, vm.getProp(vm.global, "handler").identity);
    const revoked = vm.evalCode("both.revoke(); both.proxy");
    assert(revoked.isProxy, "a revoked one is a proxy, too");
    assert(revoked.getProxyTarget().isNull, "its target is null");
    assert(revoked.getProp("x").isException, "its properties throw");
    assert.equal(thrownBy(() => revoked.keys()) instanceof JSException, true);
    assert.throws(() => vm.newObject().getProxyTarget(), WrongTypeError);
    assert.throws(() => vm.newNumber(1).getProxyHandler(), WrongTypeError);
  }));

test("a promise tells its state", () =>
  withVM((vm) => {
    assert.equal(vm.evalCode("new Promise(() => {})").promiseState, 0);
    assert.equal(vm.evalCode("Promise.resolve(1)").promiseState, 1);
    const rejected = vm.evalCode("Promise.reject(1)");
    vm.markPromiseHandled(rejected);
    assert.equal(rejected.promiseState, 2);
    assert.throws(() => vm.newObject().promiseState, WrongTypeError);
    assert.throws(() => vm.newNumber(1).promiseState, WrongTypeError);
    assert.throws(() => vm.markPromiseHandled(vm.newObject()), WrongTypeError);
  }));
