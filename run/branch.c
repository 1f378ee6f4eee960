/* SPDX-License-Identifier: MIT */
/* branch.c - going on from an older state. See branch.h.
 *
 * A 'journey' is one such request while its transaction is open: where it comes
 * from, what it has read, where it goes to. Everything is read first, since
 * the old rows are gone when the new ones are written.
 *
 * On the thread of the store. */
#include "branch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/search.h"
#include "fault.h"
#include "operation.h"
#include "request.h"

struct lineage {
  int64_t branch, parent, parent_step;
  uint64_t first_operation;
  char origin[TORPOR__RUN_ID_MAX + 1];
  int64_t made_ms;
};

struct kind {
  char *kind;
  enum torpor__policy policy;
};

struct begun {
  int64_t branch;
  uint64_t id;
  int64_t step;
};

struct journey {
  struct torpor__database *database;
  const struct torpor__opener *opener;
  int64_t from, to;                /* runs; the same when rewinding */
  char id[TORPOR__RUN_ID_MAX + 1]; /* of 'from' */
  struct torpor__head head;        /* of 'from' */
  struct torpor__checkpoint checkpoint;
  bool opened; /* there is a departure to close */
  int64_t start;
  int64_t now_ms;

  struct lineage *lineage;
  size_t lineage_count, lineage_capacity;
  struct kind *kinds;
  size_t kind_count, kind_capacity;
  struct begun *begun; /* by rising branch and id */
  size_t begun_count, begun_capacity;
  struct torpor__result *results; /* values are owned */
  size_t result_count, result_capacity;
};

static void end_journey(struct journey *j) {
  if (j->opened) j->opener->close(j->opener->user, &j->checkpoint);
  for (size_t i = 0; i < j->kind_count; i++) free(j->kinds[i].kind);
  for (size_t i = 0; i < j->result_count; i++)
    free((void *)j->results[i].value.data);
  free(j->lineage);
  free(j->kinds);
  free(j->begun);
  free(j->results);
}

/* ---- reading -------------------------------------------------------------*/

/* torpor__branch_fn */
static torpor_status take_branch(void *data, const struct torpor__branch *row) {
  struct journey *j = data;
  if (!torpor__array_reserve(&j->lineage, &j->lineage_capacity,
                             j->lineage_count + 1, sizeof *j->lineage))
    return TORPOR_NOMEM;
  struct lineage *lineage = &j->lineage[j->lineage_count++];
  *lineage = (struct lineage){.branch = row->branch,
                              .parent = row->parent,
                              .parent_step = row->parent_step,
                              .first_operation = row->first_operation,
                              .made_ms = row->made_ms};
  strcpy(lineage->origin, row->origin);
  return TORPOR_OK;
}

/* torpor__kind_fn */
static torpor_status take_kind(void *data, const char *kind,
                               enum torpor__policy policy) {
  struct journey *j = data;
  char *copy = torpor__array_copy(kind, strlen(kind) + 1);
  if (copy == NULL ||
      !torpor__array_reserve(&j->kinds, &j->kind_capacity, j->kind_count + 1,
                             sizeof *j->kinds)) {
    free(copy);
    return TORPOR_NOMEM;
  }
  j->kinds[j->kind_count++] = (struct kind){.kind = copy, .policy = policy};
  return TORPOR_OK;
}

/* torpor__operation_fn */
static torpor_status take_begun(void *data,
                                const struct torpor__operation *row) {
  struct journey *j = data;
  if (!torpor__array_reserve(&j->begun, &j->begun_capacity, j->begun_count + 1,
                             sizeof *j->begun))
    return TORPOR_NOMEM;
  j->begun[j->begun_count++] = (struct begun){
      .branch = row->branch, .id = row->id, .step = row->begun_step};
  return TORPOR_OK;
}

/* torpor__result_fn */
static torpor_status take_result(void *data, const struct torpor__result *row) {
  struct journey *j = data;
  void *value = torpor__array_copy(row->value.data, row->value.size);
  if (value == NULL ||
      !torpor__array_reserve(&j->results, &j->result_capacity,
                             j->result_count + 1, sizeof *j->results)) {
    free(value);
    return TORPOR_NOMEM;
  }
  j->results[j->result_count] = *row;
  j->results[j->result_count++].value.data = value;
  return TORPOR_OK;
}

/* torpor__run_fn */
static torpor_status take_id(void *data, int64_t run,
                             const struct torpor__run *row,
                             const struct torpor__head *head) {
  struct journey *j = data;
  (void)run;
  j->head = *head;
  snprintf(j->id, sizeof j->id, "%s", row->id);
  return TORPOR_OK;
}

static torpor_status read_rows(struct journey *j) {
  const struct torpor__database_calls *calls = j->database->calls;
  torpor_status status = calls->run_each(j->database, j->from, take_id, j);
  if (status == TORPOR_OK)
    status = calls->branch_each(j->database, j->from, take_branch, j);
  if (status == TORPOR_OK)
    status = calls->kind_each(j->database, j->from, take_kind, j);
  if (status == TORPOR_OK)
    status = calls->operation_each(j->database, j->from, take_begun, j);
  if (status == TORPOR_OK)
    status = calls->result_each(j->database, j->from, take_result, j);
  return status == TORPOR_NOMEM
             ? torpor__database_fail(j->database, status, NULL)
             : status;
}

/* ---- which state ---------------------------------------------------------*/

struct kept {
  int64_t first, last;
};

/* torpor__state_fn */
static torpor_status take_kept(void *data, const struct torpor__state *row) {
  struct kept *kept = data;
  if (kept->last == 0) kept->last = row->step;
  kept->first = row->step;
  return TORPOR_OK;
}

torpor_status torpor__branch_not_kept(struct torpor__database *database,
                                      int64_t run, const char *id,
                                      int64_t step) {
  struct kept kept = {0};
  torpor_status status = database->calls->state_each(
      database, run, TORPOR__STEP_NEWEST, take_kept, &kept);
  if (status != TORPOR_OK) return status;
  if (kept.last == 0)
    return torpor__database_fail(database, TORPOR_NOT_FOUND,
                                 "no state of run '%s' is kept; only 0, its "
                                 "beginning, can be gone back to",
                                 id);
  if (step == TORPOR__STEP_NEWEST) step = kept.last;
  return torpor__database_fail(database, TORPOR_NOT_FOUND,
                               "step %" PRId64
                               " of run '%s' is not kept; there "
                               "are %" PRId64 " to %" PRId64
                               ", and 0, its beginning",
                               step, id, kept.first, kept.last);
}

/* torpor__version_fn */
static torpor_status take_start(void *data, const struct torpor__version *row) {
  struct journey *j = data;
  if (row->number == j->checkpoint.version) j->start = row->start;
  return TORPOR_OK;
}

/* Finds the state. Where an edition begins there is none. */
static torpor_status depart(struct journey *j, int64_t step) {
  bool newest = step == TORPOR__STEP_NEWEST;
  bool begins = newest && j->head.step == j->head.start;
  if (step == 0 || begins) {
    j->checkpoint.branch = j->head.branch;
    j->checkpoint.version = begins ? j->head.version : 0;
    j->checkpoint.step = j->start = begins ? j->head.start : 0;
    return TORPOR_OK;
  }
  torpor_status status =
      j->opener->open(j->opener->user, j->from, step, &j->checkpoint);
  if (status == TORPOR_NOT_FOUND)
    return torpor__branch_not_kept(j->database, j->from, j->id, step);
  if (status != TORPOR_OK) return status;
  j->opened = true;
  if (!newest && j->checkpoint.step != step)
    return torpor__branch_not_kept(j->database, j->from, j->id, step);
  status =
      j->database->calls->version_each(j->database, j->from, take_start, j);
  if (status != TORPOR_OK || j->start <= j->checkpoint.step) return status;
  return torpor__database_fail(j->database, TORPOR_CORRUPT,
                               "run '%s': the program of step %" PRId64
                               " begins after it",
                               j->id, j->checkpoint.step);
}

/* ---- what it waits for ---------------------------------------------------*/

static const struct lineage *find_lineage(const struct journey *j,
                                          int64_t branch) {
  for (size_t i = 0; i < j->lineage_count; i++)
    if (j->lineage[i].branch == branch) return &j->lineage[i];
  return NULL;
}

/* The branch in which an operation of a state of 'branch' was begun. Parents
 * have lower numbers, so this ends. */
static int64_t place_operation(const struct journey *j, int64_t branch,
                               uint64_t id) {
  const struct lineage *lineage;
  while ((lineage = find_lineage(j, branch)) != NULL && lineage->parent >= 0 &&
         id < lineage->first_operation)
    branch = lineage->parent;
  return branch;
}

static enum torpor__policy find_policy(const struct journey *j,
                                       const char *kind) {
  for (size_t i = 0; i < j->kind_count; i++)
    if (strcmp(j->kinds[i].kind, kind) == 0) return j->kinds[i].policy;
  return TORPOR__POLICY_REJECT;
}

/* torpor__compare_fn */
static int compare_begun(const void *key, const void *item) {
  const struct begun *a = key, *b = item;
  if (a->branch != b->branch) return a->branch < b->branch ? -1 : 1;
  return torpor__compare_u64(&a->id, &b->id);
}

static int64_t find_begun_step(const struct journey *j, int64_t branch,
                               uint64_t id) {
  const struct begun key = {.branch = branch, .id = id};
  const struct begun *found = torpor__find(&key, j->begun, j->begun_count,
                                           sizeof *j->begun, compare_begun);
  return found != NULL ? found->step : j->checkpoint.step;
}

/* What was true of an operation when it was begun. */
static void complete_operation(const struct journey *j,
                               struct torpor__operation *operation,
                               char key[TORPOR__KEY_MAX]) {
  const struct lineage *lineage;
  operation->branch = place_operation(j, j->checkpoint.branch, operation->id);
  operation->policy = find_policy(j, operation->kind);
  operation->begun_step = find_begun_step(j, operation->branch, operation->id);
  lineage = find_lineage(j, operation->branch);
  snprintf(key, TORPOR__KEY_MAX, "%s/%" PRId64 "/%" PRIu64,
           lineage != NULL && lineage->origin[0] != '\0' ? lineage->origin
                                                         : j->id,
           TORPOR__BROKEN(KEYS_ANEW) ? j->head.branch + 1 : operation->branch,
           operation->id);
  operation->key = key;
}

static torpor_status write_operation(struct journey *j,
                                     struct torpor__operation *operation) {
  char key[TORPOR__KEY_MAX];
  complete_operation(j, operation, key);
  torpor_status status =
      j->database->calls->operation_add(j->database, j->to, operation);
  operation->key = NULL;
  return status;
}

static bool waits_for(const struct journey *j, int64_t branch, uint64_t id) {
  const struct torpor__operation *found =
      torpor__find(&id, j->checkpoint.operations, j->checkpoint.operation_count,
                   sizeof *j->checkpoint.operations, torpor__operation_compare);
  return found != NULL && found->branch == branch;
}

static torpor_status write_waiting(struct journey *j) {
  const struct torpor__database_calls *calls = j->database->calls;
  torpor_status status = TORPOR_OK;
  int64_t ignored;
  for (size_t i = 0; status == TORPOR_OK && i < j->checkpoint.operation_count;
       i++)
    status = write_operation(j, &j->checkpoint.operations[i]);
  for (size_t i = 0; status == TORPOR_OK && i < j->result_count; i++)
    if (waits_for(j, j->results[i].branch, j->results[i].operation))
      status = calls->result_add(j->database, j->to, &j->results[i], &ignored);
  return status;
}

/* ---- the new branch ------------------------------------------------------*/

static torpor_status write_branch(struct journey *j, int64_t branch) {
  const struct torpor__checkpoint *checkpoint = &j->checkpoint;
  size_t count = checkpoint->operation_count;
  const struct torpor__branch row = {
      .branch = branch,
      .parent = checkpoint->branch,
      .parent_step = checkpoint->step,
      .first_operation =
          count > 0 ? checkpoint->operations[count - 1].id + 1 : 1,
      .origin = "",
      .made_ms = j->now_ms};
  return j->database->calls->branch_add(j->database, j->to, &row);
}

static torpor_status write_state(struct journey *j, const char *id,
                                 int64_t branch) {
  struct torpor__checkpoint *checkpoint = &j->checkpoint;
  if (!j->opened) return TORPOR_OK;
  torpor_status status =
      j->opener->seal(j->opener->user, id, branch, checkpoint);
  if (status != TORPOR_OK) return status;
  const struct torpor__state row = {.branch = branch,
                                    .step = checkpoint->step,
                                    .version = checkpoint->version,
                                    .runnable = checkpoint->runnable,
                                    .clone = checkpoint->clone,
                                    .engine = checkpoint->engine,
                                    .snapshot = checkpoint->snapshot,
                                    .made_ms = j->now_ms};
  return j->database->calls->state_put(j->database, j->to, &row);
}

static torpor_status write_head(struct journey *j, int64_t branch,
                                int64_t fence) {
  const struct torpor__head head = {.branch = branch,
                                    .step = j->checkpoint.step,
                                    .version = j->checkpoint.version,
                                    .start = j->start,
                                    .fence = fence,
                                    .runnable = j->checkpoint.runnable,
                                    .changed_ms = j->now_ms};
  return j->database->calls->head_put(j->database, j->to, &head);
}

/* ---- rewinding -----------------------------------------------------------*/

static torpor_status clear_newer(struct journey *j) {
  const struct torpor__database_calls *calls = j->database->calls;
  if (TORPOR__BROKEN(OPERATIONS_STAY)) return TORPOR_OK;
  torpor_status status = calls->operation_clear(j->database, j->to);
  if (status == TORPOR_OK) status = calls->result_clear(j->database, j->to);
  if (status == TORPOR_OK) status = calls->exit_remove(j->database, j->to);
  if (status == TORPOR_OK)
    status = calls->state_cut(j->database, j->to,
                              j->checkpoint.step - (j->opened ? 1 : 0));
  return status;
}

static torpor_status write_rewound(struct journey *j, int64_t step) {
  int64_t fence;
  torpor_status status = read_rows(j);
  if (status == TORPOR_OK) status = depart(j, step);
  if (status != TORPOR_OK) return status;
  int64_t branch = j->head.branch + 1;
  fence = j->head.fence + (TORPOR__BROKEN(REWIND_UNFENCED) ? 0 : 1);
  status = clear_newer(j);
  if (status == TORPOR_OK) status = write_branch(j, branch);
  if (status == TORPOR_OK) status = write_state(j, j->id, branch);
  if (status == TORPOR_OK) status = write_waiting(j);
  if (status == TORPOR_OK) status = write_head(j, branch, fence);
  return status;
}

static torpor_status rewind_locked(struct journey *j, int64_t step) {
  const struct torpor__database_calls *calls = j->database->calls;
  torpor_status status = calls->begin(j->database);
  if (status != TORPOR_OK) return status;
  status = write_rewound(j, step);
  TORPOR__FAULT(REWIND_BEFORE);
  if (status == TORPOR_OK) status = calls->commit(j->database);
  if (status != TORPOR_OK) calls->rollback(j->database);
  if (status == TORPOR_OK) TORPOR__FAULT(REWIND_AFTER);
  end_journey(j);
  return status;
}

torpor_status torpor__branch_rewind(struct torpor__database *database,
                                    int64_t run, int64_t step,
                                    const struct torpor__opener *opener,
                                    int64_t now_ms) {
  struct journey j = {.database = database,
                      .opener = opener,
                      .from = run,
                      .to = run,
                      .now_ms = now_ms};
  torpor_status status = database->calls->lock(database, run);
  if (status == TORPOR_LOCKED)
    return torpor__database_fail(
        database, status,
        "a worker drives the run; stop it first, or fork "
        "the run");
  if (status != TORPOR_OK) return status;
  status = rewind_locked(&j, step);
  database->calls->unlock(database, run);
  return status;
}

/* ---- forking -------------------------------------------------------------*/

struct copy {
  const struct journey *journey;
  const char *id;
  struct torpor__run row;
  char *block;
};

/* torpor__run_fn: copies what the new run has of the old one. */
static torpor_status take_run(void *data, int64_t run,
                              const struct torpor__run *row,
                              const struct torpor__head *head) {
  struct copy *copy = data;
  size_t program = strlen(row->program) + 1, access = strlen(row->access) + 1;
  (void)head;
  copy->block = malloc(program + access + row->engine.size + row->input.size);
  if (copy->block == NULL) return TORPOR_NOMEM;
  char *at = copy->block;
  copy->row = *row;
  copy->row.id = copy->id;
  copy->row.program = memcpy(at, row->program, program);
  copy->row.access = memcpy(at += program, row->access, access);
  at += access;
  if (row->engine.size > 0) memcpy(at, row->engine.data, row->engine.size);
  copy->row.engine.data = at;
  at += row->engine.size;
  if (row->input.size > 0) memcpy(at, row->input.data, row->input.size);
  copy->row.input.data = at;
  copy->row.created_ms = copy->journey->now_ms;
  copy->row.parent = run;
  return TORPOR_OK;
}

static torpor_status add_copy(struct journey *j, const char *id) {
  const struct torpor__database_calls *calls = j->database->calls;
  struct copy copy = {.journey = j, .id = id};
  torpor_status status = calls->run_each(j->database, j->from, take_run, &copy);
  if (status == TORPOR_OK)
    status = calls->run_add(j->database, &copy.row, &j->to);
  if (status == TORPOR_OK)
    status = calls->run_inherit(j->database, j->from, j->to);
  free(copy.block);
  return status;
}

static torpor_status name_branch(struct journey *j, int64_t branch) {
  const struct torpor__branch row = {
      .branch = branch, .parent = -1, .origin = ""};
  if (branch < 0 || find_lineage(j, branch) != NULL) return TORPOR_OK;
  if (take_branch(j, &row) == TORPOR_OK) return TORPOR_OK;
  return torpor__database_fail(j->database, TORPOR_NOMEM, NULL);
}

/* The branches of the old run are history of the new one: what was begun on
 * them has the old run's id in its key. Those without a row get one, if
 * anything can have been begun there: the first one, and those that the state
 * or another branch come from. */
static torpor_status name_origins(struct journey *j) {
  size_t count = j->lineage_count;
  torpor_status status = name_branch(j, 0);
  if (status == TORPOR_OK) status = name_branch(j, j->checkpoint.branch);
  if (status == TORPOR_OK) status = name_branch(j, j->head.branch);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++)
    status = name_branch(j, j->lineage[i].parent);
  if (status != TORPOR_OK) return status;
  for (size_t i = 0; i < j->lineage_count; i++)
    if (j->lineage[i].origin[0] == '\0') strcpy(j->lineage[i].origin, j->id);
  return TORPOR_OK;
}

static torpor_status write_lineage(struct journey *j) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < j->lineage_count; i++) {
    const struct lineage *lineage = &j->lineage[i];
    const struct torpor__branch row = {.branch = lineage->branch,
                                       .parent = lineage->parent,
                                       .parent_step = lineage->parent_step,
                                       .first_operation =
                                           lineage->first_operation,
                                       .origin = lineage->origin,
                                       .made_ms = lineage->made_ms};
    status = j->database->calls->branch_add(j->database, j->to, &row);
  }
  return status;
}

static torpor_status write_fork(struct journey *j, int64_t step,
                                const char *id) {
  torpor_status status = read_rows(j);
  if (status == TORPOR_OK) status = depart(j, step);
  if (status == TORPOR_OK) status = add_copy(j, id);
  if (status != TORPOR_OK) return status;
  int64_t branch = j->head.branch + 1;
  j->checkpoint.clone = true;
  status = name_origins(j);
  if (status == TORPOR_OK) status = write_lineage(j);
  if (status == TORPOR_OK) status = write_branch(j, branch);
  if (status == TORPOR_OK) status = write_state(j, id, branch);
  if (status == TORPOR_OK) status = write_waiting(j);
  if (status == TORPOR_OK) status = write_head(j, branch, 0);
  return status;
}

torpor_status torpor__branch_fork(struct torpor__database *database,
                                  int64_t from, int64_t step, const char *id,
                                  const struct torpor__opener *opener,
                                  int64_t now_ms) {
  struct journey j = {
      .database = database, .opener = opener, .from = from, .now_ms = now_ms};
  torpor_status status = torpor__request_check_id(database, id);
  if (status == TORPOR_OK) status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = write_fork(&j, step, id);
  TORPOR__FAULT(FORK_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status == TORPOR_OK) TORPOR__FAULT(FORK_AFTER);
  end_journey(&j);
  return status;
}

/* ---- carrying off, and bringing in ---------------------------------------*/

/* Results of what the state does not wait for go to the end. */
static size_t sort_results(struct journey *j) {
  size_t waited = 0;
  for (size_t i = 0; i < j->result_count; i++) {
    struct torpor__result result = j->results[i];
    if (!waits_for(j, result.branch, result.operation)) continue;
    memmove(&j->results[waited + 1], &j->results[waited],
            (i - waited) * sizeof *j->results);
    j->results[waited++] = result;
  }
  return waited;
}

static torpor_status show(struct journey *j, torpor__view_fn *visit,
                          void *user) {
  size_t count = j->checkpoint.operation_count;
  struct copy copy = {.journey = j, .id = j->id};
  char (*keys)[TORPOR__KEY_MAX] = calloc(count + 1, sizeof *keys);
  if (keys == NULL)
    return torpor__database_fail(j->database, TORPOR_NOMEM, NULL);
  for (size_t i = 0; i < count; i++)
    complete_operation(j, &j->checkpoint.operations[i], keys[i]);
  torpor_status status =
      j->database->calls->run_each(j->database, j->from, take_run, &copy);
  const struct torpor__view view = {.row = &copy.row,
                                    .checkpoint = &j->checkpoint,
                                    .results = j->results,
                                    .result_count = sort_results(j)};
  if (status == TORPOR_OK) status = visit(user, &view);
  free(copy.block);
  free(keys);
  return status;
}

torpor_status torpor__branch_view(struct torpor__database *database,
                                  int64_t run, int64_t step,
                                  const struct torpor__opener *opener,
                                  torpor__view_fn *visit, void *user) {
  struct journey j = {.database = database, .opener = opener, .from = run};
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = read_rows(&j);
  if (status == TORPOR_OK) status = depart(&j, step);
  if (status == TORPOR_OK && !j.opened)
    status = torpor__database_fail(
        database, TORPOR_NOT_FOUND,
        "run '%s' has no state before its first step", j.id);
  if (status == TORPOR_OK) status = show(&j, visit, user);
  database->calls->rollback(database);
  end_journey(&j);
  return status;
}

/* What the newcomer brings takes the place of what is read of a run here. */
static torpor_status unpack(struct journey *j,
                            const struct torpor__import *newcomer) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < newcomer->branch_count; i++)
    status = take_branch(j, &newcomer->branches[i]);
  for (size_t i = 0; status == TORPOR_OK && i < j->checkpoint.operation_count;
       i++) {
    const struct torpor__operation *operation = &j->checkpoint.operations[i];
    status = take_begun(j, operation);
    if (status == TORPOR_OK)
      status = take_kind(j, operation->kind, operation->policy);
  }
  for (size_t i = 0; status == TORPOR_OK && i < newcomer->result_count; i++)
    status = take_result(j, &newcomer->results[i]);
  return status == TORPOR_OK ? status
                             : torpor__database_fail(j->database, status, NULL);
}

static torpor_status write_kinds(struct journey *j) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < j->kind_count; i++)
    status = j->database->calls->kind_put(j->database, j->to, j->kinds[i].kind,
                                          j->kinds[i].policy);
  return status;
}

static torpor_status write_newcomer(struct journey *j,
                                    const struct torpor__import *newcomer) {
  const struct torpor__database_calls *calls = j->database->calls;
  torpor_status status = unpack(j, newcomer);
  if (status == TORPOR_OK)
    status = calls->run_add(j->database, newcomer->row, &j->to);
  for (size_t i = 0; status == TORPOR_OK && i < newcomer->file_count; i++)
    status = calls->file_add(j->database, j->to, 0, newcomer->files[i].name,
                             newcomer->files[i].source);
  if (status != TORPOR_OK) return status;
  int64_t branch = j->checkpoint.branch + 1;
  status = write_kinds(j);
  if (status == TORPOR_OK) status = write_lineage(j);
  if (status == TORPOR_OK) status = write_branch(j, branch);
  if (status == TORPOR_OK) status = write_state(j, newcomer->row->id, branch);
  if (status == TORPOR_OK) status = write_waiting(j);
  if (status == TORPOR_OK) status = write_head(j, branch, 0);
  return status;
}

torpor_status torpor__branch_import(struct torpor__database *database,
                                    const struct torpor__import *newcomer,
                                    const struct torpor__checkpoint *checkpoint,
                                    const struct torpor__opener *opener,
                                    int64_t now_ms) {
  struct journey j = {.database = database,
                      .opener = opener,
                      .checkpoint = *checkpoint,
                      .opened = true,
                      .now_ms = now_ms};
  j.head.branch = checkpoint->branch;
  torpor_status status = torpor__request_check_id(database, newcomer->row->id);
  if (status == TORPOR_OK) status = database->calls->begin(database);
  if (status == TORPOR_OK) {
    status = write_newcomer(&j, newcomer);
    TORPOR__FAULT(IMPORT_BEFORE);
    if (status == TORPOR_OK) status = database->calls->commit(database);
    if (status != TORPOR_OK) database->calls->rollback(database);
    if (status == TORPOR_OK) TORPOR__FAULT(IMPORT_AFTER);
  }
  end_journey(&j);
  return status;
}
