/* SPDX-License-Identifier: MIT */
/* test_run_alloc.c - everything that can be asked of a store, with one
 * allocation after the other that fails.
 *
 * See failing-malloc.h. Each time the call either does what it should or gives
 * NOMEM and a sentence; the store, opened again, is as before or as after.
 * Under the sanitizer nothing leaks. In the usual tier some are left out.
 *
 *     TORPOR_SCENE   the only call that is tried; "opening": that of the store
 *
 * ctest: slow full timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing-malloc.h"
#include "test/support/bench.h"
#include "test/support/file.h"

/* After the first ones some are left out, but in the full tier. */
enum { EACH = 4, SKIPPED = 60 };

static void need(torpor_status status) {
  if (status != TORPOR_OK)
    fail_msg("%s: %s", torpor_status_name(status),
             torpor_store_error(run_bench.store));
}

/* ---- The store -----------------------------------------------------------*/

#define PROGRAM                                                                \
  "import { signal, exportState, onUpgrade } from 'torpor:run';"               \
  "import { word } from './lib.mjs';"                                          \
  "exportState(() => ({ word }));"                                             \
  "onUpgrade(() => {});"                                                       \
  "const all = globalThis.Headers && new Headers();"                           \
  "for (;;) {"                                                                 \
  "  const n = await signal('go');"                                            \
  "  all?.append('n', n);"                                                     \
  "  console.log(word, n, all?.get('n'));"                                     \
  "  if (n === 9) break;"                                                      \
  "}"

static char library[128], id[TORPOR_RUN_ID_SIZE];
static torpor_bytes template, carried, carried_extended;

static torpor_run_options new_run(void) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = run_bench.file;
  options.id = "new";
  return options;
}

/* A run with an extension, whose module the store keeps. */
static torpor_status add_with_extension(torpor_store *store, const char *name) {
  static char module[512];
  const char *const extensions[] = {module};
  torpor_run_options options = new_run();
  snprintf(module, sizeof module, "%s/extensions/headers.wasm",
           getenv("TORPOR_BUILD"));
  options.id = name;
  options.keep = 5;
  options.extensions = extensions;
  options.extension_count = 1;
  return torpor_run_add(store, &options, id);
}

/* A run that waits, with a signal that it does not want, one that has ended,
 * one that was parked, and two with an extension: one waits, one has ended. */
static void make_template(void) {
  snprintf(library, sizeof library, "%s/lib.mjs", run_bench.folder);
  test_file_write_text(library, "export const word = 'got';");
  run_bench_add("run", PROGRAM, 5);
  run_bench_signals("run", 1, 3);
  run_bench_drive("run", 4);
  need(torpor_run_signal(run_bench.store, "run", "other", NULL, 0));
  need(torpor_run_fork(run_bench.store, "run", 2, "ended", id));
  need(torpor_run_cancel(run_bench.store, "ended", true));
  need(add_with_extension(run_bench.store, "extended"));
  run_bench_signals("extended", 1, 2);
  run_bench_drive("extended", 3);
  need(torpor_run_fork(run_bench.store, "extended", 2, "over", id));
  need(torpor_run_cancel(run_bench.store, "over", true));
  run_bench_add("late", PROGRAM, 5);
  need(torpor_run_cancel(run_bench.store, "late", true));
  need(torpor_run_export(run_bench.store, "run", 3, &carried));
  need(torpor_run_export(run_bench.store, "extended", 2, &carried_extended));
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  template = test_file_read(run_bench.path);
  assert_non_null(template.data);
}

static void put_template(void) {
  static const char *const ends[] = {"-wal", "-shm", "-locks"};
  char path[128];
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    snprintf(path, sizeof path, "%s%s", run_bench.path, ends[i]);
    unlink(path);
  }
  FILE *file = fopen(run_bench.path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(template.data, 1, template.size, file),
                   template.size);
  assert_int_equal(fclose(file), 0);
}

/* What there is, as text. */
struct seen {
  char text[8192];
  size_t size;
  char ids[16][TORPOR_RUN_ID_SIZE];
  size_t count;
};

static bool see_run(void *user, const torpor_run_info *info) {
  struct seen *seen = user;
  seen->size +=
      (size_t)snprintf(seen->text + seen->size, sizeof seen->text - seen->size,
                       "%s %s %s %d/%d lines %d signals %d waits %d '%s'\n",
                       info->id, info->file, torpor_run_state_name(info->state),
                       (int)info->branch, (int)info->step, (int)info->lines,
                       (int)info->signals, (int)info->operations, info->reason);
  assert_true(seen->count < 16 && seen->size < sizeof seen->text);
  snprintf(seen->ids[seen->count++], TORPOR_RUN_ID_SIZE, "%s", info->id);
  return true;
}

static bool see_step(void *user, const torpor_run_step *step) {
  struct seen *seen = user;
  seen->size +=
      (size_t)snprintf(seen->text + seen->size, sizeof seen->text - seen->size,
                       " %d/%d", (int)step->branch, (int)step->step);
  return true;
}

static bool see_version(void *user, const torpor_run_version *version) {
  struct seen *seen = user;
  seen->size +=
      (size_t)snprintf(seen->text + seen->size, sizeof seen->text - seen->size,
                       " v%d", (int)version->number);
  return true;
}

/* Opens the store again, looks at all of it, and closes it. */
static char *look(void) {
  struct seen seen = {.size = 0};
  torpor_bytes bytes;
  need(torpor_store_open(run_bench.path, NULL, &run_bench.store));
  need(torpor_run_each(run_bench.store, NULL, see_run, &seen));
  for (size_t i = 0; i < seen.count; i++) {
    need(torpor_run_steps(run_bench.store, seen.ids[i], see_step, &seen));
    need(torpor_run_versions(run_bench.store, seen.ids[i], see_version, &seen));
    if (strcmp(seen.ids[i], "late") == 0) continue; /* it never began */
    torpor_status status = torpor_run_snapshot(run_bench.store, seen.ids[i],
                                               TORPOR_RUN_NEWEST, &bytes);
    if (status != TORPOR_NOT_FOUND) need(status);
    torpor_bytes_free(&bytes);
  }
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  return strdup(seen.text);
}

/* ---- What is asked -------------------------------------------------------*/

static bool go_on_run(void *user, const torpor_run_info *row) {
  return user == NULL || row == NULL;
}

static bool go_on_line(void *user, const torpor_run_line *row) {
  return user == NULL || row == NULL;
}

static bool go_on_operation(void *user, const torpor_run_operation *row) {
  return user == NULL || row == NULL;
}

static bool go_on_mail(void *user, const torpor_run_mail *row) {
  return user == NULL || row == NULL;
}

static bool go_on_step(void *user, const torpor_run_step *row) {
  return user == NULL || row == NULL;
}

static bool go_on_version(void *user, const torpor_run_version *row) {
  return user == NULL || row == NULL;
}

/* The run that a scene is about, or the one it came from. */
static const char *subject;

static torpor_status list(torpor_store *store) {
  torpor_run_list_options options = TORPOR_RUN_LIST_OPTIONS_INIT;
  options.states = TORPOR_RUN_LISTED(TORPOR_RUN_READY) |
                   TORPOR_RUN_LISTED(TORPOR_RUN_KILLED);
  options.program = run_bench.file;
  options.limit = 10;
  torpor_status status = torpor_run_list(store, &options, go_on_run, NULL);
  options.program = NULL;
  if (status != TORPOR_OK) return status;
  return torpor_run_list(store, &options, go_on_run, NULL);
}

static torpor_status each(torpor_store *store) {
  return torpor_run_each(store, "run", go_on_run, NULL);
}

static torpor_status lines(torpor_store *store) {
  torpor_run_mark mark = TORPOR_RUN_MARK_INIT;
  torpor_status status = torpor_run_lines(store, "run", 0, go_on_line, NULL);
  if (status != TORPOR_OK) return status;
  return torpor_run_lines_since(store, "run", &mark, go_on_line, NULL);
}

static torpor_status operations(torpor_store *store) {
  torpor_status status =
      torpor_run_operations(store, "run", go_on_operation, NULL);
  if (status != TORPOR_OK) return status;
  return torpor_run_mailbox(store, "run", go_on_mail, NULL);
}

static torpor_status steps(torpor_store *store) {
  torpor_status status = torpor_run_steps(store, "run", go_on_step, NULL);
  if (status != TORPOR_OK) return status;
  return torpor_run_versions(store, "run", go_on_version, NULL);
}

static torpor_status snapshot(torpor_store *store) {
  torpor_bytes bytes;
  torpor_status status =
      torpor_run_snapshot(store, subject, TORPOR_RUN_NEWEST, &bytes);
  torpor_bytes_free(&bytes);
  return status;
}

static torpor_status export(torpor_store *store) {
  torpor_bytes bytes;
  torpor_status status =
      torpor_run_export(store, subject, TORPOR_RUN_NEWEST, &bytes);
  torpor_bytes_free(&bytes);
  return status;
}

static torpor_status add(torpor_store *store) {
  const torpor_run_options options = new_run();
  return torpor_run_add(store, &options, id);
}

static torpor_status add_many(torpor_store *store) {
  const torpor_run_options options = new_run();
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  torpor_slice inputs[3] = {{0}};
  batch.inputs = inputs;
  batch.count = 3;
  return torpor_run_add_many(store, &options, &batch, NULL, NULL);
}

static torpor_status fork_run(torpor_store *store) {
  return torpor_run_fork(store, subject, 2, "new", id);
}

static torpor_status rewind_run(torpor_store *store) {
  return torpor_run_rewind(store, subject, 2);
}

static torpor_status import(torpor_store *store) {
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = "new";
  const torpor_bytes *file =
      strcmp(subject, "extended") == 0 ? &carried_extended : &carried;
  return torpor_run_import(store, file->data, file->size, &options, id);
}

static torpor_status tell(torpor_store *store) {
  return torpor_run_signal(store, "run", "go", NULL, 0);
}

static torpor_status drop(torpor_store *store) {
  return torpor_run_mail_drop(store, "run", 4);
}

static torpor_status cancel(torpor_store *store) {
  return torpor_run_cancel(store, "run", true);
}

static torpor_status prune(torpor_store *store) {
  return torpor_run_prune(store, "run", 1, false, NULL);
}

/* One run after the other, so that only a look at all leaves them alike. */
static torpor_status prune_all(torpor_store *store) {
  return torpor_run_prune(store, NULL, 1, true, NULL);
}

static torpor_status remove_runs(torpor_store *store) {
  const char *const ids[] = {"ended", "late"};
  return torpor_run_remove(store, ids, 2, NULL);
}

static torpor_status remove_ended(torpor_store *store) {
  return torpor_run_remove_ended(store, INT64_MAX, false, NULL);
}

static torpor_status upgrade(torpor_store *store) {
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  torpor_run_upgrade_report report = TORPOR_RUN_UPGRADE_REPORT_INIT;
  options.file = run_bench.file;
  torpor_status status = torpor_run_upgrade(store, subject, &options, &report);
  torpor_run_upgrade_report_free(&report);
  return status;
}

static torpor_status add_extended(torpor_store *store) {
  return add_with_extension(store, "new");
}

static torpor_status remove_extended(torpor_store *store) {
  const char *const ids[] = {"over"};
  return torpor_run_remove(store, ids, 1, NULL);
}

struct scene {
  const char *name;
  torpor_status (*play)(torpor_store *store);
  const char *subject; /* NULL: "run" */
};

static const struct scene scenes[] = {
    {"list", list, NULL},
    {"each", each, NULL},
    {"lines", lines, NULL},
    {"operations", operations, NULL},
    {"steps", steps, NULL},
    {"snapshot", snapshot, NULL},
    {"export", export, NULL},
    {"add", add, NULL},
    {"add_many", add_many, NULL},
    {"fork", fork_run, NULL},
    {"rewind", rewind_run, NULL},
    {"import", import, NULL},
    {"signal", tell, NULL},
    {"mail_drop", drop, NULL},
    {"cancel", cancel, NULL},
    {"prune", prune, NULL},
    {"prune_all", prune_all, NULL},
    {"remove", remove_runs, NULL},
    {"remove_ended", remove_ended, NULL},
    {"upgrade", upgrade, NULL},
    {"add_extended", add_extended, NULL},
    {"snapshot_extended", snapshot, "extended"},
    {"export_extended", export, "extended"},
    {"fork_extended", fork_run, "extended"},
    {"rewind_extended", rewind_run, "extended"},
    {"import_extended", import, "extended"},
    {"upgrade_extended", upgrade, "extended"},
    {"remove_extended", remove_extended, NULL},
};

/* ---- One after the other -------------------------------------------------*/

/* Opens the store and plays the scene; the allocation after 'number' others
 * fails. '*opened' counts those of opening it, where that fails. */
static torpor_status play(const struct scene *scene, long number, bool opening,
                          char message[512]) {
  subject = scene->subject != NULL ? scene->subject : "run";
  begin_failing(opening ? number : LONG_MAX);
  torpor_status status =
      torpor_store_open(run_bench.path, NULL, &run_bench.store);
  if (!opening) atomic_store(&left, number);
  if (status == TORPOR_OK && !opening) status = scene->play(run_bench.store);
  atomic_store(&playing, false);
  snprintf(message, 512, "%s", torpor_store_error(run_bench.store));
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  return status;
}

/* The store as the scene leaves it when nothing fails. */
static char *look_after(const struct scene *scene) {
  char message[512];
  put_template();
  torpor_status status = play(scene, LONG_MAX, false, message);
  if (status != TORPOR_OK) fail_msg("%s: %s", scene->name, message);
  return look();
}

static int complaints;

static void complain(const struct scene *scene, long number,
                     torpor_status status, const char *what) {
  print_error("%s, allocation %ld, %s: %s\n", scene->name, number,
              torpor_status_name(status), what);
  complaints++;
}

static void check_scene(const struct scene *scene, const char *before,
                        bool opening) {
  char message[512], *after = look_after(scene);
  bool full =
      strcmp(getenv("TORPOR_TIER") ? getenv("TORPOR_TIER") : "", "full") == 0;
  long number = 0, told = 0;
  bool failed;
  do {
    put_template();
    torpor_status status = play(scene, number, opening, message);
    failed = has_failed();
    if (status != TORPOR_OK && (status != TORPOR_NOMEM || message[0] == '\0'))
      complain(scene, number, status, message);
    told += status != TORPOR_OK;
    char *now = look();
    bool done = strcmp(now, after) == 0;
    if (!opening && !done && (status == TORPOR_OK || strcmp(now, before) != 0))
      complain(scene, number, status, now);
    free(now);
    number += full || number < EACH ? 1 : 1 + random() % SKIPPED;
  } while (failed);
  free(after);
  print_message("%s%s: %ld allocations, %ld told\n",
                opening ? "opening for " : "", scene->name, number, told);
  assert_true(told > 0);
}

static int set_up(void **state) {
  if (run_bench_open(state) != 0) return -1;
  make_template();
  return 0;
}

static int tear_down(void **state) {
  torpor_bytes_free(&template);
  torpor_bytes_free(&carried);
  torpor_bytes_free(&carried_extended);
  unlink(library);
  return run_bench_close(state);
}

static void each_allocation_fails(void **state) {
  (void)state;
  put_template();
  char *before = look();
  const char *only = getenv("TORPOR_SCENE");
  for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
    if (only == NULL || strcmp(only, scenes[i].name) == 0)
      check_scene(&scenes[i], before, false);
  if (only == NULL || strcmp(only, "opening") == 0)
    check_scene(&scenes[0], before, true);
  free(before);
  assert_int_equal(complaints, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_allocation_fails, set_up, tear_down),
  };
  if (!spare_libuv()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
