/* SPDX-License-Identifier: MIT */
/* test_run_door.c - what is handed over to a run and cannot be read, and what a
 * run begins and cannot keep.
 *
 * ctest: slow timeout=200
 *
 * Neither ever sets a run aside. What comes by the door is refused there; what
 * got into the store all the same, or is beyond a limit, rejects just the wait
 * that it concerns, and the program goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/database/database-sqlite-state.h"
#include "run/store.h"
#include "support/bench.h"
#include "test/support/file.h"
#include "torpor-loop.h"

#define TELL "(e) => `${e.name} ${e.code}: ${e.message}`"

static const char waiter[] =
    "import { signal } from 'torpor:run';"
    "const got = await signal('go').catch(" TELL
    ");"
    "export default [got, await signal('go')];";

/* CBOR that no program can read. */
static const struct {
  const char *data;
  size_t size;
} unreadable[] = {
    {"\xa2\x61\x61\x01\x61\x61\x02", 7},                  /* {"a": 1, "a": 2} */
    {"\xa2\x63\xef\xbf\xbd\x01\x63\xef\xbf\xbd\x02", 11}, /* U+FFFD twice */
    {"\x61\xff", 2},                                      /* no UTF-8 */
    {"\x63\xed\xa0\x80", 4},                              /* a lone surrogate */
    {"\xd9\x03\xe7\x00", 4},                              /* tag 999 */
    {"\x9f\xff", 2},                                      /* without a length */
    {"\x82\x01", 2},                                      /* cut off */
    {"\x01\x01", 2},                                      /* two values */
    {"\xd8\x1d\x00", 3},                     /* refers to nothing */
    {"\xd9\x52\x4a\x82\x61\x28\x60", 7},     /* the RegExp ( */
    {"\xd8\x45\x41\x01", 4},                 /* half an element */
    {"\xd9\x01\x03\xa2\x01\x01\x01\x01", 8}, /* a Map's key twice */
    {"\xf8\x20", 2},                         /* a simple value */
    {"", 0},                                 /* nothing at all */
};

enum { UNREADABLE = sizeof unreadable / sizeof unreadable[0] };

static torpor_status send(const char *name, const void *data, size_t size) {
  return torpor_run_signal(run_bench.store, "run", name, data, size);
}

static void do_sql(const char *sql) {
  sqlite3 *db = ((struct torpor__sqlite *)run_bench.store->database)->db;
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static void drive_to_end(void) {
  run_bench_drive("run", 0);
  const torpor_run_info *info = run_bench_look("run");
  if (info->state != TORPOR_RUN_DONE)
    fail_msg("%s: %s", torpor_run_state_name(info->state), info->reason);
  assert_int_equal(run_bench.errors, 0);
}

static void assert_value_has(const char *text) {
  if (strstr(run_bench_value("run"), text) == NULL)
    fail_msg("'%s' is not in %s", text, run_bench_value("run"));
}

/* ---- At the door ----------------------------------------------------------*/

static void values_of_signals(void **state) {
  (void)state;
  run_bench_add("run", waiter, 0);
  for (size_t i = 0; i < UNREADABLE; i++) {
    assert_int_equal(send("go", unreadable[i].data, unreadable[i].size),
                     TORPOR_FORMAT);
    assert_non_null(strstr(torpor_store_error(run_bench.store),
                           "the value of the signal cannot be read"));
  }
  assert_int_equal(run_bench_look("run")->signals, 0);
  run_bench_signals("run", 1, 2);
  drive_to_end();
  assert_string_equal(run_bench_value("run"), "[1,2]");
}

/* As deep as can be read, and one more. */
static void values_that_are_deep(void **state) {
  (void)state;
  uint8_t deep[2049];
  run_bench_add("run", waiter, 0);
  memset(deep, 0x81, sizeof deep);
  deep[2048] = 0x01;
  assert_int_equal(send("go", deep, 2049), TORPOR_FORMAT);
  deep[2047] = 0x01;
  assert_int_equal(send("go", deep, 2048), TORPOR_OK);
}

static void names_of_signals(void **state) {
  (void)state;
  char name[258];
  memset(name, 'x', sizeof name);
  name[257] = '\0';
  run_bench_add("run", waiter, 0);
  assert_int_equal(send("", NULL, 0), TORPOR_MISUSE);
  assert_int_equal(send(name, NULL, 0), TORPOR_LIMIT);
  assert_int_equal(send("\xff", NULL, 0), TORPOR_MISUSE);
  assert_int_equal(send("\xed\xa0\x80", NULL, 0), TORPOR_MISUSE);
  assert_int_equal(send("\xc0\x80", NULL, 0), TORPOR_MISUSE);
  name[256] = '\0';
  assert_int_equal(send(name, NULL, 0), TORPOR_OK);
  assert_int_equal(send("\xf0\x9f\x98\x80", NULL, 0), TORPOR_OK);
}

static torpor_status add_with_input(const void *data, size_t size,
                                    uint64_t memory_max) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(run_bench.file,
                       "import { input } from 'torpor:run';"
                       "export default input();");
  options.file = run_bench.file;
  options.input = data;
  options.input_size = size;
  options.memory_max = memory_max;
  return torpor_run_add(run_bench.store, &options, id);
}

static void inputs(void **state) {
  (void)state;
  for (size_t i = 0; i < UNREADABLE; i++)
    if (unreadable[i].size > 0)
      assert_int_equal(
          add_with_input(unreadable[i].data, unreadable[i].size, 0),
          TORPOR_FORMAT);
  size_t size = (size_t)64 << 20;
  uint8_t *large = calloc(1, size + 5);
  assert_non_null(large);
  memcpy(large, "\x5a\x04\x00\x00\x00", 5);
  assert_int_equal(add_with_input(large, size + 5, (uint64_t)32 << 20),
                   TORPOR_LIMIT);
  free(large);
  assert_int_equal(add_with_input("\x01", 1, 0), TORPOR_OK);
}

/* Two keys that would be the same in UTF-8. */
static void states_with_lone_surrogates(void **state) {
  (void)state;
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  run_bench_add("run",
                "import { exportState, onUpgrade, signal } from 'torpor:run';"
                "const words = new Map([['\\ud83d', 1], ['\\ude00', 2]]);"
                "let seen;"
                "onUpgrade((state) => { seen = state.counts; });"
                "exportState(() => ({ counts: Object.fromEntries(words) }));"
                "if (!seen) await signal('go');"
                "export default Object.keys(seen).map("
                "  (key) => key.charCodeAt().toString(16) + seen[key]).join();",
                0);
  run_bench_drive("run", 1);
  options.file = run_bench.file;
  for (int i = 0; i < 2; i++) {
    options.dry_run = i == 0;
    assert_int_equal(torpor_run_upgrade(run_bench.store, "run", &options, NULL),
                     TORPOR_OK);
  }
  drive_to_end();
  assert_string_equal(run_bench_value("run"), "\"d83d1,de002\"");
}

/* ---- What is in the store all the same ------------------------------------*/

static void poisoned_signals(void **state) {
  (void)state;
  run_bench_add("run", waiter, 0);
  do_sql(
      "INSERT INTO signal(run, topic, value, sent_ms) "
      "VALUES(1, 'go', x'a2616101616102', 0)");
  run_bench_signals("run", 5, 5);
  drive_to_end();
  assert_value_has("SyntaxError UNREADABLE: what came cannot be read");
  assert_value_has(",5]");
  assert_int_equal(run_bench_look("run")->signals, 0);
}

static void poisoned_results(void **state) {
  (void)state;
  static const char *const outcomes[] = {"0", "1"};
  run_bench_add("run",
                "import { sleep } from 'torpor:run';"
                "export default await Promise.all([sleep('1 day').catch(" TELL
                "), sleep('2 days').catch(" TELL ")]);",
                0);
  run_bench_drive("run", 1);
  for (size_t i = 0; i < 2; i++) {
    char sql[160];
    snprintf(sql, sizeof sql,
             "INSERT INTO result(run, branch, operation, outcome, value) "
             "VALUES(1, 0, %zu, %s, x'61ff')",
             i + 1, outcomes[i]);
    do_sql(sql);
  }
  drive_to_end();
  assert_string_equal(
      run_bench_value("run"),
      "[\"SyntaxError UNREADABLE: what came cannot be read: CBOR: text that is "
      "not UTF-8 at byte 1\",\"SyntaxError UNREADABLE: what came cannot be "
      "read: CBOR: text that is not UTF-8 at byte 1\"]");
}

static void poisoned_inputs(void **state) {
  (void)state;
  run_bench_add("run",
                "import { input, onUpgrade } from 'torpor:run';"
                "const tell = (f) => { try { return f(); } catch (e) "
                "{ return e.name; } };"
                "export default [tell(input), tell(() => onUpgrade(() => 0))];",
                0);
  do_sql("UPDATE run SET input = x'61ff'; UPDATE edition SET state = x'61ff'");
  drive_to_end();
  assert_string_equal(run_bench_value("run"),
                      "[\"SyntaxError\",\"SyntaxError\"]");
}

struct lines {
  size_t count, bytes;
  char last[256];
};

static bool see_line(void *user, const torpor_run_line *line) {
  struct lines *lines = user;
  lines->count++;
  lines->bytes += line->size;
  snprintf(lines->last, sizeof lines->last, "%.*s",
           (int)(line->size < 200 ? line->size : 200), line->text);
  return true;
}

/* ---- Limits of operations -------------------------------------------------*/

static void names_that_are_too_long(void **state) {
  (void)state;
  run_bench_add("run",
                "import { signal } from 'torpor:run';"
                "const out = [];"
                "for (const name of ['x'.repeat(257), 'a\\0b', '\\u{1f600}'"
                ".repeat(65)])"
                "  out.push(await signal(name).catch(" TELL
                "));"
                "const ok = signal('x'.repeat(256), { timeout: 0 });"
                "out.push(await ok.catch((e) => e.name));"
                "export default out;",
                0);
  drive_to_end();
  assert_string_equal(
      run_bench_value("run"),
      "[\"RangeError LIMIT: the name of a signal has at most 256 bytes\","
      "\"RangeError LIMIT: the name of a signal is a text without U+0000\","
      "\"RangeError LIMIT: the name of a signal has at most 256 bytes\","
      "\"TimeoutError\"]");
}

/* What the program does when it is told, in the same step: it begins others,
 * and cancels one that was begun just before. */
static void what_is_begun_then(void **state) {
  (void)state;
  run_bench_add("run",
                "import { signal, sleep } from 'torpor:run';"
                "const stop = new AbortController();"
                "const first = sleep('1 day', { signal: stop.signal })"
                ".catch((e) => e.name);"
                "const other = sleep('1 day', { signal: stop.signal })"
                ".catch((e) => e.name);"
                "try { await signal('x'.repeat(300)); }"
                "catch { stop.abort(); }"
                "const again = await signal('y'.repeat(300))"
                ".catch((e) => e.code);"
                "await sleep(1);"
                "export default [await first, await other, again];",
                0);
  drive_to_end();
  assert_string_equal(run_bench_value("run"),
                      "[\"AbortError\",\"AbortError\",\"LIMIT\"]");
}

/* One that never stops asking uses its steps, not its host. */
static void asking_again_and_again(void **state) {
  (void)state;
  run_bench_add("run",
                "import { signal } from 'torpor:run';"
                "let count = 0;"
                "while (count < 3000)"
                "  await signal('x'.repeat(300)).catch(() => count++);"
                "export default count;",
                0);
  drive_to_end();
  assert_string_equal(run_bench_value("run"), "3000");
}

/* What is settled makes room again, in the same step. */
static void the_one_that_is_too_many(void **state) {
  (void)state;
  struct lines lines = {0};
  run_bench_add("run",
                "import { signal } from 'torpor:run';"
                "let refused = 0;"
                "for (let i = 0; i < 100003; i++)"
                "  signal('go').then(() => signal('more'), () => refused++);"
                "const late = await signal('late').catch((e) => e.code);"
                "console.log(refused, late);",
                0);
  run_bench_drive("run", 1);
  assert_int_equal(run_bench_look("run")->operations, 100000);
  torpor_run_lines(run_bench.store, "run", 0, see_line, &lines);
  assert_string_equal(lines.last, "3 LIMIT");
  run_bench_signals("run", 1, 1);
  run_bench_drive("run", 2);
  assert_int_equal(run_bench_look("run")->operations, 100000);
  assert_int_equal(run_bench_look("run")->step, 2);
  assert_int_equal(run_bench.errors, 0);
}

static void add_with_memory(const char *source, uint64_t memory,
                            const char *access) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(run_bench.file, source);
  options.file = run_bench.file;
  options.id = "run";
  options.memory_max = memory;
  options.access = access;
  assert_int_equal(torpor_run_add(run_bench.store, &options, id), TORPOR_OK);
}

static void files_larger_than_memory(void **state) {
  (void)state;
  char large[128], source[512];
  torpor_access *access;
  torpor_bytes text;
  snprintf(large, sizeof large, "%s/large", run_bench.folder);
  test_file_write_text(large, "");
  assert_int_equal(truncate(large, (off_t)64 << 20), 0);
  assert_int_equal(torpor_access_open(NULL, &access), TORPOR_OK);
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, run_bench.folder),
                   TORPOR_OK);
  assert_int_equal(torpor_access_write(access, &text), TORPOR_OK);
  snprintf(source, sizeof source,
           "import { readFile } from 'torpor:fs';"
           "export default await readFile('%s').catch(" TELL ");",
           large);
  add_with_memory(source, (uint64_t)16 << 20, (char *)text.data);
  torpor_access_close(access);
  torpor_bytes_free(&text);
  drive_to_end();
  unlink(large);
  assert_value_has("RangeError LIMIT: what came has 671088");
}

static void requests_that_are_too_large(void **state) {
  (void)state;
  add_with_memory(
      "import { writeFile } from 'torpor:fs';"
      "const data = new Uint8Array(100 << 20);"
      "const all = [1, 2, 3].map(() => writeFile('no', data)"
      ".catch((e) => e.name + ' ' + e.code));"
      "export default await Promise.all(all);",
      (uint64_t)1 << 30, NULL);
  drive_to_end();
  assert_string_equal(run_bench_value("run"),
                      "[\"NotAllowedError EACCES\",\"NotAllowedError EACCES\","
                      "\"RangeError LIMIT\"]");
}

static void results_that_are_too_large(void **state) {
  (void)state;
  add_with_memory("export default new Uint8Array(257 << 20);",
                  (uint64_t)2 << 30, NULL);
  run_bench_drive("run", 0);
  const torpor_run_info *info = run_bench_look("run");
  assert_int_equal(info->state, TORPOR_RUN_FAILED);
  assert_non_null(strstr(info->reason, "larger than 256 MiB"));
  assert_int_equal(run_bench.errors, 0);
}

/* ---- The console ----------------------------------------------------------*/

/* A run whose console lines all stay. */
static void add_with_lines(const char *source) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(run_bench.file, source);
  options.file = run_bench.file;
  options.id = "run";
  options.keep_lines = TORPOR_RUN_KEEP_ALL;
  assert_int_equal(torpor_run_add(run_bench.store, &options, id), TORPOR_OK);
}

/* From one job to the next there is a commit when there is much to keep. */
static void much_in_many_jobs(void **state) {
  (void)state;
  struct lines lines = {0};
  add_with_lines(
      "const s = 'x'.repeat(1 << 20);"
      "for (let i = 0; i < 100; i++) { console.log(s); await null; }");
  drive_to_end();
  torpor_run_lines(run_bench.store, "run", 0, see_line, &lines);
  assert_int_equal(lines.count, 100);
  assert_int_equal(lines.bytes, (size_t)100 << 20);
  assert_true(run_bench_look("run")->step > 5);
}

/* One job is not divided: what is beyond the limit is said to be left out. */
static void much_at_once(void **state) {
  (void)state;
  struct lines lines = {0};
  add_with_lines(
      "const s = 'x'.repeat(1 << 20);"
      "for (let i = 0; i < 100; i++) console.log(s);"
      "await null; console.log('not seen'); await null;"
      "export default 'done';");
  drive_to_end();
  torpor_run_lines(run_bench.store, "run", 0, see_line, &lines);
  assert_true(lines.count >= 62 && lines.count <= 66);
  assert_string_equal(run_bench_value("run"), "\"done\"");
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(values_of_signals),
      ON_BENCH(values_that_are_deep),
      ON_BENCH(names_of_signals),
      ON_BENCH(inputs),
      ON_BENCH(states_with_lone_surrogates),
      ON_BENCH(poisoned_signals),
      ON_BENCH(poisoned_results),
      ON_BENCH(poisoned_inputs),
      ON_BENCH(names_that_are_too_long),
      ON_BENCH(what_is_begun_then),
      ON_BENCH(asking_again_and_again),
      ON_BENCH(the_one_that_is_too_many),
      ON_BENCH(files_larger_than_memory),
      ON_BENCH(requests_that_are_too_large),
      ON_BENCH(results_that_are_too_large),
      ON_BENCH(much_in_many_jobs),
      ON_BENCH(much_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
