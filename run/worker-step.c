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

#include "array.h"
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

static struct torpor__store *store_of(const struct torpor__stint *stint) {
  return stint->by->store->store;
}

static void tell(const struct torpor__stint *stint, torpor_event event) {
  if (stint->by->event == NULL) return;
  event.run = stint->id;
  stint->by->event(stint->by->user, &event);
}

/* ---- What a VM asks of its run -------------------------------------------*/

/* torpor__brief.module */
static torpor_status find_module(void *user, const char *name,
                                 torpor_bytes *source) {
  const struct torpor__stint *stint = user;
  if (stint->away) return torpor__program_give(&stint->supplies, name, source);
  return torpor__program_find(store_of(stint), stint->number, stint->edition,
                              name, source);
}

/* torpor__brief.upgrade */
static torpor_status find_upgrade(void *user, torpor_bytes *out) {
  const struct torpor__stint *stint = user;
  if (!stint->away)
    return torpor__handover_find(stint->by->store, stint->number,
                                 stint->edition, out);
  *out = (torpor_bytes){0};
  if (stint->handed.size == 0) return TORPOR_OK;
  out->data = torpor__array_copy(stint->handed.data, stint->handed.size);
  out->size = stint->handed.size;
  return out->data != NULL ? TORPOR_OK : TORPOR_NOMEM;
}

/* torpor__brief.seal */
static torpor_status seal_state(void *user, int64_t step, torpor_bytes *bytes) {
  const struct torpor__stint *stint = user;
  return torpor__chain_seal(stint->by->store, stint->id,
                            torpor__protocol_head(stint->protocol)->branch,
                            step, bytes);
}

/* torpor__brief.interrupt on another thread: the run was killed, the worker
 * stops, or others wait and it has had its share. */
static bool is_called_back(struct torpor__stint *stint) {
  if (atomic_load(&stint->unwanted)) return true;
  if (!torpor__crew_is_short(stint->by->crew) ||
      now_ms() - stint->began_ms < stint->allowance_ms)
    return false;
  stint->yielded = true;
  return true;
}

/* The clock of a thread costs a system call: it is first looked at when a step
 * is not quite short. */
static bool has_had_slice(struct torpor__stint *stint) {
  uint64_t used = used_ms();
  if (stint->used_from_ms == 0) stint->used_from_ms = used + 1;
  return used + 1 - stint->used_from_ms >= SLICE_MS;
}

/* torpor__brief.interrupt */
static bool is_given_up(void *user) {
  struct torpor__stint *stint = user;
  if (torpor_loop_stopping(stint->by->loop)) return true;
  if (stint->away) return is_called_back(stint);
  uint64_t now = now_ms();
  stint->sliced = stint->may_slice && has_had_slice(stint);
  if (stint->sliced) return true;
  if (now < stint->look_due_ms) return atomic_load(&stint->unwanted);
  stint->look_due_ms = now + LOOK_MS;
  if (torpor__protocol_check(stint->protocol) == TORPOR_FENCED)
    atomic_store(&stint->unwanted, true);
  return atomic_load(&stint->unwanted);
}

static enum torpor__policy find_policy(void *user, const char *kind) {
  const struct torpor__stint *stint = user;
  if (strcmp(kind, "signal") == 0) return TORPOR__POLICY_REATTACH;
  const torpor_driver *driver = torpor_loop_driver(stint->by->loop, kind);
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

static bool was_begun(const struct torpor__stint *stint) {
  const struct torpor__head *head = torpor__protocol_head(stint->protocol);
  return head->step > head->start;
}

static torpor_status open_vm(struct torpor__stint *stint) {
  double began = now_us();
  torpor_status status = torpor__awake_open(
      &stint->awake, &stint->brief, was_begun(stint) ? &stint->chain : NULL,
      stint->message);
  stint->woke_us = now_us() - began;
  stint->woken = status == TORPOR_OK;
  return status;
}

static torpor_status step_vm(struct torpor__stint *stint,
                             uint64_t allowance_ms) {
  torpor_status status = torpor__awake_step(
      stint->awake, torpor__protocol_head(stint->protocol)->step + 1,
      stint->deliveries, stint->count, allowance_ms, stint->step);
  if (status != TORPOR_OK)
    snprintf(stint->message, sizeof stint->message, "%s",
             torpor__awake_error(stint->awake));
  return status;
}

/* torpor__errand.work */
static void work(struct torpor__errand *errand) {
  struct torpor__stint *stint =
      (struct torpor__stint *)(void *)((char *)errand -
                                       offsetof(struct torpor__stint, errand));
  uint64_t used = used_ms();
  stint->began_ms = now_ms();
  stint->status = stint->awake == NULL ? open_vm(stint) : TORPOR_OK;
  if (stint->status == TORPOR_OK) stint->status = step_vm(stint, 0);
  stint->slow = used_ms() - used >= SLICE_MS;
}

/* ---- Before and after ----------------------------------------------------*/

static void tell_start(struct torpor__stint *stint) {
  if (stint->told || stint->awake != NULL) return;
  stint->told = true;
  tell(stint, (torpor_event){.kind = TORPOR_EVENT_STARTED});
}

static void tell_woken(struct torpor__stint *stint) {
  if (stint->told || !stint->woken) return;
  stint->told = true;
  tell(stint,
       (torpor_event){.kind = TORPOR_EVENT_WOKEN,
                      .step = torpor__protocol_head(stint->protocol)->step,
                      .us = stint->woke_us,
                      .size = stint->chain.stored,
                      .operations = torpor__protocol_waiting(stint->protocol)});
}

static torpor_status fail_waking(struct torpor__stint *stint,
                                 torpor_status status) {
  char why[TORPOR__STORE_MESSAGE_MAX];
  if (!was_begun(stint)) return status;
  memcpy(why, stint->message, sizeof why);
  snprintf(stint->message, sizeof stint->message, "waking the run: %.480s",
           why);
  return status;
}

/* Reads what the VM is woken from, if it is asleep. */
static torpor_status read_chain(struct torpor__stint *stint) {
  const struct torpor__head *head = torpor__protocol_head(stint->protocol);
  struct torpor__chain *chain = &stint->chain;
  stint->woken = false;
  if (stint->awake != NULL || !was_begun(stint)) return TORPOR_OK;
  torpor_status status = torpor__chain_read(
      chain, stint->by->store, stint->number, stint->id, INT64_MAX);
  if (status != TORPOR_OK) {
    snprintf(stint->message, sizeof stint->message, "%s",
             store_of(stint)->message);
    return fail_waking(stint, status);
  }
  if (chain->step == head->step && chain->branch == head->branch)
    return TORPOR_OK;
  snprintf(stint->message, sizeof stint->message,
           "the store has no state of step %" PRId64, head->step);
  return fail_waking(stint, TORPOR_CORRUPT);
}

static void drop_supplies(struct torpor__stint *stint) {
  torpor__program_free(&stint->supplies);
  torpor_bytes_free(&stint->handed);
  stint->handed = (torpor_bytes){0};
}

/* What a VM may ask for that is in the store. */
static torpor_status read_supplies(struct torpor__stint *stint) {
  torpor_status status = torpor__program_load(&stint->supplies, store_of(stint),
                                              stint->number, stint->edition);
  if (status == TORPOR_OK)
    status = torpor__handover_find(stint->by->store, stint->number,
                                   stint->edition, &stint->handed);
  return status;
}

/* Hands the step over to another thread. False when there is none to be had,
 * or what it would need cannot be read: then it is done here. */
static bool send_away(struct torpor__stint *stint) {
  if (stint->by->crew == NULL) return false;
  if (read_supplies(stint) == TORPOR_OK) {
    if (!was_begun(stint)) tell_start(stint);
    stint->away = true;
    stint->yielded = false;
    if (torpor__crew_start(stint->by->crew, &stint->errand)) return true;
    stint->away = false;
  }
  drop_supplies(stint);
  return false;
}

static enum torpor__stint_end conclude(struct torpor__stint *stint) {
  torpor__chain_free(&stint->chain);
  drop_supplies(stint);
  if (stint->status == TORPOR_OK) return TORPOR__STINT_DONE;
  torpor__stint_sleep(stint);
  return TORPOR__STINT_FAILED;
}

/* Computes it on this thread: in a slice, or however long it takes. */
static torpor_status compute_here(struct torpor__stint *stint, bool slice) {
  torpor_status status = TORPOR_OK;
  stint->may_slice = slice;
  stint->used_from_ms = 0;
  stint->look_due_ms = now_ms() + LOOK_MS;
  if (stint->awake == NULL) {
    status = open_vm(stint);
    if (status != TORPOR_OK) return fail_waking(stint, status);
    if (was_begun(stint))
      tell_woken(stint);
    else if (!stint->told)
      tell(stint, (torpor_event){.kind = TORPOR_EVENT_STARTED});
    stint->told = true;
  }
  return step_vm(stint, slice ? SLICE_LATEST_MS : 0);
}

/* From the last commit again, on another thread or, where there is none, here
 * with all the time that a step may take. */
static enum torpor__stint_end compute_again(struct torpor__stint *stint) {
  stint->slow = true;
  torpor__stint_sleep(stint);
  torpor__chain_free(&stint->chain);
  stint->status = read_chain(stint);
  if (stint->status == TORPOR_OK) {
    if (send_away(stint)) return TORPOR__STINT_AWAY;
    stint->status = compute_here(stint, false);
  }
  return conclude(stint);
}

static enum torpor__stint_end begin(struct torpor__stint *stint) {
  stint->told = false;
  stint->allowance_ms = ALLOWANCE_MS;
  stint->sliced = stint->put_off = false;
  atomic_store(&stint->unwanted, false);
  stint->status = read_chain(stint);
  if (stint->status != TORPOR_OK) return conclude(stint);
  if ((stint->slow || stint->chain.stored > CHAIN_LARGE) && send_away(stint))
    return TORPOR__STINT_AWAY;
  stint->status = compute_here(stint, stint->by->crew != NULL);
  bool late = stint->status != TORPOR_OK && stint->awake != NULL &&
              (stint->sliced || torpor__awake_is_late(stint->awake));
  if (!late || torpor_loop_stopping(stint->by->loop) ||
      torpor__stint_is_unwanted(stint))
    return conclude(stint);
  stint->put_off = stint->by->short_only;
  if (!stint->put_off) return compute_again(stint);
  stint->slow = true;
  return conclude(stint);
}

static enum torpor__stint_end come_back(struct torpor__stint *stint) {
  stint->away = false;
  if (stint->status != TORPOR_OK && stint->awake == NULL)
    fail_waking(stint, stint->status);
  if (was_begun(stint)) tell_woken(stint);
  if (stint->status == TORPOR_OK || !stint->yielded ||
      torpor__stint_is_unwanted(stint))
    return conclude(stint);
  drop_supplies(stint);
  stint->allowance_ms *= 2;
  return compute_again(stint);
}

/* ---- For the holder ------------------------------------------------------*/

void torpor__stint_open(struct torpor__stint *stint) {
  stint->errand.work = work;
  stint->brief.module = find_module;
  stint->brief.upgrade = find_upgrade;
  stint->brief.interrupt = is_given_up;
  stint->brief.seal = seal_state;
  stint->brief.policy = find_policy;
  stint->brief.user = stint;
}

void torpor__stint_close(struct torpor__stint *stint) {
  torpor__stint_abandon(stint);
  torpor__stint_sleep(stint);
}

enum torpor__stint_end torpor__stint_run(struct torpor__stint *stint,
                                         struct torpor__step *step) {
  if (!stint->away) {
    stint->deliveries =
        torpor__protocol_deliveries(stint->protocol, &stint->count);
    stint->step = step;
    return begin(stint);
  }
  if (!torpor__crew_done(stint->by->crew, &stint->errand))
    return TORPOR__STINT_AWAY;
  return come_back(stint);
}

void torpor__stint_stop(struct torpor__stint *stint) {
  atomic_store(&stint->unwanted, true);
}

void torpor__stint_abandon(struct torpor__stint *stint) {
  if (!stint->away) return;
  torpor__stint_stop(stint);
  torpor__crew_wait(stint->by->crew, &stint->errand);
  stint->away = false;
  stint->status = TORPOR_INTERRUPTED;
  conclude(stint);
}

bool torpor__stint_is_unwanted(const struct torpor__stint *stint) {
  return atomic_load(&stint->unwanted);
}

void torpor__stint_sleep(struct torpor__stint *stint) {
  torpor__awake_close(stint->awake);
  stint->awake = NULL;
}
