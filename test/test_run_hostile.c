/* SPDX-License-Identifier: MIT */
/* test_run_hostile.c - exported runs that somebody has meddled with.
 *
 * ctest: timeout=120
 *
 * What a file says of its run is taken out, changed, and put back behind a
 * snapshot that is as it was, so that its checksum is right. Whatever comes of
 * that is an error, or a run that can be driven to an end of some kind; it is
 * never a crash, and what goes out of the store is never what the file made up.
 */
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
#include "run/store.h"
#include "support/bench.h"

#define PROGRAM                                                                \
  "import { signal, sleep } from 'torpor:run';"                                \
  "sleep('1 day'); const got = await signal('go');"                            \
  "export default got;"

static const struct run_bench *bench = &run_bench;
static torpor_bytes whole, map;

static int set_up(void **state) {
  if (run_bench_open(state) != 0) return -1;
  if (torpor__sqlite_exec((struct torpor__sqlite *)bench->store->database,
                          "PRAGMA synchronous = OFF") != TORPOR_OK)
    return -1;
  run_bench_add("run", PROGRAM, 0);
  run_bench_drive("run", 1);
  assert_int_equal(
      torpor_run_export(bench->store, "run", TORPOR_RUN_NEWEST, &whole),
      TORPOR_OK);
  assert_int_equal(
      torpor_snapshot_section(whole.data, whole.size, TORPOR_SECTION_RUN, &map),
      TORPOR_OK);
  return 0;
}

static int tear_down(void **state) {
  torpor_bytes_free(&whole);
  torpor_bytes_free(&map);
  return run_bench_close(state);
}

/* Imports the run with 'section' instead of what was said of it. */
static torpor_status import_with(const void *section, size_t size,
                                 const char *as) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_bytes changed;
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = as;
  torpor_status status =
      torpor_snapshot_attach(whole.data, whole.size, section, size, &changed);
  if (status != TORPOR_OK) return status;
  status =
      torpor_run_import(bench->store, changed.data, changed.size, &options, id);
  torpor_bytes_free(&changed);
  return status;
}

/* Puts 'text' where 'old' of the same length is. */
static torpor_status import_instead(const char *old, const char *text) {
  size_t size = strlen(old);
  uint8_t *copy = malloc(map.size);
  assert_non_null(copy);
  memcpy(copy, map.data, map.size);
  uint8_t *at = memmem(copy, map.size, old, size);
  assert_non_null(at);
  assert_int_equal(strlen(text), size);
  memcpy(at, text, size);
  torpor_status status = import_with(copy, map.size, "copy");
  free(copy);
  return status;
}

static void as_it_was(void **state) {
  (void)state;
  assert_int_equal(import_with(map.data, map.size, "copy"), TORPOR_OK);
  assert_int_equal(import_with(map.data, map.size, "copy"), TORPOR_EXISTS);
  assert_int_equal(run_bench_look("copy")->operations, 2);
}

/* They go out as idempotency keys: into headers, say. */
static void keys_that_no_run_has(void **state) {
  (void)state;
  assert_int_equal(import_instead("run/0/1", "r\nn/0/1"), TORPOR_FORMAT);
  assert_int_equal(import_instead("run/0/1", "r n/0/1"), TORPOR_FORMAT);
  assert_int_equal(import_instead("run/0/1", "run/0/7"), TORPOR_FORMAT);
  assert_int_equal(import_instead("run/0/1", "run/0/ "), TORPOR_FORMAT);
  assert_int_equal(import_instead("run/0/1", "run//01"), TORPOR_FORMAT);
  assert_int_equal(import_instead("run/0/1", "////0/1"), TORPOR_FORMAT);
  assert_int_equal(import_instead("run/0/2", "run/0/1"), TORPOR_FORMAT);
}

/* Numbers that run over. The key's head says how long it is: 7 and 26 bytes. */
static void keys_that_overflow(void **state) {
  (void)state;
  static const char *const keys[] = {
      "run/0/9223372036854775807", "run/0/9223372036854775808",
      "run/0/9223372036854775809", "run/0/9999999999999999999",
      "run/9223372036854775809/1", "run/4294967296000000000/1"};
  const uint8_t *at = memmem(map.data, map.size, "\x67run/0/1", 8);
  assert_non_null(at);
  size_t before = (size_t)(at - map.data);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    uint8_t *copy = malloc(map.size + 64), *end = copy;
    assert_non_null(copy);
    memcpy(end, map.data, before);
    end += before;
    *end++ = 0x78;
    *end++ = (uint8_t)strlen(keys[i]);
    memcpy(end, keys[i], strlen(keys[i]));
    end += strlen(keys[i]);
    memcpy(end, at + 8, map.size - before - 8);
    end += map.size - before - 8;
    assert_int_equal(import_with(copy, (size_t)(end - copy), "copy"),
                     TORPOR_FORMAT);
    free(copy);
  }
}

static void ids_that_no_run_has(void **state) {
  (void)state;
  static const char id[] = "\x62id\x63run";
  const uint8_t *at = memmem(map.data, map.size, id, sizeof id - 1);
  assert_non_null(at);
  uint8_t *copy = malloc(map.size);
  assert_non_null(copy);
  memcpy(copy, map.data, map.size);
  memcpy(copy + (at - map.data) + 4, "r/n", 3);
  assert_int_equal(import_with(copy, map.size, "copy"), TORPOR_FORMAT);
  free(copy);
}

/* Drives what was let in: to its end, or for as long as it takes to be parked.
 * It may have lost what it waits for, which is an end as well. */
static void drive_copy(void) {
  const torpor_run_info *info = run_bench_look("copy");
  if (info->state != TORPOR_RUN_READY && info->state != TORPOR_RUN_WAITING)
    return;
  assert_int_equal(torpor_run_cancel(bench->store, "copy", false), TORPOR_OK);
  run_bench_drive("copy", 0);
}

/* Takes the copy out of the store again, behind its back. */
static void forget_copy(void) {
  static const char *const tables[] = {"edition", "file",   "head",     "exit",
                                       "state",   "branch", "kind",     "line",
                                       "result",  "signal", "operation"};
  struct torpor__sqlite *db = (struct torpor__sqlite *)bench->store->database;
  char sql[160];
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    snprintf(sql, sizeof sql,
             "DELETE FROM %s WHERE run IN (SELECT number FROM run "
             "WHERE id = 'copy')",
             tables[i]);
    assert_int_equal(torpor__sqlite_exec(db, sql), TORPOR_OK);
  }
  assert_int_equal(torpor__sqlite_exec(db, "DELETE FROM run WHERE id = 'copy'"),
                   TORPOR_OK);
}

/* Each byte of the map in turn, in three ways. */
static void every_byte(void **state) {
  (void)state;
  static const uint8_t masks[] = {0x01, 0x80, 0xff};
  uint8_t *copy = malloc(map.size);
  size_t let_in = 0, refused = 0;
  assert_non_null(copy);
  for (size_t i = 0; i < map.size; i++)
    for (size_t j = 0; j < sizeof masks; j++) {
      memcpy(copy, map.data, map.size);
      copy[i] ^= masks[j];
      torpor_status status = import_with(copy, map.size, "copy");
      if (status != TORPOR_OK) {
        if (status != TORPOR_FORMAT && status != TORPOR_NEWER &&
            status != TORPOR_MISUSE && /* not even a map */
            status != TORPOR_EXISTS && status != TORPOR_LIMIT)
          fail_msg("byte %zu ^ %x: %s, %s", i, masks[j],
                   torpor_status_name(status),
                   torpor_store_error(bench->store));
        refused++;
        continue;
      }
      let_in++;
      if (let_in % 40 == 1) drive_copy();
      forget_copy();
    }
  free(copy);
  assert_true(let_in > 10 && refused > 100);
}

/* Shortened, and with something behind it. */
static void every_length(void **state) {
  (void)state;
  uint8_t *copy = calloc(1, map.size + 1);
  assert_non_null(copy);
  memcpy(copy, map.data, map.size);
  for (size_t size = 0; size < map.size; size++)
    assert_int_not_equal(import_with(copy, size, "copy"), TORPOR_OK);
  assert_int_not_equal(import_with(copy, map.size + 1, "copy"), TORPOR_OK);
  free(copy);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(as_it_was),          ON_BENCH(keys_that_no_run_has),
      ON_BENCH(keys_that_overflow), ON_BENCH(ids_that_no_run_has),
      ON_BENCH(every_byte),         ON_BENCH(every_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
