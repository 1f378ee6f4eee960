// SPDX-License-Identifier: MIT
//
// extension-bytes.ts - reading the bytes of a WebAssembly module that may be
// anything at all.
//
//  (1) Nothing is read behind the end, and no count is believed: each item that
//      is counted takes at least a byte.
//  (2) Whatever is not well-formed throws an UnfitError, whose message follows the
//      name of the extension.

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Why a module cannot be an extension: "the extension 'x' " and this. */
export class UnfitError extends Error {}

export function unfit(why: string): never {
  throw new UnfitError(why);
}

/** What is cut off, or makes no sense. */
export function malformed(what: string): never {
  return unfit(`is damaged (${what}); use another copy of it`);
}

/** Goes over bytes from `at` to `end`. */
export class ModuleReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isDone(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) malformed("it was cut off");
    return this.bytes[this.at++]!;
  }

  /** LEB128 of 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 15) malformed("a number");
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return malformed("a number");
  }

  i32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return shift < 25 && byte & 64 ? value | (-1 << (shift + 7)) : value;
    }
    return malformed("a number");
  }

  /** Over a LEB128 of up to 64 bits. */
  skipNumber(): void {
    for (let most = 10; most > 0; most--) if (this.byte() < 128) return;
    malformed("a number");
  }

  /** A reader of the next `size` bytes, which this one leaves behind. */
  part(size: number): ModuleReader {
    if (size > this.end - this.at) malformed("a size");
    const start = this.at;
    this.at += size;
    return new ModuleReader(this.bytes, start, this.at);
  }

  take(size: number): Uint8Array {
    const { at, end } = this.part(size);
    return this.bytes.subarray(at, end);
  }

  name(): string {
    try {
      return utf8.decode(this.take(this.u32()));
    } catch (error) {
      if (error instanceof UnfitError) throw error;
      return malformed("a name");
    }
  }

  /** How many items follow, each of a byte at least. */
  count(): number {
    const count = this.u32();
    if (count > this.end - this.at) malformed("a count");
    return count;
  }

  /** All of it must have been read. */
  finish(): void {
    if (this.at !== this.end) malformed("the size of a section");
  }
}
