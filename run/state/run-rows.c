/* SPDX-License-Identifier: MIT */
/* run-rows.c - copies of what a database has of a run. See run-rows.h.
 *
 * On the thread of the database. */
#include "run/state/run-rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

/* ---- copies --------------------------------------------------------------*/

struct torpor__row_block {
  struct torpor__row_block *next;
  char bytes[];
};

static const char *copy(struct torpor__run_rows *rows, const void *data,
                        size_t size) {
  struct torpor__row_block *block = malloc(sizeof *block + size + 1);
  if (block == NULL) return NULL;
  if (size > 0) memcpy(block->bytes, data, size);
  block->bytes[size] = '\0';
  block->next = rows->blocks;
  rows->blocks = block;
  return block->bytes;
}

static bool copy_text(struct torpor__run_rows *rows, const char **text) {
  if (*text == NULL) return true;
  *text = copy(rows, *text, strlen(*text));
  return *text != NULL;
}

static bool copy_bytes(struct torpor__run_rows *rows, torpor_slice *bytes) {
  const char *copied = copy(rows, bytes->data, bytes->size);
  if (copied == NULL) return false;
  *bytes = (torpor_slice){.data = (const void *)copied, .size = bytes->size};
  return true;
}

void torpor__run_rows_free(struct torpor__run_rows *rows) {
  while (rows->blocks != NULL) {
    struct torpor__row_block *block = rows->blocks;
    rows->blocks = block->next;
    free(block);
  }
  free(rows->runs);
  free(rows->states);
  free(rows->branches);
  free(rows->versions);
  free(rows->kinds);
  free(rows->operations);
  free(rows->results);
  free(rows->exits);
  free(rows->files);
  free(rows->signals);
  free(rows->lines);
  *rows = (struct torpor__run_rows){0};
}

/* ---- one row -------------------------------------------------------------*/

/* Puts 'row' behind the last of 'items', where 'taken' says whether what it
 * points to could be copied; 'added' is its place. */
#define ADD(items, item, row_, taken)                                          \
  if (!torpor__array_reserve(&rows->items, &rows->item##_capacity,             \
                             rows->item##_count + 1, sizeof *rows->items))     \
    return TORPOR_NOMEM;                                                       \
  rows->items[rows->item##_count] = row_;                                      \
  added = &rows->items[rows->item##_count];                                    \
  if (!(taken)) return TORPOR_NOMEM;                                           \
  rows->item##_count++;                                                        \
  return TORPOR_OK

/* torpor__run_fn */
static torpor_status add_run(void *data, int64_t number,
                             const struct torpor__run *row,
                             const struct torpor__head *head) {
  struct torpor__run_rows *rows = data;
  struct torpor__run_row *added;
  struct torpor__run_row both = {.number = number, .row = *row, .head = *head};
  if (!rows->with_input) both.row.input = (torpor_slice){0};
  both.row.handed = (torpor_slice){0}; /* it is not read */
  ADD(runs, run, both,
      copy_text(rows, &added->row.id) && copy_text(rows, &added->row.program) &&
          copy_text(rows, &added->row.access) &&
          copy_bytes(rows, &added->row.engine) &&
          copy_bytes(rows, &added->row.input));
}

/* torpor__state_fn */
static torpor_status add_state(void *data, const struct torpor__state *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__state *added;
  struct torpor__state state = *row;
  state.snapshot.data = NULL;
  ADD(states, state, state, copy_bytes(rows, &added->engine));
}

/* torpor__branch_fn */
torpor_status torpor__run_rows_add_branch(void *data,
                                          const struct torpor__branch *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__branch *added;
  ADD(branches, branch, *row, copy_text(rows, &added->origin));
}

/* torpor__version_fn */
static torpor_status add_version(void *data,
                                 const struct torpor__version *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__version *added;
  struct torpor__version version = *row;
  version.state = (torpor_slice){0};
  ADD(versions, version, version,
      copy_text(rows, &added->program) && copy_bytes(rows, &added->engine));
}

/* torpor__kind_fn */
torpor_status torpor__run_rows_add_kind(void *data, const char *kind,
                                        enum torpor__policy policy) {
  struct torpor__run_rows *rows = data;
  struct torpor__kind *added;
  const struct torpor__kind row = {.kind = kind, .policy = policy};
  ADD(kinds, kind, row, copy_text(rows, &added->kind));
}

/* torpor__operation_fn */
torpor_status
torpor__run_rows_add_operation(void *data,
                               const struct torpor__operation *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__operation *added;
  ADD(operations, operation, *row,
      copy_text(rows, &added->kind) && copy_text(rows, &added->topic) &&
          copy_text(rows, &added->key) && copy_bytes(rows, &added->request));
}

/* torpor__result_fn */
torpor_status torpor__run_rows_add_result(void *data,
                                          const struct torpor__result *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__result *added;
  ADD(results, result, *row, copy_bytes(rows, &added->value));
}

/* torpor__signal_fn */
torpor_status torpor__run_rows_add_signal(void *data,
                                          const struct torpor__signal *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__signal *added;
  ADD(signals, signal, *row,
      copy_text(rows, &added->topic) && copy_bytes(rows, &added->value));
}

/* torpor__line_fn */
torpor_status torpor__run_rows_add_line(void *data,
                                        const struct torpor__line *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__line *added;
  ADD(lines, line, *row, copy_bytes(rows, &added->text));
}

/* torpor__exit_fn */
static torpor_status add_exit(void *data, const struct torpor__exit *row) {
  struct torpor__run_rows *rows = data;
  struct torpor__exit *added;
  ADD(exits, exit, *row,
      copy_text(rows, &added->reason) && copy_bytes(rows, &added->value));
}

/* torpor__file_fn */
static torpor_status add_file(void *data, const char *name,
                              torpor_slice source) {
  struct torpor__run_rows *rows = data;
  struct torpor__file *added;
  const struct torpor__file row = {.name = name, .source = source};
  ADD(files, file, row,
      copy_text(rows, &added->name) && copy_bytes(rows, &added->source));
}

/* ---- reading -------------------------------------------------------------*/

static torpor_status explain(struct torpor__database *database,
                             torpor_status status) {
  return status == TORPOR_NOMEM ? torpor__database_fail(database, status, NULL)
                                : status;
}

torpor_status torpor__run_rows_read(struct torpor__run_rows *rows,
                                    struct torpor__database *database,
                                    int64_t run, unsigned what) {
  const struct torpor__database_calls *calls = database->calls;
  torpor_status status = TORPOR_OK;
  rows->with_input = (what & TORPOR__ROWS_INPUT) == TORPOR__ROWS_INPUT;
  if (what & TORPOR__ROWS_RUN)
    status = calls->run_get(database, run, add_run, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_STATES)
    status = calls->state_list(database, run, add_state, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_BRANCHES)
    status =
        calls->branch_each(database, run, torpor__run_rows_add_branch, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_VERSIONS)
    status = calls->version_each(database, run, add_version, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_KINDS)
    status = calls->kind_each(database, run, torpor__run_rows_add_kind, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_OPERATIONS)
    status = calls->operation_each(database, run, -1, 0,
                                   torpor__run_rows_add_operation, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_RESULTS)
    status =
        calls->result_each(database, run, torpor__run_rows_add_result, rows);
  if (status == TORPOR_OK && what & TORPOR__ROWS_EXIT)
    status = calls->exit_each(database, run, add_exit, rows);
  return explain(database, status);
}

torpor_status torpor__run_rows_list(struct torpor__run_rows *rows,
                                    struct torpor__database *database,
                                    const struct torpor__page *page) {
  rows->with_input = false;
  return explain(database,
                 database->calls->run_list(database, page, add_run, rows));
}

torpor_status torpor__run_rows_files(struct torpor__run_rows *rows,
                                     struct torpor__database *database,
                                     int64_t run, int64_t version) {
  return explain(database, database->calls->file_each(database, run, version,
                                                      NULL, add_file, rows));
}
