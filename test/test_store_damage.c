/* SPDX-License-Identifier: MIT */
/* test_store_damage.c - stores in which one run's rows are damaged: every
 * column of every table, with every value of a list of hostile ones; of
 * operations also in one row of several.
 *
 * ctest: slow timeout=300
 *
 * Whatever a row says, only its run is hurt by that: the others are listed,
 * take signals and come to their ends, and the worker goes on. What is asked of
 * the damaged run itself gives an answer of some kind: never a crash, a hang or
 * an undefined sum. */
#include <setjmp.h>
#include <signal.h>
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

/* Longer than any one damage takes, also on a busy machine. */
enum { CASE_SECONDS = 60, STEPS = 7, RUNS = 4, VICTIM = 2 };

static const char *const values[] = {"-1",
                                     "0",
                                     "1",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "1e300",
                                     "2147483648",
                                     "'x'",
                                     "x'ff00'",
                                     "NULL",
                                     "''",
                                     "72057594037927936"};

/* ---- A store in which every table has rows --------------------------------*/

static torpor_bytes image;

static char damage[256]; /* for whoever reads why a test failed */

static const char healthy[] =
    "import { signal } from 'torpor:run';"
    "let sum = 0; for (let i = 0; i < 7; i++) sum += await signal('go');"
    "export default sum;";

static const char old_program[] =
    "import { exportState, signal, sleep } from 'torpor:run';"
    "console.log('begins'); exportState(() => ({ n: 1 }));"
    "sleep('1 day'); await signal('go'); await signal('go');";

static const char new_program[] =
    "import { onUpgrade, signal, sleep } from 'torpor:run';"
    "let n; onUpgrade((state) => { n = state.n; }); console.log(n);"
    "sleep('1 day'); for (;;) console.log(await signal('go'));";

static void need(torpor_status status) {
  if (status != TORPOR_OK)
    fail_msg("%s: %s, %s", damage, torpor_status_name(status),
             torpor_store_error(run_bench.store));
}

static sqlite3 *database(void) {
  return ((struct torpor__sqlite *)run_bench.store->database)->db;
}

static int do_sql(const char *sql) {
  return sqlite3_exec(database(), sql, NULL, NULL, NULL);
}

static void make_victim(void) {
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  run_bench_add("victim", old_program, 0);
  run_bench_drive("victim", 1);
  need(torpor_run_rewind(run_bench.store, "victim", 1));
  run_bench_signals("victim", 1, 1);
  run_bench_drive("victim", 2);
  test_file_write_text(run_bench.file, new_program);
  options.file = run_bench.file;
  need(torpor_run_upgrade(run_bench.store, "victim", &options, NULL));
  run_bench_drive("victim", 3);
  run_bench_signals("victim", 1, 1);
  assert_int_equal(do_sql("INSERT INTO result(run, branch, operation, outcome, "
                          "value) SELECT run, branch, id, 0, x'01' "
                          "FROM operation WHERE run = 2 LIMIT 1"),
                   SQLITE_OK);
  assert_int_equal(do_sql("INSERT INTO exit VALUES(2, x'01', 'why')"),
                   SQLITE_OK);
}

static int set_up(void **state) {
  if (run_bench_open(state) != 0) return -1;
  do_sql("PRAGMA synchronous = OFF");
  run_bench_add("first", healthy, 0);
  make_victim();
  run_bench_add("ended", "export default 'done';", 0);
  run_bench_drive("ended", 0);
  run_bench_add("last", healthy, 0);
  run_bench_drive("first", 1);
  run_bench_drive("last", 1);
  do_sql("PRAGMA wal_checkpoint(TRUNCATE)");
  image = test_file_read(run_bench.path);
  return image.data != NULL ? 0 : -1;
}

static int tear_down(void **state) {
  free(image.data);
  return run_bench_close(state);
}

/* The store as it was, in the place of the one before. */
static void restore_store(void) {
  static const char *const ends[] = {"", "-wal", "-shm", "-locks"};
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s%s", run_bench.path, ends[i]);
    unlink(path);
  }
  test_file_write(run_bench.path, image.data, image.size);
  assert_int_equal(
      torpor_store_open(run_bench.path, &options, &run_bench.store), TORPOR_OK);
  do_sql("PRAGMA synchronous = OFF");
}

/* ---- What must hold -------------------------------------------------------*/

struct found {
  int runs, sound;
};

static bool is_healthy(const char *id) {
  return strcmp(id, "first") == 0 || strcmp(id, "last") == 0;
}

static bool find_run(void *user, const torpor_run_info *info) {
  struct found *found = user;
  found->runs++;
  if (is_healthy(info->id) && info->state == TORPOR_RUN_WAITING) found->sound++;
  assert_non_null(torpor_run_state_name(info->state));
  return true;
}

static void all_are_listed(void) {
  struct found found = {0};
  torpor_run_pruned pruned = TORPOR_RUN_PRUNED_INIT;
  need(torpor_run_each(run_bench.store, NULL, find_run, &found));
  if (found.runs < RUNS - 1 || found.sound != 2)
    fail_msg("%s: %d runs are listed, %d of 2 sound", damage, found.runs,
             found.sound);
  need(torpor_run_prune(run_bench.store, NULL, 1, true, &pruned));
}

static struct {
  torpor_worker *worker;
  int ended;
} work;

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind != TORPOR_EVENT_ENDED || !is_healthy(event->run)) return;
  assert_int_equal(event->state, TORPOR_RUN_DONE);
  if (++work.ended == 2) torpor_worker_stop(work.worker);
}

static void others_come_to_their_ends(void) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = note;
  work.ended = 0;
  run_bench_signals("first", 1, STEPS);
  run_bench_signals("last", 1, STEPS);
  need(torpor_worker_open(run_bench.store, &options, &work.worker));
  need(torpor_worker_add(work.worker, NULL));
  torpor_status status = torpor_worker_run(work.worker);
  torpor_worker_close(work.worker);
  need(status);
  if (work.ended != 2) fail_msg("%s: %d of 2 ended", damage, work.ended);
}

/* ---- What may be asked of the damaged run ---------------------------------*/

static bool see_operation(void *user, const torpor_run_operation *operation) {
  *(size_t *)user += operation->request_size + strlen(operation->key);
  return true;
}

static bool see_line(void *user, const torpor_run_line *line) {
  *(size_t *)user += line->size;
  return true;
}

static bool see_step(void *user, const torpor_run_step *step) {
  *(size_t *)user += strlen(step->engine);
  return true;
}

static bool see_run(void *user, const torpor_run_info *info) {
  *(size_t *)user += strlen(info->file) + strlen(info->parent);
  return true;
}

static void ask_about(const char *id) {
  size_t sum = 0;
  torpor_bytes bytes;
  torpor_store *store = run_bench.store;
  torpor_run_each(store, id, see_run, &sum);
  torpor_run_operations(store, id, see_operation, &sum);
  torpor_run_lines(store, id, 0, see_line, &sum);
  torpor_run_steps(store, id, see_step, &sum);
  if (torpor_run_snapshot(store, id, TORPOR_RUN_NEWEST, &bytes) == TORPOR_OK)
    torpor_bytes_free(&bytes);
  if (torpor_run_export(store, id, TORPOR_RUN_NEWEST, &bytes) == TORPOR_OK)
    torpor_bytes_free(&bytes);
}

static void lead_about(const char *id) {
  char copy[TORPOR_RUN_ID_SIZE];
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  torpor_store *store = run_bench.store;
  options.file = run_bench.file;
  options.dry_run = true;
  torpor_run_upgrade(store, id, &options, NULL);
  torpor_run_fork(store, id, TORPOR_RUN_NEWEST, "copy", copy);
  torpor_run_fork(store, id, 2, "copy-2", copy);
  torpor_run_rewind(store, id, 2);
  torpor_run_rewind(store, id, 0);
  torpor_run_prune(store, id, 1, false, NULL);
  torpor_run_unpark(store, id);
  torpor_run_cancel(store, id, true);
  torpor_run_remove(store, &id, 1, NULL);
}

/* ---- Damages --------------------------------------------------------------*/

static size_t damages;

static void try_damage(const char *sql) {
  snprintf(damage, sizeof damage, "%s", sql);
  restore_store();
  alarm(CASE_SECONDS);
  /* Some are refused by SQLite itself. */
  if (do_sql(sql) == SQLITE_OK) {
    damages++;
    torpor_run_signal(run_bench.store, "victim", "go", NULL, 0);
    all_are_listed();
    ask_about("victim");
    others_come_to_their_ends();
    ask_about("victim");
    lead_about("victim");
    ask_about("copy");
  }
  alarm(0);
}

static void say_which(int number) {
  (void)number;
  static const char text[] = "\nhangs: ";
  ssize_t ignored = write(2, text, sizeof text - 1);
  ignored += write(2, damage, strlen(damage));
  _exit(1);
}

/* A run's number in other tables, or its own, that is that of another run would
 * make its rows those of another. */
static bool is_of_others(const char *column, const char *value) {
  return (strcmp(column, "run") == 0 || strcmp(column, "number") == 0) &&
         strcmp(value, "1") == 0;
}

static void damage_column(const char *table, const char *column) {
  char sql[256];
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    if (is_of_others(column, values[i])) continue;
    snprintf(sql, sizeof sql,
             "UPDATE OR REPLACE %s SET \"%s\" = %s WHERE %s = %d", table,
             column, values[i], strcmp(table, "run") == 0 ? "number" : "run",
             VICTIM);
    try_damage(sql);
  }
}

/* The same in one of several rows, whose order that changes. */
static void damage_first_operation(const char *column) {
  char sql[256];
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    if (is_of_others(column, values[i])) continue;
    snprintf(sql, sizeof sql,
             "UPDATE OR REPLACE operation SET \"%s\" = %s WHERE run = %d AND "
             "id = (SELECT min(id) FROM operation WHERE run = %d)",
             column, values[i], VICTIM, VICTIM);
    try_damage(sql);
  }
}

static void damage_rows(const char *table) {
  char sql[256];
  snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s = %d", table,
           strcmp(table, "run") == 0 ? "number" : "run", VICTIM);
  try_damage(sql);
}

struct names {
  char of[128][64];
  int count;
};

static int take_name(void *user, int count, char **texts, char **columns) {
  struct names *names = user;
  (void)count;
  (void)columns;
  assert_true(names->count < 128);
  snprintf(names->of[names->count++], 64, "%s", texts[0]);
  return 0;
}

static void every_column_of_every_table(void **state) {
  (void)state;
  struct names tables = {0};
  signal(SIGALRM, say_which);
  restore_store();
  assert_int_equal(
      sqlite3_exec(database(),
                   "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                   "name NOT LIKE 'sqlite_%'",
                   take_name, &tables, NULL),
      SQLITE_OK);
  assert_true(tables.count >= 12);
  for (int i = 0; i < tables.count; i++) {
    char sql[160];
    struct names columns = {0};
    snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')",
             tables.of[i]);
    assert_int_equal(sqlite3_exec(database(), sql, take_name, &columns, NULL),
                     SQLITE_OK);
    for (int j = 0; j < columns.count; j++) {
      damage_column(tables.of[i], columns.of[j]);
      if (strcmp(tables.of[i], "operation") == 0)
        damage_first_operation(columns.of[j]);
    }
    damage_rows(tables.of[i]);
  }
  assert_true(damages > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_column_of_every_table, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
