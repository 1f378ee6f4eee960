/* SPDX-License-Identifier: MIT */
/* region.h - what the files that make up regions share: their layout.
 *
 * region.c has the picture and the invariants. */
#ifndef TORPOR_WASM_REGION_H
#define TORPOR_WASM_REGION_H

#include "wasm/runtime.h"

#define ROUND_UP(value, unit) (((value) + (unit) - 1) / (unit) * (unit))
#define CHUNK_COUNT (UINT64_C(0x100000000) / TORPOR__CHUNK)
#define CHUNK_PAGES (TORPOR__CHUNK / TORPOR__PAGE)
#define MEMORY_RESERVED UINT64_C(0x100000000)
#define WORD_BITS 64u
/* Chunks from here on are never sealed; only large programs have them. */
#define SEAL_CHUNKS 256u

typedef struct torpor__shadow torpor__shadow;

struct torpor__region {
  struct torpor__region *next; /* among the spare ones */
  torpor__shadow *shadow;      /* or NULL */
  uint32_t chunk_end; /* no chunk from here on was committed since opening */
  bool is_counted;    /* in sealed_regions */
  uint64_t bitmap[CHUNK_COUNT / WORD_BITS];
  uint64_t sealed[SEAL_CHUNKS / WORD_BITS];
  uint16_t written[SEAL_CHUNKS]; /* a bit for each page of a sealed chunk */
};

_Static_assert(CHUNK_PAGES == 16, "a chunk's pages have a bit each");

#endif
