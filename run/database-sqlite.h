/* SPDX-License-Identifier: MIT */
/* database-sqlite.h - a store in one SQLite file, for the runs of one machine.
 *
 *   PATH          the database, in WAL mode, synchronous=FULL
 *   PATH-wal -shm SQLite's own
 *   PATH-locks    one byte per run, see lock.h; empty
 *
 * PATH is where the file lies; whatever leads there is the same store. Its
 * locks are local: a file system must have them.
 *
 * What a store promises is in database.h. On the thread of the store. */
#ifndef TORPOR_RUN_DATABASE_SQLITE_H
#define TORPOR_RUN_DATABASE_SQLITE_H

#include "database.h"

enum { TORPOR__SQLITE_VERSION = 2, TORPOR__DATABASE_BUSY_MS = 10000 };

struct torpor__database_options {
  const char *path;
  const char *locks; /* path of the file of locks; NULL: as above */
  const char *vfs;   /* name of a SQLite VFS; NULL: the system's */
  bool read_only;    /* never writes, not even a lock */
  bool must_exist;   /* NOT_FOUND instead of making a new store */
  int busy_ms;       /* how long to wait for other processes; 0: 10,000 */
};

/* Opens a store; an older one is migrated first. On failure '*store' is NULL
 * and a sentence is in 'message'. NOMEM, IO, FULL, READONLY, LOCKED, NOT_FOUND,
 * NEWER (made by a newer Torpor), FORMAT (not a store), CORRUPT, MISUSE ('path'
 * is no path of a file, or one of several). Any number may make one new store
 * at once. */
torpor_status
torpor__sqlite_open(const struct torpor__database_options *options,
                    struct torpor__database **database,
                    char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* Whether 'path', a resolved one, is a file of such a store, open here or not,
 * or would be one. Any thread. */
bool torpor__sqlite_covers(const char *path);

/* Where the file of such a store lies, links followed. */
const char *torpor__sqlite_path(const struct torpor__database *database);

#endif
