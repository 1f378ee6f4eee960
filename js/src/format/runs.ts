// SPDX-License-Identifier: MIT
//
// runs.ts - how a snapshot keeps what differs in memory: as runs of bytes to be
// put over the baseline, or over the memory of a parent.
//
//     varint gap       bytes between the end of the run before and this one
//     varint n         2 * length, plus 1 when all its bytes are zero
//     length bytes     unless they are all zero
//
// Varints have seven bits in each byte, the lowest first, at most six bytes,
// and no superfluous ones.

import { isZero, type Parts } from "./bytes.js";

// ---- Writing ----------------------------------------------------------------

/** Writes runs, in the order of addresses. */
export class RunWriter {
  readonly out: Parts;
  /** The end of the last run. */
  written = 0;

  constructor(out: Parts) {
    this.out = out;
  }

  /** [start, end) of `memory`, which is borrowed until the parts are joined. */
  write(memory: Uint8Array, start: number, end: number): void {
    const zero = isZero(memory, start, end);
    this.head(start, end, zero);
    if (!zero) this.out.add(memory, start, end);
  }

  /** [start, end), which are zero. */
  writeZeros(start: number, end: number): void {
    this.head(start, end, true);
  }

  /** Bytes of runs of which the last ends at `end`. */
  writeBytes(bytes: Uint8Array, end: number): void {
    this.out.add(bytes);
    this.written = end;
  }

  private head(start: number, end: number, zero: boolean): void {
    this.out.varint(start - this.written);
    this.out.varint(2 * (end - start) + (zero ? 1 : 0));
    this.written = end;
  }
}

// ---- Reading ----------------------------------------------------------------

/** Goes over the runs of a section, which may hold anything. */
export class RunReader {
  /** Of the run that was read last. */
  address = 0;
  length = 0;
  isZero = false;
  /** Where its bytes are, unless they are zero. */
  content = 0;
  readonly bytes: Uint8Array;
  private at = 0;
  private value = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Whether all was read. */
  get isDone(): boolean {
    return this.at === this.bytes.length;
  }

  /**
   * Reads the next run; false: there is none, which is good when all was read.
   * Nothing is known of its address and length but that its bytes are there.
   */
  next(): boolean {
    if (!this.varint()) return false;
    const gap = this.value;
    if (!this.varint()) return false;
    this.address += this.length + gap;
    this.isZero = this.value % 2 === 1;
    this.length = Math.floor(this.value / 2);
    this.content = this.at;
    if (this.isZero) return true;
    if (this.length > this.bytes.length - this.at) return false;
    this.at += this.length;
    return true;
  }

  private varint(): boolean {
    const { bytes } = this;
    let { at } = this;
    let byte = bytes[at++];
    if (byte === undefined) return false;
    let value = byte & 0x7f;
    for (let i = 1, scale = 128; byte >= 0x80; i++, scale *= 128) {
      byte = bytes[at++];
      if (i === 6 || byte === undefined || byte === 0) return false;
      value += (byte & 0x7f) * scale;
    }
    this.at = at;
    this.value = value;
    return true;
  }
}

/** Puts the run that was read last into `memory`, where there is room for it. */
export function putRun(run: RunReader, memory: Uint8Array): void {
  const { address, length, content, bytes } = run;
  if (run.isZero) memory.fill(0, address, address + length);
  else if (length < 32) {
    for (let i = 0; i < length; i++) memory[address + i] = bytes[content + i]!;
  } else memory.set(bytes.subarray(content, content + length), address);
}
