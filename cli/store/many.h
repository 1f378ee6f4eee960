/* SPDX-License-Identifier: MIT */
/* many.h - making a run of each line of a file. */
#ifndef TORPOR_CLI_MANY_H
#define TORPOR_CLI_MANY_H

#include "cli/store/store.h"

/* Where the inputs are, and what becomes of the ids. */
struct cli_many {
  const char *path;        /* "-": standard input */
  torpor_run_made_fn made; /* told of each run; may be NULL */
  void *user;
};

/* Makes runs as 'options' say; with an id there they are called ID-1, ID-2 and
 * so on. Each line is the input of one, as JSON; empty lines are left out. Runs
 * are made in batches: of a batch with a line that cannot be used none is made,
 * and those before it stay. '*count' is how many were made. CLI_EXIT_DONE, or
 * an exit code after saying which line is wrong, and what was made. */
int cli_many_make(torpor_store *store, const torpor_run_options *options,
                  const struct cli_many *many, size_t *count);

#endif
