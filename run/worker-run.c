/* SPDX-License-Identifier: MIT */
/* worker-run.c - one run in the hands of a worker. See worker-run.h.
 *
 *  (1) A VM that is awake is at the state of the last commit, or at that of the
 *      step which is staged; whenever neither is true it is closed, or on its
 *      way to one of them on another thread (worker-step.h).
 *  (2) 'tasks' are the operations that a driver performs, by rising id. The
 *      protocol starts and stops them, always after a commit.
 *
 * Signals need no driver: the mailbox matches them. Only the moment at which
 * the program gives up waiting is an alarm. */
#include "worker-run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "upgrade-state.h"
#include "request.h"
#include "worker-step.h"

enum { PERFORMING_MS = 5000 };

struct task {
  struct torpor__held *held;
  int64_t branch;
  uint64_t id;
  torpor_task *task;   /* NULL for signals */
  torpor_alarm *alarm; /* NULL for the others */
  int64_t due_ms;
  bool does; /* something, and does not only wait */
};

struct torpor__held {
  const struct torpor__held_by *by;
  int64_t number;
  struct torpor__drivers drivers;
  struct torpor__protocol *protocol;
  struct torpor__stint stint;
  struct torpor__step step;
  bool staged;
  bool sleeps;     /* when it was taken: its program has begun */
  bool stepped;    /* since the last torpor__held_rest */
  double begun_ms; /* monotonic: when a driver began to do something for it */
  bool starved;    /* memory ran out: an operation is not performed */

  /* What never changes, read once. */
  char *id, *program;
  void *input;
  torpor_access *access;

  struct task **tasks;
  size_t task_count, task_capacity;
};

/* ---- Events --------------------------------------------------------------*/

static void tell(const struct torpor__held *held, torpor_event event) {
  if (held->by->event == NULL) return;
  event.run = held->id;
  held->by->event(held->by->user, &event);
}

static void tell_error(const struct torpor__held *held, const char *text) {
  tell(held, (torpor_event){.kind = TORPOR_EVENT_ERROR,
                            .step = torpor__protocol_head(held->protocol)->step,
                            .text = text});
}

/* ---- Drivers -------------------------------------------------------------*/

static size_t find_task(const struct torpor__held *held, int64_t branch,
                        uint64_t id) {
  size_t low = 0, high = held->task_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct task *task = held->tasks[middle];
    if (task->branch < branch || (task->branch == branch && task->id < id))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct task *take_task(struct torpor__held *held, int64_t branch,
                              uint64_t id) {
  size_t at = find_task(held, branch, id);
  if (at == held->task_count || held->tasks[at]->id != id ||
      held->tasks[at]->branch != branch)
    return NULL;
  struct task *task = held->tasks[at];
  held->task_count--;
  memmove(&held->tasks[at], &held->tasks[at + 1],
          (held->task_count - at) * sizeof(*held->tasks));
  return task;
}

static struct task *add_task(struct torpor__held *held,
                             const struct torpor__operation *operation) {
  struct task *task = calloc(1, sizeof *task);
  if (task == NULL ||
      !torpor__array_reserve(&held->tasks, &held->task_capacity,
                             held->task_count + 1, sizeof(*held->tasks))) {
    free(task);
    return NULL;
  }
  *task = (struct task){.held = held,
                        .branch = operation->branch,
                        .id = operation->id,
                        .due_ms = operation->due_ms};
  size_t at = find_task(held, task->branch, task->id);
  memmove(&held->tasks[at + 1], &held->tasks[at],
          (held->task_count - at) * sizeof(*held->tasks));
  held->tasks[at] = task;
  held->task_count++;
  return task;
}

/* Memory ran out: it is as if the worker had died, which the run survives. */
static void starve(struct torpor__held *held, const char *what) {
  held->starved = true;
  tell_error(held, what);
}

/* What a driver brings. When memory runs out it is as if the driver had not
 * answered: the operation is begun again when the run is taken again. */
static void receive(struct task *task, enum torpor__outcome outcome,
                    struct torpor__slice value) {
  struct torpor__held *held = task->held;
  if (torpor__protocol_receive(held->protocol, task->branch, task->id, outcome,
                               value) != TORPOR_OK)
    starve(held, "out of memory: a result was dropped");
  free(take_task(held, task->branch, task->id));
}

static void task_done(void *user, torpor_task *done, torpor_outcome outcome,
                      const void *data, size_t size) {
  (void)done;
  receive(user,
          outcome == TORPOR_RESOLVE ? TORPOR__OUTCOME_FULFILLED
                                    : TORPOR__OUTCOME_REJECTED,
          (struct torpor__slice){.data = data, .size = size});
}

static void task_late(void *user) {
  receive(user, TORPOR__OUTCOME_TIMED_OUT, (struct torpor__slice){0});
}

static double clock_ms(const struct torpor__held *held) {
  return torpor_loop_now(held->by->loop, TORPOR_CLOCK_MONOTONIC);
}

/* Whether a driver does something for it, and does not only wait: what that is
 * may end the worker as well as a step may. */
static bool is_doing(const struct torpor__held *held) {
  for (size_t i = 0; i < held->task_count; i++)
    if (held->tasks[i]->does) return true;
  return false;
}

/* The same, if it was begun lately: who waits for a slow answer keeps no other
 * suspect waiting. */
static bool is_performing(const struct torpor__held *held) {
  return is_doing(held) && clock_ms(held) - held->begun_ms < PERFORMING_MS;
}

static torpor_status start_task(struct task *task,
                                const struct torpor__operation *operation) {
  struct torpor__held *held = task->held;
  bool due = operation->due_ms != TORPOR__NEVER;
  if (operation->topic != NULL)
    return due ? torpor_alarm_open(held->by->loop, (double)operation->due_ms,
                                   task_late, task, &task->alarm)
               : TORPOR_OK;
  task->does = operation->policy == TORPOR__POLICY_REPEAT ||
               operation->policy == TORPOR__POLICY_REJECT;
  if (task->does) held->begun_ms = clock_ms(held);
  const torpor_operation given = {.id = operation->id,
                                  .kind = operation->kind,
                                  .request = operation->request.data,
                                  .request_size = operation->request.size,
                                  .due = due ? (double)operation->due_ms : 0,
                                  .begun = (double)operation->begun_ms};
  return torpor_loop_start(held->by->loop, &given, held->access, task_done,
                           task, &task->task);
}

/* The operation is not one that any driver could be asked for: its kind comes
 * from guest memory. */
static void reject_task(struct task *task) {
  torpor_bytes error = {0};
  if (torpor_cbor_error("Error", "an operation of no kind", "MISUSE", &error) !=
      TORPOR_OK) {
    starve(task->held, "out of memory: an operation could not be started");
    free(take_task(task->held, task->branch, task->id));
    return;
  }
  receive(task, TORPOR__OUTCOME_REJECTED,
          (struct torpor__slice){.data = error.data, .size = error.size});
  torpor_bytes_free(&error);
}

/* torpor__drivers.start */
static void start_operation(void *data,
                            const struct torpor__operation *operation,
                            bool woken) {
  struct torpor__held *held = data;
  (void)woken; /* each driver does the same then: re-arm, repeat, reattach */
  struct task *task = add_task(held, operation);
  torpor_status status =
      task == NULL ? TORPOR_NOMEM : start_task(task, operation);
  if (status == TORPOR_MISUSE) {
    reject_task(task);
  } else if (status != TORPOR_OK) {
    starve(held, "out of memory: an operation could not be started");
    if (task != NULL) free(take_task(held, task->branch, task->id));
  }
}

/* torpor__drivers.stop */
static void stop_operation(void *data, int64_t branch, uint64_t id) {
  struct task *task = take_task(data, branch, id);
  if (task == NULL) return;
  torpor_task_cancel(task->task);
  torpor_alarm_close(task->alarm);
  free(task);
}

/* torpor__drivers.show */
static void show_line(void *data, const struct torpor__line *line) {
  char *text = malloc(line->text.size + 1);
  if (text == NULL) return;
  memcpy(text, line->text.data, line->text.size);
  text[line->text.size] = '\0';
  tell(data, (torpor_event){.kind = TORPOR_EVENT_LINE,
                            .step = line->step,
                            .level = line->level,
                            .size = line->text.size,
                            .text = text});
  free(text);
}

/* ---- Opening and closing -------------------------------------------------*/

static torpor_status copy_row(void *data, int64_t number,
                              const struct torpor__run *row,
                              const struct torpor__head *head) {
  struct torpor__held *held = data;
  (void)number;
  held->sleeps = head->step > head->start;
  held->id = strdup(row->id);
  held->program = strdup(row->program);
  held->input = torpor__array_copy(row->input.data, row->input.size);
  if (held->id == NULL || held->program == NULL || held->input == NULL)
    return TORPOR_NOMEM;
  held->stint.id = held->id;
  held->stint.edition = head->edition; /* to change that takes the lock */
  held->stint.brief = (struct torpor__brief){
      .id = held->id,
      .program = held->program,
      .input = {.data = held->input, .size = row->input.size},
      .memory_max = row->memory_max,
      .fuel = row->fuel,
      .deadline_ms = row->deadline_ms};
  torpor__stint_open(&held->stint);
  if (row->access[0] == '\0') return TORPOR_OK;
  torpor_status status =
      torpor_access_read(row->access, strlen(row->access), &held->access);
  if (status != TORPOR_FORMAT) return status;
  return torpor__store_fail(held->by->store->store, TORPOR_CORRUPT,
                            "run '%s': the access that was granted cannot be "
                            "read",
                            row->id);
}

struct newest {
  char engine[TORPOR__ENGINE_ID_MAX + 1];
  bool sealed;
};

/* torpor__state_fn: takes the first row, which is the newest. */
static torpor_status look_at_newest(void *data,
                                    const struct torpor__state *row) {
  struct newest *newest = data;
  if (row->engine.size <= TORPOR__ENGINE_ID_MAX)
    memcpy(newest->engine, row->engine.data, row->engine.size);
  newest->sealed =
      torpor_snapshot_is_protected(row->snapshot.data, row->snapshot.size);
  return TORPOR_CANCELLED;
}

/* A run that sleeps in an engine which is not here is left to workers that have
 * it: trying would use up its attempts. */
static torpor_status check_engine(struct torpor__held *held) {
  struct torpor__store *store = held->by->store->store;
  struct newest newest = {0};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  torpor_status status = store->calls->state_each(
      store, held->number, INT64_MAX, look_at_newest, &newest);
  if (status != TORPOR_OK && status != TORPOR_CANCELLED) return status;
  if (newest.sealed && !held->by->store->keyed)
    return torpor__store_fail(store, TORPOR_KEY,
                              "run '%s': it is encrypted; open the store with "
                              "its key",
                              held->id);
  if (newest.engine[0] == '\0' ||
      strcmp(newest.engine, torpor_engine_id()) == 0)
    return TORPOR_OK;
  options.engine = newest.engine;
  status = torpor_vm_open(&options, &vm);
  torpor_vm_close(vm);
  if (status == TORPOR_OK) return status;
  return torpor__store_fail(store, status, "run '%s': %s", held->id,
                            torpor_last_error(NULL));
}

/* So is one whose states are encrypted with another key, or not at all. */
static torpor_status check_key(struct torpor__held *held) {
  struct torpor__chain chain;
  torpor_status status = torpor__chain_read(&chain, held->by->store,
                                            held->number, held->id, INT64_MAX);
  if (status == TORPOR_OK) torpor__chain_free(&chain);
  return status == TORPOR_KEY ? status : TORPOR_OK;
}

/* What was handed over to its program is sealed, too. */
static torpor_status check_upgrade(struct torpor__held *held) {
  torpor_bytes handed = {0};
  torpor_status status = torpor__handover_find(held->by->store, held->number,
                                               held->stint.edition, &handed);
  torpor_bytes_free(&handed);
  return status == TORPOR_KEY ? status : TORPOR_OK;
}

/* All of it with the lock held: whoever gives a run another program, or takes
 * it back, has the lock too, so what is read here stays true. */
static torpor_status read_run(struct torpor__held *held) {
  struct torpor__store *store = held->by->store->store;
  torpor_status status =
      store->calls->run_each(store, held->number, copy_row, held);
  if (status == TORPOR_OK) status = check_upgrade(held);
  if (status == TORPOR_OK && held->sleeps) status = check_engine(held);
  if (status == TORPOR_OK && held->sleeps && held->by->store->keyed)
    status = check_key(held);
  if (status == TORPOR_OK && !held->sleeps)
    status = torpor__chain_check(held->by->store, held->id);
  return status;
}

/* Sets a run aside that nobody can work, before anybody else can have it: it
 * may be healed in the next moment. */
static torpor_status park(struct torpor__held *held) {
  struct torpor__store *store = held->by->store->store;
  char reason[TORPOR__STORE_MESSAGE_MAX];
  memcpy(reason, store->message, sizeof reason);
  torpor_status status =
      torpor__request_park(store, held->number, reason, torpor__catalog_now());
  /* One whose head is damaged stays as it is: it is not active for anybody. */
  if (status != TORPOR_OK && status != TORPOR_ENDED &&
      !torpor__protocol_is_own_fault(status))
    return status;
  memcpy(store->message, reason, sizeof reason);
  return TORPOR_CORRUPT;
}

/* Nothing was wrong with it, but that it is for others. */
static torpor_status spare(struct torpor__held *held, torpor_status status) {
  struct torpor__store *store = held->by->store->store;
  char reason[TORPOR__STORE_MESSAGE_MAX];
  memcpy(reason, store->message, sizeof reason);
  torpor_status spared = torpor__request_spare(store, held->number);
  if (spared != TORPOR_OK && spared != TORPOR_ENDED) return spared;
  memcpy(store->message, reason, sizeof reason);
  return status;
}

static torpor_status open_held(struct torpor__held *held,
                               const struct torpor__trial *trial) {
  struct torpor__store *store = held->by->store->store;
  torpor_status status =
      torpor__protocol_adopt(&held->protocol, store, trial->run, &held->drivers,
                             TORPOR_RUN_ATTEMPTS, trial->attempts > 0);
  if (status == TORPOR_OK) status = read_run(held);
  if (torpor__protocol_is_own_fault(status)) status = park(held);
  if (status == TORPOR_ENGINE || status == TORPOR_KEY)
    status = spare(held, status);
  if (held->protocol == NULL) store->calls->unlock(store, trial->run);
  return status;
}

torpor_status torpor__held_open(struct torpor__held **out,
                                const struct torpor__held_by *by,
                                const struct torpor__trial *trial) {
  struct torpor__store *store = by->store->store;
  struct torpor__held *held = calloc(1, sizeof *held);
  *out = NULL;
  if (held == NULL) {
    store->calls->unlock(store, trial->run);
    return torpor__store_fail(store, TORPOR_NOMEM, NULL);
  }
  held->by = by;
  held->number = held->stint.number = trial->run;
  held->stint.by = by;
  held->stepped = true; /* it has just come */
  held->drivers = (struct torpor__drivers){.start = start_operation,
                                           .stop = stop_operation,
                                           .show = show_line,
                                           .data = held};
  torpor_status status = open_held(held, trial);
  if (status != TORPOR_OK) {
    torpor__held_close(held);
    return status;
  }
  held->stint.protocol = held->protocol;
  *out = held;
  return TORPOR_OK;
}

void torpor__held_close(struct torpor__held *held) {
  if (held == NULL) return;
  torpor__stint_close(&held->stint);
  torpor__protocol_close(held->protocol);
  torpor_access_close(held->access);
  free(held->tasks);
  free(held->id);
  free(held->program);
  free(held->input);
  free(held);
}

/* ---- Stepping ------------------------------------------------------------*/

/* The step came to nothing: back to the last commit. */
static void abandon(struct torpor__held *held, const char *why) {
  const struct torpor__head *head = torpor__protocol_head(held->protocol);
  char text[TORPOR__STORE_MESSAGE_MAX + 64];
  torpor__protocol_abandon(held->protocol, why);
  torpor__stint_sleep(&held->stint);
  held->staged = false;
  if (torpor_loop_stopping(held->by->loop) || held->stint.put_off) {
    torpor__protocol_excuse(held->protocol);
    return;
  }
  if (torpor__stint_is_unwanted(&held->stint)) return; /* it was killed */
  snprintf(text, sizeof text,
           "step %" PRId64 " came to nothing (attempt %" PRId64 " of %d): %s",
           head->step + 1, head->attempts, TORPOR_RUN_ATTEMPTS, why);
  tell_error(held, text);
}

/* False while the step goes on elsewhere. */
static bool run_step(struct torpor__held *held) {
  enum torpor__stint_end end = torpor__stint_run(&held->stint, &held->step);
  if (end == TORPOR__STINT_AWAY) return false;
  if (end == TORPOR__STINT_FAILED) {
    abandon(held, held->stint.message);
    return true;
  }
  held->staged =
      torpor__protocol_stage(held->protocol, &held->step) == TORPOR_OK;
  if (!held->staged) {
    char message[TORPOR__STORE_MESSAGE_MAX];
    snprintf(message, sizeof message, "%s", held->by->store->store->message);
    abandon(held, message);
  }
  return true;
}

torpor_status torpor__held_step(struct torpor__held *held, bool *stepped) {
  torpor_status status = TORPOR_OK;
  if (torpor__protocol_ready(held->protocol))
    status = torpor__protocol_prepare(held->protocol);
  *stepped = torpor__protocol_phase(held->protocol) == TORPOR__PHASE_STEPPING &&
             !torpor_loop_stopping(held->by->loop) && run_step(held);
  if (*stepped) held->stepped = true;
  return status;
}

torpor_status torpor__held_refresh(struct torpor__held *held) {
  torpor_status status = torpor__protocol_refresh(held->protocol);
  if (status != TORPOR_OK || !held->stint.away) return status;
  status = torpor__protocol_check(held->protocol);
  if (status == TORPOR_FENCED) torpor__stint_stop(&held->stint);
  return status;
}

/* ---- After a commit ------------------------------------------------------*/

static int64_t next_due(const struct torpor__held *held) {
  int64_t due = TORPOR__NEVER;
  for (size_t i = 0; i < held->task_count; i++)
    if (held->tasks[i]->due_ms < due) due = held->tasks[i]->due_ms;
  return due == TORPOR__NEVER ? -1 : due;
}

/* Another process has ended it, or has it now. */
static void tell_lost(const struct torpor__held *held) {
  struct torpor__store *store = held->by->store->store;
  struct torpor__head head;
  if (store->calls->head_get(store, held->number, &head) == TORPOR_OK &&
      head.status != TORPOR__RUN_ACTIVE)
    tell(held, (torpor_event){.kind = TORPOR_EVENT_ENDED,
                              .step = head.step,
                              .state = torpor__catalog_state(&head)});
  else
    tell(held,
         (torpor_event){.kind = TORPOR_EVENT_TAKEN,
                        .step = torpor__protocol_head(held->protocol)->step,
                        .text = "the run was taken over by another process"});
}

enum torpor__held_next torpor__held_settle(struct torpor__held *held) {
  enum torpor__phase phase = torpor__protocol_phase(held->protocol);
  const struct torpor__head *head = torpor__protocol_head(held->protocol);
  if (phase == TORPOR__PHASE_LOST) {
    tell_lost(held);
    return TORPOR__HELD_LEAVES;
  }
  if (held->staged && phase != TORPOR__PHASE_STAGED) {
    held->staged = false;
    if (head->status != TORPOR__RUN_PARKED)
      tell(held, (torpor_event){.kind = TORPOR_EVENT_COMMIT,
                                .step = head->step,
                                .size = held->step.snapshot.size,
                                .operations =
                                    torpor__protocol_waiting(held->protocol),
                                .next_due_ms = next_due(held)});
  }
  if (phase != TORPOR__PHASE_ENDED)
    return held->starved ? TORPOR__HELD_AGAIN : TORPOR__HELD_STAYS;
  tell(held, (torpor_event){.kind = TORPOR_EVENT_ENDED,
                            .step = head->step,
                            .state = torpor__catalog_state(head)});
  return TORPOR__HELD_LEAVES;
}

void torpor__held_stop(struct torpor__held *held) {
  if (held->stint.away) torpor__stint_stop(&held->stint);
}

void torpor__held_part(struct torpor__held *held) {
  torpor__stint_abandon(&held->stint);
  if (torpor__protocol_phase(held->protocol) == TORPOR__PHASE_STEPPING) {
    torpor__protocol_abandon(held->protocol, "the worker was stopped");
    torpor__protocol_excuse(held->protocol);
  }
  torpor__protocol_rest(held->protocol);
}

void torpor__held_rest(struct torpor__held *held) {
  bool idle = torpor__protocol_phase(held->protocol) == TORPOR__PHASE_IDLE &&
              !held->stepped && !torpor__protocol_ready(held->protocol);
  if (idle && !is_doing(held) && torpor__protocol_is_suspect(held->protocol))
    torpor__protocol_clear(held->protocol);
  else if (idle && !is_performing(held))
    torpor__protocol_rest(held->protocol);
  held->stepped = false;
}

void torpor__held_sleep(struct torpor__held *held) {
  if (torpor__protocol_phase(held->protocol) != TORPOR__PHASE_IDLE) return;
  torpor__stint_sleep(&held->stint);
}

bool torpor__held_is_awake(const struct torpor__held *held) {
  return !held->stint.away && held->stint.awake != NULL;
}

bool torpor__held_is_slow(const struct torpor__held *held) {
  return held->stint.slow;
}

bool torpor__held_is_tried(const struct torpor__held *held) {
  return torpor__protocol_phase(held->protocol) == TORPOR__PHASE_IDLE &&
         !torpor__protocol_ready(held->protocol) && !is_performing(held);
}

bool torpor__held_is_away(const struct torpor__held *held) {
  return held->stint.away;
}

struct torpor__protocol *torpor__held_protocol(struct torpor__held *held) {
  return held->protocol;
}

const char *torpor__held_id(const struct torpor__held *held) {
  return held->id;
}
