// SPDX-License-Identifier: MIT
//
// prune.mjs - takes the code out of a module that nothing can call.
//
// What only the initialisation called is of no use once it has run. Functions
// that neither an export nor the table leads to keep their number and type, and
// get a body that traps. Instructions are read to find the calls, nothing more;
// one that is not known here is an error.

import { Reader, SECTION, readExports, unsigned, withSize } from "./module.mjs";
import { BakeError } from "./start.mjs";

const FUNCTION = 0; // as a kind of import or export
const TRAP = Buffer.from([0x00, 0x00, 0x0b]); // no locals; unreachable; end
const CALL = 0x10, PREFIX = 0xfc, I32_CONST = 0x41, END = 0x0b;

// How many numbers follow an instruction; those with other things behind them
// are read by skipOperands.
const NUMBERS = new Uint8Array(256).fill(255);
const set = (first, last, count) => NUMBERS.fill(count, first, last + 1);
set(0x00, 0x01, 0); // unreachable, nop
set(0x02, 0x04, 1); // block, loop, if
set(0x05, 0x05, 0); // else
set(END, END, 0);
set(0x0c, 0x0d, 1); // br, br_if
set(0x0f, 0x0f, 0); // return
set(CALL, CALL, 1);
set(0x11, 0x11, 2); // call_indirect
set(0x1a, 0x1b, 0); // drop, select
set(0x20, 0x24, 1); // local, global
set(0x28, 0x3e, 2); // loads and stores
set(0x3f, 0x42, 1); // memory.size, memory.grow, i32.const, i64.const
set(0x45, 0xc4, 0); // arithmetic

// The same for those behind PREFIX: truncation, memory.copy, memory.fill.
const NUMBERS_PREFIXED = [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 2, 1];

function skipNumbers(reader, count, instruction) {
  if ((count ?? 255) === 255)
    throw new BakeError(`instruction ${instruction} is not known`);
  for (; count > 0; count--) reader.skipNumber();
}

function skipOperands(reader, instruction) {
  if (instruction === 0x0e) { // br_table
    skipNumbers(reader, reader.unsigned() + 1, instruction);
  } else if (instruction === 0x43) { // f32.const
    reader.take(4);
  } else if (instruction === 0x44) { // f64.const
    reader.take(8);
  } else if (instruction === PREFIX) {
    const second = reader.unsigned();
    skipNumbers(reader, NUMBERS_PREFIXED[second], `${PREFIX} ${second}`);
  } else {
    skipNumbers(reader, NUMBERS[instruction], instruction);
  }
}

// The functions that a body calls.
function findCalls(body) {
  const reader = new Reader(body);
  const calls = [];
  for (let left = reader.unsigned(); left > 0; left--) { // groups of locals
    reader.unsigned();
    reader.byte();
  }
  while (!reader.done) {
    const instruction = reader.byte();
    if (instruction === CALL) calls.push(reader.unsigned());
    else skipOperands(reader, instruction);
  }
  return calls;
}

function countImports(body) {
  const reader = new Reader(body);
  const count = reader.unsigned();
  for (let left = count; left > 0; left--) {
    reader.text();
    reader.text();
    if (reader.byte() !== FUNCTION)
      throw new BakeError("an import is not a function");
    reader.unsigned();
  }
  return count;
}

// What the table holds at first.
function readElements(body) {
  const reader = new Reader(body);
  const elements = [];
  for (let segments = reader.unsigned(); segments > 0; segments--) {
    const start = [reader.byte(), reader.byte()];
    reader.skipNumber();
    if (start[0] !== 0 || start[1] !== I32_CONST || reader.byte() !== END)
      throw new BakeError("elements of an unknown form");
    for (let left = reader.unsigned(); left > 0; left--)
      elements.push(reader.unsigned());
  }
  return elements;
}

function readBodies(body) {
  const reader = new Reader(body);
  const bodies = [];
  for (let left = reader.unsigned(); left > 0; left--)
    bodies.push(reader.take(reader.unsigned()));
  return bodies;
}

// The sections of a module, without the code that cannot be reached.
export function prune(sections) {
  const bodyOf = (id) => sections.find((it) => it.id === id).body;
  const imports = countImports(bodyOf(SECTION.import));
  const bodies = readBodies(bodyOf(SECTION.code));
  const left = readElements(bodyOf(SECTION.element));
  for (const { kind, index } of readExports(bodyOf(SECTION.export)))
    if (kind === FUNCTION) left.push(index);
  const reached = new Set();
  while (left.length > 0) {
    const index = left.pop();
    if (reached.has(index)) continue;
    reached.add(index);
    if (index >= imports) left.push(...findCalls(bodies[index - imports]));
  }
  const kept = bodies.map((body, at) =>
    withSize(reached.has(at + imports) ? body : TRAP));
  const code = Buffer.concat([unsigned(bodies.length), ...kept]);
  return sections.map((section) => section.id === SECTION.code
    ? { id: section.id, body: code } : section);
}
