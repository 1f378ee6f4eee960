/* SPDX-License-Identifier: MIT */
/* test_protocol_damage.c - what run/protocol/protocol.c does with rows that no
 * Torpor has written: the run is parked, and says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/protocol/protocol.h"
#include "test/support/protocol-bench.h"
#include "test/support/sqlite-database.h"

/* They would not be in order: of a branch that the run has not reached, or
 * with an id that the store sorts below all others. */
static void refuse_row(int64_t branch, uint64_t id, const char *why) {
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  protocol_bench_give_up();
  store_begin(protocol_bench.store, protocol_bench.run);
  struct torpor__operation row = protocol_bench_timer(id);
  row.begun_step = 1;
  row.branch = branch;
  row.key = "key";
  assert_int_equal(protocol_bench.store->calls->operation_add(
                       protocol_bench.store, protocol_bench.run, &row),
                   TORPOR_OK);
  store_commit(protocol_bench.store, protocol_bench.run);
  protocol_bench_open();
  protocol_bench_flush();
  protocol_bench_expect_parked(why);
}

static void rows_of_another_branch_are_refused(void **state) {
  (void)state;
  refuse_row(7, 2, "cannot have begun");
}

static void rows_with_huge_ids_are_refused(void **state) {
  (void)state;
  refuse_row(0, UINT64_MAX, "table operation");
}

/* Claims a run that waits for three operations, of whose rows 'sql' has made
 * something else. */
static void refuse_changed(const char *sql, const char *why) {
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_timer(2),
                                      protocol_bench_timer(3)};
  protocol_bench_step(begun, 3);
  protocol_bench_give_up();
  protocol_bench_sql(sql);
  protocol_bench_open();
  protocol_bench_flush();
  protocol_bench_expect_parked(why);
}

/* SQLite sorts texts and bytes after numbers, whatever they read as. */
static void ids_are_numbers(void **state) {
  (void)state;
  refuse_changed("UPDATE operation SET id = 'abc' WHERE id = 1",
                 "table operation");
}

static void ids_are_whole_numbers(void **state) {
  (void)state;
  refuse_changed("UPDATE operation SET id = 3.5 WHERE id = 1",
                 "table operation");
}

static void ids_begin_at_one(void **state) {
  (void)state;
  refuse_changed("UPDATE operation SET id = 0 WHERE id = 1", "table operation");
}

static void branches_are_numbers(void **state) {
  (void)state;
  refuse_changed("UPDATE operation SET branch = x'00' WHERE id = 1",
                 "table operation");
}

/* There is no step 0: a cancel that was delivered would reject it again. */
static void nothing_begins_before_the_first_step(void **state) {
  (void)state;
  refuse_changed("UPDATE operation SET begun_step = 0 WHERE id = 2",
                 "table operation");
}

/* Tables may have been made by anybody, too. */
static void operations_are_there_once(void **state) {
  (void)state;
  refuse_changed(
      "CREATE TABLE copy AS SELECT * FROM operation;"
      "DROP TABLE operation;"
      "ALTER TABLE copy RENAME TO operation;"
      "UPDATE operation SET id = 2 WHERE id = 1",
      "cannot have begun");
}

/* An id may be as high as there are. */
static void the_highest_id_is_fine(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1),
                                      protocol_bench_timer(INT64_MAX)};
  protocol_bench_step(begun, 2);
  protocol_bench_give_up();
  protocol_bench_claim();
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_IDLE);
  assert_int_equal(torpor__protocol_waiting(protocol_bench.protocol), 2);
}

static void results_are_for_ids(void **state) {
  (void)state;
  refuse_changed(
      "INSERT INTO result(run, branch, operation, outcome, value) "
      "VALUES(1, 0, 'abc', 0, x'f6')",
      "table result");
}

static void a_result_that_no_torpor_writes(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  protocol_bench_sql(
      "INSERT INTO result(run, branch, operation, outcome, value) "
      "VALUES(1, 0, 1, 99, x'f6')");
  assert_int_equal(torpor__protocol_refresh(protocol_bench.protocol, 0),
                   TORPOR_OK);
  assert_false(torpor__protocol_ready(protocol_bench.protocol));
  assert_true(torpor__protocol_pending(protocol_bench.protocol));
  protocol_bench_flush();
  protocol_bench_expect_parked("table result");
  assert_int_equal(protocol_bench.stopped, 1);
}

/* Writes into the head of a run that is in each of the phases. Whoever did that
 * has the run, whatever the fence says. */
static void lose_run(const char *sql) {
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  struct torpor__step next = protocol_bench_state(NULL, 0);
  next.runnable = true;
  for (int phase = 0; phase < 4; phase++) {
    protocol_bench_tear_down(NULL);
    assert_int_equal(protocol_bench_set_up(NULL), 0);
    protocol_bench_step(begun, 1);
    torpor__protocol_return_attempt(protocol_bench.protocol);
    if (phase > 0) {
      protocol_bench_flush();
      protocol_bench_settle(1);
      assert_int_equal(torpor__protocol_prepare(protocol_bench.protocol),
                       TORPOR_OK);
      assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_COUNTING);
    }
    if (phase > 1) {
      protocol_bench_flush();
      assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &next),
                       TORPOR_OK);
    }
    protocol_bench_sql(sql);
    if (phase == 3)
      assert_int_equal(torpor__protocol_refresh(protocol_bench.protocol, 0),
                       TORPOR_OK);
    protocol_bench_flush();
    assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_LOST);
  }
}

static void a_status_that_nobody_gave(void **state) {
  (void)state;
  lose_run("UPDATE head SET status = 1");
}

static void a_run_that_somebody_parked(void **state) {
  (void)state;
  lose_run("UPDATE head SET status = 5, cancel = 7");
}

/* In an idle run, that is seen when the head is read. */
static void a_branch_that_nobody_made(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  protocol_bench_sql("UPDATE head SET branch = 7");
  assert_int_equal(torpor__protocol_refresh(protocol_bench.protocol, 0),
                   TORPOR_FENCED);
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_LOST);
}

/* The head is read again when it is not as it was: 'cancel' is. */
static void a_branch_with_a_cancel(void **state) {
  (void)state;
  lose_run("UPDATE head SET branch = 7, cancel = 7");
}

/* SQLite's own limit is 1 GB; it is the same refusal at 100 KB. */
static void a_state_too_large_for_a_row(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  protocol_bench_settle(1);
  protocol_bench_wake();
  protocol_bench.deliveries[0].accepted = true;
  sqlite3_limit(((struct torpor__sqlite *)protocol_bench.store)->db,
                SQLITE_LIMIT_LENGTH, 100000);
  struct torpor__operation next[] = {protocol_bench_timer(2)};
  struct torpor__step large = protocol_bench_state(next, 1);
  large.snapshot = (torpor_slice){calloc(1, 200000), 200000};
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &large),
                   TORPOR_OK);
  protocol_bench_flush();
  free((void *)large.snapshot.data);
  protocol_bench_expect_parked("1 GB");
  assert_int_equal(protocol_bench_head().step, 1);
  assert_int_equal(protocol_bench.started, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(rows_of_another_branch_are_refused),
      ON_BENCH(rows_with_huge_ids_are_refused),
      ON_BENCH(ids_are_numbers),
      ON_BENCH(ids_are_whole_numbers),
      ON_BENCH(ids_begin_at_one),
      ON_BENCH(branches_are_numbers),
      ON_BENCH(nothing_begins_before_the_first_step),
      ON_BENCH(operations_are_there_once),
      ON_BENCH(the_highest_id_is_fine),
      ON_BENCH(results_are_for_ids),
      ON_BENCH(a_result_that_no_torpor_writes),
      ON_BENCH(a_status_that_nobody_gave),
      ON_BENCH(a_run_that_somebody_parked),
      ON_BENCH(a_branch_that_nobody_made),
      ON_BENCH(a_branch_with_a_cancel),
      ON_BENCH(a_state_too_large_for_a_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
