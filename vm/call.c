/* SPDX-License-Identifier: MIT */
/* call.c - calling guest functions, methods and constructors.
 *
 * Arguments go as border values: few of them in the slots of the control block,
 * many in memory that is lent for the call. */
#include <string.h>

#include "common/alloc.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/border/reflect.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

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

static torpor_status lend_many(torpor_vm *vm, torpor__loan *loan,
                               const torpor_value *args, size_t count,
                               uint64_t *address) {
  uint64_t *border;
  torpor_status status;
  if (count > TORPOR_ABI_ARGUMENTS)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "a call has %zu arguments; the limit is %u", count,
                        TORPOR_ABI_ARGUMENTS);
  border = torpor__alloc(count * sizeof(*border));
  if (!border) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  status = write_arguments(vm, args, count, border);
  if (status == TORPOR_OK)
    status =
        torpor__loan_add(vm, loan, border, count * sizeof(*border), address);
  torpor__alloc_free(border);
  return status;
}

static torpor_status lend_arguments(torpor_vm *vm, torpor__loan *loan,
                                    const torpor_value *args, size_t count,
                                    uint64_t *address) {
  uint64_t *slots = vm->control->host.slots;
  *address = (uint64_t)((uint8_t *)slots - vm->memory);
  return count <= TORPOR_ABI_SLOTS ? write_arguments(vm, args, count, slots)
                                   : lend_many(vm, loan, args, count, address);
}

/* Ends a call that has begun by 'export', which takes 'target' and 'second'
 * first. '*out' may be one of the arguments. */
static torpor_status call(torpor_vm *vm, torpor__export export,
                          torpor__loan *loan, torpor_value target,
                          uint64_t second, const torpor_value *args,
                          size_t count, torpor_value *out) {
  uint64_t address;
  torpor_status status = lend_arguments(vm, loan, args, count, &address);
  if (status == TORPOR_OK)
    status = torpor__invoke(
        vm, export, (const uint64_t[]){target.bits, second, address, count});
  torpor__loan_end(vm, loan);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

/* What a call begins with; 'target' is what is called, or has the method. */
static torpor_status begin(torpor_vm *vm, torpor_value target,
                           const torpor_value *args, size_t count) {
  if (count > 0) TORPOR__REQUIRE(vm, args);
  return torpor__begin_running_on(vm, target);
}

/* Clears '*out' when the call failed; gives back 'status'. */
static torpor_status clear(torpor_status status, torpor_value *out) {
  if (status != TORPOR_OK && out) *out = torpor_undefined();
  return status;
}

torpor_status torpor_call(torpor_vm *vm, torpor_value function,
                          torpor_value self, const torpor_value *args,
                          size_t count, torpor_value *out) {
  torpor__loan loan = {0};
  torpor_status status = begin(vm, function, args, count);
  if (status != TORPOR_OK) return clear(status, out);
  status = torpor__check_value(vm, self);
  if (status != TORPOR_OK) return clear(torpor__end(vm, status), out);
  return clear(call(vm, TORPOR__EXPORT_torpor_call, &loan, function, self.bits,
                    args, count, out),
               out);
}

torpor_status torpor_call_method(torpor_vm *vm, torpor_value object,
                                 const char *name, const torpor_value *args,
                                 size_t count, torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t key;
  torpor_status status = begin(vm, object, args, count);
  if (status != TORPOR_OK) return clear(status, out);
  status = torpor__key_lend(vm, &loan, torpor_key_name(name), &key);
  if (status != TORPOR_OK) return clear(torpor__end(vm, status), out);
  return clear(call(vm, TORPOR__EXPORT_torpor_call_method, &loan, object, key,
                    args, count, out),
               out);
}

torpor_status torpor_construct(torpor_vm *vm, torpor_value constructor,
                               torpor_value new_target,
                               const torpor_value *args, size_t count,
                               torpor_value *out) {
  torpor__loan loan = {0};
  torpor_status status = begin(vm, constructor, args, count);
  if (status != TORPOR_OK) return clear(status, out);
  if (torpor_value_type(new_target) == TORPOR_TYPE_UNDEFINED)
    new_target = constructor;
  status = torpor__check_value(vm, new_target);
  if (status != TORPOR_OK) return clear(torpor__end(vm, status), out);
  return clear(call(vm, TORPOR__EXPORT_torpor_construct, &loan, constructor,
                    new_target.bits, args, count, out),
               out);
}

torpor_status torpor_state_hand_over(torpor_vm *vm, torpor_value *out) {
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, export_state, 0);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}
