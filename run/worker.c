/* SPDX-License-Identifier: MIT */
/* worker.c - drives runs: many of them on one loop, one commit for all that is
 * ready.
 *
 *   one turn of the loop:
 *
 *     drivers bring results ─► look at what others wrote ─► step every run that
 *     has something to do ─► one transaction for all of them ─► drivers start,
 *     output is shown ─► wait
 *
 * A step that takes long goes on on another thread (worker-step.h), and is
 * taken up again by the turn that finds it done.
 *
 *  (1) Between two turns nothing is half done: what a turn stepped, it also
 *      committed, or the store failed and the worker ends.
 *  (2) At most AWAKE_MAX VMs are awake after a turn, and within it so many as
 *      fit into the memory that the worker was given ('memory_total'): others
 *      that have nothing to do are put to sleep for one that has; when there is
 *      none, the turn ends with what was stepped so far, and the rest is the
 *      next turn's. Those that stepped longest ago sleep first.
 *  (3) A run that another worker has is left alone, and asked for again every
 *      RETRY_MS, since its worker may die.
 *  (4) Before anything of a run is read the store says that it is tried. When a
 *      worker dies, what says so still are the suspects; the next worker takes
 *      and works one of them at a time ('trial'), so that one alone is blamed
 *      for the next death. Others go on beside it: a death makes them suspects
 *      of their own, with one attempt. So whoever is not the culprit has two at
 *      most, and gets on; the culprit is parked. Suspects that turn out to be
 *      long are tried after the others.
 *
 * On one thread, but for long steps; torpor_worker_stop from any, and from
 * signal handlers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker-threads.h"
#include "process-memory.h"
#include "worker-state.h"

enum { AWAKE_MAX = 256, RETRY_MS = 500, POLL_MS = 20, POLL_WATCHED_MS = 500 };

/* The store cannot go on: the worker ends, and nothing is lost. */
static void give_up(struct torpor_worker *worker, torpor_status status) {
  if (worker->status == TORPOR_OK) {
    worker->status = status;
    torpor__worker_report_store(worker);
  }
  torpor_loop_stop(worker->shared.loop);
}

/* Others have the store for themselves, for long. What is staged stays, and is
 * written when they let go of it. */
static void wait_for_store(struct torpor_worker *worker) {
  char text[TORPOR__DATABASE_MESSAGE_MAX + 32];
  worker->look = true;
  if (worker->locked) return;
  worker->locked = true;
  snprintf(text, sizeof text, "%s; waiting for them",
           torpor__worker_store(worker)->message);
  torpor__worker_report_error(&worker->shared, "", 0, text);
}

/* ---- A turn --------------------------------------------------------------*/

static torpor_status refresh_runs(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++) {
    torpor_status status = torpor__worker_run_refresh(worker->runs[i]);
    if (status != TORPOR_OK && status != TORPOR_FENCED) return status;
  }
  return TORPOR_OK;
}

/* Lets the attempts be of those that wait for long. */
static void rest_idle(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_rest(worker->runs[i]);
}

/* Reads what other processes wrote since the last time. */
static torpor_status look_around(struct torpor_worker *worker) {
  struct torpor__database *store = torpor__worker_store(worker);
  double now = torpor_loop_now(worker->shared.loop, TORPOR_CLOCK_MONOTONIC);
  bool changed = false;
  torpor_status status = TORPOR_OK;
  if (worker->look) {
    worker->look = false;
    status = store->calls->changed(store, &changed);
    worker->changed = worker->changed || changed;
    if (status == TORPOR_OK && worker->changed) status = refresh_runs(worker);
  }
  bool due = now >= worker->retry_due;
  if (status == TORPOR_OK && (due || (worker->changed && worker->all)))
    status = torpor__worker_take_wanted(worker);
  if (status == TORPOR_OK) worker->changed = false;
  if (due) {
    worker->retry_due = now + RETRY_MS;
    rest_idle(worker);
  }
  return status;
}

/* ---- Suspects ------------------------------------------------------------*/

static bool is_suspect(struct torpor__worker_run *run) {
  return torpor__protocol_is_suspect(torpor__worker_run_protocol(run));
}

/* Who is to be tried next, but for the trial itself: a run that is held and
 * ready, or one that is wanted, those that are short first, then those with the
 * fewest attempts. */
struct candidate {
  struct torpor__worker_run *run;
  struct torpor__wanted *wanted;
  bool slow;
  int64_t attempts;
  size_t count, slow_count; /* of all there are */
};

static void compare(struct candidate *best, struct candidate other) {
  size_t count = best->count + 1, slow = best->slow_count + other.slow;
  if (best->count == 0 ||
      (other.slow == best->slow ? other.attempts < best->attempts : best->slow))
    *best = other;
  best->count = count;
  best->slow_count = slow;
}

static struct candidate find_candidate(const struct torpor_worker *worker) {
  struct candidate best = {0};
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__worker_run *run = worker->runs[i];
    const struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
    if (run == worker->trial || !is_suspect(run) ||
        !torpor__protocol_ready(protocol))
      continue;
    compare(&best, (struct candidate){
                       .run = run,
                       .slow = torpor__worker_run_is_slow(run),
                       .attempts = torpor__protocol_head(protocol)->attempts});
  }
  for (size_t i = 0; i < worker->wanted_count; i++) {
    struct torpor__wanted *wanted = &worker->wanted[i];
    if (wanted->attempts > 0 && !wanted->locked)
      compare(&best, (struct candidate){.wanted = wanted,
                                        .attempts = wanted->attempts});
  }
  return best;
}

static void forget_wanted(struct torpor_worker *worker, size_t at) {
  worker->wanted_count--;
  memmove(&worker->wanted[at], &worker->wanted[at + 1],
          (worker->wanted_count - at) * sizeof(*worker->wanted));
}

/* Asks which suspects other workers have: as long as those live, all that they
 * work. */
static torpor_status ask_for_locks(struct torpor_worker *worker) {
  struct torpor__database *store = torpor__worker_store(worker);
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < worker->wanted_count; i++) {
    struct torpor__wanted *wanted = &worker->wanted[i];
    if (wanted->attempts > 0 && !wanted->locked)
      status = store->calls->locked(store, wanted->number, &wanted->locked);
  }
  return status;
}

/* Takes a suspect that is wanted, unless another worker has it. */
static torpor_status take_suspect(struct torpor_worker *worker, size_t at) {
  int64_t number = worker->wanted[at].number;
  bool others;
  torpor_status status = torpor__worker_take(worker, number, &others);
  if (status == TORPOR_LOCKED) return status;
  if (others) {
    worker->wanted[at].locked = true;
    return ask_for_locks(worker);
  }
  forget_wanted(worker, at);
  return torpor__worker_hear(worker, number, status);
}

/* Makes the next suspect the trial, if there is any that nobody else has. */
static torpor_status choose_trial(struct torpor_worker *worker) {
  torpor_status status = TORPOR_OK;
  while (status == TORPOR_OK && worker->trial == NULL &&
         !torpor_loop_stopping(worker->shared.loop)) {
    struct candidate best = find_candidate(worker);
    worker->tried = false;
    worker->trial = best.run;
    if (best.wanted == NULL) break;
    status = take_suspect(worker, (size_t)(best.wanted - worker->wanted));
  }
  return status;
}

/* The trial is over when its run has done what there was to do, or was put off.
 * False when that is to be written before another is tried: should this one
 * end the worker, the other is not to be blamed. */
static bool end_trial(struct torpor_worker *worker) {
  struct torpor__worker_run *run = worker->trial;
  if (run == NULL) return true;
  struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  bool idle = torpor__protocol_phase(protocol) == TORPOR__PHASE_IDLE;
  bool over = idle && (worker->tried || !is_suspect(run));
  if (!over && !torpor__worker_run_is_tried(run)) return true;
  if (is_suspect(run) || torpor__worker_run_is_tried(run))
    torpor__protocol_return_attempt(protocol);
  worker->trial = NULL;
  return !torpor__protocol_pending(protocol);
}

static torpor_status step_trial(struct torpor_worker *worker) {
  bool stepped = false;
  if (!end_trial(worker)) return TORPOR_OK;
  torpor_status status = choose_trial(worker);
  if (status != TORPOR_OK || worker->trial == NULL ||
      torpor_loop_stopping(worker->shared.loop))
    return status;
  struct candidate others = find_candidate(worker);
  worker->shared.defer_long = others.count > others.slow_count;
  status = torpor__worker_run_step(worker->trial, &stepped);
  worker->shared.defer_long = false;
  if (stepped) worker->tried = true;
  return status == TORPOR_FENCED ? TORPOR_OK : status;
}

/* Whether there is anything to do for a suspect now. */
static bool has_trial(const struct torpor_worker *worker) {
  if (worker->trial == NULL) return find_candidate(worker).count > 0;
  if (torpor__worker_run_is_away(worker->trial)) return false;
  const struct torpor__protocol *protocol =
      torpor__worker_run_protocol(worker->trial);
  return torpor__protocol_phase(protocol) != TORPOR__PHASE_IDLE ||
         torpor__protocol_ready(protocol) || !is_suspect(worker->trial) ||
         torpor__worker_run_is_tried(worker->trial);
}

/* ---- Room ----------------------------------------------------------------*/

/* What one more VM may take: it is woken, runs, and is written down. */
#define VM_ROOM ((uint64_t)4 << 20)

static bool has_room(const struct torpor_worker *worker) {
  uint64_t kept = worker->memory_total / 16; /* for what steps take besides */
  return torpor__process_memory_used() + VM_ROOM + kept <= worker->memory_total;
}

/* Makes room for one more VM, if there is not enough, by putting others to
 * sleep. False when all that are awake have something to do yet. */
static bool make_room(struct torpor_worker *worker) {
  size_t busy = 0;
  if (has_room(worker)) return true;
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__worker_run *run = worker->runs[i];
    if (torpor__worker_run_is_awake(run) &&
        !torpor__protocol_ready(torpor__worker_run_protocol(run)))
      torpor__worker_run_sleep(run);
    if (torpor__worker_run_is_awake(run) || torpor__worker_run_is_away(run))
      busy++;
  }
  torpor__process_memory_trim();
  return busy == 0 || has_room(worker);
}

/* Whether 'held' is about to be woken. */
static bool needs_room(struct torpor__worker_run *run) {
  const struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  return !torpor__worker_run_is_awake(run) &&
         !torpor__worker_run_is_away(run) &&
         (torpor__protocol_phase(protocol) == TORPOR__PHASE_STEPPING ||
          torpor__protocol_ready(protocol));
}

/* Steps every run that can and is no suspect; those go to the end. */
static torpor_status step_runs(struct torpor_worker *worker) {
  worker->full = false;
  for (size_t i = 0, left = worker->count; left > 0; left--) {
    struct torpor__worker_run *run = worker->runs[i];
    bool stepped;
    if (torpor_loop_stopping(worker->shared.loop)) return TORPOR_OK;
    bool waits = !is_suspect(run) && needs_room(run) &&
                 (worker->full || !make_room(worker));
    worker->full = worker->full || waits;
    if (waits || is_suspect(run)) {
      i++;
      continue;
    }
    torpor_status status = torpor__worker_run_step(run, &stepped);
    if (status != TORPOR_OK && status != TORPOR_FENCED) return status;
    if (!stepped) {
      i++;
      continue;
    }
    memmove(&worker->runs[i], &worker->runs[i + 1],
            (worker->count - i - 1) * sizeof(*worker->runs));
    worker->runs[worker->count - 1] = run;
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
  return torpor__protocol_flush(torpor__worker_store(worker), worker->pending,
                                count, torpor__store_now());
}

/* The host ran out of memory, which is no attempt of the run. Where that cannot
 * be written it stays counted. There is room: torpor__worker_take made it. */
static void want_again(struct torpor_worker *worker,
                       struct torpor__worker_run *run) {
  struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  torpor__worker_run_part(run);
  if (torpor__protocol_pending(protocol))
    torpor__protocol_flush(torpor__worker_store(worker), &protocol, 1,
                           torpor__store_now());
  worker->wanted[worker->wanted_count++] =
      (struct torpor__wanted){.number = torpor__protocol_run(protocol)};
}

static void settle_runs(struct torpor_worker *worker) {
  for (size_t i = worker->count; i-- > 0;) {
    struct torpor__worker_run *run = worker->runs[i];
    enum torpor__worker_run_next next = torpor__worker_run_settle(run);
    if (next == TORPOR__WORKER_RUN_STAYS) continue;
    if (next == TORPOR__WORKER_RUN_AGAIN) want_again(worker, run);
    torpor__worker_drop(worker, i);
  }
}

/* Lets the VMs sleep that stepped longest ago. */
static void limit_awake(struct torpor_worker *worker) {
  size_t run_vm = 0;
  for (size_t i = worker->count; i-- > 0;)
    if (torpor__worker_run_is_awake(worker->runs[i]) && ++run_vm > AWAKE_MAX)
      torpor__worker_run_sleep(worker->runs[i]);
}

static bool is_any_away(const struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++)
    if (torpor__worker_run_is_away(worker->runs[i])) return true;
  return false;
}

/* Those that wait for room wait for the crew, if that has any: it wakes the
 * loop. */
static bool has_work(const struct torpor_worker *worker) {
  bool waits = worker->full && is_any_away(worker);
  for (size_t i = 0; i < worker->count; i++) {
    const struct torpor__protocol *protocol =
        torpor__worker_run_protocol(worker->runs[i]);
    if (torpor__worker_run_is_away(worker->runs[i]) ||
        is_suspect(worker->runs[i]) || (waits && needs_room(worker->runs[i])))
      continue;
    if (torpor__protocol_phase(protocol) == TORPOR__PHASE_STEPPING ||
        torpor__protocol_pending(protocol) || torpor__protocol_ready(protocol))
      return true;
  }
  return has_trial(worker);
}

static bool is_finished(const struct torpor_worker *worker) {
  return !worker->all && worker->count == 0 && worker->wanted_count == 0;
}

/* torpor_turned_fn */
static bool turn(void *user) {
  struct torpor_worker *worker = user;
  torpor_status status = look_around(worker);
  if (status == TORPOR_OK) status = step_trial(worker);
  if (status == TORPOR_OK) status = step_runs(worker);
  if (status == TORPOR_OK) status = flush_runs(worker);
  if (status == TORPOR_OK) {
    worker->locked = false;
    settle_runs(worker);
    limit_awake(worker);
  } else if (status == TORPOR_LOCKED) {
    wait_for_store(worker);
  } else {
    give_up(worker, status);
  }
  if (is_finished(worker)) torpor_loop_stop(worker->shared.loop);
  return (status == TORPOR_OK || status == TORPOR_LOCKED) && has_work(worker);
}

/* ---- Noticing others -----------------------------------------------------*/

static void notice(void *user) {
  struct torpor_worker *worker = user;
  worker->look = true;
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
  worker->look = true;
  worker->poll = NULL;
  torpor_status status = arm_poll(worker);
  if (status != TORPOR_OK)
    give_up(worker,
            torpor__database_fail(torpor__worker_store(worker), status, NULL));
}

/* Others' commits go to the file of SQLite's log. Where it can be watched,
 * polling is only for the runs that dead workers leave. */
static void watch_store(struct torpor_worker *worker, int poll_ms) {
  const char *path = worker->shared.store->path;
  char *log = malloc(strlen(path) + sizeof "-wal");
  torpor_status status = TORPOR_NOMEM;
  if (log != NULL) {
    strcpy(log, path);
    strcat(log, "-wal");
    status = torpor_loop_watch(worker->shared.loop, log, notice, worker);
    free(log);
  }
  worker->poll_ms = poll_ms > 0           ? poll_ms
                    : status == TORPOR_OK ? POLL_WATCHED_MS
                                          : POLL_MS;
}

/* ---- Workers -------------------------------------------------------------*/

static torpor_status add_drivers(struct torpor_worker *worker,
                                 const torpor_worker_options *options) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < options->driver_count; i++)
    status = torpor_loop_add_driver(worker->shared.loop, options->drivers[i]);
  return status;
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
  struct torpor_worker *worker = calloc(1, sizeof *worker);
  *out = NULL;
  if (worker == NULL)
    return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  if (options != NULL)
    memcpy(&given, options,
           options->size < sizeof given ? options->size : sizeof given);
  worker->shared = (struct torpor__worker_shared){
      .store = store, .event = given.event, .user = given.user};
  torpor_status status = torpor_loop_open(NULL, &worker->shared.loop);
  if (status == TORPOR_OK) status = add_drivers(worker, &given);
  if (status == TORPOR_OK) {
    worker->shared.threads = torpor__threads_open(worker->shared.loop);
    if (worker->shared.threads == NULL) status = TORPOR_NOMEM;
  }
  if (status != TORPOR_OK) {
    torpor_worker_close(worker);
    return torpor__database_fail(store->database, status, "opening a worker");
  }
  watch_store(worker, given.poll_ms);
  worker->memory_total = given.memory_total > 0
                             ? given.memory_total
                             : torpor__process_memory_default();
  warm_pool();
  *out = worker;
  return TORPOR_OK;
}

/* Ends what goes on elsewhere: all at once, then one after the other. */
static void part_runs(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_stop(worker->runs[i]);
  for (size_t i = 0; i < worker->count; i++)
    torpor__worker_run_part(worker->runs[i]);
}

void torpor_worker_close(torpor_worker *worker) {
  if (worker == NULL) return;
  if (!worker->parted) { /* it never ran: its runs were not attempted */
    part_runs(worker);
    flush_runs(worker);
  }
  while (worker->count > 0) torpor__worker_drop(worker, worker->count - 1);
  torpor__threads_close(worker->shared.threads);
  torpor_loop_close(worker->shared.loop);
  free(worker->runs);
  free(worker->numbers);
  free(worker->wanted);
  free(worker->refused);
  free(worker->pending);
  free(worker);
}

torpor_status torpor_worker_add(torpor_worker *worker, const char *id) {
  struct torpor__database *store = torpor__worker_store(worker);
  int64_t number;
  worker->parted = false;
  if (id == NULL) {
    worker->all = true;
    worker->retry_due = 0;
    return TORPOR_OK;
  }
  struct torpor__head head;
  torpor_status status = store->calls->run_find(store, id, &number);
  if (status != TORPOR_OK || torpor__worker_is_held(worker, number))
    return status;
  status = store->calls->head_get(store, number, &head);
  if (status == TORPOR_OK && head.attempts > 0 && worker->trial != NULL)
    return torpor__worker_want(worker, number, head.attempts);
  bool others;
  status = torpor__worker_take(worker, number, &others);
  if (status == TORPOR_CORRUPT) torpor__worker_report_store(worker);
  if (others)
    torpor__worker_report(&worker->shared, id,
                          (torpor_event){.kind = TORPOR_EVENT_HELD});
  /* Others may have the store for themselves: 'turn' waits for them. */
  return others || status == TORPOR_LOCKED
             ? torpor__worker_want(worker, number, 0)
             : status;
}

/* A clean goodbye: takes back the attempts that were counted in advance. */
static void rest_runs(struct torpor_worker *worker) {
  torpor_status status = flush_runs(worker);
  if (status == TORPOR_OK)
    settle_runs(worker);
  else if (status != TORPOR_LOCKED) /* then an attempt stays counted */
    worker->status = status;
}

torpor_status torpor_worker_run(torpor_worker *worker) {
  torpor_loop *loop = worker->shared.loop;
  worker->status = TORPOR_OK;
  worker->look = true;
  if (is_finished(worker)) return TORPOR_OK;
  torpor_status status = arm_poll(worker);
  if (status == TORPOR_OK) {
    torpor_loop_on_turn(loop, turn, worker);
    status = torpor_loop_run(loop);
    torpor_loop_on_turn(loop, NULL, NULL);
  }
  torpor_alarm_close(worker->poll);
  worker->poll = NULL;
  if (status != TORPOR_OK && status != TORPOR_CANCELLED &&
      worker->status == TORPOR_OK)
    worker->status =
        torpor__database_fail(torpor__worker_store(worker), status, "the loop");
  part_runs(worker);
  if (worker->status == TORPOR_OK) rest_runs(worker);
  worker->parted = true;
  return worker->status;
}

void torpor_worker_stop(torpor_worker *worker) {
  torpor_loop_stop(worker->shared.loop);
}
