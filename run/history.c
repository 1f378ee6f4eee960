/* SPDX-License-Identifier: MIT */
/* history.c - the states that a run has been in: listing and reading them,
 * going back to one, going on from one in another run, removing old ones.
 *
 * What that means for what a run waits for is in branch.h.
 *
 * On the thread of the store. */
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "checkpoint.h"
#include "fault.h"
#include "protocol.h"

/* 'step' of the public functions. */
static int64_t read_step(int64_t step) {
  return step == TORPOR_RUN_NEWEST ? TORPOR__STEP_NEWEST : step;
}

static torpor_status check_step(torpor_store *store, int64_t step) {
  if (step >= 0 || step == TORPOR_RUN_NEWEST) return TORPOR_OK;
  return torpor__database_fail(store->database, TORPOR_MISUSE,
                               "a step is 0 or more");
}

/* ---- listing -------------------------------------------------------------*/

struct listed {
  torpor_run_step step;
  char engine[TORPOR__ENGINE_ID_MAX + 1];
};

struct listing {
  struct listed *rows;
  size_t count, capacity;
};

/* torpor__state_fn */
static torpor_status list_state(void *data, const struct torpor__state *row) {
  struct listing *listing = data;
  if (row->engine.size > TORPOR__ENGINE_ID_MAX) return TORPOR_CORRUPT;
  if (!torpor__array_reserve(&listing->rows, &listing->capacity,
                             listing->count + 1, sizeof *listing->rows))
    return TORPOR_NOMEM;
  struct listed *listed = &listing->rows[listing->count++];
  *listed = (struct listed){
      .step = {.branch = row->branch,
               .step = row->step,
               .size = row->snapshot.size,
               .parent_step = row->parent_step == 0 ? -1 : row->parent_step,
               .made_ms = row->made_ms}};
  memcpy(listed->engine, row->engine.data, row->engine.size);
  return TORPOR_OK;
}

torpor_status torpor_run_steps(torpor_store *store, const char *id,
                               torpor_run_step_fn visit, void *user) {
  struct torpor__database *rows = store->database;
  struct listing listing = {0};
  int64_t run;
  torpor_status status = rows->calls->run_find(rows, id, &run);
  if (status == TORPOR_OK)
    status = rows->calls->state_each(rows, run, TORPOR__STEP_NEWEST, list_state,
                                     &listing);
  bool go_on = status == TORPOR_OK;
  for (size_t i = listing.count; go_on && i-- > 0;) {
    listing.rows[i].step.engine = listing.rows[i].engine;
    go_on = visit(user, &listing.rows[i].step);
  }
  free(listing.rows);
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
  struct torpor__database *rows = store->database;
  struct torpor__state_chain chain;
  int64_t run;
  *out = (torpor_bytes){0};
  torpor_status status = check_step(store, step);
  if (status == TORPOR_OK) status = rows->calls->run_find(rows, id, &run);
  if (status == TORPOR_OK)
    status = torpor__state_chain_read(&chain, store, run, id, read_step(step));
  if (status == TORPOR_NOT_FOUND && step != TORPOR_RUN_NEWEST)
    return torpor__branch_not_kept(rows, run, id, step);
  if (status != TORPOR_OK) return status;
  if (step != TORPOR_RUN_NEWEST && chain.step != step)
    status = torpor__branch_not_kept(rows, run, id, step);
  else
    status = read_whole(store, &chain, out);
  torpor__state_chain_free(&chain);
  return status;
}

/* ---- going back, and going two ways --------------------------------------*/

torpor_status torpor_run_rewind(torpor_store *store, const char *id,
                                int64_t step) {
  struct torpor__database *rows = store->database;
  const struct torpor__opener opener = torpor__checkpoint_opener(store);
  int64_t run;
  torpor_status status = check_step(store, step);
  if (status == TORPOR_OK) status = rows->calls->run_find(rows, id, &run);
  if (status != TORPOR_OK) return status;
  return torpor__branch_rewind(rows, run, read_step(step), &opener,
                               torpor__store_now());
}

torpor_status torpor_run_fork(torpor_store *store, const char *id, int64_t step,
                              const char *new_id, char *out_id) {
  struct torpor__database *rows = store->database;
  const struct torpor__opener opener = torpor__checkpoint_opener(store);
  int64_t run;
  torpor_status status = check_step(store, step);
  if (status == TORPOR_OK) status = rows->calls->run_find(rows, id, &run);
  if (status == TORPOR_OK)
    status = torpor__store_choose_id(store, new_id, out_id);
  if (status != TORPOR_OK) return status;
  return torpor__branch_fork(rows, run, read_step(step), out_id, &opener,
                             torpor__store_now());
}

/* ---- removing ------------------------------------------------------------*/

struct numbers {
  int64_t *runs;
  size_t count, capacity;
};

/* torpor__run_fn */
static torpor_status take_number(void *data, int64_t run,
                                 const struct torpor__run *row,
                                 const struct torpor__head *head) {
  struct numbers *numbers = data;
  (void)row;
  (void)head;
  if (!torpor__array_reserve(&numbers->runs, &numbers->capacity,
                             numbers->count + 1, sizeof *numbers->runs))
    return TORPOR_NOMEM;
  numbers->runs[numbers->count++] = run;
  return TORPOR_OK;
}

/* torpor__state_fn */
static torpor_status take_newest(void *data, const struct torpor__state *row) {
  *(int64_t *)data = row->step;
  return TORPOR_CANCELLED;
}

static torpor_status remove_states(struct torpor__database *rows, int64_t run,
                                   uint64_t keep) {
  struct torpor__head head;
  int64_t newest = 0;
  torpor_status status = rows->calls->head_get(rows, run, &head);
  if (status != TORPOR_OK) return status;
  bool ended =
      head.status != TORPOR__RUN_ACTIVE && head.status != TORPOR__RUN_PARKED;
  if (keep == 0 && ended) return rows->calls->state_cut(rows, run, 0);
  status = rows->calls->state_each(rows, run, TORPOR__STEP_NEWEST, take_newest,
                                   &newest);
  if (status != TORPOR_OK && status != TORPOR_CANCELLED) return status;
  if (keep == 0) keep = 1;
  if (keep >= (uint64_t)newest) return TORPOR_OK;
  return rows->calls->state_prune(rows, run, newest - (int64_t)keep + 1);
}

/* A dry run takes everything back. */
static torpor_status prune_run(struct torpor__database *rows, int64_t run,
                               uint64_t keep, bool dry_run,
                               torpor_run_pruned *pruned) {
  struct torpor__counts before, after;
  torpor_status status = rows->calls->begin(rows);
  if (status != TORPOR_OK) return status;
  status = rows->calls->run_count(rows, run, &before);
  if (status == TORPOR_OK) status = remove_states(rows, run, keep);
  if (status == TORPOR_OK) status = rows->calls->run_count(rows, run, &after);
  TORPOR__FAULT(PRUNE_BEFORE);
  if (status == TORPOR_OK && !dry_run) status = rows->calls->commit(rows);
  if (status != TORPOR_OK || dry_run) rows->calls->rollback(rows);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(PRUNE_AFTER);
  pruned->states += (uint64_t)(before.states - after.states);
  pruned->bytes += (uint64_t)(before.states_size - after.states_size);
  return TORPOR_OK;
}

torpor_status torpor_run_prune(torpor_store *store, const char *id,
                               uint64_t keep, bool dry_run,
                               torpor_run_pruned *out) {
  struct torpor__database *rows = store->database;
  struct numbers numbers = {0};
  torpor_run_pruned pruned = {0};
  int64_t run = 0;
  torpor_status status =
      id != NULL ? rows->calls->run_find(rows, id, &run) : TORPOR_OK;
  if (status == TORPOR_OK)
    status = rows->calls->run_each(rows, run, take_number, &numbers);
  for (size_t i = 0; status == TORPOR_OK && i < numbers.count; i++) {
    status = prune_run(rows, numbers.runs[i], keep, dry_run, &pruned);
    /* What is damaged stays as it is, and keeps nobody from the others. */
    if (id == NULL && torpor__protocol_is_own_fault(status)) status = TORPOR_OK;
  }
  free(numbers.runs);
  if (status == TORPOR_OK && !dry_run) status = rows->calls->compact(rows);
  if (out != NULL) *out = pruned;
  return status;
}
