/* SPDX-License-Identifier: MIT */
/* diff-lines.c - what a run wrote to its console from one of its states to a
 * later one.
 *
 * A run that was rewound has made some steps more than once, each time on
 * another branch, and the lines of all of them are in the store:
 *
 *     branch 0   1 - 2 - 3 - 4 - 5
 *                    |                   rewound to step 2
 *     branch 1       2 - 3 - 4           the states are 1 of branch 0 and
 *                                        2, 3, 4 of branch 1
 *
 *  (1) What was left made its steps on lower branches than the state before
 *      them has, for that state is made anew on each branch that goes on from
 *      it. Step 2 was made on branch 0, which state 1 has; a line of step 3 on
 *      branch 0 is none of ours, since state 2 is of branch 1.
 *  (2) A program that a run was upgraded to makes its steps on a higher branch
 *      than the state before the first of them. */
#include <stdlib.h>
#include <string.h>

#include "cli/diff.h"
#include "common/array.h"

/* States of one branch that follow each other, up to the next stretch. */
struct stretch {
  int64_t branch, first;
};

struct way {
  int64_t from, to; /* steps: the lines of later ones than 'from' up to 'to' */
  struct stretch *stretches;
  size_t count, capacity;
  bool exhausted; /* of memory */
  torpor_run_line_fn visit;
  void *user;
};

/* torpor_run_step_fn; the states come in the order of their steps. */
static bool add_step(void *user, const torpor_run_step *step) {
  struct way *way = user;
  if (step->step < way->from) return true;
  if (step->step >= way->to) return false;
  if (way->count > 0 && way->stretches[way->count - 1].branch == step->branch)
    return true;
  way->exhausted = !torpor__array_reserve(
      &way->stretches, &way->capacity, way->count + 1, sizeof(*way->stretches));
  if (way->exhausted) return false;
  way->stretches[way->count++] =
      (struct stretch){.branch = step->branch, .first = step->step};
  return true;
}

/* See (1) and (2). */
static bool is_on_way(const struct way *way, const torpor_run_line *line) {
  size_t i = way->count;
  while (i > 0 && way->stretches[i - 1].first >= line->step) i--;
  return i > 0 && line->step <= way->to &&
         line->branch >= way->stretches[i - 1].branch;
}

/* torpor_run_line_fn */
static bool pass_line(void *user, const torpor_run_line *line) {
  const struct way *way = user;
  return !is_on_way(way, line) || way->visit(way->user, line);
}

torpor_status cli_diff_lines(const struct cli_difference *difference,
                             torpor_run_line_fn visit, void *user) {
  const struct cli_snapshot *a = difference->a, *b = difference->b;
  struct way way = {
      .from = a->step, .to = b->step, .visit = visit, .user = user};
  if (a->store == NULL || b->store == NULL || strcmp(a->id, b->id) != 0 ||
      a->step >= b->step)
    return TORPOR_OK;
  torpor_status status = torpor_run_steps(b->store, b->id, add_step, &way);
  if (way.exhausted) status = TORPOR_NOMEM;
  if (status == TORPOR_OK)
    status = torpor_run_lines(b->store, b->id, a->step, pass_line, &way);
  free(way.stretches);
  return status;
}
