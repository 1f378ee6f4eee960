/* SPDX-License-Identifier: MIT */
/* test_store.c - the SQLite store: rows, versions, locks, and what can be wrong
 * with a file.
 *
 * Each test has a folder of its own under the system's one for such things,
 * with real files and, where two processes matter, two processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "run/request.h"
#include "run/store-sqlite-db.h"

enum { BUSY_MS = 60, NOBODY = 65534 };

static char folder[64];
static char path[96];
static char message[TORPOR__STORE_MESSAGE_MAX];

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/torpor-store-XXXXXX");
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(path, sizeof path, "%s/store.db", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  DIR *files = opendir(folder);
  if (files == NULL) return -1;
  for (struct dirent *file; (file = readdir(files)) != NULL;)
    unlinkat(dirfd(files), file->d_name, 0);
  closedir(files);
  return rmdir(folder);
}

static torpor_status try_open(struct torpor__store **store, int busy_ms) {
  const struct torpor__store_options options = {.path = path,
                                                .busy_ms = busy_ms};
  return torpor__store_sqlite_open(&options, store, message);
}

static struct torpor__store *open_store(void) {
  struct torpor__store *store;
  torpor_status status = try_open(&store, 0);
  if (status != TORPOR_OK) fail_msg("%s", message);
  return store;
}

static void close_store(struct torpor__store *store) {
  store->calls->close(store);
}

static torpor_status add_run(struct torpor__store *store, const char *id,
                             int64_t *run) {
  const struct torpor__run row = {.id = id,
                                  .program = "main.mjs",
                                  .access = "read=data",
                                  .input = {.data = "\x01", .size = 1},
                                  .engine = {.data = "engine", .size = 6},
                                  .memory_max = UINT64_MAX,
                                  .fuel = 2,
                                  .deadline_ms = 3,
                                  .created_ms = 4};
  const struct torpor__file files[] = {
      {.name = "main.mjs", .source = {.data = "1+2", .size = 3}},
      {.name = "other.mjs", .source = {.data = NULL, .size = 0}}};
  return torpor__request_create(store, &row, files, 2, run);
}

/* Runs SQL on the file behind the store's back. */
static void run_sql(const char *sql) {
  char command[512];
  struct torpor__store *store = open_store();
  snprintf(command, sizeof command, "%s", sql);
  assert_int_equal(torpor__sqlite_exec((struct torpor__sqlite *)store, command),
                   TORPOR_OK);
  close_store(store);
}

static void write_file(const char *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

/* Runs 'child' in a process of its own; its exit code. */
static int in_process(void (*child)(void)) {
  pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- rows ---------------------------------------------------------------- */

static int seen;

static torpor_status see_run(void *data, int64_t run,
                             const struct torpor__run *row,
                             const struct torpor__head *head) {
  (void)data;
  assert_int_equal(run, 1);
  assert_string_equal(row->id, "first");
  assert_string_equal(row->program, "main.mjs");
  assert_string_equal(row->access, "read=data");
  assert_int_equal(row->input.size, 1);
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
                              struct torpor__slice source) {
  (void)data;
  assert_int_equal(source.size, strcmp(name, "main.mjs") == 0 ? 3 : 0);
  seen++;
  return TORPOR_OK;
}

static void runs_and_their_files(void **state) {
  (void)state;
  struct torpor__store *store = open_store();
  int64_t run;
  seen = 0;
  assert_int_equal(add_run(store, "first", &run), TORPOR_OK);
  assert_int_equal(add_run(store, "first", &run), TORPOR_EXISTS);
  assert_non_null(strstr(store->message, "choose another id"));
  assert_int_equal(store->calls->run_each(store, 0, see_run, NULL), TORPOR_OK);
  assert_int_equal(store->calls->run_each(store, 1, see_run, NULL), TORPOR_OK);
  assert_int_equal(store->calls->run_each(store, 2, see_run, NULL),
                   TORPOR_NOT_FOUND);
  assert_int_equal(store->calls->file_each(store, 1, 0, NULL, see_file, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 4);
  assert_int_equal(store->calls->run_find(store, "first", &run), TORPOR_OK);
  assert_int_equal(run, 1);
  assert_int_equal(store->calls->run_find(store, "second", &run),
                   TORPOR_NOT_FOUND);
  close_store(store);
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
  struct torpor__store *store = open_store();
  int64_t run;
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
    assert_int_equal(add_run(store, ids[i], &run), TORPOR_LIMIT);
  assert_int_equal(add_run(store, "Az09-_.", &run), TORPOR_OK);
  close_store(store);
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
      {.id = UINT64_C(1), .kind = "timer", .key = "k1", .due_ms = 5},
      {.id = UINT64_C(2),
       .kind = "signal",
       .topic = "go",
       .key = "k2",
       .due_ms = TORPOR__NEVER,
       .policy = TORPOR__POLICY_REATTACH,
       .request = {.data = "abc", .size = 3},
       .begun_ms = 7,
       .begun_step = 8},
      {.id = UINT64_MAX,
       .kind = "process",
       .key = "k3",
       .due_ms = -5,
       .policy = TORPOR__POLICY_REJECT}};
  struct torpor__store *store = open_store();
  int64_t run;
  seen = 0;
  add_run(store, "first", &run);
  store->calls->begin(store);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(store->calls->operation_add(store, run, &rows[i]),
                     TORPOR_OK);
  store->calls->commit(store);
  for (size_t i = 0; i < 3; i++) {
    struct torpor__operation wanted = rows[i];
    assert_int_equal(
        store->calls->operation_each(store, run, see_operation, &wanted),
        TORPOR_OK);
  }
  assert_int_equal(seen, 3);
  struct torpor__counts counts;
  store->calls->operation_remove(store, run, 0, UINT64_MAX);
  assert_int_equal(store->calls->run_count(store, run, &counts), TORPOR_OK);
  assert_int_equal(counts.operations, 2);
  close_store(store);
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
  struct torpor__store *store = open_store();
  const struct torpor__result first = {.operation = 9,
                                       .value = {.data = "one", .size = 3}};
  const struct torpor__result second = {.operation = 9,
                                        .outcome = TORPOR__OUTCOME_REJECTED,
                                        .value = {.data = "two", .size = 3}};
  int64_t run;
  int64_t sequence;
  seen = 0;
  add_run(store, "first", &run);
  store->calls->result_add(store, run, &first, &sequence);
  assert_int_equal(sequence, 1);
  assert_int_equal(store->calls->result_add(store, run, &second, &sequence),
                   TORPOR_OK);
  assert_int_equal(sequence, 0);
  assert_int_equal(store->calls->result_each(store, run, see_result, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 1);
  store->calls->result_remove(store, run, 0, 9);
  store->calls->result_add(store, run, &first, &sequence);
  assert_true(sequence > 1); /* never used again */
  close_store(store);
}

static void assert_head(struct torpor__store *store, int64_t run,
                        const struct torpor__head *wanted) {
  struct torpor__head head;
  assert_int_equal(store->calls->head_get(store, run, &head), TORPOR_OK);
  assert_int_equal(head.status, wanted->status);
  assert_int_equal(head.step, wanted->step);
  assert_int_equal(head.fence, wanted->fence);
  assert_int_equal(head.cancel, wanted->cancel);
  assert_int_equal(head.attempts, wanted->attempts);
}

/* What others may have changed meanwhile is not written over. */
static void a_head_that_others_changed_stays(void **state) {
  (void)state;
  struct torpor__store *store = open_store();
  const struct torpor__store_calls *calls = store->calls;
  struct torpor__head known, next;
  int64_t run;
  add_run(store, "first", &run);
  assert_int_equal(calls->head_get(store, run, &known), TORPOR_OK);
  next = known;
  next.step = 8;
  next.fence = 2;
  next.cancel = 5;
  next.attempts = 1;
  assert_int_equal(calls->head_change(store, run, &known, &next), TORPOR_OK);
  assert_head(store, run, &next);
  for (int i = 0; i < 4; i++) {
    struct torpor__head wrong = next, other = next;
    if (i == 0) wrong.step--;
    if (i == 1) wrong.fence--;
    if (i == 2) wrong.cancel--;
    if (i == 3) wrong.status = TORPOR__RUN_PARKED;
    other.attempts = 9;
    assert_int_equal(calls->head_change(store, run, &wrong, &other),
                     TORPOR_FENCED);
    assert_head(store, run, &next);
  }
  close_store(store);
}

static torpor_status sum_steps(void *data, const struct torpor__state *row) {
  *(int64_t *)data += row->step;
  return TORPOR_OK;
}

static int64_t sum_states(struct torpor__store *store, int64_t run) {
  int64_t sum = 0;
  assert_int_equal(
      store->calls->state_each(store, run, INT64_MAX, sum_steps, &sum),
      TORPOR_OK);
  return sum;
}

/* Pruning spares what later states need; dropping takes the caller's word. */
static void states_go(void **state) {
  (void)state;
  struct torpor__store *store = open_store();
  const struct torpor__store_calls *calls = store->calls;
  int64_t run, other;
  add_run(store, "first", &run);
  add_run(store, "second", &other);
  for (int64_t step = 1; step <= 5; step++) {
    const struct torpor__state row = {.step = step,
                                      .parent_step = step == 3 ? 2 : 0};
    assert_int_equal(calls->state_put(store, run, &row), TORPOR_OK);
    assert_int_equal(calls->state_put(store, other, &row), TORPOR_OK);
  }
  assert_int_equal(calls->state_prune(store, run, 3), TORPOR_OK);
  assert_int_equal(sum_states(store, run), 2 + 3 + 4 + 5);
  assert_int_equal(calls->state_drop(store, run, 4), TORPOR_OK);
  assert_int_equal(sum_states(store, run), 4 + 5);
  assert_int_equal(calls->state_cut(store, run, 4), TORPOR_OK);
  assert_int_equal(sum_states(store, run), 4);
  assert_int_equal(sum_states(store, other), 1 + 2 + 3 + 4 + 5);
  close_store(store);
}

/* ---- transactions -------------------------------------------------------- */

static int64_t count_signals(struct torpor__store *store, int64_t run) {
  struct torpor__counts counts;
  assert_int_equal(store->calls->run_count(store, run, &counts), TORPOR_OK);
  return counts.signals;
}

static void savepoints(void **state) {
  (void)state;
  const struct torpor__signal signal = {.topic = "go"};
  struct torpor__store *store = open_store();
  const struct torpor__store_calls *calls = store->calls;
  int64_t run;
  add_run(store, "first", &run);
  calls->begin(store);
  calls->savepoint(store);
  calls->signal_add(store, run, &signal);
  calls->release(store);
  calls->savepoint(store);
  calls->signal_add(store, run, &signal);
  calls->revert(store);
  calls->savepoint(store);
  calls->signal_add(store, run, &signal);
  calls->release(store);
  assert_int_equal(calls->commit(store), TORPOR_OK);
  assert_int_equal(count_signals(store, run), 2);
  calls->begin(store);
  calls->signal_add(store, run, &signal);
  calls->rollback(store);
  assert_int_equal(count_signals(store, run), 2);
  close_store(store);
}

static void others_wait_and_see(void **state) {
  (void)state;
  struct torpor__store *one = open_store();
  struct torpor__store *two;
  bool changed;
  int64_t run;
  assert_int_equal(try_open(&two, BUSY_MS), TORPOR_OK);
  assert_int_equal(one->calls->begin(one), TORPOR_OK);
  assert_int_equal(two->calls->begin(two), TORPOR_LOCKED);
  assert_non_null(strstr(two->message, "try again"));
  one->calls->rollback(one);
  assert_int_equal(two->calls->changed(two, &changed), TORPOR_OK);
  assert_false(changed);
  add_run(one, "first", &run);
  two->calls->changed(two, &changed);
  assert_true(changed);
  two->calls->changed(two, &changed);
  assert_false(changed);
  close_store(two);
  close_store(one);
}

/* ---- locks --------------------------------------------------------------- */

static void check_lock_is_taken(void) {
  struct torpor__store *store = open_store();
  bool locked = false;
  store->calls->locked(store, 1, &locked);
  _exit(store->calls->lock(store, 1) == TORPOR_LOCKED && locked ? 7 : 8);
}

static void a_lock_keeps_others_off(void **state) {
  (void)state;
  struct torpor__store *one = open_store();
  struct torpor__store *two = open_store();
  bool locked;
  assert_int_equal(one->calls->lock(one, 1), TORPOR_OK);
  assert_int_equal(one->calls->lock(one, 1), TORPOR_LOCKED);
  one->calls->unlock(one, 7); /* not held: nothing happens */
  assert_int_equal(two->calls->lock(two, 1), TORPOR_LOCKED);
  assert_int_equal(two->calls->lock(two, 2), TORPOR_OK);
  assert_int_equal(in_process(check_lock_is_taken), 7);
  one->calls->unlock(one, 1);
  two->calls->locked(two, 1, &locked);
  assert_false(locked);
  assert_int_equal(two->calls->lock(two, 1), TORPOR_OK);
  close_store(two);
  assert_int_equal(one->calls->lock(one, 1), TORPOR_OK);
  close_store(one);
}

static void a_lock_dies_with_its_process(void **state) {
  (void)state;
  int ready[2];
  char byte;
  assert_int_equal(pipe(ready), 0);
  pid_t pid = fork();
  if (pid == 0) {
    struct torpor__store *store = open_store();
    store->calls->lock(store, 1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  struct torpor__store *store = open_store();
  torpor_status status = store->calls->lock(store, 1);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  assert_int_equal(status, TORPOR_LOCKED);
  assert_int_equal(store->calls->lock(store, 1), TORPOR_OK);
  close_store(store);
  close(ready[0]);
  close(ready[1]);
}

/* ---- processes ----------------------------------------------------------- */

enum { CHILDREN = 4, RUNS_EACH = 25 };

static void add_runs(void) {
  struct torpor__store *store = open_store();
  for (int i = 0; i < RUNS_EACH; i++) {
    char id[32];
    int64_t run;
    snprintf(id, sizeof id, "%d-%d", (int)getpid(), i);
    if (add_run(store, id, &run) != TORPOR_OK) _exit(1);
  }
  close_store(store);
}

static torpor_status count_run(void *data, int64_t run,
                               const struct torpor__run *row,
                               const struct torpor__head *head) {
  (void)run;
  (void)row;
  (void)head;
  ++*(int *)data;
  return TORPOR_OK;
}

static void processes_share_a_new_store(void **state) {
  (void)state;
  pid_t children[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    if (children[i] != 0) continue;
    add_runs();
    _exit(0);
  }
  for (int i = 0; i < CHILDREN; i++) {
    int status;
    waitpid(children[i], &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  struct torpor__store *store = open_store();
  int count = 0;
  store->calls->run_each(store, 0, count_run, &count);
  assert_int_equal(count, CHILDREN * RUNS_EACH);
  close_store(store);
}

/* ---- versions ------------------------------------------------------------ */

static int64_t version_of(struct torpor__store *store) {
  int64_t version = -1;
  torpor__sqlite_pragma((struct torpor__sqlite *)store, "PRAGMA user_version",
                        &version);
  return version;
}

static void older_ones_are_migrated(void **state) {
  (void)state;
  struct torpor__migration migrations[TORPOR__STORE_SQLITE_VERSION + 2];
  enum { LAST = TORPOR__STORE_SQLITE_VERSION };
  memcpy(migrations, torpor__sqlite_migrations,
         sizeof torpor__sqlite_migrations);
  migrations[LAST].sql = "ALTER TABLE head ADD COLUMN extra INTEGER;";
  migrations[LAST + 1].sql =
      "UPDATE head SET extra = 41;"
      "UPDATE head SET extra = extra + 1;";
  struct torpor__store *store = open_store();
  struct torpor__sqlite *db = (struct torpor__sqlite *)store;
  int64_t run;
  int64_t extra = 0;
  add_run(store, "first", &run);
  assert_int_equal(torpor__sqlite_migrate(db, migrations, LAST + 2), TORPOR_OK);
  assert_int_equal(version_of(store), LAST + 2);
  torpor__sqlite_pragma(db, "SELECT extra FROM head", &extra);
  assert_int_equal(extra, 42);
  close_store(store);
  assert_int_equal(try_open(&store, 0), TORPOR_NEWER);
  assert_non_null(strstr(message, "use a newer Torpor"));
}

/* Makes the file 'path' what support/store-1.sql says. */
static void make_version_1(void) {
  const char *source = getenv("TORPOR_SOURCE");
  static char sql[1 << 16];
  char name[512];
  sqlite3 *db;
  snprintf(name, sizeof name, "%s/test/support/store-1.sql",
           source != NULL ? source : ".");
  FILE *file = fopen(name, "rb");
  assert_non_null(file);
  size_t size = fread(sql, 1, sizeof sql - 1, file);
  fclose(file);
  sql[size] = '\0';
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static torpor_status see_old_run(void *data, int64_t run,
                                 const struct torpor__run *row,
                                 const struct torpor__head *head) {
  (void)data;
  assert_string_equal(row->id, run == 1 ? "asleep" : "new");
  assert_string_equal(row->program, "/srv/job/wait.mjs");
  assert_int_equal(row->engine.size, 64);
  assert_int_equal(row->keep, 10);
  assert_int_equal(head->status, TORPOR__RUN_ACTIVE);
  assert_int_equal(head->step, run == 1 ? 2 : 0);
  assert_int_equal(head->edition + head->start + head->branch, 0);
  seen++;
  return TORPOR_OK;
}

static torpor_status see_old_state(void *data,
                                   const struct torpor__state *row) {
  torpor_snapshot_info info;
  (void)data;
  assert_int_equal(row->step, 2);
  assert_int_equal(row->branch + row->edition + row->parent_step, 0);
  assert_false(row->runnable || row->clone);
  assert_int_equal(
      torpor_snapshot_read(row->snapshot.data, row->snapshot.size, &info, NULL),
      TORPOR_OK);
  assert_int_equal(info.operations, 2);
  seen++;
  return TORPOR_OK;
}

static torpor_status see_old_operation(void *data,
                                       const struct torpor__operation *row) {
  (void)data;
  assert_int_equal(strncmp(row->key, "asleep/0/", 9), 0);
  seen++;
  return TORPOR_OK;
}

static torpor_status see_old_kind(void *data, const char *kind,
                                  enum torpor__policy policy) {
  (void)data;
  assert_int_equal(policy, strcmp(kind, "timer") == 0
                               ? TORPOR__POLICY_REARM
                               : TORPOR__POLICY_REATTACH);
  seen++;
  return TORPOR_OK;
}

static torpor_status see_old_file(void *data, const char *name,
                                  struct torpor__slice source) {
  (void)data;
  assert_string_equal(name, "/srv/job/wait.mjs");
  assert_true(source.size > 100);
  seen++;
  return TORPOR_OK;
}

/* A file that an older release wrote: everything in it is there afterwards. */
static void version_1_is_migrated(void **state) {
  (void)state;
  make_version_1();
  struct torpor__store *store = open_store();
  const struct torpor__store_calls *calls = store->calls;
  struct torpor__counts counts;
  seen = 0;
  assert_int_equal(calls->run_each(store, 0, see_old_run, NULL), TORPOR_OK);
  assert_int_equal(seen, 2);
  assert_int_equal(calls->state_each(store, 1, INT64_MAX, see_old_state, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 3);
  assert_int_equal(calls->operation_each(store, 1, see_old_operation, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 5);
  assert_int_equal(calls->kind_each(store, 1, see_old_kind, NULL), TORPOR_OK);
  assert_int_equal(seen, 7);
  for (int64_t run = 1; run <= 2; run++)
    assert_int_equal(calls->file_each(store, run, 0, NULL, see_old_file, NULL),
                     TORPOR_OK);
  assert_int_equal(seen, 9);
  assert_int_equal(calls->run_count(store, 1, &counts), TORPOR_OK);
  assert_int_equal(counts.states, 1);
  assert_int_equal(counts.signals, 1);
  close_store(store);
}

static void a_migration_that_fails_changes_nothing(void **state) {
  (void)state;
  enum { LAST = TORPOR__STORE_SQLITE_VERSION };
  struct torpor__migration migrations[LAST + 2];
  memcpy(migrations, torpor__sqlite_migrations,
         sizeof torpor__sqlite_migrations);
  migrations[LAST].sql = "DROP TABLE line;";
  migrations[LAST + 1].sql = "DROP TABLE no_such_table;";
  struct torpor__store *store = open_store();
  struct torpor__sqlite *db = (struct torpor__sqlite *)store;
  int64_t tables = 0;
  assert_int_not_equal(torpor__sqlite_migrate(db, migrations, LAST + 2),
                       TORPOR_OK);
  assert_int_equal(version_of(store), LAST);
  torpor__sqlite_pragma(
      db, "SELECT count(*) FROM sqlite_schema WHERE name = 'line'", &tables);
  assert_int_equal(tables, 1);
  close_store(store);
  store = open_store();
  close_store(store);
}

static void nobody_is_migrated_under_its_feet(void **state) {
  (void)state;
  enum { LAST = TORPOR__STORE_SQLITE_VERSION };
  struct torpor__migration migrations[LAST + 1];
  memcpy(migrations, torpor__sqlite_migrations,
         sizeof torpor__sqlite_migrations);
  migrations[LAST].sql = "DROP TABLE line;";
  struct torpor__store *worker = open_store();
  struct torpor__store *store;
  assert_int_equal(try_open(&store, BUSY_MS), TORPOR_OK);
  struct torpor__sqlite *db = (struct torpor__sqlite *)store;
  assert_int_equal(torpor__sqlite_migrate(db, migrations, LAST + 1),
                   TORPOR_LOCKED);
  assert_non_null(strstr(store->message, "stop them first"));
  assert_int_equal(version_of(store), LAST);
  close_store(worker);
  assert_int_equal(torpor__sqlite_migrate(db, migrations, LAST + 1), TORPOR_OK);
  close_store(store);
}

/* ---- what can be wrong with a file --------------------------------------- */

static void other_files_are_refused_untouched(void **state) {
  (void)state;
  static const char text[] =
      "This is a letter, and much longer than a header "
      "of a database would have to be, to be sure of "
      "it.";
  struct torpor__store *store;
  char after[sizeof text] = "";
  write_file(text, sizeof text);
  assert_int_equal(try_open(&store, 0), TORPOR_FORMAT);
  FILE *file = fopen(path, "rb");
  assert_int_equal(fread(after, 1, sizeof after, file), sizeof text);
  fclose(file);
  assert_string_equal(after, text);
}

static void other_databases_are_refused(void **state) {
  (void)state;
  struct torpor__store *store;
  run_sql("PRAGMA application_id = 7");
  assert_int_equal(try_open(&store, 0), TORPOR_FORMAT);
  assert_non_null(strstr(message, "choose another path"));
}

static void damaged_files_are_refused(void **state) {
  (void)state;
  struct torpor__store *store = open_store();
  int64_t run;
  add_run(store, "first", &run);
  close_store(store);
  assert_int_equal(truncate(path, 5000), 0);
  torpor_status status = try_open(&store, 0);
  if (status == TORPOR_OK) {
    status = store->calls->run_find(store, "first", &run);
    memcpy(message, store->message, sizeof message);
    close_store(store);
  }
  assert_int_equal(status, TORPOR_CORRUPT);
  assert_non_null(strstr(message, "backup"));
}

static void rows_of_nonsense_are_refused(void **state) {
  (void)state;
  struct torpor__store *store = open_store();
  struct torpor__head head;
  int64_t run;
  add_run(store, "first", &run);
  close_store(store);
  run_sql(
      "UPDATE head SET status = 99; INSERT INTO operation "
      "VALUES(1,0,1,'timer',NULL,x'',NULL,'k',-1,0,0); INSERT INTO "
      "result(run, branch, operation, outcome, value) VALUES(1,0,1,77,x'')");
  store = open_store();
  assert_int_equal(store->calls->head_get(store, 1, &head), TORPOR_CORRUPT);
  assert_int_equal(store->calls->run_each(store, 0, see_run, NULL),
                   TORPOR_CORRUPT);
  assert_int_equal(store->calls->operation_each(store, 1, see_operation, NULL),
                   TORPOR_CORRUPT);
  assert_int_equal(store->calls->result_each(store, 1, see_result, NULL),
                   TORPOR_CORRUPT);
  close_store(store);
}

static void a_missing_store_is_not_made(void **state) {
  (void)state;
  struct torpor__store *store;
  struct torpor__store_options options = {.path = path, .must_exist = true};
  assert_int_equal(torpor__store_sqlite_open(&options, &store, message),
                   TORPOR_NOT_FOUND);
  assert_int_equal(access(path, F_OK), -1);
  options = (struct torpor__store_options){.path = path, .read_only = true};
  assert_int_equal(torpor__store_sqlite_open(&options, &store, message),
                   TORPOR_NOT_FOUND);
  options = (struct torpor__store_options){.path = "/no/such/folder/store"};
  assert_int_equal(torpor__store_sqlite_open(&options, &store, message),
                   TORPOR_IO);
  assert_non_null(strstr(message, "check the path"));
}

static void looking_writes_nothing(void **state) {
  (void)state;
  const struct torpor__store_options options = {.path = path,
                                                .read_only = true};
  struct torpor__store *store = open_store();
  int64_t run;
  seen = 0;
  add_run(store, "first", &run);
  struct torpor__store *reader;
  assert_int_equal(torpor__store_sqlite_open(&options, &reader, message),
                   TORPOR_OK);
  assert_int_equal(reader->calls->run_each(reader, 0, see_run, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 1);
  assert_int_equal(add_run(reader, "second", &run), TORPOR_READONLY);
  assert_int_equal(reader->calls->lock(reader, 1), TORPOR_READONLY);
  close_store(reader);
  close_store(store);
}

static void open_as_nobody(void) {
  struct torpor__store *store;
  if (geteuid() == 0 && setuid(NOBODY) != 0) _exit(1);
  torpor_status status = try_open(&store, 0);
  _exit(status == TORPOR_READONLY && strstr(message, "writable") != NULL ? 7
                                                                         : 8);
}

static void a_store_that_cannot_be_written(void **state) {
  (void)state;
  struct torpor__store *store = open_store();
  int64_t run;
  add_run(store, "first", &run);
  close_store(store);
  chmod(path, 0444);
  chmod(folder, 0555);
  int code = in_process(open_as_nobody);
  chmod(folder, 0755);
  assert_int_equal(code, 7);
}

#define IN_FOLDER(test)                                                        \
  cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(runs_and_their_files),
      IN_FOLDER(ids_that_are_refused),
      IN_FOLDER(operations),
      IN_FOLDER(the_first_result_stays),
      IN_FOLDER(a_head_that_others_changed_stays),
      IN_FOLDER(states_go),
      IN_FOLDER(savepoints),
      IN_FOLDER(others_wait_and_see),
      IN_FOLDER(a_lock_keeps_others_off),
      IN_FOLDER(a_lock_dies_with_its_process),
      IN_FOLDER(processes_share_a_new_store),
      IN_FOLDER(older_ones_are_migrated),
      IN_FOLDER(version_1_is_migrated),
      IN_FOLDER(a_migration_that_fails_changes_nothing),
      IN_FOLDER(nobody_is_migrated_under_its_feet),
      IN_FOLDER(other_files_are_refused_untouched),
      IN_FOLDER(other_databases_are_refused),
      IN_FOLDER(damaged_files_are_refused),
      IN_FOLDER(rows_of_nonsense_are_refused),
      IN_FOLDER(a_missing_store_is_not_made),
      IN_FOLDER(looking_writes_nothing),
      IN_FOLDER(a_store_that_cannot_be_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
