/* SPDX-License-Identifier: MIT */
/* test_protocol_assertions.c - what test builds assert of a run (in
 * run/protocol/protocol-check.c and run/protocol/signals.c) can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "run/protocol/protocol-check.h"
#include "run/request.h"
#include "test/support/assertion.h"
#include "test/support/memory-database.h"

static struct disk disk;
static struct memory_store store;

static void start(void *data, const struct torpor__operation *operation,
                  bool woken) {
  (void)data;
  (void)operation;
  (void)woken;
}

static void stop(void *data, int64_t branch, uint64_t operation) {
  (void)data;
  (void)branch;
  (void)operation;
}

static const struct torpor__drivers drivers = {.start = start, .stop = stop};

static void flush(struct torpor__protocol *p) {
  assert_int_equal(torpor__protocol_flush(&store.store, &p, 1, 1), TORPOR_OK);
}

static void deliver(struct torpor__protocol *p) {
  assert_int_equal(torpor__protocol_refresh(p, 0), TORPOR_OK);
  assert_int_equal(torpor__protocol_prepare(p), TORPOR_OK);
  if (p->phase == TORPOR__PHASE_COUNTING) flush(p);
  assert_int_equal(p->phase, TORPOR__PHASE_STEPPING);
}

/* One that waits for three operations; two of them for signals. */
static struct torpor__protocol *open_run(void) {
  static struct torpor__operation begun[] = {
      {.id = 1, .kind = "k", .policy = TORPOR__POLICY_REJECT},
      {.id = 2, .kind = "signal", .topic = "go"},
      {.id = 3, .kind = "signal", .topic = "go"}};
  static struct torpor__step step = {
      .begun = begun, .begun_count = 3, .snapshot = {.data = "s", .size = 1}};
  const struct torpor__run row = {.id = "run"};
  struct torpor__protocol *p;
  int64_t run;
  memory_store_open(&store, &disk);
  torpor__request_create(&store.store, &row, NULL, 0, false, &run);
  assert_int_equal(torpor__protocol_open(&p, &store.store, run, &drivers, 9),
                   TORPOR_OK);
  flush(p);
  deliver(p);
  assert_int_equal(torpor__protocol_stage(p, &step), TORPOR_OK);
  flush(p);
  return p;
}

static void send(struct torpor__protocol *p) {
  const torpor_slice value = {.data = "v", .size = 1};
  assert_int_equal(torpor__signals_send(&store.store, p->run, "go", value, 1),
                   TORPOR_OK);
  assert_int_equal(torpor__protocol_refresh(p, 0), TORPOR_OK);
}

static void receive(struct torpor__protocol *p) {
  const torpor_slice value = {.data = "v", .size = 1};
  assert_int_equal(
      torpor__protocol_receive(p, 0, 1, TORPOR__OUTCOME_FULFILLED, value),
      TORPOR_OK);
}

/* The same with two signals, one of which is delivered with the result. */
static struct torpor__protocol *open_stepping(void) {
  struct torpor__protocol *p = open_run();
  send(p);
  receive(p);
  deliver(p);
  assert_int_equal(p->delivery_count, 2);
  return p;
}

/* ---- What breaks ----------------------------------------------------------*/

static void from_claiming_to_staged(void) {
  torpor__protocol_check_arrow(TORPOR__PHASE_CLAIMING, TORPOR__PHASE_STAGED);
}

static void back_from_the_end(void) {
  torpor__protocol_check_arrow(TORPOR__PHASE_ENDED, TORPOR__PHASE_IDLE);
}

static void fence_changed(void) {
  struct torpor__protocol *p = open_run();
  p->next = p->head;
  p->next.fence++;
  torpor__protocol_check_commit(p);
}

static void step_without_a_step(void) {
  struct torpor__protocol *p = open_run();
  p->next = p->head;
  p->next.step++;
  torpor__protocol_check_commit(p);
}

static void cancelled_by_a_step(void) {
  torpor__protocol_check_cancel(0, TORPOR__CANCEL_DELIVERED);
}

static void idle_with_a_step(void) {
  static struct torpor__step step;
  struct torpor__protocol *p = open_run();
  p->step = &step;
  torpor__protocol_check(p);
}

static void idle_in_a_flush(void) {
  struct torpor__protocol *p = open_run();
  p->in_flush = true;
  torpor__protocol_check(p);
}

static void idle_and_parked(void) {
  struct torpor__protocol *p = open_run();
  p->head.status = TORPOR__RUN_PARKED;
  torpor__protocol_check(p);
}

static void counted_while_stepping(void) {
  struct torpor__protocol *p = open_stepping();
  p->counted = true;
  torpor__protocol_check(p);
}

static void forgets_and_does_not_return(void) {
  struct torpor__protocol *p = open_run();
  p->forgetting = true;
  torpor__protocol_check(p);
}

static void waiting_out_of_order(void) {
  struct torpor__protocol *p = open_run();
  p->results.waiting[1].id = 9;
  torpor__protocol_check(p);
}

static void answered_by_nothing(void) {
  struct torpor__protocol *p = open_run();
  p->results.waiting[1].answered = true;
  torpor__protocol_check_results(p);
}

static void leaving_without_a_step(void) {
  struct torpor__protocol *p = open_run();
  p->results.waiting[1].leaving = true;
  torpor__protocol_check(p);
}

static void arrived_for_nothing(void) {
  struct torpor__protocol *p = open_run();
  receive(p);
  p->results.arrivals[0].operation = 7;
  torpor__protocol_check_results(p);
}

static void durable_but_not_recorded(void) {
  struct torpor__protocol *p = open_run();
  receive(p);
  p->results.waiting[0].recorded = false;
  torpor__protocol_check_results(p);
}

static void written_by_no_transaction(void) {
  struct torpor__protocol *p = open_run();
  receive(p);
  p->results.arrivals[0].written = 1;
  torpor__protocol_check(p);
}

static void chosen_for_nothing(void) {
  struct torpor__protocol *p = open_stepping();
  p->results.waiting[2].chosen = true;
  torpor__protocol_check(p);
}

static void delivered_twice(void) {
  struct torpor__protocol *p = open_stepping();
  p->deliveries[0] = p->deliveries[1];
  p->deliveries[0].signal = 0;
  torpor__protocol_check(p);
}

static void signal_given_back(void) {
  struct torpor__protocol *p = open_stepping();
  torpor__signals_give_back(&p->signals);
  torpor__protocol_check(p);
}

static void signal_counted_twice(void) {
  struct torpor__protocol *p = open_run();
  send(p);
  p->signals.count++;
  torpor__protocol_check(p);
}

static void signal_after_the_last(void) {
  struct torpor__protocol *p = open_run();
  send(p);
  p->signals.last = 0;
  torpor__protocol_check(p);
}

static void nothing(void) {
  struct torpor__protocol *p = open_stepping();
  torpor__protocol_check(p);
  torpor__protocol_abandon(p, "a test");
  torpor__protocol_close(p);
}

static void each_can_fail(void **state) {
  static const struct test_assertion cases[] = {
      {"an arrow that is not there", from_claiming_to_staged},
      {"an arrow from the end", back_from_the_end},
      {"a fence changed in a flush", fence_changed},
      {"the step rose without one", step_without_a_step},
      {"a step cancelled the run", cancelled_by_a_step},
      {"a step while idle", idle_with_a_step},
      {"in a flush after it", idle_in_a_flush},
      {"parked and idle", idle_and_parked},
      {"counted while stepping", counted_while_stepping},
      {"forgets attempts and does not return one", forgets_and_does_not_return},
      {"operations out of order", waiting_out_of_order},
      {"answered by nothing", answered_by_nothing},
      {"leaving without a step", leaving_without_a_step},
      {"a result for nothing", arrived_for_nothing},
      {"durable, but not recorded", durable_but_not_recorded},
      {"written by no transaction", written_by_no_transaction},
      {"chosen for nothing", chosen_for_nothing},
      {"one operation delivered twice", delivered_twice},
      {"a signal delivered, but free", signal_given_back},
      {"a signal counted twice", signal_counted_twice},
      {"a signal that was never put", signal_after_the_last},
  };
  (void)state;
  test_assertions_fire(cases, sizeof cases / sizeof cases[0]);
  test_nothing_fires(nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
