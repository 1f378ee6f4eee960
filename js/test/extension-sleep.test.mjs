// SPDX-License-Identifier: MIT
//
// extension-sleep.test.mjs - VMs with native extensions that sleep and wake:
// snapshots, differences, forks and pools, and what is refused there.

import { assert } from "./support/test.mjs";
import { putTogether, takeApart } from "./support/damage.mjs";
import { bytesOf, extension, extensions } from "./support/extension.mjs";
import { hold, test } from "./support/hold.mjs";
import { run } from "./support/vm.mjs";
import {
  ExtensionError,
  FormatError,
  inspectSnapshot,
  MisuseError,
  packSnapshot,
  ParentError,
  QuickJS,
  unpackSnapshot,
  VMPool,
} from "torpor-vm";

const now = () => 1_700_000_000_000_000_000n;
const OPTIONS = { wasi: { now, random: (bytes) => bytes.fill(0) } };

const create = async (...names) =>
  hold(await QuickJS.create({ ...OPTIONS, extensions: await extensions(...names) }));
const restore = async (snapshot, ...names) =>
  hold(await QuickJS.restore(snapshot, { ...OPTIONS, extensions: await extensions(...names) }));

const BEGIN = "globalThis.c = new Counter((n) => n * 2); globalThis.d = new Counter();" +
  "c.increment(); d.increment(); greet(1, 'tea')";
const GO_ON = "[c.increment(), d.increment(), d.increment(), lastGreeted(), greet(0, 'cup')]";
const GONE_ON = [4, "two", 3, "tea", "cup"];

// ---- Snapshots -----------------------------------------------------------------

test("objects of extensions sleep and wake", async () => {
  for (const names of [["counter", "greeter"], ["greeter", "counter"]]) {
    const vm = await create(...names);
    run(vm, BEGIN);
    const bytes = vm.snapshot().bytes;
    const woken = await restore(bytes, ...names);
    assert.deepEqual(woken.snapshot().bytes, bytes, "a snapshot after waking is the same");
    assert.deepEqual(woken.extensions, vm.extensions);
    assert.deepEqual(run(woken, GO_ON), GONE_ON);
    assert.deepEqual(run(vm, GO_ON), GONE_ON);
    assert.deepEqual(woken.snapshot().bytes, vm.snapshot().bytes, "as if it had not slept");
    run(woken, "c = d = null");
    woken.runGC();
    assert.equal(run(woken, "new Counter().finalized"), 2);
  }
});

test("equal histories give equal bytes, in used instances too", async () => {
  const make = async () => {
    const vm = await create("counter", "greeter");
    run(vm, BEGIN);
    const bytes = vm.snapshot().bytes;
    vm.dispose();
    return bytes;
  };
  const first = await make();
  await create("rogue", "counter").then((vm) => vm.dispose());
  for (let i = 0; i < 3; i++) assert.deepEqual(await make(), first);
});

test("a large VM with extensions sleeps and wakes", async () => {
  const vm = await create("counter", "greeter");
  run(vm, BEGIN);
  run(vm, "globalThis.large = Array.from({ length: 100000 }, (_, i) => ({ i }))");
  const bytes = vm.snapshot().bytes;
  const woken = await restore(bytes, "counter", "greeter");
  assert(woken._core.instance.u8.length > woken._core.engine.pages * 65536, "memory has grown");
  assert.deepEqual(woken.snapshot().bytes, bytes);
  assert.deepEqual(run(woken, GO_ON), GONE_ON);
  assert.equal(run(woken, "large[99999].i"), 99999);
});

test("promises and callbacks of extensions go on after waking", async () => {
  const vm = await create("counter");
  run(vm, "globalThis.c = new Counter(async (n) => { await gate; return n });");
  run(vm, "var open; var gate = new Promise((r) => open = r); c.increment().then((n) => got = n)");
  const woken = await restore(vm.snapshot(), "counter");
  run(woken, "var got; open()");
  woken.executePendingJobs();
  assert.equal(run(woken, "got"), 1);
});

test("a VM loads more after waking, and sleeps with all", async () => {
  const vm = await create("counter");
  run(vm, "globalThis.c = new Counter((n) => n * 2); c.increment(); globalThis.d = new Counter()");
  const woken = await restore(vm.snapshot(), "counter");
  await woken.loadExtension(await extension("greeter"));
  run(woken, "d.increment(); greet(1, 'tea')");
  const again = await restore(woken.snapshot(), "counter", "greeter");
  assert.deepEqual(run(again, GO_ON), GONE_ON);
});

test("a packed snapshot wakes", async () => {
  const vm = await create("counter", "greeter");
  run(vm, BEGIN);
  run(vm, "globalThis.text = 'many words '.repeat(20000)");
  const stored = vm.snapshot().bytes;
  const packed = await packSnapshot(stored);
  assert.deepEqual(await unpackSnapshot(packed), stored);
  assert.deepEqual(run(await restore(packed, "counter", "greeter"), GO_ON), GONE_ON);
});

test("inspectSnapshot and inspect know extensions", async () => {
  const vm = await create("counter", "greeter");
  run(vm, BEGIN);
  const info = await inspectSnapshot(vm.snapshot());
  assert.deepEqual(info.extensions, vm.extensions);
  assert.deepEqual(info.sections.map(({ name }) => name).slice(0, 3), [
    "globals",
    "extensions",
    "operations",
  ]);
  const { classes } = vm.inspect().heap;
  assert.equal(classes.find((one) => one.class === "Counter")?.count, 2);
  const plain = hold(await QuickJS.create());
  assert.deepEqual((await inspectSnapshot(plain.snapshot())).extensions, []);
});

// ---- What is refused at waking -----------------------------------------------------

async function sleeper() {
  const vm = await create("counter", "greeter");
  run(vm, BEGIN);
  return vm.snapshot().bytes;
}

async function refusal(bytes, options, expected = ExtensionError) {
  return await assert.rejects(QuickJS.restore(bytes, options), expected);
}

test("a missing extension is named, with version and hash", async () => {
  const bytes = await sleeper();
  for (const given of [undefined, [], await extensions("greeter")]) {
    const error = await refusal(bytes, { extensions: given });
    assert.equal(error.extension, "counter");
    assert.match(error.message, /'counter' is missing \(version 1\.0, SHA-256 [0-9a-f]{64}\)/);
  }
  const error = await refusal(bytes, { extensions: await extensions("counter") });
  assert.equal(error.extension, "greeter");
  assert.match(error.message, /version unknown/);
});

test("another file of the same name is refused", async () => {
  const bytes = await sleeper();
  const wasm = Uint8Array.from([...await bytesOf("counter"), 0, 3, 1, 0x78, 0x79]);
  const given = [await extension("counter", { wasm }), await extension("greeter")];
  const error = await refusal(bytes, { extensions: given });
  assert.equal(error.extension, "counter");
  assert.match(error.message, /another one than that of the snapshot/);
});

test("another order is refused", async () => {
  const error = await refusal(await sleeper(), {
    extensions: await extensions("greeter", "counter"),
  });
  assert.equal(error.extension, "greeter");
  assert.match(error.message, /another place .* as counter, greeter/);
});

test("one that the snapshot has not is refused", async () => {
  const given = await extensions("counter", "greeter", "rogue");
  const error = await refusal(await sleeper(), { extensions: given });
  assert.equal(error.extension, "rogue");
  assert.match(error.message, /is not in the snapshot/);
  const plain = hold(await QuickJS.create());
  const other = await refusal(plain.snapshot(), { extensions: await extensions("counter") });
  assert.equal(other.extension, "counter");
  const twice = await extensions("counter", "greeter", "counter");
  await refusal(await sleeper(), { extensions: twice });
});

test("one that may not be loaded may not be restored", async () => {
  const given = [{ wasm: await bytesOf("counter") }, await extension("greeter")];
  assert.match((await refusal(await sleeper(), { extensions: given })).message, /not instrumented/);
});

// CBOR of texts and of numbers up to 2^32.
function encode(value) {
  const head = (major, n) =>
    n < 24
      ? [(major << 5) | n]
      : n < 256
      ? [(major << 5) | 24, n]
      : n < 65536
      ? [(major << 5) | 25, n >>> 8, n & 255]
      : [(major << 5) | 26, n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  if (typeof value === "number") return head(0, value);
  if (value instanceof Uint8Array) return [...head(2, value.length), ...value];
  if (Array.isArray(value)) return [...head(4, value.length), ...value.flatMap(encode)];
  const bytes = [...new TextEncoder().encode(value)];
  return [...head(3, bytes.length), ...bytes];
}

/** A snapshot whose list of extensions is another. */
function withList(bytes, change) {
  const parts = takeApart(bytes);
  const list = parts.sections.find(({ type }) => type === 2);
  const content = Uint8Array.from(change(list.content));
  list.content = content;
  list.raw = list.stored = BigInt(content.length);
  return putTogether(parts);
}

test("numbers that do not add up are refused", async () => {
  const vm = await create("counter", "greeter");
  const bytes = vm.snapshot().bytes;
  const records = vm._core.instance.linked.map(({ record: r }) => [
    r.name,
    r.version,
    r.hash,
    r.memory,
    r.memorySize,
    r.table,
    r.tableSize,
  ]);
  const given = { extensions: await extensions("counter", "greeter") };
  assert.deepEqual(withList(bytes, () => encode(records)), bytes);
  const { stackSize } = vm._core.engine;
  const memory = vm._core.instance.u8.length;
  const wrong = [
    [0, 3, records[0][3] + 1],
    [0, 3, 0],
    [0, 3, stackSize - 64],
    [0, 3, memory - 16],
    [0, 3, 0xfffffff0],
    [1, 3, records[1][3] + 8],
    [0, 4, 0],
    [0, 4, 0xffffffff],
    [0, 5, 0],
    [0, 5, records[0][5] + 1],
    [1, 5, records[0][5]],
    [1, 5, records[1][5] + 1],
    [1, 5, 0xffffffff],
    [0, 6, 0],
    [1, 6, 5],
    [1, 6, 0xffffffff],
    [0, 1, "1.1"],
    [0, 0, ""],
    [1, 0, "counter"],
    [0, 0, "x".repeat(64)],
    [0, 2, new Uint8Array(31)],
  ];
  for (const [which, field, value] of wrong) {
    const changed = records.map((record) => [...record]);
    changed[which][field] = value;
    const damaged = withList(bytes, () => encode(changed));
    await refusal(damaged, given, FormatError);
  }
  const lists = [[], [records[0]], [records[1]], [...records, records[0]], [[]], [5], ["x"]];
  for (const list of lists) {
    await refusal(withList(bytes, () => encode(list)), given, /FormatError|ExtensionError/);
  }
  for (const content of [[], [0x80], [0xf6], [0x9f, 0xff], [0x82], encode(records).slice(1)]) {
    await refusal(withList(bytes, () => content), given, FormatError);
  }
  // The table's size alone.
  const parts = takeApart(bytes);
  for (const more of [1, 0xffffffff - 1000]) {
    const globals = parts.sections[0].content.slice();
    new DataView(globals.buffer).setUint32(4, vm._core.instance.tableSize + more, true);
    const sections = [{ ...parts.sections[0], content: globals }, ...parts.sections.slice(1)];
    await refusal(putTogether({ ...parts, sections }), given, FormatError);
  }
  const without = { ...parts, sections: parts.sections.filter(({ type }) => type !== 2) };
  await refusal(putTogether(without), {}, FormatError);
});

test("a list with any byte changed is refused, or wakes the same VM", async () => {
  const bytes = await sleeper();
  const given = { ...OPTIONS, extensions: await extensions("counter", "greeter") };
  const size = takeApart(bytes).sections.find(({ type }) => type === 2).content.length;
  for (let at = 0; at < size; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const damaged = withList(bytes, (content) => {
        const changed = content.slice();
        changed[at] ^= flip;
        return changed;
      });
      let vm;
      try {
        vm = await QuickJS.restore(damaged, given);
      } catch (error) {
        assert.match(error.name, /^(Format|Extension)Error$/, `byte ${at}: ${error}`);
        continue;
      }
      // Memory of an extension may be said to lie elsewhere: that harms the VM alone.
      vm.dispose();
    }
  }
});

// ---- Differences -------------------------------------------------------------------

test("differences have the extensions of their time", async () => {
  const vm = hold(await QuickJS.create(OPTIONS));
  run(vm, "var before = 1");
  const first = vm.snapshot();
  await vm.loadExtension(await extension("counter"));
  run(vm, "globalThis.c = new Counter((n) => n * 2); c.increment(); globalThis.d = new Counter()");
  const second = vm.snapshot({ since: first });
  await vm.loadExtension(await extension("greeter"));
  run(vm, "d.increment(); greet(1, 'tea')");
  const third = vm.snapshot({ since: second });

  assert.equal(run(await restore(first), "typeof Counter"), "undefined");
  assert.equal(run(await restore(second, "counter"), "c.increment()"), 4);
  const woken = await restore(third, "counter", "greeter");
  assert.deepEqual(woken.extensions, vm.extensions);
  assert.deepEqual(run(woken, GO_ON), GONE_ON);
  const chain = third.chain;
  assert.deepEqual(run(await restore(chain, "counter", "greeter"), GO_ON), GONE_ON);
  await refusal(chain, { extensions: await extensions("counter") });
  await refusal([chain[0], chain[1]], { extensions: await extensions("counter", "greeter") });
  await assert.rejects(restore(chain[2], "counter", "greeter"), ParentError);
  assert((await inspectSnapshot(second)).extensions.length === 1);
});

test("a difference of a VM that woke wakes", async () => {
  const bytes = await sleeper();
  const woken = await restore(bytes, "counter", "greeter");
  run(woken, "c.increment(); c.increment()");
  const more = woken.snapshot({ since: QuickJS.deserializeSnapshot(bytes) });
  assert(more.size < bytes.length);
  const again = await restore([bytes, more.bytes], "counter", "greeter");
  assert.equal(run(again, "c.increment()"), 8);
});

test("a difference that lacks an extension of its parent is refused", async () => {
  const vm = await create("counter", "greeter");
  const base = vm.snapshot();
  run(vm, "var a = 1");
  const next = vm.snapshot({ since: base }).bytes;
  const plain = hold(await QuickJS.create(OPTIONS));
  const globals = takeApart(plain.snapshot().bytes).sections[0];
  const parts = takeApart(next);
  const sections = [globals, ...parts.sections.slice(2)];
  await refusal([base.bytes, putTogether({ ...parts, sections })], {});
});

// ---- Forks and pools ------------------------------------------------------------------

test("forks go on by themselves", async () => {
  const vm = await create("counter", "greeter");
  run(vm, BEGIN);
  const fork = hold(vm.fork());
  const forkOfFork = hold(fork.fork());
  for (const one of [forkOfFork, vm, fork]) assert.deepEqual(run(one, GO_ON), GONE_ON);
  assert.deepEqual(fork.extensions, vm.extensions);
  vm.dispose();
  assert.equal(run(fork, "d.increment()"), 4);
  await fork.loadExtension(await extension("rogue"));
  assert.equal(run(fork, "rogue.call(() => d.increment())"), 5);
  assert.throws(() => fork.fork({ extensions: [] }), MisuseError);
});

test("a pool's VMs have its extensions, and nothing of each other", async () => {
  const pool = await VMPool.create({
    ...OPTIONS,
    extensions: await extensions("counter", "greeter"),
    warm: (vm) => void run(vm, BEGIN),
  });
  for (let i = 0; i < 5; i++) pool.run((vm) => assert.deepEqual(run(vm, GO_ON), GONE_ON));
  const many = Array.from({ length: 5 }, () => pool.acquire());
  for (const vm of many) assert.deepEqual(run(vm, GO_ON), GONE_ON);
  assert.throws(() => pool.acquire({ extensions: [] }), MisuseError);
  pool.dispose();
  await assert.rejects(VMPool.create({ snapshot: await sleeper() }), ExtensionError);
});

test("an instance is bound once for VMs that want the same", async () => {
  const given = await extensions("counter", "greeter");
  const pool = await VMPool.create({ ...OPTIONS, extensions: given });
  const first = pool.acquire();
  const { instance, engine } = first._core;
  const { bound } = instance;
  engine.idle.length = 0;
  const bytes = first.snapshot().bytes;
  run(first, BEGIN);
  first.dispose();
  for (let i = 0; i < 10; i++) {
    const next = pool.acquire();
    assert.equal(next._core.instance, instance);
    assert.deepEqual(next.snapshot().bytes, bytes);
    assert.equal(run(next, "typeof c + lastGreeted()"), "undefined42");
    run(next, BEGIN);
    assert.deepEqual(run(next, GO_ON), GONE_ON);
    next.dispose();
  }
  assert.equal(instance.bound, bound);
  // What one of them loads besides ends with it.
  const last = pool.acquire();
  await last.loadExtension(await extension("rogue"));
  last.dispose();
  const next = pool.acquire();
  assert.equal(run(next, "typeof rogue + greet(0, 'x')"), "undefinedx");
  pool.dispose();
});

test("an instance that had extensions has nothing of them when it is used again", async () => {
  const plain = await QuickJS.create(OPTIONS);
  const { engine } = plain._core;
  const expected = plain.snapshot().bytes;
  plain.dispose();
  for (const names of [["counter"], ["rogue", "greeter"], ["greeter", "counter", "rogue"]]) {
    engine.idle.length = 0;
    const vm = await create(...names);
    if (names.includes("counter")) run(vm, "globalThis.c = new Counter()");
    const { instance } = vm._core;
    vm.dispose();
    assert(engine.idle.includes(instance), "it is used again");
    const next = hold(await QuickJS.create(OPTIONS));
    assert.equal(next._core.instance, instance);
    assert.deepEqual([instance.linked, instance.tableSize], [[], engine.tableSize]);
    const table = instance.exports.__indirect_function_table;
    for (let i = engine.tableSize; i < table.length; i++) assert.equal(table.get(i), null);
    assert.equal(run(next, "typeof Counter + typeof greet + typeof rogue"), "undefined".repeat(3));
    next.dispose();
    const again = hold(await QuickJS.create(OPTIONS));
    assert.deepEqual(again.snapshot().bytes, expected);
  }
});

test("the functions of extensions end with their VMs, or some VMs later", async () => {
  const { gc } = globalThis;
  let live = 0;
  const watch = new FinalizationRegistry(() => live--);
  const instances = new Set();
  for (let i = 0; i < 300; i++) {
    const vm = await create("counter");
    const { instance } = vm._core;
    instances.add(instance);
    const index = instance.linked[0].record.table;
    watch.register(instance.exports.__indirect_function_table.get(index), i);
    live++;
    vm.dispose();
  }
  assert(instances.size > 1 && instances.size < 30, `${instances.size} instances`);
  instances.clear();
  if (typeof gc !== "function") return;
  for (let i = 0; i < 100 && live > 70; i++) {
    gc();
    await new Promise((done) => setTimeout(done, 5));
  }
  assert(live <= 70, `${live} are left`);
});
