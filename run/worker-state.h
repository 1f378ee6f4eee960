/* SPDX-License-Identifier: MIT */
/* worker-state.h - a worker from the inside, for worker.c and worker-take.c.
 *
 * Runs on the worker's thread. */
#ifndef TORPOR_RUN_WORKER_STATE_H
#define TORPOR_RUN_WORKER_STATE_H

#include "worker-run.h"

struct torpor__wanted {
  int64_t number;
  int64_t attempts; /* as seen last; 0: not a suspect */
  bool locked;      /* by another worker, when it was last asked for */
};

struct torpor_worker {
  struct torpor__worker_shared shared; /* with its runs */
  bool all;                            /* drives every run of the store */
  int poll_ms;
  torpor_alarm *poll;
  bool look;             /* others may have written */
  bool changed;          /* they have, and not all of it is read */
  bool full;             /* runs wait for room that others take */
  bool parted;           /* it has said goodbye to its runs */
  bool locked;           /* others have the store for themselves; said */
  uint64_t memory_total; /* bytes that the process may take */
  double retry_due; /* when to ask again for what others hold, and to let the
                       attempts be of runs that are idle */
  torpor_status status;

  struct torpor__worker_run **runs; /* those that stepped last at the end */
  size_t count, capacity;
  int64_t *numbers; /* of 'runs', in order */
  size_t number_capacity;
  int64_t *refused; /* numbers of runs that only others can drive */
  size_t refused_count, refused_capacity;
  struct torpor__wanted *wanted; /* runs that were added and are not held */
  size_t wanted_count, wanted_capacity;
  struct torpor__worker_run
      *trial; /* the suspect that is being worked, or NULL */
  bool tried; /* a step of it came to its end */

  struct torpor__protocol **pending; /* room for one flush */
  size_t pending_capacity;
};

static inline struct torpor__database *
torpor__worker_store(const struct torpor_worker *worker) {
  return worker->shared.store->database;
}

/* Reports what the store has said last. */
static inline void
torpor__worker_report_store(const struct torpor_worker *worker) {
  torpor__worker_report_error(&worker->shared, "", 0,
                              torpor__worker_store(worker)->message);
}

/* Room for one more that is wanted, and for all that are held, should they have
 * to be taken again. */
bool torpor__worker_reserve_wanted(struct torpor_worker *worker);

bool torpor__worker_is_held(const struct torpor_worker *worker, int64_t number);

/* Puts a run among those that are to be taken. OK or NOMEM. */
torpor_status torpor__worker_want(struct torpor_worker *worker, int64_t number,
                                  int64_t attempts);

/* Takes a run, unless another worker has it: then it is OK, too, and '*others'
 * is true. LOCKED says that others have the store for themselves. */
torpor_status torpor__worker_take(struct torpor_worker *worker, int64_t number,
                                  bool *others);

/* Takes what is wanted and free, but for suspects. What the store keeps from
 * being taken stays wanted. */
torpor_status torpor__worker_take_wanted(struct torpor_worker *worker);

/* What became of one that nobody asked for by name: says why it is left alone
 * or was parked, which is no failure of the worker's. */
torpor_status torpor__worker_hear(struct torpor_worker *worker, int64_t number,
                                  torpor_status status);

/* Holds 'runs[index]' no more. */
void torpor__worker_drop(struct torpor_worker *worker, size_t index);

#endif
