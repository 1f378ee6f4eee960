// SPDX-License-Identifier: MIT
//
// extension-code.ts - walks over the code of an extension, before it is compiled,
// and refuses instructions that would leave traces outside of what a VM resets
// and saves, or that not every host can run:
//
//   - what writes to the function table, which is the engine's too;
//   - memory.grow: how large memory is, is the engine's to say, and its limit;
//   - what uses data or elements at a later time: they are placed by the host;
//   - SIMD, atomics, exceptions.
//
// Compiling comes afterwards and finds all else that is wrong.

import { malformed, ModuleReader, unfit } from "./extension-bytes.js";

// Nothing, one number, two, an address in memory; the rest is looked at one by one.
const NONE = 0, NUMBER = 1, TWO = 2, MEMORY = 3, BLOCK = 4, SETS = 5, OTHER = 6, REFUSED = 7;

const GLOBAL_SET = 0x24;

let madeKinds: Uint8Array | undefined;

/** What follows each opcode. */
function kindsOfOpcodes(): Uint8Array {
  return (madeKinds ??= makeKinds());
}

function makeKinds(): Uint8Array {
  const made = new Uint8Array(256).fill(REFUSED);
  const set = (kind: number, from: number, to = from) => made.fill(kind, from, to + 1);
  set(NONE, 0x00, 0x01); // unreachable, nop
  set(BLOCK, 0x02, 0x04); // block, loop, if
  set(NONE, 0x05); // else
  set(NONE, 0x0b); // end
  set(NUMBER, 0x0c, 0x0d); // br, br_if
  set(OTHER, 0x0e); // br_table
  set(NONE, 0x0f); // return
  set(NUMBER, 0x10); // call
  set(TWO, 0x11); // call_indirect
  set(NUMBER, 0x12); // return_call
  set(TWO, 0x13); // return_call_indirect
  set(NONE, 0x1a, 0x1b); // drop, select
  set(OTHER, 0x1c); // select with types
  set(NUMBER, 0x20, 0x25); // local, global, table.get
  set(SETS, GLOBAL_SET);
  set(MEMORY, 0x28, 0x3e); // loads and stores
  set(NUMBER, 0x3f); // memory.size
  set(NUMBER, 0x41, 0x42); // i32.const, i64.const
  set(OTHER, 0x43, 0x44); // f32.const, f64.const
  set(NONE, 0x45, 0xc4); // arithmetic
  set(NUMBER, 0xd0); // ref.null
  set(NONE, 0xd1); // ref.is_null
  set(NUMBER, 0xd2); // ref.func
  set(OTHER, 0xfc); // arithmetic and bulk memory
  return made;
}

function refuse(opcode: number): never {
  if (opcode === 0x40) {
    unfit(
      "makes memory larger by itself (memory.grow); allocate with malloc, which keeps the limit",
    );
  }
  if (opcode === 0xfd) unfit("uses SIMD, which not every host can run; compile it without");
  if (opcode === 0xfe) {
    unfit("uses atomics of threads, which a VM does not have; compile it without");
  }
  if (opcode === 0x26) unfit("writes to the function table; only its linker may say what is there");
  return unfit(
    `has an instruction that extensions may not have (0x${opcode.toString(16)}); ` +
      "compile it without exceptions and newer features of WebAssembly",
  );
}

function skipOther(code: ModuleReader, opcode: number): void {
  switch (opcode) {
    case 0x0e:
      for (let count = code.count() + 1; count > 0; count--) code.skipNumber();
      return;
    case 0x1c:
      code.part(code.u32());
      return;
    case 0x43:
    case 0x44:
      code.part(opcode === 0x43 ? 4 : 8);
      return;
  }
  const more = code.u32();
  if (more <= 7) return; // conversions that saturate
  if (more === 10) return code.skipNumber(), code.skipNumber(); // memory.copy
  if (more === 11 || more === 16) return code.skipNumber(); // memory.fill, table.size
  if (more >= 12 && more <= 17) refuse(0x26);
  unfit(
    "places data by its own code (memory.init); link it without --shared-memory, so that hosts place it",
  );
}

function skipBlockType(code: ModuleReader): void {
  const type = code.bytes[code.at];
  if (type === 0x63 || type === 0x64) unfit("uses typed references; compile it without");
  code.skipNumber();
}

function skipLocals(code: ModuleReader): void {
  for (let groups = code.count(); groups > 0; groups--) {
    code.skipNumber();
    code.byte();
  }
}

/** A function of a module, to be read again. */
export interface Body {
  readonly code: ModuleReader;
  /** The global variables that it sets. */
  readonly sets: ReadonlySet<number>;
}

/** What is rare. */
function checkRare(code: ModuleReader, opcode: number, sets: Set<number>): void {
  const kind = kindsOfOpcodes()[opcode];
  if (kind === SETS) sets.add(code.u32());
  else if (kind === BLOCK) skipBlockType(code);
  else if (kind === OTHER) skipOther(code, opcode);
  else refuse(opcode);
}

/** All of it runs before anything was optimised, so that each step counts. */
function checkFunction(code: ModuleReader): Set<number> {
  const sets = new Set<number>();
  skipLocals(code);
  const { bytes, end } = code;
  const kinds = kindsOfOpcodes();
  let { at } = code;
  while (at < end) {
    const opcode = bytes[at++]!;
    const kind = kinds[opcode]!;
    if (kind === NONE) continue;
    if (kind > MEMORY) {
      code.at = at;
      checkRare(code, opcode, sets);
      at = code.at;
      continue;
    }
    // A number that is cut off, or too long, does not compile.
    if (kind === MEMORY && bytes[at]! >= 64) unfit("uses several memories; compile it without");
    while (at < end && bytes[at++]! >= 128);
    if (kind !== NUMBER) { while (at < end && bytes[at++]! >= 128); }
  }
  return sets;
}

/** Goes over a code section. */
export function checkCode(section: ModuleReader): Body[] {
  const bodies: Body[] = [];
  for (let count = section.count(); count > 0; count--) {
    const size = section.u32();
    if (size === 0) malformed("a function");
    const body = section.part(size);
    const code = new ModuleReader(body.bytes, body.at, body.end);
    bodies.push({ code, sets: checkFunction(body) });
  }
  return bodies;
}

// ---- Global variables ----------------------------------------------------------------

const CALL = 0x10, GLOBAL_GET = 0x23, I32_CONST = 0x41;
const PLAIN = [0x01, 0x0b, 0x6a, 0x6b]; // nop, end, i32.add, i32.sub

/** What a start function does. */
export interface Start {
  /** It and those that it calls. */
  readonly functions: ReadonlySet<number>;
  /** The global variables that they read. */
  readonly reads: ReadonlySet<number>;
}

/** What a function calls; undefined: it does more than that and set globals. */
function callsOf(code: ModuleReader, reads: Set<number>): number[] | undefined {
  const calls: number[] = [];
  skipLocals(code);
  while (!code.isDone) {
    const opcode = code.byte();
    if (opcode === CALL) calls.push(code.u32());
    else if (opcode === GLOBAL_GET) reads.add(code.u32());
    else if (opcode === GLOBAL_SET || opcode === I32_CONST) code.skipNumber();
    else if (!PLAIN.includes(opcode)) return undefined;
  }
  return calls;
}

/**
 * What function `start` does, whose number counts from the imported ones on, of which there are
 * `first`; undefined: more than to set globals.
 */
export function readStart(
  bodies: readonly Body[],
  first: number,
  start: number,
): Start | undefined {
  const functions = new Set([start]);
  const reads = new Set<number>();
  for (const number of functions) {
    const body = bodies[number - first];
    if (body === undefined) return undefined;
    const { bytes, at, end } = body.code;
    const calls = callsOf(new ModuleReader(bytes, at, end), reads);
    if (calls === undefined) return undefined;
    for (const called of calls) functions.add(called);
  }
  return { functions, reads };
}
