/* SPDX-License-Identifier: MIT */
/* worker-run.h - one run that a worker has claimed: its protocol, its VM while
 * that is awake, and the drivers at work for it.
 *
 *      worker ──► step ──► flush, of many runs at once ──► settle ─┐
 *                   ▲                                              │
 *                   └──────────────────────────────────────────────┘
 *
 * On the worker's thread. */
#ifndef TORPOR_RUN_WORKER_RUN_H
#define TORPOR_RUN_WORKER_RUN_H

#include "run/request.h"
#include "run/vm/run-vm.h"
#include "run/worker/worker-shared.h"

struct torpor__worker_run;

/* A run's place among those of its worker that rest: worker-rest.c. */
struct torpor__worker_place {
  struct torpor__worker_run *run;
  struct torpor__worker_place *before, *behind; /* NULL: in no ring */
  bool rests;
};

/* Opens a run that was locked, and whose claim was granted
 * (torpor__request_count_attempts): reads it; the first flush raises its fence.
 * ENGINE when it sleeps in one that is not here, CORRUPT when its rows are
 * damaged, for which it was parked, or what the store says; then '*run' is NULL
 * and the lock given up. 'shared' must outlive it. */
torpor_status
torpor__worker_run_open(struct torpor__worker_run **run,
                        const struct torpor__worker_shared *shared,
                        const struct torpor__claim *claim);
void torpor__worker_run_close(struct torpor__worker_run *run);

/* Runs a step when there is anything to do and the store knows of the attempt:
 * wakes the VM if needed, and hands what it did to the protocol. One that takes
 * long is offloaded, and taken up again by calling this again. A step that
 * failed is reported and rolled back. '*stepped' says whether one came to its
 * end. OK, NOMEM, FENCED, or what the store says. */
torpor_status torpor__worker_run_step(struct torpor__worker_run *run,
                                      bool *stepped);

/* As torpor__protocol_refresh; the offloaded step of a run that was killed, or
 * taken over, is told to end. */
torpor_status torpor__worker_run_refresh(struct torpor__worker_run *run,
                                         int64_t news);

enum torpor__worker_run_next {
  TORPOR__WORKER_RUN_STAYS,  /* the run goes on */
  TORPOR__WORKER_RUN_LEAVES, /* it ended or is another's: close it */
  /* Memory ran out for one of its operations: close it, and claim it again
   * later. */
  TORPOR__WORKER_RUN_AGAIN,
};

/* After a flush: reports what is now durable. */
enum torpor__worker_run_next
torpor__worker_run_settle(struct torpor__worker_run *run);

/* Called now and then: when nothing happened since the last call and nothing
 * is about to, the next flush takes back the attempt that was counted in
 * advance. So a worker that dies during a long wait costs the run nothing. A
 * suspect that only waits is cleared of all attempts. */
void torpor__worker_run_return_attempt(struct torpor__worker_run *run);

/* Whether no turn finds anything to do for it, before a driver or somebody else
 * has something for it: nothing of it is awake, and no attempt is counted. */
bool torpor__worker_run_is_still(const struct torpor__worker_run *run);

/* The worker's to use. */
struct torpor__worker_place *
torpor__worker_run_place(struct torpor__worker_run *run);

/* Whether the worker can let go of it, once the store knows when it is due: it
 * only waits, for signals and for times that are not soon. */
bool torpor__worker_run_can_go(const struct torpor__worker_run *run,
                               int64_t now_ms);

/* Tells an offloaded step to end; 'wind_down' or 'close' waits for it. */
void torpor__worker_run_interrupt(struct torpor__worker_run *run);

/* Before it is closed: ends its step, and the next flush takes back the attempt
 * that was counted for it. */
void torpor__worker_run_wind_down(struct torpor__worker_run *run);

/* Closes its VM, which the next step opens again from the last commit. Nothing
 * happens unless it can sleep: it is awake, and not about to be stepped. */
void torpor__worker_run_sleep(struct torpor__worker_run *run);
bool torpor__worker_run_can_sleep(const struct torpor__worker_run *run);
bool torpor__worker_run_is_awake(const struct torpor__worker_run *run);
/* Whether its last step took long. */
bool torpor__worker_run_is_slow(const struct torpor__worker_run *run);
/* Whether nothing is done for it, or is about to be. */
bool torpor__worker_run_is_idle(const struct torpor__worker_run *run);
/* Whether a step of it is being computed on another thread. */
bool torpor__worker_run_is_offloaded(const struct torpor__worker_run *run);

#ifdef TORPOR_TESTING
/* Asserts, between two turns, what worker-run.c promises. */
void torpor__worker_run_check(const struct torpor__worker_run *run);
#endif

struct torpor__protocol *
torpor__worker_run_protocol(struct torpor__worker_run *run);

#endif
