/* SPDX-License-Identifier: MIT */
/* worker-run.h - one run in the hands of a worker: its protocol, its VM while
 * that is awake, and the drivers at work for it.
 *
 * The worker decides when; this does it. The order is always: prepare, step,
 * flush (of many runs at once, by the worker), settle.
 *
 * On the worker's thread. */
#ifndef TORPOR_RUN_WORKER_RUN_H
#define TORPOR_RUN_WORKER_RUN_H

#include "run-vm.h"
#include "request.h"
#include "worker-shared.h"

struct torpor__worker_run;

/* Takes a run that was locked and tried (torpor__request_try) and is fit: reads
 * it; the first flush claims it. ENGINE when it sleeps in one that is not here,
 * CORRUPT when its rows are damaged, for which it was parked, or what the store
 * says; then '*run' is NULL and the lock given up. 'shared' must outlive it. */
torpor_status
torpor__worker_run_open(struct torpor__worker_run **run,
                        const struct torpor__worker_shared *shared,
                        const struct torpor__trial *trial);
void torpor__worker_run_close(struct torpor__worker_run *run);

/* Runs a step when there is anything to do and the store knows of the attempt:
 * wakes the VM if needed, and hands what it did to the protocol. One that takes
 * long goes on elsewhere, and is asked for by calling this again. A step that
 * came to nothing is reported and abandoned. '*stepped' says whether one came
 * to its end. OK, NOMEM, FENCED, or what the store says. */
torpor_status torpor__worker_run_step(struct torpor__worker_run *run,
                                      bool *stepped);

/* As torpor__protocol_refresh; a step that goes on elsewhere for a run that was
 * killed, or taken over, is told to end. */
torpor_status torpor__worker_run_refresh(struct torpor__worker_run *run);

enum torpor__worker_run_next {
  TORPOR__WORKER_RUN_STAYS,  /* the run goes on */
  TORPOR__WORKER_RUN_LEAVES, /* it ended or is another's: close it */
  /* Memory ran out for one of its operations: close it, and take it again
   * later. */
  TORPOR__WORKER_RUN_AGAIN,
};

/* After a flush that held it: tells what is now durable. */
enum torpor__worker_run_next
torpor__worker_run_settle(struct torpor__worker_run *run);

/* Called now and then: when nothing happened since the last call and nothing
 * is about to, the next flush takes back the attempt that was counted in
 * advance. So a worker that dies during a long wait costs the run nothing. A
 * suspect that only waits is none any more. */
void torpor__worker_run_rest(struct torpor__worker_run *run);

/* Tells a step that goes on elsewhere to end; 'part' or 'close' waits for
 * it. */
void torpor__worker_run_stop(struct torpor__worker_run *run);

/* For a clean goodbye: what was about to be stepped is not, and the next flush
 * takes back the attempt that was counted for it. */
void torpor__worker_run_part(struct torpor__worker_run *run);

/* Closes its VM, which the next step opens again from the last commit. */
void torpor__worker_run_sleep(struct torpor__worker_run *run);
bool torpor__worker_run_is_awake(const struct torpor__worker_run *run);
/* Whether its last step took long. */
bool torpor__worker_run_is_slow(const struct torpor__worker_run *run);
/* Whether there is nothing that it does, or is about to do. */
bool torpor__worker_run_is_tried(const struct torpor__worker_run *run);
/* Whether a step of it goes on elsewhere. */
bool torpor__worker_run_is_away(const struct torpor__worker_run *run);

struct torpor__protocol *
torpor__worker_run_protocol(struct torpor__worker_run *run);
const char *torpor__worker_run_id(const struct torpor__worker_run *run);

#endif
