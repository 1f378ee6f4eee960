/* SPDX-License-Identifier: MIT */
/* shadow.c - a region's pages as they were at one moment, the remembered state.
 *
 * A shadow is a second reservation, in which a page's copy lies where the page
 * lies in memory:
 *
 *     | a record for each chunk | copy of page 0 | copy of page 1 | ... |
 *
 * so that finding one costs an addition. Most are never there: a chunk of the
 * shadow becomes accessible when the first of its pages is held. Where much was
 * written, copies of all would cost as much as it all: such pages are *kept*,
 * sealed as they are, and copied when they are written.
 *
 *     page      was, when remembered
 *     held      its copy
 *     kept      what it is
 *     neither   what its owner started from
 *
 *  (1) No page is both held and kept; a kept one cannot be written (seal.c).
 *  (2) What is forgotten is gone: its bytes are zero.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include <assert.h>
#include <string.h>

/* More copies than this are given back to the system, not cleared. */
#define CLEAR_PAGES 64u

struct record {
  uint16_t held, kept; /* a bit for each page */
  bool open;           /* its copies can be accessed */
};

struct torpor__shadow {
  uint32_t held; /* pages */
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

static bool open_chunk(torpor__shadow *shadow, uint32_t chunk) {
  struct record *record = &shadow->chunks[chunk];
  if (!record->open)
    record->open = torpor__os_protect(find_copy(shadow, chunk * CHUNK_PAGES),
                                      TORPOR__CHUNK, TORPOR__OS_WRITE);
  return record->open;
}

uint8_t *torpor__shadow_at(const torpor__region *region, uint32_t page) {
  torpor__shadow *shadow = region->shadow;
  if (!shadow ||
      !(shadow->chunks[page / CHUNK_PAGES].held & torpor__page_bit(page)))
    return NULL;
  return find_copy(shadow, page);
}

uint8_t *torpor__shadow_hold(torpor__region *region, uint32_t page) {
  struct record *record;
  if (!torpor__shadow_open(region) ||
      !open_chunk(region->shadow, page / CHUNK_PAGES))
    return NULL;
  record = &region->shadow->chunks[page / CHUNK_PAGES];
  if (!(record->held & torpor__page_bit(page))) region->shadow->held++;
  record->held |= torpor__page_bit(page);
  return find_copy(region->shadow, page);
}

/* ---- Kept pages -----------------------------------------------------------*/

bool torpor__shadow_keeps(const torpor__region *region, uint32_t page) {
  const torpor__shadow *shadow = region->shadow;
  return shadow &&
         shadow->chunks[page / CHUNK_PAGES].kept & torpor__page_bit(page);
}

bool torpor__shadow_keeps_any(const torpor__region *region, uint32_t chunk) {
  return region->shadow && region->shadow->chunks[chunk].kept;
}

/* The last copy of a chunk is gone: its memory goes back to the system. */
static void give_back(torpor__shadow *shadow, uint32_t chunk) {
  uint8_t *copies = find_copy(shadow, chunk * CHUNK_PAGES);
  if (!torpor__os_discard(copies, TORPOR__CHUNK))
    memset(copies, 0, TORPOR__CHUNK);
}

void torpor__shadow_keep(torpor__region *region, uint32_t page) {
  torpor__shadow *shadow = region->shadow;
  struct record *record = &shadow->chunks[page / CHUNK_PAGES];
  uint16_t bit = torpor__page_bit(page);
  record->kept |= bit;
  if (!(record->held & bit)) return;
  record->held &= (uint16_t)~bit;
  shadow->held--;
  if (record->held == 0) give_back(shadow, page / CHUNK_PAGES);
}

bool torpor__shadow_save_page(torpor__region *region, uint32_t page) {
  uint8_t *copy;
  if (!torpor__shadow_keeps(region, page)) return true;
  copy = torpor__shadow_hold(region, page);
  if (!copy) return false;
  memcpy(copy, torpor__region_bytes(region) + (size_t)page * TORPOR__PAGE,
         TORPOR__PAGE);
  region->shadow->chunks[page / CHUNK_PAGES].kept &=
      (uint16_t)~torpor__page_bit(page);
  return true;
}

bool torpor__shadow_save_chunk(torpor__region *region, uint32_t chunk) {
  for (uint32_t i = 0; i < CHUNK_PAGES; i++)
    if (!torpor__shadow_save_page(region, chunk * CHUNK_PAGES + i))
      return false;
  return true;
}

/* ---- Forgetting -----------------------------------------------------------*/

/* ---- Forgetting -----------------------------------------------------------*/

static void clear_chunk(torpor__shadow *shadow, uint32_t chunk) {
  struct record *record = &shadow->chunks[chunk];
  for (uint32_t i = 0; i < CHUNK_PAGES; i++)
    if (record->held >> i & 1)
      memset(find_copy(shadow, chunk * CHUNK_PAGES + i), 0, TORPOR__PAGE);
  record->held = 0;
}

void torpor__shadow_close(torpor__region *region) {
  if (region->shadow) torpor__os_release(region->shadow, SHADOW_SIZE);
  region->shadow = NULL;
}

void torpor__shadow_clear(torpor__region *region) {
  torpor__shadow *shadow = region->shadow;
  if (!shadow) return;
  if (region->chunk_end > CLEAR_PAGES || shadow->held > CLEAR_PAGES) {
    torpor__shadow_close(region);
    return;
  }
  for (uint32_t chunk = 0; chunk < region->chunk_end; chunk++) {
    if (shadow->chunks[chunk].held) clear_chunk(shadow, chunk);
    shadow->chunks[chunk].kept = 0;
  }
  shadow->held = 0;
}

#ifdef TORPOR_TESTING
void torpor__shadow_check(const torpor__region *region) {
  const torpor__shadow *shadow = region->shadow;
  uint32_t held = 0;
  for (uint32_t i = 0; i < region->chunk_end; i++) {
    const struct record *record = &shadow->chunks[i];
    assert(!(record->held & record->kept));
    assert(!record->held || record->open);
    held += (uint32_t)__builtin_popcount(record->held);
  }
  assert(held == shadow->held);
}
#endif
