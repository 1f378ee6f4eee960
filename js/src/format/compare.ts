// SPDX-License-Identifier: MIT
//
// compare.ts - which pages of two stretches of memory differ.
//
// Node, Deno and Bun compare bytes at the speed of memory (Buffer.compare), but say
// only whether they differ: so stretches that do are halved until they are
// pages. Elsewhere bytes are copied to the helper piece by piece.

import { PIECE, sharedHelper } from "./helper.js";

/** What is compared, and looked at, as one. */
export const PAGE = 4096;

interface Comparable extends Uint8Array<ArrayBuffer> {
  compare(
    target: Uint8Array,
    targetStart: number,
    targetEnd: number,
    sourceStart: number,
    sourceEnd: number,
  ): number;
}

interface HostGlobals {
  Buffer?: {
    from(buffer: ArrayBuffer, offset: number, size: number): Comparable;
  };
  process?: { release?: { name?: string } };
}

// What else calls itself Buffer (bundlers bring one) compares in a loop. Deno
// and Bun say that they are Node.
const { Buffer, process } = globalThis as HostGlobals;

/** Whether bytes are compared by the host. */
export const comparesFast = Buffer !== undefined && process?.release?.name === "node";

/** Bytes that can be compared; the same bytes, not a copy. */
export type Compared = Uint8Array<ArrayBuffer>;

export function comparable(bytes: Uint8Array<ArrayBuffer>): Compared {
  if (!comparesFast || !Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Whether `size` bytes differ; only where comparesFast is true. */
export function differs(
  a: Compared,
  at: number,
  b: Compared,
  from: number,
  size: number,
): boolean {
  return (a as Comparable).compare(b, from, from + size, at, at + size) !== 0;
}

const CHUNK = 16 * PAGE;

/**
 * Calls `found` for each page of [start, end) in which `a` and `b` differ, in
 * order; `start` is a multiple of PAGE, and the last page may be shorter.
 */
export function findPages(
  a: Compared,
  b: Compared,
  start: number,
  end: number,
  found: (start: number, end: number) => void,
): void {
  for (let at = start; at < end; at += CHUNK) {
    const stop = Math.min(at + CHUNK, end);
    if (!comparesFast) findByHelper(a, b, at, stop, found);
    else if (differs(a, at, b, at, stop - at)) findByHost(a, b, at, stop, found);
  }
}

function findByHost(
  a: Compared,
  b: Compared,
  start: number,
  end: number,
  found: (start: number, end: number) => void,
): void {
  for (let at = start; at < end; at += PAGE) {
    const stop = Math.min(at + PAGE, end);
    if (differs(a, at, b, at, stop - at)) found(at, stop);
  }
}

function findByHelper(
  a: Compared,
  b: Compared,
  start: number,
  end: number,
  found: (start: number, end: number) => void,
): void {
  const { run, u8, base } = sharedHelper();
  const other = base + PIECE / 2;
  const size = end - start;
  const pages = Math.ceil(size / PAGE);
  u8.set(a.subarray(start, end), base);
  u8.set(b.subarray(start, end), other);
  u8.fill(0, base + size, base + pages * PAGE);
  u8.fill(0, other + size, other + pages * PAGE);
  const bits = run.compare(base, other, pages);
  for (let page = 0; page < pages; page++) {
    if ((bits >>> page) & 1) {
      const at = start + page * PAGE;
      found(at, Math.min(at + PAGE, end));
    }
  }
}
