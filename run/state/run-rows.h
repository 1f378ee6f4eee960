/* SPDX-License-Identifier: MIT */
/* run-rows.h - copies of what a database has of a run.
 *
 * A visitor of a database borrows a row and may not call the database. Whoever
 * wants rows for longer says which, and gets copies:
 *
 *   struct torpor__run_rows rows = {0};
 *   torpor__run_rows_read(&rows, database, run,
 *                         TORPOR__ROWS_RUN | TORPOR__ROWS_BRANCHES);
 *   ... rows.runs[0].row.id ... rows.branches[i] ...
 *   torpor__run_rows_free(&rows);
 *
 *  (1) What is copied has a zero byte behind it, also where it is bytes.
 *  (2) The order is that of the database.
 *
 * On the thread of the database. */
#ifndef TORPOR_RUN_RUN_ROWS_H
#define TORPOR_RUN_RUN_ROWS_H

#include "run/request.h"

enum {
  TORPOR__ROWS_RUN = 1, /* the run and its head, without its input */
  TORPOR__ROWS_INPUT = TORPOR__ROWS_RUN | 2, /* the same with it */
  TORPOR__ROWS_STATES = 4, /* without the bytes of the snapshots */
  TORPOR__ROWS_BRANCHES = 8,
  TORPOR__ROWS_VERSIONS = 16, /* without what they took over */
  TORPOR__ROWS_KINDS = 32,
  TORPOR__ROWS_OPERATIONS = 64,
  TORPOR__ROWS_RESULTS = 128,
  TORPOR__ROWS_EXIT = 256
};

struct torpor__run_row {
  int64_t number;
  struct torpor__run row;
  struct torpor__head head;
};

struct torpor__row_block; /* memory of texts and bytes */

/* Zeroed is empty. */
struct torpor__run_rows {
  struct torpor__run_row *runs; /* one, or those of pages */
  size_t run_count, run_capacity;
  struct torpor__state *states;
  size_t state_count, state_capacity;
  struct torpor__branch *branches;
  size_t branch_count, branch_capacity;
  struct torpor__version *versions;
  size_t version_count, version_capacity;
  struct torpor__kind *kinds;
  size_t kind_count, kind_capacity;
  struct torpor__operation *operations;
  size_t operation_count, operation_capacity;
  struct torpor__result *results;
  size_t result_count, result_capacity;
  struct torpor__exit *exits; /* one, or none */
  size_t exit_count, exit_capacity;
  struct torpor__file *files; /* of one version: torpor__run_rows_files */
  size_t file_count, file_capacity;
  struct torpor__signal *signals; /* these two by visit.c alone */
  size_t signal_count, signal_capacity;
  struct torpor__line *lines;
  size_t line_count, line_capacity;
  bool with_input;
  struct torpor__row_block *blocks;
};

/* Adds copies of what 'what' names. OK, NOMEM, or what the database says. */
torpor_status torpor__run_rows_read(struct torpor__run_rows *rows,
                                    struct torpor__database *database,
                                    int64_t run, unsigned what);

/* Adds the runs of a page, as TORPOR__ROWS_RUN does. The same codes. */
torpor_status torpor__run_rows_list(struct torpor__run_rows *rows,
                                    struct torpor__database *database,
                                    const struct torpor__page *page);

/* Adds copies of the files of a version. The same codes. */
torpor_status torpor__run_rows_files(struct torpor__run_rows *rows,
                                     struct torpor__database *database,
                                     int64_t run, int64_t version);

void torpor__run_rows_free(struct torpor__run_rows *rows);

/* Add a copy of one row; 'rows' is a struct torpor__run_rows. OK or NOMEM. */
torpor_status torpor__run_rows_add_branch(void *rows,
                                          const struct torpor__branch *row);
torpor_status torpor__run_rows_add_kind(void *rows, const char *kind,
                                        enum torpor__policy policy);
torpor_status
torpor__run_rows_add_operation(void *rows, const struct torpor__operation *row);
torpor_status torpor__run_rows_add_result(void *rows,
                                          const struct torpor__result *row);
torpor_status torpor__run_rows_add_signal(void *rows,
                                          const struct torpor__signal *row);
torpor_status torpor__run_rows_add_line(void *rows,
                                        const struct torpor__line *row);

#endif
