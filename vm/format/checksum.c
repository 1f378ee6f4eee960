/* SPDX-License-Identifier: MIT */
/* checksum.c - the CRC-32 of a snapshot, also of pieces of it.
 *
 * The checksum of bytes is what is left of a polynomial over GF(2) divided by
 * P; zero bytes behind it multiply it by x^8 each. So that of two pieces is
 * that of the first times x^(8 * size of the second), plus that of the second.
 * Polynomials have the coefficient of x^0 in their highest bit. */
#include "vm/format/checksum.h"

#include <string.h>

#include <libdeflate.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/* ---- Copying --------------------------------------------------------------*/

static uint32_t copy(uint32_t sum, uint8_t *to, const uint8_t *from,
                     size_t size) {
  memcpy(to, from, size);
  return libdeflate_crc32(sum, to, size);
}

#if defined(__x86_64__)
#define LINE 64u
#define PART 16u /* of a line: what the processor multiplies at once */
/* Fewer bytes are read again before long. */
#define STREAM_FROM 4096u
#define TAKES_PRODUCTS __attribute__((target("pclmul")))

static inline __m128i load(const uint8_t *from) {
  return _mm_loadu_si128((const __m128i *)from);
}

/* Copies the part that is 'from' past the caches, and gives it. */
static inline __m128i stream(uint8_t *to, const uint8_t *from) {
  __m128i part = load(from);
  _mm_stream_si128((__m128i *)to, part);
  return part;
}

/* 'part' times x^512, plus 'next', which lies a line behind it: 128 bits that
 * leave the same remainder. */
TAKES_PRODUCTS static inline __m128i advance(__m128i part, __m128i powers,
                                             __m128i next) {
  __m128i high = _mm_clmulepi64_si128(part, powers, 0x00);
  __m128i low = _mm_clmulepi64_si128(part, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(high, low), next);
}

/* The same as copy for whole lines; 'to' is a multiple of a part. The processor
 * multiplies while it waits for memory. What is left are four parts, which have
 * the remainder of all. */
TAKES_PRODUCTS static uint32_t copy_lines(uint32_t sum, uint8_t *to,
                                          const uint8_t *from, size_t size) {
  /* Modulo P: x^(512 + 64 - 32) for the first half of a part, x^(512 - 32) for
   * the second, as the product with 32 bits ends so much further on; all a bit
   * further, since that of two polynomials whose coefficients are in reverse
   * order has one bit less. */
  const __m128i powers = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  __m128i a = stream(to, from), b = stream(to + PART, from + PART);
  __m128i c = stream(to + 2 * PART, from + 2 * PART);
  __m128i d = stream(to + 3 * PART, from + 3 * PART);
  uint8_t left[LINE];
  a = _mm_xor_si128(a, _mm_cvtsi32_si128((int)~sum));
  for (size_t at = LINE; at < size; at += LINE) {
    a = advance(a, powers, stream(to + at, from + at));
    b = advance(b, powers, stream(to + at + PART, from + at + PART));
    c = advance(c, powers, stream(to + at + 2 * PART, from + at + 2 * PART));
    d = advance(d, powers, stream(to + at + 3 * PART, from + at + 3 * PART));
  }
  _mm_sfence(); /* other threads see the bytes when they see what follows */
  _mm_storeu_si128((__m128i *)left, a);
  _mm_storeu_si128((__m128i *)(left + PART), b);
  _mm_storeu_si128((__m128i *)(left + 2 * PART), c);
  _mm_storeu_si128((__m128i *)(left + 3 * PART), d);
  return libdeflate_crc32(UINT32_MAX, left, sizeof(left));
}

static uint32_t copy_much(uint32_t sum, uint8_t *to, const uint8_t *from,
                          size_t size) {
  size_t head = -(uintptr_t)to % PART, lines = (size - head) / LINE * LINE;
  size_t tail = head + lines;
  sum = copy(sum, to, from, head);
  sum = copy_lines(sum, to + head, from + head, lines);
  return copy(sum, to + tail, from + tail, size - tail);
}

static bool is_streamed(size_t size) {
  return size >= STREAM_FROM && __builtin_cpu_supports("pclmul");
}
#else
static uint32_t copy_much(uint32_t sum, uint8_t *to, const uint8_t *from,
                          size_t size) {
  return copy(sum, to, from, size);
}

static bool is_streamed(size_t size) {
  (void)size;
  return false;
}
#endif

void torpor__checksum_add(torpor__running_checksum *sum, torpor__buffer *buffer,
                          const uint8_t *data, size_t size) {
  uint8_t *to = buffer->data + buffer->size;
  torpor__checksum_follow(sum, buffer);
  sum->value = is_streamed(size) ? copy_much(sum->value, to, data, size)
                                 : copy(sum->value, to, data, size);
  buffer->size += size;
  sum->end = buffer->size;
}
