/* SPDX-License-Identifier: MIT */
/* worker-look.c - finds the runs that need a worker.
 *
 *     woken by the store's watch, or every poll_ms    by an alarm, or every
 *                  │                                  RETRY_MS
 *                  ▼                                        ▼
 *     news ──► of a run that is held: it reads that    runs that are due
 *          ──► of another one ───────────┐                  │
 *     new runs ──► they are due ─────────┼──────────────────┘
 *                                        ▼
 *                      locked, counted and opened together
 *
 *  (1) Runs that only sleep, and runs that have ended, cost nothing here: news
 *      and due runs are found by index, and no other is looked at.
 *  (2) A run that is due may be in another worker's hand. When that dies, the
 *      lock is free, and the look after RETRY_MS finds it.
 *  (3) One look claims CLAIMS_MAX runs at most; a turn later comes the next.
 *      Runs whose time has come, and runs that are ready, get half each: a
 *      great number of the ones does not keep the others waiting.
 *
 * Runs on the worker's thread. */
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "run/worker/worker-state.h"

enum {
  PAGE = 256,      /* rows that are read at once */
  CLAIMS_MAX = 256 /* even */
};

/* What one look has found, and locked. */
struct look {
  struct torpor_worker *worker;
  struct torpor__claim claims[CLAIMS_MAX];
  size_t count;
  union {
    struct torpor__news news[PAGE];
    struct torpor__due due[PAGE];
  } rows;
  size_t row_count;
};

/* ---- News ----------------------------------------------------------------*/

/* torpor__news_fn */
static torpor_status take_news(void *data, const struct torpor__news *row) {
  struct look *look = data;
  look->rows.news[look->row_count++] = *row;
  return TORPOR_OK;
}

/* A run with attempts is due, too: it is found by that, and may be a suspect.
 * Of one that has ended the news is removed, as nobody needs it. */
static torpor_status follow_news(struct look *look,
                                 const struct torpor__news *row) {
  struct torpor_worker *worker = look->worker;
  struct torpor__worker_run *run = torpor__worker_find(worker, row->run);
  if (run != NULL) {
    torpor__worker_wake(worker, run);
    torpor_status status = torpor__worker_run_refresh(run, row->number);
    return status == TORPOR_FENCED ? TORPOR_OK : status;
  }
  if (!worker->drives_all || row->attempts > 0 ||
      torpor__worker_skips(worker, row->run))
    return TORPOR_OK;
  size_t before = look->count;
  torpor_status status =
      torpor__worker_lock(worker, row->run, look->claims, &look->count);
  if (look->count > before) look->claims[before].quiet = !row->active;
  return status;
}

static torpor_status read_news(struct look *look) {
  struct torpor__database *database = torpor__worker_database(look->worker);
  torpor_status status = TORPOR_OK;
  int64_t after = 0;
  do {
    look->row_count = 0;
    status = database->calls->news_each(database, after, PAGE, take_news, look);
    for (size_t i = 0; status == TORPOR_OK && i < look->row_count; i++) {
      if (look->count == CLAIMS_MAX) {
        look->worker->more = look->worker->must_look = true;
        return TORPOR_OK;
      }
      after = look->rows.news[i].run;
      status = follow_news(look, &look->rows.news[i]);
    }
  } while (status == TORPOR_OK && look->row_count > 0);
  return status;
}

/* New runs are due. */
static torpor_status look_for_new(struct torpor_worker *worker) {
  struct torpor__database *database = torpor__worker_database(worker);
  int64_t last;
  torpor_status status = database->calls->run_last(database, &last);
  if (status != TORPOR_OK || last == worker->last_run) return status;
  worker->last_run = last;
  worker->must_find = true;
  return TORPOR_OK;
}

/* ---- What is due ---------------------------------------------------------*/

/* torpor__due_fn */
static torpor_status take_due(void *data, const struct torpor__due *row) {
  struct look *look = data;
  look->rows.due[look->row_count++] = *row;
  return TORPOR_OK;
}

static torpor_status follow_due(struct look *look,
                                const struct torpor__due *row) {
  struct torpor_worker *worker = look->worker;
  if (torpor__worker_find(worker, row->run) != NULL ||
      torpor__worker_skips(worker, row->run))
    return TORPOR_OK;
  if (row->attempts > 0)
    return torpor__worker_enqueue(worker, row->run, row->attempts);
  return torpor__worker_lock(worker, row->run, look->claims, &look->count);
}

/* Those that are due at 'now_ms' and come behind 'after', until there are
 * 'limit' claims. */
static torpor_status read_due(struct look *look, struct torpor__due after,
                              int64_t now_ms, size_t limit) {
  struct torpor__database *database = torpor__worker_database(look->worker);
  torpor_status status = TORPOR_OK;
  do {
    look->row_count = 0;
    status = database->calls->due_each(database, now_ms, &after, PAGE, take_due,
                                       look);
    for (size_t i = 0; status == TORPOR_OK && i < look->row_count; i++) {
      if (look->count >= limit) {
        look->worker->more = look->worker->must_find = true;
        return TORPOR_OK;
      }
      after = look->rows.due[i];
      status = follow_due(look, &after);
    }
  } while (status == TORPOR_OK && look->row_count > 0);
  return status;
}

/* The suspects among them are queued anew. */
static torpor_status find_due(struct look *look) {
  struct torpor_worker *worker = look->worker;
  const struct torpor__due ready = {.due_ms = -1};
  const struct torpor__due timed = {.due_ms = 0, .run = INT64_MAX};
  int64_t now = torpor__store_now();
  if (worker->rung_ms > now) now = worker->rung_ms; /* a moment early */
  worker->rung_ms = 0;
  worker->queue_count = 0;
  torpor_status status =
      read_due(look, timed, now, (look->count + CLAIMS_MAX) / 2);
  if (status == TORPOR_OK) status = read_due(look, ready, 0, CLAIMS_MAX);
  worker->due_changed = true;
  return status;
}

/* ---- A look --------------------------------------------------------------*/

static void unlock_all(struct look *look) {
  struct torpor__database *database = torpor__worker_database(look->worker);
  for (size_t i = 0; i < look->count; i++)
    database->calls->unlock(database, look->claims[i].run);
  look->count = 0;
}

static torpor_status find_runs(struct look *look) {
  struct torpor_worker *worker = look->worker;
  torpor_status status = TORPOR_OK;
  worker->more = false;
  if (worker->must_look) {
    worker->must_look = false;
    status = read_news(look);
    if (status == TORPOR_OK && worker->drives_all)
      status = look_for_new(worker);
  }
  bool find = worker->must_find && worker->drives_all;
  if (status != TORPOR_OK) return status;
  worker->must_find = false;
  return find ? find_due(look) : TORPOR_OK;
}

torpor_status torpor__worker_look(struct torpor_worker *worker) {
  if (!worker->must_look && !worker->must_find) return TORPOR_OK;
  struct look *look = malloc(sizeof *look);
  if (look == NULL)
    return torpor__database_fail(torpor__worker_database(worker), TORPOR_NOMEM,
                                 NULL);
  look->worker = worker;
  look->count = 0;
  torpor_status status = find_runs(look);
  if (status == TORPOR_OK)
    status = torpor__worker_open_locked(worker, look->claims, look->count);
  else
    unlock_all(look);
  if (status != TORPOR_OK) {
    worker->must_look = worker->must_find = true;
    worker->more = false;
  }
  free(look);
  return status;
}

/* ---- The end -------------------------------------------------------------*/

struct rest {
  const struct torpor_worker *worker;
  bool left;
};

/* torpor__run_fn */
static torpor_status look_at_rest(void *data, int64_t run,
                                  const struct torpor__run *row,
                                  const struct torpor__head *head) {
  struct rest *rest = data;
  (void)row, (void)head;
  rest->left = rest->left || !torpor__worker_skips(rest->worker, run);
  return TORPOR_OK;
}

torpor_status torpor__worker_has_left(struct torpor_worker *worker,
                                      bool *left) {
  struct torpor__database *database = torpor__worker_database(worker);
  const struct torpor__page page = {.limit = (int64_t)worker->skipped_count + 1,
                                    .of = TORPOR__PAGE_STATUS,
                                    .status = TORPOR__RUN_ACTIVE};
  struct rest rest = {.worker = worker};
  torpor_status status =
      database->calls->run_list(database, &page, look_at_rest, &rest);
  *left = rest.left;
  return status;
}

/* ---- The alarm -----------------------------------------------------------*/

/* torpor_ring_fn */
static void ring(void *user) {
  struct torpor_worker *worker = user;
  worker->due = NULL;
  worker->rung_ms = worker->due_ms;
  worker->must_find = true;
}

torpor_status torpor__worker_arm_due(struct torpor_worker *worker) {
  struct torpor__database *database = torpor__worker_database(worker);
  int64_t due;
  if (!worker->due_changed || !worker->drives_all) return TORPOR_OK;
  torpor_status status =
      database->calls->due_next(database, torpor__store_now(), &due);
  if (status != TORPOR_OK) return status;
  worker->due_changed = false;
  if (worker->due != NULL && worker->due_ms == due) return TORPOR_OK;
  torpor_alarm_close(worker->due);
  worker->due = NULL;
  worker->due_ms = due;
  if (due == TORPOR__NEVER) return TORPOR_OK;
  status = torpor_alarm_open(worker->shared.loop, (double)due, ring, worker,
                             &worker->due);
  return status == TORPOR_OK ? status
                             : torpor__database_fail(database, status, NULL);
}
