/* SPDX-License-Identifier: MIT */
/* worker-rest.c - runs that a worker holds and that only wait.
 *
 * A turn looks at each run in 'runs'. One for which no turn would find anything
 * to do is taken out of there, and rests until a driver brings something for
 * it, or there is news of it. So a turn costs what there is to do, however many
 * runs wait.
 *
 *            rest                             ┌ in the ring: can be let go of
 *     runs ────────► rests, found by number ──┤
 *          ◄────────                          └ in none: a driver is at work
 *            wake
 *
 *  (1) 'runs' has room for all that rest: waking cannot fail.
 *
 * Runs on the worker's thread. */
#include "run/worker/worker-state.h"

static void enter_ring(struct torpor_worker *worker,
                       struct torpor__worker_place *place) {
  place->behind = &worker->resting;
  place->before = worker->resting.before;
  place->before->behind = place->behind->before = place;
  worker->resting_count++;
}

static void leave_ring(struct torpor_worker *worker,
                       struct torpor__worker_place *place) {
  place->before->behind = place->behind;
  place->behind->before = place->before;
  place->before = place->behind = NULL;
  worker->resting_count--;
}

void torpor__worker_rest(struct torpor_worker *worker) {
  size_t kept = 0;
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__worker_run *run = worker->runs[i];
    struct torpor__worker_place *place = torpor__worker_run_place(run);
    place->rests = run != worker->suspect && torpor__worker_run_is_still(run);
    if (!place->rests)
      worker->runs[kept++] = run;
    else if (torpor__protocol_rests(torpor__worker_run_protocol(run)))
      enter_ring(worker, place);
  }
  worker->count = kept;
}

void torpor__worker_wake(struct torpor_worker *worker,
                         struct torpor__worker_run *run) {
  struct torpor__worker_place *place = torpor__worker_run_place(run);
  if (!place->rests) return;
  place->rests = false;
  if (place->behind != NULL) leave_ring(worker, place);
  worker->runs[worker->count++] = run;
}

struct torpor__worker_run *
torpor__worker_first_resting(const struct torpor_worker *worker) {
  return worker->resting.behind->run; /* NULL in its own place */
}
