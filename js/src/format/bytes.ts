// SPDX-License-Identifier: MIT
//
// bytes.ts - little-endian numbers, and bytes that are put together from parts.

import { OutOfMemoryError } from "../errors.js";

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! |
      (bytes[at + 1]! << 8) |
      (bytes[at + 2]! << 16) |
      (bytes[at + 3]! << 24)) >>>
    0
  );
}

/** Exact up to 2^53, and beyond that large. */
export function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) + readU32(bytes, at + 4) * 0x100000000;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value % 0x100000000);
  writeU32(bytes, at + 4, Math.floor(value / 0x100000000));
}

/** Zeros; OutOfMemoryError where the host has no room for so many. */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (error) {
    throw outOfMemory(size, error);
  }
}

interface HostBuffer {
  Buffer?: { allocUnsafeSlow?: (size: number) => Uint8Array<ArrayBuffer> };
  process?: { release?: { name?: string } };
}

// Fewer are given by the host as fast.
const UNFILLED_FROM = 1 << 16;

/** Bytes that are all written before anybody sees them: where the host can, they are not filled
 * with zeros first, which takes as long as writing them. */
function allocateUnfilled(size: number): Uint8Array<ArrayBuffer> {
  const { Buffer, process } = globalThis as HostBuffer;
  if (size < UNFILLED_FROM || process?.release?.name !== "node" || !Buffer?.allocUnsafeSlow) {
    return allocate(size);
  }
  try {
    const { buffer, byteOffset } = Buffer.allocUnsafeSlow(size);
    return new Uint8Array(buffer, byteOffset, size);
  } catch (error) {
    throw outOfMemory(size, error);
  }
}

function outOfMemory(size: number, cause: unknown): OutOfMemoryError {
  return new OutOfMemoryError(`the host has no memory for ${size} bytes of a snapshot`, { cause });
}

export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** The same, four bytes at a time. */
export function areZero(words: Uint32Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (words[at] !== 0) return false;
  return true;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}

// Longer ones are not copied before the end.
const PART_FROM = 4096;

/**
 * Bytes that are added one after the other. Large ones are borrowed: they may
 * not change before they are put together.
 */
export class Parts {
  /** How many bytes there are. */
  size = 0;
  private readonly done: Uint8Array[] = [];
  private open = new Uint8Array(1024);
  private used = 0;

  static of(bytes: Uint8Array): Parts {
    const parts = new Parts();
    parts.add(bytes);
    return parts;
  }

  byte(value: number): void {
    if (this.used === this.open.length) this.room(1);
    this.open[this.used++] = value;
    this.size++;
  }

  u32(value: number): void {
    this.room(4);
    writeU32(this.open, this.used, value);
    this.used += 4;
    this.size += 4;
  }

  u64(value: number): void {
    this.u32(value % 0x100000000);
    this.u32(Math.floor(value / 0x100000000));
  }

  /** Seven bits in each byte, the lowest first. */
  varint(value: number): void {
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  /** `bytes` from `start` to `end`. */
  add(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const size = end - start;
    if (size >= PART_FROM) {
      this.close();
      this.done.push(bytes.subarray(start, end));
    } else {
      this.room(size);
      const to = this.used;
      if (size < 32) {
        for (let i = 0; i < size; i++) this.open[to + i] = bytes[start + i]!;
      } else this.open.set(bytes.subarray(start, end), to);
      this.used += size;
    }
    this.size += size;
  }

  addParts(parts: Parts): void {
    parts.close();
    for (const part of parts.done) this.add(part);
  }

  /** Copies them all to `to`; gives where they end. */
  copy(to: Uint8Array, at: number): number {
    this.close();
    for (const part of this.done) {
      to.set(part, at);
      at += part.length;
    }
    return at;
  }

  /** All of them, with room for so many bytes more at the end, which are zero. */
  join(room = 0): Uint8Array<ArrayBuffer> {
    const joined = allocateUnfilled(this.size + room);
    // What was borrowed may have gone away; nothing else may show instead.
    joined.fill(0, this.copy(joined, 0));
    return joined;
  }

  private close(): void {
    if (this.used > 0) this.done.push(this.open.subarray(0, this.used));
    this.open = this.open.subarray(this.used);
    this.used = 0;
  }

  private room(size: number): void {
    if (this.used + size <= this.open.length) return;
    const last = this.used + this.open.length;
    this.close();
    this.open = new Uint8Array(Math.max(size, Math.min(2 * last, 1 << 20), 1024));
  }
}
