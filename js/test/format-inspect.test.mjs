// SPDX-License-Identifier: MIT
//
// format-inspect.test.mjs - what a snapshot says of itself, without an engine.

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { damage, putTogether, random, takeApart } from "./support/damage.mjs";
import { inspectSnapshot, MisuseError, packSnapshot, QuickJS, TorporError } from "torpor-vm";

const REQUEST = "({ url: 'http://x', list: [1, 2.5, -3], at: new Date(7), 'ключ': null })";

/** A VM that waits for a timer. */
async function waiting() {
  const vm = await QuickJS.create({
    wasi: { now: () => 1700000000500000000n },
    drivers: { timer: () => {} },
  });
  vm.evalCode(
    `globalThis.got = []; (async function work() {
       await new Promise((done) => setTimeout(done, 1500));
       got.push(${REQUEST});
     })(); 0`,
    "work.js",
  ).dispose();
  vm.executePendingJobs();
  return vm;
}

test("a snapshot says what its VM waits for", async () => {
  const vm = hold(await waiting());
  const { bytes } = vm.snapshot();
  const info = await inspectSnapshot(bytes);
  assert.equal(info.version, 1);
  assert.equal(info.size, bytes.length);
  assert.equal(info.memory % 65536, 0);
  assert.equal(info.parent, undefined);
  assert.match(info.engine, /^[0-9a-f]{64}$/);
  assert.equal(info.packed, false);
  assert.equal(info.waiting, undefined);
  assert.deepEqual(info.sections.map(({ name }) => name), ["globals", "operations", "memory"]);
  const [pending] = vm.pendingOperations();
  assert.equal(info.operations.length, 1);
  const [operation] = info.operations;
  assert.equal(operation.id, pending.id);
  assert.equal(operation.kind, "timer");
  assert.equal(operation.due, 1700000002000);
  assert.equal(operation.begun, 1700000000500);
});

test("a snapshot has the id that its difference names", async () => {
  const vm = hold(await waiting());
  const base = vm.snapshot();
  vm.evalCode("globalThis.more = 1; 0").dispose();
  const next = vm.snapshot({ since: base });
  const { id } = await inspectSnapshot(base.bytes);
  assert.equal((await inspectSnapshot(next.bytes)).parent, id);
  const digest = await crypto.subtle.digest("SHA-256", base.bytes);
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  assert.equal(id, hex.join(""));
});

test("the id of much is made as that of little", async () => {
  const vm = hold(await QuickJS.create());
  vm.evalCode("globalThis.a = Uint8Array.from({ length: 1e6 }, (_, i) => i * i >> 5); 0").dispose();
  const { bytes } = vm.snapshot();
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  assert.equal((await inspectSnapshot(bytes)).id, hex.join(""));
});

test("the checksum of any size is right", async () => {
  const vm = hold(await waiting());
  const parts = takeApart(vm.snapshot().bytes);
  const next = random(7);
  const noise = Uint8Array.from({ length: 2 ** 20 }, next);
  // Around the sizes at which the checksum is made in another way or piece.
  for (const size of [0, 1, 63, 48096, 192384, 262144, 262144 + 48096, 600000, 2 ** 20]) {
    for (const more of [-4000, -3500, -3000, -17, -1, 0, 1, 15, 16]) {
      if (size + more < 0 || size + more > noise.length) continue;
      const content = noise.subarray(0, size + more);
      const length = BigInt(content.length);
      const extra = { type: 64, method: 0, raw: length, stored: length, content };
      const bytes = putTogether({ ...parts, sections: [...parts.sections, extra] });
      assert.equal((await inspectSnapshot(bytes)).sections.at(-1).size, content.length);
      bytes[bytes.length - 5 - (next() % content.length || 0)] ^= 1;
      await assert.rejects(inspectSnapshot(bytes), { codeName: "CHECKSUM" });
    }
  }
});

test("damaged snapshots are refused by a typed error", async () => {
  const vm = hold(await waiting());
  const small = vm.snapshot().bytes;
  const packed = await packSnapshot(small);
  let refused = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const next = random(seed);
    const { bytes, done } = damage(seed % 2 ? small : packed, next);
    try {
      const info = await inspectSnapshot(bytes);
      assert.equal(info.size, bytes.length);
    } catch (error) {
      assert(error instanceof TorporError, `${seed} ${done}: ${error.stack}`);
      refused++;
    }
  }
  assert(refused > 1000, `${refused} were refused`);
});

test("what is not bytes is refused", async () => {
  for (const bad of [undefined, null, "text", [1, 2], new ArrayBuffer(200), 7]) {
    await assert.rejects(inspectSnapshot(bad), MisuseError);
  }
});
