/* SPDX-License-Identifier: MIT */
/* exception.c - exceptions: what was thrown, throwing, and error objects. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/border/limit.h"
#include "vm/border/raise.h"
#include "vm/border/thrown.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/value.h"
#include "vm/vm.h"

torpor_value torpor_exception(const torpor_vm *vm) {
  return vm && !vm->closed ? vm->exception : torpor_undefined();
}

torpor_status torpor_throw_value(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, torpor__throw_value(vm, value, false));
}

/* The text that 'format' makes; NULL: no memory, or no such format. */
static char *format_text(const char *format, va_list arguments) {
  va_list again;
  char *text = NULL;
  int size;
  va_copy(again, arguments);
  size = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (size >= 0) text = torpor__alloc((size_t)size + 1);
  if (text) vsnprintf(text, (size_t)size + 1, format, arguments);
  return text;
}

static torpor_status throw_text(torpor_vm *vm, const char *name,
                                const char *text) {
  torpor_value error;
  torpor_status status;
  if (!text) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__error_make(vm, name, text, &error);
  if (status == TORPOR_OK) status = torpor__throw_value(vm, error, true);
  return torpor__end(vm, status);
}

torpor_status torpor_throw(torpor_vm *vm, const char *name, const char *format,
                           ...) {
  va_list arguments;
  char *text;
  torpor_status status;
  TORPOR__REQUIRE(vm, name);
  TORPOR__REQUIRE(vm, format);
  va_start(arguments, format);
  text = format_text(format, arguments);
  va_end(arguments);
  status = throw_text(vm, name, text);
  torpor__alloc_free(text);
  return status;
}

torpor_status torpor_error_read(torpor_vm *vm, torpor_value value,
                                torpor_error *out) {
  torpor_error error = torpor__error_none();
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_ERROR_INIT");
  torpor__sized_give(out, &error, sizeof(error));
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = torpor__error_take(vm,
                              vm->engine->exports.torpor_error_read_all
                                  ? TORPOR__EXPORT_torpor_error_read_all
                                  : TORPOR__EXPORT_torpor_error_read,
                              value, &error);
  torpor__sized_give(out, &error, sizeof(error));
  if (status == TORPOR_INTERRUPTED)
    torpor__limit_interrupted(vm, "");
  else if (status != TORPOR_OK && !vm->broken)
    torpor__fail(vm, status, "%s", torpor_status_text(status));
  return torpor__end(vm, status);
}

torpor_status torpor_error_new(torpor_vm *vm, const char *name,
                               const char *message, torpor_value *out) {
  torpor_value error;
  torpor_status status;
  if (out) *out = torpor_undefined();
  TORPOR__REQUIRE(vm, name);
  TORPOR__REQUIRE(vm, message);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__error_make(vm, name, message, &error);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

/* ---- Errors with all their parts ------------------------------------------*/

static torpor_status lend_text(torpor_vm *vm, torpor__making *making,
                               const char *text) {
  if (text) return torpor__making_lend(vm, making, text, strlen(text));
  torpor__making_add(making, 0);
  torpor__making_add(making, 0);
  return TORPOR_OK;
}

static torpor_status add_value(torpor_vm *vm, torpor__making *making,
                               const torpor_value *value) {
  torpor_value given = value ? *value : torpor_undefined();
  torpor__making_add(making, given.bits);
  return torpor__check_value(vm, given);
}

static torpor_status add_parts(torpor_vm *vm, torpor__making *making,
                               const torpor_error_parts *parts) {
  torpor_status status =
      lend_text(vm, making, parts->name ? parts->name : "Error");
  if (status == TORPOR_OK)
    status = lend_text(vm, making, parts->message ? parts->message : "");
  if (status == TORPOR_OK) status = lend_text(vm, making, parts->stack);
  if (status != TORPOR_OK) return status;
  torpor__making_add(making, parts->is_dom);
  status = add_value(vm, making, parts->cause);
  if (status == TORPOR_OK) status = add_value(vm, making, parts->code);
  if (status == TORPOR_OK) status = add_value(vm, making, parts->errors);
  return status;
}

torpor_status torpor_error_new_with(torpor_vm *vm,
                                    const torpor_error_parts *parts,
                                    torpor_value *out) {
  torpor__making making = {0};
  torpor_error_parts own = TORPOR_ERROR_PARTS_INIT;
  torpor_status status;
  torpor__put(out, torpor_undefined());
  TORPOR__REQUIRE(vm, parts);
  status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (!torpor__sized_take(&own, sizeof(own), parts))
    return torpor__fail_size(vm, parts->size, "TORPOR_ERROR_PARTS_INIT");
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = add_parts(vm, &making, &own);
  return torpor__make_end(vm, status, TORPOR_ABI_MAKE_ERROR, &making, out);
}
