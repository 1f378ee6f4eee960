/* SPDX-License-Identifier: MIT */
/* worker-check.c - asserts what worker.c and worker-claim.c promise.
 *
 *     resting   is nothing that has anything to do
 *     lists     the numbers of runs are in order; the queue, and the list for a
 *               flush, have the room that they have to
 *     suspect   the one in hand is a run of this worker
 *     awake     no more VMs than may be, of those that could sleep
 *     runs      none is half done (worker-run.c, worker-drivers.c)
 *
 * In test builds only. A worker of many runs is looked at now and then.
 *
 * Runs on the worker's thread. */
#include "run/worker/worker-check.h"

#ifdef TORPOR_TESTING

#include <assert.h>

enum {
  SMALL = 64, /* as many runs are looked at each time */
  EVERY = 64  /* more of them once in so many calls */
};

static _Thread_local unsigned calls;

static void check_lists(const struct torpor_worker *worker) {
  assert(worker->queue_capacity >= worker->queue_count + worker->held_count ||
         worker->held_count == 0);
  assert(worker->pending_capacity >= worker->held_count);
  assert(worker->capacity >= worker->held_count);
  for (size_t i = 0; i < worker->count; i++) {
    int64_t number =
        torpor__protocol_run(torpor__worker_run_protocol(worker->runs[i]));
    assert(torpor__worker_find(worker, number) == worker->runs[i]);
    assert(!torpor__worker_run_place(worker->runs[i])->rests);
  }
  for (size_t i = 1; i < worker->held_count; i++)
    assert(worker->held[i - 1].number < worker->held[i].number);
}

/* Nothing that rests has anything to do. */
static void check_resting(const struct torpor_worker *worker) {
  size_t resting = 0, ring = 0;
  for (size_t i = 0; i < worker->held_count; i++) {
    struct torpor__worker_run *run = worker->held[i].run;
    if (!torpor__worker_run_place(run)->rests) continue;
    assert(torpor__worker_run_is_still(run));
    resting++;
  }
  assert(resting + worker->count == worker->held_count);
  for (const struct torpor__worker_place *at = worker->resting.behind;
       at != &worker->resting; at = at->behind)
    ring += at->rests;
  assert(ring == worker->resting_count);
}

static void check_suspect(const struct torpor_worker *worker) {
  bool found = worker->suspect == NULL;
  for (size_t i = 0; i < worker->count; i++)
    found = found || worker->runs[i] == worker->suspect;
  assert(found);
  assert(!worker->shared.defer_long);
}

static void check_awake(const struct torpor_worker *worker) {
  size_t awake = 0;
  for (size_t i = 0; i < worker->count; i++)
    awake += torpor__worker_run_can_sleep(worker->runs[i]);
  assert(awake <= TORPOR__WORKER_AWAKE_MAX);
}

void torpor__worker_check(const struct torpor_worker *worker) {
  if (worker->held_count > SMALL && calls++ % EVERY != 0) return;
  check_lists(worker);
  check_resting(worker);
  check_suspect(worker);
  check_awake(worker);
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_check(worker->runs[i]);
}

#endif
