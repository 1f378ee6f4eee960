// SPDX-License-Identifier: MIT
//
// format-checks.test.mjs - what a reader checks, one thing after the other: a
// snapshot that is good but for that is refused, and just beside it is not.

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { putTogether, takeApart } from "./support/damage.mjs";
import { inspectSnapshot, QuickJS } from "torpor-vm";

const GLOBALS = 1;
const OPERATIONS = 3;
const MEMORY = 5;

async function saved(code = "0") {
  const vm = hold(await QuickJS.create());
  vm.evalCode(code).dispose();
  return vm.snapshot().bytes;
}

async function idOf(bytes) {
  const { id } = await inspectSnapshot(bytes);
  return Uint8Array.from(id.match(/../g), (hex) => parseInt(hex, 16));
}

/** A snapshot with other content in a section, stored. */
function fill(bytes, type, content) {
  const parts = takeApart(bytes);
  const section = parts.sections.find((section) => section.type === type);
  section.content = Uint8Array.from(content);
  section.raw = section.stored = BigInt(section.content.length);
  return putTogether(parts);
}

/** A difference from `base` with these runs, and other pages if that is said. */
async function differ(base, runs, pages) {
  const parts = takeApart(fill(base, MEMORY, runs));
  const view = new DataView(parts.header.buffer, parts.header.byteOffset);
  parts.header.set(await idOf(base), 48);
  view.setUint32(84, 1, true);
  if (pages !== undefined) view.setUint32(80, pages, true);
  return putTogether(parts);
}

function pagesOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(80, true);
}

/** Where the stack ends: the stack pointer, when it is empty. */
function stackOf(bytes) {
  const { content } = takeApart(bytes).sections.find(({ type }) => type === GLOBALS);
  return new DataView(content.buffer, content.byteOffset).getUint32(0, true);
}

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const run = (gap, ...bytes) => [...varint(gap), ...varint(2 * bytes.length), ...bytes];
const zeros = (gap, length) => [...varint(gap), ...varint(2 * length + 1)];

const wakes = async (...chain) => void hold(await QuickJS.restore(chain));
const refused = (message, ...chain) =>
  assert.rejects(QuickJS.restore(chain), { codeName: "FORMAT", message });

test("the header says what this reader knows", async () => {
  const base = await saved();
  const told = async (at, value) => {
    const parts = takeApart(base);
    if (at === 88) parts.count = value;
    else new DataView(parts.header.buffer).setUint32(at, value, true);
    try {
      hold(await QuickJS.restore(putTogether(parts)));
      return "OK";
    } catch (error) {
      return error.codeName;
    }
  };
  const version = 8, size = 12, pages = 80, flags = 84, sections = 88, reserved = 92;
  for (const [value, code] of [[0, "FORMAT"], [1, "OK"], [2, "NEWER"], [2 ** 32 - 1, "NEWER"]]) {
    assert.equal(await told(version, value), code, `version ${value}`);
  }
  for (const value of [0, 95, 97]) assert.equal(await told(size, value), "FORMAT");
  for (const [value, code] of [[8193, "LIMIT"], [65520, "LIMIT"], [65521, "FORMAT"]]) {
    assert.equal(await told(pages, value), code, `${value} pages`);
  }
  for (const [value, code] of [[1, "PARENT"], [2, "NEWER"], [2 ** 31, "NEWER"]]) {
    assert.equal(await told(flags, value), code, `flags ${value}`);
  }
  for (const value of [0, 2, 4]) assert.equal(await told(sections, value), "FORMAT");
  for (const value of [1, 2 ** 31]) assert.equal(await told(reserved, value), "FORMAT");
  assert.equal(await told(48, 1), "FORMAT", "a parent without the flag");
  assert.equal(await told(16, 1), "ENGINE");
});

test("runs lie in what a snapshot keeps", async () => {
  const base = await saved();
  const stack = stackOf(base);
  const end = 65536 * pagesOf(base);
  const good = async (runs) => wakes(base, await differ(base, runs));
  const bad = async (runs) => refused(/its memory/, base, await differ(base, runs));
  await good([]);
  await good(run(stack, 1));
  await bad(run(stack - 1, 1));
  await bad(run(stack - 1, 1, 1));
  await bad(zeros(0, 1));
  await bad(zeros(0, end));
  await good(run(end - 4, 1, 2, 3, 4));
  await bad(run(end - 3, 1, 2, 3, 4));
  await good(zeros(end - 4, 4));
  await bad(zeros(end - 4, 5));
  await bad(run(end, 1));
  await bad(zeros(2 ** 40, 1));
  await good([...run(end - 10, 1), ...run(8, 1)]);
  await bad([...run(end - 10, 1), ...run(9, 1)]);
});

test("varints are short, whole and needed", async () => {
  const base = await saved();
  const at = stackOf(base) + 16;
  const good = async (runs) => wakes(base, await differ(base, runs));
  const bad = async (runs) => refused(/its memory/, base, await differ(base, runs));
  const [a, b, c] = varint(at);
  await good([a, b, c, 2, 7]);
  await bad([a, b, c | 128, 0, 2, 7]);
  await bad([a, b, c, 2 | 128, 0, 7]);
  await bad([a, b, c | 128, 128, 128, 0, 2, 7]);
  await bad([a, b, c | 128, 128, 128, 128, 0, 2, 7]);
  await bad([128, 128, 128, 128, 128, 128, 1, 2, 7]);
  await bad([a, b]);
  await bad([a, b, c]);
  await bad([a, b, c, 4, 7]);
  await bad([a, b, c, 0]);
  await bad([a, b, c, 1]);
});

test("what lies behind the heap is zero, whatever a snapshot says", async () => {
  const base = await saved();
  const end = 65536 * pagesOf(base);
  const bytes = Array(3000).fill(7);
  const piece = await differ(base, run(end - 3000, ...bytes));
  const vm = hold(await QuickJS.restore([base, piece]));
  const zero = hold(await QuickJS.restore(base));
  const code = "let n = 0; for (const x of new Uint8Array(200000)) n += x; n";
  for (const woken of [zero, vm]) assert.equal(woken.dump(woken.evalCode(code)), 0);
  assert.deepEqual(vm.snapshot().bytes, zero.snapshot().bytes);
});

test("memory does not shrink along a chain", async () => {
  const base = await saved("globalThis.a = new Uint8Array(3e6).fill(1); 0");
  const pages = pagesOf(base);
  await wakes(base, await differ(base, []));
  await wakes(base, await differ(base, [], pages + 1));
  await refused(/its memory's size/, base, await differ(base, [], pages - 1));
  const small = takeApart(await saved());
  const view = new DataView(small.header.buffer, small.header.byteOffset);
  view.setUint32(80, view.getUint32(80, true) - 1, true);
  await refused(/its memory's size/, putTogether(small));
});

test("globals are those of the engine", async () => {
  const base = await saved();
  const { content } = takeApart(base).sections.find(({ type }) => type === GLOBALS);
  await wakes(fill(base, GLOBALS, content));
  for (const at of [0, 1, 4, 7]) {
    const other = content.slice();
    other[at] ^= 1;
    await refused(/its globals/, fill(base, GLOBALS, other));
  }
  await refused(/its globals/, fill(base, GLOBALS, content.slice(0, 7)));
  await refused(/its globals/, fill(base, GLOBALS, [...content, 0]));
});

test("lists are one well-formed item, nested no deeper than a VM writes", async () => {
  const base = await saved();
  const list = (bytes) => inspectSnapshot(fill(base, OPERATIONS, bytes));
  const bad = (bytes) => assert.rejects(list(bytes), { codeName: "FORMAT" });
  // An array of one operation: its request, and what is said of it as "x".
  const request = [0x67, ...new TextEncoder().encode("request"), 0xd8, 24, 0x41, 0x00];
  const one = (x) => [0x81, 0xa2, ...request, 0x61, 0x78, ...x];
  const nested = (depth) => one([...Array(depth).fill(0x81), 0]);
  assert.equal((await list([0x80])).operations.length, 0);
  assert.equal((await list(nested(2046))).operations.length, 1);
  await bad(nested(2047));
  await bad(nested(100000));
  await bad([]);
  await bad([0x80, 0]);
  await bad([0xa0]);
  await bad([0x9f, 0xff]);
  await bad([0x81]);
  await bad([0x81, 0xff]);
  await bad([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  await bad([0x81, 0x01]);
  await bad([0x81, 0xbf, ...request, 0xff]);
  for (const x of [[0xbf, 1, 2, 0xff], [0x9f, 0xff], [0x5f, 0x41, 0, 0xff], [0xf9, 0, 0]]) {
    assert.equal((await list(one(x))).operations.length, 1);
  }
  for (const x of [[0xbf, 1, 0xff], [0xff], [0x5f, 0x61, 0, 0xff], [0xf8, 31], [0x1c], [0x41]]) {
    await bad(one(x));
  }
  await wakes(fill(base, OPERATIONS, [0xff]));
});
