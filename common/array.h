/* SPDX-License-Identifier: MIT */
/* array.h - growing an array, the one way it is done here.
 *
 * An array is a pointer, a count and a capacity in its owner. Room is made
 * before anything changes, so that running out of memory changes nothing.
 *
 * No state. */
#ifndef TORPOR_COMMON_ARRAY_H
#define TORPOR_COMMON_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* realloc, or something that behaves like it. */
typedef void *torpor__resize_fn(void *block, size_t size);

/* As torpor__array_reserve, with memory from 'resize'. */
static inline bool torpor__array_reserve_by(torpor__resize_fn *resize,
                                            void *items, size_t *capacity,
                                            size_t count, size_t size) {
  if (count <= *capacity) return true;
  size_t wanted = *capacity < 8 ? 8 : *capacity;
  while (wanted < count) {
    if (wanted > SIZE_MAX / 2 / size) return false;
    wanted *= 2;
  }
  void *old;
  memcpy(&old, items, sizeof old);
  void *grown = resize(old, wanted * size);
  if (grown == NULL) return false;
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}

/* Makes room for 'count' items of 'size' bytes at '*items', a pointer to any
 * type, whose memory comes from malloc. False, with nothing changed, when
 * memory runs out. */
static inline bool torpor__array_reserve(void *items, size_t *capacity,
                                         size_t count, size_t size) {
  return torpor__array_reserve_by(realloc, items, capacity, count, size);
}

/* A copy of 'size' bytes that the caller frees; never NULL for 0 bytes unless
 * memory ran out. */
static inline void *torpor__array_copy(const void *data, size_t size) {
  void *copy = malloc(size > 0 ? size : 1);
  if (copy != NULL && size > 0) memcpy(copy, data, size);
  return copy;
}

#endif
