/* SPDX-License-Identifier: MIT */
/* test_protocol_results.c - results of operations that must not be repeated,
 * where the protocol cannot just take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "run/input-check.h"
#include "run/protocol/protocol.h"
#include "test/support/sqlite-database.h"

static struct torpor__database *store;
static struct torpor__protocol *protocol;
static struct torpor__delivery *deliveries;
static size_t delivery_count;
static int64_t run;

static void on_start(void *data, const struct torpor__operation *operation,
                     bool woken) {
  (void)data;
  (void)operation;
  (void)woken;
}

static void on_stop(void *data, int64_t branch, uint64_t operation) {
  (void)data;
  (void)branch;
  (void)operation;
}

static void on_show(void *data, const struct torpor__line *line) {
  (void)data;
  (void)line;
}

static const struct torpor__drivers drivers = {
    .start = on_start, .stop = on_stop, .show = on_show};

static void flush(void) {
  assert_int_equal(torpor__protocol_flush(store, &protocol, 1, 200), TORPOR_OK);
}

static int set_up(void **state) {
  if (store_make_folder(state) != 0) return -1;
  store = store_open();
  assert_int_equal(store_add_run(store, "run", &run), TORPOR_OK);
  assert_int_equal(torpor__protocol_open(&protocol, store, run, &drivers, 3),
                   TORPOR_OK);
  flush();
  return 0;
}

static int tear_down(void **state) {
  torpor__protocol_close(protocol);
  store_close(store);
  return store_remove_folder(state);
}

/* Goes as far as the deliveries of the next step. */
static void wake(void) {
  assert_int_equal(torpor__protocol_prepare(protocol), TORPOR_OK);
  if (torpor__protocol_phase(protocol) == TORPOR__PHASE_COUNTING) flush();
  deliveries = torpor__protocol_deliveries(protocol, &delivery_count);
}

static struct torpor__operation timer(uint64_t id) {
  return (struct torpor__operation){.id = id, .kind = "timer", .due_ms = 1000};
}

static void step(struct torpor__operation *begun, size_t count) {
  wake();
  struct torpor__step step = {.engine = {.data = "e", .size = 1},
                              .snapshot = {.data = "state", .size = 5},
                              .begun = begun,
                              .begun_count = count};
  assert_int_equal(torpor__protocol_stage(protocol, &step), TORPOR_OK);
  flush();
}

/* Another process has recorded a result which this one has not read: it is read
 * now, and the driver's own is dropped. */
static void a_result_that_is_outvoted(void **state) {
  (void)state;
  const struct torpor__result first = {.operation = 1,
                                       .value = {.data = "\x01", .size = 1}};
  struct torpor__operation begun[] = {timer(1)};
  int64_t sequence;
  begun[0].policy = TORPOR__POLICY_REJECT;
  step(begun, 1);
  assert_int_equal(store->calls->begin(store), TORPOR_OK);
  assert_int_equal(store->calls->result_add(store, run, &first, &sequence),
                   TORPOR_OK);
  assert_int_equal(store->calls->commit(store), TORPOR_OK);
  assert_int_equal(
      torpor__protocol_receive(protocol, 0, 1, TORPOR__OUTCOME_REJECTED,
                               (torpor_slice){.data = "\x02", .size = 1}),
      TORPOR_OK);
  flush();
  assert_true(torpor__protocol_ready(protocol));
  assert_int_equal(torpor__protocol_prepare(protocol), TORPOR_OK);
  deliveries = torpor__protocol_deliveries(protocol, &delivery_count);
  assert_int_equal(delivery_count, 1);
  assert_int_equal(deliveries[0].outcome, TORPOR__OUTCOME_FULFILLED);
  assert_memory_equal(deliveries[0].value.data, "\x01", 1);
  torpor__protocol_abandon(protocol, "test");
}

/* What must be kept and no row can hold is told as an error. */
static void a_result_that_is_too_large(void **state) {
  (void)state;
  struct torpor__operation begun[] = {timer(1), timer(2)};
  const torpor_slice large = {.data = begun, /* only measured */
                              .size = TORPOR__RESULT_LARGEST + 1};
  begun[0].policy = TORPOR__POLICY_REJECT;
  step(begun, 2);
  assert_int_equal(torpor__protocol_receive(protocol, 0, 1,
                                            TORPOR__OUTCOME_FULFILLED, large),
                   TORPOR_OK);
  flush();
  wake();
  assert_int_equal(delivery_count, 1);
  assert_int_equal(deliveries[0].outcome, TORPOR__OUTCOME_REJECTED);
  assert_in_range(deliveries[0].value.size, 20, 200);
  torpor__protocol_abandon(protocol, "test");
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_result_that_is_outvoted),
      ON_BENCH(a_result_that_is_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
