/* SPDX-License-Identifier: MIT */
/* database-sqlite-console.c - the console lines of runs in a SQLite database:
 * adding new ones, and dropping the oldest.
 *
 * A run may live for years and write lines all the time, so only the newest are
 * kept. Table 'console' has how many lines there are of a run, so that nobody
 * has to count them.
 *
 *  (1) The numbers in 'console' are those of the rows in 'line', after each
 *      transaction.
 *  (2) Old lines are read and removed in order from the oldest, each once: the
 *      time that a commit takes depends on what it adds alone.
 *
 * On the thread of the database. */
#include <sqlite3.h>

#include "run/database/database-sqlite-state.h"

/* Lines that may go with one commit, beyond those that it adds: a run that may
 * keep fewer than it has, after an upgrade of Torpor, gets there in a few
 * steps. */
enum { DROPPED_AT_ONCE = 1000 };

struct amount {
  int64_t lines, bytes;
};

/* The oldest lines, up to one that is named. */
struct oldest {
  struct amount amount;
  int64_t branch, step, number;
};

/* ---- Counting ------------------------------------------------------------*/

/* Adds 'added' to what the run has; '*all' is the sum. */
static torpor_status count_lines(struct torpor__sqlite *db, int64_t run,
                                 struct amount added, struct amount *all) {
  sqlite3_stmt *statement;
  bool row;
  torpor_status status =
      torpor__sqlite_start(db, TORPOR__SQLITE_CONSOLE_ADD, &statement, "iii",
                           run, added.lines, added.bytes);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  *all = (struct amount){sqlite3_column_int64(statement, 0),
                         sqlite3_column_int64(statement, 1)};
  bool good = all->lines >= added.lines && all->bytes >= added.bytes &&
              all->lines < TORPOR__COUNT_LARGEST &&
              all->bytes < TORPOR__COUNT_LARGEST;
  if (status == TORPOR_OK && !good)
    status = torpor__sqlite_fail_row(db, "console");
  return torpor__sqlite_finish(statement, status);
}

/* ---- Dropping ------------------------------------------------------------*/

static int64_t bytes_for(uint64_t keep) {
  int64_t most = TORPOR__LINES_BYTES;
  if (keep > (uint64_t)most >> 10) most = (int64_t)keep << 10;
  return most;
}

/* Whether one more line has to go after 'gone'. */
static bool is_too_much(const struct amount *all, const struct amount *gone,
                        uint64_t keep) {
  int64_t left = all->lines - gone->lines;
  return left > 1 &&
         ((uint64_t)left > keep || all->bytes - gone->bytes > bytes_for(keep));
}

/* Which lines go: 'most' at most. */
static torpor_status find_oldest(struct torpor__sqlite *db, int64_t run,
                                 const struct amount *all, uint64_t keep,
                                 int64_t most, struct oldest *oldest) {
  sqlite3_stmt *statement;
  bool row = true;
  torpor_status status = torpor__sqlite_start(db, TORPOR__SQLITE_LINE_OLDEST,
                                              &statement, "ii", run, most);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && row &&
         is_too_much(all, &oldest->amount, keep)) {
    status = torpor__sqlite_next(db, statement, &row);
    if (status != TORPOR_OK || !row) continue;
    oldest->amount.lines++;
    oldest->branch = sqlite3_column_int64(statement, 0);
    oldest->step = sqlite3_column_int64(statement, 1);
    oldest->number = sqlite3_column_int64(statement, 2);
    oldest->amount.bytes += sqlite3_column_int64(statement, 3);
  }
  return torpor__sqlite_finish(statement, status);
}

static torpor_status drop_oldest(struct torpor__sqlite *db, int64_t run,
                                 const struct amount *all, uint64_t keep,
                                 int64_t most) {
  struct oldest oldest = {0};
  torpor_status status = find_oldest(db, run, all, keep, most, &oldest);
  if (status != TORPOR_OK || oldest.amount.lines == 0) return status;
  status = torpor__sqlite_run(db, TORPOR__SQLITE_LINE_DROP, "iiii", run,
                              oldest.branch, oldest.step, oldest.number);
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_run(db, TORPOR__SQLITE_CONSOLE_DROP, "iii", run,
                            oldest.amount.lines, oldest.amount.bytes);
}

torpor_status torpor__sqlite_line_add(struct torpor__database *database,
                                      int64_t run,
                                      const struct torpor__line *rows,
                                      size_t count, uint64_t keep) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  struct amount added = {.lines = (int64_t)count}, all;
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < count; i++) {
    status = torpor__sqlite_insert(db, TORPOR__SQLITE_LINE_ADD, run,
                                   &torpor__table_line, &rows[i]);
    added.bytes += (int64_t)rows[i].text.size;
  }
  if (status == TORPOR_OK) status = count_lines(db, run, added, &all);
  if (status != TORPOR_OK || keep > INT64_MAX >> 10) return status; /* all */
  return drop_oldest(db, run, &all, keep, added.lines + DROPPED_AT_ONCE);
}
