/* SPDX-License-Identifier: MIT */
/* protocol.c - the rules by which a run lives. See protocol.h for the states,
 * the arrows and the numbered invariants.
 *
 * A flush has three parts, and the wall between them is the whole point:
 *
 *   write    inside the transaction: may fail, may be repeated, changes
 *            nothing here but what 'undo_flush' puts back
 *   commit   the store's
 *   finish   after it: cannot fail; what is here becomes what the store says,
 *            then drivers are told and lines are shown
 *
 * Nothing in 'finish' allocates: 'stage' has made room for what it adds. The
 * phase changes in one place, which asserts that protocol.h has that arrow.
 *
 * Savepoints, which let one run fail alone, cost SQLite a copy of each page
 * that they touch. So a transaction is written without them; only when a run
 * fails is it rolled back, and written again with one for each.
 *
 * Runs on the worker's thread. */
#include "run/protocol/protocol-state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "run/fault.h"
#include "run/input-check.h"
#include "run/protocol/protocol-check.h"

/* ---- opening and closing ------------------------------------------------ */

static torpor_status copy_run(void *data, int64_t run,
                              const struct torpor__run *row,
                              const struct torpor__head *head) {
  struct torpor__protocol *p = data;
  (void)run;
  (void)head;
  snprintf(p->id, sizeof p->id, "%s", row->id);
  p->keep = row->keep;
  p->keep_lines = row->keep_lines;
  return TORPOR_OK;
}

static torpor_status open_locked(struct torpor__protocol **protocol,
                                 struct torpor__database *database, int64_t run,
                                 const struct torpor__drivers *drivers,
                                 int64_t attempts_max) {
  assert(attempts_max >= 1);
  struct torpor__protocol *p = calloc(1, sizeof *p);
  if (p == NULL) return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  p->database = database;
  p->run = run;
  p->drivers = drivers;
  p->attempts_max = attempts_max;
  torpor_status status = database->calls->run_get(database, run, copy_run, p);
  if (status == TORPOR_OK)
    *protocol = p;
  else
    free(p);
  return status;
}

torpor_status torpor__protocol_open(struct torpor__protocol **protocol,
                                    struct torpor__database *database,
                                    int64_t run,
                                    const struct torpor__drivers *drivers,
                                    int64_t attempts_max) {
  *protocol = NULL;
  TORPOR__FAULT(CLAIM_BEFORE);
  torpor_status status = database->calls->lock(database, run);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(CLAIM_LOCKED);
  status = open_locked(protocol, database, run, drivers, attempts_max);
  if (status != TORPOR_OK) database->calls->unlock(database, run);
  return status;
}

torpor_status torpor__protocol_adopt(struct torpor__protocol **protocol,
                                     struct torpor__database *database,
                                     int64_t run,
                                     const struct torpor__drivers *drivers,
                                     int64_t attempts_max, bool suspect) {
  *protocol = NULL;
  torpor_status status =
      open_locked(protocol, database, run, drivers, attempts_max);
  if (status != TORPOR_OK) return status;
  (*protocol)->counted = true;
  (*protocol)->suspect = suspect;
  return TORPOR_OK;
}

static void free_topics(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->topic_count; i++) free(p->topics[i]);
  free(p->topics);
  p->topics = NULL;
  p->topic_count = 0;
}

/* The newest first: who keeps operations in their order has the last of them to
 * take out then, and moves none of the others. */
static void stop_all(struct torpor__protocol *p) {
  for (size_t i = p->results.waiting_count; i-- > 0;)
    p->drivers->stop(p->drivers->data, p->results.waiting[i].branch,
                     p->results.waiting[i].id);
}

/* The only place where the phase changes. */
static void set_phase(struct torpor__protocol *p, enum torpor__phase phase) {
  torpor__protocol_check_arrow(p->phase, phase);
  p->phase = phase;
}

/* Forgets the run, which has ended or is another worker's, and stops its
 * drivers. */
static void leave(struct torpor__protocol *p, enum torpor__phase phase) {
  stop_all(p);
  free_topics(p);
  torpor__protocol_forget_woken(p);
  p->step = NULL;
  torpor__results_clear(&p->results);
  torpor__signals_clear(&p->signals);
  p->delivery_count = 0;
  set_phase(p, phase);
}

void torpor__protocol_close(struct torpor__protocol *p) {
  if (p == NULL) return;
  stop_all(p);
  TORPOR__FAULT(RELEASE);
  p->database->calls->unlock(p->database, p->run);
  free_topics(p);
  torpor__protocol_forget_woken(p);
  torpor__results_clear(&p->results);
  torpor__signals_clear(&p->signals);
  free(p->deliveries);
  free(p);
}

/* ---- what came in ------------------------------------------------------- */

/* Takes an error instead of a result that must be durable and is too large for
 * a row. */
static torpor_status receive_too_large(struct torpor__protocol *p,
                                       const struct torpor__result *result) {
  char message[96];
  torpor_bytes error;
  snprintf(message, sizeof message,
           "the result has %zu bytes; one that is kept has at most %zu MiB",
           result->value.size, TORPOR__RESULT_LARGEST >> 20);
  torpor_status status =
      torpor_cbor_error("RangeError", message, "LIMIT", &error);
  if (status != TORPOR_OK) return status;
  struct torpor__result instead = *result;
  instead.outcome = TORPOR__OUTCOME_REJECTED;
  instead.value = (torpor_slice){.data = error.data, .size = error.size};
  status = torpor__results_receive(&p->results, &instead);
  torpor_bytes_free(&error);
  return status;
}

torpor_status torpor__protocol_receive(struct torpor__protocol *p,
                                       int64_t branch, uint64_t operation,
                                       enum torpor__outcome outcome,
                                       torpor_slice value) {
  const struct torpor__result result = {.branch = branch,
                                        .operation = operation,
                                        .outcome = outcome,
                                        .value = value};
  const struct torpor__waiting *waiting =
      torpor__results_find(&p->results, branch, operation);
  bool durable = waiting != NULL && waiting->policy == TORPOR__POLICY_REJECT;
  torpor_status status = durable && value.size > TORPOR__RESULT_LARGEST
                             ? receive_too_large(p, &result)
                             : torpor__results_receive(&p->results, &result);
  torpor__protocol_check_results(p);
  return status;
}

torpor_status torpor__protocol_refresh(struct torpor__protocol *p,
                                       int64_t news) {
  if (news != 0) p->heard = news;
  if (p->phase != TORPOR__PHASE_IDLE) {
    p->stale = true;
    return TORPOR_OK;
  }
  struct torpor__head head;
  torpor_status status = torpor__protocol_read_head(p, &head);
  if (status == TORPOR_FENCED) leave(p, TORPOR__PHASE_LOST);
  if (status == TORPOR_OK) {
    p->head.cancel = head.cancel;
    status = torpor__protocol_read_arrivals(p);
  }
  if (torpor__protocol_is_own_fault(status)) {
    p->unusable = true;
    snprintf(p->reason, sizeof p->reason, "%.255s", p->database->message);
    return TORPOR_OK;
  }
  if (status == TORPOR_OK) p->stale = false;
  if (status == TORPOR_OK) p->noted = p->heard;
  torpor__protocol_check(p);
  return status;
}

torpor_status torpor__protocol_check_fence(struct torpor__protocol *p) {
  struct torpor__head head;
  torpor_status status = torpor__protocol_read_head(p, &head);
  if (status == TORPOR_FENCED) p->stale = true; /* 'prepare' finds out */
  return status;
}

/* ---- choosing what to deliver ------------------------------------------- */

static bool is_cancelled(const struct torpor__protocol *p,
                         const struct torpor__waiting *waiting) {
  return waiting->begun_step < p->head.cancel;
}

static bool can_cancel(const struct torpor__protocol *p) {
  for (size_t i = 0; p->head.cancel != 0 && i < p->results.waiting_count; i++)
    if (is_cancelled(p, &p->results.waiting[i])) return true;
  return false;
}

bool torpor__protocol_ready(const struct torpor__protocol *p) {
  if (p->phase != TORPOR__PHASE_IDLE || p->unusable) return false;
  return p->head.step == p->head.start || p->head.runnable || p->stale ||
         can_cancel(p) || torpor__protocol_has_arrivals(p);
}

/* Delivers 'delivery' to 'waiting' next. There is room: 'prepare' has reserved
 * one for each operation. */
static void choose(struct torpor__protocol *p, struct torpor__waiting *waiting,
                   struct torpor__delivery delivery) {
  assert(p->delivery_count < p->delivery_capacity && !waiting->chosen);
  delivery.branch = waiting->branch;
  delivery.operation = waiting->id;
  p->deliveries[p->delivery_count++] = delivery;
  waiting->chosen = true;
}

static void choose_results(struct torpor__protocol *p, bool recorded) {
  for (size_t i = 0; i < p->results.arrival_count; i++) {
    struct torpor__arrival *arrival = &p->results.arrivals[i];
    struct torpor__waiting *waiting =
        torpor__results_find(&p->results, arrival->branch, arrival->operation);
    if (waiting->recorded != recorded || waiting->chosen) continue;
    arrival->chosen = true;
    choose(p, waiting,
           (struct torpor__delivery){
               .outcome = arrival->outcome,
               .value = {.data = arrival->value, .size = arrival->size}});
  }
}

static void choose_signals(struct torpor__protocol *p) {
  for (size_t i = 0; p->signals.count > 0 && i < p->results.waiting_count;
       i++) {
    struct torpor__waiting *waiting = &p->results.waiting[i];
    if (waiting->topic == NULL || waiting->chosen) continue;
    const struct torpor__message *message =
        torpor__signals_match(&p->signals, waiting->topic);
    if (message == NULL) continue;
    choose(p, waiting,
           (struct torpor__delivery){
               .outcome = TORPOR__OUTCOME_FULFILLED,
               .value = {.data = message->value, .size = message->size},
               .signal = message->sequence});
  }
}

static void choose_cancelled(struct torpor__protocol *p) {
  if (!p->head.cancel || TORPOR__BROKEN(CANCEL_FORGOTTEN)) return;
  for (size_t i = 0; i < p->results.waiting_count; i++)
    if (!p->results.waiting[i].chosen &&
        is_cancelled(p, &p->results.waiting[i]))
      choose(p, &p->results.waiting[i],
             (struct torpor__delivery){.outcome = TORPOR__OUTCOME_CANCELLED});
}

/* With a break switch on: delivers in another order, or twice. */
static void choose_badly(struct torpor__protocol *p) {
  size_t count = p->delivery_count;
  if (TORPOR__BROKEN(RESULTS_UNORDERED))
    for (size_t i = 0; i < count / 2; i++) {
      struct torpor__delivery swapped = p->deliveries[i];
      p->deliveries[i] = p->deliveries[count - 1 - i];
      p->deliveries[count - 1 - i] = swapped;
    }
  if (TORPOR__BROKEN(DELIVER_TWICE) && count > 0 &&
      count < p->delivery_capacity)
    p->deliveries[p->delivery_count++] = p->deliveries[0];
}

/* Takes all choices back; messages are free again. */
static void unchoose(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->results.waiting_count; i++)
    p->results.waiting[i].chosen = false;
  for (size_t i = 0; i < p->results.arrival_count; i++)
    p->results.arrivals[i].chosen = false;
  torpor__signals_give_back(&p->signals);
  p->delivery_count = 0;
}

static bool must_write_results(const struct torpor__protocol *p) {
  for (size_t i = 0; i < p->results.arrival_count; i++)
    if (p->results.arrivals[i].durable && p->results.arrivals[i].sequence == 0)
      return true;
  return false;
}

static void enter_stepping(struct torpor__protocol *p) {
  set_phase(p, TORPOR__PHASE_STEPPING);
  p->counted = false;
  TORPOR__FAULT(DELIVERY);
}

torpor_status torpor__protocol_prepare(struct torpor__protocol *p) {
  if (p->stale) {
    torpor_status status = torpor__protocol_refresh(p, 0);
    if (status != TORPOR_OK) return status;
  }
  if (!torpor__protocol_ready(p)) return TORPOR_OK;
  if (!torpor__array_reserve(&p->deliveries, &p->delivery_capacity,
                             p->results.waiting_count + 1,
                             sizeof *p->deliveries))
    return torpor__database_fail(p->database, TORPOR_NOMEM, NULL);
  torpor__results_sort(&p->results);
  choose_results(p, true);
  choose_signals(p);
  choose_results(p, false);
  choose_cancelled(p);
  choose_badly(p);
  p->returning = p->forgetting = false;
  if ((p->counted || TORPOR__BROKEN(NO_ATTEMPTS)) && !must_write_results(p))
    enter_stepping(p);
  else
    set_phase(p, TORPOR__PHASE_COUNTING);
  torpor__protocol_check(p);
  return TORPOR_OK;
}

struct torpor__delivery *torpor__protocol_deliveries(struct torpor__protocol *p,
                                                     size_t *count) {
  *count = p->phase == TORPOR__PHASE_STEPPING ? p->delivery_count : 0;
  return p->deliveries;
}

/* ---- taking a step over ------------------------------------------------- */

static void unmark_leaving(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->results.waiting_count; i++)
    p->results.waiting[i].leaving = false;
}

static torpor_status misuse(struct torpor__protocol *p, const char *what,
                            uint64_t id) {
  unmark_leaving(p);
  return torpor__database_fail(p->database, TORPOR_MISUSE,
                               "operation %" PRIu64 " %s", id, what);
}

/* Marks operations that the VM did not know when something was delivered to
 * them: nothing waits for these, so their rows go, whatever made them. */
static void mark_unknown(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->delivery_count; i++) {
    const struct torpor__delivery *delivery = &p->deliveries[i];
    if (delivery->accepted || delivery->undelivered) continue;
    torpor__results_find(&p->results, delivery->branch, delivery->operation)
        ->leaving = true;
  }
}

/* Marks what the step has settled or cancelled. */
static torpor_status mark_leaving(struct torpor__protocol *p,
                                  const struct torpor__step *step) {
  for (size_t i = 0; i < p->delivery_count; i++) {
    if (!p->deliveries[i].accepted) continue;
    torpor__results_find(&p->results, p->deliveries[i].branch,
                         p->deliveries[i].operation)
        ->leaving = true;
  }
  for (size_t i = 0; i < step->cancelled_count; i++) {
    uint64_t id = step->cancelled[i];
    struct torpor__waiting *waiting =
        torpor__results_find_id(&p->results, p->head.branch, id);
    if (waiting == NULL) return misuse(p, "was cancelled, but is unknown", id);
    if (waiting->leaving) return misuse(p, "was settled and cancelled", id);
    waiting->leaving = true;
  }
  mark_unknown(p);
  return TORPOR_OK;
}

static torpor_status check_begun(struct torpor__protocol *p,
                                 const struct torpor__step *step) {
  uint64_t last = 0;
  const struct torpor__results *results = &p->results;
  if (results->waiting_count > 0 &&
      results->waiting[results->waiting_count - 1].branch == p->head.branch)
    last = results->waiting[results->waiting_count - 1].id;
  for (size_t i = 0; i < step->begun_count; i++) {
    const struct torpor__operation *begun = &step->begun[i];
    if (begun->id <= last) return misuse(p, "was begun twice", begun->id);
    if (begun->id > INT64_MAX)
      return misuse(p, "has a number that no honest VM gives", begun->id);
    if (begun->topic != NULL && strlen(begun->topic) > TORPOR__TOPIC_MAX)
      return misuse(p, "waits for a signal whose name is too long", begun->id);
    last = begun->id;
  }
  size_t staying = 0;
  for (size_t i = 0; i < results->waiting_count; i++)
    if (!results->waiting[i].leaving) staying++;
  if (staying + step->begun_count <= TORPOR__OPERATIONS_MAX) return TORPOR_OK;
  unmark_leaving(p);
  return torpor__database_fail(p->database, TORPOR_LIMIT,
                               "a run waits for at most %d operations",
                               TORPOR__OPERATIONS_MAX);
}

static bool copy_topics(struct torpor__protocol *p,
                        const struct torpor__step *step) {
  p->topics = calloc(step->begun_count + 1, sizeof *p->topics);
  if (p->topics == NULL) return false;
  p->topic_count = step->begun_count;
  for (size_t i = 0; i < step->begun_count; i++) {
    const char *topic = step->begun[i].topic;
    if (topic == NULL) continue;
    p->topics[i] = torpor__array_copy(topic, strlen(topic) + 1);
    if (p->topics[i] == NULL) return false;
  }
  return true;
}

static bool is_deadlocked(const struct torpor__protocol *p,
                          const struct torpor__step *step) {
  if (step->status != TORPOR__RUN_ACTIVE || step->runnable ||
      step->begun_count > 0)
    return false;
  for (size_t i = 0; i < p->results.waiting_count; i++)
    if (!p->results.waiting[i].leaving) return false;
  return true;
}

torpor_status torpor__protocol_stage(struct torpor__protocol *p,
                                     struct torpor__step *step) {
  assert(p->phase == TORPOR__PHASE_STEPPING);
  TORPOR__FAULT(STEP_RUN);
  torpor_status status = mark_leaving(p, step);
  if (status == TORPOR_OK) status = check_begun(p, step);
  if (status != TORPOR_OK) return status;
  p->step = step;
  status = torpor__results_reserve(&p->results, step->begun_count);
  if (status != TORPOR_OK || !copy_topics(p, step)) {
    free_topics(p);
    p->step = NULL;
    unmark_leaving(p);
    return torpor__database_fail(p->database, TORPOR_NOMEM, NULL);
  }
  if (is_deadlocked(p, step)) {
    step->status = TORPOR__RUN_DEADLOCKED;
    if (step->exit.reason == NULL || step->exit.reason[0] == '\0')
      step->exit.reason =
          "the program waits, but nothing is left that could wake it";
  }
  set_phase(p, TORPOR__PHASE_STAGED);
  torpor__protocol_check(p);
  return TORPOR_OK;
}

void torpor__protocol_abandon(struct torpor__protocol *p, const char *reason) {
  assert(p->phase == TORPOR__PHASE_STEPPING ||
         p->phase == TORPOR__PHASE_STAGED);
  free_topics(p);
  p->step = NULL;
  unmark_leaving(p);
  unchoose(p);
  snprintf(p->reason, sizeof p->reason, "%s", reason);
  set_phase(p, TORPOR__PHASE_IDLE);
  torpor__protocol_check(p);
}

void torpor__protocol_keep_attempt(struct torpor__protocol *p) {
  if (p->phase == TORPOR__PHASE_IDLE) p->counted = true;
}

void torpor__protocol_return_attempt(struct torpor__protocol *p) {
  if (p->phase == TORPOR__PHASE_CLAIMING ||
      (p->phase == TORPOR__PHASE_IDLE && p->counted))
    p->returning = true;
}

void torpor__protocol_forget_attempts(struct torpor__protocol *p) {
  if (p->phase != TORPOR__PHASE_IDLE) return;
  p->returning = p->forgetting = true;
}

bool torpor__protocol_can_rest(const struct torpor__protocol *p) {
  if (p->phase != TORPOR__PHASE_IDLE || torpor__protocol_ready(p) ||
      p->unusable)
    return false;
  struct torpor__head head = p->head;
  head.attempts = 0;
  return torpor__protocol_due(p, &head) != 0;
}

bool torpor__protocol_rests(const struct torpor__protocol *p) {
  return torpor__protocol_can_rest(p) && p->head.due_ms != 0 &&
         !torpor__protocol_pending(p);
}

bool torpor__protocol_is_still(const struct torpor__protocol *p) {
  return p->phase == TORPOR__PHASE_IDLE && !p->counted && !p->suspect &&
         !torpor__protocol_pending(p) && !torpor__protocol_ready(p);
}

bool torpor__protocol_pending(const struct torpor__protocol *p) {
  if (p->unusable && p->phase != TORPOR__PHASE_ENDED &&
      p->phase != TORPOR__PHASE_LOST)
    return true;
  switch (p->phase) {
  case TORPOR__PHASE_CLAIMING:
  case TORPOR__PHASE_COUNTING:
  case TORPOR__PHASE_STAGED:
    return true;
  case TORPOR__PHASE_IDLE:
    return p->returning || p->noted != 0 || must_write_results(p);
  default:
    return false;
  }
}

/* ---- after the commit: telling the world -------------------------------- */

static void start_begun(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->step->begun_count; i++) {
    struct torpor__operation begun = p->step->begun[i];
    char key[TORPOR__KEY_MAX];
    torpor__protocol_key(p, begun.id, key);
    begun.key = key;
    p->drivers->start(p->drivers->data, &begun, false);
    TORPOR__FAULT(DRIVER_STARTED);
  }
}

static void show_lines(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->step->line_count; i++) {
    p->drivers->show(p->drivers->data, &p->step->lines[i]);
    TORPOR__FAULT(LINE_SHOWN);
  }
}

static bool was_accepted(const struct torpor__protocol *p,
                         const struct torpor__arrival *arrival) {
  for (size_t i = 0; i < p->delivery_count; i++)
    if (p->deliveries[i].accepted &&
        p->deliveries[i].branch == arrival->branch &&
        p->deliveries[i].operation == arrival->operation)
      return true;
  return false;
}

/* Gives results back that the VM has not taken and never will. */
static void drop_results(const struct torpor__protocol *p) {
  for (size_t i = 0; i < p->results.arrival_count; i++) {
    const struct torpor__arrival *arrival = &p->results.arrivals[i];
    if (torpor__results_find(&p->results, arrival->branch, arrival->operation)
            ->leaving &&
        !was_accepted(p, arrival))
      p->drivers->drop(
          p->drivers->data, arrival->branch, arrival->operation,
          arrival->outcome,
          (torpor_slice){.data = arrival->value, .size = arrival->size});
  }
}

static void stop_leaving(struct torpor__protocol *p) {
  bool ended = p->step->status != TORPOR__RUN_ACTIVE;
  if (!ended && p->drivers->drop != NULL) drop_results(p);
  for (size_t i = p->results.waiting_count; i-- > 0;) {
    struct torpor__waiting *waiting = &p->results.waiting[i];
    if (ended) waiting->leaving = true;
    if (!waiting->leaving) continue;
    p->drivers->stop(p->drivers->data, waiting->branch, waiting->id);
    TORPOR__FAULT(DRIVER_STOPPED);
  }
}

static void tell_drivers(struct torpor__protocol *p) {
  if (p->step->status == TORPOR__RUN_ACTIVE &&
      !TORPOR__BROKEN(DRIVERS_BEFORE_COMMIT))
    start_begun(p);
  if (!TORPOR__BROKEN(OUTPUT_BEFORE_COMMIT)) show_lines(p);
}

/* With a break switch on: does before the commit what must come after it. */
static void tell_drivers_early(struct torpor__protocol *p) {
  if (TORPOR__BROKEN(DRIVERS_BEFORE_COMMIT)) start_begun(p);
  if (TORPOR__BROKEN(OUTPUT_BEFORE_COMMIT)) show_lines(p);
}

static void wake_drivers(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->woken_count; i++) {
    struct torpor__operation *woken = &p->woken[i];
    const struct torpor__waiting *waiting =
        torpor__results_find(&p->results, woken->branch, woken->id);
    if (waiting->answered) continue;
    if (TORPOR__BROKEN(KEY_CHANGES)) woken->key = p->id;
    if (TORPOR__BROKEN(DUE_DRIFTS) && woken->due_ms != TORPOR__NEVER)
      woken->due_ms++;
    p->drivers->start(p->drivers->data, woken, true);
    TORPOR__FAULT(DRIVER_STARTED);
  }
  torpor__protocol_forget_woken(p);
}

/* ---- after the commit: what we know ------------------------------------- */

static void finish_claim(struct torpor__protocol *p) {
  if (p->head.status != TORPOR__RUN_ACTIVE) {
    set_phase(p, TORPOR__PHASE_ENDED);
    return;
  }
  if (p->returning) return; /* it was not claimed */
  set_phase(p, TORPOR__PHASE_IDLE);
  wake_drivers(p);
}

static void finish_attempt(struct torpor__protocol *p, bool outvoted) {
  p->counted = true;
  if (p->head.status != TORPOR__RUN_ACTIVE) {
    leave(p, TORPOR__PHASE_ENDED);
  } else if (outvoted) {
    unchoose(p);
    set_phase(p, TORPOR__PHASE_IDLE);
  } else {
    enter_stepping(p);
  }
}

static void take_signals(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->delivery_count; i++) {
    const struct torpor__delivery *delivery = &p->deliveries[i];
    if (delivery->signal == 0 || !delivery->accepted ||
        TORPOR__BROKEN(SIGNAL_KEPT))
      continue;
    torpor__signals_take(
        &p->signals,
        torpor__results_find(&p->results, delivery->branch, delivery->operation)
            ->topic,
        delivery->signal);
  }
}

static void finish_step(struct torpor__protocol *p) {
  stop_leaving(p);
  take_signals(p);
  unchoose(p);
  torpor__results_leave(&p->results);
  bool active = p->head.status == TORPOR__RUN_ACTIVE;
  for (size_t i = 0; active && i < p->step->begun_count; i++) {
    torpor__results_add(&p->results, &p->step->begun[i], p->topics[i]);
    p->topics[i] = NULL;
  }
  torpor__protocol_learn_kinds(p);
  if (p->step->delta)
    p->whole = 0;
  else if (p->whole == 0)
    p->whole = p->head.step;
  p->counted = active;
  p->suspect = false;
  p->reason[0] = '\0';
  set_phase(p, active ? TORPOR__PHASE_IDLE : TORPOR__PHASE_ENDED);
  tell_drivers(p);
  free_topics(p);
  p->step = NULL;
}

static void finish_flush(struct torpor__protocol *p) {
  p->in_flush = false;
  if (p->lost) {
    leave(p, TORPOR__PHASE_LOST);
    return;
  }
  torpor__protocol_check_commit(p);
  p->head = p->next;
  if (p->heard == p->noted) p->heard = 0;
  p->noted = 0;
  if (p->parked) {
    leave(p, TORPOR__PHASE_ENDED);
    return;
  }
  bool outvoted = torpor__results_written(&p->results, true);
  if (outvoted) p->stale = true;
  if (p->phase == TORPOR__PHASE_CLAIMING)
    finish_claim(p);
  else if (p->phase == TORPOR__PHASE_COUNTING)
    finish_attempt(p, outvoted);
  else if (p->phase == TORPOR__PHASE_STAGED)
    finish_step(p);
  if (p->forgetting) p->suspect = false;
  if (p->returning) p->returning = p->forgetting = p->counted = false;
}

/* ---- the transaction ---------------------------------------------------- */

typedef torpor_status write_fn(struct torpor__protocol *p, int64_t now_ms);

static torpor_status write_runs(struct torpor__database *database,
                                struct torpor__protocol *const *protocols,
                                size_t count, int64_t now_ms, write_fn *write) {
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(FLUSH_BEGUN);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++)
    if (torpor__protocol_pending(protocols[i])) {
      status = write(protocols[i], now_ms);
      if (protocols[i]->phase == TORPOR__PHASE_STAGED)
        tell_drivers_early(protocols[i]);
    }
  TORPOR__FAULT(COMMIT_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

static void undo_flush(struct torpor__protocol *p) {
  p->in_flush = false;
  p->lost = p->parked = false;
  torpor__results_written(&p->results, false);
}

/* After a commit of which only reading tells what became of it: the attempt may
 * have been taken back already. The next delivery counts one anew. */
static void doubt_attempt(struct torpor__protocol *p) {
  if (p->returning) p->counted = p->returning = p->forgetting = false;
}

torpor_status torpor__protocol_flush(struct torpor__database *database,
                                     struct torpor__protocol *const *protocols,
                                     size_t count, int64_t now_ms) {
  torpor_status status = write_runs(database, protocols, count, now_ms,
                                    torpor__protocol_write_bare);
  if (status == TORPOR_FENCED || torpor__protocol_is_own_fault(status)) {
    for (size_t i = 0; i < count; i++)
      if (protocols[i]->in_flush) undo_flush(protocols[i]);
    status =
        write_runs(database, protocols, count, now_ms, torpor__protocol_write);
  }
  if (status == TORPOR_OK) TORPOR__FAULT(COMMIT_AFTER);
  for (size_t i = 0; i < count; i++) {
    if (!protocols[i]->in_flush) continue;
    if (status == TORPOR_OK)
      finish_flush(protocols[i]);
    else
      undo_flush(protocols[i]);
    if (status == TORPOR_IO) doubt_attempt(protocols[i]);
    torpor__protocol_check(protocols[i]);
  }
  return status;
}

/* ---- looking ------------------------------------------------------------ */

enum torpor__phase torpor__protocol_phase(const struct torpor__protocol *p) {
  return p->phase;
}

int64_t torpor__protocol_run(const struct torpor__protocol *p) {
  return p->run;
}

const struct torpor__head *
torpor__protocol_head(const struct torpor__protocol *p) {
  return &p->head;
}

size_t torpor__protocol_waiting(const struct torpor__protocol *p) {
  return p->results.waiting_count;
}

bool torpor__protocol_is_cancelling(const struct torpor__protocol *p) {
  return p->head.cancel != 0 && p->head.cancel != TORPOR__CANCEL_ALL;
}

bool torpor__protocol_is_suspect(const struct torpor__protocol *p) {
  return p->suspect;
}
