/* SPDX-License-Identifier: MIT */
/* memory-database.h - a store for simulations: what database.h promises, and no
 * more.
 *
 * A disk is one flat struct, so that committing is copying it and crashing is
 * not copying it. Several stores may be open on a disk, one for each worker
 * that is simulated; a transaction of one keeps the others out (LOCKED).
 *
 * Rows are of small fixed size and few: a simulation that needs more is told so
 * by LIMIT. Not for more than one thread. */
#ifndef TORPOR_TEST_MEMORY_DATABASE_H
#define TORPOR_TEST_MEMORY_DATABASE_H

#include "run/database/database.h"

enum {
  DISK_RUNS = 4,
  DISK_STATES = 12,
  DISK_BRANCHES = 24,
  DISK_KINDS = 4,
  DISK_OPERATIONS = 16,
  DISK_SIGNALS = 32,
  DISK_LINES = 8, /* the newest */
  DISK_BYTES = 32,
  DISK_SNAPSHOT = 768,
  DISK_TEXT = 16
};

struct disk_bytes {
  uint32_t size;
  uint8_t data[DISK_BYTES];
};

struct disk_state {
  int64_t branch, step, version, parent_step;
  bool runnable, clone;
  uint32_t size;
  uint8_t snapshot[DISK_SNAPSHOT];
};

struct disk_branch {
  int64_t branch, parent, parent_step;
  uint64_t first_operation;
  char origin[DISK_TEXT];
};

struct disk_kind {
  char kind[DISK_TEXT];
  enum torpor__policy policy;
};

struct disk_operation {
  int64_t branch;
  uint64_t id;
  char kind[DISK_TEXT];
  char topic[DISK_TEXT]; /* empty: NULL */
  struct disk_bytes request;
  int64_t due_ms;
  char key[TORPOR__KEY_MAX];
  enum torpor__policy policy;
  int64_t begun_ms, begun_step;
};

struct disk_result {
  int64_t sequence, branch;
  uint64_t operation;
  enum torpor__outcome outcome;
  struct disk_bytes value;
};

struct disk_signal {
  int64_t sequence;
  char topic[DISK_TEXT];
  struct disk_bytes value;
};

struct disk_line {
  int64_t branch, step, number;
  struct disk_bytes text;
};

struct disk_run {
  char id[DISK_TEXT];
  struct torpor__head head;
  uint64_t keep;
  int64_t news; /* number; 0: none */
  bool exited;
  uint32_t exit_size;
  uint8_t exit[DISK_SNAPSHOT];
  int state_count, branch_count, kind_count;
  int operation_count, result_count, signal_count;
  int64_t line_count; /* ever written */
  struct disk_state states[DISK_STATES];
  struct disk_branch branches[DISK_BRANCHES];
  struct disk_kind kinds[DISK_KINDS];
  struct disk_operation operations[DISK_OPERATIONS];
  struct disk_result results[DISK_OPERATIONS];
  struct disk_signal signals[DISK_SIGNALS];
  struct disk_line lines[DISK_LINES]; /* a ring */
};

struct disk_content {
  int run_count;
  int64_t sequence; /* last one given */
  struct disk_run runs[DISK_RUNS];
};

struct memory_store;

struct disk {
  struct disk_content committed;
  struct disk_content working; /* of the transaction that is open */
  struct disk_content saved;   /* at its savepoint */
  struct memory_store *writer; /* whose transaction it is, or NULL */
  struct memory_store *locks[DISK_RUNS];
  /* The next commit fails: FULL has no effect, IO has it when 'torn'. */
  torpor_status fail;
  bool torn;
  /* Called after a commit has taken effect. */
  void (*committed_hook)(struct disk *disk, struct memory_store *writer,
                         const struct disk_content *before);
};

struct memory_store {
  struct torpor__database store;
  struct disk *disk;
};

void memory_store_open(struct memory_store *store, struct disk *disk);

/* The process dies: its transaction and its locks are gone. */
void memory_store_crash(struct memory_store *store);

#endif
