/* SPDX-License-Identifier: MIT */
/* bytes.h - small things to do with bytes: numbers in them, which are
 * little-endian and need not be aligned, and whether they are zero. */
#ifndef TORPOR_VM_BYTES_H
#define TORPOR_VM_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The number in 'size' bytes, at most 8. */
static inline uint64_t torpor__bytes_read(const uint8_t *from, unsigned size) {
  uint64_t value = 0;
  for (unsigned i = size; i-- > 0;) value = value << 8 | from[i];
  return value;
}

static inline uint32_t torpor__bytes_read_u32(const uint8_t *from) {
  return (uint32_t)torpor__bytes_read(from, 4);
}

static inline void torpor__bytes_write(uint8_t *to, uint64_t value,
                                       unsigned size) {
  for (unsigned i = 0; i < size; i++, value >>= 8) to[i] = (uint8_t)value;
}

/* The ends are looked at first: what is not zero mostly differs there. */
static inline bool torpor__bytes_are_zero(const void *data, size_t size) {
  const uint8_t *bytes = data;
  return size == 0 || (bytes[0] == 0 && bytes[size - 1] == 0 &&
                       memcmp(bytes, bytes + 1, size - 1) == 0);
}

#endif
