/* SPDX-License-Identifier: MIT */
/* share.c - sharing pages with the shadow: they are what is remembered of them,
 * until they are written; and forgetting what is remembered (shadow.c).
 *
 * A page that is shared becomes clean, alone: that may split the system's
 * mappings, so only some regions do it at a time.
 *
 *  (1) A page that becomes shared is committed, and clean then.
 *
 * The region's thread. */
#include "wasm/region.h"

#include <assert.h>

/* Regions that share pages, at most. */
#define SHARING_MAX 60u

static _Atomic unsigned sharing_regions;

static bool count_sharing(torpor__region *region) {
#ifndef TORPOR_SOFT_BOUNDS
  if (!region->is_sharing)
    region->is_sharing = torpor__count_in(&sharing_regions, SHARING_MAX);
#endif
  return region->is_sharing;
}

void torpor__share_end(torpor__region *region) {
  if (region->is_sharing) atomic_fetch_sub(&sharing_regions, 1);
  region->is_sharing = false;
}

/* Notes that 'page' is clean, whatever its chunk is. */
static void note_clean(torpor__region *region, uint32_t page) {
  torpor__chunk *chunk = &region->chunks[page / CHUNK_PAGES];
  assert(torpor__chunk_is_committed(region, page / CHUNK_PAGES));
  if (!chunk->tracked) chunk->dirty = UINT16_MAX;
  chunk->tracked = true;
  chunk->dirty &= (uint16_t)~torpor__page_bit(page);
}

bool torpor__region_share(torpor__region *region, uint32_t start,
                          uint32_t end) {
  uint32_t first = start / TORPOR__CHUNK, before;
  uint32_t last =
      (uint32_t)(ROUND_UP((uint64_t)end, TORPOR__CHUNK) / TORPOR__CHUNK);
  if ((start | end) % torpor__system_page() != 0 ||
      torpor__mappings_are_scarce() || !torpor__shadow_open(region) ||
      !count_sharing(region))
    return false;
  if (!torpor__os_protect(torpor__region_bytes(region) + start, end - start,
                          TORPOR__OS_READ)) {
    torpor__chunk_repair(region, first, last);
    return false;
  }
  before = torpor__edges_in(region, first, last);
  region->dirtied = 0;
  for (uint32_t page = start / TORPOR__PAGE; page < end / TORPOR__PAGE;
       page++) {
    note_clean(region, page);
    torpor__shadow_share(region, page);
  }
  torpor__edges_changed(region, before, first, last);
  return true;
}

/* Ends all sharing: the pages count as written. false: the system refused, and
 * some are shared still. */
static bool unshare(torpor__region *region) {
  for (uint32_t i = 0; i < region->chunk_end; i++) {
    uint32_t before;
    if (!torpor__shadow_shares_any(region, i)) continue;
    before = torpor__edges_in(region, i, i + 1);
    if (!torpor__chunk_change(region, i, i + 1, TORPOR__OS_WRITE)) return false;
    region->chunks[i].tracked = false;
    region->chunks[i].dirty = 0;
    torpor__shadow_end_shares(region, i);
    torpor__edges_changed(region, before, i, i + 1);
  }
  return true;
}

bool torpor__region_forget(torpor__region *region) {
  if (!region->shadow) return true;
  if (!unshare(region)) return false;
  torpor__share_end(region); /* not before: written.c passes over chunks then */
  torpor__shadow_clear(region);
  return true;
}
