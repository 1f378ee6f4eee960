// SPDX-License-Identifier: MIT
//
// float-write.ts - numbers as floats: the shortest one that is exactly the
// number; there is one NaN.

import { DOUBLE, FLOAT, HALF } from "./cbor.js";

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The bits of the half that is exactly the number in 'single', or -1. */
function halfOf(): number {
  const all = bits[0]!;
  const sign = (all >>> 16) & 0x8000;
  const exponent = (all >>> 23) & 255;
  const fraction = all & 0x7fffff;
  if (exponent === 0 && fraction === 0) return sign;
  if (exponent === 255) return sign | 0x7c00;
  if (exponent > 142 || exponent < 103) return -1;
  if (exponent >= 113) {
    return fraction & 0x1fff ? -1 : sign | ((exponent - 112) << 10) | (fraction >> 13);
  }
  const shift = 126 - exponent; /* of what has no leading one in a half */
  const whole = fraction | 0x800000;
  return whole & ((1 << shift) - 1) ? -1 : sign | (whole >> shift);
}

/** Writes a float at 'at', where there are 9 bytes; gives where it ends. */
export function putFloat(out: DataView, at: number, number: number): number {
  single[0] = number;
  const short = single[0] === number;
  const half = number !== number ? 0x7e00 : short ? halfOf() : -1;
  if (half >= 0) {
    out.setUint8(at, HALF);
    out.setUint16(at + 1, half);
    return at + 3;
  }
  if (short) {
    out.setUint8(at, FLOAT);
    out.setFloat32(at + 1, number);
    return at + 5;
  }
  out.setUint8(at, DOUBLE);
  out.setFloat64(at + 1, number);
  return at + 9;
}
