/* SPDX-License-Identifier: MIT */
/* test_worker_long.c - steps that go on on other threads.
 *
 * ctest: slow thread timeout=120
 *
 * What the command shows of them is in test_cli_run_long.py. Here are those
 * that are more than there are threads, what is told of a step that was begun
 * twice, and, under the thread sanitizer, who touches what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/bench.h"

enum { MANY = 20 }; /* more than a worker has threads */

#define ENDLESS "for (;;);"
#define LONG                                                                   \
  "import { sleep } from 'torpor:run';"                                        \
  "const seen = [];"                                                           \
  "for (let k = 0; k < 3; k++) {"                                              \
  "  const end = Date.now() + 150;"                                            \
  "  let n = 0;"                                                               \
  "  while (Date.now() < end || n < 3e5) n++;"                                 \
  "  console.log('step', seen.push(k));"                                       \
  "  await sleep(1);"                                                          \
  "}"                                                                          \
  "export default seen;"

static struct {
  torpor_worker *worker;
  const char *until; /* the run whose end stops the worker */
  int started, woken, lines, commits;
} drive;

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (strcmp(event->run, drive.until) != 0) return;
  if (event->kind == TORPOR_EVENT_STARTED) drive.started++;
  if (event->kind == TORPOR_EVENT_WOKEN) drive.woken++;
  if (event->kind == TORPOR_EVENT_LINE) drive.lines++;
  if (event->kind == TORPOR_EVENT_COMMIT) drive.commits++;
  if (event->kind == TORPOR_EVENT_ENDED) torpor_worker_stop(drive.worker);
}

static void drive_all(const char *until) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  memset(&drive, 0, sizeof drive);
  drive.until = until;
  options.event = note;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &drive.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(drive.worker, NULL), TORPOR_OK);
  assert_int_equal(torpor_worker_run(drive.worker), TORPOR_OK);
  torpor_worker_close(drive.worker);
}

static void add_endless(int count) {
  for (int i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, "endless-%d", i);
    run_bench_add(name, ENDLESS, 0);
  }
}

static void expect_endless(int count) {
  for (int i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, "endless-%d", i);
    const torpor_run_info *run = run_bench_look(name);
    assert_int_equal(run->state, TORPOR_RUN_READY);
    assert_int_equal(run->attempts, 0);
  }
}

/* It is begun on the loop's thread, again on another, and goes on there. */
static void a_long_step_is_told_once(void **state) {
  (void)state;
  run_bench_add("long", LONG, 0);
  drive_all("long");
  assert_string_equal(run_bench_value("long"), "[0,1,2]");
  assert_int_equal(drive.started, 1);
  assert_int_equal(drive.woken, 0);
  assert_int_equal(drive.lines, 3);
  assert_int_equal(drive.commits, run_bench_look("long")->step);
}

static void long_steps_go_on_side_by_side(void **state) {
  (void)state;
  add_endless(3);
  run_bench_add("long", LONG, 0);
  drive_all("long");
  assert_string_equal(run_bench_value("long"), "[0,1,2]");
  expect_endless(3);
}

/* The last one is served, though none of those before it ever ends. */
static void more_than_threads_take_turns(void **state) {
  (void)state;
  add_endless(MANY);
  run_bench_add("last", "for (let i = 0; i < 3e6; i++); export default 1;", 0);
  drive_all("last");
  assert_string_equal(run_bench_value("last"), "1");
  expect_endless(MANY);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_long_step_is_told_once),
      ON_BENCH(long_steps_go_on_side_by_side),
      ON_BENCH(more_than_threads_take_turns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
