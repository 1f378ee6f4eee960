/* SPDX-License-Identifier: MIT */
/* database-sqlite.c - a store in one SQLite file: opening, transactions, locks,
 * and how a statement is run.
 *
 *  (1) Durability is SQLite's: WAL with synchronous=FULL syncs the log at each
 *      commit. Nothing here caches what the file says.
 *  (2) The file may have been written by anybody: schema and rows are not
 *      trusted, and what does not fit is CORRUPT, never a crash.
 *
 * On the thread of the store. */
#include "database-sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "fault.h"
#include "lock.h"
#include "database-sqlite-state.h"

/* Log and cache hold some thousands of pages, in KiB where negative: the states
 * of hundreds of runs are written and dropped again before they have to leave
 * either. A log that is longer is read longer after a crash. */
#define WRITER_SETTINGS                                                        \
  "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768;"

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

static int bind_slice(sqlite3_stmt *statement, int index,
                      struct torpor__slice slice) {
  return sqlite3_bind_blob64(statement, index, slice.size > 0 ? slice.data : "",
                             slice.size, SQLITE_STATIC);
}

static int bind_one(sqlite3_stmt *statement, int index, char type,
                    va_list *args) {
  if (type == 't')
    return sqlite3_bind_text(statement, index, va_arg(*args, const char *), -1,
                             SQLITE_STATIC);
  if (type == 'b')
    return bind_slice(statement, index, va_arg(*args, struct torpor__slice));
  int64_t number = va_arg(*args, int64_t);
  if (type == 'n' && number == TORPOR__NEVER)
    return sqlite3_bind_null(statement, index);
  return sqlite3_bind_int64(statement, index, number);
}

static torpor_status start_with(struct torpor__sqlite *db,
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
  torpor_status status = start_with(db, which, statement, types, &args);
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

torpor_status torpor__sqlite_run(struct torpor__sqlite *db,
                                 enum torpor__sqlite_statement which,
                                 const char *types, ...) {
  sqlite3_stmt *statement;
  bool row;
  va_list args;
  va_start(args, types);
  torpor_status status = start_with(db, which, &statement, types, &args);
  va_end(args);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_next(db, statement, &row);
  return torpor__sqlite_finish(statement, status);
}

/* ---- transactions -------------------------------------------------------- */

torpor_status torpor__sqlite_begin(struct torpor__database *database) {
  sqlite_of(database)->ends_run = false;
  return torpor__sqlite_run(sqlite_of(database), TORPOR__SQLITE_BEGIN, "");
}

/* What was written to a file that is gone is not committed, whatever SQLite
 * says. */
torpor_status torpor__sqlite_commit(struct torpor__database *database) {
  struct torpor__sqlite *db = sqlite_of(database);
  torpor_status status = torpor__sqlite_run(db, TORPOR__SQLITE_COMMIT, "");
  if (status != TORPOR_OK) return status;
  return torpor__sqlite_place_check(db, db->ends_run);
}

/* Keeps the sentence of what made the caller give up. */
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

/* Freed pages are used again by themselves. The file is written anew only when
 * it is asked for and a quarter of it is unused. */
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
  torpor_status status = torpor__sqlite_place_check(db, false);
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

/* ---- locks --------------------------------------------------------------- */

/* Where 'run' is, or belongs, among those that are held. The system would let
 * one open file take a lock twice, and give it up at once. */
static size_t find_run(const struct torpor__sqlite *db, int64_t run,
                       bool *found) {
  size_t low = 0, high = db->run_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (db->held[middle] < run)
      low = middle + 1;
    else
      high = middle;
  }
  *found = low < db->run_count && db->held[low] == run;
  return low;
}

torpor_status torpor__sqlite_lock(struct torpor__database *database,
                                  int64_t run) {
  struct torpor__sqlite *db = sqlite_of(database);
  bool held;
  if (db->read_only)
    return torpor__database_fail(database, TORPOR_READONLY,
                                 "%s was opened for reading", db->path);
  size_t at = find_run(db, run, &held);
  if (held && !TORPOR__BROKEN(NO_LOCK))
    return torpor__database_fail(database, TORPOR_LOCKED, NULL);
  if (!torpor__array_reserve(&db->held, &db->run_capacity, db->run_count + 1,
                             sizeof *db->held))
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  if (torpor__lock_take(db->locks, run, false) != 0) {
    if (errno == EAGAIN)
      return torpor__database_fail(database, TORPOR_LOCKED, NULL);
    return torpor__sqlite_fail_lock(db);
  }
  if (held) return TORPOR_OK;
  memmove(&db->held[at + 1], &db->held[at],
          (db->run_count - at) * sizeof *db->held);
  db->held[at] = run;
  db->run_count++;
  return TORPOR_OK;
}

void torpor__sqlite_unlock(struct torpor__database *database, int64_t run) {
  struct torpor__sqlite *db = sqlite_of(database);
  bool held;
  size_t at = find_run(db, run, &held);
  if (!held) return;
  db->run_count--;
  memmove(&db->held[at], &db->held[at + 1],
          (db->run_count - at) * sizeof *db->held);
  torpor__lock_drop(db->locks, run);
}

torpor_status torpor__sqlite_locked(struct torpor__database *database,
                                    int64_t run, bool *locked_out) {
  int locks = sqlite_of(database)->locks;
  *locked_out = locks >= 0 && torpor__lock_taken(locks, run);
  return TORPOR_OK;
}

/* ---- opening and closing ------------------------------------------------- */

void torpor__sqlite_close(struct torpor__database *database) {
  if (database == NULL) return;
  struct torpor__sqlite *db = sqlite_of(database);
  for (size_t i = 0; i < TORPOR__SQLITE_STATEMENT_COUNT; i++)
    sqlite3_finalize(db->statements[i]);
  sqlite3_close(db->db);
  torpor__sqlite_place_leave(db);
  torpor__lock_close(db->locks);
  free(db->held);
  free(db->file);
  free(db->path);
  free(db);
}

static torpor_status
open_locks(struct torpor__sqlite *db,
           const struct torpor__database_options *options) {
  size_t size = strlen(db->file) + sizeof "-locks";
  char *path = malloc(size);
  if (path == NULL)
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  snprintf(path, size, "%s-locks", db->file);
  const char *locks = options->locks != NULL ? options->locks : path;
  db->locks =
      db->read_only ? torpor__lock_look(locks) : torpor__lock_open(locks);
  torpor_status status = TORPOR_OK;
  if (db->locks < 0 && !db->read_only) {
    bool denied = errno == EACCES || errno == EROFS || errno == EPERM;
    status = torpor__database_fail(&db->database,
                                   denied            ? TORPOR_READONLY
                                   : errno == ENOSPC ? TORPOR_FULL
                                                     : TORPOR_IO,
                                   "%s: %s", path, strerror(errno));
  }
  free(path);
  return status;
}

torpor_status torpor__sqlite_fail_lock(struct torpor__sqlite *db) {
  bool none = errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS ||
              errno == EINVAL;
  return torpor__database_fail(
      &db->database, TORPOR_IO, "%s-locks: %s%s", db->file, strerror(errno),
      none ? "; the file system has no locks, or no more "
             "of them: put the store on a local one"
           : "");
}

/* Whoever has the store open shares byte 0; it is held alone for moments. */
torpor_status torpor__sqlite_share(struct torpor__sqlite *db) {
  for (int waited = 0; waited <= db->busy_ms; waited += 5) {
    if (torpor__lock_take(db->locks, 0, true) == 0) return TORPOR_OK;
    if (errno != EAGAIN) return torpor__sqlite_fail_lock(db);
    sqlite3_sleep(5);
  }
  return torpor__database_fail(&db->database, TORPOR_LOCKED,
                               "%s is being migrated; try again", db->path);
}

static torpor_status open_name(struct torpor__sqlite *db,
                               const struct torpor__database_options *options,
                               const char *name) {
  int flags = options->read_only ? SQLITE_OPEN_READONLY
              : options->must_exist
                  ? SQLITE_OPEN_READWRITE
                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int result = sqlite3_open_v2(
      name, &db->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      options->vfs);
  if (db->db == NULL)
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  if (result == SQLITE_OK) {
    sqlite3_busy_timeout(db->db, db->busy_ms);
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!options->read_only && sqlite3_db_readonly(db->db, "main") == 1)
      result = SQLITE_READONLY;
  }
  bool missing = options->must_exist || options->read_only;
  if ((result & 0xff) == SQLITE_CANTOPEN && missing)
    return torpor__database_fail(
        &db->database, TORPOR_NOT_FOUND,
        "there is no store at %s; start a run there, or "
        "choose another path",
        options->path);
  return result == SQLITE_OK ? TORPOR_OK : torpor__sqlite_fail(db, result);
}

static torpor_status open_file(struct torpor__sqlite *db,
                               const struct torpor__database_options *options) {
  char *name;
  torpor_status status = torpor__sqlite_place_name(db, options->vfs, &name);
  if (status == TORPOR_OK) status = open_name(db, options, name);
  free(name);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(STORE_OPENED);
  return torpor__sqlite_place_find(db, options->vfs);
}

/* SQLite does not wait for this one: it wants the file for itself. */
static torpor_status set_mode(struct torpor__sqlite *db) {
  int result = SQLITE_BUSY;
  for (int waited = 0; result == SQLITE_BUSY && waited <= db->busy_ms;
       waited += 5) {
    if (waited > 0) sqlite3_sleep(5);
    result =
        sqlite3_exec(db->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) &
        0xff;
  }
  return result == SQLITE_OK ? TORPOR_OK : torpor__sqlite_fail(db, result);
}

static torpor_status
open_parts(struct torpor__sqlite *db,
           const struct torpor__database_options *options) {
  torpor_status status = open_file(db, options);
  if (status == TORPOR_OK) status = open_locks(db, options);
  if (status == TORPOR_OK && !db->read_only) status = torpor__sqlite_share(db);
  if (status == TORPOR_OK)
    status = torpor__sqlite_exec(db, TORPOR__BROKEN(NO_SYNC)
                                         ? "PRAGMA synchronous = OFF"
                                         : "PRAGMA synchronous = FULL");
  if (status == TORPOR_OK)
    status = torpor__sqlite_migrate(db, torpor__sqlite_migrations,
                                    TORPOR__SQLITE_VERSION);
  if (status == TORPOR_OK && !db->read_only) status = set_mode(db);
  if (status == TORPOR_OK && !db->read_only)
    status = torpor__sqlite_exec(db, WRITER_SETTINGS);
  bool ignored;
  if (status == TORPOR_OK)
    status = torpor__sqlite_changed(&db->database, &ignored);
  if (status == TORPOR_OK) status = torpor__sqlite_place_check(db, true);
  return status;
}

static bool holds(const struct torpor__database *database, int64_t run) {
  bool held;
  find_run((const struct torpor__sqlite *)database, run, &held);
  return held;
}

static bool rests(const struct torpor__database *database, bool open) {
  sqlite3 *db = ((const struct torpor__sqlite *)database)->db;
  sqlite3_stmt *statement = NULL;
  while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
    if (sqlite3_stmt_busy(statement)) return false;
  return open == !sqlite3_get_autocommit(db);
}

static const struct torpor__database_facts facts = {.holds = holds,
                                                    .rests = rests};

torpor_status
torpor__sqlite_open(const struct torpor__database_options *options,
                    struct torpor__database **database,
                    char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  *database = NULL;
  struct torpor__sqlite *db = calloc(1, sizeof *db);
  char *path = malloc(strlen(options->path) + 1);
  if (db == NULL || path == NULL) {
    snprintf(message, TORPOR__DATABASE_MESSAGE_MAX, "%s",
             torpor_status_text(TORPOR_NOMEM));
    free(db);
    free(path);
    return TORPOR_NOMEM;
  }
  strcpy(path, options->path);
  db->database.calls = &torpor__sqlite_calls;
  db->path = path;
  db->locks = -1;
  db->busy_ms =
      options->busy_ms > 0 ? options->busy_ms : TORPOR__DATABASE_BUSY_MS;
  db->read_only = options->read_only;
  torpor_status status = open_parts(db, options);
  if (status != TORPOR_OK) {
    memcpy(message, db->database.message, TORPOR__DATABASE_MESSAGE_MAX);
    torpor__sqlite_close(&db->database);
    return status;
  }
  torpor__database_check(&db->database, &facts);
  *database = &db->database;
  return TORPOR_OK;
}

const char *torpor__sqlite_file(const struct torpor__database *database) {
  return ((const struct torpor__sqlite *)database)->file;
}
