// SPDX-License-Identifier: MIT
// hosts: node24
//
// format-damage.test.mjs - damaged snapshots: what wakes has the memory that a
// second reader (tools/read-snapshot) puts together, and what the one refuses,
// so does the other, for the same reason.
//
// TORPOR_SEEDS=FROM:COUNT tries others than the usual ones.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { damage, random, takeApart } from "./support/damage.mjs";
import { extensions } from "./support/extension.mjs";
import { inspectSnapshot, packSnapshot, QuickJS, TorporError, TrappedError } from "torpor-vm";

const [FROM, COUNT] = (process.env.TORPOR_SEEDS ?? "0:500").split(":").map(Number);
const SOURCE = process.env.TORPOR_SOURCE;
assert(SOURCE, "TORPOR_SOURCE names the source");

const ENGINE = createRequire(import.meta.url).resolve("torpor-vm/engine.wasm");
const folder = mkdtempSync(join(tmpdir(), "torpor-damage-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

// ---- The second reader --------------------------------------------------------

async function startReader() {
  const reader = spawn("python3", [join(SOURCE, "js/test/support/read-many.py"), ENGINE], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
  const { value: sizes } = await lines.next();
  assert(sizes !== undefined, "the second reader did not start; see above");
  const [stackSize, host, hostEnd] = sizes.split(" ").map(Number);
  return {
    /** What the reader says of snapshots of this memory. */
    verdictOf(memory) {
      const kept = memory.slice();
      kept.fill(0, 0, stackSize);
      kept.fill(0, host, hostEnd);
      return `OK ${createHash("sha256").update(kept).digest("hex")}`;
    },
    async read(chain) {
      const paths = chain.map((bytes, i) => {
        const path = join(folder, `${i}`);
        writeFileSync(path, bytes);
        return path;
      });
      reader.stdin.write(`${paths.join(" ")}\n`);
      const { value } = await lines.next();
      const [lists, ...verdict] = value.split(" ");
      return { lists: lists === "lists", verdict: verdict.join(" ") };
    },
    end: () => reader.stdin.end(),
  };
}

// ---- This one -------------------------------------------------------------------

async function verdictOf(run) {
  try {
    return await run();
  } catch (error) {
    assert(error instanceof TorporError, `an error of another kind: ${error.stack}`);
    return error.codeName;
  }
}

/** Another snapshot of a VM; null if its memory is damaged where that looks for operations. */
function saveAgain(vm) {
  try {
    return vm.snapshot().bytes;
  } catch (error) {
    assert(error instanceof TrappedError, `an error of another kind: ${error.stack}`);
    assert(error.message.includes("its table of operations"), error.message);
    return null;
  }
}

/** What waking gives: its memory, which a second snapshot has as well. */
async function wake(chain) {
  const vm = await QuickJS.restore(chain);
  try {
    return { memory: vm._core.instance.u8.slice(), again: saveAgain(vm) };
  } finally {
    vm.dispose();
  }
}

// Not every version of zstd refuses the same frames that were damaged; and where
// more than that is damaged, the second reader unpacks later.
function mayDiffer(good, done, mine, theirs) {
  return mine === "FORMAT" && (theirs.startsWith("OK") || done.includes("+")) &&
    takeApart(good).sections.some(({ method }) => method !== 0);
}

async function seeds() {
  // The same bytes each time, so that a seed spoils the same thing.
  const wasi = { now: () => 1_700_000_000_000_000_000n, random: (bytes) => bytes.fill(9) };
  const vm = hold(await QuickJS.create({ drivers: { timer: () => {} }, wasi }));
  const first = vm.snapshot();
  vm.evalCode("(async () => { await new Promise(r => setTimeout(r, 5)) })(); 0").dispose();
  vm.executePendingJobs();
  const small = vm.snapshot();
  const since = vm.snapshot({ since: first });
  vm.evalCode("globalThis.a = 'some text '.repeat(9000); 0").dispose();
  const middle = await packSnapshot(vm.snapshot().bytes);
  vm.evalCode("globalThis.b = new Uint8Array(1.2e6).fill(3); 0").dispose();
  const large = await packSnapshot(vm.snapshot().bytes);
  // Woken without its extensions it is refused, if nothing else is wrong.
  const given = await extensions("counter", "greeter");
  const extended = hold(await QuickJS.create({ extensions: given, wasi })).snapshot();
  return [
    [first.bytes],
    [small.bytes],
    [first.bytes, since.bytes],
    [since.bytes],
    [middle],
    [large],
    [extended.bytes],
  ];
}

async function compareReaders(reader, tally) {
  const good = await seeds();
  for (let seed = FROM; seed < FROM + COUNT; seed++) {
    const next = random(seed);
    const chain = good[next() % good.length].slice();
    const last = chain.pop();
    const { bytes, done } = damage(last, next);
    chain.push(bytes);
    const theirs = await reader.read(chain);
    const woken = await verdictOf(() => wake(chain));
    const mine = woken.memory ? reader.verdictOf(woken.memory) : woken;
    if (woken.again) {
      const { verdict } = await reader.read([woken.again]);
      assert.equal(verdict, mine, `seed ${seed} (${done}): a snapshot of what woke`);
    }
    const name = woken.again === null ? "DAMAGED" : mine.split(" ")[0];
    tally.set(name, (tally.get(name) ?? 0) + 1);
    if (!mayDiffer(last, done, mine, theirs.verdict)) {
      assert.equal(mine, theirs.verdict, `seed ${seed} (${done}): waking`);
    }
    const lists = await verdictOf(() => inspectSnapshot(bytes).then(() => true));
    assert(theirs.lists || lists !== true, `seed ${seed} (${done}): lists that are no CBOR`);
  }
}

test("two readers agree about damaged snapshots", async () => {
  const reader = await startReader();
  const tally = new Map();
  try {
    await compareReaders(reader, tally);
  } finally {
    reader.end();
  }
  for (const name of ["OK", "FORMAT", "NEWER", "CHECKSUM", "LIMIT", "ENGINE", "PARENT"]) {
    assert(COUNT < 500 || tally.has(name), `no snapshot was ${name}`);
  }
}, { seconds: 600 });
