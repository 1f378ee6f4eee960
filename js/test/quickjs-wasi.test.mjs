// SPDX-License-Identifier: MIT
//
// quickjs-wasi.test.mjs - programs written for quickjs-wasi run with
// torpor-vm/quickjs-wasi, in every host.

import { assert, test } from "./support/test.mjs";
import { programs } from "./support/quickjs-wasi/programs.mjs";
import * as peer from "torpor-vm/quickjs-wasi";
import { bytesOf } from "./support/extension.mjs";
import { EngineError, ExtensionError, FormatError, MisuseError, TorporError } from "torpor-vm";

const { JSException, QuickJS } = peer;

for (const { name, run, gives } of programs) {
  test(`a program for quickjs-wasi ${name}`, async () => {
    assert.deepEqual(await run({ ...peer, wasm: undefined }), gives);
  });
}

// ---- What is this package's own ------------------------------------------------

test("extensions are loaded whether they poll or not, and are refused by name", async () => {
  const extensions = [{ name: "counter", wasm: await bytesOf("counter") }];
  const vm = await QuickJS.create({ extensions });
  vm.evalCode("globalThis.c = new Counter(); c.increment()").dispose();
  const fork = vm.fork();
  const snapshot = QuickJS.deserializeSnapshot(QuickJS.serializeSnapshot(vm.snapshot()));
  const woken = await QuickJS.restore(snapshot, { extensions });
  for (const one of [vm, fork, woken]) {
    assert.equal(one.evalCode("c.increment()").toString(), "two");
    one.dispose();
  }
  await assert.rejects(QuickJS.restore(snapshot), ExtensionError);
  const broken = [{ name: "url", wasm: new Uint8Array(8) }];
  await assert.rejects(QuickJS.create({ extensions: broken }), ExtensionError);
  const module = await WebAssembly.compile(extensions[0].wasm);
  const given = [{ name: "counter", wasm: module }];
  await assert.rejects(QuickJS.create({ extensions: given }), MisuseError);
});

test("snapshots of quickjs-wasi are refused, and told what they are", () => {
  const bytes = new Uint8Array(64);
  bytes.set([0x51, 0x4a, 0x53, 0x53, 1]);
  const error = assert.throws(() => QuickJS.deserializeSnapshot(bytes), FormatError);
  assert.match(error.message, /quickjs-wasi/);
  assert.throws(() => QuickJS.deserializeSnapshot(new Uint8Array(64)), FormatError);
});

test("another engine is refused", async () => {
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await assert.rejects(QuickJS.create(empty), EngineError);
});

test("the functions of 'wasi' write into a memory of their own", async () => {
  const seen = [];
  const vm = await QuickJS.create({
    wasi: (memory) => ({
      clock_time_get(id, _precision, at) {
        seen.push(id);
        new Uint8Array(memory.buffer).fill(0xff);
        new DataView(memory.buffer).setBigUint64(at, 5_000_000n, true);
        return 0;
      },
    }),
  });
  assert.equal(vm.evalCode("Date.now()").toNumber(), 5);
  assert(seen.includes(0), "the wall clock was asked");
  assert.equal(vm.evalCode("[1, 2].join()").toString(), "1,2");
  vm.dispose();
});

test("what a function of 'wasi' throws comes out", async () => {
  const told = new Error("the clock is broken");
  let isBroken = false;
  const vm = await QuickJS.create({
    wasi: (memory) => ({
      clock_time_get(_id, _precision, at) {
        if (isBroken) throw told;
        new DataView(memory.buffer).setBigUint64(at, 0n, true);
        return 0;
      },
    }),
  });
  isBroken = true;
  assert.equal(assert.throws(() => vm.evalCode("Date.now(); for (;;);"), Error), told);
  isBroken = false;
  assert.equal(vm.evalCode("Date.now()").toNumber(), 0);
  vm.dispose();
});

test("an error of a function of 'wasi' comes out", async () => {
  let code = 0;
  const vm = await QuickJS.create({ wasi: () => ({ clock_time_get: () => code }) });
  code = 28;
  assert.throws(() => vm.evalCode("Date.now(); for (;;);"), /clock_time_get.*28/);
  vm.dispose();
});

test("'wasi' is a function that gives an object", async () => {
  await assert.rejects(QuickJS.create({ wasi: {} }), MisuseError);
  await assert.rejects(QuickJS.create({ wasi: () => 1 }), MisuseError);
});

test("an interrupt below a host function ends what called that, too", async () => {
  let isLate = false;
  let inner;
  const vm = await QuickJS.create({ interruptHandler: () => isLate });
  vm.setProp(
    vm.global,
    "run",
    vm.newFunction("run", () => {
      isLate = true;
      try {
        vm.evalCode("for (;;);");
      } catch (error) {
        inner = error;
      }
      return vm.undefined;
    }),
  );
  const outer = assert.throws(() => vm.evalCode("try { run() } catch { } for (;;);"), JSException);
  assert.equal(outer.message, "interrupted");
  assert(inner instanceof JSException, "below it is the same kind of error");
  assert.equal(inner.name, "InternalError");
  isLate = false;
  assert.equal(vm.evalCode("1 + 1").toNumber(), 2);
  vm.dispose();
});

test("a handle that a host function gives may be given again", async () => {
  const vm = await QuickJS.create();
  let kept;
  const same = vm.newFunction("same", () => kept ??= vm.newObject());
  vm.setProp(vm.global, "same", same);
  assert.equal(vm.evalCode("same() === same()").toBoolean(), true);
  assert.equal(kept.disposed, false);
  vm.dispose();
});

test("a name means the same function before and after a restore", async () => {
  const vm = await QuickJS.create();
  vm.setProp(vm.global, "old", vm.newFunction("who", () => vm.newString("before")));
  const woken = await QuickJS.restore(vm.snapshot());
  woken.setProp(woken.global, "young", woken.newFunction("who", () => woken.newString("after")));
  assert.equal(woken.evalCode("old() + young()").toString(), "afterafter");
  const again = await QuickJS.restore(woken.snapshot());
  again.registerHostCallback("who", () => again.newString("again"));
  assert.equal(again.evalCode("old() + young()").toString(), "againagain");
  for (const one of [vm, woken, again]) one.dispose();
});

test("what the program calls setTimeout stays after a restore", async () => {
  const vm = await QuickJS.create();
  assert.equal(vm.evalCode("typeof setTimeout + typeof console").toString(), "undefinedundefined");
  vm.evalCode("globalThis.setTimeout = () => 'mine'; 0");
  const woken = await QuickJS.restore(vm.snapshot());
  assert.equal(woken.evalCode("setTimeout()").toString(), "mine");
  assert.equal(woken.evalCode("typeof console").toString(), "undefined");
  vm.dispose();
  woken.dispose();
});

test("a fork has the same options", async () => {
  const vm = await QuickJS.create({
    memoryLimit: 4 << 20,
    wasi: (memory) => ({
      clock_time_get(_id, _precision, at) {
        new DataView(memory.buffer).setBigUint64(at, 7_000_000n, true);
        return 0;
      },
    }),
  });
  vm.evalCode("globalThis.n = 1; 0");
  const copy = vm.fork();
  copy.evalCode("n = 2; 0");
  assert(copy instanceof QuickJS);
  assert.equal(copy.evalCode("`${n} ${Date.now()} ${typeof console}`").toString(), "2 7 undefined");
  assert.equal(copy.getMemoryUsage().mallocLimit, 4 << 20);
  assert.throws(() => copy.evalCode("null.x"), JSException);
  assert.equal(vm.evalCode("n").toNumber(), 1);
  vm.dispose();
  assert.throws(() => vm.fork(), TorporError);
  copy.dispose();
});

test("the handle of an exception is a getter, so that no host prints its inside", async () => {
  const vm = await QuickJS.create();
  const error = assert.throws(() => vm.evalCode("throw 5"), JSException);
  assert.equal(error.handle.toNumber(), 5);
  assert.equal(typeof Object.getOwnPropertyDescriptor(error, "handle").get, "function");
  vm.dispose();
});

test("all errors but the guest's are this package's", async () => {
  const vm = await QuickJS.create();
  const handle = vm.newObject();
  handle.dispose();
  for (
    const wrong of [
      () => vm.typeof(handle),
      () => vm.newString(5),
      () => vm.newFunction("", () => vm.undefined),
      () => vm.newFunction("f", 5),
      () => vm.importHandle(12345),
      () => vm.evalCode("1", "x", 1 << 20),
      () => vm.evalBytecode(new Uint8Array(200)),
    ]
  ) assert.throws(wrong, TorporError, String(wrong));
  await assert.rejects(QuickJS.create({ maxStackSize: peer.MAX_STACK_SIZE + 1 }), RangeError);
  vm.dispose();
});
