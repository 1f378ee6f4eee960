/* SPDX-License-Identifier: MIT */
/* upgrade-state.c - the state that a program hands over to the one that
 * replaces it. See upgrade-state.h.
 *
 * What the exporter imports is the run's module of that name, with its
 * variables, if there is one; else a file beside the exporter.
 *
 * On the thread of the store. */
#include "run/upgrade-state.h"

#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "run/state/program.h"
#include "torpor-run.h"

struct taking {
  const struct torpor__upgrade_request *request;
  struct torpor__database *database;
  torpor_loader *loader; /* of the exporter */
  torpor_vm *vm;
};

static torpor_status fail_text(const struct taking *taking,
                               torpor_status status, const char *text) {
  snprintf(taking->database->message, sizeof taking->database->message,
           "run '%s': %.400s", taking->request->id, text);
  return status;
}

static torpor_status fail_vm(const struct taking *taking,
                             torpor_status status) {
  return fail_text(taking, status, torpor_last_error(taking->vm));
}

static const char *what(const struct taking *taking) {
  return taking->request->exporter != NULL
             ? "the exporter"
             : "the function that was given to exportState()";
}

/* 'before' and what the error says: "TypeError: x is not a function". */
static torpor_status fail_error(const struct taking *taking,
                                torpor_status status, const char *before,
                                torpor_value error) {
  torpor_error read = TORPOR_ERROR_INIT;
  char text[TORPOR__DATABASE_MESSAGE_MAX];
  if (torpor_error_read(taking->vm, error, &read) != TORPOR_OK)
    return fail_vm(taking, status);
  const char *place = read.stack + strspn(read.stack, " ");
  snprintf(text, sizeof text, "%s %s: %s%s%s%s%.*s", what(taking), before,
           read.name, *read.name && *read.message ? ": " : "", read.message,
           *place ? " " : "", (int)strcspn(place, "\n"), place);
  torpor_error_free(&read);
  return fail_text(taking, status, text);
}

/* ---- What the VM may ask -------------------------------------------------*/

/* torpor__run_context.module */
static torpor_status give_module(void *user, const char *name,
                                 torpor_bytes *source) {
  const struct taking *taking = user;
  torpor_status status =
      torpor__program_find(taking->database, taking->request->number,
                           taking->request->version, name, source);
  if (status != TORPOR_NOT_FOUND || taking->loader == NULL) return status;
  return torpor_loader_module(taking->loader, name, source);
}

/* torpor__run_context.upgrade: it was given once already. */
static torpor_status give_nothing(void *user, torpor_bytes *out) {
  (void)user;
  (void)out;
  return TORPOR_OK;
}

static bool never(void *user) {
  (void)user;
  return false;
}

/* ---- Getting the value ---------------------------------------------------*/

/* Replaces a promise by the value that it is fulfilled with. */
static torpor_status settle(const struct taking *taking, torpor_value *value) {
  torpor_promise_state state;
  torpor_status status = torpor_promise_read(taking->vm, *value, &state, NULL);
  if (status == TORPOR_WRONG_TYPE) return TORPOR_OK; /* not a promise */
  if (status == TORPOR_OK && state == TORPOR_PENDING)
    status = torpor_job_run(taking->vm, 0, NULL);
  if (status == TORPOR_OK)
    status = torpor_promise_read(taking->vm, *value, &state, value);
  if (status != TORPOR_OK) return fail_vm(taking, status);
  if (state == TORPOR_FULFILLED) return TORPOR_OK;
  if (state == TORPOR_REJECTED)
    return fail_error(taking, TORPOR_THROWN, "threw", *value);
  char text[TORPOR__DATABASE_MESSAGE_MAX];
  snprintf(text, sizeof text,
           "%s waits for something, and nothing is performed for it; it must "
           "give the state at once",
           what(taking));
  return fail_text(taking, TORPOR_DEADLOCK, text);
}

static torpor_status call_program(const struct taking *taking,
                                  torpor_value *value) {
  torpor_status status = torpor_state_hand_over(taking->vm, value);
  if (status == TORPOR_NOT_FOUND || status == TORPOR_UNSUPPORTED)
    return fail_text(
        taking, TORPOR_MISUSE,
        "its program gave no function to exportState() of torpor:run; give an "
        "exporter, a module whose default export is the state or a function "
        "that returns it");
  if (status == TORPOR_THROWN)
    return fail_error(taking, status, "threw", torpor_exception(taking->vm));
  return status == TORPOR_OK ? status : fail_vm(taking, status);
}

static torpor_status call_default(const struct taking *taking,
                                  torpor_value namespace, torpor_value *value) {
  torpor_brand brand;
  torpor_status status = torpor_get(taking->vm, namespace, "default", value);
  if (status == TORPOR_OK && torpor_value_type(*value) == TORPOR_TYPE_UNDEFINED)
    return fail_text(taking, TORPOR_NOT_FOUND,
                     "the exporter has no default export, which is to be the "
                     "state or a function that returns it");
  if (status == TORPOR_OK)
    status = torpor_value_brand(taking->vm, *value, &brand);
  if (status == TORPOR_OK && torpor_brand_is_function(brand))
    status =
        torpor_call(taking->vm, *value, torpor_undefined(), NULL, 0, value);
  if (status == TORPOR_THROWN)
    return fail_error(taking, status, "threw", torpor_exception(taking->vm));
  return status == TORPOR_OK ? status : fail_vm(taking, status);
}

static torpor_status run_exporter(struct taking *taking, torpor_value *value) {
  const struct torpor__upgrade_request *request = taking->request;
  torpor_bytes source = {0};
  /* First the old program is told that it woke. */
  torpor_status status = torpor_job_run(taking->vm, 0, NULL);
  if (status != TORPOR_OK) return fail_vm(taking, status);
  status = torpor_loader_open(request->exporter, request->access,
                              &taking->loader, &source);
  if (status != TORPOR_OK)
    return fail_text(taking, status,
                     taking->loader != NULL
                         ? torpor_loader_error(taking->loader)
                         : torpor_status_text(status));
  status =
      torpor_eval(taking->vm, (const char *)source.data, source.size,
                  torpor_loader_name(taking->loader), TORPOR_MODULE, value);
  torpor_bytes_free(&source);
  if (status == TORPOR_THROWN)
    return fail_error(taking, status, "threw", torpor_exception(taking->vm));
  if (status != TORPOR_OK) return fail_vm(taking, status);
  status = settle(taking, value);
  return status == TORPOR_OK ? call_default(taking, *value, value) : status;
}

static torpor_status write_state(const struct taking *taking,
                                 torpor_value value, torpor_bytes *out) {
  torpor_status status = torpor_cbor_encode(taking->vm, value, out);
  if (status == TORPOR_THROWN)
    return fail_error(taking, TORPOR_WRONG_TYPE, "gave what is not plain data",
                      torpor_exception(taking->vm));
  if (status != TORPOR_OK) return fail_vm(taking, status);
  if (out->size <= TORPOR_RUN_HANDOVER_LARGEST) return TORPOR_OK;
  torpor_bytes_free(out);
  char text[TORPOR__DATABASE_MESSAGE_MAX];
  snprintf(text, sizeof text, "%s gave more than %zu MiB; hand over less",
           what(taking), TORPOR_RUN_HANDOVER_LARGEST >> 20);
  return fail_text(taking, TORPOR_LIMIT, text);
}

static torpor_status take_state(struct taking *taking, torpor_bytes *out) {
  torpor_scope scope;
  torpor_value value = torpor_undefined();
  torpor_status status = torpor_scope_open(taking->vm, &scope);
  if (status != TORPOR_OK) return fail_vm(taking, status);
  status = taking->request->exporter != NULL ? run_exporter(taking, &value)
                                             : call_program(taking, &value);
  if (status == TORPOR_OK) status = settle(taking, &value);
  return status == TORPOR_OK ? write_state(taking, value, out) : status;
}

torpor_status
torpor__upgrade_state_take(const struct torpor__upgrade_request *request,
                           const struct torpor__state_chain *chain,
                           torpor_bytes *out) {
  struct taking taking = {.request = request,
                          .database = request->store->database};
  const struct torpor__run_context context = {.id = request->id,
                                              .program = request->program,
                                              .input = request->input,
                                              .access = request->access,
                                              .memory_max = request->memory_max,
                                              .deadline_ms =
                                                  request->deadline_ms,
                                              .module = give_module,
                                              .upgrade = give_nothing,
                                              .interrupt = never,
                                              .user = &taking};
  struct torpor__run_vm *run_vm;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  torpor_status status = torpor__run_vm_open(&run_vm, &context, chain, message);
  if (status != TORPOR_OK) return fail_text(&taking, status, message);
  taking.vm = torpor__run_vm_get(run_vm);
  status = take_state(&taking, out);
  torpor__run_vm_close(run_vm);
  torpor_loader_close(taking.loader);
  return status;
}

/* ---- Keeping it ----------------------------------------------------------*/

static const char context[] = "handover";

torpor_status torpor__upgrade_state_seal(torpor_store *store,
                                         torpor_bytes *bytes) {
  torpor_bytes sealed = {0};
  if (!store->keyed) return TORPOR_OK;
  torpor_status status = torpor_snapshot_protect(
      bytes->data, bytes->size, store->key, TORPOR_ENCRYPT, context,
      sizeof context - 1, &sealed);
  if (status != TORPOR_OK)
    return torpor__database_fail(store->database, status,
                                 "encrypting what is handed over");
  torpor_bytes_free(bytes);
  *bytes = sealed;
  return TORPOR_OK;
}

static torpor_status open_stored(torpor_store *store, torpor_slice stored,
                                 torpor_bytes *out) {
  if (!torpor_snapshot_is_protected(stored.data, stored.size)) {
    out->data = torpor__array_copy(stored.data, stored.size);
    out->size = stored.size;
    return out->data != NULL ? TORPOR_OK : TORPOR_NOMEM;
  }
  if (store->keyed &&
      torpor_snapshot_unprotect(stored.data, stored.size, store->key, context,
                                sizeof context - 1, out) == TORPOR_OK)
    return TORPOR_OK;
  return torpor__database_fail(store->database, TORPOR_KEY,
                               "what an older program handed over");
}

struct wanted {
  torpor_store *store;
  int64_t version;
  torpor_bytes *out;
};

/* torpor__version_fn */
static torpor_status take_stored(void *data,
                                 const struct torpor__version *row) {
  struct wanted *wanted = data;
  if (row->number != wanted->version || row->state.size == 0) return TORPOR_OK;
  return open_stored(wanted->store, row->state, wanted->out);
}

torpor_status torpor__upgrade_state_find(torpor_store *store, int64_t number,
                                         int64_t version, torpor_bytes *out) {
  struct wanted wanted = {.store = store, .version = version, .out = out};
  *out = (torpor_bytes){0};
  return store->database->calls->version_each(store->database, number,
                                              take_stored, &wanted);
}
