/* SPDX-License-Identifier: MIT */
/* store.c - what anybody may do with a store: open it, make runs, look at
 * them, send them signals, ask them to end. Driving them is worker.c.
 *
 * Each is one transaction, or only reads: workers, here or in other processes,
 * may run meanwhile.
 *
 * On the thread of the store. */
#define _GNU_SOURCE /* getrandom, explicit_bzero */
#include "common/sized.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "input-check.h"
#include "signals.h"
#include "program.h"
#include "protocol.h"
#include "run-rows.h"
#include "database-sqlite.h"

_Static_assert(TORPOR_RUN_ID_SIZE == TORPOR__RUN_ID_MAX + 1,
               "a run's id is as long for everybody");

static _Thread_local char open_error[TORPOR__DATABASE_MESSAGE_MAX];

int64_t torpor__store_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- The store -----------------------------------------------------------*/

static const char unknown_options[] =
    "the options have a size, or set a field, that this version does not know: "
    "start from their INIT macro";

torpor_status torpor__store_refuse_options(torpor_store *store) {
  return torpor__database_fail(store->database, TORPOR_MISUSE, "%s",
                               unknown_options);
}

torpor_status torpor_store_open(const char *path,
                                const torpor_store_options *options,
                                torpor_store **out) {
  torpor_store_options given = TORPOR_STORE_OPTIONS_INIT;
  *out = NULL;
  open_error[0] = '\0';
  if (options != NULL && !torpor__sized_take(&given, sizeof given, options)) {
    snprintf(open_error, sizeof open_error, "%s", unknown_options);
    return TORPOR_MISUSE;
  }
  torpor_store *store = calloc(1, sizeof *store);
  if (store == NULL) {
    snprintf(open_error, sizeof open_error, "out of memory");
    return TORPOR_NOMEM;
  }
  torpor_access_reserve(torpor_store_covers);
  store->keyed = given.key != NULL;
  if (store->keyed) memcpy(store->key, given.key, sizeof store->key);
  const struct torpor__database_options sqlite = {.path = path,
                                                  .vfs = given.vfs,
                                                  .read_only = given.read_only,
                                                  .must_exist =
                                                      given.must_exist,
                                                  .busy_ms = given.busy_ms};
  torpor_status status =
      torpor__sqlite_open(&sqlite, &store->database, open_error);
  if (status != TORPOR_OK) {
    free(store);
    return status;
  }
  store->path = strdup(torpor__sqlite_path(store->database));
  if (store->path == NULL) {
    torpor_store_close(store);
    snprintf(open_error, sizeof open_error, "out of memory");
    return TORPOR_NOMEM;
  }
  *out = store;
  return TORPOR_OK;
}

bool torpor_store_covers(const char *path) {
  return torpor__sqlite_covers(path);
}

void torpor_store_close(torpor_store *store) {
  if (store == NULL) return;
  store->database->calls->close(store->database);
  explicit_bzero(store->key, sizeof store->key);
  free(store->path);
  free(store);
}

const char *torpor_store_error(const torpor_store *store) {
  return store != NULL ? store->database->message : open_error;
}

/* ---- Making a run --------------------------------------------------------*/

/* A new id: ten characters that are easy to read aloud and to type. */
static torpor_status make_id(struct torpor__database *database, char *id) {
  static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 */
  uint8_t random[10];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return torpor__database_fail(database, TORPOR_IO,
                                 "no random bytes for an id");
  for (size_t i = 0; i < sizeof random; i++) id[i] = letters[random[i] % 32];
  id[sizeof random] = '\0';
  return TORPOR_OK;
}

torpor_status torpor__store_choose_id(torpor_store *store, const char *wanted,
                                      char *id) {
  if (wanted == NULL) return make_id(store->database, id);
  if (strlen(wanted) >= TORPOR_RUN_ID_SIZE)
    return torpor__database_fail(store->database, TORPOR_MISUSE,
                                 "a run's id has at most %d characters",
                                 TORPOR_RUN_ID_SIZE - 1);
  strcpy(id, wanted);
  return TORPOR_OK;
}

static torpor_status add_program(torpor_store *store,
                                 const torpor_run_options *options,
                                 const char *id, const torpor_access *access) {
  struct torpor__program program = {0};
  torpor_status status = torpor__program_read(&program, options->file, access);
  if (status != TORPOR_OK) {
    snprintf(store->database->message, sizeof store->database->message, "%s",
             program.message);
    return status;
  }
  const char *engine = torpor_engine_id();
  const struct torpor__run row = {
      .id = id,
      .program = program.files[0].name,
      .access = options->access != NULL ? options->access : "",
      .input = {.data = options->input, .size = options->input_size},
      .engine = {.data = engine, .size = strlen(engine)},
      .memory_max = options->memory_max,
      .fuel = options->fuel,
      .deadline_ms = options->deadline_ms,
      .created_ms = torpor__store_now(),
      .keep = options->keep != 0 ? options->keep : TORPOR_RUN_KEEP};
  int64_t run;
  status = torpor__request_create(store->database, &row, program.files,
                                  program.count, &run);
  torpor__program_free(&program);
  return status;
}

torpor_status torpor_run_add(torpor_store *store,
                             const torpor_run_options *options, char *id) {
  torpor_run_options given = TORPOR_RUN_OPTIONS_INIT;
  torpor_access *access = NULL;
  if (options == NULL || !torpor__sized_take(&given, sizeof given, options))
    return torpor__store_refuse_options(store);
  if (given.file == NULL)
    return torpor__database_fail(store->database, TORPOR_MISUSE,
                                 "name the main module of the run");
  torpor_status status = torpor__store_choose_id(store, given.id, id);
  if (status == TORPOR_OK && given.access != NULL) {
    status = torpor_access_read(given.access, strlen(given.access), &access);
    if (status != TORPOR_OK)
      torpor__database_fail(store->database, status,
                            "the access that is granted is damaged");
  }
  if (status == TORPOR_OK && given.input_size > 0)
    status = torpor__input_check(
        store->database,
        (torpor_slice){.data = given.input, .size = given.input_size},
        given.memory_max, "the input");
  if (status == TORPOR_OK) status = add_program(store, &given, id, access);
  torpor_access_close(access);
  return status;
}

/* ---- Looking at runs -----------------------------------------------------*/

const char *torpor_run_state_name(torpor_run_state state) {
  static const char *const names[] = {
      [TORPOR_RUN_READY] = "ready",       [TORPOR_RUN_WAITING] = "waiting",
      [TORPOR_RUN_DONE] = "done",         [TORPOR_RUN_FAILED] = "failed",
      [TORPOR_RUN_DEADLOCK] = "deadlock", [TORPOR_RUN_KILLED] = "killed",
      [TORPOR_RUN_PARKED] = "parked",     [TORPOR_RUN_DAMAGED] = "damaged"};
  return (unsigned)state < sizeof names / sizeof names[0] ? names[state]
                                                          : "unknown";
}

torpor_run_state torpor__store_state(const struct torpor__head *head) {
  if (head->damaged) return TORPOR_RUN_DAMAGED;
  switch (head->status) {
  case TORPOR__RUN_DONE:
    return TORPOR_RUN_DONE;
  case TORPOR__RUN_FAILED:
    return TORPOR_RUN_FAILED;
  case TORPOR__RUN_DEADLOCKED:
    return TORPOR_RUN_DEADLOCK;
  case TORPOR__RUN_KILLED:
    return TORPOR_RUN_KILLED;
  case TORPOR__RUN_PARKED:
    return TORPOR_RUN_PARKED;
  default:
    return head->step == head->start || head->runnable ? TORPOR_RUN_READY
                                                       : TORPOR_RUN_WAITING;
  }
}

/* The id of the run that one was forked from; "" when it is gone or damaged. */
static torpor_status find_parent(struct torpor__database *database,
                                 int64_t parent, char id[TORPOR_RUN_ID_SIZE]) {
  struct torpor__run_rows rows = {0};
  id[0] = '\0';
  if (parent == 0) return TORPOR_OK;
  torpor_status status =
      torpor__run_rows_read(&rows, database, parent, TORPOR__ROWS_RUN);
  if (status == TORPOR_OK)
    snprintf(id, TORPOR_RUN_ID_SIZE, "%s", rows.runs[0].row.id);
  torpor__run_rows_free(&rows);
  return torpor__protocol_is_own_fault(status) ? TORPOR_OK : status;
}

/* What else there is of a run that is listed. */
static torpor_status read_listed(struct torpor__database *database,
                                 const struct torpor__run_row *listed,
                                 struct torpor__counts *counts,
                                 struct torpor__run_rows *rows, char *parent) {
  torpor_status status =
      database->calls->run_count(database, listed->number, counts);
  if (status == TORPOR_OK)
    status = find_parent(database, listed->row.parent, parent);
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(rows, database, listed->number,
                                   TORPOR__ROWS_EXIT);
  if (status == TORPOR_OK && listed->head.damaged)
    status =
        torpor__database_fail(database, TORPOR_CORRUPT,
                              "its rows are damaged; restore the store from "
                              "a backup");
  return status;
}

/* 'damage' says what is wrong with a run whose rows are damaged; else NULL. */
static torpor_run_info describe(const struct torpor__run_row *listed,
                                const struct torpor__counts *counts,
                                const struct torpor__exit *end,
                                const char *damage) {
  return (torpor_run_info){
      .id = listed->row.id,
      .file = listed->row.program,
      .engine = (const char *)listed->row.engine.data,
      .access = listed->row.access,
      .state = damage != NULL ? TORPOR_RUN_DAMAGED
                              : torpor__store_state(&listed->head),
      .step = listed->head.step,
      .branch = listed->head.branch,
      .attempts = listed->head.attempts,
      .created_ms = listed->row.created_ms,
      .changed_ms = listed->head.changed_ms,
      .snapshot_size = (uint64_t)counts->snapshot_size,
      .operations = (uint64_t)counts->operations,
      .signals = (uint64_t)counts->signals,
      .cancelling = listed->head.cancel > TORPOR__CANCEL_DELIVERED,
      .reason = damage != NULL ? damage : end->reason,
      .value = end->value.size > 0 ? end->value.data : NULL,
      .value_size = end->value.size,
      .keep = listed->row.keep};
}

static torpor_status visit_listed(struct torpor__database *database,
                                  const struct torpor__run_row *listed,
                                  torpor_run_visit_fn visit, void *user,
                                  bool *go_on) {
  static const struct torpor__exit none = {.reason = ""};
  struct torpor__counts counts = {0};
  struct torpor__run_rows rows = {0};
  char parent[TORPOR_RUN_ID_SIZE] = "", damage[TORPOR__DATABASE_MESSAGE_MAX];
  bool worked = false;
  torpor_status status = read_listed(database, listed, &counts, &rows, parent);
  bool damaged = torpor__protocol_is_own_fault(status);
  if (damaged)
    memcpy(damage, database->message, sizeof damage);
  else if (status == TORPOR_OK)
    status = database->calls->locked(database, listed->number, &worked);
  if (damaged || status == TORPOR_OK) {
    torpor_run_info info =
        describe(listed, &counts, rows.exit_count > 0 ? rows.exits : &none,
                 damaged ? damage : NULL);
    info.parent = parent;
    info.worked = worked;
    *go_on = visit(user, &info);
    status = TORPOR_OK;
  }
  torpor__run_rows_free(&rows);
  return status;
}

torpor_status torpor_run_each(torpor_store *store, const char *id,
                              torpor_run_visit_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct torpor__run_rows rows = {0};
  int64_t run = 0;
  bool go_on = true;
  torpor_status status =
      id != NULL ? database->calls->run_find(database, id, &run) : TORPOR_OK;
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(&rows, database, run, TORPOR__ROWS_RUN);
  for (size_t i = 0; status == TORPOR_OK && go_on && i < rows.run_count; i++)
    status = visit_listed(database, &rows.runs[i], visit, user, &go_on);
  torpor__run_rows_free(&rows);
  return status;
}

/* ---- Operations and lines ------------------------------------------------*/

/* The caller's function, and what it is given. When it wants to stop, the walk
 * is ended by a code that nothing else gives. */
struct walk {
  torpor_run_operation_fn operation;
  torpor_run_line_fn line;
  torpor_run_mail_fn mail;
  void *user;
};

#define WALK_STOPPED TORPOR_CANCELLED

static torpor_status end_walk(torpor_status status) {
  return status == WALK_STOPPED ? TORPOR_OK : status;
}

const char *torpor__store_policy(enum torpor__policy policy) {
  switch (policy) {
  case TORPOR__POLICY_REARM:
    return "re-arm";
  case TORPOR__POLICY_REPEAT:
    return "repeat";
  case TORPOR__POLICY_REATTACH:
    return "reattach";
  default:
    return "reject";
  }
}

static torpor_status pass_operation(void *data,
                                    const struct torpor__operation *row) {
  const struct walk *walk = data;
  const torpor_run_operation operation = {
      .id = row->id,
      .kind = row->kind,
      .topic = row->topic,
      .request = row->request.data,
      .request_size = row->request.size,
      .begun_ms = row->begun_ms,
      .begun_step = row->begun_step,
      .due_ms = row->due_ms == TORPOR__NEVER ? -1 : row->due_ms,
      .key = row->key,
      .waking = torpor__store_policy(row->policy)};
  return walk->operation(walk->user, &operation) ? TORPOR_OK : WALK_STOPPED;
}

static torpor_status pass_line(void *data, const struct torpor__line *row) {
  const struct walk *walk = data;
  const torpor_run_line line = {.step = row->step,
                                .written_ms = row->written_ms,
                                .level = row->level,
                                .text = row->text.data,
                                .size = row->text.size};
  return walk->line(walk->user, &line) ? TORPOR_OK : WALK_STOPPED;
}

torpor_status torpor_run_operations(torpor_store *store, const char *id,
                                    torpor_run_operation_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct walk walk = {.operation = visit, .user = user};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return end_walk(
      database->calls->operation_each(database, run, pass_operation, &walk));
}

torpor_status torpor_run_lines(torpor_store *store, const char *id,
                               int64_t after, torpor_run_line_fn visit,
                               void *user) {
  struct torpor__database *database = store->database;
  struct walk walk = {.line = visit, .user = user};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return end_walk(
      database->calls->line_each(database, run, after, pass_line, &walk));
}

/* ---- The mailbox ---------------------------------------------------------*/

static torpor_status pass_signal(void *data, const struct torpor__signal *row) {
  const struct walk *walk = data;
  const torpor_run_mail mail = {.number = row->sequence,
                                .name = row->topic,
                                .sent_ms = row->sent_ms,
                                .value = row->value.data,
                                .size = row->value.size};
  return walk->mail(walk->user, &mail) ? TORPOR_OK : WALK_STOPPED;
}

torpor_status torpor_run_mailbox(torpor_store *store, const char *id,
                                 torpor_run_mail_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct walk walk = {.mail = visit, .user = user};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return end_walk(
      database->calls->signal_each(database, run, 0, pass_signal, &walk));
}

torpor_status torpor_run_mail_drop(torpor_store *store, const char *id,
                                   int64_t number) {
  struct torpor__database *database = store->database;
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK) status = database->calls->lock(database, run);
  if (status == TORPOR_LOCKED)
    return torpor__database_fail(
        database, status,
        "a worker drives the run, and may be handing the "
        "signal over; stop it first");
  if (status != TORPOR_OK) return status;
  status = torpor__signals_drop(database, run, number);
  database->calls->unlock(database, run);
  return status;
}

/* ---- Asking something of a run -------------------------------------------*/

torpor_status torpor_run_signal(torpor_store *store, const char *id,
                                const char *name, const uint8_t *data,
                                size_t size) {
  static const uint8_t nothing[] = {0xf7}; /* CBOR: undefined */
  struct torpor__database *database = store->database;
  const torpor_slice value = {.data = data != NULL ? data : nothing,
                              .size = data != NULL ? size : 1};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  status = torpor__input_check_name(database, name);
  if (status == TORPOR_OK && value.size <= TORPOR__SIGNAL_SIZE_MAX)
    status = torpor__input_check(database, value, 0, "the value of the signal");
  if (status != TORPOR_OK) return status;
  return torpor__signals_send(database, run, name, value, torpor__store_now());
}

torpor_status torpor_run_cancel(torpor_store *store, const char *id,
                                bool kill) {
  struct torpor__database *database = store->database;
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return kill ? torpor__request_kill(database, run, torpor__store_now())
              : torpor__request_cancel(database, run, torpor__store_now());
}

torpor_status torpor_run_unpark(torpor_store *store, const char *id) {
  struct torpor__database *database = store->database;
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return torpor__request_unpark(database, run, torpor__store_now());
}
