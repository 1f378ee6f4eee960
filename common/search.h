/* SPDX-License-Identifier: MIT */
/* search.h - bisection: finding a place in a sorted array.
 *
 * Unlike bsearch it tells where a new item belongs, not only where one is, and
 * an empty array may be NULL. With a 'compare' that the compiler sees, all of
 * it becomes a loop in the caller.
 *
 * No state. */
#ifndef TORPOR_COMMON_SEARCH_H
#define TORPOR_COMMON_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/* Below, at or above 0, as 'key' belongs before, at or behind 'item'. */
typedef int torpor__compare_fn(const void *key, const void *item);

/* The index of the first of 'count' items of 'size' bytes that does not belong
 * before 'key'; 'count' when all do. */
static inline size_t torpor__search(const void *key, const void *items,
                                    size_t count, size_t size,
                                    torpor__compare_fn *compare) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(key, (const char *)items + middle * size) > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The first item that 'key' belongs at; NULL: there is none. */
static inline void *torpor__find(const void *key, const void *items,
                                 size_t count, size_t size,
                                 torpor__compare_fn *compare) {
  size_t at = torpor__search(key, items, count, size, compare);
  if (at == count) return NULL;
  const char *found = (const char *)items + at * size;
  return compare(key, found) == 0 ? (void *)found : NULL;
}

/* For items that are, or begin with, a number: an id, say. */
static inline int torpor__compare_u64(const void *key, const void *item) {
  uint64_t a = *(const uint64_t *)key, b = *(const uint64_t *)item;
  return (a > b) - (a < b);
}

static inline int torpor__compare_i64(const void *key, const void *item) {
  int64_t a = *(const int64_t *)key, b = *(const int64_t *)item;
  return (a > b) - (a < b);
}

#endif
