/* SPDX-License-Identifier: MIT */
/* fork.c - making a run that goes on from a state of another one. What that
 * means for what it waits for is in branch.h.
 *
 * The other run stays as it is. Its branches are history of the new one: what
 * was begun on them has the other's id in its key.
 *
 * On the thread of the database. */
#include "run/branch.h"
#include "run/checkpoint.h"
#include "run/fault.h"

static torpor_status add_run(struct torpor__new_branch *branch,
                             const char *id) {
  struct torpor__database *database = branch->database;
  struct torpor__run row = branch->rows.runs[0].row;
  row.id = id;
  row.created_ms = branch->now_ms;
  row.parent = branch->from;
  torpor_status status = database->calls->run_add(database, &row, &branch->to);
  if (status != TORPOR_OK) return status;
  return database->calls->run_inherit(database, branch->from, branch->to);
}

/* Makes sure that a branch has a row. */
static torpor_status name_branch(struct torpor__run_rows *rows,
                                 int64_t number) {
  const struct torpor__branch row = {
      .branch = number, .parent = -1, .origin = ""};
  if (number < 0) return TORPOR_OK;
  for (size_t i = 0; i < rows->branch_count; i++)
    if (rows->branches[i].branch == number) return TORPOR_OK;
  return torpor__run_rows_add_branch(rows, &row);
}

/* Branches without a row get one, if anything can have been begun there: the
 * first one, and those that the state or another branch come from. */
static torpor_status name_origins(struct torpor__new_branch *branch) {
  struct torpor__run_rows *rows = &branch->rows;
  size_t count = rows->branch_count;
  torpor_status status = name_branch(rows, 0);
  if (status == TORPOR_OK)
    status = name_branch(rows, branch->checkpoint.branch);
  if (status == TORPOR_OK) status = name_branch(rows, branch->head.branch);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++)
    status = name_branch(rows, rows->branches[i].parent);
  if (status != TORPOR_OK)
    return torpor__database_fail(branch->database, status, NULL);
  for (size_t i = 0; i < rows->branch_count; i++)
    if (rows->branches[i].origin[0] == '\0')
      rows->branches[i].origin = branch->id;
  return TORPOR_OK;
}

/* All that the copy has, but what run_inherit copies within the database. */
static torpor_status read_fork(struct torpor__new_branch *branch, int64_t step,
                               const char *id) {
  torpor_status status = torpor__branch_read(branch, step);
  if (status == TORPOR_OK) status = name_origins(branch);
  if (status != TORPOR_OK) return status;
  branch->checkpoint.clone = true;
  return torpor__branch_seal(branch, id, branch->head.branch + 1);
}

/* The other run may be further by now, but it must be there: what is inherited
 * from it was not read yet. */
static torpor_status write_fork(struct torpor__new_branch *branch,
                                const char *id) {
  struct torpor__database *database = branch->database;
  struct torpor__head now;
  torpor_status status =
      database->calls->head_get(database, branch->from, &now);
  if (status == TORPOR_NOT_FOUND)
    return torpor__database_fail(database, status,
                                 "run '%s' was removed meanwhile", branch->id);
  if (status == TORPOR_OK) status = add_run(branch, id);
  if (status == TORPOR_OK) status = torpor__branch_write_history(branch);
  if (status != TORPOR_OK) return status;
  return torpor__branch_write(branch, branch->head.branch + 1, 0);
}

static torpor_status fork_read(struct torpor__new_branch *branch,
                               const char *id) {
  struct torpor__database *database = branch->database;
  TORPOR__FAULT(FORK_READ);
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = write_fork(branch, id);
  TORPOR__FAULT(FORK_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status == TORPOR_OK) TORPOR__FAULT(FORK_AFTER);
  return status;
}

torpor_status
torpor__branch_fork(struct torpor__database *database, int64_t from,
                    int64_t step, const char *id,
                    const struct torpor__checkpoint_reader *reader,
                    int64_t now_ms) {
  struct torpor__new_branch branch = {
      .database = database, .reader = reader, .from = from, .now_ms = now_ms};
  torpor_status status = torpor__request_check_id(database, id);
  if (status != TORPOR_OK) return status;
  status = read_fork(&branch, step, id);
  if (status == TORPOR_OK) status = fork_read(&branch, id);
  torpor__branch_free(&branch);
  return status;
}

torpor_status torpor_run_fork(torpor_store *store, const char *id, int64_t step,
                              const char *new_id, char *out_id) {
  struct torpor__database *database = store->database;
  const struct torpor__checkpoint_reader reader =
      torpor__checkpoint_reader(store);
  int64_t run;
  torpor_status status = torpor__branch_read_step(database, step, &step);
  if (status == TORPOR_OK)
    status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK)
    status = torpor__store_choose_id(store, new_id, out_id);
  if (status != TORPOR_OK) return status;
  return torpor__branch_fork(database, run, step, out_id, &reader,
                             torpor__store_now());
}
