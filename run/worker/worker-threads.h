/* SPDX-License-Identifier: MIT */
/* worker-threads.h - the pool of threads on which a worker computes steps that
 * take long.
 *
 * A worker has one loop, and what is done on its thread keeps every run of the
 * worker waiting. An engine that was interrupted cannot go on where it was, so
 * that a long step cannot be cut into slices: it needs a thread of its own, and
 * the system sees to a fair share of the processors.
 *
 *      loop's thread         start ─► WAITS       DONE ─► done, wait ─► NONE
 *                                       │          ▲
 *      a thread of the pool             └─► RUNS ──┘ wakes the loop
 *
 *  (1) There are at most 16 threads, made when they are needed. Work beyond
 *      that waits in the order in which it came.
 *  (2) Work belongs to the pool from 'start' until 'done' is true or 'wait'
 *      returns: nobody else touches what it is about.
 *  (3) Signals that are sent to the process are not handled on these threads.
 *
 * On the loop's thread, but 'is_short', which work may ask. */
#ifndef TORPOR_RUN_WORKER_THREADS_H
#define TORPOR_RUN_WORKER_THREADS_H

#include <stdbool.h>

#include "torpor-loop.h"

struct torpor__threads;

enum torpor__work_state {
  TORPOR__WORK_NONE, /* not the pool's; zeroed is this */
  TORPOR__WORK_WAITS,
  TORPOR__WORK_RUNS,
  TORPOR__WORK_DONE
};

/* Embedded in what is to be done; 'work' is called on a thread of the pool. */
struct torpor__work {
  void (*work)(struct torpor__work *work);
  struct torpor__work *next;
  enum torpor__work_state state;
};

/* NULL when memory ran out. 'loop' is woken whenever work is done. */
struct torpor__threads *torpor__threads_open(torpor_loop *loop);
/* No work may be the pool's any more. Before the loop is closed. */
void torpor__threads_close(struct torpor__threads *threads);

/* Hands work over. False when there is no thread to be had. */
bool torpor__threads_start(struct torpor__threads *threads,
                           struct torpor__work *work);

/* Whether it is done, and the caller's again. */
bool torpor__threads_done(struct torpor__threads *threads,
                          struct torpor__work *work);

/* Waits for work that was told to stop; work that no thread has begun is not
 * done. It is the caller's again. */
void torpor__threads_wait(struct torpor__threads *threads,
                          struct torpor__work *work);

/* Whether work waits for a thread and none is free. From any thread. */
bool torpor__threads_is_short(const struct torpor__threads *threads);

#endif
