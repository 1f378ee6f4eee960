// SPDX-License-Identifier: MIT
//
// reset.ts - the memory of an instance as it was when it was new.
//
// All of it is written, or looked at, whatever its guest says or did; that is
// most of what a short-lived VM costs. So it is done in a few large *parts*:
//
//   0 | stack ......... | what the baseline has, by pages | behind it |
//     | rare | usual    | filled | zero | filled | ...    |
//
// Memory and baseline together fill a processor's cache. Each reset goes through
// the parts in the other direction than the one before, and so begins with those
// that are still there.

import { areZero } from "./format/bytes.js";
import { comparable, comparesFast, differs } from "./format/compare.js";
import type { Instance } from "./instance.js";

/** Neighbouring bytes of the baseline. */
export interface Part {
  readonly start: number;
  readonly end: number;
  /** What they are; null: zero. */
  readonly bytes: Uint8Array | null;
  /** Few programs write there. */
  readonly isRare: boolean;
}

const PAGE = 4096;
/** What most programs use of the stack, which grows downwards. */
const STACK_USUAL = 64 << 10;
const STACK_PIECE = 64 << 10;
/** Bytes behind the baseline that are cleared at once. */
const BEHIND_USUAL = 1 << 20;

/** The parts of a baseline, in order. */
export function partsOf(baseline: Uint8Array<ArrayBuffer>, stackSize: number): Part[] {
  const words = new Uint32Array(baseline.buffer, baseline.byteOffset, baseline.length / 4);
  const isZeroAt = (page: number): boolean => areZero(words, page / 4, (page + PAGE) / 4);
  const rareEnd = Math.max(0, Math.floor((stackSize - STACK_USUAL) / PAGE) * PAGE);
  const parts: Part[] = [];
  for (let start = 0, end = 0; start < baseline.length; start = end) {
    const isZero = isZeroAt(start);
    const isRare = isZero && start < rareEnd;
    const most = isRare ? Math.min(start + STACK_PIECE, rareEnd) : baseline.length;
    do end += PAGE; while (end < most && isZeroAt(end) === isZero);
    parts.push({ start, end, bytes: isZero ? null : baseline.subarray(start, end), isRare });
  }
  return parts;
}

/** How far what is compared lies apart: bytes of a part that is zero are all like those before. */
const APART = 1024;
const zeros = comparable(new Uint8Array(APART));

/** Of a whole part; true only where the host compares fast. */
function isZero(memory: Uint8Array<ArrayBuffer>, { start, end }: Part): boolean {
  return comparesFast && !differs(memory, start, zeros, 0, APART) &&
    !differs(memory, start + APART, memory, start, end - start - APART);
}

let isUpwards = false;

/** What it has grown by stays; what lies there of a large memory becomes stale (pool.ts). */
export function reset(instance: Instance): void {
  const { engine, u8 } = instance;
  const { parts } = engine;
  const memory = comparable(u8);
  isUpwards = !isUpwards;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[isUpwards ? i : parts.length - 1 - i]!;
    if (part.bytes !== null) u8.set(part.bytes, part.start);
    else if (!part.isRare || !isZero(memory, part)) u8.fill(0, part.start, part.end);
  }
  const end = engine.baseline.length;
  if (u8.length - end <= BEHIND_USUAL) u8.fill(0, end);
  else instance.isStale = true;
  instance.exports.__stack_pointer.value = engine.stackPointer;
}

/** Clears what was left stale. */
export function clearBehind(instance: Instance): void {
  instance.u8.fill(0, instance.engine.baseline.length);
  instance.isStale = false;
}
