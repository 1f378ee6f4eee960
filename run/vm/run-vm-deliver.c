/* SPDX-License-Identifier: MIT */
/* run-vm-deliver.c - settles an operation in a run's VM with what came for it.
 *
 *  (1) What the program cannot read, or has no room for, rejects the wait that
 *      it came for, and nothing else: the step goes on.
 *
 * On the VM's thread. */
#include "run/vm/run-vm-state.h"

static const uint8_t cbor_undefined[] = {0xf7};

torpor_status torpor__run_vm_outcome_error(enum torpor__outcome outcome,
                                           torpor_bytes *out) {
  switch (outcome) {
  case TORPOR__OUTCOME_TIMED_OUT:
    return torpor_cbor_error("TimeoutError", "nothing came in time", "TIMEOUT",
                             out);
  case TORPOR__OUTCOME_CANCELLED:
    return torpor_cbor_error("Cancelled", "the run was cancelled", "CANCELLED",
                             out);
  default:
    return torpor_cbor_error(
        "LostError",
        "the worker that did this died, and it must not be done twice", "LOST",
        out);
  }
}

/* Settles an operation; rejects it when the program cannot have 'value'. */
static torpor_status settle(struct torpor__run_vm *run_vm, uint64_t id,
                            torpor_outcome outcome, torpor_slice value,
                            bool *accepted) {
  torpor_scope scope;
  torpor_status status = torpor_scope_open(run_vm->vm, &scope);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  status = torpor_operation_settle_cbor(run_vm->vm, id, outcome, value.data,
                                        value.size);
  *accepted = status != TORPOR_NOT_FOUND;
  if (status == TORPOR_NOT_FOUND)
    status = TORPOR_OK;
  else if (status == TORPOR_THROWN)
    status = torpor__refuse_unread(run_vm->vm, id, run_vm->message);
  else if (status == TORPOR_LIMIT)
    status = torpor__refuse_large(run_vm->vm, id, value.size, run_vm->message);
  else if (status != TORPOR_OK)
    torpor__run_vm_fail(run_vm, status);
  if (status != TORPOR_OK) return status;
  status = torpor_scope_close(run_vm->vm, scope);
  return status == TORPOR_OK ? status : torpor__run_vm_fail(run_vm, status);
}

torpor_status torpor__run_vm_deliver(struct torpor__run_vm *run_vm,
                                     struct torpor__delivery *delivery) {
  torpor_slice value = delivery->value;
  torpor_outcome outcome = delivery->outcome == TORPOR__OUTCOME_FULFILLED
                               ? TORPOR_RESOLVE
                               : TORPOR_REJECT;
  torpor_bytes error = {0};
  if (value.size == 0 && outcome == TORPOR_REJECT) {
    if (torpor__run_vm_outcome_error(delivery->outcome, &error) != TORPOR_OK)
      return torpor__run_vm_fail_memory(run_vm);
    value = (torpor_slice){.data = error.data, .size = error.size};
  } else if (value.size == 0) {
    value =
        (torpor_slice){.data = cbor_undefined, .size = sizeof cbor_undefined};
  }
  torpor_status status =
      settle(run_vm, delivery->operation, outcome, value, &delivery->accepted);
  torpor_bytes_free(&error);
  return status;
}
