// SPDX-License-Identifier: MIT
//
// api-options.test.mjs - options of a VM: clock, output, randomness, limits,
// interrupts, what is left out, time zones, rejections, console; anew at restore.

import { assert, readText, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  DisposedError,
  EngineError,
  ExtensionError,
  FormatError,
  InterruptedError,
  Intrinsics,
  IoError,
  JSException,
  LimitError,
  MisuseError,
  QuickJS,
  TorporError,
  VMPool,
} from "torpor-vm";

const MOMENT = 1_700_000_000_000;
const now = () => BigInt(MOMENT) * 1_000_000n;

const restore = async (vm, options) =>
  await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()), options);

// ---- Clock, randomness, output ---------------------------------------------------

test("wasi.now drives Date and Math.random", async () => {
  const sequence = [0.4250777419229457, 0.7318575301997312, 0.4407643123773133];
  for (let i = 0; i < 2; i++) {
    await withVM((vm) => {
      assert.equal(run(vm, "Date.now()"), MOMENT);
      assert.equal(run(vm, "new Date().getTime()"), MOMENT);
      assert.deepEqual(run(vm, "[Math.random(), Math.random(), Math.random()]"), sequence);
    }, { wasi: { now } });
  }
  await withVM(
    (vm) => assert.notEqual(run(vm, "Math.random()"), sequence[0]),
    { wasi: { now: () => now() + 1_000_000n } },
  );
});

test("time goes on as wasi.now says, before and after a restore", async () => {
  let ms = MOMENT;
  const wasi = { now: () => BigInt(ms) * 1_000_000n };
  const vm = await QuickJS.create({ wasi });
  assert.equal(run(vm, "var first = performance.now(); Date.now()"), MOMENT);
  ms += 1500;
  assert.equal(run(vm, "Date.now()"), MOMENT + 1500);
  assert.equal(run(vm, "Math.round(performance.now() - first)"), 1500);
  ms = MOMENT + 1e9;
  const woken = await restore(vm, { wasi });
  assert.equal(run(woken, "Date.now()"), ms);
  assert(run(woken, "performance.now() >= first + 1500"), "monotonic time does not go back");
  const other = await restore(vm, { wasi: { now: () => 5_000_000n } });
  assert.equal(run(other, "Date.now()"), 5);
  const host = await restore(vm);
  assert(Math.abs(run(host, "Date.now()") - Date.now()) < 60_000, "without the option: the host's");
  for (const one of [vm, woken, other, host]) one.dispose();
});

test("a clock that throws or gives nonsense interrupts the program", async () => {
  const failed = new Error("no clock");
  let broken = false;
  await withVM((vm) => {
    broken = true;
    const error = assert.throws(() => vm.evalCode("Date.now(); for (;;);"), InterruptedError);
    assert.equal(error.cause, failed);
    broken = false;
    assert.equal(run(vm, "Date.now()"), MOMENT);
  }, {
    wasi: {
      now: () => {
        if (broken) throw failed;
        return now();
      },
    },
  });
  await assert.rejects(QuickJS.create({ wasi: { now: () => 5 } }), TorporError);
});

test("wasi.random seeds what wants randomness", async () => {
  const random = (bytes) => bytes.fill(7);
  const sequences = [];
  for (let i = 0; i < 2; i++) {
    const vm = await QuickJS.create();
    const woken = await restore(vm, { reseed: true, wasi: { random } });
    sequences.push(run(woken, "[Math.random(), Math.random()]"));
    vm.dispose();
    woken.dispose();
  }
  assert.deepEqual(sequences[0], sequences[1]);
});

test("wasi.stdout and stderr get what the console prints", async () => {
  let out = "", err = "";
  const wasi = { stdout: (text) => (out += text), stderr: (text) => (err += text) };
  await withVM(async (vm) => {
    run(vm, "console.log('a', 1, { b: [2] }); console.info('i'); console.debug('d')");
    run(vm, "console.warn('w'); console.error('\\ufeffé😀')");
    assert.match(out, /^a 1 .*b.*2.*\ni\nd\n$/s);
    assert.equal(err, "w\n\ufeffé😀\n");
    out = err = "";
    const woken = await restore(vm, { wasi: { stdout: (text) => (err += text) } });
    run(woken, "console.log('woken'); console.error('nobody')");
    assert.equal(out, "");
    assert.equal(err, "woken\n");
    woken.dispose();
  }, { wasi });
});

test("the option console", async () => {
  const lines = [];
  await withVM((vm) => {
    run(
      vm,
      "for (const level of ['debug', 'log', 'info', 'warn', 'error']) console[level](level + '!')",
    );
    run(vm, "console.log('x'.repeat(100000).length, 'y'.repeat(100000))");
    run(vm, "console.log()");
  }, { console: (level, text) => lines.push([level, text]) });
  assert.deepEqual(lines.slice(0, 5), [
    ["debug", "debug!"],
    ["log", "log!"],
    ["info", "info!"],
    ["warn", "warn!"],
    ["error", "error!"],
  ]);
  assert.match(lines[5][1], /^100000 y+/);
  assert.deepEqual(lines[6], ["log", ""]);
  const some = [];
  await withVM((vm) => run(vm, "console.log('l'); console.warn('w')"), {
    console: { warn: (text) => some.push(text) },
  });
  assert.deepEqual(some, ["w"]);
});

test("a console that throws interrupts the program", async () => {
  const failed = new Error("full disk");
  for (const thrown of [failed, undefined, null]) {
    await withVM((vm) => {
      const error = assert.throws(
        () => vm.evalCode("try { console.log(1); for (;;); } catch (e) { for (;;); }"),
        InterruptedError,
      );
      assert.equal(error.cause, thrown);
      assert.equal(run(vm, "1 + 1"), 2);
    }, {
      console: () => {
        throw thrown;
      },
    });
  }
});

test("console, clock and zone may use the VM, and end it", async () => {
  let vm;
  const seen = [];
  vm = await QuickJS.create({
    console: (_, text) => seen.push(run(vm, `"${text}" + (typeof inner)`)),
    timezoneOffset: () => run(vm, "60"),
  });
  run(vm, "var inner = 1; console.log('a')");
  assert.deepEqual(seen, ["anumber"]);
  assert.equal(run(vm, "new Date(0).getTimezoneOffset()"), 60);
  vm.dispose();
  for (const code of ["console.log(1); for (;;);", "new Date(0).getTimezoneOffset(); for (;;);"]) {
    const end = () => (vm.dispose(), 0);
    vm = await QuickJS.create({ console: end, timezoneOffset: end });
    assert.throws(() => vm.evalCode(code), DisposedError);
    assert(vm.disposed, code);
  }
});

// ---- Limits -----------------------------------------------------------------------

test("memoryLimit is an error of the guest, and the VM goes on", async () => {
  await withVM((vm) => {
    for (
      const code of [
        "const a = []; for (;;) a.push(new Array(1000).fill(a.length))",
        "let s = 'x'; for (;;) s += s",
        "new ArrayBuffer(1 << 30)",
        "const m = new Map; for (let i = 0;; i++) m.set(i, 'v' + i)",
        "'x'.repeat(1 << 29)",
        "const b = []; for (;;) b.push(new Uint8Array(100000))",
        "let o = {}; for (let i = 0;; i++) o['k' + i] = { i }",
      ]
    ) {
      const error = thrownBy(() => vm.unwrapResult(vm.evalCode(`{${code}}`)));
      assert(error instanceof Error, code);
      assert.match(error.message, /memory|too (large|long)|length|invalid/i, code);
      vm.runGC();
      assert.equal(run(vm, "[1, 2, 3].map((x) => x + 1).join()"), "2,3,4", code);
      assert(vm.getMemoryUsage().memory <= 8 << 20, code);
    }
  }, { memoryLimit: 8 << 20 });
});

test("what the host gives has to fit into memoryLimit", () =>
  withVM((vm) => {
    const large = "x".repeat(16 << 20);
    const uses = [
      () => vm.newString(large),
      () => vm.newString(large + "日"),
      () => vm.newUint8Array(new Uint8Array(16 << 20)),
      () => vm.newArrayBuffer(new ArrayBuffer(16 << 20)),
      () => vm.hostToHandle({ large }),
      () => vm.evalCode(`"${large}"`),
      () => vm.global.getProp(large),
      () => vm.global.setProp(large, vm.true),
      () => vm.newError(large),
      () => vm.newBigInt(1n << (1n << 27n)),
      () => vm.newSymbolFor(large),
      () => vm.evalBytecode(vm.compile(large)),
    ];
    for (const use of uses) {
      const error = thrownBy(() => {
        const result = use();
        if (result?.isException) vm.unwrapResult(result);
      });
      assert(error instanceof Error, use.toString());
      assert(error instanceof TorporError || error.name !== "TypeError", `${use}: ${error}`);
      vm.runGC();
      assert.equal(run(vm, "1 + 1"), 2, use.toString());
    }
  }, { memoryLimit: 8 << 20 }));

test("a memoryLimit below what an engine needs is refused", async () => {
  const error = await assert.rejects(
    QuickJS.create({ memoryLimit: 1000 }).then((vm) =>
      vm.unwrapResult(vm.evalCode("Array(1e6).fill(1)"))
    ),
    Error,
  );
  assert(error instanceof LimitError || /memory/.test(error.message), String(error));
});

test("maxStackSize makes recursion an error of the guest", async () => {
  const depth = async (maxStackSize) =>
    await withVM((vm) => {
      const n = run(
        vm,
        "let n = 0; function f() { n++; f() } try { f() } catch (e) { if (!(e instanceof RangeError)) throw e } n",
      );
      assert.equal(run(vm, "1 + 1"), 2);
      return n;
    }, { maxStackSize });
  const [small, large] = [await depth(20_000), await depth(200_000)];
  assert(small > 10, `${small} calls deep`);
  assert(large > 5 * small, `${large} against ${small}`);
});

test("interruptHandler stops guest code, which cannot catch that", async () => {
  let asked = 0;
  await withVM((vm) => {
    for (
      const code of [
        "for (;;);",
        "try { for (;;); } catch (e) { 'caught' } finally { for (;;); }",
        "for (;;) try { for (;;); } catch { }",
        "(async () => { for (;;); })()",
        "[1, 2].sort(() => { for (;;); })",
        "JSON.stringify({ toJSON() { for (;;); } })",
        "/(x+x+)+y/.test('x'.repeat(60))",
      ]
    ) {
      asked = 0;
      assert.throws(() => vm.evalCode(code), InterruptedError, code);
      assert.equal(run(vm, "1 + 1"), 2, code);
    }
    const loop = vm.evalCode("(function () { for (;;); })");
    assert.throws(() => vm.callFunction(loop, vm.undefined), InterruptedError);
    assert.throws(() => vm.construct(loop), InterruptedError);
    const getter = vm.evalCode("({ get x() { for (;;); }, toString() { for (;;); } })");
    assert.throws(() => getter.getProp("x"), InterruptedError);
    assert.throws(() => getter.toString(), InterruptedError);
    assert.throws(() => vm.dump(getter), InterruptedError);
    run(vm, "Promise.resolve().then(() => { for (;;); }); 1");
    assert.throws(() => vm.executePendingJobs(), InterruptedError);
    assert.equal(run(vm, "1 + 1"), 2);
  }, { interruptHandler: () => ++asked > 3 });
});

test("an interruptHandler that throws interrupts with its error as cause", async () => {
  const mine = new Error("mine");
  await withVM((vm) => {
    const error = assert.throws(() => vm.evalCode("for (;;);"), InterruptedError);
    assert.equal(error.cause, mine);
    assert.equal(run(vm, "1 + 1"), 2);
  }, {
    interruptHandler: () => {
      throw mine;
    },
  });
  for (const answer of [1, "yes", {}, Promise.resolve(true)]) {
    let asked = 0;
    await withVM((vm) => assert.throws(() => vm.evalCode("for (;;);"), InterruptedError), {
      interruptHandler: () => (++asked > 5 ? true : answer),
    });
    assert.equal(asked, 6);
  }
});

test("guest code that was stopped does not go on behind a host function", async () => {
  let stop = false, after = 0;
  await withVM((vm) => {
    vm.global.setProp(
      "inner",
      vm.newFunction("inner", () => {
        stop = true;
        thrownBy(() => vm.evalCode("for (;;);"));
        stop = false;
        return 1;
      }),
    );
    vm.global.setProp("after", vm.newFunction("after", () => void after++));
    assert.throws(
      () =>
        vm.evalCode(
          "try { inner() } catch { } finally { after() } for (let i = 0; i < 1e6; i++); after()",
        ),
      InterruptedError,
    );
    assert.equal(after, 0);
    assert.equal(run(vm, "1 + 1"), 2);
  }, { interruptHandler: () => stop });
});

test("an interruptHandler may use the VM, and end it", async () => {
  let vm, seen = 0;
  vm = await QuickJS.create({
    interruptHandler: () => {
      if (seen++ < 3) run(vm, "counter++");
      return seen > 3;
    },
  });
  run(vm, "var counter = 0");
  assert.throws(() => vm.evalCode("for (;;);"), InterruptedError);
  assert.equal(run(vm, "counter"), 3);
  vm.dispose();
  vm = await QuickJS.create({ interruptHandler: () => vm.dispose() });
  assert.throws(() => vm.evalCode("for (;;);"), DisposedError);
  assert(vm.disposed, "it has ended");
});

test("deadline stops each call after so many milliseconds", async () => {
  await withVM((vm) => {
    for (let i = 0; i < 3; i++) {
      const begin = performance.now();
      assert.throws(() => vm.evalCode("for (;;);"), InterruptedError);
      const took = performance.now() - begin;
      assert(took >= 29 && took < 2000, `it took ${took} ms`);
      assert.equal(run(vm, "1 + 1"), 2);
    }
    vm.global.setProp(
      "wait",
      vm.newFunction("wait", () => {
        const end = performance.now() + 50;
        while (performance.now() < end);
      }),
    );
    assert.throws(() => vm.evalCode("wait(); 'not reached'"), InterruptedError);
  }, { deadline: 30 });
});

test("what is stopped says where", () =>
  withVM((vm) => {
    const code = "let n = 0;\nconst f = () => n++;\nfor (;;)\n  f();";
    const error = assert.throws(
      () => vm.evalCode(code, "place.js").dispose(),
      InterruptedError,
    );
    assert.match(error.message, /\(place\.js:\d+:\d+\)$/);
  }, { fuel: 20_000 }));

test("fuel ends equal programs at equal places", async () => {
  const counts = [];
  for (let i = 0; i < 2; i++) {
    await withVM((vm) => {
      run(vm, "var n = 0");
      assert.throws(() => vm.evalCode("for (;;) n++"), InterruptedError);
      counts.push(run((vm.fuel = 0, vm), "n"));
      vm.fuel = 5000;
      assert.equal(vm.fuel, 5000);
      assert.throws(() => vm.evalCode("for (;;) n++"), InterruptedError);
      assert.throws(() => vm.evalCode("for (;;) n++"), InterruptedError);
      vm.fuel = 0;
      counts.push(run(vm, "n"));
    }, { fuel: 100_000 });
  }
  assert.deepEqual(counts.slice(0, 2), counts.slice(2));
  // The same number on every host.
  assert.equal(counts[0], 99_998);
  await withVM((vm) => {
    for (const wrong of [-1, NaN, "5", 1n, null, 2 ** 53]) {
      assert.throws(() => (vm.fuel = wrong), MisuseError);
    }
    vm.fuel = 2 ** 40 + 5;
    assert.equal(vm.fuel, 2 ** 40 + 5);
    run(vm, "for (let i = 0; i < 100000; i++);");
    assert(vm.fuel < 2 ** 40 + 5 && vm.fuel > 2 ** 40 - 200_000, `${vm.fuel} are left`);
  });
});

test("limits are given anew at restore", async () => {
  const vm = await QuickJS.create({ fuel: 1e9, memoryLimit: 64 << 20 });
  run(vm, "var n = 0, large = 'x'.repeat(20 << 20)");
  await assert.rejects(restore(vm, { memoryLimit: 4 << 20 }), LimitError);
  const woken = await restore(vm, { fuel: 1000, memoryLimit: 64 << 20 });
  assert.throws(() => woken.evalCode("for (;;) n++"), InterruptedError);
  const free = await restore(vm);
  assert.equal(free.fuel, 0);
  assert.equal(run(free, "for (let i = 0; i < 1e5; i++) n++; n"), 1e5);
  for (const one of [vm, woken, free]) one.dispose();
});

// ---- What the language has -----------------------------------------------------------

test("intrinsics leave things out, also after a restore", async () => {
  for (
    const [intrinsics, gone, left] of [
      [Intrinsics.ALL & ~Intrinsics.EVAL, ["eval"], ["Date", "Proxy"]],
      [Intrinsics.ALL & ~Intrinsics.DATE & ~Intrinsics.PROXY, ["Date", "Proxy", "Reflect"], [
        "eval",
        "Map",
      ]],
      [{ omit: ["WeakRef", "performance"] }, ["WeakRef", "performance"], ["Date"]],
      [Intrinsics.ALL & ~Intrinsics.TYPED_ARRAYS, ["Uint8Array", "DataView"], ["Map"]],
      [Intrinsics.ALL, [], ["Date", "eval", "atob", "DOMException", "WeakRef", "performance"]],
    ]
  ) {
    const vm = await QuickJS.create({ intrinsics });
    const check = (one) => {
      for (const name of gone) assert.equal(run(one, `typeof ${name}`), "undefined", name);
      for (const name of left) assert.notEqual(run(one, `typeof ${name}`), "undefined", name);
    };
    check(vm);
    const again = await restore(vm, { intrinsics });
    check(again);
    vm.dispose();
    again.dispose();
  }
});

test("without eval there is no way to it", () =>
  withVM((vm) => {
    for (
      const code of [
        "eval('1')",
        "(0, eval)('1')",
        "new Function('return 1')()",
        "(() => 1).constructor('return 1')()",
        "(async () => 1).constructor('return 1')",
        "(function* () {}).constructor('yield 1')",
        "Reflect.construct((() => 1).constructor, ['return 1'])",
      ]
    ) {
      const result = vm.evalCode(code);
      assert(result.isException, code);
      result.dispose();
    }
    assert.equal(run(vm, "1 + 1"), 2);
  }, { intrinsics: Intrinsics.ALL & ~Intrinsics.EVAL }));

test("timezoneOffset: minutes, function, host", async () => {
  const offset = "new Date(0).getTimezoneOffset()";
  for (const minutes of [0, 60, -330, 720]) {
    await withVM((vm) => assert.equal(run(vm, offset), minutes), { timezoneOffset: minutes });
  }
  await withVM((vm) => assert.equal(run(vm, "new Date(0).getHours()"), 2), {
    timezoneOffset: -120,
  });
  const asked = [];
  await withVM((vm) => {
    assert.equal(run(vm, "new Date(86400000).getTimezoneOffset()"), -60);
    assert.equal(asked[0], 86400);
  }, { timezoneOffset: (seconds) => (asked.push(seconds), -60) });
  for (const timezoneOffset of ["host", undefined]) {
    await withVM(
      (vm) => assert.equal(run(vm, offset), new Date(0).getTimezoneOffset()),
      { timezoneOffset },
    );
  }
  for (const nonsense of [NaN, Infinity, "x", undefined, {}, 1e30, -1e30]) {
    await withVM((vm) => {
      const value = run(vm, offset);
      assert(Number.isFinite(value), `${String(nonsense)} gives ${value}`);
      run(vm, "new Date(8.64e15).toString() + new Date(-8.64e15) + new Date(NaN)");
    }, { timezoneOffset: () => nonsense });
  }
  await withVM((vm) => {
    assert.throws(() => vm.evalCode(`${offset}; for (;;);`), InterruptedError);
    assert.equal(run(vm, "1 + 1"), 2);
  }, {
    timezoneOffset: () => {
      throw new Error("no zone");
    },
  });
});

test("onUnhandledRejection tells of rejections, and of late handlers", async () => {
  const told = [];
  const onUnhandledRejection = (promise, reason, isHandled) =>
    told.push([
      promise.isPromise,
      reason.isError ? reason.getProp("message").toString() : reason.vm.dump(reason),
      isHandled,
    ]);
  await withVM((vm) => {
    run(
      vm,
      "var p = Promise.reject(new Error('a')); Promise.reject(5); Promise.reject(6).catch(() => 1); 1",
    );
    vm.executePendingJobs();
    assert.deepEqual(told.splice(0), [[true, "a", false], [true, 5, false]]);
    run(vm, "p.catch(() => 1); 1");
    vm.executePendingJobs();
    assert.deepEqual(told.splice(0), [[true, "a", true]]);
    const handled = vm.evalCode("Promise.reject(7)");
    vm.markPromiseHandled(handled);
    vm.executePendingJobs();
    assert.deepEqual(told, []);
  }, { onUnhandledRejection });
});

test("onUnhandledRejection may throw, use the VM, and end it", async () => {
  let vm = await QuickJS.create({
    onUnhandledRejection: () => {
      throw new RangeError("mine");
    },
  });
  run(vm, "Promise.reject(1); 1");
  assert.throws(() => vm.executePendingJobs(), RangeError);
  assert.equal(run(vm, "1 + 1"), 2);
  vm.dispose();
  let seen = 0;
  vm = await QuickJS.create({ onUnhandledRejection: () => (seen = run(vm, "seen = 5")) });
  run(vm, "var seen = 0; Promise.reject(1); 1");
  vm.executePendingJobs();
  assert.equal(seen, 5);
  vm.dispose();
  vm = await QuickJS.create({ onUnhandledRejection: () => vm.dispose() });
  run(vm, "Promise.reject(1); Promise.reject(2); 1");
  vm.executePendingJobs();
  assert(vm.disposed, "it has ended");
});

test("onUnhandledRejection may cause others, without end", async () => {
  let told = 0;
  const vm = await QuickJS.create({
    onUnhandledRejection: () => {
      assert(++told < 10_000, "it comes to an end");
      run(vm, "Promise.reject(2); 1");
    },
  });
  run(vm, "Promise.reject(1); 1");
  vm.executePendingJobs();
  assert.equal(told, 512);
  vm.dispose();
});

// ---- Wrong ones ------------------------------------------------------------------------

test("options of wrong types are refused by name", async () => {
  const wrong = {
    memoryLimit: ["1", -1, 0, NaN, Infinity, 1n, null, {}, 2 ** 40],
    maxStackSize: ["1", -1, 0, NaN, 100, null],
    fuel: ["1", -1, NaN, 1n, null, 0.5],
    deadline: ["1", -1, NaN, 1n, null, 0],
    interruptHandler: [1, "f", null, {}, true],
    onUnhandledRejection: [1, "f", null, {}],
    moduleLoader: [1, "f", null, {}, { load: 5 }, { load() {}, normalize: 5 }, () => 1],
    extensions: [1, "x", null, {}],
    exceptions: [1, "yes", null, true],
    intrinsics: ["all", null, {}, { omit: "Date" }, { omit: [5] }, { omit: ["a b"] }, {
      omit: ["a\0"],
    }, () => 1],
    timezoneOffset: ["UTC", NaN, Infinity, null, {}],
    wasi: [1, "x", null, { now: 5 }, { stdout: "x" }, { stderr: {} }, { random: 1 }, () => 1],
    console: [1, "x", null, { log: 5 }, { error: "x" }],
    drivers: [1, "x", null, { timer: 5 }, { timer: null }],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const label = `${name} ${typeof value}`;
      const error = await assert.rejects(QuickJS.create({ [name]: value }), MisuseError, label);
      assert.match(
        error.message,
        name === "drivers" ? /driver/ : new RegExp(`'${name}'|${name}`),
        label,
      );
      await assert.rejects(
        QuickJS.restore(new Uint8Array(8), { [name]: value }),
        MisuseError,
        label,
      );
    }
  }
  // A limit that is misspelled must not be none.
  for (const unknown of ["memorylimit", "memory", "toString", ""]) {
    const options = { [unknown]: 1 };
    for (
      const open of [
        () => QuickJS.create(options),
        () => QuickJS.restore(new Uint8Array(8), options),
        () => VMPool.create(options),
      ]
    ) {
      const { message } = await assert.rejects(open(), MisuseError, unknown);
      assert(message.includes(`'${unknown}'`) && message.includes("memoryLimit"), message);
    }
  }
  const vm = await QuickJS.create();
  assert.throws(() => vm.fork({ Fuel: 5 }), MisuseError);
  vm.dispose();
  const extensions = [{ name: "url", wasm: new Uint8Array(9) }];
  await assert.rejects(QuickJS.create({ extensions }), ExtensionError);
  for (const given of [1, "x", null, true, Symbol("x"), 5n, () => 1]) {
    await assert.rejects(QuickJS.create(given), MisuseError);
  }
});

test("a wasm that is no engine is refused", async () => {
  for (const wasm of [5, true, null, {}, [], () => 1, Symbol("x")]) {
    await assert.rejects(QuickJS.create({ wasm }), MisuseError, typeof wasm);
    await assert.rejects(QuickJS.create({ wasm: Promise.resolve(wasm) }), MisuseError, typeof wasm);
  }
  await assert.rejects(QuickJS.create(new Uint8Array(0)), FormatError);
  await assert.rejects(QuickJS.create(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0])), FormatError);
  await assert.rejects(QuickJS.create(new TextEncoder().encode("this is no wasm")), FormatError);
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await assert.rejects(QuickJS.create(empty), EngineError);
  await assert.rejects(QuickJS.create(empty.buffer), EngineError);
  await assert.rejects(QuickJS.create(new WebAssembly.Module(empty)), EngineError);
  await assert.rejects(
    QuickJS.create({ wasm: Promise.reject(new RangeError("mine")) }),
    RangeError,
  );
  await assert.rejects(QuickJS.create({ wasm: "http://127.0.0.1:1/none" }), IoError);
  await assert.rejects(QuickJS.create({ wasm: new URL("http://127.0.0.1:1/none") }), IoError);
  await assert.rejects(QuickJS.create({ wasm: new Response("no", { status: 404 }) }), IoError);
  await withVM((vm) => assert.equal(run(vm, "1 + 1"), 2));
});
