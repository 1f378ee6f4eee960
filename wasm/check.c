/* SPDX-License-Identifier: MIT */
/* check.c - asserts what the top comments say of a region's records, and that
 * the system lets happen just what they say. In test builds only.
 *
 * The region's thread. */
#include "wasm/region.h"

#ifdef TORPOR_TESTING

#include <assert.h>

/* ---- Records --------------------------------------------------------------*/

static void check_chunk(const torpor__region *region, uint32_t i) {
  const torpor__chunk *chunk = &region->chunks[i];
  if (!chunk->sealed) assert(!chunk->open);
  if (chunk->sealed) assert(torpor__chunk_is_committed(region, i));
  if (!torpor__shadow_keeps_any(region, i)) return;
  for (uint32_t page = i * CHUNK_PAGES; page < (i + 1) * CHUNK_PAGES; page++)
    if (torpor__shadow_keeps(region, page))
      assert(chunk->sealed && !torpor__page_is_open(region, page));
}

static void check_records(torpor__region *region) {
  uint64_t size = torpor__region_memory(region)->size;
  assert((uint64_t)region->chunk_end * TORPOR__CHUNK <= size);
  assert(region->mapped <= region->chunk_end);
  assert(!region->noted || region->is_counted);
  assert(region->edges == torpor__edges_in(region, 0, region->chunk_end));
  for (uint32_t i = 0; i < region->chunk_end; i++) check_chunk(region, i);
  if (region->shadow) torpor__shadow_check(region);
}

/* ---- The system's mappings ------------------------------------------------*/

static void check_page(const torpor__region *region, uint32_t page,
                       torpor__os_access access) {
  torpor__os_access expected = TORPOR__OS_NONE;
  if (torpor__chunk_is_committed(region, page / CHUNK_PAGES))
    expected =
        torpor__page_is_open(region, page) ? TORPOR__OS_WRITE : TORPOR__OS_READ;
  assert(access == expected);
}

/* Mapping [start, end), as far as it is that of memory. */
static void check_mapping(void *user, uintptr_t start, uintptr_t end,
                          torpor__os_access access) {
  const torpor__region *region = user;
  uintptr_t memory = (uintptr_t)torpor__region_bytes(region);
  uintptr_t last = memory + (uintptr_t)region->chunk_end * TORPOR__CHUNK;
  if (start < memory) start = memory;
  if (end > last) end = last;
  for (; start < end; start += TORPOR__PAGE)
    check_page(region, (uint32_t)((start - memory) / TORPOR__PAGE), access);
}

bool torpor__region_is_committed(const torpor__region *region,
                                 uint32_t address) {
  return torpor__chunk_is_committed(region, address / TORPOR__CHUNK);
}

void torpor__region_check(torpor__region *region, bool deep) {
  check_records(region);
  if (deep) torpor__os_mappings_each(check_mapping, region);
}

#else

typedef int torpor__no_region_checks; /* a file of C has something in it */

#endif
