/* SPDX-License-Identifier: MIT */
/* database-sqlite-remove.c - removing much from a SQLite database: old states,
 * and runs with all that there is of them.
 *
 * That is done in pieces, each in a transaction of the caller's, so that nobody
 * waits long for the end of one.
 *
 *  (1) A run that is removed is gone at once: first its row and its head go,
 *      and its number is put into table 'removed'. What is left of its rows is
 *      found by that number, also by the next process, should this one die.
 *  (2) Its number leaves 'removed' in the transaction that removes its last
 *      rows.
 *  (3) A source goes in the transaction that removes the last file which has
 *      it.
 *
 * On the thread of the database. */
#include <sqlite3.h>

#include "run/database/database-sqlite-state.h"

enum {
  ROW_COST = 1024, /* of the budget */
  ROWS_MAX = 256   /* that are looked at together */
};

static struct torpor__sqlite *sqlite_of(struct torpor__database *database) {
  return (struct torpor__sqlite *)database;
}

/* The number that a statement gives for 'parameter'; 0 when it is NULL. */
static torpor_status get_number(struct torpor__sqlite *db,
                                enum torpor__sqlite_statement which,
                                int64_t parameter, int64_t *number) {
  sqlite3_stmt *statement;
  bool row = false;
  *number = 0;
  torpor_status status =
      torpor__sqlite_start(db, which, &statement, "i", parameter);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (row) *number = sqlite3_column_int64(statement, 0);
  return torpor__sqlite_finish(statement, status);
}

/* ---- States --------------------------------------------------------------*/

/* The states of a run before this one go. */
struct bound {
  int64_t step, branch;
};

/* Where waking from 'step', or a later one, begins; with 0 behind all. */
static torpor_status find_bound(struct torpor__sqlite *db, int64_t run,
                                int64_t step, struct bound *bound) {
  sqlite3_stmt *statement;
  bool row = false;
  *bound = (struct bound){step == 0 ? INT64_MAX : 0, 0};
  if (step == 0) return TORPOR_OK;
  torpor_status status = torpor__sqlite_start(db, TORPOR__SQLITE_STATE_BOUND,
                                              &statement, "ii", run, step);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (row)
    *bound = (struct bound){sqlite3_column_int64(statement, 0),
                            sqlite3_column_int64(statement, 1)};
  return torpor__sqlite_finish(statement, status);
}

struct piece {
  int64_t rows[ROWS_MAX];
  size_t count;
  int64_t bytes;
};

/* The newest of those that go, until 'budget' is spent. */
static torpor_status find_states(struct torpor__sqlite *db, int64_t run,
                                 struct bound bound, int64_t budget,
                                 struct piece *piece) {
  sqlite3_stmt *statement;
  bool row = true;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_STATE_OLDER, &statement, "iiii",
                           run, bound.step, bound.branch, (int64_t)ROWS_MAX);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && row && budget > 0) {
    status = torpor__sqlite_next(db, statement, &row);
    if (status != TORPOR_OK || !row) continue;
    int64_t size = sqlite3_column_int64(statement, 1);
    piece->rows[piece->count++] = sqlite3_column_int64(statement, 0);
    piece->bytes += size;
    budget -= size + ROW_COST;
  }
  return torpor__sqlite_finish(statement, status);
}

torpor_status torpor__sqlite_state_thin(struct torpor__database *database,
                                        int64_t run, int64_t step,
                                        int64_t *budget,
                                        struct torpor__counts *removed) {
  struct torpor__sqlite *db = sqlite_of(database);
  struct bound bound;
  struct piece piece = {.count = 1};
  torpor_status status = find_bound(db, run, step, &bound);
  while (status == TORPOR_OK && *budget > 0 && piece.count > 0) {
    piece = (struct piece){.count = 0};
    status = find_states(db, run, bound, *budget, &piece);
    for (size_t i = 0; status == TORPOR_OK && i < piece.count; i++)
      status = torpor__sqlite_run(db, TORPOR__SQLITE_STATE_REMOVE, "i",
                                  piece.rows[i]);
    *budget -= piece.bytes + (int64_t)piece.count * ROW_COST;
    removed->states += (int64_t)piece.count;
    removed->states_size += piece.bytes;
  }
  return status;
}

torpor_status torpor__sqlite_state_excess(struct torpor__database *database,
                                          int64_t run, int64_t step,
                                          struct torpor__counts *excess) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  struct bound bound;
  bool row = false;
  *excess = (struct torpor__counts){0};
  torpor_status status = find_bound(db, run, step, &bound);
  if (status == TORPOR_OK)
    status = torpor__sqlite_start(db, TORPOR__SQLITE_STATE_EXCESS, &statement,
                                  "iii", run, bound.step, bound.branch);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  if (row) {
    excess->states = sqlite3_column_int64(statement, 0);
    excess->states_size = sqlite3_column_int64(statement, 1);
  }
  return torpor__sqlite_finish(statement, status);
}

torpor_status torpor__sqlite_state_newest(struct torpor__database *database,
                                          int64_t run, int64_t *step) {
  torpor_status status =
      get_number(sqlite_of(database), TORPOR__SQLITE_STATE_NEWEST, run, step);
  if (status != TORPOR_OK || (*step >= 0 && *step < TORPOR__COUNT_LARGEST))
    return status;
  return torpor__sqlite_fail_row(sqlite_of(database), "state");
}

/* ---- Runs ----------------------------------------------------------------*/

torpor_status torpor__sqlite_run_remove(struct torpor__database *database,
                                        int64_t run) {
  struct torpor__sqlite *db = sqlite_of(database);
  static const enum torpor__sqlite_statement parts[] = {
      TORPOR__SQLITE_RUN_HIDE, TORPOR__SQLITE_RUN_REMOVE,
      TORPOR__SQLITE_SWEEP_HEAD, TORPOR__SQLITE_SWEEP_NEWS,
      TORPOR__SQLITE_EXIT_REMOVE};
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < sizeof parts / sizeof parts[0];
       i++)
    status = torpor__sqlite_run(db, parts[i], "i", run);
  return status;
}

/* Removes what is left of it in one table, as long as there is a budget. */
static torpor_status sweep_table(struct torpor__sqlite *db,
                                 enum torpor__sqlite_statement which,
                                 int64_t run, int64_t *budget) {
  torpor_status status = TORPOR_OK;
  int rows = 1;
  while (status == TORPOR_OK && rows > 0 && *budget > 0) {
    int64_t most = *budget / ROW_COST + 1;
    status = torpor__sqlite_run(db, which, "ii", run,
                                most < ROWS_MAX ? most : ROWS_MAX);
    rows = sqlite3_changes(db->db);
    *budget -= (int64_t)rows * ROW_COST;
  }
  return status;
}

/* The last of it: sources first, which are found by its files. */
static torpor_status sweep_rest(struct torpor__sqlite *db, int64_t run) {
  static const enum torpor__sqlite_statement parts[] = {
      TORPOR__SQLITE_SWEEP_SOURCES, TORPOR__SQLITE_SWEEP_FILES,
      TORPOR__SQLITE_SWEEP_CONSOLE, TORPOR__SQLITE_REMOVED_FORGET};
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < sizeof parts / sizeof parts[0];
       i++)
    status = torpor__sqlite_run(db, parts[i], "i", run);
  return status;
}

torpor_status torpor__sqlite_run_sweep(struct torpor__database *database,
                                       int64_t run, int64_t *budget) {
  struct torpor__sqlite *db = sqlite_of(database);
  static const enum torpor__sqlite_statement tables[] = {
      TORPOR__SQLITE_SWEEP_LINES,    TORPOR__SQLITE_SWEEP_SIGNALS,
      TORPOR__SQLITE_SWEEP_RESULTS,  TORPOR__SQLITE_SWEEP_OPERATIONS,
      TORPOR__SQLITE_SWEEP_EDITIONS, TORPOR__SQLITE_SWEEP_BRANCHES,
      TORPOR__SQLITE_SWEEP_KINDS};
  struct torpor__counts ignored = {0};
  int64_t removed;
  torpor_status status =
      torpor__sqlite_run_removed(database, run - 1, &removed);
  if (status == TORPOR_OK && removed != run)
    return torpor__database_fail(database, TORPOR_MISUSE,
                                 "run number %lld was not removed",
                                 (long long)run);
  if (status == TORPOR_OK)
    status = torpor__sqlite_state_thin(database, run, 0, budget, &ignored);
  for (size_t i = 0;
       status == TORPOR_OK && i < sizeof tables / sizeof tables[0]; i++)
    status = sweep_table(db, tables[i], run, budget);
  if (status != TORPOR_OK || *budget <= 0) return status;
  *budget -= ROW_COST;
  return sweep_rest(db, run);
}

torpor_status torpor__sqlite_run_ended(struct torpor__database *database,
                                       enum torpor__run_status wanted,
                                       int64_t before_ms, int64_t after,
                                       int64_t *runs, size_t *count) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  size_t most = *count;
  bool row = true;
  *count = 0;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_RUN_ENDED, &statement, "iiii",
                           (int64_t)wanted, before_ms, after, (int64_t)most);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && row && *count < most) {
    status = torpor__sqlite_next(db, statement, &row);
    if (status == TORPOR_OK && row)
      runs[(*count)++] = sqlite3_column_int64(statement, 0);
  }
  return torpor__sqlite_finish(statement, status);
}

torpor_status torpor__sqlite_run_removed(struct torpor__database *database,
                                         int64_t after, int64_t *run) {
  return get_number(sqlite_of(database), TORPOR__SQLITE_REMOVED_NEXT, after,
                    run);
}
