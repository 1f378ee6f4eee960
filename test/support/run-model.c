/* SPDX-License-Identifier: MIT */
/* run-model.c - a model of the runs in a store. See run-model.h. */
#include "test/support/run-model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct run *run_model_find(struct world *in, const char *id) {
  for (int i = 0; i < RUNS_MOST; i++)
    if (in->runs[i].there && strcmp(in->runs[i].id, id) == 0)
      return &in->runs[i];
  return NULL;
}

struct run *run_model_take_place(struct world *in) {
  int at = 0;
  while (in->runs[at].there) at++;
  in->runs[at] = (struct run){.there = true, .serial = ++in->serials};
  return &in->runs[at];
}

bool run_model_has_ended(const struct run *run) {
  return run->state != TORPOR_RUN_READY && run->state != TORPOR_RUN_WAITING;
}

static void say(struct run *run, int64_t number, const char *text) {
  assert_true(run->line_count < LINES_MOST);
  struct line *line = &run->lines[run->line_count++];
  const struct version *version = &run->versions[run->version];
  *line = (struct line){run->branch, run->step, number, ""};
  snprintf(line->text, sizeof line->text, "%d%d %s", version->main,
           version->lib, text);
}

static void drop_lines(struct run *run) {
  size_t gone = run->line_count > run->keep_lines
                    ? run->line_count - (size_t)run->keep_lines
                    : 0;
  memmove(run->lines, run->lines + gone,
          (run->line_count - gone) * sizeof *run->lines);
  run->line_count -= gone;
  run->dropped += gone;
}

static void put_state(struct run *run) {
  assert_true(run->state_count < STATES_MOST);
  run->states[run->state_count++] = (struct state){
      run->branch, run->step, 0, run->version, run->sum, run->count};
}

/* Keeps at least 'must' of the states, and those that they need. */
void run_model_prune(struct run *run, uint64_t must) {
  run->pruned = true;
  run->must = must;
}

bool run_model_can_step(const struct run *run) {
  return run->state == TORPOR_RUN_READY ||
         (run->state == TORPOR_RUN_WAITING && run->mail_count > 0);
}

void run_model_step(struct run *run) {
  char text[TEXT_MOST];
  run->step++;
  if (run->state == TORPOR_RUN_READY) {
    run->state = TORPOR_RUN_WAITING;
    run->sum = run->versions[run->version].sum;
    run->count = run->versions[run->version].count;
    say(run, 0, "begins");
  } else {
    int n = run->mail[0];
    memmove(run->mail, run->mail + 1, --run->mail_count * sizeof *run->mail);
    if (n == 0) {
      run->state = TORPOR_RUN_DONE;
      return;
    }
    run->sum += n;
    run->count++;
    for (int i = 0; i < n; i++) {
      snprintf(text, sizeof text, "%d %d", run->count, i);
      say(run, i, text);
    }
  }
  drop_lines(run);
  put_state(run);
  run_model_prune(run, run->keep);
}

/* Goes on from a state, or from the beginning, on a new branch. */
void run_model_branch_from(struct run *run, const struct state *from) {
  run->branch++;
  run->step = from != NULL ? from->step : 0;
  run->state = from != NULL ? TORPOR_RUN_WAITING : TORPOR_RUN_READY;
  run->version = from != NULL ? from->version : 0;
  if (from == NULL) return;
  run->sum = from->sum;
  run->count = from->count;
  put_state(run);
}

void run_model_upgrade(struct run *run, int main, int lib, int extensions) {
  assert_true(run->version_count < VERSIONS_MOST);
  run->version = run->version_count++;
  run->versions[run->version] =
      (struct version){main, lib, extensions, run->step, run->sum, run->count};
  run->branch++;
  run->state = TORPOR_RUN_READY;
}

const struct state *run_model_find_state(const struct run *run, int64_t step) {
  for (size_t i = run->state_count; i-- > 0;)
    if (run->states[i].step == step) return &run->states[i];
  return NULL;
}

void run_model_copy_from(struct run *copy, const struct run *run,
                         const struct state *from) {
  const struct state state = from != NULL ? *from : (struct state){0};
  const int serial = copy->serial;
  *copy = *run;
  copy->serial = serial;
  copy->parent = 0;
  copy->line_count = copy->state_count = copy->mail_count = 0;
  copy->dropped = 0;
  copy->pruned = false;
  run_model_branch_from(copy, from != NULL ? &state : NULL);
}

/* ---- Comparing -----------------------------------------------------------*/

char run_model_difference[256];

#define DIFFERS(...)                                                           \
  (snprintf(run_model_difference, sizeof run_model_difference, __VA_ARGS__),   \
   false)

static bool same_lines(const struct run *run, const struct run *real) {
  if (run->line_count != real->line_count || run->dropped != real->dropped)
    return DIFFERS("%s: %zu lines, %d dropped; not %zu, %d", run->id,
                   real->line_count, (int)real->dropped, run->line_count,
                   (int)run->dropped);
  for (size_t i = 0; i < run->line_count; i++) {
    const struct line *a = &run->lines[i], *b = &real->lines[i];
    if (a->branch != b->branch || a->step != b->step ||
        a->number != b->number || strcmp(a->text, b->text) != 0)
      return DIFFERS("%s: line '%s' of %d/%d/%d, not '%s' of %d/%d/%d", run->id,
                     b->text, (int)b->branch, (int)b->step, (int)b->number,
                     a->text, (int)a->branch, (int)a->step, (int)a->number);
  }
  return true;
}

static bool has_state(const struct run *run, const struct state *state) {
  for (size_t i = 0; i < run->state_count; i++)
    if (run->states[i].branch == state->branch &&
        run->states[i].step == state->step)
      return true;
  return false;
}

/* Whether a state is needed by the next one, and so on, up to one of 'must'. */
static bool is_needed(const struct run *real, size_t at, size_t must) {
  while (at + must < real->state_count) {
    if (real->states[at + 1].parent_step != real->states[at].step) return false;
    at++;
  }
  return true;
}

static bool same_states(const struct run *run, const struct run *real) {
  size_t must = run->state_count;
  if (run->pruned && run->must < must) must = (size_t)run->must;
  for (size_t i = run->state_count - must; i < run->state_count; i++)
    if (!has_state(real, &run->states[i]))
      return DIFFERS("%s: the state of %d/%d is missing", run->id,
                     (int)run->states[i].branch, (int)run->states[i].step);
  for (size_t i = 0; i < real->state_count; i++)
    if (!has_state(run, &real->states[i]) || !is_needed(real, i, must))
      return DIFFERS("%s: the state of %d/%d is one too many", run->id,
                     (int)real->states[i].branch, (int)real->states[i].step);
  return true;
}

static bool same_versions(const struct run *run, const struct run *real) {
  if (run->version_count != real->version_count)
    return DIFFERS("%s: %d programs, not %d", run->id, real->version_count,
                   run->version_count);
  for (int i = 0; i < run->version_count; i++)
    if (run->versions[i].start != real->versions[i].start)
      return DIFFERS("%s: program %d starts at %d, not %d", run->id, i,
                     (int)real->versions[i].start, (int)run->versions[i].start);
  return true;
}

static const char *name_parent(const struct world *in, int serial) {
  for (int i = 0; i < RUNS_MOST; i++)
    if (in->runs[i].there && serial != 0 && in->runs[i].serial == serial)
      return in->runs[i].id;
  return "";
}

static bool same_run(const struct world *in, const struct run *run,
                     const struct run *real) {
  if (real == NULL) return DIFFERS("%s is missing", run->id);
  if (run->state != real->state || run->step != real->step ||
      run->branch != real->branch)
    return DIFFERS("%s: %s at %d/%d, not %s at %d/%d", run->id,
                   torpor_run_state_name(real->state), (int)real->branch,
                   (int)real->step, torpor_run_state_name(run->state),
                   (int)run->branch, (int)run->step);
  if (run->state == TORPOR_RUN_DONE && run->sum != real->sum)
    return DIFFERS("%s: result %d, not %d", run->id, real->sum, run->sum);
  if (run->mail_count != real->mail_count)
    return DIFFERS("%s: %zu signals, not %zu", run->id, real->mail_count,
                   run->mail_count);
  if (run->keep != real->keep || run->keep_lines != real->keep_lines)
    return DIFFERS("%s: keeps others", run->id);
  if (strcmp(name_parent(in, run->parent), real->parent_id) != 0)
    return DIFFERS("%s: parent '%s'", run->id, real->parent_id);
  return same_lines(run, real) && same_states(run, real) &&
         same_versions(run, real);
}

bool run_model_is_same(struct world *in, struct world *real) {
  for (int i = 0; i < RUNS_MOST; i++)
    if (real->runs[i].there && run_model_find(in, real->runs[i].id) == NULL)
      return DIFFERS("%s is there", real->runs[i].id);
  for (int i = 0; i < RUNS_MOST; i++)
    if (in->runs[i].there &&
        !same_run(in, &in->runs[i], run_model_find(real, in->runs[i].id)))
      return false;
  return true;
}

/* Of those that may be there, the model knows now which are. */
void run_model_learn(struct run *run, const struct run *real) {
  size_t kept = 0;
  for (size_t i = 0; i < run->state_count; i++)
    if (has_state(real, &run->states[i])) run->states[kept++] = run->states[i];
  run->state_count = kept;
  run->pruned = false;
}
