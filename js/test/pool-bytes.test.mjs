// SPDX-License-Identifier: MIT
//
// pool-bytes.test.mjs - nothing of one VM can be seen by the next: an instance
// that is used again has the very bytes of a new one, whatever was done in it.

import { assert, test } from "./support/test.mjs";
import { run, thrownBy } from "./support/vm.mjs";
import { QuickJS, VMPool } from "torpor-vm";

const MARK = "tenantsecret";
const now = () => 1_700_000_000_000_000_000n;
const OPTIONS = { wasi: { now, random: (bytes) => bytes.fill(0) } };

/** All memory of a VM, as the host sees it. */
const memoryOf = (vm) => vm._core.instance.u8;

/** What tenants do. */
const TENANTS = {
  strings: (vm) =>
    void run(vm, `globalThis.all = []; for (let i = 0; i < 5000; i++) all.push("${MARK}" + i)`),
  "large strings": (vm) => void run(vm, `globalThis.s = "${MARK}".repeat(200000)`),
  buffers: (vm) => {
    const bytes = new TextEncoder().encode(MARK.repeat(50_000));
    vm.global.setProp("b", vm.newUint8Array(bytes));
  },
  growth: (vm) => void run(vm, `globalThis.big = new Uint8Array(20 << 20).fill(0xaa); 1`),
  "growth that was freed": (vm) => {
    run(vm, "globalThis.big = new Uint8Array(20 << 20).fill(0xaa); globalThis.big = null; 1");
    vm.runGC();
  },
  stack: (vm) =>
    void run(vm, `const f = (n, s) => n ? f(n - 1, s + n) + 1 : s.length; f(200, "${MARK}")`),
  "an overflow of the stack": (vm) => thrownBy(() => run(vm, "(function f() { f() })()")),
  errors: (vm) => thrownBy(() => run(vm, `throw new Error("${MARK}")`)),
  "host functions": (vm) => {
    for (let i = 0; i < 50; i++) {
      vm.global.setProp(
        `f${i}`,
        vm.newFunction(`${MARK}${i}`, (x) => x),
      );
    }
    run(vm, `f7("${MARK}"); 1`);
  },
  "texts of the host": (vm) => {
    vm.newString(MARK.repeat(10));
    vm.hostToHandle({ [MARK]: [MARK, { [MARK]: 1 }] });
    vm.global.getProp(MARK.repeat(1000));
    vm.callFunction(
      vm.evalCode("(...a) => a.length"),
      vm.undefined,
      ...Array(2000).fill(vm.newNumber(0x1234567)),
    );
  },
  symbols: (vm) => void run(vm, `globalThis["${MARK}"] = Symbol.for("${MARK}"); 1`),
  operations: (vm) => void run(vm, `setTimeout(() => "${MARK}", 1e6); 1`),
  jobs: (vm) => void run(vm, `Promise.resolve("${MARK}").then((s) => globalThis.s = s); 1`),
  handles: (vm) => {
    for (let i = 0; i < 3000; i++) vm.newString(MARK + i);
  },
  garbage: (vm) => void run(vm, `for (let i = 0; i < 3000; i++) ({ s: "${MARK}" + i, o: {} }); 1`),
  memory: (vm) => {
    thrownBy(() => run(vm, `const a = []; for (;;) a.push("${MARK}".repeat(1000) + a.length)`));
  },
  interrupts: (vm) => {
    vm.fuel = 10_000;
    thrownBy(() => run(vm, `for (let s = "${MARK}";; s = "${MARK}" + s.length);`));
  },
  modules: (vm) =>
    void vm.evalCode(`export const ${MARK} = "${MARK}"`, `${MARK}.js`, { module: true }),
  bytecode: (vm) => void vm.evalBytecode(vm.compile(`globalThis.${MARK} = 1`)),
  collections: (vm) => void run(vm, `globalThis.m = new Map([["${MARK}", new WeakRef({})]]); 1`),
  snapshots: (vm) => {
    run(vm, `globalThis.s = "${MARK}"; 1`);
    const first = vm.snapshot();
    run(vm, "globalThis.t = s + s; 1");
    vm.snapshot({ since: first });
    vm.fork().dispose();
  },
  fuel: (vm) => void ((vm.fuel = 12345), (vm.gcThreshold = 9999)),
};

// Takes all idle instances, so that the next VM gets a new one.
async function drainIdle() {
  const taken = [];
  const engine = await QuickJS.create(OPTIONS).then((vm) => (taken.push(vm), vm._core.engine));
  while (engine.idle.length > 0) taken.push(await QuickJS.create(OPTIONS));
  return { engine, taken };
}

function requireSame(actual, expected, label) {
  assert.equal(actual.length, expected.length, `${label}: size`);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  if (at >= 0) assert.fail(`${label}: byte ${at} is ${actual[at]} instead of ${expected[at]}`);
}

test("a VM in an instance that was used has the bytes of one in a new instance", async () => {
  const { engine, taken } = await drainIdle();
  const fresh = await QuickJS.create(OPTIONS);
  const expected = memoryOf(fresh).slice();
  fresh.dispose();
  for (const [name, use] of Object.entries(TENANTS)) {
    engine.idle.length = 0;
    const vm = await QuickJS.create({ ...OPTIONS, memoryLimit: 64 << 20, console: () => {} });
    const { instance } = vm._core;
    use(vm);
    vm.dispose();
    if (!engine.idle.includes(instance)) continue;
    const bytes = instance.u8;
    // What is stale is written over by whoever gets it: see the next but one.
    const end = instance.isStale ? engine.baseline.length : bytes.length;
    for (let at = 0; at < end; at++) {
      if (bytes[at] !== (at < engine.baseline.length ? engine.baseline[at] : 0)) {
        assert.fail(`${name}: byte ${at} is left`);
      }
    }
    if (instance.u8.length !== expected.length) continue;
    engine.idle.splice(0, engine.idle.length, instance);
    const next = await QuickJS.create(OPTIONS);
    assert.equal(next._core.instance, instance, `${name}: it is used again`);
    requireSame(memoryOf(next), expected, name);
    assert.equal(
      run(next, `typeof ${MARK} + typeof all + typeof s`),
      "undefinedundefinedundefined",
    );
    next.dispose();
  }
  for (const one of taken) one.dispose();
});

test("a restored VM has the same bytes in an instance that was used", async () => {
  const first = await QuickJS.create(OPTIONS);
  run(first, "globalThis.own = [1, 2, 3]; 1");
  const snapshot = QuickJS.serializeSnapshot(first.snapshot());
  const { engine, taken } = await drainIdle();
  engine.idle.length = 0;
  const clean = await QuickJS.restore(snapshot, OPTIONS);
  const asleep = memoryOf(clean).slice();
  run(clean, "own.length");
  const awake = memoryOf(clean).slice();
  for (const [name, use] of Object.entries(TENANTS)) {
    engine.idle.length = 0;
    const vm = await QuickJS.create({ ...OPTIONS, memoryLimit: 64 << 20, console: () => {} });
    use(vm);
    vm.dispose();
    const woken = await QuickJS.restore(snapshot, OPTIONS);
    requireSame(memoryOf(woken), asleep, `${name}, asleep`);
    run(woken, "own.length");
    requireSame(memoryOf(woken), awake, `${name}, awake`);
    const copy = woken.fork();
    woken.dispose();
    assert.equal(run(copy, "own.join()"), "1,2,3");
    copy.dispose();
  }
  for (const one of [first, clean, ...taken]) one.dispose();
});

test("a large VM has the same bytes where a larger, an equal or a smaller one was", async () => {
  const sparse = (size) =>
    `globalThis.big = new Uint8Array(${size} << 20); for (let i = 1; i < big.length; i <<= 1) big[i] = 7; 1`;
  const first = await QuickJS.create(OPTIONS);
  run(first, sparse(12));
  const whole = first.snapshot();
  run(first, "big.fill(9, 5 << 20, 6 << 20); globalThis.more = [1, 2, 3]; 1");
  const later = first.snapshot({ since: whole });
  const { engine, taken } = await drainIdle();
  for (const snapshot of [whole, later]) {
    engine.idle.length = 0;
    const clean = await QuickJS.restore(snapshot, OPTIONS);
    const expected = memoryOf(clean).slice();
    for (const size of [8, 12, 16]) {
      engine.idle.length = 0;
      const tenant = await QuickJS.create(OPTIONS);
      const { instance } = tenant._core;
      run(tenant, `globalThis.big = new Uint8Array(${size} << 20).fill(0xaa); 1`);
      tenant.dispose();
      assert(instance.isStale, "it was not cleared yet");
      const woken = await QuickJS.restore(snapshot, OPTIONS);
      assert.equal(woken._core.instance === instance, size <= 12, "whether it is used again");
      requireSame(memoryOf(woken), expected, `after ${size} MiB`);
      woken.dispose();
      const copy = clean.fork();
      assert.equal(run(copy, "big[4096] + big.length"), 7 + (12 << 20));
      copy.dispose();
    }
    const fork = clean.fork();
    assert(!fork._core.instance.isStale, "it is written over");
    const { stackSize, control } = engine;
    const own = (memory) => [memory.slice(stackSize, control), memory.slice(control + (64 << 10))];
    own(memoryOf(fork)).forEach((part, i) => requireSame(part, own(expected)[i], "a fork"));
    fork.dispose();
    clean.dispose();
  }
  for (const one of [first, ...taken]) one.dispose();
});

test("what broke is not used again", async () => {
  const vm = await QuickJS.create();
  const { engine, instance } = vm._core;
  vm.global.setProp(
    "f",
    vm.newFunction("f", () => {
      instance.break(new Error("trap"));
    }),
  );
  assert.throws(() => vm.evalCode("f()"));
  assert.throws(() => vm.evalCode("1"), /broken/);
  vm.dispose();
  assert(!engine.idle.includes(instance), "it is dropped");
});

test("a pool's VMs each start from the snapshot's bytes", async () => {
  const pool = await VMPool.create({
    ...OPTIONS,
    reseed: false,
    memoryLimit: 64 << 20,
    console: () => {},
    warm: (vm) => void run(vm, "globalThis.double = (n) => 2 * n; 1"),
  });
  let expected;
  pool.run((vm) => {
    run(vm, "double(1)");
    expected = memoryOf(vm).slice();
  });
  for (const [name, use] of Object.entries(TENANTS)) {
    pool.run((vm) => void use(vm));
    pool.run((vm) => {
      assert.equal(run(vm, "double(1)"), 2, name);
      requireSame(memoryOf(vm), expected, name);
    });
  }
  assert.equal(pool.size, 0);
  assert.throws(() =>
    pool.run(() => {
      throw new RangeError("mine");
    }), RangeError);
  assert.equal(pool.size, 0);
  assert.equal(await pool.run(async (vm) => (await null, run(vm, "double(21)"))), 42);
  const left = pool.acquire();
  assert.equal(pool.size, 1);
  pool.dispose();
  assert(left.disposed, "those that are left end with the pool");
  assert.throws(() => pool.acquire());
});
