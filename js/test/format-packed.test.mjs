// SPDX-License-Identifier: MIT
//
// format-packed.test.mjs - packed snapshots: with one frame, with many, and
// those that are too small; and what is no frame.

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { putTogether, random, takeApart } from "./support/damage.mjs";
import {
  FormatError,
  inspectSnapshot,
  MisuseError,
  packSnapshot,
  QuickJS,
  unpackSnapshot,
} from "torpor-vm";

const OPERATIONS = 3;
const MEMORY = 5;

async function saved(code) {
  const vm = hold(await QuickJS.create());
  vm.unwrapResult(vm.evalCode(code)).dispose();
  return vm.snapshot().bytes;
}

function same(a, b, message) {
  assert.equal(a.length, b.length, `${message}: size`);
  assert.equal(a.findIndex((byte, i) => byte !== b[i]), -1, message);
}

/** The content of memory takes so many bytes; the method that packs it. */
const SIZES = [
  ["globalThis.a = 1", 0],
  ["globalThis.a = 'one text and more of it '.repeat(20000)", 1],
  ["globalThis.a = Uint8Array.from({ length: 3e6 }, (_, i) => i * i >> 7)", 2],
];

for (const [code, method] of SIZES) {
  test(`packed by method ${method}, it wakes`, async () => {
    const stored = await saved(code);
    const packed = await packSnapshot(stored);
    const { sections } = takeApart(packed);
    assert.equal(sections.find(({ type }) => type === MEMORY).method, method);
    if (method === 0) same(packed, stored, "nothing was packed");
    else assert(packed.length < stored.length / 2, `${packed.length} of ${stored.length}`);
    same(await unpackSnapshot(packed), stored, "unpacked");
    same(await packSnapshot(packed), packed, "packed again");
    const woken = hold(await QuickJS.restore(packed));
    same(woken.snapshot().bytes, stored, "woken");
    const info = await inspectSnapshot(packed);
    assert.equal(info.packed, method !== 0);
  });
}

test("a chain may have packed pieces", async () => {
  const vm = hold(await QuickJS.create());
  vm.evalCode("globalThis.a = Array.from({ length: 30000 }, (_, i) => 'n' + i); 0").dispose();
  const base = QuickJS.deserializeSnapshot(await packSnapshot(vm.snapshot().bytes));
  vm.evalCode("a[7] = 'changed'; globalThis.b = new Uint8Array(2e6).fill(3); 0").dispose();
  const since = vm.snapshot({ since: base });
  const packed = await packSnapshot(since.bytes, { level: 3 });
  assert(packed.length < since.bytes.length);
  const woken = hold(await QuickJS.restore([base.bytes, packed]));
  same(woken.snapshot().bytes, vm.snapshot().bytes, "woken");
});

test("higher levels pack better", async () => {
  const stored = await saved(
    "globalThis.a = Array.from({ length: 30000 }, (_, i) => ({ i, s: 'text ' + i * 7919 % 1000 }))",
  );
  const sizes = [];
  for (const level of [-50, 1, 9]) sizes.push((await packSnapshot(stored, { level })).length);
  assert(sizes[0] > sizes[1] && sizes[1] > sizes[2], sizes.join());
  for (const level of [23, -131073, 1.5, "3", NaN]) {
    await assert.rejects(packSnapshot(stored, { level }), MisuseError);
  }
});

function join(a, b) {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** The snapshot with section memory changed. */
function change(bytes, how) {
  const parts = takeApart(bytes);
  const memory = parts.sections.find(({ type }) => type === MEMORY);
  how(memory);
  memory.stored = BigInt(memory.content.length);
  return putTogether(parts);
}

test("what is not just the frames is refused", async () => {
  const one = await packSnapshot(await saved(SIZES[1][0]));
  const many = await packSnapshot(await saved(SIZES[2][0]));
  const damages = {
    "no frame": (memory) => (memory.content = Uint8Array.of(1, 2, 3)),
    "nothing": (memory) => (memory.content = new Uint8Array()),
    "cut off": (memory) => (memory.content = memory.content.slice(0, -1)),
    "more behind it": (memory) => (memory.content = join(memory.content, Uint8Array.of(0))),
    "another size": (memory) => memory.raw++,
    "a giant size": (memory) => (memory.raw = 1n << 60n),
    "the other method": (memory) => (memory.method = 3 - memory.method),
    "twice": (memory) => (memory.content = join(memory.content, memory.content)),
  };
  for (const bytes of [one, many]) {
    for (const [name, how] of Object.entries(damages)) {
      await assert.rejects(QuickJS.restore(change(bytes, how)), FormatError, name);
    }
  }
});

/** The snapshot with this as what its VM waits for, which waking does not read. */
function list(bytes, content) {
  const parts = takeApart(bytes);
  const section = parts.sections.find(({ type }) => type === OPERATIONS);
  section.content = content;
  section.raw = section.stored = BigInt(content.length);
  return putTogether(parts);
}

test("what does not get smaller is stored", async () => {
  const next = random(3);
  const noise = Uint8Array.from({ length: 50000 }, next);
  const bytes = list(await saved("0"), noise);
  same(await packSnapshot(bytes), bytes, "packed");
});

test("one block is one frame", async () => {
  // No section may be larger than the VM's memory.
  const large = await saved("globalThis.kept = new Uint8Array(3e6); 0");
  const block = list(large, new Uint8Array(2 ** 20));
  const packed = takeApart(await packSnapshot(block));
  const [section] = packed.sections.filter(({ type }) => type === OPERATIONS);
  assert.equal(section.method, 1);
  hold(await QuickJS.restore(putTogether(packed)));
  section.method = 2;
  await assert.rejects(QuickJS.restore(putTogether(packed)), FormatError);
  const more = takeApart(await packSnapshot(list(large, new Uint8Array(2 ** 20 + 1))));
  assert.equal(more.sections.find(({ type }) => type === OPERATIONS).method, 2);
});

test("only snapshots are packed", async () => {
  await assert.rejects(packSnapshot("text"), MisuseError);
  await assert.rejects(packSnapshot(new Uint8Array(200)), FormatError);
  await assert.rejects(unpackSnapshot(null), MisuseError);
  await assert.rejects(unpackSnapshot(new Uint8Array(3)), FormatError);
});
