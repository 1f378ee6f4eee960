/* SPDX-License-Identifier: MIT */
/* export.c - writing a run to a file.
 *
 * An exported run is the snapshot of one of its states with one more section
 * (docs/snapshot-format.md), a CBOR map of what else a store has of it:
 *
 *   version     1
 *   id program  texts; input  bytes, CBOR
 *   files       array of [name, bytes]: the program's modules
 *   created step branch  integers; runnable  boolean
 *   memory_max fuel deadline keep_lines  integers
 *   access      text; what it was granted: for people, not granted again
 *   operations  array of maps: id, key, policy, begun_step
 *   results     array of maps: operation, outcome, value; of those operations
 *   upgrade     bytes, CBOR: what an older program handed over, if one did
 *
 * On the thread of the store. */
#include <stdlib.h>

#include "common/cbor.h"
#include "run/checkpoint.h"
#include "run/state/state-save.h"
#include "run/upgrade-state.h"

struct exported {
  torpor_store *store;
  struct torpor__new_branch branch; /* that would go on from the state */
  torpor__buffer map;
};

static torpor_status put_files(struct exported *exported) {
  const struct torpor__new_branch *branch = &exported->branch;
  struct torpor__run_rows *rows = &exported->branch.rows;
  torpor__buffer *map = &exported->map;
  torpor_status status = torpor__run_rows_files(
      rows, branch->database, branch->from, branch->checkpoint.version);
  if (status != TORPOR_OK) return status;
  torpor__cbor_string(map, "files");
  torpor__cbor_head(map, TORPOR__CBOR_ARRAY, rows->file_count);
  for (size_t i = 0; i < rows->file_count; i++) {
    torpor_slice source = rows->files[i].source;
    torpor__cbor_head(map, TORPOR__CBOR_ARRAY, 2);
    torpor__cbor_string(map, rows->files[i].name);
    torpor__cbor_bytes(map, TORPOR__CBOR_BYTES, source.data, source.size);
  }
  return TORPOR_OK;
}

static void put_number(torpor__buffer *map, const char *key, int64_t number) {
  torpor__cbor_string(map, key);
  torpor__cbor_integer(map, number);
}

static void put_text(torpor__buffer *map, const char *key, const char *text) {
  torpor__cbor_string(map, key);
  torpor__cbor_string(map, text);
}

static void put_operation(struct exported *exported,
                          struct torpor__operation *operation) {
  torpor__buffer *map = &exported->map;
  char key[TORPOR__KEY_MAX];
  torpor__branch_complete(&exported->branch, operation, key);
  torpor__cbor_head(map, TORPOR__CBOR_MAP, 4);
  put_number(map, "id", (int64_t)operation->id);
  put_text(map, "key", key);
  put_number(map, "policy", (int64_t)operation->policy);
  put_number(map, "begun_step", operation->begun_step);
  operation->key = NULL;
}

static void put_operations(struct exported *exported) {
  struct torpor__checkpoint *checkpoint = &exported->branch.checkpoint;
  torpor__cbor_string(&exported->map, "operations");
  torpor__cbor_head(&exported->map, TORPOR__CBOR_ARRAY,
                    checkpoint->operation_count);
  for (size_t i = 0; i < checkpoint->operation_count; i++)
    put_operation(exported, &checkpoint->operations[i]);
}

static void put_result(torpor__buffer *map,
                       const struct torpor__result *result) {
  torpor__cbor_head(map, TORPOR__CBOR_MAP, 3);
  put_number(map, "operation", (int64_t)result->operation);
  put_number(map, "outcome", (int64_t)result->outcome);
  torpor__cbor_string(map, "value");
  torpor__cbor_bytes(map, TORPOR__CBOR_BYTES, result->value.data,
                     result->value.size);
}

static bool is_waited_for(const struct torpor__new_branch *branch,
                          const struct torpor__result *result) {
  return torpor__branch_waits_for(branch, result->branch, result->operation);
}

/* Those of operations that the state waits for, which are complete by now. */
static void put_results(struct exported *exported) {
  const struct torpor__new_branch *branch = &exported->branch;
  const struct torpor__run_rows *rows = &branch->rows;
  size_t count = 0;
  for (size_t i = 0; i < rows->result_count; i++)
    count += is_waited_for(branch, &rows->results[i]);
  torpor__cbor_string(&exported->map, "results");
  torpor__cbor_head(&exported->map, TORPOR__CBOR_ARRAY, count);
  for (size_t i = 0; i < rows->result_count; i++)
    if (is_waited_for(branch, &rows->results[i]))
      put_result(&exported->map, &rows->results[i]);
}

static torpor_status put_upgrade(struct exported *exported) {
  const struct torpor__new_branch *branch = &exported->branch;
  torpor_bytes handed;
  torpor_status status = torpor__upgrade_state_find(
      exported->store, branch->from, branch->checkpoint.version, &handed);
  if (status != TORPOR_OK) return status;
  torpor__cbor_string(&exported->map, "upgrade");
  torpor__cbor_bytes(&exported->map, TORPOR__CBOR_BYTES, handed.data,
                     handed.size);
  torpor_bytes_free(&handed);
  return TORPOR_OK;
}

/* A limit that does not fit is as good as none. */
static int64_t clip(uint64_t limit) {
  return limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
}

static torpor_status put_run(struct exported *exported) {
  torpor__buffer *map = &exported->map;
  const struct torpor__checkpoint *checkpoint = &exported->branch.checkpoint;
  const struct torpor__run *row = &exported->branch.rows.runs[0].row;
  torpor__cbor_head(map, TORPOR__CBOR_MAP, 17);
  put_number(map, "version", TORPOR__EXPORT_VERSION);
  put_text(map, "id", row->id);
  put_text(map, "program", row->program);
  torpor__cbor_string(map, "input");
  torpor__cbor_bytes(map, TORPOR__CBOR_BYTES, row->input.data, row->input.size);
  put_number(map, "created", row->created_ms);
  put_number(map, "step", checkpoint->step);
  put_number(map, "branch", checkpoint->branch);
  torpor__cbor_string(map, "runnable");
  torpor__cbor_boolean(map, checkpoint->runnable);
  put_number(map, "memory_max", clip(row->memory_max));
  put_number(map, "fuel", clip(row->fuel));
  put_number(map, "deadline", clip(row->deadline_ms));
  put_number(map, "keep_lines", clip(row->keep_lines));
  put_text(map, "access", row->access);
  put_operations(exported);
  put_results(exported);
  torpor_status status = put_upgrade(exported);
  return status == TORPOR_OK ? put_files(exported) : status;
}

/* Saves the state again, with where its functions wait. */
static torpor_status save_waiting(torpor_store *store, torpor_slice snapshot,
                                  torpor_bytes *out) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  options.memory_max = TORPOR_MEMORY_LARGEST;
  torpor_status status =
      torpor_snapshot_restore(snapshot.data, snapshot.size, &options, &vm);
  if (status == TORPOR_OK) status = torpor__state_save_export(vm, out);
  if (status != TORPOR_OK)
    torpor__database_fail(store->database, status, "%.400s",
                          torpor_last_error(vm));
  torpor_vm_close(vm);
  return status;
}

static torpor_status attach_map(const struct exported *exported,
                                torpor_bytes *out) {
  torpor_bytes snapshot = {0};
  torpor_status status = save_waiting(
      exported->store, exported->branch.checkpoint.snapshot, &snapshot);
  if (status != TORPOR_OK) return status;
  status = torpor_snapshot_attach(snapshot.data, snapshot.size,
                                  exported->map.data, exported->map.size, out);
  torpor_bytes_free(&snapshot);
  if (status == TORPOR_OK) return status;
  return torpor__database_fail(exported->store->database, status, "%.400s",
                               torpor_last_error(NULL));
}

/* Files and what was handed over are read after the state: they do not change
 * as long as the run is there. */
static torpor_status put_rest(struct exported *exported) {
  struct torpor__new_branch *branch = &exported->branch;
  struct torpor__head now;
  torpor_status status = put_run(exported);
  if (status != TORPOR_OK) return status;
  status =
      branch->database->calls->head_get(branch->database, branch->from, &now);
  if (status != TORPOR_NOT_FOUND) return status;
  return torpor__database_fail(branch->database, status,
                               "run '%s' was removed meanwhile", branch->id);
}

static torpor_status export_state(struct exported *exported, int64_t step,
                                  torpor_bytes *out) {
  struct torpor__new_branch *branch = &exported->branch;
  torpor_status status = torpor__branch_read(branch, step);
  if (status == TORPOR_OK && !branch->opened)
    status = torpor__database_fail(
        branch->database, TORPOR_NOT_FOUND,
        "run '%s' has no state before its first step", branch->id);
  if (status == TORPOR_OK) status = put_rest(exported);
  if (status == TORPOR_OK && exported->map.failed)
    status = torpor__database_fail(branch->database, TORPOR_NOMEM, NULL);
  return status == TORPOR_OK ? attach_map(exported, out) : status;
}

torpor_status torpor_run_export(torpor_store *store, const char *id,
                                int64_t step, torpor_bytes *out) {
  struct torpor__database *database = store->database;
  const struct torpor__checkpoint_reader reader =
      torpor__checkpoint_reader(store);
  struct exported exported = {
      .store = store, .branch = {.database = database, .reader = &reader}};
  *out = (torpor_bytes){0};
  torpor_status status =
      database->calls->run_find(database, id, &exported.branch.from);
  if (status != TORPOR_OK) return status;
  status = export_state(
      &exported, step == TORPOR_RUN_NEWEST ? TORPOR__STEP_NEWEST : step, out);
  torpor__branch_free(&exported.branch);
  torpor__buffer_free(&exported.map);
  return status;
}
