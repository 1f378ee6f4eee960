/* SPDX-License-Identifier: MIT */
/* checksum.h - the CRC-32 of a snapshot. */
#ifndef TORPOR_VM_CHECKSUM_H
#define TORPOR_VM_CHECKSUM_H

#include "common/buffer.h"

uint32_t torpor__checksum(const uint8_t *data, size_t size);
/* The checksum of two pieces one after another, by theirs. */
uint32_t torpor__checksum_join(uint32_t first, uint32_t second,
                               uint64_t second_size);

/* The checksum of a part of a buffer, which grows with it. */
typedef struct torpor__running_checksum {
  size_t start, end;
  uint32_t value; /* of [start, end) */
} torpor__running_checksum;

/* Begins behind what is in 'buffer', and goes on to its end. */
void torpor__checksum_begin(torpor__running_checksum *sum,
                            const torpor__buffer *buffer);
void torpor__checksum_follow(torpor__running_checksum *sum,
                             const torpor__buffer *buffer);
/* Adds 'size' bytes to 'buffer', which has room for them, and goes on to its
 * end: many bytes take no longer than copying them does. They do not go through
 * the caches, so this is for what will not be read soon. */
void torpor__checksum_add(torpor__running_checksum *sum, torpor__buffer *buffer,
                          const uint8_t *data, size_t size);

#endif
