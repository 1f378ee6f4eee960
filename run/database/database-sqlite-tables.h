/* SPDX-License-Identifier: MIT */
/* database-sqlite-tables.h - the columns of each table, and all statements.
 *
 * A table's columns are listed once, with what each may hold and the field of a
 * row (database.h) that it is. From that list follow the names in statements,
 * how a row is bound and how it is read: database-sqlite-tables.c.
 *
 *  (1) What is read is checked before anybody sees it: numbers that stand for
 *      a status, a policy or an outcome are in range, so are those that count
 *      something, texts are there and not too long.
 *
 * How tables are made is in database-sqlite-schema.c. */
#ifndef TORPOR_RUN_DATABASE_SQLITE_TABLES_H
#define TORPOR_RUN_DATABASE_SQLITE_TABLES_H

#include "run/database/database.h"
#include "run/database/source-hash.h"
#include "run/request.h"

typedef struct sqlite3_stmt sqlite3_stmt;

enum torpor__column_kind {
  TORPOR__COLUMN_NUMBER,   /* any, also one that is unsigned */
  TORPOR__COLUMN_COUNT,    /* from 0, below TORPOR__COUNT_LARGEST */
  TORPOR__COLUMN_SEQUENCE, /* the same from 1 */
  TORPOR__COLUMN_ID,       /* an integer from 1 */
  TORPOR__COLUMN_CHOICE,   /* of an enum, below 'limit' */
  TORPOR__COLUMN_FLAG,     /* a bool */
  TORPOR__COLUMN_TIME,     /* NULL is TORPOR__NEVER */
  TORPOR__COLUMN_TEXT,     /* of 'limit' bytes at most; 0: as long as it is */
  TORPOR__COLUMN_OPTIONAL, /* the same, or NULL */
  TORPOR__COLUMN_BYTES     /* the same limit */
};

struct torpor__column {
  enum torpor__column_kind kind;
  size_t offset; /* of the field in the row */
  int64_t limit;
};

struct torpor__table {
  const char *name;
  const struct torpor__column *columns;
  int count;
  int given; /* the first ones are only read: SQLite gives them */
  bool (*fits)(const void *row); /* what else must hold; NULL: nothing */
};

extern const struct torpor__table torpor__table_run, torpor__table_program,
    torpor__table_version, torpor__table_file, torpor__table_head,
    torpor__table_step, torpor__table_news, torpor__table_due,
    torpor__table_exit, torpor__table_state, torpor__table_listed_state,
    torpor__table_branch, torpor__table_kind, torpor__table_operation,
    torpor__table_result, torpor__table_signal, torpor__table_line;

/* Binds the columns of 'row' to the parameters from 'first' on (from 1). What
 * it points to must live as long. Returns a result of SQLite. */
int torpor__table_bind(const struct torpor__table *table,
                       sqlite3_stmt *statement, int first, const void *row);

/* Reads columns from 'first' on (from 0) into 'row', whose texts and bytes are
 * SQLite's. False: they are those of a row that no Torpor writes, or memory ran
 * out. */
bool torpor__table_read(const struct torpor__table *table,
                        sqlite3_stmt *statement, int first, void *row);

/* Which of the two it was, asked at once. */
bool torpor__table_lacked_memory(sqlite3_stmt *statement);

/* ---- columns ------------------------------------------------------------- */

/* Of each: the row's struct (R, without its prefix), the field there, the name,
 * what it may hold, and the limit. F is expanded for the first one. */

#define TORPOR__RUN_COLUMNS(F, X, R)                                           \
  F(R, id, id, TEXT, 0)                                                        \
  X(R, access, access, TEXT, 0)                                                \
  X(R, input, input, BYTES, 0)                                                 \
  X(R, memory_max, memory_max, NUMBER, 0)                                      \
  X(R, fuel, fuel, NUMBER, 0)                                                  \
  X(R, deadline_ms, deadline_ms, NUMBER, 0)                                    \
  X(R, created_ms, created_ms, NUMBER, 0)                                      \
  X(R, parent, parent, NUMBER, 0)                                              \
  X(R, keep, keep, NUMBER, 0)                                                  \
  X(R, keep_lines, keep_lines, NUMBER, 0)

/* What a run has of the version that it is at. */
#define TORPOR__PROGRAM_COLUMNS(F, X, R)                                       \
  F(R, program, program, TEXT, 0)                                              \
  X(R, engine, engine, BYTES, TORPOR__ENGINE_ID_MAX)

#define TORPOR__VERSION_COLUMNS(F, X, R)                                       \
  F(R, number, number, COUNT, 0)                                               \
  X(R, program, program, TEXT, 0)                                              \
  X(R, engine, engine, BYTES, TORPOR__ENGINE_ID_MAX)                           \
  X(R, start, start, COUNT, 0)                                                 \
  X(R, before, before, COUNT, 0)                                               \
  X(R, state, state, BYTES, 0)

#define TORPOR__FILE_COLUMNS(F, X, R)                                          \
  F(R, name, name, TEXT, 0)                                                    \
  X(R, source, bytes, BYTES, 0)                                                \
  X(R, hash, file.hash, BYTES, TORPOR__SOURCE_HASH)

#define TORPOR__HEAD_COLUMNS(F, X, R)                                          \
  F(R, status, status, CHOICE, TORPOR__RUN_STATUS_COUNT)                       \
  X(R, branch, branch, COUNT, 0)                                               \
  X(R, step, step, COUNT, 0)                                                   \
  X(R, version, edition, COUNT, 0)                                             \
  X(R, start, start, COUNT, 0)                                                 \
  X(R, fence, fence, COUNT, 0)                                                 \
  X(R, attempts, attempts, COUNT, 0)                                           \
  X(R, runnable, runnable, FLAG, 0)                                            \
  X(R, cancel, cancel, NUMBER, 0)                                              \
  X(R, changed_ms, changed_ms, NUMBER, 0)                                      \
  X(R, due_ms, due_ms, TIME, 0)

/* What a step changes in it, as long as the run goes on: no index has these. */
#define TORPOR__STEP_COLUMNS(F, X, R)                                          \
  F(R, branch, branch, COUNT, 0)                                               \
  X(R, step, step, COUNT, 0)                                                   \
  X(R, version, edition, COUNT, 0)                                             \
  X(R, start, start, COUNT, 0)                                                 \
  X(R, fence, fence, COUNT, 0)                                                 \
  X(R, attempts, attempts, COUNT, 0)                                           \
  X(R, runnable, runnable, FLAG, 0)                                            \
  X(R, cancel, cancel, NUMBER, 0)                                              \
  X(R, changed_ms, changed_ms, NUMBER, 0)

#define TORPOR__NEWS_COLUMNS(F, X, R)                                          \
  F(R, run, run, SEQUENCE, 0)                                                  \
  X(R, number, number, SEQUENCE, 0)                                            \
  X(R, active, active, FLAG, 0)                                                \
  X(R, attempts, attempts, NUMBER, 0)

#define TORPOR__DUE_COLUMNS(F, X, R)                                           \
  F(R, run, run, SEQUENCE, 0)                                                  \
  X(R, due_ms, due_ms, TIME, 0)                                                \
  X(R, attempts, attempts, NUMBER, 0)

#define TORPOR__EXIT_COLUMNS(F, X, R)                                          \
  F(R, value, value, BYTES, 0)                                                 \
  X(R, reason, reason, TEXT, 0)

#define TORPOR__STATE_COLUMNS(F, X, R)                                         \
  F(R, branch, branch, COUNT, 0)                                               \
  X(R, step, step, SEQUENCE, 0)                                                \
  X(R, version, edition, COUNT, 0)                                             \
  X(R, parent_step, parent_step, COUNT, 0)                                     \
  X(R, runnable, runnable, FLAG, 0)                                            \
  X(R, clone, clone, FLAG, 0)                                                  \
  X(R, engine, engine, BYTES, TORPOR__ENGINE_ID_MAX)                           \
  X(R, snapshot, snapshot, BYTES, 0)                                           \
  X(R, made_ms, made_ms, NUMBER, 0)

/* The same without its bytes. */
#define TORPOR__LISTED_STATE_COLUMNS(F, X, R)                                  \
  F(R, branch, branch, COUNT, 0)                                               \
  X(R, step, step, SEQUENCE, 0)                                                \
  X(R, version, edition, COUNT, 0)                                             \
  X(R, parent_step, parent_step, COUNT, 0)                                     \
  X(R, runnable, runnable, FLAG, 0)                                            \
  X(R, clone, clone, FLAG, 0)                                                  \
  X(R, engine, engine, BYTES, TORPOR__ENGINE_ID_MAX)                           \
  X(R, snapshot.size, length(snapshot), COUNT, 0)                              \
  X(R, made_ms, made_ms, NUMBER, 0)

#define TORPOR__BRANCH_COLUMNS(F, X, R)                                        \
  F(R, branch, branch, COUNT, 0)                                               \
  X(R, parent, parent, NUMBER, 0)                                              \
  X(R, parent_step, parent_step, COUNT, 0)                                     \
  X(R, first_operation, first_operation, NUMBER, 0)                            \
  X(R, origin, origin, TEXT, 0)                                                \
  X(R, made_ms, made_ms, NUMBER, 0)

#define TORPOR__KIND_COLUMNS(F, X, R)                                          \
  F(R, kind, kind, TEXT, TORPOR_KIND_LARGEST)                                  \
  X(R, policy, policy, CHOICE, TORPOR__POLICY_COUNT)

#define TORPOR__OPERATION_COLUMNS(F, X, R)                                     \
  F(R, branch, branch, COUNT, 0)                                               \
  X(R, id, id, ID, 0)                                                          \
  X(R, kind, kind, TEXT, TORPOR_KIND_LARGEST)                                  \
  X(R, topic, topic, OPTIONAL, TORPOR__TOPIC_MAX)                              \
  X(R, request, request, BYTES, 0)                                             \
  X(R, due_ms, due_ms, TIME, 0)                                                \
  X(R, key, key, TEXT, TORPOR__KEY_MAX - 1)                                    \
  X(R, policy, policy, CHOICE, TORPOR__POLICY_COUNT)                           \
  X(R, begun_ms, begun_ms, NUMBER, 0)                                          \
  X(R, begun_step, begun_step, SEQUENCE, 0)

#define TORPOR__RESULT_COLUMNS(F, X, R)                                        \
  F(R, branch, branch, COUNT, 0)                                               \
  X(R, operation, operation, ID, 0)                                            \
  X(R, outcome, outcome, CHOICE, TORPOR__OUTCOME_COUNT)                        \
  X(R, value, value, BYTES, 0)

#define TORPOR__SIGNAL_COLUMNS(F, X, R)                                        \
  F(R, topic, topic, TEXT, 0)                                                  \
  X(R, value, value, BYTES, 0)                                                 \
  X(R, sent_ms, sent_ms, NUMBER, 0)

#define TORPOR__LINE_COLUMNS(F, X, R)                                          \
  F(R, branch, branch, NUMBER, 0)                                              \
  X(R, step, step, NUMBER, 0)                                                  \
  X(R, number, number, NUMBER, 0)                                              \
  X(R, level, level, CHOICE, TORPOR_LEVEL_ERROR + 1)                           \
  X(R, text, text, BYTES, 0)                                                   \
  X(R, written_ms, written_ms, NUMBER, 0)

/* ---- statements ---------------------------------------------------------- */

#define TORPOR__FIRST_NAME(row, field, column, kind, limit) #column
#define TORPOR__NEXT_NAME(row, field, column, kind, limit) ", " #column
#define TORPOR__NAMES(TABLE)                                                   \
  TORPOR__##TABLE##_COLUMNS(TORPOR__FIRST_NAME, TORPOR__NEXT_NAME, )

#define TORPOR__FIRST_MARK(row, field, column, kind, limit) "?"
#define TORPOR__NEXT_MARK(row, field, column, kind, limit) ",?"
#define TORPOR__MARKS(TABLE)                                                   \
  TORPOR__##TABLE##_COLUMNS(TORPOR__FIRST_MARK, TORPOR__NEXT_MARK, )

#define TORPOR__FIRST_SET(row, field, column, kind, limit) #column "=?"
#define TORPOR__NEXT_SET(row, field, column, kind, limit) ", " #column "=?"
#define TORPOR__SETS(TABLE)                                                    \
  TORPOR__##TABLE##_COLUMNS(TORPOR__FIRST_SET, TORPOR__NEXT_SET, )

#define TORPOR__HEAD_NAME(row, field, column, kind, limit) ", head." #column
#define TORPOR__HEAD_NAMES                                                     \
  TORPOR__HEAD_COLUMNS(TORPOR__HEAD_NAME, TORPOR__HEAD_NAME, )

#define TORPOR__SELECT(table, TABLE, which)                                    \
  "SELECT " TORPOR__NAMES(TABLE) " FROM " table " WHERE " which

/* The same with a number before the columns, which no list has. */
#define TORPOR__SELECT_NUMBERED(number, table, TABLE, which)                   \
  "SELECT " number ", " TORPOR__NAMES(TABLE) " FROM " table " WHERE " which

#define TORPOR__INSERT(table, TABLE, conflict)                                 \
  "INSERT INTO " table "(run, " TORPOR__NAMES(                                 \
      TABLE) ") VALUES(?," TORPOR__MARKS(TABLE) ")" conflict

/* Where a new row gets a number of its own, it is one above the highest that
 * there ever was. SQLite would choose the same, but for a table in which one
 * damaged row has the highest number of all: it would take no others any
 * more. */
#define TORPOR__INSERT_NUMBERED(number, table, key, keys, TABLE, conflict)     \
  "INSERT INTO " table "(" number ", " key TORPOR__NAMES(TABLE)                \
      ") VALUES((SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE "   \
      "name = '" table "')," keys TORPOR__MARKS(TABLE) ")" conflict

/* Copies the rows of run ?1 as rows of run ?2. */
#define TORPOR__INHERIT(insert, table, names)                                  \
  insert " INTO " table "(run, " names ") SELECT ?2, " names " FROM " table    \
         " WHERE run = ?1"

#define TORPOR__UPDATE(table, TABLE, which)                                    \
  "UPDATE " table " SET " TORPOR__SETS(TABLE) " WHERE " which

/* Nothing in the place of what may be large, and is not even looked at then. */
#define TORPOR__LISTED_BYTES(column) "X''"
#define TORPOR__LISTED_NUMBER(column) #column
#define TORPOR__LISTED_TEXT(column) #column
#define TORPOR__LISTED_FIRST(row, field, column, kind, limit)                  \
  TORPOR__LISTED_##kind(column)
#define TORPOR__LISTED_NEXT(row, field, column, kind, limit)                   \
  ", " TORPOR__LISTED_##kind(column)

/* A run with its head, and the version that it is at. */
#define TORPOR__SELECT_RUN(names)                                              \
  "SELECT run.number, " names TORPOR__HEAD_NAMES                               \
  ", " TORPOR__NAMES(PROGRAM) " FROM "
#define TORPOR__FROM_RUN                                                       \
  "run LEFT JOIN head ON head.run = run.number LEFT JOIN edition ON "          \
  "edition.run = run.number AND edition.number = head.edition "

/* The same without its input. */
#define TORPOR__SELECT_LISTED_RUN                                              \
  TORPOR__SELECT_RUN(                                                          \
      TORPOR__RUN_COLUMNS(TORPOR__LISTED_FIRST, TORPOR__LISTED_NEXT, ))

/* At most ?2 of those behind number ?1. */
#define TORPOR__SELECT_LISTED(from, number, which)                             \
  TORPOR__SELECT_LISTED_RUN from "WHERE " which number                         \
                                 " > ?1 ORDER BY " number " LIMIT ?2"

#define TORPOR__JOIN_RUN                                                       \
  " CROSS JOIN run ON run.number = head.run LEFT JOIN edition ON "             \
  "edition.run = run.number AND edition.number = head.edition "

/* The heads of runs that are due, now or later. By itself SQLite would look at
 * those of all active runs, since it takes an index with '=' for the better. */
#define TORPOR__DUE "head INDEXED BY head_by_due"

/* What has something to do is due. */
#define TORPOR__READY                                                          \
  "head.status = 0 AND head.due_ms = 0 AND "                                   \
  "(head.step = head.start OR head.runnable) "

/* The rest of a page of what is due: those of the same time as the last one,
 * then the later ones. */
#define TORPOR__SELECT_DUE(range)                                              \
  "SELECT " TORPOR__NAMES(DUE) " FROM " TORPOR__DUE                            \
                               " WHERE status = 0 AND " range
#define TORPOR__DUE_PAGE                                                       \
  TORPOR__SELECT_DUE("due_ms = ?2 AND run > ?3")                               \
  " UNION ALL " TORPOR__SELECT_DUE(                                            \
      "due_ms > ?2 AND due_ms <= ?1") " ORDER BY due_ms, run LIMIT ?4"

/* Removes ?2 rows of run ?1 from a table, whose key without the run is 'key' if
 * it has no rowids. */
#define TORPOR__SWEEP(table)                                                   \
  "DELETE FROM " table " WHERE rowid IN (SELECT rowid FROM " table             \
  " WHERE run = ?1 LIMIT ?2)"
#define TORPOR__SWEEP_KEYED(table, key)                                        \
  "DELETE FROM " table " WHERE run = ?1 AND (" key ") IN (SELECT " key         \
  " FROM " table " WHERE run = ?1 LIMIT ?2)"

/* A file with its source, which it shares with other runs. */
#define TORPOR__FILES "file LEFT JOIN source ON source.hash = file.hash"

/* Name and text of each. */
#define TORPOR__SQLITE_STATEMENTS(X)                                           \
  X(BEGIN, "BEGIN IMMEDIATE")                                                  \
  X(VIEW, "BEGIN")                                                             \
  X(COMMIT, "COMMIT")                                                          \
  X(ROLLBACK, "ROLLBACK")                                                      \
  X(SAVEPOINT, "SAVEPOINT one_run")                                            \
  X(RELEASE, "RELEASE one_run")                                                \
  X(REVERT, "ROLLBACK TO one_run")                                             \
  X(RUN_ADD, TORPOR__INSERT_NUMBERED("number", "run", "", "", RUN,             \
                                     " ON CONFLICT(id) DO NOTHING"))           \
  X(RUN_FIND, "SELECT number FROM run WHERE id = ?")                           \
  X(RUN_ONE, TORPOR__SELECT_RUN(TORPOR__NAMES(RUN)) TORPOR__FROM_RUN           \
    "WHERE run.number = ?")                                                    \
  X(RUN_LIST, TORPOR__SELECT_LISTED(TORPOR__FROM_RUN, "run.number", ""))       \
  X(RUN_LIST_STATUS,                                                           \
    TORPOR__SELECT_LISTED("head" TORPOR__JOIN_RUN, "head.run",                 \
                          "head.status = ?3 AND "))                            \
  X(RUN_LIST_PROGRAM,                                                          \
    TORPOR__SELECT_LISTED(                                                     \
        "edition CROSS JOIN head ON head.run = edition.run AND head.edition "  \
        "= edition.number CROSS JOIN run ON run.number = edition.run ",        \
        "edition.run", "edition.program = ?3 AND "))                           \
  X(RUN_LIST_ONE,                                                              \
    TORPOR__SELECT_LISTED_RUN TORPOR__FROM_RUN "WHERE run.number = ?")         \
  X(RUN_LIST_READY, TORPOR__SELECT_LISTED(TORPOR__DUE TORPOR__JOIN_RUN,        \
                                          "head.run", TORPOR__READY "AND "))   \
  X(RUN_NEXT_STATUS,                                                           \
    "SELECT min(run) FROM head WHERE status = ?2 AND run > ?1")                \
  X(RUN_NEXT_READY,                                                            \
    "SELECT head.run FROM " TORPOR__DUE " WHERE " TORPOR__READY                \
    "AND head.run > ?1 ORDER BY head.run LIMIT 1")                             \
  X(RUN_NEXT_PROGRAM,                                                          \
    "SELECT min(run) FROM edition WHERE program = ?2 AND run > ?1")            \
  X(RUN_COUNT,                                                                 \
    "SELECT (SELECT length(snapshot) FROM state WHERE run = ?1 ORDER BY "      \
    "step DESC, branch DESC LIMIT 1), (SELECT count(*) FROM operation "        \
    "WHERE run = ?1), (SELECT count(*) FROM signal WHERE run = ?1), "          \
    "(SELECT count(*) FROM state WHERE run = ?1), (SELECT "                    \
    "total(length(snapshot)) FROM state WHERE run = ?1), (SELECT lines FROM "  \
    "console WHERE run = ?1), (SELECT dropped FROM console WHERE run = ?1)")   \
  X(RUN_HIDE, "INSERT INTO removed(run) VALUES(?)")                            \
  X(RUN_REMOVE, "DELETE FROM run WHERE number = ?")                            \
  X(RUN_ENDED,                                                                 \
    "SELECT run FROM head WHERE status = ? AND changed_ms < ? AND run > ? "    \
    "ORDER BY run LIMIT ?")                                                    \
  X(REMOVED_NEXT,                                                              \
    "SELECT min(run) FROM removed WHERE run > ? AND run NOT IN (SELECT number" \
    " FROM run)")                                                              \
  X(REMOVED_FORGET, "DELETE FROM removed WHERE run = ?")                       \
  X(SWEEP_LINES, TORPOR__SWEEP_KEYED("line", "branch, step, number"))          \
  X(SWEEP_SIGNALS, TORPOR__SWEEP("signal"))                                    \
  X(SWEEP_RESULTS, TORPOR__SWEEP("result"))                                    \
  X(SWEEP_OPERATIONS, TORPOR__SWEEP_KEYED("operation", "branch, id"))          \
  X(SWEEP_EDITIONS, TORPOR__SWEEP("edition"))                                  \
  X(SWEEP_BRANCHES, TORPOR__SWEEP_KEYED("branch", "branch"))                   \
  X(SWEEP_KINDS, TORPOR__SWEEP_KEYED("kind", "kind"))                          \
  X(SWEEP_SOURCES,                                                             \
    "DELETE FROM source WHERE hash IN (SELECT hash FROM file WHERE run = ?1) " \
    "AND NOT EXISTS (SELECT 1 FROM file WHERE file.hash = source.hash AND "    \
    "file.run <> ?1)")                                                         \
  X(SWEEP_FILES, "DELETE FROM file WHERE run = ?")                             \
  X(SWEEP_HEAD, "DELETE FROM head WHERE run = ?")                              \
  X(SWEEP_NEWS, "DELETE FROM news WHERE run = ?")                              \
  X(SWEEP_CONSOLE, "DELETE FROM console WHERE run = ?")                        \
  X(VERSION_ADD, TORPOR__INSERT("edition", VERSION, ""))                       \
  X(VERSION_EACH,                                                              \
    TORPOR__SELECT("edition", VERSION, "run = ? ORDER BY number"))             \
  X(VERSION_INHERIT,                                                           \
    TORPOR__INHERIT("INSERT OR REPLACE", "edition", TORPOR__NAMES(VERSION)))   \
  X(FILE_ADD, "INSERT INTO file(run, edition, name, hash) VALUES(?,?,?,?)")    \
  X(FILE_COUNT,                                                                \
    "SELECT count(*) FROM file WHERE run = ? AND edition = ? AND "             \
    "name >= ? AND name < ? || char(0x10ffff)")                                \
  X(FILE_EACH, TORPOR__SELECT(TORPOR__FILES, FILE,                             \
                              "run = ? AND edition = ? ORDER BY name"))        \
  X(FILE_ONE, TORPOR__SELECT(TORPOR__FILES, FILE,                              \
                             "run = ? AND edition = ? AND name = ?"))          \
  X(FILE_INHERIT, TORPOR__INHERIT("INSERT", "file", "edition, name, hash"))    \
  X(SOURCE_ADD,                                                                \
    "INSERT INTO source(hash, bytes) VALUES(?, ?) ON CONFLICT(hash) DO "       \
    "UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes")         \
  X(HEAD_ADD, "INSERT INTO head(run, changed_ms) VALUES(?,?)")                 \
  X(HEAD_GET, TORPOR__SELECT("head", HEAD, "run = ?"))                         \
  X(HEAD_PUT, TORPOR__UPDATE("head", HEAD, "run = ?"))                         \
  X(HEAD_CHANGE,                                                               \
    TORPOR__UPDATE("head", HEAD,                                               \
                   "run = ? AND status = ? AND step = ? AND fence = ? AND "    \
                   "cancel = ?"))                                              \
  X(HEAD_STEP,                                                                 \
    TORPOR__UPDATE("head", STEP,                                               \
                   "run = ? AND status = ? AND step = ? AND fence = ? AND "    \
                   "cancel = ?"))                                              \
  X(DUE_EACH, TORPOR__DUE_PAGE)                                                \
  X(DUE_NEXT,                                                                  \
    "SELECT min(due_ms) FROM " TORPOR__DUE " WHERE status = 0 AND due_ms > ?") \
  X(RUN_LAST, "SELECT seq FROM sqlite_sequence WHERE name = 'run'")            \
  X(NEWS_ADD,                                                                  \
    "INSERT INTO news(run, number) VALUES(?, 1) ON CONFLICT(run) DO UPDATE "   \
    "SET number = number + 1")                                                 \
  X(NEWS_REMOVE, "DELETE FROM news WHERE run = ?1 AND ?2 IN (0, number)")      \
  X(NEWS_EACH,                                                                 \
    "SELECT news.run, number, ifnull(status = 0, 0) AS active, "               \
    "ifnull(attempts, 0) FROM news LEFT JOIN head ON head.run = news.run "     \
    "WHERE news.run > ? ORDER BY news.run LIMIT ?")                            \
  X(EXIT_PUT, TORPOR__INSERT("exit", EXIT, ""))                                \
  X(EXIT_REMOVE, "DELETE FROM exit WHERE run = ?")                             \
  X(EXIT_EACH, TORPOR__SELECT("exit", EXIT, "run = ?"))                        \
  X(STATE_PUT, TORPOR__INSERT("state", STATE, ""))                             \
  X(STATE_PRUNE,                                                               \
    "DELETE FROM state WHERE run = ?1 AND (step, branch) < (SELECT step, "     \
    "branch FROM state WHERE run = ?1 AND step <= ?2 AND parent_step = 0 "     \
    "ORDER BY step DESC, branch DESC LIMIT 1)")                                \
  X(STATE_DROP, "DELETE FROM state WHERE run = ? AND step < ?")                \
  X(STATE_CUT, "DELETE FROM state WHERE run = ? AND step > ?")                 \
  X(STATE_NEWEST, "SELECT max(step) FROM state WHERE run = ?")                 \
  X(STATE_BOUND,                                                               \
    "SELECT step, branch FROM state WHERE run = ? AND step <= ? AND "          \
    "parent_step = 0 ORDER BY step DESC, branch DESC LIMIT 1")                 \
  X(STATE_OLDER,                                                               \
    "SELECT rowid, length(snapshot) FROM state WHERE run = ? AND (step, "      \
    "branch) < (?, ?) ORDER BY step DESC, branch DESC LIMIT ?")                \
  X(STATE_EXCESS,                                                              \
    "SELECT count(*), total(length(snapshot)) FROM state WHERE run = ? AND "   \
    "(step, branch) < (?, ?)")                                                 \
  X(STATE_REMOVE, "DELETE FROM state WHERE rowid = ?")                         \
  X(STATE_EACH,                                                                \
    TORPOR__SELECT("state", STATE,                                             \
                   "run = ? AND step <= ? ORDER BY step DESC, branch DESC"))   \
  X(STATE_LIST, TORPOR__SELECT("state", LISTED_STATE,                          \
                               "run = ? ORDER BY step DESC, branch DESC"))     \
  X(STATE_ENDS,                                                                \
    TORPOR__SELECT("state", STATE,                                             \
                   "rowid IN ((SELECT min(rowid) FROM state), (SELECT "        \
                   "max(rowid) FROM state))"))                                 \
  X(BRANCH_ADD, TORPOR__INSERT("branch", BRANCH, ""))                          \
  X(BRANCH_EACH, TORPOR__SELECT("branch", BRANCH, "run = ? ORDER BY branch"))  \
  X(KIND_PUT,                                                                  \
    TORPOR__INSERT("kind", KIND, " ON CONFLICT(run, kind) DO NOTHING"))        \
  X(KIND_EACH, TORPOR__SELECT("kind", KIND, "run = ?"))                        \
  X(KIND_INHERIT, TORPOR__INHERIT("INSERT", "kind", TORPOR__NAMES(KIND)))      \
  X(OPERATION_ADD, TORPOR__INSERT("operation", OPERATION, ""))                 \
  X(OPERATION_REMOVE,                                                          \
    "DELETE FROM operation WHERE run = ? AND branch = ? AND id = ?")           \
  X(OPERATION_CLEAR, "DELETE FROM operation WHERE run = ?")                    \
  X(OPERATION_EACH,                                                            \
    TORPOR__SELECT("operation", OPERATION,                                     \
                   "run = ? AND (branch, id) > (?, ?) ORDER BY branch, id"))   \
  X(RESULT_ADD, TORPOR__INSERT_NUMBERED(                                       \
                    "sequence", "result", "run, ", "?,", RESULT,               \
                    " ON CONFLICT(run, branch, operation) DO NOTHING"))        \
  X(RESULT_REMOVE,                                                             \
    "DELETE FROM result WHERE run = ? AND branch = ? AND operation = ?")       \
  X(RESULT_CLEAR, "DELETE FROM result WHERE run = ?")                          \
  X(RESULT_EACH, TORPOR__SELECT_NUMBERED("sequence", "result", RESULT,         \
                                         "run = ? ORDER BY sequence"))         \
  X(SIGNAL_ADD,                                                                \
    TORPOR__INSERT_NUMBERED("sequence", "signal", "run, ", "?,", SIGNAL, ""))  \
  X(SIGNAL_REMOVE, "DELETE FROM signal WHERE run = ? AND sequence = ?")        \
  X(SIGNAL_EACH,                                                               \
    TORPOR__SELECT_NUMBERED("sequence", "signal", SIGNAL,                      \
                            "run = ? AND sequence > ? ORDER BY sequence"))     \
  X(LINE_ADD, TORPOR__INSERT("line", LINE, ""))                                \
  X(LINE_OLDEST,                                                               \
    "SELECT branch, step, number, length(text) FROM line WHERE run = ? ORDER " \
    "BY branch, step, number LIMIT ?")                                         \
  X(LINE_DROP,                                                                 \
    "DELETE FROM line WHERE run = ? AND (branch, step, number) <= (?, ?, ?)")  \
  X(CONSOLE_ADD,                                                               \
    "INSERT INTO console(run, lines, bytes, dropped) VALUES(?1, ?2, ?3, 0) ON" \
    " CONFLICT(run) DO UPDATE SET lines = lines + ?2, bytes = bytes + ?3 "     \
    "RETURNING lines, bytes")                                                  \
  X(CONSOLE_DROP,                                                              \
    "UPDATE console SET lines = lines - ?2, bytes = bytes - ?3, dropped = "    \
    "dropped + ?2 WHERE run = ?1")                                             \
  X(LINE_EACH,                                                                 \
    TORPOR__SELECT("line", LINE,                                               \
                   "run = ? AND step > ? AND (branch, step, number) > (?, ?, " \
                   "?) ORDER BY branch, step, number"))

enum torpor__sqlite_statement {
#define TORPOR__SQLITE_STATEMENT(name, text) TORPOR__SQLITE_##name,
  TORPOR__SQLITE_STATEMENTS(TORPOR__SQLITE_STATEMENT)
#undef TORPOR__SQLITE_STATEMENT
      TORPOR__SQLITE_STATEMENT_COUNT
};

#endif
