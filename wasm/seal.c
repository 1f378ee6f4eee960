/* SPDX-License-Identifier: MIT */
/* seal.c - which pages of a region's memory were written.
 *
 * Sealing makes committed chunks read-only; a page of theirs is let in for
 * writing when that is tried first, and is open from then on. So whoever uses a
 * region again and again pays for the pages that are really written, not for
 * all. A page that is kept (shadow.c) is copied before it is opened.
 *
 * Every open page among sealed ones is two mappings more for the system. So not
 * every region is sealed, one that opens many pages opens whole chunks from
 * then on, and where mappings are scarce (mappings.c) everything at once.
 *
 *  (1) A page of a sealed chunk whose open bit is clear cannot be written.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include <assert.h>

/* The regions beyond these are as they would be without sealing. */
#define SEALED_MAX 300u
/* Pages that are opened one by one since the last sealing. */
#define OPEN_SINGLY 128u

static _Atomic unsigned sealed_regions;

bool torpor__seal_start(torpor__region *region) {
#ifndef TORPOR_SOFT_BOUNDS
  if (!region->is_counted)
    region->is_counted = torpor__count_in(&sealed_regions, SEALED_MAX);
#endif
  return region->is_counted;
}

void torpor__seal_end(torpor__region *region) {
  if (region->is_counted) atomic_fetch_sub(&sealed_regions, 1);
  region->is_counted = false;
}

/* ---- Opening --------------------------------------------------------------*/

/* Lets writes into all of chunks [first, end): fewer mappings. */
static bool open_chunks(torpor__region *region, uint32_t first, uint32_t end) {
  uint32_t before = torpor__edges_in(region, first, end);
  for (uint32_t i = first; i < end; i++)
    if (!torpor__shadow_save_chunk(region, i)) return false;
  if (!torpor__chunk_protect(region, first, end, TORPOR__OS_WRITE))
    return false;
  for (uint32_t i = first; i < end; i++) {
    region->chunks[i].sealed = false;
    region->chunks[i].open = 0;
  }
  torpor__edges_changed(region, before, first, end);
  return true;
}

static bool open_chunk(torpor__region *region, uint32_t chunk) {
  return open_chunks(region, chunk, chunk + 1);
}

/* All around 'chunk' that is accessible, but what would have to be copied. */
static bool open_widely(torpor__region *region, uint32_t chunk) {
  uint32_t first = chunk, end = chunk + 1;
  if (region->is_kept) return open_chunk(region, chunk);
  while (first > 0 && torpor__chunk_is_committed(region, first - 1)) first--;
  end = torpor__chunk_find(region, end, region->chunk_end, false);
  return open_chunks(region, first, end);
}

static bool protect_page(torpor__region *region, uint32_t page,
                         torpor__os_access access) {
  assert(torpor__pages_are_single());
  return torpor__os_protect(torpor__region_bytes(region) +
                                (size_t)page * TORPOR__PAGE,
                            TORPOR__PAGE, access);
}

bool torpor__page_open(torpor__region *region, uint32_t page) {
  uint32_t chunk = page / CHUNK_PAGES, before;
  if (torpor__mappings_are_scarce()) return open_widely(region, chunk);
  if (region->opened >= OPEN_SINGLY || !torpor__pages_are_single())
    return open_chunk(region, chunk);
  region->opened++;
  if (!torpor__shadow_save_page(region, page)) return false;
  if (!protect_page(region, page, TORPOR__OS_WRITE))
    return open_chunk(region, chunk);
  before = torpor__edges_in(region, chunk, chunk + 1);
  region->chunks[chunk].open |= torpor__page_bit(page);
  torpor__edges_changed(region, before, chunk, chunk + 1);
  return true;
}

/* ---- Sealing --------------------------------------------------------------*/

bool torpor__seal_chunks(torpor__region *region, uint32_t first, uint32_t end) {
  uint32_t before = torpor__edges_in(region, first, end);
  if (!torpor__chunk_protect(region, first, end, TORPOR__OS_READ)) return false;
  for (uint32_t i = first; i < end; i++) {
    region->chunks[i].sealed = true;
    region->chunks[i].open = 0;
  }
  torpor__edges_changed(region, before, first, end);
  return true;
}

static bool is_to_seal(const torpor__region *region, uint32_t i, bool anew) {
  const torpor__chunk *chunk = &region->chunks[i];
  return torpor__chunk_is_committed(region, i) &&
         (!chunk->sealed || (anew && chunk->open));
}

void torpor__region_seal(torpor__region *region, bool anew) {
  uint32_t first = 0, end;
  if (!torpor__seal_start(region)) return;
  region->opened = 0;
  for (; first < region->chunk_end; first = end + 1) {
    for (end = first; end < region->chunk_end; end++)
      if (!is_to_seal(region, end, anew)) break;
    if (first < end && !torpor__seal_chunks(region, first, end)) return;
  }
}
