/* SPDX-License-Identifier: MIT */
/* make.c - values that the engine makes of what the host gives, and what it
 * tells of one.
 *
 * Two entries of the guest serve many functions: torpor_make takes what it
 * needs in slots of the control block, torpor_look leaves what it finds in the
 * results. */
#include "vm/make.h"

#include <assert.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
#include "vm/vm.h"

#define FEW_VALUES 64
#define SLOTS (sizeof(((torpor__making *)0)->slots) / sizeof(uint64_t))

void torpor__making_add(torpor__making *making, uint64_t slot) {
  assert(making->count < SLOTS);
  making->slots[making->count++] = slot;
}

torpor_status torpor__making_lend(torpor_vm *vm, torpor__making *making,
                                  const void *data, size_t size) {
  uint64_t address = 0;
  torpor_status status =
      torpor__loan_add(vm, &making->loan, data, size, &address);
  torpor__making_add(making, address);
  torpor__making_add(making, size);
  return status;
}

/* The engine may lack the entry, or know less of it. */
static torpor_status tell_unsupported(torpor_vm *vm, torpor_status status) {
  if (status != TORPOR_UNSUPPORTED) return status;
  return torpor__fail(vm, status,
                      "the VM's engine is older than this function");
}

torpor_status torpor__making_values(torpor_vm *vm, torpor__making *making,
                                    const torpor_value *values, size_t count) {
  uint64_t few[FEW_VALUES], *bits = few;
  torpor_status status = TORPOR_OK;
  if (count > SIZE_MAX / sizeof(*bits))
    return torpor__fail(vm, TORPOR_LIMIT, "%zu values are too many", count);
  if (count > FEW_VALUES) bits = torpor__alloc(count * sizeof(*bits));
  if (!bits) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  for (size_t i = 0; i < count && status == TORPOR_OK; i++) {
    status = torpor__check_value(vm, values[i]);
    bits[i] = values[i].bits;
  }
  if (status == TORPOR_OK)
    status = torpor__making_lend(vm, making, bits, count * sizeof(*bits));
  if (status == TORPOR_OK) making->slots[making->count - 1] = count;
  if (bits != few) torpor__alloc_free(bits);
  return status;
}

torpor_status torpor__make(torpor_vm *vm, torpor_status status, uint32_t what,
                           torpor__making *making) {
  if (status == TORPOR_OK) {
    memcpy(vm->control->host.slots, making->slots,
           making->count * sizeof(making->slots[0]));
    status =
        tell_unsupported(vm, TORPOR__INVOKE(vm, make, what, making->count));
  }
  torpor__loan_end(vm, &making->loan);
  return status;
}

torpor_status torpor__make_end(torpor_vm *vm, torpor_status status,
                               uint32_t what, torpor__making *making,
                               torpor_value *out) {
  status = torpor__make(vm, status, what, making);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor__make_call(torpor_vm *vm, uint32_t what,
                                torpor__making *making, torpor_value *out) {
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  return torpor__make_end(vm, TORPOR_OK, what, making, out);
}

torpor_status torpor__look(torpor_vm *vm, uint32_t what, torpor_value value) {
  return tell_unsupported(vm, TORPOR__INVOKE(vm, look, what, value.bits));
}

torpor_status torpor__look_begin(torpor_vm *vm, uint32_t what,
                                 torpor_value value) {
  torpor_status status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = torpor__look(vm, what, value);
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

torpor_status torpor__apply_begin(torpor_vm *vm, uint32_t what, torpor_value a,
                                  torpor_value b, torpor_value c) {
  torpor_status status = torpor__begin_on(vm, a);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, b);
  if (status == TORPOR_OK) status = torpor__check_value(vm, c);
  if (status == TORPOR_OK)
    status = tell_unsupported(
        vm, TORPOR__INVOKE(vm, apply, what, a.bits, b.bits, c.bits));
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

torpor_status torpor__look_value(torpor_vm *vm, uint32_t what,
                                 torpor_value value, torpor_value *out) {
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__look_begin(vm, what, value);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

const uint8_t *torpor__looked_at(torpor_vm *vm) {
  uint64_t address = vm->result[0], size = vm->result[1];
  const uint8_t *bytes = NULL;
  if (address <= UINT32_MAX && size <= UINT32_MAX)
    bytes = torpor__memory_at(vm, (uint32_t)address, size);
  if (!bytes) torpor__fail_damaged(vm, "where the bytes of a value are");
  return bytes;
}
