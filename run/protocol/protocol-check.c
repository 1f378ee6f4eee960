/* SPDX-License-Identifier: MIT */
/* protocol-check.c - asserts what protocol.h, results.h and signals.h promise
 * of one run.
 *
 *     arrow     the diagram of protocol.h has it
 *     commit    fence, branch and step of the head only go as they may
 *     cancel    no step asks for more than what was asked for
 *     phase     what is there in a phase, and only then
 *     attempt   what is known of the attempt that is counted in advance
 *     waiting   in order; answered when there is an arrival, and only then
 *     chosen    each delivery is for another operation, which is chosen; no
 *               other is
 *     signals   queues in order; held are those that deliveries were made of
 *
 * In test builds only, and not in those that break a promise on purpose. Runs
 * that wait for much are looked at now and then.
 *
 * Runs on the worker's thread. */
#include "run/protocol/protocol-check.h"

#ifdef TORPOR_TESTING

#include <assert.h>

#include "run/fault.h"

enum {
  SMALL = 64, /* as many operations and arrivals are looked at each time */
  EVERY = 64  /* more of them once in so many calls */
};

static _Thread_local unsigned calls;

/* Whether a test has taken a promise away, so that another one sees it. */
static bool is_broken(void) {
  for (int i = 0; i < TORPOR__BREAK_COUNT; i++)
    if (torpor__break_on((enum torpor__break)i)) return true;
  return false;
}

static bool is_due(const struct torpor__protocol *p) {
  const struct torpor__results *results = &p->results;
  if (is_broken()) return false;
  return (results->waiting_count <= SMALL && results->arrival_count <= SMALL &&
          p->signals.count <= SMALL) ||
         calls++ % EVERY == 0;
}

/* ---- Phases --------------------------------------------------------------*/

#define TO(phase) (1u << TORPOR__PHASE_##phase)

void torpor__protocol_check_arrow(enum torpor__phase from,
                                  enum torpor__phase to) {
  static const unsigned arrows[] = {
      [TORPOR__PHASE_CLAIMING] = TO(IDLE) | TO(ENDED),
      [TORPOR__PHASE_IDLE] = TO(COUNTING) | TO(STEPPING) | TO(ENDED) | TO(LOST),
      [TORPOR__PHASE_COUNTING] = TO(STEPPING) | TO(IDLE) | TO(ENDED) | TO(LOST),
      [TORPOR__PHASE_STEPPING] = TO(STAGED) | TO(IDLE),
      [TORPOR__PHASE_STAGED] = TO(IDLE) | TO(ENDED) | TO(LOST),
      [TORPOR__PHASE_ENDED] = 0,
      [TORPOR__PHASE_LOST] = 0};
  assert(arrows[from] & 1u << to);
}

void torpor__protocol_check_commit(const struct torpor__protocol *p) {
  const struct torpor__head *head = &p->head, *next = &p->next;
  if (p->phase == TORPOR__PHASE_CLAIMING || is_broken()) return;
  if (p->parked) {
    assert(next->status == TORPOR__RUN_PARKED);
    return;
  }
  assert(next->fence == head->fence);
  assert(next->branch == head->branch);
  assert(next->step == head->step + (p->phase == TORPOR__PHASE_STAGED));
}

void torpor__protocol_check_cancel(int64_t before, int64_t after) {
  assert(after <= before || is_broken());
}

static bool is_in(const struct torpor__protocol *p, unsigned phases) {
  return phases >> p->phase & 1;
}

static void check_phase(const struct torpor__protocol *p) {
  assert(!p->in_flush);
  assert(!p->lost || is_in(p, TO(LOST)));
  assert(!p->parked || is_in(p, TO(ENDED)));
  assert((p->step != NULL) == is_in(p, TO(STAGED)));
  assert((p->topics != NULL) == is_in(p, TO(STAGED)));
  assert(p->delivery_count == 0 ||
         is_in(p, TO(COUNTING) | TO(STEPPING) | TO(STAGED)));
  assert(p->woken_count == 0 || is_in(p, TO(CLAIMING) | TO(ENDED)));
  assert(!p->unusable || is_in(p, TO(IDLE) | TO(ENDED) | TO(LOST)));
  assert(is_in(p, TO(CLAIMING) | TO(LOST)) ||
         is_in(p, TO(ENDED)) == (p->head.status != TORPOR__RUN_ACTIVE));
}

static void check_attempt(const struct torpor__protocol *p) {
  assert(!p->counted || !is_in(p, TO(STEPPING) | TO(STAGED)));
  assert(!p->returning ||
         is_in(p, TO(CLAIMING) | TO(IDLE) | TO(ENDED) | TO(LOST)));
  assert(!p->forgetting || p->returning);
}

/* ---- What it waits for ---------------------------------------------------*/

static bool is_before(const struct torpor__waiting *a,
                      const struct torpor__waiting *b) {
  return a->branch < b->branch || (a->branch == b->branch && a->id < b->id);
}

static void check_waiting(const struct torpor__protocol *p) {
  const struct torpor__results *results = &p->results;
  size_t answered = 0;
  for (size_t i = 0; i < results->waiting_count; i++) {
    const struct torpor__waiting *waiting = &results->waiting[i];
    assert(i == 0 || is_before(waiting - 1, waiting));
    assert(!waiting->recorded || waiting->answered);
    assert(!waiting->leaving || is_in(p, TO(STAGED)));
    answered += waiting->answered;
  }
  assert(answered == results->arrival_count);
}

static void check_arrivals(const struct torpor__protocol *p) {
  const struct torpor__results *results = &p->results;
  for (size_t i = 0; i < results->arrival_count; i++) {
    const struct torpor__arrival *arrival = &results->arrivals[i];
    const struct torpor__waiting *waiting =
        torpor__results_find(results, arrival->branch, arrival->operation);
    assert(waiting != NULL && waiting->answered);
    assert(waiting->recorded == (arrival->durable || arrival->sequence != 0));
    assert(waiting->chosen || !arrival->chosen);
    for (size_t j = 0; j < i && results->arrival_count <= SMALL; j++)
      assert(results->arrivals[j].branch != arrival->branch ||
             results->arrivals[j].operation != arrival->operation);
  }
}

/* Nothing of an open transaction, once that has ended. */
static void check_written(const struct torpor__protocol *p) {
  for (size_t i = 0; i < p->results.arrival_count; i++)
    assert(p->results.arrivals[i].written == 0 &&
           !p->results.arrivals[i].outvoted);
}

/* ---- What is delivered ---------------------------------------------------*/

static void check_chosen(const struct torpor__protocol *p) {
  size_t chosen = 0, held = 0;
  for (size_t i = 0; i < p->results.waiting_count; i++)
    chosen += p->results.waiting[i].chosen;
  assert(chosen == p->delivery_count);
  for (size_t i = 0; i < p->delivery_count; i++) {
    const struct torpor__delivery *delivery = &p->deliveries[i];
    const struct torpor__waiting *waiting = torpor__results_find(
        &p->results, delivery->branch, delivery->operation);
    assert(waiting != NULL && waiting->chosen);
    assert(delivery->signal == 0 || waiting->topic != NULL);
    held += delivery->signal != 0;
    for (size_t j = 0; j < i && p->delivery_count <= SMALL; j++)
      assert(p->deliveries[j].branch != delivery->branch ||
             p->deliveries[j].operation != delivery->operation);
  }
  assert(torpor__signals_check(&p->signals) == held);
}

/* ---- All of it -----------------------------------------------------------*/

void torpor__protocol_check_results(const struct torpor__protocol *p) {
  if (!is_due(p)) return;
  check_waiting(p);
  check_arrivals(p);
}

void torpor__protocol_check(const struct torpor__protocol *p) {
  if (is_broken()) return;
  check_phase(p);
  check_attempt(p);
  if (!is_due(p)) return;
  check_waiting(p);
  check_arrivals(p);
  check_written(p);
  check_chosen(p);
}

#endif
