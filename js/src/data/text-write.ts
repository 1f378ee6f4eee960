// SPDX-License-Identifier: MIT
//
// text-write.ts - strings to UTF-8, as far as the host's encoder does not do it.

/** Writes ASCII at 'at', where there is room; gives where it ends, or -1 where
 * something else is there. */
export function putAscii(out: Uint8Array, at: number, text: string): number {
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return -1;
    out[at + i] = unit;
  }
  return at + length;
}

const wellFormed = (String.prototype as { isWellFormed?: (this: string) => boolean })
  .isWellFormed;

/** Whether there is no surrogate without its other half. */
export function isWellFormed(text: string): boolean {
  if (wellFormed) return wellFormed.call(text);
  for (const point of text) {
    const code = point.codePointAt(0)!;
    if (code >= 0xd800 && code < 0xe000) return false;
  }
  return true;
}

/** What UTF-8 would be, if a lone surrogate were a character. */
export function putWtf8(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let at = 0;
  for (let i = 0; i < text.length;) {
    const point = text.codePointAt(i)!;
    i += point > 0xffff ? 2 : 1;
    if (point < 0x80) {
      out[at++] = point;
      continue;
    }
    const size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (let k = size - 1; k >= 0; k--) {
      out[at++] = 0x80 | ((point >> (6 * k)) & 0x3f);
    }
    out[at - size]! |= size === 2 ? 0xc0 : size === 3 ? 0xe0 : 0xf0;
  }
  return out.subarray(0, at);
}
