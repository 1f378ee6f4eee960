/* SPDX-License-Identifier: MIT */
/* test_protocol.c - run/protocol/protocol.c one rule at a time, on a real
 * store.
 *
 * test_protocol_simulation.c lets chance find what nobody thought of; here are
 * the cases with a name: what a step may not say, when a run is parked or
 * deadlocked, who gets a signal, how many transactions a step takes, and that a
 * run which lives long takes no more space than one that has just begun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/protocol/protocol.h"
#include "run/protocol/signals.h"
#include "run/request.h"
#include "test/support/protocol-bench.h"
#include "test/support/sqlite-database.h"

/* ---- steps --------------------------------------------------------------- */

static void a_step_is_one_transaction(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_timer(2)};
  protocol_bench_step(begun, 2);
  assert_int_equal(protocol_bench.started, 2);
  assert_int_equal(protocol_bench_head().step, 1);
  assert_int_equal(protocol_bench_head().attempts, 1); /* counted in advance */
  assert_false(torpor__protocol_ready(protocol_bench.protocol));
  protocol_bench_settle(1);
  assert_int_equal(torpor__protocol_prepare(protocol_bench.protocol),
                   TORPOR_OK);
  assert_int_equal(protocol_bench_phase(),
                   TORPOR__PHASE_STEPPING); /* nothing to write */
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

static void resting_takes_the_attempt_back(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  torpor__protocol_return_attempt(protocol_bench.protocol);
  protocol_bench_flush();
  assert_int_equal(protocol_bench_head().attempts, 0);
  protocol_bench_settle(1);
  assert_int_equal(torpor__protocol_prepare(protocol_bench.protocol),
                   TORPOR_OK);
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_COUNTING);
  protocol_bench_flush();
  assert_int_equal(protocol_bench_head().attempts, 1);
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

static void steps_that_make_no_sense(void **state) {
  (void)state;
  struct torpor__operation first[] = {protocol_bench_timer(5)};
  protocol_bench_step(first, 1);
  protocol_bench_settle(5);
  protocol_bench_wake();
  protocol_bench.deliveries[0].accepted = true;
  struct torpor__operation twice[] = {protocol_bench_timer(6),
                                      protocol_bench_timer(6)};
  struct torpor__step wrong = protocol_bench_state(twice, 2);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &wrong),
                   TORPOR_MISUSE);
  struct torpor__operation again[] = {protocol_bench_timer(5)};
  wrong = protocol_bench_state(again, 1);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &wrong),
                   TORPOR_MISUSE);
  const uint64_t unknown[] = {99};
  wrong = protocol_bench_state(NULL, 0);
  wrong.cancelled = unknown;
  wrong.cancelled_count = 1;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &wrong),
                   TORPOR_MISUSE);
  const uint64_t settled[] = {5};
  wrong.cancelled = settled;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &wrong),
                   TORPOR_MISUSE);
  struct torpor__operation huge[] = {protocol_bench_timer(6),
                                     protocol_bench_timer((uint64_t)1 << 63)};
  wrong = protocol_bench_state(huge, 2);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &wrong),
                   TORPOR_MISUSE);
  char topic[TORPOR__TOPIC_MAX + 2];
  memset(topic, 'x', sizeof topic - 1);
  topic[sizeof topic - 1] = '\0';
  struct torpor__operation named[] = {protocol_bench_waiter(7, topic)};
  wrong = protocol_bench_state(named, 1);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &wrong),
                   TORPOR_MISUSE);
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_STEPPING);
  struct torpor__operation right[] = {protocol_bench_timer(7)};
  struct torpor__step good = protocol_bench_state(right, 1);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &good),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_int_equal(torpor__protocol_waiting(protocol_bench.protocol), 1);
}

static void too_many_operations(void **state) {
  (void)state;
  size_t count = TORPOR__OPERATIONS_MAX + 1;
  struct torpor__operation *begun = calloc(count, sizeof *begun);
  assert_non_null(begun);
  for (size_t i = 0; i < count; i++) begun[i] = protocol_bench_timer(i + 1);
  protocol_bench_wake();
  struct torpor__step many = protocol_bench_state(begun, count);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &many),
                   TORPOR_LIMIT);
  assert_non_null(strstr(protocol_bench.store->message, "100000"));
  torpor__protocol_abandon(protocol_bench.protocol, "test");
  free(begun);
}

static void waiting_for_nothing_is_a_deadlock(void **state) {
  (void)state;
  protocol_bench_step(NULL, 0);
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_ENDED);
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_DEADLOCKED);
  assert_non_null(strstr(protocol_bench_exit_reason(), "nothing is left"));
}

static void jobs_that_are_left_are_no_deadlock(void **state) {
  (void)state;
  protocol_bench_wake();
  struct torpor__step busy = protocol_bench_state(NULL, 0);
  busy.runnable = true;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &busy),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_ACTIVE);
  assert_true(torpor__protocol_ready(protocol_bench.protocol));
}

/* ---- attempts ------------------------------------------------------------ */

static void what_never_commits_is_parked(void **state) {
  (void)state;
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    protocol_bench_wake();
    assert_int_equal(protocol_bench_head().attempts, i + 1);
    torpor__protocol_abandon(protocol_bench.protocol, "ran out of memory");
  }
  protocol_bench_wake();
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_ENDED);
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_PARKED);
  assert_non_null(strstr(protocol_bench_exit_reason(), "3 attempts"));
  assert_non_null(strstr(protocol_bench_exit_reason(), "ran out of memory"));
  protocol_bench_give_up();
  assert_int_equal(
      torpor__request_unpark(protocol_bench.store, protocol_bench.run, 300),
      TORPOR_OK);
  protocol_bench_claim();
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_ACTIVE);
}

static void what_kills_its_worker_is_parked(void **state) {
  (void)state;
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    protocol_bench_wake();
    assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_STEPPING);
    protocol_bench_give_up();
    protocol_bench_claim();
  }
  protocol_bench_wake();
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_PARKED);
}

/* ---- taking over --------------------------------------------------------- */

static void waking_starts_what_may_be_repeated(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_timer(2)};
  begun[1].policy = TORPOR__POLICY_REJECT;
  protocol_bench_step(begun, 2);
  assert_string_equal(protocol_bench.last_key, "run/0/2");
  protocol_bench_give_up();
  protocol_bench.started = 0;
  protocol_bench_claim();
  assert_int_equal(protocol_bench.started, 1);
  assert_int_equal(protocol_bench.woken, 1);
  assert_string_equal(protocol_bench.last_key, "run/0/1");
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 1);
  assert_int_equal(protocol_bench.deliveries[0].operation, 2);
  assert_int_equal(protocol_bench.deliveries[0].outcome, TORPOR__OUTCOME_LOST);
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

static void a_result_that_cannot_come_again_is_kept(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  begun[0].policy = TORPOR__POLICY_REJECT;
  protocol_bench_step(begun, 1);
  protocol_bench_settle(1);
  assert_true(torpor__protocol_pending(protocol_bench.protocol));
  protocol_bench_flush();
  protocol_bench_give_up();
  protocol_bench.started = 0;
  protocol_bench_claim();
  assert_int_equal(protocol_bench.started, 0);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 1);
  assert_int_equal(protocol_bench.deliveries[0].outcome,
                   TORPOR__OUTCOME_FULFILLED);
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

/* Timer 1 comes and the program begins timer 2: when that is to be written,
 * somebody has made a request. */
static void step_meeting(torpor_status (*request)(struct torpor__database *,
                                                  int64_t, int64_t)) {
  struct torpor__operation one[] = {protocol_bench_timer(1)},
                           two[] = {protocol_bench_timer(2)};
  struct torpor__step taken = protocol_bench_state(two, 1);
  protocol_bench_step(one, 1);
  protocol_bench_settle(1);
  protocol_bench_wake();
  protocol_bench.deliveries[0].accepted = true;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &taken),
                   TORPOR_OK);
  assert_int_equal(request(protocol_bench.store, protocol_bench.run, 300),
                   TORPOR_OK);
  protocol_bench_flush();
}

static void a_kill_ends_what_a_worker_is_doing(void **state) {
  (void)state;
  step_meeting(torpor__request_kill);
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_LOST);
  assert_int_equal(protocol_bench.started, 1);
  assert_int_equal(protocol_bench.stopped, 1);
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_KILLED);
  assert_int_equal(
      torpor__request_kill(protocol_bench.store, protocol_bench.run, 300),
      TORPOR_ENDED);
  assert_int_equal(
      torpor__request_cancel(protocol_bench.store, protocol_bench.run, 300),
      TORPOR_ENDED);
  assert_int_equal(torpor__signals_send(protocol_bench.store,
                                        protocol_bench.run, "go",
                                        (torpor_slice){0}, 300),
                   TORPOR_ENDED);
}

static void cancel_rejects_what_is_pending(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_timer(2)};
  protocol_bench_step(begun, 2);
  protocol_bench_settle(2);
  assert_int_equal(
      torpor__request_cancel(protocol_bench.store, protocol_bench.run, 300),
      TORPOR_OK);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 2);
  assert_int_equal(protocol_bench.deliveries[0].operation, 2);
  assert_int_equal(protocol_bench.deliveries[0].outcome,
                   TORPOR__OUTCOME_FULFILLED);
  assert_int_equal(protocol_bench.deliveries[1].operation, 1);
  assert_int_equal(protocol_bench.deliveries[1].outcome,
                   TORPOR__OUTCOME_CANCELLED);
  torpor__protocol_abandon(protocol_bench.protocol, "test");
  struct torpor__operation clean_up[] = {protocol_bench_timer(3)};
  protocol_bench_step(clean_up, 1);
  assert_false(protocol_bench_head().cancel);
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_ACTIVE);
}

/* Neither is a request written over by the step, nor the step undone. */
static void cancel_meets_a_step(void **state) {
  (void)state;
  step_meeting(torpor__request_cancel);
  assert_int_equal(protocol_bench_head().step, 2);
  assert_true(protocol_bench_head().cancel != 0);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.deliveries[0].operation, 2);
  assert_int_equal(protocol_bench.deliveries[0].outcome,
                   TORPOR__OUTCOME_CANCELLED);
}

/* A step whose fuel is spent half way leaves the rest of the request to the
 * next, which spares what the program began meanwhile to tidy up. */
static void cancel_reaches_all_and_nothing_else(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_timer(2),
                                      protocol_bench_timer(3)};
  protocol_bench_step(begun, 3);
  assert_int_equal(
      torpor__request_cancel(protocol_bench.store, protocol_bench.run, 300),
      TORPOR_OK);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 3);
  protocol_bench.deliveries[0].accepted = true;
  protocol_bench.deliveries[1].undelivered =
      protocol_bench.deliveries[2].undelivered = true;
  struct torpor__operation tidy[] = {protocol_bench_timer(4)};
  struct torpor__step half = protocol_bench_state(tidy, 1);
  half.runnable = true;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &half),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_true(protocol_bench_head().cancel != 0);
  protocol_bench_give_up(); /* the next worker knows as well */
  protocol_bench_claim();
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 2);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(protocol_bench.deliveries[i].operation, i + 2);
    assert_int_equal(protocol_bench.deliveries[i].outcome,
                     TORPOR__OUTCOME_CANCELLED);
    protocol_bench.deliveries[i].accepted = true;
  }
  struct torpor__step rest = protocol_bench_state(NULL, 0);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &rest),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_int_equal(protocol_bench_head().cancel, 0);
  assert_int_equal(torpor__protocol_waiting(protocol_bench.protocol), 1);
  assert_false(torpor__protocol_ready(protocol_bench.protocol));
}

/* Nor does a step whose fuel is spent ask for anything. */
static void little_fuel_cancels_nothing(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  for (int i = 0; i < 3; i++) {
    if (i == 0) protocol_bench_settle(1);
    protocol_bench_wake();
    for (size_t j = 0; j < protocol_bench.delivery_count; j++)
      protocol_bench.deliveries[j].undelivered = true;
    struct torpor__step busy = protocol_bench_state(NULL, 0);
    busy.runnable = true;
    assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &busy),
                     TORPOR_OK);
    protocol_bench_flush();
    assert_int_equal(protocol_bench_head().cancel, 0);
    assert_false(torpor__protocol_is_cancelling(protocol_bench.protocol));
    protocol_bench_give_up();
    protocol_bench_claim();
    assert_false(torpor__protocol_is_cancelling(protocol_bench.protocol));
  }
}

/* Else its result would wake the run for ever. */
static void what_the_vm_does_not_know_goes(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_waiter(2, "go"),
                                      protocol_bench_timer(3)};
  protocol_bench_step(begun, 3);
  protocol_bench_settle(1);
  assert_int_equal(torpor__signals_send(protocol_bench.store,
                                        protocol_bench.run, "go",
                                        (torpor_slice){0}, 1),
                   TORPOR_OK);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 2);
  struct torpor__step none = protocol_bench_state(NULL, 0);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &none),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_int_equal(torpor__protocol_waiting(protocol_bench.protocol), 1);
  assert_false(torpor__protocol_ready(protocol_bench.protocol));
  struct torpor__counts counts;
  assert_int_equal(protocol_bench.store->calls->run_count(
                       protocol_bench.store, protocol_bench.run, &counts),
                   TORPOR_OK);
  assert_int_equal(counts.signals, 1); /* nobody has eaten it */
}

/* ---- signals ------------------------------------------------------------- */

static void send(const char *topic, char value) {
  assert_int_equal(torpor__signals_send(protocol_bench.store,
                                        protocol_bench.run, topic,
                                        (torpor_slice){&value, 1}, 1),
                   TORPOR_OK);
}

static char told(size_t index) {
  assert_true(index < protocol_bench.delivery_count);
  return *(const char *)protocol_bench.deliveries[index].value.data;
}

static void the_oldest_goes_to_the_oldest(void **state) {
  (void)state;
  send("go", '1'); /* before anybody waits */
  struct torpor__operation begun[] = {protocol_bench_waiter(1, "stop"),
                                      protocol_bench_waiter(2, "go"),
                                      protocol_bench_waiter(3, "go")};
  protocol_bench_step(begun, 3);
  send("other", '0');
  send("go", '2');
  send("go", '3');
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 2);
  assert_int_equal(protocol_bench.deliveries[0].operation, 2);
  assert_int_equal(told(0), '1');
  assert_int_equal(protocol_bench.deliveries[1].operation, 3);
  assert_int_equal(told(1), '2');
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

static void an_abandoned_waiter_eats_none(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_waiter(2, "go")};
  protocol_bench_step(begun, 2);
  send("go", '1');
  send("go", '2');
  protocol_bench_settle(1);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 2);
  for (size_t i = 0; i < 2; i++) /* the timer's job cancels the waiter */
    protocol_bench.deliveries[i].accepted =
        protocol_bench.deliveries[i].operation == 1;
  const uint64_t cancelled[] = {2};
  struct torpor__operation again[] = {protocol_bench_waiter(3, "go")};
  struct torpor__step next = protocol_bench_state(again, 1);
  next.cancelled = cancelled;
  next.cancelled_count = 1;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &next),
                   TORPOR_OK);
  protocol_bench_flush();
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 1);
  assert_int_equal(protocol_bench.deliveries[0].operation, 3);
  assert_int_equal(told(0), '1');
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

static void a_signal_beats_a_timeout_that_nobody_saw(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_waiter(1, "go")};
  protocol_bench_step(begun, 1);
  torpor__protocol_receive(protocol_bench.protocol, 0, 1,
                           TORPOR__OUTCOME_TIMED_OUT, (torpor_slice){0});
  send("go", '1');
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, 1);
  assert_int_equal(protocol_bench.deliveries[0].outcome,
                   TORPOR__OUTCOME_FULFILLED);
  torpor__protocol_abandon(protocol_bench.protocol, "test");
}

/* The store says once that others wrote; who is in the middle of a step then
 * must look afterwards. */
static void what_comes_within_a_step_is_seen_after_it(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_waiter(1, "one"),
                                      protocol_bench_waiter(2, "two")};
  protocol_bench_step(begun, 2);
  send("one", '1');
  protocol_bench_wake();
  send("two", '2');
  assert_int_equal(torpor__protocol_refresh(protocol_bench.protocol, 0),
                   TORPOR_OK);
  protocol_bench.deliveries[0].accepted = true;
  struct torpor__step next = protocol_bench_state(NULL, 0);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &next),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_true(torpor__protocol_ready(protocol_bench.protocol));
  assert_int_equal(torpor__protocol_prepare(protocol_bench.protocol),
                   TORPOR_OK);
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_STEPPING);
  torpor__protocol_deliveries(protocol_bench.protocol,
                              &protocol_bench.delivery_count);
  assert_int_equal(protocol_bench.delivery_count, 1);
  assert_int_equal(told(0), '2');
  torpor__protocol_abandon(protocol_bench.protocol, "test");
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
    begun[i] = protocol_bench_waiter(i + 1, topics[i / 2]);
  }
  protocol_bench_step(begun, COUNT);
  protocol_bench.store->calls->begin(protocol_bench.store);
  for (size_t i = 0; i < COUNT; i++) {
    const char value = i < COUNT / 2 ? '1' : '2';
    const struct torpor__signal row = {.topic = topics[(i * 7) % (COUNT / 2)],
                                       .value = {&value, 1}};
    protocol_bench.store->calls->signal_add(protocol_bench.store,
                                            protocol_bench.run, &row);
  }
  protocol_bench.store->calls->commit(protocol_bench.store);
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(protocol_bench.deliveries[i].operation, i + 1);
    assert_int_equal(told(i), i % 2 == 0 ? '1' : '2');
    protocol_bench.deliveries[i].accepted =
        i % 3 != 0; /* others were too late */
    protocol_bench.deliveries[i].undelivered = i % 3 == 0;
  }
  struct torpor__step some = protocol_bench_state(NULL, 0);
  some.runnable = true;
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &some),
                   TORPOR_OK);
  protocol_bench_flush();
  protocol_bench_wake();
  assert_int_equal(protocol_bench.delivery_count, (COUNT + 2) / 3);
  for (size_t i = 0; i < protocol_bench.delivery_count; i++) {
    size_t at = i * 3;
    assert_int_equal(protocol_bench.deliveries[i].operation, at + 1);
    assert_int_equal(told(i), at % 2 == 0 ? '1' : '2');
    protocol_bench.deliveries[i].accepted = true;
  }
  struct torpor__operation last[] = {protocol_bench_timer(COUNT + 1)};
  struct torpor__step rest = protocol_bench_state(last, 1);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &rest),
                   TORPOR_OK);
  protocol_bench_flush();
  assert_int_equal(torpor__protocol_waiting(protocol_bench.protocol), 1);
  struct torpor__counts counts;
  assert_int_equal(protocol_bench.store->calls->run_count(
                       protocol_bench.store, protocol_bench.run, &counts),
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
  assert_int_equal(torpor__signals_send(protocol_bench.store,
                                        protocol_bench.run, topic, nothing, 1),
                   TORPOR_LIMIT);
  assert_int_equal(torpor__signals_send(protocol_bench.store,
                                        protocol_bench.run, "go", big, 1),
                   TORPOR_LIMIT);
  const struct torpor__signal row = {.topic = "go"};
  protocol_bench.store->calls->begin(protocol_bench.store);
  for (int i = 0; i < TORPOR__SIGNAL_COUNT_MAX; i++)
    protocol_bench.store->calls->signal_add(protocol_bench.store,
                                            protocol_bench.run, &row);
  protocol_bench.store->calls->commit(protocol_bench.store);
  assert_int_equal(torpor__signals_send(protocol_bench.store,
                                        protocol_bench.run, "go", nothing, 1),
                   TORPOR_LIMIT);
  assert_int_equal(
      torpor__signals_send(protocol_bench.store, 77, "go", nothing, 1),
      TORPOR_NOT_FOUND);
}

/* ---- living long --------------------------------------------------------- */

static int64_t pages(void) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)protocol_bench.store;
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
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)protocol_bench.store,
                          "PRAGMA synchronous = OFF"),
      TORPOR_OK);
  for (uint64_t id = 1; id <= 2000; id++) {
    struct torpor__operation begun[] = {protocol_bench_timer(id)};
    protocol_bench_step(begun, 1);
    protocol_bench_settle(id);
    if (id == 20) early = pages();
  }
  assert_int_equal(protocol_bench_head().step, 2000);
  assert_true(pages() <= early + 2);
}

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
