/* SPDX-License-Identifier: MIT */
/* database-sqlite-connection.c - a connection to a SQLite database: its errors,
 * how a statement is run, transactions, closing.
 *
 * On the thread of the database. */
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "run/database/database-sqlite-state.h"
#include "run/database/lock.h"

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

/* SQLite says of this only that it cannot open, read or write a file. */
static bool lacks_files(struct torpor__sqlite *db, int result) {
  int error = sqlite3_system_errno(db->db);
  return (result == SQLITE_CANTOPEN || result == SQLITE_IOERR) &&
         (error == EMFILE || error == ENFILE);
}

torpor_status torpor__sqlite_fail(struct torpor__sqlite *db, int result) {
  if (lacks_files(db, result & 0xff))
    return torpor__database_fail_system(&db->database, TORPOR_IO,
                                        sqlite3_system_errno(db->db), db->path);
  /* A failure of our own is none that the connection knows of. */
  const char *said = sqlite3_errcode(db->db) == SQLITE_OK
                         ? sqlite3_errstr(result)
                         : sqlite3_errmsg(db->db);
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
    if (failures[i].result == (result & 0xff))
      return torpor__database_fail(&db->database, failures[i].status,
                                   "%s: %s (%s)", db->path, failures[i].remedy,
                                   said);
  return torpor__database_fail(&db->database, TORPOR_IO, "%s: %s", db->path,
                               said);
}

torpor_status torpor__sqlite_fail_row(struct torpor__sqlite *db,
                                      const char *table) {
  if (sqlite3_errcode(db->db) == SQLITE_NOMEM)
    return torpor__sqlite_fail(db, SQLITE_NOMEM);
  return torpor__database_fail(&db->database, TORPOR_CORRUPT,
                               "%s: table %s has a row that no Torpor writes; "
                               "restore it from a backup",
                               db->path, table);
}

torpor_status torpor__sqlite_fail_number(struct torpor__sqlite *db,
                                         int64_t run) {
  return torpor__database_fail(&db->database, TORPOR_NOT_FOUND,
                               "there is no run number %lld", (long long)run);
}

/* ---- opening --------------------------------------------------------------*/

torpor_status torpor__sqlite_connect(struct torpor__sqlite *db,
                                     const char *name, const char *vfs,
                                     int flags) {
  char *uri = db->still ? torpor__sqlite_still_name(name) : NULL;
  if (db->still && uri == NULL)
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  if (db->still) flags |= SQLITE_OPEN_URI;
  int result =
      sqlite3_open_v2(uri != NULL ? uri : name, &db->db,
                      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  free(uri);
  if (db->db == NULL)
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  if (result != SQLITE_OK) return torpor__sqlite_fail(db, result);
  sqlite3_busy_timeout(db->db, db->busy_ms);
  sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  return TORPOR_OK;
}

static void forget_statements(struct torpor__sqlite *db) {
  for (size_t i = 0; i < TORPOR__SQLITE_STATEMENT_COUNT; i++) {
    sqlite3_finalize(db->statements[i]);
    db->statements[i] = NULL;
  }
}

/* Opens a file that is open for reading once more, in the way that fits now.
 * When that fails, it is open as before: the next statement tries again. */
static torpor_status reopen(struct torpor__sqlite *db) {
  sqlite3 *old = db->db;
  const struct stat file = db->still_file;
  forget_statements(db);
  db->db = NULL;
  torpor_status status = torpor__sqlite_still_choose(db, db->file);
  if (status == TORPOR_OK)
    status = torpor__sqlite_connect(db, db->file, NULL, SQLITE_OPEN_READONLY);
  sqlite3_close(status == TORPOR_OK ? old : db->db);
  if (status == TORPOR_OK) return status;
  db->db = old;
  db->still = true;
  db->still_file = file;
  return status;
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
  if (type == 'b') {
    const torpor_slice *bytes = va_arg(*args, const torpor_slice *);
    return sqlite3_bind_blob64(statement, index,
                               bytes->size > 0 ? bytes->data : "", bytes->size,
                               SQLITE_STATIC);
  }
  return sqlite3_bind_int64(statement, index, va_arg(*args, int64_t));
}

/* A result of SQLite. */
static int prepare(struct torpor__sqlite *db,
                   enum torpor__sqlite_statement which) {
  if (db->statements[which] != NULL) return SQLITE_OK;
  return sqlite3_prepare_v3(db->db, statement_texts[which], -1,
                            SQLITE_PREPARE_PERSISTENT, &db->statements[which],
                            NULL);
}

torpor_status torpor__sqlite_start_list(struct torpor__sqlite *db,
                                        enum torpor__sqlite_statement which,
                                        sqlite3_stmt **out, const char *types,
                                        va_list *args) {
  if (db->still && sqlite3_get_autocommit(db->db) &&
      torpor__sqlite_still_is_over(db)) {
    torpor_status status = reopen(db);
    if (status != TORPOR_OK) return status;
  }
  int result = prepare(db, which);
  for (int i = 0; result == SQLITE_OK && types[i] != '\0'; i++)
    result = bind_one(db->statements[which], i + 1, types[i], args);
  if (result != SQLITE_OK) return torpor__sqlite_fail(db, result);
  *out = db->statements[which];
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
  torpor_status status = db->still ? torpor__sqlite_still_check(db) : TORPOR_OK;
  *row = result == SQLITE_ROW && status == TORPOR_OK;
  if (status != TORPOR_OK || result == SQLITE_ROW || result == SQLITE_DONE)
    return status;
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

/* ---- writing a row ------------------------------------------------------- */

torpor_status torpor__sqlite_write(struct torpor__sqlite *db,
                                   enum torpor__sqlite_statement which,
                                   int first, const struct torpor__table *table,
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

torpor_status torpor__sqlite_insert(struct torpor__sqlite *db,
                                    enum torpor__sqlite_statement which,
                                    int64_t run,
                                    const struct torpor__table *table,
                                    const void *row) {
  return torpor__sqlite_write(db, which, 2, table, row, &run, 1);
}

/* ---- the log --------------------------------------------------------------*/

/* Pages of 4 KiB. The first: the states of hundreds of runs are written and
 * removed again before they leave the log; a longer one takes longer to read
 * after a crash. The second: somebody reads all the time, so that the log never
 * begins anew by itself. */
enum { LOG_PAGES = 4000, LOG_LONG = 4 * LOG_PAGES };

/* Copies all of it, and makes its file empty, if nobody reads or writes now: as
 * long as this waited for readers, it would keep writers waiting, too. */
static void cut_log(struct torpor__sqlite *db) {
  sqlite3_busy_timeout(db->db, 0);
  sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                            NULL);
  sqlite3_busy_timeout(db->db, db->busy_ms);
}

/* After a commit, by which the log has 'pages'. Nobody is waited for: what
 * others are in the way of is tried again after the next one. */
static int copy_log(void *data, sqlite3 *db, const char *name, int pages) {
  if (pages < LOG_PAGES) return SQLITE_OK;
  sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (pages >= LOG_LONG) cut_log(data);
  return SQLITE_OK;
}

void torpor__sqlite_limit_log(struct torpor__sqlite *db) {
  sqlite3_wal_hook(db->db, copy_log, db);
}

/* ---- transactions -------------------------------------------------------- */

/* What rolls it back is made before: when memory runs out meanwhile, the
 * transaction would stay open, and keep all others from writing. */
static torpor_status begin(struct torpor__sqlite *db,
                           enum torpor__sqlite_statement which) {
  sqlite3_stmt *statement;
  torpor_status status = torpor__sqlite_start(db, which, &statement, "");
  if (status != TORPOR_OK) return status;
  int result = prepare(db, TORPOR__SQLITE_ROLLBACK);
  return result == SQLITE_OK ? torpor__sqlite_complete(db, statement)
                             : torpor__sqlite_fail(db, result);
}

torpor_status torpor__sqlite_begin(struct torpor__database *database) {
  sqlite_of(database)->ends_run = sqlite_of(database)->has_news = false;
  return begin(sqlite_of(database), TORPOR__SQLITE_BEGIN);
}

torpor_status torpor__sqlite_view(struct torpor__database *database) {
  return begin(sqlite_of(database), TORPOR__SQLITE_VIEW);
}

/* SQLite also commits to a file that was removed, which nobody will read. */
torpor_status torpor__sqlite_commit(struct torpor__database *database) {
  struct torpor__sqlite *db = sqlite_of(database);
  torpor_status status = torpor__sqlite_run(db, TORPOR__SQLITE_COMMIT, "");
  if (status != TORPOR_OK) return status;
  if (db->has_news) torpor__lock_touch(db->locks);
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

/* Whether no other process has it open for writing now; see (1) of
 * database-sqlite-lock.c. */
static bool is_alone(struct torpor__sqlite *db) {
  if (torpor__lock_take(db->locks, 0, false) != 0) return false;
  torpor__lock_take(db->locks, 0, true);
  return true;
}

/* Pages that are copied while others wait. */
enum { COPIED_PAGES = 2000 };

/* SQLite uses freed pages again by itself. So the file is rewritten only when a
 * quarter of it is unused; and as nobody can write meanwhile, only when that
 * takes moments, or nobody is there. */
torpor_status torpor__sqlite_compact(struct torpor__database *database) {
  struct torpor__sqlite *db = sqlite_of(database);
  int64_t pages = 0, unused = 0;
  torpor_status status = torpor__sqlite_pragma(db, "PRAGMA page_count", &pages);
  if (status == TORPOR_OK)
    status = torpor__sqlite_pragma(db, "PRAGMA freelist_count", &unused);
  if (status != TORPOR_OK || unused * 4 < pages) return status;
  if (pages - unused > COPIED_PAGES && !is_alone(db)) return TORPOR_OK;
  status = torpor__sqlite_exec(db, "VACUUM");
  if (status == TORPOR_OK) cut_log(db);
  return status == TORPOR_LOCKED || status == TORPOR_FULL ? TORPOR_OK : status;
}

/* ---- closing ------------------------------------------------------------- */

void torpor__sqlite_close(struct torpor__database *database) {
  if (database == NULL) return;
  struct torpor__sqlite *db = sqlite_of(database);
  forget_statements(db);
  sqlite3_close(db->db);
  torpor__sqlite_file_leave(db);
  torpor__lock_close(db->locks);
  free(db->held);
  free(db->file);
  free(db->path);
  free(db);
}
