// SPDX-License-Identifier: MIT
//
// placement.mjs - learns which of the blocks that an engine begins with are used
// by programs, so that they can be put together (guest/placement.c).
//
// Each program of engine/training runs in an engine of its own that notes where
// it writes (trace.mjs), with the calls that a worker makes for a durable one.
// The blocks that are written are warm, and hot when that is so in a step that
// is not the first. All others that are there when a program begins are cold.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { BakeError, start } from "./start.mjs";
import { TRACE, traceWrites } from "./trace.mjs";

const TRAINING = new URL("training/", import.meta.url);
const WORD = 8;
const FREE_MOST = 1 << 16; // ranges that are free
const MODE = { script: 0, module: 1 }; // torpor_mode
const RESOLVE = 0; // torpor_outcome
const OPERATIONS_MOST = 64; // of one program
const UNDEFINED = [0xf7]; // in CBOR
const PASSING = 0, COLD = 1, WARM = 2, HOT = 3; // heat, see guest/abi.h

// 'owners': the number of the allocation that each word of the heap belongs to,
// or -1. 'lasting': the numbers of those that are not freed.
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
  const lasting = [...new Set(owners)].filter((number) =>
    number >= 0 && owners[log[number * 2] / WORD] === number);
  return { owners, lasting };
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

// What is in a map since the last time, as places.
function* takeNoted(map) {
  for (let at = map.indexOf(1); at >= 0; at = map.indexOf(1, at + 1)) {
    map[at] = 0;
    yield at;
  }
}

const check = (name, what, status) => {
  if (status !== 0)
    throw new BakeError(`engine/training/${name}: ${what} gave ${status}`);
};

class Program {
  constructor(module, layout, name) {
    this.exports = start(module).exports;
    const { memory, torpor_control: control } = this.exports;
    this.name = name;
    this.writes = new Uint8Array(memory.buffer, TRACE.writes,
                                 TRACE.end / WORD).fill(0);
    this.results = new BigUint64Array(memory.buffer,
                                      control.value + layout.result, 4);
  }

  eval(source, file, mode) {
    const code = Buffer.from(source), name = Buffer.from(file);
    check(this.name, "torpor_eval",
          this.exports.torpor_eval(put(this.exports, code), code.length,
                                   put(this.exports, name), name.length, mode));
    return this.results[0];
  }

  begin() {
    const { exports, name } = this;
    const mode = name.endsWith(".mjs") ? MODE.module : MODE.script;
    exports.torpor_open();
    const scope = exports.torpor_scope_open();
    const main = this.eval(readFileSync(new URL(name, TRAINING)), name, mode);
    exports.torpor_job_run(0);
    check(name, "torpor_value_export", exports.torpor_value_export(main));
    this.token = Number(this.results[0]);
    exports.torpor_scope_close(scope);
    this.nothing = put(exports, UNDEFINED);
  }

  // Settles operation 'id', if there is one, and looks at what came of it.
  step(id) {
    const { exports } = this;
    const scope = exports.torpor_scope_open();
    const found = exports.torpor_operation_settle_cbor(id, RESOLVE,
                                                       this.nothing, 1) === 0;
    exports.torpor_job_run(0);
    exports.torpor_operation_cancelled();
    exports.torpor_value_import(this.token);
    exports.torpor_promise_read(this.results[0]);
    exports.torpor_rejection_take();
    exports.torpor_scope_close(scope);
    return found;
  }

  // What a program that has run must leave, to show that it came to its end.
  end() {
    this.eval("globalThis.done === true || missing", "end.js", MODE.script);
  }
}

// A byte for each allocation of the bake: its heat.
export function findHeat(core, layout) {
  const module = new WebAssembly.Module(traceWrites(core));
  const { owners, lasting } = findOwners(module, layout);
  const heat = [];
  for (const number of lasting) heat[number] = COLD;
  const add = (program, isStep) => {
    const value = isStep ? HOT : WARM;
    for (const at of takeNoted(program.writes))
      if (owners[at] >= 0)
        heat[owners[at]] = Math.max(heat[owners[at]] ?? PASSING, value);
  };
  for (const name of readdirSync(fileURLToPath(TRAINING)).sort()) {
    const program = new Program(module, layout, name);
    program.begin();
    add(program, false);
    for (let id = 1n, steps = 0; id <= OPERATIONS_MOST; id++) {
      if (program.step(id)) steps++;
      add(program, steps > 1);
    }
    program.end();
  }
  return Uint8Array.from(heat, (byte) => byte ?? PASSING);
}
