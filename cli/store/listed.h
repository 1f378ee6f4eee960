/* SPDX-License-Identifier: MIT */
/* listed.h - a page of runs, each with the first operations that it waits for.
 * A page is zero when it is empty. */
#ifndef TORPOR_CLI_LISTED_H
#define TORPOR_CLI_LISTED_H

#include "torpor-run.h"

enum { CLI_LISTED_WAITS = 3 };

/* What a run waits for: an operation, as much as is told of it. */
struct cli_listed_wait {
  char *kind, *topic; /* owned; 'topic' may be NULL */
  char *text;         /* owned: cli_wait_short */
  int64_t due_ms;     /* -1: never */
};

struct cli_listed {
  torpor_run_info info; /* owned: its id, file and reason; the rest of what it
                           points to is NULL */
  struct cli_listed_wait waits[CLI_LISTED_WAITS];
  size_t wait_count;
};

struct cli_listed_page {
  struct cli_listed *runs;
  size_t count, capacity;
  bool failed; /* no memory */
};

/* Reads the runs that 'options' say, of which there must be a limit. OK, NOMEM,
 * or what the store says; the page is to be freed in any case. */
torpor_status cli_listed_read(torpor_store *store,
                              const torpor_run_list_options *options,
                              struct cli_listed_page *page);
void cli_listed_free(struct cli_listed_page *page);

#endif
