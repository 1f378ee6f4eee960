// SPDX-License-Identifier: MIT
//
// module.mjs - WebAssembly modules as bytes: their sections and numbers.
//
// Needs Node 18 or later, nothing else.

import { BakeError } from "./start.mjs";

export const SECTION = { custom: 0, import: 2, memory: 5, global: 6, export: 7,
                         start: 8, element: 9, code: 10, data: 11,
                         dataCount: 12 };

const MAGIC = "0061736d01000000";

export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get done() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.done) throw new BakeError("the module is cut short");
    return this.bytes[this.at++];
  }

  unsigned() {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new BakeError("a number in the module is too long");
  }

  // Skips a number, signed or not, of whatever size.
  skipNumber() {
    while (this.byte() >= 0x80);
  }

  take(size) {
    const bytes = this.bytes.subarray(this.at, this.at + size);
    if (bytes.length !== size) throw new BakeError("the module is cut short");
    this.at += size;
    return bytes;
  }

  text() {
    return Buffer.from(this.take(this.unsigned())).toString("utf8");
  }
}

export function unsigned(value) {
  const bytes = [];
  do {
    const byte = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? byte | 0x80 : byte);
  } while (value > 0);
  return Buffer.from(bytes);
}

export function signed32(value) {
  const bytes = [];
  for (value |= 0; ; value >>= 7) {
    const last = (value >> 7 === 0 && !(value & 0x40)) ||
                 (value >> 7 === -1 && (value & 0x40) !== 0);
    bytes.push((value & 0x7f) | (last ? 0 : 0x80));
    if (last) return Buffer.from(bytes);
  }
}

export const withSize = (bytes) =>
  Buffer.concat([unsigned(bytes.length), bytes]);

export function readSections(module) {
  const reader = new Reader(module);
  if (Buffer.from(reader.take(8)).toString("hex") !== MAGIC)
    throw new BakeError("not a wasm module");
  const sections = [];
  while (!reader.done) {
    const id = reader.byte();
    sections.push({ id, body: reader.take(reader.unsigned()) });
  }
  return sections;
}

export function writeSections(sections) {
  const parts = [Buffer.from(MAGIC, "hex")];
  for (const { id, body } of sections)
    parts.push(Buffer.from([id]), withSize(body));
  return Buffer.concat(parts);
}

// What the export section says: names, kinds, indices, and the bytes of each.
export function readExports(body) {
  const reader = new Reader(body);
  const exports = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    const start = reader.at;
    const name = reader.text();
    const kind = reader.byte();
    const index = reader.unsigned();
    exports.push({ name, kind, index,
                   bytes: body.subarray(start, reader.at) });
  }
  return exports;
}
