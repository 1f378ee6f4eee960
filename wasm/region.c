/* SPDX-License-Identifier: MIT */
/* region.c - address space for an instance and its memory: opening, size,
 * closing.
 *
 *     offset 0             OFFSET - 4096     OFFSET          + 4 GiB  + GUARD
 *     | region | records | instance (4096) | linear memory | guard   |
 *       read and write     read and write    by chunks       never
 *
 * OFFSET is TORPOR__MEMORY_OFFSET. All of it is reserved without access at
 * first; each chunk of memory has a record of its state (region.h). A region
 * that is closed gives its memory back to the system at once. The address space
 * of a few is kept as spare, since reserving costs more than using it again.
 *
 *  (1) A chunk that is reserved has no access, and is zero when it is
 *      committed.
 *  (2) No chunk at or beyond the memory's size is committed.
 *  (3) Nothing that was in a closed region is left when it is used again.
 *
 * A region belongs to one thread at a time; the spare ones are locked. */
#include "wasm/region.h"

#include <string.h>

#include "wasm/mutex.h"

#define SPARE_MAX 64

_Static_assert(TORPOR__MEMORY_DISTANCE % TORPOR__PAGE == 0,
               "memory begins at a page");

static struct {
  torpor__region *first;
  unsigned count;
} spare;

static torpor__region *find_region(torpor__wasm_memory *memory) {
  return (torpor__region *)((uint8_t *)memory - TORPOR__MEMORY_OFFSET +
                            TORPOR__MEMORY_DISTANCE);
}

/* ---- Size -----------------------------------------------------------------*/

static uint32_t cap_pages(uint32_t pages) {
  return pages < TORPOR__PAGES_MAX ? pages : TORPOR__PAGES_MAX;
}

bool torpor__region_set_pages(torpor__region *region, uint32_t pages,
                              uint32_t max_pages) {
  torpor__wasm_memory *memory = torpor__region_memory(region);
  pages = cap_pages(pages);
  uint64_t size = (uint64_t)pages * TORPOR__WASM_PAGE;
  uint32_t chunks = (uint32_t)(size / TORPOR__CHUNK);
  if (chunks < region->mapped) return false;
  if (!torpor__chunk_decommit(region, chunks, region->chunk_end)) return false;
#ifdef TORPOR_SOFT_BOUNDS
  if (!torpor__chunk_commit(region, 0, chunks)) return false;
#endif
  memory->max_pages = cap_pages(max_pages);
  memory->pages = pages;
  memory->size = size;
  return true;
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages) {
  uint32_t before = memory->pages;
  if (pages > memory->max_pages || before > memory->max_pages - pages)
    return UINT32_MAX;
  if (!torpor__region_set_pages(find_region(memory), before + pages,
                                memory->max_pages))
    return UINT32_MAX;
  return before;
}

/* ---- Opening and closing --------------------------------------------------*/

static torpor__region *reserve_region(void) {
  if (torpor__system_page() > TORPOR__CHUNK) return NULL;
  void *space = torpor__os_reserve(REGION_SIZE);
  if (space == NULL) return NULL;
  if (!torpor__os_protect(space, TORPOR__MEMORY_OFFSET, TORPOR__OS_WRITE)) {
    torpor__os_release(space, REGION_SIZE);
    return NULL;
  }
  torpor__mappings_open(space);
  return space;
}

static void unreserve_region(torpor__region *region) {
  torpor__mappings_close(region);
  torpor__os_release(region, REGION_SIZE);
}

static torpor__region *take_spare(void) {
  torpor__mutex_take(TORPOR__MUTEX_REGIONS);
  torpor__region *region = spare.first;
  if (region != NULL) {
    spare.first = region->next;
    spare.count--;
  }
  torpor__mutex_give(TORPOR__MUTEX_REGIONS);
  return region;
}

static bool keep_spare(torpor__region *region) {
  torpor__mutex_take(TORPOR__MUTEX_REGIONS);
  bool room = spare.count < SPARE_MAX;
  if (room) {
    region->next = spare.first;
    spare.first = region;
    spare.count++;
  }
  torpor__mutex_give(TORPOR__MUTEX_REGIONS);
  return room;
}

torpor__region *torpor__region_open(uint32_t pages, uint32_t max_pages) {
  if (!torpor__runtime_start()) return NULL;
  torpor__region *region = take_spare();
  if (region == NULL) region = reserve_region();
  if (region == NULL) return NULL;
  torpor__wasm_memory *memory = torpor__region_memory(region);
  memory->data = torpor__region_bytes(region);
  if (!torpor__region_set_pages(region, pages, max_pages)) {
    torpor__region_close(region);
    return NULL;
  }
  return region;
}

void torpor__region_close(torpor__region *region) {
  if (region == NULL) return;
  torpor__shadow_close(region);
  bool clean = torpor__region_unmap(region) &&
               torpor__chunk_decommit(region, 0, region->chunk_end);
  region->chunk_end = 0;
  clean = clean && !region->is_torn;
  region->dirtied = 0;
  torpor__share_end(region);
  torpor__track_end(region);
  memset(torpor__region_instance(region), 0, TORPOR__INSTANCE_MAX);
  if (!clean || !keep_spare(region)) unreserve_region(region);
}

void torpor__region_drain(void) {
  torpor__region *region;
  while ((region = take_spare()) != NULL) unreserve_region(region);
}
