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
 * A step that takes long goes on on another thread (stint.h), and is taken up
 * again by the turn that finds it done.
 *
 *  (1) Between two turns nothing is half done: what a turn stepped, it also
 *      committed, or the store failed and the worker ends.
 *  (2) At most AWAKE_MAX VMs are awake; those that stepped longest ago sleep.
 *  (3) A run that another worker has is left alone, and asked for again every
 *      RETRY_MS, since its worker may die.
 *
 * On one thread, but for long steps; torpor_worker_stop from any, and from
 * signal handlers. */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "crew.h"
#include "held.h"

enum { AWAKE_MAX = 256, RETRY_MS = 500, POLL_MS = 20, POLL_WATCHED_MS = 500 };

struct torpor_worker {
  struct torpor__held_by by; /* what the runs see of it */
  bool all;                  /* drives every run of the store */
  int poll_ms;
  torpor_alarm *poll;
  bool look;        /* others may have written */
  double retry_due; /* when to ask again for what others hold, and to let the
                       attempts be of runs that are idle */
  torpor_status status;

  struct torpor__held **runs; /* those that stepped last at the end */
  size_t count, capacity;
  int64_t *numbers; /* of 'runs', in order */
  size_t number_capacity;
  int64_t *refused; /* numbers of runs that only others can drive */
  size_t refused_count, refused_capacity;
  int64_t *wanted; /* numbers of runs that were added and are not held */
  size_t wanted_count, wanted_capacity;

  struct torpor__protocol **pending; /* room for one flush */
  size_t pending_capacity;
};

static struct torpor__store *store_of(const struct torpor_worker *worker) {
  return worker->by.store->store;
}

static void tell(const struct torpor_worker *worker, torpor_event event) {
  if (worker->by.event != NULL) worker->by.event(worker->by.user, &event);
}

/* The store cannot go on: the worker ends, and nothing is lost. */
static void give_up(struct torpor_worker *worker, torpor_status status) {
  if (worker->status == TORPOR_OK) {
    worker->status = status;
    tell(worker, (torpor_event){.kind = TORPOR_EVENT_ERROR,
                                .run = "",
                                .text = store_of(worker)->message});
  }
  torpor_loop_stop(worker->by.loop);
}

/* ---- Taking and leaving runs ---------------------------------------------*/

static bool is_refused(const struct torpor_worker *worker, int64_t number) {
  for (size_t i = 0; i < worker->refused_count; i++)
    if (worker->refused[i] == number) return true;
  return false;
}

/* Leaves a run alone for good, and says why. */
static torpor_status refuse(struct torpor_worker *worker, int64_t number) {
  tell(worker, (torpor_event){.kind = TORPOR_EVENT_ERROR,
                              .run = "",
                              .text = store_of(worker)->message});
  if (!torpor__array_reserve(&worker->refused, &worker->refused_capacity,
                             worker->refused_count + 1,
                             sizeof *worker->refused))
    return torpor__store_fail(store_of(worker), TORPOR_NOMEM, NULL);
  worker->refused[worker->refused_count++] = number;
  return TORPOR_OK;
}

/* Where 'number' is, or belongs, among those that are held. */
static size_t find_held(const struct torpor_worker *worker, int64_t number) {
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

static bool is_held(const struct torpor_worker *worker, int64_t number) {
  size_t at = find_held(worker, number);
  return at < worker->count && worker->numbers[at] == number;
}

static void add_run(struct torpor_worker *worker, struct torpor__held *held,
                    int64_t number) {
  size_t at = find_held(worker, number);
  memmove(&worker->numbers[at + 1], &worker->numbers[at],
          (worker->count - at) * sizeof *worker->numbers);
  worker->numbers[at] = number;
  worker->runs[worker->count++] = held;
}

/* Room for one more that is wanted, and for all that are held, should they have
 * to be taken again. */
static bool reserve_wanted(struct torpor_worker *worker) {
  return torpor__array_reserve(&worker->wanted, &worker->wanted_capacity,
                               worker->wanted_count + worker->count + 1,
                               sizeof *worker->wanted);
}

static torpor_status want(struct torpor_worker *worker, int64_t number) {
  if (!reserve_wanted(worker))
    return torpor__store_fail(store_of(worker), TORPOR_NOMEM, NULL);
  worker->wanted[worker->wanted_count++] = number;
  return TORPOR_OK;
}

/* Says why a run was parked that nobody can work. */
static torpor_status tell_parked(struct torpor_worker *worker) {
  tell(worker, (torpor_event){.kind = TORPOR_EVENT_ERROR,
                              .run = "",
                              .text = store_of(worker)->message});
  return TORPOR_OK;
}

static torpor_status take_run(struct torpor_worker *worker, int64_t number) {
  struct torpor__held *held;
  if (!torpor__array_reserve(&worker->runs, &worker->capacity,
                             worker->count + 1, sizeof(*worker->runs)) ||
      !torpor__array_reserve(&worker->numbers, &worker->number_capacity,
                             worker->count + 1, sizeof *worker->numbers) ||
      !torpor__array_reserve(&worker->pending, &worker->pending_capacity,
                             worker->count + 1, sizeof(*worker->pending)) ||
      !reserve_wanted(worker))
    return torpor__store_fail(store_of(worker), TORPOR_NOMEM, NULL);
  torpor_status status = torpor__held_open(&held, &worker->by, number);
  if (status == TORPOR_OK) add_run(worker, held, number);
  return status;
}

static torpor_status want_active(void *data, int64_t number,
                                 const struct torpor__run *row,
                                 const struct torpor__head *head) {
  struct torpor_worker *worker = data;
  (void)row;
  if (head->status != TORPOR__RUN_ACTIVE || is_held(worker, number) ||
      is_refused(worker, number))
    return TORPOR_OK;
  return want(worker, number);
}

/* Takes what is wanted and free. */
static torpor_status take_wanted(struct torpor_worker *worker) {
  struct torpor__store *store = store_of(worker);
  torpor_status status = TORPOR_OK;
  size_t kept = 0;
  if (worker->all) {
    worker->wanted_count = 0;
    status = store->calls->run_each(store, 0, want_active, worker);
  }
  for (size_t i = 0; status == TORPOR_OK && i < worker->wanted_count; i++) {
    status = take_run(worker, worker->wanted[i]);
    if (status == TORPOR_ENGINE || status == TORPOR_KEY)
      status = refuse(worker, worker->wanted[i]);
    if (status == TORPOR_CORRUPT) status = tell_parked(worker);
    if (status != TORPOR_LOCKED) continue;
    worker->wanted[kept++] = worker->wanted[i];
    status = TORPOR_OK;
  }
  if (status == TORPOR_OK) worker->wanted_count = kept;
  return status;
}

static void drop_run(struct torpor_worker *worker, size_t index) {
  struct torpor__held *held = worker->runs[index];
  size_t at =
      find_held(worker, torpor__protocol_run(torpor__held_protocol(held)));
  torpor__held_close(held);
  worker->count--;
  memmove(&worker->numbers[at], &worker->numbers[at + 1],
          (worker->count - at) * sizeof *worker->numbers);
  memmove(&worker->runs[index], &worker->runs[index + 1],
          (worker->count - index) * sizeof(*worker->runs));
}

/* ---- A turn --------------------------------------------------------------*/

static torpor_status refresh_runs(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++) {
    torpor_status status = torpor__held_refresh(worker->runs[i]);
    if (status != TORPOR_OK && status != TORPOR_FENCED) return status;
  }
  return TORPOR_OK;
}

/* Lets the attempts be of those that wait for long. */
static void rest_idle(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++) torpor__held_rest(worker->runs[i]);
}

/* Reads what other processes wrote since the last time. */
static torpor_status look_around(struct torpor_worker *worker) {
  struct torpor__store *store = store_of(worker);
  double now = torpor_loop_now(worker->by.loop, TORPOR_CLOCK_MONOTONIC);
  bool changed = false;
  torpor_status status = TORPOR_OK;
  if (worker->look) {
    worker->look = false;
    status = store->calls->changed(store, &changed);
    if (status == TORPOR_OK && changed) status = refresh_runs(worker);
  }
  bool due = now >= worker->retry_due;
  if (status == TORPOR_OK && (due || (changed && worker->all)))
    status = take_wanted(worker);
  if (due) {
    worker->retry_due = now + RETRY_MS;
    rest_idle(worker);
  }
  return status;
}

/* Steps every run that can; those go to the end. */
static torpor_status step_runs(struct torpor_worker *worker) {
  for (size_t i = 0, left = worker->count; left > 0; left--) {
    struct torpor__held *held = worker->runs[i];
    bool stepped;
    if (torpor_loop_stopping(worker->by.loop)) return TORPOR_OK;
    torpor_status status = torpor__held_step(held, &stepped);
    if (status != TORPOR_OK && status != TORPOR_FENCED) return status;
    if (!stepped) {
      i++;
      continue;
    }
    memmove(&worker->runs[i], &worker->runs[i + 1],
            (worker->count - i - 1) * sizeof(*worker->runs));
    worker->runs[worker->count - 1] = held;
  }
  return TORPOR_OK;
}

static torpor_status flush_runs(struct torpor_worker *worker) {
  size_t count = 0;
  for (size_t i = 0; i < worker->count; i++) {
    struct torpor__protocol *protocol = torpor__held_protocol(worker->runs[i]);
    if (torpor__protocol_pending(protocol)) worker->pending[count++] = protocol;
  }
  if (count == 0) return TORPOR_OK;
  return torpor__protocol_flush(store_of(worker), worker->pending, count,
                                torpor__catalog_now());
}

static void settle_runs(struct torpor_worker *worker) {
  for (size_t i = worker->count; i-- > 0;) {
    struct torpor__held *held = worker->runs[i];
    int64_t number = torpor__protocol_run(torpor__held_protocol(held));
    enum torpor__held_next next = torpor__held_settle(held);
    if (next == TORPOR__HELD_STAYS) continue;
    drop_run(worker, i);
    if (next == TORPOR__HELD_AGAIN) /* there is room: 'take_run' has made it */
      worker->wanted[worker->wanted_count++] = number;
  }
}

/* Lets the VMs sleep that stepped longest ago. */
static void limit_awake(struct torpor_worker *worker) {
  size_t awake = 0;
  for (size_t i = worker->count; i-- > 0;)
    if (torpor__held_is_awake(worker->runs[i]) && ++awake > AWAKE_MAX)
      torpor__held_sleep(worker->runs[i]);
}

static bool has_work(const struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++) {
    const struct torpor__protocol *protocol =
        torpor__held_protocol(worker->runs[i]);
    if (torpor__held_is_away(worker->runs[i])) continue;
    if (torpor__protocol_phase(protocol) == TORPOR__PHASE_STEPPING ||
        torpor__protocol_pending(protocol) || torpor__protocol_ready(protocol))
      return true;
  }
  return false;
}

static bool is_finished(const struct torpor_worker *worker) {
  return !worker->all && worker->count == 0 && worker->wanted_count == 0;
}

/* torpor_turned_fn */
static bool turn(void *user) {
  struct torpor_worker *worker = user;
  torpor_status status = look_around(worker);
  if (status == TORPOR_OK) status = step_runs(worker);
  if (status == TORPOR_OK) status = flush_runs(worker);
  if (status == TORPOR_OK) {
    settle_runs(worker);
    limit_awake(worker);
  } else {
    give_up(worker, status);
  }
  if (is_finished(worker)) torpor_loop_stop(worker->by.loop);
  return status == TORPOR_OK && has_work(worker);
}

/* ---- Noticing others -----------------------------------------------------*/

static void notice(void *user) {
  struct torpor_worker *worker = user;
  worker->look = true;
}

static void poll_store(void *user);

static torpor_status arm_poll(struct torpor_worker *worker) {
  double now = torpor_loop_now(worker->by.loop, TORPOR_CLOCK_WALL);
  return torpor_alarm_open(worker->by.loop, now + worker->poll_ms, poll_store,
                           worker, &worker->poll);
}

/* torpor_ring_fn */
static void poll_store(void *user) {
  struct torpor_worker *worker = user;
  worker->look = true;
  worker->poll = NULL;
  torpor_status status = arm_poll(worker);
  if (status != TORPOR_OK)
    give_up(worker, torpor__store_fail(store_of(worker), status, NULL));
}

/* Others' commits go to the file of SQLite's log. Where it can be watched,
 * polling is only for the runs that dead workers leave. */
static void watch_store(struct torpor_worker *worker, int poll_ms) {
  const char *path = worker->by.store->path;
  char *log = malloc(strlen(path) + sizeof "-wal");
  torpor_status status = TORPOR_NOMEM;
  if (log != NULL) {
    strcpy(log, path);
    strcat(log, "-wal");
    status = torpor_loop_watch(worker->by.loop, log, notice, worker);
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
    status = torpor_loop_add_driver(worker->by.loop, options->drivers[i]);
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
    return torpor__store_fail(store->store, TORPOR_NOMEM, NULL);
  if (options != NULL)
    memcpy(&given, options,
           options->size < sizeof given ? options->size : sizeof given);
  worker->by = (struct torpor__held_by){
      .store = store, .event = given.event, .user = given.user};
  torpor_status status = torpor_loop_open(NULL, &worker->by.loop);
  if (status == TORPOR_OK) status = add_drivers(worker, &given);
  if (status == TORPOR_OK) {
    worker->by.crew = torpor__crew_open(worker->by.loop);
    if (worker->by.crew == NULL) status = TORPOR_NOMEM;
  }
  if (status != TORPOR_OK) {
    torpor_worker_close(worker);
    return torpor__store_fail(store->store, status, "opening a worker");
  }
  watch_store(worker, given.poll_ms);
  warm_pool();
  *out = worker;
  return TORPOR_OK;
}

void torpor_worker_close(torpor_worker *worker) {
  if (worker == NULL) return;
  while (worker->count > 0) drop_run(worker, worker->count - 1);
  torpor__crew_close(worker->by.crew);
  torpor_loop_close(worker->by.loop);
  free(worker->runs);
  free(worker->numbers);
  free(worker->wanted);
  free(worker->refused);
  free(worker->pending);
  free(worker);
}

torpor_status torpor_worker_add(torpor_worker *worker, const char *id) {
  struct torpor__store *store = store_of(worker);
  int64_t number;
  if (id == NULL) {
    worker->all = true;
    worker->retry_due = 0;
    return TORPOR_OK;
  }
  torpor_status status = store->calls->run_find(store, id, &number);
  if (status != TORPOR_OK || is_held(worker, number)) return status;
  status = take_run(worker, number);
  if (status == TORPOR_CORRUPT) tell_parked(worker);
  if (status != TORPOR_LOCKED) return status;
  tell(worker, (torpor_event){.kind = TORPOR_EVENT_HELD, .run = id});
  return want(worker, number);
}

/* Ends what goes on elsewhere: all at once, then one after the other. */
static void part_runs(struct torpor_worker *worker) {
  for (size_t i = 0; i < worker->count; i++) torpor__held_stop(worker->runs[i]);
  for (size_t i = 0; i < worker->count; i++) torpor__held_part(worker->runs[i]);
}

/* A clean goodbye: takes back the attempts that were counted in advance. */
static void rest_runs(struct torpor_worker *worker) {
  torpor_status status = flush_runs(worker);
  if (status == TORPOR_OK)
    settle_runs(worker);
  else
    worker->status = status;
}

torpor_status torpor_worker_run(torpor_worker *worker) {
  torpor_loop *loop = worker->by.loop;
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
    worker->status = torpor__store_fail(store_of(worker), status, "the loop");
  part_runs(worker);
  if (worker->status == TORPOR_OK) rest_runs(worker);
  return worker->status;
}

void torpor_worker_stop(torpor_worker *worker) {
  torpor_loop_stop(worker->by.loop);
}
