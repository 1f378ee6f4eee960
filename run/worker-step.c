/* SPDX-License-Identifier: MIT */
/* worker-step.c - one step of a run being computed, here or on another thread.
 * See worker-step.h. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "worker-step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/array.h"
#include "upgrade-state.h"

enum {
  SLICE_MS = 20,         /* of a processor's time, on the loop's thread */
  SLICE_LATEST_MS = 100, /* the same by the clock, on a busy machine */
  ALLOWANCE_MS = 1000,   /* of the first try on another thread */
  LOOK_MS = 100          /* between two looks whether the run was killed */
};

/* Waking from more than this takes longer than a slice. */
#define CHAIN_LARGE ((size_t)4 << 20)

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint64_t now_ms(void) {
  return (uint64_t)(now_us() / 1e3);
}

/* What this thread has computed. */
static uint64_t used_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct torpor__database *
store_of(const struct torpor__worker_step *worker_step) {
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
  if (worker_step->away)
    return torpor__program_give(&worker_step->supplies, name, source);
  return torpor__program_find(store_of(worker_step), worker_step->number,
                              worker_step->version, name, source);
}

/* torpor__run_context.upgrade */
static torpor_status find_upgrade(void *user, torpor_bytes *out) {
  const struct torpor__worker_step *worker_step = user;
  if (!worker_step->away)
    return torpor__upgrade_state_find(worker_step->shared->store,
                                      worker_step->number, worker_step->version,
                                      out);
  *out = (torpor_bytes){0};
  if (worker_step->handed.size == 0) return TORPOR_OK;
  out->data =
      torpor__array_copy(worker_step->handed.data, worker_step->handed.size);
  out->size = worker_step->handed.size;
  return out->data != NULL ? TORPOR_OK : TORPOR_NOMEM;
}

/* torpor__run_context.seal */
static torpor_status seal_state(void *user, int64_t step, torpor_bytes *bytes) {
  const struct torpor__worker_step *worker_step = user;
  return torpor__state_chain_seal(
      worker_step->shared->store, worker_step->id,
      torpor__protocol_head(worker_step->protocol)->branch, step, bytes);
}

/* torpor__run_context.interrupt on another thread: the run was killed, the
 * worker stops, or others wait and it has had its share. */
static bool is_called_back(struct torpor__worker_step *worker_step) {
  if (atomic_load(&worker_step->unwanted)) return true;
  if (!torpor__threads_is_short(worker_step->shared->threads) ||
      now_ms() - worker_step->began_ms < worker_step->allowance_ms)
    return false;
  worker_step->yielded = true;
  return true;
}

/* The clock of a thread costs a system call: it is first looked at when a step
 * is not quite short. */
static bool has_had_slice(struct torpor__worker_step *worker_step) {
  uint64_t used = used_ms();
  if (worker_step->used_from_ms == 0) worker_step->used_from_ms = used + 1;
  return used + 1 - worker_step->used_from_ms >= SLICE_MS;
}

/* torpor__run_context.interrupt */
static bool is_given_up(void *user) {
  struct torpor__worker_step *worker_step = user;
  if (torpor_loop_stopping(worker_step->shared->loop)) return true;
  if (worker_step->away) return is_called_back(worker_step);
  uint64_t now = now_ms();
  worker_step->sliced = worker_step->may_slice && has_had_slice(worker_step);
  if (worker_step->sliced) return true;
  if (now < worker_step->look_due_ms)
    return atomic_load(&worker_step->unwanted);
  worker_step->look_due_ms = now + LOOK_MS;
  if (torpor__protocol_check_fence(worker_step->protocol) == TORPOR_FENCED)
    atomic_store(&worker_step->unwanted, true);
  return atomic_load(&worker_step->unwanted);
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
  double began = now_us();
  torpor_status status =
      torpor__run_vm_open(&worker_step->run_vm, &worker_step->context,
                          was_begun(worker_step) ? &worker_step->chain : NULL,
                          worker_step->message);
  worker_step->woke_us = now_us() - began;
  worker_step->woken = status == TORPOR_OK;
  return status;
}

static torpor_status step_vm(struct torpor__worker_step *worker_step,
                             uint64_t allowance_ms) {
  torpor_status status = torpor__run_vm_step(
      worker_step->run_vm,
      torpor__protocol_head(worker_step->protocol)->step + 1,
      worker_step->deliveries, worker_step->count, allowance_ms,
      worker_step->step);
  if (status != TORPOR_OK)
    snprintf(worker_step->message, sizeof worker_step->message, "%s",
             torpor__run_vm_error(worker_step->run_vm));
  return status;
}

/* torpor__work.work */
static void work(struct torpor__work *work) {
  struct torpor__worker_step *worker_step =
      (struct torpor__worker_step *)(void *)((char *)work -
                                             offsetof(
                                                 struct torpor__worker_step,
                                                 work));
  uint64_t used = used_ms();
  worker_step->began_ms = now_ms();
  worker_step->status =
      worker_step->run_vm == NULL ? open_vm(worker_step) : TORPOR_OK;
  if (worker_step->status == TORPOR_OK)
    worker_step->status = step_vm(worker_step, 0);
  worker_step->slow = used_ms() - used >= SLICE_MS;
}

/* ---- Before and after ----------------------------------------------------*/

static void tell_start(struct torpor__worker_step *worker_step) {
  if (worker_step->told || worker_step->run_vm != NULL) return;
  worker_step->told = true;
  report(worker_step, (torpor_event){.kind = TORPOR_EVENT_STARTED});
}

static void tell_woken(struct torpor__worker_step *worker_step) {
  if (worker_step->told || !worker_step->woken) return;
  worker_step->told = true;
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
             store_of(worker_step)->message);
    return fail_waking(worker_step, status);
  }
  if (chain->step == head->step && chain->branch == head->branch)
    return TORPOR_OK;
  snprintf(worker_step->message, sizeof worker_step->message,
           "the store has no state of step %" PRId64, head->step);
  return fail_waking(worker_step, TORPOR_CORRUPT);
}

static void drop_supplies(struct torpor__worker_step *worker_step) {
  torpor__program_free(&worker_step->supplies);
  torpor_bytes_free(&worker_step->handed);
  worker_step->handed = (torpor_bytes){0};
}

/* What a VM may ask for that is in the store. */
static torpor_status read_supplies(struct torpor__worker_step *worker_step) {
  torpor_status status =
      torpor__program_load(&worker_step->supplies, store_of(worker_step),
                           worker_step->number, worker_step->version);
  if (status == TORPOR_OK)
    status = torpor__upgrade_state_find(
        worker_step->shared->store, worker_step->number, worker_step->version,
        &worker_step->handed);
  return status;
}

/* Hands the step over to another thread. False when there is none to be had,
 * or what it would need cannot be read: then it is done here. */
static bool send_away(struct torpor__worker_step *worker_step) {
  if (worker_step->shared->threads == NULL) return false;
  if (read_supplies(worker_step) == TORPOR_OK) {
    if (!was_begun(worker_step)) tell_start(worker_step);
    worker_step->away = true;
    worker_step->yielded = false;
    if (torpor__threads_start(worker_step->shared->threads, &worker_step->work))
      return true;
    worker_step->away = false;
  }
  drop_supplies(worker_step);
  return false;
}

static enum torpor__worker_step_end
conclude(struct torpor__worker_step *worker_step) {
  torpor__state_chain_free(&worker_step->chain);
  drop_supplies(worker_step);
  if (worker_step->status == TORPOR_OK) return TORPOR__WORKER_STEP_DONE;
  torpor__worker_step_sleep(worker_step);
  return TORPOR__WORKER_STEP_FAILED;
}

/* Computes it on this thread: in a slice, or however long it takes. */
static torpor_status compute_here(struct torpor__worker_step *worker_step,
                                  bool slice) {
  torpor_status status = TORPOR_OK;
  worker_step->may_slice = slice;
  worker_step->used_from_ms = 0;
  worker_step->look_due_ms = now_ms() + LOOK_MS;
  if (worker_step->run_vm == NULL) {
    status = open_vm(worker_step);
    if (status != TORPOR_OK) return fail_waking(worker_step, status);
    if (was_begun(worker_step))
      tell_woken(worker_step);
    else if (!worker_step->told)
      report(worker_step, (torpor_event){.kind = TORPOR_EVENT_STARTED});
    worker_step->told = true;
  }
  return step_vm(worker_step, slice ? SLICE_LATEST_MS : 0);
}

/* From the last commit again, on another thread or, where there is none, here
 * with all the time that a step may take. */
static enum torpor__worker_step_end
compute_again(struct torpor__worker_step *worker_step) {
  worker_step->slow = true;
  torpor__worker_step_sleep(worker_step);
  torpor__state_chain_free(&worker_step->chain);
  worker_step->status = read_chain(worker_step);
  if (worker_step->status == TORPOR_OK) {
    if (send_away(worker_step)) return TORPOR__WORKER_STEP_AWAY;
    worker_step->status = compute_here(worker_step, false);
  }
  return conclude(worker_step);
}

static enum torpor__worker_step_end
begin_step(struct torpor__worker_step *worker_step) {
  worker_step->told = false;
  worker_step->allowance_ms = ALLOWANCE_MS;
  worker_step->sliced = worker_step->put_off = false;
  atomic_store(&worker_step->unwanted, false);
  worker_step->status = read_chain(worker_step);
  if (worker_step->status != TORPOR_OK) return conclude(worker_step);
  if ((worker_step->slow || worker_step->chain.stored > CHAIN_LARGE) &&
      send_away(worker_step))
    return TORPOR__WORKER_STEP_AWAY;
  worker_step->status =
      compute_here(worker_step, worker_step->shared->threads != NULL);
  bool late =
      worker_step->status != TORPOR_OK && worker_step->run_vm != NULL &&
      (worker_step->sliced || torpor__run_vm_is_late(worker_step->run_vm));
  if (!late || torpor_loop_stopping(worker_step->shared->loop) ||
      torpor__worker_step_is_unwanted(worker_step))
    return conclude(worker_step);
  worker_step->put_off = worker_step->shared->defer_long;
  if (!worker_step->put_off) return compute_again(worker_step);
  worker_step->slow = true;
  return conclude(worker_step);
}

static enum torpor__worker_step_end
come_back(struct torpor__worker_step *worker_step) {
  worker_step->away = false;
  if (worker_step->status != TORPOR_OK && worker_step->run_vm == NULL)
    fail_waking(worker_step, worker_step->status);
  if (was_begun(worker_step)) tell_woken(worker_step);
  if (worker_step->status == TORPOR_OK || !worker_step->yielded ||
      torpor__worker_step_is_unwanted(worker_step))
    return conclude(worker_step);
  drop_supplies(worker_step);
  worker_step->allowance_ms *= 2;
  return compute_again(worker_step);
}

/* ---- For the holder ------------------------------------------------------*/

void torpor__worker_step_open(struct torpor__worker_step *worker_step) {
  worker_step->work.work = work;
  worker_step->context.module = find_module;
  worker_step->context.upgrade = find_upgrade;
  worker_step->context.interrupt = is_given_up;
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
  if (!worker_step->away) {
    worker_step->deliveries =
        torpor__protocol_deliveries(worker_step->protocol, &worker_step->count);
    worker_step->step = step;
    return begin_step(worker_step);
  }
  if (!torpor__threads_done(worker_step->shared->threads, &worker_step->work))
    return TORPOR__WORKER_STEP_AWAY;
  return come_back(worker_step);
}

void torpor__worker_step_stop(struct torpor__worker_step *worker_step) {
  atomic_store(&worker_step->unwanted, true);
}

void torpor__worker_step_abandon(struct torpor__worker_step *worker_step) {
  if (!worker_step->away) return;
  torpor__worker_step_stop(worker_step);
  torpor__threads_wait(worker_step->shared->threads, &worker_step->work);
  worker_step->away = false;
  worker_step->status = TORPOR_INTERRUPTED;
  conclude(worker_step);
}

bool torpor__worker_step_is_unwanted(
    const struct torpor__worker_step *worker_step) {
  return atomic_load(&worker_step->unwanted);
}

void torpor__worker_step_sleep(struct torpor__worker_step *worker_step) {
  torpor__run_vm_close(worker_step->run_vm);
  worker_step->run_vm = NULL;
}
