// SPDX-License-Identifier: MIT
//
// format-protect.test.mjs - snapshots under a key: they open with it and with
// nothing else, and no byte of theirs can be changed.

import { assert } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import {
  FormatError,
  inspectSnapshot,
  isProtected,
  KeyError,
  MisuseError,
  NewerError,
  protectSnapshot,
  QuickJS,
  unprotectSnapshot,
} from "torpor-vm";

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
const other = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 2);

async function saved() {
  const vm = hold(await QuickJS.create());
  vm.evalCode("globalThis.secret = 'a text that nobody may read'; 0").dispose();
  return vm.snapshot().bytes;
}

function holds(bytes, text) {
  return new TextDecoder("latin1").decode(bytes).includes(text);
}

test("what was protected opens with its key and context", async () => {
  const bytes = await saved();
  for (const readable of [false, true]) {
    for (const context of [undefined, "run 7", new Uint8Array([1, 2, 3])]) {
      const envelope = await protectSnapshot(bytes, { key, context, readable });
      assert.equal(envelope.length, bytes.length + 64);
      assert(isProtected(envelope) && !isProtected(bytes));
      assert.equal(holds(envelope, "nobody may read"), readable);
      assert.deepEqual(await unprotectSnapshot(envelope, { key, context }), bytes);
      await assert.rejects(unprotectSnapshot(envelope, { key: other, context }), KeyError);
      await assert.rejects(unprotectSnapshot(envelope, { key, context: "run 8" }), KeyError);
    }
  }
});

test("an envelope is another each time", async () => {
  const bytes = await saved();
  const first = await protectSnapshot(bytes, { key });
  const second = await protectSnapshot(bytes, { key });
  assert.notEqual(first.slice(16, 48).join(), second.slice(16, 48).join());
  assert.notEqual(first.slice(48).join(), second.slice(48).join());
});

test("no byte of an envelope can be changed", async () => {
  const bytes = (await saved()).slice(0, 300);
  for (const readable of [false, true]) {
    const envelope = await protectSnapshot(bytes, { key, readable });
    for (let at = 0; at < envelope.length; at++) {
      const damaged = envelope.slice();
      damaged[at] ^= 1 << at % 8;
      const expected = at < 8 ? FormatError : at < 16 ? /NewerError|KeyError/ : KeyError;
      await assert.rejects(unprotectSnapshot(damaged, { key }), expected, `byte ${at}`);
    }
    for (let size = 0; size < envelope.length; size += 9) {
      const cut = envelope.slice(0, size);
      await assert.rejects(
        unprotectSnapshot(cut, { key }),
        size < 64 ? FormatError : KeyError,
        `${size} bytes`,
      );
    }
  }
});

test("kinds that are not known are newer", async () => {
  const envelope = await protectSnapshot(await saved(), { key });
  for (const [at, value] of [[8, 2], [8, 0], [12, 3], [12, 0]]) {
    const newer = envelope.slice();
    newer[at] = value;
    await assert.rejects(unprotectSnapshot(newer, { key }), NewerError);
  }
});

test("a protected snapshot is not read without its key", async () => {
  const envelope = await protectSnapshot(await saved(), { key, readable: true });
  await assert.rejects(QuickJS.restore(envelope), KeyError);
  await assert.rejects(inspectSnapshot(envelope), /KeyError: .*unprotectSnapshot/);
});

test("keys and contexts of other kinds are refused", async () => {
  const bytes = await saved();
  for (const bad of [undefined, "key", new Uint8Array(31), new Uint8Array(33), key.buffer]) {
    await assert.rejects(protectSnapshot(bytes, { key: bad }), MisuseError);
    await assert.rejects(unprotectSnapshot(bytes, { key: bad }), MisuseError);
  }
  await assert.rejects(protectSnapshot(bytes, { key, context: 7 }), MisuseError);
  await assert.rejects(protectSnapshot("bytes", { key }), MisuseError);
  await assert.rejects(unprotectSnapshot(bytes, { key }), FormatError);
  await assert.rejects(protectSnapshot(bytes), MisuseError);
});
