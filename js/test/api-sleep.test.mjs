// SPDX-License-Identifier: MIT
//
// api-sleep.test.mjs - snapshots as programs use them: saving, chains, forks,
// what is refused, the wake event, and that equal histories give equal bytes.

import { assert, test } from "./support/test.mjs";
import { run, withVM } from "./support/vm.mjs";
import {
  LimitError,
  MisuseError,
  ParentError,
  QuickJS,
  Snapshot,
  TorporError,
  VMPool,
} from "torpor-vm";

const now = () => 1_700_000_000_000_000_000n;
const restore = async (vm, options) =>
  await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()), options);

test("a VM goes on where its snapshot was made", () =>
  withVM(async (vm) => {
    run(
      vm,
      "var n = 1; class A { #x = 5; get x() { return this.#x + n } } var a = new A(); const g = (function* () { let i = 0; for (;;) yield i++ })(); g.next(); 1",
    );
    const snapshot = vm.snapshot();
    run(vm, "n = 100; g.next(); 1");
    const bytes = QuickJS.serializeSnapshot(snapshot);
    assert(bytes instanceof Uint8Array && bytes.length === snapshot.size, "bytes of that size");
    for (
      const source of [snapshot, bytes, QuickJS.deserializeSnapshot(bytes), [bytes], [snapshot]]
    ) {
      const woken = await QuickJS.restore(source);
      assert.equal(run(woken, "a.x + g.next().value"), 7);
      woken.dispose();
    }
    assert.equal(run(vm, "a.x"), 105);
  }));

test("differences need what they are a difference from", () =>
  withVM(async (vm) => {
    run(vm, "var list = []; for (let i = 0; i < 1000; i++) list.push('item ' + i); 1");
    const base = vm.snapshot();
    run(vm, "list.push('more'); 1");
    const second = vm.snapshot({ since: base });
    run(vm, "list.push('most'); 1");
    const third = vm.snapshot({ since: second });
    assert(second.size < base.size / 2, `${second.size} against ${base.size}`);
    const woken = await QuickJS.restore(third);
    assert.equal(run(woken, "list.slice(-2).join()"), "more,most");
    woken.dispose();
    const pieces = [base, second, third].map((piece) => QuickJS.serializeSnapshot(piece));
    const stored = await QuickJS.restore(pieces);
    assert.equal(run(stored, "list.length"), 1002);
    stored.dispose();
    const early = await QuickJS.restore(pieces.slice(0, 2));
    assert.equal(run(early, "list.at(-1)"), "more");
    early.dispose();
    await assert.rejects(QuickJS.restore(pieces[1]), ParentError);
    await assert.rejects(QuickJS.restore([pieces[0], pieces[2]]), TorporError);
    await assert.rejects(QuickJS.restore([pieces[1], pieces[0]]), TorporError);
    for (const wrong of [5, "x", null, {}, pieces[0]]) {
      assert.throws(() => vm.snapshot({ since: wrong }), MisuseError);
    }
    await withVM((other) => {
      const foreign = other.snapshot({ since: base });
      assert(foreign.size > 0, "of another VM it is merely larger");
    });
  }));

test("wrong snapshots are refused by class", () =>
  withVM(async (vm) => {
    const bytes = QuickJS.serializeSnapshot(vm.snapshot());
    for (
      const wrong of [undefined, null, 5, "x", {}, [], [5], [null], () => 1, new ArrayBuffer(8)]
    ) {
      await assert.rejects(QuickJS.restore(wrong), MisuseError);
    }
    for (const wrong of [undefined, null, 5, "x", {}, [], new ArrayBuffer(8)]) {
      assert.throws(() => QuickJS.deserializeSnapshot(wrong), MisuseError);
      assert.throws(() => QuickJS.serializeSnapshot(wrong), MisuseError);
    }
    const step = Math.max(1, Math.floor(bytes.length / 300));
    for (let at = 0; at < bytes.length; at += at < 128 ? 1 : step) {
      const copy = bytes.slice();
      copy[at] ^= 0x41;
      await assert.rejects(QuickJS.restore(copy), TorporError, `byte ${at}`);
      assert.throws(() => QuickJS.deserializeSnapshot(copy), TorporError, `byte ${at}`);
    }
    for (let size = 0; size < bytes.length; size += step) {
      await assert.rejects(QuickJS.restore(bytes.slice(0, size)), TorporError, `${size} bytes`);
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await assert.rejects(QuickJS.restore(longer), TorporError);
    const woken = await QuickJS.restore(bytes);
    assert.equal(run(woken, "1 + 1"), 2);
    woken.dispose();
  }));

test("bytes of a snapshot that are altered later are found out", () =>
  withVM(async (vm) => {
    const snapshot = vm.snapshot();
    const bytes = QuickJS.serializeSnapshot(snapshot);
    bytes[bytes.length >> 1] ^= 1;
    await assert.rejects(QuickJS.restore(bytes), TorporError);
    const outcome = await QuickJS.restore(snapshot).then(
      (vm) => run(vm, "1 + 1"),
      (error) => error instanceof TorporError,
    );
    assert(outcome === 2 || outcome === true, "the snapshot has a copy, or refuses");
  }));

test("a snapshot wakes any number of VMs, as long as nobody altered it", () =>
  withVM(async (vm) => {
    run(vm, "var n = 1; 1");
    const whole = vm.snapshot();
    run(vm, "n = 2; 1");
    const change = vm.snapshot({ since: whole });
    for (let i = 0; i < 3; i++) {
      for (const [snapshot, n] of [[whole, 1], [change, 2]]) {
        const woken = await QuickJS.restore(snapshot);
        assert.equal(run(woken, "n++"), n);
        woken.dispose();
        await assert.rejects(QuickJS.restore(snapshot, { memoryLimit: 65536 }), LimitError);
      }
    }
    const bytes = QuickJS.serializeSnapshot(whole);
    bytes[bytes.length >> 1] ^= 1;
    await assert.rejects(QuickJS.restore(whole), TorporError);
    await assert.rejects(QuickJS.restore(change), TorporError);
    bytes[bytes.length >> 1] ^= 1;
    for (const [snapshot, n] of [[whole, 1], [change, 2]]) {
      const woken = await QuickJS.restore(snapshot);
      assert.equal(run(woken, "n"), n);
      woken.dispose();
    }
  }));

test("a pool and VMs that woke do not see what is done with the bytes later", () =>
  withVM(async (vm) => {
    run(vm, "var n = 1; 1");
    const whole = vm.snapshot();
    run(vm, "n = 2; 1");
    const change = vm.snapshot({ since: whole });
    const pool = await VMPool.create({ snapshot: change });
    const woken = await QuickJS.restore(change);
    for (const snapshot of [whole, change]) QuickJS.serializeSnapshot(snapshot).fill(7);
    const pooled = pool.acquire();
    assert.equal(run(pooled, "n"), 2);
    pooled.dispose();
    run(woken, "n = 3; 1");
    const again = await QuickJS.restore(woken.snapshot());
    assert.equal(run(again, "n"), 3);
    again.dispose();
    woken.dispose();
    pool.dispose();
    await assert.rejects(QuickJS.restore(change), TorporError);
    await assert.rejects(VMPool.create({ snapshot: change }), TorporError);
  }));

test("equal histories give equal bytes, whatever the host did besides", async () => {
  const make = async (more) => {
    const vm = await QuickJS.create({ wasi: { now } });
    run(
      vm,
      "var a = [1, 2]; setTimeout(() => a.push(3), 5); Promise.resolve().then(() => a.push(4)); 1",
    );
    vm.executePendingJobs();
    more(vm);
    const bytes = QuickJS.serializeSnapshot(vm.snapshot());
    vm.dispose();
    return bytes;
  };
  const plain = await make(() => {});
  assert.deepEqual(await make(() => {}), plain);
  assert.deepEqual(await make((vm) => void vm.fork().dispose()), plain);
  assert.deepEqual(await make((vm) => void vm.snapshot()), plain);
  assert.deepEqual(
    await make((vm) => void [vm.fuel, vm.getAllocatedSize(), vm.pendingOperations()]),
    plain,
  );
});

test("fork gives a copy that goes on by itself", () =>
  withVM((vm) => {
    run(vm, "var n = 1");
    const copy = vm.fork();
    run(copy, "n = 2");
    assert.equal(run(vm, "n"), 1);
    assert.equal(run(copy, "n"), 2);
    const second = copy.fork({ fuel: 1000, exceptions: "throw" });
    assert.throws(() => second.evalCode("for (;;);"), /Interrupted|stopped/i);
    copy.dispose();
    second.fuel = 0;
    assert.equal(run(second, "n"), 2);
    second.dispose();
    assert.throws(() => vm.fork({ fuel: "x" }), MisuseError);
    assert.equal(run(vm, "n"), 1);
  }));

test("a VM that was restored and never used can be saved, copied and ended", () =>
  withVM(async (vm) => {
    run(vm, "var n = 5");
    const woken = await restore(vm);
    const again = await restore(woken);
    const copy = woken.fork();
    woken.dispose();
    assert.equal(run(copy, "n"), 5);
    assert.equal(run(again, "n"), 5);
    copy.dispose();
    again.dispose();
  }));

test("memory of a snapshot has to fit into memoryLimit", () =>
  withVM(async (vm) => {
    run(vm, "var big = new Uint8Array(10 << 20).fill(1); 1");
    const bytes = QuickJS.serializeSnapshot(vm.snapshot());
    await assert.rejects(QuickJS.restore(bytes, { memoryLimit: 2 << 20 }), LimitError);
    const woken = await QuickJS.restore(bytes, { memoryLimit: 64 << 20 });
    assert.equal(run(woken, "big.length + big.at(-1)"), (10 << 20) + 1);
    woken.dispose();
  }));

test("Snapshot.of and deserializeSnapshot look at the frame", () =>
  withVM((vm) => {
    const bytes = QuickJS.serializeSnapshot(vm.snapshot());
    assert(Snapshot.of(bytes) instanceof Snapshot, "a snapshot");
    assert.throws(() => Snapshot.of(bytes.subarray(1)), TorporError);
  }));
