// SPDX-License-Identifier: MIT
// ctest: nosanitize
//
// The guest's heap against a model: blocks do not overlap and are zero when
// they are handed out, what is free is zero but for its links, everything goes
// back in the end, the limit holds, and equal calls give equal addresses.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const bytes = readFileSync(`${process.env.TORPOR_BUILD}/engine.wasm`);
const module = new WebAssembly.Module(bytes);
const HEAP_BREAK = 12; // offsets in the control block, guest/abi.h
const HEAP_USED = 48;
const MEMORY_MAX = 72;
const LISTED = 1 << 16; // pairs that torpor_heap_free may write

function open() {
  const nothing = () => assert.fail("an import was called");
  const { exports } = new WebAssembly.Instance(module, {
    torpor: Object.fromEntries(
      WebAssembly.Module.imports(module).map(({ name }) => [name, nothing])),
  });
  const field = (offset) => new DataView(exports.memory.buffer)
    .getUint32(exports.torpor_control.value + offset, true);
  return { exports, field, memory: () => new Uint8Array(exports.memory.buffer) };
}

// A generator of numbers that is the same everywhere.
function dice(state) {
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * limit);
  };
}

// Sizes as programs ask for them: mostly small, seldom very large.
function size(random) {
  const kind = random(100);
  if (kind < 70) return 1 + random(256);
  if (kind < 90) return 1 + random(4096);
  return 1 + random(kind < 99 ? 65536 : 1 << 20);
}

function allFree(heap) {
  const list = heap.exports.torpor_allocate(LISTED * 8);
  const count = heap.exports.torpor_heap_free(list, LISTED);
  assert.ok(count > 0 && count <= LISTED, `${count} ranges`);
  const pairs = new Uint32Array(heap.memory().buffer.slice(list,
                                                           list + count * 8));
  for (let i = 0; i < count; i++) {
    const start = pairs[i * 2], end = start + pairs[i * 2 + 1];
    assert.ok(start < end && end <= heap.field(HEAP_BREAK));
  }
  heap.exports.torpor_release(list);
  return pairs;
}

function assertClean(heap) {
  const pairs = allFree(heap);
  const memory = heap.memory();
  for (let i = 0; i < pairs.length; i += 2) {
    const range = memory.subarray(pairs[i] + 2, pairs[i] + pairs[i + 1]);
    assert.ok(range.every((byte) => byte === 0), `free at ${pairs[i]}`);
  }
  const above = memory.subarray(heap.field(HEAP_BREAK));
  assert.ok(above.every((byte) => byte === 0), "above the break");
}

// Plays 'steps' random calls; gives every address that was handed out.
function play(heap, seed, steps) {
  const random = dice(seed);
  const live = [], addresses = [];
  const release = (index) => {
    const { at, length, fill } = live[index];
    live[index] = live[live.length - 1];
    live.pop();
    const block = heap.memory().subarray(at, at + length);
    assert.ok(block.every((byte) => byte === fill), `block at ${at} changed`);
    heap.exports.torpor_release(at);
  };
  for (let step = 0; step < steps; step++) {
    if (live.length > 0 && random(100) < (step < steps / 2 ? 40 : 60)) {
      release(random(live.length));
    } else {
      const length = size(random), fill = 1 + random(255);
      const at = heap.exports.torpor_allocate(length);
      assert.ok(at > 0 && at % 8 === 0);
      const block = heap.memory().subarray(at, at + length);
      assert.ok(block.every((byte) => byte === 0), `block at ${at} not zero`);
      block.fill(fill);
      live.push({ at, length, fill });
      addresses.push(at);
    }
    if (step % 1000 === 0) assertClean(heap);
  }
  while (live.length > 0) release(live.length - 1);
  return addresses;
}

const heap = open();
const before = { used: heap.field(HEAP_USED), end: heap.field(HEAP_BREAK) };
const addresses = play(heap, 1, 8000);
assertClean(heap);
assert.equal(heap.field(HEAP_USED), before.used);
// Only the descriptors of the most pages there were may stay.
const left = heap.field(HEAP_BREAK) - before.end;
assert.ok(left < 1 << 17, `the break stays ${left} bytes up`);
assert.deepEqual(play(open(), 1, 8000), addresses);
assert.notDeepEqual(play(open(), 2, 8000), addresses);

// At the limit an allocation fails, and works again when there is room.
const bounded = open();
const limit = bounded.field(HEAP_BREAK) + (4 << 20);
new DataView(bounded.exports.memory.buffer).setUint32(
  bounded.exports.torpor_control.value + MEMORY_MAX, limit, true);
const blocks = [];
for (let at; (at = bounded.exports.torpor_allocate(100000)) !== 0;)
  blocks.push(at);
assert.ok(blocks.length >= 35 && blocks.length <= 42, `${blocks.length}`);
assert.ok(bounded.field(HEAP_BREAK) <= limit);
assert.equal(bounded.exports.torpor_allocate(0xfffffff0), 0);
for (const at of blocks) bounded.exports.torpor_release(at);
assert.ok(bounded.exports.torpor_allocate(100000) > 0);
