/* SPDX-License-Identifier: MIT */
/* remove.c - removing runs that have ended, with all that there is of them.
 *
 *    lock ──► gone: row, head and exit ──► rows, in pieces ──► file smaller
 *             in one transaction for all   a transaction each
 *
 *  (1) Of several runs all are removed, or none: one that is not there, or has
 *      not ended, is found before anything is written.
 *  (2) Whoever looks sees a whole run or none. Rows that are left are in
 *      nobody's way; a process that dies leaves them to the next one that opens
 *      the store for writing.
 *  (3) Its lock is held until nothing is left, so that no worker begins it, and
 *      nobody else removes the same rows.
 *
 * On the thread of the store. */
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/search.h"
#include "common/sized.h"
#include "run/fault.h"
#include "run/protocol/protocol.h"
#include "run/store.h"
#include "run/sweep.h"

enum { RUNS_MAX = 256 /* that are removed together because they are old */ };

struct removal {
  torpor_store *store;
  int64_t *runs; /* by rising number; owned, and all are locked */
  size_t count, capacity;
  bool named;        /* they were asked for: all of them, or none */
  bool dry;          /* else those that ended before 'before_ms'; or they are */
  int64_t before_ms; /* only counted */
  torpor_run_pruned removed;
};

static bool has_ended(const struct torpor__head *head) {
  return head->status != TORPOR__RUN_ACTIVE &&
         head->status != TORPOR__RUN_PARKED;
}

/* ---- Runs ----------------------------------------------------------------*/

static void unlock_all(struct removal *removal) {
  const struct torpor__database_calls *calls = removal->store->database->calls;
  while (removal->count > 0)
    calls->unlock(removal->store->database, removal->runs[--removal->count]);
}

/* Locks a run and puts it where it belongs in order, unless it is there. */
static torpor_status lock_run(struct removal *removal, int64_t run) {
  struct torpor__database *database = removal->store->database;
  size_t at = torpor__search(&run, removal->runs, removal->count,
                             sizeof *removal->runs, torpor__compare_i64);
  if (at < removal->count && removal->runs[at] == run) return TORPOR_OK;
  if (!torpor__array_reserve(&removal->runs, &removal->capacity,
                             removal->count + 1, sizeof *removal->runs))
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  torpor_status status = database->calls->lock(database, run);
  if (status != TORPOR_OK) return status;
  memmove(&removal->runs[at + 1], &removal->runs[at],
          (removal->count - at) * sizeof *removal->runs);
  removal->runs[at] = run;
  removal->count++;
  return TORPOR_OK;
}

/* torpor__run_fn */
static torpor_status see_run(void *data, int64_t run,
                             const struct torpor__run *row,
                             const struct torpor__head *head) {
  (void)data, (void)run, (void)row, (void)head;
  return TORPOR_OK;
}

/* Its head. CORRUPT when it cannot be read, also when it is not there;
 * NOT_FOUND only when the run is not, since another process has removed it. */
static torpor_status read_head(struct torpor__database *database, int64_t run,
                               struct torpor__head *head) {
  torpor_status status = database->calls->head_get(database, run, head);
  if (status == TORPOR_NOT_FOUND)
    status = database->calls->run_get(database, run, see_run, NULL);
  return status;
}

/* Whether a run may go now: it may have been rewound before it was locked. One
 * that is damaged is removed by its name, but not for its age. */
static torpor_status may_go(const struct removal *removal, int64_t run,
                            bool *go) {
  struct torpor__database *database = removal->store->database;
  struct torpor__head head;
  torpor_status status = read_head(database, run, &head);
  bool ended = status == TORPOR_OK && has_ended(&head);
  bool damaged =
      status != TORPOR_NOT_FOUND && torpor__protocol_is_own_fault(status);
  *go = removal->named ? ended || damaged
                       : ended && head.changed_ms < removal->before_ms;
  if (damaged || (status == TORPOR_NOT_FOUND && !removal->named))
    return TORPOR_OK;
  if (status != TORPOR_OK || ended || !removal->named) return status;
  return torpor__database_fail(
      database, TORPOR_MISUSE,
      "a run that has not ended cannot be removed; 'torpor cancel --kill' "
      "ends it");
}

/* Takes one away, in a transaction, and counts it. */
static torpor_status take_run(struct removal *removal, int64_t run) {
  struct torpor__database *database = removal->store->database;
  struct torpor__counts counts = {0};
  torpor_status status = database->calls->run_count(database, run, &counts);
  if (status != TORPOR_OK) return status;
  removal->removed.runs++;
  removal->removed.states += (uint64_t)counts.states;
  removal->removed.bytes += (uint64_t)counts.states_size;
  return database->calls->run_remove(database, run);
}

/* Those that stay are taken from the list, and their locks are given up. */
static torpor_status take_runs(struct removal *removal) {
  struct torpor__database *database = removal->store->database;
  torpor_status status = TORPOR_OK;
  size_t taken = 0;
  for (size_t i = 0; i < removal->count; i++) {
    int64_t run = removal->runs[i];
    bool go = false;
    if (status == TORPOR_OK) status = may_go(removal, run, &go);
    if (status == TORPOR_OK && go) status = take_run(removal, run);
    if (go)
      removal->runs[taken++] = run;
    else
      database->calls->unlock(database, run);
  }
  removal->count = taken;
  return status;
}

/* Removes all that are in the list and may go; the list is empty then. */
static torpor_status remove_runs(struct removal *removal) {
  struct torpor__database *database = removal->store->database;
  const torpor_run_pruned before = removal->removed;
  torpor_status status = database->calls->begin(database);
  bool begun = status == TORPOR_OK;
  if (begun) status = take_runs(removal);
  TORPOR__FAULT(REMOVE_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK && begun) database->calls->rollback(database);
  if (status == TORPOR_OK) {
    TORPOR__FAULT(REMOVE_AFTER);
    status = torpor__sweep(database, removal->runs, removal->count);
  } else {
    removal->removed = before;
  }
  unlock_all(removal);
  return status;
}

/* ---- Those that are asked for --------------------------------------------*/

static torpor_status end(struct removal *removal, torpor_status status,
                         torpor_run_pruned *out) {
  struct torpor__database *database = removal->store->database;
  unlock_all(removal);
  free(removal->runs);
  if (status == TORPOR_OK && removal->removed.runs > 0 && !removal->dry)
    status = database->calls->compact(database);
  if (out != NULL) torpor__sized_give(out, &removal->removed, sizeof *out);
  return status;
}

/* Names the run in the sentence of what failed. */
static torpor_status name_run(struct torpor__database *database, const char *id,
                              torpor_status status) {
  if (status != TORPOR_LOCKED) return status;
  return torpor__database_fail(
      database, status, "a process still drives run '%s'; stop it first", id);
}

torpor_status torpor_run_remove(torpor_store *store, const char *const *ids,
                                size_t count, torpor_run_pruned *out) {
  struct torpor__database *database = store->database;
  struct removal removal = {
      .store = store, .named = true, .removed = TORPOR_RUN_PRUNED_INIT};
  torpor_status status = TORPOR_OK;
  if (out != NULL && !torpor__sized_is_good(out))
    return torpor__store_refuse_options(store);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++) {
    int64_t run;
    status = database->calls->run_find(database, ids[i], &run);
    if (status == TORPOR_OK)
      status = name_run(database, ids[i], lock_run(&removal, run));
  }
  if (status == TORPOR_OK) status = remove_runs(&removal);
  return end(&removal, status, out);
}

/* ---- Those that are old --------------------------------------------------*/

static const enum torpor__run_status ends[] = {
    TORPOR__RUN_DONE, TORPOR__RUN_FAILED, TORPOR__RUN_DEADLOCKED,
    TORPOR__RUN_KILLED};

/* Counts them, or locks them; those that a process still has are left. */
static torpor_status choose(struct removal *removal, const int64_t *runs,
                            size_t count) {
  struct torpor__database *database = removal->store->database;
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < count; i++) {
    struct torpor__counts counts = {0};
    if (!removal->dry) {
      status = lock_run(removal, runs[i]);
      if (status == TORPOR_LOCKED) status = TORPOR_OK;
      continue;
    }
    status = database->calls->run_count(database, runs[i], &counts);
    removal->removed.runs++;
    removal->removed.states += (uint64_t)counts.states;
    removal->removed.bytes += (uint64_t)counts.states_size;
  }
  return status;
}

static torpor_status remove_ended(struct removal *removal,
                                  enum torpor__run_status ended) {
  struct torpor__database *database = removal->store->database;
  int64_t runs[RUNS_MAX], last = 0;
  size_t count = RUNS_MAX;
  torpor_status status = TORPOR_OK;
  while (status == TORPOR_OK && count == RUNS_MAX) {
    status = database->calls->run_ended(database, ended, removal->before_ms,
                                        last, runs, &count);
    if (count > 0) last = runs[count - 1];
    if (status == TORPOR_OK) status = choose(removal, runs, count);
    if (status == TORPOR_OK && !removal->dry) status = remove_runs(removal);
  }
  return status;
}

torpor_status torpor_run_remove_ended(torpor_store *store, int64_t before_ms,
                                      bool dry_run, torpor_run_pruned *out) {
  struct removal removal = {.store = store,
                            .dry = dry_run,
                            .before_ms = before_ms,
                            .removed = TORPOR_RUN_PRUNED_INIT};
  torpor_status status = TORPOR_OK;
  if (out != NULL && !torpor__sized_is_good(out))
    return torpor__store_refuse_options(store);
  for (size_t i = 0; status == TORPOR_OK && i < sizeof ends / sizeof ends[0];
       i++)
    status = remove_ended(&removal, ends[i]);
  return end(&removal, status, out);
}
