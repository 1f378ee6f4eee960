/* SPDX-License-Identifier: MIT */
/* shadow.c - a region's pages as they were at one moment, the remembered state.
 *
 * A shadow is a second reservation, in which a page's copy lies where the page
 * lies in memory:
 *
 *     | a record for each chunk | copy of page 0 | copy of page 1 | ... |
 *
 * so that finding one costs an addition. Most are never there: a chunk of the
 * shadow becomes accessible when the first of its pages is copied. Where much
 * was written, copies of all would cost as much as it all: then pages are
 * *shared* with the memory, clean as they are, and copied when they are written
 * (copy on write).
 *
 *     the page is    it was, when remembered
 *     copied         its copy
 *     shared         what it is
 *     neither        what the region started from
 *
 *  (1) No page is both copied and shared; a shared one is clean (track.c).
 *  (2) What is forgotten is gone: its bytes are zero.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include <assert.h>
#include <string.h>

/* More copies than this are given back to the system, not cleared. */
#define CLEAR_PAGES 64u

struct record {
  uint16_t copied, shared; /* a bit for each page */
  bool committed;          /* its copies can be accessed */
};

struct torpor__shadow {
  uint32_t copied; /* pages */
  struct record chunks[CHUNK_COUNT];
};

#define COPIES_OFFSET ROUND_UP(sizeof(struct torpor__shadow), TORPOR__CHUNK)
#define SHADOW_SIZE (COPIES_OFFSET + MEMORY_RESERVED)

static uint8_t *find_copy(torpor__shadow *shadow, uint32_t page) {
  return (uint8_t *)shadow + COPIES_OFFSET + (size_t)page * TORPOR__PAGE;
}

bool torpor__shadow_open(torpor__region *region) {
  void *space;
  if (region->shadow) return true;
  space = torpor__os_reserve(SHADOW_SIZE);
  if (space == NULL) return false;
  if (!torpor__os_protect(space, COPIES_OFFSET, TORPOR__OS_WRITE)) {
    torpor__os_release(space, SHADOW_SIZE);
    return false;
  }
  region->shadow = space;
  return true;
}

static bool commit_chunk(torpor__shadow *shadow, uint32_t chunk) {
  struct record *record = &shadow->chunks[chunk];
  if (!record->committed)
    record->committed =
        torpor__os_protect(find_copy(shadow, chunk * CHUNK_PAGES),
                           TORPOR__CHUNK, TORPOR__OS_WRITE);
  return record->committed;
}

uint8_t *torpor__shadow_at(const torpor__region *region, uint32_t page) {
  torpor__shadow *shadow = region->shadow;
  if (!shadow ||
      !(shadow->chunks[page / CHUNK_PAGES].copied & torpor__page_bit(page)))
    return NULL;
  return find_copy(shadow, page);
}

uint8_t *torpor__shadow_make_room(torpor__region *region, uint32_t page) {
  struct record *record;
  if (!torpor__shadow_open(region) ||
      !commit_chunk(region->shadow, page / CHUNK_PAGES))
    return NULL;
  record = &region->shadow->chunks[page / CHUNK_PAGES];
  if (!(record->copied & torpor__page_bit(page))) region->shadow->copied++;
  record->copied |= torpor__page_bit(page);
  return find_copy(region->shadow, page);
}

/* ---- Shared pages ---------------------------------------------------------*/

bool torpor__shadow_shares(const torpor__region *region, uint32_t page) {
  const torpor__shadow *shadow = region->shadow;
  return shadow &&
         shadow->chunks[page / CHUNK_PAGES].shared & torpor__page_bit(page);
}

bool torpor__shadow_shares_any(const torpor__region *region, uint32_t chunk) {
  return region->shadow && region->shadow->chunks[chunk].shared;
}

/* The last copy of a chunk is gone: its memory goes back to the system. */
static void give_back(torpor__shadow *shadow, uint32_t chunk) {
  uint8_t *copies = find_copy(shadow, chunk * CHUNK_PAGES);
  if (!torpor__os_discard(copies, TORPOR__CHUNK))
    memset(copies, 0, TORPOR__CHUNK);
}

void torpor__shadow_share(torpor__region *region, uint32_t page) {
  torpor__shadow *shadow = region->shadow;
  struct record *record = &shadow->chunks[page / CHUNK_PAGES];
  uint16_t bit = torpor__page_bit(page);
  assert(torpor__page_access(region, page) == TORPOR__OS_READ);
  record->shared |= bit;
  if (!(record->copied & bit)) return;
  record->copied &= (uint16_t)~bit;
  shadow->copied--;
  if (record->copied == 0) give_back(shadow, page / CHUNK_PAGES);
}

bool torpor__shadow_unshare_page(torpor__region *region, uint32_t page) {
  uint8_t *copy;
  if (!torpor__shadow_shares(region, page)) return true;
  copy = torpor__shadow_make_room(region, page);
  if (!copy) return false;
  memcpy(copy, torpor__page_bytes(region, page), TORPOR__PAGE);
  region->shadow->chunks[page / CHUNK_PAGES].shared &=
      (uint16_t)~torpor__page_bit(page);
  return true;
}

bool torpor__shadow_unshare_chunk(torpor__region *region, uint32_t chunk) {
  for (uint32_t i = 0; i < CHUNK_PAGES; i++)
    if (!torpor__shadow_unshare_page(region, chunk * CHUNK_PAGES + i))
      return false;
  return true;
}

/* ---- Forgetting -----------------------------------------------------------*/

void torpor__shadow_end_shares(torpor__region *region, uint32_t chunk) {
  region->shadow->chunks[chunk].shared = 0;
}

static void clear_chunk(torpor__shadow *shadow, uint32_t chunk) {
  struct record *record = &shadow->chunks[chunk];
  for (uint32_t i = 0; i < CHUNK_PAGES; i++)
    if (record->copied >> i & 1)
      memset(find_copy(shadow, chunk * CHUNK_PAGES + i), 0, TORPOR__PAGE);
  record->copied = 0;
}

void torpor__shadow_close(torpor__region *region) {
  if (region->shadow) torpor__os_release(region->shadow, SHADOW_SIZE);
  region->shadow = NULL;
}

void torpor__shadow_clear(torpor__region *region) {
  torpor__shadow *shadow = region->shadow;
  if (!shadow) return;
  if (region->chunk_end > CLEAR_PAGES || shadow->copied > CLEAR_PAGES) {
    torpor__shadow_close(region);
    return;
  }
  for (uint32_t chunk = 0; chunk < region->chunk_end; chunk++) {
    if (shadow->chunks[chunk].copied) clear_chunk(shadow, chunk);
    shadow->chunks[chunk].shared = 0;
  }
  shadow->copied = 0;
}

#ifdef TORPOR_TESTING
void torpor__shadow_check(const torpor__region *region) {
  const torpor__shadow *shadow = region->shadow;
  uint32_t copied = 0;
  for (uint32_t i = 0; i < region->chunk_end; i++) {
    const struct record *record = &shadow->chunks[i];
    assert(!(record->copied & record->shared));
    assert(!record->copied || record->committed);
    copied += (uint32_t)__builtin_popcount(record->copied);
  }
  assert(copied == shadow->copied);
}
#endif
