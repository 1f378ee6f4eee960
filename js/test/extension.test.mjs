// SPDX-License-Identifier: MIT
//
// extension.test.mjs - native extensions in VMs: what they add, in which orders
// they are loaded, and what is refused.

import { assert, host } from "./support/test.mjs";
import { bytesOf, extension, extensions, tiny } from "./support/extension.mjs";
import { hold, test } from "./support/hold.mjs";
import { run } from "./support/vm.mjs";
import {
  BusyError,
  DisposedError,
  ExistsError,
  ExtensionError,
  InterruptedError,
  IoError,
  JSException,
  LimitError,
  MisuseError,
  QuickJS,
  TrappedError,
} from "torpor-vm";

const create = async (...names) =>
  hold(await QuickJS.create({ extensions: await extensions(...names) }));

// ---- What they add -------------------------------------------------------------

test("a class of an extension has methods, data and a callback", async () => {
  const vm = await create("counter");
  run(vm, "globalThis.c = new Counter(); globalThis.d = new Counter((n) => n * 10)");
  assert.deepEqual(run(vm, "[c.increment(), c.increment(), c.increment()]"), ["one", "two", 3]);
  assert.deepEqual(run(vm, "[d.increment(), d.increment()]"), [10, 20]);
  assert.equal(run(vm, "class Two extends Counter {} new Two().increment()"), "one");
  assert.throws(() => run(vm, "Counter.prototype.increment.call({})"), /TypeError/);
  assert.throws(() => run(vm, "new Counter(() => { throw new RangeError('x') }).increment()"), /x/);
});

test("its objects are collected and finalized", async () => {
  const vm = await create("counter");
  run(vm, "globalThis.c = new Counter(); for (let i = 0; i < 9; i++) new Counter(() => c)");
  run(vm, "{ const ring = new Counter(() => ring) }");
  vm.runGC();
  assert.equal(run(vm, "c.finalized"), 10);
});

test("an extension that says nothing of itself is loaded by the name that is given", async () => {
  const vm = await create("greeter");
  assert.equal(run(vm, "lastGreeted()"), 42);
  assert.equal(run(vm, "greet(0, 'tea')"), "tea");
  assert.equal(run(vm, "greet(1, 'tea')"), "hello, tea");
  assert.equal(run(vm, "lastGreeted()"), "tea");
  assert.deepEqual(vm.extensions.map(({ name, version }) => [name, version]), [["greeter", ""]]);
});

test("extensions live beside each other in both orders", async () => {
  for (const names of [["counter", "greeter"], ["greeter", "counter"], ["rogue", "greeter"]]) {
    const vm = await create(...names);
    assert.deepEqual(vm.extensions.map(({ name }) => name), names);
    if (names.includes("counter")) assert.equal(run(vm, "new Counter().increment()"), "one");
    assert.equal(run(vm, "greet(1, 'you')"), "hello, you");
    assert.equal(run(vm, "lastGreeted()"), "you");
  }
});

test("one is loaded after code ran", async () => {
  const vm = hold(await QuickJS.create());
  run(vm, "globalThis.before = Array.from({ length: 10000 }, (_, i) => ({ i }))");
  assert.equal(await vm.loadExtension(await extension("counter")), undefined);
  await vm.loadExtension(await extension("greeter"));
  assert.equal(run(vm, "new Counter(() => before.length).increment()"), 10000);
  assert.equal(run(vm, "greet(0, 'x')"), "x");
  const [counter] = vm.extensions;
  assert.deepEqual([counter.name, counter.version, counter.functions], ["counter", "1.0", 5]);
  assert.match(counter.hash, /^[0-9a-f]{64}$/);
});

test("what the options leave out is left out, whoever brings it", async () => {
  const given = { extensions: await extensions("counter"), intrinsics: { omit: ["Counter"] } };
  const vm = hold(await QuickJS.create(given));
  assert.equal(run(vm, "typeof Counter"), "undefined");
});

// ---- How they are given ---------------------------------------------------------

test("a module is given as bytes, a Response, or a promise of them", async () => {
  const wasm = await bytesOf("counter");
  const padded = new Uint8Array([1, 2, 3, ...wasm, 4]);
  const ways = [
    wasm.slice().buffer,
    padded.subarray(3, 3 + wasm.length),
    new DataView(padded.buffer, 3, wasm.length),
    Promise.resolve(wasm),
    new Response(wasm),
    Promise.resolve(new Response(wasm)),
  ];
  for (const way of ways) {
    const vm = hold(
      await QuickJS.create({ extensions: [{ wasm: way, uninstrumented: true }] }),
    );
    assert.equal(run(vm, "new Counter().increment()"), "one");
    assert.equal(vm.extensions[0].name, "counter");
  }
});

test("what is no module is refused", async () => {
  const refused = async (wasm, expected, more) =>
    await assert.rejects(QuickJS.create({ extensions: [{ name: "x", wasm, ...more }] }), expected);
  for (const wasm of [5, null, undefined, {}, [], () => 1, true, Symbol("x"), 5n]) {
    await refused(wasm, MisuseError);
    await refused(Promise.resolve(wasm), MisuseError);
  }
  const engineLike = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  assert.match(
    (await refused(engineLike, MisuseError)).message,
    /give the bytes it was compiled from/,
  );
  await refused(new Uint8Array(), /is not a WebAssembly module/);
  await refused(new TextEncoder().encode("not at all a module"), /is not a WebAssembly module/);
  await refused(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), /is not a side module/);
  await refused("http://127.0.0.1:1/none", IoError);
  await refused(new URL("http://127.0.0.1:1/none"), IoError);
  await refused(new Response("no", { status: 404 }), IoError);
  await refused(Promise.reject(new RangeError("mine")), RangeError);
});

test("options that are wrong are refused", async () => {
  const wasm = await bytesOf("counter");
  const given = [
    5,
    "x",
    {},
    [5],
    [null],
    ["counter"],
    [{}],
    [{ name: "x" }],
    [{ wasm, name: "" }],
    [{ wasm, name: "a b" }],
    [{ wasm, name: 5 }],
    [{ wasm, name: "x".repeat(64) }],
    [{ wasm, initFn: 5 }],
  ];
  for (const extensions of given) {
    await assert.rejects(QuickJS.create({ extensions }), MisuseError);
    await assert.rejects(QuickJS.restore(new Uint8Array(8), { extensions }), MisuseError);
  }
  const nameless = [{ wasm: await bytesOf("greeter"), uninstrumented: true }];
  await assert.rejects(QuickJS.create({ extensions: nameless }), /does not say its name/);
});

test("a module is compiled once, however often it is given", async () => {
  const wasm = await bytesOf("counter");
  const { compile } = WebAssembly;
  let compiled = 0;
  WebAssembly.compile = (bytes) => (compiled++, compile(bytes));
  try {
    // Another file than that of the tests before: a custom section more.
    const other = Uint8Array.from([...wasm, 0, 3, 1, 0x78, 0x79]);
    for (let i = 0; i < 3; i++) {
      const given = [{ wasm: other, uninstrumented: true }];
      const vm = hold(await QuickJS.create({ extensions: given }));
      await vm.fork().dispose();
      const copy = [{ wasm: other.slice(), uninstrumented: true }];
      assert.equal(
        run(hold(await QuickJS.create({ extensions: copy })), "typeof Counter"),
        "function",
      );
    }
  } finally {
    WebAssembly.compile = compile;
  }
  assert.equal(compiled, 1);
});

// ---- What is refused --------------------------------------------------------------

async function refusal(options) {
  const vm = hold(await QuickJS.create({ wasi: { now: () => 1_700_000_000_000_000_000n } }));
  run(vm, "1");
  const before = vm.snapshot().bytes;
  const error = await assert.rejects(vm.loadExtension(options), ExtensionError);
  assert.deepEqual(vm.snapshot().bytes, before, "nothing is left in the VM");
  assert.deepEqual(vm.extensions, []);
  await assert.rejects(QuickJS.create({ extensions: [options] }), ExtensionError);
  return error;
}

test("a missing function is named", async () => {
  const error = await refusal(await extension("missing"));
  assert.equal(error.extension, "missing");
  assert.match(error.message, /'missing' needs the function 'frobnicate'/);
});

test("a function of another type is named, with that type", async () => {
  const error = await refusal(await extension("mistaken"));
  assert.equal(error.extension, "mistaken");
  assert.match(error.message, /'JS_NewObject' for a function of type \(i32, f64\) -> f64/);
});

test("one whose loops do not poll is refused unless that is said", async () => {
  const { wasm } = await extension("counter");
  const error = await refusal({ name: "counter", wasm });
  assert.match(error.message, /not instrumented/);
  const vm = hold(await QuickJS.create({ extensions: [{ wasm: tiny() }] }));
  assert.equal(vm.extensions[0].name, "tiny");
});

test("another name than its own is refused", async () => {
  const error = await refusal(await extension("counter", { name: "other" }));
  assert.match(error.message, /'other' .* calls itself 'counter'/);
});

test("an init function that is missing or of another type is refused", async () => {
  const missing = await refusal(await extension("rogue", { initFn: "nothing" }));
  assert.match(missing.message, /'rogue' has no function 'nothing'/);
  const mistyped = await refusal(await extension("rogue", { initFn: "mistyped" }));
  assert.match(mistyped.message, /'mistyped' of type \(\) -> nothing/);
});

test("the same one is not loaded twice", async () => {
  const vm = await create("counter");
  await assert.rejects(vm.loadExtension(await extension("counter")), ExistsError);
  const wasm = await bytesOf("greeter");
  await vm.loadExtension({ name: "greeter", wasm, uninstrumented: true });
  const again = { name: "x", wasm, uninstrumented: true, initFn: "qjs_ext_greeter_init" };
  await assert.rejects(vm.loadExtension(again), ExistsError);
  await assert.rejects(create("counter", "counter"), ExistsError);
  assert.equal(run(vm, "new Counter().increment() + greet(0, 'x')"), "onex");
});

test("none is loaded from a host function, or into a VM that ended", async () => {
  const vm = hold(await QuickJS.create());
  const given = await extension("counter");
  let inside;
  vm.global.setProp("load", vm.newFunction("load", () => void (inside = vm.loadExtension(given))));
  run(vm, "load()");
  // The VM has returned from the host function by the time that the module is compiled.
  await inside;
  assert.equal(run(vm, "typeof Counter"), "function");
  const other = await QuickJS.create();
  other.dispose();
  await assert.rejects(other.loadExtension(given), DisposedError);
});

// ---- Init functions that fail --------------------------------------------------------

test("what an init function throws is told", async () => {
  const given = await extension("rogue", { initFn: "throwing" });
  const error = await assert.rejects(QuickJS.create({ extensions: [given] }), ExtensionError);
  assert.match(error.message, /'rogue' could not be initialised: .*not today/);
  assert(error.cause instanceof JSException);
  // In a VM that goes on, what it made goes on to work.
  const vm = hold(await QuickJS.create());
  await assert.rejects(vm.loadExtension(given), ExtensionError);
  assert.equal(run(vm, "rogue.call(() => 5)"), 5);
  await vm.loadExtension(await extension("greeter"));
  assert.equal(run(vm, "rogue.call(() => 5) + greet(0, 'x')"), "5x");
  assert.deepEqual(vm.extensions.map(({ name }) => name), ["rogue", "greeter"]);
  await assert.rejects(vm.loadExtension(given), ExistsError);
  const all = { extensions: [given, await extension("greeter")] };
  const woken = hold(await QuickJS.restore(vm.snapshot(), all));
  assert.equal(run(woken, "rogue.call(() => 5) + greet(0, 'x')"), "5x");
});

test("an init function that gives another number than 0 failed", async () => {
  const given = await extension("rogue", { initFn: "failing" });
  const error = await assert.rejects(QuickJS.create({ extensions: [given] }), ExtensionError);
  assert.match(error.message, /gave 7/);
});

test("an init function that traps breaks the VM", async () => {
  const given = await extension("rogue", { initFn: "trapping" });
  await assert.rejects(QuickJS.create({ extensions: [given] }), TrappedError);
  const looping = await extension("rogue", { initFn: "looping" });
  const error = await assert.rejects(
    QuickJS.create({ extensions: [looping], fuel: 100_000 }),
    TrappedError,
  );
  assert.match(error.message, /interrupted inside an extension/);
});

// ---- Limits ------------------------------------------------------------------------

test("a trap inside an extension breaks its VM alone", async () => {
  const other = await create("rogue");
  for (const name of ["trap", "stop", "stray", "recurse", "recurseBare"]) {
    const vm = await create("rogue");
    assert.throws(() => run(vm, `rogue.${name}()`), TrappedError, name);
    assert.throws(() => run(vm, "1"), /is broken/, name);
    assert.equal(run(other, "rogue.call(() => 7)"), 7, name);
  }
  const vm = await create("rogue");
  assert.throws(() => run(vm, `rogue.jump(0x7fffffff)`), TrappedError);
});

test("what lies behind the table of a VM is empty", async () => {
  const first = await create("rogue", "counter", "greeter");
  const size = first._core.instance.tableSize;
  first.dispose();
  for (const index of [size - 30, size - 20, size - 1, size]) {
    const vm = await create("rogue");
    if (index < vm._core.instance.tableSize) continue;
    assert.throws(() => run(vm, `rogue.jump(${index})`), TrappedError);
  }
});

test("recursion through JavaScript can be caught", async () => {
  // A web worker has half the stack of a page, which ends before the guest's.
  const small = host === "worker" ? { maxStackSize: 64 << 10 } : {};
  const given = { extensions: await extensions("rogue"), ...small };
  const vm = hold(await QuickJS.create(given));
  const code = `
    let depth = 0;
    const deeper = () => { depth++; rogue.call(deeper); };
    try { deeper() } catch (error) { [error.name, depth > 50] }`;
  assert.deepEqual(run(vm, code), ["RangeError", true]);
  assert.equal(run(vm, "rogue.call(() => 1)"), 1);
});

test("fuel, deadline and handler end loops that poll", async () => {
  const limits = [{ fuel: 1_000_000 }, { deadline: 30 }, { interruptHandler: () => true }];
  for (const limit of limits) {
    const given = { extensions: await extensions("rogue"), ...limit };
    const vm = hold(await QuickJS.create(given));
    const error = assert.throws(() => run(vm, "rogue.loop()"), TrappedError);
    assert.match(error.message, /interrupted inside an extension/);
    const called = hold(await QuickJS.create(given));
    // Code of the program below it is interrupted as it is elsewhere.
    assert.throws(() => run(called, "rogue.call(() => { for (;;); })"), InterruptedError);
    if (limit.fuel) called.fuel = limit.fuel;
    assert.equal(run(called, "1 + 1"), 2);
  }
});

test("loops and recursion of instrumented code keep to the limits", async () => {
  const given = { extensions: [{ wasm: await bytesOf("spinner") }] };
  const free = hold(await QuickJS.create(given));
  assert.equal(run(free, "spin(1000) + recurse(15)"), 1610);
  assert.equal(run(hold(free.fork()), "recurse(10)"), 55);
  const limits = [{ fuel: 100_000 }, { deadline: 30 }, { interruptHandler: () => true }];
  for (const limit of limits) {
    for (const code of ["spin(0)", "recurse(50)"]) {
      const vm = hold(await QuickJS.create({ ...given, ...limit }));
      const error = assert.throws(() => run(vm, code), TrappedError);
      assert.match(error.message, /interrupted inside an extension/);
    }
  }
  // Steps are counted alike each time.
  const left = [1, 2].map(() => {
    const vm = hold(free.fork({ fuel: 1_000_000 }));
    run(vm, "spin(100000)");
    return vm.fuel;
  });
  assert.equal(left[0], left[1]);
  assert(left[0] < 1_000_000);
});

test("memory that an extension leaks counts as the VM's", async () => {
  const given = { extensions: await extensions("rogue"), memoryLimit: 32 << 20 };
  const vm = hold(await QuickJS.create(given));
  const error = run(vm, "try { for (;;) rogue.leak(1e6) } catch (error) { error.message }");
  assert.match(error, /memory/);
  assert(vm._core.instance.u8.length <= 32 << 20);
  vm.dispose();
  const next = hold(await QuickJS.create(given));
  run(next, "for (let i = 0; i < 100; i++) rogue.leakObjects()");
  next.runGC();
  assert.equal(run(next, "rogue.leak(1e6)"), true);
});

test("an extension for which there is no memory is refused", async () => {
  const { dylink, TABLE, MEMORY_BASE, TABLE_BASE, importing } = await import(
    "./support/extension.mjs"
  );
  const memory = importing("env", "memory", [2, 0, 128, 8]);
  const wasm = tiny({
    first: dylink(64 << 20, 16, 4, 3),
    imports: [memory, TABLE, MEMORY_BASE, TABLE_BASE],
  });
  const small = hold(await QuickJS.create({ memoryLimit: 16 << 20 }));
  await assert.rejects(small.loadExtension({ wasm }), LimitError);
  assert.equal(run(small, "1 + 1"), 2);
  assert.deepEqual(small.extensions, []);
  const large = hold(await QuickJS.create({ extensions: [{ wasm }] }));
  assert.equal(large.extensions[0].memory, 64 << 20);
});

test("BusyError says why nothing is loaded while guest code runs", async () => {
  const vm = hold(await QuickJS.create());
  const given = await extension("counter");
  await QuickJS.create({ extensions: [given] }).then((other) => other.dispose());
  let error;
  const busy = () => {
    try {
      vm._core.requireOutside("loading an extension");
    } catch (caught) {
      error = caught;
    }
  };
  vm.global.setProp("load", vm.newFunction("load", busy));
  run(vm, "load()");
  assert(error instanceof BusyError);
});
