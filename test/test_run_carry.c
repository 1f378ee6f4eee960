/* SPDX-License-Identifier: MIT */
/* test_run_carry.c - runs that go from one store to another, and what comes in
 * their place.
 *
 * ctest: timeout=120
 *
 * Real programs in a real store, in a folder of their own that is removed
 * afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/store.h"
#include "support/bench.h"
#include "test/support/sqlite-database.h"

#define PROGRAM                                                                \
  "import { input, runId, signal, sleep } from 'torpor:run';\n"                \
  "const late = sleep('30 days');\n"                                           \
  "const first = await signal('go');\n"                                        \
  "const second = await signal('go');\n"                                       \
  "export default [first, second, runId()];\n"                                 \
  "late.catch(() => {});\n"                                                    \
  "await signal('never', { timeout: 1 }).catch(() => {});\n"

static const struct run_bench *bench = &run_bench;

/* A run that has had its first signal, as bytes. */
static torpor_bytes export_run(void) {
  torpor_bytes bytes;
  run_bench_add("run", PROGRAM, 0);
  run_bench_signals("run", 1, 1);
  run_bench_drive("run", 2);
  if (torpor_run_export(bench->store, "run", TORPOR_RUN_NEWEST, &bytes) !=
      TORPOR_OK)
    fail_msg("%s", torpor_store_error(bench->store));
  return bytes;
}

static torpor_status import(const void *data, size_t size, const char *id,
                            const char *access) {
  char out[TORPOR_RUN_ID_SIZE];
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = id;
  options.access = access;
  return torpor_run_import(bench->store, data, size, &options, out);
}

static char keys[4][160];
static int key_count;

static bool note_key(void *user, const torpor_run_operation *operation) {
  (void)user;
  snprintf(keys[key_count++], sizeof keys[0], "%s %s", operation->key,
           operation->waking);
  return true;
}

static void list_keys(const char *id) {
  key_count = 0;
  assert_int_equal(torpor_run_operations(bench->store, id, note_key, NULL),
                   TORPOR_OK);
}

static void a_run_goes_on_in_another_store(void **state) {
  torpor_bytes bytes = export_run();
  assert_int_equal(import(bytes.data, bytes.size, NULL, NULL), TORPOR_EXISTS);
  run_bench_close(state);
  run_bench_open(state);
  assert_int_equal(import(bytes.data, bytes.size, NULL, NULL), TORPOR_OK);
  const torpor_run_info *info = run_bench_look("run");
  assert_int_equal(info->step, 2);
  assert_int_equal(info->branch, 1);
  list_keys("run");
  assert_int_equal(key_count, 2);
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/0/3 reattach");
  run_bench_signals("run", 2, 2);
  run_bench_drive("run", 3);
  list_keys("run");
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_int_equal(strncmp(keys[1], "run/1/", 6), 0);
  torpor_bytes_free(&bytes);
}

static void what_was_imported_can_be_exported(void **state) {
  (void)state;
  torpor_bytes bytes = export_run(), again;
  assert_int_equal(import(bytes.data, bytes.size, "other", NULL), TORPOR_OK);
  assert_int_equal(torpor_run_rewind(bench->store, "other", 2), TORPOR_OK);
  list_keys("other");
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/0/3 reattach");
  assert_int_equal(
      torpor_run_export(bench->store, "other", TORPOR_RUN_NEWEST, &again),
      TORPOR_OK);
  assert_int_equal(import(again.data, again.size, "third", NULL), TORPOR_OK);
  list_keys("third");
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/0/3 reattach");
  assert_int_equal(run_bench_look("third")->branch, 3);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&again);
}

/* A run whose timer has rung, which it does not know yet: as bytes. */
static torpor_bytes export_with_result(const char *value, size_t size) {
  struct torpor__database *rows = bench->store->database;
  const struct torpor__result result = {.operation = 1,
                                        .value = {.data = value, .size = size}};
  const struct torpor__result other = {.operation = 7};
  torpor_bytes bytes;
  int64_t sequence;
  run_bench_add("run",
                "import { sleep } from 'torpor:run';"
                "export default await sleep('30 days');",
                0);
  run_bench_drive("run", 1);
  store_begin(rows, 1);
  assert_int_equal(rows->calls->result_add(rows, 1, &other, &sequence),
                   TORPOR_OK);
  assert_int_equal(rows->calls->result_add(rows, 1, &result, &sequence),
                   TORPOR_OK);
  store_commit(rows, 1);
  assert_int_equal(
      torpor_run_export(bench->store, "run", TORPOR_RUN_NEWEST, &bytes),
      TORPOR_OK);
  return bytes;
}

/* What came in before the export counts, and only that. */
static void results_are_carried(void **state) {
  torpor_bytes bytes = export_with_result("\x18\x2a", 2);
  run_bench_close(state);
  run_bench_open(state);
  assert_int_equal(import(bytes.data, bytes.size, NULL, NULL), TORPOR_OK);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "42");
  torpor_bytes_free(&bytes);
}

/* One that no program could read is refused at the door. */
static void a_damaged_result_is_refused(void **state) {
  torpor_bytes bytes = export_with_result("\xff", 1), refused;
  run_bench_close(state);
  run_bench_open(state);
  assert_int_equal(import(bytes.data, bytes.size, NULL, NULL), TORPOR_FORMAT);
  assert_int_equal(
      torpor_run_export(bench->store, "run", TORPOR_RUN_NEWEST, &refused),
      TORPOR_NOT_FOUND);
  torpor_bytes_free(&bytes);
}

/* What a program took over from an older one is there for it elsewhere. */
static void what_was_handed_over_is_carried(void **state) {
  static const uint8_t key[TORPOR_KEY_SIZE] = {7};
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  torpor_bytes bytes, refused;
  run_bench_add("run",
                "import { exportState, signal } from 'torpor:run';"
                "exportState(() => [7]); await signal('stop');",
                0);
  run_bench_drive("run", 1);
  run_bench_add("newer",
                "import { onUpgrade, signal } from 'torpor:run';"
                "await signal('go');"
                "export default onUpgrade((state) => state);",
                0);
  options.file = bench->file;
  assert_int_equal(torpor_run_upgrade(bench->store, "run", &options, NULL),
                   TORPOR_OK);
  run_bench_drive("run", 2);
  assert_int_equal(
      torpor_run_export(bench->store, "run", TORPOR_RUN_NEWEST, &bytes),
      TORPOR_OK);
  for (int keyed = 0; keyed < 2; keyed++) {
    run_bench_close(state);
    run_bench_open(state);
    run_bench_reopen(keyed ? key : NULL);
    assert_int_equal(import(bytes.data, bytes.size, NULL, NULL), TORPOR_OK);
    run_bench_signals("run", 1, 1);
    run_bench_drive("run", 0);
    assert_string_equal(run_bench_value("run"), "[7]");
    if (keyed) { /* nor can those read it who do not have the key */
      run_bench_reopen(NULL);
      assert_int_equal(
          torpor_run_export(bench->store, "run", TORPOR_RUN_NEWEST, &refused),
          TORPOR_KEY);
    }
  }
  torpor_bytes_free(&bytes);
}

/* What the run was granted elsewhere grants nothing here. */
static void nothing_is_granted_but_by_the_importer(void **state) {
  (void)state;
  char out[TORPOR_RUN_ID_SIZE];
  torpor_bytes bytes;
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  run_bench_add("base", PROGRAM, 0); /* writes the file */
  options.file = bench->file;
  options.id = "granted";
  options.access = "folder /\nread\n";
  assert_int_equal(torpor_run_add(bench->store, &options, out), TORPOR_OK);
  run_bench_drive("granted", 1);
  assert_int_equal(
      torpor_run_export(bench->store, "granted", TORPOR_RUN_NEWEST, &bytes),
      TORPOR_OK);
  assert_int_equal(import(bytes.data, bytes.size, "a", NULL), TORPOR_OK);
  assert_string_equal(run_bench_look("a")->access, "");
  assert_int_equal(import(bytes.data, bytes.size, "b", "nonsense"),
                   TORPOR_FORMAT);
  assert_int_equal(import(bytes.data, bytes.size, "../b", NULL), TORPOR_LIMIT);
  torpor_bytes_free(&bytes);
}

static void a_snapshot_alone_is_no_run(void **state) {
  (void)state;
  torpor_bytes bytes;
  torpor_vm *vm;
  assert_int_equal(torpor_vm_open(NULL, &vm), TORPOR_OK);
  assert_int_equal(torpor_snapshot_save(vm, &bytes), TORPOR_OK);
  torpor_vm_close(vm);
  assert_int_equal(import(bytes.data, bytes.size, "run", NULL), TORPOR_FORMAT);
  assert_non_null(strstr(torpor_store_error(bench->store), "export one"));
  torpor_bytes_free(&bytes);
  assert_int_equal(import("", 0, "run", NULL), TORPOR_FORMAT);
}

static bool count_run(void *user, const torpor_run_info *info) {
  (void)info;
  ++*(int *)user;
  return true;
}

/* Whatever is cut off or changed, behind a right checksum as well: an error, or
 * a run that hurts only itself. */
static void damage_is_an_error(void **state) {
  (void)state;
  torpor_bytes bytes = export_run(), plain, map, attached;
  int runs = 0;
  for (size_t size = 0; size < bytes.size; size += 1 + bytes.size / 97)
    assert_int_not_equal(import(bytes.data, size, "cut", NULL), TORPOR_OK);
  assert_int_equal(
      torpor_snapshot_section(bytes.data, bytes.size, TORPOR_SECTION_RUN, &map),
      TORPOR_OK);
  assert_int_equal(
      torpor_run_snapshot(bench->store, "run", TORPOR_RUN_NEWEST, &plain),
      TORPOR_OK);
  int refused = 0;
  for (size_t at = 0; at < map.size; at++) {
    char id[32];
    uint8_t kept = map.data[at];
    map.data[at] ^= (uint8_t)(1 + at % 255);
    torpor_status made = torpor_snapshot_attach(plain.data, plain.size,
                                                map.data, map.size, &attached);
    map.data[at] = kept;
    if (made != TORPOR_OK) continue;
    snprintf(id, sizeof id, "damaged-%zu", at);
    refused += import(attached.data, attached.size, id, NULL) != TORPOR_OK;
    torpor_bytes_free(&attached);
  }
  assert_true(refused > 50);
  for (size_t size = 0; size < map.size; size++) {
    torpor_status status = torpor_snapshot_attach(plain.data, plain.size,
                                                  map.data, size, &attached);
    if (status != TORPOR_OK) continue;
    assert_int_not_equal(import(attached.data, attached.size, "cut", NULL),
                         TORPOR_OK);
    torpor_bytes_free(&attached);
  }
  assert_int_equal(torpor_run_each(bench->store, NULL, count_run, &runs),
                   TORPOR_OK);
  assert_true(runs > 1);
  torpor_bytes_free(&map);
  torpor_bytes_free(&plain);
  torpor_bytes_free(&bytes);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_run_goes_on_in_another_store),
      ON_BENCH(what_was_imported_can_be_exported),
      ON_BENCH(results_are_carried),
      ON_BENCH(a_damaged_result_is_refused),
      ON_BENCH(what_was_handed_over_is_carried),
      ON_BENCH(nothing_is_granted_but_by_the_importer),
      ON_BENCH(a_snapshot_alone_is_no_run),
      ON_BENCH(damage_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
