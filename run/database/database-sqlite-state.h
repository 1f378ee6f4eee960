/* SPDX-License-Identifier: MIT */
/* database-sqlite-state.h - what the files of the SQLite database share: the
 * open database, and how a statement is run.
 *
 *  (1) Every statement is prepared once, when first used, and reset after use:
 *      no statement is active between two calls of the database.
 *  (2) Every result of SQLite but the expected ones goes through
 *      torpor__sqlite_fail, the one place that knows what its codes mean.
 *
 * On the thread of the database. */
#ifndef TORPOR_RUN_DATABASE_SQLITE_STATE_H
#define TORPOR_RUN_DATABASE_SQLITE_STATE_H

#include <stdarg.h>
#include <sys/stat.h>

#include "run/database/database-sqlite-tables.h"
#include "run/database/database-sqlite.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

enum {
  TORPOR__SQLITE_APPLICATION = 0x546f7270, /* SQLite's mark of a file: "Torp" */
  TORPOR__SQLITE_FILES = 4 /* the database and what lies beside it */
};

/* Which file it is. */
struct torpor__sqlite_file {
  bool known;
  dev_t device;
  ino_t inode;
};

struct torpor__sqlite {
  struct torpor__database database; /* first: it is what callers hold */
  sqlite3 *db;
  char *path; /* as it was given */
  char *file; /* where it leads to, links followed */
  bool real;  /* the system has 'file', so that 'files' can be compared; not so
                    in the file systems of some tests */
  bool ends_run; /* the transaction does */
  bool has_news; /* the same: for those that watch the store */
  struct torpor__sqlite_file files[TORPOR__SQLITE_FILES];
  bool still; /* opened as one that nobody writes: database-sqlite-still.c */
  struct stat still_file; /* as it was then */
  int64_t look_due;
  struct torpor__sqlite *next; /* of those that are open in this process */
  int locks;                   /* file of locks, or -1 */
  int64_t *held;               /* runs that are locked by way of it, in order */
  size_t lock_count, lock_capacity;
  int busy_ms;
  bool read_only;
  sqlite3_stmt *statements[TORPOR__SQLITE_STATEMENT_COUNT];
};

/* What leads from one version of the tables, its index, to the next. */
struct torpor__migration {
  const char *sql;
};

extern const struct torpor__migration
    torpor__sqlite_migrations[TORPOR__SQLITE_VERSION];

/* Brings the open database to version 'count' of 'migrations', under an
 * exclusive lock and in one transaction; checks that it is a store at all.
 * OK, NEWER, FORMAT, LOCKED, or what SQLite says; then nothing has changed. */
torpor_status torpor__sqlite_migrate(struct torpor__sqlite *db,
                                     const struct torpor__migration *migrations,
                                     int count);

/* Opens the file of locks; 'db->file' is known. database-sqlite-lock.c */
torpor_status
torpor__sqlite_open_locks(struct torpor__sqlite *db,
                          const struct torpor__database_options *options);

/* Whether 'run' is locked by way of this database. */
bool torpor__sqlite_holds(const struct torpor__database *database, int64_t run);

/* Waits for byte 0 of the locks, shared. OK, LOCKED, or IO. */
torpor_status torpor__sqlite_share(struct torpor__sqlite *db);

/* Says why a lock could not be taken, from errno: IO. */
torpor_status torpor__sqlite_fail_lock(struct torpor__sqlite *db);

/* The plain path that 'db->path' means, for SQLite; '*name' is the caller's to
 * free, also on failure. MISUSE when it means no file. database-sqlite-file.c
 */
torpor_status torpor__sqlite_file_name(struct torpor__sqlite *db,
                                       const char *vfs, char **name);

/* Finds out what was opened: 'file', 'real'. MISUSE when it has other names
 * too. */
torpor_status torpor__sqlite_file_find(struct torpor__sqlite *db,
                                       const char *vfs);

/* Undoes that. */
void torpor__sqlite_file_leave(struct torpor__sqlite *db);

/* Before the file 'name' is opened for reading: sets 'still'. OK, or READONLY
 * when it cannot be read here. */
torpor_status torpor__sqlite_still_choose(struct torpor__sqlite *db,
                                          const char *name);
/* What SQLite is given to open it so, with SQLITE_OPEN_URI; the caller's to
 * free. NULL when memory ran out. */
char *torpor__sqlite_still_name(const char *name);
/* Whether others have begun to write, so that it must be opened anew. */
bool torpor__sqlite_still_is_over(const struct torpor__sqlite *db);
/* After a row was read: LOCKED when the file has changed. */
torpor_status torpor__sqlite_still_check(struct torpor__sqlite *db);

/* Opens the file 'name' with these flags of SQLite, and those that it is always
 * opened with. database-sqlite-connection.c */
torpor_status torpor__sqlite_connect(struct torpor__sqlite *db,
                                     const char *name, const char *vfs,
                                     int flags);

/* Whether 'file', and with 'all' what lies beside it, is what was opened: OK,
 * or IO. */
torpor_status torpor__sqlite_file_check(struct torpor__sqlite *db, bool all);

/* Has the log copied into the file whenever it becomes long. */
void torpor__sqlite_limit_log(struct torpor__sqlite *db);

/* Turns a result code of SQLite into ours, with a sentence. */
torpor_status torpor__sqlite_fail(struct torpor__sqlite *db, int result);

/* Runs SQL text that gives no rows. */
torpor_status torpor__sqlite_exec(struct torpor__sqlite *db, const char *sql);

/* The number that a PRAGMA gives. */
torpor_status torpor__sqlite_pragma(struct torpor__sqlite *db, const char *sql,
                                    int64_t *value);

/* Starts a statement with parameters as 'types' says: i int64_t, t text, b a
 * torpor_slice by its address. What they point to must live until 'finish'. */
torpor_status torpor__sqlite_start(struct torpor__sqlite *db,
                                   enum torpor__sqlite_statement which,
                                   sqlite3_stmt **statement, const char *types,
                                   ...);
torpor_status torpor__sqlite_start_list(struct torpor__sqlite *db,
                                        enum torpor__sqlite_statement which,
                                        sqlite3_stmt **statement,
                                        const char *types, va_list *args);

/* Goes to the next row; '*row' is false after the last. */
torpor_status torpor__sqlite_next(struct torpor__sqlite *db,
                                  sqlite3_stmt *statement, bool *row);

/* Ends a statement that 'start' began; returns 'status'. */
torpor_status torpor__sqlite_finish(sqlite3_stmt *statement,
                                    torpor_status status);

/* Runs one that was started to its end, and finishes it. */
torpor_status torpor__sqlite_complete(struct torpor__sqlite *db,
                                      sqlite3_stmt *statement);

/* Starts one and completes it. */
torpor_status torpor__sqlite_run(struct torpor__sqlite *db,
                                 enum torpor__sqlite_statement which,
                                 const char *types, ...);

/* Runs a statement whose parameters from 'first' on are the columns of 'row',
 * and whose others are 'keys', before those and after them. */
torpor_status torpor__sqlite_write(struct torpor__sqlite *db,
                                   enum torpor__sqlite_statement which,
                                   int first, const struct torpor__table *table,
                                   const void *row, const int64_t *keys,
                                   int key_count);

/* Inserts a row of a run, whose number is the first parameter. */
torpor_status torpor__sqlite_insert(struct torpor__sqlite *db,
                                    enum torpor__sqlite_statement which,
                                    int64_t run,
                                    const struct torpor__table *table,
                                    const void *row);

/* CORRUPT: 'table' has a row that no Torpor writes; or NOMEM, if it could not
 * be read for that. */
torpor_status torpor__sqlite_fail_row(struct torpor__sqlite *db,
                                      const char *table);

/* NOT_FOUND: there is no run of that number. */
torpor_status torpor__sqlite_fail_number(struct torpor__sqlite *db,
                                         int64_t run);

/* In database-sqlite-list.c. */
torpor_status torpor__sqlite_run_find(struct torpor__database *database,
                                      const char *id, int64_t *run);
torpor_status torpor__sqlite_run_get(struct torpor__database *database,
                                     int64_t run, torpor__run_fn *visit,
                                     void *data);
torpor_status torpor__sqlite_run_list(struct torpor__database *database,
                                      const struct torpor__page *page,
                                      torpor__run_fn *visit, void *data);

/* In database-sqlite-remove.c. */
torpor_status torpor__sqlite_state_thin(struct torpor__database *database,
                                        int64_t run, int64_t step,
                                        int64_t *budget,
                                        struct torpor__counts *removed);
torpor_status torpor__sqlite_state_excess(struct torpor__database *database,
                                          int64_t run, int64_t step,
                                          struct torpor__counts *excess);
torpor_status torpor__sqlite_state_newest(struct torpor__database *database,
                                          int64_t run, int64_t *step);
torpor_status torpor__sqlite_run_remove(struct torpor__database *database,
                                        int64_t run);
torpor_status torpor__sqlite_run_sweep(struct torpor__database *database,
                                       int64_t run, int64_t *budget);
torpor_status torpor__sqlite_run_ended(struct torpor__database *database,
                                       enum torpor__run_status status,
                                       int64_t before_ms, int64_t after,
                                       int64_t *runs, size_t *count);
torpor_status torpor__sqlite_run_removed(struct torpor__database *database,
                                         int64_t after, int64_t *run);

/* In database-sqlite-console.c. */
torpor_status torpor__sqlite_line_add(struct torpor__database *database,
                                      int64_t run,
                                      const struct torpor__line *rows,
                                      size_t count, uint64_t keep);

/* The calls of database.h that are not about rows; in
 * database-sqlite-connection.c and database-sqlite-lock.c. */
void torpor__sqlite_close(struct torpor__database *database);
torpor_status torpor__sqlite_begin(struct torpor__database *database);
torpor_status torpor__sqlite_commit(struct torpor__database *database);
torpor_status torpor__sqlite_view(struct torpor__database *database);
void torpor__sqlite_rollback(struct torpor__database *database);
torpor_status torpor__sqlite_savepoint(struct torpor__database *database);
torpor_status torpor__sqlite_release(struct torpor__database *database);
torpor_status torpor__sqlite_revert(struct torpor__database *database);
torpor_status torpor__sqlite_lock(struct torpor__database *database,
                                  int64_t run);
void torpor__sqlite_unlock(struct torpor__database *database, int64_t run);
torpor_status torpor__sqlite_locked(struct torpor__database *database,
                                    int64_t run, bool *locked);
torpor_status torpor__sqlite_compact(struct torpor__database *database);

/* All of them, with those that are; database-sqlite-rows.c. */
extern const struct torpor__database_calls torpor__sqlite_calls;

#endif
