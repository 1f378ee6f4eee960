// SPDX-License-Identifier: MIT
// ctest: nosanitize
//
// The baked engine as a module: it imports what guest/abi.h lists and nothing
// else, exports all that hosts need and nothing else, is no larger than it may
// be, and is a baseline: nothing on the stack, and no initialisation left to
// run.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const PACKED_MOST = 400_000;

const source = process.env.TORPOR_SOURCE;
const build = process.env.TORPOR_BUILD;
const bytes = readFileSync(`${build}/engine.wasm`);
const module = new WebAssembly.Module(bytes);

// The names of a list macro of guest/abi.h: X(result, name, parameters).
function readList(macro) {
  const text = readFileSync(`${source}/guest/abi.h`, "utf8")
    .replace(/\\\n/g, " ").replace(/\/\*.*?\*\//gs, " ");
  const line = text.split("\n").find((it) => it.includes(`${macro}(X)`));
  const entries = [...line.matchAll(/X\((\w), (\w+), (\w+)\)/g)];
  assert.ok(entries.length > 5, `${macro} was not understood`);
  return entries.map(([, result, name, parameters]) =>
    ({ result, name, parameters }));
}

// Their types are checked by the compiler, in engine/bind.c.
const imports = WebAssembly.Module.imports(module);
assert.deepEqual(
  imports.map((it) => `${it.module}.${it.name} ${it.kind}`).sort(),
  readList("TORPOR_ABI_IMPORTS")
    .map(({ name }) => `torpor.${name} function`).sort());

const exports = WebAssembly.Module.exports(module)
  .map((it) => `${it.kind} ${it.name}`);
assert.deepEqual(exports.sort(), [
  ...readList("TORPOR_ABI_EXPORTS").map(({ name }) => `function ${name}`),
  "function JS_GetVersion", "global __stack_pointer", "global torpor_control",
  "memory memory", "table __indirect_function_table",
].sort());

// docs/engine.md, "Its size".
const packed = gzipSync(bytes, { level: 9 }).length;
assert.ok(packed <= PACKED_MOST, `${packed} bytes, compressed`);

// The engine to load, named by the id that was compiled in, has this hash.
const id = createHash("sha256").update(bytes).digest("hex");
assert.deepEqual(readdirSync(`${build}/lib/torpor/engines`).sort(),
                 [`${id}.so`, `${id}.wasm`]);

// By the fingerprint, who has the compiled module alone knows the engine: the
// hash of what stands before it.
const [fingerprint, ...others] =
  WebAssembly.Module.customSections(module, "torpor");
assert.equal(others.length, 0);
const before = bytes.subarray(0, -(2 + 1 + "torpor".length + 32));
assert.deepEqual(Buffer.from(fingerprint),
                 createHash("sha256").update(before).digest());
assert.doesNotThrow(() => new WebAssembly.Module(before));

// A fresh instance is the baseline.
const unexpected = (name) => () => assert.fail(`'${name}' was called`);
const instance = new WebAssembly.Instance(module, {
  torpor: Object.fromEntries(
    imports.map(({ name }) => [name, unexpected(name)])),
});
const memory = new Uint8Array(instance.exports.memory.buffer);
const view = new DataView(memory.buffer);
const control = instance.exports.torpor_control.value;
const stackSize = view.getUint32(control + 4, true);
assert.equal(instance.exports.__stack_pointer.value, stackSize);
assert.ok(memory.subarray(0, stackSize).every((byte) => byte === 0), "stack");
const heapBreak = view.getUint32(control + 12, true);
assert.ok(memory.length - heapBreak < 65536, "memory is larger than needed");
assert.ok(memory.subarray(heapBreak).every((byte) => byte === 0), "break");
assert.doesNotThrow(() => instance.exports.__indirect_function_table.grow(8));
