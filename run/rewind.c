/* SPDX-License-Identifier: MIT */
/* rewind.c - leading a run back to an older state. What that means for what it
 * waits for is in branch.h.
 *
 * On the thread of the database. */
#include "branch.h"
#include "checkpoint.h"
#include "fault.h"

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

static torpor_status write_rewound(struct torpor__new_branch *branch,
                                   int64_t step) {
  torpor_status status = torpor__branch_read(branch, step);
  if (status == TORPOR_OK) status = clear_newer(branch);
  if (status != TORPOR_OK) return status;
  int64_t fence =
      branch->head.fence + (TORPOR__BROKEN(REWIND_UNFENCED) ? 0 : 1);
  return torpor__branch_write(branch, branch->id, branch->head.branch + 1,
                              fence);
}

static torpor_status rewind_locked(struct torpor__new_branch *branch,
                                   int64_t step) {
  const struct torpor__database_calls *calls = branch->database->calls;
  torpor_status status = calls->begin(branch->database);
  if (status != TORPOR_OK) return status;
  status = write_rewound(branch, step);
  TORPOR__FAULT(REWIND_BEFORE);
  if (status == TORPOR_OK) status = calls->commit(branch->database);
  if (status != TORPOR_OK) calls->rollback(branch->database);
  if (status == TORPOR_OK) TORPOR__FAULT(REWIND_AFTER);
  torpor__branch_free(branch);
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
