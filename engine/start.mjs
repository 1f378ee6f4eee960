// SPDX-License-Identifier: MIT
//
// start.mjs - starts an engine that is not baked yet, in a host that gives the
// same answers everywhere: time 0, zone 0, no randomness. Used by bake.mjs and
// placement.mjs.
//
// Needs Node 18 or later, nothing else.

export class BakeError extends Error {}

// Where the log of allocations and the heat of each lie while an engine
// starts (torpor_bake in guest/abi.h): beyond its heap, zero again afterwards.
const PAGE = 65536;
const ALLOCATIONS = 1 << 17;
const LOG = 8 << 20;
const HEAT = LOG + ALLOCATIONS * 8;
const END = HEAT + ALLOCATIONS;

const refuse = (name) => () => {
  throw new BakeError(`the engine called '${name}' while it was baked`);
};

// A call whose answer would become part of the image is an error.
function makeHost(memory) {
  const text = (address, size) =>
    Buffer.from(memory().buffer, address >>> 0, size >>> 0).toString("utf8");
  return {
    torpor: {
      invoke: refuse("invoke"),
      source: refuse("source"),
      resolve: refuse("resolve"),
      poll: () => 0,
      clock: () => 0,
      zone: () => 0,
      random: (address, size) =>
        new Uint8Array(memory().buffer, address >>> 0, size >>> 0).fill(0),
      console: (level, address, size) =>
        process.stderr.write(`${text(address, size)}\n`),
      trap: (code, address, size) => {
        throw new BakeError(`trap ${code}: ${text(address, size)}`);
      },
    },
  };
}

// Starts 'module' and runs its initialisation. 'heat' has a byte for each
// allocation (guest/abi.h, TORPOR_ABI_BAKE). Gives the exports, and 'log': pairs
// of the address and size of each allocation in turn.
export function start(module, heat = []) {
  let exports;
  const host = makeHost(() => exports.memory);
  exports = new WebAssembly.Instance(module, host).exports;
  const stack = exports.__stack_pointer.value;
  exports._initialize();
  const more = END - exports.memory.buffer.byteLength;
  if (more > 0) exports.memory.grow(Math.ceil(more / PAGE));
  const area = new Uint8Array(exports.memory.buffer, LOG, END - LOG);
  area.set(heat, HEAT - LOG);
  const status = exports.torpor_bake(LOG, heat.length > 0 ? HEAT : 0,
                                     ALLOCATIONS);
  if (status !== 0) throw new BakeError(`torpor_bake gave status ${status}`);
  if (exports.__stack_pointer.value !== stack)
    throw new BakeError("torpor_bake left something on the stack");
  const log = new Uint32Array(exports.memory.buffer, LOG,
                              ALLOCATIONS * 2).slice();
  area.fill(0);
  return { exports, log };
}
