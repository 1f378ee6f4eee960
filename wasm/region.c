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
 *  (1) A chunk whose bit is clear has no access, and its bytes are zero when it
 *      gets some.
 *  (2) No chunk at or beyond the memory's size is committed.
 *  (3) Nothing of a closed region's bytes is left when it is opened again.
 *
 * A region belongs to one thread at a time; the spare ones are locked. */
#include "wasm/runtime.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "wasm/thread.h"

#define CHUNK_COUNT (UINT64_C(0x100000000) / TORPOR__CHUNK)
#define WORD_BITS 64u
#define SPARE_MAX 64

struct torpor__region {
  struct torpor__region *next; /* among the spare ones */
  uint32_t chunk_end; /* no chunk from here on was committed since opening */
  uint64_t bitmap[CHUNK_COUNT / WORD_BITS];
};

#define ROUND_UP(value, unit) (((value) + (unit) - 1) / (unit) * (unit))
#define INSTANCE_OFFSET ROUND_UP(sizeof(struct torpor__region), TORPOR__PAGE)
#define MEMORY_OFFSET (INSTANCE_OFFSET + TORPOR__MEMORY_DISTANCE)
#define MEMORY_RESERVED UINT64_C(0x100000000)
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

bool torpor__region_commit(torpor__region *region, uint32_t start,
                           uint32_t end) {
  if (start > end || end > torpor__region_memory(region)->size) return false;
  if (start == end) return true;
  return commit_chunks(region, start / TORPOR__CHUNK,
                       (end - 1) / TORPOR__CHUNK + 1);
}

torpor__touch torpor__region_touch(torpor__region *region, uintptr_t address) {
  uintptr_t memory = (uintptr_t)find_memory(region);
  if (address < memory || address >= (uintptr_t)region + REGION_SIZE)
    return TORPOR__TOUCH_FOREIGN;
  uint64_t offset = address - memory;
  if (offset >= torpor__region_memory(region)->size)
    return TORPOR__TOUCH_BOUNDS;
  uint32_t chunk = (uint32_t)(offset / TORPOR__CHUNK);
  if (is_committed(region, chunk)) return TORPOR__TOUCH_FAILED;
  return commit_chunks(region, chunk, chunk + 1) ? TORPOR__TOUCH_COMMITTED
                                                 : TORPOR__TOUCH_FAILED;
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
    if (is_committed(region, first))
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
  memset(torpor__region_instance(region), 0, TORPOR__INSTANCE_MAX);
  if (!clean || !keep_spare(region)) munmap(region, REGION_SIZE);
}

void torpor__region_drain(void) {
  torpor__region *region;
  while ((region = take_spare()) != NULL) munmap(region, REGION_SIZE);
}
