/* SPDX-License-Identifier: MIT */
/* track.c - which pages of a region's memory were written since tracking began.
 *
 * Tracking makes committed chunks read-only: their pages are clean. The first
 * write to one is a fault, at which it becomes writable and dirty. So whoever
 * uses a region again and again pays for the pages that are really written, not
 * for all. A page that is shared (shadow.c) is copied before.
 *
 * Every dirty page between clean ones takes two mappings of the system's more.
 * So not every region is tracked; in one that has made many pages dirty, whole
 * chunks become untracked from then on; and where mappings are scarce
 * (mappings.c) all chunks around at once.
 *
 *  (1) A page that becomes writable is clean; one that becomes clean is
 *      committed.
 *  (2) A page is not shared any more when it is writable.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include <assert.h>

/* The regions beyond these are as they would be without tracking. */
#define TRACKED_MAX 300u
/* Pages that become dirty one by one since the last tracking. */
#define DIRTY_SINGLY 128u

static _Atomic unsigned tracked_regions;

bool torpor__track_start(torpor__region *region) {
#ifndef TORPOR_SOFT_BOUNDS
  if (!region->is_tracked)
    region->is_tracked = torpor__count_in(&tracked_regions, TRACKED_MAX);
#endif
  return region->is_tracked;
}

void torpor__track_end(torpor__region *region) {
  if (region->is_tracked) atomic_fetch_sub(&tracked_regions, 1);
  region->is_tracked = false;
}

/* ---- Making writable ------------------------------------------------------*/

/* All pages of chunks [first, end): fewer mappings. */
static bool untrack_chunks(torpor__region *region, uint32_t first,
                           uint32_t end) {
  uint32_t before = torpor__edges_in(region, first, end);
  for (uint32_t i = first; i < end; i++)
    if (!torpor__shadow_unshare_chunk(region, i)) return false;
  if (!torpor__chunk_change(region, first, end, TORPOR__OS_WRITE)) return false;
  for (uint32_t i = first; i < end; i++) {
    region->chunks[i].tracked = false;
    region->chunks[i].dirty = 0;
  }
  torpor__edges_changed(region, before, first, end);
  return true;
}

static bool untrack_chunk(torpor__region *region, uint32_t chunk) {
  return untrack_chunks(region, chunk, chunk + 1);
}

/* All around 'chunk' that is accessible, but what would have to be copied. */
static bool untrack_widely(torpor__region *region, uint32_t chunk) {
  uint32_t first = chunk, end = chunk + 1;
  if (region->is_sharing) return untrack_chunk(region, chunk);
  while (first > 0 && torpor__chunk_is_committed(region, first - 1)) first--;
  end = torpor__chunk_find(region, end, region->chunk_end, false);
  return untrack_chunks(region, first, end);
}

bool torpor__page_make_writable(torpor__region *region, uint32_t page) {
  uint32_t chunk = page / CHUNK_PAGES, before;
  assert(torpor__page_access(region, page) == TORPOR__OS_READ);
  if (torpor__mappings_are_scarce()) return untrack_widely(region, chunk);
  if (region->dirtied >= DIRTY_SINGLY || !torpor__pages_are_single())
    return untrack_chunk(region, chunk);
  region->dirtied++;
  if (!torpor__shadow_unshare_page(region, page)) return false;
  if (!torpor__os_protect(torpor__page_bytes(region, page), TORPOR__PAGE,
                          TORPOR__OS_WRITE))
    return untrack_chunk(region, chunk);
  before = torpor__edges_in(region, chunk, chunk + 1);
  region->chunks[chunk].dirty |= torpor__page_bit(page);
  torpor__edges_changed(region, before, chunk, chunk + 1);
  return true;
}

/* ---- Making clean ---------------------------------------------------------*/

bool torpor__track_chunks(torpor__region *region, uint32_t first,
                          uint32_t end) {
  uint32_t before = torpor__edges_in(region, first, end);
  assert(torpor__chunk_find(region, first, end, false) == end);
  if (!torpor__chunk_change(region, first, end, TORPOR__OS_READ)) return false;
  for (uint32_t i = first; i < end; i++) {
    region->chunks[i].tracked = true;
    region->chunks[i].dirty = 0;
  }
  torpor__edges_changed(region, before, first, end);
  return true;
}

static bool is_to_track(const torpor__region *region, uint32_t i, bool anew) {
  const torpor__chunk *chunk = &region->chunks[i];
  return torpor__chunk_is_committed(region, i) &&
         (!chunk->tracked || (anew && chunk->dirty));
}

void torpor__region_track(torpor__region *region, bool anew) {
  uint32_t first = 0, end;
  if (!torpor__track_start(region)) return;
  region->dirtied = 0;
  for (; first < region->chunk_end; first = end + 1) {
    for (end = first; end < region->chunk_end; end++)
      if (!is_to_track(region, end, anew)) break;
    if (first < end && !torpor__track_chunks(region, first, end)) return;
  }
}
