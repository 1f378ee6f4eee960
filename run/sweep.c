/* SPDX-License-Identifier: MIT */
/* sweep.c - removing the rows of runs that are gone, in pieces. See sweep.h.
 *
 * On the thread of the database. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "run/sweep.h"

#include <time.h>

#include "run/fault.h"
#include "run/protocol/clock.h"

enum { PAUSE_MAX_US = 200000 };

void torpor__sweep_pause(double begun_us) {
  double took = torpor__clock_us() - begun_us;
  if (took > PAUSE_MAX_US) took = PAUSE_MAX_US;
  nanosleep(&(struct timespec){.tv_nsec = (long)(took * 1e3)}, NULL);
}

/* Removes rows of runs from '*at' on, as many as one transaction may; '*at'
 * goes to the first of which some are left. */
static torpor_status sweep_piece(struct torpor__database *database,
                                 const int64_t *runs, size_t count,
                                 size_t *at) {
  int64_t budget = TORPOR__SWEEP_PIECE;
  size_t next = *at;
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && next < count && budget > 0) {
    status = database->calls->run_sweep(database, runs[next], &budget);
    if (budget > 0) next++;
  }
  TORPOR__FAULT(SWEEP_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(SWEEP_AFTER);
  *at = next;
  return TORPOR_OK;
}

torpor_status torpor__sweep(struct torpor__database *database,
                            const int64_t *runs, size_t count) {
  torpor_status status = TORPOR_OK;
  for (size_t at = 0; status == TORPOR_OK && at < count;) {
    double begun_us = torpor__clock_us();
    status = sweep_piece(database, runs, count, &at);
    if (at < count) torpor__sweep_pause(begun_us);
  }
  return status;
}

void torpor__sweep_leftovers(struct torpor__database *database) {
  const struct torpor__database_calls *calls = database->calls;
  int64_t run = 0;
  while (calls->run_removed(database, run, &run) == TORPOR_OK && run > 0) {
    if (calls->lock(database, run) != TORPOR_OK) continue;
    torpor_status status = torpor__sweep(database, &run, 1);
    calls->unlock(database, run);
    if (status != TORPOR_OK) return;
  }
}
