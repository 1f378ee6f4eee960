/* SPDX-License-Identifier: MIT */
/* database-sqlite-tables.c - binding and reading rows by what a table's columns
 * may hold. See database-sqlite-tables.h.
 *
 * On the thread of the database. */
#include "run/database/database-sqlite-tables.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

/* ---- binding ------------------------------------------------------------- */

static int64_t read_number(const void *field) {
  int64_t number;
  memcpy(&number, field, sizeof number);
  return number;
}

static int64_t read_choice(const void *field) {
  int choice;
  memcpy(&choice, field, sizeof choice);
  return choice;
}

static int bind_time(sqlite3_stmt *statement, int index, int64_t time) {
  return time == TORPOR__NEVER ? sqlite3_bind_null(statement, index)
                               : sqlite3_bind_int64(statement, index, time);
}

static int bind_bytes(sqlite3_stmt *statement, int index,
                      const torpor_slice *bytes) {
  return sqlite3_bind_blob64(statement, index,
                             bytes->size > 0 ? bytes->data : "", bytes->size,
                             SQLITE_STATIC);
}

static int bind_column(sqlite3_stmt *statement, int index,
                       const struct torpor__column *column, const void *field) {
  switch (column->kind) {
  case TORPOR__COLUMN_CHOICE:
    return sqlite3_bind_int64(statement, index, read_choice(field));
  case TORPOR__COLUMN_FLAG:
    return sqlite3_bind_int64(statement, index, *(const bool *)field);
  case TORPOR__COLUMN_TIME:
    return bind_time(statement, index, read_number(field));
  case TORPOR__COLUMN_TEXT:
  case TORPOR__COLUMN_OPTIONAL:
    return sqlite3_bind_text(statement, index, *(const char *const *)field, -1,
                             SQLITE_STATIC);
  case TORPOR__COLUMN_BYTES:
    return bind_bytes(statement, index, field);
  default:
    return sqlite3_bind_int64(statement, index, read_number(field));
  }
}

int torpor__table_bind(const struct torpor__table *table,
                       sqlite3_stmt *statement, int first, const void *row) {
  int result = SQLITE_OK;
  for (int i = table->given; result == SQLITE_OK && i < table->count; i++) {
    const struct torpor__column *column = &table->columns[i];
    result = bind_column(statement, first++, column,
                         (const char *)row + column->offset);
  }
  return result;
}

/* ---- reading ------------------------------------------------------------- */

static bool read_integer(sqlite3_stmt *row, int index, int64_t least,
                         int64_t limit, int64_t *number) {
  *number = sqlite3_column_int64(row, index);
  return sqlite3_column_type(row, index) == SQLITE_INTEGER &&
         *number >= least && *number < limit;
}

static bool read_id(sqlite3_stmt *row, int index, int64_t *id) {
  *id = sqlite3_column_int64(row, index);
  return sqlite3_column_type(row, index) == SQLITE_INTEGER && *id >= 1;
}

static bool read_enum(sqlite3_stmt *row, int index, int64_t limit,
                      void *field) {
  int64_t number;
  if (!read_integer(row, index, 0, limit, &number)) return false;
  memcpy(field, &(int){(int)number}, sizeof(int));
  return true;
}

bool torpor__table_lacked_memory(sqlite3_stmt *row) {
  return sqlite3_errcode(sqlite3_db_handle(row)) == SQLITE_NOMEM;
}

static bool read_text(sqlite3_stmt *row, int index, int64_t limit,
                      const char **text) {
  if (sqlite3_column_type(row, index) != SQLITE_TEXT) return false;
  *text = (const char *)sqlite3_column_text(row, index);
  return *text != NULL && (limit == 0 || strlen(*text) <= (size_t)limit);
}

static bool read_optional(sqlite3_stmt *row, int index, int64_t limit,
                          const char **text) {
  *text = NULL;
  return sqlite3_column_type(row, index) == SQLITE_NULL ||
         read_text(row, index, limit, text);
}

static bool read_time(sqlite3_stmt *row, int index, int64_t *time) {
  *time = sqlite3_column_type(row, index) == SQLITE_NULL
              ? TORPOR__NEVER
              : sqlite3_column_int64(row, index);
  return true;
}

static bool read_bytes(sqlite3_stmt *row, int index, int64_t limit,
                       torpor_slice *bytes) {
  const void *data = sqlite3_column_blob(row, index);
  if (data == NULL && torpor__table_lacked_memory(row)) return false;
  bytes->data = data != NULL ? data : "";
  bytes->size = (size_t)sqlite3_column_bytes(row, index);
  return limit == 0 || bytes->size <= (size_t)limit;
}

static bool read_column(sqlite3_stmt *row, int index,
                        const struct torpor__column *column, void *field) {
  switch (column->kind) {
  case TORPOR__COLUMN_COUNT:
    return read_integer(row, index, 0, TORPOR__COUNT_LARGEST, field);
  case TORPOR__COLUMN_SEQUENCE:
    return read_integer(row, index, 1, TORPOR__COUNT_LARGEST, field);
  case TORPOR__COLUMN_ID:
    return read_id(row, index, field);
  case TORPOR__COLUMN_CHOICE:
    return read_enum(row, index, column->limit, field);
  case TORPOR__COLUMN_FLAG:
    *(bool *)field = sqlite3_column_int64(row, index) != 0;
    return true;
  case TORPOR__COLUMN_TIME:
    return read_time(row, index, field);
  case TORPOR__COLUMN_TEXT:
    return read_text(row, index, column->limit, field);
  case TORPOR__COLUMN_OPTIONAL:
    return read_optional(row, index, column->limit, field);
  case TORPOR__COLUMN_BYTES:
    return read_bytes(row, index, column->limit, field);
  default:
    *(int64_t *)field = sqlite3_column_int64(row, index);
    return true;
  }
}

bool torpor__table_read(const struct torpor__table *table,
                        sqlite3_stmt *statement, int first, void *row) {
  for (int i = 0; i < table->count; i++) {
    const struct torpor__column *column = &table->columns[i];
    if (!read_column(statement, first + i, column,
                     (char *)row + column->offset))
      return false;
  }
  return table->fits == NULL || table->fits(row);
}

/* ---- what else must hold ------------------------------------------------- */

static bool run_fits(const void *row) {
  return torpor__database_is_id(((const struct torpor__run *)row)->id);
}

static bool head_fits(const void *row) {
  const struct torpor__head *head = row;
  return head->cancel >= 0 && head->step >= head->start;
}

/* Each upgrade begins a branch of its own. There may be more upgrades than
 * steps, since a run that was rewound can be upgraded once more. */
static bool state_fits(const void *row) {
  const struct torpor__state *state = row;
  return state->version <= state->branch && state->parent_step < state->step;
}

/* A branch leaves an older one: so a walk to the oldest comes to an end. */
static bool branch_fits(const void *row) {
  const struct torpor__branch *branch = row;
  return branch->parent >= -1 && branch->parent < branch->branch &&
         (branch->origin[0] == '\0' || torpor__database_is_id(branch->origin));
}

/* ---- tables -------------------------------------------------------------- */

#define COLUMN(row, field, column, kind, limit)                                \
  {TORPOR__COLUMN_##kind, offsetof(struct torpor__##row, field), limit},

#define TABLE(variable, table, given_, fits_, ...)                             \
  static const struct torpor__column variable##_columns[] = {__VA_ARGS__};     \
  const struct torpor__table torpor__table_##variable = {                      \
      .name = table,                                                           \
      .columns = variable##_columns,                                           \
      .count = sizeof variable##_columns / sizeof variable##_columns[0],       \
      .given = given_,                                                         \
      .fits = fits_};

TABLE(run, "run", 0, run_fits, TORPOR__RUN_COLUMNS(COLUMN, COLUMN, run))
TABLE(program, "edition", 0, NULL, TORPOR__PROGRAM_COLUMNS(COLUMN, COLUMN, run))
TABLE(version, "edition", 0, NULL,
      TORPOR__VERSION_COLUMNS(COLUMN, COLUMN, version))
TABLE(file, "source", 0, NULL, TORPOR__FILE_COLUMNS(COLUMN, COLUMN, file))
TABLE(head, "head", 0, head_fits, TORPOR__HEAD_COLUMNS(COLUMN, COLUMN, head))
TABLE(step, "head", 0, NULL, TORPOR__STEP_COLUMNS(COLUMN, COLUMN, head))
TABLE(news, "news", 0, NULL, TORPOR__NEWS_COLUMNS(COLUMN, COLUMN, news))
TABLE(due, "head", 0, NULL, TORPOR__DUE_COLUMNS(COLUMN, COLUMN, due))
TABLE(exit, "exit", 0, NULL, TORPOR__EXIT_COLUMNS(COLUMN, COLUMN, exit))
TABLE(state, "state", 0, state_fits,
      TORPOR__STATE_COLUMNS(COLUMN, COLUMN, state))
TABLE(listed_state, "state", 0, state_fits,
      TORPOR__LISTED_STATE_COLUMNS(COLUMN, COLUMN, state))
TABLE(branch, "branch", 0, branch_fits,
      TORPOR__BRANCH_COLUMNS(COLUMN, COLUMN, branch))
TABLE(kind, "kind", 0, NULL, TORPOR__KIND_COLUMNS(COLUMN, COLUMN, kind))
TABLE(operation, "operation", 0, NULL,
      TORPOR__OPERATION_COLUMNS(COLUMN, COLUMN, operation))
TABLE(result, "result", 1, NULL,
      COLUMN(result, sequence, sequence, SEQUENCE, 0)
          TORPOR__RESULT_COLUMNS(COLUMN, COLUMN, result))
TABLE(signal, "signal", 1, NULL,
      COLUMN(signal, sequence, sequence, SEQUENCE, 0)
          TORPOR__SIGNAL_COLUMNS(COLUMN, COLUMN, signal))
TABLE(line, "line", 0, NULL, TORPOR__LINE_COLUMNS(COLUMN, COLUMN, line))
