/* SPDX-License-Identifier: MIT */
/* region.h - what the files that make up regions share: the states of memory,
 * the layout, and the ways from one state to another.
 *
 * A region's memory is counted in chunks of 64 KiB and pages of 4 KiB. These
 * are all the words for their states, here and in vm/:
 *
 *  A chunk is
 *
 *     reserved     without access; zero when it is committed
 *     committed    accessible, of memory
 *     mapped       accessible, on a file: the first so many chunks. Wherever
 *                  it makes no difference these count as committed, too
 *
 *     reserved --chunk_commit--> committed --chunk_decommit--> reserved
 *     reserved, committed --region_map--> mapped --region_unmap--> reserved
 *
 *  A page of a committed or mapped chunk is
 *
 *     untracked    writable, nobody notes that it is written: so with all pages
 *                  of a chunk that is not 'tracked'
 *     clean        read-only; not written since tracking began
 *     dirty        writable; it was let in for writing since
 *
 *     untracked, dirty --track_chunks--> clean, all of the chunk
 *     untracked, dirty --region_share--> clean, the page alone; the others of
 *                                   an untracked chunk become dirty
 *     clean --page_make_writable--> dirty, or with all of its chunk and more
 *                                   untracked, where that is cheaper
 *     any --region_forget, where the chunk shares pages--> untracked
 *     any, mapped --region_reset--> untracked
 *     untracked, dirty; mapped and tracked --region_revert, region_decommit-->
 *                                   clean, all of the chunk: what the file has
 *
 *  A region 'is_tracked' when chunks were made clean, and is counted as one of
 *  those that may be; one that only shares pages is not, though the chunks that
 *  it shares pages of are 'tracked', too.
 *
 *  When the system refuses a change of access it may have made a part of it;
 *  that is taken back. When it refuses that, too, the region is *torn*: nobody
 *  knows what can be written there. Nothing is let in any more, the VM cannot
 *  be saved, and the region is not used again.
 *
 *  Of the state that is remembered (shadow.c) a page has
 *
 *     nothing      it was what the region started from
 *     a copy       in the shadow
 *     a share      it was what it is now, and is clean
 *
 *     nothing --shadow_make_room--> a copy
 *     nothing, a copy --region_share--> a share
 *     a share --shadow_unshare_page--> a copy, before it is writable
 *     any --region_forget--> nothing
 *
 *  'Written' is no state but a question (written.c): which pages may differ
 *  from what the region started from?
 *
 * The files, each of which calls only those further down:
 *
 *     region.c    the address space: opening, size, closing
 *     written.c   finding the pages that may differ
 *     mapped.c    what lies on a file
 *     reach.c     what happens when the host or guest code touches a page
 *     share.c     sharing pages with the shadow, and forgetting it
 *     track.c     clean or dirty
 *     chunk.c     reserved or committed
 *     shadow.c    what pages were
 *     mappings.c  how many mappings all of that takes
 *
 * region.c has the picture and the invariants. */
#ifndef TORPOR_WASM_REGION_H
#define TORPOR_WASM_REGION_H

#include "wasm/runtime.h"

#define ROUND_UP(value, unit) (((value) + (unit) - 1) / (unit) * (unit))
#define CHUNK_COUNT (UINT64_C(0x100000000) / TORPOR__CHUNK)
#define CHUNK_PAGES (TORPOR__CHUNK / TORPOR__PAGE)
#define MEMORY_RESERVED UINT64_C(0x100000000)

typedef struct torpor__chunk {
  uint16_t dirty; /* a bit for each page of a tracked chunk */
  bool committed; /* need not be set for what is mapped */
  bool tracked;   /* its pages are clean or dirty */
} torpor__chunk;

typedef struct torpor__shadow torpor__shadow;

struct torpor__region {
  struct torpor__region *next; /* among the spare ones */
  torpor__shadow *shadow;      /* or NULL */
  uint32_t chunk_end; /* no chunk from here on was committed since opening */
  uint32_t mapped;    /* chunks below this are mapped */
  bool tracks_mapped; /* those were tracked when they were mapped */
  uint32_t dirtied;   /* pages that became dirty one by one, see track.c */
  uint32_t edges;     /* where the access changes (mappings.c) */
  bool is_tracked;    /* counts among the regions with tracked chunks */
  bool is_sharing;    /* counts among those that share pages */
  bool is_torn;       /* the records do not hold any more, see above */
  torpor__chunk chunks[CHUNK_COUNT];
};

_Static_assert(CHUNK_PAGES == 16, "a chunk's pages have a bit each");
_Static_assert(sizeof(struct torpor__region) + TORPOR__MEMORY_DISTANCE <=
                   TORPOR__MEMORY_OFFSET,
               "the records and the instance lie before the memory");
_Static_assert(TORPOR__MEMORY_OFFSET % TORPOR__CHUNK == 0,
               "memory begins at a page of the system's: it has at most a "
               "chunk");

#define REGION_SIZE (TORPOR__MEMORY_OFFSET + MEMORY_RESERVED + TORPOR__GUARD)

static inline uint8_t *torpor__region_bytes(const torpor__region *region) {
  return (uint8_t *)region + TORPOR__MEMORY_OFFSET;
}
static inline uint8_t *torpor__chunk_bytes(const torpor__region *region,
                                           uint32_t chunk) {
  return torpor__region_bytes(region) + (size_t)chunk * TORPOR__CHUNK;
}
static inline uint8_t *torpor__page_bytes(const torpor__region *region,
                                          uint32_t page) {
  return torpor__region_bytes(region) + (size_t)page * TORPOR__PAGE;
}
/* Of the bits that a chunk has for its pages, that of 'page'. */
static inline uint16_t torpor__page_bit(uint32_t page) {
  return (uint16_t)(1u << page % CHUNK_PAGES);
}
/* Counts one more unless there are 'most'. */
static inline bool torpor__count_in(_Atomic unsigned *counter, unsigned most) {
  if (atomic_fetch_add(counter, 1) < most) return true;
  atomic_fetch_sub(counter, 1);
  return false;
}

/* ---- States ---------------------------------------------------------------*/

/* Committed or mapped. */
static inline bool torpor__chunk_is_committed(const torpor__region *region,
                                              uint32_t chunk) {
  return chunk < region->mapped || region->chunks[chunk].committed;
}
/* Of a committed chunk: untracked or dirty. */
static inline bool torpor__page_is_writable(const torpor__region *region,
                                            uint32_t page) {
  const torpor__chunk *chunk = &region->chunks[page / CHUNK_PAGES];
  return !chunk->tracked || (chunk->dirty & torpor__page_bit(page));
}
/* What the system lets happen to 'page'. */
static inline torpor__os_access
torpor__page_access(const torpor__region *region, uint32_t page) {
  if (!torpor__chunk_is_committed(region, page / CHUNK_PAGES))
    return TORPOR__OS_NONE;
  return torpor__page_is_writable(region, page) ? TORPOR__OS_WRITE
                                                : TORPOR__OS_READ;
}

/* Bytes of a page of the system's: access changes by whole ones. Where it has
 * more than TORPOR__PAGE, pages of ours do not change their state singly. */
uint32_t torpor__system_page(void);
static inline bool torpor__pages_are_single(void) {
  return torpor__system_page() <= TORPOR__PAGE;
}
#ifdef TORPOR_TESTING
void torpor__system_page_force(uint32_t size);
#endif

/* ---- Mappings (mappings.c) ------------------------------------------------*/

/* Whether no more should be made than there are. */
bool torpor__mappings_are_scarce(void);
void torpor__mappings_add(long count);
void torpor__mappings_open(torpor__region *region);
void torpor__mappings_close(torpor__region *region);
/* The edges in chunks [first, end) and at both ends: before the access there is
 * changed, and then what becomes of them. */
uint32_t torpor__edges_in(const torpor__region *region, uint32_t first,
                          uint32_t end);
void torpor__edges_changed(torpor__region *region, uint32_t before,
                           uint32_t first, uint32_t end);
#ifdef TORPOR_TESTING
void torpor__mappings_allow(long count);
long torpor__mappings_count(void);
#endif

/* ---- Chunks (chunk.c) -----------------------------------------------------*/

/* The first chunk in [chunk, end) that is committed, or not, as asked; end when
 * there is none. */
uint32_t torpor__chunk_find(const torpor__region *region, uint32_t chunk,
                            uint32_t end, bool committed);
bool torpor__chunk_commit(torpor__region *region, uint32_t first, uint32_t end);
/* false: the bytes are zero, but the system did not take the access away. None
 * of the chunks is mapped, none of their pages shared. */
bool torpor__chunk_decommit(torpor__region *region, uint32_t first,
                            uint32_t end);
/* Sets what the system lets happen in chunks [first, end). false: it refused,
 * and some pages may have changed; after 'change' none have, or the region is
 * torn. */
bool torpor__chunk_protect(torpor__region *region, uint32_t first, uint32_t end,
                           torpor__os_access access);
bool torpor__chunk_change(torpor__region *region, uint32_t first, uint32_t end,
                          torpor__os_access access);
/* Makes it what the records say, after it was changed in part. When the system
 * refuses that, too, the region is torn. */
void torpor__chunk_repair(torpor__region *region, uint32_t first, uint32_t end);

/* ---- Shadows (shadow.c) ---------------------------------------------------*/

/* Makes a shadow when there is none. */
bool torpor__shadow_open(torpor__region *region);
/* Notes that 'page', which is clean, is shared. */
void torpor__shadow_share(torpor__region *region, uint32_t page);
bool torpor__shadow_shares_any(const torpor__region *region, uint32_t chunk);
/* Copies a page that is shared, which is about to become writable; all of a
 * chunk. false: no memory. */
bool torpor__shadow_unshare_page(torpor__region *region, uint32_t page);
bool torpor__shadow_unshare_chunk(torpor__region *region, uint32_t chunk);
/* No page of 'chunk' is shared from then on: nothing is remembered of it. */
void torpor__shadow_end_shares(torpor__region *region, uint32_t chunk);
/* No page has a copy or is shared from then on. */
void torpor__shadow_clear(torpor__region *region);
#ifdef TORPOR_TESTING
/* Asserts that the records of the shadow, which there is, agree. */
void torpor__shadow_check(const torpor__region *region);
#endif

/* ---- Tracking (track.c) ---------------------------------------------------*/

/* Makes 'page', which is clean, writable, and more where that is cheaper.
 * false: the system refused. Safe in the fault handler. */
bool torpor__page_make_writable(torpor__region *region, uint32_t page);
/* Counts 'region' among those with tracked chunks. false: too many. */
bool torpor__track_start(torpor__region *region);
void torpor__track_end(torpor__region *region);
/* Makes all pages of chunks [first, end), which are committed, clean. */
bool torpor__track_chunks(torpor__region *region, uint32_t first, uint32_t end);

/* ---- Sharing (share.c) ----------------------------------------------------*/

/* 'region' does not count among those that share pages any more. */
void torpor__share_end(torpor__region *region);

/* ---- On a file (mapped.c) -------------------------------------------------*/

/* What is mapped becomes reserved. */
bool torpor__region_unmap(torpor__region *region);

#endif
