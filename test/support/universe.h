/* SPDX-License-Identifier: MIT */
/* universe.h - a universe of test_protocol_simulation.c: a disk, runs, workers
 * and a client; and what must be true of the disk after each commit.
 *
 * There is one at a time. One thread. */
#ifndef TORPOR_TEST_UNIVERSE_H
#define TORPOR_TEST_UNIVERSE_H

#include <setjmp.h>

#include "run/branch.h"
#include "run/protocol/protocol.h"
#include "support/memory-database.h"
#include "support/simulated-program.h"

enum {
  WORKERS = 2,
  TASKS = 64,
  ATTEMPTS_MAX = 4,
  FIRST_RUNS = 2, /* the others are forks */
  KEEP = 3,
  LINKS_MAX = 3, /* differences in a row */
  BRANCHES = 24, /* accounted for, per run */
  STEPS_PER_UNIVERSE = 400,
  SETTLE_ROUNDS = 3000,
  OPERATION_IDS = 4096 /* accounted for, per run */
};

/* An operation that a worker's drivers perform. */
struct task {
  int64_t run, branch;
  uint64_t operation;
  int64_t due_ms;
  bool timer; /* ends by itself when due */
};

/* What one worker does with one run. */
struct hold {
  struct torpor__protocol *protocol;
  struct torpor__drivers drivers;
  struct worker *worker;
  int64_t run;
  int links;   /* differences since the last whole state */
  bool loaded; /* 'program' is the committed state, or ahead of it */
  struct program program;
  struct program_step turn;
  /* The first value received for an operation since the hold began. */
  uint32_t first_value[OPERATION_IDS];
};

struct worker {
  struct memory_store store;
  struct hold holds[DISK_RUNS];
  struct task tasks[TASKS];
  int task_count;
};

/* What an onlooker who never crashes knows of a run. */
struct account {
  uint64_t sent; /* bit n: signal n was sent, durably */
  uint32_t next_signal;
  struct memory_store *owner; /* who raised the fence last */
  uint8_t starts[BRANCHES][OPERATION_IDS];
  int64_t lines_shown[BRANCHES]; /* highest number */
  bool poisoned;                 /* its program kills its worker at step 2 */
};

struct universe {
  uint64_t seed;
  uint64_t random;
  int64_t now_ms;
  uint32_t next_value;
  int64_t pruning; /* states that the client asks to be left; 0: it does not */
  struct disk disk;
  struct memory_store client;
  struct worker workers[WORKERS];
  struct account accounts[DISK_RUNS];
  int crash_in; /* fault points until the current worker dies; 0: never */
  jmp_buf crash;
};

extern struct universe u;

struct totals {
  int64_t steps, crashes, commits, ended, parked, fenced, rewound, forked,
      rested;
};

extern struct totals totals;

/* A promise is broken, by its number in run/protocol/protocol.h: says so, with
 * the seed, and ends the process. */
_Noreturn void universe_broken(int promise, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define PROMISE(promise, condition, ...)                                       \
  do {                                                                         \
    if (!(condition)) universe_broken(promise, __VA_ARGS__);                   \
  } while (0)

/* What is committed of a run. */
const struct disk_run *committed(int64_t run);
const struct disk_state *newest_state(const struct disk_run *run);
const struct disk_operation *find_operation(const struct disk_run *run,
                                            uint64_t id);
const struct disk_result *find_result(const struct disk_run *run, uint64_t id);

/* For disk.committed_hook: checks every run. */
void universe_check(struct disk *disk, struct memory_store *writer,
                    const struct disk_content *before);

/* Reads states of programs for the client. */
extern const struct torpor__checkpoint_reader universe_reader;

#endif
