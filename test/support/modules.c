/* SPDX-License-Identifier: MIT */
/* modules.c - a host that gives modules out of a table, for tests. */
#include "test/support/modules.h"

#include <stdio.h>
#include <string.h>

static const test_module *find_module(const test_modules *modules,
                                      const char *name) {
  const test_module *found = modules->table;
  while (found->name && strcmp(found->name, name) != 0) found++;
  return found->name ? found : NULL;
}

static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  test_modules *modules = user;
  const test_module *found = find_module(modules, request->name);
  modules->asked++;
  snprintf(modules->last, sizeof(modules->last), "%s %d %s", request->name,
           (int)request->type, request->importer);
  if (strncmp(request->name, "later/", 6) == 0)
    return torpor_module_later(NULL, request, answer);
  if (!found) return TORPOR_NOT_FOUND;
  if (!found->source)
    return torpor_module_refuse(answer, TORPOR_DENIED,
                                "not granted: --allow-%s", request->name);
  return torpor_module_give(answer, found->source, SIZE_MAX);
}

torpor_options test_modules_options(test_modules *modules) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = modules;
  options.module = give;
  return options;
}

/* The name in the request of 'operation'. */
static void read_name(torpor_vm *vm, const torpor_operation *operation,
                      char name[256]) {
  torpor_value request, value;
  torpor_bytes text;
  assert_string_equal(operation->kind, "module");
  test_ok(vm, torpor_cbor_decode(vm, operation->request,
                                 operation->request_size, &request));
  test_ok(vm, torpor_get(vm, request, "name", &value));
  test_ok(vm, torpor_string_read(vm, value, &text));
  snprintf(name, 256, "%s", (const char *)text.data);
  torpor_bytes_free(&text);
}

static void answer_one(torpor_vm *vm, const test_modules *modules,
                       const torpor_operation *operation) {
  uint64_t id = operation->id;
  char name[256];
  const test_module *found;
  torpor_value value;
  read_name(vm, operation, name);
  found = find_module(modules, name);
  if (found && found->source) {
    test_ok(vm, torpor_string_new(vm, found->source, strlen(found->source),
                                  &value));
    test_ok(vm, torpor_operation_settle(vm, id, TORPOR_RESOLVE, value));
  } else {
    torpor_bytes error;
    test_ok(vm, torpor_cbor_error("Error", "it is not on the shelf", "SHELF",
                                  &error));
    test_ok(vm, torpor_operation_settle_cbor(vm, id, TORPOR_REJECT, error.data,
                                             error.size));
    torpor_bytes_free(&error);
  }
}

unsigned test_modules_answer(torpor_vm *vm, const test_modules *modules,
                             bool backwards) {
  size_t count = torpor_operation_count(vm);
  torpor_scope scope;
  test_ok(vm, torpor_scope_open(vm, &scope));
  for (size_t i = count; i-- > 0;) {
    torpor_operation operation = TORPOR_OPERATION_INIT;
    test_ok(vm, torpor_operation_at(vm, backwards ? i : 0, &operation));
    answer_one(vm, modules, &operation);
  }
  test_ok(vm, torpor_scope_close(vm, scope));
  return (unsigned)count;
}

void test_modules_error(torpor_vm *vm, torpor_value value, char *text) {
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_value code = torpor_undefined();
  torpor_bytes bytes;
  test_ok(vm, torpor_error_read(vm, value, &error));
  if (torpor_value_type(value) == TORPOR_TYPE_OBJECT)
    test_ok(vm, torpor_get(vm, value, "code", &code));
  test_ok(vm, torpor_string_read(vm, code, &bytes));
  snprintf(text, 512, "%s: %s [%s]", error.name, error.message,
           (const char *)bytes.data);
  torpor_bytes_free(&bytes);
  torpor_error_free(&error);
}

void test_modules_run(torpor_vm *vm, const test_modules *modules,
                      const char *source, char *text) {
  torpor_value promise, value;
  torpor_promise_state state;
  torpor_bytes bytes;
  torpor_status status = torpor_eval(vm, source, strlen(source), "main.js",
                                     TORPOR_MODULE, &promise);
  if (status == TORPOR_THROWN) {
    test_modules_error(vm, torpor_exception(vm), text);
    return;
  }
  test_ok(vm, status);
  do {
    test_run_jobs(vm);
  } while (test_modules_answer(vm, modules, false) > 0);
  test_ok(vm, torpor_promise_read(vm, promise, &state, &value));
  assert_int_not_equal(state, TORPOR_PENDING);
  if (state == TORPOR_REJECTED) {
    test_modules_error(vm, value, text);
    test_ok(vm, torpor_promise_handle(vm, promise));
    return;
  }
  value = test_eval(vm, "globalThis.out");
  test_ok(vm, torpor_string_read(vm, value, &bytes));
  snprintf(text, 512, "%s", (const char *)bytes.data);
  torpor_bytes_free(&bytes);
}
