/* SPDX-License-Identifier: MIT */
/* region.c - address space for an instance and its memory, committed lazily.
 *
 *     offset 0            HEADER - 4096        HEADER         + 4 GiB   + GUARD
 *     | region | bitmap  | instance (4096)    | linear memory | guard   |
 *       read and write     read and write       by chunks       never
 *
 * The whole is reserved without access. A bit of the bitmap says that its chunk
 * of memory is accessible. Closing gives the bytes back to the system at once
 * and keeps only the address space, a few regions of it, since reserving costs
 * more than using again.
 *
 * Sealing makes committed chunks read-only; a page of theirs is let in for
 * writing when that is tried first, and stays so. So whoever uses a region
 * again and again pays for the pages that are really written, not for all.
 *
 *  (1) A chunk whose bit is clear has no access, and its bytes are zero when it
 *      gets some.
 *  (2) No chunk at or beyond the memory's size is committed.
 *  (3) Nothing of a closed region's bytes is left when it is opened again.
 *  (4) A page of a sealed chunk whose written bit is clear cannot be written.
 *
 * A region belongs to one thread at a time; the spare ones are locked. */
#include "wasm/region.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "wasm/thread.h"

#define SPARE_MAX 64
/* A sealed region may take a hundred mappings, of which a process has 65,530 by
 * default. The regions beyond these are as they would be without sealing. */
#define SEALED_MAX 300u

#define INSTANCE_OFFSET ROUND_UP(sizeof(struct torpor__region), TORPOR__PAGE)
#define MEMORY_OFFSET (INSTANCE_OFFSET + TORPOR__MEMORY_DISTANCE)
#define REGION_SIZE (MEMORY_OFFSET + MEMORY_RESERVED + TORPOR__GUARD)

_Static_assert(TORPOR__WASM_PAGE % TORPOR__CHUNK == 0,
               "a chunk never lies across the end of a memory");
_Static_assert(TORPOR__MEMORY_DISTANCE % TORPOR__PAGE == 0,
               "memory begins at a page");

static struct {
  pthread_mutex_t lock;
  torpor__region *first;
  unsigned count;
} spare = {PTHREAD_MUTEX_INITIALIZER, NULL, 0};

static _Atomic unsigned sealed_regions;

static uint8_t *find_memory(const torpor__region *region) {
  return (uint8_t *)region + MEMORY_OFFSET;
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

/* ---- Chunks ---------------------------------------------------------------*/

static bool is_committed(const torpor__region *region, uint32_t chunk) {
  return region->bitmap[chunk / WORD_BITS] >> chunk % WORD_BITS & 1;
}

static void mark_chunks(torpor__region *region, uint32_t first, uint32_t end,
                        bool committed) {
  for (uint32_t chunk = first; chunk < end; chunk++) {
    uint64_t bit = UINT64_C(1) << chunk % WORD_BITS;
    if (committed)
      region->bitmap[chunk / WORD_BITS] |= bit;
    else
      region->bitmap[chunk / WORD_BITS] &= ~bit;
  }
}

/* The first chunk in [chunk, end) that is committed, or not, as asked; end when
 * there is none. */
static uint32_t find_chunk(const torpor__region *region, uint32_t chunk,
                           uint32_t end, bool committed) {
  while (chunk < end && is_committed(region, chunk) != committed) {
    uint64_t word = region->bitmap[chunk / WORD_BITS];
    bool whole = chunk % WORD_BITS == 0 && word == (committed ? 0 : UINT64_MAX);
    chunk += whole ? WORD_BITS : 1;
  }
  return chunk < end ? chunk : end;
}

/* Lets in [first, end), in as few calls as it has gaps. */
static bool commit_chunks(torpor__region *region, uint32_t first,
                          uint32_t end) {
  while ((first = find_chunk(region, first, end, false)) < end) {
    uint32_t stop = find_chunk(region, first, end, true);
    uint8_t *start = find_memory(region) + (size_t)first * TORPOR__CHUNK;
    size_t size = (size_t)(stop - first) * TORPOR__CHUNK;
    if (mprotect(start, size, PROT_READ | PROT_WRITE) != 0) return false;
    mark_chunks(region, first, stop, true);
    if (stop > region->chunk_end) region->chunk_end = stop;
    first = stop;
  }
  return true;
}

bool torpor__region_reach(torpor__region *region, uint32_t start,
                          uint32_t end) {
  if (start > end || end > torpor__region_memory(region)->size) return false;
  if (start == end) return true;
  return commit_chunks(region, start / TORPOR__CHUNK,
                       (end - 1) / TORPOR__CHUNK + 1);
}

/* ---- Sealed chunks --------------------------------------------------------*/

static bool is_sealed(const torpor__region *region, uint32_t chunk) {
  return chunk < SEAL_CHUNKS &&
         region->sealed[chunk / WORD_BITS] >> chunk % WORD_BITS & 1;
}

static void mark_sealed(torpor__region *region, uint32_t first, uint32_t end,
                        bool sealed) {
  for (uint32_t chunk = first; chunk < end && chunk < SEAL_CHUNKS; chunk++) {
    uint64_t bit = UINT64_C(1) << chunk % WORD_BITS;
    if (sealed)
      region->sealed[chunk / WORD_BITS] |= bit;
    else
      region->sealed[chunk / WORD_BITS] &= ~bit;
    region->written[chunk] = 0;
  }
}

/* Whether 'page' of a committed chunk can be written. */
static bool is_writable(const torpor__region *region, uint32_t page) {
  uint32_t chunk = page / CHUNK_PAGES;
  return !is_sealed(region, chunk) ||
         (region->written[chunk] >> page % CHUNK_PAGES & 1);
}

/* Lets writes into all of 'chunk': one mapping less for the system, which may
 * have run out of them. */
static bool unseal_chunk(torpor__region *region, uint32_t chunk) {
  if (mprotect(find_memory(region) + (size_t)chunk * TORPOR__CHUNK,
               TORPOR__CHUNK, PROT_READ | PROT_WRITE) != 0)
    return false;
  mark_sealed(region, chunk, chunk + 1, false);
  return true;
}

static bool unseal_page(torpor__region *region, uint32_t page) {
  uint32_t chunk = page / CHUNK_PAGES;
  if (mprotect(find_memory(region) + (size_t)page * TORPOR__PAGE, TORPOR__PAGE,
               PROT_READ | PROT_WRITE) != 0)
    return unseal_chunk(region, chunk);
  region->written[chunk] |= (uint16_t)(1u << page % CHUNK_PAGES);
  return true;
}

bool torpor__region_commit(torpor__region *region, uint32_t start,
                           uint32_t end) {
  if (!torpor__region_reach(region, start, end)) return false;
  if (start == end) return true;
  for (uint32_t page = start / TORPOR__PAGE; page <= (end - 1) / TORPOR__PAGE;
       page++)
    if (!is_writable(region, page) && !unseal_page(region, page)) return false;
  return true;
}

/* Counts 'region' among the sealed ones; false: there are enough. */
static bool count_sealed(torpor__region *region) {
  if (region->is_counted) return true;
  region->is_counted = atomic_fetch_add(&sealed_regions, 1) < SEALED_MAX;
  if (!region->is_counted) atomic_fetch_sub(&sealed_regions, 1);
  return region->is_counted;
}

static void discount_sealed(torpor__region *region) {
  if (region->is_counted) atomic_fetch_sub(&sealed_regions, 1);
  region->is_counted = false;
}

void torpor__region_seal(torpor__region *region, bool anew) {
#ifndef TORPOR_SOFT_BOUNDS
  uint32_t limit = region->chunk_end;
  if (!count_sealed(region)) return;
  if (limit > SEAL_CHUNKS) limit = SEAL_CHUNKS;
  for (uint32_t chunk = 0; chunk < limit; chunk++) {
    bool sealed = is_sealed(region, chunk);
    if (!is_committed(region, chunk)) continue;
    if (sealed && !(anew && region->written[chunk])) continue;
    if (mprotect(find_memory(region) + (size_t)chunk * TORPOR__CHUNK,
                 TORPOR__CHUNK, PROT_READ) != 0)
      return;
    mark_sealed(region, chunk, chunk + 1, true);
  }
#else
  (void)region, (void)anew, (void)count_sealed;
#endif
}

/* The first page in [page, end) that may have been written, or may not, as
 * asked; end when there is none. */
static uint32_t find_page(const torpor__region *region, uint32_t page,
                          uint32_t end, bool written) {
  while (page < end) {
    uint32_t chunk = page / CHUNK_PAGES;
    bool committed = is_committed(region, chunk);
    if (!committed && written)
      page = (chunk + 1) * CHUNK_PAGES;
    else if ((committed && is_writable(region, page)) == written)
      return page;
    else
      page++;
  }
  return end;
}

void torpor__region_written(const torpor__region *region,
                            void (*visit)(void *user, uint32_t start,
                                          uint32_t end),
                            void *user) {
  uint32_t limit = region->chunk_end * CHUNK_PAGES;
  uint32_t first = 0;
  while ((first = find_page(region, first, limit, true)) < limit) {
    uint32_t end = find_page(region, first, limit, false);
    visit(user, first * TORPOR__PAGE, end * TORPOR__PAGE);
    first = end;
  }
}

/* ---- Faults and ranges ----------------------------------------------------*/

torpor__touch torpor__region_touch(torpor__region *region, uintptr_t address) {
  uintptr_t memory = (uintptr_t)find_memory(region);
  if (address < memory || address >= (uintptr_t)region + REGION_SIZE)
    return TORPOR__TOUCH_FOREIGN;
  uint64_t offset = address - memory;
  if (offset >= torpor__region_memory(region)->size)
    return TORPOR__TOUCH_BOUNDS;
  uint32_t chunk = (uint32_t)(offset / TORPOR__CHUNK);
  uint32_t page = (uint32_t)(offset / TORPOR__PAGE);
  bool done;
  if (!is_committed(region, chunk))
    done = commit_chunks(region, chunk, chunk + 1);
  else
    done = !is_writable(region, page) && unseal_page(region, page);
  return done ? TORPOR__TOUCH_COMMITTED : TORPOR__TOUCH_FAILED;
}

void torpor__region_committed(const torpor__region *region,
                              void (*visit)(void *user, uint32_t start,
                                            uint32_t end),
                              void *user) {
  uint32_t limit = region->chunk_end;
  uint32_t first = 0;
  while ((first = find_chunk(region, first, limit, true)) < limit) {
    uint32_t end = find_chunk(region, first, limit, false);
    visit(user, first * TORPOR__CHUNK, end * TORPOR__CHUNK);
    first = end;
  }
}

/* Makes the bytes of [first, end) zero, and gives them back where the system
 * takes them: it does not when the program keeps its memory locked. */
static void zero_chunks(torpor__region *region, uint32_t first, uint32_t end) {
  uint8_t *memory = find_memory(region);
  size_t size = (size_t)(end - first) * TORPOR__CHUNK;
  if (madvise(memory + (size_t)first * TORPOR__CHUNK, size, MADV_DONTNEED) == 0)
    return;
  for (; first < end; first++)
    if (is_committed(region, first) &&
        (!is_sealed(region, first) || unseal_chunk(region, first)))
      memset(memory + (size_t)first * TORPOR__CHUNK, 0, TORPOR__CHUNK);
}

/* false: the bytes are zero, but the system did not take the access away. */
static bool decommit_chunks(torpor__region *region, uint32_t first,
                            uint32_t end) {
  if (end > region->chunk_end) end = region->chunk_end;
  if (first >= end) return true;
  zero_chunks(region, first, end);
  if (mprotect(find_memory(region) + (size_t)first * TORPOR__CHUNK,
               (size_t)(end - first) * TORPOR__CHUNK, PROT_NONE) != 0)
    return false;
  mark_chunks(region, first, end, false);
  mark_sealed(region, first, end, false);
  if (end == region->chunk_end) region->chunk_end = first;
  return true;
}

bool torpor__region_decommit(torpor__region *region, uint32_t start,
                             uint32_t end) {
  uint64_t first = ROUND_UP((uint64_t)start, TORPOR__CHUNK) / TORPOR__CHUNK;
  return decommit_chunks(region, (uint32_t)first, end / TORPOR__CHUNK);
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
  if (!decommit_chunks(region, chunks, region->chunk_end)) return false;
#ifdef TORPOR_SOFT_BOUNDS
  if (!commit_chunks(region, 0, chunks)) return false;
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
  void *space = mmap(NULL, REGION_SIZE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return NULL;
  if (mprotect(space, MEMORY_OFFSET, PROT_READ | PROT_WRITE) != 0) {
    munmap(space, REGION_SIZE);
    return NULL;
  }
  return space;
}

static torpor__region *take_spare(void) {
  pthread_mutex_lock(&spare.lock);
  torpor__region *region = spare.first;
  if (region != NULL) {
    spare.first = region->next;
    spare.count--;
  }
  pthread_mutex_unlock(&spare.lock);
  return region;
}

static bool keep_spare(torpor__region *region) {
  pthread_mutex_lock(&spare.lock);
  bool room = spare.count < SPARE_MAX;
  if (room) {
    region->next = spare.first;
    spare.first = region;
    spare.count++;
  }
  pthread_mutex_unlock(&spare.lock);
  return room;
}

torpor__region *torpor__region_open(uint32_t pages, uint32_t max_pages) {
  if (!torpor__runtime_start()) return NULL;
  torpor__region *region = take_spare();
  if (region == NULL) region = reserve_region();
  if (region == NULL) return NULL;
  torpor__wasm_memory *memory = torpor__region_memory(region);
  memory->data = (wasm_rt_cell_t *)find_memory(region);
  if (!torpor__region_set_pages(region, pages, max_pages)) {
    torpor__region_close(region);
    return NULL;
  }
  return region;
}

void torpor__region_close(torpor__region *region) {
  if (region == NULL) return;
  bool clean = decommit_chunks(region, 0, region->chunk_end);
  torpor__shadow_close(region);
  discount_sealed(region);
  memset(torpor__region_instance(region), 0, TORPOR__INSTANCE_MAX);
  if (!clean || !keep_spare(region)) munmap(region, REGION_SIZE);
}

void torpor__region_drain(void) {
  torpor__region *region;
  while ((region = take_spare()) != NULL) munmap(region, REGION_SIZE);
}
