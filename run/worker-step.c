/* SPDX-License-Identifier: MIT */
/* worker-step.c - computes one step of a run, on the loop's thread or on one of
 * the pool. See worker-step.h. */
#include "worker-step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "common/array.h"
#include "upgrade-state.h"

enum {
  SLICE_MS = 20,         /* of a processor's time, on the loop's thread */
  SLICE_LATEST_MS = 100, /* the same by the clock, on a busy machine */
  BUDGET_MS = 1000,      /* of the first try on another thread */
  LOOK_MS = 100          /* between looking whether the run was killed */
};

/* Waking from more than this takes longer than a slice. */
#define CHAIN_LARGE ((size_t)4 << 20)

static struct torpor__database *
database_of(const struct torpor__worker_step *worker_step) {
  return worker_step->shared->store->database;
}

static void report(const struct torpor__worker_step *worker_step,
                   torpor_event event) {
  torpor__worker_report(worker_step->shared, worker_step->id, event);
}

/* ---- What a VM asks of its run -------------------------------------------*/

/* torpor__run_context.module */
static torpor_status find_module(void *user, const char *name,
                                 torpor_bytes *source) {
  const struct torpor__worker_step *worker_step = user;
  if (worker_step->offloaded)
    return torpor__program_give(&worker_step->program, name, source);
  return torpor__program_find(database_of(worker_step), worker_step->number,
                              worker_step->version, name, source);
}

/* torpor__run_context.upgrade */
static torpor_status find_upgrade(void *user, torpor_bytes *out) {
  const struct torpor__worker_step *worker_step = user;
  if (!worker_step->offloaded)
    return torpor__upgrade_state_find(worker_step->shared->store,
                                      worker_step->number, worker_step->version,
                                      out);
  *out = (torpor_bytes){0};
  if (worker_step->upgrade.size == 0) return TORPOR_OK;
  out->data =
      torpor__array_copy(worker_step->upgrade.data, worker_step->upgrade.size);
  out->size = worker_step->upgrade.size;
  return out->data != NULL ? TORPOR_OK : TORPOR_NOMEM;
}

/* torpor__run_context.seal */
static torpor_status seal_state(void *user, int64_t step, torpor_bytes *bytes) {
  const struct torpor__worker_step *worker_step = user;
  return torpor__state_chain_seal(
      worker_step->shared->store, worker_step->id,
      torpor__protocol_head(worker_step->protocol)->branch, step, bytes);
}

/* torpor__run_context.interrupt on a thread of the pool: the run was killed,
 * the worker stops, or others wait and the budget is used. */
static bool must_end_offloaded(struct torpor__worker_step *worker_step) {
  if (atomic_load(&worker_step->interrupted)) return true;
  if (!torpor__threads_is_short(worker_step->shared->threads) ||
      torpor__clock_ms() - worker_step->began_ms < worker_step->budget_ms)
    return false;
  worker_step->yielded = true;
  return true;
}

/* The clock of a thread costs a system call: it is first looked at when a step
 * is not quite short. */
static bool has_used_slice(struct torpor__worker_step *worker_step) {
  uint64_t used = torpor__clock_used_ms();
  if (worker_step->used_from_ms == 0) worker_step->used_from_ms = used + 1;
  return used + 1 - worker_step->used_from_ms >= SLICE_MS;
}

/* torpor__run_context.interrupt */
static bool must_end(void *user) {
  struct torpor__worker_step *worker_step = user;
  if (torpor_loop_stopping(worker_step->shared->loop)) return true;
  if (worker_step->offloaded) return must_end_offloaded(worker_step);
  uint64_t now = torpor__clock_ms();
  worker_step->slice_is_used =
      worker_step->in_slice && has_used_slice(worker_step);
  if (worker_step->slice_is_used) return true;
  if (now < worker_step->look_due_ms)
    return atomic_load(&worker_step->interrupted);
  worker_step->look_due_ms = now + LOOK_MS;
  if (torpor__protocol_check_fence(worker_step->protocol) == TORPOR_FENCED)
    atomic_store(&worker_step->interrupted, true);
  return atomic_load(&worker_step->interrupted);
}

static enum torpor__policy find_policy(void *user, const char *kind) {
  const struct torpor__worker_step *worker_step = user;
  if (strcmp(kind, "signal") == 0) return TORPOR__POLICY_REATTACH;
  const torpor_driver *driver =
      torpor_loop_driver(worker_step->shared->loop, kind);
  if (driver == NULL) return TORPOR__POLICY_REPEAT; /* it is refused at once */
  switch (driver->waking) {
  case TORPOR_REARM:
    return TORPOR__POLICY_REARM;
  case TORPOR_REPEAT:
    return TORPOR__POLICY_REPEAT;
  case TORPOR_REATTACH:
    return TORPOR__POLICY_REATTACH;
  default:
    return TORPOR__POLICY_REJECT;
  }
}

/* ---- Computing, on any thread --------------------------------------------*/

static bool was_begun(const struct torpor__worker_step *worker_step) {
  const struct torpor__head *head =
      torpor__protocol_head(worker_step->protocol);
  return head->step > head->start;
}

static torpor_status open_vm(struct torpor__worker_step *worker_step) {
  double began = torpor__clock_us();
  torpor_status status =
      torpor__run_vm_open(&worker_step->run_vm, &worker_step->context,
                          was_begun(worker_step) ? &worker_step->chain : NULL,
                          worker_step->message);
  worker_step->woke_us = torpor__clock_us() - began;
  worker_step->woken = status == TORPOR_OK;
  if (status == TORPOR_OK &&
      torpor__protocol_is_cancelling(worker_step->protocol))
    torpor__run_vm_set_cancelling(worker_step->run_vm);
  return status;
}

static torpor_status step_vm(struct torpor__worker_step *worker_step,
                             uint64_t budget_ms) {
  torpor_status status = torpor__run_vm_step(
      worker_step->run_vm,
      torpor__protocol_head(worker_step->protocol)->step + 1,
      worker_step->deliveries, worker_step->count, budget_ms,
      worker_step->step);
  if (status != TORPOR_OK)
    snprintf(worker_step->message, sizeof worker_step->message, "%s",
             torpor__run_vm_error(worker_step->run_vm));
  return status;
}

/* torpor__work.work */
static void work(struct torpor__work *work) {
  struct torpor__worker_step *worker_step =
      (void *)((char *)work - offsetof(struct torpor__worker_step, work));
  uint64_t used = torpor__clock_used_ms();
  worker_step->began_ms = torpor__clock_ms();
  worker_step->status =
      worker_step->run_vm == NULL ? open_vm(worker_step) : TORPOR_OK;
  if (worker_step->status == TORPOR_OK)
    worker_step->status = step_vm(worker_step, 0);
  worker_step->slow = torpor__clock_used_ms() - used >= SLICE_MS;
}

/* ---- Before and after ----------------------------------------------------*/

static void report_start(struct torpor__worker_step *worker_step) {
  if (worker_step->reported || worker_step->run_vm != NULL) return;
  worker_step->reported = true;
  report(worker_step, (torpor_event){.kind = TORPOR_EVENT_STARTED});
}

static void report_woken(struct torpor__worker_step *worker_step) {
  if (worker_step->reported || !worker_step->woken) return;
  worker_step->reported = true;
  report(worker_step,
         (torpor_event){
             .kind = TORPOR_EVENT_WOKEN,
             .step = torpor__protocol_head(worker_step->protocol)->step,
             .us = worker_step->woke_us,
             .size = worker_step->chain.stored,
             .operations = torpor__protocol_waiting(worker_step->protocol)});
}

static torpor_status fail_waking(struct torpor__worker_step *worker_step,
                                 torpor_status status) {
  char why[TORPOR__DATABASE_MESSAGE_MAX];
  if (!was_begun(worker_step)) return status;
  memcpy(why, worker_step->message, sizeof why);
  snprintf(worker_step->message, sizeof worker_step->message,
           "waking the run: %.480s", why);
  return status;
}

/* Reads what the VM is woken from, if it is asleep. */
static torpor_status read_chain(struct torpor__worker_step *worker_step) {
  const struct torpor__head *head =
      torpor__protocol_head(worker_step->protocol);
  struct torpor__state_chain *chain = &worker_step->chain;
  worker_step->woken = false;
  if (worker_step->run_vm != NULL || !was_begun(worker_step)) return TORPOR_OK;
  torpor_status status =
      torpor__state_chain_read(chain, worker_step->shared->store,
                               worker_step->number, worker_step->id, INT64_MAX);
  if (status != TORPOR_OK) {
    snprintf(worker_step->message, sizeof worker_step->message, "%s",
             database_of(worker_step)->message);
    return fail_waking(worker_step, status);
  }
  if (chain->step == head->step && chain->branch == head->branch)
    return TORPOR_OK;
  snprintf(worker_step->message, sizeof worker_step->message,
           "the store has no state of step %" PRId64, head->step);
  return fail_waking(worker_step, TORPOR_CORRUPT);
}

static void drop_program(struct torpor__worker_step *worker_step) {
  torpor__program_free(&worker_step->program);
  torpor_bytes_free(&worker_step->upgrade);
  worker_step->upgrade = (torpor_bytes){0};
}

/* Reads what the VM may ask of the store, which its thread must not. */
static torpor_status read_program(struct torpor__worker_step *worker_step) {
  torpor_status status =
      torpor__program_load(&worker_step->program, database_of(worker_step),
                           worker_step->number, worker_step->version);
  if (status == TORPOR_OK)
    status = torpor__upgrade_state_find(
        worker_step->shared->store, worker_step->number, worker_step->version,
        &worker_step->upgrade);
  return status;
}

/* Hands the step over to a thread of the pool. False when there is none to be
 * had, or what it would need cannot be read: then it is computed here. */
static bool offload(struct torpor__worker_step *worker_step) {
  if (worker_step->shared->threads == NULL) return false;
  if (read_program(worker_step) == TORPOR_OK) {
    if (!was_begun(worker_step)) report_start(worker_step);
    worker_step->offloaded = true;
    worker_step->yielded = false;
    if (torpor__threads_start(worker_step->shared->threads, &worker_step->work))
      return true;
    worker_step->offloaded = false;
  }
  drop_program(worker_step);
  return false;
}

/* Frees what the step was given, and puts the VM to sleep if it failed. */
static enum torpor__worker_step_end
conclude(struct torpor__worker_step *worker_step) {
  torpor__state_chain_free(&worker_step->chain);
  drop_program(worker_step);
  if (worker_step->status == TORPOR_OK) return TORPOR__WORKER_STEP_DONE;
  torpor__worker_step_sleep(worker_step);
  return TORPOR__WORKER_STEP_FAILED;
}

/* Computes it on this thread: for a slice, or however long it takes. */
static torpor_status compute_on_loop(struct torpor__worker_step *worker_step,
                                     bool slice) {
  torpor_status status = TORPOR_OK;
  worker_step->in_slice = slice;
  worker_step->used_from_ms = 0;
  worker_step->look_due_ms = torpor__clock_ms() + LOOK_MS;
  if (worker_step->run_vm == NULL) {
    status = open_vm(worker_step);
    if (status != TORPOR_OK) return fail_waking(worker_step, status);
    if (was_begun(worker_step))
      report_woken(worker_step);
    else if (!worker_step->reported)
      report(worker_step, (torpor_event){.kind = TORPOR_EVENT_STARTED});
    worker_step->reported = true;
  }
  return step_vm(worker_step, slice ? SLICE_LATEST_MS : 0);
}

/* Begins again from the last commit: on a thread of the pool or, where there is
 * none, here with all the time that a step may take. */
static enum torpor__worker_step_end
compute_again(struct torpor__worker_step *worker_step) {
  worker_step->slow = true;
  torpor__worker_step_sleep(worker_step);
  torpor__state_chain_free(&worker_step->chain);
  worker_step->status = read_chain(worker_step);
  if (worker_step->status == TORPOR_OK) {
    if (offload(worker_step)) return TORPOR__WORKER_STEP_OFFLOADED;
    worker_step->status = compute_on_loop(worker_step, false);
  }
  return conclude(worker_step);
}

static enum torpor__worker_step_end
begin_step(struct torpor__worker_step *worker_step) {
  worker_step->reported = false;
  worker_step->budget_ms = BUDGET_MS;
  worker_step->slice_is_used = worker_step->deferred = false;
  atomic_store(&worker_step->interrupted, false);
  worker_step->status = read_chain(worker_step);
  if (worker_step->status != TORPOR_OK) return conclude(worker_step);
  if ((worker_step->slow || worker_step->chain.stored > CHAIN_LARGE) &&
      offload(worker_step))
    return TORPOR__WORKER_STEP_OFFLOADED;
  worker_step->status =
      compute_on_loop(worker_step, worker_step->shared->threads != NULL);
  bool late = worker_step->status != TORPOR_OK && worker_step->run_vm != NULL &&
              (worker_step->slice_is_used ||
               torpor__run_vm_is_late(worker_step->run_vm));
  if (!late || torpor_loop_stopping(worker_step->shared->loop) ||
      torpor__worker_step_is_interrupted(worker_step))
    return conclude(worker_step);
  worker_step->deferred = worker_step->shared->defer_long;
  if (!worker_step->deferred) return compute_again(worker_step);
  worker_step->slow = true;
  return conclude(worker_step);
}

/* Takes the VM back from its thread; a step that ended for others goes to the
 * end of their queue. */
static enum torpor__worker_step_end
finish_offloaded(struct torpor__worker_step *worker_step) {
  worker_step->offloaded = false;
  if (worker_step->status != TORPOR_OK && worker_step->run_vm == NULL)
    fail_waking(worker_step, worker_step->status);
  if (was_begun(worker_step)) report_woken(worker_step);
  if (worker_step->status == TORPOR_OK || !worker_step->yielded ||
      torpor__worker_step_is_interrupted(worker_step))
    return conclude(worker_step);
  drop_program(worker_step);
  worker_step->budget_ms *= 2;
  return compute_again(worker_step);
}

/* ---- For the run ---------------------------------------------------------*/

void torpor__worker_step_open(struct torpor__worker_step *worker_step) {
  worker_step->work.work = work;
  worker_step->context.module = find_module;
  worker_step->context.upgrade = find_upgrade;
  worker_step->context.interrupt = must_end;
  worker_step->context.seal = seal_state;
  worker_step->context.policy = find_policy;
  worker_step->context.user = worker_step;
}

void torpor__worker_step_close(struct torpor__worker_step *worker_step) {
  torpor__worker_step_abandon(worker_step);
  torpor__worker_step_sleep(worker_step);
}

enum torpor__worker_step_end
torpor__worker_step_run(struct torpor__worker_step *worker_step,
                        struct torpor__step *step) {
  if (!worker_step->offloaded) {
    worker_step->deliveries =
        torpor__protocol_deliveries(worker_step->protocol, &worker_step->count);
    worker_step->step = step;
    return begin_step(worker_step);
  }
  if (!torpor__threads_done(worker_step->shared->threads, &worker_step->work))
    return TORPOR__WORKER_STEP_OFFLOADED;
  return finish_offloaded(worker_step);
}

void torpor__worker_step_interrupt(struct torpor__worker_step *worker_step) {
  atomic_store(&worker_step->interrupted, true);
}

void torpor__worker_step_abandon(struct torpor__worker_step *worker_step) {
  if (!worker_step->offloaded) return;
  torpor__worker_step_interrupt(worker_step);
  torpor__threads_wait(worker_step->shared->threads, &worker_step->work);
  worker_step->offloaded = false;
  worker_step->status = TORPOR_INTERRUPTED;
  conclude(worker_step);
}

bool torpor__worker_step_is_interrupted(
    const struct torpor__worker_step *worker_step) {
  return atomic_load(&worker_step->interrupted);
}

void torpor__worker_step_sleep(struct torpor__worker_step *worker_step) {
  torpor__run_vm_close(worker_step->run_vm);
  worker_step->run_vm = NULL;
}
