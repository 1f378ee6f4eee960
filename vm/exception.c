/* SPDX-License-Identifier: MIT */
/* exception.c - exceptions: what was thrown, throwing, and error objects. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/raise.h"
#include "vm/thrown.h"
#include "vm/vm.h"

torpor_value torpor_exception(const torpor_vm *vm) {
  return vm && !vm->closed ? vm->exception : torpor_undefined();
}

torpor_status torpor_throw_value(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, torpor__throw_value(vm, value));
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
  if (status == TORPOR_OK) status = torpor__throw_value(vm, error);
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
  torpor_error error = {.size = sizeof(error), .cause = torpor_undefined()};
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_ERROR_INIT");
  torpor__sized_give(out, &error, sizeof(error));
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status =
      torpor__error_take(vm, TORPOR__EXPORT_torpor_error_read, value, &error);
  torpor__sized_give(out, &error, sizeof(error));
  if (status != TORPOR_OK && !vm->broken)
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
