/* SPDX-License-Identifier: MIT */
/* scan.c - finding what differs between two stretches of memory, as runs.
 *
 * The rules are those of docs/snapshot-format.md: memory is compared by words
 * of 8 bytes, a new run begins after 16 or more bytes that do not differ, and a
 * run has no such bytes at its ends.
 *
 *     scan_start, scan ... scan, scan_stop     runs go into a list
 *     write_runs                               the list as a snapshot has it
 *
 * Stretches are scanned in the order of addresses; what lies between them does
 * not differ. */
#include <string.h>
#include <wasm_simd128.h>

#include "helper.h"

#define WORD 8u
#define LINE 64u
#define GAP 16u
#define PAGE_BITS 12

typedef struct range {
  uint32_t start, end;
} range;

/* The run that is being found; empty when start is end. */
static uint32_t start, end;
static uint32_t head, tail; /* bytes at its ends that do not differ */
static range *list;
static uint32_t count;
static uint8_t *touched; /* for each page of 4,096 bytes: 1 when it differs */

/* ---- Finding --------------------------------------------------------------*/

EXPORT(scan_start) void scan_start(range *to, uint8_t *pages) {
  start = end = head = tail = count = 0;
  list = to;
  touched = pages;
}

static void flush(void) {
  if (start == end) return;
  list[count++] = (range){start + head, end - tail};
  start = end;
}

/* Gives how many runs are in the list. */
EXPORT(scan_stop) uint32_t scan_stop(void) {
  flush();
  return count;
}

/* Where the run that is being found begins, and where its last word ends; the
 * same when there is none. It is not in the list yet. */
EXPORT(scan_open_start) uint32_t scan_open_start(void) {
  return start == end ? end : start + head;
}
EXPORT(scan_open_end) uint32_t scan_open_end(void) {
  return end;
}

/* Empties the list, but for the run that is being found. */
EXPORT(scan_take) uint32_t scan_take(void) {
  uint32_t taken = count;
  count = 0;
  return taken;
}

/* Adds words [from, to), of which the first and the last differ in these bits,
 * to the run before them, or begins one. */
static inline void add_words(uint32_t from, uint32_t to, uint64_t first,
                             uint64_t last) {
  if (start == end || from - end >= GAP) {
    flush();
    start = from;
    head = (uint32_t)__builtin_ctzll(first) / 8;
  }
  end = to;
  tail = (uint32_t)__builtin_clzll(last) / 8;
  touched[from >> PAGE_BITS] = 1;
}

static inline uint64_t bits_at(const uint8_t *bytes, const uint8_t *base) {
  uint64_t word, before;
  memcpy(&word, bytes, WORD);
  memcpy(&before, base, WORD);
  return word ^ before;
}

static inline v128_t vector_at(const uint8_t *bytes, const uint8_t *base) {
  return wasm_v128_load(bytes) ^ wasm_v128_load(base);
}

static inline uint32_t words_of(v128_t bits) {
  v128_t zero = wasm_i64x2_splat(0);
  return wasm_i64x2_bitmask(wasm_i64x2_ne(bits, zero));
}

/* A line: a stretch of differing words after the other, where one word alone
 * that does not differ is no gap. */
static void scan_line(uint32_t address, const uint8_t *bytes,
                      const uint8_t *base, uint32_t differ) {
  differ |= differ << 1 & differ >> 1;
  while (differ != 0) {
    uint32_t first = (uint32_t)__builtin_ctz(differ);
    uint32_t stop = first + (uint32_t)__builtin_ctz(~(differ >> first));
    uint32_t last = stop - 1;
    add_words(address + first * WORD, address + stop * WORD,
              bits_at(bytes + first * WORD, base + first * WORD),
              bits_at(bytes + last * WORD, base + last * WORD));
    differ &= ~0u << stop;
  }
}

/* Compares 'size' bytes, which are guest memory from 'address' on; both are
 * multiples of a word. Gives how many runs are in the list: there must be room
 * for one of each three words. */
EXPORT(scan)
uint32_t scan(const uint8_t *bytes, const uint8_t *base, uint32_t address,
              uint32_t size) {
  uint32_t at = 0;
  for (; size - at >= LINE; at += LINE) {
    const uint8_t *x = bytes + at, *y = base + at;
    v128_t a = vector_at(x, y), b = vector_at(x + 16, y + 16);
    v128_t c = vector_at(x + 32, y + 32), d = vector_at(x + 48, y + 48);
    if (wasm_v128_any_true(a | b | c | d))
      scan_line(address + at, x, y,
                words_of(a) | words_of(b) << 2 | words_of(c) << 4 |
                    words_of(d) << 6);
  }
  for (; at < size; at += WORD) {
    uint64_t bits = bits_at(bytes + at, base + at);
    if (bits != 0) add_words(address + at, address + at + WORD, bits, bits);
  }
  return count;
}

/* A bit for each page of 4,096 bytes, of 32 at the most, that differs. */
EXPORT(compare)
uint32_t compare(const uint8_t *bytes, const uint8_t *base, uint32_t pages) {
  uint32_t found = 0;
  for (uint32_t page = 0; page < pages; page++) {
    const uint8_t *x = bytes + (page << PAGE_BITS),
                  *y = base + (page << PAGE_BITS);
    for (uint32_t at = 0; at < 1u << PAGE_BITS; at += LINE)
      if (wasm_v128_any_true(vector_at(x + at, y + at) |
                             vector_at(x + at + 16, y + at + 16) |
                             vector_at(x + at + 32, y + at + 32) |
                             vector_at(x + at + 48, y + at + 48))) {
        found |= 1u << page;
        break;
      }
  }
  return found;
}

/* ---- Writing --------------------------------------------------------------*/

static uint8_t *put_varint(uint8_t *to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = (uint8_t)(value | 0x80);
  *to++ = (uint8_t)value;
  return to;
}

static int is_zero(const uint8_t *bytes, uint32_t size) {
  while (size > 0 && *bytes == 0) bytes++, size--;
  return size == 0;
}

/* Most runs are short: by vectors, beyond its end. */
static uint8_t *put_bytes(uint8_t *to, const uint8_t *bytes, uint32_t size) {
  if (size > 512) return (uint8_t *)memcpy(to, bytes, size) + size;
  for (uint32_t at = 0; at < size; at += sizeof(v128_t))
    wasm_v128_store(to + at, wasm_v128_load(bytes + at));
  return to + size;
}

/* Writes runs [first, last) of the list to 'to'. Their bytes are at 'bytes' +
 * their address; 'written' is the end of the run before them. Gives the end.
 * Behind that, and behind the last bytes, must be 16 bytes more of memory. */
EXPORT(write_runs)
uint8_t *write_runs(const uint8_t *bytes, uint32_t first, uint32_t last,
                    uint32_t written, uint8_t *to) {
  for (const range *run = list + first; run < list + last; run++) {
    uint32_t size = run->end - run->start;
    int zero = is_zero(bytes + run->start, size);
    to = put_varint(to, run->start - written);
    to = put_varint(to, (uint64_t)size << 1 | (unsigned)zero);
    if (!zero) to = put_bytes(to, bytes + run->start, size);
    written = run->end;
  }
  return to;
}
