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

#include "fault.h"
#include "lock.h"
#include "database-sqlite-state.h"

enum {
  POLL_MS = 5,
  MAKING_MS = 1000 /* how long a reader waits for tables that are being made */
};

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
  if (!sqlite3_get_autocommit(db->db))
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

static torpor_status apply(struct torpor__sqlite *db,
                           const struct torpor__migration *migrations,
                           int version, int count) {
  torpor_status status = torpor__sqlite_exec(db, "BEGIN EXCLUSIVE");
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
  status = take_alone(db, count, &version);
  if (status == TORPOR_OK && version < count)
    status = apply(db, migrations, version, count);
  TORPOR__FAULT(STORE_MADE);
  torpor_status shared = torpor__sqlite_share(db);
  return status == TORPOR_OK ? shared : status;
}
