// SPDX-License-Identifier: MIT
//
// float-write.ts - numbers as floats: the shortest one that is exactly the
// number; there is one NaN.

import { DOUBLE, FLOAT, HALF } from "./cbor.js";

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);
const scratch = new DataView(new ArrayBuffer(8));

/** The bits of the half that is exactly the number in 'single', or -1. */
function halfOf(): number {
  const all = bits[0]!;
  const sign = (all >>> 16) & 0x8000;
  const exponent = (all >>> 23) & 255;
  const fraction = all & 0x7fffff;
  if (exponent === 0 && fraction === 0) return sign;
  if (exponent === 255) return sign | 0x7c00;
  if (exponent > 142 || exponent < 103) return -1;
  if (exponent >= 113)
    return fraction & 0x1fff ? -1 : sign | ((exponent - 112) << 10) | (fraction >> 13);
  const shift = 126 - exponent; /* of what has no leading one in a half */
  const whole = fraction | 0x800000;
  return whole & ((1 << shift) - 1) ? -1 : sign | (whole >> shift);
}

/** Writes a float at 'at', where there are 9 bytes; gives where it ends. */
export function putFloat(out: Uint8Array, at: number, number: number): number {
  single[0] = number;
  const half = number !== number ? 0x7e00 : single[0] === number ? halfOf() : -1;
  if (half >= 0) {
    out[at] = HALF;
    out[at + 1] = half >> 8;
    out[at + 2] = half;
    return at + 3;
  }
  const short = single[0] === number;
  const size = short ? 4 : 8;
  if (short) scratch.setFloat32(0, number);
  else scratch.setFloat64(0, number);
  out[at] = short ? FLOAT : DOUBLE;
  for (let i = 0; i < size; i++) out[at + 1 + i] = scratch.getUint8(i);
  return at + 1 + size;
}
