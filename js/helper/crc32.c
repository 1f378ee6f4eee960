/* SPDX-License-Identifier: MIT */
/* crc32.c - the CRC-32 of zlib, in two ways.
 *
 * By tables, 32 bytes at a time: the state after some bytes is linear in state
 * and bytes, so the effects of each of the next 32 bytes are looked up, in a
 * table for each distance from the end, and added (with exclusive or). The
 * lookups do not wait for each other. The first call makes the tables.
 *
 * By folding, for much data: modulo the CRC's polynomial, and with y for the
 * step from a word of 16 bytes to the next,
 *
 *     y^3006 = y^(3006-140) + y^(3006-791) + 1
 *
 * So a word may be taken away and added to those 140, 791 and 3006 words behind
 * it instead, and the remainder stays the same. What is left in the end are the
 * last 3006 words, for the tables. */
#include <wasm_simd128.h>

#include "helper.h"

#define P UINT32_C(0xedb88320)
#define STEP 32

enum { NEAR = 140, MIDDLE = 791, FAR = 3006 };

/* tables[n][b]: what byte 'b' leaves when n more bytes, of zeros, follow. */
static uint32_t tables[STEP][256];

static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++)
      value = value & 1 ? value >> 1 ^ P : value >> 1;
    tables[0][byte] = value;
  }
  for (int n = 1; n < STEP; n++)
    for (int byte = 0; byte < 256; byte++) {
      uint32_t before = tables[n - 1][byte];
      tables[n][byte] = before >> 8 ^ tables[0][before & 255];
    }
}

/* What eight bytes leave of which the last has 'after' bytes behind it. */
static inline uint32_t add_word(uint64_t word, int after) {
  return tables[after + 7][word & 255] ^ tables[after + 6][word >> 8 & 255] ^
         tables[after + 5][word >> 16 & 255] ^
         tables[after + 4][word >> 24 & 255] ^
         tables[after + 3][word >> 32 & 255] ^
         tables[after + 2][word >> 40 & 255] ^
         tables[after + 1][word >> 48 & 255] ^ tables[after][word >> 56];
}

static inline uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof(word));
  return word;
}

/* Goes on from 'sum', the checksum of what came before; 0 at the beginning. */
EXPORT(crc32)
uint32_t crc32(uint32_t sum, const uint8_t *bytes, uint32_t size) {
  const uint8_t *end = bytes + size;
  if (tables[0][1] == 0) make_tables();
  sum = ~sum;
  for (; end - bytes >= STEP; bytes += STEP)
    sum = add_word(word_at(bytes) ^ sum, 24) ^
          add_word(word_at(bytes + 8), 16) ^ add_word(word_at(bytes + 16), 8) ^
          add_word(word_at(bytes + 24), 0);
  for (; bytes < end; bytes++) sum = sum >> 8 ^ tables[0][(sum ^ *bytes) & 255];
  return ~sum;
}

/* Takes 'count' words away. 'words' has FAR words before it that were: what is
 * there now becomes what each of them was when it was taken. */
EXPORT(crc32_fold) void crc32_fold(v128_t *words, uint32_t count) {
  for (v128_t *end = words + count; words < end; words++)
    *words ^= words[-NEAR] ^ words[-MIDDLE] ^ words[-FAR];
}

/* Adds the words that were taken away before 'words' to the FAR words that are
 * there. The checksum of all is then that of what begins here, going on from
 * ~0. */
EXPORT(crc32_unfold) void crc32_unfold(v128_t *words) {
  for (int i = 0; i < FAR; i++) {
    if (i < NEAR) words[i] ^= words[i - NEAR];
    if (i < MIDDLE) words[i] ^= words[i - MIDDLE];
    words[i] ^= words[i - FAR];
  }
}
