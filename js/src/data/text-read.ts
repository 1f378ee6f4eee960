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
 * here where the host takes 14 ns for each of their characters: Node before 24. */
const LONG = isSlow() ? 64 : Infinity;
/** Most code units in one call of fromCharCode. */
const PIECE = 4096;

/** Bytes of a text up to which the room for its units is kept. */
const KEPT = 1 << 16;

const CACHE = 512;
const cache: string[] = new Array(CACHE).fill("");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
let decoder16: TextDecoder | undefined;
/** Whether numbers of this host are what that decoder reads. */
const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const from = String.fromCharCode;
let units = new Uint16Array(256);

function isSlow(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return Number.parseInt(process?.versions?.node ?? "24") < 24;
}

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
  for (let i = size - 1; i >= 0; i--) {
    /* texts in a row differ at their ends */
    if (text.charCodeAt(i) !== b[at + i]) return false;
  }
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
  if (size === 13) {
    return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
  }
  const c13 = b[p + 13]!;
  if (size === 14) {
    return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13);
  }
  const c14 = b[p + 14]!;
  if (size === 15) {
    return from(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14);
  }
  return from(
    c0,
    c1,
    c2,
    c3,
    c4,
    c5,
    c6,
    c7,
    c8,
    c9,
    c10,
    c11,
    c12,
    c13,
    c14,
    b[p + 15]!,
  );
}

function readShort(b: Bytes, at: number, size: number): string {
  const place = (size * 31 + b[at]! * 7 + b[at + (size >> 1)]! * 13 + b[at + size - 1]!) &
    (CACHE - 1);
  const kept = cache[place]!;
  if (isText(kept, b, at, size)) return kept;
  if (!isAscii(b, at, at + size)) return decode(b, at, size, false);
  return (cache[place] = makeShort(b, at, size));
}

/** Decodes into 'out', which has room; gives how many there are. 'surrogates':
 * a surrogate is three bytes as if it were a character. */
function decodeInto(
  out: Uint16Array,
  b: Bytes,
  at: number,
  end: number,
  surrogates: boolean,
): number {
  let count = 0;
  for (let p = at; p < end;) {
    const first = b[p]!;
    if (first < 0x80) {
      out[count++] = first;
      p++;
      continue;
    }
    const second = tail(b, p + 1, end);
    if (first < 0xe0) {
      if (first < 0xc2 || second < 0) throw new TextFault(p);
      out[count++] = ((first & 0x1f) << 6) | second;
      p += 2;
      continue;
    }
    const third = tail(b, p + 2, end);
    if ((second | third) < 0) throw new TextFault(p);
    if (first < 0xf0) {
      const unit = ((first & 0x0f) << 12) | (second << 6) | third;
      if (unit < 0x800 || (!surrogates && (unit & 0xf800) === 0xd800)) {
        throw new TextFault(p);
      }
      out[count++] = unit;
      p += 3;
      continue;
    }
    const fourth = tail(b, p + 3, end);
    const point = ((first & 0x0f) << 18) | (second << 12) | (third << 6) | fourth;
    if (fourth < 0 || point < 0x10000 || point > 0x10ffff) throw new TextFault(p);
    out[count++] = 0xd7c0 + (point >> 10);
    out[count++] = 0xdc00 | (point & 0x3ff);
    p += 4;
  }
  return count;
}

/** The bits of a byte that goes on a sequence, or -1. */
function tail(b: Bytes, p: number, end: number): number {
  const byte = p < end ? b[p]! : 0;
  return (byte & 0xc0) === 0x80 ? byte & 0x3f : -1;
}

function textOf(all: Uint16Array, count: number): string {
  if (count <= PIECE) return from.apply(null, all.subarray(0, count) as unknown as number[]);
  let text = "";
  for (let p = 0; p < count; p += PIECE) {
    text += textOf(all.subarray(p), Math.min(PIECE, count - p));
  }
  return text;
}

function decode(b: Bytes, at: number, size: number, surrogates: boolean): string {
  if (units.length < size) units = new Uint16Array(size);
  const all = units;
  if (size > KEPT) units = new Uint16Array(256);
  const count = decodeInto(all, b, at, at + size, surrogates);
  if (count <= PIECE || !LITTLE || surrogates) return textOf(all, count);
  // Made when it is needed: for that Node prepares more than for all others.
  decoder16 ??= new TextDecoder("utf-16le", { ignoreBOM: true });
  return decoder16.decode(all.subarray(0, count));
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
