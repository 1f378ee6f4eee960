/* SPDX-License-Identifier: MIT */
/* alloc.h - the host's heap: malloc, realloc and free, which a test can make
 * fail. Blocks are those of malloc: what one gives out the other may free. */
#ifndef TORPOR_COMMON_ALLOC_H
#define TORPOR_COMMON_ALLOC_H

#include <stddef.h>

void *torpor__alloc(size_t size);
void *torpor__alloc_resize(void *block, size_t size);
void torpor__alloc_free(void *block);
#ifdef TORPOR_TESTING
/* The allocation after the next 'after' fails, and all later ones; negative:
 * none. Counts those made since. For this thread. */
void torpor__alloc_fail(long after);
long torpor__alloc_count(void);
/* Blocks that were not freed yet, of all threads. */
long torpor__alloc_live(void);
#endif

#endif
