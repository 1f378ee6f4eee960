/* SPDX-License-Identifier: MIT */
/* test_worker.c - workers with real programs: what a run may cost its host, and
 * what ends its worker without being its fault.
 *
 * Store and program are in a folder of their own and are removed afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "torpor-run.h"

static struct bench {
  char folder[64], file[96], path[96];
  torpor_store *store;
  torpor_worker *worker;
  int lines, errors, stop_at_line, started;
  torpor_run_info info; /* its strings are not kept */
  char reason[512];
} bench;

static int set_up(void **state) {
  (void)state;
  memset(&bench, 0, sizeof bench);
  snprintf(bench.folder, sizeof bench.folder, "/tmp/torpor-worker-XXXXXX");
  if (mkdtemp(bench.folder) == NULL) return -1;
  snprintf(bench.file, sizeof bench.file, "%s/main.mjs", bench.folder);
  snprintf(bench.path, sizeof bench.path, "%s/store", bench.folder);
  return torpor_store_open(bench.path, NULL, &bench.store) == TORPOR_OK ? 0
                                                                        : -1;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const ends[] = {"", "-wal", "-shm", "-locks"};
  torpor_store_close(bench.store);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s%s", bench.path, ends[i]);
    unlink(path);
  }
  unlink(bench.file);
  return rmdir(bench.folder);
}

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ERROR) bench.errors++;
  if (event->kind == TORPOR_EVENT_LINE) bench.lines++;
  if (event->kind == TORPOR_EVENT_STARTED) bench.started++;
}

static void add_run(const char *source) {
  char id[TORPOR_RUN_ID_SIZE];
  FILE *file = fopen(bench.file, "w");
  assert_non_null(file);
  fputs(source, file);
  fclose(file);
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = bench.file;
  options.id = "run";
  assert_int_equal(torpor_run_add(bench.store, &options, id), TORPOR_OK);
}

static void drive(torpor_event_fn event) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = event;
  assert_int_equal(torpor_worker_open(bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_OK);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
}

static bool see(void *user, const torpor_run_info *info) {
  (void)user;
  bench.info = *info;
  snprintf(bench.reason, sizeof bench.reason, "%s", info->reason);
  return true;
}

static void look(void) {
  assert_int_equal(torpor_run_each(bench.store, "run", see, NULL), TORPOR_OK);
}

/* What a step writes to the console is kept until its commit: not without
 * end. */
static void a_flood_of_output_is_refused(void **state) {
  (void)state;
  add_run(
      "const s = 'x'.repeat(1 << 20);"
      "for (let i = 0; i < 600; i++) console.log(s);");
  drive(note);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_PARKED);
  assert_non_null(strstr(bench.reason, "64 MiB"));
  assert_int_equal(bench.lines, 0);
}

static void much_output_is_fine(void **state) {
  (void)state;
  add_run(
      "const s = 'x'.repeat(1000);"
      "for (let i = 0; i < 20000; i++) console.log(s);");
  drive(note);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_int_equal(bench.lines, 20000);
}

static void stop_when_started(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_STARTED) torpor_worker_stop(bench.worker);
}

/* Who stops a worker in the middle of a step says nothing against the run. */
static void a_stop_is_no_attempt(void **state) {
  (void)state;
  add_run("for (;;);");
  for (int i = 0; i < TORPOR_RUN_ATTEMPTS + 2; i++) drive(stop_when_started);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_READY);
  assert_int_equal(bench.info.attempts, 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_flood_of_output_is_refused),
      ON_BENCH(much_output_is_fine),
      ON_BENCH(a_stop_is_no_attempt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
