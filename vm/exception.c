/* SPDX-License-Identifier: MIT */
/* exception.c - exceptions as the host throws, makes and reads them. */
#include <string.h>

#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/loan.h"
#include "vm/thrown.h"
#include "vm/value.h"
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
  torpor__loan loan = {0};
  uint64_t name_at, message_at;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = torpor_undefined();
  TORPOR__REQUIRE(vm, name);
  TORPOR__REQUIRE(vm, message);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, name, strlen(name), &name_at);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, message, strlen(message), &message_at);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, error_new, name_at, strlen(name), message_at,
                            strlen(message));
  if (status == TORPOR_OK) *out = torpor__value_of(vm, vm->result[0]);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}
