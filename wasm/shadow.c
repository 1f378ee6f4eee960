/* SPDX-License-Identifier: MIT */
/* shadow.c - copies of a region's pages as they were at one moment.
 *
 * A shadow is a second reservation, in which a page's copy lies where the page
 * lies in memory:
 *
 *     | a record for each chunk | copy of page 0 | copy of page 1 | ... |
 *
 * so that finding one costs an addition. Most are never there: a chunk of the
 * shadow becomes accessible when the first of its pages is held.
 *
 *  (1) A page has a copy if its held bit is set.
 *  (2) What a forgotten copy held is gone: its bytes are zero.
 *
 * Belongs to its region's thread. */
#include "wasm/region.h"

#include <string.h>
#include <sys/mman.h>

/* More copies than this are given back to the system, not cleared. */
#define CLEAR_PAGES 64u

struct torpor__shadow_chunk {
  uint16_t held; /* a bit for each page */
  bool open;     /* its copies can be accessed */
};

struct torpor__shadow {
  uint32_t chunk_end; /* no chunk from here on is open */
  uint32_t held;      /* pages */
  struct torpor__shadow_chunk chunks[CHUNK_COUNT];
};

#define COPIES_OFFSET ROUND_UP(sizeof(struct torpor__shadow), TORPOR__PAGE)
#define SHADOW_SIZE (COPIES_OFFSET + MEMORY_RESERVED)

static uint8_t *find_copy(torpor__shadow *shadow, uint32_t page) {
  return (uint8_t *)shadow + COPIES_OFFSET + (size_t)page * TORPOR__PAGE;
}

static torpor__shadow *open_shadow(void) {
  void *space = mmap(NULL, SHADOW_SIZE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return NULL;
  if (mprotect(space, COPIES_OFFSET, PROT_READ | PROT_WRITE) != 0) {
    munmap(space, SHADOW_SIZE);
    return NULL;
  }
  return space;
}

static bool open_chunk(torpor__shadow *shadow, uint32_t chunk) {
  struct torpor__shadow_chunk *record = &shadow->chunks[chunk];
  if (record->open) return true;
  if (mprotect(find_copy(shadow, chunk * CHUNK_PAGES), TORPOR__CHUNK,
               PROT_READ | PROT_WRITE) != 0)
    return false;
  record->open = true;
  if (chunk >= shadow->chunk_end) shadow->chunk_end = chunk + 1;
  return true;
}

uint8_t *torpor__shadow_at(const torpor__region *region, uint32_t page) {
  torpor__shadow *shadow = region->shadow;
  if (!shadow || page / CHUNK_PAGES >= shadow->chunk_end) return NULL;
  if (!(shadow->chunks[page / CHUNK_PAGES].held >> page % CHUNK_PAGES & 1))
    return NULL;
  return find_copy(shadow, page);
}

uint8_t *torpor__shadow_hold(torpor__region *region, uint32_t page) {
  struct torpor__shadow_chunk *record;
  uint16_t bit = (uint16_t)(1u << page % CHUNK_PAGES);
  if (!region->shadow) region->shadow = open_shadow();
  if (!region->shadow || !open_chunk(region->shadow, page / CHUNK_PAGES))
    return NULL;
  record = &region->shadow->chunks[page / CHUNK_PAGES];
  if (!(record->held & bit)) region->shadow->held++;
  record->held |= bit;
  return find_copy(region->shadow, page);
}

static void clear_chunk(torpor__shadow *shadow, uint32_t chunk) {
  struct torpor__shadow_chunk *record = &shadow->chunks[chunk];
  for (uint32_t i = 0; i < CHUNK_PAGES; i++)
    if (record->held >> i & 1)
      memset(find_copy(shadow, chunk * CHUNK_PAGES + i), 0, TORPOR__PAGE);
  record->held = 0;
}

void torpor__shadow_forget(torpor__region *region) {
  torpor__shadow *shadow = region->shadow;
  if (!shadow || shadow->held == 0) return;
  if (shadow->held > CLEAR_PAGES) {
    torpor__shadow_close(region);
    return;
  }
  for (uint32_t chunk = 0; chunk < shadow->chunk_end; chunk++)
    if (shadow->chunks[chunk].held) clear_chunk(shadow, chunk);
  shadow->held = 0;
}

void torpor__shadow_close(torpor__region *region) {
  if (region->shadow) munmap(region->shadow, SHADOW_SIZE);
  region->shadow = NULL;
}
