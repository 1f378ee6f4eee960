/* SPDX-License-Identifier: MIT */
/* database-sqlite.h - a database in one SQLite file, for the runs of one
 * machine.
 *
 *   PATH          the database, in WAL mode, synchronous=FULL
 *   PATH-wal -shm SQLite's own
 *   PATH-locks    empty; one byte of it is locked for each run, see lock.h
 *
 * PATH is where the file really lies: any path that leads there, by links,
 * opens the same database. The file system must have locks.
 *
 * What a database promises is in database.h. On its thread. */
#ifndef TORPOR_RUN_DATABASE_SQLITE_H
#define TORPOR_RUN_DATABASE_SQLITE_H

#include "run/database/database.h"

enum { TORPOR__SQLITE_VERSION = 3, TORPOR__DATABASE_BUSY_MS = 10000 };

struct torpor__database_options {
  const char *path;
  const char *locks; /* path of the file of locks; NULL: as above */
  const char *vfs;   /* name of a SQLite VFS; NULL: the system's */
  bool read_only;    /* never writes, not even a lock */
  bool must_exist;   /* NOT_FOUND instead of making a new file */
  int busy_ms;       /* how long to wait for other processes; 0: 10,000 */
};

/* Opens a database, of which an older one is migrated first. Several processes
 * may make a new one at the same time. On failure '*database' is NULL and a
 * sentence is in 'message'. NOMEM, IO, FULL, READONLY, LOCKED, NOT_FOUND, NEWER
 * (made by a newer Torpor), FORMAT (not a store), CORRUPT, MISUSE ('path' is
 * not the path of a file, or the file has several). */
torpor_status
torpor__sqlite_open(const struct torpor__database_options *options,
                    struct torpor__database **database,
                    char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* Whether 'path', without links, is or would be a file of such a database, open
 * here or not. Any thread. */
bool torpor__sqlite_covers(const char *path);

/* Where its file lies, links followed. */
const char *torpor__sqlite_path(const struct torpor__database *database);

#endif
