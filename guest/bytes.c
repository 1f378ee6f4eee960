/* SPDX-License-Identifier: MIT */
/* bytes.c - memchr and memcmp, eight bytes at a time.
 *
 * wasi-libc's look at four bytes and at one. Texts are compared and searched by
 * these two, in the engine and in extensions. What is left of a longer text,
 * less than a word, is looked at by its last word, part of it for the second
 * time. Words are little-endian, and need not be aligned. */
#include "guest.h"

static inline uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof(word));
  return word;
}

/* The lowest bit 7 that is set is that of the first byte of 'word' that is 0;
 * no bit is: there is none. */
static inline uint64_t zero_bytes(uint64_t word) {
  return (word - UINT64_C(0x0101010101010101)) & ~word &
         UINT64_C(0x8080808080808080);
}

/* 'size' may reach beyond what may be read when the byte comes before. */
void *memchr(const void *start, int byte, size_t size) {
  const uint8_t *at = start, *end;
  uint64_t memory = (uint64_t)__builtin_wasm_memory_size(0) << 16;
  uint64_t wanted = (uint8_t)byte * UINT64_C(0x0101010101010101), found;
  if (size > memory - (uintptr_t)at) size = memory - (uintptr_t)at;
  end = at + size;
  if (size < sizeof(wanted)) {
    for (; at < end; at++)
      if (*at == (uint8_t)byte) return (void *)at;
    return NULL;
  }
  for (end -= sizeof(wanted); at < end; at += sizeof(wanted)) {
    found = zero_bytes(word_at(at) ^ wanted);
    if (found) return (void *)(at + __builtin_ctzll(found) / 8);
  }
  found = zero_bytes(word_at(end) ^ wanted);
  return found ? (void *)(end + __builtin_ctzll(found) / 8) : NULL;
}

/* The difference of the first bytes that differ in two words that do. */
static inline int word_compare(uint64_t a, uint64_t b) {
  int shift = __builtin_ctzll(a ^ b) & ~7;
  return (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
}

int memcmp(const void *start_a, const void *start_b, size_t size) {
  const uint8_t *a = start_a, *b = start_b;
  size_t at = 0;
  uint64_t word_a, word_b;
  if (size < sizeof(word_a)) {
    for (; at < size; at++)
      if (a[at] != b[at]) return a[at] - b[at];
    return 0;
  }
  for (size -= sizeof(word_a); at < size; at += sizeof(word_a)) {
    word_a = word_at(a + at);
    word_b = word_at(b + at);
    if (word_a != word_b) return word_compare(word_a, word_b);
  }
  word_a = word_at(a + size);
  word_b = word_at(b + size);
  return word_a == word_b ? 0 : word_compare(word_a, word_b);
}
