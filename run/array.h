/* SPDX-License-Identifier: MIT */
/* array.h - growing an array, the one way it is done in run/.
 *
 * An array is a pointer, a count and a capacity in its owner. Room is made
 * before anything changes, so that running out of memory changes nothing.
 *
 * No state. */
#ifndef TORPOR_RUN_ARRAY_H
#define TORPOR_RUN_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for 'count' items of 'size' bytes at '*items', a pointer to any
 * type. False, with nothing changed, when memory runs out. */
static inline bool torpor__array_reserve(void *items, size_t *capacity,
                                         size_t count, size_t size) {
  if (count <= *capacity) return true;
  size_t wanted = *capacity < 8 ? 8 : *capacity;
  while (wanted < count) {
    if (wanted > SIZE_MAX / 2 / size) return false;
    wanted *= 2;
  }
  void *old;
  memcpy(&old, items, sizeof old);
  void *grown = realloc(old, wanted * size);
  if (grown == NULL) return false;
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}

/* A copy of 'size' bytes that the caller frees; never NULL for 0 bytes unless
 * memory ran out. */
static inline void *torpor__array_copy(const void *data, size_t size) {
  void *copy = malloc(size > 0 ? size : 1);
  if (copy != NULL && size > 0) memcpy(copy, data, size);
  return copy;
}

#endif
