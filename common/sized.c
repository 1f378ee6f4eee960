/* SPDX-License-Identifier: MIT */
/* sized.c - structs that programs of other versions know with fewer fields, or
 * with more (sized.h). */
#include "common/sized.h"

#include <stdint.h>
#include <string.h>

/* Larger than any struct of any version to come. */
#define SIZED_LARGEST 4096

static size_t size_of(const void *given) {
  size_t size;
  memcpy(&size, given, sizeof(size));
  return size;
}

bool torpor__sized_is_good(const void *given) {
  size_t size = size_of(given);
  return size >= sizeof(size) && size <= SIZED_LARGEST;
}

bool torpor__sized_take(void *own, size_t size, const void *given) {
  size_t known = size_of(given);
  if (!torpor__sized_is_good(given)) return false;
  for (size_t i = size; i < known; i++)
    if (((const uint8_t *)given)[i] != 0) return false;
  memset(own, 0, size);
  memcpy(own, given, known < size ? known : size);
  memcpy(own, &size, sizeof(size));
  return true;
}

void torpor__sized_give(void *out, const void *own, size_t size) {
  size_t known = size_of(out), begin = sizeof(known);
  if (known > size) known = size;
  memcpy((uint8_t *)out + begin, (const uint8_t *)own + begin, known - begin);
}
