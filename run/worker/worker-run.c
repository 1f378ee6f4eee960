/* SPDX-License-Identifier: MIT */
/* worker-run.c - one run that a worker has claimed. See worker-run.h.
 *
 *  (1) A VM that is awake is at the state of the last commit, or at that of the
 *      step which is staged; whenever neither is true it is closed, or on its
 *      way to one of them on another thread (worker-step.h). */
#include "run/worker/worker-run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "run/request.h"
#include "run/state/extension.h"
#include "run/upgrade-state.h"
#include "run/worker/worker-drivers.h"
#include "run/worker/worker-step.h"

enum { SOON_MS = 1000 /* a run that is due by then is not let go of */ };

struct torpor__worker_run {
  const struct torpor__worker_shared *shared;
  struct torpor__worker_place place;
  int64_t number;
  struct torpor__worker_drivers drivers;
  struct torpor__protocol *protocol;
  struct torpor__worker_step worker_step;
  struct torpor__step step;
  bool staged;  /* 'step' is, and its commit not reported yet */
  bool begun;   /* its program had, when the run was claimed */
  bool stepped; /* since the last torpor__worker_run_return_attempt */

  /* What never changes, read once. */
  char *id, *program;
  void *input;
};

/* ---- Events --------------------------------------------------------------*/

static void report(const struct torpor__worker_run *run, torpor_event event) {
  torpor__worker_report(run->shared, run->id, event);
}

/* What the run has outside of its VM, as long as this worker has it. */
static torpor_status open_world(struct torpor__worker_run *run) {
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = run->drivers.access;
  options.durable = true;
  torpor_status status =
      torpor_world_open(run->shared->loop, &options, &run->drivers.world);
  run->worker_step.context.world = run->drivers.world;
  return status;
}

/* ---- Opening and closing -------------------------------------------------*/

static torpor_status copy_row(void *data, int64_t number,
                              const struct torpor__run *row,
                              const struct torpor__head *head) {
  struct torpor__worker_run *run = data;
  (void)number;
  run->begun = head->step > head->start;
  run->id = strdup(row->id);
  run->program = strdup(row->program);
  run->input = torpor__array_copy(row->input.data, row->input.size);
  if (run->id == NULL || run->program == NULL || run->input == NULL)
    return TORPOR_NOMEM;
  run->worker_step.id = run->drivers.id = run->id;
  run->worker_step.version = head->version; /* to change that takes the lock */
  run->worker_step.context = (struct torpor__run_context){
      .id = run->id,
      .program = run->program,
      .input = {.data = run->input, .size = row->input.size},
      .memory_max = row->memory_max,
      .fuel = row->fuel,
      .deadline_ms = row->deadline_ms};
  torpor__worker_step_open(&run->worker_step);
  torpor_status status =
      row->access[0] == '\0'
          ? TORPOR_OK
          : torpor_access_read(row->access, strlen(row->access),
                               &run->drivers.access);
  run->worker_step.context.access = run->drivers.access;
  if (status == TORPOR_OK) return open_world(run);
  if (status != TORPOR_FORMAT) return status;
  return torpor__database_fail(
      run->shared->store->database, TORPOR_CORRUPT,
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

/* ENGINE or KEY when the newest state needs an engine, or a key, that is not
 * here: the run is left to workers that have it, since trying would use up its
 * attempts. */
static torpor_status check_engine(struct torpor__worker_run *run) {
  struct torpor__database *database = run->shared->store->database;
  struct newest newest = {0};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  torpor_status status = database->calls->state_each(
      database, run->number, INT64_MAX, look_at_newest, &newest);
  if (status != TORPOR_OK && status != TORPOR_CANCELLED) return status;
  if (newest.sealed && !run->shared->store->keyed)
    return torpor__database_fail(
        database, TORPOR_KEY,
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
  return torpor__database_fail(database, status, "run '%s': %s", run->id,
                               torpor_last_error(NULL));
}

/* KEY when its states are encrypted with another key, or not at all. */
static torpor_status check_key(struct torpor__worker_run *run) {
  struct torpor__state_chain chain;
  torpor_status status = torpor__state_chain_read(
      &chain, run->shared->store, run->number, run->id, INT64_MAX);
  if (status == TORPOR_OK) torpor__state_chain_free(&chain);
  return status == TORPOR_KEY ? status : TORPOR_OK;
}

/* The same of what an upgrade handed over to its program. */
static torpor_status check_upgrade(struct torpor__worker_run *run) {
  torpor_bytes handed = {0};
  torpor_status status = torpor__upgrade_state_find(
      run->shared->store, run->number, run->worker_step.version, &handed);
  torpor_bytes_free(&handed);
  return status == TORPOR_KEY ? status : TORPOR_OK;
}

/* Reads the run, and checks that it can be worked here. The lock is held: who
 * gives a run another program, or takes it back in time, needs that too, so
 * what is read stays true. */
static torpor_status read_run(struct torpor__worker_run *run) {
  struct torpor__database *database = run->shared->store->database;
  torpor_status status =
      database->calls->run_get(database, run->number, copy_row, run);
  if (status == TORPOR_OK) status = check_upgrade(run);
  if (status == TORPOR_OK && run->begun) status = check_engine(run);
  if (status == TORPOR_OK && run->begun && run->shared->store->keyed)
    status = check_key(run);
  if (status == TORPOR_OK)
    status = torpor__extension_prepare_all(
        run->shared->store, run->id, run->number, run->worker_step.version);
  if (status == TORPOR_OK && !run->begun)
    status = torpor__state_chain_check(run->shared->store, run->id);
  return status;
}

/* Parks a run that nobody can work, while the lock is held: once another worker
 * has it, its rows may be good again. */
static torpor_status park(struct torpor__worker_run *run) {
  struct torpor__database *database = run->shared->store->database;
  char reason[TORPOR__DATABASE_MESSAGE_MAX];
  memcpy(reason, database->message, sizeof reason);
  torpor_status status =
      torpor__request_park(database, run->number, reason, torpor__store_now());
  /* One whose head is damaged stays as it is: it is not active for anybody. */
  if (status != TORPOR_OK && status != TORPOR_ENDED &&
      !torpor__protocol_is_own_fault(status))
    return status;
  memcpy(database->message, reason, sizeof reason);
  return TORPOR_CORRUPT;
}

/* Takes back the attempt of a run that is left to other workers. */
static torpor_status return_attempt(struct torpor__worker_run *run,
                                    const struct torpor__claim *claim,
                                    torpor_status status) {
  struct torpor__database *database = run->shared->store->database;
  char reason[TORPOR__DATABASE_MESSAGE_MAX];
  memcpy(reason, database->message, sizeof reason);
  torpor_status returned = torpor__request_return_attempt(database, claim);
  if (returned != TORPOR_OK) return returned;
  memcpy(database->message, reason, sizeof reason);
  return status;
}

static torpor_status open_run(struct torpor__worker_run *run,
                              const struct torpor__claim *claim) {
  struct torpor__database *database = run->shared->store->database;
  torpor_status status = torpor__protocol_adopt(
      &run->protocol, database, claim->run, &run->drivers.calls,
      TORPOR_RUN_ATTEMPTS, claim->attempts > 0);
  if (status == TORPOR_OK) status = read_run(run);
  if (torpor__protocol_is_own_fault(status)) status = park(run);
  if (status == TORPOR_ENGINE || status == TORPOR_EXTENSION ||
      status == TORPOR_KEY)
    status = return_attempt(run, claim, status);
  if (run->protocol == NULL) database->calls->unlock(database, claim->run);
  return status;
}

torpor_status
torpor__worker_run_open(struct torpor__worker_run **out,
                        const struct torpor__worker_shared *shared,
                        const struct torpor__claim *claim) {
  struct torpor__database *database = shared->store->database;
  struct torpor__worker_run *run = calloc(1, sizeof *run);
  *out = NULL;
  if (run == NULL) {
    database->calls->unlock(database, claim->run);
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  }
  run->shared = shared;
  run->place.run = run->drivers.run = run;
  run->number = run->worker_step.number = claim->run;
  run->worker_step.shared = shared;
  run->stepped = true; /* it has just come */
  torpor__worker_drivers_open(&run->drivers, shared);
  torpor_status status = open_run(run, claim);
  if (status != TORPOR_OK) {
    torpor__worker_run_close(run);
    return status;
  }
  run->worker_step.protocol = run->drivers.protocol = run->protocol;
  *out = run;
  return TORPOR_OK;
}

void torpor__worker_run_close(struct torpor__worker_run *run) {
  if (run == NULL) return;
  torpor__worker_step_close(&run->worker_step);
  torpor__protocol_close(run->protocol);
  torpor__worker_drivers_close(&run->drivers);
  free(run->id);
  free(run->program);
  free(run->input);
  free(run);
}

/* ---- Stepping ------------------------------------------------------------*/

/* Rolls the step back: the run is at its last commit again. */
static void abandon(struct torpor__worker_run *run, const char *why) {
  const struct torpor__head *head = torpor__protocol_head(run->protocol);
  char text[TORPOR__DATABASE_MESSAGE_MAX + 64];
  torpor__protocol_abandon(run->protocol, why);
  torpor__worker_step_sleep(&run->worker_step);
  run->staged = false;
  if (torpor_loop_stopping(run->shared->loop) || run->worker_step.deferred) {
    torpor__protocol_keep_attempt(run->protocol);
    return;
  }
  if (torpor__worker_step_is_interrupted(&run->worker_step))
    return; /* it was killed */
  snprintf(text, sizeof text,
           "step %" PRId64 " was rolled back (attempt %" PRId64 " of %d): %s",
           head->step + 1, head->attempts, TORPOR_RUN_ATTEMPTS, why);
  torpor__worker_report_error(run->shared, run->id, head->step, text);
}

/* False while the step goes on on another thread. */
static bool run_step(struct torpor__worker_run *run) {
  enum torpor__worker_step_end end =
      torpor__worker_step_run(&run->worker_step, &run->step);
  if (end == TORPOR__WORKER_STEP_OFFLOADED) return false;
  if (end == TORPOR__WORKER_STEP_FAILED) {
    abandon(run, run->worker_step.message);
    return true;
  }
  run->staged = torpor__protocol_stage(run->protocol, &run->step) == TORPOR_OK;
  if (!run->staged) {
    char message[TORPOR__DATABASE_MESSAGE_MAX];
    snprintf(message, sizeof message, "%s",
             run->shared->store->database->message);
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
             !torpor_loop_stopping(run->shared->loop) && run_step(run);
  if (*stepped) run->stepped = true;
  return status;
}

torpor_status torpor__worker_run_refresh(struct torpor__worker_run *run,
                                         int64_t news) {
  torpor_status status = torpor__protocol_refresh(run->protocol, news);
  if (status != TORPOR_OK || !run->worker_step.offloaded) return status;
  status = torpor__protocol_check_fence(run->protocol);
  if (status == TORPOR_FENCED) torpor__worker_step_interrupt(&run->worker_step);
  return status;
}

/* ---- After a commit ------------------------------------------------------*/

/* Another process has ended it, or has it now. */
static void report_lost(const struct torpor__worker_run *run) {
  struct torpor__database *database = run->shared->store->database;
  struct torpor__head head;
  if (database->calls->head_get(database, run->number, &head) == TORPOR_OK &&
      head.status != TORPOR__RUN_ACTIVE)
    report(run, (torpor_event){.kind = TORPOR_EVENT_ENDED,
                               .step = head.step,
                               .state = torpor__store_state(&head)});
  else
    report(run,
           (torpor_event){.kind = TORPOR_EVENT_TAKEN,
                          .step = torpor__protocol_head(run->protocol)->step,
                          .text = "the run was taken over by another process"});
}

static void report_commit(const struct torpor__worker_run *run) {
  report(run,
         (torpor_event){.kind = TORPOR_EVENT_COMMIT,
                        .step = torpor__protocol_head(run->protocol)->step,
                        .size = run->step.snapshot.size,
                        .operations = torpor__protocol_waiting(run->protocol),
                        .next_due_ms =
                            torpor__worker_drivers_next_due(&run->drivers)});
}

enum torpor__worker_run_next
torpor__worker_run_settle(struct torpor__worker_run *run) {
  enum torpor__phase phase = torpor__protocol_phase(run->protocol);
  const struct torpor__head *head = torpor__protocol_head(run->protocol);
  if (phase == TORPOR__PHASE_LOST) {
    report_lost(run);
    return TORPOR__WORKER_RUN_LEAVES;
  }
  if (run->staged && phase != TORPOR__PHASE_STAGED) {
    run->staged = false;
    if (head->status != TORPOR__RUN_PARKED) report_commit(run);
  }
  if (phase != TORPOR__PHASE_ENDED)
    return run->drivers.out_of_memory ? TORPOR__WORKER_RUN_AGAIN
                                      : TORPOR__WORKER_RUN_STAYS;
  report(run, (torpor_event){.kind = TORPOR_EVENT_ENDED,
                             .step = head->step,
                             .state = torpor__store_state(head)});
  return TORPOR__WORKER_RUN_LEAVES;
}

void torpor__worker_run_interrupt(struct torpor__worker_run *run) {
  if (run->worker_step.offloaded)
    torpor__worker_step_interrupt(&run->worker_step);
}

void torpor__worker_run_wind_down(struct torpor__worker_run *run) {
  torpor__worker_step_abandon(&run->worker_step);
  if (torpor__protocol_phase(run->protocol) == TORPOR__PHASE_STEPPING) {
    torpor__protocol_abandon(run->protocol, "the worker was stopped");
    torpor__protocol_keep_attempt(run->protocol);
  }
  torpor__protocol_return_attempt(run->protocol);
}

void torpor__worker_run_return_attempt(struct torpor__worker_run *run) {
  bool idle = torpor__protocol_phase(run->protocol) == TORPOR__PHASE_IDLE &&
              !run->stepped && !torpor__protocol_ready(run->protocol);
  if (idle && !torpor__worker_drivers_are_busy(&run->drivers) &&
      torpor__protocol_is_suspect(run->protocol))
    torpor__protocol_forget_attempts(run->protocol);
  else if (idle && !torpor__worker_drivers_began_lately(&run->drivers))
    torpor__protocol_return_attempt(run->protocol);
  run->stepped = false;
}

bool torpor__worker_run_is_still(const struct torpor__worker_run *run) {
  return torpor__protocol_is_still(run->protocol) && !run->staged &&
         !torpor__worker_run_is_awake(run) && !run->drivers.out_of_memory;
}

struct torpor__worker_place *
torpor__worker_run_place(struct torpor__worker_run *run) {
  return &run->place;
}

bool torpor__worker_run_can_go(const struct torpor__worker_run *run,
                               int64_t now_ms) {
  int64_t due = torpor__worker_drivers_next_due(&run->drivers);
  return torpor__protocol_can_rest(run->protocol) &&
         (due < 0 || due > now_ms + SOON_MS);
}

void torpor__worker_run_sleep(struct torpor__worker_run *run) {
  if (torpor__worker_run_can_sleep(run))
    torpor__worker_step_sleep(&run->worker_step);
}

bool torpor__worker_run_can_sleep(const struct torpor__worker_run *run) {
  return torpor__worker_run_is_awake(run) &&
         torpor__protocol_phase(run->protocol) == TORPOR__PHASE_IDLE;
}

bool torpor__worker_run_is_awake(const struct torpor__worker_run *run) {
  return !run->worker_step.offloaded && run->worker_step.run_vm != NULL;
}

bool torpor__worker_run_is_slow(const struct torpor__worker_run *run) {
  return run->worker_step.slow;
}

bool torpor__worker_run_is_idle(const struct torpor__worker_run *run) {
  return torpor__protocol_phase(run->protocol) == TORPOR__PHASE_IDLE &&
         !torpor__protocol_ready(run->protocol) &&
         !torpor__worker_drivers_began_lately(&run->drivers);
}

bool torpor__worker_run_is_offloaded(const struct torpor__worker_run *run) {
  return run->worker_step.offloaded;
}

struct torpor__protocol *
torpor__worker_run_protocol(struct torpor__worker_run *run) {
  return run->protocol;
}

#ifdef TORPOR_TESTING

void torpor__worker_run_check(const struct torpor__worker_run *run) {
  enum torpor__phase phase = torpor__protocol_phase(run->protocol);
  assert(phase == TORPOR__PHASE_CLAIMING || phase == TORPOR__PHASE_IDLE ||
         phase == TORPOR__PHASE_STEPPING);
  assert(!run->staged);
  assert(!run->worker_step.offloaded || phase == TORPOR__PHASE_STEPPING);
  if (torpor__worker_run_is_awake(run))
    assert(torpor__run_vm_number(run->worker_step.run_vm) ==
           torpor__protocol_head(run->protocol)->step);
  if (phase == TORPOR__PHASE_IDLE) torpor__worker_drivers_check(&run->drivers);
}

#endif
