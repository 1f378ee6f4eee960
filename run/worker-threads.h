/* SPDX-License-Identifier: MIT */
/* worker-threads.h - the threads of a worker on which steps that take long are
 * done.
 *
 * A worker has one loop, and what is done on its thread keeps every run of the
 * worker waiting. The engine can be interrupted, but not gone on with, so that
 * a long step cannot be cut into slices. It needs a thread of its own, and the
 * system sees to a fair share of the processors:
 *
 *      loop's thread        start ──► errand ──► done?
 *                                       │          ▲
 *      a thread of the crew             └── work ──┘ wakes the loop
 *
 *  (1) There are at most 16 threads, made when they are needed. Errands beyond
 *      that wait in the order in which they came.
 *  (2) An errand is the crew's from 'start' until 'done' is true or 'wait'
 *      returns: nobody else touches what it is about.
 *  (3) Signals that are sent to the process are not handled on these threads.
 *
 * On the loop's thread, but 'is_short', which errands may ask. */
#ifndef TORPOR_RUN_WORKER_THREADS_H
#define TORPOR_RUN_WORKER_THREADS_H

#include <stdbool.h>

#include "torpor-loop.h"

struct torpor__threads;

enum torpor__work_state {
  TORPOR__WORK_NONE, /* not the crew's; zeroed is this */
  TORPOR__WORK_WAITS,
  TORPOR__WORK_RUNS,
  TORPOR__WORK_DONE
};

/* Embedded in what is to be done; 'work' is called on a thread of the crew. */
struct torpor__work {
  void (*work)(struct torpor__work *work);
  struct torpor__work *next;
  enum torpor__work_state state;
};

/* NULL when memory ran out. 'loop' is woken whenever an errand is done. */
struct torpor__threads *torpor__threads_open(torpor_loop *loop);
/* No errand may be the crew's any more. Before the loop is closed. */
void torpor__threads_close(struct torpor__threads *threads);

/* Hands an errand over. False when there is no thread to be had. */
bool torpor__threads_start(struct torpor__threads *threads,
                           struct torpor__work *work);

/* Whether it is done, and the caller's again. */
bool torpor__threads_done(struct torpor__threads *threads,
                          struct torpor__work *work);

/* Waits for an errand that was told to stop; one that no thread has begun is
 * not done. The caller's again. */
void torpor__threads_wait(struct torpor__threads *threads,
                          struct torpor__work *work);

/* Whether errands wait for a thread and none is free. From any thread. */
bool torpor__threads_is_short(const struct torpor__threads *threads);

#endif
