/* SPDX-License-Identifier: MIT */
/* job.c - the job queue, promises, and rejections that nobody handles.
 *
 * Jobs run only when the host says so, as many as it asks for in one entry, and
 * never while guest code is on the stack: so a snapshot can be taken between
 * any two of them. */
#include <string.h>

#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/value.h"
#include "vm/vm.h"

torpor_status torpor_job_run(torpor_vm *vm, uint32_t max, uint32_t *ran) {
  torpor_status status = torpor__check_open(vm);
  if (ran) *ran = 0;
  if (status != TORPOR_OK) return status;
  if (vm->calls > 0)
    return torpor__fail(vm, TORPOR_BUSY,
                        "jobs cannot run while guest code is on the stack; "
                        "return from the host function first");
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, job_run, max);
  if (status == TORPOR_OK && ran) *ran = (uint32_t)vm->result[0];
  return torpor__end(vm, status);
}

bool torpor_job_pending(const torpor_vm *vm) {
  return vm && !vm->broken && vm->control->jobs != 0;
}

/* The state and value that the last entry left. */
static torpor_status take_promise(torpor_vm *vm, torpor_promise_state *state,
                                  torpor_value *result) {
  if (vm->result[0] > TORPOR_REJECTED)
    return torpor__fail_damaged(vm, "the state of a promise");
  if (state) *state = (torpor_promise_state)vm->result[0];
  if (result) *result = torpor__value_of(vm, vm->result[1]);
  return TORPOR_OK;
}

torpor_status torpor_promise_read(torpor_vm *vm, torpor_value promise,
                                  torpor_promise_state *state,
                                  torpor_value *result) {
  uint32_t scope = 0;
  torpor_status status;
  if (state) *state = TORPOR_PENDING;
  if (result) *result = torpor_undefined();
  status = torpor__begin_on(vm, promise);
  if (status != TORPOR_OK) return status;
  if (!result) scope = torpor__scope_open(vm);
  status = TORPOR__INVOKE(vm, promise_read, promise.bits);
  if (status == TORPOR_OK) status = take_promise(vm, state, result);
  if (!result) torpor__scope_close(vm, scope);
  return torpor__end(vm, status);
}

/* For older engines, which need a handle for it. */
static torpor_status look_by_handle(torpor_vm *vm, torpor_token token) {
  uint32_t scope = torpor__scope_open(vm);
  torpor_status status = TORPOR_TRAPPED;
  uint64_t state;
  if (!vm->broken) status = TORPOR__INVOKE(vm, value_import, token);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, promise_read, vm->result[0]);
  state = vm->result[0];
  torpor__scope_close(vm, scope);
  vm->result[0] = state;
  return vm->broken ? TORPOR_TRAPPED : status;
}

torpor_status torpor_promise_look(torpor_vm *vm, torpor_token token,
                                  torpor_promise_state *state) {
  torpor_status status;
  if (state) *state = TORPOR_PENDING;
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, promise_look, token);
  if (status == TORPOR_UNSUPPORTED) status = look_by_handle(vm, token);
  if (status == TORPOR_OK) status = take_promise(vm, state, NULL);
  return torpor__end(vm, status);
}

torpor_status torpor_promise_new(torpor_vm *vm, torpor_value *promise,
                                 torpor_value *resolve, torpor_value *reject) {
  torpor_value *const outs[] = {promise, resolve, reject};
  uint64_t made[3];
  torpor_status status;
  for (int i = 0; i < 3; i++)
    if (outs[i]) *outs[i] = torpor_undefined();
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, promise_new, 0);
  memcpy(made, vm->result, sizeof(made));
  for (int i = 2; i >= 0; i--) { /* the newest handle first */
    vm->result[0] = made[i];
    status = torpor__give_value(vm, status, outs[i]);
  }
  return torpor__end(vm, status);
}

torpor_status torpor_promise_handle(torpor_vm *vm, torpor_value promise) {
  torpor_status status = torpor__begin_on(vm, promise);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, promise_handle, promise.bits);
  return torpor__end(vm, status);
}

torpor_status torpor_rejection_take(torpor_vm *vm, torpor_value *reason) {
  torpor_status status = torpor__check_open(vm);
  if (reason) *reason = torpor_undefined();
  if (status != TORPOR_OK) return status;
  if (torpor__is_published(vm) && vm->control->rejections == 0)
    return torpor__fail_as(vm, TORPOR_NOT_FOUND, "no promise was rejected");
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, rejection_take, 0);
  return torpor__end(vm, torpor__give_value(vm, status, reason));
}
