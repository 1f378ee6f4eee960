/* SPDX-License-Identifier: MIT */
/* test_worker_assertions.c - what test builds assert of a worker (in
 * worker-check.c, worker-run.c, worker-drivers.c and worker-threads.c of
 * run/worker/) can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/protocol/protocol-state.h"
#include "run/worker/worker-check.h"
#include "run/worker/worker-threads.h"
#include "test/support/assertion.h"

static char folder[64];
static torpor_store *store;
static torpor_worker *worker;

static void stop_at_commit(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_COMMIT) torpor_worker_stop(worker);
}

static void add_run(const char *name, const char *file) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = file;
  options.id = name;
  assert_int_equal(torpor_run_add(store, &options, id), TORPOR_OK);
  assert_int_equal(torpor_worker_add(worker, name), TORPOR_OK);
}

/* A worker with two runs that wait for a timer, awake. */
static void open_worker(void) {
  char path[96], program[96];
  snprintf(folder, sizeof folder, "/tmp/torpor-assertions-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/store", folder);
  snprintf(program, sizeof program, "%s/main.mjs", folder);
  FILE *file = fopen(program, "w");
  assert_non_null(file);
  fputs("await new Promise((done) => setTimeout(done, 1e6));", file);
  fclose(file);
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = stop_at_commit;
  assert_int_equal(torpor_store_open(path, NULL, &store), TORPOR_OK);
  assert_int_equal(torpor_worker_open(store, &options, &worker), TORPOR_OK);
  add_run("one", program);
  add_run("two", program);
  assert_int_equal(torpor_worker_run(worker), TORPOR_OK);
  assert_int_equal(worker->count, 2);
  assert_true(torpor__worker_run_is_awake(worker->runs[0]));
}

static void remove_files(void) {
  static const char *const names[] = {"main.mjs", "store", "store-wal",
                                      "store-shm", "store-locks"};
  char path[96];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}

static struct torpor__protocol *first(void) {
  return torpor__worker_run_protocol(worker->runs[0]);
}

/* What aborts leaves no files: they are removed while they are open. */
static void check(void) {
  remove_files();
  torpor__worker_check(worker);
}

/* ---- What breaks ----------------------------------------------------------*/

static void numbers_out_of_order(void) {
  open_worker();
  struct torpor__held_run first = worker->held[0];
  worker->held[0] = worker->held[1];
  worker->held[1] = first;
  check();
}

static void no_room_in_the_queue(void) {
  open_worker();
  worker->queue_count = worker->queue_capacity;
  check();
}

static void no_room_for_a_flush(void) {
  open_worker();
  worker->pending_capacity = 1;
  check();
}

static void suspect_of_another(void) {
  open_worker();
  worker->suspect = (struct torpor__worker_run *)worker;
  check();
}

static void still_defers(void) {
  open_worker();
  worker->shared.defer_long = true;
  check();
}

/* Makes one run be there 300 times; all else is in order. */
static void multiply_run(void) {
  enum { COUNT = TORPOR__WORKER_AWAKE_MAX + 44 };
  static struct torpor__worker_run *runs[COUNT];
  static struct torpor__held_run held[COUNT];
  for (int i = 0; i < COUNT; i++) {
    runs[i] = worker->runs[0];
    held[i] = (struct torpor__held_run){.number = i, .run = runs[i]};
  }
  worker->runs = runs;
  worker->held = held;
  worker->count = worker->held_count = COUNT;
  worker->capacity = worker->queue_capacity = worker->pending_capacity = COUNT;
}

static void too_many_awake(void) {
  open_worker();
  multiply_run();
  check();
}

/* Many runs that rest may be told something at once: all will be stepped. */
static void many_about_to_step(void) {
  open_worker();
  multiply_run();
  first()->phase = TORPOR__PHASE_STEPPING;
  torpor__worker_limit_awake(worker);
  assert_true(torpor__worker_run_is_awake(worker->runs[0]));
  check();
}

/* No turn would step it. */
static void rest_with_work_to_do(void) {
  open_worker();
  torpor__worker_run_place(worker->runs[0])->rests = true;
  worker->runs[0] = worker->runs[--worker->count];
  check();
}

static void step_not_committed(void) {
  open_worker();
  first()->phase = TORPOR__PHASE_STAGED;
  check();
}

static void vm_of_another_step(void) {
  open_worker();
  first()->head.step++;
  check();
}

static void driver_for_nothing(void) {
  open_worker();
  first()->results.waiting_count = 0;
  check();
}

static void do_nothing(struct torpor__work *work) {
  (void)work;
}

static struct torpor__threads *open_threads(void) {
  torpor_loop *loop;
  assert_int_equal(torpor_loop_open(NULL, &loop), TORPOR_OK);
  struct torpor__threads *threads = torpor__threads_open(loop);
  assert_non_null(threads);
  return threads;
}

static void work_started_twice(void) {
  struct torpor__work work = {.work = do_nothing};
  struct torpor__threads *threads = open_threads();
  assert_true(torpor__threads_start(threads, &work));
  torpor__threads_start(threads, &work);
}

static void work_never_started(void) {
  struct torpor__work work = {.work = do_nothing};
  torpor__threads_wait(open_threads(), &work);
}

static void nothing(void) {
  struct torpor__work work = {.work = do_nothing};
  struct torpor__threads *threads = open_threads();
  assert_true(torpor__threads_start(threads, &work));
  torpor__threads_wait(threads, &work);
  torpor__threads_close(threads);
  open_worker();
  torpor__worker_check(worker);
  torpor_worker_close(worker);
  torpor_store_close(store);
  remove_files();
}

static void each_can_fail(void **state) {
  static const struct test_assertion cases[] = {
      {"numbers out of order", numbers_out_of_order},
      {"no room in the queue", no_room_in_the_queue},
      {"no room for a flush", no_room_for_a_flush},
      {"a suspect of another worker", suspect_of_another},
      {"long steps are deferred for nobody", still_defers},
      {"too many VMs are awake", too_many_awake},
      {"a run rests that has something to do", rest_with_work_to_do},
      {"a step that is not committed", step_not_committed},
      {"a VM that is at another step", vm_of_another_step},
      {"a driver for nothing", driver_for_nothing},
      {"work that is started twice", work_started_twice},
      {"work that was never started", work_never_started},
  };
  (void)state;
  test_assertions_fire(cases, sizeof cases / sizeof cases[0]);
  test_nothing_fires(nothing);
  test_nothing_fires(many_about_to_step);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
