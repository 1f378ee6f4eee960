/* SPDX-License-Identifier: MIT */
/* results.c - what one run waits for, and the results that have arrived.
 *
 * Two arrays: operations sorted by (branch, id), found by bisection, and
 * arrivals in any order until 'sort'. New operations have higher ids on the
 * current branch, and a new branch a higher number, so that adding is
 * appending. Any number of operations is removed in one pass.
 *
 * Runs on the worker's thread. */
#include "run/protocol/results.h"

#include <assert.h>
#include <stdlib.h>

#include "common/array.h"
#include "common/search.h"
#include "run/fault.h"

static int compare_place(int64_t branch, uint64_t id,
                         const struct torpor__waiting *other) {
  if (branch != other->branch) return branch < other->branch ? -1 : 1;
  if (id != other->id) return id < other->id ? -1 : 1;
  return 0;
}

/* torpor__compare_fn */
static int compare_waiting(const void *key, const void *item) {
  const struct torpor__waiting *waiting = key;
  return compare_place(waiting->branch, waiting->id, item);
}

torpor_status torpor__results_reserve(struct torpor__results *results,
                                      size_t more) {
  return torpor__array_reserve(&results->waiting, &results->waiting_capacity,
                               results->waiting_count + more,
                               sizeof *results->waiting)
             ? TORPOR_OK
             : TORPOR_NOMEM;
}

void torpor__results_add(struct torpor__results *results,
                         const struct torpor__operation *operation,
                         char *topic) {
  assert(results->waiting_count < results->waiting_capacity);
  assert(results->waiting_count == 0 ||
         compare_place(operation->branch, operation->id,
                       &results->waiting[results->waiting_count - 1]) > 0);
  results->waiting[results->waiting_count++] =
      (struct torpor__waiting){.branch = operation->branch,
                               .id = operation->id,
                               .topic = topic,
                               .policy = operation->policy,
                               .due_ms = operation->due_ms,
                               .begun_step = operation->begun_step};
}

struct torpor__waiting *
torpor__results_find(const struct torpor__results *results, int64_t branch,
                     uint64_t id) {
  const struct torpor__waiting key = {.branch = branch, .id = id};
  return torpor__find(&key, results->waiting, results->waiting_count,
                      sizeof *results->waiting, compare_waiting);
}

struct torpor__waiting *
torpor__results_find_id(const struct torpor__results *results, int64_t branch,
                        uint64_t id) {
  struct torpor__waiting *found = torpor__results_find(results, branch, id);
  for (size_t i = 0; found == NULL && i < results->waiting_count; i++)
    if (results->waiting[i].id == id) found = &results->waiting[i];
  return found;
}

static struct torpor__arrival *
find_arrival(const struct torpor__results *results, int64_t branch,
             uint64_t id) {
  for (size_t i = 0; i < results->arrival_count; i++) {
    struct torpor__arrival *arrival = &results->arrivals[i];
    if (arrival->branch == branch && arrival->operation == id) return arrival;
  }
  return NULL;
}

/* Whether 'result' replaces the arrival that its operation has already. */
static bool is_better(const struct torpor__waiting *waiting,
                      const struct torpor__arrival *old,
                      const struct torpor__result *result) {
  if (waiting->chosen) return false;
  if (TORPOR__BROKEN(LAST_RESULT_WINS)) return true;
  return result->sequence != 0 && old->sequence == 0;
}

static void fill_arrival(struct torpor__results *results,
                         struct torpor__arrival *arrival,
                         const struct torpor__result *result, bool durable,
                         void *value) {
  *arrival = (struct torpor__arrival){.sequence = result->sequence,
                                      .order = results->order++,
                                      .durable = durable,
                                      .branch = result->branch,
                                      .operation = result->operation,
                                      .outcome = result->outcome,
                                      .value = value,
                                      .size = result->value.size};
}

torpor_status torpor__results_receive(struct torpor__results *results,
                                      const struct torpor__result *result) {
  struct torpor__waiting *waiting =
      torpor__results_find(results, result->branch, result->operation);
  if (waiting == NULL) return TORPOR_OK;
  struct torpor__arrival *old = NULL;
  if (waiting->answered) {
    old = find_arrival(results, result->branch, result->operation);
    if (!is_better(waiting, old, result)) return TORPOR_OK;
  } else if (!torpor__array_reserve(
                 &results->arrivals, &results->arrival_capacity,
                 results->arrival_count + 1, sizeof *results->arrivals)) {
    return TORPOR_NOMEM;
  }
  void *value = torpor__array_copy(result->value.data, result->value.size);
  if (value == NULL) return TORPOR_NOMEM;
  if (old != NULL) free(old->value);
  if (old == NULL) old = &results->arrivals[results->arrival_count++];
  bool durable = waiting->policy == TORPOR__POLICY_REJECT &&
                 result->outcome != TORPOR__OUTCOME_LOST &&
                 !TORPOR__BROKEN(RESULTS_VOLATILE);
  fill_arrival(results, old, result, durable, value);
  waiting->answered = true;
  waiting->recorded = durable || result->sequence != 0;
  return TORPOR_OK;
}

static int rank_arrival(const struct torpor__arrival *arrival) {
  if (arrival->sequence != 0) return 0;
  return arrival->durable ? 1 : 2;
}

static int compare_arrivals(const void *first, const void *second) {
  const struct torpor__arrival *a = first;
  const struct torpor__arrival *b = second;
  if (rank_arrival(a) != rank_arrival(b))
    return rank_arrival(a) < rank_arrival(b) ? -1 : 1;
  if (a->sequence != b->sequence) return a->sequence < b->sequence ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

void torpor__results_sort(struct torpor__results *results) {
  if (results->arrival_count > 1)
    qsort(results->arrivals, results->arrival_count, sizeof *results->arrivals,
          compare_arrivals);
}

void torpor__results_leave(struct torpor__results *results) {
  size_t kept = 0;
  for (size_t i = 0; i < results->arrival_count; i++) {
    struct torpor__arrival *arrival = &results->arrivals[i];
    if (torpor__results_find(results, arrival->branch, arrival->operation)
            ->leaving)
      free(arrival->value);
    else
      results->arrivals[kept++] = *arrival;
  }
  results->arrival_count = kept;
  kept = 0;
  for (size_t i = 0; i < results->waiting_count; i++) {
    if (results->waiting[i].leaving)
      free(results->waiting[i].topic);
    else
      results->waiting[kept++] = results->waiting[i];
  }
  results->waiting_count = kept;
}

bool torpor__results_written(struct torpor__results *results, bool committed) {
  size_t kept = 0;
  for (size_t i = 0; i < results->arrival_count; i++) {
    struct torpor__arrival *arrival = &results->arrivals[i];
    if (committed && arrival->outvoted) {
      struct torpor__waiting *waiting =
          torpor__results_find(results, arrival->branch, arrival->operation);
      waiting->answered = waiting->recorded = false;
      free(arrival->value);
      continue;
    }
    if (committed && arrival->written != 0)
      arrival->sequence = arrival->written;
    arrival->written = 0;
    arrival->outvoted = false;
    results->arrivals[kept++] = *arrival;
  }
  bool dropped = kept < results->arrival_count;
  results->arrival_count = kept;
  return dropped;
}

void torpor__results_clear(struct torpor__results *results) {
  for (size_t i = 0; i < results->waiting_count; i++)
    free(results->waiting[i].topic);
  for (size_t i = 0; i < results->arrival_count; i++)
    free(results->arrivals[i].value);
  free(results->waiting);
  free(results->arrivals);
  *results = (struct torpor__results){0};
}
