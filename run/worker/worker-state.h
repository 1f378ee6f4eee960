/* SPDX-License-Identifier: MIT */
/* worker-state.h - a worker from the inside, for the files worker*.c:
 *
 *     worker.c           opens and closes it, and takes its turns
 *     worker-suspect.c   works runs that may have ended earlier workers, one at
 *                        a time
 *     worker-look.c      finds the runs that need it
 *     worker-room.c      puts VMs to sleep when memory is short, and lets go of
 *                        runs that only wait
 *     worker-rest.c      keeps runs that only wait out of the turns
 *     worker-claim.c     claims runs, and lets go of them
 *     worker-run.c       one run that was claimed
 *     worker-step.c      one step of it being computed
 *     worker-drivers.c   the drivers at work for it
 *     worker-threads.c   the threads for steps that take long
 *     worker-shared.h    what all runs of a worker share
 *
 * Each calls only those further down.
 *
 * Runs on the worker's thread. */
#ifndef TORPOR_RUN_WORKER_STATE_H
#define TORPOR_RUN_WORKER_STATE_H

#include "run/worker/worker-run.h"

enum {
  /* VMs after a turn, beside those that the next one will step; and runs that
   * only wait, beside those that are due soon. */
  TORPOR__WORKER_AWAKE_MAX = 256,
  TORPOR__WORKER_RETRY_MS = 500 /* between looks for what others left */
};

/* A run that is to be claimed. */
struct torpor__queued_run {
  int64_t number;
  int64_t attempts; /* as seen last; 0: not a suspect */
  bool locked;      /* by another worker, when it was last asked for */
};

/* A run that is claimed. */
struct torpor__held_run {
  int64_t number; /* first: they are compared by it */
  struct torpor__worker_run *run;
};

struct torpor_worker {
  struct torpor__worker_shared shared;
  bool drives_all;  /* every run of the store, and not only those added */
  bool until_ended; /* and then, until none is left that it could drive */
  int poll_ms;
  torpor_alarm *poll;
  bool must_look;        /* there may be news in the store */
  bool must_find;        /* runs may be due */
  bool more;             /* there was more than one look takes */
  int64_t last_run;      /* the highest number of a run that was seen */
  torpor_alarm *due;     /* for the first run that is due, of those that it does
                            not hold */
  int64_t due_ms;        /* when that rings */
  int64_t rung_ms;       /* the same, once it has; 0: all of that was claimed */
  bool due_changed;      /* it may have to ring earlier */
  bool memory_full;      /* runs wait for the memory that others take */
  bool wound_down;       /* its runs are ready to be let go of */
  bool waits_for_store;  /* others have it for themselves; reported */
  uint64_t memory_total; /* bytes that the process may take */
  double retry_due;      /* when to ask again for runs that other workers have,
                            and to return the attempts of runs that are idle */
  torpor_status status;

  struct torpor__worker_run **runs; /* claimed, and each turn looks at them;
                                       those that stepped last are at the end */
  size_t count, capacity;
  struct torpor__held_run *held; /* these, and those that rest, by number */
  size_t held_count, held_capacity;
  struct torpor__worker_place resting; /* of the ring of those that rest, and
                                          can be let go of: those that rest
                                          longest are first */
  size_t resting_count;
  struct torpor__queued_run *queue; /* runs to claim */
  size_t queue_count, queue_capacity;
  int64_t *skipped; /* numbers of runs that only other workers can drive, in
                       order */
  size_t skipped_count, skipped_capacity;

  struct torpor__worker_run *suspect; /* that is being worked, or NULL */
  bool suspect_stepped;               /* a step of it came to its end */

  struct torpor__protocol **pending; /* room for one flush */
  size_t pending_capacity;
};

static inline struct torpor__database *
torpor__worker_database(const struct torpor_worker *worker) {
  return worker->shared.store->database;
}

/* Reports what the store has said last. */
static inline void
torpor__worker_report_store(const struct torpor_worker *worker) {
  torpor__worker_report_error(&worker->shared, "", 0,
                              torpor__worker_database(worker)->message);
}

static inline bool torpor__worker_is_suspect(struct torpor__worker_run *run) {
  return torpor__protocol_is_suspect(torpor__worker_run_protocol(run));
}

/* ---- worker-suspect.c ----------------------------------------------------*/

/* Works the suspect in hand, or chooses the next. */
torpor_status torpor__worker_step_suspect(struct torpor_worker *worker);

/* Whether that would find anything to do now. */
bool torpor__worker_has_suspect(const struct torpor_worker *worker);

/* ---- worker-look.c -------------------------------------------------------*/

/* Reads news of runs that are held, and claims those that are not and need a
 * worker: as many as one turn can do. Those of dead workers are looked for now
 * and then. */
torpor_status torpor__worker_look(struct torpor_worker *worker);

/* Whether the store has a run that has not ended, and is not known to be one
 * that cannot be driven here. */
torpor_status torpor__worker_has_left(struct torpor_worker *worker, bool *left);

/* Sees to it that the loop wakes for the first run that is due and not held. */
torpor_status torpor__worker_arm_due(struct torpor_worker *worker);

/* ---- worker-room.c -------------------------------------------------------*/

/* Whether 'run' is about to be woken. */
bool torpor__worker_needs_room(struct torpor__worker_run *run);

/* Makes room for one more VM, if there is not enough, by putting others to
 * sleep. False when all that are awake have something to do. */
bool torpor__worker_make_room(struct torpor_worker *worker);

/* Puts the VMs to sleep that stepped longest ago, beyond the most that may be
 * awake; but not those that are about to be stepped. */
void torpor__worker_limit_awake(struct torpor_worker *worker);

/* Lets go of the runs that waited longest, beyond the most that are held. */
void torpor__worker_limit_held(struct torpor_worker *worker);

/* ---- worker-rest.c -------------------------------------------------------*/

/* Takes out of the turns whatever is still. */
void torpor__worker_rest(struct torpor_worker *worker);

/* Takes a run into them again, if it rests; it is the last then. */
void torpor__worker_wake(struct torpor_worker *worker,
                         struct torpor__worker_run *run);

/* The run that rests longest, of those that can be let go of; or NULL. */
struct torpor__worker_run *
torpor__worker_first_resting(const struct torpor_worker *worker);

/* ---- worker-claim.c ------------------------------------------------------*/

/* The run with this number, if it has claimed that; or NULL. */
struct torpor__worker_run *
torpor__worker_find(const struct torpor_worker *worker, int64_t number);

/* Whether it is known that the run cannot be driven here. */
bool torpor__worker_skips(const struct torpor_worker *worker, int64_t number);

/* Puts a run into the queue that is not there. OK or NOMEM. */
torpor_status torpor__worker_enqueue(struct torpor_worker *worker,
                                     int64_t number, int64_t attempts);

/* Takes it out again, if it is there. */
void torpor__worker_dequeue(struct torpor_worker *worker, int64_t number);

/* Claims a run, unless another worker has it: then it is OK, too, and '*others'
 * is true. LOCKED says that others have the store for themselves. */
torpor_status torpor__worker_claim(struct torpor_worker *worker, int64_t number,
                                   bool *others);

/* Claims what is queued and free, but for suspects, after asking how things
 * are. What cannot be claimed now stays queued. */
torpor_status torpor__worker_claim_queued(struct torpor_worker *worker);

/* Locks a run and adds it to 'claims', which has room. OK also when another
 * worker has it: then it is not added. */
torpor_status torpor__worker_lock(struct torpor_worker *worker, int64_t number,
                                  struct torpor__claim *claims, size_t *count);

/* Opens runs that were locked; those that cannot be are unlocked. */
torpor_status torpor__worker_open_locked(struct torpor_worker *worker,
                                         struct torpor__claim *claims,
                                         size_t count);

/* After claiming a run that nobody has asked for by name gave 'status': one
 * that cannot be driven here, or was parked, is reported, and that is OK. */
torpor_status torpor__worker_tolerate(struct torpor_worker *worker,
                                      int64_t number, torpor_status status);

/* Lets go of 'runs[index]', which does not rest. */
void torpor__worker_drop(struct torpor_worker *worker, size_t index);

#endif
