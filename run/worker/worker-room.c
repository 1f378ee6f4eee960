/* SPDX-License-Identifier: MIT */
/* worker-room.c - how many VMs of a worker are awake, and which are put to
 * sleep when there are too many, or memory is short; and how many runs that
 * only wait it holds.
 *
 *  (1) A run is put to sleep at its last commit; its next step wakes it from
 *      there.
 *  (2) A worker of all runs lets go of those that waited longest, beyond the
 *      most that it holds: nothing of them is left in the process. The store
 *      says when they are due, and what is new of them (worker-look.c).
 *
 * Runs on the worker's thread. */
#include "run/worker/process-memory.h"
#include "run/worker/worker-state.h"

/* What one more VM may take: it is woken, runs, and is written down. */
#define VM_ROOM ((uint64_t)4 << 20)

static bool has_room(const struct torpor_worker *worker) {
  uint64_t kept = worker->memory_total / 16; /* for what steps take besides */
  return torpor__process_memory_used() + VM_ROOM + kept <= worker->memory_total;
}

bool torpor__worker_make_room(struct torpor_worker *worker) {
  size_t busy = 0;
  if (has_room(worker)) return true;
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__worker_run *run = worker->runs[i];
    if (torpor__worker_run_is_awake(run) &&
        !torpor__protocol_ready(torpor__worker_run_protocol(run)))
      torpor__worker_run_sleep(run);
    if (torpor__worker_run_is_awake(run) ||
        torpor__worker_run_is_offloaded(run))
      busy++;
  }
  torpor__process_memory_trim();
  return busy == 0 || has_room(worker);
}

bool torpor__worker_needs_room(struct torpor__worker_run *run) {
  const struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  return !torpor__worker_run_is_awake(run) &&
         !torpor__worker_run_is_offloaded(run) &&
         (torpor__protocol_phase(protocol) == TORPOR__PHASE_STEPPING ||
          torpor__protocol_ready(protocol));
}

void torpor__worker_limit_awake(struct torpor_worker *worker) {
  size_t awake = 0;
  for (size_t i = worker->count; i-- > 0;)
    if (torpor__worker_run_is_awake(worker->runs[i]) &&
        ++awake > TORPOR__WORKER_AWAKE_MAX)
      torpor__worker_run_sleep(worker->runs[i]);
}

/* The store has to know first when it is due: the next flush writes that. */
static void let_go(struct torpor_worker *worker, size_t index) {
  struct torpor__protocol *protocol =
      torpor__worker_run_protocol(worker->runs[index]);
  if (!torpor__protocol_rests(protocol)) {
    torpor__protocol_return_attempt(protocol);
    return;
  }
  torpor__worker_drop(worker, index);
  worker->due_changed = true;
}

/* Lets go of those that rest, but for 'most'. One that is due soon is left to
 * come, and those that rest less long with it. */
static void limit_resting(struct torpor_worker *worker, size_t most,
                          int64_t now_ms) {
  while (worker->resting_count > most) {
    struct torpor__worker_run *run = torpor__worker_first_resting(worker);
    if (!torpor__worker_run_can_go(run, now_ms)) return;
    torpor__worker_wake(worker, run);
    torpor__worker_drop(worker, worker->count - 1);
    worker->due_changed = true;
  }
}

void torpor__worker_limit_held(struct torpor_worker *worker) {
  int64_t now = torpor__store_now();
  size_t waiting = 0;
  if (!worker->drives_all || worker->held_count <= TORPOR__WORKER_AWAKE_MAX)
    return;
  for (size_t i = worker->count; i-- > 0;)
    if (worker->runs[i] != worker->suspect &&
        torpor__worker_run_can_go(worker->runs[i], now) &&
        ++waiting > TORPOR__WORKER_AWAKE_MAX)
      let_go(worker, i);
  if (waiting > TORPOR__WORKER_AWAKE_MAX) waiting = TORPOR__WORKER_AWAKE_MAX;
  limit_resting(worker, TORPOR__WORKER_AWAKE_MAX - waiting, now);
}
