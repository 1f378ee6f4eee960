/* SPDX-License-Identifier: MIT */
/* database.h - where runs sleep: what protocol.c asks of a database.
 *
 * A database keeps, for every run, its newest committed states and what arrived
 * after the last of them:
 *
 *   run       what never changes: id, input, access, limits
 *   version   a program and its engine; an upgrade adds one, the first is 0;
 *             in SQL it is an 'edition'
 *   file      a version's modules as they were when that was added
 *   head      the few numbers that every step changes: step, fence, attempts
 *   news      that something was written for whoever works the run
 *   exit      how the run ended: a value or an error, and a sentence
 *   state     the snapshot of a step: whole, or the difference from the state
 *             of the step before, on the same branch
 *   branch    from which step of which branch a branch goes on
 *   kind      what waking means for each kind of operation that was begun
 *   operation what the state waits for
 *   result    what settles an operation, kept until a commit consumes it
 *   signal    a message that no commit has consumed yet
 *   line      what the program wrote to its console, by step; the newest
 *
 *  (1) A database decides nothing. It keeps rows, and refuses a second row
 *      where one must be unique; every rule is in protocol.c and signals.c.
 *  (2) Rows are written between 'begin' and 'commit' only. When 'commit'
 *      returns TORPOR_OK, all of them are durable. After any other code,
 *      'rollback' or a crash, none is; but after TORPOR_IO from 'commit' only
 *      reading again tells which of the two it is.
 *  (3) A row that a visitor is shown is borrowed until it returns. A visitor
 *      must not call the database. It stops the walk by returning non-zero,
 *      which the walk then returns.
 *  (4) Times are Unix milliseconds. TORPOR__NEVER stands for "no time".
 *  (5) Who adds rows to a run, or takes from it what it waits for, or takes
 *      note of its news, has its lock or has made it in the same transaction;
 *      so has who removes it. Others may send a signal, add news, change head
 *      and exit, and remove old states; and who kills a run removes all that it
 *      waits for: its worker may not write any more.
 *  (6) Fence and branch of a head never fall. On one branch the step stays or
 *      rises by one, and a run that has ended stays so.
 *
 *  (7) An active run needs no worker before its 'due_ms', unless there is news
 *      of it. So what somebody writes for a run that others may work comes with
 *      news in the same transaction, and whoever takes note writes a 'due_ms'
 *      that knows of it. One that has something to do, or has not begun, is
 *      due: 0.
 *
 * Test builds assert (2), (3), (5) and (6): database-check.c. A simulation
 * looks at (7) after each commit.
 *
 * A database belongs to one thread. Several may be open on one path, in one
 * process or in several; 'lock' keeps them off each other's runs. */
#ifndef TORPOR_RUN_DATABASE_H
#define TORPOR_RUN_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/database/database-check.h"
#include "torpor.h"

enum {
  TORPOR__RUN_ID_MAX = 64,      /* bytes of a run's id */
  TORPOR__ENGINE_ID_MAX = 64,   /* bytes of an engine's id */
  TORPOR__TOPIC_MAX = 256,      /* bytes of a signal's name */
  TORPOR__KEY_MAX = 112,        /* bytes of an idempotency key, NUL included */
  TORPOR__STATE_CHAIN_MAX = 64, /* states that are needed to wake from one */
  TORPOR__DATABASE_MESSAGE_MAX = 512
};

#define TORPOR__NEVER INT64_MAX

/* Bytes of console lines that a run keeps. */
#define TORPOR__LINES_BYTES (INT64_C(16) << 20)

/* Above any step, branch, fence and the like: they rise by one from 0. A row
 * with a larger one is damaged, and adding to one that was read cannot
 * overflow. */
#define TORPOR__COUNT_LARGEST (INT64_C(1) << 56)

/* In torpor__head.cancel: a request that no step has seen yet. */
#define TORPOR__CANCEL_ALL INT64_MAX
/* The same: everything that a request was about was delivered, but the step
 * spent its fuel before it could be seen what came of that. No operation is
 * begun before step 1, so that nothing else is rejected. */
#define TORPOR__CANCEL_DELIVERED INT64_C(1)

/* Where a run stands. The numbers are stored, and never reused. */
enum torpor__run_status {
  TORPOR__RUN_ACTIVE = 0,     /* has work now, or waits for operations */
  TORPOR__RUN_DONE = 1,       /* exit value: what the program returned */
  TORPOR__RUN_FAILED = 2,     /* exit value: the error it ended with */
  TORPOR__RUN_DEADLOCKED = 3, /* pending, with nothing left to wait for */
  TORPOR__RUN_KILLED = 4,     /* ended from outside */
  TORPOR__RUN_PARKED = 5,     /* crashed its worker too often; can resume */
  TORPOR__RUN_STATUS_COUNT
};

/* What becomes of an operation when its run wakes. Stored. */
enum torpor__policy {
  TORPOR__POLICY_REARM = 0,    /* keeps its due time */
  TORPOR__POLICY_REPEAT = 1,   /* is done again under the same key */
  TORPOR__POLICY_REATTACH = 2, /* what it waits for may have come meanwhile */
  TORPOR__POLICY_REJECT = 3,   /* must not happen twice: ends as LOST */
  TORPOR__POLICY_COUNT
};

/* How an operation was settled. Stored. */
enum torpor__outcome {
  TORPOR__OUTCOME_FULFILLED = 0, /* with a value */
  TORPOR__OUTCOME_REJECTED = 1,  /* with an error as value */
  TORPOR__OUTCOME_TIMED_OUT = 2,
  TORPOR__OUTCOME_CANCELLED = 3, /* the run was cancelled */
  TORPOR__OUTCOME_LOST = 4,      /* its worker died; it may not be repeated */
  TORPOR__OUTCOME_COUNT
};

/* 'program' and 'engine' are those of the version that the run is at. */
struct torpor__run {
  const char *id;
  const char *program; /* path of the main module */
  const char *access;  /* what flags granted, or "" */
  torpor_slice input;  /* CBOR */
  torpor_slice engine; /* engine id */
  uint64_t memory_max; /* as in torpor_run_options */
  uint64_t fuel;
  uint64_t deadline_ms;
  int64_t created_ms;
  int64_t parent;      /* the run it was forked from, or 0 */
  uint64_t keep;       /* states that stay, at least 1; UINT64_MAX: all */
  uint64_t keep_lines; /* the same of console lines */
  torpor_slice handed; /* what its first version took over, when it is
                           imported; only written */
};

/* A program that a run has had, and what it took over from the one before. */
struct torpor__version {
  int64_t number;      /* from 0, rising by 1 */
  const char *program; /* path of the main module */
  torpor_slice engine; /* engine id */
  int64_t start;       /* the step after which it begins */
  int64_t before;      /* the version it took the place of; 0: none */
  torpor_slice state;  /* CBOR: what that gave it */
};

struct torpor__head {
  enum torpor__run_status status;
  int64_t branch;
  int64_t step;     /* of the committed state */
  int64_t version;  /* of the program that this is a state of */
  int64_t start;    /* of that version; when it equals 'step' there is no state:
                       the next step begins the program */
  int64_t fence;    /* raised by each claim and by kill */
  int64_t attempts; /* deliveries since the last commit */
  bool runnable;    /* jobs are left: go on without any result */
  int64_t cancel;   /* operations begun before this step are to be rejected:
                       0: none; 1, TORPOR__CANCEL_DELIVERED: none any more;
                       TORPOR__CANCEL_ALL: all that are pending */
  int64_t changed_ms;
  int64_t due_ms; /* when it needs a worker; 0: now, or has one at work;
                     TORPOR__NEVER: when there is news of it */
  bool damaged;   /* in a walk over all runs: its rows cannot be read. It counts
                   as parked, and the rest is 0 */
};

/* Something was written for whoever works a run: a signal, or a request. */
struct torpor__news {
  int64_t run;
  int64_t number; /* rises with each, while nobody has taken note */
  bool active;    /* the run is, and these are its attempts */
  int64_t attempts;
};

/* An active run that needs a worker, or has one at work. */
struct torpor__due {
  int64_t run;
  int64_t due_ms;
  int64_t attempts;
};

struct torpor__state {
  int64_t branch;
  int64_t step;
  int64_t version;
  int64_t parent_step; /* the state this is a difference from, or 0 */
  bool runnable;       /* as in the head of that step */
  bool clone; /* a program that wakes from it is told that it is a copy */
  torpor_slice engine;
  torpor_slice snapshot;
  int64_t made_ms;
};

/* From where a branch goes on. Branch 0 of a run that was neither forked nor
 * imported has no row. */
struct torpor__branch {
  int64_t branch;
  int64_t parent; /* -1: none */
  int64_t parent_step;
  uint64_t first_operation; /* those with lower ids were begun before */
  const char *origin;       /* the run whose id its keys have; "": this one */
  int64_t made_ms;
};

/* What waking means for operations of a kind. */
struct torpor__kind {
  const char *kind;
  enum torpor__policy policy;
};

struct torpor__operation {
  int64_t branch; /* in which it was begun */
  uint64_t id;
  const char *kind;
  const char *topic;    /* name of the signal it waits for, or NULL */
  torpor_slice request; /* CBOR */
  int64_t due_ms;       /* or TORPOR__NEVER */
  const char *key;      /* idempotency key */
  enum torpor__policy policy;
  int64_t begun_ms;
  int64_t begun_step;
};

struct torpor__result {
  int64_t sequence; /* given by the database: rising from 1, never reused */
  int64_t branch;
  uint64_t operation;
  enum torpor__outcome outcome;
  torpor_slice value; /* CBOR */
};

struct torpor__signal {
  int64_t sequence; /* as above */
  const char *topic;
  torpor_slice value; /* CBOR */
  int64_t sent_ms;
};

struct torpor__line {
  int64_t branch;
  int64_t step;
  int64_t number; /* within its step */
  torpor_level level;
  torpor_slice text;
  int64_t written_ms;
};

/* How much there is of a run. */
struct torpor__counts {
  int64_t snapshot_size; /* bytes of the newest state */
  int64_t operations;
  int64_t signals;
  int64_t states;
  int64_t states_size; /* bytes of all states */
  int64_t lines;
  int64_t lines_dropped; /* since there were too many */
};

/* Some of the runs of a store, which an index finds. */
struct torpor__page {
  int64_t after;       /* the first is the next behind this number */
  int64_t limit;       /* as many at most */
  const char *program; /* those whose main module this is; NULL: any */
  enum {
    TORPOR__PAGE_ALL,
    TORPOR__PAGE_STATUS, /* those of 'status' */
    TORPOR__PAGE_READY   /* active ones that have something to do, or have not
                            begun */
  } of;
  enum torpor__run_status status;
};

struct torpor__exit {
  torpor_slice value; /* CBOR */
  const char *reason; /* a sentence, or "" */
};

typedef torpor_status torpor__run_fn(void *data, int64_t run,
                                     const struct torpor__run *row,
                                     const struct torpor__head *head);
typedef torpor_status torpor__news_fn(void *data,
                                      const struct torpor__news *row);
typedef torpor_status torpor__due_fn(void *data, const struct torpor__due *row);
typedef torpor_status torpor__version_fn(void *data,
                                         const struct torpor__version *row);
typedef torpor_status torpor__file_fn(void *data, const char *name,
                                      torpor_slice source);
typedef torpor_status torpor__exit_fn(void *data,
                                      const struct torpor__exit *row);
typedef torpor_status torpor__state_fn(void *data,
                                       const struct torpor__state *row);
typedef torpor_status torpor__branch_fn(void *data,
                                        const struct torpor__branch *row);
typedef torpor_status torpor__kind_fn(void *data, const char *kind,
                                      enum torpor__policy policy);
typedef torpor_status torpor__operation_fn(void *data,
                                           const struct torpor__operation *row);
typedef torpor_status torpor__result_fn(void *data,
                                        const struct torpor__result *row);
typedef torpor_status torpor__signal_fn(void *data,
                                        const struct torpor__signal *row);
typedef torpor_status torpor__line_fn(void *data,
                                      const struct torpor__line *row);

struct torpor__database_calls;

struct torpor__database {
  const struct torpor__database_calls *calls;
  char message[TORPOR__DATABASE_MESSAGE_MAX]; /* of the last failed call */
#ifdef TORPOR_TESTING
  struct torpor__database_check check;
#endif
};

/* Every call that can fail leaves a sentence in 'message' when it does. 'run'
 * is the number that 'run_add' and 'run_find' give. */
struct torpor__database_calls {
  void (*close)(struct torpor__database *database);

  /* One transaction for many runs, with one savepoint at a time to roll one of
   * them back. After a write that failed, but with EXISTS or FENCED, only
   * 'revert' or 'rollback' may follow. 'revert' goes back to the savepoint and
   * ends it; 'release' keeps what came after it. */
  torpor_status (*begin)(struct torpor__database *database);
  torpor_status (*commit)(struct torpor__database *database);
  /* Begins a transaction that only reads: all of it is of one time, and nobody
   * is kept from writing. 'rollback' ends it. */
  torpor_status (*view)(struct torpor__database *database);
  void (*rollback)(struct torpor__database *database);
  /* Gives unused space back to the file system, outside of a transaction. OK
   * also when there is too little of it, or others have the database open and
   * would wait long: then it is used again. */
  torpor_status (*compact)(struct torpor__database *database);
  torpor_status (*savepoint)(struct torpor__database *database);
  torpor_status (*release)(struct torpor__database *database);
  torpor_status (*revert)(struct torpor__database *database);

  /* Keeps all other workers off 'run' until 'unlock', 'close' or the end of
   * the process. LOCKED when it is locked already, also by this database.
   * 'locked' only asks whether another database has it. Not part of a
   * transaction. */
  torpor_status (*lock)(struct torpor__database *database, int64_t run);
  void (*unlock)(struct torpor__database *database, int64_t run);
  torpor_status (*locked)(struct torpor__database *database, int64_t run,
                          bool *locked);

  /* Also makes version 0, and a head: active, at step 0 of version 0. */
  torpor_status (*run_add)(struct torpor__database *database,
                           const struct torpor__run *row, int64_t *run);
  torpor_status (*run_find)(struct torpor__database *database, const char *id,
                            int64_t *run);
  /* Shows one run. NOT_FOUND; CORRUPT when its rows are damaged. */
  torpor_status (*run_get)(struct torpor__database *database, int64_t run,
                           torpor__run_fn *visit, void *data);
  /* Shows those of a page, by rising number, without their input. One whose
   * rows are damaged is shown as that. */
  torpor_status (*run_list)(struct torpor__database *database,
                            const struct torpor__page *page,
                            torpor__run_fn *visit, void *data);
  /* Copies versions, files and kinds; those of 'to' are replaced. */
  torpor_status (*run_inherit)(struct torpor__database *database, int64_t from,
                               int64_t to);
  torpor_status (*run_count)(struct torpor__database *database, int64_t run,
                             struct torpor__counts *counts);
  /* Numbers of runs with that status whose head was changed before a time, by
   * rising number from the first after 'after': '*count' at most. */
  torpor_status (*run_ended)(struct torpor__database *database,
                             enum torpor__run_status status, int64_t before_ms,
                             int64_t after, int64_t *runs, size_t *count);
  /* Takes a run away: from now on there is none of its id, and no call finds it
   * by its number, but 'run_sweep', which removes the rest of its rows in
   * pieces. Sources go with the last run that has them. */
  torpor_status (*run_remove)(struct torpor__database *database, int64_t run);
  /* The next one after 'after' of which rows are left, or 0. */
  torpor_status (*run_removed)(struct torpor__database *database, int64_t after,
                               int64_t *run);
  /* Removes rows of it and lowers 'budget': by a KiB for a row, and by the
   * bytes of a state. Some are left when the budget is spent. */
  torpor_status (*run_sweep)(struct torpor__database *database, int64_t run,
                             int64_t *budget);
  torpor_status (*version_add)(struct torpor__database *database, int64_t run,
                               const struct torpor__version *row);
  /* In order of their numbers. */
  torpor_status (*version_each)(struct torpor__database *database, int64_t run,
                                torpor__version_fn *visit, void *data);
  torpor_status (*file_add)(struct torpor__database *database, int64_t run,
                            int64_t version, const char *name,
                            torpor_slice source);
  /* How many have a name that begins so. */
  torpor_status (*file_count)(struct torpor__database *database, int64_t run,
                              int64_t version, const char *prefix,
                              int64_t *count);
  /* All files of a version, or the one named 'name' when that is not NULL. */
  torpor_status (*file_each)(struct torpor__database *database, int64_t run,
                             int64_t version, const char *name,
                             torpor__file_fn *visit, void *data);

  torpor_status (*head_get)(struct torpor__database *database, int64_t run,
                            struct torpor__head *head);
  torpor_status (*head_put)(struct torpor__database *database, int64_t run,
                            const struct torpor__head *head);
  /* The same if the head is still as 'from' in what others may change: status,
   * step, fence, cancel. Else FENCED, and nothing is written. */
  torpor_status (*head_change)(struct torpor__database *database, int64_t run,
                               const struct torpor__head *from,
                               const struct torpor__head *head);
  /* Up to 'limit' of the active runs that are due at 'now_ms', behind 'after'
   * in order of due time and number; but for damaged rows. */
  torpor_status (*due_each)(struct torpor__database *database, int64_t now_ms,
                            const struct torpor__due *after, int64_t limit,
                            torpor__due_fn *visit, void *data);
  /* When the first of those is due that are not yet; or TORPOR__NEVER. */
  torpor_status (*due_next)(struct torpor__database *database, int64_t now_ms,
                            int64_t *due_ms);
  /* The highest number that a run ever had. */
  torpor_status (*run_last)(struct torpor__database *database, int64_t *run);

  /* Whoever has the run, or will have it, is told of what this transaction
   * writes for it: after the commit, those that watch the store are woken. */
  torpor_status (*news_add)(struct torpor__database *database, int64_t run);
  /* Takes note, unless there has been other news since 'number'; 0: of all. */
  torpor_status (*news_remove)(struct torpor__database *database, int64_t run,
                               int64_t number);
  /* Up to 'limit', by rising number of the run, those behind 'after'; but for
   * damaged rows. */
  torpor_status (*news_each)(struct torpor__database *database, int64_t after,
                             int64_t limit, torpor__news_fn *visit, void *data);

  torpor_status (*exit_put)(struct torpor__database *database, int64_t run,
                            const struct torpor__exit *row);
  torpor_status (*exit_remove)(struct torpor__database *database, int64_t run);
  torpor_status (*exit_each)(struct torpor__database *database, int64_t run,
                             torpor__exit_fn *visit, void *data);

  torpor_status (*state_put)(struct torpor__database *database, int64_t run,
                             const struct torpor__state *row);
  /* Removes the states that waking from 'step' or a later one does not need:
   * those before the last whole state up to 'step'. */
  torpor_status (*state_prune)(struct torpor__database *database, int64_t run,
                               int64_t step);
  /* The same in pieces, or all of them when 'step' is 0: the newest of them
   * first, so that those that are left can be used, until 'budget' is spent as
   * by 'run_sweep'. Adds to 'removed' how many they were, and their bytes. */
  torpor_status (*state_thin)(struct torpor__database *database, int64_t run,
                              int64_t step, int64_t *budget,
                              struct torpor__counts *removed);
  /* What it would remove in the end. */
  torpor_status (*state_excess)(struct torpor__database *database, int64_t run,
                                int64_t step, struct torpor__counts *excess);
  /* Removes all states before 'step': cheaper, for callers who know that no
   * later one needs them. */
  torpor_status (*state_drop)(struct torpor__database *database, int64_t run,
                              int64_t step);
  /* Removes the states after 'step'; all of them when it is 0. */
  torpor_status (*state_cut)(struct torpor__database *database, int64_t run,
                             int64_t step);
  /* Those up to 'step', the newest first: by step, then by branch. */
  torpor_status (*state_each)(struct torpor__database *database, int64_t run,
                              int64_t step, torpor__state_fn *visit,
                              void *data);

  /* All of them in that order, of whose snapshots only the size is read. */
  torpor_status (*state_list)(struct torpor__database *database, int64_t run,
                              torpor__state_fn *visit, void *data);
  /* The step of the newest, or 0. */
  torpor_status (*state_newest)(struct torpor__database *database, int64_t run,
                                int64_t *step);

  /* The oldest state of all runs, and the newest. */
  torpor_status (*state_ends)(struct torpor__database *database,
                              torpor__state_fn *visit, void *data);

  torpor_status (*branch_add)(struct torpor__database *database, int64_t run,
                              const struct torpor__branch *row);
  torpor_status (*branch_each)(struct torpor__database *database, int64_t run,
                               torpor__branch_fn *visit, void *data);

  /* Changes nothing when the kind has a policy already. */
  torpor_status (*kind_put)(struct torpor__database *database, int64_t run,
                            const char *kind, enum torpor__policy policy);
  torpor_status (*kind_each)(struct torpor__database *database, int64_t run,
                             torpor__kind_fn *visit, void *data);

  torpor_status (*operation_add)(struct torpor__database *database, int64_t run,
                                 const struct torpor__operation *row);
  torpor_status (*operation_remove)(struct torpor__database *database,
                                    int64_t run, int64_t branch, uint64_t id);
  torpor_status (*operation_clear)(struct torpor__database *database,
                                   int64_t run);
  /* In order of branch and id; those after operation 'id' of 'branch' only (-1
   * and 0: all). */
  torpor_status (*operation_each)(struct torpor__database *database,
                                  int64_t run, int64_t branch, uint64_t id,
                                  torpor__operation_fn *visit, void *data);

  /* The first result of an operation stays: for a later one nothing changes,
   * and '*sequence' is 0. */
  torpor_status (*result_add)(struct torpor__database *database, int64_t run,
                              const struct torpor__result *row,
                              int64_t *sequence);
  torpor_status (*result_remove)(struct torpor__database *database, int64_t run,
                                 int64_t branch, uint64_t operation);
  torpor_status (*result_clear)(struct torpor__database *database, int64_t run);
  torpor_status (*result_each)(struct torpor__database *database, int64_t run,
                               torpor__result_fn *visit, void *data);

  torpor_status (*signal_add)(struct torpor__database *database, int64_t run,
                              const struct torpor__signal *row);
  torpor_status (*signal_remove)(struct torpor__database *database, int64_t run,
                                 int64_t sequence);
  /* In order of sequence, those after 'after' only. */
  torpor_status (*signal_each)(struct torpor__database *database, int64_t run,
                               int64_t after, torpor__signal_fn *visit,
                               void *data);

  /* Adds lines that come after those that there are. Then the oldest of all go
   * until there are 'keep', and of text TORPOR__LINES_BYTES or 'keep' KiB if
   * that is more; but the newest stays. No more go at a time than were added
   * and a fixed number: what that takes does not depend on how many there are.
   */
  torpor_status (*line_add)(struct torpor__database *database, int64_t run,
                            const struct torpor__line *rows, size_t count,
                            uint64_t keep);
  /* In order of branch, step and number: those of steps after 'step' that come
   * after line 'last', of which these three count. */
  torpor_status (*line_each)(struct torpor__database *database, int64_t run,
                             int64_t step, const struct torpor__line *last,
                             torpor__line_fn *visit, void *data);
};

/* Whether a run may have this id. */
bool torpor__database_is_id(const char *id);

/* Writes into 'message' the text of 'status', followed by what 'format' says
 * when it is not NULL; that alone where the text would add nothing. Returns
 * 'status'. */
torpor_status torpor__database_fail(struct torpor__database *database,
                                    torpor_status status, const char *format,
                                    ...) __attribute__((format(printf, 3, 4)));

/* The same where 'error', of errno, says why: IO, unless 'status' is another
 * one. Notes whether there were no file descriptors, and says what to do. */
torpor_status torpor__database_fail_system(struct torpor__database *database,
                                           torpor_status status, int error,
                                           const char *what);

/* The same where the whole sentence is known already, and what it is about. */
torpor_status torpor__database_pass_on(struct torpor__database *database,
                                       torpor_status status,
                                       const char *message, bool lacked_files);

/* Whether there were no file descriptors at the last failure on this thread. */
bool torpor__database_lacked_files(void);

#endif
