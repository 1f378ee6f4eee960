/* SPDX-License-Identifier: MIT */
/* test_run_upgrade.c - moving a run to a new program: what is handed over, what
 * is lost and what stays, every refusal, and dying in the middle of it.
 *
 * Store and programs are in a folder of their own, removed afterwards. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/database/database-sqlite-state.h"
#include "run/fault.h"
#include "run/request.h"
#include "run/store.h"

#include "test/support/file.h"

static struct bench {
  char folder[64], path[96];
  char old_file[96], new_file[96], exporter[96];
  torpor_store *store;
  torpor_worker *worker;
  int commits;
  torpor_run_info info; /* its strings are not kept */
  char reason[512], json[512], file[128];
} bench;

/* ---- the bench ----------------------------------------------------------- */

static void open_store(void) {
  assert_int_equal(torpor_store_open(bench.path, NULL, &bench.store),
                   TORPOR_OK);
}

static int set_up(void **state) {
  (void)state;
  memset(&bench, 0, sizeof bench);
  snprintf(bench.folder, sizeof bench.folder, "/tmp/torpor-upgrade-XXXXXX");
  if (mkdtemp(bench.folder) == NULL) return -1;
  snprintf(bench.path, sizeof bench.path, "%s/store", bench.folder);
  snprintf(bench.old_file, sizeof bench.old_file, "%s/old.mjs", bench.folder);
  snprintf(bench.new_file, sizeof bench.new_file, "%s/new.mjs", bench.folder);
  snprintf(bench.exporter, sizeof bench.exporter, "%s/out.mjs", bench.folder);
  open_store();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  torpor_store_close(bench.store);
  DIR *files = opendir(bench.folder);
  if (files == NULL) return -1;
  for (struct dirent *file; (file = readdir(files)) != NULL;)
    unlinkat(dirfd(files), file->d_name, 0);
  closedir(files);
  return rmdir(bench.folder);
}

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_COMMIT && --bench.commits == 0)
    torpor_worker_stop(bench.worker);
}

/* Drives the run until it ends, or for so many commits. */
static void drive_run(const char *id, int commits) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = note;
  bench.commits = commits;
  assert_int_equal(torpor_worker_open(bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, id), TORPOR_OK);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
}

static void drive(int commits) {
  drive_run("run", commits);
}

static void add_old(const char *source) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(bench.old_file, source);
  options.file = bench.old_file;
  options.id = "run";
  assert_int_equal(torpor_run_add(bench.store, &options, id), TORPOR_OK);
}

static void write_new(const char *source) {
  test_file_write_text(bench.new_file, source);
}

static void write_exporter(const char *source) {
  test_file_write_text(bench.exporter, source);
}

static bool see(void *user, const torpor_run_info *info) {
  torpor_bytes json = {0};
  (void)user;
  bench.info = *info;
  snprintf(bench.reason, sizeof bench.reason, "%s", info->reason);
  snprintf(bench.file, sizeof bench.file, "%s", info->file);
  bench.json[0] = '\0';
  if (info->value == NULL) return true;
  assert_int_equal(torpor_cbor_to_json(info->value, info->value_size, &json),
                   TORPOR_OK);
  snprintf(bench.json, sizeof bench.json, "%s", (const char *)json.data);
  torpor_bytes_free(&json);
  return true;
}

static void look(void) {
  assert_int_equal(torpor_run_each(bench.store, "run", see, NULL), TORPOR_OK);
}

static torpor_status upgrade(bool exporter, bool dry,
                             torpor_run_upgrade_report *report) {
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  options.file = bench.new_file;
  options.exporter = exporter ? bench.exporter : NULL;
  options.dry_run = dry;
  return torpor_run_upgrade(bench.store, "run", &options, report);
}

static void refuse(torpor_status expected, const char *why) {
  look();
  int64_t branch = bench.info.branch;
  torpor_run_state was = bench.info.state;
  assert_int_equal(upgrade(true, false, NULL), expected);
  if (strstr(torpor_store_error(bench.store), why) == NULL)
    fail_msg("'%s' lacks '%s'", torpor_store_error(bench.store), why);
  look();
  assert_int_equal(bench.info.branch, branch);
  assert_int_equal(bench.info.state, was);
}

/* Counts in its global object, and waits for two things. */
#define OLD                                                                    \
  "import { signal, sleep } from 'torpor:run';"                                \
  "globalThis.state = { count: 0, names: new Map() };"                         \
  "for (;;) {"                                                                 \
  "  sleep('1 day');"                                                          \
  "  const name = await signal('name');"                                       \
  "  state.names.set(name, ++state.count);"                                    \
  "}"

#define NEW                                                                    \
  "import { onUpgrade, signal, step } from 'torpor:run';"                      \
  "const got = onUpgrade((state, from) => ({ state, from, at: step() }));"     \
  "const name = await signal('name');"                                         \
  "export default { names: [...got.state.names.keys(), name],"                 \
  "  count: got.state.count, step: got.from.step, at: got.at,"                 \
  "  program: got.from.program, engine: got.from.engine.length };"

static void send(const char *name) {
  torpor_bytes value;
  char json[64];
  snprintf(json, sizeof json, "\"%s\"", name);
  assert_int_equal(torpor_json_to_cbor(json, strlen(json), &value), TORPOR_OK);
  assert_int_equal(
      torpor_run_signal(bench.store, "run", "name", value.data, value.size),
      TORPOR_OK);
  torpor_bytes_free(&value);
}

/* An old run that has two names, and a third in its mailbox. */
static void start_old(void) {
  add_old(OLD);
  send("ann");
  drive(2);
  send("bob");
  drive(1);
  send("eve");
}

/* What the new program ends with. */
static void expect_new(void) {
  char expected[512];
  drive(0);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_int_equal(bench.info.branch, 1);
  assert_int_equal(bench.info.step, 5);
  assert_string_equal(bench.file, bench.new_file);
  snprintf(expected, sizeof expected,
           "{\"names\":[\"ann\",\"bob\",\"eve\"],\"count\":2,\"step\":3,"
           "\"at\":4,\"program\":\"%s\",\"engine\":64}",
           bench.old_file);
  assert_string_equal(bench.json, expected);
}

/* ---- handing over -------------------------------------------------------- */

static void an_exporter_hands_over(void **state) {
  (void)state;
  torpor_run_upgrade_report report = TORPOR_RUN_UPGRADE_REPORT_INIT;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  assert_int_equal(upgrade(true, false, &report), TORPOR_OK);
  assert_string_equal(report.from_file, bench.old_file);
  assert_string_equal(report.to_file, bench.new_file);
  assert_string_equal(report.to_engine, torpor_engine_id());
  assert_int_equal(report.step, 3);
  assert_int_equal(report.from_branch, 0);
  assert_int_equal(report.to_branch, 1);
  assert_int_equal(report.modules, 1);
  assert_int_equal(report.signals, 1);
  assert_int_equal(report.answered, 0);
  assert_int_equal(report.lost_count, 4); /* three timers and a signal */
  assert_string_equal(report.lost[0]->kind, "timer");
  assert_true(report.lost[0]->due_ms > 0);
  assert_string_equal(report.lost[3]->topic, "name");
  torpor_run_upgrade_report_free(&report);
  look();
  assert_int_equal(bench.info.operations, 0);
  assert_int_equal(bench.info.state, TORPOR_RUN_READY);
  assert_int_equal(bench.info.step, 3);
  expect_new();
}

static void plain_data_hands_over(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter(
      "const { count, names } = globalThis.state;"
      "export default await { count, names };");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  expect_new();
}

static void the_program_hands_over(void **state) {
  (void)state;
  add_old(
      "import { exportState, signal } from 'torpor:run';"
      "const names = new Map(); let count = 0;"
      "exportState(async () => ({ names, count }));"
      "for (;;) names.set(await signal('name'), ++count);");
  send("ann");
  drive(2);
  send("bob");
  drive(1);
  send("eve");
  write_new(NEW);
  assert_int_equal(upgrade(false, false, NULL), TORPOR_OK);
  expect_new();
}

/* A dry run says the same and changes nothing, not even on a disk that cannot
 * be written. */
static void a_dry_run_changes_nothing(void **state) {
  (void)state;
  torpor_run_upgrade_report dry = TORPOR_RUN_UPGRADE_REPORT_INIT,
                            real = TORPOR_RUN_UPGRADE_REPORT_INIT;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  torpor_store_close(bench.store);
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  options.read_only = true;
  assert_int_equal(torpor_store_open(bench.path, &options, &bench.store),
                   TORPOR_OK);
  assert_int_equal(upgrade(true, true, &dry), TORPOR_OK);
  torpor_store_close(bench.store);
  open_store();
  look();
  assert_int_equal(bench.info.branch, 0);
  assert_int_equal(bench.info.operations, 4);
  assert_string_equal(bench.file, bench.old_file);
  assert_int_equal(upgrade(true, false, &real), TORPOR_OK);
  assert_int_equal(dry.state.size, real.state.size);
  assert_memory_equal(dry.state.data, real.state.data, real.state.size);
  assert_int_equal(dry.lost_count, real.lost_count);
  assert_int_equal(dry.to_branch, real.to_branch);
  assert_int_equal(dry.step, real.step);
  torpor_run_upgrade_report_free(&dry);
  torpor_run_upgrade_report_free(&real);
  expect_new();
}

static void a_parked_run_goes_on_in_new_code(void **state) {
  (void)state;
  add_old(
      "import { signal } from 'torpor:run';"
      "globalThis.state = { count: 0, names: new Map() };"
      "for (;;) { await signal('name'); for (;;); }");
  drive(1);
  assert_int_equal(torpor__request_park(bench.store->database, 1, "test", 1),
                   TORPOR_OK);
  write_new(
      "import { onUpgrade } from 'torpor:run';"
      "export default onUpgrade((state) => state.count);");
  write_exporter("export default globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_READY);
  assert_string_equal(bench.reason, "");
  drive(0);
  look();
  assert_string_equal(bench.json, "0");
}

struct versions {
  int64_t starts[4];
  char text[256];
  size_t count;
};

/* torpor_run_version_fn */
static bool note_version(void *user, const torpor_run_version *version) {
  struct versions *versions = user;
  assert_int_equal(version->number, versions->count);
  assert_int_equal(strlen(version->engine), 64);
  const char *slash = strrchr(version->file, '/');
  strcat(versions->text, slash == NULL ? version->file : slash);
  versions->starts[versions->count++] = version->start;
  return versions->count < 4;
}

static void the_programs_of_a_run_are_told(void **state) {
  (void)state;
  struct versions before = {0}, after = {0};
  start_old();
  assert_int_equal(
      torpor_run_versions(bench.store, "run", note_version, &before),
      TORPOR_OK);
  assert_int_equal(before.count, 1);
  assert_int_equal(before.starts[0], 0);
  write_new(NEW);
  write_exporter("export default globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  assert_int_equal(
      torpor_run_versions(bench.store, "run", note_version, &after), TORPOR_OK);
  assert_int_equal(after.count, 2);
  look();
  assert_int_equal(after.starts[1], bench.info.step);
  assert_non_null(strstr(after.text, "/new.mjs"));
  assert_int_equal(
      torpor_run_versions(bench.store, "nobody", note_version, &after),
      TORPOR_NOT_FOUND);
}

/* Twice in a row: each gets what the one before has made of it. */
static void an_upgrade_of_an_upgrade(void **state) {
  (void)state;
  start_old();
  write_new(
      "import { onUpgrade, signal } from 'torpor:run';"
      "globalThis.state = onUpgrade((state) => ({ ...state, more: 1 }));"
      "await signal('never');");
  write_exporter("export default globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  refuse(TORPOR_MISUSE, "has not begun");
  drive(1);
  write_new(
      "import { onUpgrade } from 'torpor:run';"
      "export default onUpgrade((state, from) => [state.count, state.more,"
      "  from.step]);");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  drive(0);
  look();
  assert_int_equal(bench.info.branch, 2);
  assert_string_equal(bench.json, "[2,1,4]");
}

/* Whoever drives it from now on needs the new engine only. */
static void the_old_engine_is_not_needed_any_more(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)bench.store->database,
                          "UPDATE state SET engine = 'another'"),
      TORPOR_OK);
  expect_new();
}

static bool file_has(const char *path, const char *text) {
  torpor_bytes bytes = test_file_read(path);
  bool found = bytes.data != NULL &&
               memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
  free(bytes.data);
  return found;
}

/* In a store with a key nobody reads what is handed over. */
static void what_is_handed_over_is_encrypted(void **state) {
  (void)state;
  static const uint8_t key[TORPOR_KEY_SIZE] = {7};
  static const char secret[] = "a8f3-nobody-knows-c5d1";
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  char log[128];
  snprintf(log, sizeof log, "%s-wal", bench.path);
  options.key = key;
  torpor_store_close(bench.store);
  assert_int_equal(torpor_store_open(bench.path, &options, &bench.store),
                   TORPOR_OK);
  add_old(
      "import { signal } from 'torpor:run';"
      "globalThis.state = ['a8f3', 'nobody', 'knows', 'c5d1'].join('-');"
      "await signal('never');");
  drive(1);
  write_new(
      "import { onUpgrade } from 'torpor:run';"
      "export default onUpgrade((state) => state.length);");
  write_exporter("export default globalThis.state;");
  torpor_run_upgrade_report report = TORPOR_RUN_UPGRADE_REPORT_INIT;
  assert_int_equal(upgrade(true, false, &report), TORPOR_OK);
  assert_non_null(
      memmem(report.state.data, report.state.size, secret, strlen(secret)));
  torpor_run_upgrade_report_free(&report);
  assert_true(file_has(bench.path, "globalThis.state") ||
              file_has(log, "globalThis.state"));
  assert_false(file_has(bench.path, secret));
  assert_false(file_has(log, secret));
  torpor_store_close(bench.store);
  open_store(); /* without the key */
  assert_int_equal(torpor_worker_open(bench.store, NULL, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_KEY);
  torpor_worker_close(bench.worker);
  torpor_store_close(bench.store);
  assert_int_equal(torpor_store_open(bench.path, &options, &bench.store),
                   TORPOR_OK);
  drive(0);
  look();
  assert_string_equal(bench.json, "22");
}

/* Modules of the program are those of the run, with their variables; others are
 * files beside the exporter. */
static void an_exporter_imports(void **state) {
  (void)state;
  char shared[96], helper[96];
  snprintf(shared, sizeof shared, "%s/shared.mjs", bench.folder);
  snprintf(helper, sizeof helper, "%s/helper.mjs", bench.folder);
  test_file_write_text(shared,
                       "export const seen = []; export const old = true;");
  test_file_write_text(helper, "export const wrap = (seen) => ({ seen });");
  add_old(
      "import { seen } from './shared.mjs';"
      "import { signal } from 'torpor:run';"
      "seen.push(1, 2); await signal('x');");
  drive(1);
  test_file_write_text(shared, "throw new Error('the new text');");
  write_exporter(
      "import { seen, old } from './shared.mjs';"
      "import { wrap } from './helper.mjs';"
      "export default () => old && wrap(seen);");
  write_new(
      "import { onUpgrade } from 'torpor:run';"
      "export default onUpgrade((state) => state);");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  drive(0);
  look();
  assert_string_equal(bench.json, "{\"seen\":[1,2]}");
}

/* ---- going back ---------------------------------------------------------- */

/* The old program is still there, and so is what it waited for. */
static void rewinding_undoes_it(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  assert_int_equal(torpor_run_rewind(bench.store, "run", 3), TORPOR_OK);
  look();
  assert_string_equal(bench.file, bench.old_file);
  assert_int_equal(bench.info.branch, 2);
  assert_int_equal(bench.info.operations, 4);
  drive(1);
  look();
  assert_int_equal(bench.info.step, 4);
  assert_int_equal(bench.info.signals, 0); /* the old program took it */
  assert_int_equal(bench.info.operations, 5);
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  look();
  assert_int_equal(bench.info.branch, 3);
  send("zoe");
  drive(0);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_non_null(strstr(bench.json, "\"eve\",\"zoe\""));
}

/* There are more programs than steps then. */
static void upgrading_again_and_again(void **state) {
  (void)state;
  add_old(
      "import { exportState, signal } from 'torpor:run';"
      "exportState(() => 7); await signal('name');");
  drive(1);
  write_new(
      "import { exportState, onUpgrade, signal } from 'torpor:run';"
      "let got; onUpgrade((state) => { got = state; });"
      "exportState(() => got); await signal('name'); export default got;");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(torpor_run_rewind(bench.store, "run", 1), TORPOR_OK);
    assert_int_equal(upgrade(false, false, NULL), TORPOR_OK);
    drive(1);
  }
  send("ann");
  drive(0);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_DONE);
  assert_string_equal(bench.json, "7");
}

/* After the end of the new one, too; and to where the old one began. */
static void rewinding_to_the_beginning(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  expect_new();
  assert_int_equal(torpor_run_rewind(bench.store, "run", 0), TORPOR_OK);
  look();
  assert_string_equal(bench.file, bench.old_file);
  assert_int_equal(bench.info.step, 0);
  assert_int_equal(bench.info.operations, 0);
  drive(1);
  look();
  assert_int_equal(bench.info.step, 1);
  assert_int_equal(bench.info.operations, 2);
}

/* A fork has the new program, and what that was handed. */
static void a_fork_is_upgraded_too(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_OK);
  assert_int_equal(
      torpor_run_fork(bench.store, "run", TORPOR_RUN_NEWEST, "copy", id),
      TORPOR_OK);
  expect_new();
  drive_run("copy", 1);
  assert_int_equal(torpor_run_each(bench.store, "copy", see, NULL), TORPOR_OK);
  assert_string_equal(bench.file, bench.new_file);
  assert_int_equal(bench.info.operations, 1);
  assert_int_equal(torpor_run_signal(bench.store, "copy", "name", NULL, 0),
                   TORPOR_OK);
  drive_run("copy", 0);
  assert_int_equal(torpor_run_each(bench.store, "copy", see, NULL), TORPOR_OK);
  assert_non_null(strstr(bench.json, "\"count\":2"));
}

/* ---- what is refused ----------------------------------------------------- */

/* The old program has missed nothing of all that. */
static void expect_old_goes_on(void) {
  drive(1);
  look();
  assert_int_equal(bench.info.step, 4);
  assert_int_equal(bench.info.branch, 0);
  assert_int_equal(bench.info.signals, 0);
}

static void what_cannot_be_handed_over(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter("export default () => { throw new RangeError('no'); };");
  refuse(TORPOR_THROWN, "RangeError: no");
  write_exporter("throw new RangeError('at once');");
  refuse(TORPOR_THROWN, "RangeError: at once");
  write_exporter("export default async () => { throw 5; };");
  refuse(TORPOR_THROWN, "5");
  write_exporter("export default (");
  refuse(TORPOR_THROWN, "SyntaxError");
  write_exporter("export const state = 1;");
  refuse(TORPOR_NOT_FOUND, "default export");
  write_exporter("export default new Promise(() => {});");
  refuse(TORPOR_DEADLOCK, "waits");
  write_exporter(
      "import { sleep } from 'torpor:run'; await sleep(1); export default 1;");
  refuse(TORPOR_DEADLOCK, "waits");
  write_exporter("export default { f() {} };");
  refuse(TORPOR_WRONG_TYPE, "plain data");
  write_exporter("export default 'x'.repeat(65 << 20);");
  refuse(TORPOR_LIMIT, "64 MiB");
  write_exporter("import './missing.mjs'; export default 1;");
  refuse(TORPOR_THROWN, "missing.mjs");
  unlink(bench.exporter);
  refuse(TORPOR_NOT_FOUND, "out.mjs");
  expect_old_goes_on();
}

static void what_cannot_take_over(void **state) {
  (void)state;
  start_old();
  write_exporter("export default 1;");
  refuse(TORPOR_NOT_FOUND, "new.mjs");
  write_new("export default (");
  refuse(TORPOR_THROWN, "SyntaxError");
  write_new("import './missing.mjs';");
  refuse(TORPOR_NOT_FOUND, "missing.mjs");
  expect_old_goes_on();
}

static void an_endless_exporter_meets_the_deadline(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(bench.old_file, OLD);
  options.file = bench.old_file;
  options.id = "run";
  options.deadline_ms = 50;
  assert_int_equal(torpor_run_add(bench.store, &options, id), TORPOR_OK);
  drive(1);
  write_new(NEW);
  write_exporter("for (;;);");
  refuse(TORPOR_INTERRUPTED, "");
}

static void no_exporter_at_all(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  assert_int_equal(upgrade(false, false, NULL), TORPOR_MISUSE);
  assert_non_null(strstr(torpor_store_error(bench.store), "exportState"));
  assert_non_null(strstr(torpor_store_error(bench.store), "exporter"));
}

static void runs_that_have_not_begun_or_have_ended(void **state) {
  (void)state;
  write_new(NEW);
  write_exporter("export default 1;");
  assert_int_equal(upgrade(true, false, NULL), TORPOR_NOT_FOUND);
  add_old(OLD);
  refuse(TORPOR_MISUSE, "has not begun");
  drive(1);
  assert_int_equal(torpor_run_cancel(bench.store, "run", true), TORPOR_OK);
  refuse(TORPOR_ENDED, "run");
  /* Rows that are left and damaged say nothing new about it. */
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)bench.store->database,
                          "INSERT INTO result(run, branch, operation, outcome, "
                          "value) VALUES(1, 0, 1, 77, x'')"),
      TORPOR_OK);
  refuse(TORPOR_ENDED, "run");
}

static void upgrade_while_worked(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind != TORPOR_EVENT_COMMIT) return;
  torpor_store *store;
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  options.file = bench.new_file;
  options.exporter = bench.exporter;
  assert_int_equal(torpor_store_open(bench.path, NULL, &store), TORPOR_OK);
  for (int dry = 0; dry < 2; dry++) {
    options.dry_run = dry;
    assert_int_equal(torpor_run_upgrade(store, "run", &options, NULL),
                     TORPOR_LOCKED);
    assert_non_null(strstr(torpor_store_error(store), "worker"));
  }
  torpor_store_close(store);
  torpor_worker_stop(bench.worker);
  bench.commits = 1;
}

static void a_run_that_is_worked_is_left_alone(void **state) {
  (void)state;
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  add_old(OLD);
  write_new(NEW);
  write_exporter("export default 1;");
  options.event = upgrade_while_worked;
  assert_int_equal(torpor_worker_open(bench.store, &options, &bench.worker),
                   TORPOR_OK);
  assert_int_equal(torpor_worker_add(bench.worker, "run"), TORPOR_OK);
  assert_int_equal(torpor_worker_run(bench.worker), TORPOR_OK);
  torpor_worker_close(bench.worker);
  assert_int_equal(bench.commits, 1);
}

/* ---- dying --------------------------------------------------------------- */

static enum torpor__fault_point deadly;

static void die(enum torpor__fault_point point) {
  if (point == deadly) raise(SIGKILL);
}

static void die_at(enum torpor__fault_point point) {
  pid_t pid = fork();
  if (pid == 0) {
    deadly = point;
    torpor__fault_hook = die;
    open_store();
    upgrade(true, false, NULL);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void dying_leaves_the_old_or_the_new(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  torpor_store_close(bench.store);
  bench.store = NULL;
  die_at(TORPOR__FAULT_UPGRADE_BEFORE);
  open_store();
  look();
  assert_int_equal(bench.info.branch, 0);
  assert_int_equal(bench.info.operations, 4);
  torpor_store_close(bench.store);
  bench.store = NULL;
  die_at(TORPOR__FAULT_UPGRADE_AFTER);
  open_store();
  expect_new();
}

/* Another process ends the run when its state has just been handed over. */
static void kill_then(enum torpor__fault_point point) {
  torpor_store *other;
  if (point != TORPOR__FAULT_UPGRADE_READ) return;
  torpor__fault_hook = NULL;
  assert_int_equal(torpor_store_open(bench.path, NULL, &other), TORPOR_OK);
  assert_int_equal(torpor_run_cancel(other, "run", true), TORPOR_OK);
  torpor_store_close(other);
}

static void an_upgrade_that_meets_a_kill(void **state) {
  (void)state;
  start_old();
  write_new(NEW);
  write_exporter("export default () => globalThis.state;");
  torpor__fault_hook = kill_then;
  torpor_status status = upgrade(true, false, NULL);
  torpor__fault_hook = NULL;
  assert_int_equal(status, TORPOR_ENDED);
  look();
  assert_int_equal(bench.info.state, TORPOR_RUN_KILLED);
  assert_int_equal(bench.info.branch, 0);
  assert_string_equal(bench.reason, "killed by request");
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(an_exporter_hands_over),
      ON_BENCH(plain_data_hands_over),
      ON_BENCH(the_program_hands_over),
      ON_BENCH(a_dry_run_changes_nothing),
      ON_BENCH(a_parked_run_goes_on_in_new_code),
      ON_BENCH(the_programs_of_a_run_are_told),
      ON_BENCH(an_upgrade_of_an_upgrade),
      ON_BENCH(the_old_engine_is_not_needed_any_more),
      ON_BENCH(what_is_handed_over_is_encrypted),
      ON_BENCH(an_exporter_imports),
      ON_BENCH(rewinding_undoes_it),
      ON_BENCH(upgrading_again_and_again),
      ON_BENCH(rewinding_to_the_beginning),
      ON_BENCH(a_fork_is_upgraded_too),
      ON_BENCH(what_cannot_be_handed_over),
      ON_BENCH(what_cannot_take_over),
      ON_BENCH(an_endless_exporter_meets_the_deadline),
      ON_BENCH(no_exporter_at_all),
      ON_BENCH(runs_that_have_not_begun_or_have_ended),
      ON_BENCH(a_run_that_is_worked_is_left_alone),
      ON_BENCH(dying_leaves_the_old_or_the_new),
      ON_BENCH(an_upgrade_that_meets_a_kill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
