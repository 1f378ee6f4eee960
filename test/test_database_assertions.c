/* SPDX-License-Identifier: MIT */
/* test_database_assertions.c - what test builds assert of a database
 * (run/database/database-check.c) can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "test/support/assertion.h"
#include "test/support/memory-database.h"
#include "test/support/sqlite-database.h"

static struct torpor__database *database;
static const struct torpor__database_calls *calls;
static int64_t run;

/* One of this process alone, with a run, which is locked. */
static void open_database(void) {
  snprintf(store_path, sizeof store_path, "%s/%d", store_folder, (int)getpid());
  database = store_open();
  calls = database->calls;
  store_add_run(database, "first", &run);
  calls->lock(database, run);
}

static void begin(void) {
  open_database();
  calls->begin(database);
}

static void put_signal(void) {
  const struct torpor__signal signal = {.topic = "go"};
  calls->signal_add(database, run, &signal);
}

static void put_state(void) {
  const struct torpor__state state = {.step = 1};
  calls->state_put(database, run, &state);
}

static void written_outside(void) {
  open_database();
  put_signal();
}

static void written_in_memory(void) {
  static struct disk disk;
  static struct memory_store store;
  memory_store_open(&store, &disk);
  store.store.calls->exit_remove(&store.store, 1);
}

static void begun_twice(void) {
  begin();
  calls->begin(database);
}

static void committed_without(void) {
  open_database();
  calls->commit(database);
}

/* A row that is larger than any can be. */
static void written_after_a_failure(void) {
  const struct torpor__signal huge = {.topic = "go",
                                      .value = {.data = "", .size = 1u << 30}};
  begin();
  assert_int_equal(calls->signal_add(database, run, &huge), TORPOR_LIMIT);
  put_signal();
}

static void savepoint_in_a_savepoint(void) {
  begin();
  calls->savepoint(database);
  calls->savepoint(database);
}

static void committed_with_a_savepoint(void) {
  begin();
  calls->savepoint(database);
  calls->commit(database);
}

static void released_twice(void) {
  begin();
  calls->savepoint(database);
  calls->release(database);
  calls->release(database);
}

static void viewed_within(void) {
  begin();
  calls->view(database);
}

static void written_in_a_view(void) {
  open_database();
  calls->view(database);
  put_signal();
}

static void removed_without_the_lock(void) {
  begin();
  calls->unlock(database, run);
  calls->run_remove(database, run);
}

static void compacted_within(void) {
  begin();
  calls->compact(database);
}

static torpor_status call_database(void *data, const struct torpor__due *row) {
  struct torpor__head again;
  (void)data;
  return calls->head_get(database, row->run, &again);
}

static void called_by_a_visitor(void) {
  open_database();
  const struct torpor__due first = {.due_ms = -1};
  calls->due_each(database, 0, &first, 1, call_database, NULL);
}

static void left_active(void) {
  struct torpor__sqlite *db;
  sqlite3_stmt *statement;
  bool row;
  open_database();
  db = (struct torpor__sqlite *)database;
  torpor__sqlite_start(db, TORPOR__SQLITE_RUN_FIND, &statement, "t", "first");
  torpor__sqlite_next(db, statement, &row);
  calls->run_find(database, "second", &run);
}

static void ended_behind_the_back(void) {
  begin();
  torpor__sqlite_exec((struct torpor__sqlite *)database, "ROLLBACK");
  put_signal();
}

static void written_without_the_lock(void) {
  begin();
  calls->unlock(database, run);
  put_state();
}

static void put_head(struct torpor__head from, struct torpor__head to) {
  begin();
  calls->head_put(database, run, &from);
  calls->commit(database);
  calls->begin(database);
  calls->head_put(database, run, &to);
}

static void fence_fell(void) {
  put_head((struct torpor__head){.fence = 2},
           (struct torpor__head){.fence = 1});
}

static void branch_fell(void) {
  put_head((struct torpor__head){.branch = 2},
           (struct torpor__head){.branch = 1});
}

static void step_jumped(void) {
  put_head((struct torpor__head){.step = 1}, (struct torpor__head){.step = 3});
}

static void step_fell(void) {
  put_head((struct torpor__head){.step = 1}, (struct torpor__head){.step = 0});
}

static void ended_and_went_on(void) {
  put_head((struct torpor__head){.status = TORPOR__RUN_DONE},
           (struct torpor__head){.status = TORPOR__RUN_ACTIVE});
}

static void nothing(void) {
  begin();
  put_state();
  calls->savepoint(database);
  put_signal();
  calls->revert(database);
  assert_int_equal(calls->commit(database), TORPOR_OK);
  store_close(database);
}

static torpor_status see_signal(void *data, const struct torpor__signal *row) {
  (void)row;
  ++*(int *)data;
  return TORPOR_OK;
}

/* SQLite rolls back by itself when memory runs out, also in a read. */
static void memory_runs_out(void) {
  static char large[4 << 20];
  const struct torpor__signal signal = {.topic = "go",
                                        .value = {large, sizeof large}};
  int count = 0;
  begin();
  assert_int_equal(calls->signal_add(database, run, &signal), TORPOR_OK);
  assert_int_equal(calls->commit(database), TORPOR_OK);
  store_close(database);
  database = store_open();
  calls->begin(database);
  put_signal();
  sqlite3_hard_heap_limit64(sqlite3_memory_used() + (1 << 20));
  torpor_status status =
      calls->signal_each(database, run, 0, see_signal, &count);
  sqlite3_hard_heap_limit64(0);
  assert_int_equal(status, TORPOR_NOMEM);
  assert_true(sqlite3_get_autocommit(((struct torpor__sqlite *)database)->db));
  calls->rollback(database);
  calls->signal_each(database, run, 0, see_signal, &count);
  assert_int_equal(count, 1);
  store_close(database);
}

static void each_can_fail(void **state) {
  static const struct test_assertion cases[] = {
      {"rows are written outside of a transaction", written_outside},
      {"so they are in memory", written_in_memory},
      {"a transaction begins in another", begun_twice},
      {"none is committed", committed_without},
      {"rows are written after a failure", written_after_a_failure},
      {"a savepoint is in another", savepoint_in_a_savepoint},
      {"one is left at a commit", committed_with_a_savepoint},
      {"one is released twice", released_twice},
      {"a transaction is viewed in", viewed_within},
      {"rows are written in a view", written_in_a_view},
      {"a run is removed without its lock", removed_without_the_lock},
      {"the file is compacted in a transaction", compacted_within},
      {"a visitor calls the database", called_by_a_visitor},
      {"a statement is left active", left_active},
      {"SQLite's transaction has ended", ended_behind_the_back},
      {"a run's rows are written without its lock", written_without_the_lock},
      {"a fence falls", fence_fell},
      {"a branch falls", branch_fell},
      {"a step is left out", step_jumped},
      {"a step falls", step_fell},
      {"a run that has ended goes on", ended_and_went_on},
  };
  (void)state;
  test_assertions_fire(cases, sizeof cases / sizeof cases[0]);
  test_nothing_fires(nothing);
  test_nothing_fires(memory_runs_out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(each_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
