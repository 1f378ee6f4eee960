/* SPDX-License-Identifier: MIT */
/* exception.c - exceptions: what was thrown, throwing, and error objects. */
#include <string.h>

#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/raise.h"
#include "vm/thrown.h"
#include "vm/vm.h"

torpor_value torpor_exception(const torpor_vm *vm) {
  return vm && !vm->closed ? vm->exception : torpor_undefined();
}

torpor_status torpor_throw(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, throw, value.bits);
  if (status == TORPOR_UNSUPPORTED) { /* import.c passes it on */
    vm->exception = value;
    torpor__fail_thrown(vm);
    status = TORPOR_THROWN;
  }
  return torpor__end(vm, status);
}

torpor_status torpor_error_read(torpor_vm *vm, torpor_value value,
                                torpor_error *out) {
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_error){.cause = torpor_undefined()};
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = torpor__error_take(vm, TORPOR__EXPORT_torpor_error_read, value, out);
  if (status != TORPOR_OK && !vm->broken)
    torpor__fail(vm, status, "%s", torpor_status_text(status));
  return torpor__end(vm, status);
}

torpor_status torpor_error_new(torpor_vm *vm, const char *name,
                               const char *message, torpor_value *out) {
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = torpor_undefined();
  TORPOR__REQUIRE(vm, name);
  TORPOR__REQUIRE(vm, message);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, torpor__error_make(vm, name, message, out));
}
