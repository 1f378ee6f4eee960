/* SPDX-License-Identifier: MIT */
/* test_store_rows.c - the SQLite store: what is put into each table, and what
 * comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "test/support/sqlite-database.h"

static int seen;

static const struct torpor__page all_runs = {.limit = INT64_MAX};

static torpor_status see_run(void *data, int64_t run,
                             const struct torpor__run *row,
                             const struct torpor__head *head) {
  assert_int_equal(run, 1);
  assert_string_equal(row->id, "first");
  assert_string_equal(row->program, "main.mjs");
  assert_string_equal(row->access, "read=data");
  assert_int_equal(row->input.size, data == &all_runs ? 0 : 1);
  assert_memory_equal(row->engine.data, "engine", 6);
  assert_true(row->memory_max == UINT64_MAX);
  assert_int_equal(row->fuel + row->deadline_ms, 5);
  assert_int_equal(head->status, TORPOR__RUN_ACTIVE);
  assert_int_equal(head->step, 0);
  assert_int_equal(head->changed_ms, 4);
  seen++;
  return TORPOR_OK;
}

static torpor_status see_file(void *data, const char *name,
                              torpor_slice source) {
  (void)data;
  assert_int_equal(source.size, strcmp(name, "main.mjs") == 0 ? 3 : 0);
  seen++;
  return TORPOR_OK;
}

static void runs_and_their_files(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  int64_t run;
  seen = 0;
  assert_int_equal(store_add_run(database, "first", &run), TORPOR_OK);
  assert_int_equal(store_add_run(database, "first", &run), TORPOR_EXISTS);
  assert_non_null(strstr(database->message, "choose another id"));
  assert_int_equal(database->calls->run_list(database, &all_runs, see_run,
                                             (void *)&all_runs),
                   TORPOR_OK);
  assert_int_equal(database->calls->run_get(database, 1, see_run, NULL),
                   TORPOR_OK);
  assert_int_equal(database->calls->run_get(database, 2, see_run, NULL),
                   TORPOR_NOT_FOUND);
  assert_int_equal(
      database->calls->file_each(database, 1, 0, NULL, see_file, NULL),
      TORPOR_OK);
  assert_int_equal(seen, 4);
  assert_int_equal(database->calls->run_find(database, "first", &run),
                   TORPOR_OK);
  assert_int_equal(run, 1);
  assert_int_equal(database->calls->run_find(database, "second", &run),
                   TORPOR_NOT_FOUND);
  store_close(database);
}

static void ids_that_are_refused(void **state) {
  (void)state;
  static const char *const ids[] = {
      "",
      "a b",
      "../x",
      "a/b",
      "\xc3\xa4",
      "a\n",
      "0123456789012345678901234567890123456789012345678901234567890123x"};
  struct torpor__database *database = store_open();
  int64_t run;
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
    assert_int_equal(store_add_run(database, ids[i], &run), TORPOR_LIMIT);
  assert_int_equal(store_add_run(database, "Az09-_.", &run), TORPOR_OK);
  store_close(database);
}

static torpor_status see_operation(void *data,
                                   const struct torpor__operation *row) {
  const struct torpor__operation *wanted = data;
  if (row->id != wanted->id) return TORPOR_OK;
  assert_string_equal(row->kind, wanted->kind);
  if (wanted->topic == NULL)
    assert_null(row->topic);
  else
    assert_string_equal(row->topic, wanted->topic);
  assert_int_equal(row->request.size, wanted->request.size);
  assert_true(row->due_ms == wanted->due_ms);
  assert_string_equal(row->key, wanted->key);
  assert_int_equal(row->policy, wanted->policy);
  assert_int_equal(row->begun_ms, wanted->begun_ms);
  assert_int_equal(row->begun_step, wanted->begun_step);
  seen++;
  return TORPOR_OK;
}

static void operations(void **state) {
  (void)state;
  const struct torpor__operation rows[] = {
      {.id = UINT64_C(1),
       .kind = "timer",
       .key = "k1",
       .due_ms = 5,
       .begun_step = 1},
      {.id = UINT64_C(2),
       .kind = "signal",
       .topic = "go",
       .key = "k2",
       .due_ms = TORPOR__NEVER,
       .policy = TORPOR__POLICY_REATTACH,
       .request = {.data = "abc", .size = 3},
       .begun_ms = 7,
       .begun_step = 8},
      {.id = INT64_MAX,
       .kind = "process",
       .key = "k3",
       .due_ms = -5,
       .policy = TORPOR__POLICY_REJECT,
       .begun_step = 9}};
  struct torpor__database *database = store_open();
  int64_t run;
  seen = 0;
  store_add_run(database, "first", &run);
  store_begin(database, run);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(database->calls->operation_add(database, run, &rows[i]),
                     TORPOR_OK);
  store_commit(database, run);
  for (size_t i = 0; i < 3; i++) {
    struct torpor__operation wanted = rows[i];
    assert_int_equal(database->calls->operation_each(database, run, -1, 0,
                                                     see_operation, &wanted),
                     TORPOR_OK);
  }
  assert_int_equal(seen, 3);
  struct torpor__counts counts;
  store_begin(database, run);
  database->calls->operation_remove(database, run, 0, INT64_MAX);
  store_commit(database, run);
  assert_int_equal(database->calls->run_count(database, run, &counts),
                   TORPOR_OK);
  assert_int_equal(counts.operations, 2);
  store_close(database);
}

static torpor_status see_result(void *data, const struct torpor__result *row) {
  (void)data;
  assert_int_equal(row->outcome, TORPOR__OUTCOME_FULFILLED);
  assert_memory_equal(row->value.data, "one", 3);
  seen++;
  return TORPOR_OK;
}

static void the_first_result_stays(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  const struct torpor__result first = {.operation = 9,
                                       .value = {.data = "one", .size = 3}};
  const struct torpor__result second = {.operation = 9,
                                        .outcome = TORPOR__OUTCOME_REJECTED,
                                        .value = {.data = "two", .size = 3}};
  int64_t run;
  int64_t sequence;
  seen = 0;
  store_add_run(database, "first", &run);
  store_begin(database, run);
  database->calls->result_add(database, run, &first, &sequence);
  assert_int_equal(sequence, 1);
  assert_int_equal(
      database->calls->result_add(database, run, &second, &sequence),
      TORPOR_OK);
  assert_int_equal(sequence, 0);
  assert_int_equal(
      database->calls->result_each(database, run, see_result, NULL), TORPOR_OK);
  assert_int_equal(seen, 1);
  database->calls->result_remove(database, run, 0, 9);
  database->calls->result_add(database, run, &first, &sequence);
  assert_true(sequence > 1); /* never used again */
  store_commit(database, run);
  store_close(database);
}

static void assert_head(struct torpor__database *database, int64_t run,
                        const struct torpor__head *wanted) {
  struct torpor__head head;
  assert_int_equal(database->calls->head_get(database, run, &head), TORPOR_OK);
  assert_int_equal(head.status, wanted->status);
  assert_int_equal(head.step, wanted->step);
  assert_int_equal(head.fence, wanted->fence);
  assert_int_equal(head.cancel, wanted->cancel);
  assert_int_equal(head.attempts, wanted->attempts);
}

/* What others may have changed meanwhile is not written over. */
static void a_head_that_others_changed_stays(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  const struct torpor__database_calls *calls = database->calls;
  struct torpor__head known, next;
  int64_t run;
  store_add_run(database, "first", &run);
  assert_int_equal(calls->head_get(database, run, &known), TORPOR_OK);
  store_begin(database, run);
  next = known;
  next.step = 1;
  next.fence = 2;
  next.cancel = 5;
  next.attempts = 1;
  assert_int_equal(calls->head_change(database, run, &known, &next), TORPOR_OK);
  assert_head(database, run, &next);
  for (int i = 0; i < 4; i++) {
    struct torpor__head wrong = next, other = next;
    if (i == 0) wrong.step--;
    if (i == 1) wrong.fence--;
    if (i == 2) wrong.cancel--;
    if (i == 3) wrong.status = TORPOR__RUN_PARKED;
    other.attempts = 9;
    assert_int_equal(calls->head_change(database, run, &wrong, &other),
                     TORPOR_FENCED);
    assert_head(database, run, &next);
  }
  store_commit(database, run);
  store_close(database);
}

static torpor_status sum_steps(void *data, const struct torpor__state *row) {
  *(int64_t *)data += row->step;
  return TORPOR_OK;
}

static int64_t sum_states(struct torpor__database *database, int64_t run) {
  int64_t sum = 0;
  assert_int_equal(
      database->calls->state_each(database, run, INT64_MAX, sum_steps, &sum),
      TORPOR_OK);
  return sum;
}

/* Pruning spares what later states need; dropping takes the caller's word. */
static void states_go(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  const struct torpor__database_calls *calls = database->calls;
  int64_t run, other;
  store_add_run(database, "first", &run);
  store_add_run(database, "second", &other);
  assert_int_equal(calls->lock(database, other), TORPOR_OK);
  store_begin(database, run);
  for (int64_t step = 1; step <= 5; step++) {
    const struct torpor__state row = {.step = step,
                                      .parent_step = step == 3 ? 2 : 0};
    assert_int_equal(calls->state_put(database, run, &row), TORPOR_OK);
    assert_int_equal(calls->state_put(database, other, &row), TORPOR_OK);
  }
  assert_int_equal(calls->state_prune(database, run, 3), TORPOR_OK);
  assert_int_equal(sum_states(database, run), 2 + 3 + 4 + 5);
  assert_int_equal(calls->state_drop(database, run, 4), TORPOR_OK);
  assert_int_equal(sum_states(database, run), 4 + 5);
  assert_int_equal(calls->state_cut(database, run, 4), TORPOR_OK);
  assert_int_equal(sum_states(database, run), 4);
  assert_int_equal(sum_states(database, other), 1 + 2 + 3 + 4 + 5);
  store_commit(database, run);
  store_close(database);
}

static torpor_status see_damaged(void *data, int64_t run,
                                 const struct torpor__run *row,
                                 const struct torpor__head *head) {
  (void)data;
  assert_int_equal(run, 1);
  assert_string_equal(row->id, "first");
  assert_true(head->damaged);
  assert_int_equal(head->status, TORPOR__RUN_PARKED);
  seen++;
  return TORPOR_OK;
}

/* A walk over all runs passes by one that is damaged, and says so. */
static void heads_of_nonsense_are_refused(void **state) {
  (void)state;
  static const char *const heads[] = {"status = 99",
                                      "status = -1",
                                      "status = 'x'",
                                      "step = 4, start = 5",
                                      "step = -1, start = -1",
                                      "step = 72057594037927936",
                                      "branch = 9223372036854775807",
                                      "fence = -1",
                                      "attempts = -1",
                                      "cancel = -1",
                                      "edition = 1"};
  int64_t run;
  char sql[128];
  struct torpor__database *database = store_open();
  store_add_run(database, "first", &run);
  store_close(database);
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    store_sql(
        "UPDATE head SET status = 0, branch = 0, step = 0, edition = 0, "
        "start = 0, fence = 0, attempts = 0, cancel = 0");
    snprintf(sql, sizeof sql, "UPDATE head SET %s", heads[i]);
    store_sql(sql);
    database = store_open();
    seen = 0;
    assert_int_equal(
        database->calls->run_list(database, &all_runs, see_damaged, NULL),
        TORPOR_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(database->calls->run_get(database, 1, see_damaged, NULL),
                     TORPOR_CORRUPT);
    store_close(database);
  }
}

static void rows_of_nonsense_are_refused(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  struct torpor__head head;
  int64_t run, sum = 0;
  store_add_run(database, "first", &run);
  store_close(database);
  store_sql(
      "UPDATE head SET status = 99; INSERT INTO operation "
      "VALUES(1,0,1,'timer',NULL,x'',NULL,'k',-1,0,0); INSERT INTO "
      "result(run, branch, operation, outcome, value) VALUES(1,0,1,77,x''); "
      "INSERT INTO state VALUES(1,3,2,3,0,0,0,x'',0,x'')");
  database = store_open();
  assert_int_equal(database->calls->head_get(database, 1, &head),
                   TORPOR_CORRUPT);
  assert_int_equal(
      database->calls->operation_each(database, 1, -1, 0, see_operation, NULL),
      TORPOR_CORRUPT);
  assert_int_equal(database->calls->result_each(database, 1, see_result, NULL),
                   TORPOR_CORRUPT);
  /* Each version but the first began a branch: this one says it is the fourth
   * of a run at its third branch. */
  assert_int_equal(
      database->calls->state_each(database, run, INT64_MAX, sum_steps, &sum),
      TORPOR_CORRUPT);
  store_close(database);
  store_sql("UPDATE state SET edition = 2, engine = zeroblob(65)");
  database = store_open();
  assert_int_equal(
      database->calls->state_each(database, run, INT64_MAX, sum_steps, &sum),
      TORPOR_CORRUPT);
  store_close(database);
  store_sql("UPDATE state SET engine = x''");
  database = store_open();
  assert_int_equal(
      database->calls->state_each(database, run, INT64_MAX, sum_steps, &sum),
      TORPOR_OK);
  store_close(database);
}

/* SQL that comes with the file does not run: neither what writes along, nor
 * what makes up rows. */
static void triggers_do_not_run(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  struct torpor__head head = {.fence = 1};
  int64_t run;
  store_add_run(database, "first", &run);
  store_close(database);
  store_sql(
      "CREATE TRIGGER fall AFTER UPDATE ON head WHEN new.fence > 0 BEGIN "
      "UPDATE head SET fence = 0, branch = 7; END;"
      "CREATE TRIGGER undo BEFORE DELETE ON operation BEGIN "
      "SELECT RAISE(ROLLBACK, 'undone'); END;"
      "INSERT INTO operation VALUES(1,0,1,'timer',NULL,x'',NULL,'k',0,0,1)");
  database = store_open();
  store_begin(database, run);
  assert_int_equal(database->calls->head_put(database, run, &head), TORPOR_OK);
  assert_int_equal(database->calls->operation_clear(database, run), TORPOR_OK);
  store_commit(database, run);
  assert_int_equal(database->calls->head_get(database, run, &head), TORPOR_OK);
  assert_int_equal(head.fence, 1);
  assert_int_equal(head.branch, 0);
  store_close(database);
}

static void views_do_not_run(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  struct torpor__head head;
  int64_t run;
  store_add_run(database, "first", &run);
  store_close(database);
  store_sql(
      "ALTER TABLE head RENAME TO hidden;"
      "CREATE VIEW head AS SELECT * FROM hidden");
  database = store_open();
  assert_int_equal(database->calls->head_get(database, run, &head),
                   TORPOR_CORRUPT);
  assert_non_null(strstr(database->message, "view"));
  store_close(database);
}

/* One row with the highest number of all takes no number from the others. */
static void the_last_number_is_not_used_up(void **state) {
  (void)state;
  const struct torpor__signal signal = {.topic = "go"};
  const struct torpor__result result = {.operation = 9};
  struct torpor__database *database = store_open();
  int64_t run, sequence;
  store_add_run(database, "first", &run);
  store_close(database);
  store_sql(
      "INSERT INTO signal(run, topic, value, sent_ms) "
      "VALUES(1,'a',x'',0); INSERT INTO result(run, branch, operation, "
      "outcome, value) VALUES(1,0,1,0,x''); "
      "UPDATE signal SET sequence = 9223372036854775807; "
      "UPDATE result SET sequence = 9223372036854775807;"
      "UPDATE run SET number = 9223372036854775807");
  database = store_open();
  assert_int_equal(store_add_run(database, "second", &run), TORPOR_OK);
  assert_int_equal(run, 2);
  store_begin(database, run);
  assert_int_equal(database->calls->signal_add(database, run, &signal),
                   TORPOR_OK);
  assert_int_equal(
      database->calls->result_add(database, run, &result, &sequence),
      TORPOR_OK);
  store_commit(database, run);
  assert_int_equal(sequence, 2);
  assert_int_equal(database->calls->run_find(database, "first", &run),
                   TORPOR_CORRUPT);
  store_close(database);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(runs_and_their_files),
      IN_FOLDER(ids_that_are_refused),
      IN_FOLDER(operations),
      IN_FOLDER(the_first_result_stays),
      IN_FOLDER(a_head_that_others_changed_stays),
      IN_FOLDER(states_go),
      IN_FOLDER(heads_of_nonsense_are_refused),
      IN_FOLDER(rows_of_nonsense_are_refused),
      IN_FOLDER(triggers_do_not_run),
      IN_FOLDER(views_do_not_run),
      IN_FOLDER(the_last_number_is_not_used_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
