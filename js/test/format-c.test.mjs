// SPDX-License-Identifier: MIT
// hosts: node bun
//
// format-c.test.mjs - the C library and this package write the same bytes.
//
// sleeper.c makes snapshots with the library. They wake here, and are saved
// again: whole, as a difference from the piece before, and packed. Each must be
// what the library wrote.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { makeSleeper } from "./support/sleeper.mjs";
import {
  inspectSnapshot,
  packSnapshot,
  protectSnapshot,
  QuickJS,
  unpackSnapshot,
  unprotectSnapshot,
} from "torpor-vm";

const SOURCE = process.env.TORPOR_SOURCE;
const BUILD = process.env.TORPOR_BUILD;
assert(SOURCE && BUILD, "TORPOR_SOURCE and TORPOR_BUILD name the source and the build folder");

const folder = mkdtempSync(join(tmpdir(), "torpor-format-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const read = (name) => new Uint8Array(readFileSync(join(folder, name)));

const sleeper = makeSleeper(folder, SOURCE, BUILD);

// What a program does between two saves; each is a difference and a whole.
const STEPS = [
  "begin p timer 1700000060000 ({ms: 60000, name: 'Ada'})",
  "eval globalThis.log = []; (async function work() { const a = {x: 1}; log.push(await p, a) })(); 0",
  "eval globalThis.few = new Uint8Array(3e5).fill(9); few[77777] = 0; 0",
  "eval globalThis.big = Array.from({ length: 60000 }, (_, i) => ({ i, name: 'n' + i })); 0",
  "eval big[777].name = 'changed'; 0",
  "begin q fetch 0.5 ({url: 'http://x', body: 'y'.repeat(70000), at: -1e300})",
  "eval big = null; 0",
  "eval globalThis.bytes = new Uint8Array(3e6).fill(7); bytes.fill(0, 1e6, 2e6); 0",
  "eval bytes[1.5e6] = 1; 0",
  "eval bytes = few = null; 0",
  "eval globalThis.s = 'x'.repeat(10); 0",
];

const LEVELS = [1, 3, 5, 9, -7];

sleeper(
  "save 0 parent\nsave whole0\n" +
    STEPS.map((step, i) =>
      [
        step,
        `save ${i + 1} parent delta`,
        `save whole${i + 1}`,
        `save packed${i + 1} packed ${LEVELS[i % LEVELS.length]}`,
      ].join("\n")
    ).join("\n"),
);

const chain = [0, ...STEPS.keys()].map((_, i) => read(`${i}`));

function same(a, b, message) {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  assert(
    a.length === b.length && at < 0,
    `${message}: ${a.length} and ${b.length} bytes, which differ at ${at}`,
  );
}

test("what C saved whole is saved whole the same", async () => {
  for (let i = 0; i < chain.length; i++) {
    const bytes = read(`whole${i}`);
    const vm = hold(await QuickJS.restore(bytes));
    same(vm.snapshot().bytes, bytes, `whole ${i}`);
    const merged = hold(await QuickJS.restore(chain.slice(0, i + 1)));
    same(merged.snapshot().bytes, bytes, `whole ${i}, of a chain`);
  }
});

test("what C saved as differences are the same differences", async () => {
  for (let i = 1; i < chain.length; i++) {
    const vm = hold(await QuickJS.restore(chain.slice(0, i + 1)));
    const before = QuickJS.deserializeSnapshot(chain[i - 1]);
    same(vm.snapshot({ since: before }).bytes, chain[i], `difference ${i}`);
  }
});

test("what C packed is packed the same, and wakes", async () => {
  for (let i = 1; i < chain.length; i++) {
    const packed = read(`packed${i}`);
    const level = LEVELS[(i - 1) % LEVELS.length];
    const whole = read(`whole${i}`);
    same(await packSnapshot(whole, { level }), packed, `packed ${i} at level ${level}`);
    same(await unpackSnapshot(packed), whole, `unpacked ${i}`);
    const vm = hold(await QuickJS.restore(packed));
    same(vm.snapshot().bytes, whole, `woken ${i}`);
  }
});

test("packing small sections is the same at every level", async () => {
  sleeper("eval globalThis.a = Array.from({ length: 900 }, (_, i) => 'text' + i * i); 0\nsave s");
  const bytes = read("s");
  for (let level = 1; level <= 22; level++) {
    sleeper(`restore s\nsave p packed ${level}`);
    same(await packSnapshot(bytes, { level }), read("p"), `level ${level}`);
  }
});

test("what is saved here goes on in C", async () => {
  const vm = hold(await QuickJS.restore(chain));
  vm.evalCode("globalThis.here = s + '!'; 0").dispose();
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(folder, "here"), await packSnapshot(vm.snapshot().bytes));
  const said = sleeper("restore here\neval here + log.length\nsave again\n");
  assert.equal(said, "xxxxxxxxxx!0\n");
});

test("lists are what the C library wrote", async () => {
  sleeper(`${STEPS[0]}\n${STEPS[1]}\nsave waiting waiting`);
  const info = await inspectSnapshot(read("waiting"));
  assert.deepEqual(info.operations, [{
    id: 1,
    kind: "timer",
    request: { ms: 60000, name: "Ada" },
    due: 1700000060000,
    begun: 1700000000000,
  }]);
  assert.equal(info.waiting.length, 1);
  const [{ file, kind, operation }] = info.waiting;
  assert.deepEqual({ function: info.waiting[0].function, file, kind, operation }, {
    function: "work",
    file: "sleeper.js",
    kind: "async",
    operation: 1,
  });
});

test("another reader opens what was protected here", async () => {
  const { writeFileSync } = await import("node:fs");
  const key = crypto.getRandomValues(new Uint8Array(32));
  writeFileSync(join(folder, "key"), key);
  for (const readable of [false, true]) {
    const sealed = await protectSnapshot(chain[0], { key, context: "run 7", readable });
    writeFileSync(join(folder, "sealed"), sealed);
    const said = execFileSync(
      join(SOURCE, "tools/read-snapshot"),
      ["--json", "--key-file", join(folder, "key"), "--context", "run 7", join(folder, "sealed")],
      { encoding: "utf8" },
    );
    const { id } = await inspectSnapshot(chain[0]);
    assert.equal(JSON.parse(said).pieces[0].id, id);
    same(await unprotectSnapshot(sealed, { key, context: "run 7" }), chain[0], "opened");
  }
});
