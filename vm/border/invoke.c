/* SPDX-License-Identifier: MIT */
/* invoke.c - entries that answer with a status, and the sentence for it.
 *
 * The status comes from guest code: one that no export gives means that the
 * VM is damaged. */
#include "vm/border/invoke.h"

#include "vm/border/enter.h"
#include "vm/border/thrown.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

#define HANDLES_MANY 100000u

/* Many handles are the likelier reason: then the sentence is about those. */
static torpor_status fail_full(torpor_vm *vm) {
  uint32_t handles = vm->control->handles;
  if (handles < HANDLES_MANY)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "the VM has no memory left; raise memory_max in its "
                        "options");
  return torpor__fail(vm, TORPOR_LIMIT,
                      "%s: %u handles are alive; open a scope "
                      "(torpor_scope_open) around what makes many of them",
                      handles < TORPOR_ABI_HANDLES
                          ? "the VM has no memory left"
                          : "there are no more handles",
                      handles);
}

/* The sentence for a status that the guest gave. */
static torpor_status fail_returned(torpor_vm *vm, uint32_t status) {
  switch (status) {
  case TORPOR_THROWN:
    torpor__exception_put(vm, torpor__value_of(vm, vm->result[0]),
                          torpor__retains(vm));
    torpor__fail_thrown(vm);
    return vm->broken ? TORPOR_TRAPPED : TORPOR_THROWN;
  case TORPOR_INTERRUPTED:
    return torpor__fail_interrupted(vm);
  case TORPOR_NOMEM:
  case TORPOR_LIMIT:
    return fail_full(vm);
  case TORPOR_MISUSE:
    return torpor__fail_as(vm, TORPOR_MISUSE,
                           "an argument is out of its range");
  case TORPOR_STALE:
  case TORPOR_WRONG_TYPE:
  case TORPOR_NOT_FOUND:
  case TORPOR_EXISTS:
  case TORPOR_FORMAT:
  case TORPOR_BUSY:
  case TORPOR_UNSUPPORTED:
    return torpor__fail_as(vm, (torpor_status)status,
                           torpor_status_text((torpor_status)status));
  default:
    return torpor__fail_damaged(vm, "the status that it returned");
  }
}

torpor_status torpor__invoke(torpor_vm *vm, torpor__export export,
                             const uint64_t *arguments) {
  /* Taken one by one: the processor would wait for what was just written in
   * smaller pieces than it is read. */
  const volatile uint64_t *given;
  torpor_status status = torpor__enter(vm, export, arguments);
  if (status != TORPOR_OK) return status;
  given = vm->control->host.result;
  for (int i = 0; i < TORPOR_ABI_RESULTS; i++) vm->result[i] = given[i];
  return vm->returned == TORPOR_OK ? TORPOR_OK
                                   : fail_returned(vm, vm->returned);
}

torpor_status torpor__give_value(torpor_vm *vm, torpor_status status,
                                 torpor_value *out) {
  bool is_handle;
  if (status != TORPOR_OK) return status;
  is_handle = torpor__is_handle((torpor_value){vm->result[0], 0});
  if (out) {
    out->bits = vm->result[0];
    out->owner = is_handle ? vm->owner : 0;
  } else if (is_handle) {
    return torpor__enter(vm, TORPOR__EXPORT_torpor_value_drop, vm->result);
  }
  return status;
}

/* Closes the innermost scope that nobody sees, and keeps the exception: as it
 * is or, outside of scopes, as a handle that we release. */
static void leave_with_exception(torpor_vm *vm, uint64_t mark) {
  const uint64_t arguments[] = {vm->exception.bits, mark};
  vm->scopes_own--;
  torpor__enter(vm, TORPOR__EXPORT_torpor_scope_leave, arguments);
  if (vm->broken || !torpor__retains(vm)) return;
  if (vm->returned == TORPOR_OK) {
    torpor__exception_put(vm, torpor__value_of(vm, vm->control->host.result[0]),
                          true);
    return;
  }
  torpor__exception_put(vm, torpor_undefined(), false);
  torpor__scope_cut(vm, mark);
}

torpor_status torpor__scope_end(torpor_vm *vm, uint64_t mark,
                                torpor_status status) {
  if (status == TORPOR_THROWN && !vm->broken &&
      vm->engine->exports.torpor_scope_leave)
    leave_with_exception(vm, mark);
  else
    torpor__scope_close(vm, mark);
  return vm->broken && status == TORPOR_OK ? TORPOR_TRAPPED : status;
}
