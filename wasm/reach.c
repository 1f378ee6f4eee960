/* SPDX-License-Identifier: MIT */
/* reach.c - making pages accessible: before the host touches them, and when
 * guest code does.
 *
 * The region's thread, and its fault handler. */
#include "wasm/region.h"

#include "wasm/thread.h"

bool torpor__region_reach(torpor__region *region, uint32_t start,
                          uint32_t end) {
  if (region->is_torn || start > end ||
      end > torpor__region_memory(region)->size)
    return false;
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
    if (!torpor__page_is_writable(region, page) &&
        !torpor__page_make_writable(region, page))
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
  if (region->is_torn)
    done = false;
  else if (!torpor__chunk_is_committed(region, chunk))
    done = torpor__chunk_commit(region, chunk, chunk + 1);
  else
    done = !torpor__page_is_writable(region, page) &&
           torpor__page_make_writable(region, page);
  return done ? TORPOR__TOUCH_COMMITTED : TORPOR__TOUCH_FAILED;
}
