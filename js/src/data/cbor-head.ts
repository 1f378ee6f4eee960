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

/** Writes a head at 'at', where there is room; gives where it ends. 'view' is of
 * the same bytes. */
export function putHead(
  out: Uint8Array,
  view: DataView,
  at: number,
  major: number,
  number: number,
): number {
  const first = major << 5;
  if (number < 24) {
    out[at] = first | number;
    return at + 1;
  }
  if (number < 0x100) {
    out[at] = first | 24;
    out[at + 1] = number;
    return at + 2;
  }
  if (number < 0x10000) {
    out[at] = first | 25;
    view.setUint16(at + 1, number);
    return at + 3;
  }
  if (number < 0x100000000) {
    out[at] = first | 26;
    view.setUint32(at + 1, number);
    return at + 5;
  }
  out[at] = first | 27;
  view.setUint32(at + 1, Math.floor(number / 2 ** 32));
  view.setUint32(at + 5, number % 2 ** 32);
  return at + 9;
}
