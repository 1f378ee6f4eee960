// SPDX-License-Identifier: MIT
//
// bake.mjs - runs an engine's initialisation once and writes the resulting
// memory into the module.
//
// Usage: bake.mjs CORE.wasm LAYOUT.wasm ENGINE.wasm ID.h
//
// CORE.wasm is started (start.mjs) twice: to learn which blocks programs write
// (placement.mjs), and with those put together. Then the sections that describe
// memory are written anew:
//
//   memory     as small as the image allows, the maximum as it was
//   data       the runs of bytes that are not zero, in ascending order
//   export     without the initialisation, which has run
//   code       without what only that called (prune.mjs)
//
// What belongs to the call rather than to the engine is left out: the stack,
// and the part of the control block that the host owns (guest/abi.h). All other
// sections stay as they are. Behind them comes a custom section "torpor" with
// the SHA-256 of all that stands before it, by which a host that has only the
// compiled module knows the engine. ID.h gives the SHA-256 of ENGINE.wasm, the
// engine id. The same CORE.wasm gives the same bytes with every version of Node.
//
// Needs Node 18 or later, and wabt.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { Reader, SECTION, readExports, readSections, signed32, unsigned,
         withSize, writeSections } from "./module.mjs";
import { findHeat } from "./placement.mjs";
import { prune } from "./prune.mjs";
import { BakeError, start } from "./start.mjs";

const PAGE = 65536;
const GAP = 32; // zero bytes that are cheaper to write than a new segment
const INITIALISATION = ["_initialize", "torpor_bake"]; // exports that have run

// ---- The image -------------------------------------------------------------

function readLayout(bytes) {
  const module = new WebAssembly.Module(bytes);
  const { exports } = new WebAssembly.Instance(module);
  const names = ["version", "stack_size", "heap_break", "host_start",
                 "host_end", "result"];
  return Object.fromEntries(names.map((name) => [name, exports[name]()]));
}

// The memory that the initialisation leaves, as bytes.
function makeImage(core, layout) {
  const module = new WebAssembly.Module(core);
  const { exports } = start(module, findHeat(core, layout));
  const image = new Uint8Array(exports.memory.buffer).slice();
  const control = exports.torpor_control.value;
  const field = (offset) =>
    new DataView(image.buffer).getUint32(control + offset, true);
  if (field(0) !== layout.version)
    throw new BakeError("the engine has another version of guest/abi.h");
  const stackSize = field(layout.stack_size);
  const stack = exports.__stack_pointer.value;
  if (stackSize !== stack)
    throw new BakeError(`the stack ends at ${stack}, not at ${stackSize}`);
  const heapBreak = field(layout.heap_break);
  if (image.subarray(heapBreak).some((byte) => byte !== 0))
    throw new BakeError("there are bytes beyond the heap's break");
  image.fill(0, 0, stackSize);
  image.fill(0, control + layout.host_start, control + layout.host_end);
  return image.subarray(0, heapBreak);
}

// The runs of bytes that are not zero; runs closer than GAP are one.
function findRuns(image) {
  const runs = [];
  let at = 0;
  for (;;) {
    while (at < image.length && image[at] === 0) at++;
    if (at === image.length) return runs;
    let end = at + 1;
    for (let next = end; next < image.length && next - end < GAP; next++)
      if (image[next] !== 0) end = next + 1;
    runs.push({ start: at, bytes: image.subarray(at, end) });
    at = end;
  }
}

// ---- The sections ----------------------------------------------------------

function bakeMemory(body, size) {
  const reader = new Reader(body);
  const count = reader.unsigned();
  const flags = reader.byte();
  if (count !== 1 || flags > 1)
    throw new BakeError("not one plain memory in the module");
  reader.unsigned();
  const pages = Math.ceil(size / PAGE);
  const rest = reader.take(body.length - reader.at);
  return Buffer.concat([unsigned(1), Buffer.from([flags]), unsigned(pages),
                        rest]);
}

function bakeData(runs) {
  const parts = [unsigned(runs.length)];
  for (const { start, bytes } of runs)
    parts.push(Buffer.from([0, 0x41]), signed32(start), Buffer.from([0x0b]),
               withSize(bytes));
  return Buffer.concat(parts);
}

function dropExports(body, unwanted) {
  const kept = readExports(body).filter((it) => !unwanted.includes(it.name));
  return Buffer.concat([unsigned(kept.length),
                        ...kept.map(({ bytes }) => bytes)]);
}

// Only the stack pointer may change: an image holds no other global.
function checkGlobals(body) {
  const reader = new Reader(body);
  let mutable = 0;
  for (let left = reader.unsigned(); left > 0; left--) {
    reader.byte();
    mutable += reader.byte();
    if (reader.byte() !== 0x41)
      throw new BakeError("a global is not a plain i32");
    reader.skipNumber();
    if (reader.byte() !== 0x0b)
      throw new BakeError("a global's value is not a constant");
  }
  if (mutable !== 1)
    throw new BakeError(`${mutable} globals can change, not 1`);
}

function bakeSections(sections, image) {
  const runs = findRuns(image);
  const baked = [];
  for (const { id, body } of sections) {
    if (id === SECTION.start)
      throw new BakeError("the module has a start function");
    if (id === SECTION.dataCount)
      throw new BakeError("the module refers to its data segments");
    if (id === SECTION.global) checkGlobals(body);
    if (id === SECTION.memory)
      baked.push({ id, body: bakeMemory(body, image.length) });
    else if (id === SECTION.data)
      baked.push({ id, body: bakeData(runs) });
    else if (id === SECTION.export)
      baked.push({ id, body: dropExports(body, INITIALISATION) });
    else if (id !== SECTION.custom)
      baked.push({ id, body });
  }
  return baked;
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

// The module with its fingerprint behind it.
function addFingerprint(module) {
  const body = Buffer.concat([withSize(Buffer.from("torpor")),
                              sha256(module)]);
  return Buffer.concat([module, Buffer.from([SECTION.custom]),
                        withSize(body)]);
}

// ---- The command -----------------------------------------------------------

function bake([corePath, layoutPath, enginePath, idPath]) {
  const core = readFileSync(corePath);
  const image = makeImage(core, readLayout(readFileSync(layoutPath)));
  const engine = addFingerprint(writeSections(
    prune(bakeSections(readSections(core), image))));
  if (!WebAssembly.validate(engine))
    throw new BakeError("the baked module is not valid");
  const id = sha256(engine).toString("hex");
  writeFileSync(enginePath, engine);
  writeFileSync(idPath, `/* Made by engine/bake.mjs. */\n` +
                        `#define TORPOR_ENGINE_ID "${id}"\n`);
}

if (process.argv.length !== 6) {
  console.error("usage: bake.mjs CORE.wasm LAYOUT.wasm ENGINE.wasm ID.h");
  process.exit(2);
}
try {
  bake(process.argv.slice(2));
} catch (error) {
  const cause = error instanceof BakeError ? error.message : error.stack;
  console.error(`bake.mjs: ${process.argv[2]}: ${cause}`);
  process.exit(1);
}
