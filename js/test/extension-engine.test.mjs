// SPDX-License-Identifier: MIT
// hosts: node
//
// extension-engine.test.mjs - extensions for engines that have nothing for them,
// or that say things of themselves that make no sense.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { assert } from "./support/test.mjs";
import { extension, extensions } from "./support/extension.mjs";
import { hold, test } from "./support/hold.mjs";
import { run } from "./support/vm.mjs";
import { EngineError, QuickJS } from "torpor-vm";

const engine = readFileSync(createRequire(import.meta.url).resolve("torpor-vm/engine.wasm"));

// The engine's table of functions, as its data section has it: where it begins in the file.
async function findTable() {
  const vm = hold(await QuickJS.create());
  const { instance, exports } = vm._core;
  const address = exports.torpor_extension_functions();
  const bytes = Buffer.from(instance.u8.slice(address, address + 4 * instance.integer(1)));
  const at = engine.indexOf(bytes);
  assert(at > 0 && engine.indexOf(bytes, at + 1) < 0, "it is there once");
  return { at, count: bytes.length / 4, size: instance.engine.tableSize };
}

test("an engine whose functions make no sense is refused by extensions alone", async () => {
  const { at, count, size } = await findTable();
  const given = await extensions("counter");
  for (const index of [size, 0xffffffff, 0]) {
    const altered = Buffer.from(engine);
    for (let i = 0; i < count; i++) altered.writeUInt32LE(index, at + 4 * i);
    const wasm = new Uint8Array(altered);
    const vm = hold(await QuickJS.create({ wasm }));
    assert.equal(run(vm, "1 + 1"), 2);
    await assert.rejects(vm.loadExtension(given[0]), EngineError, `index ${index}`);
    assert.equal(run(vm, "1 + 1"), 2);
    await assert.rejects(QuickJS.create({ wasm, extensions: given }), EngineError);
  }
});

test("functions that are exchanged are of another type, or end the VM", async () => {
  const { at, count } = await findTable();
  const altered = Buffer.from(engine);
  const indexes = Array.from({ length: count }, (_, i) => engine.readUInt32LE(at + 4 * i));
  indexes.reverse().forEach((index, i) => altered.writeUInt32LE(index, at + 4 * i));
  const vm = hold(await QuickJS.create({ wasm: new Uint8Array(altered) }));
  const error = await assert.rejects(vm.loadExtension(await extension("counter")), {
    codeName: "EXTENSION",
  });
  assert.match(error.message, /for a function of type/);
});
