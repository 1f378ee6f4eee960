/* SPDX-License-Identifier: MIT */
/* database-sqlite-rows.c - rows of a SQLite store: writing them, and reading
 * them back for a visitor.
 *
 *  (1) What is read is checked before anybody sees it: numbers that stand for
 *      a status, a policy or an outcome are in range, so are those that count
 *      something, texts are there and not too long. Anything else is CORRUPT.
 *  (2) A row that is damaged concerns only its run: a walk over all runs says
 *      which one it is and goes on.
 *
 * The statements are in database-sqlite-state.h, the tables in
 * database-sqlite-schema.c. On the thread of the store. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "request.h"
#include "database-sqlite-state.h"

static struct torpor__sqlite *sqlite_of(struct torpor__database *database) {
  return (struct torpor__sqlite *)database;
}

/* ---- columns ------------------------------------------------------------- */

static int64_t get_number(sqlite3_stmt *row, int column) {
  return sqlite3_column_int64(row, column);
}

static const char *get_text(sqlite3_stmt *row, int column) {
  return (const char *)sqlite3_column_text(row, column);
}

static torpor_slice get_slice(sqlite3_stmt *row, int column) {
  const void *data = sqlite3_column_blob(row, column);
  return (torpor_slice){.data = data != NULL ? data : "",
                        .size = (size_t)sqlite3_column_bytes(row, column)};
}

static bool is_below(sqlite3_stmt *row, int column, int64_t limit) {
  int64_t number = get_number(row, column);
  return sqlite3_column_type(row, column) == SQLITE_INTEGER && number >= 0 &&
         number < limit;
}

static bool is_count(sqlite3_stmt *row, int column) {
  return is_below(row, column, TORPOR__COUNT_LARGEST);
}

/* Numbers that the store gives begin with 1. */
static bool is_sequence(sqlite3_stmt *row, int column) {
  return is_count(row, column) && get_number(row, column) > 0;
}

static bool is_text(sqlite3_stmt *row, int column) {
  return sqlite3_column_type(row, column) == SQLITE_TEXT &&
         get_text(row, column) != NULL;
}

static bool is_short(sqlite3_stmt *row, int column, size_t largest) {
  return is_text(row, column) && strlen(get_text(row, column)) <= largest;
}

static torpor_status fail_row(struct torpor__sqlite *db, const char *table) {
  return torpor__database_fail(&db->database, TORPOR_CORRUPT,
                               "%s: table %s has a row that no Torpor writes; "
                               "restore it from a backup",
                               db->path, table);
}

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

/* Reads the row that 'row' is at and shows it to the visitor. */
typedef torpor_status read_fn(struct torpor__sqlite *db, sqlite3_stmt *row,
                              union visitor visit, void *data);

static torpor_status walk(struct torpor__sqlite *db, sqlite3_stmt *statement,
                          read_fn *read, union visitor visit, void *data,
                          int64_t *count) {
  torpor_status status;
  bool row = true;
  do {
    status = torpor__sqlite_next(db, statement, &row);
    if (status == TORPOR_OK && row) {
      status = read(db, statement, visit, data);
      if (count != NULL) ++*count;
    }
  } while (status == TORPOR_OK && row);
  return torpor__sqlite_finish(statement, status);
}

static torpor_status walk_run(struct torpor__sqlite *db,
                              enum torpor__sqlite_statement which, int64_t run,
                              read_fn *read, union visitor visit, void *data) {
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, which, &statement, "i", run);
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read, visit, data, NULL);
}

/* ---- runs and files ------------------------------------------------------ */

static torpor_status version_add(struct torpor__database *database, int64_t run,
                                 const struct torpor__version *row) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_VERSION_ADD,
                            "iitbiib", run, row->number, row->program,
                            row->engine, row->start, row->before, row->state);
}

static torpor_status run_add(struct torpor__database *database,
                             const struct torpor__run *row, int64_t *run) {
  struct torpor__sqlite *db = sqlite_of(database);
  const struct torpor__version first = {
      .program = row->program, .engine = row->engine, .state = row->handed};
  torpor_status status = torpor__sqlite_run(
      db, TORPOR__SQLITE_RUN_ADD, "ttbiiiiii", row->id, row->access, row->input,
      (int64_t)row->memory_max, (int64_t)row->fuel, (int64_t)row->deadline_ms,
      row->created_ms, row->parent, (int64_t)row->keep);
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

static torpor_status run_find(struct torpor__database *database, const char *id,
                              int64_t *run) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status = torpor__sqlite_place_check(db, false);
  if (status == TORPOR_OK)
    status =
        torpor__sqlite_start(db, TORPOR__SQLITE_RUN_FIND, &statement, "t", id);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  *run = row ? get_number(statement, 0) : 0;
  if (row && !is_sequence(statement, 0)) status = fail_row(db, "run");
  status = torpor__sqlite_finish(statement, status);
  if (status != TORPOR_OK || row) return status;
  return torpor__database_fail(
      database, TORPOR_NOT_FOUND,
      "no run has the id '%s'; 'torpor list' shows those there are", id);
}

static bool get_head(sqlite3_stmt *row, int column, struct torpor__head *head) {
  if (!is_below(row, column, TORPOR__RUN_STATUS_COUNT)) return false;
  for (int i = 1; i <= 6; i++)
    if (!is_count(row, column + i)) return false;
  *head = (struct torpor__head){
      .status = (enum torpor__run_status)get_number(row, column),
      .branch = get_number(row, column + 1),
      .step = get_number(row, column + 2),
      .version = get_number(row, column + 3),
      .start = get_number(row, column + 4),
      .fence = get_number(row, column + 5),
      .attempts = get_number(row, column + 6),
      .runnable = get_number(row, column + 7) != 0,
      .cancel = get_number(row, column + 8),
      .changed_ms = get_number(row, column + 9)};
  return head->cancel >= 0 && head->step >= head->start;
}

/* The table that has a row which no Torpor writes, or lacks one; NULL when all
 * is well. */
static const char *find_damage(sqlite3_stmt *row, struct torpor__head *head) {
  if (!is_sequence(row, 0) || !is_text(row, 1) || !is_text(row, 3) ||
      !torpor__request_is_id(get_text(row, 1)))
    return "run";
  if (!get_head(row, 12, head)) return "head";
  return is_text(row, 2) ? NULL : "edition";
}

static torpor_status read_run(struct torpor__sqlite *db, sqlite3_stmt *row,
                              union visitor visit, void *data) {
  struct torpor__head head;
  const char *damaged = find_damage(row, &head);
  if (damaged != NULL) return fail_row(db, damaged);
  uint64_t keep = (uint64_t)get_number(row, 11);
  const struct torpor__run run = {.id = get_text(row, 1),
                                  .program = get_text(row, 2),
                                  .access = get_text(row, 3),
                                  .input = get_slice(row, 4),
                                  .engine = get_slice(row, 5),
                                  .memory_max = (uint64_t)get_number(row, 6),
                                  .fuel = (uint64_t)get_number(row, 7),
                                  .deadline_ms = (uint64_t)get_number(row, 8),
                                  .created_ms = get_number(row, 9),
                                  .parent = get_number(row, 10),
                                  .keep = keep > 0 ? keep : 1};
  return visit.run(data, get_number(row, 0), &run, &head);
}

/* The same in a walk over all runs, which one that is damaged does not end. One
 * without an id is called by its number, as no other run can be. */
static torpor_status read_any_run(struct torpor__sqlite *db, sqlite3_stmt *row,
                                  union visitor visit, void *data) {
  struct torpor__head head;
  if (find_damage(row, &head) == NULL) return read_run(db, row, visit, data);
  char name[24];
  snprintf(name, sizeof name, "#%lld", (long long)get_number(row, 0));
  bool named = is_text(row, 1) && torpor__request_is_id(get_text(row, 1));
  const struct torpor__run run = {.id = named ? get_text(row, 1) : name,
                                  .program = "",
                                  .access = "",
                                  .engine = {.data = ""}};
  head = (struct torpor__head){.status = TORPOR__RUN_PARKED, .damaged = true};
  return visit.run(data, get_number(row, 0), &run, &head);
}

static torpor_status run_each(struct torpor__database *database, int64_t run,
                              torpor__run_fn *visit, void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status =
      run == 0
          ? torpor__sqlite_start(db, TORPOR__SQLITE_RUN_ALL, &statement, "")
          : torpor__sqlite_start(db, TORPOR__SQLITE_RUN_ONE, &statement, "i",
                                 run);
  if (status != TORPOR_OK) return status;
  int64_t count = 0;
  status = walk(db, statement, run == 0 ? read_any_run : read_run,
                (union visitor){.run = visit}, data, &count);
  if (status != TORPOR_OK || run == 0 || count > 0) return status;
  return torpor__database_fail(database, TORPOR_NOT_FOUND,
                               "there is no run number %lld", (long long)run);
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
    *counts = (struct torpor__counts){.snapshot_size = get_number(statement, 0),
                                      .operations = get_number(statement, 1),
                                      .signals = get_number(statement, 2),
                                      .states = get_number(statement, 3),
                                      .states_size = get_number(statement, 4)};
  return torpor__sqlite_finish(statement, status);
}

static torpor_status read_version(struct torpor__sqlite *db, sqlite3_stmt *row,
                                  union visitor visit, void *data) {
  if (!is_count(row, 0) || !is_text(row, 1) || !is_count(row, 3) ||
      !is_count(row, 4))
    return fail_row(db, "edition");
  const struct torpor__version version = {.number = get_number(row, 0),
                                          .program = get_text(row, 1),
                                          .engine = get_slice(row, 2),
                                          .start = get_number(row, 3),
                                          .before = get_number(row, 4),
                                          .state = get_slice(row, 5)};
  return visit.version(data, &version);
}

static torpor_status version_each(struct torpor__database *database,
                                  int64_t run, torpor__version_fn *visit,
                                  void *data) {
  return walk_run(sqlite_of(database), TORPOR__SQLITE_VERSION_EACH, run,
                  read_version, (union visitor){.version = visit}, data);
}

static torpor_status file_add(struct torpor__database *database, int64_t run,
                              int64_t version, const char *name,
                              torpor_slice source) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_FILE_ADD,
                            "iitb", run, version, name, source);
}

static torpor_status read_file(struct torpor__sqlite *db, sqlite3_stmt *row,
                               union visitor visit, void *data) {
  if (!is_text(row, 0)) return fail_row(db, "file");
  return visit.file(data, get_text(row, 0), get_slice(row, 1));
}

static torpor_status file_each(struct torpor__database *database, int64_t run,
                               int64_t version, const char *name,
                               torpor__file_fn *visit, void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status =
      name == NULL
          ? torpor__sqlite_start(db, TORPOR__SQLITE_FILE_EACH, &statement, "ii",
                                 run, version)
          : torpor__sqlite_start(db, TORPOR__SQLITE_FILE_ONE, &statement, "iit",
                                 run, version, name);
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read_file, (union visitor){.file = visit}, data,
              NULL);
}

/* ---- head and exit ------------------------------------------------------- */

static torpor_status head_get(struct torpor__database *database, int64_t run,
                              struct torpor__head *head) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_HEAD_GET, &statement, "i", run);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (status == TORPOR_OK && !row)
    status =
        torpor__database_fail(database, TORPOR_NOT_FOUND,
                              "there is no run number %lld", (long long)run);
  if (row && !get_head(statement, 0, head)) status = fail_row(db, "head");
  return torpor__sqlite_finish(statement, status);
}

static torpor_status read_head(struct torpor__sqlite *db, sqlite3_stmt *row,
                               union visitor visit, void *data) {
  struct torpor__head head;
  (void)db;
  if (!get_head(row, 1, &head)) return TORPOR_OK;
  return visit.head(data, get_number(row, 0), &head);
}

static torpor_status head_each(struct torpor__database *database,
                               torpor__head_fn *visit, void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_HEAD_ALL, &statement, "");
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read_head, (union visitor){.head = visit}, data,
              NULL);
}

static torpor_status head_put(struct torpor__database *database, int64_t run,
                              const struct torpor__head *head) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_HEAD_PUT,
                            "iiiiiiiiiii", (int64_t)head->status, head->branch,
                            head->step, head->version, head->start, head->fence,
                            head->attempts, (int64_t)head->runnable,
                            head->cancel, head->changed_ms, run);
}

static torpor_status head_change(struct torpor__database *database, int64_t run,
                                 const struct torpor__head *from,
                                 const struct torpor__head *head) {
  torpor_status status = torpor__sqlite_run(
      sqlite_of(database), TORPOR__SQLITE_HEAD_CHANGE, "iiiiiiiiiiiiiii",
      (int64_t)head->status, head->branch, head->step, head->version,
      head->start, head->fence, head->attempts, (int64_t)head->runnable,
      head->cancel, head->changed_ms, run, (int64_t)from->status, from->step,
      from->fence, from->cancel);
  if (status != TORPOR_OK || sqlite3_changes(sqlite_of(database)->db) == 1)
    return status;
  return torpor__database_fail(database, TORPOR_FENCED, "run number %lld",
                               (long long)run);
}

static torpor_status exit_put(struct torpor__database *database, int64_t run,
                              const struct torpor__exit *row) {
  sqlite_of(database)->ends_run = true;
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_EXIT_PUT, "ibt",
                            run, row->value,
                            row->reason != NULL ? row->reason : "");
}

static torpor_status exit_remove(struct torpor__database *database,
                                 int64_t run) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_EXIT_REMOVE,
                            "i", run);
}

static torpor_status read_exit(struct torpor__sqlite *db, sqlite3_stmt *row,
                               union visitor visit, void *data) {
  if (!is_text(row, 1)) return fail_row(db, "exit");
  const struct torpor__exit exit = {.value = get_slice(row, 0),
                                    .reason = get_text(row, 1)};
  return visit.exit(data, &exit);
}

static torpor_status exit_each(struct torpor__database *database, int64_t run,
                               torpor__exit_fn *visit, void *data) {
  return walk_run(sqlite_of(database), TORPOR__SQLITE_EXIT_EACH, run, read_exit,
                  (union visitor){.exit = visit}, data);
}

/* ---- states and branches ------------------------------------------------- */

static torpor_status state_put(struct torpor__database *database, int64_t run,
                               const struct torpor__state *row) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_STATE_PUT,
                            "iiiiiiibbi", run, row->branch, row->step,
                            row->version, row->parent_step,
                            (int64_t)row->runnable, (int64_t)row->clone,
                            row->engine, row->snapshot, row->made_ms);
}

static torpor_status state_prune(struct torpor__database *database, int64_t run,
                                 int64_t step) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_STATE_PRUNE,
                            "ii", run, step);
}

static torpor_status state_drop(struct torpor__database *database, int64_t run,
                                int64_t step) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_STATE_DROP,
                            "ii", run, step);
}

static torpor_status state_cut(struct torpor__database *database, int64_t run,
                               int64_t step) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_STATE_CUT, "ii",
                            run, step);
}

static torpor_status read_state(struct torpor__sqlite *db, sqlite3_stmt *row,
                                union visitor visit, void *data) {
  int64_t step = get_number(row, 1);
  if (!is_count(row, 0) || !is_sequence(row, 1) || !is_below(row, 2, step) ||
      !is_below(row, 3, step))
    return fail_row(db, "state");
  const struct torpor__state state = {.branch = get_number(row, 0),
                                      .step = step,
                                      .version = get_number(row, 2),
                                      .parent_step = get_number(row, 3),
                                      .runnable = get_number(row, 4) != 0,
                                      .clone = get_number(row, 5) != 0,
                                      .engine = get_slice(row, 6),
                                      .snapshot = get_slice(row, 7),
                                      .made_ms = get_number(row, 8)};
  return visit.state(data, &state);
}

static torpor_status state_each(struct torpor__database *database, int64_t run,
                                int64_t step, torpor__state_fn *visit,
                                void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, TORPOR__SQLITE_STATE_EACH,
                                              &statement, "ii", run, step);
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read_state, (union visitor){.state = visit}, data,
              NULL);
}

static torpor_status state_ends(struct torpor__database *database,
                                torpor__state_fn *visit, void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_STATE_ENDS, &statement, "");
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read_state, (union visitor){.state = visit}, data,
              NULL);
}

static torpor_status branch_add(struct torpor__database *database, int64_t run,
                                const struct torpor__branch *row) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_BRANCH_ADD,
                            "iiiiiti", run, row->branch, row->parent,
                            row->parent_step, (int64_t)row->first_operation,
                            row->origin, row->made_ms);
}

/* A branch leaves an older one: so a walk to the oldest comes to an end. */
static torpor_status read_branch(struct torpor__sqlite *db, sqlite3_stmt *row,
                                 union visitor visit, void *data) {
  const struct torpor__branch branch = {.branch = get_number(row, 0),
                                        .parent = get_number(row, 1),
                                        .parent_step = get_number(row, 2),
                                        .first_operation =
                                            (uint64_t)get_number(row, 3),
                                        .origin = get_text(row, 4),
                                        .made_ms = get_number(row, 5)};
  bool origin = is_text(row, 4) && (branch.origin[0] == '\0' ||
                                    torpor__request_is_id(branch.origin));
  if (!is_count(row, 0) || branch.parent < -1 ||
      branch.parent >= branch.branch || !is_count(row, 2) || !origin)
    return fail_row(db, "branch");
  return visit.branch(data, &branch);
}

static torpor_status branch_each(struct torpor__database *database, int64_t run,
                                 torpor__branch_fn *visit, void *data) {
  return walk_run(sqlite_of(database), TORPOR__SQLITE_BRANCH_EACH, run,
                  read_branch, (union visitor){.branch = visit}, data);
}

/* ---- kinds --------------------------------------------------------------- */

static torpor_status kind_put(struct torpor__database *database, int64_t run,
                              const char *kind, enum torpor__policy policy) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_KIND_PUT, "iti",
                            run, kind, (int64_t)policy);
}

static torpor_status read_kind(struct torpor__sqlite *db, sqlite3_stmt *row,
                               union visitor visit, void *data) {
  if (!is_short(row, 0, TORPOR_KIND_LARGEST) ||
      !is_below(row, 1, TORPOR__POLICY_COUNT))
    return fail_row(db, "kind");
  return visit.kind(data, get_text(row, 0),
                    (enum torpor__policy)get_number(row, 1));
}

static torpor_status kind_each(struct torpor__database *database, int64_t run,
                               torpor__kind_fn *visit, void *data) {
  return walk_run(sqlite_of(database), TORPOR__SQLITE_KIND_EACH, run, read_kind,
                  (union visitor){.kind = visit}, data);
}

/* ---- operations ---------------------------------------------------------- */

static torpor_status operation_add(struct torpor__database *database,
                                   int64_t run,
                                   const struct torpor__operation *row) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_OPERATION_ADD,
                            "iiittbntiii", run, row->branch, (int64_t)row->id,
                            row->kind, row->topic, row->request, row->due_ms,
                            row->key, (int64_t)row->policy, row->begun_ms,
                            row->begun_step);
}

static torpor_status operation_remove(struct torpor__database *database,
                                      int64_t run, int64_t branch,
                                      uint64_t id) {
  return torpor__sqlite_run(sqlite_of(database),
                            TORPOR__SQLITE_OPERATION_REMOVE, "iii", run, branch,
                            (int64_t)id);
}

static torpor_status operation_clear(struct torpor__database *database,
                                     int64_t run) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_OPERATION_CLEAR,
                            "i", run);
}

static torpor_status read_operation(struct torpor__sqlite *db,
                                    sqlite3_stmt *row, union visitor visit,
                                    void *data) {
  bool topic = sqlite3_column_type(row, 3) == SQLITE_NULL ||
               is_short(row, 3, TORPOR__TOPIC_MAX);
  if (!is_count(row, 0) || !is_short(row, 2, TORPOR_KIND_LARGEST) || !topic ||
      !is_short(row, 6, TORPOR__KEY_MAX - 1) ||
      !is_below(row, 7, TORPOR__POLICY_COUNT) || !is_count(row, 9))
    return fail_row(db, "operation");
  bool due = sqlite3_column_type(row, 5) != SQLITE_NULL;
  const struct torpor__operation operation = {
      .branch = get_number(row, 0),
      .id = (uint64_t)get_number(row, 1),
      .kind = get_text(row, 2),
      .topic = get_text(row, 3),
      .request = get_slice(row, 4),
      .due_ms = due ? get_number(row, 5) : TORPOR__NEVER,
      .key = get_text(row, 6),
      .policy = (enum torpor__policy)get_number(row, 7),
      .begun_ms = get_number(row, 8),
      .begun_step = get_number(row, 9)};
  return visit.operation(data, &operation);
}

static torpor_status operation_each(struct torpor__database *database,
                                    int64_t run, torpor__operation_fn *visit,
                                    void *data) {
  return walk_run(sqlite_of(database), TORPOR__SQLITE_OPERATION_EACH, run,
                  read_operation, (union visitor){.operation = visit}, data);
}

/* ---- results ------------------------------------------------------------- */

static torpor_status result_add(struct torpor__database *database, int64_t run,
                                const struct torpor__result *row,
                                int64_t *sequence) {
  struct torpor__sqlite *db = sqlite_of(database);
  torpor_status status = torpor__sqlite_run(
      db, TORPOR__SQLITE_RESULT_ADD, "iiiib", run, row->branch,
      (int64_t)row->operation, (int64_t)row->outcome, row->value);
  bool added = status == TORPOR_OK && sqlite3_changes(db->db) > 0;
  *sequence = added ? sqlite3_last_insert_rowid(db->db) : 0;
  return status;
}

static torpor_status result_remove(struct torpor__database *database,
                                   int64_t run, int64_t branch,
                                   uint64_t operation) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_RESULT_REMOVE,
                            "iii", run, branch, (int64_t)operation);
}

static torpor_status result_clear(struct torpor__database *database,
                                  int64_t run) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_RESULT_CLEAR,
                            "i", run);
}

static torpor_status read_result(struct torpor__sqlite *db, sqlite3_stmt *row,
                                 union visitor visit, void *data) {
  if (!is_sequence(row, 0) || !is_below(row, 3, TORPOR__OUTCOME_COUNT))
    return fail_row(db, "result");
  const struct torpor__result result = {
      .sequence = get_number(row, 0),
      .branch = get_number(row, 1),
      .operation = (uint64_t)get_number(row, 2),
      .outcome = (enum torpor__outcome)get_number(row, 3),
      .value = get_slice(row, 4)};
  return visit.result(data, &result);
}

static torpor_status result_each(struct torpor__database *database, int64_t run,
                                 torpor__result_fn *visit, void *data) {
  return walk_run(sqlite_of(database), TORPOR__SQLITE_RESULT_EACH, run,
                  read_result, (union visitor){.result = visit}, data);
}

/* ---- signals and lines --------------------------------------------------- */

static torpor_status signal_add(struct torpor__database *database, int64_t run,
                                const struct torpor__signal *row) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_SIGNAL_ADD,
                            "itbi", run, row->topic, row->value, row->sent_ms);
}

static torpor_status signal_remove(struct torpor__database *database,
                                   int64_t run, int64_t sequence) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_SIGNAL_REMOVE,
                            "ii", run, sequence);
}

static torpor_status read_signal(struct torpor__sqlite *db, sqlite3_stmt *row,
                                 union visitor visit, void *data) {
  if (!is_sequence(row, 0) || !is_text(row, 1)) return fail_row(db, "signal");
  const struct torpor__signal signal = {.sequence = get_number(row, 0),
                                        .topic = get_text(row, 1),
                                        .value = get_slice(row, 2),
                                        .sent_ms = get_number(row, 3)};
  return visit.signal(data, &signal);
}

static torpor_status signal_each(struct torpor__database *database, int64_t run,
                                 int64_t after, torpor__signal_fn *visit,
                                 void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, TORPOR__SQLITE_SIGNAL_EACH,
                                              &statement, "ii", run, after);
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read_signal, (union visitor){.signal = visit},
              data, NULL);
}

static torpor_status line_add(struct torpor__database *database, int64_t run,
                              const struct torpor__line *row) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_LINE_ADD,
                            "iiiiibi", run, row->branch, row->step, row->number,
                            (int64_t)row->level, row->text, row->written_ms);
}

static torpor_status read_line(struct torpor__sqlite *db, sqlite3_stmt *row,
                               union visitor visit, void *data) {
  if (!is_below(row, 3, TORPOR_LEVEL_ERROR + 1)) return fail_row(db, "line");
  const struct torpor__line line = {.branch = get_number(row, 0),
                                    .step = get_number(row, 1),
                                    .number = get_number(row, 2),
                                    .level = (torpor_level)get_number(row, 3),
                                    .text = get_slice(row, 4),
                                    .written_ms = get_number(row, 5)};
  return visit.line(data, &line);
}

static torpor_status line_each(struct torpor__database *database, int64_t run,
                               int64_t step, torpor__line_fn *visit,
                               void *data) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, TORPOR__SQLITE_LINE_EACH,
                                              &statement, "ii", run, step);
  if (status != TORPOR_OK) return status;
  return walk(db, statement, read_line, (union visitor){.line = visit}, data,
              NULL);
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
