/* SPDX-License-Identifier: MIT */
/* test_worker_room.c - a worker keeps within the memory that it was given.
 *
 * ctest: slow full nosanitize timeout=120
 *
 * Many runs are ready at once, each with a megabyte of its own. A process
 * drives them; what it took at most is what the system says afterwards. Under
 * the sanitizers a process takes what they take.
 *
 *   TORPOR_TIER=full    5,000 runs instead of 500 */
#define _DEFAULT_SOURCE /* wait4 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/worker/process-memory.h"
#include "support/bench.h"

#define MIB ((uint64_t)1 << 20)
#define TOTAL (160 * MIB)

#define PROGRAM                                                                \
  "import { sleep } from 'torpor:run';"                                        \
  "const own = new Uint8Array(1 << 20).fill(7);"                               \
  "await sleep(1);"                                                            \
  "await sleep(1);"                                                            \
  "export default own.length;"

static int count_runs(void) {
  const char *tier = getenv("TORPOR_TIER");
  return tier != NULL && strcmp(tier, "full") == 0 ? 5000 : 500;
}

static torpor_worker *worker;
static int left;

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ENDED && --left == 0)
    torpor_worker_stop(worker);
}

/* In a process of its own: the bytes that it took at most. */
static uint64_t drive_all(uint64_t total) {
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  pid_t pid = fork();
  if (pid == 0) {
    torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
    options.event = note;
    options.memory_total = total;
    run_bench_reopen(NULL);
    bool well =
        torpor_worker_open(run_bench.store, &options, &worker) == TORPOR_OK &&
        torpor_worker_add(worker, NULL) == TORPOR_OK &&
        torpor_worker_run(worker) == TORPOR_OK;
    torpor_worker_close(worker);
    _exit(well ? 0 : 1);
  }
  int status;
  struct rusage usage;
  assert_int_equal(wait4(pid, &status, 0, &usage), pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  run_bench_reopen(NULL);
  return (uint64_t)usage.ru_maxrss * 1024;
}

static void add_runs(int count) {
  for (int i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, "run-%d", i);
    run_bench_add(name, PROGRAM, 1);
  }
  left = count;
}

static bool check_done(void *user, const torpor_run_info *info) {
  (void)user;
  assert_int_equal(info->state, TORPOR_RUN_DONE);
  return true;
}

static void many_runs_keep_within_the_memory(void **state) {
  (void)state;
  add_runs(count_runs());
  uint64_t most = drive_all(TOTAL);
  assert_in_range(most, 1, TOTAL);
  assert_int_equal(torpor_run_each(run_bench.store, NULL, check_done, NULL),
                   TORPOR_OK);
}

/* With less than the process has anyway, one runs at a time. */
static void too_little_memory_is_slow_and_no_more(void **state) {
  (void)state;
  add_runs(20);
  drive_all(1);
  assert_int_equal(torpor_run_each(run_bench.store, NULL, check_done, NULL),
                   TORPOR_OK);
}

static void there_is_a_default(void **state) {
  (void)state;
  assert_true(torpor__process_memory_used() > MIB);
  assert_true(torpor__process_memory_default() > torpor__process_memory_used());
  assert_true(torpor__process_memory_default() < UINT64_MAX / 2);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(many_runs_keep_within_the_memory),
      ON_BENCH(too_little_memory_is_slow_and_no_more),
      cmocka_unit_test(there_is_a_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
