/* SPDX-License-Identifier: MIT */
/* worker-claim.c - how a worker claims runs, and lets go of them.
 *
 *  (1) A run is locked first, then an attempt is counted for it in the store,
 *      and only then is anything of it read: that might end the worker.
 *  (2) A run is queued until it is claimed, or until it is known why this
 *      worker never will: then it is reported, and skipped. It is queued once,
 *      and not while it is claimed. The queue has room for all runs that are
 *      claimed, so that those can be put back.
 *
 * Runs on the worker's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/search.h"
#include "run/fault.h"
#include "run/worker/worker-state.h"

static size_t find_skipped(const struct torpor_worker *worker, int64_t number) {
  return torpor__search(&number, worker->skipped, worker->skipped_count,
                        sizeof *worker->skipped, torpor__compare_i64);
}

bool torpor__worker_skips(const struct torpor_worker *worker, int64_t number) {
  size_t at = find_skipped(worker, number);
  return at < worker->skipped_count && worker->skipped[at] == number;
}

/* Reports why a run cannot be driven here, and does not try it again. */
static torpor_status skip(struct torpor_worker *worker, int64_t number) {
  torpor__worker_report_store(worker);
  if (!torpor__array_reserve(&worker->skipped, &worker->skipped_capacity,
                             worker->skipped_count + 1,
                             sizeof *worker->skipped))
    return torpor__database_fail(torpor__worker_database(worker), TORPOR_NOMEM,
                                 NULL);
  size_t at = find_skipped(worker, number);
  memmove(&worker->skipped[at + 1], &worker->skipped[at],
          (worker->skipped_count++ - at) * sizeof *worker->skipped);
  worker->skipped[at] = number;
  return TORPOR_OK;
}

/* Where 'number' is, or belongs, among the numbers of claimed runs. */
static size_t find_run(const struct torpor_worker *worker, int64_t number) {
  return torpor__search(&number, worker->held, worker->held_count,
                        sizeof *worker->held, torpor__compare_i64);
}

struct torpor__worker_run *
torpor__worker_find(const struct torpor_worker *worker, int64_t number) {
  size_t at = find_run(worker, number);
  return at < worker->held_count && worker->held[at].number == number
             ? worker->held[at].run
             : NULL;
}

void torpor__worker_dequeue(struct torpor_worker *worker, int64_t number) {
  size_t at = 0;
  while (at < worker->queue_count && worker->queue[at].number != number) at++;
  if (at == worker->queue_count) return;
  worker->queue_count--;
  memmove(&worker->queue[at], &worker->queue[at + 1],
          (worker->queue_count - at) * sizeof *worker->queue);
}

static void add_run(struct torpor_worker *worker,
                    struct torpor__worker_run *run, int64_t number) {
  size_t at = find_run(worker, number);
  memmove(&worker->held[at + 1], &worker->held[at],
          (worker->held_count - at) * sizeof *worker->held);
  worker->held[at] = (struct torpor__held_run){.number = number, .run = run};
  worker->held_count++;
  worker->runs[worker->count++] = run;
}

/* Room for one more, and for all runs that are claimed, should they have to be
 * put back. */
static bool reserve_queue(struct torpor_worker *worker) {
  return torpor__array_reserve(&worker->queue, &worker->queue_capacity,
                               worker->queue_count + worker->held_count + 1,
                               sizeof *worker->queue);
}

torpor_status torpor__worker_enqueue(struct torpor_worker *worker,
                                     int64_t number, int64_t attempts) {
  if (!reserve_queue(worker))
    return torpor__database_fail(torpor__worker_database(worker), TORPOR_NOMEM,
                                 NULL);
  worker->queue[worker->queue_count++] =
      (struct torpor__queued_run){.number = number, .attempts = attempts};
  return TORPOR_OK;
}

static torpor_status lock_run(struct torpor_worker *worker, int64_t number) {
  torpor_store *store = worker->shared.store;
  TORPOR__FAULT(CLAIM_BEFORE);
  bool held = store->held == number; /* its lock is this worker's now */
  torpor_status status =
      held ? TORPOR_OK : store->database->calls->lock(store->database, number);
  if (held) store->held = 0;
  if (status == TORPOR_OK) TORPOR__FAULT(CLAIM_LOCKED);
  return status;
}

/* The run that let_go reads. */
struct found {
  char id[TORPOR__RUN_ID_MAX + 1];
  struct torpor__head head;
};

/* torpor__run_fn */
static torpor_status find_head(void *data, int64_t number,
                               const struct torpor__run *row,
                               const struct torpor__head *head) {
  struct found *found = data;
  (void)number;
  snprintf(found->id, sizeof found->id, "%s", row->id);
  found->head = *head;
  return TORPOR_OK;
}

/* Gives up the lock of a run that has ended meanwhile, or was parked. That is
 * reported when nothing is being read, since its owner may read the run
 * then. */
static torpor_status let_go(struct torpor_worker *worker,
                            const struct torpor__claim *claim) {
  struct torpor__database *database = torpor__worker_database(worker);
  struct found found;
  torpor_status status =
      database->calls->run_get(database, claim->run, find_head, &found);
  database->calls->unlock(database, claim->run);
  if (!claim->quiet && status == TORPOR_OK &&
      found.head.status != TORPOR__RUN_ACTIVE)
    torpor__worker_report(
        &worker->shared, found.id,
        (torpor_event){.kind = TORPOR_EVENT_ENDED,
                       .step = found.head.step,
                       .state = torpor__store_state(&found.head)});
  return torpor__protocol_is_own_fault(status) ? TORPOR_OK : status;
}

/* Room for one more, and in the turns for all that rest. */
static bool reserve_run(struct torpor_worker *worker) {
  size_t count = worker->held_count + 1;
  return torpor__array_reserve(&worker->runs, &worker->capacity, count,
                               sizeof(*worker->runs)) &&
         torpor__array_reserve(&worker->held, &worker->held_capacity, count,
                               sizeof *worker->held) &&
         torpor__array_reserve(&worker->pending, &worker->pending_capacity,
                               count, sizeof(*worker->pending)) &&
         reserve_queue(worker);
}

/* Opens a run that was locked and whose attempt was counted. */
static torpor_status open_counted(struct torpor_worker *worker,
                                  const struct torpor__claim *claim) {
  struct torpor__database *database = torpor__worker_database(worker);
  struct torpor__worker_run *run;
  if (!claim->granted) return let_go(worker, claim);
  if (!reserve_run(worker)) {
    database->calls->unlock(database, claim->run);
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  }
  torpor_status status = torpor__worker_run_open(&run, &worker->shared, claim);
  if (status != TORPOR_OK) return status;
  add_run(worker, run, claim->run);
  if (claim->attempts > 0 && worker->suspect == NULL) {
    worker->suspect = run;
    worker->suspect_stepped = false;
  }
  return TORPOR_OK;
}

static torpor_status count_attempts(struct torpor_worker *worker,
                                    struct torpor__claim *claims,
                                    size_t count) {
  if (count == 0) return TORPOR_OK;
  return torpor__request_count_attempts(torpor__worker_database(worker), claims,
                                        count, TORPOR_RUN_ATTEMPTS,
                                        torpor__store_now());
}

torpor_status torpor__worker_claim(struct torpor_worker *worker, int64_t number,
                                   bool *others) {
  struct torpor__claim claim = {.run = number};
  torpor_status status = lock_run(worker, number);
  *others = status == TORPOR_LOCKED;
  if (*others) return TORPOR_OK;
  if (status != TORPOR_OK) return status;
  status = count_attempts(worker, &claim, 1);
  if (status == TORPOR_OK) return open_counted(worker, &claim);
  torpor__worker_database(worker)->calls->unlock(
      torpor__worker_database(worker), number);
  return status;
}

/* Whether a damaged run could not even be parked. Keeps the sentence that says
 * what is wrong with it. */
static bool is_still_active(struct torpor_worker *worker, int64_t number) {
  struct torpor__database *database = torpor__worker_database(worker);
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  struct torpor__head head;
  memcpy(message, database->message, sizeof message);
  torpor_status status = database->calls->head_get(database, number, &head);
  memcpy(database->message, message, sizeof message);
  return status != TORPOR_OK || head.status == TORPOR__RUN_ACTIVE;
}

torpor_status torpor__worker_tolerate(struct torpor_worker *worker,
                                      int64_t number, torpor_status status) {
  if (status == TORPOR_ENGINE || status == TORPOR_EXTENSION ||
      status == TORPOR_KEY)
    return skip(worker, number);
  if (status != TORPOR_CORRUPT) return status;
  if (is_still_active(worker, number)) return skip(worker, number);
  torpor__worker_report_store(worker);
  return TORPOR_OK;
}

torpor_status torpor__worker_lock(struct torpor_worker *worker, int64_t number,
                                  struct torpor__claim *claims, size_t *count) {
  torpor_status status = lock_run(worker, number);
  if (status == TORPOR_OK)
    claims[(*count)++] = (struct torpor__claim){.run = number};
  return status == TORPOR_LOCKED ? TORPOR_OK : status;
}

torpor_status torpor__worker_open_locked(struct torpor_worker *worker,
                                         struct torpor__claim *claims,
                                         size_t count) {
  struct torpor__database *database = torpor__worker_database(worker);
  size_t opened = 0;
  torpor_status status = count_attempts(worker, claims, count);
  while (status == TORPOR_OK && opened < count) {
    status = torpor__worker_tolerate(worker, claims[opened].run,
                                     open_counted(worker, &claims[opened]));
    if (status == TORPOR_OK) opened++;
  }
  for (size_t i = opened; i < count; i++)
    database->calls->unlock(database, claims[i].run);
  return status;
}

/* Asks how the queued runs are. */
static torpor_status refresh_queue(struct torpor_worker *worker) {
  struct torpor__database *database = torpor__worker_database(worker);
  for (size_t i = 0; i < worker->queue_count; i++) {
    struct torpor__head head;
    struct torpor__queued_run *queued = &worker->queue[i];
    torpor_status status =
        database->calls->head_get(database, queued->number, &head);
    if (status != TORPOR_OK && !torpor__protocol_is_own_fault(status))
      return status;
    queued->attempts = status == TORPOR_OK ? head.attempts : 0;
    queued->locked = false;
  }
  return TORPOR_OK;
}

/* Locks those of the queue that are free and no suspects, and moves them to
 * 'claims'. */
static torpor_status lock_queued(struct torpor_worker *worker,
                                 struct torpor__claim *claims, size_t *count) {
  torpor_status status = TORPOR_OK;
  size_t kept = 0;
  *count = 0;
  for (size_t i = 0; i < worker->queue_count; i++) {
    struct torpor__queued_run *queued = &worker->queue[i];
    size_t before = *count;
    if (status == TORPOR_OK && queued->attempts == 0)
      status = torpor__worker_lock(worker, queued->number, claims, count);
    if (*count == before) worker->queue[kept++] = *queued;
  }
  worker->queue_count = kept;
  return status;
}

/* Moves back to the queue, which has room, what could not be opened. */
static void put_back(struct torpor_worker *worker,
                     const struct torpor__claim *claims, size_t count) {
  struct torpor__database *database = torpor__worker_database(worker);
  for (size_t i = 0; i < count; i++) {
    int64_t number = claims[i].run;
    if (torpor__worker_find(worker, number) != NULL) continue;
    database->calls->unlock(database, number);
    worker->queue[worker->queue_count++] =
        (struct torpor__queued_run){.number = number};
  }
}

torpor_status torpor__worker_claim_queued(struct torpor_worker *worker) {
  torpor_status status = refresh_queue(worker);
  if (status != TORPOR_OK || worker->queue_count == 0) return status;
  struct torpor__claim *claims = calloc(worker->queue_count, sizeof(*claims));
  size_t count;
  if (claims == NULL)
    return torpor__database_fail(torpor__worker_database(worker), TORPOR_NOMEM,
                                 NULL);
  status = lock_queued(worker, claims, &count);
  if (status == TORPOR_OK)
    status = torpor__worker_open_locked(worker, claims, count);
  if (status != TORPOR_OK) put_back(worker, claims, count);
  free(claims);
  return status;
}

void torpor__worker_drop(struct torpor_worker *worker, size_t index) {
  struct torpor__worker_run *run = worker->runs[index];
  if (run == worker->suspect) worker->suspect = NULL;
  size_t at =
      find_run(worker, torpor__protocol_run(torpor__worker_run_protocol(run)));
  torpor__worker_run_close(run);
  worker->count--;
  worker->held_count--;
  memmove(&worker->held[at], &worker->held[at + 1],
          (worker->held_count - at) * sizeof *worker->held);
  memmove(&worker->runs[index], &worker->runs[index + 1],
          (worker->count - index) * sizeof(*worker->runs));
}
