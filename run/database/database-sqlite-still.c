/* SPDX-License-Identifier: MIT */
/* database-sqlite-still.c - reading a database beside which nothing can be
 * written, or nothing should be.
 *
 * Reading a database that has a log, SQLite makes files beside it, -wal and
 * -shm, if they are not there. On a medium that is read-only it cannot; and in
 * the folder of somebody else these files would belong to the reader, so that
 * their owner could not write any more. Then:
 *
 *   -wal and -shm are there   somebody writes, or died while writing: SQLite
 *                             reads by way of them, and makes nothing
 *   neither, or an empty -wal the file is all there is: SQLite is told that it
 *                             is immutable, and needs neither
 *   only a -wal, not empty    what it says can only be read by who may write a
 *                             -shm: refused, with what to do
 *
 *  (1) Nothing is made, changed or removed by such a reader.
 *  (2) That a file is immutable is a promise which others may break at any
 *      time. So before a statement we look whether somebody has begun to
 *      write, and open the file anew in the way that fits then; and after each
 *      row whether the file has changed, when what was read last may be of no
 *      time at all: LOCKED, and trying again helps.
 *
 * On the thread of the database. */
#define _GNU_SOURCE /* faccessat with AT_EACCESS, st_mtim */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "run/database/database-sqlite-state.h"

/* ---- Whether it is such a one --------------------------------------------*/

static bool may_write(const char *path) {
  return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* Whether the folder of 'path' can be written. */
static bool may_write_beside(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  size_t size = slash == NULL ? 0 : (size_t)(slash - path);
  if (slash == NULL || size >= sizeof folder) return may_write(".");
  memcpy(folder, path, size);
  folder[size] = '\0';
  return may_write(size > 0 ? folder : "/");
}

/* What root makes, SQLite gives to the owner of the database. */
static bool belongs_to_another(const struct stat *file) {
  return geteuid() != 0 && geteuid() != file->st_uid;
}

static bool is_medium_read_only(const char *path) {
  struct statvfs medium;
  return statvfs(path, &medium) == 0 && (medium.f_flag & ST_RDONLY) != 0;
}

/* ---- What lies beside it -------------------------------------------------*/

struct beside {
  bool log, index; /* -wal, -shm are there */
  int64_t log_size;
};

static struct beside look_beside(const char *path) {
  char name[PATH_MAX + 8];
  struct stat found;
  struct beside beside = {0};
  snprintf(name, sizeof name, "%s-wal", path);
  beside.log = stat(name, &found) == 0;
  if (beside.log) beside.log_size = (int64_t)found.st_size;
  snprintf(name, sizeof name, "%s-shm", path);
  beside.index = stat(name, &found) == 0;
  return beside;
}

torpor_status torpor__sqlite_still_choose(struct torpor__sqlite *db,
                                          const char *name) {
  char path[PATH_MAX];
  struct stat file;
  db->still = false;
  if (realpath(name, path) == NULL || stat(path, &file) != 0) return TORPOR_OK;
  if (!belongs_to_another(&file) && !is_medium_read_only(path) &&
      may_write_beside(path))
    return TORPOR_OK;
  struct beside beside = look_beside(path);
  if (beside.log && beside.index) return TORPOR_OK;
  if (beside.log_size > 0)
    return torpor__database_fail(
        &db->database, TORPOR_READONLY,
        "%s has a log (-wal) whose writer died, and it cannot be read here; "
        "let its owner list it once, or copy both files to a folder that you "
        "can write",
        db->path);
  db->still = true;
  db->still_file = file;
  return TORPOR_OK;
}

/* ---- Opening it ----------------------------------------------------------*/

char *torpor__sqlite_still_name(const char *name) {
  static const char digits[] = "0123456789abcdef", end[] = "?immutable=1";
  char *uri = malloc(strlen(name) * 3 + sizeof "file:" + sizeof end);
  if (uri == NULL) return NULL;
  char *at = stpcpy(uri, "file:");
  for (; *name != '\0'; name++)
    if (strchr("%?#", *name) == NULL) {
      *at++ = *name;
    } else {
      *at++ = '%';
      *at++ = digits[(unsigned char)*name >> 4];
      *at++ = digits[(unsigned char)*name & 15];
    }
  memcpy(at, end, sizeof end);
  return uri;
}

/* ---- Whether it still is -------------------------------------------------*/

static bool has_changed(const struct torpor__sqlite *db) {
  const struct stat *was = &db->still_file;
  struct stat now;
  return stat(db->file, &now) != 0 || now.st_ino != was->st_ino ||
         now.st_dev != was->st_dev || now.st_size != was->st_size ||
         now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != was->st_mtim.tv_nsec;
}

bool torpor__sqlite_still_is_over(const struct torpor__sqlite *db) {
  struct beside beside = look_beside(db->file);
  return (beside.log && beside.index) || beside.log_size > 0 || has_changed(db);
}

torpor_status torpor__sqlite_still_check(struct torpor__sqlite *db) {
  if (!has_changed(db)) return TORPOR_OK;
  return torpor__database_fail(&db->database, TORPOR_LOCKED,
                               "%s was written while it was read; try again",
                               db->path);
}
