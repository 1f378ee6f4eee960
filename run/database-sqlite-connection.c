/* SPDX-License-Identifier: MIT */
/* database-sqlite-connection.c - a connection to a SQLite database: its errors,
 * how a statement is run, transactions, closing.
 *
 * On the thread of the database. */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "database-sqlite-state.h"
#include "lock.h"

static struct torpor__sqlite *sqlite_of(struct torpor__database *database) {
  return (struct torpor__sqlite *)database;
}

/* ---- errors -------------------------------------------------------------- */

static const struct {
  int result;
  torpor_status status;
  const char *remedy;
} failures[] = {
    {SQLITE_BUSY, TORPOR_LOCKED, "others write to it; try again"},
    {SQLITE_LOCKED, TORPOR_LOCKED, "others write to it; try again"},
    {SQLITE_FULL, TORPOR_FULL, "free some space and try again"},
    {SQLITE_READONLY, TORPOR_READONLY, "make file and folder writable"},
    {SQLITE_PERM, TORPOR_READONLY, "make file and folder writable"},
    {SQLITE_CORRUPT, TORPOR_CORRUPT, "restore it from a backup"},
    {SQLITE_NOTADB, TORPOR_FORMAT, "this is no store; choose another path"},
    {SQLITE_ERROR, TORPOR_CORRUPT, "restore it from a backup"},
    {SQLITE_CONSTRAINT, TORPOR_EXISTS, "the row is there already"},
    {SQLITE_MISMATCH, TORPOR_CORRUPT, "restore it from a backup"},
    {SQLITE_TOOBIG, TORPOR_LIMIT, "a row may have 1 GB at most"},
    {SQLITE_NOMEM, TORPOR_NOMEM, "end some programs"},
    {SQLITE_CANTOPEN, TORPOR_IO, "check the path and its folder"},
    {SQLITE_IOERR, TORPOR_IO, "check the disk"},
};

torpor_status torpor__sqlite_fail(struct torpor__sqlite *db, int result) {
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
    if (failures[i].result == (result & 0xff))
      return torpor__database_fail(&db->database, failures[i].status,
                                   "%s: %s (%s)", db->path, failures[i].remedy,
                                   sqlite3_errmsg(db->db));
  return torpor__database_fail(&db->database, TORPOR_IO, "%s: %s", db->path,
                               sqlite3_errmsg(db->db));
}

/* ---- statements ---------------------------------------------------------- */

static const char *const statement_texts[] = {
#define STATEMENT_TEXT(name, text) text,
    TORPOR__SQLITE_STATEMENTS(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

torpor_status torpor__sqlite_exec(struct torpor__sqlite *db, const char *sql) {
  int result = sqlite3_exec(db->db, sql, NULL, NULL, NULL);
  return result == SQLITE_OK ? TORPOR_OK : torpor__sqlite_fail(db, result);
}

torpor_status torpor__sqlite_pragma(struct torpor__sqlite *db, const char *sql,
                                    int64_t *value) {
  sqlite3_stmt *statement = NULL;
  int result = sqlite3_prepare_v2(db->db, sql, -1, &statement, NULL);
  if (result == SQLITE_OK) result = sqlite3_step(statement);
  if (result == SQLITE_ROW) *value = sqlite3_column_int64(statement, 0);
  torpor_status status =
      result == SQLITE_ROW ? TORPOR_OK : torpor__sqlite_fail(db, result);
  sqlite3_finalize(statement);
  return status;
}

static int bind_one(sqlite3_stmt *statement, int index, char type,
                    va_list *args) {
  if (type == 't')
    return sqlite3_bind_text(statement, index, va_arg(*args, const char *), -1,
                             SQLITE_STATIC);
  return sqlite3_bind_int64(statement, index, va_arg(*args, int64_t));
}

torpor_status torpor__sqlite_start_list(struct torpor__sqlite *db,
                                        enum torpor__sqlite_statement which,
                                        sqlite3_stmt **out, const char *types,
                                        va_list *args) {
  sqlite3_stmt **cached = &db->statements[which];
  int result = SQLITE_OK;
  if (*cached == NULL)
    result = sqlite3_prepare_v3(db->db, statement_texts[which], -1,
                                SQLITE_PREPARE_PERSISTENT, cached, NULL);
  for (int i = 0; result == SQLITE_OK && types[i] != '\0'; i++)
    result = bind_one(*cached, i + 1, types[i], args);
  if (result != SQLITE_OK) return torpor__sqlite_fail(db, result);
  *out = *cached;
  return TORPOR_OK;
}

torpor_status torpor__sqlite_start(struct torpor__sqlite *db,
                                   enum torpor__sqlite_statement which,
                                   sqlite3_stmt **statement, const char *types,
                                   ...) {
  va_list args;
  va_start(args, types);
  torpor_status status =
      torpor__sqlite_start_list(db, which, statement, types, &args);
  va_end(args);
  return status;
}

torpor_status torpor__sqlite_next(struct torpor__sqlite *db,
                                  sqlite3_stmt *statement, bool *row) {
  int result = sqlite3_step(statement);
  *row = result == SQLITE_ROW;
  if (result == SQLITE_ROW || result == SQLITE_DONE) return TORPOR_OK;
  return torpor__sqlite_fail(db, result);
}

torpor_status torpor__sqlite_finish(sqlite3_stmt *statement,
                                    torpor_status status) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

torpor_status torpor__sqlite_complete(struct torpor__sqlite *db,
                                      sqlite3_stmt *statement) {
  bool row;
  torpor_status status = torpor__sqlite_next(db, statement, &row);
  return torpor__sqlite_finish(statement, status);
}

torpor_status torpor__sqlite_run(struct torpor__sqlite *db,
                                 enum torpor__sqlite_statement which,
                                 const char *types, ...) {
  sqlite3_stmt *statement;
  va_list args;
  va_start(args, types);
  torpor_status status =
      torpor__sqlite_start_list(db, which, &statement, types, &args);
  va_end(args);
  return status == TORPOR_OK ? torpor__sqlite_complete(db, statement) : status;
}

/* ---- transactions -------------------------------------------------------- */

torpor_status torpor__sqlite_begin(struct torpor__database *database) {
  sqlite_of(database)->ends_run = false;
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_BEGIN, "");
}

/* SQLite also commits to a file that was removed, which nobody will read. */
torpor_status torpor__sqlite_commit(struct torpor__database *database) {
  struct torpor__sqlite *db = sqlite_of(database);
  torpor_status status = torpor__sqlite_run(db, TORPOR__SQLITE_COMMIT, "");
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_file_check(db, db->ends_run);
}

/* Keeps the sentence that says why the caller rolls back. */
void torpor__sqlite_rollback(struct torpor__database *database) {
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  memcpy(message, database->message, sizeof message);
  if (!sqlite3_get_autocommit(sqlite_of(database)->db))
    torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_ROLLBACK, "");
  memcpy(database->message, message, sizeof message);
}

torpor_status torpor__sqlite_savepoint(struct torpor__database *database) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_SAVEPOINT, "");
}

torpor_status torpor__sqlite_release(struct torpor__database *database) {
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_RELEASE, "");
}

torpor_status torpor__sqlite_revert(struct torpor__database *database) {
  torpor_status status =
      torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_REVERT, "");
  return status == TORPOR_OK ? torpor__sqlite_release(database) : status;
}

/* SQLite uses freed pages again by itself. So the file is rewritten only when a
 * quarter of it is unused. */
torpor_status torpor__sqlite_compact(struct torpor__database *database) {
  struct torpor__sqlite *db = sqlite_of(database);
  int64_t pages = 0, unused = 0;
  torpor_status status = torpor__sqlite_pragma(db, "PRAGMA page_count", &pages);
  if (status == TORPOR_OK)
    status = torpor__sqlite_pragma(db, "PRAGMA freelist_count", &unused);
  if (status != TORPOR_OK || unused * 4 < pages) return status;
  status = torpor__sqlite_exec(db, "VACUUM");
  if (status == TORPOR_OK)
    status = torpor__sqlite_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
  return status == TORPOR_LOCKED || status == TORPOR_FULL ? TORPOR_OK : status;
}

torpor_status torpor__sqlite_changed(struct torpor__database *database,
                                     bool *changed_out) {
  struct torpor__sqlite *db = sqlite_of(database);
  sqlite3_stmt *statement;
  bool row = false;
  torpor_status status = torpor__sqlite_file_check(db, false);
  if (status == TORPOR_OK)
    status =
        torpor__sqlite_start(db, TORPOR__SQLITE_DATA_VERSION, &statement, "");
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  int64_t version = row ? sqlite3_column_int64(statement, 0) : 0;
  *changed_out = version != db->data_version;
  db->data_version = version;
  return torpor__sqlite_finish(statement, status);
}

/* ---- closing ------------------------------------------------------------- */

void torpor__sqlite_close(struct torpor__database *database) {
  if (database == NULL) return;
  struct torpor__sqlite *db = sqlite_of(database);
  for (size_t i = 0; i < TORPOR__SQLITE_STATEMENT_COUNT; i++)
    sqlite3_finalize(db->statements[i]);
  sqlite3_close(db->db);
  torpor__sqlite_file_leave(db);
  torpor__lock_close(db->locks);
  free(db->held);
  free(db->file);
  free(db->path);
  free(db);
}
