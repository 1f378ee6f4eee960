// SPDX-License-Identifier: MIT
//
// bytecode.ts - what is put around an engine's bytecode, so that no other
// engine is given it, and none that was damaged. The same as in C:
//
//       0  8   "TORPORBC"
//       8  4   version: 1
//      12  4   how the code was compiled: EVAL_ flags
//      16  8   size of the bytecode
//      24 64   id of the engine, in hex
//      88 32   SHA-256 of all bytes, with zeros here
//     120      the bytecode
//
// The checksum finds accidents; it is no signature.

import { EVAL_ASYNC, EVAL_MODULE, EVAL_STRICT, EVAL_STRIP } from "./abi.js";
import type { Engine } from "./engine.js";
import { ChecksumError, EngineError, FormatError, NewerError } from "./errors.js";
import { sha256 } from "./format/sha256.js";

const MAGIC = "TORPORBC";
const VERSION = 1;
const SUM = 88;
const HEADER = 120;
const FLAGS_KNOWN = EVAL_MODULE | EVAL_STRICT | EVAL_ASYNC | EVAL_STRIP;

function writeAscii(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function readAscii(bytes: Uint8Array, at: number, size: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + size));
}

export function frameBytecode(engine: Engine, body: Uint8Array, flags: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length);
  const view = new DataView(bytes.buffer);
  writeAscii(bytes, 0, MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, flags & FLAGS_KNOWN, true);
  view.setUint32(16, body.length, true);
  writeAscii(bytes, 24, engine.idHex);
  bytes.set(body, HEADER);
  bytes.set(sha256(bytes), SUM);
  return bytes;
}

export function openBytecode(
  engine: Engine,
  framed: Uint8Array,
): { body: Uint8Array; flags: number } {
  if (framed.length < HEADER || readAscii(framed, 0, 8) !== MAGIC) {
    throw new FormatError("these bytes are no bytecode of vm.compile");
  }
  const view = new DataView(framed.buffer, framed.byteOffset, framed.length);
  const version = view.getUint32(8, true);
  const flags = view.getUint32(12, true);
  if (version > VERSION) {
    throw new NewerError("the bytecode was made by a newer version; compile the source again");
  }
  if (view.getUint32(16, true) + view.getUint32(20, true) * 4294967296 !== framed.length - HEADER) {
    throw new FormatError("the bytecode is cut short");
  }
  const id = readAscii(framed, 24, 64);
  if (id !== engine.idHex) {
    throw new EngineError(
      `the bytecode is of engine ${id.slice(0, 12)}, this VM's is ${
        engine.idHex.slice(0, 12)
      }; compile the source again`,
    );
  }
  if (version === 0 || (flags & ~FLAGS_KNOWN) !== 0) {
    throw new FormatError("the header of the bytecode makes no sense");
  }
  checkSum(framed);
  return { body: framed.subarray(HEADER), flags };
}

function checkSum(framed: Uint8Array): void {
  const copy = framed.slice();
  copy.fill(0, SUM, HEADER);
  const found = sha256(copy);
  if (found.some((byte, i) => byte !== framed[SUM + i])) {
    throw new ChecksumError("the bytecode was altered; compile the source again");
  }
}
