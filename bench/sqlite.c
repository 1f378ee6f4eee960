/* SPDX-License-Identifier: MIT */
/* sqlite.c - a peer: how fast SQLite alone commits what durable steps commit.
 *
 *   bench-sqlite FILE RUNS BATCH BYTES MILLISECONDS
 *
 * RUNS programs take their steps in turn, BATCH steps in one transaction, each
 * transaction synced (WAL, synchronous=FULL, log and cache as large as ours). A
 * step writes the least that a durable step can: its head is updated, its state
 * of BYTES bytes and the one operation that it waits for are inserted, and
 * those of the step before are deleted. Nothing else happens: no engine, no
 * loop, no rules.
 *
 * Prints steps per second (see probe.h); FILE is created again. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/probe.h"

enum { LEAST_BYTES = 64 }; /* of a state */

enum { HEAD, STATE, STATE_OLD, OPERATION, OPERATION_OLD, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [HEAD] =
        "UPDATE head SET step=?2, fence=1, attempts=0, changed_ms=?3"
        " WHERE run=?1 AND step=?2-1 AND fence=1",
    [STATE] =
        "INSERT INTO state(run,step,parent_step,engine,made_ms,snapshot)"
        " VALUES(?1,?2,0,zeroblob(32),?3,?4)",
    [STATE_OLD] = "DELETE FROM state WHERE run=?1 AND step<?2",
    [OPERATION] =
        "INSERT INTO operation VALUES(?1,1,?2,'timer',NULL,x'00',?3,"
        "?4,0,?3,?2)",
    [OPERATION_OLD] =
        "DELETE FROM operation"
        " WHERE run=?1 AND branch=1 AND id=?2-1",
};

static const char schema[] =
    "CREATE TABLE head(run INTEGER PRIMARY KEY, step INTEGER NOT NULL,"
    " fence INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " changed_ms INTEGER NOT NULL);"
    "CREATE TABLE state(run INTEGER NOT NULL, step INTEGER NOT NULL,"
    " parent_step INTEGER NOT NULL, engine BLOB NOT NULL,"
    " made_ms INTEGER NOT NULL, snapshot BLOB NOT NULL,"
    " PRIMARY KEY(run,step)) WITHOUT ROWID;"
    "CREATE TABLE operation(run INTEGER NOT NULL, branch INTEGER NOT NULL,"
    " id INTEGER NOT NULL, kind TEXT NOT NULL, topic TEXT,"
    " request BLOB NOT NULL, due_ms INTEGER, key TEXT NOT NULL,"
    " policy INTEGER NOT NULL, begun_ms INTEGER NOT NULL,"
    " begun_step INTEGER NOT NULL,"
    " PRIMARY KEY(run,branch,id)) WITHOUT ROWID;";

struct bench {
  sqlite3 *db;
  sqlite3_stmt *statements[STATEMENTS];
  unsigned char *snapshot;
  int runs, batch, bytes;
  long steps; /* taken by all runs together */
};

static void run_sql(struct bench *bench, const char *sql) {
  if (sqlite3_exec(bench->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    probe_fail("%s: %s", sql, sqlite3_errmsg(bench->db));
}

static void remove_file(const char *path, const char *suffix) {
  char name[4096];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  unlink(name);
}

static void open_database(struct bench *bench, const char *path) {
  remove_file(path, "");
  remove_file(path, "-wal");
  remove_file(path, "-shm");
  if (sqlite3_open(path, &bench->db) != SQLITE_OK)
    probe_fail("%s cannot be opened", path);
  run_sql(bench,
          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
          "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-32768;");
  run_sql(bench, schema);
  for (int i = 0; i < STATEMENTS; i++)
    if (sqlite3_prepare_v2(bench->db, statements[i], -1, &bench->statements[i],
                           NULL) != SQLITE_OK)
      probe_fail("%s: %s", statements[i], sqlite3_errmsg(bench->db));
  run_sql(bench, "BEGIN");
  for (int run = 0; run < bench->runs; run++) {
    char sql[64];
    snprintf(sql, sizeof sql, "INSERT INTO head VALUES(%d,0,1,0,0)", run);
    run_sql(bench, sql);
  }
  run_sql(bench, "COMMIT");
}

/* Executes a statement for 'run' and 'step'; the rest is bound already. */
static void execute(struct bench *bench, int which, int run, long step) {
  sqlite3_stmt *statement = bench->statements[which];
  sqlite3_bind_int(statement, 1, run);
  sqlite3_bind_int64(statement, 2, step);
  if (sqlite3_step(statement) != SQLITE_DONE)
    probe_fail("%s: %s", statements[which], sqlite3_errmsg(bench->db));
  sqlite3_reset(statement);
}

static void take_step(struct bench *bench, int run, long step) {
  const sqlite3_int64 now = INT64_C(1700000000000) + step;
  char key[64];
  int key_size = snprintf(key, sizeof key, "run-%d.1.%ld", run, step);
  /* No two states are equal. */
  snprintf((char *)bench->snapshot, LEAST_BYTES, "%d %ld", run, step);

  sqlite3_bind_int64(bench->statements[HEAD], 3, now);
  execute(bench, HEAD, run, step);
  if (sqlite3_changes(bench->db) != 1) probe_fail("a head is not as left");
  sqlite3_bind_int64(bench->statements[STATE], 3, now);
  sqlite3_bind_blob(bench->statements[STATE], 4, bench->snapshot, bench->bytes,
                    SQLITE_STATIC);
  execute(bench, STATE, run, step);
  execute(bench, STATE_OLD, run, step);
  sqlite3_bind_int64(bench->statements[OPERATION], 3, now);
  sqlite3_bind_text(bench->statements[OPERATION], 4, key, key_size,
                    SQLITE_STATIC);
  execute(bench, OPERATION, run, step);
  execute(bench, OPERATION_OLD, run, step);
}

/* One transaction: a step of each of the next 'batch' runs. */
static bool take_batch(void *data) {
  struct bench *bench = data;
  run_sql(bench, "BEGIN IMMEDIATE");
  for (int i = 0; i < bench->batch; i++) {
    long step = bench->steps++;
    take_step(bench, (int)(step % bench->runs), step / bench->runs + 1);
  }
  run_sql(bench, "COMMIT");
  return true;
}

/* Ends the program unless every run has one state and one operation left. */
static void check_rows(struct bench *bench) {
  sqlite3_stmt *count;
  sqlite3_prepare_v2(bench->db,
                     "SELECT (SELECT count(*) FROM state),"
                     " (SELECT count(*) FROM operation),"
                     " (SELECT sum(step) FROM head)",
                     -1, &count, NULL);
  if (sqlite3_step(count) != SQLITE_ROW ||
      sqlite3_column_int(count, 0) != bench->runs ||
      sqlite3_column_int(count, 1) != bench->runs ||
      sqlite3_column_int64(count, 2) != bench->steps)
    probe_fail("the rows are not those of %ld steps", bench->steps);
  sqlite3_finalize(count);
}

static void close_database(struct bench *bench) {
  for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(bench->statements[i]);
  if (sqlite3_close(bench->db) != SQLITE_OK)
    probe_fail("the database cannot be closed");
}

int main(int count, char **args) {
  if (count != 6)
    probe_fail("usage: bench-sqlite FILE RUNS BATCH BYTES MILLISECONDS");
  struct bench bench = {
      .runs = atoi(args[2]), .batch = atoi(args[3]), .bytes = atoi(args[4])};
  if (bench.runs < 1 || bench.batch < 1 || bench.batch > bench.runs ||
      bench.bytes < LEAST_BYTES)
    probe_fail("1 <= BATCH <= RUNS and BYTES >= %d must hold", LEAST_BYTES);
  bench.snapshot = calloc(1, (size_t)bench.bytes);
  if (bench.snapshot == NULL) probe_fail("out of memory");
  open_database(&bench, args[1]);
  for (int i = 0; i < bench.runs; i += bench.batch) take_batch(&bench);

  struct probe probe = {0};
  const long before = bench.steps;
  const double end = probe_now() + strtod(args[5], NULL) * 1000;
  const double start = probe_now();
  do take_batch(&bench);
  while (probe_now() < end);
  const double seconds = (probe_now() - start) / 1e6;
  probe_add(&probe, (double)(bench.steps - before) / seconds);

  check_rows(&bench);
  close_database(&bench);
  free(bench.snapshot);
  return probe_print(&probe, "steps/s", "1", sqlite3_libversion());
}
