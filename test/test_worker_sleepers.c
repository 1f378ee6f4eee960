/* SPDX-License-Identifier: MIT */
/* test_worker_sleepers.c - more runs than a worker holds: those that only sleep
 * are let go of, and nothing that concerns them is missed.
 *
 * ctest: slow timeout=200
 *
 * Workers are processes of their own, and are killed at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/store.h"
#include "run/worker/worker-state.h"
#include "support/bench.h"

enum {
  RUNS = TORPOR__WORKER_AWAKE_MAX + 65, /* thrice 107 */
  WORKERS = 2,
  KILLS = 12,
  PATIENCE_MS = 40000
};

/* A third waits for a signal only, a third also for a time that is far away,
 * and a third for a time that comes soon. */
static const char sleeper[] =
    "import { input, signal, sleep } from 'torpor:run';"
    "const n = input();"
    "const first = await (n % 3 === 2 ? sleep(1500 + n)"
    "  : signal('go', n % 3 === 1 ? { timeout: '1 day' } : {}))"
    "  .catch((e) => e.name);"
    "await sleep(20 + n % 40);"
    "export default String(first);";

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_a_little(void) {
  nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000L}, NULL);
}

static void need(torpor_status status) {
  if (status != TORPOR_OK)
    fail_msg("%s: %s", torpor_status_name(status),
             torpor_store_error(run_bench.store));
}

/* ---- Runs ----------------------------------------------------------------*/

static void make_runs(void) {
  static torpor_slice inputs[RUNS];
  static torpor_bytes owned[RUNS];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  char number[16];
  run_bench_add("first", "export default 0;", 0); /* writes the file, too */
  FILE *file = fopen(run_bench.file, "w");
  assert_non_null(file);
  fputs(sleeper, file);
  fclose(file);
  for (int i = 0; i < RUNS; i++) {
    int size = snprintf(number, sizeof number, "%d", i + 1);
    need(torpor_json_to_cbor(number, (size_t)size, &owned[i]));
    inputs[i] = (torpor_slice){.data = owned[i].data, .size = owned[i].size};
  }
  options.file = run_bench.file;
  options.id = "r";
  batch.inputs = inputs;
  batch.count = RUNS;
  batch.first = 1;
  need(torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL));
  for (int i = 0; i < RUNS; i++) torpor_bytes_free(&owned[i]);
}

static int64_t count(const char *sql) {
  sqlite3 *db;
  sqlite3_stmt *statement;
  assert_int_equal(sqlite3_open(run_bench.path, &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 10000);
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int64_t value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return value;
}

static void wait_until(const char *sql, int64_t wanted) {
  int64_t until = now_ms() + PATIENCE_MS, found = -1;
  while (now_ms() < until) {
    found = count(sql);
    if (found == wanted) return;
    wait_a_little();
  }
  fail_msg("%s: %lld instead of %lld", sql, (long long)found,
           (long long)wanted);
}

#define ASLEEP "SELECT count(*) FROM head WHERE status = 0 AND step > 0"
#define LEFT "SELECT count(*) FROM head WHERE status = 0"

/* ---- Workers -------------------------------------------------------------*/

static pid_t workers[WORKERS];

/* Drives the store until it is killed. */
static void work(void) {
  torpor_store *store;
  torpor_worker *worker;
  if (torpor_store_open(run_bench.path, NULL, &store) != TORPOR_OK ||
      torpor_worker_open(store, NULL, &worker) != TORPOR_OK ||
      torpor_worker_add(worker, NULL) != TORPOR_OK)
    _exit(3);
  torpor_worker_run(worker);
  _exit(4);
}

static void start_worker(int which) {
  workers[which] = fork();
  if (workers[which] == 0) work();
  assert_true(workers[which] > 0);
}

static void kill_worker(int which) {
  int status;
  kill(workers[which], SIGKILL);
  waitpid(workers[which], &status, 0);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static uint64_t random_state;

static uint64_t draw(uint64_t limit) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (random_state >> 33) % limit;
}

static void name_run(int number, char id[16]) {
  snprintf(id, 16, "r-%d", number);
}

static void tell(int number) {
  char id[16];
  name_run(number, id);
  torpor_status status = torpor_run_signal(run_bench.store, id, "go", NULL, 0);
  if (status != TORPOR_ENDED) need(status);
}

/* ---- Tests ---------------------------------------------------------------*/

/* A worker holds some of those that sleep, and the store knows of all of them
 * that no worker is needed; whoever comes next does not touch them. */
static void sleepers_are_let_go_of(void **state) {
  (void)state;
  make_runs();
  start_worker(0);
  wait_until("SELECT count(*) FROM head WHERE status = 1", 1 + RUNS / 3);
  wait_until(LEFT " AND attempts = 0 AND (due_ms IS NULL OR due_ms > 1000)",
             RUNS - RUNS / 3);
  int64_t held = 0;
  for (int i = 1; i <= RUNS; i++) {
    char id[16];
    name_run(i, id);
    held += run_bench_look(id)->worked;
  }
  assert_true(held > 0 && held <= TORPOR__WORKER_AWAKE_MAX);
  kill_worker(0);
  int64_t fences = count("SELECT sum(fence) FROM head");
  start_worker(0);
  tell(1);
  wait_until("SELECT count(*) FROM head WHERE status = 1", 2 + RUNS / 3);
  assert_int_equal(count("SELECT sum(fence) FROM head"), fences + 1);
  assert_int_equal(count("SELECT count(*) FROM news"), 0);
  kill_worker(0);
}

/* Signals and cancels come at any moment, and so do deaths of workers. */
static void nothing_is_missed(void **state) {
  (void)state;
  char id[16];
  random_state = (uint64_t)getpid();
  make_runs();
  for (int i = 0; i < WORKERS; i++) start_worker(i);
  for (int i = 0; i < KILLS; i++) {
    for (int j = 0; j < 8; j++) tell(1 + (int)draw(RUNS));
    name_run(1 + (int)draw(RUNS), id);
    torpor_run_cancel(run_bench.store, id, draw(4) == 0);
    nanosleep(&(struct timespec){.tv_nsec = (long)draw(200) * 1000000L}, NULL);
    int which = (int)draw(WORKERS);
    kill_worker(which);
    start_worker(which);
  }
  for (int i = 1; i <= RUNS; i++) tell(i);
  wait_until(LEFT, 0);
  wait_until(
      "SELECT count(*) FROM news WHERE run IN (SELECT run FROM head "
      "WHERE status IN (0, 1, 2))",
      0);
  assert_int_equal(count("SELECT count(*) FROM head WHERE status > 4"), 0);
  for (int i = 0; i < WORKERS; i++) kill_worker(i);
}

/* A worker may be asked to end when all runs have. */
static void a_worker_ends_with_the_last_run(void **state) {
  (void)state;
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  torpor_worker *worker;
  make_runs();
  for (int i = 1; i <= RUNS; i++) tell(i);
  options.until_ended = true;
  need(torpor_worker_open(run_bench.store, &options, &worker));
  need(torpor_worker_add(worker, NULL));
  need(torpor_worker_run(worker));
  torpor_worker_close(worker);
  assert_int_equal(count(LEFT), 0);
}

enum { NAMED = 60 };

static struct {
  torpor_worker *worker;
  size_t held, looked_at; /* by the turn after that of the commit */
} turns;

static void note_turn(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind != TORPOR_EVENT_COMMIT || strcmp(event->run, "r-1") != 0)
    return;
  turns.held = turns.worker->held_count;
  turns.looked_at = turns.worker->count;
  torpor_worker_stop(turns.worker);
}

/* Tells the first run, once nothing is left to do for any. */
static void tell_when_all_rest(void) {
  wait_until("SELECT count(*) FROM head WHERE status = 0 AND attempts > 0", 0);
  torpor_store *store;
  if (torpor_store_open(run_bench.path, NULL, &store) != TORPOR_OK) _exit(3);
  torpor_run_signal(store, "r-1", "go", NULL, 0);
  _exit(0);
}

/* Runs that were asked for by name are held, but no turn looks at them. */
static void a_turn_looks_at_what_has_work(void **state) {
  (void)state;
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  char id[16];
  make_runs();
  start_worker(0);
  wait_until("SELECT count(*) FROM head WHERE status = 1", 1 + RUNS / 3);
  wait_until(LEFT " AND attempts = 0 AND (due_ms IS NULL OR due_ms > 1000)",
             RUNS - RUNS / 3);
  kill_worker(0);
  options.event = note_turn;
  need(torpor_worker_open(run_bench.store, &options, &turns.worker));
  for (int i = 1; i <= NAMED; i++) {
    name_run(i, id);
    if (i % 3 != 2) need(torpor_worker_add(turns.worker, id));
  }
  pid_t other = fork();
  if (other == 0) tell_when_all_rest();
  need(torpor_worker_run(turns.worker));
  waitpid(other, NULL, 0);
  assert_int_equal(turns.held, NAMED - NAMED / 3);
  assert_int_equal(turns.looked_at, 1);
  torpor_worker_close(turns.worker);
}

static void batches_are_made_whole_or_not(void **state) {
  (void)state;
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  const uint8_t one[] = {0x01}, bad[] = {0xff};
  torpor_slice inputs[] = {{.data = one, .size = 1}, {.data = bad, .size = 1}};
  run_bench_add("r-7", "export default 0;", 0);
  options.file = run_bench.file;
  batch.inputs = inputs;
  batch.count = 2;
  assert_int_equal(
      torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL),
      TORPOR_FORMAT);
  inputs[1] = inputs[0];
  options.id = "r";
  batch.first = 6;
  assert_int_equal(
      torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL),
      TORPOR_EXISTS);
  assert_int_equal(count("SELECT count(*) FROM run"), 1);
  batch.count = TORPOR_RUN_BATCH_LARGEST + 1;
  assert_int_equal(
      torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL),
      TORPOR_LIMIT);
  batch.count = 2;
  batch.first = 8;
  need(torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL));
  assert_int_equal(count("SELECT count(*) FROM run"), 3);
}

int main(void) {
#define OPEN(test)                                                             \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)
  const struct CMUnitTest tests[] = {
      OPEN(sleepers_are_let_go_of), OPEN(nothing_is_missed),
      OPEN(a_worker_ends_with_the_last_run),
      OPEN(a_turn_looks_at_what_has_work), OPEN(batches_are_made_whole_or_not)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
