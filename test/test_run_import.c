/* SPDX-License-Identifier: MIT */
/* test_run_import.c - what is taken of what a file says of its run, rule by
 * rule (run/import.c).
 *
 * The snapshot is a real one; the map beside it is written here, right but for
 * the one thing that a test is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cbor.h"
#include "run/checkpoint.h"
#include "run/database/database-sqlite-state.h"
#include "run/store.h"
#include "support/bench.h"
#include "support/file.h"

#define STEP_LARGEST (INT64_C(1) << 52)

static const char program[] =
    "import { signal, sleep } from 'torpor:run';"
    "const late = sleep('1 day').catch((e) => e.name);"
    "const got = await signal('go').catch((e) => e.name);"
    "export default [got, await late];";

static torpor_bytes whole; /* the snapshot of 'program' at step 1 */

/* ---- Writing a map --------------------------------------------------------*/

struct operation {
  int64_t id;
  const char *key; /* NULL: it is not in the map */
  int64_t policy, begun_step;
};

struct map {
  int64_t version, step, branch, memory_max, fuel, deadline;
  struct operation operations[2];
  int64_t result_of, outcome; /* 0: no result */
  torpor_slice result, upgrade;
  const struct torpor__file *more; /* files beside the program */
  size_t more_count;
};

/* What is true. */
static struct map right(void) {
  return (struct map){
      .version = TORPOR__EXPORT_VERSION,
      .step = 1,
      .operations = {{1, "run/0/1", TORPOR__POLICY_REARM, 1},
                     {2, "run/0/2", TORPOR__POLICY_REATTACH, 1}}};
}

static void put_number(torpor__buffer *to, const char *name, int64_t number) {
  torpor__cbor_string(to, name);
  torpor__cbor_integer(to, number);
}

static void put_file(torpor__buffer *to, const char *name,
                     torpor_slice source) {
  torpor__cbor_head(to, TORPOR__CBOR_ARRAY, 2);
  torpor__cbor_string(to, name);
  torpor__cbor_bytes(to, TORPOR__CBOR_BYTES, source.data, source.size);
}

static void put_texts(torpor__buffer *to, const struct map *map) {
  torpor__cbor_string(to, "id");
  torpor__cbor_string(to, "run");
  torpor__cbor_string(to, "program");
  torpor__cbor_string(to, "main.mjs");
  torpor__cbor_string(to, "files");
  torpor__cbor_head(to, TORPOR__CBOR_ARRAY, 1 + map->more_count);
  put_file(to, "main.mjs",
           (torpor_slice){.data = program, .size = strlen(program)});
  for (size_t i = 0; i < map->more_count; i++)
    put_file(to, map->more[i].name, map->more[i].source);
}

static void put_operations(torpor__buffer *to, const struct map *map) {
  size_t count = 0;
  for (size_t i = 0; i < 2; i++) count += map->operations[i].key != NULL;
  torpor__cbor_string(to, "operations");
  torpor__cbor_head(to, TORPOR__CBOR_ARRAY, count);
  for (size_t i = 0; i < 2; i++) {
    const struct operation *operation = &map->operations[i];
    if (operation->key == NULL) continue;
    torpor__cbor_head(to, TORPOR__CBOR_MAP, 4);
    put_number(to, "id", operation->id);
    torpor__cbor_string(to, "key");
    torpor__cbor_string(to, operation->key);
    put_number(to, "policy", operation->policy);
    put_number(to, "begun_step", operation->begun_step);
  }
}

static void put_results(torpor__buffer *to, const struct map *map) {
  torpor__cbor_string(to, "results");
  torpor__cbor_head(to, TORPOR__CBOR_ARRAY, map->result_of != 0);
  if (map->result_of == 0) return;
  torpor__cbor_head(to, TORPOR__CBOR_MAP, 3);
  put_number(to, "operation", map->result_of);
  put_number(to, "outcome", map->outcome);
  torpor__cbor_string(to, "value");
  torpor__cbor_bytes(to, TORPOR__CBOR_BYTES, map->result.data,
                     map->result.size);
}

static torpor_status import_with(const struct map *map,
                                 const torpor_run_import_options *options) {
  torpor__buffer to = {0};
  torpor_bytes file;
  char id[TORPOR_RUN_ID_SIZE];
  torpor__cbor_head(&to, TORPOR__CBOR_MAP, 12);
  put_number(&to, "version", map->version);
  put_number(&to, "step", map->step);
  put_number(&to, "branch", map->branch);
  put_number(&to, "memory_max", map->memory_max);
  put_number(&to, "fuel", map->fuel);
  put_number(&to, "deadline", map->deadline);
  put_texts(&to, map);
  put_operations(&to, map);
  put_results(&to, map);
  torpor__cbor_string(&to, "upgrade");
  torpor__cbor_bytes(&to, TORPOR__CBOR_BYTES, map->upgrade.data,
                     map->upgrade.size);
  assert_false(to.failed);
  assert_int_equal(
      torpor_snapshot_attach(whole.data, whole.size, to.data, to.size, &file),
      TORPOR_OK);
  torpor_status status =
      torpor_run_import(run_bench.store, file.data, file.size, options, id);
  torpor_bytes_free(&file);
  torpor__buffer_free(&to);
  return status;
}

static torpor_status import(const struct map *map) {
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = "copy";
  return import_with(map, &options);
}

static void assert_refused(const struct map *map, torpor_status expected) {
  assert_int_equal(import(map), expected);
  assert_int_equal(torpor_run_operations(run_bench.store, "copy", NULL, NULL),
                   TORPOR_NOT_FOUND);
}

/* ---- Looking at what came of it -------------------------------------------*/

static struct torpor__run limits;

static torpor_status note_limits(void *data, int64_t run,
                                 const struct torpor__run *row,
                                 const struct torpor__head *head) {
  (void)data;
  (void)run;
  (void)head;
  limits = *row;
  return TORPOR_OK;
}

static void assert_limits(uint64_t memory_max, uint64_t fuel,
                          uint64_t deadline_ms) {
  struct torpor__database *database = run_bench.store->database;
  int64_t run;
  assert_int_equal(database->calls->run_find(database, "copy", &run),
                   TORPOR_OK);
  assert_int_equal(database->calls->run_get(database, run, note_limits, NULL),
                   TORPOR_OK);
  assert_true(limits.memory_max == memory_max);
  assert_true(limits.fuel == fuel);
  assert_true(limits.deadline_ms == deadline_ms);
}

static char listed[256];

static bool note_operation(void *user, const torpor_run_operation *operation) {
  (void)user;
  size_t size = strlen(listed);
  snprintf(listed + size, sizeof listed - size, "%s %s %d; ", operation->key,
           operation->waking, (int)operation->begun_step);
  return true;
}

static const char *list_operations(void) {
  listed[0] = '\0';
  assert_int_equal(
      torpor_run_operations(run_bench.store, "copy", note_operation, NULL),
      TORPOR_OK);
  return listed;
}

static const char *drive_to_value(void) {
  run_bench_drive("copy", 0);
  assert_int_equal(run_bench_look("copy")->state, TORPOR_RUN_DONE);
  return run_bench_value("copy");
}

static int set_up(void **state) {
  if (run_bench_open(state) != 0) return -1;
  run_bench_add("run", program, 0);
  run_bench_drive("run", 1);
  return torpor_run_snapshot(run_bench.store, "run", 1, &whole) == TORPOR_OK
             ? 0
             : -1;
}

static int tear_down(void **state) {
  torpor_bytes_free(&whole);
  return run_bench_close(state);
}

/* ---- The rules ------------------------------------------------------------*/

static void limits_are_capped(void **state) {
  (void)state;
  struct map map = right();
  map.memory_max = map.fuel = map.deadline = INT64_MAX;
  assert_int_equal(import(&map), TORPOR_OK);
  assert_limits(TORPOR_MEMORY_DEFAULT, TORPOR_RUN_FUEL, TORPOR_RUN_DEADLINE_MS);
}

static void smaller_limits_stay(void **state) {
  (void)state;
  struct map map = right();
  map.memory_max = 64 << 20;
  map.fuel = 1000;
  map.deadline = 2000;
  assert_int_equal(import(&map), TORPOR_OK);
  assert_limits((uint64_t)64 << 20, 1000, 2000);
}

static void the_importer_has_the_last_word(void **state) {
  (void)state;
  struct map map = right();
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = "copy";
  options.memory_max = (uint64_t)1 << 30;
  options.fuel = TORPOR_RUN_FUEL * 2;
  options.deadline_ms = TORPOR_RUN_DEADLINE_MS * 2;
  map.memory_max = map.fuel = map.deadline = 1 << 20;
  assert_int_equal(import_with(&map, &options), TORPOR_OK);
  assert_limits((uint64_t)1 << 30, TORPOR_RUN_FUEL * 2,
                TORPOR_RUN_DEADLINE_MS * 2);
}

/* More than the file says that it needs is not taken to read it, either. */
static void the_state_is_read_within_the_limit(void **state) {
  (void)state;
  struct map map = right();
  map.memory_max = 4096;
  assert_refused(&map, TORPOR_LIMIT);
}

static void numbers_out_of_range(void **state) {
  (void)state;
  struct map map;
  int64_t *const numbers[] = {&map.memory_max, &map.fuel, &map.deadline,
                              &map.branch, &map.step};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    map = right();
    *numbers[i] = -1;
    assert_refused(&map, TORPOR_FORMAT);
  }
  map = right();
  map.step = 0;
  assert_refused(&map, TORPOR_FORMAT);
  map.step = STEP_LARGEST + 1;
  assert_refused(&map, TORPOR_FORMAT);
  map = right();
  map.branch = INT64_C(0x80000000);
  assert_refused(&map, TORPOR_FORMAT);
  map = right();
  map.step = STEP_LARGEST;
  map.branch = INT64_C(0x7fffffff);
  assert_int_equal(import(&map), TORPOR_OK);
  assert_true(run_bench_look("copy")->branch == INT64_C(0x80000000));
}

static void versions(void **state) {
  (void)state;
  struct map map = right();
  map.version = TORPOR__EXPORT_VERSION + 1;
  assert_refused(&map, TORPOR_NEWER);
  map.version = TORPOR__EXPORT_VERSION - 1;
  assert_refused(&map, TORPOR_FORMAT);
}

static void what_is_known_is_kept(void **state) {
  (void)state;
  struct map map = right();
  assert_int_equal(import(&map), TORPOR_OK);
  assert_string_equal(list_operations(),
                      "run/0/1 re-arm 1; run/0/2 reattach 1; ");
  assert_int_equal(run_bench_look("copy")->branch, 1);
}

/* What nothing is known of is not done again: it is lost. */
static void what_is_not_known_is_not_repeated(void **state) {
  (void)state;
  struct map map = right();
  map.operations[0].key = NULL;
  assert_int_equal(import(&map), TORPOR_OK);
  assert_string_equal(list_operations(),
                      "run/0/1 reject 1; run/0/2 reattach 1; ");
  run_bench_signals("copy", 7, 7);
  assert_string_equal(drive_to_value(), "[7,\"LostError\"]");
}

/* Nor is a kind of which the store knows nothing, when it is gone back to. */
static void a_kind_that_is_not_known(void **state) {
  (void)state;
  struct torpor__database *database = run_bench.store->database;
  struct map map = right();
  assert_int_equal(import(&map), TORPOR_OK);
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)database,
                                       "DELETE FROM kind"),
                   TORPOR_OK);
  assert_int_equal(torpor_run_rewind(run_bench.store, "copy", 1), TORPOR_OK);
  assert_string_equal(list_operations(),
                      "run/0/1 reject 1; run/0/2 reject 1; ");
}

/* No operation was begun after the state that waits for it. */
static void begun_in_the_future(void **state) {
  (void)state;
  struct map map = right();
  map.operations[0].begun_step = 99;
  assert_int_equal(import(&map), TORPOR_OK);
  assert_string_equal(list_operations(),
                      "run/0/1 re-arm 1; run/0/2 reattach 1; ");
}

/* Later operations are of the same branch or a later one, and each branch is
 * that of one run. */
static void branches(void **state) {
  (void)state;
  struct map map = right();
  map.operations[0].key = "run/3/1";
  assert_refused(&map, TORPOR_FORMAT);
  map.operations[1].key = "run/2/2";
  assert_refused(&map, TORPOR_FORMAT);
  map.operations[1].key = "other/3/2";
  assert_refused(&map, TORPOR_FORMAT);
  map.operations[1].key = "other/5/2";
  assert_int_equal(import(&map), TORPOR_OK);
  assert_string_equal(list_operations(),
                      "run/3/1 re-arm 1; other/5/2 reattach 1; ");
  assert_int_equal(run_bench_look("copy")->branch, 6);
}

static void operations_in_order(void **state) {
  (void)state;
  struct map map = right();
  struct operation first = map.operations[0];
  map.operations[0] = map.operations[1];
  map.operations[1] = first;
  assert_refused(&map, TORPOR_FORMAT);
  map.operations[0] = first;
  assert_refused(&map, TORPOR_FORMAT);
  map = right();
  map.operations[0].policy = TORPOR__POLICY_COUNT;
  assert_refused(&map, TORPOR_FORMAT);
  map.operations[0].policy = -1;
  assert_refused(&map, TORPOR_FORMAT);
  map = right();
  map.operations[0].begun_step = 0; /* the first step is 1 */
  assert_refused(&map, TORPOR_FORMAT);
}

static void results(void **state) {
  (void)state;
  struct map map = right();
  map.result_of = 1;
  map.result = (torpor_slice){.data = "\x18\x2a", .size = 2};
  map.outcome = TORPOR__OUTCOME_COUNT;
  assert_refused(&map, TORPOR_FORMAT);
  map.outcome = -1;
  assert_refused(&map, TORPOR_FORMAT);
  map.outcome = TORPOR__OUTCOME_FULFILLED;
  map.result_of = 0x7fffffff; /* nothing waits for it */
  assert_int_equal(import(&map), TORPOR_OK);
  assert_int_equal(torpor_run_cancel(run_bench.store, "copy", false),
                   TORPOR_OK);
  assert_string_equal(drive_to_value(), "[\"Cancelled\",\"Cancelled\"]");
}

static void a_result_counts(void **state) {
  (void)state;
  struct map map = right();
  map.result_of = 1;
  map.result = (torpor_slice){.data = "\x18\x2a", .size = 2};
  assert_int_equal(import(&map), TORPOR_OK);
  run_bench_signals("copy", 7, 7);
  assert_string_equal(drive_to_value(), "[7,42]");
}

static void data_that_cannot_be_read(void **state) {
  (void)state;
  const torpor_slice twice = {.data = "\xa2\x61\x61\x01\x61\x61\x02",
                              .size = 7};
  struct map map = right();
  map.result_of = 1;
  map.result = twice;
  assert_refused(&map, TORPOR_FORMAT);
  map = right();
  map.upgrade = twice;
  assert_refused(&map, TORPOR_FORMAT);
}

/* ---- Extensions -----------------------------------------------------------*/

static torpor_status import_files(const struct torpor__file *files,
                                  size_t count) {
  struct map map = right();
  map.more = files;
  map.more_count = count;
  return import(&map);
}

static torpor_bytes read_module(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/extensions/%s.wasm", getenv("TORPOR_BUILD"),
           name);
  return test_file_read(path);
}

/* The files are written down in any order, and loaded by number. */
static void extensions_by_number(void **state) {
  torpor_bytes headers = read_module("headers"), base64 = read_module("base64");
  const struct torpor__file files[] = {
      {"extension:2", {base64.data, base64.size}, {0}},
      {"extension:1", {headers.data, headers.size}, {0}},
  };
  (void)state;
  assert_int_equal(import_files(files, 2), TORPOR_OK);
  assert_int_equal(import_files(files, 1), TORPOR_FORMAT); /* no first */
  torpor_bytes_free(&headers);
  torpor_bytes_free(&base64);
}

/* Each of these as what it is, and none of them half taken. */
static void files_that_are_no_extensions(void **state) {
  torpor_bytes headers = read_module("headers");
  const torpor_slice module = {headers.data, headers.size};
  const torpor_slice bare = {"\0asm\1\0\0\0", 8};
  static const char *const names[] = {
      "extension:0", "extension:01", "extension:+1", "extension:x",
      "extension:",  "extension:1 ", "extension:33"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const struct torpor__file files[] = {{names[i], module, {0}}};
    assert_int_equal(import_files(files, 1), TORPOR_FORMAT);
  }
  const struct torpor__file twice[] = {{"extension:1", module, {0}},
                                       {"extension:1", module, {0}}};
  assert_int_equal(import_files(twice, 2), TORPOR_FORMAT);
  for (size_t size = 0; size < 100; size++) {
    const struct torpor__file files[] = {
        {"extension:1", {headers.data, size}, {0}}};
    assert_int_equal(import_files(files, 1), TORPOR_FORMAT);
  }
  const struct torpor__file nameless[] = {{"extension:1", bare, {0}}};
  assert_int_equal(import_files(nameless, 1), TORPOR_FORMAT);
  assert_non_null(strstr(torpor_store_error(run_bench.store),
                         "'extension:1' of run 'run' does not say"));
  torpor_bytes_free(&headers);
}

static void too_many_and_too_large(void **state) {
  static char names[33][32];
  struct torpor__file files[33];
  torpor_bytes base64 = read_module("base64");
  (void)state;
  for (size_t i = 0; i < 33; i++) {
    snprintf(names[i], sizeof names[i], "extension:%zu", i + 1);
    files[i] = (struct torpor__file){.name = names[i],
                                     .source = {base64.data, base64.size}};
  }
  assert_int_equal(import_files(files, 33), TORPOR_LIMIT);
  assert_non_null(strstr(torpor_store_error(run_bench.store), "at most 32"));
  uint8_t *large = calloc(1, (16 << 20) + 1);
  assert_non_null(large);
  files[0].source = (torpor_slice){large, (16 << 20) + 1};
  assert_int_equal(import_files(files, 1), TORPOR_LIMIT);
  assert_non_null(strstr(torpor_store_error(run_bench.store), "16 MiB"));
  free(large);
  torpor_bytes_free(&base64);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(limits_are_capped),
      ON_BENCH(smaller_limits_stay),
      ON_BENCH(the_importer_has_the_last_word),
      ON_BENCH(the_state_is_read_within_the_limit),
      ON_BENCH(numbers_out_of_range),
      ON_BENCH(versions),
      ON_BENCH(what_is_known_is_kept),
      ON_BENCH(what_is_not_known_is_not_repeated),
      ON_BENCH(a_kind_that_is_not_known),
      ON_BENCH(begun_in_the_future),
      ON_BENCH(branches),
      ON_BENCH(operations_in_order),
      ON_BENCH(results),
      ON_BENCH(a_result_counts),
      ON_BENCH(data_that_cannot_be_read),
      ON_BENCH(extensions_by_number),
      ON_BENCH(files_that_are_no_extensions),
      ON_BENCH(too_many_and_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
