/* SPDX-License-Identifier: MIT */
/* test_store.c - the SQLite store: transactions, versions, locks, and what can
 * be wrong with a file. Where two processes matter there are two.
 *
 * ctest: full */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "test/support/file.h"
#include "test/support/sqlite-database.h"

enum { BUSY_MS = 60, NOBODY = 65534 };

static const struct torpor__page all_runs = {.limit = INT64_MAX};

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

/* ---- transactions -------------------------------------------------------- */

static int64_t count_signals(struct torpor__database *database, int64_t run) {
  struct torpor__counts counts;
  assert_int_equal(database->calls->run_count(database, run, &counts),
                   TORPOR_OK);
  return counts.signals;
}

static void savepoints(void **state) {
  (void)state;
  const struct torpor__signal signal = {.topic = "go"};
  struct torpor__database *database = store_open();
  const struct torpor__database_calls *calls = database->calls;
  int64_t run;
  store_add_run(database, "first", &run);
  calls->begin(database);
  calls->savepoint(database);
  calls->signal_add(database, run, &signal);
  calls->release(database);
  calls->savepoint(database);
  calls->signal_add(database, run, &signal);
  calls->revert(database);
  calls->savepoint(database);
  calls->signal_add(database, run, &signal);
  calls->release(database);
  assert_int_equal(calls->commit(database), TORPOR_OK);
  assert_int_equal(count_signals(database, run), 2);
  calls->begin(database);
  calls->signal_add(database, run, &signal);
  calls->rollback(database);
  assert_int_equal(count_signals(database, run), 2);
  store_close(database);
}

/* What a transaction that was rolled back had in the log already does no harm
 * when others write in its place. */
static void what_was_taken_back_is_gone(void **state) {
  (void)state;
  enum { LARGE = 60 << 10 }; /* more than the cache below holds */
  const struct torpor__signal signal = {.topic = "go"};
  struct torpor__database *one = store_open(), *two;
  struct torpor__sqlite *db = (struct torpor__sqlite *)one;
  uint8_t *bytes = calloc(1, LARGE);
  int64_t run, wrong = -1;
  assert_non_null(bytes);
  store_add_run(one, "first", &run);
  assert_int_equal(store_try(&two, BUSY_MS), TORPOR_OK);
  assert_int_equal(torpor__sqlite_exec(db, "PRAGMA cache_size = 10"),
                   TORPOR_OK);
  for (int i = 1; i <= 20; i++) {
    const struct torpor__state row = {
        .step = i,
        .snapshot = {.data = bytes, .size = (size_t)(LARGE - 1000 * i)}};
    torpor__sqlite_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    store_begin(one, run);
    assert_int_equal(one->calls->state_put(one, run, &row), TORPOR_OK);
    one->calls->rollback(one);
    one->calls->unlock(one, run);
    assert_int_equal(two->calls->begin(two), TORPOR_OK);
    assert_int_equal(two->calls->signal_add(two, run, &signal), TORPOR_OK);
    assert_int_equal(two->calls->commit(two), TORPOR_OK);
    assert_int_equal(count_signals(one, run), i);
    assert_int_equal(count_signals(two, run), i);
  }
  store_close(one);
  db = (struct torpor__sqlite *)two;
  assert_int_equal(
      torpor__sqlite_pragma(db,
                            "SELECT count(*) FROM pragma_integrity_check WHERE "
                            "integrity_check <> 'ok'",
                            &wrong),
      TORPOR_OK);
  assert_int_equal(wrong, 0);
  assert_int_equal(count_signals(two, run), 20);
  store_close(two);
  free(bytes);
}

static void others_wait_and_see(void **state) {
  (void)state;
  struct torpor__database *one = store_open();
  struct torpor__database *two;
  assert_int_equal(store_try(&two, BUSY_MS), TORPOR_OK);
  assert_int_equal(one->calls->begin(one), TORPOR_OK);
  assert_int_equal(two->calls->begin(two), TORPOR_LOCKED);
  assert_non_null(strstr(two->message, "try again"));
  one->calls->rollback(one);
  store_close(two);
  store_close(one);
}

/* ---- locks --------------------------------------------------------------- */

static void check_lock_is_taken(void) {
  struct torpor__database *database = store_open();
  bool locked = false;
  database->calls->locked(database, 1, &locked);
  _exit(database->calls->lock(database, 1) == TORPOR_LOCKED && locked ? 7 : 8);
}

static void a_lock_keeps_others_off(void **state) {
  (void)state;
  struct torpor__database *one = store_open();
  struct torpor__database *two = store_open();
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
  store_close(two);
  assert_int_equal(one->calls->lock(one, 1), TORPOR_OK);
  store_close(one);
}

static void a_lock_dies_with_its_process(void **state) {
  (void)state;
  int ready[2];
  char byte;
  assert_int_equal(pipe(ready), 0);
  pid_t pid = fork();
  if (pid == 0) {
    struct torpor__database *database = store_open();
    database->calls->lock(database, 1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  struct torpor__database *database = store_open();
  torpor_status status = database->calls->lock(database, 1);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  assert_int_equal(status, TORPOR_LOCKED);
  assert_int_equal(database->calls->lock(database, 1), TORPOR_OK);
  store_close(database);
  close(ready[0]);
  close(ready[1]);
}

/* ---- processes ----------------------------------------------------------- */

enum { CHILDREN = 4, RUNS_EACH = 25 };

static void add_runs(void) {
  struct torpor__database *database = store_open();
  for (int i = 0; i < RUNS_EACH; i++) {
    char id[32];
    int64_t run;
    snprintf(id, sizeof id, "%d-%d", (int)getpid(), i);
    if (store_add_run(database, id, &run) != TORPOR_OK) _exit(1);
  }
  store_close(database);
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
  struct torpor__database *database = store_open();
  int count = 0;
  database->calls->run_list(database, &all_runs, count_run, &count);
  assert_int_equal(count, CHILDREN * RUNS_EACH);
  store_close(database);
}

/* Opens a new store as soon as the others do; 0, or what went wrong. */
static int open_with_others(int gate) {
  struct torpor__database *database;
  char byte;
  if (read(gate, &byte, 1) != 0) return 1; /* until the other end is closed */
  torpor_status status = store_try(&database, 0);
  if (status != TORPOR_OK) {
    fprintf(stderr, "%s\n", store_message);
    return 2;
  }
  store_close(database);
  return 0;
}

/* What is there of a store before the last of them closes it differs each
 * time, and so does what the first ones find. */
static void many_make_one_new_store(void **state) {
  (void)state;
  enum { MAKERS = 8 };
  const char *tier = getenv("TORPOR_TIER");
  int rounds = tier != NULL && strcmp(tier, "full") == 0 ? 3000 : 60;
  for (int round = 0; round < rounds; round++) {
    int gate[2], status, failed = 0;
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < MAKERS; i++) {
      if (fork() != 0) continue;
      close(gate[1]);
      _exit(open_with_others(gate[0]));
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < MAKERS; i++) {
      assert_true(wait(&status) > 0);
      failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    assert_int_equal(failed, 0);
    assert_int_equal(store_remove_folder(NULL), 0);
    assert_int_equal(store_make_folder(NULL), 0);
  }
}

static int seen;

/* ---- versions ------------------------------------------------------------ */

static int64_t version_of(struct torpor__database *database) {
  int64_t version = -1;
  torpor__sqlite_pragma((struct torpor__sqlite *)database,
                        "PRAGMA user_version", &version);
  return version;
}

static void older_ones_are_migrated(void **state) {
  (void)state;
  struct torpor__migration migrations[TORPOR__SQLITE_VERSION + 2];
  enum { LAST = TORPOR__SQLITE_VERSION };
  memcpy(migrations, torpor__sqlite_migrations,
         sizeof torpor__sqlite_migrations);
  migrations[LAST].sql = "ALTER TABLE head ADD COLUMN extra INTEGER;";
  migrations[LAST + 1].sql =
      "UPDATE head SET extra = 41;"
      "UPDATE head SET extra = extra + 1;";
  struct torpor__database *database = store_open();
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  int64_t run;
  int64_t extra = 0;
  store_add_run(database, "first", &run);
  assert_int_equal(torpor__sqlite_migrate(db, migrations, LAST + 2), TORPOR_OK);
  assert_int_equal(version_of(database), LAST + 2);
  torpor__sqlite_pragma(db, "SELECT extra FROM head", &extra);
  assert_int_equal(extra, 42);
  store_close(database);
  assert_int_equal(store_try(&database, 0), TORPOR_NEWER);
  assert_non_null(strstr(store_message, "use a newer Torpor"));
}

/* Makes the file at store_path what support/store-1.sql says. */
static void make_version_1(void) {
  const char *source = getenv("TORPOR_SOURCE");
  char name[512];
  sqlite3 *db;
  snprintf(name, sizeof name, "%s/test/support/store-1.sql",
           source != NULL ? source : ".");
  torpor_bytes sql = test_file_read(name);
  assert_non_null(sql.data);
  assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, (char *)sql.data, NULL, NULL, NULL),
                   SQLITE_OK);
  free(sql.data);
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
  assert_int_equal(head->version + head->start + head->branch, 0);
  seen++;
  return TORPOR_OK;
}

static torpor_status see_old_state(void *data,
                                   const struct torpor__state *row) {
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  (void)data;
  assert_int_equal(row->step, 2);
  assert_int_equal(row->branch + row->version + row->parent_step, 0);
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
                                  torpor_slice source) {
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
  struct torpor__database *database = store_open();
  const struct torpor__database_calls *calls = database->calls;
  struct torpor__counts counts;
  seen = 0;
  assert_int_equal(calls->run_list(database, &all_runs, see_old_run, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 2);
  assert_int_equal(
      calls->state_each(database, 1, INT64_MAX, see_old_state, NULL),
      TORPOR_OK);
  assert_int_equal(seen, 3);
  assert_int_equal(
      calls->operation_each(database, 1, -1, 0, see_old_operation, NULL),
      TORPOR_OK);
  assert_int_equal(seen, 5);
  assert_int_equal(calls->kind_each(database, 1, see_old_kind, NULL),
                   TORPOR_OK);
  assert_int_equal(seen, 7);
  for (int64_t run = 1; run <= 2; run++)
    assert_int_equal(
        calls->file_each(database, run, 0, NULL, see_old_file, NULL),
        TORPOR_OK);
  assert_int_equal(seen, 9);
  assert_int_equal(calls->run_count(database, 1, &counts), TORPOR_OK);
  assert_int_equal(counts.states, 1);
  assert_int_equal(counts.signals, 1);
  store_close(database);
}

static void a_migration_that_fails_changes_nothing(void **state) {
  (void)state;
  enum { LAST = TORPOR__SQLITE_VERSION };
  struct torpor__migration migrations[LAST + 2];
  memcpy(migrations, torpor__sqlite_migrations,
         sizeof torpor__sqlite_migrations);
  migrations[LAST].sql = "DROP TABLE line;";
  migrations[LAST + 1].sql = "DROP TABLE no_such_table;";
  struct torpor__database *database = store_open();
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  int64_t tables = 0;
  assert_int_not_equal(torpor__sqlite_migrate(db, migrations, LAST + 2),
                       TORPOR_OK);
  assert_int_equal(version_of(database), LAST);
  torpor__sqlite_pragma(
      db, "SELECT count(*) FROM sqlite_schema WHERE name = 'line'", &tables);
  assert_int_equal(tables, 1);
  store_close(database);
  database = store_open();
  store_close(database);
}

static void nobody_is_migrated_under_its_feet(void **state) {
  (void)state;
  enum { LAST = TORPOR__SQLITE_VERSION };
  struct torpor__migration migrations[LAST + 1];
  memcpy(migrations, torpor__sqlite_migrations,
         sizeof torpor__sqlite_migrations);
  migrations[LAST].sql = "DROP TABLE line;";
  struct torpor__database *worker = store_open();
  struct torpor__database *database;
  assert_int_equal(store_try(&database, BUSY_MS), TORPOR_OK);
  struct torpor__sqlite *db = (struct torpor__sqlite *)database;
  assert_int_equal(torpor__sqlite_migrate(db, migrations, LAST + 1),
                   TORPOR_LOCKED);
  assert_non_null(strstr(database->message, "stop them first"));
  assert_int_equal(version_of(database), LAST);
  store_close(worker);
  assert_int_equal(torpor__sqlite_migrate(db, migrations, LAST + 1), TORPOR_OK);
  store_close(database);
}

/* ---- what can be wrong with a file --------------------------------------- */

static void other_files_are_refused_untouched(void **state) {
  (void)state;
  static const char text[] =
      "This is a letter, and much longer than a header "
      "of a database would have to be, to be sure of "
      "it.";
  struct torpor__database *database;
  test_file_write(store_path, text, sizeof text);
  assert_int_equal(store_try(&database, 0), TORPOR_FORMAT);
  torpor_bytes after = test_file_read(store_path);
  assert_int_equal(after.size, sizeof text);
  assert_memory_equal(after.data, text, sizeof text);
  free(after.data);
}

static void other_databases_are_refused(void **state) {
  (void)state;
  struct torpor__database *database;
  store_sql("PRAGMA application_id = 7");
  assert_int_equal(store_try(&database, 0), TORPOR_FORMAT);
  assert_non_null(strstr(store_message, "choose another path"));
}

static void damaged_files_are_refused(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  int64_t run;
  store_add_run(database, "first", &run);
  store_close(database);
  assert_int_equal(truncate(store_path, 5000), 0);
  torpor_status status = store_try(&database, 0);
  if (status == TORPOR_OK) {
    status = database->calls->run_find(database, "first", &run);
    memcpy(store_message, database->message, sizeof store_message);
    store_close(database);
  }
  assert_int_equal(status, TORPOR_CORRUPT);
  assert_non_null(strstr(store_message, "backup"));
}

static void a_missing_store_is_not_made(void **state) {
  (void)state;
  struct torpor__database *database;
  struct torpor__database_options options = {.path = store_path,
                                             .must_exist = true};
  assert_int_equal(torpor__sqlite_open(&options, &database, store_message),
                   TORPOR_NOT_FOUND);
  assert_int_equal(access(store_path, F_OK), -1);
  options =
      (struct torpor__database_options){.path = store_path, .read_only = true};
  assert_int_equal(torpor__sqlite_open(&options, &database, store_message),
                   TORPOR_NOT_FOUND);
  options =
      (struct torpor__database_options){.path = "/no/such/store_folder/store"};
  assert_int_equal(torpor__sqlite_open(&options, &database, store_message),
                   TORPOR_IO);
  assert_non_null(strstr(store_message, "check the path"));
}

static void looking_writes_nothing(void **state) {
  (void)state;
  const struct torpor__database_options options = {.path = store_path,
                                                   .read_only = true};
  struct torpor__database *database = store_open();
  int64_t run, found;
  store_add_run(database, "first", &run);
  struct torpor__database *reader;
  assert_int_equal(torpor__sqlite_open(&options, &reader, store_message),
                   TORPOR_OK);
  assert_int_equal(reader->calls->run_find(reader, "first", &found), TORPOR_OK);
  assert_int_equal(found, run);
  assert_int_equal(store_add_run(reader, "second", &run), TORPOR_READONLY);
  assert_int_equal(reader->calls->lock(reader, 1), TORPOR_READONLY);
  store_close(reader);
  store_close(database);
}

static void names_of_no_file(void **state) {
  (void)state;
  static const char *const names[] = {
      "",       ":memory:", "file:", "file::memory:", "file:?cache=shared",
      "file:%", "file:%00x"};
  struct torpor__database *database;
  assert_int_equal(chdir(store_folder), 0);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const struct torpor__database_options options = {.path = names[i]};
    torpor_status expected =
        strcmp(names[i], "file:%") == 0 ? TORPOR_OK : TORPOR_MISUSE;
    assert_int_equal(torpor__sqlite_open(&options, &database, store_message),
                     expected);
    if (database != NULL) store_close(database);
  }
  const struct torpor__database_options options = {.path = "/x",
                                                   .vfs = "memdb"};
  assert_int_equal(torpor__sqlite_open(&options, &database, store_message),
                   TORPOR_MISUSE);
  assert_int_equal(chdir("/"), 0);
}

/* Has the system refuse locks of open files, as some file systems do. */
static void refuse_locks(void) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
               offsetof(struct seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_OFD_SETLK, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {.len = sizeof steps / sizeof steps[0],
                               .filter = steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    _exit(9);
}

static void open_without_locks(void) {
  struct torpor__database *database;
  refuse_locks();
  torpor_status status = store_try(&database, 0);
  _exit(status == TORPOR_IO && strstr(store_message, "has no locks") != NULL &&
                strstr(store_message, "migrated") == NULL
            ? 7
            : 8);
}

static void a_file_system_without_locks(void **state) {
  (void)state;
  int code = in_process(open_without_locks);
  if (code == 9) skip();
  assert_int_equal(code, 7);
}

static void open_as_nobody(void) {
  struct torpor__database *database;
  if (geteuid() == 0 && setuid(NOBODY) != 0) _exit(1);
  torpor_status status = store_try(&database, 0);
  _exit(status == TORPOR_READONLY &&
                strstr(store_message, "writable") != NULL &&
                strstr(store_message, "not an error") == NULL
            ? 7
            : 8);
}

static void a_store_that_cannot_be_written(void **state) {
  (void)state;
  struct torpor__database *database = store_open();
  int64_t run;
  store_add_run(database, "first", &run);
  store_close(database);
  chmod(store_path, 0444);
  chmod(store_folder, 0555);
  int code = in_process(open_as_nobody);
  chmod(store_folder, 0755);
  assert_int_equal(code, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(savepoints),
      IN_FOLDER(what_was_taken_back_is_gone),
      IN_FOLDER(others_wait_and_see),
      IN_FOLDER(a_lock_keeps_others_off),
      IN_FOLDER(a_lock_dies_with_its_process),
      IN_FOLDER(processes_share_a_new_store),
      IN_FOLDER(many_make_one_new_store),
      IN_FOLDER(older_ones_are_migrated),
      IN_FOLDER(version_1_is_migrated),
      IN_FOLDER(a_migration_that_fails_changes_nothing),
      IN_FOLDER(nobody_is_migrated_under_its_feet),
      IN_FOLDER(other_files_are_refused_untouched),
      IN_FOLDER(other_databases_are_refused),
      IN_FOLDER(damaged_files_are_refused),
      IN_FOLDER(a_missing_store_is_not_made),
      IN_FOLDER(looking_writes_nothing),
      IN_FOLDER(a_store_that_cannot_be_written),
      IN_FOLDER(names_of_no_file),
      IN_FOLDER(a_file_system_without_locks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
