/* SPDX-License-Identifier: MIT */
/* database.h - where runs sleep: what protocol.c asks of a database.
 *
 * A store keeps, for every run, its newest committed states and what came in
 * after the last of them:
 *
 *   run       what never changes: id, input, access, limits
 *   edition   a program and its engine; an upgrade adds one, the first is 0
 *   file      an edition's modules as they were when that was added
 *   head      the few numbers that every step changes: step, fence, attempts
 *   exit      how the run ended: a value or an error, and a sentence
 *   state     the snapshot of a step: whole, or the difference from the state
 *             of the step before, on the same branch
 *   branch    where a branch left another one
 *   kind      what waking means for the kinds of operations that were begun
 *   operation what the state waits for
 *   result    what settles an operation, kept until a commit consumes it
 *   signal    the mailbox: messages that no commit has consumed yet
 *   console   what the program wrote, by step
 *
 *  (1) A store decides nothing. It keeps rows, and refuses what would break a
 *      row's uniqueness; every rule is in protocol.c and signals.c.
 *  (2) Writes happen between 'begin' and 'commit' only. When 'commit' returns
 *      TORPOR_OK they are all durable; else, or after 'rollback' or a
 *      crash, none is, except that the outcome of a 'commit' which returned
 *      TORPOR_IO is known only by reading again.
 *  (3) Rows handed to a visitor are borrowed until it returns. A visitor must
 *      not call the store, and stops the walk by returning non-zero, which the
 *      walk then returns.
 *  (4) Times are Unix milliseconds. TORPOR__NEVER stands for "no time".
 *
 *  (5) Who adds rows to a run, or takes from it what it waits for, has its lock
 *      or has made it in the same transaction. Others may send a signal, change
 *      head and exit, and remove old states.
 *  (6) Fence and branch of a head never fall. On one branch the step stays or
 *      rises by one, and a run that has ended stays so.
 *
 * Test builds assert (2), (3), (5) and (6): database-check.c.
 *
 * A store belongs to one thread. Two stores on one path, in one process or in
 * several, may work at once; 'lock' keeps them off each other's runs. */
#ifndef TORPOR_RUN_DATABASE_H
#define TORPOR_RUN_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "database-check.h"
#include "torpor.h"

enum {
  TORPOR__RUN_ID_MAX = 64, /* bytes of a run's id */
  TORPOR__TOPIC_MAX = 256, /* bytes of a signal's name */
  TORPOR__KEY_MAX = 112,   /* bytes of an idempotency key, NUL included */
  TORPOR__STATE_CHAIN_MAX =
      64, /* states from a whole one to one that needs it */
  TORPOR__DATABASE_MESSAGE_MAX = 512
};

#define TORPOR__NEVER INT64_MAX

/* Steps, branches, fences and the like rise by one from 0, so none of them
 * comes near this. A row in which one is beyond it is damaged, and whoever adds
 * to one that was read cannot overflow it. */
#define TORPOR__COUNT_LARGEST (INT64_C(1) << 56)
#define TORPOR__CANCEL_ALL INT64_MAX

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

/* What waking means for an operation (DESIGN: driver). Stored. */
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

/* 'program' and 'engine' are those of the edition that the run is at. */
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
  torpor_slice handed; /* what its first edition took over, for one that
                                  comes from elsewhere; not read */
};

/* A program that a run has had, and what it took over from the one before. */
struct torpor__version {
  int64_t number;      /* from 0, rising by 1 */
  const char *program; /* path of the main module */
  torpor_slice engine; /* engine id */
  int64_t start;       /* the step after which it begins */
  int64_t before;      /* the edition it took the place of; 0: none */
  torpor_slice state;  /* CBOR: what that gave it */
};

struct torpor__head {
  enum torpor__run_status status;
  int64_t branch;
  int64_t step;     /* of the committed state */
  int64_t version;  /* of the program that this is a state of */
  int64_t start;    /* of that edition; when it equals 'step' there is no state:
                       the next step begins the program */
  int64_t fence;    /* raised by each claim and by kill */
  int64_t attempts; /* deliveries since the last commit */
  bool runnable;    /* jobs are left: go on without any result */
  int64_t cancel;   /* what was begun before this step is to be rejected; 0:
                       nothing is, TORPOR__CANCEL_ALL: all that is pending */
  int64_t changed_ms;
  bool
      damaged; /* only where 'run_each' walks over all: what there is of the run
                   cannot be read; it counts as parked, and the rest is 0 */
};

struct torpor__state {
  int64_t branch;
  int64_t step;
  int64_t version;
  int64_t parent_step; /* the state this is a difference from, or 0 */
  bool runnable;       /* as in the head of that step */
  bool clone;          /* whoever wakes from it is a copy, and is told so */
  torpor_slice engine;
  torpor_slice snapshot;
  int64_t made_ms;
};

/* Where a branch left another one. Branch 0 of a run that was neither forked
 * nor imported has no row. */
struct torpor__branch {
  int64_t branch;
  int64_t parent; /* -1: none */
  int64_t parent_step;
  uint64_t first_operation; /* those with lower ids were begun before */
  const char *origin;       /* run whose id is in its keys; "": this one */
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
  int64_t sequence; /* given by the store: rising, from 1, never reused */
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

/* What there is of a run, without reading it. */
struct torpor__counts {
  int64_t snapshot_size; /* bytes of the newest state */
  int64_t operations;
  int64_t signals;
  int64_t states;
  int64_t states_size; /* bytes of all states */
};

struct torpor__exit {
  torpor_slice value; /* CBOR */
  const char *reason; /* a sentence, or "" */
};

typedef torpor_status torpor__run_fn(void *data, int64_t run,
                                     const struct torpor__run *row,
                                     const struct torpor__head *head);
typedef torpor_status torpor__head_fn(void *data, int64_t run,
                                      const struct torpor__head *head);
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
  void (*rollback)(struct torpor__database *database);
  /* Gives unused space back to the system, outside of a transaction; OK also
   * when others keep it from that, or it is not worth while. */
  torpor_status (*compact)(struct torpor__database *database);
  torpor_status (*savepoint)(struct torpor__database *database);
  torpor_status (*release)(struct torpor__database *database);
  torpor_status (*revert)(struct torpor__database *database);

  /* Keeps all other workers off 'run' until 'unlock', 'close' or the end of
   * the process; LOCKED when another has it, also by way of this very store.
   * 'locked' asks, without taking it, whether another store has. Not part of a
   * transaction. */
  torpor_status (*lock)(struct torpor__database *database, int64_t run);
  void (*unlock)(struct torpor__database *database, int64_t run);
  torpor_status (*locked)(struct torpor__database *database, int64_t run,
                          bool *locked);

  /* Says whether others have committed since the last call of it; cheap. */
  torpor_status (*changed)(struct torpor__database *database, bool *changed);

  /* 'run_add' makes edition 0, and a head in its first state: active, step 0
   * of edition 0. */
  torpor_status (*run_add)(struct torpor__database *database,
                           const struct torpor__run *row, int64_t *run);
  torpor_status (*run_find)(struct torpor__database *database, const char *id,
                            int64_t *run);
  /* One run, or all in the order in which they were made when 'run' is 0. One
   * whose rows are damaged is CORRUPT, but does not end the walk over all. */
  torpor_status (*run_each)(struct torpor__database *database, int64_t run,
                            torpor__run_fn *visit, void *data);
  /* Copies editions, files and kinds; those of 'to' are replaced. */
  torpor_status (*run_inherit)(struct torpor__database *database, int64_t from,
                               int64_t to);
  torpor_status (*run_count)(struct torpor__database *database, int64_t run,
                             struct torpor__counts *counts);
  torpor_status (*version_add)(struct torpor__database *database, int64_t run,
                               const struct torpor__version *row);
  /* In order of their numbers. */
  torpor_status (*version_each)(struct torpor__database *database, int64_t run,
                                torpor__version_fn *visit, void *data);
  torpor_status (*file_add)(struct torpor__database *database, int64_t run,
                            int64_t version, const char *name,
                            torpor_slice source);
  /* All of an edition, or the one of that name when 'name' is not NULL. */
  torpor_status (*file_each)(struct torpor__database *database, int64_t run,
                             int64_t version, const char *name,
                             torpor__file_fn *visit, void *data);

  torpor_status (*head_get)(struct torpor__database *database, int64_t run,
                            struct torpor__head *head);
  /* Of every run, in the order in which they were made, and nothing else of
   * them. One that no Torpor writes is passed over. */
  torpor_status (*head_each)(struct torpor__database *database,
                             torpor__head_fn *visit, void *data);
  torpor_status (*head_put)(struct torpor__database *database, int64_t run,
                            const struct torpor__head *head);
  /* The same if the row is as 'from' says: else FENCED, and nothing is done.
   * Looks at what others may change: status, step, fence, cancel. */
  torpor_status (*head_change)(struct torpor__database *database, int64_t run,
                               const struct torpor__head *from,
                               const struct torpor__head *head);
  torpor_status (*exit_put)(struct torpor__database *database, int64_t run,
                            const struct torpor__exit *row);
  torpor_status (*exit_remove)(struct torpor__database *database, int64_t run);
  torpor_status (*exit_each)(struct torpor__database *database, int64_t run,
                             torpor__exit_fn *visit, void *data);

  torpor_status (*state_put)(struct torpor__database *database, int64_t run,
                             const struct torpor__state *row);
  /* Removes the states that neither 'step' nor a later one needs: those before
   * the last whole state of a step up to 'step'. */
  torpor_status (*state_prune)(struct torpor__database *database, int64_t run,
                               int64_t step);
  /* Removes the states before 'step', for callers who know that no later one
   * needs them: cheaper. */
  torpor_status (*state_drop)(struct torpor__database *database, int64_t run,
                              int64_t step);
  /* Removes the states after 'step'; all of them when it is 0. */
  torpor_status (*state_cut)(struct torpor__database *database, int64_t run,
                             int64_t step);
  /* Those up to 'step', the newest first: by step, then by branch. */
  torpor_status (*state_each)(struct torpor__database *database, int64_t run,
                              int64_t step, torpor__state_fn *visit,
                              void *data);

  /* The states that have been there longest and shortest, of whichever runs. */
  torpor_status (*state_ends)(struct torpor__database *database,
                              torpor__state_fn *visit, void *data);

  torpor_status (*branch_add)(struct torpor__database *database, int64_t run,
                              const struct torpor__branch *row);
  torpor_status (*branch_each)(struct torpor__database *database, int64_t run,
                               torpor__branch_fn *visit, void *data);

  /* The first policy of a kind stays; then 'put' changes nothing. */
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
  /* In order of branch and id. */
  torpor_status (*operation_each)(struct torpor__database *database,
                                  int64_t run, torpor__operation_fn *visit,
                                  void *data);

  /* The first result of an operation stays; a later one changes nothing and
   * gives '*sequence' 0. */
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

  torpor_status (*line_add)(struct torpor__database *database, int64_t run,
                            const struct torpor__line *row);
  /* In order, those of steps after 'step' only. */
  torpor_status (*line_each)(struct torpor__database *database, int64_t run,
                             int64_t step, torpor__line_fn *visit, void *data);
};

/* Writes the sentence of 'status' into 'message', followed by what 'format'
 * says when it is not NULL; where the sentence would only repeat that, what
 * 'format' says alone. Returns 'status'. */
torpor_status torpor__database_fail(struct torpor__database *database,
                                    torpor_status status, const char *format,
                                    ...) __attribute__((format(printf, 3, 4)));

#endif
