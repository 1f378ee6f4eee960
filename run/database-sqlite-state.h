/* SPDX-License-Identifier: MIT */
/* database-sqlite-state.h - what the files of the SQLite store share: the open
 * database, its statements, and how one is run.
 *
 *  (1) Every statement is prepared once, when first used, and reset after use:
 *      no statement is active between two calls of the store.
 *  (2) Every result of SQLite but the expected ones goes through
 *      torpor__sqlite_fail, the one place that knows what its codes mean.
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_DATABASE_SQLITE_STATE_H
#define TORPOR_RUN_DATABASE_SQLITE_STATE_H

#include <sys/types.h>

#include "database-sqlite.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* Every statement: name and text. Where a new row gets a number of its own, it
 * is one above the highest that there ever was. SQLite would choose the same,
 * but for a table in which one damaged row has the highest number of all: it
 * would take no others any more. */
#define TORPOR__SQLITE_STATEMENTS(X)                                           \
  X(BEGIN, "BEGIN IMMEDIATE")                                                  \
  X(COMMIT, "COMMIT")                                                          \
  X(ROLLBACK, "ROLLBACK")                                                      \
  X(SAVEPOINT, "SAVEPOINT one_run")                                            \
  X(RELEASE, "RELEASE one_run")                                                \
  X(REVERT, "ROLLBACK TO one_run")                                             \
  X(DATA_VERSION, "PRAGMA data_version")                                       \
  X(RUN_ADD,                                                                   \
    "INSERT INTO run(number, id, access, input, memory_max, fuel, "            \
    "deadline_ms, created_ms, parent, keep) VALUES((SELECT "                   \
    "ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = "               \
    "'run'),?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO NOTHING")                    \
  X(RUN_FIND, "SELECT number FROM run WHERE id = ?")                           \
  X(RUN_ONE,                                                                   \
    "SELECT run.number, id, program, access, input, engine, memory_max, "      \
    "fuel, deadline_ms, created_ms, parent, keep, status, branch, step, "      \
    "head.edition, head.start, fence, attempts, runnable, cancel, "            \
    "changed_ms FROM run LEFT JOIN head ON head.run = run.number LEFT JOIN "   \
    "edition ON edition.run = run.number AND edition.number = head.edition "   \
    "WHERE run.number = ?")                                                    \
  X(RUN_ALL,                                                                   \
    "SELECT run.number, id, program, access, input, engine, memory_max, "      \
    "fuel, deadline_ms, created_ms, parent, keep, status, branch, step, "      \
    "head.edition, head.start, fence, attempts, runnable, cancel, "            \
    "changed_ms FROM run LEFT JOIN head ON head.run = run.number LEFT JOIN "   \
    "edition ON edition.run = run.number AND edition.number = head.edition "   \
    "ORDER BY run.number")                                                     \
  X(RUN_COUNT,                                                                 \
    "SELECT (SELECT length(snapshot) FROM state WHERE run = ?1 ORDER BY "      \
    "step DESC, branch DESC LIMIT 1), (SELECT count(*) FROM operation "        \
    "WHERE run = ?1), (SELECT count(*) FROM signal WHERE run = ?1), "          \
    "(SELECT count(*) FROM state WHERE run = ?1), (SELECT "                    \
    "total(length(snapshot)) FROM state WHERE run = ?1)")                      \
  X(VERSION_ADD,                                                               \
    "INSERT INTO edition(run, number, program, engine, start, before, "        \
    "state) VALUES(?,?,?,?,?,?,?)")                                            \
  X(VERSION_EACH,                                                              \
    "SELECT number, program, engine, start, before, state FROM edition "       \
    "WHERE run = ? ORDER BY number")                                           \
  X(FILE_ADD, "INSERT INTO file(run, edition, name, source) VALUES(?,?,?,?)")  \
  X(FILE_EACH,                                                                 \
    "SELECT name, source FROM file WHERE run = ? AND edition = ? ORDER BY "    \
    "name")                                                                    \
  X(FILE_ONE,                                                                  \
    "SELECT name, source FROM file WHERE run = ? AND edition = ? AND name "    \
    "= ?")                                                                     \
  X(VERSION_INHERIT,                                                           \
    "INSERT OR REPLACE INTO edition(run, number, program, engine, start, "     \
    "before, state) SELECT ?2, number, program, engine, start, before, state " \
    "FROM edition WHERE run = ?1")                                             \
  X(FILE_INHERIT,                                                              \
    "INSERT INTO file(run, edition, name, source) SELECT ?2, edition, "        \
    "name, source FROM file WHERE run = ?1")                                   \
  X(KIND_INHERIT,                                                              \
    "INSERT INTO kind(run, kind, policy) SELECT ?2, kind, policy FROM kind "   \
    "WHERE run = ?1")                                                          \
  X(HEAD_ADD, "INSERT INTO head(run, changed_ms) VALUES(?,?)")                 \
  X(HEAD_GET,                                                                  \
    "SELECT status, branch, step, edition, start, fence, attempts, "           \
    "runnable, cancel, changed_ms FROM head WHERE run = ?")                    \
  X(HEAD_ALL,                                                                  \
    "SELECT run, status, branch, step, edition, start, fence, attempts, "      \
    "runnable, cancel, changed_ms FROM head "                                  \
    "WHERE run IN (SELECT number FROM run) ORDER BY run")                      \
  X(HEAD_PUT,                                                                  \
    "UPDATE head SET status = ?, branch = ?, step = ?, edition = ?, start "    \
    "= ?, fence = ?, attempts = ?, runnable = ?, cancel = ?, changed_ms = "    \
    "? WHERE run = ?")                                                         \
  X(HEAD_CHANGE,                                                               \
    "UPDATE head SET status = ?, branch = ?, step = ?, edition = ?, start "    \
    "= ?, fence = ?, attempts = ?, runnable = ?, cancel = ?, changed_ms = "    \
    "? WHERE run = ? AND status = ? AND step = ? AND fence = ? AND cancel "    \
    "= ?")                                                                     \
  X(EXIT_PUT, "INSERT INTO exit(run, value, reason) VALUES(?,?,?)")            \
  X(EXIT_REMOVE, "DELETE FROM exit WHERE run = ?")                             \
  X(EXIT_EACH, "SELECT value, reason FROM exit WHERE run = ?")                 \
  X(STATE_PUT,                                                                 \
    "INSERT INTO state(run, branch, step, edition, parent_step, runnable, "    \
    "clone, engine, snapshot, made_ms) VALUES(?,?,?,?,?,?,?,?,?,?)")           \
  X(STATE_PRUNE,                                                               \
    "DELETE FROM state WHERE run = ?1 AND (step, branch) < (SELECT step, "     \
    "branch FROM state WHERE run = ?1 AND step <= ?2 AND parent_step = 0 "     \
    "ORDER BY step DESC, branch DESC LIMIT 1)")                                \
  X(STATE_DROP, "DELETE FROM state WHERE run = ? AND step < ?")                \
  X(STATE_CUT, "DELETE FROM state WHERE run = ? AND step > ?")                 \
  X(STATE_EACH,                                                                \
    "SELECT branch, step, edition, parent_step, runnable, clone, engine, "     \
    "snapshot, made_ms FROM state WHERE run = ? AND step <= ? ORDER BY "       \
    "step DESC, branch DESC")                                                  \
  X(STATE_ENDS,                                                                \
    "SELECT branch, step, edition, parent_step, runnable, clone, engine, "     \
    "snapshot, made_ms FROM state WHERE rowid IN ((SELECT min(rowid) FROM "    \
    "state), (SELECT max(rowid) FROM state))")                                 \
  X(BRANCH_ADD,                                                                \
    "INSERT INTO branch(run, branch, parent, parent_step, first_operation, "   \
    "origin, made_ms) VALUES(?,?,?,?,?,?,?)")                                  \
  X(BRANCH_EACH,                                                               \
    "SELECT branch, parent, parent_step, first_operation, origin, "            \
    "made_ms FROM branch WHERE run = ? ORDER BY branch")                       \
  X(KIND_PUT,                                                                  \
    "INSERT INTO kind(run, kind, policy) VALUES(?,?,?) ON CONFLICT(run, "      \
    "kind) DO NOTHING")                                                        \
  X(KIND_EACH, "SELECT kind, policy FROM kind WHERE run = ?")                  \
  X(OPERATION_ADD,                                                             \
    "INSERT INTO operation(run, branch, id, kind, topic, request, due_ms, "    \
    "key, policy, begun_ms, begun_step) VALUES(?,?,?,?,?,?,?,?,?,?,?)")        \
  X(OPERATION_REMOVE,                                                          \
    "DELETE FROM operation WHERE run = ? AND branch = ? AND id = ?")           \
  X(OPERATION_CLEAR, "DELETE FROM operation WHERE run = ?")                    \
  X(OPERATION_EACH,                                                            \
    "SELECT branch, id, kind, topic, request, due_ms, key, policy, "           \
    "begun_ms, begun_step FROM operation WHERE run = ? ORDER BY branch, id")   \
  X(RESULT_ADD,                                                                \
    "INSERT INTO result(sequence, run, branch, operation, outcome, "           \
    "value) VALUES((SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence "      \
    "WHERE name = 'result'),?,?,?,?,?) ON CONFLICT(run, branch, "              \
    "operation) DO NOTHING")                                                   \
  X(RESULT_REMOVE,                                                             \
    "DELETE FROM result WHERE run = ? AND branch = ? AND operation = ?")       \
  X(RESULT_CLEAR, "DELETE FROM result WHERE run = ?")                          \
  X(RESULT_EACH,                                                               \
    "SELECT sequence, branch, operation, outcome, value FROM result WHERE "    \
    "run = ? ORDER BY sequence")                                               \
  X(SIGNAL_ADD,                                                                \
    "INSERT INTO signal(sequence, run, topic, value, sent_ms) "                \
    "VALUES((SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE "       \
    "name = 'signal'),?,?,?,?)")                                               \
  X(SIGNAL_REMOVE, "DELETE FROM signal WHERE run = ? AND sequence = ?")        \
  X(SIGNAL_EACH,                                                               \
    "SELECT sequence, topic, value, sent_ms FROM signal WHERE run = ? AND "    \
    "sequence > ? ORDER BY sequence")                                          \
  X(LINE_ADD,                                                                  \
    "INSERT INTO line(run, branch, step, number, level, text, written_ms) "    \
    "VALUES(?,?,?,?,?,?,?)")                                                   \
  X(LINE_EACH,                                                                 \
    "SELECT branch, step, number, level, text, written_ms FROM line "          \
    "WHERE run = ? AND step > ? ORDER BY branch, step, number")

enum torpor__sqlite_statement {
#define TORPOR__SQLITE_STATEMENT(name, text) TORPOR__SQLITE_##name,
  TORPOR__SQLITE_STATEMENTS(TORPOR__SQLITE_STATEMENT)
#undef TORPOR__SQLITE_STATEMENT
      TORPOR__SQLITE_STATEMENT_COUNT
};

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
  struct torpor__database database; /* first: a store is one of these */
  sqlite3 *db;
  char *path;    /* as it was given */
  char *file;    /* where it leads to, links followed */
  bool real;     /* 'file' is one of the system's, which 'files' are compared
                    with; not so in some layers of tests */
  bool ends_run; /* the transaction does */
  struct torpor__sqlite_file files[TORPOR__SQLITE_FILES];
  int64_t look_due;
  struct torpor__sqlite *next; /* of those that are open in this process */
  int locks;                   /* file of locks, or -1 */
  int64_t *held;               /* runs that are locked by way of it, in order */
  size_t run_count, run_capacity;
  int busy_ms;
  bool read_only;
  int64_t data_version;
  sqlite3_stmt *statements[TORPOR__SQLITE_STATEMENT_COUNT];
};

/* One step of the schema: what leads from version 'its index' to the next. */
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
torpor_status torpor__sqlite_place_name(struct torpor__sqlite *db,
                                        const char *vfs, char **name);

/* Finds out what was opened: 'file', 'real'. MISUSE when it has other names
 * too. */
torpor_status torpor__sqlite_place_find(struct torpor__sqlite *db,
                                        const char *vfs);

/* Undoes that. */
void torpor__sqlite_place_leave(struct torpor__sqlite *db);

/* Whether 'file', and with 'all' what lies beside it, is what was opened: OK,
 * or IO. */
torpor_status torpor__sqlite_place_check(struct torpor__sqlite *db, bool all);

/* Turns a result code of SQLite into ours, with a sentence. */
torpor_status torpor__sqlite_fail(struct torpor__sqlite *db, int result);

/* Runs SQL text that gives no rows. */
torpor_status torpor__sqlite_exec(struct torpor__sqlite *db, const char *sql);

/* The number that a PRAGMA gives. */
torpor_status torpor__sqlite_pragma(struct torpor__sqlite *db, const char *sql,
                                    int64_t *value);

/* Starts a statement with parameters as 'types' says: i int64_t, t text or
 * NULL, b torpor_slice, n int64_t where TORPOR__NEVER is NULL. What
 * they point to must live until 'finish'. */
torpor_status torpor__sqlite_start(struct torpor__sqlite *db,
                                   enum torpor__sqlite_statement which,
                                   sqlite3_stmt **statement, const char *types,
                                   ...);

/* Goes to the next row; '*row' is false after the last. */
torpor_status torpor__sqlite_next(struct torpor__sqlite *db,
                                  sqlite3_stmt *statement, bool *row);

/* Ends a statement that 'start' began; returns 'status'. */
torpor_status torpor__sqlite_finish(sqlite3_stmt *statement,
                                    torpor_status status);

/* Starts, runs to the end and finishes. */
torpor_status torpor__sqlite_run(struct torpor__sqlite *db,
                                 enum torpor__sqlite_statement which,
                                 const char *types, ...);

/* The calls of database.h that are not about rows; in
 * database-sqlite-connection.c and database-sqlite-lock.c. */
void torpor__sqlite_close(struct torpor__database *database);
torpor_status torpor__sqlite_begin(struct torpor__database *database);
torpor_status torpor__sqlite_commit(struct torpor__database *database);
void torpor__sqlite_rollback(struct torpor__database *database);
torpor_status torpor__sqlite_savepoint(struct torpor__database *database);
torpor_status torpor__sqlite_release(struct torpor__database *database);
torpor_status torpor__sqlite_revert(struct torpor__database *database);
torpor_status torpor__sqlite_lock(struct torpor__database *database,
                                  int64_t run);
void torpor__sqlite_unlock(struct torpor__database *database, int64_t run);
torpor_status torpor__sqlite_locked(struct torpor__database *database,
                                    int64_t run, bool *locked);
torpor_status torpor__sqlite_changed(struct torpor__database *database,
                                     bool *changed);
torpor_status torpor__sqlite_compact(struct torpor__database *database);

/* All of them, with those that are; database-sqlite-rows.c. */
extern const struct torpor__database_calls torpor__sqlite_calls;

#endif
