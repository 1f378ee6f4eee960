/* SPDX-License-Identifier: MIT */
/* results.h - what one run waits for, and the results that have arrived.
 *
 *  (1) 'waiting' is what the committed state waits for, by rising branch and
 *      id; nothing is in 'arrivals' that is not in 'waiting'.
 *  (2) An operation has at most one arrival. The first one stays, but one that
 *      the store has recorded replaces one that nothing has recorded yet.
 *  (3) An arrival of an operation that must not be repeated is 'durable': it is
 *      written before it is delivered. Those of others may be lost, since the
 *      operation can be done again.
 *
 * No I/O. Runs on the worker's thread. */
#ifndef TORPOR_RUN_RESULTS_H
#define TORPOR_RUN_RESULTS_H

#include "run/database/database.h"

struct torpor__waiting {
  int64_t branch;
  uint64_t id;
  char *topic; /* of the signal it waits for, or NULL */
  enum torpor__policy policy;
  int64_t due_ms; /* or TORPOR__NEVER */
  int64_t begun_step;
  bool answered; /* an arrival is there */
  bool recorded; /* and it is in the store, or must be before its delivery */
  bool chosen;   /* something is delivered to it in the next step */
  bool leaving;  /* the step that is staged has settled or cancelled it */
};

struct torpor__arrival {
  int64_t sequence; /* in the store; 0: not written */
  int64_t written;  /* the same, in a transaction that is still open */
  uint64_t order;   /* of arrival */
  bool durable;
  bool chosen;   /* it is what will be delivered */
  bool outvoted; /* the store had an earlier one */
  int64_t branch;
  uint64_t operation;
  enum torpor__outcome outcome;
  void *value;
  size_t size;
};

/* Zeroed is empty. */
struct torpor__results {
  struct torpor__waiting *waiting;
  size_t waiting_count;
  size_t waiting_capacity;
  struct torpor__arrival *arrivals;
  size_t arrival_count;
  size_t arrival_capacity;
  uint64_t order;
};

/* Room for 'more' operations, so that 'add' cannot fail. OK or NOMEM. */
torpor_status torpor__results_reserve(struct torpor__results *results,
                                      size_t more);

/* Adds an operation, whose branch and id come after all others'; there must be
 * room. 'topic' is owned by the results then. */
void torpor__results_add(struct torpor__results *results,
                         const struct torpor__operation *operation,
                         char *topic);

struct torpor__waiting *
torpor__results_find(const struct torpor__results *results, int64_t branch,
                     uint64_t id);

/* The same where the branch is not known: 'branch' is tried first. */
struct torpor__waiting *
torpor__results_find_id(const struct torpor__results *results, int64_t branch,
                        uint64_t id);

/* Takes a result in; 'sequence' is not 0 when it comes from the store. Copies
 * the value. OK also when nothing waits for it, or it came too late; NOMEM. */
torpor_status torpor__results_receive(struct torpor__results *results,
                                      const struct torpor__result *result);

/* Puts arrivals into the order of delivery: those in the store by sequence,
 * those that will be written next, then the others; each as they came. */
void torpor__results_sort(struct torpor__results *results);

/* Removes the operations that are leaving, with their arrivals. */
void torpor__results_leave(struct torpor__results *results);

/* After the transaction in which arrivals were written: they have their
 * sequence now and those that were outvoted go or, when it was not 'committed',
 * all are as before. Says whether any has gone. */
bool torpor__results_written(struct torpor__results *results, bool committed);

void torpor__results_clear(struct torpor__results *results);

#endif
