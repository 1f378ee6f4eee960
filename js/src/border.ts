// SPDX-License-Identifier: MIT
//
// border.ts - values as they cross between guest and host: 64 bits.
//
//   bits 48..63   0000..fff8  a double as it is     fffc  string   \
//                 fff9        undefined             fffd  symbol    | a handle: its number
//                 fffa        null                  fffe  bigint    | in bits 0..47
//                 fffb        boolean, in bit 0     ffff  object   /
//
// The upper half is read as an unsigned 32-bit number, so tags are compared
// shifted to its upper 16 bits.

import {
  TAG_BIGINT,
  TAG_BOOLEAN,
  TAG_NULL,
  TAG_OBJECT,
  TAG_STRING,
  TAG_SYMBOL,
  TAG_UNDEFINED,
} from "./abi.js";

export const UNDEFINED_BITS = BigInt(TAG_UNDEFINED) << 48n;
export const NULL_BITS = BigInt(TAG_NULL) << 48n;
export const FALSE_BITS = BigInt(TAG_BOOLEAN) << 48n;
export const TRUE_BITS = FALSE_BITS | 1n;

/** What a handle is of, by its tag; numbers have tag 0. */
export const NUMBER = 0;
export const UNDEFINED = TAG_UNDEFINED;
export const NULL = TAG_NULL;
export const BOOLEAN = TAG_BOOLEAN;
export const STRING = TAG_STRING;
export const SYMBOL = TAG_SYMBOL;
export const BIGINT = TAG_BIGINT;
export const OBJECT = TAG_OBJECT;

/** The tag of a value whose upper 32 bits these are. */
export function tagOf(upper: number): number {
  const tag = upper >>> 16;
  return tag < TAG_UNDEFINED ? NUMBER : tag;
}

const scratch = new Float64Array(1);
const scratchBits = new BigUint64Array(scratch.buffer);

/** The border's form of a number. There is one NaN only. */
export function numberBits(value: number): bigint {
  scratch[0] = value === value ? value : NaN;
  return value === value ? scratchBits[0]! : 0x7ff8000000000000n;
}
