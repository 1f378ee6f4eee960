/* SPDX-License-Identifier: MIT */
/* fault.h - named points at which a test can kill or stop the process, and
 * switches with which a test breaks one promise of run/.
 *
 *   TORPOR_FAULT=commit-before:3   dies by SIGKILL when the point named
 *                                  "commit-before" is passed the third time
 *   TORPOR_PAUSE=commit-before:3   stops there by SIGSTOP, until SIGCONT
 *   TORPOR_BREAK=no-fence,no-sync  breaks what the named switches break
 *
 * Each moment at which dying could matter has a name, and tests kill the
 * process at them one by one. Each promise has a switch that breaks it, and a
 * test (test_breaks.sh) expects the suite to fail with it: a test that stays
 * green proves nothing.
 *
 *  (1) Both exist only where TORPOR_TESTING is defined. Elsewhere the macros
 *      are empty, and no environment variable changes what Torpor promises.
 *  (2) A name that is not in the lists below ends the process with a message,
 *      so that a misspelt fault does not look like a survived one.
 *
 * Counts are per process. On the worker's thread. */
#ifndef TORPOR_RUN_FAULT_H
#define TORPOR_RUN_FAULT_H

#include <stdbool.h>

/* The points, in the order in which a run passes them. */
#define TORPOR__FAULT_POINTS(X)                                                \
  X(STORE_OPENED, "store-opened")     /* its file is open, nothing read */     \
  X(STORE_MARKED, "store-marked")     /* half of its marks read */             \
  X(STORE_EMPTY, "store-empty")       /* has no tables, lock not yet taken */  \
  X(STORE_MADE, "store-made")         /* has its tables, lock still held */    \
  X(CREATE_BEFORE, "create-before")   /* rows of a new run written */          \
  X(CREATE_AFTER, "create-after")     /* and committed */                      \
  X(CLAIM_BEFORE, "claim-before")     /* lock not held, nothing read */        \
  X(CLAIM_LOCKED, "claim-locked")     /* lock held, nothing read */            \
  X(FLUSH_BEGUN, "flush-begun")       /* transaction open, nothing written */  \
  X(RUN_WRITTEN, "run-written")       /* one run's rows of it written */       \
  X(COMMIT_BEFORE, "commit-before")   /* all rows written */                   \
  X(COMMIT_AFTER, "commit-after")     /* durable, nothing told to anyone */    \
  X(DRIVER_STOPPED, "driver-stopped") /* one driver stopped */                 \
  X(DRIVER_STARTED, "driver-started") /* one driver started */                 \
  X(LINE_SHOWN, "line-shown")         /* one console line shown */             \
  X(DELIVERY, "delivery")             /* attempt durable, VM not yet told */   \
  X(STEP_RUN, "step-run")             /* the VM has run, nothing written */    \
  X(SIGNAL_BEFORE, "signal-before")   /* message written */                    \
  X(SIGNAL_AFTER, "signal-after")     /* and committed */                      \
  X(RELEASE, "release")               /* lock about to be given up */          \
  X(UPGRADE_READ, "upgrade-read")     /* state handed over, nothing written */ \
  X(UPGRADE_BEFORE, "upgrade-before") /* all rows of an upgrade written */     \
  X(UPGRADE_AFTER, "upgrade-after")   /* and committed */                      \
  X(REWIND_READ, "rewind-read")       /* state read, nothing written */        \
  X(REWIND_BEFORE, "rewind-before")   /* rows of a new branch written */       \
  X(REWIND_AFTER, "rewind-after")     /* and committed */                      \
  X(FORK_READ, "fork-read")           /* state read, nothing written */        \
  X(FORK_BEFORE, "fork-before")       /* rows of a copy written */             \
  X(FORK_AFTER, "fork-after")         /* and committed */                      \
  X(PRUNE_BEFORE, "prune-before")     /* states removed */                     \
  X(PRUNE_AFTER, "prune-after")       /* and committed */                      \
  X(REMOVE_BEFORE, "remove-before")   /* runs taken away */                    \
  X(REMOVE_AFTER, "remove-after")     /* committed, most rows still there */   \
  X(SWEEP_BEFORE, "sweep-before")     /* some of these removed */              \
  X(SWEEP_AFTER, "sweep-after")       /* and committed */                      \
  X(IMPORT_BEFORE, "import-before")   /* rows of an import written */          \
  X(IMPORT_AFTER, "import-after")     /* and committed */

/* The switches, each with the invariant of protocol.h that it breaks. */
#define TORPOR__BREAKS(X)                                                      \
  X(NO_PRUNE, "no-prune")                           /* 1, 7 */                 \
  X(PRUNE_TOO_MUCH, "prune-too-much")               /* 1 */                    \
  X(OPERATIONS_STAY, "operations-stay")             /* 1 */                    \
  X(DRIVERS_BEFORE_COMMIT, "drivers-before-commit") /* 2 */                    \
  X(OUTPUT_BEFORE_COMMIT, "output-before-commit")   /* 2 */                    \
  X(NO_SYNC, "no-sync")                             /* 2 */                    \
  X(DELIVER_TWICE, "deliver-twice")                 /* 3 */                    \
  X(LAST_RESULT_WINS, "last-result-wins")           /* 3 */                    \
  X(RESULTS_VOLATILE, "results-volatile")           /* 3 */                    \
  X(RESULTS_UNORDERED, "results-unordered")         /* 3 */                    \
  X(SIGNAL_EATEN, "signal-eaten")                   /* 4 */                    \
  X(SIGNAL_KEPT, "signal-kept")                     /* 4 */                    \
  X(KEY_CHANGES, "key-changes")                     /* 5 */                    \
  X(KEYS_ANEW, "keys-anew")                         /* 5 */                    \
  X(REWIND_UNFENCED, "rewind-unfenced")             /* 6 */                    \
  X(NO_FENCE, "no-fence")                           /* 6 */                    \
  X(NO_LOCK, "no-lock")                             /* 6 */                    \
  X(NO_ATTEMPTS, "no-attempts")                     /* 8 */                    \
  X(DUE_DRIFTS, "due-drifts")                       /* 9 */                    \
  X(CANCEL_FORGOTTEN, "cancel-forgotten")           /* 10 */                   \
  X(KILL_UNFENCED, "kill-unfenced")                 /* 10 */                   \
  X(REPEAT_UNSAFE, "repeat-unsafe")                 /* 12 */                   \
  X(NEWS_FORGOTTEN, "news-forgotten")               /* 13 */                   \
  X(NEWS_UNREAD, "news-unread")                     /* 13 */                   \
  X(DUE_FORGOTTEN, "due-forgotten")                 /* 13 */

enum torpor__fault_point {
#define TORPOR__FAULT_POINT(name, text) TORPOR__FAULT_##name,
  TORPOR__FAULT_POINTS(TORPOR__FAULT_POINT)
#undef TORPOR__FAULT_POINT
      TORPOR__FAULT_COUNT
};

enum torpor__break {
#define TORPOR__BREAK_SWITCH(name, text) TORPOR__BREAK_##name,
  TORPOR__BREAKS(TORPOR__BREAK_SWITCH)
#undef TORPOR__BREAK_SWITCH
      TORPOR__BREAK_COUNT
};

#ifdef TORPOR_TESTING

/* Called at each point, before TORPOR_FAULT is looked at. It may jump out
 * (longjmp). NULL: none. */
extern void (*torpor__fault_hook)(enum torpor__fault_point point);

void torpor__fault_pass(enum torpor__fault_point point);
bool torpor__break_on(enum torpor__break which);

#define TORPOR__FAULT(point) torpor__fault_pass(TORPOR__FAULT_##point)
#define TORPOR__BROKEN(which) torpor__break_on(TORPOR__BREAK_##which)

#else

#define TORPOR__FAULT(point) ((void)0)
#define TORPOR__BROKEN(which) false

#endif
#endif
