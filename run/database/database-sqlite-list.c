/* SPDX-License-Identifier: MIT */
/* database-sqlite-list.c - finding runs in a SQLite database: one, or those of
 * a page.
 *
 * One index tells of a run's program, and others of where it stands. Runs of
 * which both are asked are in both, and the two are read like two lists by
 * rising number: whichever is behind leaps to where the other one is.
 *
 *     program    2 ─────► 9 ──────────► 40 ══► 40
 *     status          5 ───────► 31 ─────────► 40      run 40 is in the page
 *
 *  (1) So it takes two leaps for each run of the rarer kind, at most, however
 *      many there are of the other.
 *
 * On the thread of the database. */
#include <sqlite3.h>
#include <stdio.h>

#include "run/database/database-sqlite-state.h"

/* ---- One -----------------------------------------------------------------*/

/* Whether the first column is a number that the store gives. */
static bool read_number(sqlite3_stmt *statement, int64_t *number) {
  *number = sqlite3_column_int64(statement, 0);
  return sqlite3_column_type(statement, 0) == SQLITE_INTEGER && *number > 0 &&
         *number < TORPOR__COUNT_LARGEST;
}

torpor_status torpor__sqlite_run_find(struct torpor__database *database,
                                      const char *id, int64_t *run) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status = torpor__sqlite_file_check(db, false);
  if (status == TORPOR_OK)
    status =
        torpor__sqlite_start(db, TORPOR__SQLITE_RUN_FIND, &statement, "t", id);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  *run = 0;
  if (row && !read_number(statement, run))
    status = torpor__sqlite_fail_row(db, "run");
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
  if (run->keep_lines == 0) run->keep_lines = 1;
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
      .id = id != NULL && torpor__database_is_id(id) ? id : name,
      .program = "",
      .access = "",
      .engine = {.data = ""}};
  return visit(data, number, &run, &head);
}

/* Shows the runs that a statement gives which was started, and finishes it. In
 * a list, those whose rows are damaged are shown as that. */
static torpor_status walk_runs(struct torpor__sqlite *db,
                               sqlite3_stmt *statement, bool list,
                               torpor__run_fn *visit, void *data,
                               size_t *count) {
  torpor_status status = TORPOR_OK;
  bool row = true;
  *count = 0;
  while (status == TORPOR_OK && row) {
    int64_t number;
    struct torpor__run run = {0};
    struct torpor__head head = {0};
    status = torpor__sqlite_next(db, statement, &row);
    if (status != TORPOR_OK || !row) break;
    ++*count;
    const char *damaged = find_damage(statement, &number, &run, &head);
    if (damaged == NULL)
      status = visit(data, number, &run, &head);
    else if (list && !torpor__table_lacked_memory(statement))
      status = show_damaged(statement, number, visit, data);
    else
      status = torpor__sqlite_fail_row(db, damaged);
  }
  return torpor__sqlite_finish(statement, status);
}

torpor_status torpor__sqlite_run_get(struct torpor__database *database,
                                     int64_t run, torpor__run_fn *visit,
                                     void *data) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  sqlite3_stmt *statement;
  size_t count;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_RUN_ONE, &statement, "i", run);
  if (status != TORPOR_OK) return status;
  status = walk_runs(db, statement, false, visit, data, &count);
  return status == TORPOR_OK && count == 0 ? torpor__sqlite_fail_number(db, run)
                                           : status;
}

/* ---- A page --------------------------------------------------------------*/

static torpor_status start_page(struct torpor__sqlite *db,
                                const struct torpor__page *page,
                                sqlite3_stmt **statement) {
  if (page->program != NULL)
    return torpor__sqlite_start(db, TORPOR__SQLITE_RUN_LIST_PROGRAM, statement,
                                "iit", page->after, page->limit, page->program);
  if (page->of == TORPOR__PAGE_STATUS)
    return torpor__sqlite_start(db, TORPOR__SQLITE_RUN_LIST_STATUS, statement,
                                "iii", page->after, page->limit,
                                (int64_t)page->status);
  return torpor__sqlite_start(db,
                              page->of == TORPOR__PAGE_READY
                                  ? TORPOR__SQLITE_RUN_LIST_READY
                                  : TORPOR__SQLITE_RUN_LIST,
                              statement, "ii", page->after, page->limit);
}

/* ---- Two indexes ---------------------------------------------------------*/

/* The number that a statement gives which was started; INT64_MAX: none. */
static torpor_status read_next(struct torpor__sqlite *db,
                               sqlite3_stmt *statement, int64_t *run) {
  bool row = false;
  torpor_status status = torpor__sqlite_next(db, statement, &row);
  *run = row && sqlite3_column_type(statement, 0) == SQLITE_INTEGER
             ? sqlite3_column_int64(statement, 0)
             : INT64_MAX;
  return torpor__sqlite_finish(statement, status);
}

/* The next run that has, or had, the program. */
static torpor_status find_program(struct torpor__sqlite *db,
                                  const struct torpor__page *page,
                                  int64_t after, int64_t *run) {
  sqlite3_stmt *statement;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_RUN_NEXT_PROGRAM, &statement,
                           "it", after, page->program);
  return status == TORPOR_OK ? read_next(db, statement, run) : status;
}

/* The next run that stands where those of the page do. */
static torpor_status find_standing(struct torpor__sqlite *db,
                                   const struct torpor__page *page,
                                   int64_t after, int64_t *run) {
  sqlite3_stmt *statement;
  torpor_status status =
      page->of == TORPOR__PAGE_READY
          ? torpor__sqlite_start(db, TORPOR__SQLITE_RUN_NEXT_READY, &statement,
                                 "i", after)
          : torpor__sqlite_start(db, TORPOR__SQLITE_RUN_NEXT_STATUS, &statement,
                                 "ii", after, (int64_t)page->status);
  return status == TORPOR_OK ? read_next(db, statement, run) : status;
}

/* The next run after 'after' that is in both; INT64_MAX: none. */
static torpor_status find_both(struct torpor__sqlite *db,
                               const struct torpor__page *page, int64_t after,
                               int64_t *run) {
  int64_t standing;
  torpor_status status = find_program(db, page, after, run);
  while (status == TORPOR_OK && *run != INT64_MAX) {
    status = find_standing(db, page, *run - 1, &standing);
    if (status != TORPOR_OK || standing == *run) break;
    *run = standing;
    if (standing == INT64_MAX) break;
    status = find_program(db, page, standing - 1, run);
    if (*run == standing) break;
  }
  return status;
}

static torpor_status list_both(struct torpor__sqlite *db,
                               const struct torpor__page *page,
                               torpor__run_fn *visit, void *data) {
  int64_t run = page->after;
  torpor_status status = TORPOR_OK;
  for (int64_t i = 0; status == TORPOR_OK && i < page->limit; i++) {
    sqlite3_stmt *statement;
    size_t count;
    status = find_both(db, page, run, &run);
    if (status != TORPOR_OK || run == INT64_MAX) break;
    status = torpor__sqlite_start(db, TORPOR__SQLITE_RUN_LIST_ONE, &statement,
                                  "i", run);
    if (status == TORPOR_OK)
      status = walk_runs(db, statement, true, visit, data, &count);
  }
  return status;
}

torpor_status torpor__sqlite_run_list(struct torpor__database *database,
                                      const struct torpor__page *page,
                                      torpor__run_fn *visit, void *data) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  sqlite3_stmt *statement;
  size_t count;
  if (page->program != NULL && page->of != TORPOR__PAGE_ALL)
    return list_both(db, page, visit, data);
  torpor_status status = start_page(db, page, &statement);
  if (status != TORPOR_OK) return status;
  return walk_runs(db, statement, true, visit, data, &count);
}
