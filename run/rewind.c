/* SPDX-License-Identifier: MIT */
/* rewind.c - leading a run back to an older state. What that means for what it
 * waits for is in branch.h.
 *
 * On the thread of the database. */
#include "run/branch.h"
#include "run/checkpoint.h"
#include "run/fault.h"

/* Removes what the run has of its time after the state, and what waits now. */
static torpor_status clear_newer(const struct torpor__new_branch *branch) {
  struct torpor__database *database = branch->database;
  const struct torpor__database_calls *calls = database->calls;
  if (TORPOR__BROKEN(OPERATIONS_STAY)) return TORPOR_OK;
  torpor_status status = calls->operation_clear(database, branch->to);
  if (status == TORPOR_OK) status = calls->result_clear(database, branch->to);
  if (status == TORPOR_OK) status = calls->exit_remove(database, branch->to);
  if (status == TORPOR_OK)
    status = calls->state_cut(database, branch->to,
                              branch->checkpoint.step - branch->opened);
  return status;
}

/* FENCED when the run is not as it was read: without the lock it can only be
 * killed, or parked. */
static torpor_status check_head(const struct torpor__new_branch *branch) {
  const struct torpor__head *read = &branch->head;
  struct torpor__head now;
  torpor_status status =
      branch->database->calls->head_get(branch->database, branch->from, &now);
  if (status != TORPOR_OK) return status;
  if (now.fence == read->fence && now.status == read->status) return TORPOR_OK;
  return torpor__database_fail(branch->database, TORPOR_FENCED, "run %s",
                               branch->id);
}

static torpor_status write_rewound(struct torpor__new_branch *branch) {
  torpor_status status = check_head(branch);
  if (status == TORPOR_OK) status = clear_newer(branch);
  if (status != TORPOR_OK) return status;
  int64_t fence =
      branch->head.fence + (TORPOR__BROKEN(REWIND_UNFENCED) ? 0 : 1);
  return torpor__branch_write(branch, branch->head.branch + 1, fence);
}

static torpor_status rewind_read(struct torpor__new_branch *branch) {
  const struct torpor__database_calls *calls = branch->database->calls;
  TORPOR__FAULT(REWIND_READ);
  torpor_status status = calls->begin(branch->database);
  if (status != TORPOR_OK) return status;
  status = write_rewound(branch);
  TORPOR__FAULT(REWIND_BEFORE);
  if (status == TORPOR_OK) status = calls->commit(branch->database);
  if (status != TORPOR_OK) calls->rollback(branch->database);
  if (status == TORPOR_OK) TORPOR__FAULT(REWIND_AFTER);
  return status;
}

static torpor_status rewind_locked(const struct torpor__new_branch *empty,
                                   int64_t step) {
  torpor_status status;
  do {
    struct torpor__new_branch branch = *empty;
    status = torpor__branch_read(&branch, step);
    if (status == TORPOR_OK)
      status = torpor__branch_seal(&branch, branch.id, branch.head.branch + 1);
    if (status == TORPOR_OK) status = rewind_read(&branch);
    torpor__branch_free(&branch);
  } while (status == TORPOR_FENCED); /* it was killed: it is read anew */
  return status;
}

torpor_status torpor__branch_rewind(
    struct torpor__database *database, int64_t run, int64_t step,
    const struct torpor__checkpoint_reader *reader, int64_t now_ms) {
  struct torpor__new_branch branch = {.database = database,
                                      .reader = reader,
                                      .from = run,
                                      .to = run,
                                      .now_ms = now_ms};
  torpor_status status = database->calls->lock(database, run);
  if (status == TORPOR_LOCKED)
    return torpor__database_fail(
        database, status,
        "a worker drives the run; stop it first, or fork "
        "the run");
  if (status != TORPOR_OK) return status;
  status = rewind_locked(&branch, step);
  database->calls->unlock(database, run);
  return status;
}

torpor_status torpor_run_rewind(torpor_store *store, const char *id,
                                int64_t step) {
  struct torpor__database *database = store->database;
  const struct torpor__checkpoint_reader reader =
      torpor__checkpoint_reader(store);
  int64_t run;
  torpor_status status = torpor__branch_read_step(database, step, &step);
  if (status == TORPOR_OK)
    status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return torpor__branch_rewind(database, run, step, &reader,
                               torpor__store_now());
}
