/* SPDX-License-Identifier: MIT */
/* value.h - values as the host holds them. */
#ifndef TORPOR_VM_VALUE_H
#define TORPOR_VM_VALUE_H

#include "vm/common/error.h"
#include "vm/vm.h"

/* A scope that the host has open. */
struct torpor__scope {
  torpor_scope number;
  uint64_t mark; /* of torpor__scope_open */
};

static inline bool torpor__is_handle(torpor_value value) {
  return value.bits >> 48 >= TORPOR_TAG_STRING;
}
/* The host's form of a value of 'vm' that crossed the border as 64 bits. */
static inline torpor_value torpor__value_of(const torpor_vm *vm,
                                            uint64_t bits) {
  torpor_value value = {bits, 0};
  if (torpor__is_handle(value)) value.owner = vm->owner;
  return value;
}
/* OK when 'value' is not a handle of another VM. */
static inline torpor_status torpor__check_value(torpor_vm *vm,
                                                torpor_value value) {
  if (!torpor__is_handle(value) || value.owner == vm->owner) return TORPOR_OK;
  return torpor__fail_foreign(vm);
}

#endif
