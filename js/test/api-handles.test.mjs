// SPDX-License-Identifier: MIT
//
// api-handles.test.mjs - the life of handles: dispose, dup, consume, scopes,
// other VMs, forgotten ones, and that nothing is left of what was done.

import { assert, collectGarbage, host, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  DisposedError,
  MisuseError,
  NotFoundError,
  QuickJS,
  StaleHandleError,
  TorporError,
  VMPool,
} from "torpor-vm";

/** What Node, Deno and Bun ask an object for its text by. */
const SHOW = Symbol.for("nodejs.util.inspect.custom");

/** Everything that can be done with a handle. */
const USES = {
  typeof: (h) => h.typeof,
  isUndefined: (h) => h.isUndefined,
  isNull: (h) => h.isNull,
  isBool: (h) => h.isBool,
  isNumber: (h) => h.isNumber,
  isString: (h) => h.isString,
  isSymbol: (h) => h.isSymbol,
  isBigInt: (h) => h.isBigInt,
  isObject: (h) => h.isObject,
  isFunction: (h) => h.isFunction,
  isArray: (h) => h.isArray,
  isPromise: (h) => h.isPromise,
  brand: (h) => h.brand,
  classId: (h) => h.classId,
  className: (h) => h.className,
  constructorName: (h) => h.constructorName,
  identity: (h) => h.identity,
  length: (h) => h.length,
  promiseState: (h) => h.promiseState,
  toNumber: (h) => h.toNumber(),
  toBigInt: (h) => h.toBigInt(),
  toString: (h) => h.toString(),
  toBoolean: (h) => h.toBoolean(),
  toArrayBuffer: (h) => h.toArrayBuffer(),
  toUint8Array: (h) => h.toUint8Array(),
  getProp: (h) => h.getProp("a"),
  getPropIndex: (h) => h.getProp(0),
  getPropSymbol: (h) => h.getProp(Symbol.iterator),
  setProp: (h) => h.setProp("a", h.vm.true),
  defineProp: (h) => h.defineProp("a", h.vm.true),
  deleteProp: (h) => h.deleteProp("a"),
  hasOwnProperty: (h) => h.hasOwnProperty("a"),
  propertyIsEnumerable: (h) => h.propertyIsEnumerable("a"),
  keys: (h) => h.keys(),
  getOwnPropertyNames: (h) => h.getOwnPropertyNames(),
  getOwnPropertyKeys: (h) => h.getOwnPropertyKeys(),
  getOwnPropertyDescriptor: (h) => h.getOwnPropertyDescriptor("a"),
  getPrototypeOf: (h) => h.getPrototypeOf(),
  getProxyTarget: (h) => h.getProxyTarget(),
  getProxyHandler: (h) => h.getProxyHandler(),
  hasProp: (h) => h.hasProp("a"),
  callMethod: (h) => h.callMethod("a"),
  setPrototypeOf: (h) => h.setPrototypeOf(h.vm.null),
  preventExtensions: (h) => h.preventExtensions(),
  seal: (h) => h.seal(),
  freeze: (h) => h.freeze(),
  isExtensible: (h) => h.isExtensible(),
  isSealed: (h) => h.isSealed(),
  isFrozen: (h) => h.isFrozen(),
  iterate: (h) => [...h],
  entryCount: (h) => h.entryCount,
  putEntry: (h) => h.putEntry(h.vm.true),
  getEntry: (h) => h.getEntry(h.vm.true),
  hasEntry: (h) => h.hasEntry(h.vm.true),
  deleteEntry: (h) => h.deleteEntry(h.vm.true),
  clearEntries: (h) => h.clearEntries(),
  dup: (h) => h.dup(),
};

/** Everything that a VM can do with a handle. */
const VM_USES = {
  dump: (vm, h) => vm.dump(h),
  typeof: (vm, h) => vm.typeof(h),
  callFunction: (vm, h) => vm.callFunction(h, vm.undefined),
  callThis: (vm, h) => vm.callFunction(vm.global.getProp("parseInt"), h),
  callArgument: (vm, h) => vm.callFunction(vm.global.getProp("parseInt"), vm.undefined, h),
  construct: (vm, h) => vm.construct(h),
  constructArgument: (vm, h) => vm.construct(vm.global.getProp("Array"), h),
  getProp: (vm, h) => vm.getProp(h, "a"),
  setProp: (vm, h) => vm.setProp(h, "a", vm.true),
  setPropValue: (vm, h) => vm.setProp(vm.global, "a", h),
  setPropKey: (vm, h) => vm.setProp(vm.global, h, vm.true),
  getPropKey: (vm, h) => vm.getProp(vm.global, h),
  defineProp: (vm, h) => vm.defineProp(h, "a", vm.true),
  defineValue: (vm, h) => vm.defineProp(vm.global, "a", h),
  deleteProp: (vm, h) => vm.deleteProp(h, "a"),
  hostToHandle: (vm, h) => vm.hostToHandle(h),
  hostToHandleInside: (vm, h) => vm.hostToHandle({ a: [h] }),
  unwrapResult: (vm, h) => vm.unwrapResult(h),
  newMap: (vm, h) => vm.newMap([[h, vm.true]]),
  newSet: (vm, h) => vm.newSet([h]),
  exportHandle: (vm, h) => vm.exportHandle(h),
  resolvePromise: (vm, h) => vm.resolvePromise(h),
  markPromiseHandled: (vm, h) => vm.markPromiseHandled(h),
  newModule: (vm, h) => vm.newModule(`made ${Math.random()}`, h),
  settle: (vm, h) => vm.newPromise().resolve(h),
  refuse: (vm, h) => vm.newPromise().reject(h),
};

const VALUES = [
  "({})",
  "'text'",
  "5",
  "5n",
  "Symbol()",
  "() => 1",
  "[1]",
  "Promise.resolve(1)",
  "new Proxy({}, {})",
];

test("every use after dispose is an error that says so", () =>
  withVM((vm) => {
    for (const code of VALUES) {
      const handle = vm.evalCode(code);
      handle.dispose();
      assert(handle.disposed, "it says that it is disposed of");
      handle.dispose();
      for (const [name, use] of Object.entries(USES)) {
        const error = assert.throws(() => use(handle), StaleHandleError, `${code} ${name}`);
        assert.match(error.message, /disposed/);
      }
      for (const [name, use] of Object.entries(VM_USES)) {
        assert.throws(() => use(vm, handle), StaleHandleError, `${code} ${name}`);
      }
    }
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("in debug mode the error says where that was", () =>
  withVM((vm) => {
    const handle = vm.newObject();
    (function disposesOfIt() {
      handle.dispose();
    })();
    const error = assert.throws(() => handle.getProp("a"), StaleHandleError);
    assert.match(error.message, /disposesOfIt|api-handles/);
  }, { debug: true }));

test("a handle of another VM is refused by name", () =>
  withVM((vm) =>
    withVM((other) => {
      for (const code of VALUES) {
        const handle = other.evalCode(code);
        for (const [name, use] of Object.entries(VM_USES)) {
          const error = assert.throws(() => use(vm, handle), StaleHandleError, `${code} ${name}`);
          assert.match(error.message, /another VM/);
        }
        assert.equal(handle.typeof.length > 0, true);
        handle.dispose();
      }
      assert.throws(() => vm.dump(other.undefined), StaleHandleError);
      assert.throws(() => vm.newObject().setProp("a", other.true), StaleHandleError);
    })
  ));

test("what is no handle is refused", () =>
  withVM((vm) => {
    for (const wrong of [undefined, null, 1, "x", {}, [], () => 1, Symbol("x"), 1n, vm]) {
      for (const [name, use] of Object.entries(VM_USES)) {
        if (/^(hostToHandle|settle|refuse)|PropKey$/.test(name)) continue;
        assert.throws(
          () => use(vm, wrong),
          TorporError,
          `${String(wrong?.constructor?.name)} ${name}`,
        );
      }
    }
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("after the VM was disposed of its handles are of no use, and harm nobody", async () => {
  const vm = await QuickJS.create();
  const handles = VALUES.map((code) => vm.evalCode(code));
  const { global, undefined: constant } = vm;
  const deferred = vm.newPromise();
  vm.dispose();
  const next = await QuickJS.create();
  run(next, "var secret = 'of the next one'");
  for (const handle of handles) {
    for (const [name, use] of Object.entries(USES)) {
      const error = thrownBy(() => use(handle));
      // What the handle itself knows needs no VM.
      if (/^(is|brand|class|constr|identity|typeof|toNumber)/.test(name) && error === undefined) {
        continue;
      }
      assert(error instanceof DisposedError, `${name}: ${error}`);
    }
    handle.dispose();
  }
  for (
    const use of [
      () => global.getProp("secret"),
      () => global.setProp("secret", constant),
      () => vm.evalCode("1"),
      () => vm.newString("x"),
      () => vm.newObject(),
      () => vm.snapshot(),
      () => vm.fork(),
      () => vm.fuel,
      () => (vm.fuel = 5),
      () => vm.hasPendingJobs,
      () => vm.executePendingJobs(),
      () => vm.getAllocatedSize(),
      () => vm.getMemoryUsage(),
      () => vm.gcThreshold,
      () => vm.runGC(),
      () => vm.pendingOperations(),
      () => vm.newFunction("f", () => 1),
      () => vm.registerHostCallback("f", () => 1),
      () => vm.unregisterHostCallback("f"),
      () => vm.newPromise(),
      () => vm.compile("1"),
      () => vm.withScope(() => vm.newObject()),
      () => vm.importHandle(1),
      () => vm.hostToHandle([1]),
    ]
  ) {
    assert.throws(use, DisposedError, use.toString());
  }
  await assert.rejects(vm.evalModule("1"), DisposedError);
  deferred.resolve();
  deferred.reject();
  await assert.rejects(deferred.settled, DisposedError);
  vm.dispose();
  assert.equal(run(next, "secret"), "of the next one");
  assert.equal(next.fuel, 0);
  next.dispose();
});

test("dup gives a handle with a life of its own", () =>
  withVM((vm) => {
    for (const code of VALUES) {
      const handle = vm.evalCode(code);
      const second = handle.dup();
      assert.notEqual(second, handle);
      handle.dispose();
      assert.equal(second.disposed, false);
      assert.equal(second.typeof, vm.evalCode(`typeof (${code})`).toString());
      second.dispose();
    }
    assert.equal(vm.true.dup(), vm.true);
    const thrown = vm.evalCode("throw {}");
    assert(thrown.dup().isException, "what was thrown stays that");
  }));

test("consume gives the handle, and ends it", () =>
  withVM((vm) => {
    const handle = vm.newNumber(5);
    assert.equal(handle.consume((h) => h.toNumber() + 1), 6);
    assert(handle.disposed, "it has ended");
    const second = vm.newObject();
    assert.throws(() =>
      second.consume(() => {
        throw new RangeError("mine");
      }), RangeError);
    assert(second.disposed, "also when the function throws");
    const third = vm.newObject();
    third[Symbol.dispose]();
    assert(third.disposed, "Symbol.dispose does the same");
  }));

test("a console shows what an object is, and nothing of its inside", async () => {
  const { inspect } = globalThis.process ? await import("node:util") : {};
  const vm = await QuickJS.create();
  const before = vm.snapshot();
  const shown = [
    [vm, "QuickJS {}"],
    [vm.newNumber(0.5), "JSValueHandle { 0.5 }"],
    [vm.true, "JSValueHandle { true }"],
    [vm.null, "JSValueHandle { null }"],
    [vm.undefined, "JSValueHandle { undefined }"],
    [vm.newBigInt(1n), "JSValueHandle { <bigint> }"],
    [vm.evalCode("throw 'text'"), "JSValueHandle { <string>, thrown }"],
    [vm.global, "JSValueHandle { <object> }"],
    [vm.newPromise(), "Deferred { <pending> }"],
    [before, `Snapshot { ${before.size} bytes }`],
    [await VMPool.create(), "VMPool { 0 live }"],
  ];
  for (const [object, text] of shown) {
    if (inspect) assert.equal(inspect(object), text);
    assert.equal(object[SHOW](), text);
  }
  vm.dispose();
  const ended = ["QuickJS { <disposed> }", "JSValueHandle { <disposed> }"];
  assert.deepEqual([vm, vm.true].map((one) => one[SHOW]()), ended);
});

test("withScope ends what was made in it, escape keeps", () =>
  withVM((vm) => {
    const made = [];
    const before = vm.getMemoryUsage().handles;
    const kept = vm.withScope((scope) => {
      made.push(vm.newObject(), vm.newString("x".repeat(200)), vm.evalCode("[1]"));
      const inner = vm.withScope((nested) => {
        made.push(vm.newArray());
        const twice = nested.escape(vm.evalCode("({ escaped: 2 })"));
        const once = nested.escape(vm.evalCode("({ escaped: 1 })"));
        made.push(once);
        return [twice, once];
      });
      assert.equal(vm.dump(inner[1].getProp("escaped")), 1);
      return scope.escape(inner[0]);
    });
    assert.equal(kept.getProp("escaped").toNumber(), 2);
    for (const one of made) assert(one.disposed, "the rest has ended");
    kept.dispose();
    assert.equal(vm.getMemoryUsage().handles, before);
    assert.throws(() =>
      vm.withScope(() => {
        made.push(vm.newObject());
        throw new RangeError("mine");
      }), RangeError);
    assert(made.at(-1).disposed, "also when the function throws");
    assert.throws(() => vm.withScope(5), MisuseError);
    assert.throws(() => vm.withScope(), MisuseError);
    assert.throws(() => vm.withScope(async () => 1), MisuseError);
    assert.throws(() => vm.withScope((scope) => scope.escape(5)), MisuseError);
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("what the host keeps itself outlives scopes", () =>
  withVM(async (vm) => {
    const [deferred, result, later] = vm.withScope(() => {
      const deferred = vm.newPromise();
      vm.global.setProp("promise", deferred.handle);
      const f = vm.newFunction("f", async () => {
        await null;
        return 7;
      });
      vm.global.setProp("later", vm.callFunction(f, vm.undefined));
      return [
        deferred,
        vm.resolvePromise(vm.evalCode("promise.then((x) => x + 1)")),
        vm.resolvePromise(vm.evalCode("later")),
      ];
    });
    deferred.resolve(vm.newNumber(41));
    vm.withScope(() => vm.executePendingJobs());
    assert.equal((await result).value.toNumber(), 42);
    assert.equal((await later).value.toNumber(), 7);
    await deferred.settled;
  }));

test("exportHandle names a value across snapshots", () =>
  withVM(async (vm) => {
    const shared = vm.evalCode("var shared = { n: 1 }; shared");
    const tokens = [
      shared,
      vm.newString("text"),
      vm.evalCode("(x) => x * 2"),
      vm.newNumber(5),
      vm.null,
    ].map(
      (handle) => vm.exportHandle(handle),
    );
    const woken = await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()));
    const [object, text, f, number, nothing] = tokens.map((token) => woken.importHandle(token));
    assert.deepEqual(woken.dump(object), { n: 1 });
    assert.equal(object.identity, woken.evalCode("shared").identity);
    assert.equal(text.toString(), "text");
    assert.equal(woken.callFunction(f, woken.undefined, number).toNumber(), 10);
    assert(nothing.isNull, "null, too");
    woken.forgetExport(tokens[1]);
    assert.throws(() => woken.importHandle(tokens[1]), NotFoundError);
    assert.throws(() => woken.forgetExport(tokens[1]), NotFoundError);
    assert.equal(vm.importHandle(tokens[1]).toString(), "text");
    for (const wrong of [0, -1, 1.5, NaN, "1", 1n, null, undefined, {}, Symbol("x"), 2 ** 40]) {
      assert.throws(() => woken.importHandle(wrong), MisuseError);
      assert.throws(() => woken.forgetExport(wrong), MisuseError);
    }
    assert.throws(() => woken.importHandle(4_000_000), NotFoundError);
    assert.equal(run(woken, "1 + 1"), 2);
    woken.dispose();
  }));

// ---- Leaks ------------------------------------------------------------------------

/** One of everything; all handles are disposed of. */
function doEverything(vm, n) {
  vm.withScope(() => {
    const object = vm.evalCode("({ a: [1, 2, { b: 'text' }], m: new Map([[1, 2]]) })");
    object.setProp(`key${n % 7}`, vm.newString("value ".repeat(n % 100)));
    object.getProp("a").getProp(2).getProp("b").toString();
    object.keys();
    object.getOwnPropertyKeys();
    object.getOwnPropertyDescriptor("a");
    object.getPrototypeOf();
    object.propertyIsEnumerable("a");
    void [object.constructorName, object.className, object.length];
    vm.dump(object);
    vm.hostToHandle({ x: [n, "y", 5n, new Date(n), new Uint8Array(n % 1000)] });
    vm.evalCode("throw new Error('x')");
    thrownBy(() => vm.unwrapResult(vm.evalCode("throw new Error('y', { cause: {} })")));
    vm.newMap([[vm.newString("a"), vm.newObject()]]);
    vm.newSet([vm.newBigInt(BigInt(n) ** 9n)]);
    vm.callFunction(vm.evalCode("(a, b) => [a, b]"), vm.newObject(), vm.newString("x"), object);
    vm.construct(vm.evalCode("Map"));
    object.getProp("k".repeat(30_000));
    object.hasOwnProperty("\ud800");
    thrownBy(() => object.getProp(Symbol("unique")));
    thrownBy(() => vm.callFunction(object, ...Array(3000).fill(vm.true), 5));
    thrownBy(() => vm.compile("syntax error"));
    vm.evalBytecode(vm.compile("1 + 1"));
    const f = vm.newFunction("named", function (x) {
      const made = vm.newObject();
      made.setProp("x", x);
      return made;
    });
    vm.callFunction(f, vm.undefined, object);
    const g = vm.newFunction("throws", () => {
      throw new RangeError("host");
    });
    vm.callFunction(g, vm.undefined);
    vm.callFunction(vm.newFunction("gives", () => vm.evalCode("throw {}")), vm.undefined);
    vm.callFunction(
      vm.newFunction("nested", () => vm.callFunction(f, vm.undefined, vm.newObject())),
      vm.undefined,
    );
    vm.callFunction(vm.newEphemeralFunction((x) => x), vm.undefined, object);
    const deferred = vm.newPromise();
    deferred.resolve(object);
    vm.executePendingJobs();
    const token = vm.exportHandle(object);
    vm.importHandle(token);
    vm.forgetExport(token);
    vm.evalCode("globalThis.o = null");
  });
}

test("nothing is left of what was done", () =>
  withVM(async (vm) => {
    const measure = async () => {
      for (let i = 0; i < 60; i++) doEverything(vm, i);
      await null;
      vm.runGC();
      const { handles, used } = vm.getMemoryUsage();
      return { handles, used };
    };
    await measure();
    const first = await measure();
    for (let i = 0; i < 5; i++) await measure();
    const last = await measure();
    assert.equal(last.handles, first.handles, "handles");
    assert.equal(last.used, first.used, "bytes of the heap");
  }));

const collects = host === "bun" || typeof globalThis.gc === "function";

test("forgotten handles are reclaimed", () =>
  withVM(async (vm) => {
    if (!collects) return;
    const before = vm.getMemoryUsage().handles;
    for (let i = 0; i < 2000; i++) vm.newObject();
    assert(vm.getMemoryUsage().handles >= before + 2000, "they live as long as nobody collects");
    for (let i = 0; i < 10 && vm.getMemoryUsage().handles > before + 50; i++) {
      await collectGarbage();
      run(vm, "1");
    }
    assert(vm.getMemoryUsage().handles <= before + 50, `${vm.getMemoryUsage().handles} are left`);
  }));

test("a few that were forgotten are, too, without others being made", () =>
  withVM(async (vm) => {
    if (!collects) return;
    const before = vm.getMemoryUsage().handles;
    (() => {
      for (let i = 0; i < 20; i++) vm.newObject();
    })();
    for (let i = 0; i < 10 && vm.getMemoryUsage().handles > before + 4; i++) {
      await collectGarbage();
      vm.executePendingJobs();
    }
    assert(vm.getMemoryUsage().handles <= before + 4, `${vm.getMemoryUsage().handles} are left`);
  }));
