/* SPDX-License-Identifier: MIT */
/* bytes.h - numbers in the bytes of a snapshot: little-endian, wherever they
 * lie. */
#ifndef TORPOR_VM_BYTES_H
#define TORPOR_VM_BYTES_H

#include <stdint.h>

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

#endif
