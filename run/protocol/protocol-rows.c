/* SPDX-License-Identifier: MIT */
/* protocol-rows.c - the rows of one run: what the protocol reads of them, and
 * writes into a transaction: claims, results, attempts, steps. protocol.c calls
 * it, and is not called.
 *
 * Each 'write_' function may be repeated with the same effect after a rollback.
 * 'p->next' is the head as it will be; it becomes 'p->head' in protocol.c, once
 * the transaction is durable. The invariants are those of protocol.h.
 *
 * Runs on the worker's thread. */
#include "run/protocol/protocol-state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "run/fault.h"
#include "run/protocol/protocol-check.h"

void torpor__protocol_key(const struct torpor__protocol *p, uint64_t operation,
                          char key[TORPOR__KEY_MAX]) {
  snprintf(key, TORPOR__KEY_MAX, "%s/%" PRId64 "/%" PRIu64, p->id,
           p->head.branch, operation);
}

/* ---- reading ------------------------------------------------------------ */

static torpor_status receive_stored(void *data,
                                    const struct torpor__result *row) {
  struct torpor__results *results = data;
  const struct torpor__waiting *waiting =
      torpor__results_find(results, row->branch, row->operation);
  if (waiting != NULL && waiting->answered && waiting->recorded)
    return TORPOR_OK;
  return torpor__results_receive(results, row);
}

/* Whether the run is as we left it, but for what a request changes without
 * taking the run from us: cancel. */
static bool is_ours(const struct torpor__protocol *p,
                    const struct torpor__head *head) {
  return head->fence == p->head.fence && head->step == p->head.step &&
         head->branch == p->head.branch &&
         (head->status == p->head.status || TORPOR__BROKEN(KILL_UNFENCED));
}

torpor_status torpor__protocol_read_head(struct torpor__protocol *p,
                                         struct torpor__head *head) {
  torpor_status status =
      p->database->calls->head_get(p->database, p->run, head);
  if (status != TORPOR_OK || p->phase == TORPOR__PHASE_CLAIMING) return status;
  if (is_ours(p, head) || TORPOR__BROKEN(NO_FENCE)) return TORPOR_OK;
  return torpor__database_fail(p->database, TORPOR_FENCED, "run %s", p->id);
}

bool torpor__protocol_is_own_fault(torpor_status status) {
  return status == TORPOR_CORRUPT || status == TORPOR_FORMAT ||
         status == TORPOR_LIMIT || status == TORPOR_EXISTS ||
         status == TORPOR_NOT_FOUND;
}

torpor_status torpor__protocol_read_arrivals(struct torpor__protocol *p) {
  torpor_status status = p->database->calls->result_each(
      p->database, p->run, receive_stored, &p->results);
  if (status != TORPOR_OK) return status;
  return torpor__signals_refresh(&p->signals, p->database, p->run);
}

void torpor__protocol_forget_woken(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->woken_count; i++) free((void *)p->woken[i].kind);
  free(p->woken);
  p->woken = NULL;
  p->woken_count = p->woken_capacity = 0;
}

/* ---- when it needs a worker ---------------------------------------------- */

/* Whether nobody has to do anything for an operation before it is due. */
static bool sleeps(const struct torpor__waiting *waiting) {
  return waiting->topic != NULL || (waiting->policy == TORPOR__POLICY_REARM &&
                                    waiting->due_ms != TORPOR__NEVER);
}

bool torpor__protocol_has_arrivals(const struct torpor__protocol *p) {
  if (p->results.arrival_count > 0) return true;
  for (size_t i = 0; p->signals.count > 0 && i < p->results.waiting_count;
       i++) {
    const char *topic = p->results.waiting[i].topic;
    if (topic != NULL && torpor__signals_has(&p->signals, topic)) return true;
  }
  return false;
}

int64_t torpor__protocol_due(const struct torpor__protocol *p,
                             const struct torpor__head *head) {
  int64_t due = TORPOR__NEVER;
  if (head->attempts > 0 || head->step == head->start || head->runnable ||
      head->cancel != 0 || torpor__protocol_has_arrivals(p))
    return 0;
  for (size_t i = 0; i < p->results.waiting_count; i++) {
    const struct torpor__waiting *waiting = &p->results.waiting[i];
    if (!sleeps(waiting)) return 0;
    if (waiting->due_ms < due) due = waiting->due_ms;
  }
  if (TORPOR__BROKEN(DUE_FORGOTTEN)) return TORPOR__NEVER;
  return due > 0 ? due : 0;
}

/* Writes when the run is due, which knows of all news that is removed with
 * it. */
static torpor_status write_due(struct torpor__protocol *p) {
  bool active = p->next.status == TORPOR__RUN_ACTIVE;
  bool unread = TORPOR__BROKEN(NEWS_UNREAD) && p->returning;
  if (p->phase != TORPOR__PHASE_CLAIMING || !p->returning)
    p->next.due_ms = active ? torpor__protocol_due(p, &p->next) : TORPOR__NEVER;
  if (p->noted == 0 && !unread) return TORPOR_OK;
  return p->database->calls->news_remove(p->database, p->run,
                                         unread ? 0 : p->noted);
}

/* ---- writing: claims, results, attempts --------------------------------- */

/* Copies a row into one block, which 'kind' then owns. */
static bool copy_operation(struct torpor__operation *copy,
                           const struct torpor__operation *row) {
  size_t kind = strlen(row->kind) + 1;
  size_t topic = row->topic != NULL ? strlen(row->topic) + 1 : 0;
  size_t key = strlen(row->key) + 1;
  char *block = malloc(kind + topic + key + row->request.size);
  if (block == NULL) return false;
  *copy = *row;
  copy->kind = memcpy(block, row->kind, kind);
  if (topic > 0) copy->topic = memcpy(block + kind, row->topic, topic);
  copy->key = memcpy(block + kind + topic, row->key, key);
  if (row->request.size > 0)
    copy->request.data = memcpy(block + kind + topic + key, row->request.data,
                                row->request.size);
  return true;
}

/* Whether the run can have begun it: on a branch that it has reached, and after
 * those that were read before. */
static bool can_wait_for(const struct torpor__protocol *p,
                         const struct torpor__operation *row) {
  const struct torpor__results *results = &p->results;
  if (row->branch > p->next.branch || row->id > INT64_MAX) return false;
  if (results->waiting_count == 0) return true;
  const struct torpor__waiting *last =
      &results->waiting[results->waiting_count - 1];
  return row->branch > last->branch ||
         (row->branch == last->branch && row->id > last->id);
}

static torpor_status load_operation(void *data,
                                    const struct torpor__operation *row) {
  struct torpor__protocol *p = data;
  char *topic = NULL;
  if (!can_wait_for(p, row))
    return torpor__database_fail(p->database, TORPOR_CORRUPT,
                                 "run %s waits for an operation that it cannot "
                                 "have begun",
                                 p->id);
  if (row->topic != NULL) {
    topic = torpor__array_copy(row->topic, strlen(row->topic) + 1);
    if (topic == NULL) return TORPOR_NOMEM;
  }
  if (torpor__results_reserve(&p->results, 1) != TORPOR_OK ||
      !torpor__array_reserve(&p->woken, &p->woken_capacity, p->woken_count + 1,
                             sizeof *p->woken) ||
      !copy_operation(&p->woken[p->woken_count], row)) {
    free(topic);
    return TORPOR_NOMEM;
  }
  p->woken_count++;
  torpor__results_add(&p->results, row, topic);
  return TORPOR_OK;
}

/* Reads all that the run needs to be woken, but the snapshot: what it waits
 * for, and what has come. What must not be repeated ends as LOST here. */
static torpor_status load_run(struct torpor__protocol *p) {
  torpor__protocol_forget_woken(p);
  torpor__results_clear(&p->results);
  torpor__signals_clear(&p->signals);
  torpor_status status = p->database->calls->operation_each(
      p->database, p->run, -1, 0, load_operation, p);
  if (status == TORPOR_OK) status = torpor__protocol_read_arrivals(p);
  for (size_t i = 0; status == TORPOR_OK && i < p->woken_count; i++) {
    if (p->woken[i].policy != TORPOR__POLICY_REJECT ||
        TORPOR__BROKEN(REPEAT_UNSAFE))
      continue;
    const struct torpor__result lost = {.branch = p->woken[i].branch,
                                        .operation = p->woken[i].id,
                                        .outcome = TORPOR__OUTCOME_LOST};
    status = torpor__results_receive(&p->results, &lost);
  }
  return status == TORPOR_NOMEM
             ? torpor__database_fail(p->database, status, NULL)
             : status;
}

/* Reads all news with the run itself. */
static torpor_status write_claim(struct torpor__protocol *p) {
  p->next.fence++;
  torpor_status status =
      p->database->calls->news_remove(p->database, p->run, 0);
  return status == TORPOR_OK ? load_run(p) : status;
}

/* Records durable results. Not one that came after something else was chosen
 * for its operation: that is too late, unless the step is rolled back. */
static torpor_status write_results(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->results.arrival_count; i++) {
    struct torpor__arrival *arrival = &p->results.arrivals[i];
    if (!arrival->durable || arrival->sequence != 0) continue;
    if (!arrival->chosen &&
        torpor__results_find(&p->results, arrival->branch, arrival->operation)
            ->chosen)
      continue;
    const struct torpor__result row = {
        .branch = arrival->branch,
        .operation = arrival->operation,
        .outcome = arrival->outcome,
        .value = {.data = arrival->value, .size = arrival->size}};
    torpor_status status = p->database->calls->result_add(
        p->database, p->run, &row, &arrival->written);
    if (status != TORPOR_OK) return status;
    arrival->outvoted = arrival->written == 0;
  }
  return TORPOR_OK;
}

static torpor_status write_attempt(struct torpor__protocol *p) {
  if (p->counted) return TORPOR_OK;
  if (p->next.attempts < p->attempts_max) {
    if (!TORPOR__BROKEN(NO_ATTEMPTS)) p->next.attempts++;
    return TORPOR_OK;
  }
  char reason[TORPOR__REASON_MAX + 64];
  snprintf(reason, sizeof reason, "%" PRId64 " attempts failed: %s",
           p->next.attempts,
           p->reason[0] != '\0' ? p->reason : "each crashed its worker");
  p->next.status = TORPOR__RUN_PARKED;
  const struct torpor__exit parked = {.reason = reason};
  return p->database->calls->exit_put(p->database, p->run, &parked);
}

/* ---- writing: a step ---------------------------------------------------- */

/* Removes the messages that the step has consumed; those that the VM did not
 * accept stay. */
static torpor_status write_accepted(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->delivery_count; i++) {
    const struct torpor__delivery *delivery = &p->deliveries[i];
    if (delivery->signal == 0) continue;
    bool taken = delivery->accepted || TORPOR__BROKEN(SIGNAL_EATEN);
    if (!taken || TORPOR__BROKEN(SIGNAL_KEPT)) continue;
    torpor_status status = p->database->calls->signal_remove(
        p->database, p->run, delivery->signal);
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}

static torpor_status write_leaving(struct torpor__protocol *p) {
  const struct torpor__database_calls *calls = p->database->calls;
  for (size_t i = 0; i < p->results.waiting_count; i++) {
    const struct torpor__waiting *waiting = &p->results.waiting[i];
    if (!waiting->leaving) continue;
    torpor_status status = calls->operation_remove(
        p->database, p->run, waiting->branch, waiting->id);
    if (status == TORPOR_OK && waiting->recorded)
      status = calls->result_remove(p->database, p->run, waiting->branch,
                                    waiting->id);
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}

static bool is_kind_known(const struct torpor__protocol *p, const char *kind) {
  for (size_t i = 0; i < p->kind_count; i++)
    if (strcmp(p->kinds[i], kind) == 0) return true;
  return false;
}

/* Writes what waking means for each kind of operation that is new: a command
 * that goes back to an older state has no drivers to ask. */
static torpor_status write_kinds(struct torpor__protocol *p) {
  const struct torpor__step *step = p->step;
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < step->begun_count; i++)
    if (!is_kind_known(p, step->begun[i].kind))
      status = p->database->calls->kind_put(
          p->database, p->run, step->begun[i].kind, step->begun[i].policy);
  return status;
}

void torpor__protocol_learn_kinds(struct torpor__protocol *p) {
  for (size_t i = 0; i < p->step->begun_count; i++) {
    const char *kind = p->step->begun[i].kind;
    if (p->kind_count == TORPOR__KINDS_MAX ||
        strlen(kind) >= sizeof p->kinds[0] || is_kind_known(p, kind))
      continue;
    strcpy(p->kinds[p->kind_count++], kind);
  }
}

static torpor_status write_begun(struct torpor__protocol *p, int64_t now_ms) {
  struct torpor__step *step = p->step;
  for (size_t i = 0; i < step->begun_count; i++) {
    struct torpor__operation *begun = &step->begun[i];
    char key[TORPOR__KEY_MAX];
    torpor__protocol_key(p, begun->id, key);
    begun->key = key;
    begun->branch = p->head.branch;
    begun->begun_ms = now_ms;
    begun->begun_step = p->next.step;
    torpor_status status =
        p->database->calls->operation_add(p->database, p->run, begun);
    begun->key = NULL;
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}

static torpor_status write_lines(struct torpor__protocol *p, int64_t now_ms) {
  for (size_t i = 0; i < p->step->line_count; i++) {
    struct torpor__line *line = &p->step->lines[i];
    line->branch = p->head.branch;
    line->step = p->next.step;
    line->number = (int64_t)i;
    line->written_ms = now_ms;
  }
  if (p->step->line_count == 0) return TORPOR_OK;
  return p->database->calls->line_add(p->database, p->run, p->step->lines,
                                      p->step->line_count, p->keep_lines);
}

/* Removes the states that need not stay when the next one is written. A
 * difference needs the state before it, however few are to be kept. */
static torpor_status prune_states(struct torpor__protocol *p) {
  const struct torpor__database_calls *calls = p->database->calls;
  if (p->keep >= (uint64_t)p->next.step || TORPOR__BROKEN(NO_PRUNE))
    return TORPOR_OK;
  int64_t kept = TORPOR__BROKEN(PRUNE_TOO_MUCH) ? 1 : (int64_t)p->keep;
  int64_t oldest = p->next.step - kept + 1;
  bool whole = oldest == p->next.step || (p->whole != 0 && p->whole <= oldest);
  return !p->step->delta && whole
             ? calls->state_drop(p->database, p->run, oldest)
             : calls->state_prune(p->database, p->run, oldest);
}

/* Removes old states first, so that the new one gets their place in the
 * file. */
static torpor_status write_state(struct torpor__protocol *p, int64_t now_ms) {
  const struct torpor__state state = {.branch = p->head.branch,
                                      .step = p->next.step,
                                      .version = p->next.version,
                                      .parent_step =
                                          p->step->delta ? p->head.step : 0,
                                      .runnable = p->next.runnable,
                                      .engine = p->step->engine,
                                      .snapshot = p->step->snapshot,
                                      .made_ms = now_ms};
  torpor_status status = prune_states(p);
  if (status != TORPOR_OK) return status;
  return p->database->calls->state_put(p->database, p->run, &state);
}

/* Writes how the run ended, and removes what it waited for. Its last states
 * stay, so that it can be rewound. */
static torpor_status write_exit(struct torpor__protocol *p) {
  const struct torpor__database_calls *calls = p->database->calls;
  torpor_status status = calls->operation_clear(p->database, p->run);
  if (status == TORPOR_OK) status = calls->result_clear(p->database, p->run);
  if (status != TORPOR_OK) return status;
  return calls->exit_put(p->database, p->run, &p->step->exit);
}

/* What is left of a request to cancel. A step that spent its fuel half way has
 * delivered it to some operations; the next one delivers it to the others, but
 * not to what the program has begun since, to tidy up. */
static int64_t cancel_after(const struct torpor__protocol *p) {
  if (p->next.cancel == 0) return 0;
  bool delivered = p->next.cancel != TORPOR__CANCEL_ALL;
  bool left = false;
  for (size_t i = 0; i < p->delivery_count; i++) {
    const struct torpor__delivery *delivery = &p->deliveries[i];
    if (delivery->outcome != TORPOR__OUTCOME_CANCELLED) continue;
    if (delivery->accepted) delivered = true;
    if (delivery->undelivered) left = true;
  }
  if (!delivered && !TORPOR__BROKEN(CANCEL_FORGOTTEN)) return p->next.cancel;
  if (!left) return p->next.runnable ? TORPOR__CANCEL_DELIVERED : 0;
  return p->next.cancel < p->next.step ? p->next.cancel : p->next.step;
}

static torpor_status write_step(struct torpor__protocol *p, int64_t now_ms) {
  const struct torpor__step *step = p->step;
  bool ended = step->status != TORPOR__RUN_ACTIVE;
  p->next.step++;
  p->next.status = step->status;
  p->next.runnable = step->runnable && !ended;
  p->next.attempts = ended ? 0 : 1;
  int64_t cancel = ended ? 0 : cancel_after(p);
  torpor__protocol_check_cancel(p->next.cancel, cancel);
  p->next.cancel = cancel;
  torpor_status status = write_accepted(p);
  if (status == TORPOR_OK) status = write_leaving(p);
  if (status == TORPOR_OK) status = write_kinds(p);
  if (status == TORPOR_OK) status = write_begun(p, now_ms);
  if (status == TORPOR_OK) status = write_lines(p, now_ms);
  if (status != TORPOR_OK) return status;
  return ended ? write_exit(p) : write_state(p, now_ms);
}

/* Writes what the phase has to write: the head into 'next', other rows into
 * their tables. */
static torpor_status write_rows(struct torpor__protocol *p, int64_t now_ms) {
  torpor_status status = TORPOR_OK;
  p->next.changed_ms = now_ms;
  if (p->phase != TORPOR__PHASE_CLAIMING)
    status = write_results(p);
  else if (!p->returning)
    status = write_claim(p);
  if (status == TORPOR_OK && p->phase == TORPOR__PHASE_COUNTING)
    status = write_attempt(p);
  if (status == TORPOR_OK && p->phase == TORPOR__PHASE_STAGED)
    status = write_step(p, now_ms);
  if (p->returning && p->counted && p->next.attempts > 0) p->next.attempts--;
  if (p->forgetting) p->next.attempts = 0;
  return status == TORPOR_OK ? write_due(p) : status;
}

static torpor_status write_phase(struct torpor__protocol *p, int64_t now_ms) {
  torpor_status status = torpor__protocol_read_head(p, &p->next);
  if (status != TORPOR_OK) return status;
  if (p->phase == TORPOR__PHASE_CLAIMING &&
      p->next.status != TORPOR__RUN_ACTIVE)
    return TORPOR_OK;
  status = write_rows(p, now_ms);
  if (status != TORPOR_OK) return status;
  return p->database->calls->head_put(p->database, p->run, &p->next);
}

/* The same without reading the head, assuming that nobody changed it: FENCED
 * when somebody did, even if the run is still ours. For a run that is claimed;
 * others hardly ever change its head. */
static torpor_status write_unread(struct torpor__protocol *p, int64_t now_ms) {
  p->next = p->head;
  torpor_status status = write_rows(p, now_ms);
  if (status != TORPOR_OK) return status;
  return p->database->calls->head_change(p->database, p->run, &p->head,
                                         &p->next);
}

/* Parks the run, whatever it was doing: its rows, or those that it would have
 * to write, cannot be used. */
static torpor_status write_parked(struct torpor__protocol *p, int64_t now_ms) {
  const struct torpor__database_calls *calls = p->database->calls;
  const struct torpor__exit parked = {.reason = p->reason};
  torpor_status status = torpor__protocol_read_head(p, &p->next);
  if (status != TORPOR_OK) return status;
  p->next.status = TORPOR__RUN_PARKED;
  p->next.changed_ms = now_ms;
  p->next.fence++;
  status = calls->exit_remove(p->database, p->run);
  if (status == TORPOR_OK)
    status = calls->exit_put(p->database, p->run, &parked);
  if (status != TORPOR_OK) return status;
  return calls->head_put(p->database, p->run, &p->next);
}

/* The same when its head is damaged, too: that stays as it is, for inspection
 * or a backup. No worker takes it, since it does not read as active. */
static torpor_status leave_damaged(struct torpor__protocol *p) {
  p->next = p->head;
  p->next.status = TORPOR__RUN_PARKED;
  return TORPOR_OK;
}

static torpor_status write_in_savepoint(
    struct torpor__protocol *p, int64_t now_ms,
    torpor_status (*write)(struct torpor__protocol *p, int64_t now_ms)) {
  const struct torpor__database_calls *calls = p->database->calls;
  torpor_status status = calls->savepoint(p->database);
  if (status != TORPOR_OK) return status;
  status = write(p, now_ms);
  if (status == TORPOR_OK) {
    TORPOR__FAULT(RUN_WRITTEN);
    return calls->release(p->database);
  }
  if (status != TORPOR_FENCED && !torpor__protocol_is_own_fault(status))
    return status;
  torpor_status reverted = calls->revert(p->database);
  return reverted == TORPOR_OK ? status : reverted;
}

torpor_status torpor__protocol_write_bare(struct torpor__protocol *p,
                                          int64_t now_ms) {
  p->in_flush = true;
  torpor_status status = TORPOR_CORRUPT;
  if (!p->unusable)
    status = p->phase == TORPOR__PHASE_CLAIMING || TORPOR__BROKEN(NO_FENCE)
                 ? write_phase(p, now_ms)
                 : write_unread(p, now_ms);
  if (status == TORPOR_OK) TORPOR__FAULT(RUN_WRITTEN);
  return status;
}

torpor_status torpor__protocol_write(struct torpor__protocol *p,
                                     int64_t now_ms) {
  p->in_flush = true;
  torpor_status status =
      p->unusable ? TORPOR_CORRUPT : write_in_savepoint(p, now_ms, write_phase);
  if (torpor__protocol_is_own_fault(status)) {
    if (!p->unusable)
      snprintf(p->reason, sizeof p->reason, "%.255s", p->database->message);
    status = write_in_savepoint(p, now_ms, write_parked);
    if (torpor__protocol_is_own_fault(status)) status = leave_damaged(p);
    p->parked = status == TORPOR_OK;
  }
  if (status != TORPOR_FENCED) return status;
  p->lost = true;
  return TORPOR_OK;
}
