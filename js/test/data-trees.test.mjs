// SPDX-License-Identifier: MIT
// hosts: node deno bun
//
// data-trees.test.mjs - random trees of every kind of value: what comes back
// over the border is what was there, in values, order and identity, and the
// package and the guest make the same bytes of it; and a second reader,
// tools/read-cbor, sees the same in them.
//
// TORPOR_SEEDS=FROM:COUNT tries others than the usual ones.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { assert, host, test } from "./support/test.mjs";
import { Guest, inner } from "./support/guest.mjs";

const { readCbor } = await inner("data/cbor-read.js");
const { writeCbor } = await inner("data/cbor-write.js");

const [FROM, COUNT] = (process.env.TORPOR_SEEDS ?? "0:500").split(":").map(Number);
const SOURCE = process.env.TORPOR_SOURCE;
assert(SOURCE, "TORPOR_SOURCE names the source");

const guest = new Guest();
const trees = readFileSync(join(SOURCE, "test/support/trees.js"), "utf8");
if (typeof Float16Array === "undefined") {
  globalThis.Float16Array = Float32Array;
  guest.eval("globalThis.Float16Array = Float32Array");
}
guest.eval(trees);
const { make, describe } = (0, eval)(`(() => { ${trees}; return { make, describe }; })()`);

function same(actual, expected, message) {
  if (actual === expected) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  if (at === actual.length && at === expected.length) return;
  const part = (all) => all.slice(Math.max(0, at - 30), at + 30);
  assert(false, `${message}, at ${at}: ${part(actual)} instead of ${part(expected)}`);
}

function eachSeed(run) {
  for (let seed = FROM; seed < FROM + COUNT; seed++) guest.scope(() => run(seed));
}

test("trees of the guest come to the host and back", () => {
  eachSeed((seed) => {
    const there = guest.eval(`make(${seed})`);
    const bytes = guest.encode(there);
    const here = readCbor(bytes);
    same(describe(here), guest.text(guest.call("describe", there)), `tree ${seed}`);
    same(writeCbor(here), bytes, `bytes of tree ${seed}`);
  });
});

test("trees of the host come to the guest and back", () => {
  eachSeed((seed) => {
    const here = make(seed);
    const bytes = writeCbor(here);
    const there = guest.decode(bytes);
    same(guest.text(guest.call("describe", there)), describe(here), `tree ${seed}`);
    same(guest.encode(there), bytes, `bytes of tree ${seed}`);
    same(describe(readCbor(bytes)), describe(here), `tree ${seed} in the host`);
  });
});

// That reader is in Python, which Deno may not start.
const testThere = host === "deno" ? () => {} : test;
testThere("a second reader sees the same", () => {
  const folder = mkdtempSync(join(tmpdir(), "torpor-trees-"));
  try {
    const lines = [];
    const parts = [];
    eachSeed((seed) => {
      const tree = make(seed);
      const bytes = writeCbor(tree);
      const size = new Uint8Array(4);
      new DataView(size.buffer).setUint32(0, bytes.length, true);
      parts.push(size, bytes);
      lines.push(describe(tree));
    });
    const file = join(folder, "trees");
    writeFileSync(file, Buffer.concat(parts));
    const reader = spawnSync("python3", [join(SOURCE, "tools/read-cbor"), file], {
      encoding: "utf8",
      maxBuffer: 1 << 30,
    });
    assert.equal(reader.stderr, "");
    reader.stdout.trimEnd().split("\n").forEach((line, i) => {
      same(line, lines[i], `tree ${FROM + i}`);
    });
    assert.equal(reader.stdout.trimEnd().split("\n").length, COUNT);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
