/* SPDX-License-Identifier: MIT */
/* database-sqlite-schema.c - the tables, and migrating older ones.
 *
 * SQLite's application id marks a file as a store, its user version counts
 * migrations. Entry n of the list leads from version n to n + 1; entry 0 makes
 * the tables of version 1. An entry that was released is never changed.
 *
 *  (1) A newer version is refused and not touched; so is a database of
 *      something else.
 *  (2) Whoever has the file open shares byte 0 of the locks. Migrating needs it
 *      alone, so that nobody works with tables that change.
 *  (3) All migrations that are needed happen in one transaction, or none.
 *
 * Numbers of steps, branches and so on are signed 64-bit; operation ids are
 * unsigned and stored as the signed number of the same bits.
 *
 * On the thread of the database. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "run/database/database-sqlite-state.h"
#include "run/database/lock.h"
#include "run/database/source-hash.h"
#include "run/fault.h"

enum {
  POLL_MS = 5,
  MAKING_MS = 1000 /* how long a reader waits for tables that are being made */
};

/* Part of what leads from version 2 to 3. A program's sources are stored once,
 * by their SHA-256, however many runs have them. Console lines are counted, as
 * only the newest stay. Runs in 'removed' are gone; what is left of their rows
 * is being removed. */
#define SOURCES_TO_3                                                           \
  "CREATE TABLE source("                                                       \
  " hash BLOB NOT NULL UNIQUE,"                                                \
  " bytes BLOB NOT NULL);"                                                     \
  "INSERT OR IGNORE INTO source SELECT torpor_hash(source), source FROM file;" \
  "CREATE TABLE file_3("                                                       \
  " run INTEGER NOT NULL,"                                                     \
  " edition INTEGER NOT NULL,"                                                 \
  " name TEXT NOT NULL,"                                                       \
  " hash BLOB NOT NULL,"                                                       \
  " UNIQUE(run, edition, name));"                                              \
  "INSERT INTO file_3 SELECT run, edition, name, torpor_hash(source) FROM "    \
  " file;"                                                                     \
  "DROP TABLE file;"                                                           \
  "ALTER TABLE file_3 RENAME TO file;"                                         \
  "CREATE INDEX file_by_hash ON file(hash);"                                   \
  "ALTER TABLE run ADD COLUMN keep_lines INTEGER NOT NULL DEFAULT 10000;"      \
  "CREATE TABLE console("                                                      \
  " run INTEGER PRIMARY KEY,"                                                  \
  " lines INTEGER NOT NULL,"                                                   \
  " bytes INTEGER NOT NULL,"                                                   \
  " dropped INTEGER NOT NULL);"                                                \
  "INSERT INTO console SELECT run, count(*), sum(length(text)), 0 FROM line "  \
  " GROUP BY run;"                                                             \
  "CREATE TABLE removed(run INTEGER PRIMARY KEY);"

const struct torpor__migration
    torpor__sqlite_migrations[TORPOR__SQLITE_VERSION] = {
        {/* What never changes in a run; its number is never used again. */
         "CREATE TABLE run("
         " number INTEGER PRIMARY KEY AUTOINCREMENT,"
         " id TEXT NOT NULL UNIQUE,"
         " program TEXT NOT NULL,"
         " access TEXT NOT NULL,"
         " input BLOB NOT NULL,"
         " engine BLOB NOT NULL,"
         " memory_max INTEGER NOT NULL,"
         " fuel INTEGER NOT NULL,"
         " deadline_ms INTEGER NOT NULL,"
         " created_ms INTEGER NOT NULL,"
         " parent INTEGER NOT NULL);"
         "CREATE TABLE file("
         " run INTEGER NOT NULL,"
         " name TEXT NOT NULL,"
         " source BLOB NOT NULL,"
         " UNIQUE(run, name));"
         /* What every step changes: small, so that a step writes little. */
         "CREATE TABLE head("
         " run INTEGER PRIMARY KEY,"
         " status INTEGER NOT NULL DEFAULT 0,"
         " branch INTEGER NOT NULL DEFAULT 0,"
         " step INTEGER NOT NULL DEFAULT 0,"
         " fence INTEGER NOT NULL DEFAULT 0,"
         " attempts INTEGER NOT NULL DEFAULT 0,"
         " runnable INTEGER NOT NULL DEFAULT 0,"
         " cancel INTEGER NOT NULL DEFAULT 0,"
         " changed_ms INTEGER NOT NULL);"
         "CREATE TABLE exit("
         " run INTEGER PRIMARY KEY,"
         " value BLOB NOT NULL,"
         " reason TEXT NOT NULL);"
         "CREATE TABLE state("
         " run INTEGER NOT NULL,"
         " branch INTEGER NOT NULL,"
         " step INTEGER NOT NULL,"
         " parent_step INTEGER NOT NULL,"
         " engine BLOB NOT NULL,"
         " made_ms INTEGER NOT NULL,"
         " snapshot BLOB NOT NULL,"
         " UNIQUE(run, branch, step));"
         "CREATE TABLE operation("
         " run INTEGER NOT NULL,"
         " branch INTEGER NOT NULL,"
         " id INTEGER NOT NULL,"
         " kind TEXT NOT NULL,"
         " topic TEXT," /* NULL: waits for no signal */
         " request BLOB NOT NULL,"
         " due_ms INTEGER," /* NULL: none */
         " key TEXT NOT NULL,"
         " policy INTEGER NOT NULL,"
         " begun_ms INTEGER NOT NULL,"
         " begun_step INTEGER NOT NULL,"
         " PRIMARY KEY(run, branch, id)) WITHOUT ROWID;"
         "CREATE TABLE result("
         " sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
         " run INTEGER NOT NULL,"
         " branch INTEGER NOT NULL,"
         " operation INTEGER NOT NULL,"
         " outcome INTEGER NOT NULL,"
         " value BLOB NOT NULL,"
         " UNIQUE(run, branch, operation));"
         "CREATE TABLE signal("
         " sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
         " run INTEGER NOT NULL,"
         " topic TEXT NOT NULL,"
         " value BLOB NOT NULL,"
         " sent_ms INTEGER NOT NULL);"
         "CREATE INDEX signal_by_run ON signal(run, sequence);"
         "CREATE TABLE line("
         " run INTEGER NOT NULL,"
         " branch INTEGER NOT NULL,"
         " step INTEGER NOT NULL,"
         " number INTEGER NOT NULL,"
         " level INTEGER NOT NULL,"
         " text BLOB NOT NULL,"
         " written_ms INTEGER NOT NULL,"
         " PRIMARY KEY(run, branch, step, number)) WITHOUT ROWID;"},
        {/* A run has editions: a program and its engine, with its modules and
            what it took over from the one before. */
         "CREATE TABLE edition("
         " run INTEGER NOT NULL,"
         " number INTEGER NOT NULL,"
         " program TEXT NOT NULL,"
         " engine BLOB NOT NULL,"
         " start INTEGER NOT NULL,"
         " before INTEGER NOT NULL,"
         " state BLOB NOT NULL,"
         " UNIQUE(run, number));"
         "INSERT INTO edition SELECT number, 0, program, engine, 0, 0, X'' "
         " FROM run;"
         "ALTER TABLE run DROP COLUMN program;"
         "ALTER TABLE run DROP COLUMN engine;"
         "ALTER TABLE run ADD COLUMN keep INTEGER NOT NULL DEFAULT 10;"
         "ALTER TABLE head ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE head ADD COLUMN start INTEGER NOT NULL DEFAULT 0;"
         /* It was only whether; now it is up to which step. */
         "UPDATE head SET cancel = 9223372036854775807 WHERE cancel <> 0;"
         "CREATE TABLE file_2("
         " run INTEGER NOT NULL,"
         " edition INTEGER NOT NULL,"
         " name TEXT NOT NULL,"
         " source BLOB NOT NULL,"
         " UNIQUE(run, edition, name));"
         "INSERT INTO file_2 SELECT run, 0, name, source FROM file;"
         "DROP TABLE file;"
         "ALTER TABLE file_2 RENAME TO file;"
         /* Several states of a run, on several branches. They are found by step
            first: each branch goes on where another one was left. */
         "CREATE TABLE state_2("
         " run INTEGER NOT NULL,"
         " step INTEGER NOT NULL,"
         " branch INTEGER NOT NULL,"
         " edition INTEGER NOT NULL,"
         " parent_step INTEGER NOT NULL," /* 0: whole */
         " runnable INTEGER NOT NULL,"
         " clone INTEGER NOT NULL,"
         " engine BLOB NOT NULL,"
         " made_ms INTEGER NOT NULL,"
         " snapshot BLOB NOT NULL,"
         " UNIQUE(run, step, branch));"
         "INSERT INTO state_2 SELECT state.run, state.step, state.branch, 0, 0,"
         " head.runnable, 0, engine, made_ms, snapshot"
         " FROM state JOIN head ON head.run = state.run;"
         "DROP TABLE state;"
         "ALTER TABLE state_2 RENAME TO state;"
         "CREATE TABLE branch("
         " run INTEGER NOT NULL,"
         " branch INTEGER NOT NULL,"
         " parent INTEGER NOT NULL," /* -1: none */
         " parent_step INTEGER NOT NULL,"
         " first_operation INTEGER NOT NULL,"
         " origin TEXT NOT NULL,"
         " made_ms INTEGER NOT NULL,"
         " PRIMARY KEY(run, branch)) WITHOUT ROWID;"
         /* What waking means for each kind that the run has begun. */
         "CREATE TABLE kind("
         " run INTEGER NOT NULL,"
         " kind TEXT NOT NULL,"
         " policy INTEGER NOT NULL,"
         " PRIMARY KEY(run, kind)) WITHOUT ROWID;"
         "INSERT OR IGNORE INTO kind SELECT run, kind, policy FROM operation;"},
        {SOURCES_TO_3
         /* When a run needs a worker, and that there is news of it: database.h.
            Whoever has it at work must be found when that dies. */
         "ALTER TABLE head ADD COLUMN due_ms INTEGER DEFAULT 0;"
         "UPDATE head SET due_ms = (SELECT CASE WHEN head.attempts > 0 OR "
         " head.step = head.start OR head.runnable OR head.cancel <> 0 OR "
         " EXISTS (SELECT 1 FROM result WHERE run = head.run) OR "
         " EXISTS (SELECT 1 FROM signal WHERE run = head.run) OR "
         " total(topic IS NULL AND (policy <> 0 OR due_ms IS NULL)) > 0 "
         " THEN 0 ELSE max(0, min(due_ms)) END "
         " FROM operation WHERE run = head.run) "
         " WHERE status = 0;"
         "CREATE INDEX head_by_due ON head(due_ms, run) "
         " WHERE status = 0 AND due_ms IS NOT NULL;"
         "CREATE TABLE news("
         " run INTEGER PRIMARY KEY,"
         " number INTEGER NOT NULL);"
         /* Runs are found by what they are, however many others there are. */
         "CREATE INDEX head_by_status ON head(status, run);"
         "CREATE INDEX edition_by_program ON edition(program, run);"},
};

/* What tells a store from other databases, and its version. */
struct marks {
  int64_t application, user, tables;
};

/* In one transaction: another process may be making the tables now. */
static torpor_status read_marks(struct torpor__sqlite *db,
                                struct marks *marks) {
  torpor_status status = torpor__sqlite_exec(db, "BEGIN");
  if (status == TORPOR_OK)
    status =
        torpor__sqlite_pragma(db, "PRAGMA application_id", &marks->application);
  TORPOR__FAULT(STORE_MARKED);
  if (status == TORPOR_OK)
    status = torpor__sqlite_pragma(db, "PRAGMA user_version", &marks->user);
  if (status == TORPOR_OK)
    status = torpor__sqlite_pragma(db, "SELECT count(*) FROM sqlite_schema",
                                   &marks->tables);
  if (sqlite3_get_autocommit(db->db)) return status;
  /* Where that fails the database is not opened: closing it ends what is left.
   * An error from before keeps its message. */
  if (status == TORPOR_OK) return torpor__sqlite_exec(db, "ROLLBACK");
  sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

static torpor_status read_version(struct torpor__sqlite *db, int count,
                                  int *version) {
  struct marks marks = {0};
  torpor_status status = read_marks(db, &marks);
  if (status != TORPOR_OK) return status;
  *version = (int)marks.user;
  bool empty = marks.application == 0 && marks.user == 0 && marks.tables == 0;
  if (empty) return TORPOR_OK;
  if (marks.application != TORPOR__SQLITE_APPLICATION || marks.user < 1)
    return torpor__database_fail(&db->database, TORPOR_FORMAT,
                                 "%s is a database of something else; choose "
                                 "another path",
                                 db->path);
  if (marks.user > count)
    return torpor__database_fail(
        &db->database, TORPOR_NEWER,
        "%s has version %d, this Torpor knows %d; use a "
        "newer Torpor",
        db->path, (int)marks.user, count);
  return TORPOR_OK;
}

/* torpor_hash(BYTES) in SQL: NULL when memory ran out, which no table takes. */
static void hash_value(sqlite3_context *context, int count,
                       sqlite3_value **values) {
  uint8_t hash[TORPOR__SOURCE_HASH];
  (void)count;
  torpor_slice bytes = {.data = sqlite3_value_blob(values[0])};
  bytes.size = (size_t)sqlite3_value_bytes(values[0]);
  if (torpor__source_hash(bytes, hash))
    sqlite3_result_blob(context, hash, sizeof hash, SQLITE_TRANSIENT);
}

static torpor_status add_functions(struct torpor__sqlite *db) {
  int result = sqlite3_create_function(db->db, "torpor_hash", 1,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                       hash_value, NULL, NULL);
  return result == SQLITE_OK ? TORPOR_OK : torpor__sqlite_fail(db, result);
}

static torpor_status apply(struct torpor__sqlite *db,
                           const struct torpor__migration *migrations,
                           int version, int count) {
  torpor_status status = add_functions(db);
  if (status == TORPOR_OK) status = torpor__sqlite_exec(db, "BEGIN EXCLUSIVE");
  for (int i = version; status == TORPOR_OK && i < count; i++)
    status = torpor__sqlite_exec(db, migrations[i].sql);
  char marks[96];
  snprintf(marks, sizeof marks,
           "PRAGMA application_id = %d; PRAGMA user_version = %d;",
           TORPOR__SQLITE_APPLICATION, count);
  if (status == TORPOR_OK) status = torpor__sqlite_exec(db, marks);
  if (status == TORPOR_OK) status = torpor__sqlite_exec(db, "COMMIT");
  if (status != TORPOR_OK && !sqlite3_get_autocommit(db->db))
    sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

static void wait_a_little(void) {
  nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

/* Takes byte 0 alone, unless another process migrates meanwhile. */
static torpor_status take_alone(struct torpor__sqlite *db, int count,
                                int *version) {
  torpor__lock_drop(db->locks, 0);
  TORPOR__FAULT(STORE_EMPTY);
  for (int waited = 0; waited <= db->busy_ms; waited += POLL_MS) {
    if (torpor__lock_take(db->locks, 0, false) == 0)
      return read_version(db, count, version);
    if (errno != EAGAIN) return torpor__sqlite_fail_lock(db);
    torpor_status status = read_version(db, count, version);
    if (status != TORPOR_OK || *version == count) return status;
    wait_a_little();
  }
  return torpor__database_fail(&db->database, TORPOR_LOCKED,
                               "%s is of an older version and must be changed, "
                               "but others have it open; stop them first",
                               db->path);
}

/* Waits for an empty one: another process may be making its tables. */
static torpor_status look_at_version(struct torpor__sqlite *db, int count,
                                     int *version) {
  torpor_status status = read_version(db, count, version);
  for (int waited = 0; status == TORPOR_OK && *version == 0 && db->read_only &&
                       waited < MAKING_MS && waited < db->busy_ms;
       waited += POLL_MS) {
    wait_a_little();
    status = read_version(db, count, version);
  }
  return status;
}

torpor_status torpor__sqlite_migrate(struct torpor__sqlite *db,
                                     const struct torpor__migration *migrations,
                                     int count) {
  int version = 0;
  torpor_status status = look_at_version(db, count, &version);
  if (status != TORPOR_OK || version == count) return status;
  if (db->read_only)
    return torpor__database_fail(
        &db->database, TORPOR_READONLY,
        "%s is empty or of an older version and must be "
        "changed first; open it for writing once",
        db->path);
  bool older = version > 0;
  status = take_alone(db, count, &version);
  if (status == TORPOR_OK && version < count)
    status = apply(db, migrations, version, count);
  TORPOR__FAULT(STORE_MADE);
  torpor_status shared = torpor__sqlite_share(db);
  if (status == TORPOR_OK) status = shared;
  /* Tables that were made anew have left space behind. */
  if (status == TORPOR_OK && older)
    status = torpor__sqlite_compact(&db->database);
  return status;
}
