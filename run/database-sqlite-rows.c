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

#include "database-sqlite-state.h"

static struct torpor__sqlite *sqlite_of(struct torpor__database *database) {
  return (struct torpor__sqlite *)database;
}

static torpor_status fail_row(struct torpor__sqlite *db, const char *table) {
  return torpor__database_fail(&db->database, TORPOR_CORRUPT,
                               "%s: table %s has a row that no Torpor writes; "
                               "restore it from a backup",
                               db->path, table);
}

static torpor_status fail_number(struct torpor__sqlite *db, int64_t run) {
  return torpor__database_fail(&db->database, TORPOR_NOT_FOUND,
                               "there is no run number %lld", (long long)run);
}

/* ---- writing a row ------------------------------------------------------- */

/* Runs a statement whose parameters from 'first' on are the columns of 'row',
 * and whose others are 'keys', before those and after them. */
static torpor_status write_row(struct torpor__sqlite *db,
                               enum torpor__sqlite_statement which, int first,
                               const struct torpor__table *table,
                               const void *row, const int64_t *keys,
                               int key_count) {
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, which, &statement, "");
  if (status != TORPOR_OK) return status;
  int result = torpor__table_bind(table, statement, first, row);
  for (int i = 1; result == SQLITE_OK && i <= key_count; i++) {
    int index = i < first ? i : i + table->count - table->given;
    result = sqlite3_bind_int64(statement, index, keys[i - 1]);
  }
  if (result == SQLITE_OK) return torpor__sqlite_complete(db, statement);
  return torpor__sqlite_finish(statement, torpor__sqlite_fail(db, result));
}

/* One that begins with the run and goes on with the row. */
static torpor_status insert(struct torpor__database *database,
                            enum torpor__sqlite_statement which, int64_t run,
                            const struct torpor__table *table,
                            const void *row) {
  return write_row(sqlite_of(database), which, 2, table, row, &run, 1);
}

/* A call that inserts a row of 'table' in that way. */
#define INSERT(name, table, WHICH)                                             \
  static torpor_status name(struct torpor__database *database, int64_t run,    \
                            const struct torpor__##table *row) {               \
    return insert(database, TORPOR__SQLITE_##WHICH, run,                       \
                  &torpor__table_##table, row);                                \
  }

INSERT(version_add, version, VERSION_ADD)
INSERT(state_put, state, STATE_PUT)
INSERT(branch_add, branch, BRANCH_ADD)
INSERT(operation_add, operation, OPERATION_ADD)
INSERT(signal_add, signal, SIGNAL_ADD)
INSERT(line_add, line, LINE_ADD)

/* ---- removing rows ------------------------------------------------------- */

#define DB struct torpor__database *database, int64_t run

/* A call whose parameters are those of a statement. */
#define REMOVE(name, parameters, WHICH, ...)                                   \
  static torpor_status name parameters {                                       \
    return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_##WHICH,     \
                              __VA_ARGS__);                                    \
  }

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
  torpor__head_fn *head;
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
  torpor_status (*show)(const struct walk *walk, const union row *row);
  union visitor visit;
  void *data; /* of the visitor */
};

#define SHOW(name, ...)                                                        \
  static torpor_status show_##name(const struct walk *walk,                    \
                                   const union row *row) {                     \
    return walk->visit.name(walk->data, __VA_ARGS__);                          \
  }

SHOW(version, &row->version)
SHOW(file, row->file.name, row->file.source)
SHOW(exit, &row->exit)
SHOW(state, &row->state)
SHOW(branch, &row->branch)
SHOW(kind, row->kind.kind, row->kind.policy)
SHOW(operation, &row->operation)
SHOW(result, &row->result)
SHOW(signal, &row->signal)
SHOW(line, &row->line)

/* For rows of the table 'name', which 'visit' and 'data' are there for. */
#define WALK(name)                                                             \
  &(const struct walk){                                                        \
      &torpor__table_##name, show_##name, {.name = visit}, data}

static torpor_status read_row(struct torpor__sqlite *db,
                              sqlite3_stmt *statement,
                              const struct walk *walk) {
  union row row;
  if (!torpor__table_read(walk->table, statement, 0, &row))
    return fail_row(db, walk->table->name);
  return walk->show(walk, &row);
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
EACH(operation_each, operation, OPERATION_EACH)
EACH(result_each, result, RESULT_EACH)
EACH_BOUND(state_each, state, STATE_EACH)
EACH_BOUND(signal_each, signal, SIGNAL_EACH)
EACH_BOUND(line_each, line, LINE_EACH)

/* ---- runs ---------------------------------------------------------------- */

static torpor_status run_add(struct torpor__database *database,
                             const struct torpor__run *row, int64_t *run) {
  struct torpor__sqlite *db = sqlite_of(database);
  const struct torpor__version first = {
      .program = row->program, .engine = row->engine, .state = row->handed};
  torpor_status status = write_row(db, TORPOR__SQLITE_RUN_ADD, 1,
                                   &torpor__table_run, row, NULL, 0);
  if (status != TORPOR_OK) return status;
  if (sqlite3_changes(db->db) == 0)
    return torpor__database_fail(database, TORPOR_EXISTS,
                                 "run %s; choose another id", row->id);
  *run = sqlite3_last_insert_rowid(db->db);
  status = version_add(database, *run, &first);
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_run(db, TORPOR__SQLITE_HEAD_ADD, "ii", *run,
                            row->created_ms);
}

/* Whether the first column is a number that the store gives. */
static bool read_number(sqlite3_stmt *statement, int64_t *number) {
  *number = sqlite3_column_int64(statement, 0);
  return sqlite3_column_type(statement, 0) == SQLITE_INTEGER && *number > 0 &&
         *number < TORPOR__COUNT_LARGEST;
}

static torpor_status run_find(struct torpor__database *database, const char *id,
                              int64_t *run) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status = torpor__sqlite_file_check(db, false);
  if (status == TORPOR_OK)
    status =
        torpor__sqlite_start(db, TORPOR__SQLITE_RUN_FIND, &statement, "t", id);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  *run = 0;
  if (row && !read_number(statement, run)) status = fail_row(db, "run");
  status = torpor__sqlite_finish(statement, status);
  if (status != TORPOR_OK || row) return status;
  return torpor__database_fail(
      database, TORPOR_NOT_FOUND,
      "no run has the id '%s'; 'torpor list' shows those there are", id);
}

/* A run with its head: 'program' and 'engine' are columns after those. */
static const char *find_damage(sqlite3_stmt *statement, int64_t *number,
                               struct torpor__run *run,
                               struct torpor__head *head) {
  int at = 1;
  if (!read_number(statement, number) ||
      !torpor__table_read(&torpor__table_run, statement, at, run))
    return "run";
  if (run->keep == 0) run->keep = 1;
  at += torpor__table_run.count;
  if (!torpor__table_read(&torpor__table_head, statement, at, head))
    return "head";
  at += torpor__table_head.count;
  return torpor__table_read(&torpor__table_program, statement, at, run)
             ? NULL
             : "edition";
}

/* Shows a run whose rows are damaged, of which only the id may be used. One
 * without is called by its number, as no other run can be. */
static torpor_status show_damaged(sqlite3_stmt *statement, int64_t number,
                                  torpor__run_fn *visit, void *data) {
  const struct torpor__head head = {.status = TORPOR__RUN_PARKED,
                                    .damaged = true};
  const char *id = sqlite3_column_type(statement, 1) == SQLITE_TEXT
                       ? (const char *)sqlite3_column_text(statement, 1)
                       : NULL;
  char name[24];
  snprintf(name, sizeof name, "#%lld", (long long)number);
  const struct torpor__run run = {
      .id = id != NULL && torpor__request_is_id(id) ? id : name,
      .program = "",
      .access = "",
      .engine = {.data = ""}};
  return visit(data, number, &run, &head);
}

static torpor_status read_run(struct torpor__sqlite *db,
                              sqlite3_stmt *statement, bool all,
                              torpor__run_fn *visit, void *data) {
  int64_t number;
  struct torpor__run run = {0};
  struct torpor__head head = {0};
  const char *damaged = find_damage(statement, &number, &run, &head);
  if (damaged == NULL) return visit(data, number, &run, &head);
  return all ? show_damaged(statement, number, visit, data)
             : fail_row(db, damaged);
}

static torpor_status run_each(struct torpor__database *database, int64_t run,
                              torpor__run_fn *visit, void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool all = run == 0, row = true, found = all;
  torpor_status status = torpor__sqlite_start(
      db, all ? TORPOR__SQLITE_RUN_ALL : TORPOR__SQLITE_RUN_ONE, &statement,
      all ? "" : "i", run);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && row) {
    status = torpor__sqlite_next(db, statement, &row);
    found = found || row;
    if (status == TORPOR_OK && row)
      status = read_run(db, statement, all, visit, data);
  }
  status = torpor__sqlite_finish(statement, status);
  return status == TORPOR_OK && !found ? fail_number(db, run) : status;
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
        .states_size = sqlite3_column_int64(statement, 4)};
  return torpor__sqlite_finish(statement, status);
}

static torpor_status file_add(struct torpor__database *database, int64_t run,
                              int64_t version, const char *name,
                              torpor_slice source) {
  const struct torpor__file row = {.name = name, .source = source};
  const int64_t keys[] = {run, version};
  return write_row(sqlite_of(database), TORPOR__SQLITE_FILE_ADD, 3,
                   &torpor__table_file, &row, keys, 2);
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
  if (status == TORPOR_OK && !row) status = fail_number(db, run);
  *head = (struct torpor__head){0};
  if (row && !torpor__table_read(&torpor__table_head, statement, 0, head))
    status = fail_row(db, "head");
  return torpor__sqlite_finish(statement, status);
}

static torpor_status head_each(struct torpor__database *database,
                               torpor__head_fn *visit, void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = true;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_HEAD_ALL, &statement, "");
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && row) {
    struct torpor__head head = {0};
    status = torpor__sqlite_next(db, statement, &row);
    if (status == TORPOR_OK && row &&
        torpor__table_read(&torpor__table_head, statement, 1, &head))
      status = visit(data, sqlite3_column_int64(statement, 0), &head);
  }
  return torpor__sqlite_finish(statement, status);
}

static torpor_status head_put(struct torpor__database *database, int64_t run,
                              const struct torpor__head *head) {
  return write_row(sqlite_of(database), TORPOR__SQLITE_HEAD_PUT, 1,
                   &torpor__table_head, head, &run, 1);
}

static torpor_status head_change(struct torpor__database *database, int64_t run,
                                 const struct torpor__head *from,
                                 const struct torpor__head *head) {
  const int64_t keys[] = {run, (int64_t)from->status, from->step, from->fence,
                          from->cancel};
  torpor_status status =
      write_row(sqlite_of(database), TORPOR__SQLITE_HEAD_CHANGE, 1,
                &torpor__table_head, head, keys, 5);
  if (status != TORPOR_OK || sqlite3_changes(sqlite_of(database)->db) == 1)
    return status;
  return torpor__database_fail(database, TORPOR_FENCED, "run number %lld",
                               (long long)run);
}

static torpor_status exit_put(struct torpor__database *database, int64_t run,
                              const struct torpor__exit *row) {
  struct torpor__exit exit = *row;
  if (exit.reason == NULL) exit.reason = "";
  sqlite_of(database)->ends_run = true;
  return insert(database, TORPOR__SQLITE_EXIT_PUT, run, &torpor__table_exit,
                &exit);
}

/* ---- others -------------------------------------------------------------- */

static torpor_status state_ends(struct torpor__database *database,
                                torpor__state_fn *visit, void *data) {
  return walk_rows(database, WALK(state), TORPOR__SQLITE_STATE_ENDS, "");
}

static torpor_status kind_put(struct torpor__database *database, int64_t run,
                              const char *kind, enum torpor__policy policy) {
  const struct torpor__kind row = {.kind = kind, .policy = policy};
  return insert(database, TORPOR__SQLITE_KIND_PUT, run, &torpor__table_kind,
                &row);
}

static torpor_status result_add(struct torpor__database *database, int64_t run,
                                const struct torpor__result *row,
                                int64_t *sequence) {
  sqlite3 *db = sqlite_of(database)->db;
  torpor_status status = insert(database, TORPOR__SQLITE_RESULT_ADD, run,
                                &torpor__table_result, row);
  bool added = status == TORPOR_OK && sqlite3_changes(db) > 0;
  *sequence = added ? sqlite3_last_insert_rowid(db) : 0;
  return status;
}

const struct torpor__database_calls torpor__sqlite_calls = {
    .close = torpor__sqlite_close,
    .begin = torpor__sqlite_begin,
    .commit = torpor__sqlite_commit,
    .rollback = torpor__sqlite_rollback,
    .compact = torpor__sqlite_compact,
    .savepoint = torpor__sqlite_savepoint,
    .release = torpor__sqlite_release,
    .revert = torpor__sqlite_revert,
    .lock = torpor__sqlite_lock,
    .unlock = torpor__sqlite_unlock,
    .locked = torpor__sqlite_locked,
    .changed = torpor__sqlite_changed,
    .run_add = run_add,
    .run_find = run_find,
    .run_each = run_each,
    .run_inherit = run_inherit,
    .run_count = run_count,
    .version_add = version_add,
    .version_each = version_each,
    .file_add = file_add,
    .file_each = file_each,
    .head_get = head_get,
    .head_each = head_each,
    .head_put = head_put,
    .head_change = head_change,
    .exit_put = exit_put,
    .exit_remove = exit_remove,
    .exit_each = exit_each,
    .state_put = state_put,
    .state_prune = state_prune,
    .state_drop = state_drop,
    .state_cut = state_cut,
    .state_each = state_each,
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
