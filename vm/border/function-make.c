/* SPDX-License-Identifier: MIT */
/* function-make.c - functions that call the host, made in the guest. */
#include "vm/border/function-make.h"

#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/value.h"
#include "vm/vm.h"

size_t torpor__name_shown(const char *name, size_t size) {
  size_t start = size;
  while (start > 0 && name[start - 1] != '.') start--;
  return start < size ? size - start : size;
}

/* With an engine that has only torpor_function_new. */
static torpor_status make_plain(torpor_vm *vm,
                                const torpor__function_making *making,
                                uint64_t name) {
  if (making->flags || making->class ||
      torpor_value_type(making->captured) != TORPOR_TYPE_UNDEFINED)
    return torpor__fail(vm, TORPOR_UNSUPPORTED,
                        "the engine of this VM is older than such functions: "
                        "it has only those that call the host");
  return TORPOR__INVOKE(vm, function_new, name, making->name_size,
                        (uint32_t)making->length);
}

static torpor_status lend(torpor_vm *vm, const torpor__function_making *making,
                          torpor__loan *loan, uint64_t name, uint64_t *out) {
  size_t before = making->name_size - making->shown_size;
  const torpor_abi_function function = {
      .captured = making->captured.bits,
      .target = making->target.bits,
      .name = (uint32_t)name,
      .name_size = (uint32_t)making->name_size,
      .shown = (uint32_t)(name + before),
      .shown_size = (uint32_t)making->shown_size,
      .length = (uint32_t)making->length,
      .flags = making->flags,
      .class = making->class,
  };
  return torpor__loan_add(vm, loan, &function, sizeof(function), out);
}

torpor_status torpor__function_make(torpor_vm *vm,
                                    const torpor__function_making *making,
                                    torpor_value *out) {
  bool plain = !vm->engine->exports.torpor_function_make;
  torpor__loan loan = {0};
  uint64_t name, function;
  torpor_status status = torpor__check_value(vm, making->captured);
  if (status == TORPOR_OK) status = torpor__check_value(vm, making->target);
  if (status == TORPOR_OK)
    status =
        torpor__loan_add(vm, &loan, making->name, making->name_size, &name);
  if (status == TORPOR_OK && plain) status = make_plain(vm, making, name);
  if (status == TORPOR_OK && !plain) {
    status = lend(vm, making, &loan, name, &function);
    if (status == TORPOR_OK)
      status = TORPOR__INVOKE(vm, function_make, function);
  }
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return status;
}
