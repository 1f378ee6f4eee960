/* SPDX-License-Identifier: MIT */
/* database-sqlite-rows.c - rows of a SQLite database: writing them, and reading
 * them back for a visitor.
 *
 *  (1) A row that no Torpor writes is CORRUPT. It concerns only its run: a walk
 *      over all runs says which one it is and goes on.
 *
 * What each column may hold is in database-sqlite-tables.h, as the statements
 * are. On the thread of the database. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "run/database/database-sqlite-state.h"

static struct torpor__sqlite *sqlite_of(struct torpor__database *database) {
  return (struct torpor__sqlite *)database;
}

/* ---- writing a row ------------------------------------------------------- */

/* A call that inserts a row of 'table', beginning with the run. */
#define INSERT(name, table, WHICH)                                             \
  static torpor_status name(struct torpor__database *database, int64_t run,    \
                            const struct torpor__##table *row) {               \
    return torpor__sqlite_insert(sqlite_of(database), TORPOR__SQLITE_##WHICH,  \
                                 run, &torpor__table_##table, row);            \
  }

INSERT(version_add, version, VERSION_ADD)
INSERT(state_put, state, STATE_PUT)
INSERT(branch_add, branch, BRANCH_ADD)
INSERT(operation_add, operation, OPERATION_ADD)
INSERT(signal_add, signal, SIGNAL_ADD)

/* ---- removing rows ------------------------------------------------------- */

#define DB struct torpor__database *database, int64_t run

/* A call whose parameters are those of a statement. */
#define REMOVE(name, parameters, WHICH, ...)                                   \
  static torpor_status name parameters {                                       \
    return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_##WHICH,     \
                              __VA_ARGS__);                                    \
  }

REMOVE(news_remove, (DB, int64_t number), NEWS_REMOVE, "ii", run, number)
REMOVE(exit_remove, (DB), EXIT_REMOVE, "i", run)
REMOVE(state_prune, (DB, int64_t step), STATE_PRUNE, "ii", run, step)
REMOVE(state_drop, (DB, int64_t step), STATE_DROP, "ii", run, step)
REMOVE(state_cut, (DB, int64_t step), STATE_CUT, "ii", run, step)
REMOVE(operation_remove, (DB, int64_t branch, uint64_t id), OPERATION_REMOVE,
       "iii", run, branch, (int64_t)id)
REMOVE(operation_clear, (DB), OPERATION_CLEAR, "i", run)
REMOVE(result_remove, (DB, int64_t branch, uint64_t operation), RESULT_REMOVE,
       "iii", run, branch, (int64_t)operation)
REMOVE(result_clear, (DB), RESULT_CLEAR, "i", run)
REMOVE(signal_remove, (DB, int64_t sequence), SIGNAL_REMOVE, "ii", run,
       sequence)

/* ---- walking ------------------------------------------------------------- */

union visitor {
  torpor__run_fn *run;
  torpor__news_fn *news;
  torpor__due_fn *due;
  torpor__version_fn *version;
  torpor__file_fn *file;
  torpor__exit_fn *exit;
  torpor__state_fn *state;
  torpor__branch_fn *branch;
  torpor__kind_fn *kind;
  torpor__operation_fn *operation;
  torpor__result_fn *result;
  torpor__signal_fn *signal;
  torpor__line_fn *line;
};

union row {
  struct torpor__news news;
  struct torpor__due due;
  struct torpor__version version;
  struct torpor__file file;
  struct torpor__exit exit;
  struct torpor__state state;
  struct torpor__branch branch;
  struct torpor__kind kind;
  struct torpor__operation operation;
  struct torpor__result result;
  struct torpor__signal signal;
  struct torpor__line line;
};

struct walk {
  const struct torpor__table *table;
  torpor_status (*show)(struct torpor__sqlite *db, const struct walk *walk,
                        const union row *row);
  union visitor visit;
  void *data;   /* of the visitor */
  bool lenient; /* damaged rows are left out */
};

#define SHOW(name, ...)                                                        \
  static torpor_status show_##name(struct torpor__sqlite *db,                  \
                                   const struct walk *walk,                    \
                                   const union row *row) {                     \
    (void)db;                                                                  \
    return walk->visit.name(walk->data, __VA_ARGS__);                          \
  }

SHOW(news, &row->news)
SHOW(due, &row->due)
SHOW(version, &row->version)
SHOW(exit, &row->exit)
SHOW(state, &row->state)
SHOW(branch, &row->branch)
SHOW(kind, row->kind.kind, row->kind.policy)
SHOW(operation, &row->operation)
SHOW(result, &row->result)
SHOW(signal, &row->signal)
SHOW(line, &row->line)

/* What is found by a hash must have it: else somebody altered it. */
static torpor_status show_file(struct torpor__sqlite *db,
                               const struct walk *walk, const union row *row) {
  const struct torpor__file *file = &row->file;
  uint8_t hash[TORPOR__SOURCE_HASH];
  if (!torpor__source_hash(file->source, hash))
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  if (file->hash.size != sizeof hash ||
      memcmp(file->hash.data, hash, sizeof hash) != 0)
    return torpor__sqlite_fail_row(db, "source");
  return walk->visit.file(walk->data, file->name, file->source);
}

/* For rows of the table 'name', which 'visit' and 'data' are there for. */
#define WALK(name)                                                             \
  &(const struct walk){                                                        \
      &torpor__table_##name, show_##name, {.name = visit}, data, false}

/* The same over rows of many runs, of which a damaged one concerns its own. */
#define WALK_SOUND(name)                                                       \
  &(const struct walk){                                                        \
      &torpor__table_##name, show_##name, {.name = visit}, data, true}

static torpor_status read_row(struct torpor__sqlite *db,
                              sqlite3_stmt *statement,
                              const struct walk *walk) {
  union row row = {0};
  if (!torpor__table_read(walk->table, statement, 0, &row))
    return walk->lenient && !torpor__table_lacked_memory(statement)
               ? TORPOR_OK
               : torpor__sqlite_fail_row(db, walk->table->name);
  return walk->show(db, walk, &row);
}

/* Runs a statement, with parameters as for torpor__sqlite_start, and reads each
 * row of what it gives. */
static torpor_status walk_rows(struct torpor__database *database,
                               const struct walk *walk,
                               enum torpor__sqlite_statement which,
                               const char *types, ...) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = true;
  va_list args;
  va_start(args, types);
  torpor_status status =
      torpor__sqlite_start_list(db, which, &statement, types, &args);
  va_end(args);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && row) {
    status = torpor__sqlite_next(db, statement, &row);
    if (status == TORPOR_OK && row) status = read_row(db, statement, walk);
  }
  return torpor__sqlite_finish(statement, status);
}

/* A call that shows the rows of a run in 'table'; one with a BOUND only those
 * after it, or up to it, as the statement says. */
#define EACH(name, table, WHICH)                                               \
  static torpor_status name(DB, torpor__##table##_fn *visit, void *data) {     \
    return walk_rows(database, WALK(table), TORPOR__SQLITE_##WHICH, "i", run); \
  }
#define EACH_BOUND(name, table, WHICH)                                         \
  static torpor_status name(DB, int64_t bound, torpor__##table##_fn *visit,    \
                            void *data) {                                      \
    return walk_rows(database, WALK(table), TORPOR__SQLITE_##WHICH, "ii", run, \
                     bound);                                                   \
  }

EACH(version_each, version, VERSION_EACH)
EACH(exit_each, exit, EXIT_EACH)
EACH(branch_each, branch, BRANCH_EACH)
EACH(kind_each, kind, KIND_EACH)
EACH(result_each, result, RESULT_EACH)
EACH_BOUND(state_each, state, STATE_EACH)
EACH_BOUND(signal_each, signal, SIGNAL_EACH)

static torpor_status operation_each(DB, int64_t branch, uint64_t id,
                                    torpor__operation_fn *visit, void *data) {
  return walk_rows(database, WALK(operation), TORPOR__SQLITE_OPERATION_EACH,
                   "iii", run, branch, (int64_t)id);
}

static torpor_status line_each(DB, int64_t step,
                               const struct torpor__line *last,
                               torpor__line_fn *visit, void *data) {
  return walk_rows(database, WALK(line), TORPOR__SQLITE_LINE_EACH, "iiiii", run,
                   step, last->branch, last->step, last->number);
}

/* ---- runs ---------------------------------------------------------------- */

static torpor_status run_add(struct torpor__database *database,
                             const struct torpor__run *row, int64_t *run) {
  struct torpor__sqlite *db = sqlite_of(database);
  const struct torpor__version first = {
      .program = row->program, .engine = row->engine, .state = row->handed};
  torpor_status status = torpor__sqlite_write(db, TORPOR__SQLITE_RUN_ADD, 1,
                                              &torpor__table_run, row, NULL, 0);
  if (status != TORPOR_OK) return status;
  if (sqlite3_changes(db->db) == 0)
    return torpor__database_fail(database, TORPOR_EXISTS,
                                 "run %s; choose another id", row->id);
  *run = sqlite3_last_insert_rowid(db->db);
  db->has_news = true;
  status = version_add(database, *run, &first);
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_run(db, TORPOR__SQLITE_HEAD_ADD, "ii", *run,
                            row->created_ms);
}

static torpor_status run_inherit(struct torpor__database *database,
                                 int64_t from, int64_t to) {
  struct torpor__sqlite *db = sqlite_of(database);
  torpor_status status =
      torpor__sqlite_run(db, TORPOR__SQLITE_VERSION_INHERIT, "ii", from, to);
  if (status == TORPOR_OK)
    status =
        torpor__sqlite_run(db, TORPOR__SQLITE_FILE_INHERIT, "ii", from, to);
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_run(db, TORPOR__SQLITE_KIND_INHERIT, "ii", from, to);
}

static torpor_status run_count(struct torpor__database *database, int64_t run,
                               struct torpor__counts *counts) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_RUN_COUNT, &statement, "i", run);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (row)
    *counts = (struct torpor__counts){
        .snapshot_size = sqlite3_column_int64(statement, 0),
        .operations = sqlite3_column_int64(statement, 1),
        .signals = sqlite3_column_int64(statement, 2),
        .states = sqlite3_column_int64(statement, 3),
        .states_size = sqlite3_column_int64(statement, 4),
        .lines = sqlite3_column_int64(statement, 5),
        .lines_dropped = sqlite3_column_int64(statement, 6)};
  return torpor__sqlite_finish(statement, status);
}

static torpor_status file_add(struct torpor__database *database, int64_t run,
                              int64_t version, const char *name,
                              torpor_slice source) {
  struct torpor__sqlite *db = sqlite_of(database);
  uint8_t hash[TORPOR__SOURCE_HASH];
  const torpor_slice key = {.data = hash, .size = sizeof hash};
  if (!torpor__source_hash(source, hash))
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  torpor_status status =
      torpor__sqlite_run(db, TORPOR__SQLITE_SOURCE_ADD, "bb", &key, &source);
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_run(db, TORPOR__SQLITE_FILE_ADD, "iitb", run, version,
                            name, &key);
}

static torpor_status file_count(struct torpor__database *database, int64_t run,
                                int64_t version, const char *prefix,
                                int64_t *count) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  *count = 0;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_FILE_COUNT, &statement, "iitt",
                           run, version, prefix, prefix);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (row) *count = sqlite3_column_int64(statement, 0);
  return torpor__sqlite_finish(statement, status);
}

static torpor_status file_each(struct torpor__database *database, int64_t run,
                               int64_t version, const char *name,
                               torpor__file_fn *visit, void *data) {
  if (name == NULL)
    return walk_rows(database, WALK(file), TORPOR__SQLITE_FILE_EACH, "ii", run,
                     version);
  return walk_rows(database, WALK(file), TORPOR__SQLITE_FILE_ONE, "iit", run,
                   version, name);
}

/* ---- heads --------------------------------------------------------------- */

static torpor_status head_get(struct torpor__database *database, int64_t run,
                              struct torpor__head *head) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_HEAD_GET, &statement, "i", run);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (status == TORPOR_OK && !row) status = torpor__sqlite_fail_number(db, run);
  *head = (struct torpor__head){0};
  if (row && !torpor__table_read(&torpor__table_head, statement, 0, head))
    status = torpor__sqlite_fail_row(db, "head");
  return torpor__sqlite_finish(statement, status);
}

static torpor_status head_put(struct torpor__database *database, int64_t run,
                              const struct torpor__head *head) {
  return torpor__sqlite_write(sqlite_of(database), TORPOR__SQLITE_HEAD_PUT, 1,
                              &torpor__table_head, head, &run, 1);
}

/* A step of a run that goes on changes nothing that an index has. */
static torpor_status head_change(struct torpor__database *database, int64_t run,
                                 const struct torpor__head *from,
                                 const struct torpor__head *head) {
  struct torpor__sqlite *db = sqlite_of(database);
  const int64_t keys[] = {run, (int64_t)from->status, from->step, from->fence,
                          from->cancel};
  bool step = head->status == from->status && head->due_ms == from->due_ms;
  torpor_status status =
      step ? torpor__sqlite_write(db, TORPOR__SQLITE_HEAD_STEP, 1,
                                  &torpor__table_step, head, keys, 5)
           : torpor__sqlite_write(db, TORPOR__SQLITE_HEAD_CHANGE, 1,
                                  &torpor__table_head, head, keys, 5);
  if (status != TORPOR_OK || sqlite3_changes(db->db) == 1) return status;
  return torpor__database_fail(database, TORPOR_FENCED, "run number %lld",
                               (long long)run);
}

/* ---- who needs a worker -------------------------------------------------- */

static torpor_status due_each(struct torpor__database *database, int64_t now_ms,
                              const struct torpor__due *after, int64_t limit,
                              torpor__due_fn *visit, void *data) {
  return walk_rows(database, WALK_SOUND(due), TORPOR__SQLITE_DUE_EACH, "iiii",
                   now_ms, after->due_ms, after->run, limit);
}

/* The number that a statement gives; 'none' when it gives none. */
static torpor_status read_value(struct torpor__sqlite *db,
                                sqlite3_stmt *statement, int64_t none,
                                int64_t *value) {
  bool row = false;
  torpor_status status = torpor__sqlite_next(db, statement, &row);
  *value = row && sqlite3_column_type(statement, 0) == SQLITE_INTEGER
               ? sqlite3_column_int64(statement, 0)
               : none;
  return torpor__sqlite_finish(statement, status);
}

static torpor_status due_next(struct torpor__database *database, int64_t now_ms,
                              int64_t *due_ms) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, TORPOR__SQLITE_DUE_NEXT,
                                              &statement, "i", now_ms);
  if (status != TORPOR_OK) return status;
  return read_value(db, statement, TORPOR__NEVER, due_ms);
}

static torpor_status run_last(struct torpor__database *database, int64_t *run) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_RUN_LAST, &statement, "");
  if (status != TORPOR_OK) return status;
  return read_value(db, statement, 0, run);
}

static torpor_status news_add(struct torpor__database *database, int64_t run) {
  sqlite_of(database)->has_news = true;
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_NEWS_ADD, "i",
                            run);
}

static torpor_status news_each(struct torpor__database *database, int64_t after,
                               int64_t limit, torpor__news_fn *visit,
                               void *data) {
  torpor_status status = torpor__sqlite_file_check(sqlite_of(database), false);
  if (status != TORPOR_OK) return status;
  return walk_rows(database, WALK_SOUND(news), TORPOR__SQLITE_NEWS_EACH, "ii",
                   after, limit);
}

static torpor_status exit_put(struct torpor__database *database, int64_t run,
                              const struct torpor__exit *row) {
  struct torpor__exit exit = *row;
  if (exit.reason == NULL) exit.reason = "";
  sqlite_of(database)->ends_run = true;
  return torpor__sqlite_insert(sqlite_of(database), TORPOR__SQLITE_EXIT_PUT,
                               run, &torpor__table_exit, &exit);
}

/* ---- others -------------------------------------------------------------- */

static torpor_status state_list(DB, torpor__state_fn *visit, void *data) {
  const struct walk walk = {.table = &torpor__table_listed_state,
                            .show = show_state,
                            .visit = {.state = visit},
                            .data = data};
  return walk_rows(database, &walk, TORPOR__SQLITE_STATE_LIST, "i", run);
}

static torpor_status state_ends(struct torpor__database *database,
                                torpor__state_fn *visit, void *data) {
  return walk_rows(database, WALK(state), TORPOR__SQLITE_STATE_ENDS, "");
}

static torpor_status kind_put(struct torpor__database *database, int64_t run,
                              const char *kind, enum torpor__policy policy) {
  const struct torpor__kind row = {.kind = kind, .policy = policy};
  return torpor__sqlite_insert(sqlite_of(database), TORPOR__SQLITE_KIND_PUT,
                               run, &torpor__table_kind, &row);
}

static torpor_status result_add(struct torpor__database *database, int64_t run,
                                const struct torpor__result *row,
                                int64_t *sequence) {
  sqlite3 *db = sqlite_of(database)->db;
  torpor_status status =
      torpor__sqlite_insert(sqlite_of(database), TORPOR__SQLITE_RESULT_ADD, run,
                            &torpor__table_result, row);
  bool added = status == TORPOR_OK && sqlite3_changes(db) > 0;
  *sequence = added ? sqlite3_last_insert_rowid(db) : 0;
  return status;
}

const struct torpor__database_calls torpor__sqlite_calls = {
    .close = torpor__sqlite_close,
    .begin = torpor__sqlite_begin,
    .commit = torpor__sqlite_commit,
    .view = torpor__sqlite_view,
    .rollback = torpor__sqlite_rollback,
    .compact = torpor__sqlite_compact,
    .savepoint = torpor__sqlite_savepoint,
    .release = torpor__sqlite_release,
    .revert = torpor__sqlite_revert,
    .lock = torpor__sqlite_lock,
    .unlock = torpor__sqlite_unlock,
    .locked = torpor__sqlite_locked,
    .run_add = run_add,
    .run_find = torpor__sqlite_run_find,
    .run_get = torpor__sqlite_run_get,
    .run_list = torpor__sqlite_run_list,
    .run_inherit = run_inherit,
    .run_count = run_count,
    .run_ended = torpor__sqlite_run_ended,
    .run_remove = torpor__sqlite_run_remove,
    .run_removed = torpor__sqlite_run_removed,
    .run_sweep = torpor__sqlite_run_sweep,
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
    .state_thin = torpor__sqlite_state_thin,
    .state_newest = torpor__sqlite_state_newest,
    .state_excess = torpor__sqlite_state_excess,
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
    .line_add = torpor__sqlite_line_add,
    .line_each = line_each,
};
