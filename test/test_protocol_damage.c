/* SPDX-License-Identifier: MIT */
/* test_protocol_damage.c - what run/protocol.c does with rows that no Torpor
 * has written: the run is parked, and says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/protocol.h"
#include "test/support/protocol-bench.h"
#include "test/support/sqlite-database.h"

/* They would not be in order: of a branch that the run has not reached, or
 * with an id that the store sorts below all others. */
static void refuse_row(int64_t branch, uint64_t id) {
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  protocol_bench_give_up();
  store_begin(protocol_bench.store, protocol_bench.run);
  struct torpor__operation row = protocol_bench_timer(id);
  row.branch = branch;
  row.key = "key";
  assert_int_equal(protocol_bench.store->calls->operation_add(
                       protocol_bench.store, protocol_bench.run, &row),
                   TORPOR_OK);
  store_commit(protocol_bench.store, protocol_bench.run);
  protocol_bench_open();
  protocol_bench_flush();
  protocol_bench_expect_parked("cannot have begun");
}

static void rows_of_another_branch_are_refused(void **state) {
  (void)state;
  refuse_row(7, 2);
}

static void rows_with_huge_ids_are_refused(void **state) {
  (void)state;
  refuse_row(0, UINT64_MAX);
}

static void a_result_that_no_torpor_writes(void **state) {
  (void)state;
  struct torpor__operation begun[] = {protocol_bench_timer(1)};
  protocol_bench_step(begun, 1);
  protocol_bench_sql(
      "INSERT INTO result(run, branch, operation, outcome, value) "
      "VALUES(1, 0, 1, 99, x'f6')");
  assert_int_equal(torpor__protocol_refresh(protocol_bench.protocol),
                   TORPOR_OK);
  assert_false(torpor__protocol_ready(protocol_bench.protocol));
  assert_true(torpor__protocol_pending(protocol_bench.protocol));
  protocol_bench_flush();
  protocol_bench_expect_parked("table result");
  assert_int_equal(protocol_bench.stopped, 1);
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
      ON_BENCH(a_result_that_no_torpor_writes),
      ON_BENCH(a_state_too_large_for_a_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
