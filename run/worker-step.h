/* SPDX-License-Identifier: MIT */
/* worker-step.h - one step of a run being computed: its VM is woken if need be,
 * told what came, and run until it waits.
 *
 *            on the loop's thread            on a thread of the crew
 *
 *   run ───► a slice: 20 ms ──► DONE
 *                 │ too short
 *                 └─ back to the last commit ──► up to the deadline ──► DONE
 *                                  ▲                │ others wait for a thread
 *                                  └── in its turn ─┘
 *
 * Nothing leaves a run before its commit, so a step may be begun again at will,
 * and that costs time and nothing else. A step is first tried where handing it
 * over costs nothing; what takes longer than a slice is done again on a thread
 * of its own, while the loop goes on with others. So do its next steps at once,
 * until one is short. Where more of them are long than there are threads, one
 * that has had its allowance makes room and waits for its next turn, with twice
 * as much: less than half of what is computed is in vain.
 *
 *  (1) While 'away' is true the VM, and what the step is about, are a thread's
 *      of the crew. That reads nothing of the store: modules and what was
 *      handed over have been read before.
 *  (2) A step that is given up since its worker stops, or since its run was
 *      killed, is no attempt.
 *
 * On the loop's thread, but for what the VM asks for on that of the crew. */
#ifndef TORPOR_RUN_WORKER_STEP_H
#define TORPOR_RUN_WORKER_STEP_H

#include <stdatomic.h>

#include "worker-threads.h"
#include "worker-run.h"
#include "program.h"

struct torpor__worker_step {
  /* The holder's; set before the first step. */
  const struct torpor__worker_shared *shared;
  struct torpor__protocol *protocol;
  const char *id;
  int64_t number, version;
  struct torpor__run_context context; /* its functions are worker-step.c's */

  struct torpor__run_vm *run_vm; /* NULL: asleep */
  struct torpor__work work;
  bool away;
  bool slow;             /* the last step there took longer than a slice */
  bool told;             /* that this step's VM was woken */
  uint64_t allowance_ms; /* of this try, where others wait */
  uint64_t began_ms;     /* monotonic */
  uint64_t look_due_ms;
  uint64_t used_from_ms; /* of the thread's own clock, and 1; 0: not known */
  atomic_bool unwanted; /* to be given up: the worker stops, or it was killed */
  bool yielded;         /* given up for others */
  bool may_slice;       /* it is to be given up after a slice */
  bool sliced;          /* so it was */
  bool put_off;         /* and is not to go on elsewhere now */

  /* The step, and how it went. */
  struct torpor__state_chain chain; /* what it is woken from */
  struct torpor__program supplies;
  torpor_bytes handed;
  struct torpor__delivery *deliveries;
  size_t count;
  struct torpor__step *step;
  torpor_status status;
  bool woken;
  double woke_us;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
};

/* Fills in the functions of 'brief'. */
void torpor__worker_step_open(struct torpor__worker_step *worker_step);
/* Gives up what is under way. */
void torpor__worker_step_close(struct torpor__worker_step *worker_step);

enum torpor__worker_step_end {
  TORPOR__WORKER_STEP_AWAY,  /* it goes on on another thread: ask again */
  TORPOR__WORKER_STEP_DONE,  /* 'step' says what it did; the VM is awake */
  TORPOR__WORKER_STEP_FAILED /* 'message' says why; the VM is asleep */
};

/* Computes the step that the protocol has chosen deliveries for, or goes on
 * with it. 'step' is filled in by the time that DONE is returned. */
enum torpor__worker_step_end
torpor__worker_step_run(struct torpor__worker_step *worker_step,
                        struct torpor__step *step);

/* Asks a step that is away to end soon. 'run' then returns FAILED. */
void torpor__worker_step_stop(struct torpor__worker_step *worker_step);
/* The same, and waits for it: it has come to nothing. */
void torpor__worker_step_abandon(struct torpor__worker_step *worker_step);
/* Whether the step was given up, and nothing is wrong with it. */
bool torpor__worker_step_is_unwanted(
    const struct torpor__worker_step *worker_step);

/* Closes the VM, which the next step wakes again. Not while it is away. */
void torpor__worker_step_sleep(struct torpor__worker_step *worker_step);

#endif
