/* SPDX-License-Identifier: MIT */
/* test_run_key.c - a store that need not be trusted: states are encrypted, and
 * each is bound to its run, branch and step.
 *
 * The store is in a folder of its own and is removed afterwards. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/database/database-sqlite-state.h"
#include "support/bench.h"
#include "test/support/file.h"

#define SECRET "a secret that no disk should see"
#define COUNTER                                                                \
  "import { signal } from 'torpor:run';\n"                                     \
  "const seen = ['" SECRET                                                     \
  "'.length];\n"                                                               \
  "globalThis.hidden = 'a secret ' + 'that the state has';\n"                  \
  "while (seen.length < 4) seen.push(await signal('go'));\n"                   \
  "export default seen;\n"

static const uint8_t key[TORPOR_KEY_SIZE] = {1, 2, 3};
static const uint8_t other_key[TORPOR_KEY_SIZE] = {1, 2, 4};

/* Runs SQL on the file behind the store's back. */
static void run_sql(const char *sql) {
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  struct torpor__database *database;
  const struct torpor__database_options options = {.path = run_bench.path};
  assert_int_equal(torpor__sqlite_open(&options, &database, message),
                   TORPOR_OK);
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)database, sql),
                   TORPOR_OK);
  database->calls->close(database);
}

static void start(void) {
  run_bench_reopen(key);
  run_bench_add("run", COUNTER, 0);
  run_bench_signals("run", 1, 1);
  run_bench_drive("run", 2);
}

static torpor_status add_to_worker(void) {
  torpor_worker *worker;
  assert_int_equal(torpor_worker_open(run_bench.store, NULL, &worker),
                   TORPOR_OK);
  torpor_status status = torpor_worker_add(worker, "run");
  torpor_worker_close(worker);
  return status;
}

static void runs_live_as_without_a_key(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  start();
  assert_int_equal(torpor_run_fork(run_bench.store, "run", 1, "fork", id),
                   TORPOR_OK);
  run_bench_signals("run", 2, 3);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "[32,1,2,3]");
  assert_int_equal(torpor_run_rewind(run_bench.store, "run", 2), TORPOR_OK);
  run_bench_signals("run", 4, 5);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "[32,1,4,5]");
  run_bench_signals("fork", 6, 8);
  run_bench_drive("fork", 0);
  assert_string_equal(run_bench_value("fork"), "[32,6,7,8]");
}

static void the_file_does_not_tell(void **state) {
  (void)state;
  static const char hidden[] = "that the state has";
  start();
  run_bench_reopen(key); /* the log goes into the file */
  torpor_bytes bytes = test_file_read(run_bench.path);
  const uint8_t *end = bytes.data + bytes.size;
  int found = 0; /* once: in the text of the program, which is not a state */
  for (const uint8_t *at = bytes.data; at < end; found++) {
    at = memmem(at, (size_t)(end - at), hidden, strlen(hidden));
    if (at == NULL) break;
    at++;
  }
  free(bytes.data);
  assert_int_equal(found, 1);
}

static void without_the_key_nothing_wakes(void **state) {
  (void)state;
  torpor_bytes bytes;
  start();
  run_bench_reopen(NULL);
  assert_int_equal(add_to_worker(), TORPOR_KEY);
  assert_non_null(strstr(torpor_store_error(run_bench.store), "with its key"));
  assert_int_equal(
      torpor_run_snapshot(run_bench.store, "run", TORPOR_RUN_NEWEST, &bytes),
      TORPOR_KEY);
  run_bench_reopen(other_key);
  assert_int_equal(add_to_worker(), TORPOR_KEY);
  assert_int_equal(torpor_run_rewind(run_bench.store, "run", 1), TORPOR_KEY);
  assert_int_equal(run_bench_look("run")->attempts, 0);
  run_bench_reopen(key);
  assert_int_equal(add_to_worker(), TORPOR_OK);
}

static void an_older_state_in_its_place_is_refused(void **state) {
  (void)state;
  start();
  run_sql(
      "UPDATE state SET snapshot = (SELECT snapshot FROM state "
      "WHERE step = 1) WHERE step = 2");
  assert_int_equal(add_to_worker(), TORPOR_KEY);
}

static void a_state_of_another_run_is_refused(void **state) {
  (void)state;
  start();
  run_bench_add("second", COUNTER, 0);
  run_bench_signals("second", 1, 1);
  run_bench_drive("second", 2);
  run_sql(
      "UPDATE state SET snapshot = (SELECT snapshot FROM state "
      "WHERE step = 2 AND run = 2) WHERE step = 2 AND run = 1");
  assert_int_equal(add_to_worker(), TORPOR_KEY);
}

static void a_plain_state_is_refused(void **state) {
  (void)state;
  run_bench_add("run", COUNTER, 0);
  run_bench_drive("run", 1);
  run_bench_reopen(key);
  assert_int_equal(add_to_worker(), TORPOR_KEY);
  assert_non_null(strstr(torpor_store_error(run_bench.store), "without a key"));
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

static torpor_status add_another(const char *id) {
  torpor_worker *worker;
  assert_int_equal(torpor_worker_open(run_bench.store, NULL, &worker),
                   TORPOR_OK);
  torpor_status status = torpor_worker_add(worker, id);
  torpor_worker_close(worker);
  return status;
}

/* Who lacks the key writes no first state beside encrypted ones. */
static void nothing_plain_begins_beside_encrypted_states(void **state) {
  (void)state;
  torpor_bytes carried = {0};
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  char id[TORPOR_RUN_ID_SIZE];
  run_bench_reopen(NULL);
  run_bench_add("plain", COUNTER, 0);
  assert_int_equal(add_another("plain"), TORPOR_OK); /* no states yet */
  start();
  assert_int_equal(
      torpor_run_export(run_bench.store, "run", TORPOR_RUN_NEWEST, &carried),
      TORPOR_OK);
  run_bench_reopen(NULL);
  assert_int_equal(add_another("plain"), TORPOR_KEY);
  assert_non_null(
      strstr(torpor_store_error(run_bench.store), "open the store with its"));
  options.id = "carried";
  assert_int_equal(torpor_run_import(run_bench.store, carried.data,
                                     carried.size, &options, id),
                   TORPOR_KEY);
  run_bench_reopen(key);
  assert_int_equal(add_another("plain"), TORPOR_OK);
  torpor_bytes_free(&carried);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(runs_live_as_without_a_key),
      ON_BENCH(nothing_plain_begins_beside_encrypted_states),
      ON_BENCH(the_file_does_not_tell),
      ON_BENCH(without_the_key_nothing_wakes),
      ON_BENCH(an_older_state_in_its_place_is_refused),
      ON_BENCH(a_state_of_another_run_is_refused),
      ON_BENCH(a_plain_state_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
