/* SPDX-License-Identifier: MIT */
/* object.c - making objects. */
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

/* One entry that takes nothing and gives one value. */
static torpor_status make(torpor_vm *vm, torpor__export export,
                          torpor_value *out) {
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__invoke(vm, export, NULL);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor_global(torpor_vm *vm, torpor_value *out) {
  return make(vm, TORPOR__EXPORT_torpor_global, out);
}

torpor_status torpor_object_new(torpor_vm *vm, torpor_value *out) {
  return make(vm, TORPOR__EXPORT_torpor_object_new, out);
}

torpor_status torpor_array_new(torpor_vm *vm, torpor_value *out) {
  return make(vm, TORPOR__EXPORT_torpor_array_new, out);
}
