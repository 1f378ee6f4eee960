/* SPDX-License-Identifier: MIT */
/* region.c - address space for an instance and its memory, committed lazily.
 *
 *     offset 0            HEADER - 4096        HEADER         + 4 GiB   + GUARD
 *     | region | chunks  | instance (4096)    | linear memory | guard   |
 *       read and write     read and write       by chunks       never
 *
 * The whole is reserved without access. Each chunk of memory has a record that
 * says whether it is accessible. Closing gives the bytes back to the system at
 * once and keeps only the address space, a few regions of it, since reserving
 * costs more than using again.
 *
 * The first part of memory may lie on a file, privately: its bytes are the
 * file's until they are written.
 *
 *  (1) A chunk that is not committed has no access, and its bytes are zero when
 *      it gets some.
 *  (2) No chunk at or beyond the memory's size is committed.
 *  (3) Nothing of a closed region's bytes is left when it is opened again.
 *
 * A region belongs to one thread at a time; the spare ones are locked. */
#include "wasm/region.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wasm/mutex.h"
#include "wasm/thread.h"

#define SPARE_MAX 64

_Static_assert(TORPOR__MEMORY_DISTANCE % TORPOR__PAGE == 0,
               "memory begins at a page");

static struct {
  torpor__region *first;
  unsigned count;
} spare;

/* ---- Pages of the system's ------------------------------------------------*/

static _Atomic uint32_t system_page;

#ifdef TORPOR_TESTING
void torpor__system_page_force(uint32_t size) {
  system_page = size;
}
#endif

/* Regions are opened after it is known: in a handler it is only read. */
uint32_t torpor__system_page(void) {
  uint32_t size = atomic_load_explicit(&system_page, memory_order_relaxed);
  if (size == 0) {
    size = (uint32_t)sysconf(_SC_PAGESIZE);
    system_page = size;
  }
  return size;
}

torpor__wasm_memory *torpor__region_memory(torpor__region *region) {
  return (torpor__wasm_memory *)((uint8_t *)region + INSTANCE_OFFSET);
}

void *torpor__region_instance(torpor__region *region) {
  return torpor__region_memory(region);
}

static torpor__region *find_region(torpor__wasm_memory *memory) {
  return (torpor__region *)((uint8_t *)memory - INSTANCE_OFFSET);
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

/* ---- Lying on a file ------------------------------------------------------*/

bool torpor__region_map(torpor__region *region, int file, uint64_t size,
                        bool noted) {
  assert(region->mapped == 0 && size % TORPOR__CHUNK == 0);
  if (size > torpor__region_memory(region)->size) return false;
  if (noted && !torpor__seal_start(region)) return false;
  if (mmap(torpor__region_bytes(region), (size_t)size, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, 0) == MAP_FAILED)
    return false;
  uint32_t end = (uint32_t)(size / TORPOR__CHUNK);
  uint32_t before = torpor__edges_in(region, 0, end);
  region->mapped = end;
  torpor__edges_changed(region, before, 0, end);
  if (region->chunk_end < region->mapped) region->chunk_end = region->mapped;
  region->noted = noted && torpor__seal_chunks(region, 0, region->mapped);
  return true;
}

static void clear_records(torpor__region *region) {
  for (uint32_t i = 0; i < region->mapped; i++)
    if (region->chunks[i].sealed) region->chunks[i] = (torpor__chunk){0};
}

bool torpor__region_reset(torpor__region *region) {
  size_t size = (size_t)region->mapped * TORPOR__CHUNK;
  uint32_t first = region->mapped;
  uint32_t before = torpor__edges_in(region, 0, first);
  assert(!region->noted);
  clear_records(region);
  torpor__edges_changed(region, before, 0, first);
  return torpor__chunk_protect(region, 0, first, PROT_READ | PROT_WRITE) &&
         madvise(torpor__region_bytes(region), size, MADV_DONTNEED) == 0 &&
         torpor__chunk_decommit(region, first, region->chunk_end);
}

void torpor__region_drop(torpor__region *region, uint32_t start, uint32_t end) {
  uint32_t page = torpor__system_page();
  start = (uint32_t)ROUND_UP((uint64_t)start, page);
  end = end / page * page;
  if (start < end)
    (void)madvise(torpor__region_bytes(region) + start, end - start,
                  MADV_DONTNEED);
}

static bool unmap(torpor__region *region) {
  size_t size = (size_t)region->mapped * TORPOR__CHUNK;
  uint32_t end = region->mapped, before = torpor__edges_in(region, 0, end);
  if (size == 0) return true;
  clear_records(region);
  region->mapped = 0;
  torpor__edges_changed(region, before, 0, end);
  region->noted = false;
  return mmap(torpor__region_bytes(region), size, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
              0) != MAP_FAILED;
}

/* ---- Opening and closing --------------------------------------------------*/

static torpor__region *reserve_region(void) {
  if (torpor__system_page() > TORPOR__CHUNK) return NULL;
  void *space = mmap(NULL, REGION_SIZE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return NULL;
  if (mprotect(space, MEMORY_OFFSET, PROT_READ | PROT_WRITE) != 0) {
    munmap(space, REGION_SIZE);
    return NULL;
  }
  torpor__mappings_open(space);
  return space;
}

static void unreserve_region(torpor__region *region) {
  torpor__mappings_close(region);
  munmap(region, REGION_SIZE);
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
  memory->data = (wasm_rt_cell_t *)torpor__region_bytes(region);
  if (!torpor__region_set_pages(region, pages, max_pages)) {
    torpor__region_close(region);
    return NULL;
  }
  return region;
}

void torpor__region_close(torpor__region *region) {
  if (region == NULL) return;
  bool clean =
      unmap(region) && torpor__chunk_decommit(region, 0, region->chunk_end);
  region->chunk_end = 0;
  region->opened = 0;
  torpor__shadow_close(region);
  torpor__seal_end(region);
  memset(torpor__region_instance(region), 0, TORPOR__INSTANCE_MAX);
  if (!clean || !keep_spare(region)) unreserve_region(region);
}

void torpor__region_drain(void) {
  torpor__region *region;
  while ((region = take_spare()) != NULL) unreserve_region(region);
}
