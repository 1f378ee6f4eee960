/* SPDX-License-Identifier: MIT */
/* results.c - what one run waits for, and the results that have arrived.
 *
 * Two arrays: operations sorted by (branch, id), found by bisection, and
 * arrivals in any order until 'sort'. New operations have higher ids on the
 * current branch, and a new branch a higher number, so that adding is
 * appending. Removal is one pass for any number of leavers.
 *
 * Runs on the worker's thread. */
#include "results.h"

#include <assert.h>
#include <stdlib.h>

#include "array.h"
#include "fault.h"

static int compare_place(int64_t branch, uint64_t id,
                         const struct torpor__waiting *other) {
  if (branch != other->branch) return branch < other->branch ? -1 : 1;
  if (id != other->id) return id < other->id ? -1 : 1;
  return 0;
}

torpor_status torpor__inbox_reserve(struct torpor__inbox *inbox, size_t more) {
  return torpor__array_reserve(&inbox->waiting, &inbox->waiting_capacity,
                               inbox->waiting_count + more,
                               sizeof *inbox->waiting)
             ? TORPOR_OK
             : TORPOR_NOMEM;
}

void torpor__inbox_add(struct torpor__inbox *inbox,
                       const struct torpor__operation *operation, char *topic) {
  assert(inbox->waiting_count < inbox->waiting_capacity);
  assert(inbox->waiting_count == 0 ||
         compare_place(operation->branch, operation->id,
                       &inbox->waiting[inbox->waiting_count - 1]) > 0);
  inbox->waiting[inbox->waiting_count++] =
      (struct torpor__waiting){.branch = operation->branch,
                               .id = operation->id,
                               .topic = topic,
                               .policy = operation->policy,
                               .begun_step = operation->begun_step};
}

struct torpor__waiting *torpor__inbox_find(const struct torpor__inbox *inbox,
                                           int64_t branch, uint64_t id) {
  size_t low = 0;
  size_t high = inbox->waiting_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare_place(branch, id, &inbox->waiting[middle]);
    if (order == 0) return &inbox->waiting[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

struct torpor__waiting *torpor__inbox_find_id(const struct torpor__inbox *inbox,
                                              int64_t branch, uint64_t id) {
  struct torpor__waiting *found = torpor__inbox_find(inbox, branch, id);
  for (size_t i = 0; found == NULL && i < inbox->waiting_count; i++)
    if (inbox->waiting[i].id == id) found = &inbox->waiting[i];
  return found;
}

static struct torpor__arrival *find_arrival(const struct torpor__inbox *inbox,
                                            int64_t branch, uint64_t id) {
  for (size_t i = 0; i < inbox->arrival_count; i++) {
    struct torpor__arrival *arrival = &inbox->arrivals[i];
    if (arrival->branch == branch && arrival->operation == id) return arrival;
  }
  return NULL;
}

/* Whether a result counts for an operation that has an arrival already. */
static bool is_better(const struct torpor__waiting *waiting,
                      const struct torpor__arrival *old,
                      const struct torpor__result *result) {
  if (waiting->chosen) return false;
  if (TORPOR__BROKEN(LAST_RESULT_WINS)) return true;
  return result->sequence != 0 && old->sequence == 0;
}

static void fill_arrival(struct torpor__inbox *inbox,
                         struct torpor__arrival *arrival,
                         const struct torpor__result *result, bool durable,
                         void *value) {
  *arrival = (struct torpor__arrival){.sequence = result->sequence,
                                      .order = inbox->order++,
                                      .durable = durable,
                                      .branch = result->branch,
                                      .operation = result->operation,
                                      .outcome = result->outcome,
                                      .value = value,
                                      .size = result->value.size};
}

torpor_status torpor__inbox_receive(struct torpor__inbox *inbox,
                                    const struct torpor__result *result) {
  struct torpor__waiting *waiting =
      torpor__inbox_find(inbox, result->branch, result->operation);
  if (waiting == NULL) return TORPOR_OK;
  struct torpor__arrival *old = NULL;
  if (waiting->answered) {
    old = find_arrival(inbox, result->branch, result->operation);
    if (!is_better(waiting, old, result)) return TORPOR_OK;
  } else if (!torpor__array_reserve(&inbox->arrivals, &inbox->arrival_capacity,
                                    inbox->arrival_count + 1,
                                    sizeof *inbox->arrivals)) {
    return TORPOR_NOMEM;
  }
  void *value = torpor__array_copy(result->value.data, result->value.size);
  if (value == NULL) return TORPOR_NOMEM;
  if (old != NULL) free(old->value);
  if (old == NULL) old = &inbox->arrivals[inbox->arrival_count++];
  bool durable = waiting->policy == TORPOR__POLICY_REJECT &&
                 result->outcome != TORPOR__OUTCOME_LOST &&
                 !TORPOR__BROKEN(RESULTS_VOLATILE);
  fill_arrival(inbox, old, result, durable, value);
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

void torpor__inbox_sort(struct torpor__inbox *inbox) {
  if (inbox->arrival_count > 1)
    qsort(inbox->arrivals, inbox->arrival_count, sizeof *inbox->arrivals,
          compare_arrivals);
}

void torpor__inbox_leave(struct torpor__inbox *inbox) {
  size_t kept = 0;
  for (size_t i = 0; i < inbox->arrival_count; i++) {
    struct torpor__arrival *arrival = &inbox->arrivals[i];
    if (torpor__inbox_find(inbox, arrival->branch, arrival->operation)->leaving)
      free(arrival->value);
    else
      inbox->arrivals[kept++] = *arrival;
  }
  inbox->arrival_count = kept;
  kept = 0;
  for (size_t i = 0; i < inbox->waiting_count; i++) {
    if (inbox->waiting[i].leaving)
      free(inbox->waiting[i].topic);
    else
      inbox->waiting[kept++] = inbox->waiting[i];
  }
  inbox->waiting_count = kept;
}

bool torpor__inbox_written(struct torpor__inbox *inbox, bool committed) {
  size_t kept = 0;
  for (size_t i = 0; i < inbox->arrival_count; i++) {
    struct torpor__arrival *arrival = &inbox->arrivals[i];
    if (committed && arrival->outvoted) {
      struct torpor__waiting *waiting =
          torpor__inbox_find(inbox, arrival->branch, arrival->operation);
      waiting->answered = waiting->recorded = false;
      free(arrival->value);
      continue;
    }
    if (committed && arrival->written != 0)
      arrival->sequence = arrival->written;
    arrival->written = 0;
    arrival->outvoted = false;
    inbox->arrivals[kept++] = *arrival;
  }
  bool dropped = kept < inbox->arrival_count;
  inbox->arrival_count = kept;
  return dropped;
}

void torpor__inbox_clear(struct torpor__inbox *inbox) {
  for (size_t i = 0; i < inbox->waiting_count; i++)
    free(inbox->waiting[i].topic);
  for (size_t i = 0; i < inbox->arrival_count; i++)
    free(inbox->arrivals[i].value);
  free(inbox->waiting);
  free(inbox->arrivals);
  *inbox = (struct torpor__inbox){0};
}
