// SPDX-License-Identifier: MIT
//
// cbor-head.ts - the heads of items, as they are written: of the shortest form.

/** Most bytes of a head. */
export const HEAD = 9;

/** The size of the head of a number. */
export function headSize(number: number): number {
  if (number < 24) return 1;
  if (number < 0x100) return 2;
  if (number < 0x10000) return 3;
  return number < 0x100000000 ? 5 : 9;
}

/** Writes a head at 'at', where there is room; gives where it ends. */
export function putHead(
  out: Uint8Array,
  at: number,
  major: number,
  number: number,
): number {
  const first = major << 5;
  if (number < 24) {
    out[at] = first | number;
    return at + 1;
  }
  const size = headSize(number) - 1;
  out[at] = first | (size === 1 ? 24 : size === 2 ? 25 : size === 4 ? 26 : 27);
  let rest = number;
  for (let i = at + size; i > at; i--) {
    out[i] = rest; /* its lowest byte */
    rest = Math.floor(rest / 256);
  }
  return at + 1 + size;
}
