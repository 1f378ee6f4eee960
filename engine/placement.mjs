// SPDX-License-Identifier: MIT
//
// placement.mjs - learns which of the blocks that an engine begins with are
// written by programs, so that they can be put together (guest/placement.c).
//
// Each program of engine/training runs in an engine of its own that notes where
// it writes (trace.mjs). The blocks that hold one of those places are warm.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { BakeError, start } from "./start.mjs";
import { TRACE, traceStores } from "./trace.mjs";

const TRAINING = new URL("training/", import.meta.url);
const WORD = 8;
const FREE_MOST = 1 << 16; // ranges that are free
const MODE = { script: 0, module: 1 }; // torpor_mode
const RESOLVE = 0; // torpor_outcome
const OPERATIONS_MOST = 64; // of one program
const UNDEFINED = [0xf7]; // in CBOR

// The number of the allocation that each word of the heap belongs to, or -1.
function findOwners(module, layout) {
  const { exports, log } = start(module);
  const field = (offset) => new DataView(exports.memory.buffer)
    .getUint32(exports.torpor_control.value + offset, true);
  const end = field(layout.heap_break);
  const owners = new Int32Array(end / WORD).fill(-1);
  for (let number = 0; number < log.length / 2; number++) {
    const [address, size] = log.subarray(number * 2, number * 2 + 2);
    if (address !== 0)
      owners.fill(number, address / WORD, Math.ceil((address + size) / WORD));
  }
  const list = exports.torpor_allocate(FREE_MOST * 8);
  const count = exports.torpor_heap_free(list, FREE_MOST);
  const ranges = new Uint32Array(exports.memory.buffer, list, count * 2);
  for (let i = 0; i < count; i++) {
    const [address, size] = ranges.subarray(i * 2, i * 2 + 2);
    owners.fill(-1, address / WORD, (address + size) / WORD);
  }
  return owners;
}

// Copies bytes into the guest, a zero byte behind them; gives their address.
function put(exports, bytes) {
  const address = exports.torpor_allocate(bytes.length + 1);
  const block = new Uint8Array(exports.memory.buffer, address,
                               bytes.length + 1);
  block.set(bytes);
  block[bytes.length] = 0;
  return address;
}

// Runs a program to its end: what it waits for comes at once.
function runProgram(exports, name, source) {
  const scope = exports.torpor_scope_open();
  const code = Buffer.from(source);
  const file = Buffer.from(name);
  const mode = name.endsWith(".mjs") ? MODE.module : MODE.script;
  const status = exports.torpor_eval(put(exports, code), code.length,
                                     put(exports, file), file.length, mode);
  if (status !== 0)
    throw new BakeError(`${name}: torpor_eval gave status ${status}`);
  exports.torpor_scope_close(scope);
  const nothing = put(exports, UNDEFINED);
  for (let id = 1n; id <= OPERATIONS_MOST; id++) {
    exports.torpor_job_run(0);
    exports.torpor_operation_settle_cbor(id, RESOLVE, nothing, 1);
  }
  exports.torpor_job_run(0);
}

// What a program that has run must leave, to show that it came to its end.
function checkEnd(exports, name) {
  const source = Buffer.from("globalThis.done === true || missing");
  const file = Buffer.from("end.js");
  const status = exports.torpor_eval(put(exports, source), source.length,
                                     put(exports, file), file.length,
                                     MODE.script);
  if (status !== 0)
    throw new BakeError(`engine/training/${name} did not come to its end`);
}

// A byte for each allocation of the bake: 1 where programs write the block.
export function findWarm(core, layout) {
  const module = new WebAssembly.Module(traceStores(core));
  const owners = findOwners(module, layout);
  const warm = [];
  for (const name of readdirSync(fileURLToPath(TRAINING)).sort()) {
    const { exports } = start(module);
    const map = new Uint8Array(exports.memory.buffer, TRACE.map,
                               TRACE.end / WORD).fill(0);
    exports.torpor_open();
    runProgram(exports, name, readFileSync(new URL(name, TRAINING)));
    for (let at = map.indexOf(1); at >= 0; at = map.indexOf(1, at + 1))
      if (owners[at] >= 0) warm[owners[at]] = 1;
    checkEnd(exports, name);
  }
  return Uint8Array.from(warm, (byte) => byte ?? 0);
}
