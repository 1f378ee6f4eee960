/* SPDX-License-Identifier: MIT */
/* test_worker_memory.c - a worker that runs out of memory in the middle.
 *
 * ctest: nosanitize
 *
 * Just after a commit, while drivers are started, and again when a driver's
 * result comes in, one allocation after the other fails. Either the worker goes
 * on and the run ends in it, as it should or with the error of a driver that
 * had no memory; or the worker ends and says that memory ran out. It never
 * waits for what nobody does.
 *
 * The allocator is that of glibc with a counter in front, so this test is not
 * built with sanitizers, which bring their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/fault.h"
#include "torpor-loop.h"
#include "torpor-run.h"

#include "test/support/bench.h"
#include "test/support/file.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

enum { TRIES = 40 };

static struct {
  bool counting;
  int made;
  int fail_at;
} heap;

static bool is_failing(void) {
  return heap.counting && ++heap.made == heap.fail_at;
}

void *malloc(size_t size) {
  return is_failing() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return is_failing() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  return is_failing() ? NULL : __libc_realloc(block, size);
}

static const char program[] =
    "import { sleep } from 'torpor:run';"
    "await Promise.all([sleep(1), sleep(2)]);"
    "await sleep(1);"
    "export default 7;";

static struct bench {
  torpor_run_state state;
  char reason[256];
  int again;
} bench;

static int set_up(void **state) {
  memset(&bench, 0, sizeof bench);
  if (run_bench_open(state) != 0) return -1;
  test_file_write_text(run_bench.file, program);
  return 0;
}

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ERROR &&
      strstr(event->text, "out of memory") != NULL)
    bench.again++;
}

static bool see(void *user, const torpor_run_info *info) {
  (void)user;
  bench.state = info->state;
  snprintf(bench.reason, sizeof bench.reason, "%.255s", info->reason);
  return true;
}

static void play(int number) {
  char id[TORPOR_RUN_ID_SIZE], name[16];
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  torpor_run_options run = TORPOR_RUN_OPTIONS_INIT;
  torpor_worker *worker;
  snprintf(name, sizeof name, "run%d", number);
  run.file = run_bench.file;
  run.id = name;
  options.event = note;
  assert_int_equal(torpor_run_add(run_bench.store, &run, id), TORPOR_OK);
  heap.made = 0;
  heap.fail_at = number;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(worker, id), TORPOR_OK);
  torpor_status status = torpor_worker_run(worker);
  heap.counting = false;
  assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
  torpor_worker_close(worker);
  assert_int_equal(torpor_run_each(run_bench.store, id, see, NULL), TORPOR_OK);
  if (status != TORPOR_OK || bench.state == TORPOR_RUN_DONE) return;
  assert_int_equal(bench.state, TORPOR_RUN_FAILED); /* as a driver told it */
  assert_non_null(strstr(bench.reason, "memory"));
}

/* From a commit to the start of a driver: its task, and the driver's own. */
static void count_starting(enum torpor__fault_point point) {
  heap.counting = point == TORPOR__FAULT_COMMIT_AFTER;
}

static void starting_a_driver(void **state) {
  (void)state;
  torpor__fault_hook = count_starting;
  for (int i = 1; i <= TRIES; i++) play(i);
  torpor__fault_hook = NULL;
  assert_true(bench.again > 0);
}

/* From the start of a driver to the next transaction: its result. */
static void count_receiving(enum torpor__fault_point point) {
  heap.counting = point == TORPOR__FAULT_DRIVER_STARTED;
}

static void receiving_a_result(void **state) {
  (void)state;
  torpor__fault_hook = count_receiving;
  for (int i = 1; i <= TRIES; i++) play(i);
  torpor__fault_hook = NULL;
  assert_true(bench.again > 0);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, set_up, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(starting_a_driver),
      ON_BENCH(receiving_a_result),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
