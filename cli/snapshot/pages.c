/* SPDX-License-Identifier: MIT */
/* pages.c - what the memory section of a snapshot holds.
 *
 * Comparing walks both lists at once, from one border of a run to the next:
 *
 *     a  ---####------0000----
 *     b  -----######----------
 *        |  | | |   | |   |      between two borders each side is one thing:
 *                                baseline, content or zeros
 *
 *  (1) Runs are ascending and stay below 4 GiB; anything else is damaged.
 *  (2) A byte that only one side leaves to the baseline counts as another one:
 *      what the baseline has is not known here. */
#include <string.h>

#include "cli/snapshot/pages.h"

static const uint64_t MEMORY_END = UINT64_C(1) << 32;

/* A place in a list of runs. */
struct runs {
  const uint8_t *at, *end;
  uint64_t from, to;   /* of the current run; from == to: no more */
  const uint8_t *data; /* its content; NULL: zeros */
  bool damaged;
};

static bool read_varint(struct runs *runs, uint64_t *out) {
  *out = 0;
  for (unsigned shift = 0; shift < 42; shift += 7) {
    if (runs->at == runs->end) return false;
    uint8_t byte = *runs->at++;
    *out |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

/* Goes on to the next run. */
static void next_run(struct runs *runs) {
  uint64_t gap, size;
  runs->from = runs->to;
  if (runs->at == runs->end || runs->damaged) return;
  runs->damaged = !read_varint(runs, &gap) || !read_varint(runs, &size);
  if (runs->damaged) return;
  bool zero = size & 1;
  size >>= 1;
  runs->damaged = size == 0 || gap + size > MEMORY_END - runs->to ||
                  (!zero && size > (uint64_t)(runs->end - runs->at));
  if (runs->damaged) return;
  runs->from = runs->to + gap;
  runs->to = runs->from + size;
  runs->data = zero ? NULL : runs->at;
  if (!zero) runs->at += size;
}

static struct runs open_runs(const torpor_bytes *memory) {
  struct runs runs = {.at = memory->data, .end = memory->data + memory->size};
  next_run(&runs);
  return runs;
}

/* Pages are counted in the order of addresses, each once. */
struct counter {
  uint64_t count, next; /* first page that is not counted yet */
};

static void count_pages(struct counter *counter, uint64_t from, uint64_t to) {
  uint64_t first = from / CLI_PAGE_SIZE, last = (to - 1) / CLI_PAGE_SIZE;
  if (first < counter->next) first = counter->next;
  if (last < first) return;
  counter->count += last - first + 1;
  counter->next = last + 1;
}

bool cli_pages_count(const torpor_bytes *memory, struct cli_pages *out) {
  struct counter counter = {0};
  struct runs runs = open_runs(memory);
  *out = (struct cli_pages){0};
  for (; runs.from < runs.to; next_run(&runs)) {
    count_pages(&counter, runs.from, runs.to);
    *(runs.data != NULL ? &out->data_bytes : &out->zero_bytes) +=
        runs.to - runs.from;
  }
  out->pages = counter.count;
  return !runs.damaged;
}

/* ---- Comparing -----------------------------------------------------------*/

static uint64_t least_of(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* The next border of 'runs' behind 'at'. */
static uint64_t find_border(const struct runs *runs, uint64_t at) {
  if (runs->from >= runs->to) return MEMORY_END;
  return at < runs->from ? runs->from : runs->to;
}

static bool covers(const struct runs *runs, uint64_t at) {
  return runs->from <= at && at < runs->to;
}

static uint8_t byte_at(const struct runs *runs, uint64_t at) {
  return runs->data == NULL ? 0 : runs->data[at - runs->from];
}

/* Whether all of a stretch, which both cover, is the same. */
static bool is_same(const struct runs *a, const struct runs *b, uint64_t from,
                    uint64_t to) {
  if (a->data == NULL && b->data == NULL) return true;
  if (a->data == NULL || b->data == NULL) return false;
  return memcmp(a->data + (from - a->from), b->data + (from - b->from),
                (size_t)(to - from)) == 0;
}

/* Adds what changed between two borders. */
static void compare_stretch(const struct runs *a, const struct runs *b,
                            uint64_t from, uint64_t to,
                            struct cli_pages_difference *out,
                            struct counter *counter) {
  bool in_a = covers(a, from), in_b = covers(b, from);
  if (!in_a && !in_b) return;
  if (in_a != in_b) {
    out->bytes += to - from;
    count_pages(counter, from, to);
    return;
  }
  if (is_same(a, b, from, to)) return;
  for (uint64_t at = from; at < to; at++) {
    if (byte_at(a, at) == byte_at(b, at)) continue;
    out->bytes++;
    count_pages(counter, at, at + 1);
  }
}

bool cli_pages_compare(const torpor_bytes *a, const torpor_bytes *b,
                       struct cli_pages_difference *out) {
  struct runs left = open_runs(a), right = open_runs(b);
  struct counter counter = {0};
  uint64_t at = 0;
  *out = (struct cli_pages_difference){0};
  while (left.from < left.to || right.from < right.to) {
    uint64_t border = least_of(find_border(&left, at), find_border(&right, at));
    compare_stretch(&left, &right, at, border, out, &counter);
    at = border;
    if (left.from < left.to && at == left.to) next_run(&left);
    if (right.from < right.to && at == right.to) next_run(&right);
  }
  out->pages = counter.count;
  return !left.damaged && !right.damaged;
}
