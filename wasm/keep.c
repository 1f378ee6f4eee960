/* SPDX-License-Identifier: MIT */
/* keep.c - keeping pages as they are for the remembered state, and forgetting
 * that state (shadow.c).
 *
 * A page that is kept is sealed alone: that may split the system's mappings, so
 * only some regions do it at once.
 *
 * The region's thread. */
#include "wasm/region.h"

/* Regions with kept pages, at most. */
#define KEPT_MAX 60u

static _Atomic unsigned kept_regions;

static bool count_kept(torpor__region *region) {
#ifndef TORPOR_SOFT_BOUNDS
  if (!region->is_kept)
    region->is_kept = torpor__count_in(&kept_regions, KEPT_MAX);
#endif
  return region->is_kept;
}

void torpor__keep_end(torpor__region *region) {
  if (region->is_kept) atomic_fetch_sub(&kept_regions, 1);
  region->is_kept = false;
}

/* Notes that 'page' is sealed, whatever its chunk is. */
static void note_sealed(torpor__region *region, uint32_t page) {
  torpor__chunk *chunk = &region->chunks[page / CHUNK_PAGES];
  if (!chunk->sealed) chunk->open = UINT16_MAX;
  chunk->sealed = true;
  chunk->open &= (uint16_t)~torpor__page_bit(page);
}

bool torpor__region_keep(torpor__region *region, uint32_t start, uint32_t end) {
  uint32_t first = start / TORPOR__CHUNK, before;
  uint32_t last =
      (uint32_t)(ROUND_UP((uint64_t)end, TORPOR__CHUNK) / TORPOR__CHUNK);
  if ((start | end) % torpor__system_page() != 0 ||
      torpor__mappings_are_scarce() || !count_kept(region) ||
      !torpor__shadow_open(region))
    return false;
  if (!torpor__os_protect(torpor__region_bytes(region) + start, end - start,
                          TORPOR__OS_READ))
    return false;
  before = torpor__edges_in(region, first, last);
  region->opened = 0;
  for (uint32_t page = start / TORPOR__PAGE; page < end / TORPOR__PAGE;
       page++) {
    note_sealed(region, page);
    torpor__shadow_keep(region, page);
  }
  torpor__edges_changed(region, before, first, last);
  return true;
}

bool torpor__region_let_go(torpor__region *region) {
  torpor__keep_end(region);
  for (uint32_t i = 0; i < region->chunk_end; i++) {
    uint32_t before;
    if (!torpor__shadow_keeps_any(region, i)) continue;
    before = torpor__edges_in(region, i, i + 1);
    if (!torpor__chunk_protect(region, i, i + 1, TORPOR__OS_WRITE))
      return false;
    region->chunks[i].sealed = false;
    region->chunks[i].open = 0;
    torpor__edges_changed(region, before, i, i + 1);
  }
  return true;
}

bool torpor__shadow_forget(torpor__region *region) {
  if (!region->shadow) return true;
  if (!torpor__region_let_go(region)) return false;
  torpor__shadow_clear(region);
  return true;
}
