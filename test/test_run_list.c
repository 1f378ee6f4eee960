/* SPDX-License-Identifier: MIT */
/* test_run_list.c - runs are listed by state and program, in pages. */
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

enum { RUNS = 700 };

static sqlite3 *database(void) {
  return ((struct torpor__sqlite *)run_bench.store->database)->db;
}

static void do_sql(const char *sql) {
  if (sqlite3_exec(database(), sql, NULL, NULL, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(database()));
}

/* RUNS runs of three programs, in all states; two of them damaged. */
static void make_runs(void) {
  run_bench_add("run-1", "export default 1;", 0);
  do_sql(
      "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n "
      "< 700) INSERT INTO run(number, id, access, input, memory_max, fuel, "
      "deadline_ms, created_ms, parent, keep) SELECT n, 'run-' || n, access, "
      "input, memory_max, fuel, deadline_ms, created_ms, parent, keep FROM n, "
      "run WHERE number = 1");
  do_sql(
      "INSERT INTO head(run, status, step, runnable, changed_ms) SELECT "
      "number, number % 6, number % 3, number % 4 = 0, 0 FROM run WHERE number "
      "> 1");
  do_sql(
      "INSERT INTO edition SELECT run.number, 0, '/jobs/' || (run.number % 3) "
      "|| '.mjs', engine, 0, 0, X'' FROM run, edition WHERE edition.run = 1 "
      "AND run.number > 1");
  do_sql("UPDATE run SET input = zeroblob(200000) WHERE number = 9");
  do_sql("UPDATE head SET status = 77 WHERE run IN (100, 333)");
}

/* What a list gave, as text. */
struct listed {
  char text[RUNS * 16];
  size_t size;
  uint64_t count;
  char last[TORPOR_RUN_ID_SIZE];
};

/* torpor_run_visit_fn */
static bool note(void *user, const torpor_run_info *info) {
  struct listed *listed = user;
  listed->size +=
      (size_t)snprintf(listed->text + listed->size, 16, "%s ", info->id);
  listed->count++;
  snprintf(listed->last, sizeof listed->last, "%s", info->id);
  return true;
}

/* What is expected of a list: all runs are looked at. */
struct expected {
  struct listed listed;
  const torpor_run_list_options *options;
};

/* torpor_run_visit_fn */
static bool choose(void *user, const torpor_run_info *info) {
  struct expected *expected = user;
  const torpor_run_list_options *options = expected->options;
  if (options->states != 0 &&
      (options->states & TORPOR_RUN_LISTED(info->state)) == 0)
    return true;
  if (options->program != NULL && strcmp(info->file, options->program) != 0)
    return true;
  return note(&expected->listed, info);
}

/* The pages of a list, one behind the other, are what looking at all gives. */
static void check(torpor_run_list_options options) {
  struct expected *expected = calloc(1, sizeof *expected);
  struct listed *pages = calloc(1, sizeof *pages);
  uint64_t before;
  expected->options = &options;
  assert_int_equal(torpor_run_each(run_bench.store, NULL, choose, expected),
                   TORPOR_OK);
  do {
    before = pages->count;
    assert_int_equal(torpor_run_list(run_bench.store, &options, note, pages),
                     TORPOR_OK);
    assert_true(pages->count - before <= options.limit);
    options.after = pages->last;
  } while (pages->count - before == options.limit);
  assert_string_equal(pages->text, expected->listed.text);
  free(expected);
  free(pages);
}

static void pages_are_what_there_is(void **state) {
  (void)state;
  static const uint64_t limits[] = {7, 64, 65, 1000};
  static const char *const programs[] = {NULL, "/jobs/1.mjs", "/none.mjs"};
  make_runs();
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
    for (size_t j = 0; j < sizeof programs / sizeof programs[0]; j++)
      for (uint32_t states = 0; states < 1u << (TORPOR_RUN_DAMAGED + 1);
           states += 29) {
        torpor_run_list_options options = TORPOR_RUN_LIST_OPTIONS_INIT;
        options.states = states;
        options.program = programs[j];
        options.limit = limits[i];
        check(options);
      }
}

static void all_are_listed_without_options(void **state) {
  (void)state;
  struct listed *listed = calloc(1, sizeof *listed);
  make_runs();
  assert_int_equal(torpor_run_list(run_bench.store, NULL, note, listed),
                   TORPOR_OK);
  assert_int_equal(listed->count, RUNS);
  free(listed);
}

static void what_cannot_be_listed_is_refused(void **state) {
  (void)state;
  torpor_run_list_options options = TORPOR_RUN_LIST_OPTIONS_INIT;
  struct listed listed = {0};
  options.after = "nobody";
  assert_int_equal(torpor_run_list(run_bench.store, &options, note, &listed),
                   TORPOR_NOT_FOUND);
  options.size = 3;
  assert_int_equal(torpor_run_list(run_bench.store, &options, note, &listed),
                   TORPOR_MISUSE);
}

int main(void) {
#define OPEN(test)                                                             \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)
  const struct CMUnitTest tests[] = {OPEN(pages_are_what_there_is),
                                     OPEN(all_are_listed_without_options),
                                     OPEN(what_cannot_be_listed_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
