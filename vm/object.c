/* SPDX-License-Identifier: MIT */
/* object.c - making objects, reading and writing their properties.
 *
 * Properties are read as JavaScript reads them, so getters, setters and proxies
 * run, and everything here may throw or be interrupted. */
#include <string.h>

#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/loan.h"
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

torpor_status torpor_value_brand(torpor_vm *vm, torpor_value value,
                                 torpor_brand *out) {
  torpor_status status;
  if (out) *out = TORPOR_BRAND_NONE;
  if (torpor_value_type(value) != TORPOR_TYPE_OBJECT)
    return torpor__check_open(vm);
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, object_class, value.bits);
  if (status == TORPOR_OK && vm->result[0] > TORPOR_BRAND_PROXY)
    status = torpor__fail_damaged(vm, "the class of an object");
  if (status == TORPOR_OK && out) *out = (torpor_brand)vm->result[0];
  return torpor__end(vm, status);
}

torpor_status torpor_get(torpor_vm *vm, torpor_value object, const char *key,
                         torpor_value *out) {
  torpor__loan loan = {0};
  size_t size;
  uint64_t address;
  torpor_status status;
  if (out) *out = torpor_undefined();
  TORPOR__REQUIRE(vm, key);
  size = strlen(key);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, key, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, get, object.bits, address, size);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

torpor_status torpor_set(torpor_vm *vm, torpor_value object, const char *key,
                         torpor_value value) {
  torpor__loan loan = {0};
  size_t size;
  uint64_t address;
  torpor_status status;
  TORPOR__REQUIRE(vm, key);
  size = strlen(key);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, key, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, set, object.bits, address, size, value.bits);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

torpor_status torpor_get_index(torpor_vm *vm, torpor_value object,
                               uint32_t index, torpor_value *out) {
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, get_index, object.bits, index);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor_set_index(torpor_vm *vm, torpor_value object,
                               uint32_t index, torpor_value value) {
  torpor_status status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, set_index, object.bits, index, value.bits);
  return torpor__end(vm, status);
}
