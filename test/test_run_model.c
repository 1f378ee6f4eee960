/* SPDX-License-Identifier: MIT */
/* test_run_model.c - random histories of runs in a store, against a simple
 * model.
 *
 * A history is a list of moves, made from a seed: runs are made, driven,
 * forked, rewound, upgraded, exported, imported, pruned, ended and removed. The
 * model is what there should be: states, console lines, mailboxes, programs
 * (run-model.h). After each move the store is looked at, and must say the same.
 * It has no rows of runs that are gone, and the source of each program, and the
 * module of each extension, once.
 *
 * Some of the programs keep what they count in objects of native extensions, or
 * in the memory of one, and their runs keep these extensions.
 *
 * Some moves are made by another process, which is killed at any moment. Then
 * the store is as before the move, or as after it; or as after one of the steps
 * that it takes.
 *
 *     TORPOR_HISTORIES   how many seeds (25, or 1,000 in the full tier)
 *     TORPOR_SEED        the first one (1)
 * ctest: slow full timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "test/support/bench.h"
#include "test/support/counting-program.h"
#include "test/support/file.h"
#include "test/support/run-model.h"

enum { MOVES = 40, BAGS = 3, PROGRAMS = 3 };

/* ---- What there should be ------------------------------------------------*/

/* A run that was exported. */
struct bag {
  torpor_bytes bytes;
  struct run run;
  struct state state;
};

static struct world world;
static struct bag bags[BAGS];

/* ---- What there is -------------------------------------------------------*/

static void need(torpor_status status) {
  if (status != TORPOR_OK)
    fail_msg("%s: %s", torpor_status_name(status),
             torpor_store_error(run_bench.store));
}

static bool see_run(void *user, const torpor_run_info *info) {
  struct world *real = user;
  struct run *run = run_model_take_place(real);
  snprintf(run->id, sizeof run->id, "%s", info->id);
  snprintf(run->parent_id, sizeof run->parent_id, "%s", info->parent);
  run->keep = info->keep;
  run->keep_lines = info->keep_lines;
  run->state = info->state;
  run->branch = info->branch;
  run->step = info->step;
  run->line_count = info->lines;
  run->dropped = info->lines_dropped;
  run->mail_count = info->signals;
  torpor_bytes json;
  if (info->value == NULL || info->state != TORPOR_RUN_DONE) return true;
  need(torpor_cbor_to_json(info->value, info->value_size, &json));
  run->sum = atoi((char *)json.data);
  torpor_bytes_free(&json);
  return true;
}

static bool see_step(void *user, const torpor_run_step *step) {
  struct run *run = user;
  assert_true(run->state_count < STATES_MOST);
  run->states[run->state_count++] =
      (struct state){.branch = step->branch,
                     .step = step->step,
                     .parent_step = step->parent_step};
  return true;
}

static bool see_version(void *user, const torpor_run_version *version) {
  struct run *run = user;
  assert_int_equal(version->number, run->version_count);
  assert_true(run->version_count < VERSIONS_MOST);
  run->versions[run->version_count++].start = version->start;
  return true;
}

struct lines {
  struct run *run;
  size_t count;
};

static bool see_line(void *user, const torpor_run_line *line) {
  struct lines *lines = user;
  assert_true(lines->count < LINES_MOST);
  struct line *to = &lines->run->lines[lines->count++];
  *to = (struct line){line->branch, line->step, line->number, ""};
  snprintf(to->text, sizeof to->text, "%.*s", (int)line->size, line->text);
  return true;
}

static bool see_mail(void *user, const torpor_run_mail *mail) {
  (void)mail;
  ++*(size_t *)user;
  return true;
}

static void look(struct world *real) {
  *real = (struct world){0};
  need(torpor_run_each(run_bench.store, NULL, see_run, real));
  for (int i = 0; i < RUNS_MOST && real->runs[i].there; i++) {
    struct run *run = &real->runs[i];
    struct lines lines = {.run = run};
    size_t mail = 0;
    need(torpor_run_steps(run_bench.store, run->id, see_step, run));
    need(torpor_run_versions(run_bench.store, run->id, see_version, run));
    need(torpor_run_lines(run_bench.store, run->id, 0, see_line, &lines));
    need(torpor_run_mailbox(run_bench.store, run->id, see_mail, &mail));
    assert_int_equal(lines.count, run->line_count);
    assert_int_equal(mail, run->mail_count);
  }
}

/* ---- Rows ----------------------------------------------------------------*/

static int64_t ask(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int64_t number = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return number;
}

static int64_t count_sources(void) {
  bool mains[PROGRAMS][COUNTING_SETS] = {0}, libs[PROGRAMS] = {0},
       kept[COUNTING_MODULES] = {0};
  int64_t count = 0;
  for (int i = 0; i < RUNS_MOST; i++) {
    const struct run *run = &world.runs[i];
    for (int j = 0; run->there && j < run->version_count; j++) {
      const struct version *version = &run->versions[j];
      const struct counting_set *set = &counting_sets[version->extensions];
      mains[version->main][version->extensions] = true;
      libs[version->lib] = true;
      for (int k = 0; k < set->count; k++) kept[set->modules[k]] = true;
    }
  }
  for (int i = 0; i < PROGRAMS; i++) {
    for (int j = 0; j < COUNTING_SETS; j++) count += mains[i][j];
    count += libs[i];
  }
  for (int i = 0; i < COUNTING_MODULES; i++) count += kept[i];
  return count;
}

/* Whether each program of a run names its extensions, and no others. */
static void check_extensions(sqlite3 *db, const struct run *run) {
  char sql[256];
  for (int i = 0; i < run->version_count; i++) {
    const struct counting_set *set =
        &counting_sets[run->versions[i].extensions];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM file JOIN run ON number = run WHERE "
             "id = '%s' AND edition = %d AND name GLOB 'extension:*'",
             run->id, i);
    if (ask(db, sql) != set->count)
      fail_msg("%s: program %d has other extensions", run->id, i);
    for (int j = 0; j < set->count; j++) {
      snprintf(sql, sizeof sql,
               "SELECT count(*) FROM file JOIN run ON number = run WHERE "
               "id = '%s' AND edition = %d AND name = 'extension:%d' AND "
               "hash = X'%s'",
               run->id, i, j + 1, counting_modules[set->modules[j]].hash);
      if (ask(db, sql) != 1)
        fail_msg("%s: program %d has no %s", run->id, i,
                 counting_modules[set->modules[j]].name);
    }
  }
}

static void check_rows(bool whole) {
  static const char *const tables[] = {
      "head",   "file",   "edition", "exit",    "state", "branch",   "kind",
      "result", "signal", "line",    "console", "news",  "operation"};
  sqlite3 *db;
  char sql[160];
  assert_int_equal(sqlite3_open(run_bench.path, &db), SQLITE_OK);
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM %s WHERE run NOT IN (SELECT number FROM "
             "run)",
             tables[i]);
    if (ask(db, sql) != 0) fail_msg("table %s has rows of nobody", tables[i]);
  }
  assert_int_equal(ask(db, "SELECT count(*) FROM removed"), 0);
  assert_int_equal(ask(db, "SELECT count(*) FROM source"), count_sources());
  assert_int_equal(ask(db,
                       "SELECT count(*) FROM file WHERE hash NOT IN (SELECT "
                       "hash FROM source)"),
                   0);
  for (int i = 0; i < RUNS_MOST; i++)
    if (world.runs[i].there) check_extensions(db, &world.runs[i]);
  if (whole)
    assert_int_equal(ask(db,
                         "SELECT count(*) FROM pragma_integrity_check WHERE "
                         "integrity_check <> 'ok'"),
                     0);
  sqlite3_close(db);
}

/* ---- Sleeping VMs --------------------------------------------------------*/

/* Whether the VM of a kept state has the extensions of its program, in their
 * order, and no others. */
static void check_state(const struct run *run, const struct state *state) {
  const struct counting_set *set =
      &counting_sets[run->versions[state->version].extensions];
  torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
  torpor_bytes asleep;
  torpor_vm *vm;
  need(torpor_run_snapshot(run_bench.store, run->id, state->step, &asleep));
  assert_int_equal(torpor_snapshot_restore(asleep.data, asleep.size, NULL, &vm),
                   TORPOR_OK);
  assert_int_equal(torpor_vm_extension_count(vm), set->count);
  for (int i = 0; i < set->count; i++) {
    assert_int_equal(torpor_vm_extension_at(vm, (size_t)i, &info), TORPOR_OK);
    assert_string_equal(info.hash, counting_modules[set->modules[i]].hash);
  }
  torpor_vm_close(vm);
  torpor_bytes_free(&asleep);
}

static void check_states(void) {
  for (int i = 0; i < RUNS_MOST; i++) {
    const struct run *run = &world.runs[i];
    for (size_t j = 0; run->there && j < run->state_count; j++)
      if (run_model_find_state(run, run->states[j].step) == &run->states[j])
        check_state(run, &run->states[j]);
  }
}

/* ---- Moves ---------------------------------------------------------------*/

#define KINDS(X)                                                               \
  X(ADD, 4)                                                                    \
  X(ADD_MANY, 1)                                                               \
  X(DRIVE, 8)                                                                  \
  X(TELL, 8)                                                                   \
  X(FORK, 3)                                                                   \
  X(REWIND, 3)                                                                 \
  X(UPGRADE, 3)                                                                \
  X(END, 1)                                                                    \
  X(REMOVE, 3)                                                                 \
  X(REMOVE_OLD, 1)                                                             \
  X(PRUNE, 2)                                                                  \
  X(EXPORT, 2)                                                                 \
  X(IMPORT, 2)                                                                 \
  X(REOPEN, 1)

enum kind {
#define X(name, often) name,
  KINDS(X)
#undef X
      KIND_COUNT
};

struct move {
  enum kind kind;
  bool named;                     /* the extensions of an upgrade */
  bool deadly;                    /* made by a process that is killed */
  char id[TORPOR_RUN_ID_SIZE];    /* a run */
  char other[TORPOR_RUN_ID_SIZE]; /* one that is made, or removed, too */
  int main, lib, extensions, input;
  uint64_t keep, keep_lines;
  int64_t step;
  int numbers[3], count;
  int bag;
  int64_t before_ms;
  torpor_status expected;
};

static uint64_t seed;

static int draw(int limit) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (int)((seed >> 33) % (uint64_t)limit);
}

static enum kind draw_kind(void) {
  static const int often[] = {
#define X(name, often) often,
      KINDS(X)
#undef X
  };
  int sum = 0, at, kind = 0;
  for (int i = 0; i < KIND_COUNT; i++) sum += often[i];
  at = draw(sum);
  while (at >= often[kind]) at -= often[kind++];
  return (enum kind)kind;
}

static int count_runs(void) {
  int count = 0;
  for (int i = 0; i < RUNS_MOST; i++) count += world.runs[i].there;
  return count;
}

/* Some run that is there; NULL when there is none. */
static struct run *draw_run(void) {
  int at = draw(RUNS_MOST);
  for (int i = 0; i < RUNS_MOST; i++)
    if (world.runs[(at + i) % RUNS_MOST].there)
      return &world.runs[(at + i) % RUNS_MOST];
  return NULL;
}

/* The runs of a batch. */
static void name_many(const char *id, int which, char name[96]) {
  snprintf(name, 96, "%s-%d", id, which);
}

/* An id that nobody has, perhaps one that somebody had. */
static void draw_id(char id[TORPOR_RUN_ID_SIZE]) {
  char first[96], second[96];
  do {
    snprintf(id, TORPOR_RUN_ID_SIZE, "r%d", draw(3 * RUNS_MOST));
    name_many(id, 0, first);
    name_many(id, 1, second);
  } while (run_model_find(&world, id) != NULL ||
           run_model_find(&world, first) != NULL ||
           run_model_find(&world, second) != NULL);
}

static bool choose_remove(struct move *move, const struct run *run) {
  const struct run *other = draw_run();
  move->expected = run_model_has_ended(run) ? TORPOR_OK : TORPOR_MISUSE;
  if (other == run || draw(2) == 0) return true;
  snprintf(move->other, sizeof move->other, "%s", other->id);
  if (draw(8) == 0) {
    snprintf(move->other, sizeof move->other, "nobody");
    if (move->expected == TORPOR_OK) move->expected = TORPOR_NOT_FOUND;
    return move->expected == TORPOR_NOT_FOUND;
  }
  if (!run_model_has_ended(other)) move->expected = TORPOR_MISUSE;
  return true;
}

/* A step that is kept, or the beginning. */
static int64_t draw_step(const struct run *run) {
  if (run->state_count == 0 || draw(8) == 0) return 0;
  return run->states[draw((int)run->state_count)].step;
}

static bool choose_for_run(struct move *move) {
  const struct run *run = draw_run();
  if (run == NULL) return false;
  snprintf(move->id, sizeof move->id, "%s", run->id);
  switch (move->kind) {
  case DRIVE:
    return run_model_can_step(run);
  case TELL:
    move->expected = run_model_has_ended(run) ? TORPOR_ENDED : TORPOR_OK;
    move->count = 1 + draw(3);
    for (int i = 0; i < move->count; i++)
      move->numbers[i] = draw(9) == 0 ? 0 : 1 + draw(3);
    return run->mail_count + 3 < MAIL_MOST && run->line_count + 32 < LINES_MOST;
  case FORK:
    draw_id(move->other);
    move->step = draw_step(run);
    return true;
  case REWIND:
    move->step = draw_step(run);
    return true;
  case UPGRADE:
    if (run->state == TORPOR_RUN_READY) move->expected = TORPOR_MISUSE;
    if (run_model_has_ended(run)) move->expected = TORPOR_ENDED;
    /* None that are named: those of the old program. */
    move->named = move->extensions > 0 && draw(2) == 0;
    if (!move->named) move->extensions = run->versions[run->version].extensions;
    return run->version_count < VERSIONS_MOST;
  case END:
    move->expected = run_model_has_ended(run) ? TORPOR_ENDED : TORPOR_OK;
    return true;
  case REMOVE:
    return choose_remove(move, run);
  case PRUNE:
    move->keep = (uint64_t)draw(4);
    return true;
  case EXPORT:
    move->bag = draw(BAGS);
    move->step = draw_step(run);
    move->deadly = false;
    return move->step > 0;
  default:
    return true;
  }
}

/* False: there is nothing that the move could be made with. */
static bool choose_move(struct move *move) {
  static const uint64_t keeps[] = {1, 2, 5, 10}, lines[] = {1, 3, 10, 10000};
  bool full = count_runs() + 3 > RUNS_MOST;
  *move = (struct move){.kind = draw_kind(),
                        .deadly = draw(4) == 0,
                        .main = draw(PROGRAMS),
                        .lib = draw(PROGRAMS),
                        .extensions = draw(COUNTING_SETS),
                        .input = draw(100),
                        .keep = keeps[draw(4)],
                        .keep_lines = lines[draw(4)]};
  switch (move->kind) {
  case ADD:
  case ADD_MANY:
    draw_id(move->id);
    return !full;
  case IMPORT:
    move->bag = draw(BAGS);
    draw_id(move->id);
    return !full && bags[move->bag].bytes.data != NULL;
  case REOPEN:
    return true;
  case FORK:
    return !full && choose_for_run(move);
  default:
    return choose_for_run(move);
  }
}

/* ---- What a move does to the model ---------------------------------------*/

static void model_add(struct world *in, const struct move *move, const char *id,
                      int input) {
  struct run *run = run_model_take_place(in);
  snprintf(run->id, sizeof run->id, "%.64s", id);
  run->versions[run->version_count++] =
      (struct version){move->main, move->lib, move->extensions, 0, input, 0};
  run->keep = move->keep;
  run->keep_lines = move->keep_lines;
  run->state = TORPOR_RUN_READY;
}

static void model_remove_old(struct world *in) {
  for (int i = 0; i < RUNS_MOST; i++)
    if (in->runs[i].there && run_model_has_ended(&in->runs[i]))
      in->runs[i].there = false;
}

static void model_fork(struct world *in, const struct move *move) {
  const struct run *from = run_model_find(in, move->id);
  struct run *copy = run_model_take_place(in);
  run_model_copy_from(copy, from, run_model_find_state(from, move->step));
  copy->parent = from->serial;
  snprintf(copy->id, sizeof copy->id, "%s", move->other);
}

static void model_rewind(struct run *run, int64_t step) {
  const struct state *found = run_model_find_state(run, step);
  const struct state from = found != NULL ? *found : (struct state){0};
  size_t kept = 0;
  for (size_t i = 0; i < run->state_count; i++)
    if (run->states[i].step < step) run->states[kept++] = run->states[i];
  run->state_count = kept;
  run_model_branch_from(run, found != NULL ? &from : NULL);
}

static void model_import(struct world *in, const struct move *move) {
  const struct bag *bag = &bags[move->bag];
  struct run *run = run_model_take_place(in);
  run_model_copy_from(run, &bag->run, &bag->state);
  snprintf(run->id, sizeof run->id, "%s", move->id);
  run->keep = move->keep;
  run->keep_lines = move->keep_lines;
}

/* One of the parts of a move, each of which is made whole or not at all. False:
 * there are no more. */
static bool model_part(struct world *in, const struct move *move, int part) {
  struct run *run = run_model_find(in, move->id);
  char id[96];
  if (move->kind == DRIVE) {
    if (!run_model_can_step(run)) return false;
    run_model_step(run);
    return true;
  }
  if (move->expected != TORPOR_OK || move->kind == EXPORT ||
      move->kind == REOPEN)
    return false;
  if (move->kind == TELL) {
    if (part == move->count) return false;
    run->mail[run->mail_count++] = move->numbers[part];
    return true;
  }
  if (part > 0) return false;
  switch (move->kind) {
  case ADD:
    model_add(in, move, move->id, move->input);
    break;
  case ADD_MANY:
    for (int i = 0; i < 2; i++) {
      name_many(move->id, i, id);
      model_add(in, move, id, move->input + i);
    }
    break;
  case FORK:
    model_fork(in, move);
    break;
  case REWIND:
    model_rewind(run, move->step);
    break;
  case UPGRADE:
    run_model_upgrade(run, move->main, move->lib, move->extensions);
    break;
  case END:
    run->state = TORPOR_RUN_KILLED;
    break;
  case REMOVE:
    run->there = false;
    if (move->other[0] != '\0') run_model_find(in, move->other)->there = false;
    break;
  case REMOVE_OLD:
    model_remove_old(in);
    break;
  case PRUNE:
    run_model_prune(run, move->keep > 0 || run_model_has_ended(run) ? move->keep
                                                                    : 1);
    break;
  default:
    model_import(in, move);
  }
  return true;
}

/* ---- What it does to the store -------------------------------------------*/

static torpor_bytes number(int value) {
  char json[16];
  torpor_bytes cbor;
  int size = snprintf(json, sizeof json, "%d", value);
  need(torpor_json_to_cbor(json, (size_t)size, &cbor));
  return cbor;
}

/* Those of a move, as files. */
static size_t name_files(const struct move *move, const char *files[2]) {
  const struct counting_set *set = &counting_sets[move->extensions];
  for (int i = 0; i < set->count; i++)
    files[i] = counting_modules[set->modules[i]].path;
  return (size_t)set->count;
}

static torpor_status real_add(const struct move *move) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  torpor_bytes inputs[] = {number(move->input), number(move->input + 1)};
  torpor_slice slices[2];
  const char *extensions[2];
  for (int i = 0; i < 2; i++)
    slices[i] = (torpor_slice){.data = inputs[i].data, .size = inputs[i].size};
  options.file = run_bench.file;
  options.id = move->id;
  options.keep = move->keep;
  options.keep_lines = move->keep_lines;
  options.input = inputs[0].data;
  options.input_size = inputs[0].size;
  options.extensions = extensions;
  options.extension_count = name_files(move, extensions);
  batch.inputs = slices;
  batch.count = 2;
  counting_program_write(move->main, move->lib, move->extensions);
  torpor_status status =
      move->kind == ADD
          ? torpor_run_add(run_bench.store, &options, id)
          : torpor_run_add_many(run_bench.store, &options, &batch, NULL, NULL);
  for (int i = 0; i < 2; i++) torpor_bytes_free(&inputs[i]);
  return status;
}

static torpor_status real_drive(const struct move *move) {
  struct run run = *run_model_find(&world, move->id);
  while (run_model_can_step(&run)) run_model_step(&run);
  run_bench_drive(move->id, run_model_has_ended(&run) ? 0 : run.step);
  return TORPOR_OK;
}

static torpor_status real_upgrade(const struct move *move) {
  torpor_run_upgrade_options options = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  const char *extensions[2];
  counting_program_write(move->main, move->lib, move->extensions);
  options.file = run_bench.file;
  options.extensions = extensions;
  options.extension_count = move->named ? name_files(move, extensions) : 0;
  return torpor_run_upgrade(run_bench.store, move->id, &options, NULL);
}

static torpor_status real_tell(const struct move *move) {
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < move->count; i++) {
    torpor_bytes cbor = number(move->numbers[i]);
    status = torpor_run_signal(run_bench.store, move->id, "go", cbor.data,
                               cbor.size);
    torpor_bytes_free(&cbor);
  }
  return status;
}

static torpor_status real_export(const struct move *move) {
  struct bag *bag = &bags[move->bag];
  const struct run *run = run_model_find(&world, move->id);
  torpor_bytes_free(&bag->bytes);
  bag->run = *run;
  bag->state = *run_model_find_state(run, move->step);
  bag->run.branch = bag->state.branch;
  bag->run.versions[0] = run->versions[bag->state.version];
  bag->run.versions[0].start = 0;
  bag->run.version_count = 1;
  bag->state.version = 0;
  return torpor_run_export(run_bench.store, move->id, move->step, &bag->bytes);
}

static torpor_status real_import(const struct move *move) {
  char id[TORPOR_RUN_ID_SIZE];
  const struct bag *bag = &bags[move->bag];
  torpor_run_import_options options = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  options.id = move->id;
  options.keep = move->keep;
  options.keep_lines = move->keep_lines;
  return torpor_run_import(run_bench.store, bag->bytes.data, bag->bytes.size,
                           &options, id);
}

static torpor_status real_remove(const struct move *move) {
  const char *const ids[] = {move->id, move->other};
  return torpor_run_remove(run_bench.store, ids, move->other[0] == '\0' ? 1 : 2,
                           NULL);
}

static torpor_status make_move(const struct move *move) {
  torpor_store *store = run_bench.store;
  char id[TORPOR_RUN_ID_SIZE];
  switch (move->kind) {
  case ADD:
  case ADD_MANY:
    return real_add(move);
  case DRIVE:
    return real_drive(move);
  case TELL:
    return real_tell(move);
  case FORK:
    return torpor_run_fork(store, move->id, move->step, move->other, id);
  case REWIND:
    return torpor_run_rewind(store, move->id, move->step);
  case UPGRADE:
    return real_upgrade(move);
  case END:
    return torpor_run_cancel(store, move->id, true);
  case REMOVE:
    return real_remove(move);
  case REMOVE_OLD:
    return torpor_run_remove_ended(store, INT64_MAX, false, NULL);
  case PRUNE:
    return torpor_run_prune(store, move->id, move->keep, false, NULL);
  case EXPORT:
    return real_export(move);
  case IMPORT:
    return real_import(move);
  default:
    run_bench_reopen(NULL);
    return TORPOR_OK;
  }
}

/* ---- A history -----------------------------------------------------------*/

/* Lets another process make the move, and kills it. */
static void make_deadly(const struct move *move) {
  long delay = draw(1 << (10 + draw(5))) * 1000L;
  torpor_store_close(run_bench.store);
  run_bench.store = NULL;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (torpor_store_open(run_bench.path, NULL, &run_bench.store) == TORPOR_OK)
      make_move(move);
    _exit(0);
  }
  nanosleep(&(struct timespec){.tv_nsec = delay}, NULL);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  assert_int_equal(torpor_store_open(run_bench.path, NULL, &run_bench.store),
                   TORPOR_OK);
}

static const char *const names[] = {
#define X(name, often) #name,
    KINDS(X)
#undef X
};

/* Finds the part of the move after which the store is as the model; a move that
 * was not killed is made whole. */
static void compare(const struct move *move) {
  static struct world real, before;
  char first[sizeof run_model_difference] = "";
  int part = 0;
  look(&real);
  before = world;
  while (!move->deadly && model_part(&world, move, part)) part++;
  while (!run_model_is_same(&world, &real)) {
    if (first[0] == '\0')
      snprintf(first, sizeof first, "%s", run_model_difference);
    if (!move->deadly || !model_part(&world, move, part++)) {
      world = before;
      fail_msg("%s%s %s%s%s (step %d, keep %d): %s", names[move->kind],
               move->deadly ? ", killed," : "", move->id,
               move->other[0] ? " and " : "", move->other, (int)move->step,
               (int)move->keep, first);
    }
  }
  for (int i = 0; i < RUNS_MOST; i++)
    if (world.runs[i].there)
      run_model_learn(&world.runs[i], run_model_find(&real, world.runs[i].id));
}

static void live(int moves) {
  for (int i = 0; i < moves; i++) {
    struct move move;
    while (!choose_move(&move)) continue;
    if (getenv("TORPOR_VERBOSE") != NULL)
      print_message("%s%s %s %s step %d keep %d\n", names[move.kind],
                    move.deadly ? ", killed," : "", move.id, move.other,
                    (int)move.step, (int)move.keep);
    if (move.deadly) {
      make_deadly(&move);
    } else {
      torpor_status status = make_move(&move);
      if (status != move.expected)
        fail_msg("%s %s %s gave %s: %s", names[move.kind], move.id, move.other,
                 torpor_status_name(status),
                 torpor_store_error(run_bench.store));
    }
    compare(&move);
    check_rows(i == moves - 1);
  }
  check_states();
}

static long setting(const char *name, long usual) {
  const char *text = getenv(name);
  return text != NULL ? atol(text) : usual;
}

static void the_store_is_as_the_model(void **state) {
  bool full =
      strcmp(getenv("TORPOR_TIER") ? getenv("TORPOR_TIER") : "", "full") == 0;
  long first = setting("TORPOR_SEED", 1);
  long count = setting("TORPOR_HISTORIES", full ? 1000 : 25);
  for (long i = first; i < first + count; i++) {
    assert_int_equal(run_bench_open(state), 0);
    seed = (uint64_t)i;
    world = (struct world){0};
    print_message("seed %ld\n", i);
    live(MOVES);
    for (int j = 0; j < BAGS; j++) torpor_bytes_free(&bags[j].bytes);
    counting_program_remove();
    assert_int_equal(run_bench_close(state), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_store_is_as_the_model)};
  return cmocka_run_group_tests(tests, counting_program_find_modules, NULL);
}
