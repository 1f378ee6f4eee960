// SPDX-License-Identifier: MIT
//
// crc32.ts - the checksum of a snapshot: CRC-32 as in zlib.
//
// Bytes are copied to the helper piece by piece. Of much data all but the last
// FOLDED bytes are folded away (js/helper/crc32.c), which is three times as
// fast as looking up each byte.

import { FOLDED, PIECE, sharedHelper } from "./helper.js";

const FOLD_FROM = 4 * FOLDED;

export function crc32(bytes: Uint8Array): number {
  if (bytes.length >= FOLD_FROM) return foldedCrc32(bytes);
  const { run, u8, base } = sharedHelper();
  let sum = 0;
  for (let at = 0; at < bytes.length; at += PIECE) {
    const part = bytes.subarray(at, at + PIECE);
    u8.set(part, base);
    sum = run.crc32(sum, base, part.length);
  }
  return sum >>> 0;
}

function foldedCrc32(bytes: Uint8Array): number {
  const { run, u8, base } = sharedHelper();
  const words = base + FOLDED;
  const end = (bytes.length - FOLDED) & ~15;
  u8.fill(0, base, words);
  let at = 0;
  while (at < end) {
    const size = Math.min(PIECE, end - at);
    u8.set(bytes.subarray(at, at + size), words);
    // The checksum begins as all ones.
    if (at === 0) { for (let i = 0; i < 4; i++) u8[words + i]! ^= 0xff; }
    run.crc32_fold(words, size >> 4);
    u8.copyWithin(base, base + size, words + size);
    at += size;
  }
  u8.set(bytes.subarray(end), words);
  run.crc32_unfold(words);
  return run.crc32(-1, words, bytes.length - end) >>> 0;
}
