/* SPDX-License-Identifier: MIT */
/* worker-check.h - test builds assert what worker.c and worker-claim.c promise.
 * Elsewhere nothing is checked.
 *
 * On the worker's thread. */
#ifndef TORPOR_RUN_WORKER_CHECK_H
#define TORPOR_RUN_WORKER_CHECK_H

#include "run/worker/worker-state.h"

#ifdef TORPOR_TESTING

/* Between two turns, of which the last one ended well. */
void torpor__worker_check(const struct torpor_worker *worker);

#else

static inline void torpor__worker_check(const struct torpor_worker *worker) {
  (void)worker;
}

#endif

#endif
