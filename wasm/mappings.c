/* SPDX-License-Identifier: MIT */
/* mappings.c - counts how many of the system's mappings the regions take.
 *
 * The system keeps a mapping for each stretch of memory with one kind of
 * access, and a process may have so many (on Linux 65,530, vm.max_map_count).
 * When they run out, the program gets no memory, no thread and no mapped file
 * any more. So each region counts its *edges*, the places where the access
 * changes. When all of them together reach 7 of 20 parts of the limit, memory
 * is committed and made writable in larger parts: that adds no edges, but more
 * has to be looked at to find what was written.
 *
 *  (1) A region's 'edges' are always what the records of its chunks say.
 *
 * Any thread; also fault handlers. */
#include "wasm/region.h"

#include <limits.h>

/* Mappings of a region without edges: its records, its memory, the guard. */
#define EDGES_OF_REGION 4

static _Atomic long edges;
static _Atomic long most = LONG_MAX;

/* Well below half of the limit: the program needs mappings for other things,
 * too, and the system does not join all that it could, which makes them more
 * than half as many again. */
static void read_most(void) {
  size_t there_are = torpor__os_mappings_most();
  if (there_are < LONG_MAX) most = (long)(there_are / 20 * 7);
}

#ifdef TORPOR_TESTING
void torpor__mappings_allow(long count) {
  most = count;
}

long torpor__mappings_count(void) {
  return edges;
}
#endif

bool torpor__mappings_are_scarce(void) {
  return atomic_load_explicit(&edges, memory_order_relaxed) >=
         atomic_load_explicit(&most, memory_order_relaxed);
}

void torpor__mappings_add(long count) {
  atomic_fetch_add_explicit(&edges, count, memory_order_relaxed);
}

void torpor__mappings_open(torpor__region *region) {
  static torpor__os_once_flag once;
  torpor__os_once(&once, read_most);
  region->edges = 0;
  torpor__mappings_add(EDGES_OF_REGION);
}

void torpor__mappings_close(torpor__region *region) {
  torpor__mappings_add(-EDGES_OF_REGION - (long)region->edges);
  region->edges = 0;
}

static bool is_edge(const torpor__region *region, uint32_t chunk) {
  uint32_t page = chunk * CHUNK_PAGES;
  return chunk > 0 && chunk < CHUNK_COUNT &&
         torpor__page_access(region, page - 1) !=
             torpor__page_access(region, page);
}

uint32_t torpor__edges_in(const torpor__region *region, uint32_t first,
                          uint32_t end) {
  uint32_t count = is_edge(region, end);
  for (; first < end; first++) {
    uint32_t dirty = region->chunks[first].dirty;
    count += is_edge(region, first);
    if (region->chunks[first].tracked)
      count += (uint32_t)__builtin_popcount((dirty ^ dirty >> 1) &
                                            ((1u << (CHUNK_PAGES - 1)) - 1));
  }
  return count;
}

void torpor__edges_changed(torpor__region *region, uint32_t before,
                           uint32_t first, uint32_t end) {
  long change = (long)torpor__edges_in(region, first, end) - (long)before;
  if (change == 0) return;
  region->edges = (uint32_t)((long)region->edges + change);
  torpor__mappings_add(change);
}
