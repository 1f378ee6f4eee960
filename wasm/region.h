/* SPDX-License-Identifier: MIT */
/* region.h - what the files that make up regions share: their layout, and the
 * ways to a chunk's state.
 *
 *     mappings.c how many mappings all of that takes
 *     chunk.c    what is accessible
 *     shadow.c   pages as they were
 *     seal.c     what can be written
 *     keep.c     what is as it was, until it is written
 *     reach.c    making accessible what is touched
 *     mapped.c   what lies on a file
 *     written.c  finding the pages that may differ
 *     region.c   the address space: opening, size, closing
 *
 * Each calls only those above it. region.c has the picture and the
 * invariants. */
#ifndef TORPOR_WASM_REGION_H
#define TORPOR_WASM_REGION_H

#include "wasm/runtime.h"

#define ROUND_UP(value, unit) (((value) + (unit) - 1) / (unit) * (unit))
#define CHUNK_COUNT (UINT64_C(0x100000000) / TORPOR__CHUNK)
#define CHUNK_PAGES (TORPOR__CHUNK / TORPOR__PAGE)
#define MEMORY_RESERVED UINT64_C(0x100000000)

typedef struct torpor__chunk {
  uint16_t open; /* a bit for each page of a sealed chunk that can be written */
  bool committed;
  bool sealed; /* pages that are not open cannot be written */
} torpor__chunk;

typedef struct torpor__shadow torpor__shadow;

struct torpor__region {
  struct torpor__region *next; /* among the spare ones */
  torpor__shadow *shadow;      /* or NULL */
  uint32_t chunk_end; /* no chunk from here on was committed since opening */
  uint32_t mapped;    /* chunks below this lie on a file, and are committed */
  bool noted;         /* those were sealed: what is written is noted */
  uint32_t opened;    /* pages let in for writing since the last sealing */
  uint32_t edges;     /* where the access changes (mappings.c) */
  bool is_counted;    /* among the sealed regions */
  bool is_kept;       /* among those with kept pages */
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

/* Bytes of a page of the system's: access is changed by whole ones. Where it
 * has more than TORPOR__PAGE, pages of ours are not opened or sealed singly. */
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

static inline bool torpor__chunk_is_committed(const torpor__region *region,
                                              uint32_t chunk) {
  return chunk < region->mapped || region->chunks[chunk].committed;
}
/* The first chunk in [chunk, end) that is committed, or not, as asked; end when
 * there is none. */
uint32_t torpor__chunk_find(const torpor__region *region, uint32_t chunk,
                            uint32_t end, bool committed);
bool torpor__chunk_commit(torpor__region *region, uint32_t first, uint32_t end);
/* false: the bytes are zero, but the system did not take the access away. None
 * of them is mapped. */
bool torpor__chunk_decommit(torpor__region *region, uint32_t first,
                            uint32_t end);
/* Sets what the system lets happen in chunks [first, end). */
bool torpor__chunk_protect(torpor__region *region, uint32_t first, uint32_t end,
                           torpor__os_access access);

/* ---- Seals (seal.c) -------------------------------------------------------*/

/* Whether 'page' of a committed chunk can be written. */
static inline bool torpor__page_is_open(const torpor__region *region,
                                        uint32_t page) {
  const torpor__chunk *chunk = &region->chunks[page / CHUNK_PAGES];
  return !chunk->sealed || (chunk->open >> page % CHUNK_PAGES & 1);
}
/* Lets writes into 'page' of a committed chunk, and into more where that is
 * cheaper. Safe in the fault handler. */
bool torpor__page_open(torpor__region *region, uint32_t page);
/* Counts 'region' among the sealed ones. false: there are too many. */
bool torpor__seal_start(torpor__region *region);
void torpor__seal_end(torpor__region *region);
/* Seals chunks [first, end), of which no page is open then. */
bool torpor__seal_chunks(torpor__region *region, uint32_t first, uint32_t end);

/* ---- Keeping (keep.c) -----------------------------------------------------*/

/* 'region', which is to be closed, keeps no pages any more. */
void torpor__keep_end(torpor__region *region);

/* ---- On a file (mapped.c) -------------------------------------------------*/

/* What lay on a file becomes memory without access. */
bool torpor__region_unmap(torpor__region *region);

/* ---- Shadows (shadow.c) ---------------------------------------------------*/

/* Makes a shadow when there is none. */
bool torpor__shadow_open(torpor__region *region);
/* From now on 'page' is as remembered, until it is written. */
void torpor__shadow_keep(torpor__region *region, uint32_t page);
bool torpor__shadow_keeps_any(const torpor__region *region, uint32_t chunk);
/* Copies the pages that are kept, which are about to be written. */
bool torpor__shadow_save_chunk(torpor__region *region, uint32_t chunk);
bool torpor__shadow_save_page(torpor__region *region, uint32_t page);
/* Holds and keeps nothing from then on. */
void torpor__shadow_clear(torpor__region *region);
#ifdef TORPOR_TESTING
/* Asserts that the records of the shadow, which there is, agree. */
void torpor__shadow_check(const torpor__region *region);
#endif

#endif
