/* SPDX-License-Identifier: MIT */
/* mapped.c - the part of a region's memory that lies on a file, privately: its
 * bytes are the file's until they are written, and become so again when they
 * are given back.
 *
 * The region's thread. */
#include "wasm/region.h"

#include <assert.h>

/* ---- Lying on a file ------------------------------------------------------*/

bool torpor__region_map(torpor__region *region, torpor__os_file file,
                        uint64_t size, bool tracked) {
  assert(region->mapped == 0 && size % TORPOR__CHUNK == 0);
  if (size > torpor__region_memory(region)->size) return false;
  if (tracked && !torpor__track_start(region)) return false;
  if (!torpor__os_file_map(file, torpor__region_bytes(region), (size_t)size))
    return false;
  uint32_t end = (uint32_t)(size / TORPOR__CHUNK);
  uint32_t before = torpor__edges_in(region, 0, end);
  region->mapped = end;
  torpor__edges_changed(region, before, 0, end);
  if (region->chunk_end < region->mapped) region->chunk_end = region->mapped;
  region->tracks_mapped =
      tracked && torpor__track_chunks(region, 0, region->mapped);
  return true;
}

static void clear_records(torpor__region *region) {
  for (uint32_t i = 0; i < region->mapped; i++)
    if (region->chunks[i].tracked) region->chunks[i] = (torpor__chunk){0};
}

bool torpor__region_unmap(torpor__region *region) {
  size_t size = (size_t)region->mapped * TORPOR__CHUNK;
  uint32_t end = region->mapped, before = torpor__edges_in(region, 0, end);
  if (size == 0) return true;
  clear_records(region);
  region->mapped = 0;
  torpor__edges_changed(region, before, 0, end);
  region->tracks_mapped = false;
  return torpor__os_file_unmap(torpor__region_bytes(region), size);
}

/* ---- Giving back ----------------------------------------------------------*/

bool torpor__region_reset(torpor__region *region) {
  size_t size = (size_t)region->mapped * TORPOR__CHUNK;
  uint32_t first = region->mapped;
  uint32_t before = torpor__edges_in(region, 0, first);
  assert(!region->tracks_mapped);
  clear_records(region);
  torpor__edges_changed(region, before, 0, first);
  return !region->is_torn &&
         torpor__chunk_protect(region, 0, first, TORPOR__OS_WRITE) &&
         torpor__os_discard(torpor__region_bytes(region), size) &&
         torpor__chunk_decommit(region, first, region->chunk_end);
}

void torpor__region_drop(torpor__region *region, uint32_t start, uint32_t end) {
  uint32_t page = torpor__system_page();
  start = (uint32_t)ROUND_UP((uint64_t)start, page);
  end = end / page * page;
  if (start < end)
    (void)torpor__os_discard(torpor__region_bytes(region) + start, end - start);
}

/* Makes mapped chunks what the file has, and clean, unless the system refuses:
 * what is dirty there stays so then. */
static void revert_chunks(torpor__region *region, uint32_t first,
                          uint32_t end) {
  for (; first < end; first++) {
    const torpor__chunk *chunk = &region->chunks[first];
    assert(!torpor__shadow_shares_any(region, first));
    if (chunk->tracked && !chunk->dirty) continue;
    if (torpor__os_discard(torpor__chunk_bytes(region, first), TORPOR__CHUNK))
      torpor__track_chunks(region, first, first + 1);
  }
}

void torpor__region_revert(torpor__region *region) {
  if (region->tracks_mapped) revert_chunks(region, 0, region->mapped);
}

bool torpor__region_decommit(torpor__region *region, uint32_t start,
                             uint32_t end) {
  uint64_t first = ROUND_UP((uint64_t)start, TORPOR__CHUNK) / TORPOR__CHUNK;
  uint32_t mapped = region->mapped;
  if (region->tracks_mapped && first < mapped)
    revert_chunks(region, (uint32_t)first,
                  end / TORPOR__CHUNK < mapped ? end / TORPOR__CHUNK : mapped);
  if (first < mapped) first = mapped;
  return torpor__chunk_decommit(region, (uint32_t)first, end / TORPOR__CHUNK);
}
