/* SPDX-License-Identifier: MIT */
/* checkpoint.c - reading a state from the store so that a run can go on from
 * it. See checkpoint.h.
 *
 *  (1) The VM is only looked at and closed again; it has no effect on anything.
 *  (2) The snapshot is taken before the VM is entered, so it is the state's,
 *      byte for byte. */
#include "run/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "run/protocol/protocol.h"
#include "run/state/extension.h"
#include "run/state/operation.h"
#include "run/state/state-save.h"

struct opened {
  char engine[TORPOR__ENGINE_ID_MAX + 1];
  torpor_bytes snapshot;
};

static torpor_status fail_vm(torpor_store *store, torpor_status status,
                             const torpor_vm *vm) {
  return torpor__database_fail(store->database, status, "%.400s",
                               torpor_last_error(vm));
}

/* ---- looking into a VM ---------------------------------------------------*/

torpor_status torpor__checkpoint_wake(torpor_store *store,
                                      const struct torpor__state_chain *chain,
                                      torpor_vm **vm) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.memory_max = TORPOR_MEMORY_LARGEST;
  options.deadline_ms = TORPOR_RUN_DEADLINE_MS;
  torpor_status status = torpor__state_chain_restore(chain, &options, vm);
  if (status == TORPOR_EXTENSION) {
    status =
        torpor__extension_prepare_all(store, NULL, chain->run, chain->version);
    if (status != TORPOR_OK) return status;
    status = torpor__state_chain_restore(chain, &options, vm);
  }
  return status == TORPOR_OK ? status : fail_vm(store, status, NULL);
}

torpor_status torpor__checkpoint_merge(torpor_store *store,
                                       const struct torpor__state_chain *chain,
                                       torpor_vm *vm, torpor_bytes *out) {
  if (chain->count > 1) {
    torpor_status status = torpor__state_save(vm, 0, out);
    return status == TORPOR_OK ? status : fail_vm(store, status, vm);
  }
  out->data = torpor__array_copy(chain->parts[0].data, chain->parts[0].size);
  out->size = chain->parts[0].size;
  if (out->data != NULL) return TORPOR_OK;
  return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
}

static torpor_status list_one(torpor_store *store, torpor_vm *vm, size_t index,
                              struct torpor__operation *copy) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  torpor_status status = torpor_operation_at(vm, index, &operation);
  if (status != TORPOR_OK) return fail_vm(store, status, vm);
  if (operation.id > INT64_MAX || (index > 0 && operation.id <= copy[-1].id))
    return torpor__database_fail(
        store->database, TORPOR_CORRUPT,
        "the operations of the state are not in order");
  status = torpor__operation_copy(&operation, copy, message);
  return status == TORPOR_OK ? status
                             : torpor__database_fail(store->database, status,
                                                     "%.400s", message);
}

static void free_operations(struct torpor__operation *operations,
                            size_t count) {
  torpor__operation_free(operations, count);
  free(operations);
}

/* Reads what 'vm' waits for, by rising id. CORRUPT when ids do not rise. */
static torpor_status list_operations(torpor_store *store, torpor_vm *vm,
                                     struct torpor__operation **operations,
                                     size_t *count) {
  size_t total = torpor_operation_count(vm);
  torpor_scope scope;
  *operations = NULL;
  *count = 0;
  if (total > TORPOR__OPERATIONS_MAX)
    return torpor__database_fail(store->database, TORPOR_LIMIT,
                                 "a run waits for at most %d operations",
                                 TORPOR__OPERATIONS_MAX);
  *operations = calloc(total + 1, sizeof **operations);
  if (*operations == NULL)
    return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < total; i++) {
    status = torpor_scope_open(vm, &scope);
    if (status != TORPOR_OK) {
      fail_vm(store, status, vm);
      break;
    }
    status = list_one(store, vm, i, &(*operations)[i]);
    if (status == TORPOR_OK) ++*count;
    torpor_scope_close(vm, scope);
  }
  if (status == TORPOR_OK) return status;
  free_operations(*operations, *count);
  *operations = NULL;
  *count = 0;
  return status;
}

/* ---- torpor__checkpoint_reader -------------------------------------------*/

static void close_checkpoint(void *user,
                             struct torpor__checkpoint *checkpoint) {
  struct opened *opened = checkpoint->block;
  (void)user;
  if (opened != NULL) torpor_bytes_free(&opened->snapshot);
  free(opened);
  free_operations(checkpoint->operations, checkpoint->operation_count);
  *checkpoint = (struct torpor__checkpoint){0};
}

/* Fills 'out' with 'snapshot', which it takes over and which is that of 'vm'.
 */
static torpor_status fill_checkpoint(torpor_store *store, torpor_vm *vm,
                                     torpor_bytes snapshot,
                                     struct torpor__checkpoint *out) {
  struct opened *opened = calloc(1, sizeof *opened);
  if (opened == NULL) {
    torpor_bytes_free(&snapshot);
    return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  }
  opened->snapshot = snapshot;
  snprintf(opened->engine, sizeof opened->engine, "%s", torpor_vm_engine(vm));
  *out = (struct torpor__checkpoint){
      .engine = {.data = opened->engine, .size = strlen(opened->engine)},
      .snapshot = {.data = opened->snapshot.data,
                   .size = opened->snapshot.size},
      .block = opened};
  torpor_status status =
      list_operations(store, vm, &out->operations, &out->operation_count);
  if (status != TORPOR_OK) close_checkpoint(store, out);
  return status;
}

torpor_status torpor__checkpoint_take(torpor_store *store, torpor_vm *vm,
                                      struct torpor__checkpoint *out) {
  torpor_bytes snapshot = {0};
  torpor_status status = torpor__state_save(vm, 0, &snapshot);
  if (status != TORPOR_OK) return fail_vm(store, status, vm);
  return fill_checkpoint(store, vm, snapshot, out);
}

static torpor_status open_chain(torpor_store *store,
                                const struct torpor__state_chain *chain,
                                struct torpor__checkpoint *out) {
  torpor_bytes snapshot = {0};
  torpor_vm *vm = NULL;
  torpor_status status = torpor__checkpoint_wake(store, chain, &vm);
  if (status == TORPOR_OK)
    status = torpor__checkpoint_merge(store, chain, vm, &snapshot);
  if (status == TORPOR_OK) status = fill_checkpoint(store, vm, snapshot, out);
  torpor_vm_close(vm);
  if (status != TORPOR_OK) return status;
  out->branch = chain->branch;
  out->step = chain->step;
  out->version = chain->version;
  out->runnable = chain->runnable;
  out->clone = chain->clone;
  return TORPOR_OK;
}

/* Encrypted states are bound to the run's id. */
static torpor_status open_checkpoint(void *user, int64_t run, int64_t step,
                                     struct torpor__checkpoint *out) {
  torpor_store *store = user;
  struct torpor__run_rows rows = {0};
  struct torpor__state_chain chain;
  torpor_status status =
      torpor__run_rows_read(&rows, store->database, run, TORPOR__ROWS_RUN);
  if (status == TORPOR_OK)
    status =
        torpor__state_chain_read(&chain, store, run, rows.runs[0].row.id, step);
  torpor__run_rows_free(&rows);
  if (status != TORPOR_OK) return status;
  status = open_chain(store, &chain, out);
  torpor__state_chain_free(&chain);
  return status;
}

static torpor_status seal_checkpoint(void *user, const char *id, int64_t branch,
                                     struct torpor__checkpoint *checkpoint) {
  torpor_store *store = user;
  struct opened *opened = checkpoint->block;
  torpor_status status = torpor__state_chain_seal(
      store, id, branch, checkpoint->step, &opened->snapshot);
  if (status != TORPOR_OK)
    torpor__database_fail(store->database, status, "encrypting run %s", id);
  checkpoint->snapshot = (torpor_slice){.data = opened->snapshot.data,
                                        .size = opened->snapshot.size};
  return status;
}

struct torpor__checkpoint_reader
torpor__checkpoint_reader(torpor_store *store) {
  return (struct torpor__checkpoint_reader){.open = open_checkpoint,
                                            .seal = seal_checkpoint,
                                            .close = close_checkpoint,
                                            .user = store};
}
