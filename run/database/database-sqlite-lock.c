/* SPDX-License-Identifier: MIT */
/* database-sqlite-lock.c - the file of locks beside a SQLite database: who has
 * it open, and who works which run.
 *
 *  (1) Whoever has the database open for writing shares byte 0. It is held
 *      alone for moments, to change the tables.
 *  (2) A run that is locked is in 'held', in order: the system would let one
 *      open file take a lock twice, and give it up at once.
 *
 * On the thread of the database. */
#define _POSIX_C_SOURCE 200809L /* fchmod */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "common/search.h"
#include "run/database/database-sqlite-state.h"
#include "run/database/lock.h"
#include "run/fault.h"

static struct torpor__sqlite *sqlite_of(struct torpor__database *database) {
  return (struct torpor__sqlite *)database;
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

/* ---- the file ------------------------------------------------------------ */

/* Gives the file of locks, which we may just have made, the owner and the
 * permissions of the database, as SQLite does with the log: else root, or one
 * of a group, would shut the others out. */
static void hand_over(const struct torpor__sqlite *db) {
  struct stat file, locks;
  if (stat(db->file, &file) != 0 || fstat(db->locks, &locks) != 0) return;
  if (geteuid() == 0 && locks.st_uid != file.st_uid &&
      fchown(db->locks, file.st_uid, file.st_gid) != 0)
    return;
  if (((file.st_mode & ~locks.st_mode) & 0666) != 0 &&
      (geteuid() == 0 || geteuid() == locks.st_uid))
    fchmod(db->locks, (file.st_mode | locks.st_mode) & 0666);
}

torpor_status
torpor__sqlite_open_locks(struct torpor__sqlite *db,
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
    status = torpor__database_fail_system(&db->database,
                                          denied            ? TORPOR_READONLY
                                          : errno == ENOSPC ? TORPOR_FULL
                                                            : TORPOR_IO,
                                          errno, path);
  }
  if (db->locks >= 0 && !db->read_only && db->real) hand_over(db);
  free(path);
  return status;
}

torpor_status torpor__sqlite_share(struct torpor__sqlite *db) {
  for (int waited = 0; waited <= db->busy_ms; waited += 5) {
    if (torpor__lock_take(db->locks, 0, true) == 0) return TORPOR_OK;
    if (errno != EAGAIN) return torpor__sqlite_fail_lock(db);
    sqlite3_sleep(5);
  }
  return torpor__database_fail(&db->database, TORPOR_LOCKED,
                               "%s is being migrated; try again", db->path);
}

/* ---- runs ---------------------------------------------------------------- */

/* Where the lock of 'run' is, or belongs, among those that are held. */
static size_t find_lock(const struct torpor__sqlite *db, int64_t run,
                        bool *found) {
  size_t at = torpor__search(&run, db->held, db->lock_count, sizeof *db->held,
                             torpor__compare_i64);
  *found = at < db->lock_count && db->held[at] == run;
  return at;
}

torpor_status torpor__sqlite_lock(struct torpor__database *database,
                                  int64_t run) {
  struct torpor__sqlite *db = sqlite_of(database);
  bool held;
  if (db->read_only)
    return torpor__database_fail(database, TORPOR_READONLY,
                                 "%s was opened for reading", db->path);
  size_t at = find_lock(db, run, &held);
  if (held && !TORPOR__BROKEN(NO_LOCK))
    return torpor__database_fail(database, TORPOR_LOCKED, NULL);
  if (!torpor__array_reserve(&db->held, &db->lock_capacity, db->lock_count + 1,
                             sizeof *db->held))
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  if (torpor__lock_take(db->locks, run, false) != 0) {
    if (errno == EAGAIN)
      return torpor__database_fail(database, TORPOR_LOCKED, NULL);
    return torpor__sqlite_fail_lock(db);
  }
  if (held) return TORPOR_OK;
  memmove(&db->held[at + 1], &db->held[at],
          (db->lock_count - at) * sizeof *db->held);
  db->held[at] = run;
  db->lock_count++;
  return TORPOR_OK;
}

void torpor__sqlite_unlock(struct torpor__database *database, int64_t run) {
  struct torpor__sqlite *db = sqlite_of(database);
  bool held;
  size_t at = find_lock(db, run, &held);
  if (!held) return;
  db->lock_count--;
  memmove(&db->held[at], &db->held[at + 1],
          (db->lock_count - at) * sizeof *db->held);
  torpor__lock_drop(db->locks, run);
}

torpor_status torpor__sqlite_locked(struct torpor__database *database,
                                    int64_t run, bool *locked_out) {
  int locks = sqlite_of(database)->locks;
  *locked_out = locks >= 0 && torpor__lock_taken(locks, run);
  return TORPOR_OK;
}

bool torpor__sqlite_holds(const struct torpor__database *database,
                          int64_t run) {
  bool held;
  find_lock((const struct torpor__sqlite *)database, run, &held);
  return held;
}
