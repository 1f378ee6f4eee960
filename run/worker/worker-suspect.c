/* SPDX-License-Identifier: MIT */
/* worker-suspect.c - works suspects: runs that may have ended earlier workers,
 * since these were working them when they died, and nobody took the attempt
 * back.
 *
 *  (1) One suspect is worked at a time, so that it alone is blamed should this
 *      worker die, too. It stays in hand until it has nothing more to do.
 *  (2) Suspects that turn out to be long go after those that are short; then
 *      those with the fewest attempts come first.
 *
 * Runs on the worker's thread. */
#include "run/worker/worker-state.h"

/* The suspect to be worked next: one that is claimed and ready, or one that is
 * queued. Zeroed is none. */
struct candidate {
  struct torpor__worker_run *run;
  struct torpor__queued_run *queued;
  bool slow;
  int64_t attempts;
  size_t count, slow_count; /* of all candidates */
};

/* Takes 'other' for the best if it is, and counts it. */
static void compare(struct candidate *best, struct candidate other) {
  size_t count = best->count + 1, slow = best->slow_count + other.slow;
  if (best->count == 0 ||
      (other.slow == best->slow ? other.attempts < best->attempts : best->slow))
    *best = other;
  best->count = count;
  best->slow_count = slow;
}

/* The best but for the suspect in hand. */
static struct candidate find_candidate(const struct torpor_worker *worker) {
  struct candidate best = {0};
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__worker_run *run = worker->runs[i];
    const struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
    if (run == worker->suspect || !torpor__worker_is_suspect(run) ||
        !torpor__protocol_ready(protocol))
      continue;
    compare(&best, (struct candidate){
                       .run = run,
                       .slow = torpor__worker_run_is_slow(run),
                       .attempts = torpor__protocol_head(protocol)->attempts});
  }
  for (size_t i = 0; i < worker->queue_count; i++) {
    struct torpor__queued_run *queued = &worker->queue[i];
    if (queued->attempts > 0 && !queued->locked)
      compare(&best, (struct candidate){.queued = queued,
                                        .attempts = queued->attempts});
  }
  return best;
}

/* Asks which of the queued suspects other workers have: as long as those live,
 * all that they work. */
static torpor_status ask_for_locks(struct torpor_worker *worker) {
  struct torpor__database *database = torpor__worker_database(worker);
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < worker->queue_count; i++) {
    struct torpor__queued_run *queued = &worker->queue[i];
    if (queued->attempts > 0 && !queued->locked)
      status =
          database->calls->locked(database, queued->number, &queued->locked);
  }
  return status;
}

/* Claims a suspect that is queued, unless another worker has it. */
static torpor_status claim_suspect(struct torpor_worker *worker, size_t at) {
  int64_t number = worker->queue[at].number;
  bool others;
  torpor_status status = torpor__worker_claim(worker, number, &others);
  if (status == TORPOR_LOCKED) return status;
  if (others) {
    worker->queue[at].locked = true;
    return ask_for_locks(worker);
  }
  torpor__worker_dequeue(worker, number);
  return torpor__worker_tolerate(worker, number, status);
}

/* Takes the next suspect in hand, if there is any that nobody else has. */
static torpor_status choose_suspect(struct torpor_worker *worker) {
  torpor_status status = TORPOR_OK;
  while (status == TORPOR_OK && worker->suspect == NULL &&
         !torpor_loop_stopping(worker->shared.loop)) {
    struct candidate best = find_candidate(worker);
    worker->suspect_stepped = false;
    worker->suspect = best.run;
    if (best.queued == NULL) break;
    status = claim_suspect(worker, (size_t)(best.queued - worker->queue));
  }
  return status;
}

/* Lets go of the suspect in hand when it has done what there was to do, or was
 * deferred. False when that has to be written first: should the next suspect
 * end the worker, this one is not to be blamed. */
static bool end_suspect(struct torpor_worker *worker) {
  struct torpor__worker_run *run = worker->suspect;
  if (run == NULL) return true;
  struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  bool idle = torpor__protocol_phase(protocol) == TORPOR__PHASE_IDLE;
  bool over =
      idle && (worker->suspect_stepped || !torpor__worker_is_suspect(run));
  if (!over && !torpor__worker_run_is_idle(run)) return true;
  if (torpor__worker_is_suspect(run) || torpor__worker_run_is_idle(run))
    torpor__protocol_return_attempt(protocol);
  worker->suspect = NULL;
  return !torpor__protocol_pending(protocol);
}

torpor_status torpor__worker_step_suspect(struct torpor_worker *worker) {
  bool stepped = false;
  if (!end_suspect(worker)) return TORPOR_OK;
  torpor_status status = choose_suspect(worker);
  if (status != TORPOR_OK || worker->suspect == NULL ||
      torpor_loop_stopping(worker->shared.loop))
    return status;
  struct candidate others = find_candidate(worker);
  worker->shared.defer_long = others.count > others.slow_count;
  status = torpor__worker_run_step(worker->suspect, &stepped);
  worker->shared.defer_long = false;
  if (stepped) worker->suspect_stepped = true;
  return status == TORPOR_FENCED ? TORPOR_OK : status;
}

bool torpor__worker_has_suspect(const struct torpor_worker *worker) {
  if (worker->suspect == NULL) return find_candidate(worker).count > 0;
  if (torpor__worker_run_is_offloaded(worker->suspect)) return false;
  const struct torpor__protocol *protocol =
      torpor__worker_run_protocol(worker->suspect);
  return torpor__protocol_phase(protocol) != TORPOR__PHASE_IDLE ||
         torpor__protocol_ready(protocol) ||
         !torpor__worker_is_suspect(worker->suspect) ||
         torpor__worker_run_is_idle(worker->suspect);
}
