/* SPDX-License-Identifier: MIT */
/* test_store_plans.c - what a store costs does not grow with the runs that
 * sleep in it.
 *
 * The plan of each statement is looked at: it goes to its rows by an index, and
 * sorts nothing. Then everything that can be asked of a run is asked, in a
 * store with few runs that sleep and in one with many, and the instructions of
 * SQLite's machine are counted: they are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/database/database-sqlite-state.h"
#include "run/store.h"
#include "support/bench.h"

enum { FEW = 100, MANY = 4000, COST_MAX = 32 };

static struct torpor__sqlite *sqlite_of_bench(void) {
  return (struct torpor__sqlite *)run_bench.store->database;
}

static void need(torpor_status status) {
  if (status != TORPOR_OK)
    fail_msg("%s: %s", torpor_status_name(status),
             torpor_store_error(run_bench.store));
}

/* ---- Plans ---------------------------------------------------------------*/

static const struct {
  const char *name, *text;
} statements[] = {
#define STATEMENT(name, text) {#name, text},
    TORPOR__SQLITE_STATEMENTS(STATEMENT)
#undef STATEMENT
};

/* What finds the rows of one run, or one row. */
static const char *const keys[] = {"(run=?",  "(rowid=?", "(id=?",
                                   "(hash=?", "(name=?",  NULL};

/* Statements that go from run to run, and the index by which they do. */
static const struct {
  const char *name, *index;
} walks[] = {
    {"RUN_LIST", "SEARCH run USING INTEGER PRIMARY KEY (rowid>?)"},
    {"RUN_LIST_STATUS",
     "SEARCH head USING INDEX head_by_status (status=? AND run>?)"},
    {"RUN_LIST_PROGRAM",
     "SEARCH edition USING INDEX edition_by_program (program=? AND run>?)"},
    {"RUN_LIST_READY",
     "SEARCH head USING INDEX head_by_due (due_ms=? AND run>?)"},
    {"RUN_NEXT_STATUS",
     "SEARCH head USING COVERING INDEX head_by_status (status=? AND run>?)"},
    {"RUN_NEXT_READY",
     "SEARCH head USING INDEX head_by_due (due_ms=? AND run>?)"},
    {"RUN_NEXT_PROGRAM",
     "SEARCH edition USING COVERING INDEX edition_by_program (program=? AND "
     "run>?)"},
    {"RUN_ENDED",
     "SEARCH head USING INDEX head_by_status (status=? AND run>?)"},
    {"DUE_EACH", "SEARCH head USING INDEX head_by_due (due_ms>? AND due_ms<?)"},
    {"DUE_EACH", "SEARCH head USING INDEX head_by_due (due_ms=? AND run>?)"},
    {"DUE_EACH", "MERGE (UNION ALL)"},
    {"DUE_NEXT", "SEARCH head USING INDEX head_by_due (due_ms>?)"},
    {"NEWS_EACH", "SEARCH news USING INTEGER PRIMARY KEY (rowid>?)"},
    {"REMOVED_NEXT", "SEARCH removed USING INTEGER PRIMARY KEY (rowid>?)"},
    {"REMOVED_NEXT", "USING ROWID SEARCH ON TABLE run FOR IN-OPERATOR"},
    /* The first row and the last. */
    {"STATE_ENDS", "SEARCH state"},
    /* A table with a row for each table that numbers its rows. */
    {"RUN_ADD", "SEARCH sqlite_sequence"},
    {"RESULT_ADD", "SEARCH sqlite_sequence"},
    {"SIGNAL_ADD", "SEARCH sqlite_sequence"},
    {"RUN_LAST", "SCAN sqlite_sequence"},
    /* Of one run. */
    {"RESULT_EACH", "USE TEMP B-TREE FOR ORDER BY"},
    {"STATE_PRUNE", "REUSE SUBQUERY 1"},
};

static bool is_meant(const char *name, const char *detail) {
  for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++)
    if (strcmp(name, walks[i].name) == 0 && strcmp(detail, walks[i].index) == 0)
      return true;
  for (size_t i = 0; keys[i] != NULL; i++)
    if (strncmp(detail, "SEARCH ", 7) == 0 && strstr(detail, keys[i]) != NULL)
      return true;
  /* What is said of the parts of a statement. */
  return strncmp(detail, "SCALAR SUBQUERY ", 16) == 0 ||
         strncmp(detail, "CORRELATED SCALAR SUBQUERY ", 27) == 0 ||
         strncmp(detail, "LIST SUBQUERY ", 14) == 0 ||
         strcmp(detail, "SCAN CONSTANT ROW") == 0 ||
         strcmp(detail, "LEFT") == 0 || strcmp(detail, "RIGHT") == 0;
}

static void no_statement_looks_at_more(void **state) {
  (void)state;
  size_t plans = 0;
  for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statements[i].text);
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(sqlite_of_bench()->db, sql, -1, &statement, NULL) !=
        SQLITE_OK)
      fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite_of_bench()->db));
    while (sqlite3_step(statement) == SQLITE_ROW) {
      const char *detail = (const char *)sqlite3_column_text(statement, 3);
      plans++;
      if (!is_meant(statements[i].name, detail))
        print_error("%s: %s\n", statements[i].name, detail), plans = 0;
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
  }
  assert_true(plans > 80);
}

/* ---- What is asked of a store ---------------------------------------------*/

#define PROGRAM                                                                \
  "import { signal } from 'torpor:run';"                                       \
  "for (;;) { const n = await signal('go'); if (n === 99) break; }"

static char made[TORPOR_RUN_ID_SIZE];

static bool ignore_run(void *user, const torpor_run_info *info) {
  (void)user, (void)info;
  return true;
}

static bool ignore_line(void *user, const torpor_run_line *line) {
  (void)user, (void)line;
  return true;
}

static bool ignore_operation(void *user, const torpor_run_operation *row) {
  (void)user, (void)row;
  return true;
}

static bool ignore_step(void *user, const torpor_run_step *step) {
  (void)user, (void)step;
  return true;
}

static bool ignore_mail(void *user, const torpor_run_mail *mail) {
  (void)user, (void)mail;
  return true;
}

static bool ignore_version(void *user, const torpor_run_version *version) {
  (void)user, (void)version;
  return true;
}

static void list(uint32_t states, const char *program) {
  torpor_run_list_options options = TORPOR_RUN_LIST_OPTIONS_INIT;
  options.states = states;
  options.program = program;
  options.limit = 10;
  need(torpor_run_list(run_bench.store, &options, ignore_run, NULL));
}

static void list_ready(void) {
  list(TORPOR_RUN_LISTED(TORPOR_RUN_READY), NULL);
}

static void list_waiting(void) {
  list(TORPOR_RUN_LISTED(TORPOR_RUN_WAITING), NULL);
}

static void list_all(void) {
  list(0, NULL);
}

static void list_ended(void) {
  list(TORPOR_RUN_LISTED(TORPOR_RUN_DONE) |
           TORPOR_RUN_LISTED(TORPOR_RUN_FAILED) |
           TORPOR_RUN_LISTED(TORPOR_RUN_READY),
       NULL);
}

/* Those that sleep have the same program. */
static void list_ended_of_program(void) {
  list(TORPOR_RUN_LISTED(TORPOR_RUN_DONE) | TORPOR_RUN_LISTED(TORPOR_RUN_READY),
       run_bench.file);
}

static void list_program(void) {
  list(0, run_bench.file);
}

static void list_program_of_nobody(void) {
  list(TORPOR_RUN_LISTED(TORPOR_RUN_WAITING), "/none.mjs");
}

static void add(void) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = run_bench.file;
  options.id = "added";
  need(torpor_run_add(run_bench.store, &options, made));
}

static void add_many(void) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  torpor_slice inputs[3] = {{0}};
  options.file = run_bench.file;
  options.id = "many";
  batch.inputs = inputs;
  batch.count = 3;
  need(torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL));
}

static void look(void) {
  torpor_store *store = run_bench.store;
  torpor_run_mark mark = TORPOR_RUN_MARK_INIT;
  torpor_bytes bytes;
  need(torpor_run_each(store, "run", ignore_run, NULL));
  need(torpor_run_lines(store, "run", 0, ignore_line, NULL));
  need(torpor_run_lines_since(store, "run", &mark, ignore_line, NULL));
  need(torpor_run_operations(store, "run", ignore_operation, NULL));
  need(torpor_run_steps(store, "run", ignore_step, NULL));
  need(torpor_run_mailbox(store, "run", ignore_mail, NULL));
  need(torpor_run_versions(store, "run", ignore_version, NULL));
  need(torpor_run_snapshot(store, "run", TORPOR_RUN_NEWEST, &bytes));
  torpor_bytes_free(&bytes);
}

static void tell(void) {
  need(torpor_run_signal(run_bench.store, "run", "other", NULL, 0));
}

static void drop(void) {
  need(torpor_run_signal(run_bench.store, "added", "other", NULL, 0));
  torpor_run_mail_drop(run_bench.store, "added", 1);
}

static void fork_one(void) {
  need(
      torpor_run_fork(run_bench.store, "run", TORPOR_RUN_NEWEST, "fork", made));
}

static void carry(void) {
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  torpor_bytes bytes;
  options.id = "carried";
  need(torpor_run_export(run_bench.store, "run", TORPOR_RUN_NEWEST, &bytes));
  need(torpor_run_import(run_bench.store, bytes.data, bytes.size, &options,
                         made));
  torpor_bytes_free(&bytes);
}

static void rewind_one(void) {
  need(torpor_run_rewind(run_bench.store, "run", 2));
}

static void end_some(void) {
  need(torpor_run_cancel(run_bench.store, "added", true));
  need(torpor_run_cancel(run_bench.store, "fork", true));
  need(torpor_run_cancel(run_bench.store, "carried", false));
  need(torpor_run_unpark(run_bench.store, "run"));
}

static void prune_one(void) {
  need(torpor_run_prune(run_bench.store, "run", 1, true, NULL));
  need(torpor_run_prune(run_bench.store, "run", 1, false, NULL));
}

static void remove_one(void) {
  const char *const ids[] = {"added"};
  need(torpor_run_remove(run_bench.store, ids, 1, NULL));
}

static void remove_old(void) {
  need(torpor_run_remove_ended(run_bench.store, INT64_MAX, true, NULL));
  need(torpor_run_remove_ended(run_bench.store, INT64_MAX, false, NULL));
}

static void drive_one(void) {
  run_bench_signals("run", 98, 99);
  run_bench_drive("run", 0);
}

/* A worker of all runs finds the one that has something to do. */
static void drive_all(void) {
  run_bench_signals("many-0", 1, 1);
  run_bench_drive(NULL, 1);
}

static const struct {
  const char *name;
  void (*ask)(void);
} questions[] = {
#define ASK(name) {#name, name}
    ASK(list_ready),
    ASK(list_waiting),
    ASK(list_all),
    ASK(list_ended),
    ASK(list_ended_of_program),
    ASK(list_program),
    ASK(add),
    ASK(look),
    ASK(tell),
    ASK(drop),
    ASK(fork_one),
    ASK(carry),
    ASK(rewind_one),
    ASK(end_some),
    ASK(prune_one),
    ASK(list_ended),
    ASK(list_ended_of_program),
    ASK(list_program_of_nobody),
    ASK(remove_one),
    ASK(remove_old),
    ASK(add_many),
    ASK(list_ready),
    ASK(drive_all),
    ASK(drive_one),
    ASK(list_program)};

#define QUESTIONS (sizeof questions / sizeof questions[0])

/* ---- What that costs -----------------------------------------------------*/

static void do_sql(const char *sql) {
  if (sqlite3_exec(sqlite_of_bench()->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite_of_bench()->db));
}

/* Copies of run "run", which waits for a signal, and for a day to come. */
static void make_sleepers(int count) {
  char sql[1024];
  run_bench_add("run", PROGRAM, 4);
  run_bench_signals("run", 1, 2);
  run_bench_drive("run", 3);
  snprintf(sql, sizeof sql,
           "CREATE TEMP TABLE n AS WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL "
           "SELECT n + 1 FROM n WHERE n <= %d) SELECT n FROM n;",
           count);
  do_sql(sql);
  do_sql(
      "INSERT INTO run(number, id, access, input, memory_max, fuel, "
      "deadline_ms, created_ms, parent, keep) SELECT n, 'sleeper-' || n, "
      "access, input, memory_max, fuel, deadline_ms, created_ms, parent, keep "
      "FROM n, run WHERE number = 1;"
      "INSERT INTO head(run, status, branch, step, fence, attempts, runnable, "
      "cancel, changed_ms, due_ms) SELECT n, 0, branch, step, fence, 0, 0, 0, "
      "changed_ms, iif(n % 2, NULL, 4102444800000 + n) FROM n, head WHERE run "
      "= 1;"
      "INSERT INTO edition SELECT n, 0, program, engine, 0, 0, X'' FROM n, "
      "edition WHERE run = 1;"
      "INSERT INTO file SELECT n, 0, name, hash FROM n, file WHERE run = 1;"
      "INSERT INTO state SELECT n, step, branch, edition, parent_step, "
      "runnable, clone, engine, made_ms, snapshot FROM n, state WHERE run = 1;"
      "INSERT INTO operation SELECT n, branch, id, kind, topic, request, "
      "due_ms, key, policy, begun_ms, begun_step FROM n, operation WHERE run = "
      "1;"
      "INSERT INTO kind SELECT n, kind, policy FROM n, kind WHERE run = 1;"
      "DROP TABLE n");
}

/* Instructions since the last time. */
static int64_t count_instructions(void) {
  struct torpor__sqlite *db = sqlite_of_bench();
  int64_t count = 0;
  for (int i = 0; i < TORPOR__SQLITE_STATEMENT_COUNT; i++)
    if (db->statements[i] != NULL)
      count +=
          sqlite3_stmt_status(db->statements[i], SQLITE_STMTSTATUS_VM_STEP, 1);
  return count;
}

static void ask_all(int sleepers, int64_t costs[QUESTIONS]) {
  make_sleepers(sleepers);
  count_instructions();
  for (size_t i = 0; i < QUESTIONS; i++) {
    questions[i].ask();
    costs[i] = count_instructions();
  }
}

static void nothing_grows_with_sleepers(void **state) {
  int64_t few[QUESTIONS], many[QUESTIONS];
  bool good = true;
  ask_all(FEW, few);
  assert_int_equal(run_bench_close(state), 0);
  assert_int_equal(run_bench_open(state), 0);
  ask_all(MANY, many);
  for (size_t i = 0; i < QUESTIONS; i++) {
    assert_true(few[i] > 0);
    if (many[i] <= few[i] + few[i] / 2 + COST_MAX) continue;
    good = false;
    print_error("%s: %lld instructions with %d runs that sleep, %lld with %d\n",
                questions[i].name, (long long)few[i], FEW, (long long)many[i],
                MANY);
  }
  assert_true(good);
}

int main(void) {
#define OPEN(test)                                                             \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)
  const struct CMUnitTest tests[] = {OPEN(no_statement_looks_at_more),
                                     OPEN(nothing_grows_with_sleepers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
