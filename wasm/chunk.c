/* SPDX-License-Identifier: MIT */
/* chunk.c - which parts of a region's memory are accessible.
 *
 * Memory is committed by chunks, when it is first touched; each has a record.
 * Chunks that lie on a file (mapped.c) are accessible from the start and need
 * none, so that a large image costs nothing here.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include <assert.h>
#include <string.h>

_Static_assert(TORPOR__WASM_PAGE % TORPOR__CHUNK == 0,
               "a chunk never lies across the end of a memory");

/* ---- Pages of the system's ------------------------------------------------*/

static _Atomic uint32_t system_page;

#ifdef TORPOR_TESTING
void torpor__system_page_force(uint32_t size) {
  system_page = size;
}
#endif

/* Known before a region is opened, so that handlers only read it. */
uint32_t torpor__system_page(void) {
  uint32_t size = atomic_load_explicit(&system_page, memory_order_relaxed);
  if (size == 0) {
    size = (uint32_t)torpor__os_page_size();
    system_page = size;
  }
  return size;
}

/* ---- Access ---------------------------------------------------------------*/

bool torpor__chunk_protect(torpor__region *region, uint32_t first, uint32_t end,
                           torpor__os_access access) {
  return torpor__os_protect(torpor__chunk_bytes(region, first),
                            (size_t)(end - first) * TORPOR__CHUNK, access);
}

/* The end of the pages from 'page' on, up to 'end', with one kind of access. */
static uint32_t find_stretch(const torpor__region *region, uint32_t page,
                             uint32_t end) {
  torpor__os_access access = torpor__page_access(region, page);
  while (++page < end && torpor__page_access(region, page) == access) continue;
  return page;
}

void torpor__chunk_repair(torpor__region *region, uint32_t first,
                          uint32_t end) {
  uint32_t page = first * CHUNK_PAGES, stop = end * CHUNK_PAGES;
  while (page < stop) {
    uint32_t next = find_stretch(region, page, stop);
    if (!torpor__os_protect(torpor__page_bytes(region, page),
                            (size_t)(next - page) * TORPOR__PAGE,
                            torpor__page_access(region, page)))
      region->is_torn = true;
    page = next;
  }
}

bool torpor__chunk_change(torpor__region *region, uint32_t first, uint32_t end,
                          torpor__os_access access) {
  if (torpor__chunk_protect(region, first, end, access)) return true;
  torpor__chunk_repair(region, first, end);
  return false;
}

bool torpor__region_is_torn(const torpor__region *region) {
  return region->is_torn;
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
  if (!torpor__chunk_change(region, first, end, TORPOR__OS_WRITE)) return false;
  for (uint32_t i = first; i < end; i++) region->chunks[i].committed = true;
  if (end > region->chunk_end) region->chunk_end = end;
  torpor__edges_changed(region, before, first, end);
  return true;
}

/* One call of the system for each gap in [first, end). Where mappings are
 * scarce, the gap below is committed, too: that makes no new edge. */
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

/* Makes [first, end) zero by giving it back to the system; where that refuses,
 * since the program has locked its memory, by writing zeros. A region in which
 * neither can be done is torn. */
static bool zero_chunks(torpor__region *region, uint32_t first, uint32_t end) {
  size_t size = (size_t)(end - first) * TORPOR__CHUNK;
  if (torpor__os_discard(torpor__chunk_bytes(region, first), size)) return true;
  for (; first < end; first++) {
    if (!torpor__chunk_is_committed(region, first)) continue;
    if (!torpor__chunk_protect(region, first, first + 1, TORPOR__OS_WRITE)) {
      region->is_torn = true;
      return false;
    }
    memset(torpor__chunk_bytes(region, first), 0, TORPOR__CHUNK);
  }
  return true;
}

bool torpor__chunk_decommit(torpor__region *region, uint32_t first,
                            uint32_t end) {
  if (end > region->chunk_end) end = region->chunk_end;
  if (first >= end) return true;
  for (uint32_t i = first; i < end; i++)
    assert(!torpor__shadow_shares_any(region, i));
  if (!zero_chunks(region, first, end)) return false;
  uint32_t before = torpor__edges_in(region, first, end);
  if (!torpor__chunk_change(region, first, end, TORPOR__OS_NONE)) return false;
  memset(&region->chunks[first], 0, (end - first) * sizeof(*region->chunks));
  torpor__edges_changed(region, before, first, end);
  if (end == region->chunk_end) region->chunk_end = first;
  return true;
}
