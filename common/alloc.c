/* SPDX-License-Identifier: MIT */
/* alloc.c - the host's heap. See alloc.h.
 *
 * malloc and free with one difference: where TORPOR_TESTING is defined, a test
 * can make the n-th allocation of a thread fail, and so visit every failure
 * one by one. Blocks are those of malloc: what one gives out the other may
 * free. */
#include "common/alloc.h"

#include <stdbool.h>
#include <stdlib.h>

#ifdef TORPOR_TESTING
static _Thread_local long allocations_left = -1;
static _Thread_local long allocations_made;
static _Atomic long allocations_live;

static bool must_fail(void) {
  if (allocations_left == 0) return true;
  if (allocations_left > 0) allocations_left--;
  allocations_made++;
  return false;
}

static void note_live(long change) {
  allocations_live += change;
}

void torpor__alloc_fail(long after) {
  allocations_left = after < 0 ? -1 : after;
  allocations_made = 0;
}

long torpor__alloc_count(void) {
  return allocations_made;
}

long torpor__alloc_live(void) {
  return allocations_live;
}
#else
static inline bool must_fail(void) {
  return false;
}

static inline void note_live(long change) {
  (void)change;
}
#endif

void *torpor__alloc(size_t size) {
  void *block = must_fail() ? NULL : malloc(size ? size : 1);
  if (block) note_live(1);
  return block;
}

void *torpor__alloc_resize(void *block, size_t size) {
  void *larger = must_fail() ? NULL : realloc(block, size ? size : 1);
  if (larger && !block) note_live(1);
  return larger;
}

void torpor__alloc_free(void *block) {
  if (block) note_live(-1);
  free(block);
}
