/* SPDX-License-Identifier: MIT */
/* pieces.c - content that does not lie in one place. */
#include "vm/format/pieces.h"

#include <assert.h>
#include <string.h>

#include "common/alloc.h"

#define ROOM_FIRST 64

size_t torpor__pieces_size(const torpor__pieces *pieces) {
  const torpor__lent *last;
  if (pieces->count == 0) return pieces->own.size;
  last = &pieces->lent[pieces->count - 1];
  return last->at + last->size + (pieces->own.size - last->own);
}

static bool reserve(torpor__pieces *pieces) {
  size_t room = pieces->room ? pieces->room * 2 : ROOM_FIRST;
  torpor__lent *lent;
  if (pieces->own.failed) return false;
  if (pieces->count < pieces->room) return true;
  lent = torpor__alloc_resize(pieces->lent, room * sizeof(*lent));
  if (!lent) {
    pieces->own.failed = true;
    return false;
  }
  pieces->lent = lent;
  pieces->room = room;
  return true;
}

void torpor__pieces_lend(torpor__pieces *pieces, const uint8_t *data,
                         size_t size) {
  if (!reserve(pieces)) return;
  pieces->lent[pieces->count] =
      (torpor__lent){.data = data,
                     .size = size,
                     .own = pieces->own.size,
                     .at = torpor__pieces_size(pieces)};
  pieces->count++;
}

/* Number of the first lent piece that ends behind 'at'; the count: none. */
static size_t find(const torpor__pieces *pieces, size_t at) {
  size_t low = 0, high = pieces->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const torpor__lent *lent = &pieces->lent[middle];
    if (lent->at + lent->size > at)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* The bytes at 'at', up to the next place; 'next' is the number of the first
 * lent piece that ends behind 'at'. */
static torpor_slice place_of(const torpor__pieces *pieces, size_t next,
                             size_t at) {
  const torpor__lent *lent = &pieces->lent[next];
  size_t own, before;
  if (next < pieces->count && at >= lent->at)
    return (torpor_slice){lent->data + (at - lent->at),
                          lent->at + lent->size - at};
  own = next < pieces->count ? lent->own : pieces->own.size;
  before = next < pieces->count ? lent->at : torpor__pieces_size(pieces);
  return (torpor_slice){pieces->own.data + own - (before - at), before - at};
}

void torpor__pieces_copy(const torpor__pieces *pieces, size_t at, size_t size,
                         uint8_t *to) {
  assert(at <= torpor__pieces_size(pieces) &&
         size <= torpor__pieces_size(pieces) - at);
  for (size_t next = find(pieces, at); size > 0;) {
    torpor_slice place = place_of(pieces, next, at);
    size_t part = place.size < size ? place.size : size;
    memcpy(to, place.data, part);
    to += part;
    at += part;
    size -= part;
    if (next < pieces->count &&
        at == pieces->lent[next].at + pieces->lent[next].size)
      next++;
  }
}

void torpor__pieces_free(torpor__pieces *pieces) {
  torpor__buffer_free(&pieces->own);
  torpor__alloc_free(pieces->lent);
  *pieces = (torpor__pieces){0};
}
