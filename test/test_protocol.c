/* SPDX-License-Identifier: MIT */
/* test_protocol.c - run/protocol.c one rule at a time, on a real store.
 *
 * test_protocol_simulation.c lets chance find what nobody thought of; here are
 * the cases with a name: what a step may not say, when a run is parked or
 * deadlocked, who gets a signal, how many transactions a step takes, and that a
 * run which lives long takes no more space than one that has just begun.
 *
 * The store is in a file of its own and is removed afterwards. */
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

#include "run/signals.h"
#include "run/protocol.h"
#include "run/request.h"
#include "test/support/sqlite-database.h"

enum { ATTEMPTS_MAX = 3 };

/* A worker of one run; its "VM" is whatever the test says. */
static struct bench {
  char path[64];
  struct torpor__database *store;
  struct torpor__protocol *protocol;
  struct torpor__drivers drivers;
  struct torpor__delivery *deliveries;
  size_t delivery_count;
  int64_t run;
  int started, stopped, shown, woken;
  char last_key[TORPOR__KEY_MAX];
} bench;

static void note_start(void *data, const struct torpor__operation *operation,
                       bool woken) {
  (void)data;
  bench.started++;
  bench.woken += woken;
  snprintf(bench.last_key, sizeof bench.last_key, "%s", operation->key);
}

static void note_stop(void *data, int64_t branch, uint64_t operation) {
  (void)data;
  (void)branch;
  (void)operation;
  bench.stopped++;
}

static void note_show(void *data, const struct torpor__line *line) {
  (void)data;
  (void)line;
  bench.shown++;
}

static void claim(void) {
  assert_int_equal(torpor__protocol_open(&bench.protocol, bench.store,
                                         bench.run, &bench.drivers,
                                         ATTEMPTS_MAX),
                   TORPOR_OK);
  assert_int_equal(torpor__protocol_flush(bench.store, &bench.protocol, 1, 100),
                   TORPOR_OK);
}

static void give_up(void) {
  torpor__protocol_close(bench.protocol);
  bench.protocol = NULL;
}

static int set_up(void **state) {
  (void)state;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  const struct torpor__run row = {.id = "run", .program = "p", .access = ""};
  memset(&bench, 0, sizeof bench);
  snprintf(bench.path, sizeof bench.path, "/tmp/torpor-protocol-%d",
           (int)getpid());
  const struct torpor__database_options options = {.path = bench.path};
  if (torpor__sqlite_open(&options, &bench.store, message) != TORPOR_OK)
    return -1;
  bench.drivers = (struct torpor__drivers){
      .start = note_start, .stop = note_stop, .show = note_show};
  assert_int_equal(
      torpor__request_create(bench.store, &row, NULL, 0, &bench.run),
      TORPOR_OK);
  claim();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const ends[] = {"", "-wal", "-shm", "-locks"};
  give_up();
  bench.store->calls->close(bench.store);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char path[96];
    snprintf(path, sizeof path, "%s%s", bench.path, ends[i]);
    unlink(path);
  }
  return 0;
}

static enum torpor__phase phase(void) {
  return torpor__protocol_phase(bench.protocol);
}

static void flush(void) {
  assert_int_equal(torpor__protocol_flush(bench.store, &bench.protocol, 1, 200),
                   TORPOR_OK);
}

/* Goes as far as the deliveries of the next step. */
static void wake(void) {
  assert_int_equal(torpor__protocol_refresh(bench.protocol), TORPOR_OK);
  assert_int_equal(torpor__protocol_prepare(bench.protocol), TORPOR_OK);
  if (phase() == TORPOR__PHASE_COUNTING) flush();
  bench.deliveries =
      torpor__protocol_deliveries(bench.protocol, &bench.delivery_count);
}

static struct torpor__step state_of(struct torpor__operation *begun,
                                    size_t count) {
  return (struct torpor__step){.engine = {.data = "e", .size = 1},
                               .snapshot = {.data = "state", .size = 5},
                               .begun = begun,
                               .begun_count = count};
}

/* The VM accepts all it is told and begins 'begun'. */
static void step(struct torpor__operation *begun, size_t count) {
  wake();
  assert_int_equal(phase(), TORPOR__PHASE_STEPPING);
  for (size_t i = 0; i < bench.delivery_count; i++)
    bench.deliveries[i].accepted = true;
  struct torpor__step step = state_of(begun, count);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &step), TORPOR_OK);
  flush();
}

static struct torpor__operation timer(uint64_t id) {
  return (struct torpor__operation){.id = id, .kind = "timer", .due_ms = 1000};
}

static struct torpor__operation waiter(uint64_t id, const char *topic) {
  return (struct torpor__operation){.id = id,
                                    .kind = "signal",
                                    .topic = topic,
                                    .due_ms = TORPOR__NEVER,
                                    .policy = TORPOR__POLICY_REATTACH};
}

static void settle(uint64_t id) {
  assert_int_equal(torpor__protocol_receive(bench.protocol, 0, id,
                                            TORPOR__OUTCOME_FULFILLED,
                                            (torpor_slice){0}),
                   TORPOR_OK);
}

static struct torpor__head head(void) {
  struct torpor__head row;
  assert_int_equal(bench.store->calls->head_get(bench.store, bench.run, &row),
                   TORPOR_OK);
  return row;
}

static char reason[256];

static torpor_status see_exit(void *data, const struct torpor__exit *row) {
  (void)data;
  snprintf(reason, sizeof reason, "%s", row->reason);
  return TORPOR_OK;
}

static const char *exit_reason(void) {
  reason[0] = '\0';
  bench.store->calls->exit_each(bench.store, bench.run, see_exit, NULL);
  return reason;
}

/* ---- steps --------------------------------------------------------------- */

static void a_step_is_one_transaction(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), timer(2)};
  step(begun, 2);
  assert_int_equal(bench.started, 2);
  assert_int_equal(head().step, 1);
  assert_int_equal(head().attempts, 1); /* counted in advance */
  assert_false(torpor__protocol_ready(bench.protocol));
  settle(1);
  assert_int_equal(torpor__protocol_prepare(bench.protocol), TORPOR_OK);
  assert_int_equal(phase(), TORPOR__PHASE_STEPPING); /* nothing to write */
  torpor__protocol_abandon(bench.protocol, "test");
}

static void resting_takes_the_attempt_back(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1)};
  step(begun, 1);
  torpor__protocol_return_attempt(bench.protocol);
  flush();
  assert_int_equal(head().attempts, 0);
  settle(1);
  assert_int_equal(torpor__protocol_prepare(bench.protocol), TORPOR_OK);
  assert_int_equal(phase(), TORPOR__PHASE_COUNTING);
  flush();
  assert_int_equal(head().attempts, 1);
  torpor__protocol_abandon(bench.protocol, "test");
}

static void steps_that_make_no_sense(void **state) {
  (void)state;
  struct torpor__operation first[] = {timer(5)};
  step(first, 1);
  settle(5);
  wake();
  bench.deliveries[0].accepted = true;
  struct torpor__operation twice[] = {timer(6), timer(6)};
  struct torpor__step wrong = state_of(twice, 2);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &wrong),
                   TORPOR_MISUSE);
  struct torpor__operation again[] = {timer(5)};
  wrong = state_of(again, 1);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &wrong),
                   TORPOR_MISUSE);
  const uint64_t unknown[] = {99};
  wrong = state_of(NULL, 0);
  wrong.cancelled = unknown;
  wrong.cancelled_count = 1;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &wrong),
                   TORPOR_MISUSE);
  const uint64_t settled[] = {5};
  wrong.cancelled = settled;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &wrong),
                   TORPOR_MISUSE);
  struct torpor__operation huge[] = {timer(6), timer((uint64_t)1 << 63)};
  wrong = state_of(huge, 2);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &wrong),
                   TORPOR_MISUSE);
  char topic[TORPOR__TOPIC_MAX + 2];
  memset(topic, 'x', sizeof topic - 1);
  topic[sizeof topic - 1] = '\0';
  struct torpor__operation named[] = {waiter(7, topic)};
  wrong = state_of(named, 1);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &wrong),
                   TORPOR_MISUSE);
  assert_int_equal(phase(), TORPOR__PHASE_STEPPING);
  struct torpor__operation right[] = {timer(7)};
  struct torpor__step good = state_of(right, 1);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &good), TORPOR_OK);
  flush();
  assert_int_equal(torpor__protocol_waiting(bench.protocol), 1);
}

static void too_many_operations(void **state) {
  (void)state;
  size_t count = TORPOR__OPERATIONS_MAX + 1;
  struct torpor__operation *begun = calloc(count, sizeof *begun);
  assert_non_null(begun);
  for (size_t i = 0; i < count; i++) begun[i] = timer(i + 1);
  wake();
  struct torpor__step many = state_of(begun, count);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &many), TORPOR_LIMIT);
  assert_non_null(strstr(bench.store->message, "100000"));
  torpor__protocol_abandon(bench.protocol, "test");
  free(begun);
}

static void waiting_for_nothing_is_a_deadlock(void **state) {
  (void)state;
  step(NULL, 0);
  assert_int_equal(phase(), TORPOR__PHASE_ENDED);
  assert_int_equal(head().status, TORPOR__RUN_DEADLOCKED);
  assert_non_null(strstr(exit_reason(), "nothing is left"));
}

static void jobs_that_are_left_are_no_deadlock(void **state) {
  (void)state;
  wake();
  struct torpor__step busy = state_of(NULL, 0);
  busy.runnable = true;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &busy), TORPOR_OK);
  flush();
  assert_int_equal(head().status, TORPOR__RUN_ACTIVE);
  assert_true(torpor__protocol_ready(bench.protocol));
}

/* ---- attempts ------------------------------------------------------------ */

static void what_never_commits_is_parked(void **state) {
  (void)state;
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    wake();
    assert_int_equal(head().attempts, i + 1);
    torpor__protocol_abandon(bench.protocol, "ran out of memory");
  }
  wake();
  assert_int_equal(phase(), TORPOR__PHASE_ENDED);
  assert_int_equal(head().status, TORPOR__RUN_PARKED);
  assert_non_null(strstr(exit_reason(), "3 attempts"));
  assert_non_null(strstr(exit_reason(), "ran out of memory"));
  give_up();
  assert_int_equal(torpor__request_unpark(bench.store, bench.run, 300),
                   TORPOR_OK);
  claim();
  struct torpor__operation begun[] = {timer(1)};
  step(begun, 1);
  assert_int_equal(head().status, TORPOR__RUN_ACTIVE);
}

static void what_kills_its_worker_is_parked(void **state) {
  (void)state;
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    wake();
    assert_int_equal(phase(), TORPOR__PHASE_STEPPING);
    give_up();
    claim();
  }
  wake();
  assert_int_equal(head().status, TORPOR__RUN_PARKED);
}

/* ---- taking over --------------------------------------------------------- */

static void waking_starts_what_may_be_repeated(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), timer(2)};
  begun[1].policy = TORPOR__POLICY_REJECT;
  step(begun, 2);
  assert_string_equal(bench.last_key, "run/0/2");
  give_up();
  bench.started = 0;
  claim();
  assert_int_equal(bench.started, 1);
  assert_int_equal(bench.woken, 1);
  assert_string_equal(bench.last_key, "run/0/1");
  wake();
  assert_int_equal(bench.delivery_count, 1);
  assert_int_equal(bench.deliveries[0].operation, 2);
  assert_int_equal(bench.deliveries[0].outcome, TORPOR__OUTCOME_LOST);
  torpor__protocol_abandon(bench.protocol, "test");
}

static void a_result_that_cannot_come_again_is_kept(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1)};
  begun[0].policy = TORPOR__POLICY_REJECT;
  step(begun, 1);
  settle(1);
  assert_true(torpor__protocol_pending(bench.protocol));
  flush();
  give_up();
  bench.started = 0;
  claim();
  assert_int_equal(bench.started, 0);
  wake();
  assert_int_equal(bench.delivery_count, 1);
  assert_int_equal(bench.deliveries[0].outcome, TORPOR__OUTCOME_FULFILLED);
  torpor__protocol_abandon(bench.protocol, "test");
}

/* Timer 1 comes and the program begins timer 2: when that is to be written,
 * somebody has made a request. */
static void step_meeting(torpor_status (*request)(struct torpor__database *,
                                                  int64_t, int64_t)) {
  struct torpor__operation one[] = {timer(1)}, two[] = {timer(2)};
  struct torpor__step taken = state_of(two, 1);
  step(one, 1);
  settle(1);
  wake();
  bench.deliveries[0].accepted = true;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &taken), TORPOR_OK);
  assert_int_equal(request(bench.store, bench.run, 300), TORPOR_OK);
  flush();
}

static void a_kill_ends_what_a_worker_is_doing(void **state) {
  (void)state;
  step_meeting(torpor__request_kill);
  assert_int_equal(phase(), TORPOR__PHASE_LOST);
  assert_int_equal(bench.started, 1);
  assert_int_equal(bench.stopped, 1);
  assert_int_equal(head().status, TORPOR__RUN_KILLED);
  assert_int_equal(torpor__request_kill(bench.store, bench.run, 300),
                   TORPOR_ENDED);
  assert_int_equal(torpor__request_cancel(bench.store, bench.run, 300),
                   TORPOR_ENDED);
  assert_int_equal(torpor__signals_send(bench.store, bench.run, "go",
                                        (torpor_slice){0}, 300),
                   TORPOR_ENDED);
}

static void cancel_rejects_what_is_pending(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), timer(2)};
  step(begun, 2);
  settle(2);
  assert_int_equal(torpor__request_cancel(bench.store, bench.run, 300),
                   TORPOR_OK);
  wake();
  assert_int_equal(bench.delivery_count, 2);
  assert_int_equal(bench.deliveries[0].operation, 2);
  assert_int_equal(bench.deliveries[0].outcome, TORPOR__OUTCOME_FULFILLED);
  assert_int_equal(bench.deliveries[1].operation, 1);
  assert_int_equal(bench.deliveries[1].outcome, TORPOR__OUTCOME_CANCELLED);
  torpor__protocol_abandon(bench.protocol, "test");
  struct torpor__operation clean_up[] = {timer(3)};
  step(clean_up, 1);
  assert_false(head().cancel);
  assert_int_equal(head().status, TORPOR__RUN_ACTIVE);
}

/* Neither is a request written over by the step, nor the step undone. */
static void cancel_meets_a_step(void **state) {
  (void)state;
  step_meeting(torpor__request_cancel);
  assert_int_equal(head().step, 2);
  assert_true(head().cancel != 0);
  wake();
  assert_int_equal(bench.deliveries[0].operation, 2);
  assert_int_equal(bench.deliveries[0].outcome, TORPOR__OUTCOME_CANCELLED);
}

/* A step whose fuel is spent half way leaves the rest of the request to the
 * next, which spares what the program began meanwhile to tidy up. */
static void cancel_reaches_all_and_nothing_else(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), timer(2), timer(3)};
  step(begun, 3);
  assert_int_equal(torpor__request_cancel(bench.store, bench.run, 300),
                   TORPOR_OK);
  wake();
  assert_int_equal(bench.delivery_count, 3);
  bench.deliveries[0].accepted = true;
  bench.deliveries[1].undelivered = bench.deliveries[2].undelivered = true;
  struct torpor__operation tidy[] = {timer(4)};
  struct torpor__step half = state_of(tidy, 1);
  half.runnable = true;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &half), TORPOR_OK);
  flush();
  assert_true(head().cancel != 0);
  give_up(); /* the next worker knows as well */
  claim();
  wake();
  assert_int_equal(bench.delivery_count, 2);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(bench.deliveries[i].operation, i + 2);
    assert_int_equal(bench.deliveries[i].outcome, TORPOR__OUTCOME_CANCELLED);
    bench.deliveries[i].accepted = true;
  }
  struct torpor__step rest = state_of(NULL, 0);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &rest), TORPOR_OK);
  flush();
  assert_int_equal(head().cancel, 0);
  assert_int_equal(torpor__protocol_waiting(bench.protocol), 1);
  assert_false(torpor__protocol_ready(bench.protocol));
}

/* Nor does a step whose fuel is spent ask for anything. */
static void little_fuel_cancels_nothing(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1)};
  step(begun, 1);
  for (int i = 0; i < 3; i++) {
    if (i == 0) settle(1);
    wake();
    for (size_t j = 0; j < bench.delivery_count; j++)
      bench.deliveries[j].undelivered = true;
    struct torpor__step busy = state_of(NULL, 0);
    busy.runnable = true;
    assert_int_equal(torpor__protocol_stage(bench.protocol, &busy), TORPOR_OK);
    flush();
    assert_int_equal(head().cancel, 0);
    assert_false(torpor__protocol_is_cancelling(bench.protocol));
    give_up();
    claim();
    assert_false(torpor__protocol_is_cancelling(bench.protocol));
  }
}

/* Else its result would wake the run for ever. */
static void what_the_vm_does_not_know_goes(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), waiter(2, "go"), timer(3)};
  step(begun, 3);
  settle(1);
  assert_int_equal(
      torpor__signals_send(bench.store, bench.run, "go", (torpor_slice){0}, 1),
      TORPOR_OK);
  wake();
  assert_int_equal(bench.delivery_count, 2);
  struct torpor__step none = state_of(NULL, 0);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &none), TORPOR_OK);
  flush();
  assert_int_equal(torpor__protocol_waiting(bench.protocol), 1);
  assert_false(torpor__protocol_ready(bench.protocol));
  struct torpor__counts counts;
  assert_int_equal(
      bench.store->calls->run_count(bench.store, bench.run, &counts),
      TORPOR_OK);
  assert_int_equal(counts.signals, 1); /* nobody has eaten it */
}

/* ---- damage -------------------------------------------------------------- */

static void expect_parked(const char *why) {
  assert_int_equal(phase(), TORPOR__PHASE_ENDED);
  assert_int_equal(head().status, TORPOR__RUN_PARKED);
  assert_non_null(strstr(exit_reason(), why));
  assert_false(torpor__protocol_pending(bench.protocol));
}

/* They would not be in order: of a branch that the run has not reached, or
 * with an id that the store sorts below all others. */
static void refuse_row(int64_t branch, uint64_t id) {
  struct torpor__operation begun[] = {timer(1)};
  step(begun, 1);
  give_up();
  store_begin(bench.store, bench.run);
  struct torpor__operation row = timer(id);
  row.branch = branch;
  row.key = "key";
  assert_int_equal(
      bench.store->calls->operation_add(bench.store, bench.run, &row),
      TORPOR_OK);
  store_commit(bench.store, bench.run);
  assert_int_equal(torpor__protocol_open(&bench.protocol, bench.store,
                                         bench.run, &bench.drivers,
                                         ATTEMPTS_MAX),
                   TORPOR_OK);
  flush();
  expect_parked("cannot have begun");
}

static void rows_of_another_branch_are_refused(void **state) {
  (void)state;
  refuse_row(7, 2);
}

static void rows_with_huge_ids_are_refused(void **state) {
  (void)state;
  refuse_row(0, UINT64_MAX);
}

static void run_sql(const char *sql) {
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)bench.store, sql),
      TORPOR_OK);
}

static void a_result_that_no_torpor_writes(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1)};
  step(begun, 1);
  run_sql(
      "INSERT INTO result(run, branch, operation, outcome, value) "
      "VALUES(1, 0, 1, 99, x'f6')");
  assert_int_equal(torpor__protocol_refresh(bench.protocol), TORPOR_OK);
  assert_false(torpor__protocol_ready(bench.protocol));
  assert_true(torpor__protocol_pending(bench.protocol));
  flush();
  expect_parked("table result");
  assert_int_equal(bench.stopped, 1);
}

/* SQLite's own limit is 1 GB; it is the same refusal at 100 KB. */
static void a_state_too_large_for_a_row(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1)};
  step(begun, 1);
  settle(1);
  wake();
  bench.deliveries[0].accepted = true;
  sqlite3_limit(((struct torpor__sqlite *)bench.store)->db, SQLITE_LIMIT_LENGTH,
                100000);
  struct torpor__operation next[] = {timer(2)};
  struct torpor__step large = state_of(next, 1);
  large.snapshot = (torpor_slice){calloc(1, 200000), 200000};
  assert_int_equal(torpor__protocol_stage(bench.protocol, &large), TORPOR_OK);
  flush();
  free((void *)large.snapshot.data);
  expect_parked("1 GB");
  assert_int_equal(head().step, 1);
  assert_int_equal(bench.started, 1);
}

/* ---- signals ------------------------------------------------------------- */

static void send(const char *topic, char value) {
  assert_int_equal(torpor__signals_send(bench.store, bench.run, topic,
                                        (torpor_slice){&value, 1}, 1),
                   TORPOR_OK);
}

static char told(size_t index) {
  assert_true(index < bench.delivery_count);
  return *(const char *)bench.deliveries[index].value.data;
}

static void the_oldest_goes_to_the_oldest(void **state) {
  (void)state;
  send("go", '1'); /* before anybody waits */
  struct torpor__operation begun[] = {waiter(1, "stop"), waiter(2, "go"),
                                      waiter(3, "go")};
  step(begun, 3);
  send("other", '0');
  send("go", '2');
  send("go", '3');
  wake();
  assert_int_equal(bench.delivery_count, 2);
  assert_int_equal(bench.deliveries[0].operation, 2);
  assert_int_equal(told(0), '1');
  assert_int_equal(bench.deliveries[1].operation, 3);
  assert_int_equal(told(1), '2');
  torpor__protocol_abandon(bench.protocol, "test");
}

static void an_abandoned_waiter_eats_none(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), waiter(2, "go")};
  step(begun, 2);
  send("go", '1');
  send("go", '2');
  settle(1);
  wake();
  assert_int_equal(bench.delivery_count, 2);
  for (size_t i = 0; i < 2; i++) /* the timer's job cancels the waiter */
    bench.deliveries[i].accepted = bench.deliveries[i].operation == 1;
  const uint64_t cancelled[] = {2};
  struct torpor__operation again[] = {waiter(3, "go")};
  struct torpor__step next = state_of(again, 1);
  next.cancelled = cancelled;
  next.cancelled_count = 1;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &next), TORPOR_OK);
  flush();
  wake();
  assert_int_equal(bench.delivery_count, 1);
  assert_int_equal(bench.deliveries[0].operation, 3);
  assert_int_equal(told(0), '1');
  torpor__protocol_abandon(bench.protocol, "test");
}

static void a_signal_beats_a_timeout_that_nobody_saw(void **state) {
  (void)state;
  struct torpor__operation begun[] = {waiter(1, "go")};
  step(begun, 1);
  torpor__protocol_receive(bench.protocol, 0, 1, TORPOR__OUTCOME_TIMED_OUT,
                           (torpor_slice){0});
  send("go", '1');
  wake();
  assert_int_equal(bench.delivery_count, 1);
  assert_int_equal(bench.deliveries[0].outcome, TORPOR__OUTCOME_FULFILLED);
  torpor__protocol_abandon(bench.protocol, "test");
}

/* The store says once that others wrote; who is in the middle of a step then
 * must look afterwards. */
static void what_comes_within_a_step_is_seen_after_it(void **state) {
  (void)state;
  struct torpor__operation begun[] = {waiter(1, "one"), waiter(2, "two")};
  step(begun, 2);
  send("one", '1');
  wake();
  send("two", '2');
  assert_int_equal(torpor__protocol_refresh(bench.protocol), TORPOR_OK);
  bench.deliveries[0].accepted = true;
  struct torpor__step next = state_of(NULL, 0);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &next), TORPOR_OK);
  flush();
  assert_true(torpor__protocol_ready(bench.protocol));
  assert_int_equal(torpor__protocol_prepare(bench.protocol), TORPOR_OK);
  assert_int_equal(phase(), TORPOR__PHASE_STEPPING);
  torpor__protocol_deliveries(bench.protocol, &bench.delivery_count);
  assert_int_equal(bench.delivery_count, 1);
  assert_int_equal(told(0), '2');
  torpor__protocol_abandon(bench.protocol, "test");
}

/* Each finds its own, however many there are, in the order of the senders. */
static void many_topics(void **state) {
  (void)state;
  enum { COUNT = 4000 };
  static char topics[COUNT / 2][8];
  struct torpor__operation *begun = calloc(COUNT, sizeof *begun);
  assert_non_null(begun);
  for (size_t i = 0; i < COUNT; i++) {
    snprintf(topics[i / 2], sizeof topics[0], "t%zu", i / 2);
    begun[i] = waiter(i + 1, topics[i / 2]);
  }
  step(begun, COUNT);
  bench.store->calls->begin(bench.store);
  for (size_t i = 0; i < COUNT; i++) {
    const char value = i < COUNT / 2 ? '1' : '2';
    const struct torpor__signal row = {.topic = topics[(i * 7) % (COUNT / 2)],
                                       .value = {&value, 1}};
    bench.store->calls->signal_add(bench.store, bench.run, &row);
  }
  bench.store->calls->commit(bench.store);
  wake();
  assert_int_equal(bench.delivery_count, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(bench.deliveries[i].operation, i + 1);
    assert_int_equal(told(i), i % 2 == 0 ? '1' : '2');
    bench.deliveries[i].accepted = i % 3 != 0; /* others were too late */
    bench.deliveries[i].undelivered = i % 3 == 0;
  }
  struct torpor__step some = state_of(NULL, 0);
  some.runnable = true;
  assert_int_equal(torpor__protocol_stage(bench.protocol, &some), TORPOR_OK);
  flush();
  wake();
  assert_int_equal(bench.delivery_count, (COUNT + 2) / 3);
  for (size_t i = 0; i < bench.delivery_count; i++) {
    size_t at = i * 3;
    assert_int_equal(bench.deliveries[i].operation, at + 1);
    assert_int_equal(told(i), at % 2 == 0 ? '1' : '2');
    bench.deliveries[i].accepted = true;
  }
  struct torpor__operation last[] = {timer(COUNT + 1)};
  struct torpor__step rest = state_of(last, 1);
  assert_int_equal(torpor__protocol_stage(bench.protocol, &rest), TORPOR_OK);
  flush();
  assert_int_equal(torpor__protocol_waiting(bench.protocol), 1);
  struct torpor__counts counts;
  assert_int_equal(
      bench.store->calls->run_count(bench.store, bench.run, &counts),
      TORPOR_OK);
  assert_int_equal(counts.signals, 0);
  free(begun);
}

static void a_mailbox_has_limits(void **state) {
  (void)state;
  char topic[TORPOR__TOPIC_MAX + 2];
  memset(topic, 'x', sizeof topic - 1);
  topic[sizeof topic - 1] = '\0';
  const torpor_slice nothing = {0};
  const torpor_slice big = {.data = topic, .size = TORPOR__SIGNAL_SIZE_MAX + 1};
  assert_int_equal(
      torpor__signals_send(bench.store, bench.run, topic, nothing, 1),
      TORPOR_LIMIT);
  assert_int_equal(torpor__signals_send(bench.store, bench.run, "go", big, 1),
                   TORPOR_LIMIT);
  const struct torpor__signal row = {.topic = "go"};
  bench.store->calls->begin(bench.store);
  for (int i = 0; i < TORPOR__SIGNAL_COUNT_MAX; i++)
    bench.store->calls->signal_add(bench.store, bench.run, &row);
  bench.store->calls->commit(bench.store);
  assert_int_equal(
      torpor__signals_send(bench.store, bench.run, "go", nothing, 1),
      TORPOR_LIMIT);
  assert_int_equal(torpor__signals_send(bench.store, 77, "go", nothing, 1),
                   TORPOR_NOT_FOUND);
}

/* ---- living long --------------------------------------------------------- */

static int64_t pages(void) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)bench.store;
  int64_t count = 0;
  assert_int_equal(torpor__sqlite_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)"),
                   TORPOR_OK);
  assert_int_equal(torpor__sqlite_pragma(db, "PRAGMA page_count", &count),
                   TORPOR_OK);
  return count;
}

static void a_long_life_takes_no_more_space(void **state) {
  (void)state;
  int64_t early = 0;
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)bench.store,
                                       "PRAGMA synchronous = OFF"),
                   TORPOR_OK);
  for (uint64_t id = 1; id <= 2000; id++) {
    struct torpor__operation begun[] = {timer(id)};
    step(begun, 1);
    settle(id);
    if (id == 20) early = pages();
  }
  assert_int_equal(head().step, 2000);
  assert_true(pages() <= early + 2);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_step_is_one_transaction),
      ON_BENCH(resting_takes_the_attempt_back),
      ON_BENCH(steps_that_make_no_sense),
      ON_BENCH(too_many_operations),
      ON_BENCH(waiting_for_nothing_is_a_deadlock),
      ON_BENCH(jobs_that_are_left_are_no_deadlock),
      ON_BENCH(what_never_commits_is_parked),
      ON_BENCH(what_kills_its_worker_is_parked),
      ON_BENCH(waking_starts_what_may_be_repeated),
      ON_BENCH(a_result_that_cannot_come_again_is_kept),
      ON_BENCH(a_kill_ends_what_a_worker_is_doing),
      ON_BENCH(cancel_rejects_what_is_pending),
      ON_BENCH(cancel_meets_a_step),
      ON_BENCH(cancel_reaches_all_and_nothing_else),
      ON_BENCH(little_fuel_cancels_nothing),
      ON_BENCH(what_the_vm_does_not_know_goes),
      ON_BENCH(a_result_that_no_torpor_writes),
      ON_BENCH(a_state_too_large_for_a_row),
      ON_BENCH(rows_of_another_branch_are_refused),
      ON_BENCH(rows_with_huge_ids_are_refused),
      ON_BENCH(the_oldest_goes_to_the_oldest),
      ON_BENCH(an_abandoned_waiter_eats_none),
      ON_BENCH(a_signal_beats_a_timeout_that_nobody_saw),
      ON_BENCH(what_comes_within_a_step_is_seen_after_it),
      ON_BENCH(many_topics),
      ON_BENCH(a_mailbox_has_limits),
      ON_BENCH(a_long_life_takes_no_more_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
