/* SPDX-License-Identifier: MIT */
/* draft.h - a snapshot taken apart, so that it can be put together wrongly. */
#ifndef TORPOR_TEST_DRAFT_H
#define TORPOR_TEST_DRAFT_H

#include "common/buffer.h"

#define DRAFT_HEADER 96
#define DRAFT_SECTIONS 12
#define DRAFT_MEMORY 5 /* type of the section */
#define DRAFT_NONE UINT32_MAX

typedef struct draft_section {
  uint32_t type, method;
  uint64_t raw_lie, stored_lie; /* added to the true sizes */
  torpor__buffer content;       /* unpacked */
} draft_section;

typedef struct draft {
  uint8_t header[DRAFT_HEADER];
  draft_section sections[DRAFT_SECTIONS];
  size_t count;
  uint32_t count_lie;
  bool is_literal; /* sections[0] holds the whole */
  bool is_unlinked, is_protected;
  uint8_t checksum_lie;
  uint32_t flip, truncate, protected_flip; /* DRAFT_NONE: not at all */
} draft;

/* Takes apart what the library made. */
void draft_read(draft *d, const uint8_t *data, size_t size);
void draft_copy(draft *d, const draft *from);
void draft_free(draft *d);

/* The first section of 'type', or NULL. */
draft_section *draft_find(draft *d, uint32_t type);
void draft_section_copy(draft_section *to, const draft_section *from);
void draft_section_free(draft_section *section);

/* Puts 'size' bytes at 'address' of the memory that 'runs' describe, where they
 * fit into one run or between two. */
void draft_patch(torpor__buffer *runs, uint32_t address, const void *data,
                 size_t size);
/* Makes the run 'index' lie: 'which' says how. */
void draft_lie(torpor__buffer *runs, unsigned index, unsigned which,
               uint32_t value);

/* The bytes. 'before' is the piece that it is the difference from, if any. */
torpor_bytes draft_write(const draft *d, const torpor_bytes *before);

#endif
