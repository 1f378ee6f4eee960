/* SPDX-License-Identifier: MIT */
/* database-check.c - asserts what database.h promises. See database-check.h.
 *
 *     transaction   rows are written between 'begin' and 'commit' only; after a
 *                   write that failed comes 'revert' or 'rollback'
 *     savepoint     one at a time, ended before the transaction is committed
 *     visitor       calls nothing of the database
 *     rest          between two calls no statement is active, and SQLite's
 *                   transaction is open when ours is
 *     lock          who adds to a run or takes from it has its lock, or has
 *                   made it in this transaction
 *     head          the fence and the branch never fall; on a branch the step
 *                   stays or rises by one, and what has ended stays so
 *
 * In test builds only. On the thread of the database. */
#include "run/database/database-check.h"

#ifdef TORPOR_TESTING

#include <assert.h>

#include "run/database/database.h"
#include "run/fault.h"

static _Atomic bool unlocked_allowed;

void torpor__database_check_unlocked(bool allowed) {
  unlocked_allowed = allowed;
}

/* ---- Around a call --------------------------------------------------------*/

static void enter(const struct torpor__database *database) {
  assert(!database->check.visiting); /* a visitor calls nothing */
}

static void enter_write(const struct torpor__database *database) {
  enter(database);
  assert(database->check.open);    /* rows are written in a transaction */
  assert(!database->check.failed); /* nothing is, after a failure */
}

static bool has_made(const struct torpor__database *database, int64_t run) {
  return run >= database->check.made_first && run <= database->check.made_last;
}

/* Who adds rows to 'run' has it for itself. */
static void enter_locked(const struct torpor__database *database, int64_t run) {
  const struct torpor__database_check *check = &database->check;
  enter_write(database);
  assert(has_made(database, run) || unlocked_allowed ||
         check->facts->holds(database, run));
}

/* Whether SQLite may have rolled the transaction back by itself: it does so
 * after these, also when it only read. */
static bool ends_transactions(torpor_status status) {
  return status == TORPOR_IO || status == TORPOR_FULL || status == TORPOR_NOMEM;
}

static torpor_status leave(struct torpor__database *database,
                           torpor_status status) {
  struct torpor__database_check *check = &database->check;
  if ((check->open || check->viewing) && ends_transactions(status))
    check->failed = true;
  if (!check->failed && check->facts->rests != NULL)
    assert(check->facts->rests(database, check->open || check->viewing));
  return status;
}

static torpor_status leave_write(struct torpor__database *database,
                                 torpor_status status) {
  if (status != TORPOR_OK && status != TORPOR_EXISTS && status != TORPOR_FENCED)
    database->check.failed = true;
  assert(status == TORPOR_OK || database->message[0] != '\0');
  return leave(database, status);
}

static void end_transaction(struct torpor__database *database) {
  struct torpor__database_check *check = &database->check;
  check->open = check->viewing = check->saved = check->failed = false;
  check->made_first = check->made_last = 0;
}

/* ---- Transactions and locks -----------------------------------------------*/

static void close_database(struct torpor__database *database) {
  if (database == NULL) return;
  enter(database);
  database->check.calls->close(database);
}

static torpor_status begin(struct torpor__database *database) {
  enter(database);
  assert(!database->check.open && !database->check.viewing);
  torpor_status status = database->check.calls->begin(database);
  database->check.open = status == TORPOR_OK;
  return leave(database, status);
}

static torpor_status view(struct torpor__database *database) {
  enter(database);
  assert(!database->check.open && !database->check.viewing);
  torpor_status status = database->check.calls->view(database);
  database->check.viewing = status == TORPOR_OK;
  return leave(database, status);
}

/* Whether a commit that failed has ended the transaction is not known. */
static torpor_status commit(struct torpor__database *database) {
  enter_write(database);
  assert(!database->check.saved); /* savepoints are ended first */
  torpor_status status = database->check.calls->commit(database);
  if (status == TORPOR_OK)
    end_transaction(database);
  else
    database->check.failed = true;
  return leave(database, status);
}

static void rollback(struct torpor__database *database) {
  enter(database);
  database->check.calls->rollback(database);
  end_transaction(database);
  leave(database, TORPOR_OK);
}

static torpor_status savepoint(struct torpor__database *database) {
  enter_write(database);
  assert(!database->check.saved); /* one at a time */
  torpor_status status = database->check.calls->savepoint(database);
  database->check.saved = status == TORPOR_OK;
  return leave_write(database, status);
}

static torpor_status release(struct torpor__database *database) {
  enter_write(database);
  assert(database->check.saved);
  database->check.saved = false;
  return leave_write(database, database->check.calls->release(database));
}

static torpor_status revert(struct torpor__database *database) {
  enter(database);
  assert(database->check.open && database->check.saved);
  torpor_status status = database->check.calls->revert(database);
  database->check.saved = false;
  database->check.failed = false;
  return leave_write(database, status);
}

static torpor_status compact(struct torpor__database *database) {
  enter(database);
  assert(!database->check.open && !database->check.viewing); /* of its own */
  return leave(database, database->check.calls->compact(database));
}

static void unlock(struct torpor__database *database, int64_t run) {
  enter(database);
  database->check.calls->unlock(database, run);
}

/* ---- Heads ----------------------------------------------------------------*/

static bool has_ended(const struct torpor__head *head) {
  return head->status != TORPOR__RUN_ACTIVE &&
         head->status != TORPOR__RUN_PARKED;
}

/* What may become of a head. A branch goes on from an older step. */
static void check_head(const struct torpor__head *from,
                       const struct torpor__head *to) {
  assert(to->fence >= from->fence);
  assert(to->branch >= from->branch);
  assert(to->step >= to->start);
  if (to->branch > from->branch) return;
  assert(to->step == from->step || to->step == from->step + 1);
  assert(to->version == from->version && to->start == from->start);
  assert(!has_ended(from) || to->status == from->status ||
         TORPOR__BROKEN(KILL_UNFENCED));
}

/* (7), as far as one row tells. */
static void check_due(const struct torpor__head *head) {
  bool ready = head->step == head->start || head->runnable;
  assert(head->status != TORPOR__RUN_ACTIVE || !ready || head->due_ms == 0);
}

static torpor_status head_put(struct torpor__database *database, int64_t run,
                              const struct torpor__head *head) {
  const struct torpor__database_check *check = &database->check;
  struct torpor__head from;
  enter_write(database);
  check_due(head);
  if (!has_made(database, run)) {
    torpor_status status = check->calls->head_get(database, run, &from);
    if (status == TORPOR_OK) check_head(&from, head);
    if (ends_transactions(status)) return leave_write(database, status);
  }
  return leave_write(database, check->calls->head_put(database, run, head));
}

static torpor_status head_change(struct torpor__database *database, int64_t run,
                                 const struct torpor__head *from,
                                 const struct torpor__head *head) {
  enter_locked(database, run);
  check_head(from, head);
  check_due(head);
  return leave_write(
      database, database->check.calls->head_change(database, run, from, head));
}

/* ---- All others -----------------------------------------------------------*/

static torpor_status run_add(struct torpor__database *database,
                             const struct torpor__run *row, int64_t *run) {
  struct torpor__database_check *check = &database->check;
  enter_write(database);
  torpor_status status = check->calls->run_add(database, row, run);
  if (status == TORPOR_OK) check->made_last = *run;
  if (status == TORPOR_OK && check->made_first == 0) check->made_first = *run;
  return leave_write(database, status);
}

static torpor_status run_inherit(struct torpor__database *database,
                                 int64_t from, int64_t to) {
  enter_locked(database, to);
  return leave_write(database,
                     database->check.calls->run_inherit(database, from, to));
}

#define CALL(name, enter, leave, parameters, arguments)                        \
  static torpor_status name parameters {                                       \
    enter;                                                                     \
    return leave(database, database->check.calls->name arguments);             \
  }

#define READ(name, parameters, arguments)                                      \
  CALL(name, enter(database), leave, parameters, arguments)

#define WRITE(name, parameters, arguments)                                     \
  CALL(name, enter_write(database), leave_write, parameters, arguments)

#define WRITE_LOCKED(name, parameters, arguments)                              \
  CALL(name, enter_locked(database, run), leave_write, parameters, arguments)

#define DB struct torpor__database *database

READ(lock, (DB, int64_t run), (database, run))
READ(locked, (DB, int64_t run, bool *out), (database, run, out))
READ(due_next, (DB, int64_t now_ms, int64_t *due_ms),
     (database, now_ms, due_ms))
READ(run_last, (DB, int64_t *run), (database, run))
READ(run_find, (DB, const char *id, int64_t *run), (database, id, run))
READ(run_count, (DB, int64_t run, struct torpor__counts *out),
     (database, run, out))
READ(head_get, (DB, int64_t run, struct torpor__head *head),
     (database, run, head))
READ(run_ended,
     (DB, enum torpor__run_status status, int64_t before_ms, int64_t after,
      int64_t *runs, size_t *count),
     (database, status, before_ms, after, runs, count))
READ(file_count,
     (DB, int64_t run, int64_t version, const char *prefix, int64_t *count),
     (database, run, version, prefix, count))
READ(state_newest, (DB, int64_t run, int64_t *step), (database, run, step))
READ(run_removed, (DB, int64_t after, int64_t *run), (database, after, run))
READ(state_excess,
     (DB, int64_t run, int64_t step, struct torpor__counts *excess),
     (database, run, step, excess))

WRITE(news_add, (DB, int64_t run), (database, run))
WRITE(exit_put, (DB, int64_t run, const struct torpor__exit *row),
      (database, run, row))
WRITE(exit_remove, (DB, int64_t run), (database, run))
WRITE(state_prune, (DB, int64_t run, int64_t step), (database, run, step))
WRITE(state_thin,
      (DB, int64_t run, int64_t step, int64_t *budget,
       struct torpor__counts *removed),
      (database, run, step, budget, removed))
WRITE(state_drop, (DB, int64_t run, int64_t step), (database, run, step))
WRITE(state_cut, (DB, int64_t run, int64_t step), (database, run, step))
WRITE(operation_clear, (DB, int64_t run), (database, run))
WRITE(result_clear, (DB, int64_t run), (database, run))
WRITE(signal_add, (DB, int64_t run, const struct torpor__signal *row),
      (database, run, row))

WRITE_LOCKED(news_remove, (DB, int64_t run, int64_t number),
             (database, run, number))
WRITE_LOCKED(run_remove, (DB, int64_t run), (database, run))
WRITE_LOCKED(run_sweep, (DB, int64_t run, int64_t *budget),
             (database, run, budget))
WRITE_LOCKED(version_add, (DB, int64_t run, const struct torpor__version *row),
             (database, run, row))
WRITE_LOCKED(file_add,
             (DB, int64_t run, int64_t version, const char *name,
              torpor_slice source),
             (database, run, version, name, source))
WRITE_LOCKED(state_put, (DB, int64_t run, const struct torpor__state *row),
             (database, run, row))
WRITE_LOCKED(branch_add, (DB, int64_t run, const struct torpor__branch *row),
             (database, run, row))
WRITE_LOCKED(kind_put,
             (DB, int64_t run, const char *kind, enum torpor__policy policy),
             (database, run, kind, policy))
WRITE_LOCKED(operation_add,
             (DB, int64_t run, const struct torpor__operation *row),
             (database, run, row))
WRITE_LOCKED(operation_remove, (DB, int64_t run, int64_t branch, uint64_t id),
             (database, run, branch, id))
WRITE_LOCKED(result_add,
             (DB, int64_t run, const struct torpor__result *row,
              int64_t *sequence),
             (database, run, row, sequence))
WRITE_LOCKED(result_remove,
             (DB, int64_t run, int64_t branch, uint64_t operation),
             (database, run, branch, operation))
WRITE_LOCKED(signal_remove, (DB, int64_t run, int64_t sequence),
             (database, run, sequence))
WRITE_LOCKED(line_add,
             (DB, int64_t run, const struct torpor__line *rows, size_t count,
              uint64_t keep),
             (database, run, rows, count, keep))

/* ---- Walks ----------------------------------------------------------------*/

#define WALK(name, parameters, arguments)                                      \
  static torpor_status name parameters {                                       \
    enter(database);                                                           \
    database->check.visiting = true;                                           \
    torpor_status status = database->check.calls->name arguments;              \
    database->check.visiting = false;                                          \
    return leave(database, status);                                            \
  }

#define WALK_RUN(name, visit_fn)                                               \
  WALK(name, (DB, int64_t run, visit_fn *visit, void *data),                   \
       (database, run, visit, data))

WALK(due_each,
     (DB, int64_t now_ms, const struct torpor__due *after, int64_t limit,
      torpor__due_fn *visit, void *data),
     (database, now_ms, after, limit, visit, data))
WALK(news_each,
     (DB, int64_t after, int64_t limit, torpor__news_fn *visit, void *data),
     (database, after, limit, visit, data))
WALK(state_ends, (DB, torpor__state_fn *visit, void *data),
     (database, visit, data))
WALK(file_each,
     (DB, int64_t run, int64_t version, const char *name,
      torpor__file_fn *visit, void *data),
     (database, run, version, name, visit, data))
WALK(state_each,
     (DB, int64_t run, int64_t step, torpor__state_fn *visit, void *data),
     (database, run, step, visit, data))
WALK(signal_each,
     (DB, int64_t run, int64_t after, torpor__signal_fn *visit, void *data),
     (database, run, after, visit, data))
WALK(line_each,
     (DB, int64_t run, int64_t step, const struct torpor__line *last,
      torpor__line_fn *visit, void *data),
     (database, run, step, last, visit, data))
WALK(operation_each,
     (DB, int64_t run, int64_t branch, uint64_t id, torpor__operation_fn *visit,
      void *data),
     (database, run, branch, id, visit, data))
WALK(run_list,
     (DB, const struct torpor__page *page, torpor__run_fn *visit, void *data),
     (database, page, visit, data))
WALK_RUN(run_get, torpor__run_fn)
WALK_RUN(state_list, torpor__state_fn)
WALK_RUN(version_each, torpor__version_fn)
WALK_RUN(exit_each, torpor__exit_fn)
WALK_RUN(branch_each, torpor__branch_fn)
WALK_RUN(kind_each, torpor__kind_fn)
WALK_RUN(result_each, torpor__result_fn)

static const struct torpor__database_calls checked_calls = {
    .close = close_database,
    .begin = begin,
    .view = view,
    .commit = commit,
    .rollback = rollback,
    .compact = compact,
    .savepoint = savepoint,
    .release = release,
    .revert = revert,
    .lock = lock,
    .unlock = unlock,
    .locked = locked,
    .run_add = run_add,
    .run_find = run_find,
    .run_get = run_get,
    .run_list = run_list,
    .run_inherit = run_inherit,
    .run_count = run_count,
    .run_ended = run_ended,
    .run_remove = run_remove,
    .run_removed = run_removed,
    .run_sweep = run_sweep,
    .version_add = version_add,
    .version_each = version_each,
    .file_add = file_add,
    .file_count = file_count,
    .file_each = file_each,
    .head_get = head_get,
    .head_put = head_put,
    .head_change = head_change,
    .due_each = due_each,
    .due_next = due_next,
    .run_last = run_last,
    .news_add = news_add,
    .news_remove = news_remove,
    .news_each = news_each,
    .exit_put = exit_put,
    .exit_remove = exit_remove,
    .exit_each = exit_each,
    .state_put = state_put,
    .state_prune = state_prune,
    .state_drop = state_drop,
    .state_thin = state_thin,
    .state_newest = state_newest,
    .state_excess = state_excess,
    .state_cut = state_cut,
    .state_each = state_each,
    .state_list = state_list,
    .state_ends = state_ends,
    .branch_add = branch_add,
    .branch_each = branch_each,
    .kind_put = kind_put,
    .kind_each = kind_each,
    .operation_add = operation_add,
    .operation_remove = operation_remove,
    .operation_clear = operation_clear,
    .operation_each = operation_each,
    .result_add = result_add,
    .result_remove = result_remove,
    .result_clear = result_clear,
    .result_each = result_each,
    .signal_add = signal_add,
    .signal_remove = signal_remove,
    .signal_each = signal_each,
    .line_add = line_add,
    .line_each = line_each,
};

void torpor__database_check(struct torpor__database *database,
                            const struct torpor__database_facts *facts) {
  database->check =
      (struct torpor__database_check){.calls = database->calls, .facts = facts};
  database->calls = &checked_calls;
}

#else

/* ISO C wants a declaration in every translation unit. */
typedef int torpor__database_check_nothing;

#endif
