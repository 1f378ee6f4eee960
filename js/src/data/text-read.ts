// SPDX-License-Identifier: MIT
//
// text-read.ts - UTF-8 to strings.
//
// Most texts are short and ASCII: those are made by one call with all of their
// characters, which is several times faster than a TextDecoder, and the last
// ones are kept, as data repeats itself. Longer ones go through a TextDecoder.
// What it refuses, what has lone surrogates (WTF-8), and what this host's
// decoder is slow at, is decoded here.

type Bytes = Uint8Array;

/** Texts of up to so many bytes are made without a decoder. */
const SHORT = 16;
/** Texts from so many bytes on, beginning with other than ASCII, are decoded
 * here: Node's decoder takes 14 ns for each of their characters. */
const LONG = 64;
/** Most code units in one call of fromCharCode. */
const PIECE = 4096;

const CACHE = 512;
const cache: string[] = new Array(CACHE).fill("");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const from = String.fromCharCode;
let units = new Uint16Array(256);

/** Thrown by readText: no UTF-8 at this byte. */
export class TextFault {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
}

/** Whether 'text' is these bytes, all of them ASCII. */
function isText(text: string, b: Bytes, at: number, size: number): boolean {
  if (text.length !== size) return false;
  for (let i = 0; i < size; i++)
    if (text.charCodeAt(i) !== b[at + i]) return false;
  return true;
}

function isAscii(b: Bytes, at: number, end: number): boolean {
  let all = 0;
  for (; at < end; at++) all |= b[at]!;
  return all < 0x80;
}

/** ASCII of 1 to SHORT bytes. */
function makeShort(b: Bytes, p: number, size: number): string {
  const c0 = b[p]!;
  if (size === 1) return from(c0);
  const c1 = b[p + 1]!;
  if (size === 2) return from(c0, c1);
  const c2 = b[p + 2]!;
  if (size === 3) return from(c0, c1, c2);
  const c3 = b[p + 3]!;
  if (size === 4) return from(c0, c1, c2, c3);
  const c4 = b[p + 4]!;
  if (size === 5) return from(c0, c1, c2, c3, c4);
  const c5 = b[p + 5]!;
  if (size === 6) return from(c0, c1, c2, c3, c4, c5);
  const c6 = b[p + 6]!;
  if (size === 7) return from(c0, c1, c2, c3, c4, c5, c6);
  const c7 = b[p + 7]!;
  if (size === 8) return from(c0, c1, c2, c3, c4, c5, c6, c7);
  const c8 = b[p + 8]!;
  if (size === 9) return from(c0, c1, c2, c3, c4, c5, c6, c7, c8);
  const c9 = b[p + 9]!;
  if (size === 10) return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9);
  const c10 = b[p + 10]!;
  if (size === 11) return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
  const c11 = b[p + 11]!;
  if (size === 12) return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11);
  const c12 = b[p + 12]!;
  if (size === 13)
    return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
  const c13 = b[p + 13]!;
  if (size === 14)
    return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13);
  const c14 = b[p + 14]!;
  if (size === 15)
    return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14);
  return from(
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, b[p + 15]!,
  );
}

function readShort(b: Bytes, at: number, size: number): string {
  const place =
    (size * 31 + b[at]! * 7 + b[at + (size >> 1)]! * 13 + b[at + size - 1]!) &
    (CACHE - 1);
  const kept = cache[place]!;
  if (isText(kept, b, at, size)) return kept;
  if (!isAscii(b, at, at + size)) return decode(b, at, size, false);
  return (cache[place] = makeShort(b, at, size));
}

/** Whether the byte at 'p' goes on a sequence. */
function goesOn(b: Bytes, p: number, end: number): boolean {
  return p < end && (b[p]! & 0xc0) === 0x80;
}

/**
 * The size of the sequence at 'p', beyond ASCII; 0 if it is none. 'surrogates':
 * a surrogate is three bytes as if it were a character.
 */
function sequence(b: Bytes, p: number, end: number, surrogates: boolean): number {
  const first = b[p]!;
  const second = b[p + 1]!;
  if (first < 0xc2 || first > 0xf4 || !goesOn(b, p + 1, end)) return 0;
  if (first < 0xe0) return 2;
  if (!goesOn(b, p + 2, end)) return 0;
  if (first < 0xf0) {
    if (first === 0xe0 && second < 0xa0) return 0;
    return first === 0xed && second > 0x9f && !surrogates ? 0 : 3;
  }
  if (!goesOn(b, p + 3, end)) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  return first === 0xf4 && second > 0x8f ? 0 : 4;
}

/** Decodes into 'units'; gives how many there are. */
function decodeUnits(b: Bytes, at: number, size: number, surrogates: boolean): number {
  const end = at + size;
  let count = 0;
  if (units.length < size) units = new Uint16Array(size);
  const out = units;
  for (let p = at; p < end; ) {
    const first = b[p]!;
    if (first < 0x80) {
      out[count++] = first;
      p++;
      continue;
    }
    const step = sequence(b, p, end, surrogates);
    if (step === 0) throw new TextFault(p);
    const second = b[p + 1]! & 0x3f;
    if (step === 2) out[count++] = ((first & 0x1f) << 6) | second;
    else if (step === 3)
      out[count++] = ((first & 0x0f) << 12) | (second << 6) | (b[p + 2]! & 0x3f);
    else {
      const low = ((b[p + 2]! & 0x3f) << 6) | (b[p + 3]! & 0x3f);
      const point = (((first & 0x07) << 18) | (second << 12) | low) - 0x10000;
      out[count++] = 0xd800 | (point >> 10);
      out[count++] = 0xdc00 | (point & 0x3ff);
    }
    p += step;
  }
  return count;
}

function decode(b: Bytes, at: number, size: number, surrogates: boolean): string {
  const count = decodeUnits(b, at, size, surrogates);
  const all = units;
  let text = "";
  for (let p = 0; p < count; p += PIECE)
    text += from.apply(
      null,
      all.subarray(p, Math.min(p + PIECE, count)) as unknown as number[],
    );
  if (all.length > 1 << 16) units = new Uint16Array(256);
  return text;
}

/**
 * The text of 'size' bytes, which are there. Throws a TextFault where they are
 * not UTF-8, with lone surrogates if 'surrogates' says so.
 */
export function readText(b: Bytes, at: number, size: number, surrogates: boolean): string {
  if (size === 0) return "";
  if (surrogates) return decode(b, at, size, true);
  if (size <= SHORT) return readShort(b, at, size);
  if (size >= LONG && !isAscii(b, at, at + LONG)) return decode(b, at, size, false);
  try {
    return decoder.decode(b.subarray(at, at + size));
  } catch {
    return decode(b, at, size, false); /* which says where */
  }
}
