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
  struct torpor__worker_run *run;
  int64_t branch;
  uint64_t id;
  torpor_task *task;   /* NULL for signals */
  torpor_alarm *alarm; /* NULL for the others */
  int64_t due_ms;
  bool does; /* something, and does not only wait */
};

struct torpor__worker_run {
  const struct torpor__worker_services *by;
  int64_t number;
  struct torpor__drivers drivers;
  struct torpor__protocol *protocol;
  struct torpor__worker_step worker_step;
  struct torpor__step step;
  bool staged;
  bool sleeps;     /* when it was taken: its program has begun */
  bool stepped;    /* since the last torpor__worker_run_rest */
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

static void tell(const struct torpor__worker_run *run, torpor_event event) {
  if (run->by->event == NULL) return;
  event.run = run->id;
  run->by->event(run->by->user, &event);
}

static void tell_error(const struct torpor__worker_run *run, const char *text) {
  tell(run, (torpor_event){.kind = TORPOR_EVENT_ERROR,
                           .step = torpor__protocol_head(run->protocol)->step,
                           .text = text});
}

/* ---- Drivers -------------------------------------------------------------*/

static size_t find_task(const struct torpor__worker_run *run, int64_t branch,
                        uint64_t id) {
  size_t low = 0, high = run->task_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct task *task = run->tasks[middle];
    if (task->branch < branch || (task->branch == branch && task->id < id))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct task *take_task(struct torpor__worker_run *run, int64_t branch,
                              uint64_t id) {
  size_t at = find_task(run, branch, id);
  if (at == run->task_count || run->tasks[at]->id != id ||
      run->tasks[at]->branch != branch)
    return NULL;
  struct task *task = run->tasks[at];
  run->task_count--;
  memmove(&run->tasks[at], &run->tasks[at + 1],
          (run->task_count - at) * sizeof(*run->tasks));
  return task;
}

static struct task *add_task(struct torpor__worker_run *run,
                             const struct torpor__operation *operation) {
  struct task *task = calloc(1, sizeof *task);
  if (task == NULL ||
      !torpor__array_reserve(&run->tasks, &run->task_capacity,
                             run->task_count + 1, sizeof(*run->tasks))) {
    free(task);
    return NULL;
  }
  *task = (struct task){.run = run,
                        .branch = operation->branch,
                        .id = operation->id,
                        .due_ms = operation->due_ms};
  size_t at = find_task(run, task->branch, task->id);
  memmove(&run->tasks[at + 1], &run->tasks[at],
          (run->task_count - at) * sizeof(*run->tasks));
  run->tasks[at] = task;
  run->task_count++;
  return task;
}

/* Memory ran out: it is as if the worker had died, which the run survives. */
static void starve(struct torpor__worker_run *run, const char *what) {
  run->starved = true;
  tell_error(run, what);
}

/* What a driver brings. When memory runs out it is as if the driver had not
 * answered: the operation is begun again when the run is taken again. */
static void receive(struct task *task, enum torpor__outcome outcome,
                    struct torpor__slice value) {
  struct torpor__worker_run *run = task->run;
  if (torpor__protocol_receive(run->protocol, task->branch, task->id, outcome,
                               value) != TORPOR_OK)
    starve(run, "out of memory: a result was dropped");
  free(take_task(run, task->branch, task->id));
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

static double clock_ms(const struct torpor__worker_run *run) {
  return torpor_loop_now(run->by->loop, TORPOR_CLOCK_MONOTONIC);
}

/* Whether a driver does something for it, and does not only wait: what that is
 * may end the worker as well as a step may. */
static bool is_doing(const struct torpor__worker_run *run) {
  for (size_t i = 0; i < run->task_count; i++)
    if (run->tasks[i]->does) return true;
  return false;
}

/* The same, if it was begun lately: who waits for a slow answer keeps no other
 * suspect waiting. */
static bool is_performing(const struct torpor__worker_run *run) {
  return is_doing(run) && clock_ms(run) - run->begun_ms < PERFORMING_MS;
}

static torpor_status start_task(struct task *task,
                                const struct torpor__operation *operation) {
  struct torpor__worker_run *run = task->run;
  bool due = operation->due_ms != TORPOR__NEVER;
  if (operation->topic != NULL)
    return due ? torpor_alarm_open(run->by->loop, (double)operation->due_ms,
                                   task_late, task, &task->alarm)
               : TORPOR_OK;
  task->does = operation->policy == TORPOR__POLICY_REPEAT ||
               operation->policy == TORPOR__POLICY_REJECT;
  if (task->does) run->begun_ms = clock_ms(run);
  const torpor_operation given = {.id = operation->id,
                                  .kind = operation->kind,
                                  .request = operation->request.data,
                                  .request_size = operation->request.size,
                                  .due = due ? (double)operation->due_ms : 0,
                                  .begun = (double)operation->begun_ms};
  return torpor_loop_start(run->by->loop, &given, run->access, task_done, task,
                           &task->task);
}

/* The operation is not one that any driver could be asked for: its kind comes
 * from guest memory. */
static void reject_task(struct task *task) {
  torpor_bytes error = {0};
  if (torpor_cbor_error("Error", "an operation of no kind", "MISUSE", &error) !=
      TORPOR_OK) {
    starve(task->run, "out of memory: an operation could not be started");
    free(take_task(task->run, task->branch, task->id));
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
  struct torpor__worker_run *run = data;
  (void)woken; /* each driver does the same then: re-arm, repeat, reattach */
  struct task *task = add_task(run, operation);
  torpor_status status =
      task == NULL ? TORPOR_NOMEM : start_task(task, operation);
  if (status == TORPOR_MISUSE) {
    reject_task(task);
  } else if (status != TORPOR_OK) {
    starve(run, "out of memory: an operation could not be started");
    if (task != NULL) free(take_task(run, task->branch, task->id));
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
  struct torpor__worker_run *run = data;
  (void)number;
  run->sleeps = head->step > head->start;
  run->id = strdup(row->id);
  run->program = strdup(row->program);
  run->input = torpor__array_copy(row->input.data, row->input.size);
  if (run->id == NULL || run->program == NULL || run->input == NULL)
    return TORPOR_NOMEM;
  run->worker_step.id = run->id;
  run->worker_step.version = head->version; /* to change that takes the lock */
  run->worker_step.context = (struct torpor__run_context){
      .id = run->id,
      .program = run->program,
      .input = {.data = run->input, .size = row->input.size},
      .memory_max = row->memory_max,
      .fuel = row->fuel,
      .deadline_ms = row->deadline_ms};
  torpor__worker_step_open(&run->worker_step);
  if (row->access[0] == '\0') return TORPOR_OK;
  torpor_status status =
      torpor_access_read(row->access, strlen(row->access), &run->access);
  if (status != TORPOR_FORMAT) return status;
  return torpor__database_fail(
      run->by->store->database, TORPOR_CORRUPT,
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
static torpor_status check_engine(struct torpor__worker_run *run) {
  struct torpor__database *store = run->by->store->database;
  struct newest newest = {0};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  torpor_status status = store->calls->state_each(store, run->number, INT64_MAX,
                                                  look_at_newest, &newest);
  if (status != TORPOR_OK && status != TORPOR_CANCELLED) return status;
  if (newest.sealed && !run->by->store->keyed)
    return torpor__database_fail(
        store, TORPOR_KEY,
        "run '%s': it is encrypted; open the store with "
        "its key",
        run->id);
  if (newest.engine[0] == '\0' ||
      strcmp(newest.engine, torpor_engine_id()) == 0)
    return TORPOR_OK;
  options.engine = newest.engine;
  status = torpor_vm_open(&options, &vm);
  torpor_vm_close(vm);
  if (status == TORPOR_OK) return status;
  return torpor__database_fail(store, status, "run '%s': %s", run->id,
                               torpor_last_error(NULL));
}

/* So is one whose states are encrypted with another key, or not at all. */
static torpor_status check_key(struct torpor__worker_run *run) {
  struct torpor__state_chain chain;
  torpor_status status = torpor__state_chain_read(
      &chain, run->by->store, run->number, run->id, INT64_MAX);
  if (status == TORPOR_OK) torpor__state_chain_free(&chain);
  return status == TORPOR_KEY ? status : TORPOR_OK;
}

/* What was handed over to its program is sealed, too. */
static torpor_status check_upgrade(struct torpor__worker_run *run) {
  torpor_bytes handed = {0};
  torpor_status status = torpor__upgrade_state_find(
      run->by->store, run->number, run->worker_step.version, &handed);
  torpor_bytes_free(&handed);
  return status == TORPOR_KEY ? status : TORPOR_OK;
}

/* All of it with the lock held: whoever gives a run another program, or takes
 * it back, has the lock too, so what is read here stays true. */
static torpor_status read_run(struct torpor__worker_run *run) {
  struct torpor__database *store = run->by->store->database;
  torpor_status status =
      store->calls->run_each(store, run->number, copy_row, run);
  if (status == TORPOR_OK) status = check_upgrade(run);
  if (status == TORPOR_OK && run->sleeps) status = check_engine(run);
  if (status == TORPOR_OK && run->sleeps && run->by->store->keyed)
    status = check_key(run);
  if (status == TORPOR_OK && !run->sleeps)
    status = torpor__state_chain_check(run->by->store, run->id);
  return status;
}

/* Sets a run aside that nobody can work, before anybody else can have it: it
 * may be healed in the next moment. */
static torpor_status park(struct torpor__worker_run *run) {
  struct torpor__database *store = run->by->store->database;
  char reason[TORPOR__DATABASE_MESSAGE_MAX];
  memcpy(reason, store->message, sizeof reason);
  torpor_status status =
      torpor__request_park(store, run->number, reason, torpor__store_now());
  /* One whose head is damaged stays as it is: it is not active for anybody. */
  if (status != TORPOR_OK && status != TORPOR_ENDED &&
      !torpor__protocol_is_own_fault(status))
    return status;
  memcpy(store->message, reason, sizeof reason);
  return TORPOR_CORRUPT;
}

/* Nothing was wrong with it, but that it is for others. */
static torpor_status spare(struct torpor__worker_run *run,
                           torpor_status status) {
  struct torpor__database *store = run->by->store->database;
  char reason[TORPOR__DATABASE_MESSAGE_MAX];
  memcpy(reason, store->message, sizeof reason);
  torpor_status spared = torpor__request_spare(store, run->number);
  if (spared != TORPOR_OK && spared != TORPOR_ENDED) return spared;
  memcpy(store->message, reason, sizeof reason);
  return status;
}

static torpor_status open_run(struct torpor__worker_run *run,
                              const struct torpor__trial *trial) {
  struct torpor__database *store = run->by->store->database;
  torpor_status status =
      torpor__protocol_adopt(&run->protocol, store, trial->run, &run->drivers,
                             TORPOR_RUN_ATTEMPTS, trial->attempts > 0);
  if (status == TORPOR_OK) status = read_run(run);
  if (torpor__protocol_is_own_fault(status)) status = park(run);
  if (status == TORPOR_ENGINE || status == TORPOR_KEY)
    status = spare(run, status);
  if (run->protocol == NULL) store->calls->unlock(store, trial->run);
  return status;
}

torpor_status torpor__worker_run_open(struct torpor__worker_run **out,
                                      const struct torpor__worker_services *by,
                                      const struct torpor__trial *trial) {
  struct torpor__database *store = by->store->database;
  struct torpor__worker_run *run = calloc(1, sizeof *run);
  *out = NULL;
  if (run == NULL) {
    store->calls->unlock(store, trial->run);
    return torpor__database_fail(store, TORPOR_NOMEM, NULL);
  }
  run->by = by;
  run->number = run->worker_step.number = trial->run;
  run->worker_step.by = by;
  run->stepped = true; /* it has just come */
  run->drivers = (struct torpor__drivers){.start = start_operation,
                                          .stop = stop_operation,
                                          .show = show_line,
                                          .data = run};
  torpor_status status = open_run(run, trial);
  if (status != TORPOR_OK) {
    torpor__worker_run_close(run);
    return status;
  }
  run->worker_step.protocol = run->protocol;
  *out = run;
  return TORPOR_OK;
}

void torpor__worker_run_close(struct torpor__worker_run *run) {
  if (run == NULL) return;
  torpor__worker_step_close(&run->worker_step);
  torpor__protocol_close(run->protocol);
  torpor_access_close(run->access);
  free(run->tasks);
  free(run->id);
  free(run->program);
  free(run->input);
  free(run);
}

/* ---- Stepping ------------------------------------------------------------*/

/* The step came to nothing: back to the last commit. */
static void abandon(struct torpor__worker_run *run, const char *why) {
  const struct torpor__head *head = torpor__protocol_head(run->protocol);
  char text[TORPOR__DATABASE_MESSAGE_MAX + 64];
  torpor__protocol_abandon(run->protocol, why);
  torpor__worker_step_sleep(&run->worker_step);
  run->staged = false;
  if (torpor_loop_stopping(run->by->loop) || run->worker_step.put_off) {
    torpor__protocol_excuse(run->protocol);
    return;
  }
  if (torpor__worker_step_is_unwanted(&run->worker_step))
    return; /* it was killed */
  snprintf(text, sizeof text,
           "step %" PRId64 " came to nothing (attempt %" PRId64 " of %d): %s",
           head->step + 1, head->attempts, TORPOR_RUN_ATTEMPTS, why);
  tell_error(run, text);
}

/* False while the step goes on elsewhere. */
static bool run_step(struct torpor__worker_run *run) {
  enum torpor__worker_step_end end =
      torpor__worker_step_run(&run->worker_step, &run->step);
  if (end == TORPOR__WORKER_STEP_AWAY) return false;
  if (end == TORPOR__WORKER_STEP_FAILED) {
    abandon(run, run->worker_step.message);
    return true;
  }
  run->staged = torpor__protocol_stage(run->protocol, &run->step) == TORPOR_OK;
  if (!run->staged) {
    char message[TORPOR__DATABASE_MESSAGE_MAX];
    snprintf(message, sizeof message, "%s", run->by->store->database->message);
    abandon(run, message);
  }
  return true;
}

torpor_status torpor__worker_run_step(struct torpor__worker_run *run,
                                      bool *stepped) {
  torpor_status status = TORPOR_OK;
  if (torpor__protocol_ready(run->protocol))
    status = torpor__protocol_prepare(run->protocol);
  *stepped = torpor__protocol_phase(run->protocol) == TORPOR__PHASE_STEPPING &&
             !torpor_loop_stopping(run->by->loop) && run_step(run);
  if (*stepped) run->stepped = true;
  return status;
}

torpor_status torpor__worker_run_refresh(struct torpor__worker_run *run) {
  torpor_status status = torpor__protocol_refresh(run->protocol);
  if (status != TORPOR_OK || !run->worker_step.away) return status;
  status = torpor__protocol_check(run->protocol);
  if (status == TORPOR_FENCED) torpor__worker_step_stop(&run->worker_step);
  return status;
}

/* ---- After a commit ------------------------------------------------------*/

static int64_t next_due(const struct torpor__worker_run *run) {
  int64_t due = TORPOR__NEVER;
  for (size_t i = 0; i < run->task_count; i++)
    if (run->tasks[i]->due_ms < due) due = run->tasks[i]->due_ms;
  return due == TORPOR__NEVER ? -1 : due;
}

/* Another process has ended it, or has it now. */
static void tell_lost(const struct torpor__worker_run *run) {
  struct torpor__database *store = run->by->store->database;
  struct torpor__head head;
  if (store->calls->head_get(store, run->number, &head) == TORPOR_OK &&
      head.status != TORPOR__RUN_ACTIVE)
    tell(run, (torpor_event){.kind = TORPOR_EVENT_ENDED,
                             .step = head.step,
                             .state = torpor__store_state(&head)});
  else
    tell(run,
         (torpor_event){.kind = TORPOR_EVENT_TAKEN,
                        .step = torpor__protocol_head(run->protocol)->step,
                        .text = "the run was taken over by another process"});
}

enum torpor__worker_run_next
torpor__worker_run_settle(struct torpor__worker_run *run) {
  enum torpor__phase phase = torpor__protocol_phase(run->protocol);
  const struct torpor__head *head = torpor__protocol_head(run->protocol);
  if (phase == TORPOR__PHASE_LOST) {
    tell_lost(run);
    return TORPOR__WORKER_RUN_LEAVES;
  }
  if (run->staged && phase != TORPOR__PHASE_STAGED) {
    run->staged = false;
    if (head->status != TORPOR__RUN_PARKED)
      tell(run,
           (torpor_event){.kind = TORPOR_EVENT_COMMIT,
                          .step = head->step,
                          .size = run->step.snapshot.size,
                          .operations = torpor__protocol_waiting(run->protocol),
                          .next_due_ms = next_due(run)});
  }
  if (phase != TORPOR__PHASE_ENDED)
    return run->starved ? TORPOR__WORKER_RUN_AGAIN : TORPOR__WORKER_RUN_STAYS;
  tell(run, (torpor_event){.kind = TORPOR_EVENT_ENDED,
                           .step = head->step,
                           .state = torpor__store_state(head)});
  return TORPOR__WORKER_RUN_LEAVES;
}

void torpor__worker_run_stop(struct torpor__worker_run *run) {
  if (run->worker_step.away) torpor__worker_step_stop(&run->worker_step);
}

void torpor__worker_run_part(struct torpor__worker_run *run) {
  torpor__worker_step_abandon(&run->worker_step);
  if (torpor__protocol_phase(run->protocol) == TORPOR__PHASE_STEPPING) {
    torpor__protocol_abandon(run->protocol, "the worker was stopped");
    torpor__protocol_excuse(run->protocol);
  }
  torpor__protocol_rest(run->protocol);
}

void torpor__worker_run_rest(struct torpor__worker_run *run) {
  bool idle = torpor__protocol_phase(run->protocol) == TORPOR__PHASE_IDLE &&
              !run->stepped && !torpor__protocol_ready(run->protocol);
  if (idle && !is_doing(run) && torpor__protocol_is_suspect(run->protocol))
    torpor__protocol_clear(run->protocol);
  else if (idle && !is_performing(run))
    torpor__protocol_rest(run->protocol);
  run->stepped = false;
}

void torpor__worker_run_sleep(struct torpor__worker_run *run) {
  if (torpor__protocol_phase(run->protocol) != TORPOR__PHASE_IDLE) return;
  torpor__worker_step_sleep(&run->worker_step);
}

bool torpor__worker_run_is_awake(const struct torpor__worker_run *run) {
  return !run->worker_step.away && run->worker_step.run_vm != NULL;
}

bool torpor__worker_run_is_slow(const struct torpor__worker_run *run) {
  return run->worker_step.slow;
}

bool torpor__worker_run_is_tried(const struct torpor__worker_run *run) {
  return torpor__protocol_phase(run->protocol) == TORPOR__PHASE_IDLE &&
         !torpor__protocol_ready(run->protocol) && !is_performing(run);
}

bool torpor__worker_run_is_away(const struct torpor__worker_run *run) {
  return run->worker_step.away;
}

struct torpor__protocol *
torpor__worker_run_protocol(struct torpor__worker_run *run) {
  return run->protocol;
}

const char *torpor__worker_run_id(const struct torpor__worker_run *run) {
  return run->id;
}
