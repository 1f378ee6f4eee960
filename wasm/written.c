/* SPDX-License-Identifier: MIT */
/* written.c - finding the pages that may have been written.
 *
 * There are three ways; each finds every page that was written, and some more:
 *
 *     tracked      dirty pages, and all of chunks that are not tracked
 *     told         pages of which the system has a copy that is not the file's
 *     everything   all that is accessible
 *
 * What is not mapped is tracked, and what is mapped may be. Where it is not, a
 * first write costs one fault of the system's own and no handler, and the
 * system is asked. Where it does not tell, all of it counts as written.
 *
 * Pages that are shared (shadow.c) are as remembered. They may differ from what
 * the region started from, and cannot from what is remembered.
 *
 * The region's thread. */
#include "wasm/region.h"

typedef struct search {
  const torpor__region *region;
  bool since; /* shared pages are left out */
  void (*visit)(void *user, uint32_t start, uint32_t end);
  void *user;
  uint32_t start, end; /* the range that is being found; empty when equal */
  uint32_t first;      /* the page that the system's answer begins at */
} search;

#ifdef TORPOR_TESTING
static _Atomic torpor__finder forced;

void torpor__finder_force(torpor__finder finder) {
  forced = finder;
  torpor__os_file_refuse_scan(finder == TORPOR__FINDER_TOLD_SLOWLY);
}
#else
static const torpor__finder forced = TORPOR__FINDER_BEST;
#endif

/* ---- Ranges ---------------------------------------------------------------*/

static void flush(search *s) {
  if (s->start < s->end)
    s->visit(s->user, s->start * TORPOR__PAGE, s->end * TORPOR__PAGE);
  s->start = s->end;
}

static void add_range(search *s, uint32_t start, uint32_t end) {
  if (start != s->end || s->start == s->end) {
    flush(s);
    s->start = start;
  }
  s->end = end;
}

static void add_page(search *s, uint32_t page) {
  if (!s->since || !torpor__shadow_shares(s->region, page))
    add_range(s, page, page + 1);
}

static void add_pages(search *s, uint32_t page, uint32_t end) {
  for (; page < end; page++) add_page(s, page);
}

/* ---- Tracked --------------------------------------------------------------*/

/* The pages from 'page' on whose bits are set. */
static void add_bits(search *s, uint32_t page, uint32_t bits) {
  while (bits != 0) {
    uint32_t first = (uint32_t)__builtin_ctz(bits);
    uint32_t count = (uint32_t)__builtin_ctz(~(bits >> first));
    add_range(s, page + first, page + first + count);
    bits &= ~0u << (first + count);
  }
}

static void add_tracked_chunk(search *s, uint32_t chunk) {
  uint32_t page = chunk * CHUNK_PAGES, end = page + CHUNK_PAGES;
  const torpor__chunk *record = &s->region->chunks[chunk];
  uint32_t dirty = record->tracked ? record->dirty : (1u << CHUNK_PAGES) - 1;
  if (s->since && dirty == 0) return;
  if (!torpor__shadow_shares_any(s->region, chunk)) {
    add_bits(s, page, dirty);
    return;
  }
  for (; page < end; page++)
    if (dirty >> page % CHUNK_PAGES & 1 ||
        torpor__shadow_shares(s->region, page))
      add_page(s, page);
}

static void add_tracked(search *s, uint32_t first, uint32_t end) {
  const torpor__region *region = s->region;
  for (; first < end; first++) {
    const torpor__chunk *chunk = &region->chunks[first];
    if (chunk->tracked && chunk->dirty == 0 && !region->is_sharing)
      continue; /* nearly all of a large image */
    if (torpor__chunk_is_committed(region, first)) add_tracked_chunk(s, first);
  }
}

/* ---- What the system knows ------------------------------------------------*/

static void add_told(void *user, size_t from, size_t to) {
  search *s = user;
  add_pages(s, s->first + (uint32_t)(from / TORPOR__PAGE),
            s->first + (uint32_t)(to / TORPOR__PAGE));
}

/* false: the system does not tell. */
static bool add_mapped(search *s, uint32_t first, uint32_t end) {
  s->first = first * CHUNK_PAGES;
  return torpor__os_file_written(torpor__chunk_bytes(s->region, first),
                                 (size_t)(end - first) * TORPOR__CHUNK,
                                 add_told, s);
}

/* ---- Finding --------------------------------------------------------------*/

static void find(search *s) {
  const torpor__region *region = s->region;
  uint32_t end = region->chunk_end, told = 0;
  if (forced == TORPOR__FINDER_EVERYTHING) {
    for (uint32_t i = 0; i < end; i++)
      if (torpor__chunk_is_committed(region, i))
        add_pages(s, i * CHUNK_PAGES, (i + 1) * CHUNK_PAGES);
  } else {
    if (forced == TORPOR__FINDER_TOLD || forced == TORPOR__FINDER_TOLD_SLOWLY)
      told = add_mapped(s, 0, end) ? end : 0;
    else if (forced == TORPOR__FINDER_BEST && region->mapped &&
             !region->tracks_mapped)
      told = add_mapped(s, 0, region->mapped) ? region->mapped : 0;
    add_tracked(s, told, end);
  }
  flush(s);
}

void torpor__region_written(const torpor__region *region,
                            void (*visit)(void *user, uint32_t start,
                                          uint32_t end),
                            void *user) {
  search s = {.region = region, .visit = visit, .user = user};
  find(&s);
}

void torpor__region_written_since(const torpor__region *region,
                                  void (*visit)(void *user, uint32_t start,
                                                uint32_t end),
                                  void *user) {
  search s = {.region = region, .since = true, .visit = visit, .user = user};
  find(&s);
}
