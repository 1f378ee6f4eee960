/* SPDX-License-Identifier: MIT */
/* worker-take.c - how a worker takes runs, and lets go of them.
 *
 *  (1) A run is locked first, then the store says that it is tried, then
 *      anything of it is read.
 *  (2) What is wanted stays wanted until it is held, or until it is known why
 *      it never will be. There is always room to put it back.
 *
 * Runs on the worker's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "fault.h"
#include "worker-state.h"

static bool is_refused(const struct torpor_worker *worker, int64_t number) {
  for (size_t i = 0; i < worker->refused_count; i++)
    if (worker->refused[i] == number) return true;
  return false;
}

/* Leaves a run alone for good, and says why. */
static torpor_status refuse(struct torpor_worker *worker, int64_t number) {
  torpor__worker_report_store(worker);
  if (!torpor__array_reserve(&worker->refused, &worker->refused_capacity,
                             worker->refused_count + 1,
                             sizeof *worker->refused))
    return torpor__database_fail(torpor__worker_store(worker), TORPOR_NOMEM,
                                 NULL);
  worker->refused[worker->refused_count++] = number;
  return TORPOR_OK;
}

/* Where 'number' is, or belongs, among those that are held. */
static size_t find_run(const struct torpor_worker *worker, int64_t number) {
  size_t low = 0, high = worker->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (worker->numbers[middle] < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool torpor__worker_is_held(const struct torpor_worker *worker,
                            int64_t number) {
  size_t at = find_run(worker, number);
  return at < worker->count && worker->numbers[at] == number;
}

static void add_run(struct torpor_worker *worker,
                    struct torpor__worker_run *run, int64_t number) {
  size_t at = find_run(worker, number);
  memmove(&worker->numbers[at + 1], &worker->numbers[at],
          (worker->count - at) * sizeof *worker->numbers);
  worker->numbers[at] = number;
  worker->runs[worker->count++] = run;
}

bool torpor__worker_reserve_wanted(struct torpor_worker *worker) {
  return torpor__array_reserve(&worker->wanted, &worker->wanted_capacity,
                               worker->wanted_count + worker->count + 1,
                               sizeof *worker->wanted);
}

torpor_status torpor__worker_want(struct torpor_worker *worker, int64_t number,
                                  int64_t attempts) {
  if (!torpor__worker_reserve_wanted(worker))
    return torpor__database_fail(torpor__worker_store(worker), TORPOR_NOMEM,
                                 NULL);
  worker->wanted[worker->wanted_count++] =
      (struct torpor__wanted){.number = number, .attempts = attempts};
  return TORPOR_OK;
}

static torpor_status lock_run(struct torpor_worker *worker, int64_t number) {
  struct torpor__database *store = torpor__worker_store(worker);
  TORPOR__FAULT(CLAIM_BEFORE);
  torpor_status status = store->calls->lock(store, number);
  if (status == TORPOR_OK) TORPOR__FAULT(CLAIM_LOCKED);
  return status;
}

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

/* One that has ended meanwhile, or has had its attempts. That is told when
 * nothing is being read, since who hears of it may read the run. */
static torpor_status let_go(struct torpor_worker *worker, int64_t number) {
  struct torpor__database *store = torpor__worker_store(worker);
  struct found found;
  torpor_status status =
      store->calls->run_each(store, number, find_head, &found);
  store->calls->unlock(store, number);
  if (status == TORPOR_OK && found.head.status != TORPOR__RUN_ACTIVE)
    torpor__worker_report(
        &worker->shared, found.id,
        (torpor_event){.kind = TORPOR_EVENT_ENDED,
                       .step = found.head.step,
                       .state = torpor__store_state(&found.head)});
  return torpor__protocol_is_own_fault(status) ? TORPOR_OK : status;
}

/* Holds a run that was locked and tried. */
static torpor_status take_tried(struct torpor_worker *worker,
                                const struct torpor__trial *trial) {
  struct torpor__worker_run *run;
  if (!trial->fit) return let_go(worker, trial->run);
  if (!torpor__array_reserve(&worker->runs, &worker->capacity,
                             worker->count + 1, sizeof(*worker->runs)) ||
      !torpor__array_reserve(&worker->numbers, &worker->number_capacity,
                             worker->count + 1, sizeof *worker->numbers) ||
      !torpor__array_reserve(&worker->pending, &worker->pending_capacity,
                             worker->count + 1, sizeof(*worker->pending)) ||
      !torpor__worker_reserve_wanted(worker)) {
    torpor__worker_store(worker)->calls->unlock(torpor__worker_store(worker),
                                                trial->run);
    return torpor__database_fail(torpor__worker_store(worker), TORPOR_NOMEM,
                                 NULL);
  }
  torpor_status status = torpor__worker_run_open(&run, &worker->shared, trial);
  if (status != TORPOR_OK) return status;
  add_run(worker, run, trial->run);
  if (trial->attempts > 0 && worker->trial == NULL) {
    worker->trial = run;
    worker->tried = false;
  }
  return TORPOR_OK;
}

static torpor_status try_runs(struct torpor_worker *worker,
                              struct torpor__trial *trials, size_t count) {
  if (count == 0) return TORPOR_OK;
  return torpor__request_try(torpor__worker_store(worker), trials, count,
                             TORPOR_RUN_ATTEMPTS, torpor__store_now());
}

torpor_status torpor__worker_take(struct torpor_worker *worker, int64_t number,
                                  bool *others) {
  struct torpor__trial trial = {.run = number};
  torpor_status status = lock_run(worker, number);
  *others = status == TORPOR_LOCKED;
  if (*others) return TORPOR_OK;
  if (status != TORPOR_OK) return status;
  status = try_runs(worker, &trial, 1);
  if (status == TORPOR_OK) return take_tried(worker, &trial);
  torpor__worker_store(worker)->calls->unlock(torpor__worker_store(worker),
                                              number);
  return status;
}

torpor_status torpor__worker_hear(struct torpor_worker *worker, int64_t number,
                                  torpor_status status) {
  if (status == TORPOR_ENGINE || status == TORPOR_KEY)
    return refuse(worker, number);
  if (status != TORPOR_CORRUPT) return status;
  torpor__worker_report_store(worker);
  return TORPOR_OK;
}

/* torpor__head_fn */
static torpor_status want_active(void *data, int64_t number,
                                 const struct torpor__head *head) {
  struct torpor_worker *worker = data;
  if (head->status != TORPOR__RUN_ACTIVE ||
      torpor__worker_is_held(worker, number) || is_refused(worker, number))
    return TORPOR_OK;
  return torpor__worker_want(worker, number, head->attempts);
}

/* Brings up to date what is known of those that are wanted. */
static torpor_status look_at_wanted(struct torpor_worker *worker) {
  struct torpor__database *store = torpor__worker_store(worker);
  if (worker->all) {
    worker->wanted_count = 0;
    return store->calls->head_each(store, want_active, worker);
  }
  for (size_t i = 0; i < worker->wanted_count; i++) {
    struct torpor__head head;
    struct torpor__wanted *wanted = &worker->wanted[i];
    torpor_status status = store->calls->head_get(store, wanted->number, &head);
    if (status != TORPOR_OK && !torpor__protocol_is_own_fault(status))
      return status;
    wanted->attempts = status == TORPOR_OK ? head.attempts : 0;
    wanted->locked = false;
  }
  return TORPOR_OK;
}

/* Locks those that are no suspects and free; they are wanted no more. */
static torpor_status lock_wanted(struct torpor_worker *worker,
                                 struct torpor__trial *trials, size_t *count) {
  torpor_status status = TORPOR_OK;
  size_t kept = 0;
  *count = 0;
  for (size_t i = 0; i < worker->wanted_count; i++) {
    struct torpor__wanted *wanted = &worker->wanted[i];
    bool stays = status != TORPOR_OK || wanted->attempts > 0;
    if (!stays) {
      status = lock_run(worker, wanted->number);
      stays = status != TORPOR_OK;
      if (status == TORPOR_LOCKED) status = TORPOR_OK;
    }
    if (stays)
      worker->wanted[kept++] = *wanted;
    else
      trials[(*count)++] = (struct torpor__trial){.run = wanted->number};
  }
  worker->wanted_count = kept;
  return status;
}

/* Back to where 'lock_wanted' has them from: there was room. */
static void put_back(struct torpor_worker *worker,
                     const struct torpor__trial *trials, size_t count) {
  struct torpor__database *store = torpor__worker_store(worker);
  for (size_t i = 0; i < count; i++) {
    store->calls->unlock(store, trials[i].run);
    worker->wanted[worker->wanted_count++] =
        (struct torpor__wanted){.number = trials[i].run};
  }
}

torpor_status torpor__worker_take_wanted(struct torpor_worker *worker) {
  torpor_status status = look_at_wanted(worker);
  if (status != TORPOR_OK || worker->wanted_count == 0) return status;
  struct torpor__trial *trials = calloc(worker->wanted_count, sizeof(*trials));
  size_t count, taken = 0;
  if (trials == NULL)
    return torpor__database_fail(torpor__worker_store(worker), TORPOR_NOMEM,
                                 NULL);
  status = lock_wanted(worker, trials, &count);
  if (status == TORPOR_OK) status = try_runs(worker, trials, count);
  while (status == TORPOR_OK && taken < count) {
    status = torpor__worker_hear(worker, trials[taken].run,
                                 take_tried(worker, &trials[taken]));
    if (status == TORPOR_OK) taken++;
  }
  put_back(worker, trials + taken, count - taken);
  free(trials);
  return status;
}

void torpor__worker_drop(struct torpor_worker *worker, size_t index) {
  struct torpor__worker_run *run = worker->runs[index];
  if (run == worker->trial) worker->trial = NULL;
  size_t at =
      find_run(worker, torpor__protocol_run(torpor__worker_run_protocol(run)));
  torpor__worker_run_close(run);
  worker->count--;
  memmove(&worker->numbers[at], &worker->numbers[at + 1],
          (worker->count - at) * sizeof *worker->numbers);
  memmove(&worker->runs[index], &worker->runs[index + 1],
          (worker->count - index) * sizeof(*worker->runs));
}
