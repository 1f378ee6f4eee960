/* SPDX-License-Identifier: MIT */
/* test_run_kill.c - dying while a run is rewound, forked, pruned, imported or
 * removed.
 *
 * A process does it and kills itself with SIGKILL at a named point. Before its
 * commit nothing has changed; after it everything has. What is left can be
 * driven to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/fault.h"
#include "support/bench.h"

#define COUNTER                                                                \
  "import { signal } from 'torpor:run';\n"                                     \
  "const seen = [];\n"                                                         \
  "while (seen.length < 4) seen.push(await signal('go'));\n"                   \
  "export default seen;\n"

static enum torpor__fault_point deadly;
static torpor_bytes carried;

static void die(enum torpor__fault_point point) {
  if (point == deadly) raise(SIGKILL);
}

/* Does 'what' in a process that dies at 'point' of it. */
static void die_at(enum torpor__fault_point point, void (*what)(void)) {
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  pid_t pid = fork();
  if (pid == 0) {
    deadly = point;
    torpor__fault_hook = die;
    run_bench_reopen(NULL);
    what();
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  run_bench_reopen(NULL);
}

static uint64_t states;

static bool count_state(void *user, const torpor_run_step *step) {
  (void)user;
  (void)step;
  states++;
  return true;
}

static uint64_t count_states(const char *id) {
  states = 0;
  if (torpor_run_steps(run_bench.store, id, count_state, NULL) != TORPOR_OK)
    return 0;
  return states;
}

static void start(void) {
  run_bench_add("run", COUNTER, 0);
  run_bench_signals("run", 1, 3);
  run_bench_drive("run", 4);
  assert_int_equal(count_states("run"), 4);
}

static void finish(const char *id, int first, int last, const char *value) {
  run_bench_signals(id, first, last);
  run_bench_drive(id, 0);
  assert_string_equal(run_bench_value(id), value);
}

static void rewind_run(void) {
  torpor_run_rewind(run_bench.store, "run", 2);
}

static void dying_while_rewinding(void **state) {
  (void)state;
  start();
  die_at(TORPOR__FAULT_REWIND_READ, rewind_run);
  die_at(TORPOR__FAULT_REWIND_BEFORE, rewind_run);
  assert_int_equal(run_bench_look("run")->step, 4);
  assert_int_equal(count_states("run"), 4);
  die_at(TORPOR__FAULT_REWIND_AFTER, rewind_run);
  assert_int_equal(run_bench_look("run")->step, 2);
  assert_int_equal(count_states("run"), 2);
  finish("run", 7, 9, "[1,7,8,9]");
}

static void fork_run(void) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_fork(run_bench.store, "run", 2, "other", id);
}

static void dying_while_forking(void **state) {
  (void)state;
  start();
  die_at(TORPOR__FAULT_FORK_READ, fork_run);
  die_at(TORPOR__FAULT_FORK_BEFORE, fork_run);
  assert_int_equal(count_states("other"), 0);
  die_at(TORPOR__FAULT_FORK_AFTER, fork_run);
  assert_int_equal(count_states("other"), 1);
  finish("other", 7, 9, "[1,7,8,9]");
  finish("run", 4, 4, "[1,2,3,4]");
}

static void prune_run(void) {
  torpor_run_prune(run_bench.store, "run", 1, false, NULL);
}

static void dying_while_pruning(void **state) {
  (void)state;
  start();
  die_at(TORPOR__FAULT_PRUNE_BEFORE, prune_run);
  assert_int_equal(count_states("run"), 4);
  die_at(TORPOR__FAULT_PRUNE_AFTER, prune_run);
  assert_int_equal(count_states("run"), 1);
  finish("run", 4, 4, "[1,2,3,4]");
}

static void import_run(void) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = "other";
  torpor_run_import(run_bench.store, carried.data, carried.size, &options, id);
}

static void dying_while_importing(void **state) {
  (void)state;
  start();
  assert_int_equal(torpor_run_export(run_bench.store, "run", 2, &carried),
                   TORPOR_OK);
  die_at(TORPOR__FAULT_IMPORT_BEFORE, import_run);
  assert_int_equal(count_states("other"), 0);
  die_at(TORPOR__FAULT_IMPORT_AFTER, import_run);
  assert_int_equal(count_states("other"), 1);
  finish("other", 7, 9, "[1,7,8,9]");
  torpor_bytes_free(&carried);
}

static void remove_both(void) {
  const char *const ids[] = {"run", "second"};
  torpor_run_remove(run_bench.store, ids, 2, NULL);
}

/* Rows of runs that are there, and of others. */
static int64_t count_rows(const char *which) {
  static const char *const tables[] = {
      "head",      "exit",   "state", "branch", "kind", "edition",
      "operation", "result", "line",  "signal", "file", "console"};
  int64_t count = 0;
  sqlite3 *other;
  assert_int_equal(sqlite3_open(run_bench.path, &other), SQLITE_OK);
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    char sql[160];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM %s WHERE run %s (SELECT number FROM run)",
             tables[i], which);
    assert_int_equal(sqlite3_prepare_v2(other, sql, -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_step(statement);
    count += sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
  }
  sqlite3_close(other);
  return count;
}

/* Both are there with all that they had, or neither is, and who opens the store
 * next removes what is left of them. */
static void dying_while_removing(void **state) {
  (void)state;
  static const enum torpor__fault_point later[] = {TORPOR__FAULT_REMOVE_AFTER,
                                                   TORPOR__FAULT_SWEEP_BEFORE,
                                                   TORPOR__FAULT_SWEEP_AFTER};
  for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
    char id[TORPOR_RUN_ID_SIZE];
    start();
    torpor_run_fork(run_bench.store, "run", 2, "second", id);
    run_bench_add("other", COUNTER, 0);
    run_bench_drive("other", 1);
    torpor_run_cancel(run_bench.store, "run", true);
    torpor_run_cancel(run_bench.store, "second", true);
    int64_t rows = count_rows("IN");
    die_at(TORPOR__FAULT_REMOVE_BEFORE, remove_both);
    assert_int_equal(count_rows("IN"), rows);
    assert_int_equal(count_states("run"), 4);
    die_at(later[i], remove_both);
    assert_int_equal(count_rows("NOT IN"), 0);
    assert_int_equal(count_states("run") + count_states("second"), 0);
    assert_int_equal(count_states("other"), 1);
    finish("other", 1, 4, "[1,2,3,4]");
    const char *const last[] = {"other"};
    assert_int_equal(torpor_run_remove(run_bench.store, last, 1, NULL),
                     TORPOR_OK);
    assert_int_equal(count_rows("IN") + count_rows("NOT IN"), 0);
  }
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(dying_while_rewinding), ON_BENCH(dying_while_forking),
      ON_BENCH(dying_while_pruning),   ON_BENCH(dying_while_importing),
      ON_BENCH(dying_while_removing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
