/* SPDX-License-Identifier: MIT */
/* branch.h - going on from an older state: rewinding a run, and forking it.
 *
 *   step      1    2    3    4    5
 *   branch 0  ●────●────○    ○    ○        rewound to 3: what was there goes
 *   branch 1            ●────●────●        begins with 3, as a whole state
 *   branch 2                 ●────●        of another run: forked at 4; it has
 *                                          the other branches as history
 *
 * A state and what it waits for were written together, but only the newest one
 * still has its operations in rows. Those of an older one are taken from it by
 * whoever can read a state ('open'), and their rows are made again:
 *
 *  (1) The branch in which an operation was begun follows from its id: ids rise
 *      within a VM, and a branch knows the first id that was new in it.
 *  (2) Key and branch are those of the first time; so what is repeated is
 *      repeated under its old key, and what was begun on an abandoned branch
 *      can never be mistaken for what is begun on the new one.
 *  (3) What waking means for an operation is what it meant when it was begun; a
 *      kind of which nothing is known must not be repeated.
 *  (4) A result that was recorded for an operation which is still waited for
 *      stays, so that it counts once, whatever way the run is led.
 *  (5) Both are one transaction. Rewinding takes the lock of the run and raises
 *      its fence; forking changes nothing of the run that is forked.
 *
 * No SQL, no VM, no clock; on the thread of the store. */
#ifndef TORPOR_RUN_BRANCH_H
#define TORPOR_RUN_BRANCH_H

#include "request.h"

/* A state from which a run can go on. */
struct torpor__checkpoint {
  int64_t branch, step, version;
  bool runnable, clone;
  torpor_slice engine;
  torpor_slice snapshot; /* whole; plain until it is sealed */
  /* What it waits for, by rising id: id, kind, topic, request, due_ms and
   * begun_ms; the rest is filled in. */
  struct torpor__operation *operations;
  size_t operation_count;
  void *block; /* whatever 'close' needs */
};

/* Who can read states. */
struct torpor__opener {
  /* Reads the newest state of a run up to 'step'. OK, or a sentence in the
   * store's message. */
  torpor_status (*open)(void *user, int64_t run, int64_t step,
                        struct torpor__checkpoint *out);
  /* Makes its snapshot what is kept of it as that of run 'id' in 'branch'. */
  torpor_status (*seal)(void *user, const char *id, int64_t branch,
                        struct torpor__checkpoint *checkpoint);
  void (*close)(void *user, struct torpor__checkpoint *checkpoint);
  void *user;
};

/* For 'step': the newest state. */
#define TORPOR__STEP_NEWEST INT64_MAX

/* Leads 'run' back to 'step', or to where an edition of its program began. OK,
 * LOCKED, NOT_FOUND (it says which steps are kept), or what 'open' or the store
 * say; then nothing has changed. */
torpor_status torpor__branch_rewind(struct torpor__database *database,
                                    int64_t run, int64_t step,
                                    const struct torpor__opener *opener,
                                    int64_t now_ms);

/* Makes a run 'id' that goes on from 'step' of run 'from'. The same, and
 * EXISTS. */
torpor_status torpor__branch_fork(struct torpor__database *database,
                                  int64_t from, int64_t step, const char *id,
                                  const struct torpor__opener *opener,
                                  int64_t now_ms);

/* A state of a run as it would be gone back to, for whoever carries it off:
 * operations are complete. Borrowed. */
struct torpor__view {
  const struct torpor__run *row;
  const struct torpor__checkpoint *checkpoint;
  /* Those that were recorded for what it waits for, in their order. */
  const struct torpor__result *results;
  size_t result_count;
};
typedef torpor_status torpor__view_fn(void *user,
                                      const struct torpor__view *view);

/* Shows 'step' of a run to 'visit', which may read from the store. The same
 * codes, NOT_FOUND also where an edition begins, and what 'visit' says. */
torpor_status torpor__branch_view(struct torpor__database *database,
                                  int64_t run, int64_t step,
                                  const struct torpor__opener *opener,
                                  torpor__view_fn *visit, void *user);

/* A run that comes from elsewhere. */
struct torpor__import {
  const struct torpor__run *row;
  const struct torpor__file *files;
  size_t file_count;
  /* Where its operations were begun, by rising number, each the parent of the
   * next; at least one. */
  const struct torpor__branch *branches;
  size_t branch_count;
  const struct torpor__result *results; /* in the order in which they came */
  size_t result_count;
};

/* Makes a run of it that goes on from 'departure', whose operations have policy
 * and begun_step; 'opener' seals and closes it in any case. As 'fork'. */
torpor_status torpor__branch_import(struct torpor__database *database,
                                    const struct torpor__import *newcomer,
                                    const struct torpor__checkpoint *checkpoint,
                                    const struct torpor__opener *opener,
                                    int64_t now_ms);

/* NOT_FOUND, with a sentence that says which steps are kept. */
torpor_status torpor__branch_not_kept(struct torpor__database *database,
                                      int64_t run, const char *id,
                                      int64_t step);

#endif
