/* SPDX-License-Identifier: MIT */
/* worker-step.c - computes one step of a run, on the loop's thread or on one of
 * the pool. See worker-step.h. */
#include "run/worker/worker-step.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "run/protocol/clock.h"
#include "run/upgrade-state.h"

enum {
  SLICE_MS = 20,         /* of a processor's time, on the loop's thread */
  SLICE_LATEST_MS = 100, /* the same by the clock, on a busy machine */
  BUDGET_MS = 1000,      /* of the first try on another thread */
  LOOK_MS = 100          /* between looking whether the run was killed */
};

/* Waking from more than this takes longer than a slice. */
#define CHAIN_LARGE ((size_t)4 << 20)

static struct torpor__database *
database_of(const struct torpor__worker_step *step) {
  assert(!step->offloaded);
  return step->shared->store->database;
}

static void report(const struct torpor__worker_step *step, torpor_event event) {
  torpor__worker_report(step->shared, step->id, event);
}

/* ---- What a VM asks of its run -------------------------------------------*/

/* torpor__run_context.module */
static torpor_status find_module(void *user, const char *name,
                                 torpor_bytes *source) {
  const struct torpor__worker_step *step = user;
  if (step->offloaded)
    return torpor__program_give(&step->program, name, source);
  return torpor__program_find(database_of(step), step->number, step->version,
                              name, source);
}

/* torpor__run_context.upgrade */
static torpor_status find_upgrade(void *user, torpor_bytes *out) {
  const struct torpor__worker_step *step = user;
  if (!step->offloaded)
    return torpor__upgrade_state_find(step->shared->store, step->number,
                                      step->version, out);
  *out = (torpor_bytes){0};
  if (step->upgrade.size == 0) return TORPOR_OK;
  out->data = torpor__array_copy(step->upgrade.data, step->upgrade.size);
  out->size = step->upgrade.size;
  return out->data != NULL ? TORPOR_OK : TORPOR_NOMEM;
}

/* torpor__run_context.seal */
static torpor_status seal_state(void *user, int64_t number,
                                torpor_bytes *bytes) {
  const struct torpor__worker_step *step = user;
  return torpor__state_chain_seal(step->shared->store, step->id,
                                  torpor__protocol_head(step->protocol)->branch,
                                  number, bytes);
}

/* torpor__run_context.interrupt on a thread of the pool: the run was killed,
 * the worker stops, or others wait and the budget is used. */
static bool must_end_offloaded(struct torpor__worker_step *step) {
  if (atomic_load(&step->interrupted)) return true;
  if (!torpor__threads_is_short(step->shared->threads) ||
      torpor__clock_ms() - step->began_ms < step->budget_ms)
    return false;
  step->yielded = true;
  return true;
}

/* The clock of a thread costs a system call: it is first looked at when a step
 * is not quite short. */
static bool has_used_slice(struct torpor__worker_step *step) {
  uint64_t used = torpor__clock_used_ms();
  if (step->used_from_ms == 0) step->used_from_ms = used + 1;
  return used + 1 - step->used_from_ms >= SLICE_MS;
}

/* torpor__run_context.interrupt */
static bool must_end(void *user) {
  struct torpor__worker_step *step = user;
  if (torpor_loop_stopping(step->shared->loop)) return true;
  if (step->offloaded) return must_end_offloaded(step);
  uint64_t now = torpor__clock_ms();
  step->slice_is_used = step->in_slice && has_used_slice(step);
  if (step->slice_is_used) return true;
  if (now < step->look_due_ms) return atomic_load(&step->interrupted);
  step->look_due_ms = now + LOOK_MS;
  if (torpor__protocol_check_fence(step->protocol) == TORPOR_FENCED)
    atomic_store(&step->interrupted, true);
  return atomic_load(&step->interrupted);
}

static enum torpor__policy find_policy(void *user,
                                       const torpor_operation *operation) {
  const struct torpor__worker_step *step = user;
  if (strcmp(operation->kind, "signal") == 0) return TORPOR__POLICY_REATTACH;
  switch (torpor_loop_waking(step->shared->loop, operation)) {
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

static bool was_begun(const struct torpor__worker_step *step) {
  const struct torpor__head *head = torpor__protocol_head(step->protocol);
  return head->step > head->start;
}

static torpor_status open_vm(struct torpor__worker_step *step) {
  double began = torpor__clock_us();
  torpor_status status =
      torpor__run_vm_open(&step->run_vm, &step->context,
                          was_begun(step) ? &step->chain : NULL, step->message);
  step->woke_us = torpor__clock_us() - began;
  step->woken = status == TORPOR_OK;
  if (status == TORPOR_OK && torpor__protocol_is_cancelling(step->protocol))
    torpor__run_vm_set_cancelling(step->run_vm);
  return status;
}

static torpor_status step_vm(struct torpor__worker_step *step,
                             uint64_t budget_ms) {
  torpor_status status = torpor__run_vm_step(
      step->run_vm, torpor__protocol_head(step->protocol)->step + 1,
      step->deliveries, step->count, budget_ms, step->described);
  if (status != TORPOR_OK)
    snprintf(step->message, sizeof step->message, "%s",
             torpor__run_vm_error(step->run_vm));
  return status;
}

/* torpor__work.work */
static void work(struct torpor__work *work) {
  struct torpor__worker_step *step =
      (void *)((char *)work - offsetof(struct torpor__worker_step, work));
  uint64_t used = torpor__clock_used_ms();
  step->began_ms = torpor__clock_ms();
  step->status = step->run_vm == NULL ? open_vm(step) : TORPOR_OK;
  if (step->status == TORPOR_OK) step->status = step_vm(step, 0);
  step->slow = torpor__clock_used_ms() - used >= SLICE_MS;
}

/* ---- Before and after ----------------------------------------------------*/

static void report_start(struct torpor__worker_step *step) {
  if (step->reported || step->run_vm != NULL) return;
  step->reported = true;
  report(step, (torpor_event){.kind = TORPOR_EVENT_STARTED});
}

static void report_woken(struct torpor__worker_step *step) {
  if (step->reported || !step->woken) return;
  step->reported = true;
  report(step, (torpor_event){
                   .kind = TORPOR_EVENT_WOKEN,
                   .step = torpor__protocol_head(step->protocol)->step,
                   .us = step->woke_us,
                   .size = step->chain.stored,
                   .operations = torpor__protocol_waiting(step->protocol)});
}

static torpor_status fail_waking(struct torpor__worker_step *step,
                                 torpor_status status) {
  char why[TORPOR__DATABASE_MESSAGE_MAX];
  if (!was_begun(step)) return status;
  memcpy(why, step->message, sizeof why);
  snprintf(step->message, sizeof step->message, "waking the run: %.480s", why);
  return status;
}

/* Reads what the VM is woken from, if it is asleep. */
static torpor_status read_chain(struct torpor__worker_step *step) {
  const struct torpor__head *head = torpor__protocol_head(step->protocol);
  struct torpor__state_chain *chain = &step->chain;
  step->woken = false;
  if (step->run_vm != NULL || !was_begun(step)) return TORPOR_OK;
  torpor_status status = torpor__state_chain_read(
      chain, step->shared->store, step->number, step->id, INT64_MAX);
  if (status != TORPOR_OK) {
    snprintf(step->message, sizeof step->message, "%s",
             database_of(step)->message);
    return fail_waking(step, status);
  }
  if (chain->step == head->step && chain->branch == head->branch)
    return TORPOR_OK;
  snprintf(step->message, sizeof step->message,
           "the store has no state of step %" PRId64, head->step);
  return fail_waking(step, TORPOR_CORRUPT);
}

static void drop_program(struct torpor__worker_step *step) {
  torpor__program_free(&step->program);
  torpor_bytes_free(&step->upgrade);
  step->upgrade = (torpor_bytes){0};
}

/* Reads what the VM may ask of the store, which its thread must not. */
static torpor_status read_program(struct torpor__worker_step *step) {
  torpor_status status = torpor__program_load(&step->program, database_of(step),
                                              step->number, step->version);
  if (status == TORPOR_OK)
    status = torpor__upgrade_state_find(step->shared->store, step->number,
                                        step->version, &step->upgrade);
  return status;
}

/* Hands the step over to a thread of the pool. False when there is none to be
 * had, or what it would need cannot be read: then it is computed here. */
static bool offload(struct torpor__worker_step *step) {
  if (step->shared->threads == NULL) return false;
  if (read_program(step) == TORPOR_OK) {
    if (!was_begun(step)) report_start(step);
    step->offloaded = true;
    step->yielded = false;
    if (torpor__threads_start(step->shared->threads, &step->work)) return true;
    step->offloaded = false;
  }
  drop_program(step);
  return false;
}

/* Frees what the step was given, and puts the VM to sleep if it failed. */
static enum torpor__worker_step_end conclude(struct torpor__worker_step *step) {
  torpor__state_chain_free(&step->chain);
  drop_program(step);
  if (step->status == TORPOR_OK) return TORPOR__WORKER_STEP_DONE;
  torpor__worker_step_sleep(step);
  return TORPOR__WORKER_STEP_FAILED;
}

/* Computes it on this thread: for a slice, or however long it takes. */
static torpor_status compute_on_loop(struct torpor__worker_step *step,
                                     bool slice) {
  torpor_status status = TORPOR_OK;
  step->in_slice = slice;
  step->used_from_ms = 0;
  step->look_due_ms = torpor__clock_ms() + LOOK_MS;
  if (step->run_vm == NULL) {
    status = open_vm(step);
    if (status != TORPOR_OK) return fail_waking(step, status);
    if (was_begun(step))
      report_woken(step);
    else if (!step->reported)
      report(step, (torpor_event){.kind = TORPOR_EVENT_STARTED});
    step->reported = true;
  }
  return step_vm(step, slice ? SLICE_LATEST_MS : 0);
}

/* Begins again from the last commit: on a thread of the pool or, where there is
 * none, here with all the time that a step may take. */
static enum torpor__worker_step_end
compute_again(struct torpor__worker_step *step) {
  step->slow = true;
  torpor__worker_step_sleep(step);
  torpor__state_chain_free(&step->chain);
  step->status = read_chain(step);
  if (step->status == TORPOR_OK) {
    if (offload(step)) return TORPOR__WORKER_STEP_OFFLOADED;
    step->status = compute_on_loop(step, false);
  }
  return conclude(step);
}

static enum torpor__worker_step_end
begin_step(struct torpor__worker_step *step) {
  step->reported = false;
  step->budget_ms = BUDGET_MS;
  step->slice_is_used = step->deferred = false;
  atomic_store(&step->interrupted, false);
  step->status = read_chain(step);
  if (step->status != TORPOR_OK) return conclude(step);
  if ((step->slow || step->chain.stored > CHAIN_LARGE) && offload(step))
    return TORPOR__WORKER_STEP_OFFLOADED;
  step->status = compute_on_loop(step, step->shared->threads != NULL);
  bool late = step->status != TORPOR_OK &&
              (step->slice_is_used ||
               (step->run_vm != NULL && torpor__run_vm_is_late(step->run_vm)));
  if (!late || torpor_loop_stopping(step->shared->loop) ||
      torpor__worker_step_is_interrupted(step))
    return conclude(step);
  step->deferred = step->shared->defer_long;
  if (!step->deferred) return compute_again(step);
  step->slow = true;
  return conclude(step);
}

/* Takes the VM back from its thread; a step that ended for others goes to the
 * end of their queue. */
static enum torpor__worker_step_end
finish_offloaded(struct torpor__worker_step *step) {
  step->offloaded = false;
  if (step->status != TORPOR_OK && step->run_vm == NULL)
    fail_waking(step, step->status);
  if (was_begun(step)) report_woken(step);
  if (step->status == TORPOR_OK || !step->yielded ||
      torpor__worker_step_is_interrupted(step))
    return conclude(step);
  drop_program(step);
  step->budget_ms *= 2;
  return compute_again(step);
}

/* ---- For the run ---------------------------------------------------------*/

void torpor__worker_step_open(struct torpor__worker_step *step) {
  step->work.work = work;
  step->context.module = find_module;
  step->context.upgrade = find_upgrade;
  step->context.interrupt = must_end;
  step->context.seal = seal_state;
  step->context.policy = find_policy;
  step->context.user = step;
}

void torpor__worker_step_close(struct torpor__worker_step *step) {
  torpor__worker_step_abandon(step);
  torpor__worker_step_sleep(step);
}

enum torpor__worker_step_end
torpor__worker_step_run(struct torpor__worker_step *step,
                        struct torpor__step *described) {
  if (!step->offloaded) {
    step->deliveries =
        torpor__protocol_deliveries(step->protocol, &step->count);
    step->described = described;
    return begin_step(step);
  }
  if (!torpor__threads_done(step->shared->threads, &step->work))
    return TORPOR__WORKER_STEP_OFFLOADED;
  return finish_offloaded(step);
}

void torpor__worker_step_interrupt(struct torpor__worker_step *step) {
  atomic_store(&step->interrupted, true);
}

void torpor__worker_step_abandon(struct torpor__worker_step *step) {
  if (!step->offloaded) return;
  torpor__worker_step_interrupt(step);
  torpor__threads_wait(step->shared->threads, &step->work);
  step->offloaded = false;
  step->status = TORPOR_INTERRUPTED;
  conclude(step);
}

bool torpor__worker_step_is_interrupted(
    const struct torpor__worker_step *step) {
  return atomic_load(&step->interrupted);
}

void torpor__worker_step_sleep(struct torpor__worker_step *step) {
  assert(!step->offloaded);
  torpor__run_vm_close(step->run_vm);
  step->run_vm = NULL;
}
