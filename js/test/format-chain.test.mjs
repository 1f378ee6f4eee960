// SPDX-License-Identifier: MIT
//
// format-chain.test.mjs - snapshots, differences and chains of them: what wakes
// is what slept, equal memory gives equal bytes, and what does not fit together
// is refused.

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { ParentError, QuickJS } from "torpor-vm";

const CLOCK = { now: () => 1700000000000000000n };

/** A VM whose clock stands still, so that equal histories give equal bytes. */
function open() {
  return QuickJS.create({ wasi: CLOCK });
}

function wake(...chain) {
  return QuickJS.restore(chain, { wasi: CLOCK });
}

function run(vm, code) {
  const handle = vm.unwrapResult(vm.evalCode(code));
  const value = vm.dump(handle);
  handle.dispose();
  return value;
}

function same(a, b, message) {
  assert.equal(a.length, b.length, `${message}: size`);
  const at = a.findIndex((byte, i) => byte !== b[i]);
  assert.equal(at, -1, `${message}: first byte that differs`);
}

/** Programs that grow the heap, write here and there, and give memory back. */
const STEPS = [
  "globalThis.list = []; globalThis.wait = (async (n) => { await 0; return n })(7); 0",
  "for (let i = 0; i < 3000; i++) list.push({ i, name: `n${i}` }); list.length",
  "list[1234].name = 'changed'; 0",
  "globalThis.bytes = new Uint8Array(3e6).fill(5); bytes[1e6] = 0; 0",
  "bytes[2e6] = 1; list[5].more = 'x'.repeat(100000); 0",
  "globalThis.zeros = new Uint8Array(2e6); 0",
  "globalThis.bytes = null; 0",
  "globalThis.list = globalThis.zeros = null; 0",
  "globalThis.bytes = new Uint8Array(2e6).fill(6); 0",
  "globalThis.bytes = null; 0",
  "globalThis.bytes = new Uint8Array(2e6).fill(6); 0",
  "globalThis.bytes = null; 0",
  "globalThis.after = 'all'; 0",
];

test("a snapshot wakes and gives the same bytes again", async () => {
  const vm = hold(await open());
  for (const step of STEPS) {
    run(vm, step);
    const saved = vm.snapshot().bytes;
    same(vm.snapshot().bytes, saved, `saved twice after ${step}`);
    const woken = hold(await wake(saved));
    same(woken.snapshot().bytes, saved, `saved after waking, after ${step}`);
  }
});

test("differences put over each other are the whole", async () => {
  const vm = hold(await open());
  let last = vm.snapshot();
  const chain = [last.bytes];
  for (const step of STEPS) {
    run(vm, step);
    last = vm.snapshot({ since: last });
    chain.push(last.bytes);
    const woken = hold(await wake(...chain));
    same(woken.snapshot().bytes, vm.snapshot().bytes, `after ${step}`);
  }
});

test("a difference is the same however its parent is known", async () => {
  const vm = hold(await open());
  const base = vm.snapshot();
  let last = base;
  const before = [base.bytes];
  for (const step of STEPS) {
    run(vm, step);
    const kept = vm.snapshot({ since: last });
    const woken = hold(await wake(...before, kept.bytes));
    const again = woken.snapshot({ since: QuickJS.deserializeSnapshot(last.bytes.slice()) })
      .bytes;
    same(again, kept.bytes, `of a VM that was woken, after ${step}`);
    last = kept;
    before.push(kept.bytes);
  }
});

test("a difference may be from any snapshot of before", async () => {
  const vm = hold(await open());
  const saved = [];
  for (const step of STEPS.slice(0, 5)) {
    run(vm, step);
    saved.push(vm.snapshot());
  }
  const whole = vm.snapshot().bytes;
  for (const i of [0, 3, 1, 4, 2]) {
    const since = vm.snapshot({ since: saved[i] });
    const woken = hold(await wake(saved[i].bytes, since.bytes));
    same(woken.snapshot().bytes, whole, `from ${i}`);
  }
});

test("a small change makes a small difference", async () => {
  const vm = hold(await open());
  run(vm, "globalThis.all = Array.from({ length: 50000 }, (_, i) => ({ i, text: 'n' + i })); 0");
  const before = vm.snapshot();
  assert(before.bytes.length > 4e6, `${before.bytes.length} bytes`);
  run(vm, "all[25000].text = 'changed'; 0");
  const size = vm.snapshot({ since: before }).bytes.length;
  assert(size < 4096, `${size} bytes`);
});

test("pieces that do not belong together are refused", async () => {
  const vm = hold(await open());
  const base = vm.snapshot();
  run(vm, "globalThis.a = 1; 0");
  const first = vm.snapshot({ since: base });
  run(vm, "globalThis.b = 2; 0");
  const second = vm.snapshot({ since: first });
  const [a, b, c] = [base, first, second].map(({ bytes }) => bytes);
  const refused = (...chain) => assert.rejects(wake(...chain), ParentError);
  await refused(b);
  await refused(c);
  await refused(a, c);
  await refused(a, c, b);
  await refused(b, c);
  await refused(a, a);
  await refused(a, b, b);
  const woken = hold(await wake(a, b, c));
  assert.equal(run(woken, "a + b"), 3);
});

test("many differences make a chain, but not too many", async () => {
  const vm = hold(await open());
  let last = vm.snapshot();
  const chain = [last.bytes];
  while (chain.length < 1024) {
    if (chain.length % 100 === 0) run(vm, `globalThis.n = ${chain.length}; 0`);
    last = vm.snapshot({ since: last });
    chain.push(last.bytes);
  }
  const woken = hold(await wake(...chain));
  assert.equal(run(woken, "n"), 1000);
  const { bytes } = vm.snapshot({ since: last });
  await assert.rejects(wake(...chain, bytes), /1 to 1024/);
});
