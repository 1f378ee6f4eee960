// SPDX-License-Identifier: MIT
//
// data-live.test.mjs - dump and hostToHandle: values of every kind both ways,
// and what is no data.

import { assert, test } from "./support/test.mjs";
import { LimitError, QuickJS, TorporError, UnsupportedError, WrongTypeError } from "torpor-vm";

async function withVM(run) {
  const vm = await QuickJS.create();
  try {
    await run(vm);
  } finally {
    vm.dispose();
  }
}

function dumped(vm, code) {
  const handle = vm.unwrapResult(vm.evalCode(code));
  try {
    return vm.dump(handle);
  } finally {
    handle.dispose();
  }
}

/** What the guest's function says about a value of the host. */
function asked(vm, source, value) {
  const ask = vm.unwrapResult(vm.evalCode(source));
  const handle = vm.hostToHandle(value);
  const answer = vm.unwrapResult(vm.callFunction(ask, vm.undefined, handle));
  const result = vm.dump(answer);
  for (const each of [answer, handle, ask]) each.dispose();
  return result;
}

function thrown(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("all kinds of data come out as they are", () =>
  withVM((vm) => {
    const value = dumped(
      vm,
      `(() => {
        const buffer = new ArrayBuffer(8);
        return { u: undefined, z: -0, nan: NaN, big: 2n ** 70n, lone: "\\ud800", s: Symbol.for("k"),
          holes: [1, , 3, ,], map: new Map([[1, { a: 1 }]]), set: new Set(["x"]),
          date: new Date(5), re: /a\\/b/gi, boxed: Object(7), buffer,
          views: [new Uint8Array(buffer, 2, 3), new Float64Array(buffer), new DataView(buffer, 1)],
          ["__proto__"]: { polluted: true } };
      })()`,
    );
    assert.equal(value.u, undefined);
    assert("u" in value);
    assert.equal(value.z, -0);
    assert.equal(value.nan, NaN);
    assert.equal(value.big, 2n ** 70n);
    assert.equal(value.lone, "\ud800");
    assert.equal(value.s, Symbol.for("k"));
    assert.equal(value.holes.length, 4);
    assert.deepEqual(Object.keys(value.holes), ["0", "2"]);
    assert.deepEqual(value.map.get(1), { a: 1 });
    assert(value.set.has("x"));
    assert.equal(value.date.getTime(), 5);
    assert.equal(`${value.re}`, "/a\\/b/gi");
    assert.equal(typeof value.boxed, "object");
    assert.equal(value.boxed.valueOf(), 7);
    const [bytes, floats, view] = value.views;
    assert.equal(bytes.buffer, value.buffer);
    assert.equal(floats.buffer, value.buffer);
    assert.equal(`${bytes.byteOffset} ${bytes.length} ${view.byteOffset}`, "2 3 1");
    assert(view instanceof DataView && floats instanceof Float64Array);
    assert(Object.hasOwn(value, "__proto__"));
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal({}.polluted, undefined);
  }));

test("every kind of typed array is of its kind, both ways", () =>
  withVM((vm) => {
    const names = ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32"];
    names.push("Float32", "Float64", "BigInt64", "BigUint64", "Float16");
    for (const name of names.map((name) => `${name}Array`)) {
      const code = `new ${name}(${name.startsWith("Big") ? "[1n, 2n]" : "[1, 2]"})`;
      if (!(name in globalThis)) {
        assert(thrown(() => dumped(vm, code)) instanceof UnsupportedError, name);
        continue;
      }
      const value = dumped(vm, code);
      assert.equal(value.constructor.name, name);
      assert.equal(`${value}`, "1,2");
      assert.equal(asked(vm, "(v) => v.constructor.name + v", value), `${name}1,2`);
    }
  }));

test("circles and what is shared stay that, both ways", () =>
  withVM((vm) => {
    const out = dumped(vm, "const o = { list: [] }; o.self = o; o.list.push(o, o.list); o");
    assert.equal(out.self, out);
    assert.equal(out.list[0], out);
    assert.equal(out.list[1], out.list);
    const shared = new Map();
    const value = { a: shared, b: [shared] };
    shared.set(value, value);
    assert(asked(vm, "(v) => v.a === v.b[0] && v.a.get(v) === v", value));
  }));

test("errors keep name, message, stack, cause and errors", () =>
  withVM((vm) => {
    const error = dumped(
      vm,
      `new AggregateError([new TypeError("t")], "all", { cause: { a: 1 } })`,
    );
    assert(error instanceof AggregateError && error.errors[0] instanceof TypeError);
    assert.equal(error.message, "all");
    assert.match(error.stack, /^AggregateError: all\n {4}at /);
    assert.match(error.errors[0].stack, /^TypeError: t\n {4}at /);
    const bare = "const e = new Error('m'); e.stack = ''; e";
    assert.equal(dumped(vm, bare).stack, "Error: m");
    const own = "const e2 = new Error('m'); e2.stack = 'mine'; e2";
    assert.equal(dumped(vm, own).stack, "mine");
    assert.deepEqual(error.cause, { a: 1 });
    const host = new RangeError("host", { cause: "why" });
    host.code = "E_HOST";
    assert.deepEqual(
      asked(vm, "(e) => [e instanceof RangeError, e.message, e.stack, e.cause, e.code]", host),
      [true, "host", host.stack, "why", "E_HOST"],
    );
  }));

test("functions and unique symbols come out as undefined", () =>
  withVM((vm) => {
    const value = dumped(
      vm,
      `({ f() {}, s: Symbol.iterator, list: [() => 1, Symbol("x"), 2],
          map: new Map([["f", () => 1]]), set: new Set([1]) })`,
    );
    assert.deepEqual(Object.keys(value), ["f", "s", "list", "map", "set"]);
    assert.equal(value.f, undefined);
    assert.equal(value.s, undefined);
    assert.deepEqual(value.list, [undefined, undefined, 2]);
    assert(value.map.has("f"));
    assert.equal(value.map.get("f"), undefined);
    assert.equal(dumped(vm, "() => 1"), undefined);
  }));

test("an object of a class comes out as its own properties", () =>
  withVM((vm) => {
    const value = dumped(
      vm,
      `(new class Point {
        x = 1; inner = new (class { y = 2 })(); #z = 3;
        get length() { return 9; } toJSON() { throw 1; }
      })`,
    );
    assert.deepEqual(value, { x: 1, inner: { y: 2 } });
  }));

test("what a getter of the guest throws is thrown", () =>
  withVM((vm) => {
    const error = thrown(() =>
      dumped(vm, `({ a: { get b() { throw new RangeError("mine"); } } })`)
    );
    assert.equal(error.message, "mine");
    assert.equal(dumped(vm, "1 + 1"), 2);
  }));

test("data of the guest that is too deep is refused, and the VM goes on", () =>
  withVM((vm) => {
    const nest = (depth) => `let v = []; for (let i = 0; i < ${depth}; i++) v = [v]; v`;
    dumped(vm, `(() => { ${nest(511).replace(/ v$/, " return v")} })()`);
    thrown(() => dumped(vm, `(() => { ${nest(512).replace(/ v$/, " return v")} })()`));
    assert.equal(dumped(vm, "1 + 1"), 2);
  }));

test("what is no data does not go in, and the error says where it is", () =>
  withVM((vm) => {
    const refused = [
      [{ a: [0, 1, 2, { f() {} }] }, /value\.a\[3\]\.f is a function/],
      [[Symbol("unique")], /value\[0\] is a symbol/],
      [new Map([[1, () => 1]]), /value\[0\] is a function/],
      [{ w: new WeakMap() }, /value\.w is a WeakMap/],
    ];
    for (const [value, message] of refused) {
      const error = thrown(() => vm.hostToHandle(value));
      assert(error instanceof WrongTypeError, `${error}`);
      assert.match(error.message, message);
    }
    let deep = [];
    for (let i = 0; i < 600; i++) deep = [deep];
    assert(thrown(() => vm.hostToHandle(deep)) instanceof LimitError);
    const mine = new Error("mine");
    const getter = {
      get a() {
        throw mine;
      },
    };
    assert.equal(thrown(() => vm.hostToHandle([getter])), mine);
    assert(thrown(() => vm.hostToHandle({ f() {} })) instanceof TorporError);
    assert.equal(asked(vm, "(v) => v.a", { a: 1 }), 1);
  }));

test("__proto__ goes in as a key like any other", () =>
  withVM((vm) => {
    const value = JSON.parse('{"__proto__": {"x": 1}, "y": 2}');
    assert.deepEqual(
      asked(
        vm,
        "(v) => [Object.keys(v).join(), v.x, Object.getPrototypeOf(v) === Object.prototype]",
        value,
      ),
      ["__proto__,y", undefined, true],
    );
  }));

test("handles go in as what they stand for", () =>
  withVM((vm) => {
    const f = vm.unwrapResult(vm.evalCode("globalThis.f = () => 42; f"));
    const value = {
      f,
      list: [f, vm.true, vm.null, vm.undefined],
      n: vm.newNumber(5),
      s: vm.newString("s"),
    };
    const source =
      "(v) => [v.f === f, v.list[0] === f, v.f(), v.list[1], v.list[2], v.list[3], v.n, v.s]";
    assert.deepEqual(asked(vm, source, value), [true, true, 42, true, null, undefined, 5, "s"]);
    f.dispose();
  }));

test("promises settle on the other side", () =>
  withVM(async (vm) => {
    const value = dumped(
      vm,
      "({ good: Promise.resolve({ a: 1 }), bad: Promise.reject(new Error('no')) })",
    );
    assert.deepEqual(await value.good, { a: 1 });
    const reason = await value.bad.then(() => undefined, (error) => error);
    assert.equal(reason.message, "no");
    const source =
      "globalThis.seen = []; (v) => { v.p.then((x) => seen.push(x)); return v.p instanceof Promise; }";
    assert.equal(asked(vm, source, { p: Promise.resolve([7]) }), true);
    await new Promise((done) => setTimeout(done, 10));
    assert.deepEqual(dumped(vm, "seen"), [[7]]);
  }));

test("10,000 objects go out and in", () =>
  withVM((vm) => {
    const code =
      "Array.from({ length: 10000 }, (_, i) => ({ id: i, name: `item ${i}`, done: i % 2 === 0, tags: ['a', `${i}`], in: { x: i / 2 } }))";
    const list = dumped(vm, code);
    assert.equal(list.length, 10000);
    list.forEach((item, i) => {
      if (
        item.id !== i || item.name !== `item ${i}` || item.tags[1] !== `${i}` || item.in.x !== i / 2
      ) assert(false, `${i}`);
    });
    assert.equal(asked(vm, "(v) => JSON.stringify(v)", list), JSON.stringify(list));
  }));
