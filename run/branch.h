/* SPDX-License-Identifier: MIT */
/* branch.h - going on from an older state, in a new branch: of the same run
 * (rewind.c), of a copy of it (fork.c), or of a run that comes from elsewhere
 * (import.c).
 *
 *   step      1    2    3    4    5
 *   branch 0  ●────●────○    ○    ○        rewound to 3: later states go
 *   branch 1            ●────●────●        begins with 3, as a whole state
 *   branch 2                 ●────●        of another run: forked at 4; it has
 *                                          the other branches as history
 *
 * Of all states of a run only the newest has the operations that it waits for
 * in rows. Those of an older one are read from the state itself (checkpoint.h),
 * and their rows are written again:
 *
 *  (1) The branch in which an operation was begun follows from its id: ids rise
 *      within a VM, and a branch knows the first id that was new in it.
 *  (2) An operation keeps its key and its branch. So it is repeated under its
 *      old key, and none of the new branch is mistaken for one that was begun
 *      on a branch that was left.
 *  (3) Its policy is the one of when it was begun. An operation of a kind
 *      without a known policy is not repeated.
 *  (4) A recorded result of an operation that is still waited for stays: it
 *      counts, once, on whichever branch.
 *  (5) What is needed is read, woken and encrypted before anything is written:
 *      other writers do not wait for that. Then comes one transaction, if what
 *      was read still holds. Rewinding takes the lock of the run and raises its
 *      fence; forking changes nothing of the run that is forked.
 *
 * No SQL, no VM, no clock; on the thread of the database. */
#ifndef TORPOR_RUN_BRANCH_H
#define TORPOR_RUN_BRANCH_H

#include "run/state/run-rows.h"

/* A state from which a run can go on. */
struct torpor__checkpoint {
  int64_t branch, step, version;
  bool runnable, clone;
  torpor_slice engine;
  torpor_slice snapshot; /* whole; not encrypted before 'seal' */
  /* What it waits for, by rising id: id, kind, topic, request, due_ms and
   * begun_ms; the rest is filled in. */
  struct torpor__operation *operations;
  size_t operation_count;
  void *block; /* whatever 'close' needs */
};

/* Who can read states. */
struct torpor__checkpoint_reader {
  /* Reads the newest state of a run up to 'step'. OK, or a sentence in the
   * database's message. */
  torpor_status (*open)(void *user, int64_t run, int64_t step,
                        struct torpor__checkpoint *out);
  /* Encrypts its snapshot for run 'id' and 'branch', if the store has a key. */
  torpor_status (*seal)(void *user, const char *id, int64_t branch,
                        struct torpor__checkpoint *checkpoint);
  void (*close)(void *user, struct torpor__checkpoint *checkpoint);
  void *user;
};

/* For 'step': the newest state. */
#define TORPOR__STEP_NEWEST INT64_MAX

/* ---- rewinding and forking -----------------------------------------------*/

/* Takes 'run' back to 'step', or to where a version of its program began. OK,
 * LOCKED, NOT_FOUND (it says which steps are kept), or what 'reader' or the
 * database say; then nothing has changed. */
torpor_status torpor__branch_rewind(
    struct torpor__database *database, int64_t run, int64_t step,
    const struct torpor__checkpoint_reader *reader, int64_t now_ms);

/* Makes a run 'id' that goes on from 'step' of run 'from'. The same, and
 * EXISTS. */
torpor_status
torpor__branch_fork(struct torpor__database *database, int64_t from,
                    int64_t step, const char *id,
                    const struct torpor__checkpoint_reader *reader,
                    int64_t now_ms);

/* ---- what they share -----------------------------------------------------*/

/* A branch that is being made. Everything is read first: the old rows are gone
 * when the new ones are written. */
struct torpor__new_branch {
  struct torpor__database *database;
  const struct torpor__checkpoint_reader *reader;
  int64_t from, to;                     /* runs; the same when rewinding */
  char id[TORPOR__RUN_ID_MAX + 1];      /* of 'from' */
  struct torpor__head head;             /* of 'from' */
  struct torpor__run_rows rows;         /* of 'from' */
  struct torpor__checkpoint checkpoint; /* the state that it goes on from */
  bool opened;                          /* it is there, to be closed */
  int64_t start; /* where the program of that state began */
  int64_t now_ms;
};

/* Reads the rows of 'from', and its state at 'step', all of one time. Where a
 * version of the program begins there is none. Outside of a transaction. */
torpor_status torpor__branch_read(struct torpor__new_branch *branch,
                                  int64_t step);

/* Fills in what was true of an operation of the state when it was begun; 'key'
 * is where its key goes. */
void torpor__branch_complete(const struct torpor__new_branch *branch,
                             struct torpor__operation *operation,
                             char key[TORPOR__KEY_MAX]);

/* Whether the state waits for an operation, once that is complete. */
bool torpor__branch_waits_for(const struct torpor__new_branch *branch,
                              int64_t begun_in, uint64_t operation);

/* Writes the branches that are in 'rows', as the history of run 'to'. */
torpor_status
torpor__branch_write_history(const struct torpor__new_branch *branch);

/* Encrypts the state as that of branch 'number' of run 'id', if the store has a
 * key. Before the transaction. */
torpor_status torpor__branch_seal(struct torpor__new_branch *branch,
                                  const char *id, int64_t number);

/* Writes branch 'number' of run 'to': its row, the state and what that waits
 * for, and the head, with 'fence'. */
torpor_status torpor__branch_write(struct torpor__new_branch *branch,
                                   int64_t number, int64_t fence);

void torpor__branch_free(struct torpor__new_branch *branch);

/* NOT_FOUND, with a sentence that says which steps are kept. */
torpor_status torpor__branch_not_kept(struct torpor__database *database,
                                      int64_t run, const char *id,
                                      int64_t step);

/* What 'step' of the public functions is here: OK, or MISUSE. */
torpor_status torpor__branch_read_step(struct torpor__database *database,
                                       int64_t given, int64_t *step);

#endif
