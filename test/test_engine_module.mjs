// SPDX-License-Identifier: MIT
// ctest: nosanitize
//
// The baked engine as a module: it imports what guest/abi.h lists and nothing
// else, exports all that hosts and extensions need, and is a baseline: nothing
// on the stack, and no initialisation left to run.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

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

const exports = new Map(
  WebAssembly.Module.exports(module).map((it) => [it.name, it.kind]));
for (const { name } of readList("TORPOR_ABI_EXPORTS"))
  assert.equal(exports.get(name), "function", name);
for (const [name, kind] of [["memory", "memory"],
                            ["__indirect_function_table", "table"],
                            ["__stack_pointer", "global"],
                            ["torpor_control", "global"],
                            ["JS_NewClass", "function"],
                            ["JS_ThrowTypeError", "function"],
                            ["JS_NewCFunction2", "function"],
                            ["js_malloc", "function"],
                            ["malloc", "function"],
                            ["snprintf", "function"]])
  assert.equal(exports.get(name), kind, name);
assert.ok(!exports.has("_initialize"));

// Every function that quickjs.h declares, read here by another rule than the
// build's.
const header = readFileSync(
  `${process.env.QUICKJS_DIR || `${source}/build/deps/quickjs`}/quickjs.h`,
  "utf8");
const declared = header.split("\n")
  .filter((line) => line.startsWith("JS_EXTERN"))
  .map((line) => [...line.matchAll(/\b(JS_\w+|js_\w+)\s*\(/g)]
    .map(([, name]) => name).filter((name) => !/ATTR/.test(name))[0])
  .filter((name) => name !== undefined && name !== "js_std_cmd");
assert.ok(declared.length > 200);
for (const name of declared)
  assert.equal(exports.get(name), "function", name);

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
