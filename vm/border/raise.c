/* SPDX-License-Identifier: MIT */
/* raise.c - errors that the host makes, for imports and for programs. In a call
 * that has begun. */
#include "vm/border/raise.h"

#include <string.h>

#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/border/thrown.h"
#include "vm/value.h"
#include "vm/vm.h"

torpor_status torpor__error_make(torpor_vm *vm, const char *name,
                                 const char *message, torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t name_at, message_at;
  torpor_status status =
      torpor__loan_add(vm, &loan, name, strlen(name), &name_at);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, message, strlen(message), &message_at);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, error_new, name_at, strlen(name), message_at,
                            strlen(message));
  if (status == TORPOR_OK) *out = torpor__value_of(vm, vm->result[0]);
  torpor__loan_end(vm, &loan);
  return status;
}

torpor_status torpor__throw_value(torpor_vm *vm, torpor_value value, bool own) {
  const bool again = value.bits == vm->exception.bits;
  torpor_status status = TORPOR__INVOKE(vm, throw, value.bits);
  if (status == TORPOR_THROWN && !again) vm->exception_own &= own;
  if (status != TORPOR_UNSUPPORTED) return status;
  vm->exception = value; /* an older engine; import.c passes it on */
  torpor__fail_thrown(vm);
  return TORPOR_THROWN;
}
