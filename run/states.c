/* SPDX-License-Identifier: MIT */
/* states.c - the states that a run keeps: listing them, reading one, removing
 * old ones.
 *
 * On the thread of the store. */
#include <stdlib.h>

#include "common/sized.h"
#include "run/checkpoint.h"
#include "run/fault.h"
#include "run/protocol/clock.h"
#include "run/protocol/protocol.h"
#include "run/state/extension.h"
#include "run/sweep.h"

/* ---- listing -------------------------------------------------------------*/

torpor_status torpor_run_steps(torpor_store *store, const char *id,
                               torpor_run_step_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct torpor__run_rows rows = {0};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(&rows, database, run, TORPOR__ROWS_STATES);
  bool go_on = status == TORPOR_OK;
  for (size_t i = rows.state_count; go_on && i-- > 0;) {
    const struct torpor__state *state = &rows.states[i];
    const torpor_run_step step = {
        .branch = state->branch,
        .step = state->step,
        .size = state->snapshot.size,
        .parent_step = state->parent_step == 0 ? -1 : state->parent_step,
        .made_ms = state->made_ms,
        .engine = (const char *)state->engine.data};
    go_on = visit(user, &step);
  }
  torpor__run_rows_free(&rows);
  return status;
}

/* ---- reading one ---------------------------------------------------------*/

static torpor_status read_whole(torpor_store *store,
                                const struct torpor__state_chain *chain,
                                torpor_bytes *out) {
  torpor_vm *vm = NULL;
  torpor_status status = TORPOR_OK;
  if (chain->count > 1) status = torpor__checkpoint_wake(store, chain, &vm);
  if (status == TORPOR_OK)
    status = torpor__checkpoint_merge(store, chain, vm, out);
  torpor_vm_close(vm);
  return status;
}

torpor_status torpor_run_snapshot(torpor_store *store, const char *id,
                                  int64_t step, torpor_bytes *out) {
  struct torpor__database *database = store->database;
  struct torpor__state_chain chain;
  int64_t run;
  *out = (torpor_bytes){0};
  torpor_status status = torpor__branch_read_step(database, step, &step);
  if (status == TORPOR_OK)
    status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK)
    status = torpor__state_chain_read(&chain, store, run, id, step);
  if (status == TORPOR_NOT_FOUND && step != TORPOR__STEP_NEWEST)
    return torpor__branch_not_kept(database, run, id, step);
  if (status != TORPOR_OK) return status;
  if (step != TORPOR__STEP_NEWEST && chain.step != step)
    status = torpor__branch_not_kept(database, run, id, step);
  else
    status = torpor__extension_prepare_all(store, id, run, chain.version);
  if (status == TORPOR_OK) status = read_whole(store, &chain, out);
  torpor__state_chain_free(&chain);
  return status;
}

/* ---- removing ------------------------------------------------------------*/

/* Those before the states from which waking at '*step' begins can go; 0: all
 * can. */
static torpor_status find_step(struct torpor__database *database, int64_t run,
                               uint64_t keep, int64_t *step) {
  struct torpor__head head;
  int64_t newest = 0;
  torpor_status status = database->calls->head_get(database, run, &head);
  if (status != TORPOR_OK) return status;
  bool ended =
      head.status != TORPOR__RUN_ACTIVE && head.status != TORPOR__RUN_PARKED;
  *step = 0;
  if (keep == 0 && ended) return TORPOR_OK;
  status = database->calls->state_newest(database, run, &newest);
  if (status != TORPOR_OK) return status;
  if (keep == 0) keep = 1;
  *step = keep >= (uint64_t)newest ? 1 : newest - (int64_t)keep + 1;
  return TORPOR_OK;
}

/* One transaction; '*left' says whether another one is needed. What is to be
 * kept is found anew in each: workers go on meanwhile. */
static torpor_status prune_piece(struct torpor__database *database, int64_t run,
                                 uint64_t keep, struct torpor__counts *removed,
                                 bool *left) {
  int64_t budget = TORPOR__SWEEP_PIECE, step;
  struct torpor__counts now = {0};
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = find_step(database, run, keep, &step);
  if (status == TORPOR_OK)
    status = database->calls->state_thin(database, run, step, &budget, &now);
  TORPOR__FAULT(PRUNE_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(PRUNE_AFTER);
  removed->states += now.states;
  removed->states_size += now.states_size;
  *left = budget <= 0;
  return TORPOR_OK;
}

static torpor_status prune_run(struct torpor__database *database, int64_t run,
                               uint64_t keep, bool dry_run,
                               torpor_run_pruned *pruned) {
  struct torpor__counts removed = {0}, excess;
  int64_t step;
  torpor_status status = find_step(database, run, keep, &step);
  if (status == TORPOR_OK)
    status = database->calls->state_excess(database, run, step, &excess);
  if (dry_run && status == TORPOR_OK) removed = excess;
  bool left = !dry_run && status == TORPOR_OK && excess.states > 0;
  while (left && status == TORPOR_OK) {
    double begun_us = torpor__clock_us();
    status = prune_piece(database, run, keep, &removed, &left);
    if (left) torpor__sweep_pause(begun_us);
  }
  pruned->states += (uint64_t)removed.states;
  pruned->bytes += (uint64_t)removed.states_size;
  return status;
}

torpor_status torpor_run_prune(torpor_store *store, const char *id,
                               uint64_t keep, bool dry_run,
                               torpor_run_pruned *out) {
  struct torpor__database *database = store->database;
  struct torpor__run_rows rows = {0};
  torpor_run_pruned pruned = TORPOR_RUN_PRUNED_INIT;
  const struct torpor__page all = {.limit = INT64_MAX};
  int64_t run;
  if (out != NULL && !torpor__sized_is_good(out))
    return torpor__store_refuse_options(store);
  torpor_status status = TORPOR_OK;
  if (id == NULL)
    status = torpor__run_rows_list(&rows, database, &all);
  else
    status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK && id != NULL)
    status = torpor__run_rows_read(&rows, database, run, TORPOR__ROWS_RUN);
  for (size_t i = 0; status == TORPOR_OK && i < rows.run_count; i++) {
    status = prune_run(database, rows.runs[i].number, keep, dry_run, &pruned);
    /* A damaged run stays as it is; the others are pruned. */
    if (id == NULL && torpor__protocol_is_own_fault(status)) status = TORPOR_OK;
  }
  torpor__run_rows_free(&rows);
  if (status == TORPOR_OK && !dry_run)
    status = database->calls->compact(database);
  if (out != NULL) torpor__sized_give(out, &pruned, sizeof pruned);
  return status;
}
