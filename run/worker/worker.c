/* SPDX-License-Identifier: MIT */
/* worker.c - drives runs: many of them on one loop, one commit for all that is
 * ready.
 *
 *   one turn of the loop, which looks at no run that only waits:
 *
 *     drivers bring results ─► look at what others wrote, and for what is due
 *     ─► step every run that has something to do ─► one transaction for all of
 *     them ─► drivers start, output is shown ─► let go of what sleeps ─► wait
 *
 * A step that takes long goes on on another thread (worker-step.h), and is
 * taken up again by the turn that finds it done.
 *
 *  (1) Between two turns nothing is half done: what a turn stepped, it also
 *      committed, or the store failed and the worker ends.
 *  (2) After a turn a limited number of VMs is awake, beside those that the
 *      next turn will step; within a turn as many as fit into the memory that
 *      the worker was given ('memory_total'): others that have nothing to do
 *      are put to sleep for one that has; when there is none, the turn ends
 *      with what was stepped so far, and the next turn does the rest. Those
 *      that stepped longest ago sleep first.
 *  (3) A run that another worker has is left alone, and asked for again every
 *      TORPOR__WORKER_RETRY_MS, since its worker may die.
 *  (4) Before anything of a run is read, the store counts an attempt for it.
 *      Runs whose attempts are still counted after a worker died are suspects:
 *      one of them may have ended it. The next worker works one suspect at a
 *      time, so that this one alone is blamed for the next death. Runs that are
 *      no suspects go on beside it: a death makes them suspects with one
 *      attempt. So an innocent run has two attempts at most, and goes on; the
 *      culprit is parked.
 *
 * On one thread, but for long steps; torpor_worker_stop from any, and from
 * signal handlers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sized.h"
#include "run/worker/process-memory.h"
#include "run/worker/worker-check.h"
#include "run/worker/worker-state.h"
#include "run/worker/worker-threads.h"

enum { POLL_MS = 20, POLL_WATCHED_MS = 500 };

/* Ends the worker since the store failed: nothing that was committed is
 * lost. */
static void give_up(struct torpor_worker *worker, torpor_status status) {
  if (worker->status == TORPOR_OK) {
    worker->status = status;
    torpor__worker_report_store(worker);
  }
  torpor_loop_stop(worker->shared.loop);
}

/* Another process has the store for itself, for long. What is staged stays, and
 * is written when the store is free. */
static void wait_for_store(struct torpor_worker *worker) {
  char text[TORPOR__DATABASE_MESSAGE_MAX + 32];
  worker->must_look = true;
  if (worker->waits_for_store) return;
  worker->waits_for_store = true;
  snprintf(text, sizeof text, "%s; waiting for them",
           torpor__worker_database(worker)->message);
  torpor__worker_report_error(&worker->shared, "", 0, text);
}

/* ---- A turn --------------------------------------------------------------*/

/* Takes back the attempts of runs that wait for long. */
static void return_attempts(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_return_attempt(worker->runs[i]);
}

/* Reads what others wrote, and claims the runs that need a worker. */
static torpor_status look_around(struct torpor_worker *worker) {
  double now = torpor_loop_now(worker->shared.loop, TORPOR_CLOCK_MONOTONIC);
  bool due = now >= worker->retry_due;
  if (due) worker->must_find = true;
  torpor_status status = torpor__worker_look(worker);
  if (status == TORPOR_OK && due && !worker->drives_all)
    status = torpor__worker_claim_queued(worker);
  if (due) {
    worker->retry_due = now + TORPOR__WORKER_RETRY_MS;
    return_attempts(worker);
  }
  return status;
}

/* Whether a run has to wait for memory before it can be stepped. */
static bool waits_for_room(struct torpor_worker *worker,
                           struct torpor__worker_run *run) {
  bool waits = torpor__worker_needs_room(run) &&
               (worker->memory_full || !torpor__worker_make_room(worker));
  worker->memory_full = worker->memory_full || waits;
  return waits;
}

static void move_to_end(struct torpor_worker *worker, size_t index) {
  struct torpor__worker_run *run = worker->runs[index];
  memmove(&worker->runs[index], &worker->runs[index + 1],
          (worker->count - index - 1) * sizeof(*worker->runs));
  worker->runs[worker->count - 1] = run;
}

/* Steps every run that has something to do and is no suspect, and moves it to
 * the end of the list. */
static torpor_status step_runs(struct torpor_worker *worker) {
  worker->memory_full = false;
  for (size_t i = 0, left = worker->count; left > 0; left--) {
    struct torpor__worker_run *run = worker->runs[i];
    torpor_status status = TORPOR_OK;
    bool stepped = false;
    if (torpor_loop_stopping(worker->shared.loop)) return TORPOR_OK;
    if (!torpor__worker_is_suspect(run) && !waits_for_room(worker, run))
      status = torpor__worker_run_step(run, &stepped);
    if (status != TORPOR_OK && status != TORPOR_FENCED) return status;
    if (stepped)
      move_to_end(worker, i);
    else
      i++;
  }
  return TORPOR_OK;
}

static torpor_status flush_runs(struct torpor_worker *worker) {
  size_t count = 0;
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__protocol *protocol =
        torpor__worker_run_protocol(worker->runs[i]);
    if (torpor__protocol_pending(protocol)) worker->pending[count++] = protocol;
  }
  if (count == 0) return TORPOR_OK;
  return torpor__protocol_flush(torpor__worker_database(worker),
                                worker->pending, count, torpor__store_now());
}

/* Queues a run for which the host ran out of memory. That takes its attempt
 * back, unless it cannot be written. The queue has room (worker-claim.c). */
static void enqueue_again(struct torpor_worker *worker,
                          struct torpor__worker_run *run) {
  struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  torpor__worker_run_wind_down(run);
  if (torpor__protocol_pending(protocol))
    torpor__protocol_flush(torpor__worker_database(worker), &protocol, 1,
                           torpor__store_now());
  worker->queue[worker->queue_count++] =
      (struct torpor__queued_run){.number = torpor__protocol_run(protocol)};
}

static void settle_runs(struct torpor_worker *worker) {
  for (size_t i = worker->count; i-- > 0;) {
    struct torpor__worker_run *run = worker->runs[i];
    enum torpor__worker_run_next next = torpor__worker_run_settle(run);
    if (next == TORPOR__WORKER_RUN_STAYS) continue;
    if (next == TORPOR__WORKER_RUN_AGAIN) enqueue_again(worker, run);
    torpor__worker_drop(worker, i);
  }
}

static bool is_any_offloaded(const struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++)
    if (torpor__worker_run_is_offloaded(worker->runs[i])) return true;
  return false;
}

/* Whether another turn should follow at once. Runs that wait for memory wait
 * for an offloaded step, if there is any: its end wakes the loop. */
static bool has_work(const struct torpor_worker *worker) {
  bool waits = worker->memory_full && is_any_offloaded(worker);
  for (size_t i = 0; i < worker->count; i++) {
    const struct torpor__protocol *protocol =
        torpor__worker_run_protocol(worker->runs[i]);
    if (torpor__worker_run_is_offloaded(worker->runs[i]) ||
        torpor__worker_is_suspect(worker->runs[i]) ||
        (waits && torpor__worker_needs_room(worker->runs[i])))
      continue;
    if (torpor__protocol_phase(protocol) == TORPOR__PHASE_STEPPING ||
        torpor__protocol_pending(protocol) || torpor__protocol_ready(protocol))
      return true;
  }
  return worker->more || torpor__worker_has_suspect(worker);
}

static torpor_status find_whether_finished(struct torpor_worker *worker,
                                           bool *finished) {
  bool left = false;
  *finished = worker->held_count == 0 && worker->queue_count == 0 &&
              (!worker->drives_all || worker->until_ended);
  if (!*finished || !worker->drives_all) return TORPOR_OK;
  torpor_status status = torpor__worker_has_left(worker, &left);
  *finished = status == TORPOR_OK && !left;
  return status;
}

/* torpor_turned_fn */
static bool turn(void *user) {
  struct torpor_worker *worker = user;
  bool finished = false;
  torpor_status status = look_around(worker);
  if (status == TORPOR_OK) status = torpor__worker_step_suspect(worker);
  if (status == TORPOR_OK) status = step_runs(worker);
  if (status == TORPOR_OK) status = flush_runs(worker);
  if (status == TORPOR_OK) {
    settle_runs(worker);
    torpor__worker_rest(worker);
    torpor__worker_limit_held(worker);
    torpor__worker_limit_awake(worker);
    torpor__worker_check(worker);
    status = torpor__worker_arm_due(worker);
  }
  if (status == TORPOR_OK) status = find_whether_finished(worker, &finished);
  if (status == TORPOR_OK) {
    worker->waits_for_store = false;
  } else if (status == TORPOR_LOCKED) {
    wait_for_store(worker);
  } else {
    give_up(worker, status);
  }
  if (finished) torpor_loop_stop(worker->shared.loop);
  return (status == TORPOR_OK || status == TORPOR_LOCKED) && has_work(worker);
}

/* ---- Noticing others -----------------------------------------------------*/

static void notice(void *user) {
  struct torpor_worker *worker = user;
  worker->must_look = true;
}

static void poll_store(void *user);

static torpor_status arm_poll(struct torpor_worker *worker) {
  double now = torpor_loop_now(worker->shared.loop, TORPOR_CLOCK_WALL);
  return torpor_alarm_open(worker->shared.loop, now + worker->poll_ms,
                           poll_store, worker, &worker->poll);
}

/* torpor_ring_fn */
static void poll_store(void *user) {
  struct torpor_worker *worker = user;
  worker->must_look = true;
  worker->poll = NULL;
  torpor_status status = arm_poll(worker);
  if (status != TORPOR_OK)
    give_up(worker, torpor__database_fail(torpor__worker_database(worker),
                                          status, NULL));
}

/* Who writes news touches the file of locks after the commit, when it can be
 * read. Where that can be watched, polling is only for the runs that dead
 * workers leave, and for news of processes that died before the touch. */
static void watch_store(struct torpor_worker *worker, int poll_ms) {
  const char *path = worker->shared.store->path;
  char *locks = malloc(strlen(path) + sizeof "-locks");
  torpor_status status = TORPOR_NOMEM;
  if (locks != NULL) {
    strcpy(locks, path);
    strcat(locks, "-locks");
    status = torpor_loop_watch(worker->shared.loop, locks, notice, worker);
    free(locks);
  }
  worker->poll_ms = poll_ms > 0           ? poll_ms
                    : status == TORPOR_OK ? POLL_WATCHED_MS
                                          : POLL_MS;
}

/* ---- Workers -------------------------------------------------------------*/

/* torpor__worker_shared.wake */
static void wake(void *worker, struct torpor__worker_run *run) {
  torpor__worker_wake(worker, run);
}

/* The loop, its drivers, and the threads that wake it. */
static torpor_status open_loop(struct torpor_worker *worker,
                               const torpor_worker_options *options) {
  struct torpor__worker_shared *shared = &worker->shared;
  torpor_status status = torpor_loop_open(NULL, &shared->loop);
  for (size_t i = 0; status == TORPOR_OK && i < options->driver_count; i++)
    status = torpor_loop_add_driver(shared->loop, options->drivers[i]);
  if (status != TORPOR_OK) return status;
  shared->threads = torpor__threads_open(shared->loop);
  return shared->threads != NULL ? TORPOR_OK : TORPOR_NOMEM;
}

/* The first VM of a process costs the page faults of its memory. They are paid
 * now, and not by the first run that is woken. */
static void warm_pool(void) {
  torpor_vm *vm;
  if (torpor_vm_open(NULL, &vm) == TORPOR_OK) torpor_vm_close(vm);
}

torpor_status torpor_worker_open(torpor_store *store,
                                 const torpor_worker_options *options,
                                 torpor_worker **out) {
  torpor_worker_options given = TORPOR_WORKER_OPTIONS_INIT;
  *out = NULL;
  if (options != NULL && !torpor__sized_take(&given, sizeof given, options))
    return torpor__store_refuse_options(store);
  struct torpor_worker *worker = calloc(1, sizeof *worker);
  if (worker == NULL)
    return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  worker->shared = (struct torpor__worker_shared){.store = store,
                                                  .wake = wake,
                                                  .worker = worker,
                                                  .event = given.event,
                                                  .user = given.user};
  worker->resting.before = worker->resting.behind = &worker->resting;
  errno = 0;
  torpor_status status = open_loop(worker, &given);
  if (status != TORPOR_OK) {
    if (status == TORPOR_IO && errno != 0) /* torpor_loop_open */
      torpor__database_fail_system(store->database, status, errno,
                                   "opening a worker");
    else
      torpor__database_fail(store->database, status, "opening a worker");
    torpor_worker_close(worker);
    return status;
  }
  watch_store(worker, given.poll_ms);
  worker->until_ended = given.until_ended;
  worker->memory_total = given.memory_total > 0
                             ? given.memory_total
                             : torpor__process_memory_default();
  warm_pool();
  *out = worker;
  return TORPOR_OK;
}

/* Ends the steps of all runs: asks all of them first, then waits for each. */
static void wind_down_runs(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_interrupt(worker->runs[i]);
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_wind_down(worker->runs[i]);
}

void torpor_worker_close(torpor_worker *worker) {
  if (worker == NULL) return;
  if (!worker->wound_down) { /* it never ran: its runs were not attempted */
    wind_down_runs(worker);
    flush_runs(worker);
  }
  for (size_t i = 0; i < worker->held_count; i++)
    torpor__worker_wake(worker, worker->held[i].run);
  while (worker->count > 0) torpor__worker_drop(worker, worker->count - 1);
  torpor__threads_close(worker->shared.threads);
  torpor_loop_close(worker->shared.loop);
  free(worker->runs);
  free(worker->held);
  free(worker->queue);
  free(worker->skipped);
  free(worker->pending);
  free(worker);
}

torpor_status torpor_worker_add(torpor_worker *worker, const char *id) {
  struct torpor__database *database = torpor__worker_database(worker);
  int64_t number;
  worker->wound_down = false;
  if (id == NULL) {
    worker->drives_all = true;
    worker->retry_due = 0;
    return TORPOR_OK;
  }
  struct torpor__head head;
  torpor_status status = database->calls->run_find(database, id, &number);
  if (status != TORPOR_OK || torpor__worker_find(worker, number) != NULL)
    return status;
  torpor__worker_dequeue(worker, number); /* it may be free by now */
  status = database->calls->head_get(database, number, &head);
  if (status == TORPOR_OK && head.attempts > 0 && worker->suspect != NULL)
    return torpor__worker_enqueue(worker, number, head.attempts);
  bool others;
  status = torpor__worker_claim(worker, number, &others);
  if (others)
    torpor__worker_report(&worker->shared, id,
                          (torpor_event){.kind = TORPOR_EVENT_HELD});
  /* Others may have the store for themselves: 'turn' waits for them. */
  return others || status == TORPOR_LOCKED
             ? torpor__worker_enqueue(worker, number, 0)
             : status;
}

/* Takes back the attempts that were counted in advance. */
static void say_goodbye(struct torpor_worker *worker) {
  torpor_status status = flush_runs(worker);
  if (status == TORPOR_OK)
    settle_runs(worker);
  else if (status != TORPOR_LOCKED) /* then an attempt stays counted */
    worker->status = status;
}

torpor_status torpor_worker_run(torpor_worker *worker) {
  torpor_loop *loop = worker->shared.loop;
  worker->status = TORPOR_OK;
  worker->must_look = worker->must_find = true;
  bool finished;
  torpor_status status = find_whether_finished(worker, &finished);
  if (status != TORPOR_OK || finished) return status;
  status = arm_poll(worker);
  if (status == TORPOR_OK) {
    torpor_loop_on_turn(loop, turn, worker);
    status = torpor_loop_run(loop);
    torpor_loop_on_turn(loop, NULL, NULL);
  }
  torpor_alarm_close(worker->poll);
  torpor_alarm_close(worker->due);
  worker->poll = worker->due = NULL;
  if (status != TORPOR_OK && status != TORPOR_CANCELLED &&
      worker->status == TORPOR_OK)
    worker->status = torpor__database_fail(torpor__worker_database(worker),
                                           status, "the loop");
  wind_down_runs(worker);
  if (worker->status == TORPOR_OK) say_goodbye(worker);
  worker->wound_down = true;
  return worker->status;
}

void torpor_worker_stop(torpor_worker *worker) {
  torpor_loop_stop(worker->shared.loop);
}
