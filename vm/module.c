/* SPDX-License-Identifier: MIT */
/* module.c - modules made by the host, and answers about others. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/border/binding.h"
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

/* ---- Answers -------------------------------------------------------------*/

torpor_status torpor_module_give(torpor_module_answer *answer, const void *data,
                                 size_t size) {
  uint8_t *copy;
  TORPOR__REQUIRE(NULL, answer);
  if (!data && size > 0) return torpor__fail_missing(NULL, "data");
  if (data && size == SIZE_MAX) size = strlen(data);
  if (size > TORPOR_SOURCE_LARGEST)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the source has %zu bytes; the limit is %zu "
                        "(TORPOR_SOURCE_LARGEST)",
                        size, TORPOR_SOURCE_LARGEST);
  copy = malloc(size + 1);
  if (!copy) return torpor__fail(NULL, TORPOR_NOMEM, "out of memory");
  if (size > 0) memcpy(copy, data, size);
  copy[size] = 0;
  free(answer->text.data);
  answer->text = (torpor_bytes){copy, size};
  return TORPOR_OK;
}

torpor_status torpor_module_give_compiled(torpor_module_answer *answer,
                                          const void *data, size_t size) {
  torpor_status status = torpor_module_give(answer, data, size);
  if (status == TORPOR_OK) answer->compiled = true;
  return status;
}

torpor_status torpor_module_refuse(torpor_module_answer *answer,
                                   torpor_status status, const char *format,
                                   ...) {
  va_list list, again;
  char *text;
  int size;
  TORPOR__REQUIRE(NULL, answer);
  TORPOR__REQUIRE(NULL, format);
  va_start(list, format);
  va_copy(again, list);
  size = vsnprintf(NULL, 0, format, list);
  text = size < 0 ? NULL : malloc((size_t)size + 1);
  if (text) vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  va_end(list);
  free(answer->message); /* without memory the status speaks for itself */
  answer->message = text;
  return status == TORPOR_OK ? TORPOR_MISUSE : status;
}

torpor_status torpor_module_later(void *user,
                                  const torpor_module_request *request,
                                  torpor_module_answer *answer) {
  (void)user, (void)request;
  TORPOR__REQUIRE(NULL, answer);
  answer->later = true;
  return TORPOR_OK;
}

/* ---- Modules made by the host --------------------------------------------*/

static torpor_status check_name(torpor_vm *vm, const char *name) {
  TORPOR__REQUIRE(vm, name);
  if (name[0] == '\0' || strlen(name) > TORPOR__NAME_LARGEST ||
      strncmp(name, "torpor:", 7) == 0)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "the name of a module has 1 to %d bytes and does not "
                        "begin with \"torpor:\"",
                        TORPOR__NAME_LARGEST);
  return TORPOR_OK;
}

/* Makes 'object' the module 'name'. EXISTS: with 'known' true when the host had
 * made it. */
static torpor_status make_module(torpor_vm *vm, const char *name,
                                 torpor_value object, bool *known) {
  torpor__loan loan = {0};
  uint64_t address;
  torpor_status status =
      torpor__loan_add(vm, &loan, name, strlen(name), &address);
  *known = false;
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, module_new, address, strlen(name), object.bits);
  if (status == TORPOR_EXISTS) {
    *known = vm->result[0] == 1;
    status =
        torpor__fail(vm, TORPOR_EXISTS, "there is a module '%s' already", name);
  }
  if (status == TORPOR_WRONG_TYPE)
    status = torpor__fail(vm, TORPOR_WRONG_TYPE,
                          "a module is made of an object that is no proxy");
  torpor__loan_end(vm, &loan);
  return status;
}

torpor_status torpor_module_new(torpor_vm *vm, const char *name,
                                torpor_value object) {
  bool known;
  torpor_status status = torpor__begin_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = check_name(vm, name);
  if (status == TORPOR_OK) status = make_module(vm, name, object, &known);
  return torpor__end(vm, status);
}

static torpor_status check_exports(torpor_vm *vm, const char *name,
                                   const torpor_module_export *exports,
                                   size_t count) {
  torpor_status status = check_name(vm, name);
  if (status == TORPOR_OK && !exports && count > 0)
    status = torpor__fail_missing(vm, "exports");
  for (size_t i = 0; status == TORPOR_OK && i < count; i++) {
    const torpor_module_export *export = &exports[i];
    if (!export->name || export->length < 0 ||
        strlen(name) + 1 + strlen(export->name) > TORPOR__NAME_LARGEST)
      status = torpor__fail(vm, TORPOR_MISUSE,
                            "export %zu of module '%s' needs a name, together "
                            "at most %d bytes, and a length of at least 0",
                            i, name, TORPOR__NAME_LARGEST - 1);
    else if (!export->function)
      status = torpor__check_value(vm, export->value);
  }
  return status;
}

/* Writes the name under which a function is bound. */
static void bound_name(const char *module, const char *name,
                       char out[TORPOR__NAME_LARGEST + 1]) {
  snprintf(out, TORPOR__NAME_LARGEST + 1, "%s.%s", module, name);
}

static torpor_status set_export(torpor_vm *vm, const char *module,
                                torpor_value object,
                                const torpor_module_export *export) {
  char name[TORPOR__NAME_LARGEST + 1];
  torpor_value value = export->value;
  torpor__loan loan = {0};
  torpor_status status = TORPOR_OK;
  uint64_t key;
  bound_name(module, export->name, name);
  if (export->function)
    status = torpor_function_new(vm, name, export->length, &value);
  if (status == TORPOR_OK)
    status =
        torpor__loan_add(vm, &loan, export->name, strlen(export->name), &key);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, module_export, object.bits, key,
                            strlen(export->name), value.bits);
  torpor__loan_end(vm, &loan);
  return status;
}

/* Makes the object and the module. */
static torpor_status add_module(torpor_vm *vm, const char *name,
                                const torpor_module_export *exports,
                                size_t count) {
  uint64_t scope = torpor__scope_open(vm);
  torpor_value object;
  bool known = false;
  torpor_status status = torpor_object_new(vm, &object);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++)
    status = set_export(vm, name, object, &exports[i]);
  if (status == TORPOR_OK) status = make_module(vm, name, object, &known);
  torpor__scope_end(vm, scope, status);
  return known ? TORPOR_OK : status;
}

torpor_status torpor_module_add(torpor_vm *vm, const char *name,
                                const torpor_module_export *exports,
                                size_t count) {
  char bound[TORPOR__NAME_LARGEST + 1];
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = check_exports(vm, name, exports, count);
  if (status == TORPOR_OK) status = add_module(vm, name, exports, count);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++) {
    if (!exports[i].function) continue;
    bound_name(name, exports[i].name, bound);
    status = torpor_function_bind(vm, bound, exports[i].function,
                                  exports[i].user, NULL);
  }
  return torpor__end(vm, status);
}
