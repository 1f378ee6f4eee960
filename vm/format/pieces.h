/* SPDX-License-Identifier: MIT */
/* pieces.h - content that does not lie in one place: bytes of its own, between
 * which stand bytes that are lent. So what is about to be compressed need not
 * be copied first.
 *
 *     own:      | head |           | head | small |
 *     lent:            | 256 KiB . |              | 256 KiB ... |
 *
 * Starts as all zero. Bytes are added to 'own' as to any buffer; after a failed
 * allocation that is 'failed', and the content is not to be used. */
#ifndef TORPOR_VM_PIECES_H
#define TORPOR_VM_PIECES_H

#include "common/buffer.h"

/* Bytes that are lent. */
typedef struct torpor__lent {
  const uint8_t *data;
  size_t size;
  size_t own; /* how many of its own the content has before them */
  size_t at;  /* where they begin in the content */
} torpor__lent;

typedef struct torpor__pieces {
  torpor__buffer own;
  torpor__lent *lent; /* in order */
  size_t count, room;
} torpor__pieces;

/* Adds bytes that stay where they are, unchanged, until they are read. */
void torpor__pieces_lend(torpor__pieces *pieces, const uint8_t *data,
                         size_t size);
size_t torpor__pieces_size(const torpor__pieces *pieces);
/* Copies bytes [at, at + size) of the content. Any threads at once. */
void torpor__pieces_copy(const torpor__pieces *pieces, size_t at, size_t size,
                         uint8_t *to);
void torpor__pieces_free(torpor__pieces *pieces);

#endif
