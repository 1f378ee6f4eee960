/* SPDX-License-Identifier: MIT */
/* worker-shared.h - what all runs of a worker share: its store, its loop, its
 * threads, and the callback that hears what happens.
 *
 * On the worker's thread; steps on other threads read 'store', 'loop' and
 * 'threads'. */
#ifndef TORPOR_RUN_WORKER_SHARED_H
#define TORPOR_RUN_WORKER_SHARED_H

#include "run/store.h"
#include "torpor-loop.h"

struct torpor__threads;
struct torpor__worker_run;

struct torpor__worker_shared {
  torpor_store *store;
  torpor_loop *loop;
  struct torpor__threads *threads; /* for steps that take long; NULL: none */
  bool defer_long; /* a step that turns out to be long is put off: short ones
                      of others go first */
  /* Tells the worker that a driver has brought something for a run. */
  void (*wake)(void *worker, struct torpor__worker_run *run);
  void *worker;
  torpor_event_fn event; /* may be NULL */
  void *user;
};

/* Calls the worker's owner with what happened to 'run' ("": to none). */
static inline void
torpor__worker_report(const struct torpor__worker_shared *shared,
                      const char *run, torpor_event event) {
  if (shared->event == NULL) return;
  event.run = run;
  shared->event(shared->user, &event);
}

static inline void
torpor__worker_report_error(const struct torpor__worker_shared *shared,
                            const char *run, int64_t step, const char *text) {
  torpor__worker_report(
      shared, run,
      (torpor_event){.kind = TORPOR_EVENT_ERROR, .step = step, .text = text});
}

#endif
