/* SPDX-License-Identifier: MIT */
/* database-sqlite-log.h - a file layer of SQLite that writes the log in large
 * pieces.
 *
 * SQLite writes each page of a transaction to its log with two calls, one for
 * 24 bytes and one for the page. To the system one large write is much less
 * work, so what follows upon each other is gathered until the log is synced,
 * read or cut, or the lock for writing is given up.
 *
 *  (1) Only for connections that sync at every commit (synchronous=FULL): there
 *      SQLite syncs the log before it lets anybody know of what is in it.
 *  (2) A layer is for one connection. */
#ifndef TORPOR_RUN_DATABASE_SQLITE_LOG_H
#define TORPOR_RUN_DATABASE_SQLITE_LOG_H

struct torpor__sqlite_log;

/* A layer over the VFS named 'base' (NULL: the system's). NULL: there is no
 * such VFS, or no memory. */
struct torpor__sqlite_log *torpor__sqlite_log_open(const char *base);

/* The name of the layer, for sqlite3_open_v2. */
const char *torpor__sqlite_log_name(const struct torpor__sqlite_log *log);

/* After the connection is closed. Accepts NULL. */
void torpor__sqlite_log_close(struct torpor__sqlite_log *log);

#endif
