/* SPDX-License-Identifier: MIT */
/* job.h - blocking work for tasks, on the threads of libuv's pool.
 *
 *   waiting ---------> working ---------> 'complete', then gone
 *      | cancel           | cancel
 *      v                  v
 *    gone              abandoned: ends soon, tells nobody
 *
 *  (1) At most TORPOR__JOBS_MAX jobs of a loop are working, so that a program
 *      which asks for much at once fills neither the pool nor the host's
 *      memory; the others wait in order.
 *  (2) A job that is abandoned holds nothing of its task.
 *
 * Runs on the loop's thread; 'perform' on a thread of the pool. */
#ifndef TORPOR_LOOP_JOB_H
#define TORPOR_LOOP_JOB_H

#include "loop/loop.h"

enum { TORPOR__JOBS_MAX = 8 };

struct torpor__job;

struct torpor__job_type {
  /* Takes what it needs from the task, just before it is performed. False after
   * failing the task. May be NULL. */
  bool (*prepare)(struct torpor__job *job);
  /* Does the work, and gives 0 or a failure. May look at 'cancelled'. */
  int (*perform)(struct torpor__job *job);
  /* Completes 'task', by 'failure'. Not called for an abandoned job. */
  void (*complete)(struct torpor__job *job);
  void (*free)(struct torpor__job *job);
};

/* The beginning of each job; zeroed at first, but for 'type'. */
struct torpor__job {
  struct torpor__link link; /* first: a link is its job */
  const struct torpor__job_type *type;
  uv_work_t work;
  torpor_loop *loop;
  torpor_task *task; /* NULL: abandoned */
  bool working;
  atomic_bool cancelled;
  int failure; /* 0, or what libuv, the system or 'perform' say */
};

/* Starts 'job', whose memory it takes over, for 'task', whose state it becomes.
 */
void torpor__job_start(struct torpor__job *job, torpor_task *task);

/* torpor_driver.cancel of drivers that start jobs. */
void torpor__job_cancel(torpor_task *task, void *user);

#endif
