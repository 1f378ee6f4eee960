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
#include "store.h"
#include "request.h"
#include "torpor-loop.h"

struct torpor__held;

/* What a held run needs of its worker. */
struct torpor__held_by {
  torpor_store *store;
  torpor_loop *loop;
  struct torpor__crew *crew; /* for steps that take long; NULL: none */
  bool short_only; /* a step that turns out to be long is put off: others who
                      are short go first */
  torpor_event_fn event; /* may be NULL */
  void *user;
};

/* Takes a run that was locked and tried (torpor__request_try) and is fit: reads
 * it; the first flush claims it. ENGINE when it sleeps in one that is not here,
 * CORRUPT when its rows are damaged, for which it was parked, or what the store
 * says; then '*held' is NULL and the lock given up. 'by' must outlive it. */
torpor_status torpor__held_open(struct torpor__held **held,
                                const struct torpor__held_by *by,
                                const struct torpor__trial *trial);
void torpor__held_close(struct torpor__held *held);

/* Runs a step when there is anything to do and the store knows of the attempt:
 * wakes the VM if needed, and hands what it did to the protocol. One that takes
 * long goes on elsewhere, and is asked for by calling this again. A step that
 * came to nothing is reported and abandoned. '*stepped' says whether one came
 * to its end. OK, NOMEM, FENCED, or what the store says. */
torpor_status torpor__held_step(struct torpor__held *held, bool *stepped);

/* As torpor__protocol_refresh; a step that goes on elsewhere for a run that was
 * killed, or taken over, is told to end. */
torpor_status torpor__held_refresh(struct torpor__held *held);

enum torpor__held_next {
  TORPOR__HELD_STAYS,  /* the run goes on */
  TORPOR__HELD_LEAVES, /* it ended or is another's: close it */
  TORPOR__HELD_AGAIN, /* memory ran out for one of its operations: close it, and
                          take it again later */
};

/* After a flush that held it: tells what is now durable. */
enum torpor__held_next torpor__held_settle(struct torpor__held *held);

/* Called now and then: when nothing happened since the last call and nothing
 * is about to, the next flush takes back the attempt that was counted in
 * advance. So a worker that dies during a long wait costs the run nothing. A
 * suspect that only waits is none any more. */
void torpor__held_rest(struct torpor__held *held);

/* Tells a step that goes on elsewhere to end; 'part' or 'close' waits for
 * it. */
void torpor__held_stop(struct torpor__held *held);

/* For a clean goodbye: what was about to be stepped is not, and the next flush
 * takes back the attempt that was counted for it. */
void torpor__held_part(struct torpor__held *held);

/* Closes its VM, which the next step opens again from the last commit. */
void torpor__held_sleep(struct torpor__held *held);
bool torpor__held_is_awake(const struct torpor__held *held);
/* Whether its last step took long. */
bool torpor__held_is_slow(const struct torpor__held *held);
/* Whether there is nothing that it does, or is about to do. */
bool torpor__held_is_tried(const struct torpor__held *held);
/* Whether a step of it goes on elsewhere. */
bool torpor__held_is_away(const struct torpor__held *held);

struct torpor__protocol *torpor__held_protocol(struct torpor__held *held);
const char *torpor__held_id(const struct torpor__held *held);

#endif
