/* SPDX-License-Identifier: MIT */
/* test_store_life.c - a store that is used for years: what is looked at is in
 * nobody's way, and what is not needed any more goes.
 *
 * A connection of SQLite's own plays the other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/request.h"
#include "run/store.h"
#include "test/support/bench.h"
#include "test/support/file.h"

enum { MIB = 1 << 20 };

static void need(torpor_status status) {
  if (status != TORPOR_OK) fail_msg("%s", torpor_store_error(run_bench.store));
}

/* ---- Another process -----------------------------------------------------*/

static sqlite3 *open_other(void) {
  sqlite3 *other;
  assert_int_equal(sqlite3_open(run_bench.path, &other), SQLITE_OK);
  return other;
}

/* The first number that SQL gives. */
static int64_t ask(sqlite3 *other, const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(other, sql, -1, &statement, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(other));
  sqlite3_step(statement);
  int64_t number = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return number;
}

static int64_t ask_once(const char *sql) {
  sqlite3 *other = open_other();
  int64_t number = ask(other, sql);
  sqlite3_close(other);
  return number;
}

static void change(const char *sql) {
  sqlite3 *other = open_other();
  if (sqlite3_exec(other, sql, NULL, NULL, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(other));
  sqlite3_close(other);
}

static int64_t log_size(void) {
  char path[sizeof run_bench.path + 8];
  struct stat found;
  snprintf(path, sizeof path, "%s-wal", run_bench.path);
  return stat(path, &found) == 0 ? (int64_t)found.st_size : 0;
}

/* ---- Looking -------------------------------------------------------------*/

static int visits;

/* Others write, and the log can begin anew: that no one may read for. */
static bool visit(void) {
  if (visits++ % 100 > 0) return true;
  sqlite3 *other = open_other();
  assert_int_equal(sqlite3_exec(other,
                                "UPDATE head SET changed_ms = changed_ms + 1",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(ask(other, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
  sqlite3_close(other);
  assert_int_equal(log_size(), 0);
  return true;
}

static bool visit_run(void *user, const torpor_run_info *info) {
  (void)user, (void)info;
  return visit();
}

static int64_t last_number;

static bool visit_line(void *user, const torpor_run_line *line) {
  (void)user;
  assert_int_equal(line->number, ++last_number);
  return visit();
}

static bool visit_step(void *user, const torpor_run_step *step) {
  (void)user, (void)step;
  return visit();
}

static bool visit_operation(void *user, const torpor_run_operation *operation) {
  (void)user;
  assert_true(operation->id > (uint64_t)last_number);
  last_number = (int64_t)operation->id;
  return visit();
}

static bool visit_mail(void *user, const torpor_run_mail *mail) {
  (void)user;
  assert_true(mail->number > last_number);
  last_number = mail->number;
  return visit();
}

static bool stop_at_once(void *user, const torpor_run_line *line) {
  (void)line;
  ++*(int *)user;
  return false;
}

static void what_is_shown_holds_nobody(void **state) {
  (void)state;
  torpor_store *store = run_bench.store;
  torpor_run_mark mark = TORPOR_RUN_MARK_INIT;
  int stops = 0;
  run_bench_add("run",
                "import { signal } from 'torpor:run';"
                "for (let i = 0; i < 700; i++) console.log('line', i);"
                "for (let i = 0; i < 700; i++) signal('never');"
                "await signal('never');",
                0);
  run_bench_drive("run", 1);
  run_bench_signals("run", 1, 300);
  visits = 0;
  need(torpor_run_each(store, NULL, visit_run, NULL));
  assert_int_equal(visits, 1);
  last_number = -1;
  need(torpor_run_lines(store, "run", 0, visit_line, NULL));
  assert_int_equal(last_number, 699);
  last_number = -1;
  need(torpor_run_lines_since(store, "run", &mark, visit_line, NULL));
  assert_int_equal(last_number, 699);
  need(torpor_run_lines_since(store, "run", &mark, stop_at_once, &stops));
  assert_int_equal(stops, 0);
  need(torpor_run_lines(store, "run", 0, stop_at_once, &stops));
  assert_int_equal(stops, 1);
  visits = 0;
  last_number = 0;
  need(torpor_run_operations(store, "run", visit_operation, NULL));
  assert_int_equal(visits, 701);
  visits = 0;
  last_number = 0;
  need(torpor_run_mailbox(store, "run", visit_mail, NULL));
  assert_int_equal(visits, 300);
  visits = 0;
  need(torpor_run_steps(store, "run", visit_step, NULL));
  assert_int_equal(visits, 1);
}

struct told {
  int count;
  char text[16][32];
};

static bool tell_line(void *user, const torpor_run_line *line) {
  struct told *told = user;
  assert_true(told->count < 16);
  snprintf(told->text[told->count++], sizeof told->text[0], "%d %.*s",
           (int)line->branch, (int)line->size, line->text);
  return true;
}

/* Steps begin again after a rewind, and the lines of both are told. */
static void lines_since_a_mark(void **state) {
  (void)state;
  torpor_run_mark mark = TORPOR_RUN_MARK_INIT;
  struct told told = {0};
  run_bench_add("run",
                "import { signal } from 'torpor:run';"
                "for (;;) console.log(await signal('go'));",
                0);
  run_bench_signals("run", 1, 2);
  run_bench_drive("run", 3);
  need(torpor_run_lines_since(run_bench.store, "run", &mark, tell_line, &told));
  assert_int_equal(told.count, 2);
  need(torpor_run_rewind(run_bench.store, "run", 1));
  run_bench_signals("run", 7, 7);
  run_bench_drive("run", 2);
  need(torpor_run_lines_since(run_bench.store, "run", &mark, tell_line, &told));
  assert_int_equal(told.count, 3);
  assert_string_equal(told.text[1], "0 2");
  assert_string_equal(told.text[2], "1 7");
}

/* ---- The log -------------------------------------------------------------*/

static void put_states(int count) {
  static uint8_t bytes[4 * MIB];
  struct torpor__database *database = run_bench.store->database;
  const struct torpor__database_calls *calls = database->calls;
  static int64_t step;
  int64_t run;
  need(calls->run_find(database, "run", &run));
  need(calls->lock(database, run));
  for (int i = 0; i < count; i++) {
    const struct torpor__state row = {.step = ++step,
                                      .engine = {.data = "engine", .size = 6},
                                      .snapshot = {bytes, sizeof bytes}};
    memset(bytes, (int)step, sizeof bytes);
    need(calls->begin(database));
    need(calls->state_drop(database, run, step - 1));
    need(calls->state_put(database, run, &row));
    need(calls->commit(database));
  }
  calls->unlock(database, run);
}

/* Others may read for long, and nobody can do anything about that; but what the
 * log took meanwhile is given back. */
static void a_log_that_grew_is_cut(void **state) {
  (void)state;
  run_bench_add("run", "1", 0);
  sqlite3 *other = open_other();
  sqlite3_exec(other, "BEGIN", NULL, NULL, NULL);
  ask(other, "SELECT count(*) FROM run");
  put_states(20);
  assert_true(log_size() > 70 * MIB);
  sqlite3_close(other);
  put_states(1);
  assert_true(log_size() < 8 * MIB);
  put_states(20);
  assert_true(log_size() < 64 * MIB);
}

/* ---- Console lines -------------------------------------------------------*/

static void add_with_lines(const char *id, const char *source,
                           uint64_t keep_lines) {
  char out[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(run_bench.file, source);
  options.file = run_bench.file;
  options.id = id;
  options.keep_lines = keep_lines;
  need(torpor_run_add(run_bench.store, &options, out));
}

struct kept {
  int64_t count, bytes, first_step;
  char last[32];
};

static bool see_kept(void *user, const torpor_run_line *line) {
  struct kept *kept = user;
  if (kept->count++ == 0) kept->first_step = line->step;
  kept->bytes += (int64_t)line->size;
  snprintf(kept->last, sizeof kept->last, "%.*s", (int)line->size, line->text);
  return true;
}

static struct kept look_at_lines(const char *id) {
  struct kept kept = {0};
  need(torpor_run_lines(run_bench.store, id, 0, see_kept, &kept));
  assert_int_equal(run_bench_look(id)->lines, kept.count);
  return kept;
}

#define TALKING                                                                \
  "import { signal } from 'torpor:run';"                                       \
  "for (;;) {"                                                                 \
  "  const n = await signal('go');"                                            \
  "  for (let i = 0; i < 30; i++) console.log(n, i);"                          \
  "}"

static void only_the_newest_lines_stay(void **state) {
  (void)state;
  add_with_lines("run", TALKING, 100);
  add_with_lines("all", TALKING, TORPOR_RUN_KEEP_ALL);
  add_with_lines("one", TALKING, 1);
  run_bench_add("usual", TALKING, 0);
  assert_int_equal(run_bench_look("usual")->keep_lines, TORPOR_RUN_KEEP_LINES);
  run_bench_signals("run", 1, 10);
  run_bench_signals("all", 1, 10);
  run_bench_signals("one", 1, 2);
  run_bench_drive("run", 11);
  run_bench_drive("all", 11);
  run_bench_drive("one", 3);
  struct kept kept = look_at_lines("run");
  assert_int_equal(kept.count, 100);
  assert_string_equal(kept.last, "10 29");
  assert_int_equal(run_bench_look("run")->lines_dropped, 200);
  assert_int_equal(run_bench_look("run")->keep_lines, 100);
  assert_int_equal(look_at_lines("all").count, 300);
  assert_int_equal(run_bench_look("all")->lines_dropped, 0);
  kept = look_at_lines("one");
  assert_int_equal(kept.count, 1);
  assert_string_equal(kept.last, "2 29");
}

/* It goes with the run wherever it goes. */
static void how_many_lines_stay_is_inherited(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  torpor_bytes bytes;
  add_with_lines("run", TALKING, 100);
  run_bench_drive("run", 1);
  need(torpor_run_fork(run_bench.store, "run", 1, "fork", id));
  assert_int_equal(run_bench_look("fork")->keep_lines, 100);
  need(torpor_run_export(run_bench.store, "run", 1, &bytes));
  options.id = "import";
  need(
      torpor_run_import(run_bench.store, bytes.data, bytes.size, &options, id));
  assert_int_equal(run_bench_look("import")->keep_lines, 100);
  options.id = "chosen";
  options.keep_lines = TORPOR_RUN_KEEP_ALL;
  need(
      torpor_run_import(run_bench.store, bytes.data, bytes.size, &options, id));
  assert_true(run_bench_look("chosen")->keep_lines == TORPOR_RUN_KEEP_ALL);
  torpor_bytes_free(&bytes);
  run_bench_reopen(NULL);
  change("UPDATE run SET keep_lines = -1 WHERE id = 'run'");
  need(torpor_run_export(run_bench.store, "run", 1, &bytes));
  options.id = "wary"; /* of what a file says */
  options.keep_lines = 0;
  need(
      torpor_run_import(run_bench.store, bytes.data, bytes.size, &options, id));
  assert_int_equal(run_bench_look("wary")->keep_lines, TORPOR_RUN_KEEP_LINES);
  torpor_bytes_free(&bytes);
}

static void add_lines(int64_t step, size_t count, size_t size, uint64_t keep) {
  static char text[MIB];
  static struct torpor__line rows[2000];
  struct torpor__database *database = run_bench.store->database;
  int64_t run;
  for (size_t i = 0; i < count; i++)
    rows[i] = (struct torpor__line){
        .step = step, .number = (int64_t)i, .text = {text, size}};
  need(database->calls->run_find(database, "run", &run));
  need(database->calls->lock(database, run));
  need(database->calls->begin(database));
  need(database->calls->line_add(database, run, rows, count, keep));
  need(database->calls->commit(database));
  database->calls->unlock(database, run);
}

static void lines_are_bounded_in_bytes(void **state) {
  (void)state;
  run_bench_add("run", "1", 0);
  add_lines(1, 1000, 10, 5000);
  add_lines(2, 40, MIB, 5000);
  struct kept kept = look_at_lines("run");
  assert_int_equal(kept.bytes, 16 * MIB);
  assert_int_equal(kept.first_step, 2);
  add_lines(3, 20, MIB, 20 << 10); /* may keep so many KiB */
  assert_int_equal(look_at_lines("run").bytes, 20 * MIB);
}

/* Where there are far too many, as when another limit comes, each commit
 * removes some. */
static void they_go_a_thousand_at_a_time(void **state) {
  (void)state;
  run_bench_add("run", "1", 0);
  for (int step = 1; step <= 3; step++) add_lines(step, 2000, 1, UINT64_MAX);
  add_lines(4, 1, 1, 10);
  assert_int_equal(look_at_lines("run").count, 5000);
  for (int step = 5; step <= 12; step++) add_lines(step, 1, 1, 10);
  assert_int_equal(look_at_lines("run").count, 10);
  assert_int_equal(ask_once("SELECT bytes FROM console"), 10);
}

/* ---- Sources -------------------------------------------------------------*/

#define PROGRAM                                                                \
  "import { signal } from 'torpor:run';"                                       \
  "export default await signal('go');"

static void remove_runs(torpor_status wanted, const char *first,
                        const char *second) {
  const char *const ids[] = {first, second};
  size_t count = second != NULL ? 2 : 1;
  torpor_run_pruned removed = TORPOR_RUN_PRUNED_INIT;
  assert_int_equal(torpor_run_remove(run_bench.store, ids, count, &removed),
                   wanted);
  assert_int_equal(removed.runs, wanted == TORPOR_OK ? count : 0);
}

static void kill_run(const char *id) {
  need(torpor_run_cancel(run_bench.store, id, true));
}

static void sources_are_there_once(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  run_bench_add("a", PROGRAM, 0);
  run_bench_add("b", PROGRAM, 0);
  need(torpor_run_fork(run_bench.store, "a", 0, "c", id));
  run_bench_add("other", "1", 0);
  assert_int_equal(ask_once("SELECT count(*) FROM source"), 2);
  assert_int_equal(ask_once("SELECT count(*) FROM file"), 4);
  kill_run("a");
  kill_run("b");
  remove_runs(TORPOR_OK, "a", "b");
  assert_int_equal(ask_once("SELECT count(*) FROM source"), 2);
  run_bench_signals("c", 5, 5);
  run_bench_drive("c", 0);
  assert_string_equal(run_bench_value("c"), "5");
  remove_runs(TORPOR_OK, "c", NULL);
  assert_int_equal(ask_once("SELECT count(*) FROM source"), 1);
  run_bench_drive("other", 0);
  assert_int_equal(run_bench_look("other")->state, TORPOR_RUN_DONE);
}

static torpor_status see_file(void *data, const char *name,
                              torpor_slice source) {
  (void)name;
  *(size_t *)data += source.size;
  return TORPOR_OK;
}

static torpor_status read_files(const char *id, size_t *size) {
  struct torpor__database *database = run_bench.store->database;
  int64_t run;
  *size = 0;
  need(database->calls->run_find(database, id, &run));
  return database->calls->file_each(database, run, 0, NULL, see_file, size);
}

/* What is there is what its hash says, or it is of no use to anybody. */
static void sources_that_were_altered(void **state) {
  (void)state;
  static const char *const damages[] = {
      "UPDATE source SET bytes = CAST('console.log(1)//' AS BLOB) WHERE hash = "
      "(SELECT hash FROM file WHERE run = 1)",
      "UPDATE source SET bytes = 7 WHERE hash = (SELECT hash FROM file WHERE "
      "run = 1)",
      "DELETE FROM source WHERE hash = (SELECT hash FROM file WHERE run = 1)"};
  size_t size;
  run_bench_add("victim", PROGRAM, 0);
  run_bench_add("other", "export default 1", 0);
  for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
    change(damages[i]);
    assert_int_equal(read_files("victim", &size), TORPOR_CORRUPT);
    assert_int_equal(read_files("other", &size), TORPOR_OK);
    assert_int_equal(size, strlen("export default 1"));
    char id[8];
    snprintf(id, sizeof id, "new-%d", (int)i);
    run_bench_add(id, PROGRAM, 0); /* who brings it anew mends it */
    assert_int_equal(read_files("victim", &size), TORPOR_OK);
    assert_int_equal(size, strlen(PROGRAM));
  }
  change("UPDATE file SET hash = 'x' WHERE run = 1");
  assert_int_equal(read_files("victim", &size), TORPOR_CORRUPT);
  run_bench_drive("other", 0);
}

/* ---- Removing ------------------------------------------------------------*/

static int64_t count_rows(int64_t run) {
  static const char *const tables[] = {
      "head", "exit",   "state", "branch",  "kind",    "operation", "result",
      "line", "signal", "file",  "edition", "console", "removed"};
  int64_t count = 0;
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE run = %d",
             tables[i], (int)run);
    count += ask_once(sql);
  }
  return count;
}

static void nothing_is_left_of_it(void **state) {
  (void)state;
  run_bench_add("run", TALKING, 5);
  run_bench_signals("run", 1, 3);
  run_bench_drive("run", 4);
  run_bench_signals("run", 7, 9);
  need(torpor_run_rewind(run_bench.store, "run", 2));
  remove_runs(TORPOR_MISUSE, "run", NULL);
  assert_non_null(strstr(torpor_store_error(run_bench.store), "--kill"));
  kill_run("run");
  assert_true(count_rows(1) > 20);
  remove_runs(TORPOR_OK, "run", NULL);
  assert_int_equal(count_rows(1), 0);
  assert_int_equal(ask_once("SELECT count(*) FROM run"), 0);
  assert_int_equal(ask_once("SELECT count(*) FROM source"), 0);
  run_bench_add("run", TALKING, 0); /* another one, with another number */
  assert_int_equal(ask_once("SELECT number FROM run"), 2);
  assert_int_equal(run_bench_look("run")->lines, 0);
}

static void all_of_them_or_none(void **state) {
  (void)state;
  run_bench_add("ended", PROGRAM, 0);
  run_bench_add("active", PROGRAM, 0);
  kill_run("ended");
  remove_runs(TORPOR_NOT_FOUND, "ended", "missing");
  remove_runs(TORPOR_MISUSE, "ended", "active");
  assert_int_equal(run_bench_look("ended")->state, TORPOR_RUN_KILLED);
  torpor_store *other;
  need(torpor_store_open(run_bench.path, NULL, &other));
  need(other->database->calls->lock(other->database, 1));
  remove_runs(TORPOR_LOCKED, "ended", NULL);
  torpor_store_close(other);
  const char *const twice[] = {"ended", "ended"};
  need(torpor_run_remove(run_bench.store, twice, 2, NULL));
  assert_int_equal(ask_once("SELECT count(*) FROM run"), 1);
}

static void damaged_ones_are_removed_by_name(void **state) {
  (void)state;
  torpor_run_pruned removed = TORPOR_RUN_PRUNED_INIT;
  run_bench_add("run", PROGRAM, 0);
  run_bench_add("headless", PROGRAM, 0);
  change("UPDATE head SET status = 77 WHERE run = 1");
  change("DELETE FROM head WHERE run = 2");
  need(torpor_run_remove_ended(run_bench.store, INT64_MAX, false, &removed));
  assert_int_equal(removed.runs, 0);
  remove_runs(TORPOR_OK, "run", "headless");
  assert_int_equal(count_rows(1) + count_rows(2), 0);
}

static void old_ones_are_removed(void **state) {
  (void)state;
  torpor_run_pruned removed = TORPOR_RUN_PRUNED_INIT;
  char id[16];
  for (int i = 1; i <= 600; i++) {
    const struct torpor__run row = {.id = id,
                                    .program = "main.mjs",
                                    .access = "",
                                    .engine = {.data = "engine", .size = 6}};
    const struct torpor__file file = {.name = "main.mjs",
                                      .source = {PROGRAM, strlen(PROGRAM)}};
    int64_t run;
    snprintf(id, sizeof id, "run-%d", i);
    need(torpor__request_create(run_bench.store->database, &row, &file, 1,
                                false, &run));
  }
  change("UPDATE head SET status = 1 + run % 4 WHERE run <> 300");
  change("UPDATE head SET changed_ms = run");
  need(torpor_run_remove_ended(run_bench.store, 500, true, &removed));
  assert_int_equal(removed.runs, 498);
  assert_int_equal(ask_once("SELECT count(*) FROM run"), 600);
  need(torpor_run_remove_ended(run_bench.store, 500, false, &removed));
  assert_int_equal(removed.runs, 498);
  assert_int_equal(ask_once("SELECT count(*) FROM run"), 102);
  assert_int_equal(ask_once("SELECT count(*) FROM head WHERE run < 500"), 1);
  assert_int_equal(ask_once("SELECT count(*) FROM removed"), 0);
  assert_int_equal(run_bench_look("run-300")->state, TORPOR_RUN_READY);
}

/* ---- Pruning -------------------------------------------------------------*/

static bool note_step(void *user, const torpor_run_step *step) {
  int64_t *steps = user;
  steps[++steps[0]] = step->step;
  return true;
}

/* Whatever a piece leaves, each state that is listed can be woken. */
static void pieces_leave_what_can_be_used(void **state) {
  (void)state;
  struct torpor__database *database = run_bench.store->database;
  struct torpor__counts removed = {0}, excess;
  int64_t steps[32] = {0};
  run_bench_add("run",
                "import { signal } from 'torpor:run';"
                "const seen = []; const large = 'x'.repeat(300000);"
                "while (seen.length < 12) seen.push(await signal('go'));"
                "export default seen.concat(large.length);",
                TORPOR_RUN_KEEP_ALL);
  run_bench_signals("run", 1, 11);
  run_bench_drive("run", 12);
  need(database->calls->state_excess(database, 1, 12, &excess));
  for (int left = 12; left > 0; left--) {
    int64_t budget = 1;
    need(database->calls->begin(database));
    need(database->calls->state_thin(database, 1, 12, &budget, &removed));
    need(database->calls->commit(database));
    steps[0] = 0;
    need(torpor_run_steps(run_bench.store, "run", note_step, steps));
    assert_int_equal(steps[0], 12 - removed.states);
    for (int i = 1; i <= steps[0]; i++) {
      torpor_bytes bytes;
      need(torpor_run_snapshot(run_bench.store, "run", steps[i], &bytes));
      torpor_bytes_free(&bytes);
    }
  }
  assert_int_equal(removed.states, excess.states);
  assert_int_equal(removed.states_size, excess.states_size);
  run_bench_signals("run", 12, 12);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"),
                      "[1,2,3,4,5,6,7,8,9,10,11,12,300000]");
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(what_is_shown_holds_nobody),
      ON_BENCH(lines_since_a_mark),
      ON_BENCH(a_log_that_grew_is_cut),
      ON_BENCH(only_the_newest_lines_stay),
      ON_BENCH(how_many_lines_stay_is_inherited),
      ON_BENCH(lines_are_bounded_in_bytes),
      ON_BENCH(they_go_a_thousand_at_a_time),
      ON_BENCH(sources_are_there_once),
      ON_BENCH(sources_that_were_altered),
      ON_BENCH(nothing_is_left_of_it),
      ON_BENCH(all_of_them_or_none),
      ON_BENCH(damaged_ones_are_removed_by_name),
      ON_BENCH(old_ones_are_removed),
      ON_BENCH(pieces_leave_what_can_be_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
