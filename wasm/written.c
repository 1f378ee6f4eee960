/* SPDX-License-Identifier: MIT */
/* written.c - finding the pages that may have been written.
 *
 * Three ways, which all find every page that was written, and some more:
 *
 *     noted        pages that were opened, chunks that were never sealed
 *     pagemap      pages of which the kernel has a copy that is not the file's
 *     everything   all that is accessible
 *
 * What is not mapped is noted, and so is what is mapped for that. All else that
 * is mapped is not sealed, so that writing costs one fault and no signal: there
 * the kernel is asked, by
 * PAGEMAP_SCAN where it knows that, else by reading /proc/self/pagemap. Where
 * neither is allowed, all of it counts as written.
 *
 * Kept pages (shadow.c) are as remembered. They may differ from what the region
 * started from, and cannot from what is remembered.
 *
 * The region's thread. */
#define _GNU_SOURCE
#include "wasm/region.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* From linux/fs.h (6.7), which may be older here than the kernel is. */
struct scan_range {
  uint64_t start, end, categories;
};
struct scan_request {
  uint64_t size, flags, start, end, walk_end;
  uint64_t ranges, range_count, page_most;
  uint64_t inverted, wanted, wanted_any, returned;
};
#define SCAN_FILE (UINT64_C(1) << 2)
#define SCAN_PRESENT (UINT64_C(1) << 3)
#define SCAN_SWAPPED (UINT64_C(1) << 4)
#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)
#define SCAN_RANGES 128u

/* Of an entry of pagemap. */
#define ENTRY_FILE (UINT64_C(1) << 61)
#define ENTRY_THERE (UINT64_C(3) << 62) /* present or swapped */
#define ENTRIES 512u

typedef struct search {
  const torpor__region *region;
  bool since; /* kept pages are left out */
  void (*visit)(void *user, uint32_t start, uint32_t end);
  void *user;
  uint32_t start, end; /* the range that is being found; empty when equal */
} search;

#ifdef TORPOR_TESTING
static _Atomic torpor__finder forced;

void torpor__finder_force(torpor__finder finder) {
  forced = finder;
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
  if (!s->since || !torpor__shadow_keeps(s->region, page))
    add_range(s, page, page + 1);
}

static void add_pages(search *s, uint32_t page, uint32_t end) {
  for (; page < end; page++) add_page(s, page);
}

/* ---- Noted ----------------------------------------------------------------*/

/* The pages from 'page' on whose bits are set. */
static void add_bits(search *s, uint32_t page, uint32_t bits) {
  while (bits != 0) {
    uint32_t first = (uint32_t)__builtin_ctz(bits);
    uint32_t count = (uint32_t)__builtin_ctz(~(bits >> first));
    add_range(s, page + first, page + first + count);
    bits &= ~0u << (first + count);
  }
}

static void add_noted_chunk(search *s, uint32_t chunk) {
  uint32_t page = chunk * CHUNK_PAGES, end = page + CHUNK_PAGES;
  const torpor__chunk *record = &s->region->chunks[chunk];
  uint32_t open = record->sealed ? record->open : (1u << CHUNK_PAGES) - 1;
  if (s->since && open == 0) return;
  if (!torpor__shadow_keeps_any(s->region, chunk)) {
    add_bits(s, page, open);
    return;
  }
  for (; page < end; page++)
    if (open >> page % CHUNK_PAGES & 1 || torpor__shadow_keeps(s->region, page))
      add_page(s, page);
}

static void add_noted(search *s, uint32_t first, uint32_t end) {
  for (; first < end; first++)
    if (torpor__chunk_is_committed(s->region, first)) add_noted_chunk(s, first);
}

/* ---- The kernel's page map ------------------------------------------------*/

static uint32_t page_at(const search *s, uint64_t address) {
  uintptr_t memory = (uintptr_t)torpor__region_bytes(s->region);
  return (uint32_t)((address - memory) / TORPOR__PAGE);
}

/* false: the kernel does not know how; nothing was added. */
static bool add_scanned(search *s, int file, uint64_t start, uint64_t end) {
  struct scan_range ranges[SCAN_RANGES];
  bool any = false;
  while (start < end) {
    struct scan_request request = {
        .size = sizeof(request),
        .start = start,
        .end = end,
        .ranges = (uint64_t)(uintptr_t)ranges,
        .range_count = SCAN_RANGES,
        .inverted = SCAN_FILE,
        .wanted = SCAN_FILE,
        .wanted_any = SCAN_PRESENT | SCAN_SWAPPED,
        .returned = SCAN_PRESENT,
    };
    int count = ioctl(file, SCAN_REQUEST, &request);
    if (count < 0 || request.walk_end <= start) {
      if (any) add_pages(s, page_at(s, start), page_at(s, end));
      return any;
    }
    any = true;
    for (int i = 0; i < count; i++)
      add_pages(s, page_at(s, ranges[i].start), page_at(s, ranges[i].end));
    start = request.walk_end;
  }
  return true;
}

/* Pages that cannot be asked about count as written. */
static void add_read(search *s, int file, uint64_t start, uint64_t end) {
  uint64_t entries[ENTRIES];
  while (start < end) {
    uint64_t count = (end - start) / TORPOR__PAGE;
    ssize_t got;
    if (count > ENTRIES) count = ENTRIES;
    got = pread(file, entries, (size_t)count * 8,
                (off_t)(start / TORPOR__PAGE * 8));
    if (got < (ssize_t)count * 8) {
      add_pages(s, page_at(s, start), page_at(s, end));
      return;
    }
    for (uint64_t i = 0; i < count; i++)
      if (entries[i] & ENTRY_THERE && !(entries[i] & ENTRY_FILE))
        add_page(s, page_at(s, start) + (uint32_t)i);
    start += count * TORPOR__PAGE;
  }
}

/* Pages of the system have to be ours for its map to be of use. */
static int open_pagemap(void) {
  if (sysconf(_SC_PAGESIZE) != (long)TORPOR__PAGE) return -1;
  return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

/* false: the map cannot be read. */
static bool add_mapped(search *s, uint32_t first, uint32_t end) {
  uint64_t memory = (uint64_t)(uintptr_t)torpor__region_bytes(s->region);
  uint64_t start = memory + (uint64_t)first * TORPOR__CHUNK;
  uint64_t stop = memory + (uint64_t)end * TORPOR__CHUNK;
  int file = open_pagemap();
  if (file < 0) return false;
  if (forced == TORPOR__FINDER_PAGEMAP_READ ||
      !add_scanned(s, file, start, stop))
    add_read(s, file, start, stop);
  close(file);
  return true;
}

/* ---- Finding --------------------------------------------------------------*/

static void find(search *s) {
  const torpor__region *region = s->region;
  uint32_t end = region->chunk_end, noted = 0;
  if (forced == TORPOR__FINDER_EVERYTHING) {
    for (uint32_t i = 0; i < end; i++)
      if (torpor__chunk_is_committed(region, i))
        add_pages(s, i * CHUNK_PAGES, (i + 1) * CHUNK_PAGES);
  } else {
    if (forced == TORPOR__FINDER_PAGEMAP ||
        forced == TORPOR__FINDER_PAGEMAP_READ)
      noted = add_mapped(s, 0, end) ? end : 0;
    else if (forced == TORPOR__FINDER_BEST && region->mapped && !region->noted)
      noted = add_mapped(s, 0, region->mapped) ? region->mapped : 0;
    add_noted(s, noted, end);
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
