/* SPDX-License-Identifier: MIT */
/* checksum.c - the CRC-32 of a snapshot, also of pieces of it.
 *
 * The checksum of bytes is what is left of a polynomial over GF(2) divided by
 * P; zero bytes behind it multiply it by x^8 each. So that of two pieces is
 * that of the first times x^(8 * size of the second), plus that of the second.
 * Polynomials have the coefficient of x^0 in their highest bit. */
#include "vm/checksum.h"

#include <libdeflate.h>

#define P UINT32_C(0xedb88320)
#define ONE UINT32_C(0x80000000)

uint32_t torpor__checksum(const uint8_t *data, size_t size) {
  return libdeflate_crc32(0, data, size);
}

/* a * b modulo P. */
static uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = ONE; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? b >> 1 ^ P : b >> 1;
  }
  return product;
}

/* x^(8 * count) modulo P. */
static uint32_t shift_of(uint64_t count) {
  uint32_t power = ONE, square = ONE >> 8;
  for (; count != 0; count >>= 1) {
    if (count & 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}

uint32_t torpor__checksum_join(uint32_t first, uint32_t second,
                               uint64_t second_size) {
  return multiply(shift_of(second_size), first) ^ second;
}

void torpor__checksum_begin(torpor__running_checksum *sum,
                            const torpor__buffer *buffer) {
  *sum = (torpor__running_checksum){buffer->size, buffer->size, 0};
}

void torpor__checksum_follow(torpor__running_checksum *sum,
                             const torpor__buffer *buffer) {
  if (buffer->failed) return;
  sum->value = libdeflate_crc32(sum->value, buffer->data + sum->end,
                                buffer->size - sum->end);
  sum->end = buffer->size;
}
