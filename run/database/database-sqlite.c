/* SPDX-License-Identifier: MIT */
/* database-sqlite.c - opening a database in one SQLite file.
 *
 *  (1) Durability is SQLite's: WAL with synchronous=FULL syncs the log at each
 *      commit. Nothing here caches what the file says.
 *  (2) The file may have been written by anybody: schema and rows are not
 *      trusted, and what does not fit is CORRUPT, never a crash. Triggers and
 *      views that it brings do not run.
 *
 * On the thread of the database. */
#include "run/database/database-sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/database/database-sqlite-state.h"
#include "run/fault.h"

/* The cache holds thousands of pages (its size is in KiB, as it is negative),
 * so that the states of hundreds of runs are written and removed again before
 * they leave it. A log that grew all the same is cut when it begins anew. What
 * is removed is not overwritten with zeros where that would have to be written
 * for its own sake, as some builds of SQLite do: removing took as long as
 * writing. */
#define WRITER_SETTINGS                                                        \
  "PRAGMA cache_size = -32768; PRAGMA journal_size_limit = 67108864;"          \
  "PRAGMA secure_delete = FAST;"

/* A store that is not there, and one that may not be read, are two things. */
static torpor_status check_file(struct torpor__sqlite *db,
                                const struct torpor__database_options *options,
                                const char *name) {
  bool missing = options->must_exist || options->read_only;
  int found = access(name, R_OK) == 0 ? 0 : errno;
  if (options->vfs != NULL || found == 0) return TORPOR_OK;
  if (found == EACCES)
    return torpor__database_fail(
        &db->database, TORPOR_DENIED,
        "the store %s may not be read by this user (%s); its owner can allow "
        "that, for the file and the folders above it",
        options->path, strerror(found));
  if (!missing || (found != ENOENT && found != ENOTDIR)) return TORPOR_OK;
  return torpor__database_fail(&db->database, TORPOR_NOT_FOUND,
                               "there is no store at %s; start a run there, or "
                               "choose another path",
                               options->path);
}

static torpor_status open_name(struct torpor__sqlite *db,
                               const struct torpor__database_options *options,
                               const char *name) {
  int flags = options->read_only ? SQLITE_OPEN_READONLY
              : options->must_exist
                  ? SQLITE_OPEN_READWRITE
                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  torpor_status status = check_file(db, options, name);
  if (status == TORPOR_OK && options->read_only && options->vfs == NULL)
    status = torpor__sqlite_still_choose(db, name);
  if (status != TORPOR_OK) return status;
  status = torpor__sqlite_connect(db, name, options->vfs, flags);
  if (status != TORPOR_OK || options->read_only) return status;
  return sqlite3_db_readonly(db->db, "main") == 1
             ? torpor__sqlite_fail(db, SQLITE_READONLY)
             : TORPOR_OK;
}

static torpor_status open_file(struct torpor__sqlite *db,
                               const struct torpor__database_options *options) {
  char *name;
  torpor_status status = torpor__sqlite_file_name(db, options->vfs, &name);
  if (status == TORPOR_OK) status = open_name(db, options, name);
  free(name);
  if (status != TORPOR_OK) return status;
  TORPOR__FAULT(STORE_OPENED);
  return torpor__sqlite_file_find(db, options->vfs);
}

/* SQLite does not wait here by itself, though it needs the file alone. */
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
  if (status == TORPOR_OK) status = torpor__sqlite_open_locks(db, options);
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
  if (status == TORPOR_OK && !db->read_only) torpor__sqlite_limit_log(db);
  if (status == TORPOR_OK) status = torpor__sqlite_file_check(db, true);
  return status;
}

static bool rests(const struct torpor__database *database, bool open) {
  sqlite3 *db = ((const struct torpor__sqlite *)database)->db;
  sqlite3_stmt *statement = NULL;
  while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
    if (sqlite3_stmt_busy(statement)) return false;
  return open == !sqlite3_get_autocommit(db);
}

static const struct torpor__database_facts facts = {
    .holds = torpor__sqlite_holds, .rests = rests};

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

const char *torpor__sqlite_path(const struct torpor__database *database) {
  return ((const struct torpor__sqlite *)database)->file;
}
