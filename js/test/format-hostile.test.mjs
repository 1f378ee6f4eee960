// SPDX-License-Identifier: MIT
// hosts: node bun
//
// format-hostile.test.mjs - VMs whose memory contradicts itself: woken from
// snapshots that are well-formed, but were made by nobody. Saving and listing
// what they wait for ends in a typed error or works; nothing else happens.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { putTogether, random, takeApart } from "./support/damage.mjs";
import { inspectSnapshot, QuickJS, TorporError } from "torpor-vm";

const ENGINE = createRequire(import.meta.url).resolve("torpor-vm/engine.wasm");
// Of the control block (docs/snapshot-format.md, guest/abi.h).
const STACK_SIZE = 4;
const HEAP_BREAK = 12;
const OPERATIONS = 16;
const OPERATION_COUNT = 20;

/** Of a VM that was just made: its memory, and where things lie in it. */
function findPlaces() {
  const module = new WebAssembly.Module(readFileSync(ENGINE));
  const imports = {};
  for (const { name } of WebAssembly.Module.imports(module)) imports[name] = () => 0;
  const { memory, torpor_control } = new WebAssembly.Instance(module, { torpor: imports }).exports;
  const control = torpor_control.value;
  const word = (at) => new DataView(memory.buffer).getUint32(control + at, true);
  return {
    control,
    stack: word(STACK_SIZE),
    heap: word(HEAP_BREAK),
    end: memory.buffer.byteLength,
  };
}

const { control, stack, heap, end: memoryEnd } = findPlaces();
// In the heap: nothing reads what lies there until the VM is entered.
const table = (heap - 8192) & ~7;

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const u32 = (value) => [value, value >>> 8, value >>> 16, value >>> 24].map((byte) => byte & 255);

/** A difference from `base` that puts words into memory; by ascending address. */
function put(base, words) {
  const parts = takeApart(base);
  const view = new DataView(parts.header.buffer, parts.header.byteOffset);
  parts.header.set(createHash("sha256").update(base).digest(), 48);
  view.setUint32(84, 1, true);
  let end = 0;
  const runs = words.flatMap(([address, value]) => {
    const run = [...varint(address - end), ...varint(8), ...u32(value)];
    end = address + 4;
    return run;
  });
  const memory = parts.sections.find(({ type }) => type === 5);
  memory.content = Uint8Array.from(runs);
  memory.raw = memory.stored = BigInt(runs.length);
  return putTogether(parts);
}

async function waiting() {
  const vm = hold(await QuickJS.create({ drivers: { timer: () => {} } }));
  vm.evalCode("for (let i = 0; i < 3; i++) setTimeout(() => {}, 1000 + i); 0").dispose();
  vm.executePendingJobs();
  return vm;
}

/** What each does with the VM; typed errors are fine. */
async function tryAll(base, words, told) {
  const vm = hold(await QuickJS.restore([base, put(base, words)]));
  for (const use of [() => vm.snapshot().bytes, () => vm.pendingOperations()]) {
    try {
      const given = use();
      if (given instanceof Uint8Array) await inspectSnapshot(given);
      told.works++;
    } catch (error) {
      assert(error instanceof TorporError, `${words}: ${error.stack}`);
      told.refused++;
    }
  }
}

const ADDRESSES = [0, 8, stack, control, control + 64, control + 4096, heap - 100, memoryEnd];
const FAR = [2 ** 31, 2 ** 32 - 4, 2 ** 32 - 1];

test("a table of operations that lies nowhere is not followed", async () => {
  const base = (await waiting()).snapshot().bytes;
  const told = { works: 0, refused: 0 };
  for (const address of [...ADDRESSES, ...FAR]) {
    for (const count of [0, 1, 3, 1000, 100000, 2 ** 30, 2 ** 32 - 1]) {
      const words = [[control + OPERATIONS, address], [control + OPERATION_COUNT, count]];
      await tryAll(base, words, told);
    }
  }
  assert(told.works > 10 && told.refused > 10, JSON.stringify(told));
});

test("operations that lie nowhere are not followed", async () => {
  const vm = await waiting();
  const base = vm.snapshot().bytes;
  const told = { works: 0, refused: 0 };
  const next = random(5);
  // A table of our own: three addresses, and an entry.
  const edges = [...ADDRESSES, ...FAR, undefined, undefined];
  for (let i = 0; i < 300; i++) {
    const good = (value, often) => next() % often ? value : edges[next() % edges.length] ?? next();
    const words = [[control + OPERATIONS, table], [control + OPERATION_COUNT, 1 + next() % 3]];
    for (let n = 0; n < 3; n++) words.push([table + 4 * n, good(table + 64, 8)]);
    words.push([table + 64, next() % 5], [table + 68, 0]);
    for (let at = 72; at < 88; at += 4) words.push([table + at, next()]);
    words.push([table + 88, good(table, 4)], [table + 92, good(next() % 70, 6)]);
    words.push([table + 96, good(table + 2000, 4)], [table + 100, good(1, 6)]);
    await tryAll(base, words, told);
  }
  assert(told.works > 10 && told.refused > 10, JSON.stringify(told));
});

test("a heap that ends anywhere is saved, or refused", async () => {
  const base = (await waiting()).snapshot().bytes;
  const told = { works: 0, refused: 0 };
  const ends = [0, 1, stack, control, heap - 1, heap + 1, memoryEnd - 1, memoryEnd];
  for (const end of ends) {
    await tryAll(base, [[control + HEAP_BREAK, end]], told);
  }
  assert.equal(told.works, 2 * ends.length);
  for (const end of [memoryEnd + 1, 2 ** 31, 2 ** 32 - 1]) {
    const piece = put(base, [[control + HEAP_BREAK, end]]);
    await assert.rejects(QuickJS.restore([base, piece]), { codeName: "FORMAT" });
  }
});

test("runs do not touch what the host sets", async () => {
  const base = (await waiting()).snapshot().bytes;
  const start = control + 64;
  const end = start + 8784;
  for (const address of [start - 4, end]) {
    hold(await QuickJS.restore([base, put(base, [[address, 1]])]));
  }
  for (const address of [start - 3, start, end - 4, end - 1]) {
    const piece = put(base, [[address, 1]]);
    await assert.rejects(QuickJS.restore([base, piece]), { codeName: "FORMAT" });
  }
});

test("the kind of an operation has 63 bytes at the most", async () => {
  const base = (await waiting()).snapshot().bytes;
  for (const [size, works] of [[1, true], [63, true], [64, false]]) {
    const words = [[control + OPERATIONS, table], [control + OPERATION_COUNT, 1]];
    words.push([table, table + 64], [table + 64, 1], [table + 68, 0]);
    words.push([table + 72, 0], [table + 76, 0], [table + 80, 0], [table + 84, 0]);
    words.push([table + 88, table + 1000], [table + 92, size]);
    words.push([table + 96, table + 2000], [table + 100, 1]);
    for (let at = 1000; at < 1064; at += 4) words.push([table + at, 0x61616161]);
    words.push([table + 2000, 0]);
    const vm = hold(await QuickJS.restore([base, put(base, words)]));
    if (!works) {
      assert.throws(() => vm.snapshot(), { codeName: "TRAPPED" });
      continue;
    }
    const [{ kind }] = (await inspectSnapshot(vm.snapshot())).operations;
    assert.equal(kind, "a".repeat(size));
  }
});
