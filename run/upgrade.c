/* SPDX-License-Identifier: MIT */
/* upgrade.c - moving a run to a new program.
 *
 *   sleeping VM ──handover──► CBOR ─┐
 *                                   ├─ one transaction ─► a new version, and a
 *   new files ──program_read────────┘                     branch that begins it
 *
 *  (1) The run's lock is held from before its state is read until after the
 *      commit, so that no step comes between.
 *  (2) Whatever may fail because of the programs has happened before the
 *      transaction begins; a dry run ends there.
 *  (3) States of the old version stay, and the run can be rewound to them.
 *
 * On the thread of the store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sized.h"
#include "run/fault.h"
#include "run/input-check.h"
#include "run/state/extension.h"
#include "run/state/program.h"
#include "run/state/run-rows.h"
#include "run/upgrade-state.h"

struct upgrade {
  torpor_store *store;
  struct torpor__database *database;
  const char *id;
  int64_t number;
  bool locked; /* to be unlocked */

  /* The run as it is. */
  struct torpor__run_rows rows;
  struct torpor__upgrade_request request;
  struct torpor__head head;
  torpor_access *access;
  struct torpor__state_chain chain;

  /* What it is to become. */
  struct torpor__program next;
  torpor_bytes handed; /* CBOR of [state, { engine, program, step }], sealed */
  int64_t branch, version;
};

/* ---- Reading the run -----------------------------------------------------*/

static bool is_upgradable(const struct torpor__head *head) {
  return head->status == TORPOR__RUN_ACTIVE ||
         head->status == TORPOR__RUN_PARKED;
}

/* Reads what there is of the run; the head first, since nothing else is asked
 * of one that has ended. */
static torpor_status read_rows(struct upgrade *upgrade) {
  struct torpor__database *database = upgrade->database;
  struct torpor__head head;
  torpor_status status =
      database->calls->head_get(database, upgrade->number, &head);
  if (status == TORPOR_OK && !is_upgradable(&head))
    return torpor__database_fail(database, TORPOR_ENDED, "run '%s'",
                                 upgrade->id);
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(
        &upgrade->rows, database, upgrade->number,
        TORPOR__ROWS_INPUT | TORPOR__ROWS_BRANCHES | TORPOR__ROWS_VERSIONS |
            TORPOR__ROWS_OPERATIONS | TORPOR__ROWS_RESULTS);
  if (status != TORPOR_OK) return status;
  const struct torpor__run *row = &upgrade->rows.runs[0].row;
  upgrade->head = upgrade->rows.runs[0].head;
  upgrade->request =
      (struct torpor__upgrade_request){.id = upgrade->id,
                                       .program = row->program,
                                       .input = row->input,
                                       .memory_max = row->memory_max,
                                       .deadline_ms = row->deadline_ms,
                                       .number = upgrade->number,
                                       .version = upgrade->head.version,
                                       .store = upgrade->store};
  return TORPOR_OK;
}

static torpor_status read_access(struct upgrade *upgrade) {
  const char *access = upgrade->rows.runs[0].row.access;
  if (access[0] == '\0') return TORPOR_OK;
  torpor_status status =
      torpor_access_read(access, strlen(access), &upgrade->access);
  if (status == TORPOR_OK) return status;
  return torpor__database_fail(
      upgrade->database, status == TORPOR_FORMAT ? TORPOR_CORRUPT : status,
      "run '%s': the access that was granted cannot be "
      "read",
      upgrade->id);
}

static torpor_status read_run(struct upgrade *upgrade) {
  struct torpor__database *database = upgrade->database;
  torpor_status status = read_rows(upgrade);
  if (status != TORPOR_OK) return status;
  if (upgrade->head.step == upgrade->head.start)
    return torpor__database_fail(
        database, TORPOR_MISUSE,
        "run '%s' has not begun its program, so there is no state to hand "
        "over; cancel it and make a new run, or let it begin first",
        upgrade->id);
  status = torpor__extension_prepare_all(
      upgrade->store, upgrade->id, upgrade->number, upgrade->head.version);
  if (status == TORPOR_OK) status = read_access(upgrade);
  upgrade->request.access = upgrade->access;
  if (status != TORPOR_OK) return status;
  status =
      torpor__state_chain_read(&upgrade->chain, upgrade->store, upgrade->number,
                               upgrade->id, upgrade->head.step);
  if (status != TORPOR_OK) return status;
  if (upgrade->chain.step == upgrade->head.step &&
      upgrade->chain.branch == upgrade->head.branch)
    return TORPOR_OK;
  return torpor__database_fail(database, TORPOR_CORRUPT,
                               "run '%s': the state of step %" PRId64
                               " is missing",
                               upgrade->id, upgrade->head.step);
}

/* ---- What it is to become ------------------------------------------------*/

/* Without any that are named, those of the old program. */
static torpor_status read_extensions(struct upgrade *upgrade,
                                     const torpor_run_upgrade_options *options,
                                     struct torpor__program *extensions) {
  if (options->extension_count > 0)
    return torpor__extension_read(upgrade->store, options->extensions,
                                  options->extension_count, extensions);
  return torpor__extension_copy(upgrade->store, upgrade->number,
                                upgrade->head.version, extensions);
}

static torpor_status read_program(struct upgrade *upgrade,
                                  const torpor_run_upgrade_options *options) {
  struct torpor__program extensions = {0};
  torpor_status status = read_extensions(upgrade, options, &extensions);
  if (status != TORPOR_OK) return status;
  status = torpor__program_read(&upgrade->next, options->file, upgrade->access,
                                &extensions);
  torpor__program_free(&extensions);
  if (status == TORPOR_OK) return status;
  return torpor__database_pass_on(upgrade->database, status,
                                  upgrade->next.message,
                                  upgrade->next.lacked_files);
}

/* One more than the highest that there is. */
static void choose_numbers(struct upgrade *upgrade) {
  const struct torpor__run_rows *rows = &upgrade->rows;
  upgrade->branch = upgrade->head.branch + 1;
  for (size_t i = 0; i < rows->branch_count; i++)
    if (rows->branches[i].branch >= upgrade->branch)
      upgrade->branch = rows->branches[i].branch + 1;
  for (size_t i = 0; i < rows->version_count; i++)
    if (rows->versions[i].number >= upgrade->version)
      upgrade->version = rows->versions[i].number + 1;
}

/* Makes [state, { engine, program, step }]. The state is CBOR already, so this
 * needs no VM. */
static torpor_status wrap_state(struct upgrade *upgrade,
                                const torpor_bytes *state) {
  char *quoted = malloc(strlen(upgrade->request.program) * 6 + 3);
  char *json = NULL;
  size_t size = 0;
  torpor_bytes from = {0};
  torpor_status status = TORPOR_NOMEM;
  if (quoted != NULL) {
    torpor__program_quote(upgrade->request.program, quoted);
    size = strlen(quoted) + strlen(upgrade->chain.engine) + 96;
    json = malloc(size);
  }
  if (json != NULL) {
    int length = snprintf(
        json, size, "{\"engine\":\"%s\",\"program\":%s,\"step\":%" PRId64 "}",
        upgrade->chain.engine, quoted, upgrade->head.step);
    status = torpor_json_to_cbor(json, (size_t)length, &from);
  }
  if (status == TORPOR_OK) {
    upgrade->handed.data = malloc(1 + state->size + from.size);
    status = upgrade->handed.data != NULL ? TORPOR_OK : TORPOR_NOMEM;
  }
  if (status == TORPOR_OK) {
    upgrade->handed.size = 1 + state->size + from.size;
    upgrade->handed.data[0] = 0x82;
    memcpy(upgrade->handed.data + 1, state->data, state->size);
    memcpy(upgrade->handed.data + 1 + state->size, from.data, from.size);
  }
  torpor_bytes_free(&from);
  free(json);
  free(quoted);
  return status == TORPOR_OK
             ? status
             : torpor__database_fail(upgrade->database, status, NULL);
}

/* ---- The report ----------------------------------------------------------*/

/* A copy of a row, in one block. */
static torpor_run_operation *
copy_operation(const struct torpor__operation *row) {
  size_t kind = strlen(row->kind) + 1, key = strlen(row->key) + 1;
  size_t topic = row->topic != NULL ? strlen(row->topic) + 1 : 0;
  torpor_run_operation *copy =
      malloc(sizeof *copy + kind + key + topic + row->request.size);
  if (copy == NULL) return NULL;
  char *block = (char *)(copy + 1);
  *copy = (torpor_run_operation){
      .id = row->id,
      .kind = memcpy(block, row->kind, kind),
      .key = memcpy(block + kind, row->key, key),
      .topic = topic > 0 ? memcpy(block + kind + key, row->topic, topic) : NULL,
      .request_size = row->request.size,
      .begun_ms = row->begun_ms,
      .begun_step = row->begun_step,
      .due_ms = row->due_ms == TORPOR__NEVER ? -1 : row->due_ms,
      .waking = torpor__store_policy(row->policy)};
  block += kind + key + topic;
  if (row->request.size > 0)
    memcpy(block, row->request.data, row->request.size);
  copy->request = (const uint8_t *)block;
  return copy;
}

static torpor_status report_losses(const struct upgrade *upgrade,
                                   torpor_run_upgrade_report *report) {
  const struct torpor__run_rows *rows = &upgrade->rows;
  struct torpor__counts counts = {0};
  report->answered = rows->result_count;
  report->lost = calloc(rows->operation_count + 1, sizeof *report->lost);
  if (report->lost == NULL) return TORPOR_NOMEM;
  for (; report->lost_count < rows->operation_count; report->lost_count++) {
    report->lost[report->lost_count] =
        copy_operation(&rows->operations[report->lost_count]);
    if (report->lost[report->lost_count] == NULL) return TORPOR_NOMEM;
  }
  torpor_status status = upgrade->database->calls->run_count(
      upgrade->database, upgrade->number, &counts);
  report->signals = (uint64_t)counts.signals;
  return status;
}

static torpor_status make_report(const struct upgrade *upgrade,
                                 torpor_run_upgrade_report *report) {
  report->from_file = strdup(upgrade->request.program);
  report->to_file = strdup(upgrade->next.files[0].name);
  snprintf(report->from_engine, sizeof report->from_engine, "%s",
           upgrade->chain.engine);
  snprintf(report->to_engine, sizeof report->to_engine, "%s",
           torpor_engine_id());
  report->from_branch = upgrade->head.branch;
  report->to_branch = upgrade->branch;
  report->step = upgrade->head.step;
  report->modules = upgrade->next.count;
  torpor_status status = report->from_file == NULL || report->to_file == NULL
                             ? TORPOR_NOMEM
                             : report_losses(upgrade, report);
  if (status == TORPOR_NOMEM)
    torpor__database_fail(upgrade->database, status, NULL);
  return status;
}

void torpor_run_upgrade_report_free(torpor_run_upgrade_report *report) {
  if (report == NULL) return;
  for (size_t i = 0; i < report->lost_count; i++) free(report->lost[i]);
  free(report->lost);
  free(report->from_file);
  free(report->to_file);
  torpor_bytes_free(&report->state);
  report->from_file = report->to_file = NULL;
  report->lost = NULL;
  report->lost_count = 0;
}

/* ---- The transaction -----------------------------------------------------*/

static torpor_status write_version(const struct upgrade *upgrade,
                                   int64_t now_ms) {
  const struct torpor__database_calls *calls = upgrade->database->calls;
  const struct torpor__program *next = &upgrade->next;
  const char *engine = torpor_engine_id();
  const struct torpor__version version = {
      .number = upgrade->version,
      .program = next->files[0].name,
      .engine = {.data = engine, .size = strlen(engine)},
      .start = upgrade->head.step,
      .before = upgrade->head.version,
      .state = {.data = upgrade->handed.data, .size = upgrade->handed.size}};
  const struct torpor__branch branch = {.branch = upgrade->branch,
                                        .parent = upgrade->head.branch,
                                        .parent_step = upgrade->head.step,
                                        .origin = "",
                                        .made_ms = now_ms};
  torpor_status status =
      calls->version_add(upgrade->database, upgrade->number, &version);
  for (size_t i = 0; status == TORPOR_OK && i < next->count; i++)
    status = calls->file_add(upgrade->database, upgrade->number, version.number,
                             next->files[i].name, next->files[i].source);
  if (status != TORPOR_OK) return status;
  return calls->branch_add(upgrade->database, upgrade->number, &branch);
}

/* What the old program waited for is removed. A request to cancel that was not
 * delivered to it yet stays, for the new one. */
static torpor_status write_head(const struct upgrade *upgrade,
                                const struct torpor__head *now,
                                int64_t now_ms) {
  const struct torpor__database_calls *calls = upgrade->database->calls;
  struct torpor__head head = *now;
  head.status = TORPOR__RUN_ACTIVE;
  head.branch = upgrade->branch;
  head.version = upgrade->version;
  head.start = head.step;
  head.fence++;
  head.attempts = 0;
  head.runnable = false;
  if (head.cancel != TORPOR__CANCEL_ALL) head.cancel = 0;
  head.changed_ms = now_ms;
  head.due_ms = 0;
  torpor_status status =
      torpor__request_tell(upgrade->database, upgrade->number);
  if (status == TORPOR_OK)
    status = calls->operation_clear(upgrade->database, upgrade->number);
  if (status == TORPOR_OK)
    status = calls->result_clear(upgrade->database, upgrade->number);
  if (status == TORPOR_OK)
    status = calls->exit_remove(upgrade->database, upgrade->number);
  if (status != TORPOR_OK) return status;
  return calls->head_put(upgrade->database, upgrade->number, &head);
}

/* The lock keeps workers off; others may have ended the run meanwhile. */
static torpor_status write_rows(const struct upgrade *upgrade, int64_t now_ms) {
  struct torpor__database *database = upgrade->database;
  struct torpor__head now;
  torpor_status status =
      database->calls->head_get(database, upgrade->number, &now);
  if (status != TORPOR_OK) return status;
  if (!is_upgradable(&now))
    return torpor__database_fail(database, TORPOR_ENDED, "run '%s'",
                                 upgrade->id);
  if (now.step != upgrade->head.step || now.branch != upgrade->head.branch)
    return torpor__database_fail(database, TORPOR_FENCED, "run '%s'",
                                 upgrade->id);
  status = write_version(upgrade, now_ms);
  return status == TORPOR_OK ? write_head(upgrade, &now, now_ms) : status;
}

static torpor_status write_upgrade(const struct upgrade *upgrade) {
  struct torpor__database *database = upgrade->database;
  TORPOR__FAULT(UPGRADE_READ);
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = write_rows(upgrade, torpor__store_now());
  TORPOR__FAULT(UPGRADE_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status == TORPOR_OK) TORPOR__FAULT(UPGRADE_AFTER);
  return status;
}

/* ---- All of it -----------------------------------------------------------*/

static torpor_status do_upgrade(struct upgrade *upgrade,
                                const torpor_run_upgrade_options *options,
                                torpor_run_upgrade_report *report) {
  torpor_status status = read_run(upgrade);
  upgrade->request.exporter = options->exporter;
  if (status == TORPOR_OK) status = read_program(upgrade, options);
  if (status == TORPOR_OK)
    status = torpor__upgrade_state_take(&upgrade->request, &upgrade->chain,
                                        &report->state);
  if (status == TORPOR_OK) status = wrap_state(upgrade, &report->state);
  if (status == TORPOR_OK)
    status = torpor__input_check(upgrade->database,
                                 (torpor_slice){.data = upgrade->handed.data,
                                                .size = upgrade->handed.size},
                                 upgrade->request.memory_max,
                                 "the state that is handed over");
  if (status == TORPOR_OK)
    status = torpor__upgrade_state_seal(upgrade->store, &upgrade->handed);
  choose_numbers(upgrade);
  if (status == TORPOR_OK) status = make_report(upgrade, report);
  if (status != TORPOR_OK || options->dry_run) return status;
  return write_upgrade(upgrade);
}

/* Keeps workers off while 'do_upgrade' runs. A dry run of a store that cannot
 * be written only looks whether there is one. */
static torpor_status lock_run(struct upgrade *upgrade, bool dry) {
  struct torpor__database *database = upgrade->database;
  bool locked = false;
  torpor_status status = database->calls->lock(database, upgrade->number);
  upgrade->locked = status == TORPOR_OK;
  if (status == TORPOR_READONLY && dry)
    status = database->calls->locked(database, upgrade->number, &locked);
  if (status == TORPOR_LOCKED || locked)
    return torpor__database_fail(database, TORPOR_LOCKED,
                                 "run '%s': stop its worker first",
                                 upgrade->id);
  return status;
}

static void free_upgrade(struct upgrade *upgrade) {
  torpor__state_chain_free(&upgrade->chain);
  torpor__program_free(&upgrade->next);
  torpor_access_close(upgrade->access);
  torpor_bytes_free(&upgrade->handed);
  torpor__run_rows_free(&upgrade->rows);
}

torpor_status torpor_run_upgrade(torpor_store *store, const char *id,
                                 const torpor_run_upgrade_options *options,
                                 torpor_run_upgrade_report *out) {
  torpor_run_upgrade_options given = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  torpor_run_upgrade_report report = TORPOR_RUN_UPGRADE_REPORT_INIT;
  struct upgrade upgrade = {
      .store = store, .database = store->database, .id = id};
  if (options == NULL || !torpor__sized_take(&given, sizeof given, options) ||
      (out != NULL && !torpor__sized_is_good(out)))
    return torpor__store_refuse_options(store);
  if (out != NULL) torpor__sized_give(out, &report, sizeof report);
  if (given.file == NULL)
    return torpor__database_fail(upgrade.database, TORPOR_MISUSE,
                                 "name the new main module of the run");
  torpor_status status =
      upgrade.database->calls->run_find(upgrade.database, id, &upgrade.number);
  if (status == TORPOR_OK) status = lock_run(&upgrade, given.dry_run);
  if (status != TORPOR_OK) return status;
  status = do_upgrade(&upgrade, &given, &report);
  if (upgrade.locked)
    upgrade.database->calls->unlock(upgrade.database, upgrade.number);
  free_upgrade(&upgrade);
  if (status == TORPOR_OK && out != NULL)
    torpor__sized_give(out, &report, sizeof report);
  else
    torpor_run_upgrade_report_free(&report);
  return status;
}
