/* SPDX-License-Identifier: MIT */
/* reflect.c - what the guest does with a property or an object as a whole, by
 * one entry for all of it (torpor_reflect of abi.h). In a call that has begun.
 */
#include "vm/border/reflect.h"

#include <string.h>

#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/value.h"

/* A number is made anew, so that no tag of ours can be in it. */
static torpor_status value_bits(torpor_vm *vm, torpor_value value,
                                uint64_t *bits) {
  if (torpor_value_type(value) == TORPOR_TYPE_NUMBER)
    value = torpor_number(torpor_value_number(value));
  *bits = value.bits;
  return torpor__check_value(vm, value);
}

torpor_status torpor__key_lend(torpor_vm *vm, torpor__loan *loan,
                               torpor_key key, uint64_t *bits) {
  torpor_status status;
  uint64_t address;
  size_t size = key.size;
  if (!key.text && size == 0) return value_bits(vm, key.value, bits);
  TORPOR__REQUIRE(vm, key.text);
  if (size == SIZE_MAX) size = strlen(key.text);
  if (size > TORPOR_ABI_TEXT_LARGEST)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "a key has %zu bytes; the limit is %u, but for a key "
                        "that is a value (torpor_key_value)",
                        size, TORPOR_ABI_TEXT_LARGEST);
  status = torpor__loan_add(vm, loan, key.text, size, &address);
  if (status == TORPOR_OK)
    *bits = (uint64_t)TORPOR_ABI_TEXT << 48 | (uint64_t)size << 32 | address;
  return status;
}

torpor_status torpor__reflect(torpor_vm *vm, uint32_t op, torpor_value object,
                              const torpor_key *key, uint64_t value) {
  torpor__loan loan = {0};
  uint64_t bits = 0;
  torpor_status status = TORPOR_OK;
  if (key) status = torpor__key_lend(vm, &loan, *key, &bits);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, reflect, op, object.bits, bits, value);
  torpor__loan_end(vm, &loan);
  return status;
}
