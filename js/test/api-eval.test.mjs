// SPDX-License-Identifier: MIT
//
// api-eval.test.mjs - running code: what comes back, what is thrown, calls,
// constructors, bytecode, versions.

import { assert, host, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  ChecksumError,
  CompileFlags,
  EngineError,
  EvalFlags,
  FormatError,
  JSException,
  MisuseError,
  NewerError,
  QuickJS,
} from "torpor-vm";

test("evalCode gives a handle of the value", () =>
  withVM((vm) => {
    const answer = vm.evalCode("6 * 7");
    assert.equal(answer.isException, false);
    assert.equal(answer.toNumber(), 42);
    assert.equal(vm.dump(answer), 42);
    answer.dispose();
    assert.equal(run(vm, "'a'.repeat(3)"), "aaa");
    assert.equal(run(vm, ""), undefined);
  }));

test("names declared by a script stay", () =>
  withVM((vm) => {
    run(vm, "var a = 1; let b = 2; const c = 3; function d() { return a + b + c }");
    assert.equal(run(vm, "d()"), 6);
    const again = vm.evalCode("let b = 5");
    assert(again.isException, "a name is declared twice");
    again.dispose();
  }));

test("what code throws has isException", () =>
  withVM((vm) => {
    for (
      const [code, type] of [
        ["throw 1", "number"],
        ["throw undefined", "undefined"],
        [
          "throw null",
          "object",
        ],
        ["throw 'x'", "string"],
        ["throw Symbol('x')", "symbol"],
        ["throw 5n", "bigint"],
        [
          "throw {}",
          "object",
        ],
        ["throw () => 1", "function"],
        ["throw true", "boolean"],
        ["null.x", "object"],
        [
          "syntax error",
          "object",
        ],
      ]
    ) {
      const thrown = vm.evalCode(code);
      assert.equal(thrown.isException, true, code);
      assert.equal(thrown.typeof, type, code);
      thrown.dispose();
    }
    assert.equal(vm.undefined.isException, false);
    assert.equal(vm.null.isException, false);
    assert.equal(vm.true.isException, false);
  }));

test("unwrapResult throws an Error with name, message, stack and cause", () =>
  withVM((vm) => {
    const code = `function thrower() {
  throw new TypeError("no", { cause: new RangeError("deep", { cause: { a: [1] } }) });
}
thrower();`;
    const error = assert.throws(
      () => vm.unwrapResult(vm.evalCode(code, "some-file.js")),
      TypeError,
    );
    assert.equal(error.name, "TypeError");
    assert.equal(error.message, "no");
    assert.match(error.stack, /thrower/);
    assert.match(error.stack, /some-file\.js:2/);
    // Hosts print the stack, and nothing else of name and message.
    assert.match(error.stack, /^TypeError: no\n {4}at thrower /);
    assert.match(error.cause.stack, /^RangeError: deep\n {4}at thrower /);
    assert.equal(error.cause.name, "RangeError");
    assert.equal(error.cause.message, "deep");
    assert.deepEqual(error.cause.cause, { a: [1] });
    const fine = vm.evalCode("1");
    assert.equal(vm.unwrapResult(fine), fine);
  }));

test("unwrapResult throws an Error for what is none", () =>
  withVM((vm) => {
    const error = assert.throws(() => vm.unwrapResult(vm.evalCode("throw { code: 7 }")), Error);
    assert.deepEqual(error.cause, { code: 7 });
    assert.throws(() => vm.unwrapResult(vm.evalCode("throw 'text'")), /text/);
    assert.throws(() => vm.unwrapResult(vm.evalCode("throw undefined")), /undefined/);
    assert.throws(() => vm.unwrapResult(vm.evalCode("throw Symbol('s')")), Error);
    assert.throws(() => vm.unwrapResult(vm.evalCode("throw () => 1")), Error);
  }));

test("hostile errors become errors of the host", () =>
  withVM((vm) => {
    for (
      const code of [
        "const e = new Error('m'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e",
        "const e = new Error('m'); e.cause = e; throw e",
        "const e = new Error('m'); e.name = { toString() { throw 2 } }; throw e",
        "const e = new Error('m'); e.stack = { get x() { throw 3 } }; throw e",
        "throw new Proxy(new Error('x'), { get() { throw 4 } })",
        "throw new Proxy({}, { ownKeys() { throw 5 }, getPrototypeOf() { throw 6 } })",
        "const e = new Error('m'); e.__proto__ = null; throw e",
        "class E extends Error { get name() { throw 7 } } throw new E('m')",
        "throw new AggregateError([new Error('a'), 1, new AggregateError([])], 'all')",
        "let e = new Error('0'); for (let i = 0; i < 2000; i++) e = new Error(i, { cause: e }); throw e",
        "throw Object.create(null)",
        "throw new DOMException('gone', 'AbortError')",
      ]
    ) {
      const error = thrownBy(() => vm.unwrapResult(vm.evalCode(`{${code}}`)));
      assert(error instanceof Error, code);
      assert.equal(typeof error.name, "string", code);
      assert.equal(typeof error.message, "string", code);
      assert.equal(run(vm, "1 + 1"), 2, code);
    }
    const all = thrownBy(() =>
      vm.unwrapResult(vm.evalCode("throw new AggregateError([new TypeError('a'), 1], 'all')"))
    );
    assert.equal(all.name, "AggregateError");
    assert.equal(all.errors[0].name, "TypeError");
    assert.equal(all.errors[1], 1);
  }));

test('exceptions: "throw" throws a JSException that keeps the value', () =>
  withVM((vm) => {
    const error = assert.throws(
      () => vm.evalCode("throw new RangeError('far')", "f.js"),
      JSException,
    );
    assert(error instanceof Error, "it is an Error");
    assert.equal(error.name, "RangeError");
    assert.equal(error.message, "far");
    assert.match(error.stack, /f\.js/);
    assert(error.handle.isError, "the value is kept");
    // A host that ends by an error prints all that is enumerable in it, however deep.
    assert.deepEqual(Object.keys(error), []);
    assert.equal(error.handle.getProp("message").toString(), "far");
    error.dispose();
    assert(error.handle.disposed, "dispose ends the handle");
    const value = assert.throws(() => vm.evalCode("throw { a: 1 }"), JSException);
    assert.equal(value.message, "{ a: 1 }");
    assert.deepEqual(vm.dump(value.handle), { a: 1 });
    value.dispose();
    const f = vm.evalCode("(() => { throw 5 })");
    assert.equal(
      assert.throws(() => vm.callFunction(f, vm.undefined), JSException).handle.toNumber(),
      5,
    );
    const getter = vm.evalCode("({ get x() { throw 6 }, set x(v) { throw 7 } })");
    assert.equal(assert.throws(() => getter.getProp("x"), JSException).handle.toNumber(), 6);
    assert.equal(assert.throws(() => vm.getProp(getter, "x"), JSException).handle.toNumber(), 6);
    assert.equal(
      assert.throws(() => vm.setProp(getter, "x", vm.true), JSException).handle.toNumber(),
      7,
    );
    const maker = vm.evalCode("(class { constructor() { throw 8 } })");
    assert.equal(assert.throws(() => vm.construct(maker), JSException).handle.toNumber(), 8);
  }, { exceptions: "throw" }));

test("a JSException out of withScope keeps its value", () =>
  withVM((vm) => {
    const error = assert.throws(
      () => vm.withScope(() => vm.evalCode("throw { a: 1 }")),
      JSException,
    );
    assert.deepEqual(vm.dump(error.handle), { a: 1 });
    error.dispose();
  }, { exceptions: "throw" }));

test("callFunction calls with this and arguments", () =>
  withVM((vm) => {
    const f = vm.evalCode(
      "(function () { 'use strict'; return [this, arguments.length, ...arguments] })",
    );
    const call = (self, ...args) => {
      const result = vm.callFunction(f, self, ...args);
      const value = vm.dump(result);
      result.dispose();
      return value;
    };
    assert.deepEqual(call(vm.undefined), [undefined, 0]);
    assert.deepEqual(call(vm.null, vm.true, vm.newNumber(-0)), [null, 2, true, -0]);
    const text = vm.newString("self");
    assert.deepEqual(call(text, text), ["self", 1, "self"]);
    const many = Array.from({ length: 1500 }, (_, i) => vm.newNumber(i));
    assert.deepEqual(call(vm.undefined, ...many), [undefined, 1500, ...many.keys()]);
    const thrown = vm.callFunction(vm.newNumber(1), vm.undefined);
    assert(thrown.isException, "a number cannot be called");
    assert.throws(() => vm.callFunction(f, vm.undefined, ...many, 7), MisuseError);
    assert.deepEqual(call(vm.undefined), [undefined, 0]);
  }));

test("more arguments than the engine takes are refused", () =>
  withVM((vm) => {
    const f = vm.evalCode("(...all) => all.length");
    // A worker's own stack has no place for that many.
    const count = host === "worker" ? 16384 : 65534;
    const most = Array.from({ length: count }, () => vm.null);
    assert.equal(vm.callFunction(f, vm.undefined, ...most).toNumber(), count);
    if (host === "worker") return;
    const error = thrownBy(() => {
      const result = vm.callFunction(f, vm.undefined, ...most, ...most.slice(0, 10));
      if (result.isException) throw new Error("thrown");
    });
    assert(error instanceof Error, "it is refused");
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("construct calls with new", () =>
  withVM((vm) => {
    const point = vm.evalCode("(class Point { constructor(x, y) { this.x = x; this.y = y } })");
    const made = vm.construct(point, vm.newNumber(1), vm.newString("b"));
    assert.deepEqual(vm.dump(made), { x: 1, y: "b" });
    assert.equal(made.constructorName, "Point");
    assert(vm.construct(vm.evalCode("() => 1")).isException, "an arrow is no constructor");
    const withoutNew = vm.callFunction(point, vm.undefined);
    assert(withoutNew.isException, "a class needs new");
  }));

test("the code's file and line are in stacks", () =>
  withVM((vm) => {
    const error = thrownBy(() =>
      vm.unwrapResult(vm.evalCode("\n\nthrow new Error('x')", "dir/näme.js", { line: 100 }))
    );
    assert.match(error.stack, /dir\/näme\.js:102/);
  }));

test("flags say how code is taken", () =>
  withVM(async (vm) => {
    assert.equal(run(vm, "(function () { return this === undefined })()"), false);
    assert.equal(
      run(vm, "(function () { return this === undefined })()", "f.js", EvalFlags.STRICT),
      true,
    );
    assert.equal(
      run(vm, "(function () { return this === undefined })()", "f.js", { strict: true }),
      true,
    );
    const later = vm.evalCode("await null; 5", "f.js", EvalFlags.ASYNC);
    assert(later.isPromise, "ASYNC gives a promise");
    const { value } = await vm.resolvePromise(later);
    assert.equal(vm.dump(value.getProp("value")) ?? vm.dump(value), 5);
    const space = vm.evalCode(
      "export const a = 1; export default 2",
      "m.js",
      EvalFlags.TYPE_MODULE,
    );
    assert(space.isPromise, "a module gives a promise");
    const settled = await vm.resolvePromise(space);
    assert.equal(settled.value.getProp("a").toNumber(), 1);
    assert.equal(settled.value.getProp("default").toNumber(), 2);
    assert.throws(() => vm.evalCode("1", "f.js", 1 << 20), MisuseError);
    assert.throws(() => vm.evalCode("1", "f.js", "module"), MisuseError);
    assert.throws(() => vm.evalCode("1", "f.js", { line: 0 }), MisuseError);
    assert.throws(() => vm.evalCode("1", "f.js", { line: 1.5 }), MisuseError);
  }));

test("code of every size and kind of character", () =>
  withVM((vm) => {
    assert.equal(run(vm, `"${"é".repeat(5000)}".length`), 5000);
    assert.equal(run(vm, '"a\\u0000b".length'), 3);
    assert.equal(run(vm, '"a\0b".length'), 3);
    assert.equal(run(vm, '"😀".codePointAt(0)'), 0x1f600);
    assert.equal(run(vm, `/*${" ".repeat(3e6)}*/ 7`), 7);
    assert.equal(run(vm, `"\ufeff".length`), 1);
    const text = run(vm, '"\ud800".charCodeAt(0)');
    assert(text === 0xd800 || text === 0xfffd, "a lone surrogate is itself or the replacement");
    assert.throws(() => vm.evalCode(1), MisuseError);
    assert.throws(() => vm.evalCode("1", "a\0b"), MisuseError);
    assert.throws(() => vm.evalCode("1", 5), MisuseError);
    assert.throws(() => vm.evalCode(), MisuseError);
    assert.throws(() => vm.evalCode(null), MisuseError);
  }));

test("bytecode runs in other VMs of the engine", () =>
  withVM(async (vm) => {
    const code =
      "globalThis.count = (globalThis.count ?? 0) + 1; (function named() { return 'ü' + count })()";
    const bytes = vm.compile(code, "b.js");
    assert(bytes instanceof Uint8Array, "it is bytes");
    assert.equal(vm.evalBytecode(bytes).toString(), "ü1");
    assert.equal(vm.evalBytecode(bytes).toString(), "ü2");
    await withVM((other) => assert.equal(other.evalBytecode(bytes).toString(), "ü1"));
    const small = vm.compile(code, "b.js", 0, CompileFlags.STRIP_SOURCE | CompileFlags.STRIP_DEBUG);
    assert(small.length < bytes.length, "stripped code is smaller");
    assert.equal(vm.evalBytecode(small).toString(), "ü3");
    assert.throws(() => vm.compile("syntax error here"), JSException);
    assert.throws(() => vm.compile(5), MisuseError);
    const thrower = vm.compile("throw new Error('later')");
    assert(vm.evalBytecode(thrower).isException, "what it throws comes back");
  }));

test("bytecode that was damaged is refused", () =>
  withVM((vm) => {
    const bytes = vm.compile("1 + 1");
    const change = (at, value) => {
      const copy = bytes.slice();
      copy[at] = value ?? copy[at] ^ 1;
      return copy;
    };
    assert.throws(() => vm.evalBytecode("text"), MisuseError);
    assert.throws(() => vm.evalBytecode(undefined), MisuseError);
    assert.throws(() => vm.evalBytecode(new Uint8Array(0)), FormatError);
    assert.throws(() => vm.evalBytecode(bytes.subarray(0, bytes.length - 1)), FormatError);
    assert.throws(() => vm.evalBytecode(change(0)), FormatError);
    assert.throws(() => vm.evalBytecode(change(8, 9)), NewerError);
    assert.throws(() => vm.evalBytecode(change(30)), EngineError);
    assert.throws(() => vm.evalBytecode(change(bytes.length - 1)), ChecksumError);
    assert.throws(() => vm.evalBytecode(change(100)), ChecksumError);
    for (let at = 0; at < bytes.length; at++) {
      assert(thrownBy(() => vm.evalBytecode(change(at))) instanceof Error, `byte ${at}`);
    }
    assert.equal(vm.evalBytecode(bytes).toNumber(), 2);
  }));

test("versions name the package, the engine and its interface", () =>
  withVM((vm) => {
    const { versions } = vm;
    assert.match(versions["torpor-vm"], /^\d+\.\d+\.\d+/);
    assert.match(versions["quickjs-ng"], /^\d+\.\d+/);
    assert.match(versions.engine, /^[0-9a-f]{64}$/);
  }));

test("Symbol.dispose ends a VM", async () => {
  const vm = await QuickJS.create();
  vm[Symbol.dispose]();
  assert(vm.disposed, "it is disposed of");
  vm.dispose();
});
