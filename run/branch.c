/* SPDX-License-Identifier: MIT */
/* branch.c - reading what a new branch goes on from, and writing its rows. See
 * branch.h.
 *
 * On the thread of the database. */
#include "run/branch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/search.h"
#include "run/fault.h"
#include "run/state/operation.h"
#include "torpor-run.h"

void torpor__branch_free(struct torpor__new_branch *branch) {
  if (branch->opened)
    branch->reader->close(branch->reader->user, &branch->checkpoint);
  torpor__run_rows_free(&branch->rows);
}

/* ---- reading -------------------------------------------------------------*/

static torpor_status read_rows(struct torpor__new_branch *branch) {
  unsigned run =
      branch->from == branch->to ? TORPOR__ROWS_RUN : TORPOR__ROWS_INPUT;
  torpor_status status =
      torpor__run_rows_read(&branch->rows, branch->database, branch->from,
                            run | TORPOR__ROWS_BRANCHES | TORPOR__ROWS_KINDS |
                                TORPOR__ROWS_OPERATIONS | TORPOR__ROWS_RESULTS);
  if (status != TORPOR_OK) return status;
  branch->head = branch->rows.runs[0].head;
  snprintf(branch->id, sizeof branch->id, "%s", branch->rows.runs[0].row.id);
  return TORPOR_OK;
}

torpor_status torpor__branch_read_step(struct torpor__database *database,
                                       int64_t given, int64_t *step) {
  *step = given == TORPOR_RUN_NEWEST ? TORPOR__STEP_NEWEST : given;
  if (*step >= 0) return TORPOR_OK;
  return torpor__database_fail(database, TORPOR_MISUSE, "a step is 0 or more");
}

torpor_status torpor__branch_not_kept(struct torpor__database *database,
                                      int64_t run, const char *id,
                                      int64_t step) {
  struct torpor__run_rows rows = {0};
  torpor_status status =
      torpor__run_rows_read(&rows, database, run, TORPOR__ROWS_STATES);
  size_t count = rows.state_count;
  int64_t last = count > 0 ? rows.states[0].step : 0;
  int64_t first = count > 0 ? rows.states[count - 1].step : 0;
  torpor__run_rows_free(&rows);
  if (status != TORPOR_OK) return status;
  if (count == 0)
    return torpor__database_fail(database, TORPOR_NOT_FOUND,
                                 "no state of run '%s' is kept; only 0, its "
                                 "beginning, can be gone back to",
                                 id);
  return torpor__database_fail(
      database, TORPOR_NOT_FOUND,
      "step %" PRId64
      " of run '%s' is not kept; there "
      "are %" PRId64 " to %" PRId64 ", and 0, its beginning",
      step == TORPOR__STEP_NEWEST ? last : step, id, first, last);
}

/* Where the program of the state began. */
static torpor_status read_start(struct torpor__new_branch *branch) {
  torpor_status status = torpor__run_rows_read(
      &branch->rows, branch->database, branch->from, TORPOR__ROWS_VERSIONS);
  if (status != TORPOR_OK) return status;
  for (size_t i = 0; i < branch->rows.version_count; i++)
    if (branch->rows.versions[i].number == branch->checkpoint.version)
      branch->start = branch->rows.versions[i].start;
  if (branch->start <= branch->checkpoint.step) return TORPOR_OK;
  return torpor__database_fail(branch->database, TORPOR_CORRUPT,
                               "run '%s': the program of step %" PRId64
                               " begins after it",
                               branch->id, branch->checkpoint.step);
}

static torpor_status read_state(struct torpor__new_branch *branch,
                                int64_t step) {
  struct torpor__checkpoint *checkpoint = &branch->checkpoint;
  bool newest = step == TORPOR__STEP_NEWEST;
  bool begins = newest && branch->head.step == branch->head.start;
  if (step == 0 || begins) {
    checkpoint->branch = branch->head.branch;
    checkpoint->version = begins ? branch->head.version : 0;
    checkpoint->step = branch->start = begins ? branch->head.start : 0;
    return TORPOR_OK;
  }
  torpor_status status = branch->reader->open(branch->reader->user,
                                              branch->from, step, checkpoint);
  branch->opened = status == TORPOR_OK;
  if (status != TORPOR_OK && status != TORPOR_NOT_FOUND) return status;
  if (!branch->opened || (!newest && checkpoint->step != step))
    return torpor__branch_not_kept(branch->database, branch->from, branch->id,
                                   step);
  return read_start(branch);
}

torpor_status torpor__branch_read(struct torpor__new_branch *branch,
                                  int64_t step) {
  struct torpor__database *database = branch->database;
  torpor_status status = database->calls->view(database);
  if (status != TORPOR_OK) return status;
  status = read_rows(branch);
  if (status == TORPOR_OK) status = read_state(branch, step);
  database->calls->rollback(database);
  return status;
}

/* ---- what the state waits for --------------------------------------------*/

static const struct torpor__branch *
find_branch(const struct torpor__run_rows *rows, int64_t number) {
  for (size_t i = 0; i < rows->branch_count; i++)
    if (rows->branches[i].branch == number) return &rows->branches[i];
  return NULL;
}

/* The branch in which an operation of a state of branch 'number' was begun.
 * Parents have lower numbers, so this ends. */
static int64_t find_beginning(const struct torpor__run_rows *rows,
                              int64_t number, uint64_t id) {
  const struct torpor__branch *row;
  while ((row = find_branch(rows, number)) != NULL && row->parent >= 0 &&
         id < row->first_operation)
    number = row->parent;
  return number;
}

static enum torpor__policy find_policy(const struct torpor__run_rows *rows,
                                       const char *kind) {
  for (size_t i = 0; i < rows->kind_count; i++)
    if (strcmp(rows->kinds[i].kind, kind) == 0) return rows->kinds[i].policy;
  return TORPOR__POLICY_REJECT;
}

/* torpor__compare_fn */
static int compare_rows(const void *key, const void *item) {
  const struct torpor__operation *a = key, *b = item;
  if (a->branch != b->branch) return a->branch < b->branch ? -1 : 1;
  return torpor__compare_u64(&a->id, &b->id);
}

/* An operation that has no row was begun by the step of the state. */
static int64_t find_begun_step(const struct torpor__new_branch *branch,
                               const struct torpor__operation *operation) {
  const struct torpor__run_rows *rows = &branch->rows;
  const struct torpor__operation *found =
      torpor__find(operation, rows->operations, rows->operation_count,
                   sizeof *rows->operations, compare_rows);
  return found != NULL ? found->begun_step : branch->checkpoint.step;
}

void torpor__branch_complete(const struct torpor__new_branch *branch,
                             struct torpor__operation *operation,
                             char key[TORPOR__KEY_MAX]) {
  const struct torpor__run_rows *rows = &branch->rows;
  operation->branch =
      find_beginning(rows, branch->checkpoint.branch, operation->id);
  operation->policy = find_policy(rows, operation->kind);
  operation->begun_step = find_begun_step(branch, operation);
  const struct torpor__branch *row = find_branch(rows, operation->branch);
  snprintf(key, TORPOR__KEY_MAX, "%s/%" PRId64 "/%" PRIu64,
           row != NULL && row->origin[0] != '\0' ? row->origin : branch->id,
           TORPOR__BROKEN(KEYS_ANEW) ? branch->head.branch + 1
                                     : operation->branch,
           operation->id);
  operation->key = key;
}

static torpor_status write_operation(struct torpor__new_branch *branch,
                                     struct torpor__operation *operation) {
  char key[TORPOR__KEY_MAX];
  torpor__branch_complete(branch, operation, key);
  torpor_status status = branch->database->calls->operation_add(
      branch->database, branch->to, operation);
  operation->key = NULL;
  return status;
}

bool torpor__branch_waits_for(const struct torpor__new_branch *branch,
                              int64_t begun_in, uint64_t operation) {
  const struct torpor__checkpoint *checkpoint = &branch->checkpoint;
  const struct torpor__operation *found = torpor__find(
      &operation, checkpoint->operations, checkpoint->operation_count,
      sizeof *checkpoint->operations, torpor__operation_compare);
  return found != NULL && found->branch == begun_in;
}

static torpor_status write_waiting(struct torpor__new_branch *branch) {
  struct torpor__database *database = branch->database;
  const struct torpor__run_rows *rows = &branch->rows;
  torpor_status status = TORPOR_OK;
  int64_t ignored;
  for (size_t i = 0;
       status == TORPOR_OK && i < branch->checkpoint.operation_count; i++)
    status = write_operation(branch, &branch->checkpoint.operations[i]);
  for (size_t i = 0; status == TORPOR_OK && i < rows->result_count; i++)
    if (torpor__branch_waits_for(branch, rows->results[i].branch,
                                 rows->results[i].operation))
      status = database->calls->result_add(database, branch->to,
                                           &rows->results[i], &ignored);
  return status;
}

/* ---- the new branch ------------------------------------------------------*/

torpor_status
torpor__branch_write_history(const struct torpor__new_branch *branch) {
  const struct torpor__run_rows *rows = &branch->rows;
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < rows->branch_count; i++)
    status = branch->database->calls->branch_add(branch->database, branch->to,
                                                 &rows->branches[i]);
  return status;
}

static torpor_status write_branch(struct torpor__new_branch *branch,
                                  int64_t number) {
  const struct torpor__checkpoint *checkpoint = &branch->checkpoint;
  size_t count = checkpoint->operation_count;
  const struct torpor__branch row = {
      .branch = number,
      .parent = checkpoint->branch,
      .parent_step = checkpoint->step,
      .first_operation =
          count > 0 ? checkpoint->operations[count - 1].id + 1 : 1,
      .origin = "",
      .made_ms = branch->now_ms};
  return branch->database->calls->branch_add(branch->database, branch->to,
                                             &row);
}

torpor_status torpor__branch_seal(struct torpor__new_branch *branch,
                                  const char *id, int64_t number) {
  if (!branch->opened) return TORPOR_OK;
  return branch->reader->seal(branch->reader->user, id, number,
                              &branch->checkpoint);
}

static torpor_status write_state(struct torpor__new_branch *branch,
                                 int64_t number) {
  const struct torpor__checkpoint *checkpoint = &branch->checkpoint;
  if (!branch->opened) return TORPOR_OK;
  const struct torpor__state row = {.branch = number,
                                    .step = checkpoint->step,
                                    .version = checkpoint->version,
                                    .runnable = checkpoint->runnable,
                                    .clone = checkpoint->clone,
                                    .engine = checkpoint->engine,
                                    .snapshot = checkpoint->snapshot,
                                    .made_ms = branch->now_ms};
  return branch->database->calls->state_put(branch->database, branch->to, &row);
}

static torpor_status write_head(struct torpor__new_branch *branch,
                                int64_t number, int64_t fence) {
  const struct torpor__head head = {.branch = number,
                                    .step = branch->checkpoint.step,
                                    .version = branch->checkpoint.version,
                                    .start = branch->start,
                                    .fence = fence,
                                    .runnable = branch->checkpoint.runnable,
                                    .changed_ms = branch->now_ms};
  torpor_status status =
      branch->from == branch->to
          ? torpor__request_tell(branch->database, branch->to)
          : TORPOR_OK; /* it is new, which tells enough */
  if (status != TORPOR_OK) return status;
  return branch->database->calls->head_put(branch->database, branch->to, &head);
}

torpor_status torpor__branch_write(struct torpor__new_branch *branch,
                                   int64_t number, int64_t fence) {
  torpor_status status = write_branch(branch, number);
  if (status == TORPOR_OK) status = write_state(branch, number);
  if (status == TORPOR_OK) status = write_waiting(branch);
  if (status == TORPOR_OK) status = write_head(branch, number, fence);
  return status;
}
