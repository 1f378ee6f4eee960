/* SPDX-License-Identifier: MIT */
/* check.c - asserts what region.h and the top comments say of the states of
 * memory, and that the system lets happen just that. In test builds only.
 *
 * The steps from one state to another are asserted where they are taken
 * (chunk.c, track.c, share.c, shadow.c).
 *
 * The region's thread. */
#include "wasm/region.h"

#ifdef TORPOR_TESTING

#include <assert.h>

/* ---- Records --------------------------------------------------------------*/

/* As the table in region.h has it. */
static void check_page_states(const torpor__region *region, uint32_t page) {
  bool shared = torpor__shadow_shares(region, page);
  if (shared) assert(torpor__page_access(region, page) == TORPOR__OS_READ);
  if (shared) assert(!torpor__shadow_at(region, page));
}

static void check_chunk(const torpor__region *region, uint32_t i) {
  const torpor__chunk *chunk = &region->chunks[i];
  if (!chunk->tracked) assert(!chunk->dirty);
  if (chunk->tracked) assert(torpor__chunk_is_committed(region, i));
  if (chunk->tracked && chunk->dirty != UINT16_MAX)
    assert(region->is_tracked || region->is_sharing);
  if (!torpor__shadow_shares_any(region, i)) return;
  assert(region->is_sharing);
  for (uint32_t page = i * CHUNK_PAGES; page < (i + 1) * CHUNK_PAGES; page++)
    check_page_states(region, page);
}

static void check_records(torpor__region *region) {
  uint64_t size = torpor__region_memory(region)->size;
  assert((uint64_t)region->chunk_end * TORPOR__CHUNK <= size);
  assert(region->mapped <= region->chunk_end);
  assert(!region->tracks_mapped || region->is_tracked);
  for (uint32_t i = 0; i < region->chunk_end; i++) check_chunk(region, i);
  assert(region->edges == torpor__edges_in(region, 0, region->chunk_end));
  if (region->shadow) torpor__shadow_check(region);
}

/* ---- The system's mappings ------------------------------------------------*/

typedef struct mapping_check {
  const torpor__region *region;
  uint64_t seen; /* pages */
} mapping_check;

/* Mapping [start, end), as far as it is that of memory. */
static void check_mapping(void *user, uintptr_t start, uintptr_t end,
                          torpor__os_access access) {
  mapping_check *check = user;
  const torpor__region *region = check->region;
  uintptr_t memory = (uintptr_t)torpor__region_bytes(region);
  uintptr_t last = memory + (uintptr_t)region->chunk_end * TORPOR__CHUNK;
  if (start < memory) start = memory;
  if (end > last) end = last;
  for (; start < end; start += TORPOR__PAGE, check->seen++) {
    uint32_t page = (uint32_t)((start - memory) / TORPOR__PAGE);
    assert(access == torpor__page_access(region, page));
  }
}

/* Each page lies in a mapping, where the system tells of them. */
static void check_mappings(const torpor__region *region) {
  mapping_check check = {.region = region};
  if (!torpor__os_mappings_each(check_mapping, &check)) return;
  assert(check.seen == (uint64_t)region->chunk_end * CHUNK_PAGES);
}

bool torpor__region_is_committed(const torpor__region *region,
                                 uint32_t address) {
  return torpor__chunk_is_committed(region, address / TORPOR__CHUNK);
}

void torpor__region_check(torpor__region *region, bool deep) {
  check_records(region);
  if (deep && !region->is_torn) check_mappings(region);
}

#else

typedef int torpor__no_region_checks; /* a file of C has something in it */

#endif
