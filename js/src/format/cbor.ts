// SPDX-License-Identifier: MIT
//
// cbor.ts - the CBOR (RFC 8949) that a snapshot's own lists need: heads, texts,
// numbers in their shortest exact form, and whether bytes are one well-formed
// item. Values of programs are data/cbor-write.ts's.

import type { Parts } from "./bytes.js";

export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;
export const TAG = 6;
export const SIMPLE = 7;

export const TAG_CBOR = 24;

/** Arrays, maps and tags around an item; more are refused. */
export const DEPTH = 2048;

const utf8 = new TextEncoder();
const texts = new Map<string, Uint8Array>();

export function writeHead(
  to: Parts,
  major: number,
  value: number | bigint,
): void {
  if (typeof value === "bigint" && value > BigInt(Number.MAX_SAFE_INTEGER)) {
    to.byte((major << 5) | 27);
    writeBig(to, Number(value >> 32n), 4);
    writeBig(to, Number(value & 0xffffffffn), 4);
    return;
  }
  const number = Number(value);
  const top = major << 5;
  if (number < 24) return to.byte(top | number);
  const log = number < 2 ** 8 ? 0 : number < 2 ** 16 ? 1 : number < 2 ** 32 ? 2 : 3;
  to.byte(top | (24 + log));
  writeBig(to, number, 1 << log);
}

/** The highest byte first. */
function writeBig(to: Parts, value: number, size: number): void {
  for (let i = size - 1; i >= 0; i--) to.byte(Math.floor(value / 256 ** i) % 256);
}

/** A text that is one of few. */
export function writeText(to: Parts, text: string): void {
  let bytes = texts.get(text);
  if (!bytes) texts.set(text, bytes = utf8.encode(text));
  writeHead(to, TEXT, bytes.length);
  to.add(bytes);
}

const scratch = new DataView(new ArrayBuffer(8));

/** The half float that equals the float with these bits, or -1. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  let mantissa = bits & 0x7fffff;
  if ((bits & 0x7fffffff) === 0) return sign;
  if (exponent === 128) return mantissa === 0 ? sign | 0x7c00 : -1;
  if (exponent > 15 || exponent < -24) return -1;
  const shift = exponent >= -14 ? 13 : -1 - exponent;
  if (exponent < -14) mantissa |= 0x800000;
  if (mantissa & ((1 << shift) - 1)) return -1;
  mantissa >>>= shift;
  if (exponent >= -14) mantissa |= (exponent + 15) << 10;
  return sign | mantissa;
}

function writeFloat(to: Parts, number: number): void {
  if (Math.fround(number) !== number) {
    scratch.setFloat64(0, number);
    to.byte((SIMPLE << 5) | 27);
    writeBig(to, scratch.getUint32(0), 4);
    writeBig(to, scratch.getUint32(4), 4);
    return;
  }
  scratch.setFloat32(0, number);
  const bits = scratch.getUint32(0);
  const half = halfOf(bits);
  to.byte((SIMPLE << 5) | (half < 0 ? 26 : 25));
  if (half < 0) writeBig(to, bits, 4);
  else writeBig(to, half, 2);
}

export function writeNumber(to: Parts, number: number): void {
  if (Number.isNaN(number)) {
    to.byte(0xf9);
    writeBig(to, 0x7e00, 2);
  } else if (!Number.isSafeInteger(number) || Object.is(number, -0)) {
    writeFloat(to, number);
  } else if (number < 0) {
    writeHead(to, NEGATIVE, -1 - number);
  } else {
    writeHead(to, UNSIGNED, number);
  }
}

// ---- Reading ----------------------------------------------------------------

/** A head, and where it ends; of texts and bytes, what lies behind it too. */
export interface Head {
  major: number;
  value: number;
  /** An array, map, text or bytes that ends with a break. */
  indefinite: boolean;
  isBreak: boolean;
  end: number;
}

/** The head at `at`; undefined: it is not well-formed, or cut off. */
export function readHead(bytes: Uint8Array, at: number): Head | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const major = first >> 5;
  const low = first & 31;
  const head = { major, value: low, indefinite: false, isBreak: false, end: at + 1 };
  if (low === 31) {
    head.value = 0;
    if (major === SIMPLE) head.isBreak = true;
    else if (major >= BYTES && major <= MAP) head.indefinite = true;
    else return undefined;
    return head;
  }
  if (low > 27) return undefined;
  if (low >= 24) {
    const size = 1 << (low - 24);
    if (bytes.length - head.end < size) return undefined;
    head.value = 0;
    for (let i = 0; i < size; i++) head.value = head.value * 256 + bytes[head.end + i]!;
    head.end += size;
    if (major === SIMPLE && size === 1 && head.value < 32) return undefined;
  }
  if (major === BYTES || major === TEXT) {
    if (head.value > bytes.length - head.end) return undefined;
    head.end += head.value;
  }
  return head;
}

/** Behind the pieces of an indefinite text or bytes; -1: not well-formed. */
function skipPieces(bytes: Uint8Array, at: number, major: number): number {
  for (;;) {
    const piece = readHead(bytes, at);
    if (!piece) return -1;
    if (piece.isBreak) return piece.end;
    if (piece.major !== major || piece.indefinite) return -1;
    at = piece.end;
  }
}

/**
 * Behind the item at `at`; -1: it is not well-formed, cut off, or too deep.
 * Without recursion: `counts` has what is to come in each open array, map and
 * tag; of indefinite ones -1, in maps -2 and -3 in turn.
 */
export function skipItem(bytes: Uint8Array, at: number): number {
  const counts: number[] = [];
  for (;;) {
    const head = readHead(bytes, at);
    if (!head) return -1;
    at = head.end;
    if (head.isBreak) {
      // Ends an indefinite array, or a map behind a whole pair.
      const open = counts.pop();
      if (open !== -1 && open !== -2) return -1;
    } else {
      if (head.indefinite && head.major <= TEXT) {
        at = skipPieces(bytes, at, head.major);
        if (at < 0) return -1;
      } else if (head.major >= ARRAY && head.major <= TAG) {
        const count = head.major === TAG
          ? 1
          : head.indefinite
          ? (head.major === MAP ? -2 : -1)
          : head.major === MAP
          ? 2 * head.value
          : head.value;
        if (count > bytes.length - at) return -1;
        if (count !== 0) {
          if (counts.length === DEPTH) return -1;
          counts.push(count);
          continue;
        }
      }
    }
    // An item is complete; it may complete those around it.
    for (;;) {
      const top = counts.length - 1;
      if (top < 0) return at;
      const left = counts[top]!;
      if (left < 0) {
        if (left < -1) counts[top] = left === -2 ? -3 : -2;
        break;
      }
      counts[top] = left - 1;
      if (left > 1) break;
      counts.pop();
    }
  }
}
