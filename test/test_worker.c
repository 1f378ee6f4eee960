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

#include "run/database/database-sqlite-state.h"
#include "run/fault.h"
#include "run/worker/worker-run.h"

#include "test/support/bench.h"
#include "test/support/file.h"

static struct bench {
  torpor_worker *worker;
  int lines, errors, stop_at_line, started, ended;
  torpor_run_info info; /* its strings are not kept */
  char reason[512];
} bench;

static int set_up(void **state) {
  memset(&bench, 0, sizeof bench);
  return run_bench_open(state);
}

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ERROR) bench.errors++;
  if (event->kind == TORPOR_EVENT_LINE) bench.lines++;
  if (event->kind == TORPOR_EVENT_STARTED) bench.started++;
  if (event->kind == TORPOR_EVENT_ENDED) bench.ended++;
}

static void write_program(const char *source) {
  test_file_write_text(run_bench.file, source);
}

static void add_named(const char *name, const char *source) {
  char id[TORPOR_RUN_ID_SIZE];
  write_program(source);
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = run_bench.file;
  options.id = name;
  assert_int_equal(torpor_run_add(run_bench.store, &options, id), TORPOR_OK);
}

static void add_run(const char *source) {
  add_named("run", source);
}

static void add_with_fuel(uint64_t fuel, const char *source) {
  char id[TORPOR_RUN_ID_SIZE];
  write_program(source);
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = run_bench.file;
  options.id = "run";
  options.fuel = fuel;
  assert_int_equal(torpor_run_add(run_bench.store, &options, id), TORPOR_OK);
}

static void drive(torpor_event_fn event) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = event;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &bench.worker),
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
  assert_int_equal(torpor_run_each(run_bench.store, "run", see, NULL),
                   TORPOR_OK);
}

/* What a step writes to the console is kept until its commit: not without
 * end. */
static void a_flood_of_output_is_cut(void **state) {
  (void)state;
  add_run(
      "const s = 'x'.repeat(1 << 20);"
      "for (let i = 0; i < 600; i++) console.log(s);");
  drive(note);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_true(bench.lines > 60 && bench.lines < 66);
}

/* A run whose rows are damaged is parked by whoever has its lock, and by nobody
 * while another has it, which may be healing it. */
static void parking_takes_the_lock(void **state) {
  (void)state;
  torpor_store *other;
  add_run("1");
  struct torpor__sqlite *db =
      (struct torpor__sqlite *)run_bench.store->database;
  assert_int_equal(torpor__sqlite_exec(db, "UPDATE run SET access = 'x'"),
                   TORPOR_OK);
  assert_int_equal(torpor_store_open(run_bench.path, NULL, &other), TORPOR_OK);
  assert_int_equal(other->database->calls->lock(other->database, 1), TORPOR_OK);
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = note;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_OK);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_READY);
  assert_int_equal(bench.errors, 0);
  torpor_store_close(other);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_CORRUPT);
  assert_int_equal(bench.errors, 0); /* the code says it, and no event */
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_PARKED);
  torpor_worker_close(bench.worker);
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

/* A stop after the attempt was counted and before the VM was told anything. */
static void stop_at_delivery(enum torpor__fault_point point) {
  if (point == TORPOR__FAULT_DELIVERY) torpor_worker_stop(bench.worker);
}

static void a_stop_before_a_step_is_no_attempt(void **state) {
  (void)state;
  add_run("export default 1;");
  torpor__fault_hook = stop_at_delivery;
  for (int i = 0; i < TORPOR_RUN_ATTEMPTS + 2; i++) drive(note);
  torpor__fault_hook = NULL;
  look();
  assert_int_equal(bench.started, 0);
  assert_int_equal(bench.info.state, TORPOR_RUN_READY);
  assert_int_equal(bench.info.attempts, 0);
}

/* Nor is being taken by a worker that never runs, or is stopped at once. */
static void a_stop_before_a_claim_is_no_attempt(void **state) {
  (void)state;
  add_run("export default 1;");
  for (int i = 0; i < 2 * TORPOR_RUN_ATTEMPTS; i++) {
    assert_int_equal(torpor_worker_open(run_bench.store, NULL, &bench.worker),
                     TORPOR_OK);
    assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_OK);
    torpor_worker_stop(bench.worker);
    if (i % 2 == 1)
      assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
    torpor_worker_close(bench.worker);
    look();
    assert_int_equal(bench.info.state, TORPOR_RUN_READY);
    assert_int_equal(bench.info.attempts, 0);
  }
  drive(note);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
}

static struct torpor__database *rows(void) {
  return run_bench.store->database;
}

static void stop_at_end(void *user, const torpor_event *event) {
  note(user, event);
  if (event->kind == TORPOR_EVENT_ENDED) torpor_worker_stop(bench.worker);
}

static void stop_at_commit(void *user, const torpor_event *event) {
  note(user, event);
  if (event->kind == TORPOR_EVENT_COMMIT) torpor_worker_stop(bench.worker);
}

/* One damaged run does not end the worker of the others. */
static void a_damaged_run_is_parked_alone(void **state) {
  (void)state;
  add_run("export default 1;");
  add_named("other", "export default 2;");
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)rows(),
                          "UPDATE run SET access = 'all' WHERE id = 'run'"),
      TORPOR_OK);
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = stop_at_end;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, NULL), TORPOR_OK);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_PARKED);
  assert_non_null(strstr(bench.reason, "access"));
  assert_int_equal(bench.errors, 1);
  assert_int_equal(torpor_run_each(run_bench.store, "other", see, NULL),
                   TORPOR_OK);
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
}

static void a_damaged_run_that_was_asked_for_is_an_error(void **state) {
  (void)state;
  add_run("export default 1;");
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)rows(),
                                       "UPDATE run SET access = 'all'"),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_open(run_bench.store, NULL, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_CORRUPT);
  assert_non_null(strstr(torpor_store_error(run_bench.store), "access"));
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_PARKED);
}

static void stop_at_error(void *user, const torpor_event *event) {
  note(user, event);
  if (bench.errors > 0) torpor_worker_stop(bench.worker);
}

/* A run that sleeps under another key is left to who has that. With no key at
 * all nothing begins beside it, since that would not be encrypted. */
static void leave_to_who_has_the_key(bool with_other) {
  static const uint8_t key[TORPOR_KEY_SIZE] = {1}, other[TORPOR_KEY_SIZE] = {2};
  torpor_store_options keyed = TORPOR_STORE_OPTIONS_INIT;
  keyed.key = key;
  torpor_store_close(run_bench.store);
  assert_int_equal(torpor_store_open(run_bench.path, &keyed, &run_bench.store),
                   TORPOR_OK);
  add_run("import { sleep } from 'torpor:run'; await sleep('1 day');");
  drive(stop_at_commit);
  torpor_store_close(run_bench.store);
  keyed.key = with_other ? other : NULL;
  assert_int_equal(torpor_store_open(run_bench.path, &keyed, &run_bench.store),
                   TORPOR_OK);
  add_named("other", "export default 2;");
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = with_other ? stop_at_end : stop_at_error;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_KEY);
  assert_int_equal(torpor_worker_add(bench.worker, NULL), TORPOR_OK);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_WAITING);
  assert_int_equal(bench.info.attempts, 0);
  assert_int_equal(torpor_run_each(run_bench.store, "other", see, NULL),
                   TORPOR_OK);
  assert_int_equal(bench.info.state,
                   with_other ? TORPOR_RUN_DONE : TORPOR_RUN_READY);
}

static void a_run_of_another_key_is_left_alone(void **state) {
  (void)state;
  leave_to_who_has_the_key(true);
}

static void a_run_of_a_key_is_left_alone(void **state) {
  (void)state;
  leave_to_who_has_the_key(false);
}

static torpor_status fail_head_get(struct torpor__database *store, int64_t run,
                                   struct torpor__head *head) {
  (void)run;
  (void)head;
  return torpor__database_fail(store, TORPOR_IO, "the disk is gone");
}

/* What the store says while a step is prepared reaches the worker. */
static void a_store_that_fails_is_noticed(void **state) {
  (void)state;
  struct torpor__worker_shared shared = {.store = run_bench.store};
  struct torpor__worker_run *run;
  bool stepped = true;
  add_run("export default 1;");
  assert_int_equal(torpor_loop_open(NULL, &shared.loop), TORPOR_OK);
  const struct torpor__claim claim = {.run = 1, .granted = true};
  assert_int_equal(rows()->calls->lock(rows(), 1), TORPOR_OK);
  assert_int_equal(torpor__worker_run_open(&run, &shared, &claim), TORPOR_OK);
  struct torpor__protocol *protocol = torpor__worker_run_protocol(run);
  assert_int_equal(torpor__protocol_refresh(protocol, 0), TORPOR_OK);
  assert_int_equal(torpor__protocol_flush(rows(), &protocol, 1, 1), TORPOR_OK);
  const struct torpor__database_calls *calls = rows()->calls;
  struct torpor__database_calls failing = *calls;
  failing.head_get = fail_head_get;
  rows()->calls = &failing;
  assert_int_equal(torpor__worker_run_step(run, &stepped), TORPOR_IO);
  assert_false(stepped);
  rows()->calls = calls;
  torpor__worker_run_close(run);
  torpor_loop_close(shared.loop);
}

/* Whoever asks twice for a run that another worker has learns once how it
 * ended; also when that has left it when it is asked for the second time. */
static void add_twice(bool free) {
  torpor_store *other;
  add_run("1");
  assert_int_equal(torpor_store_open(run_bench.path, NULL, &other), TORPOR_OK);
  assert_int_equal(other->database->calls->lock(other->database, 1), TORPOR_OK);
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = note;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_OK);
  if (free) other->database->calls->unlock(other->database, 1);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_OK);
  torpor_store_close(other);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
  assert_int_equal(bench.ended, 1);
}

static void a_run_that_is_held_is_queued_once(void **state) {
  (void)state;
  add_twice(false);
}

static void a_run_that_is_claimed_is_not_queued(void **state) {
  (void)state;
  add_twice(true);
}

/* What a step does not come to, since its fuel is spent, the next one tells. */
static void little_fuel_loses_nothing(void **state) {
  (void)state;
  add_with_fuel(
      1,
      "import { signal } from 'torpor:run';"
      "const spin = async (name) => {"
      "  const got = await signal(name);"
      "  for (let i = 0; i < 1e5; i++);"
      "  await null;"
      "  return got;"
      "};"
      "export default await Promise.all(['a', 'b', 'c', 'd'].map(spin));");
  drive(stop_at_commit);
  static const char *const names[] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    assert_int_equal(
        torpor_run_signal(run_bench.store, "run", names[i], NULL, 0),
        TORPOR_OK);
  drive(note);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_true(bench.info.step > 4);
}

/* Ends "run", which spends its fuel in most steps, with a worker to each. */
static void drive_anew(void) {
  do {
    drive(stop_at_commit);
    look();
    assert_false(bench.info.cancelling); /* if it was, it was told */
  } while (bench.info.state == TORPOR_RUN_READY ||
           bench.info.state == TORPOR_RUN_WAITING);
}

/* That the run is cancelled outlives the worker, when its program spends its
 * fuel before it shows what comes of that: else this one would be
 * deadlocked. */
static void little_fuel_forgets_no_cancel(void **state) {
  (void)state;
  add_with_fuel(1,
                "import { sleep } from 'torpor:run';"
                "try { await sleep('1 day'); } catch {"
                "  for (let i = 0; i < 1e5; i++);"
                "  await null;"
                "  for (let i = 0; i < 1e5; i++);"
                "  await new Promise(() => {});"
                "}");
  drive(stop_at_commit);
  assert_int_equal(torpor_run_cancel(run_bench.store, "run", false), TORPOR_OK);
  drive_anew();
  assert_int_equal(bench.info.state, TORPOR_RUN_FAILED);
  assert_string_equal(bench.reason, "Cancelled: the run was cancelled");
}

/* Spent fuel is no request to cancel, which would excuse what these end
 * with. */
static void little_fuel_cancels_nothing(void **state) {
  (void)state;
  add_with_fuel(1,
                "for (let n = 0; n < 5; n++) await null;"
                "for (let i = 0; i < 1e5; i++);"
                "await null;"
                "await new Promise(() => {});");
  drive_anew();
  assert_true(bench.info.step > 1);
  assert_int_equal(bench.info.state, TORPOR_RUN_DEADLOCK);
}

static void little_fuel_hides_no_rejection(void **state) {
  (void)state;
  add_with_fuel(1,
                "import { sleep } from 'torpor:run';"
                "for (let n = 0; n < 5; n++) await null;"
                "for (let i = 0; i < 1e5; i++);"
                "await null;"
                "const mine = new Error('mine');"
                "mine.name = 'Cancelled';"
                "Promise.reject(mine);"
                "await sleep('1 ms');");
  drive_anew();
  assert_true(bench.info.step > 1);
  assert_int_equal(bench.info.state, TORPOR_RUN_FAILED);
  assert_non_null(strstr(bench.reason, "unhandled rejection: Cancelled: mine"));
}

/* The kind of an operation comes from guest memory, and may be empty. */
static void an_operation_of_no_kind_is_rejected(void **state) {
  (void)state;
  add_run(
      "import { sleep } from 'torpor:run';"
      "export default await sleep('1 day').catch((error) => error.code);");
  drive(stop_at_commit);
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)rows(),
                                       "UPDATE operation SET kind = ''"),
                   TORPOR_OK);
  drive(note);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
}

static const struct torpor__database_calls *real_calls;
static int begins_to_refuse;
static bool ended_with_reason;

static torpor_status refuse_begin(struct torpor__database *store) {
  if (begins_to_refuse-- > 0)
    return torpor__database_fail(store, TORPOR_LOCKED, "others write to it");
  store->calls = real_calls;
  return real_calls->begin(store);
}

/* Others have the store for themselves for 'times' transactions. */
static void drive_beside_others(int times) {
  struct torpor__database_calls refusing = *rows()->calls;
  real_calls = rows()->calls;
  refusing.begin = refuse_begin;
  begins_to_refuse = times;
  rows()->calls = &refusing;
  drive(note);
  rows()->calls = real_calls;
  assert_true(begins_to_refuse < 0);
}

/* Who asks for a run has it driven, however long others have the store. */
static void a_run_waits_for_the_store(void **state) {
  (void)state;
  add_run("export default 1;");
  drive_beside_others(2);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_int_equal(bench.errors, 1);
}

static void a_suspect_waits_for_the_store(void **state) {
  (void)state;
  add_run("export default 1;");
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)rows(),
                                       "UPDATE head SET attempts = 2"),
                   TORPOR_OK);
  drive_beside_others(2);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_int_equal(bench.errors, 1);
}

static int other_attempts; /* of "run", when "other" began */

static void follow_order(void *user, const torpor_event *event) {
  note(user, event);
  bool other = strcmp(event->run, "other") == 0;
  if (event->kind == TORPOR_EVENT_STARTED && other) {
    look();
    other_attempts = (int)bench.info.attempts;
  }
  if (event->kind == TORPOR_EVENT_COMMIT && !other)
    assert_int_equal(other_attempts, 1);
  if (event->kind == TORPOR_EVENT_ENDED && !other)
    torpor_worker_stop(bench.worker);
}

/* The first suspect turns out to be long: it is put off, and nothing is counted
 * against it while the other one is tried. */
static void short_suspects_go_first(void **state) {
  (void)state;
  add_run(
      "const end = Date.now() + 300;"
      "let n = 0;"
      "while (Date.now() < end || n < 3e5) n++;");
  add_named("other", "export default 1;");
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)rows(),
                                       "UPDATE head SET attempts = 1"),
                   TORPOR_OK);
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = follow_order;
  other_attempts = 0;
  assert_int_equal(torpor_worker_open(run_bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, NULL), TORPOR_OK);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
}

static void read_at_end(void *user, const torpor_event *event) {
  note(user, event);
  if (event->kind != TORPOR_EVENT_ENDED) return;
  look();
  ended_with_reason = bench.reason[0] != '\0';
}

/* Who is told of an end may read the run. */
static void an_end_is_told_with_its_reason(void **state) {
  (void)state;
  add_run("export default 1;");
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)rows(),
                                       "UPDATE head SET attempts = 5"),
                   TORPOR_OK);
  ended_with_reason = false;
  drive(read_at_end);
  assert_int_equal(bench.info.state, TORPOR_RUN_PARKED);
  assert_true(ended_with_reason);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, set_up, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_flood_of_output_is_cut),
      ON_BENCH(parking_takes_the_lock),
      ON_BENCH(much_output_is_fine),
      ON_BENCH(a_stop_is_no_attempt),
      ON_BENCH(a_stop_before_a_step_is_no_attempt),
      ON_BENCH(a_stop_before_a_claim_is_no_attempt),
      ON_BENCH(a_damaged_run_is_parked_alone),
      ON_BENCH(a_damaged_run_that_was_asked_for_is_an_error),
      ON_BENCH(a_run_of_another_key_is_left_alone),
      ON_BENCH(a_run_of_a_key_is_left_alone),
      ON_BENCH(a_store_that_fails_is_noticed),
      ON_BENCH(a_run_that_is_held_is_queued_once),
      ON_BENCH(a_run_that_is_claimed_is_not_queued),
      ON_BENCH(little_fuel_loses_nothing),
      ON_BENCH(little_fuel_forgets_no_cancel),
      ON_BENCH(little_fuel_cancels_nothing),
      ON_BENCH(little_fuel_hides_no_rejection),
      ON_BENCH(an_operation_of_no_kind_is_rejected),
      ON_BENCH(a_run_waits_for_the_store),
      ON_BENCH(a_suspect_waits_for_the_store),
      ON_BENCH(an_end_is_told_with_its_reason),
      ON_BENCH(short_suspects_go_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
