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
#include "fault.h"
#include "worker-state.h"

static bool is_skipped(const struct torpor_worker *worker, int64_t number) {
  for (size_t i = 0; i < worker->skipped_count; i++)
    if (worker->skipped[i] == number) return true;
  return false;
}

/* Reports why a run cannot be driven here, and does not try it again. */
static torpor_status skip(struct torpor_worker *worker, int64_t number) {
  torpor__worker_report_store(worker);
  if (!torpor__array_reserve(&worker->skipped, &worker->skipped_capacity,
                             worker->skipped_count + 1,
                             sizeof *worker->skipped))
    return torpor__database_fail(torpor__worker_database(worker), TORPOR_NOMEM,
                                 NULL);
  worker->skipped[worker->skipped_count++] = number;
  return TORPOR_OK;
}

/* Where 'number' is, or belongs, among the numbers of claimed runs. */
static size_t find_run(const struct torpor_worker *worker, int64_t number) {
  return torpor__search(&number, worker->numbers, worker->count,
                        sizeof *worker->numbers, torpor__compare_i64);
}

bool torpor__worker_has(const struct torpor_worker *worker, int64_t number) {
  size_t at = find_run(worker, number);
  return at < worker->count && worker->numbers[at] == number;
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
  memmove(&worker->numbers[at + 1], &worker->numbers[at],
          (worker->count - at) * sizeof *worker->numbers);
  worker->numbers[at] = number;
  worker->runs[worker->count++] = run;
}

/* Room for one more, and for all runs that are claimed, should they have to be
 * put back. */
static bool reserve_queue(struct torpor_worker *worker) {
  return torpor__array_reserve(&worker->queue, &worker->queue_capacity,
                               worker->queue_count + worker->count + 1,
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
  struct torpor__database *database = torpor__worker_database(worker);
  TORPOR__FAULT(CLAIM_BEFORE);
  torpor_status status = database->calls->lock(database, number);
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
static torpor_status let_go(struct torpor_worker *worker, int64_t number) {
  struct torpor__database *database = torpor__worker_database(worker);
  struct found found;
  torpor_status status =
      database->calls->run_each(database, number, find_head, &found);
  database->calls->unlock(database, number);
  if (status == TORPOR_OK && found.head.status != TORPOR__RUN_ACTIVE)
    torpor__worker_report(
        &worker->shared, found.id,
        (torpor_event){.kind = TORPOR_EVENT_ENDED,
                       .step = found.head.step,
                       .state = torpor__store_state(&found.head)});
  return torpor__protocol_is_own_fault(status) ? TORPOR_OK : status;
}

static bool reserve_run(struct torpor_worker *worker) {
  return torpor__array_reserve(&worker->runs, &worker->capacity,
                               worker->count + 1, sizeof(*worker->runs)) &&
         torpor__array_reserve(&worker->numbers, &worker->number_capacity,
                               worker->count + 1, sizeof *worker->numbers) &&
         torpor__array_reserve(&worker->pending, &worker->pending_capacity,
                               worker->count + 1, sizeof(*worker->pending)) &&
         reserve_queue(worker);
}

/* Opens a run that was locked and whose attempt was counted. */
static torpor_status open_counted(struct torpor_worker *worker,
                                  const struct torpor__claim *claim) {
  struct torpor__database *database = torpor__worker_database(worker);
  struct torpor__worker_run *run;
  if (!claim->granted) return let_go(worker, claim->run);
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

torpor_status torpor__worker_tolerate(struct torpor_worker *worker,
                                      int64_t number, torpor_status status) {
  if (status == TORPOR_ENGINE || status == TORPOR_KEY)
    return skip(worker, number);
  if (status != TORPOR_CORRUPT) return status;
  torpor__worker_report_store(worker);
  return TORPOR_OK;
}

/* torpor__head_fn */
static torpor_status enqueue_active(void *data, int64_t number,
                                    const struct torpor__head *head) {
  struct torpor_worker *worker = data;
  if (head->status != TORPOR__RUN_ACTIVE ||
      torpor__worker_has(worker, number) || is_skipped(worker, number))
    return TORPOR_OK;
  return torpor__worker_enqueue(worker, number, head->attempts);
}

/* Brings up to date what the queue says of its runs; a worker that drives all
 * runs queues what is new, too. */
static torpor_status refresh_queue(struct torpor_worker *worker) {
  struct torpor__database *database = torpor__worker_database(worker);
  if (worker->drives_all) {
    worker->queue_count = 0;
    return database->calls->head_each(database, enqueue_active, worker);
  }
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
    bool stays = status != TORPOR_OK || queued->attempts > 0;
    if (!stays) {
      status = lock_run(worker, queued->number);
      stays = status != TORPOR_OK;
      if (status == TORPOR_LOCKED) status = TORPOR_OK;
    }
    if (stays)
      worker->queue[kept++] = *queued;
    else
      claims[(*count)++] = (struct torpor__claim){.run = queued->number};
  }
  worker->queue_count = kept;
  return status;
}

/* Gives up their locks, and moves them back to the queue, which has room. */
static void put_back(struct torpor_worker *worker,
                     const struct torpor__claim *claims, size_t count) {
  struct torpor__database *database = torpor__worker_database(worker);
  for (size_t i = 0; i < count; i++) {
    database->calls->unlock(database, claims[i].run);
    worker->queue[worker->queue_count++] =
        (struct torpor__queued_run){.number = claims[i].run};
  }
}

torpor_status torpor__worker_claim_queued(struct torpor_worker *worker) {
  torpor_status status = refresh_queue(worker);
  if (status != TORPOR_OK || worker->queue_count == 0) return status;
  struct torpor__claim *claims = calloc(worker->queue_count, sizeof(*claims));
  size_t count, opened = 0;
  if (claims == NULL)
    return torpor__database_fail(torpor__worker_database(worker), TORPOR_NOMEM,
                                 NULL);
  status = lock_queued(worker, claims, &count);
  if (status == TORPOR_OK) status = count_attempts(worker, claims, count);
  while (status == TORPOR_OK && opened < count) {
    status = torpor__worker_tolerate(worker, claims[opened].run,
                                     open_counted(worker, &claims[opened]));
    if (status == TORPOR_OK) opened++;
  }
  put_back(worker, claims + opened, count - opened);
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
  memmove(&worker->numbers[at], &worker->numbers[at + 1],
          (worker->count - at) * sizeof *worker->numbers);
  memmove(&worker->runs[index], &worker->runs[index + 1],
          (worker->count - index) * sizeof(*worker->runs));
}
