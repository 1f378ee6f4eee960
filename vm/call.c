/* SPDX-License-Identifier: MIT */
/* call.c - calling guest functions. */
#include "common/alloc.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/loan.h"
#include "vm/value.h"
#include "vm/vm.h"

/* The guest's own limit (guest/call.c). */
#define ARGUMENTS_LARGEST 65535u

/* Writes the arguments as border values. */
static torpor_status write_arguments(torpor_vm *vm, const torpor_value *args,
                                     size_t count, uint64_t *border) {
  for (size_t i = 0; i < count; i++) {
    torpor_status status = torpor__check_value(vm, args[i]);
    if (status != TORPOR_OK) return status;
    border[i] = args[i].bits;
  }
  return TORPOR_OK;
}

static torpor_status lend_arguments(torpor_vm *vm, torpor__loan *loan,
                                    const torpor_value *args, size_t count,
                                    uint64_t *address) {
  uint64_t *border;
  torpor_status status;
  if (count > ARGUMENTS_LARGEST)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "a call has %zu arguments; the limit is %u", count,
                        ARGUMENTS_LARGEST);
  border = torpor__alloc(count * sizeof(*border));
  if (!border) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  status = write_arguments(vm, args, count, border);
  if (status == TORPOR_OK)
    status =
        torpor__loan_add(vm, loan, border, count * sizeof(*border), address);
  torpor__alloc_free(border);
  return status;
}

torpor_status torpor_call(torpor_vm *vm, torpor_value function,
                          torpor_value self, const torpor_value *args,
                          size_t count, torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t address, *slots;
  torpor_status status;
  if (out) *out = torpor_undefined();
  if (count > 0) TORPOR__REQUIRE(vm, args);
  status = torpor__begin_running_on(vm, function);
  if (status != TORPOR_OK) return status;
  slots = vm->control->host.slots;
  address = (uint64_t)((uint8_t *)slots - vm->memory);
  status = torpor__check_value(vm, self);
  if (status == TORPOR_OK)
    status = count <= TORPOR_ABI_SLOTS
                 ? write_arguments(vm, args, count, slots)
                 : lend_arguments(vm, &loan, args, count, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, call, function.bits, self.bits, address, count);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

torpor_status torpor_state_hand_over(torpor_vm *vm, torpor_value *out) {
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, export_state, 0);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}
