/* SPDX-License-Identifier: MIT */
/* worker-drivers.h - the drivers at work for one run: the loop's tasks and
 * alarms behind the operations that it waits for.
 *
 *      protocol ── start, stop, after a commit ──► task, alarm ──► loop
 *         ▲                                            │
 *         └───────────────── receive ──────────────────┘
 *
 *  (1) 'tasks' are the operations at work, by rising branch and id. The
 *      protocol starts and stops them; one that brings its result is removed.
 *  (2) When memory runs out it is as if the worker had died, which a run
 *      survives: 'out_of_memory' says that it has to be closed and claimed
 *      again, which begins its operations again.
 *
 * On the worker's thread. */
#ifndef TORPOR_RUN_WORKER_DRIVERS_H
#define TORPOR_RUN_WORKER_DRIVERS_H

#include "run/protocol/protocol.h"
#include "run/worker/worker-shared.h"

struct torpor__worker_task;

struct torpor__worker_drivers {
  const struct torpor__worker_shared *shared;
  struct torpor__drivers calls; /* for the protocol */

  /* The run's; set before the first operation starts. */
  struct torpor__worker_run *run;
  struct torpor__protocol *protocol;
  const char *id;
  torpor_access *access; /* what operations may do; owned */
  torpor_world *world;   /* what they have open; owned */

  struct torpor__worker_task **tasks;
  size_t task_count, task_capacity;
  double busy_since_ms; /* monotonic: when one last began to do something */
  bool out_of_memory;   /* an operation is not performed */
};

/* 'drivers' are zeroed, and stay where they are until they are closed. */
void torpor__worker_drivers_open(struct torpor__worker_drivers *drivers,
                                 const struct torpor__worker_shared *shared);
/* After the protocol was closed, which has stopped all tasks. */
void torpor__worker_drivers_close(struct torpor__worker_drivers *drivers);

/* Whether one does something, and does not only wait: what that is may end the
 * worker as well as a step may. */
bool torpor__worker_drivers_are_busy(
    const struct torpor__worker_drivers *drivers);

/* The same, if it began lately: a run that waits for a slow answer keeps no
 * other suspect waiting. */
bool torpor__worker_drivers_began_lately(
    const struct torpor__worker_drivers *drivers);

/* When the next operation is due (wall clock, ms); -1: never. */
int64_t
torpor__worker_drivers_next_due(const struct torpor__worker_drivers *drivers);

#ifdef TORPOR_TESTING
/* Asserts (1), of a run that is idle. */
void torpor__worker_drivers_check(const struct torpor__worker_drivers *drivers);
#endif

#endif
