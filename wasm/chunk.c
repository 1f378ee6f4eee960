/* SPDX-License-Identifier: MIT */
/* chunk.c - which parts of a region's memory are accessible.
 *
 * Memory becomes accessible by chunks, when it is first touched, and each has a
 * record. Those that lie on a file (region.c) are accessible from the start and
 * need none: a large image costs nothing here.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include <string.h>
#include <sys/mman.h>

#include "wasm/thread.h"

_Static_assert(TORPOR__WASM_PAGE % TORPOR__CHUNK == 0,
               "a chunk never lies across the end of a memory");

static uint8_t *find_chunk_bytes(const torpor__region *region, uint32_t chunk) {
  return torpor__region_bytes(region) + (size_t)chunk * TORPOR__CHUNK;
}

bool torpor__chunk_protect(torpor__region *region, uint32_t first, uint32_t end,
                           int protection) {
  return mprotect(find_chunk_bytes(region, first),
                  (size_t)(end - first) * TORPOR__CHUNK, protection) == 0;
}

uint32_t torpor__chunk_find(const torpor__region *region, uint32_t chunk,
                            uint32_t end, bool committed) {
  if (chunk < region->mapped) {
    if (committed) return chunk < end ? chunk : end;
    chunk = region->mapped;
  }
  while (chunk < end && region->chunks[chunk].committed != committed) chunk++;
  return chunk < end ? chunk : end;
}

static bool commit_run(torpor__region *region, uint32_t first, uint32_t end) {
  uint32_t before = torpor__edges_in(region, first, end);
  if (!torpor__chunk_protect(region, first, end, PROT_READ | PROT_WRITE))
    return false;
  for (uint32_t i = first; i < end; i++) region->chunks[i].committed = true;
  if (end > region->chunk_end) region->chunk_end = end;
  torpor__edges_changed(region, before, first, end);
  return true;
}

/* Lets in [first, end), in as few calls as it has gaps; where mappings are
 * scarce, with the gap below it. */
bool torpor__chunk_commit(torpor__region *region, uint32_t first,
                          uint32_t end) {
  if (torpor__mappings_are_scarce())
    while (first > 0 && !torpor__chunk_is_committed(region, first - 1)) first--;
  while ((first = torpor__chunk_find(region, first, end, false)) < end) {
    uint32_t stop = torpor__chunk_find(region, first, end, true);
    if (!commit_run(region, first, stop)) return false;
    first = stop;
  }
  return true;
}

bool torpor__region_reach(torpor__region *region, uint32_t start,
                          uint32_t end) {
  if (start > end || end > torpor__region_memory(region)->size) return false;
  if (start == end) return true;
  uint32_t first = start / TORPOR__CHUNK, last = (end - 1) / TORPOR__CHUNK;
  if (first == last && torpor__chunk_is_committed(region, first)) return true;
  return torpor__chunk_commit(region, first, last + 1);
}

bool torpor__region_commit(torpor__region *region, uint32_t start,
                           uint32_t end) {
  if (!torpor__region_reach(region, start, end)) return false;
  if (start == end) return true;
  for (uint32_t page = start / TORPOR__PAGE; page <= (end - 1) / TORPOR__PAGE;
       page++)
    if (!torpor__page_is_open(region, page) && !torpor__page_open(region, page))
      return false;
  return true;
}

torpor__touch torpor__region_touch(torpor__region *region, uintptr_t address) {
  uintptr_t memory = (uintptr_t)torpor__region_bytes(region);
  if (address < memory || address >= (uintptr_t)region + REGION_SIZE)
    return TORPOR__TOUCH_FOREIGN;
  uint64_t offset = address - memory;
  if (offset >= torpor__region_memory(region)->size)
    return TORPOR__TOUCH_BOUNDS;
  uint32_t chunk = (uint32_t)(offset / TORPOR__CHUNK);
  uint32_t page = (uint32_t)(offset / TORPOR__PAGE);
  bool done;
  if (!torpor__chunk_is_committed(region, chunk))
    done = torpor__chunk_commit(region, chunk, chunk + 1);
  else
    done =
        !torpor__page_is_open(region, page) && torpor__page_open(region, page);
  return done ? TORPOR__TOUCH_COMMITTED : TORPOR__TOUCH_FAILED;
}

void torpor__region_committed(const torpor__region *region,
                              void (*visit)(void *user, uint32_t start,
                                            uint32_t end),
                              void *user) {
  uint32_t limit = region->chunk_end;
  uint32_t first = 0;
  while ((first = torpor__chunk_find(region, first, limit, true)) < limit) {
    uint32_t end = torpor__chunk_find(region, first, limit, false);
    visit(user, first * TORPOR__CHUNK, end * TORPOR__CHUNK);
    first = end;
  }
}

/* Makes the bytes of [first, end) zero, and gives them back where the system
 * takes them: it does not when the program keeps its memory locked. */
static void zero_chunks(torpor__region *region, uint32_t first, uint32_t end) {
  size_t size = (size_t)(end - first) * TORPOR__CHUNK;
  if (madvise(find_chunk_bytes(region, first), size, MADV_DONTNEED) == 0)
    return;
  for (; first < end; first++)
    if (torpor__chunk_is_committed(region, first) &&
        torpor__chunk_protect(region, first, first + 1, PROT_READ | PROT_WRITE))
      memset(find_chunk_bytes(region, first), 0, TORPOR__CHUNK);
}

bool torpor__chunk_decommit(torpor__region *region, uint32_t first,
                            uint32_t end) {
  if (end > region->chunk_end) end = region->chunk_end;
  if (first >= end) return true;
  zero_chunks(region, first, end);
  uint32_t before = torpor__edges_in(region, first, end);
  if (!torpor__chunk_protect(region, first, end, PROT_NONE)) return false;
  memset(&region->chunks[first], 0, (end - first) * sizeof(*region->chunks));
  torpor__edges_changed(region, before, first, end);
  if (end == region->chunk_end) region->chunk_end = first;
  return true;
}

/* Makes mapped chunks what the file has, unless the system refuses: what was
 * written there stays noted then. */
static void revert_chunks(torpor__region *region, uint32_t first,
                          uint32_t end) {
  for (; first < end; first++) {
    const torpor__chunk *chunk = &region->chunks[first];
    if (chunk->sealed && !chunk->open) continue;
    if (madvise(find_chunk_bytes(region, first), TORPOR__CHUNK,
                MADV_DONTNEED) == 0)
      torpor__seal_chunks(region, first, first + 1);
  }
}

void torpor__region_revert(torpor__region *region) {
  if (region->noted) revert_chunks(region, 0, region->mapped);
}

bool torpor__region_decommit(torpor__region *region, uint32_t start,
                             uint32_t end) {
  uint64_t first = ROUND_UP((uint64_t)start, TORPOR__CHUNK) / TORPOR__CHUNK;
  uint32_t mapped = region->mapped;
  if (region->noted && first < mapped)
    revert_chunks(region, (uint32_t)first,
                  end / TORPOR__CHUNK < mapped ? end / TORPOR__CHUNK : mapped);
  if (first < mapped) first = mapped;
  return torpor__chunk_decommit(region, (uint32_t)first, end / TORPOR__CHUNK);
}
