/* SPDX-License-Identifier: MIT */
/* worker-step.h - computes one step of a run: wakes its VM if need be, tells it
 * what came, and runs it until it waits.
 *
 *            on the loop's thread            on a thread of the pool
 *
 *   run ───► a slice: 20 ms ──► DONE
 *                 │ too short
 *                 └─ back to the last commit ──► up to the deadline ──► DONE
 *                                  ▲                │ others wait for a thread
 *                                  └── in its turn ─┘
 *
 * Nothing leaves a run before its commit, so a step can be begun again at will:
 * that costs time and nothing else. A step is first tried on the loop's thread,
 * where nothing has to be handed over. What takes longer than a slice is begun
 * again on a thread of the pool (it is offloaded), while the loop goes on with
 * other runs. The next steps of such a run are offloaded at once, until one is
 * short. Where more steps are long than there are threads, one that has used
 * its budget makes room and waits for its next turn, with twice as much: less
 * than half of what is computed is in vain.
 *
 *  (1) While 'offloaded' is true the VM, and what the step is about, belong to
 *      a thread of the pool. That reads nothing of the store: the program and
 *      what an upgrade handed over have been read before.
 *  (2) A step that is interrupted since its worker stops, or since its run was
 *      killed, is no attempt.
 *
 * On the loop's thread, but for what the VM asks for on one of the pool. */
#ifndef TORPOR_RUN_WORKER_STEP_H
#define TORPOR_RUN_WORKER_STEP_H

#include <stdatomic.h>

#include "run/state/program.h"
#include "run/vm/run-vm.h"
#include "run/worker/worker-shared.h"
#include "run/worker/worker-threads.h"

struct torpor__worker_step {
  /* Of the run; set before the first step. */
  const struct torpor__worker_shared *shared;
  struct torpor__protocol *protocol;
  const char *id;
  int64_t number, version;
  struct torpor__run_context context; /* its functions are worker-step.c's */

  struct torpor__run_vm *run_vm; /* NULL: asleep */
  struct torpor__work work;
  bool reported;           /* that this step's VM was started or woken */
  atomic_bool interrupted; /* to be ended: the worker stops, or it was killed */

  /* On a thread of the pool. */
  bool offloaded;
  bool slow;          /* the last step there took longer than a slice */
  uint64_t began_ms;  /* monotonic */
  uint64_t budget_ms; /* what it may take while others wait for a thread */
  bool yielded;       /* it ended for others */

  /* On the loop's thread. */
  bool in_slice;         /* it is to end after a slice */
  bool slice_is_used;    /* it did */
  bool deferred;         /* and is not offloaded now: short ones go first */
  uint64_t used_from_ms; /* the thread's own clock when it was first looked at,
                            and 1; 0: not yet */
  uint64_t look_due_ms;  /* when to look again whether the run was killed */

  /* The step, and how it went. */
  struct torpor__state_chain chain; /* what the VM is woken from */
  struct torpor__program program;   /* read for a thread of the pool */
  torpor_bytes upgrade;             /* the same: what was handed over */
  struct torpor__delivery *deliveries;
  size_t count;
  struct torpor__step *described; /* what it did */
  torpor_status status;
  bool woken;
  double woke_us;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
};

/* Fills in the functions of 'context'. */
void torpor__worker_step_open(struct torpor__worker_step *step);
/* Ends a step that is offloaded, and closes the VM. */
void torpor__worker_step_close(struct torpor__worker_step *step);

enum torpor__worker_step_end {
  TORPOR__WORKER_STEP_OFFLOADED, /* it goes on on another thread: ask again */
  TORPOR__WORKER_STEP_DONE,  /* 'described' says what it did; the VM is awake */
  TORPOR__WORKER_STEP_FAILED /* 'message' says why; the VM is asleep */
};

/* Computes the step that the protocol has chosen deliveries for, or goes on
 * with it. 'described' is filled in by the time that DONE is returned. */
enum torpor__worker_step_end
torpor__worker_step_run(struct torpor__worker_step *step,
                        struct torpor__step *described);

/* Asks a step that is offloaded to end soon. 'run' then returns FAILED. */
void torpor__worker_step_interrupt(struct torpor__worker_step *step);
/* The same, and waits for it: what it did is dropped. */
void torpor__worker_step_abandon(struct torpor__worker_step *step);
/* Whether the step was asked to end: then nothing is wrong with it. */
bool torpor__worker_step_is_interrupted(const struct torpor__worker_step *step);

/* Closes the VM, which the next step wakes again. Not while it is offloaded. */
void torpor__worker_step_sleep(struct torpor__worker_step *step);

#endif
