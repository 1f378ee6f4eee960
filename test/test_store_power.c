/* SPDX-License-Identifier: MIT */
/* test_store_power.c - a store when the power goes.
 *
 * ctest: full timeout=240
 *
 * A script of transactions, each of which changes rows in most tables, runs on
 * a disk whose power is cut (fault/power-vfs.h). Then the store is opened again
 * and must be exactly as it was after transaction n, where n is the last one
 * whose commit returned, or the one after it that was under way.
 *
 *   short script   every write, sync and deletion is interrupted in turn, each
 *                  with everything unsynced lost, kept, and by chance
 *   long scripts   interrupted at a place that chance chooses, opened again,
 *                  continued, interrupted again; with checkpoints in between
 *
 * One thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fault/power-vfs.h"
#include "run/database/database-sqlite-state.h"

enum {
  SHORT_SCRIPT = 5,
  LONG_SCRIPT = 60,
  CHANCES = 6,        /* seeds tried at each place of the short script */
  SNAPSHOT_MAX = 9000 /* more than two pages */
};

static char locks_path[64];

static struct torpor__database *open_store(void) {
  const struct torpor__database_options options = {
      .path = "store", .vfs = POWER_VFS, .locks = locks_path, .busy_ms = 100};
  struct torpor__database *database;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  torpor_status status = torpor__sqlite_open(&options, &database, message);
  if (status != TORPOR_OK && !power_is_cut())
    fail_msg("open after a power cut: %s", message);
  return database;
}

static void close_store(struct torpor__database *database) {
  if (database != NULL) database->calls->close(database);
}

/* ---- what transaction n writes ------------------------------------------- */

static size_t snapshot_size(int64_t n) {
  return (size_t)(n * 2311 % SNAPSHOT_MAX) + 1;
}

static const struct torpor__line before_all = {.branch = -1};

static void fill_snapshot(int64_t n, uint8_t *bytes) {
  for (size_t i = 0; i < snapshot_size(n); i++)
    bytes[i] = (uint8_t)(n * 31 + (int64_t)i * 7);
}

static torpor_status write_state(struct torpor__database *database, int64_t n) {
  uint8_t bytes[SNAPSHOT_MAX];
  fill_snapshot(n, bytes);
  const struct torpor__state state = {
      .step = n,
      .engine = {.data = "engine", .size = 6},
      .snapshot = {.data = bytes, .size = snapshot_size(n)}};
  torpor_status status = database->calls->state_put(database, 1, &state);
  if (status == TORPOR_OK)
    status = database->calls->state_prune(database, 1, n);
  return status;
}

/* Operation n begins, n - 1 ends; every third step brings a signal. */
static torpor_status write_rows(struct torpor__database *database, int64_t n) {
  const struct torpor__operation operation = {.id = (uint64_t)n,
                                              .kind = "timer",
                                              .key = "key",
                                              .due_ms = n,
                                              .begun_step = n};
  const struct torpor__signal signal = {.topic = "go"};
  const struct torpor__line line = {
      .step = n, .level = TORPOR_LEVEL_LOG, .text = {.data = &n, .size = 8}};
  torpor_status status =
      database->calls->operation_add(database, 1, &operation);
  if (status == TORPOR_OK)
    status =
        database->calls->operation_remove(database, 1, 0, (uint64_t)(n - 1));
  if (status == TORPOR_OK)
    status = database->calls->line_add(database, 1, &line, 1, UINT64_MAX);
  if (status == TORPOR_OK && n % 3 == 0)
    status = database->calls->signal_add(database, 1, &signal);
  return status;
}

/* A second run of the same transaction, taken back by its savepoint. */
static torpor_status write_reverted(struct torpor__database *database) {
  const struct torpor__signal signal = {.topic = "never"};
  torpor_status status = database->calls->savepoint(database);
  if (status == TORPOR_OK)
    status = database->calls->signal_add(database, 1, &signal);
  if (status == TORPOR_OK) status = database->calls->revert(database);
  return status;
}

static torpor_status write_step(struct torpor__database *database, int64_t n) {
  struct torpor__head head;
  torpor_status status = database->calls->savepoint(database);
  if (status == TORPOR_OK)
    status = database->calls->head_get(database, 1, &head);
  head.step++;
  if (status == TORPOR_OK)
    status = database->calls->head_put(database, 1, &head);
  if (status == TORPOR_OK) status = write_state(database, n);
  if (status == TORPOR_OK) status = write_rows(database, n);
  if (status == TORPOR_OK) status = database->calls->release(database);
  return status == TORPOR_OK ? write_reverted(database) : status;
}

/* Transaction 0 makes the run. */
static torpor_status write_transaction(struct torpor__database *database,
                                       int64_t n) {
  const struct torpor__run row = {.id = "run", .program = "p", .access = ""};
  int64_t run;
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  database->calls->lock(database, 1);
  status = n == 0 ? database->calls->run_add(database, &row, &run)
                  : write_step(database, n);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

/* ---- what must be there after transaction n ------------------------------ */

struct seen {
  int64_t n;
  int64_t states, operations, signals, lines;
};

static torpor_status see_state(void *data, const struct torpor__state *row) {
  struct seen *seen = data;
  uint8_t bytes[SNAPSHOT_MAX];
  fill_snapshot(seen->n, bytes);
  assert_int_equal(row->step, seen->n);
  assert_int_equal(row->snapshot.size, snapshot_size(seen->n));
  assert_memory_equal(row->snapshot.data, bytes, row->snapshot.size);
  seen->states++;
  return TORPOR_OK;
}

static torpor_status see_operation(void *data,
                                   const struct torpor__operation *row) {
  struct seen *seen = data;
  assert_int_equal(row->id, seen->n);
  assert_int_equal(row->due_ms, seen->n);
  seen->operations++;
  return TORPOR_OK;
}

static torpor_status see_signal(void *data, const struct torpor__signal *row) {
  struct seen *seen = data;
  assert_string_equal(row->topic, "go");
  seen->signals++;
  return TORPOR_OK;
}

static torpor_status see_line(void *data, const struct torpor__line *row) {
  struct seen *seen = data;
  assert_int_equal(row->step, ++seen->lines);
  return TORPOR_OK;
}

static void check_rows(struct torpor__database *database, int64_t n) {
  struct seen seen = {.n = n};
  const struct torpor__database_calls *calls = database->calls;
  assert_int_equal(calls->state_each(database, 1, INT64_MAX, see_state, &seen),
                   TORPOR_OK);
  assert_int_equal(
      calls->operation_each(database, 1, -1, 0, see_operation, &seen),
      TORPOR_OK);
  assert_int_equal(calls->signal_each(database, 1, 0, see_signal, &seen),
                   TORPOR_OK);
  assert_int_equal(
      calls->line_each(database, 1, 0, &before_all, see_line, &seen),
      TORPOR_OK);
  assert_int_equal(seen.states, n > 0);
  assert_int_equal(seen.operations, n > 0);
  assert_int_equal(seen.signals, n / 3);
  assert_int_equal(seen.lines, n);
}

static void check_file(struct torpor__database *database) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  int64_t wrong = -1;
  assert_int_equal(
      torpor__sqlite_pragma(db,
                            "SELECT count(*) FROM pragma_integrity_check WHERE "
                            "integrity_check <> 'ok'",
                            &wrong),
      TORPOR_OK);
  assert_int_equal(wrong, 0);
}

/* Opens the store again; the number of the transaction that it is at, which is
 * 'last' or one more. -1: the run is not there. */
static int64_t check_store(struct torpor__database *database, int64_t last) {
  int64_t run;
  int64_t n = -1;
  struct torpor__head head;
  torpor_status status = database->calls->run_find(database, "run", &run);
  if (status == TORPOR_OK) {
    assert_int_equal(database->calls->head_get(database, run, &head),
                     TORPOR_OK);
    n = head.step;
    check_rows(database, n);
  } else {
    assert_int_equal(status, TORPOR_NOT_FOUND);
  }
  check_file(database);
  if (n != last && n != last + 1)
    fail_msg("transaction %d was committed, the store is at %d", (int)last,
             (int)n);
  return n;
}

/* ---- scripts ------------------------------------------------------------- */

/* Runs transactions 'from' to 'to'; gives the last whose commit returned. */
static int64_t run_script(struct torpor__database *database, int64_t from,
                          int64_t to) {
  int64_t last = from - 1;
  while (database != NULL && last < to &&
         write_transaction(database, last + 1) == TORPOR_OK)
    last++;
  return last;
}

/* Plays the short script, cut at 'event'; false when it ended before that. */
static bool play_short(int64_t event, enum power_loss loss, uint64_t seed) {
  power_on(seed);
  power_cut_at(event);
  struct torpor__database *database = open_store();
  int64_t last = run_script(database, 0, SHORT_SCRIPT);
  close_store(database);
  bool cut = power_is_cut();
  power_restore(loss, seed);
  database = open_store();
  int64_t n = check_store(database, last);
  assert_int_equal(run_script(database, n + 1, SHORT_SCRIPT), SHORT_SCRIPT);
  check_store(database, SHORT_SCRIPT);
  close_store(database);
  power_off();
  return cut;
}

static void every_place_of_a_short_script(void **state) {
  (void)state;
  int64_t event = 1;
  while (play_short(event, POWER_LOSES_ALL, 1)) {
    play_short(event, POWER_LOSES_NONE, 1);
    for (uint64_t seed = 1; seed <= CHANCES; seed++)
      play_short(event, POWER_LOSES_SOME, seed);
    event++;
  }
  print_message("%d places\n", (int)event);
  assert_true(event > 40);
}

/* Small checkpoints often, so that they are interrupted too. */
static void checkpoint_often(struct torpor__database *database) {
  if (database != NULL)
    torpor__sqlite_exec((struct torpor__sqlite *)database,
                        "PRAGMA wal_autocheckpoint = 12");
}

static void play_long(uint64_t seed) {
  uint64_t random = seed * UINT64_C(6364136223846793005) + 1442695;
  int64_t last = -1;
  power_on(seed);
  while (last < LONG_SCRIPT) {
    random = random * UINT64_C(6364136223846793005) + 1442695;
    power_cut_at(1 + (int64_t)(random >> 33) % 300);
    struct torpor__database *database = open_store();
    checkpoint_often(database);
    last = run_script(database, last + 1, LONG_SCRIPT);
    close_store(database);
    power_restore((random >> 20) % 8 == 0 ? POWER_LOSES_ALL : POWER_LOSES_SOME,
                  random);
    database = open_store();
    last = check_store(database, last);
    close_store(database);
  }
  power_off();
}

static void chance_in_long_scripts(void **state) {
  (void)state;
  const char *tier = getenv("TORPOR_TIER");
  uint64_t scripts = tier != NULL && strcmp(tier, "full") == 0 ? 2000 : 40;
  for (uint64_t seed = 1; seed <= scripts; seed++) play_long(seed);
}

/* ---- a full and a damaged disk ------------------------------------------- */

static void a_full_disk_loses_nothing(void **state) {
  (void)state;
  power_on(1);
  struct torpor__database *database = open_store();
  int64_t last = run_script(database, 0, 3);
  assert_int_equal(last, 3);
  power_capacity(1);
  assert_int_equal(write_transaction(database, 4), TORPOR_FULL);
  assert_non_null(strstr(database->message, "free some space"));
  check_store(database, 3);
  power_capacity(0);
  assert_int_equal(run_script(database, 4, 6), 6);
  check_store(database, 6);
  close_store(database);
  power_off();
}

/* What a file in which one byte was changed says of transaction 'n'. */
struct answers {
  int64_t n;
  int64_t states, operations, signals, lines; /* seen */
  int64_t wrong;                              /* among those of this table */
};

static torpor_status answer_state(void *data, const struct torpor__state *row) {
  struct answers *answers = data;
  uint8_t bytes[SNAPSHOT_MAX];
  fill_snapshot(answers->n, bytes);
  bool right = row->step == answers->n && row->parent_step == 0 &&
               row->engine.size == 6 &&
               memcmp(row->engine.data, "engine", 6) == 0 &&
               row->snapshot.size == snapshot_size(answers->n) &&
               memcmp(row->snapshot.data, bytes, row->snapshot.size) == 0;
  answers->wrong += !right;
  answers->states++;
  return TORPOR_OK;
}

static torpor_status answer_operation(void *data,
                                      const struct torpor__operation *row) {
  struct answers *answers = data;
  bool right = row->id == (uint64_t)answers->n && row->due_ms == answers->n &&
               strcmp(row->kind, "timer") == 0 && strcmp(row->key, "key") == 0;
  answers->wrong += !right;
  answers->operations++;
  return TORPOR_OK;
}

static torpor_status answer_signal(void *data,
                                   const struct torpor__signal *row) {
  struct answers *answers = data;
  answers->wrong += strcmp(row->topic, "go") != 0;
  answers->signals++;
  return TORPOR_OK;
}

static torpor_status answer_line(void *data, const struct torpor__line *row) {
  struct answers *answers = data;
  bool right = row->text.size == 8 && row->step >= 1 &&
               row->step <= answers->n &&
               memcmp(row->text.data, &row->step, 8) == 0;
  answers->wrong += !right;
  answers->lines++;
  return TORPOR_OK;
}

/* How many rows of a table are not what was written. */
static int64_t count_wrong(struct answers *answers, int64_t seen,
                           int64_t expected) {
  int64_t missing = seen < expected ? expected - seen : seen - expected;
  int64_t wrong = answers->wrong > missing ? answers->wrong : missing;
  answers->wrong = 0;
  return wrong;
}

/* Where SQLite finds nothing wrong, and everything can be read, all of it is
 * right but for the row that has the byte in it. False: it could not be
 * read. */
static bool check_answers(struct torpor__database *database, int64_t n) {
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  const struct torpor__database_calls *calls = database->calls;
  struct answers answers = {.n = n};
  struct torpor__head head;
  int64_t damaged = 1, wrong;
  torpor_status status = torpor__sqlite_pragma(
      db,
      "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> "
      "'ok'",
      &damaged);
  if (status != TORPOR_OK || damaged > 0) return false;
  if (calls->head_get(database, 1, &head) != TORPOR_OK) return false;
  wrong = head.step != n;
  status = calls->state_each(database, 1, INT64_MAX, answer_state, &answers);
  wrong += count_wrong(&answers, answers.states, 1);
  if (status == TORPOR_OK)
    status =
        calls->operation_each(database, 1, -1, 0, answer_operation, &answers);
  wrong += count_wrong(&answers, answers.operations, 1);
  if (status == TORPOR_OK)
    status = calls->signal_each(database, 1, 0, answer_signal, &answers);
  wrong += count_wrong(&answers, answers.signals, n / 3);
  if (status == TORPOR_OK)
    status =
        calls->line_each(database, 1, 0, &before_all, answer_line, &answers);
  wrong += count_wrong(&answers, answers.lines, n);
  if (status != TORPOR_OK) return false;
  if (wrong > 1) fail_msg("%d rows are wrong", (int)wrong);
  return true;
}

/* Whatever byte is changed: a typed error or a right answer, and no crash. */
static void a_damaged_file_is_an_error(void **state) {
  (void)state;
  int found = 0, answered = 0;
  for (int64_t offset = 0; offset < 4096 * 60; offset += 211) {
    power_on(1);
    struct torpor__database *database = open_store();
    run_script(database, 0, SHORT_SCRIPT);
    close_store(database);
    if (!power_scribble("store", offset, 0xa5)) break;
    const struct torpor__database_options options = {
        .path = "store", .vfs = POWER_VFS, .locks = locks_path, .busy_ms = 100};
    char message[TORPOR__DATABASE_MESSAGE_MAX] = "";
    torpor_status status = torpor__sqlite_open(&options, &database, message);
    if (status == TORPOR_OK)
      status = write_transaction(database, SHORT_SCRIPT + 1);
    assert_in_set(status,
                  ((const LargestIntegralType[]){
                      TORPOR_OK, TORPOR_CORRUPT, TORPOR_FORMAT, TORPOR_NEWER,
                      TORPOR_NOT_FOUND, TORPOR_EXISTS, TORPOR_IO}),
                  7);
    found += status == TORPOR_CORRUPT || status == TORPOR_FORMAT;
    if (database != NULL)
      answered += check_answers(database, SHORT_SCRIPT + (status == TORPOR_OK));
    close_store(database);
    power_off();
  }
  assert_true(found > 5);
  assert_true(answered > 20);
}

/* ---- transactions larger than the cache ---------------------------------- */

struct large {
  uint8_t *bytes;
  size_t size;
  int seen;
};

static torpor_status see_large(void *data, const struct torpor__state *row) {
  struct large *large = data;
  assert_int_equal(row->snapshot.size, large->size);
  assert_memory_equal(row->snapshot.data, large->bytes, large->size);
  large->seen++;
  return TORPOR_OK;
}

/* One that is larger than SQLite's cache goes to the log before its end, and is
 * read from there. */
static void a_large_transaction_is_whole(void **state) {
  (void)state;
  struct large large = {.size = (size_t)17 << 20};
  enum { ROWS = 2 };
  power_on(1);
  struct torpor__database *database = open_store();
  const struct torpor__database_calls *calls = database->calls;
  assert_int_equal(run_script(database, 0, 3), 3);
  large.bytes = malloc(large.size);
  assert_non_null(large.bytes);
  for (size_t i = 0; i < large.size; i++)
    large.bytes[i] = (uint8_t)(i * 2654435761u >> 13);
  for (int kept = 0; kept < 2; kept++) {
    database->calls->lock(database, 1);
    assert_int_equal(calls->begin(database), TORPOR_OK);
    assert_int_equal(calls->state_cut(database, 1, 0), TORPOR_OK);
    for (int i = 1; i <= ROWS; i++) {
      const struct torpor__state row = {
          .step = i, .snapshot = {.data = large.bytes, .size = large.size}};
      assert_int_equal(calls->state_put(database, 1, &row), TORPOR_OK);
    }
    large.seen = 0;
    assert_int_equal(
        calls->state_each(database, 1, INT64_MAX, see_large, &large),
        TORPOR_OK);
    assert_int_equal(large.seen, ROWS);
    if (kept) break;
    calls->rollback(database);
    check_store(database, 3);
  }
  assert_int_equal(calls->commit(database), TORPOR_OK);
  close_store(database);
  power_restore(POWER_LOSES_ALL, 1);
  database = open_store();
  large.seen = 0;
  assert_int_equal(
      database->calls->state_each(database, 1, INT64_MAX, see_large, &large),
      TORPOR_OK);
  assert_int_equal(large.seen, ROWS);
  check_file(database);
  close_store(database);
  power_off();
  free(large.bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_place_of_a_short_script),
      cmocka_unit_test(chance_in_long_scripts),
      cmocka_unit_test(a_full_disk_loses_nothing),
      cmocka_unit_test(a_damaged_file_is_an_error),
      cmocka_unit_test(a_large_transaction_is_whole),
  };
  snprintf(locks_path, sizeof locks_path, "/tmp/torpor-power-%d-locks",
           (int)getpid());
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(locks_path);
  return failed;
}
