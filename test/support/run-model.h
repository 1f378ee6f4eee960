/* SPDX-License-Identifier: MIT */
/* run-model.h - a model of the runs in a store: what there should be after each
 * thing that can be done with them, and whether a store is like that.
 *
 * The runs are those of test_run_model.c: each counts the numbers that it is
 * sent, says so, and ends with a 0. What fails here fails the test. */
#ifndef TORPOR_TEST_RUN_MODEL_H
#define TORPOR_TEST_RUN_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "torpor-run.h"

enum {
  RUNS_MOST = 12,
  STATES_MOST = 128,
  LINES_MOST = 512,
  MAIL_MOST = 64,
  VERSIONS_MOST = 6,
  TEXT_MOST = 24
};

struct state {
  int64_t branch, step, parent_step; /* the last is only known of real ones */
  int version, sum, count;
};

/* A program that a run has, or had before an upgrade. */
struct version {
  int main, lib, extensions; /* which it is, and which extensions it keeps */
  int64_t start;
  int sum, count; /* what it begins with */
};

struct line {
  int64_t branch, step, number;
  char text[TEXT_MOST];
};

struct run {
  bool there;
  int serial; /* two runs of one id have different ones */
  char id[TORPOR_RUN_ID_SIZE], parent_id[TORPOR_RUN_ID_SIZE];
  int parent; /* serial, or 0 */
  struct version versions[VERSIONS_MOST];
  int version, version_count;
  uint64_t keep, keep_lines;
  torpor_run_state state;
  int64_t branch, step;
  int sum, count;
  struct state states[STATES_MOST];
  size_t state_count;
  bool pruned; /* so that only 'must' of them need be there */
  uint64_t must;
  struct line lines[LINES_MOST];
  size_t line_count;
  uint64_t dropped;
  int mail[MAIL_MOST];
  size_t mail_count;
};

struct world {
  struct run runs[RUNS_MOST];
  int serials;
};

/* The run with this id, or NULL. */
struct run *run_model_find(struct world *in, const char *id);

/* A place for one more run. */
struct run *run_model_take_place(struct world *in);

bool run_model_has_ended(const struct run *run);

/* Whether it has something to do, and doing that. */
bool run_model_can_step(const struct run *run);
void run_model_step(struct run *run);

/* Keeps at least 'must' of the states, and those that they need. */
void run_model_prune(struct run *run, uint64_t must);

/* The newest state of a step, or NULL. */
const struct state *run_model_find_state(const struct run *run, int64_t step);

/* Goes on from a state, or from the beginning, on a new branch. */
void run_model_branch_from(struct run *run, const struct state *from);

/* Goes on with another program, which begins with what the older one has. */
void run_model_upgrade(struct run *run, int main, int lib, int extensions);

/* Makes 'copy' a run that goes on from a state of another one, of which it has
 * nothing else. */
void run_model_copy_from(struct run *copy, const struct run *run,
                         const struct state *from);

/* Whether what is 'real' is like the model; else how it differs. */
bool run_model_is_same(struct world *in, struct world *real);
extern char run_model_difference[256];

/* Of the states that may be there the model knows now which are. */
void run_model_learn(struct run *run, const struct run *real);

#endif
