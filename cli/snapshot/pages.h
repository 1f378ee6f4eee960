/* SPDX-License-Identifier: MIT */
/* pages.h - what the memory section of a snapshot holds, without an engine.
 *
 * It is a list of runs over the engine's baseline (docs/snapshot-format.md), so
 * a page is told only as far as it differs from the baseline. Two snapshots of
 * one engine are compared run against run. */
#ifndef TORPOR_CLI_PAGES_H
#define TORPOR_CLI_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

#define CLI_PAGE_SIZE 4096u

struct cli_pages {
  uint64_t pages;      /* that are not as in the baseline */
  uint64_t data_bytes; /* of runs with content */
  uint64_t zero_bytes; /* of runs of zeros */
};

/* False: 'memory' is damaged. */
bool cli_pages_count(const torpor_bytes *memory, struct cli_pages *out);

struct cli_pages_difference {
  uint64_t pages; /* in which at least one byte is another */
  uint64_t bytes; /* that are other ones */
};

/* What changed from 'a' to 'b'. As above. */
bool cli_pages_compare(const torpor_bytes *a, const torpor_bytes *b,
                       struct cli_pages_difference *out);

#endif
