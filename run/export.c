/* SPDX-License-Identifier: MIT */
/* export.c - runs that leave a store as a file.
 *
 * An exported run is the snapshot of one of its states, with one more section
 * (docs/snapshot-format.md), a CBOR map of what a store knows beside it:
 *
 *   version     1
 *   id program  texts; input  bytes, CBOR
 *   files       array of [name, bytes]: the program's modules
 *   created step branch  integers; runnable  boolean
 *   memory_max fuel deadline  integers
 *   access      text; what it was granted, which nobody grants again
 *   operations  array of maps: id, key, policy, begun_step
 *   results     array of maps: operation, outcome, value; of those operations
 *   upgrade     bytes, CBOR: what an older program handed over, if one did
 *
 * On the thread of the store. */
#include <stdlib.h>

#include "common/cbor.h"
#include "checkpoint.h"
#include "upgrade-state.h"

struct exported {
  torpor_store *store;
  int64_t run;
  torpor__buffer map;
  torpor_bytes *out;
};

struct file_count {
  size_t count;
};

/* torpor__file_fn */
static torpor_status count_file(void *data, const char *name,
                                torpor_slice source) {
  struct file_count *files = data;
  (void)name;
  (void)source;
  files->count++;
  return TORPOR_OK;
}

/* torpor__file_fn */
static torpor_status put_file(void *data, const char *name,
                              torpor_slice source) {
  torpor__buffer *map = data;
  torpor__cbor_head(map, TORPOR__CBOR_ARRAY, 2);
  torpor__cbor_string(map, name);
  torpor__cbor_bytes(map, TORPOR__CBOR_BYTES, source.data, source.size);
  return TORPOR_OK;
}

static torpor_status put_files(struct exported *exported, int64_t version) {
  struct torpor__database *rows = exported->store->database;
  struct file_count files = {0};
  torpor_status status = rows->calls->file_each(rows, exported->run, version,
                                                NULL, count_file, &files);
  if (status != TORPOR_OK) return status;
  torpor__cbor_string(&exported->map, "files");
  torpor__cbor_head(&exported->map, TORPOR__CBOR_ARRAY, files.count);
  return rows->calls->file_each(rows, exported->run, version, NULL, put_file,
                                &exported->map);
}

static void put_number(torpor__buffer *map, const char *key, int64_t number) {
  torpor__cbor_string(map, key);
  torpor__cbor_integer(map, number);
}

static void put_text(torpor__buffer *map, const char *key, const char *text) {
  torpor__cbor_string(map, key);
  torpor__cbor_string(map, text);
}

static void put_operations(torpor__buffer *map,
                           const struct torpor__checkpoint *checkpoint) {
  torpor__cbor_string(map, "operations");
  torpor__cbor_head(map, TORPOR__CBOR_ARRAY, checkpoint->operation_count);
  for (size_t i = 0; i < checkpoint->operation_count; i++) {
    const struct torpor__operation *operation = &checkpoint->operations[i];
    torpor__cbor_head(map, TORPOR__CBOR_MAP, 4);
    put_number(map, "id", (int64_t)operation->id);
    put_text(map, "key", operation->key);
    put_number(map, "policy", (int64_t)operation->policy);
    put_number(map, "begun_step", operation->begun_step);
  }
}

static void put_results(torpor__buffer *map, const struct torpor__view *view) {
  torpor__cbor_string(map, "results");
  torpor__cbor_head(map, TORPOR__CBOR_ARRAY, view->result_count);
  for (size_t i = 0; i < view->result_count; i++) {
    const struct torpor__result *result = &view->results[i];
    torpor__cbor_head(map, TORPOR__CBOR_MAP, 3);
    put_number(map, "operation", (int64_t)result->operation);
    put_number(map, "outcome", (int64_t)result->outcome);
    torpor__cbor_string(map, "value");
    torpor__cbor_bytes(map, TORPOR__CBOR_BYTES, result->value.data,
                       result->value.size);
  }
}

static torpor_status put_upgrade(struct exported *exported, int64_t version) {
  torpor_bytes handed;
  torpor_status status = torpor__upgrade_state_find(
      exported->store, exported->run, version, &handed);
  if (status != TORPOR_OK) return status;
  torpor__cbor_string(&exported->map, "upgrade");
  torpor__cbor_bytes(&exported->map, TORPOR__CBOR_BYTES, handed.data,
                     handed.size);
  torpor_bytes_free(&handed);
  return TORPOR_OK;
}

/* Limits are unsigned, and endless where they do not fit. */
static int64_t clip(uint64_t limit) {
  return limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
}

static torpor_status put_run(struct exported *exported,
                             const struct torpor__view *view) {
  torpor__buffer *map = &exported->map;
  const struct torpor__run *row = view->row;
  torpor__cbor_head(map, TORPOR__CBOR_MAP, 16);
  put_number(map, "version", TORPOR__EXPORT_VERSION);
  put_text(map, "id", row->id);
  put_text(map, "program", row->program);
  torpor__cbor_string(map, "input");
  torpor__cbor_bytes(map, TORPOR__CBOR_BYTES, row->input.data, row->input.size);
  put_number(map, "created", row->created_ms);
  put_number(map, "step", view->checkpoint->step);
  put_number(map, "branch", view->checkpoint->branch);
  torpor__cbor_string(map, "runnable");
  torpor__cbor_boolean(map, view->checkpoint->runnable);
  put_number(map, "memory_max", clip(row->memory_max));
  put_number(map, "fuel", clip(row->fuel));
  put_number(map, "deadline", clip(row->deadline_ms));
  put_text(map, "access", row->access);
  put_operations(map, view->checkpoint);
  put_results(map, view);
  torpor_status status = put_upgrade(exported, view->checkpoint->version);
  if (status != TORPOR_OK) return status;
  return put_files(exported, view->checkpoint->version);
}

/* The same state, with where its functions wait. */
static torpor_status save_waiting(torpor_store *store, torpor_slice snapshot,
                                  torpor_bytes *out) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  options.memory_max = TORPOR_MEMORY_LARGEST;
  torpor_status status =
      torpor_snapshot_restore(snapshot.data, snapshot.size, &options, &vm);
  if (status == TORPOR_OK)
    status = torpor_snapshot_save_with(vm, TORPOR_SAVE_WAITING, out);
  if (status != TORPOR_OK)
    torpor__database_fail(store->database, status, "%.400s",
                          torpor_last_error(vm));
  torpor_vm_close(vm);
  return status;
}

/* torpor__view_fn */
static torpor_status export_view(void *user, const struct torpor__view *view) {
  struct exported *exported = user;
  torpor_store *store = exported->store;
  torpor_bytes snapshot = {0};
  torpor_status status = put_run(exported, view);
  if (status == TORPOR_OK && exported->map.failed)
    status = torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  if (status == TORPOR_OK)
    status = save_waiting(store, view->checkpoint->snapshot, &snapshot);
  if (status != TORPOR_OK) return status;
  status =
      torpor_snapshot_attach(snapshot.data, snapshot.size, exported->map.data,
                             exported->map.size, exported->out);
  torpor_bytes_free(&snapshot);
  if (status == TORPOR_OK) return status;
  return torpor__database_fail(store->database, status, "%.400s",
                               torpor_last_error(NULL));
}

torpor_status torpor_run_export(torpor_store *store, const char *id,
                                int64_t step, torpor_bytes *out) {
  struct torpor__database *rows = store->database;
  const struct torpor__opener opener = torpor__checkpoint_opener(store);
  struct exported exported = {.store = store, .out = out};
  *out = (torpor_bytes){0};
  torpor_status status = rows->calls->run_find(rows, id, &exported.run);
  if (status != TORPOR_OK) return status;
  status = torpor__branch_view(rows, exported.run,
                               step == TORPOR_RUN_NEWEST ? TORPOR__STEP_NEWEST
                                                         : step,
                               &opener, export_view, &exported);
  torpor__buffer_free(&exported.map);
  return status;
}
