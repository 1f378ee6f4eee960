/* SPDX-License-Identifier: MIT */
/* protocol-check.h - test builds assert what protocol.h, results.h and
 * signals.h promise of one run. Elsewhere nothing is checked.
 *
 * On the worker's thread. */
#ifndef TORPOR_RUN_PROTOCOL_CHECK_H
#define TORPOR_RUN_PROTOCOL_CHECK_H

#include "run/protocol/protocol-state.h"

#ifdef TORPOR_TESTING

/* Before a run's phase changes: the diagram of protocol.h has that arrow. */
void torpor__protocol_check_arrow(enum torpor__phase from,
                                  enum torpor__phase to);

/* After 'next' was committed, and before it becomes the run's head. */
void torpor__protocol_check_commit(const struct torpor__protocol *p);

/* Of what a step leaves of a request to cancel. */
void torpor__protocol_check_cancel(int64_t before, int64_t after);

/* At the end of a function of protocol.h, outside of a flush. */
void torpor__protocol_check(const struct torpor__protocol *p);

/* The same of what the run waits for, at any time but in 'prepare'. */
void torpor__protocol_check_results(const struct torpor__protocol *p);

#else

static inline void torpor__protocol_check_arrow(enum torpor__phase from,
                                                enum torpor__phase to) {
  (void)from;
  (void)to;
}

static inline void
torpor__protocol_check_commit(const struct torpor__protocol *p) {
  (void)p;
}

static inline void torpor__protocol_check_cancel(int64_t before,
                                                 int64_t after) {
  (void)before;
  (void)after;
}

static inline void torpor__protocol_check(const struct torpor__protocol *p) {
  (void)p;
}

static inline void
torpor__protocol_check_results(const struct torpor__protocol *p) {
  (void)p;
}

#endif

#endif
