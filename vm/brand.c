/* SPDX-License-Identifier: MIT */
/* brand.c - what a value is, identity and conversions. */
#include "torpor.h"

#include <string.h>

#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/value.h"
#include "vm/vm.h"

/* ---- Brands ---------------------------------------------------------------*/

static torpor_status take_brand(torpor_vm *vm, torpor_brand most,
                                torpor_brand *brand) {
  if (vm->result[0] > (uint64_t)most)
    return torpor__fail_damaged(vm, "the brand of an object");
  *brand = (torpor_brand)vm->result[0];
  return TORPOR_OK;
}

/* Engines that are older know the first twelve. */
static torpor_status look_brand(torpor_vm *vm, torpor_value value,
                                torpor_brand *brand) {
  torpor_status status = torpor__look(vm, TORPOR_ABI_LOOK_BRAND, value);
  if (status == TORPOR_OK) return take_brand(vm, TORPOR_BRAND_LAST, brand);
  if (status != TORPOR_UNSUPPORTED) return status;
  status = TORPOR__INVOKE(vm, object_class, value.bits);
  if (status != TORPOR_OK) return status;
  return take_brand(vm, TORPOR_BRAND_PROXY, brand);
}

torpor_status torpor_value_brand(torpor_vm *vm, torpor_value value,
                                 torpor_brand *out) {
  torpor_brand brand = TORPOR_BRAND_NONE;
  torpor_status status;
  if (out) *out = brand;
  if (torpor_value_type(value) != TORPOR_TYPE_OBJECT)
    return torpor__check_open(vm);
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = look_brand(vm, value, &brand);
  if (out) *out = brand;
  return torpor__end(vm, status);
}

torpor_status torpor_object_read(torpor_vm *vm, torpor_value object,
                                 torpor_object_info *out) {
  torpor_object_info info = TORPOR_OBJECT_INFO_INIT;
  torpor_status status;
  if (out) {
    TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_OBJECT_INFO_INIT");
    torpor__sized_give(out, &info, sizeof(info));
  }
  if (torpor_value_type(object) != TORPOR_TYPE_OBJECT) {
    status = torpor__check_open(vm);
    return status != TORPOR_OK
               ? status
               : torpor__fail(vm, TORPOR_WRONG_TYPE, "the value is no object");
  }
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BRAND, object);
  if (status != TORPOR_OK) return status;
  status = take_brand(vm, TORPOR_BRAND_LAST, &info.brand);
  info.class_id = (uint32_t)vm->result[1];
  info.is_callable = vm->result[2] & 1;
  info.is_constructor = vm->result[2] & 2;
  info.is_extensible = !(vm->result[2] & 4);
  if (status == TORPOR_OK && out) torpor__sized_give(out, &info, sizeof(info));
  return torpor__end(vm, status);
}

/* One look that gives a text. */
static torpor_status look_text(torpor_vm *vm, uint32_t what, torpor_value value,
                               torpor_bytes *out) {
  torpor_bytes text = {NULL, 0};
  torpor_status status;
  if (out) *out = text;
  status = torpor__look_begin(vm, what, value);
  if (status != TORPOR_OK) return status;
  status = torpor__text_take(vm, &text);
  if (out)
    *out = text;
  else
    torpor_bytes_free(&text);
  return torpor__end(vm, status);
}

torpor_status torpor_object_class_name(torpor_vm *vm, torpor_value object,
                                       torpor_bytes *out) {
  return look_text(vm, TORPOR_ABI_LOOK_CLASS, object, out);
}

torpor_status torpor_value_describe(torpor_vm *vm, torpor_value value,
                                    torpor_bytes *out) {
  return look_text(vm, TORPOR_ABI_LOOK_DESCRIBE, value, out);
}

torpor_status torpor_error_properties(torpor_vm *vm, torpor_value error,
                                      torpor_bytes *out) {
  return look_text(vm, TORPOR_ABI_LOOK_REST, error, out);
}

torpor_status torpor_object_unbox(torpor_vm *vm, torpor_value object,
                                  torpor_value *out) {
  return torpor__look_value(vm, TORPOR_ABI_LOOK_BOXED, object, out);
}

/* ---- Identity -------------------------------------------------------------*/

torpor_status torpor_value_same(torpor_vm *vm, torpor_value a, torpor_value b,
                                torpor_sameness how, bool *out) {
  torpor_status status;
  if (out) *out = false;
  status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (how < TORPOR_SAME_STRICT || how > TORPOR_SAME_KEY)
    return torpor__fail(vm, TORPOR_MISUSE, "%d is not a torpor_sameness",
                        (int)how);
  status =
      torpor__apply_begin(vm, (uint32_t)TORPOR_ABI_APPLY_EQUAL + (uint32_t)how,
                          a, b, torpor_undefined());
  if (status != TORPOR_OK) return status;
  if (out) *out = vm->result[0] == 1;
  return torpor__end(vm, TORPOR_OK);
}

torpor_status torpor_value_identity(torpor_vm *vm, torpor_value value,
                                    uint64_t *out) {
  torpor_status status;
  if (out) *out = 0;
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_IDENTITY, value);
  if (status != TORPOR_OK) return status;
  if (out) *out = vm->result[0];
  return torpor__end(vm, TORPOR_OK);
}

/* ---- Conversions ----------------------------------------------------------*/

/* One that may run code of the program. */
static torpor_status convert(torpor_vm *vm, uint32_t what, torpor_value value,
                             torpor_value *out) {
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__begin_running_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = torpor__look(vm, what, value);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor_value_to_number(torpor_vm *vm, torpor_value value,
                                     double *out) {
  torpor_value number;
  torpor_status status = convert(vm, TORPOR_ABI_LOOK_NUMBER, value, &number);
  if (out) *out = status == TORPOR_OK ? torpor_value_number(number) : 0;
  return status;
}

torpor_status torpor_value_to_boolean(torpor_vm *vm, torpor_value value,
                                      bool *out) {
  torpor_value boolean;
  torpor_status status =
      torpor__look_value(vm, TORPOR_ABI_LOOK_BOOLEAN, value, &boolean);
  if (out) *out = torpor_value_is_true(boolean);
  return status;
}

torpor_status torpor_value_to_string(torpor_vm *vm, torpor_value value,
                                     torpor_value *out) {
  return convert(vm, TORPOR_ABI_LOOK_TEXT, value, out);
}
