/* SPDX-License-Identifier: MIT */
/* job.c - the job queue, promises, and rejections that nobody handles.
 *
 * Jobs run only when the host says so, as many as it asks for in one entry, and
 * never while guest code is on the stack: so a snapshot can be taken between
 * any two of them. */
#include <string.h>

#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/border/raise.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"
#include "wasm/os.h"

#define NS_PER_MS UINT64_C(1000000)

static torpor_status begin_jobs(torpor_vm *vm) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls > 0)
    return torpor__fail(vm, TORPOR_BUSY,
                        "jobs cannot run while guest code is on the stack; "
                        "return from the host function first");
  return torpor__begin_running(vm);
}

/* Takes the next rejection for the host's handler, and tells it. */
static torpor_status tell_rejection(torpor_vm *vm) {
  torpor_rejection rejection = {.size = sizeof(rejection)};
  uint32_t outer;
  torpor_status status = TORPOR__INVOKE(vm, rejection_next, 0);
  if (status != TORPOR_OK) return status;
  rejection.reason = torpor__value_of(vm, vm->result[0]);
  rejection.promise = torpor__value_of(vm, vm->result[1]);
  rejection.handled = vm->result[2] == 1;
  outer = torpor__callback_begin(vm);
  vm->options.rejected(vm->options.user, vm, &rejection);
  torpor__callback_end(vm, outer);
  return vm->broken || vm->closing ? TORPOR_NOT_FOUND : TORPOR_OK;
}

/* After jobs: the host's handler is told, in a scope, of the rejections that
 * have come. They are there only when the queue is empty. A handler may cause
 * others, without end: so many are enough for one call. */
static torpor_status tell_rejections(torpor_vm *vm) {
  torpor_status told = vm->options.rejected ? TORPOR_OK : TORPOR_NOT_FOUND;
  for (int i = 0; told == TORPOR_OK && i < TORPOR_REJECTIONS_LARGEST; i++) {
    uint64_t scope = torpor__scope_open(vm);
    told = tell_rejection(vm);
    torpor__scope_close(vm, scope);
  }
  return vm->broken ? TORPOR_TRAPPED : TORPOR_OK;
}

static torpor_status end_jobs(torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) status = tell_rejections(vm);
  return torpor__end(vm, status);
}

torpor_status torpor_job_run(torpor_vm *vm, uint32_t max, uint32_t *ran) {
  torpor_status status;
  if (ran) *ran = 0;
  status = begin_jobs(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, job_run, max);
  if (status == TORPOR_OK && ran) *ran = (uint32_t)vm->result[0];
  return end_jobs(vm, status);
}

torpor_status torpor_job_run_for(torpor_vm *vm, uint64_t ms, uint32_t *ran) {
  uint64_t begun = torpor__os_now();
  uint32_t count = 0;
  torpor_status status;
  if (ran) *ran = 0;
  status = begin_jobs(vm);
  if (status != TORPOR_OK) return status;
  while (status == TORPOR_OK && (torpor__os_now() - begun) / NS_PER_MS < ms) {
    status = TORPOR__INVOKE(vm, job_run, 1);
    if (status != TORPOR_OK || vm->result[0] == 0) break;
    count++;
  }
  if (ran) *ran = count;
  return end_jobs(vm, status);
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
  uint64_t scope = 0;
  torpor_status status;
  if (state) *state = TORPOR_PENDING;
  if (result) *result = torpor_undefined();
  status = torpor__begin_on(vm, promise);
  if (status != TORPOR_OK) return status;
  if (!result) scope = torpor__scope_open(vm);
  status = TORPOR__INVOKE(vm, promise_read, promise.bits);
  if (status == TORPOR_OK) status = take_promise(vm, state, result);
  if (!result) status = torpor__scope_end(vm, scope, status);
  return torpor__end(vm, status);
}

/* ---- Awaiting -------------------------------------------------------------*/

/* For older engines: one job at a time, and a look after each. */
static torpor_status await_by_steps(torpor_vm *vm, torpor_value promise) {
  torpor_status status = TORPOR__INVOKE(vm, promise_handle, promise.bits);
  uint64_t ran = 1;
  if (status == TORPOR_UNSUPPORTED) status = TORPOR_OK;
  while (status == TORPOR_OK) {
    status = TORPOR__INVOKE(vm, promise_read, promise.bits);
    if (status != TORPOR_OK || ran == 0 || vm->result[0] != TORPOR_PENDING)
      break;
    status = TORPOR__INVOKE(vm, job_run, 1);
    ran = vm->result[0];
  }
  return status;
}

static torpor_status fail_deadlock(torpor_vm *vm) {
  size_t pending = torpor_operation_count(vm);
  if (pending == 0)
    return torpor__fail(vm, TORPOR_DEADLOCK,
                        "the promise is pending, and no job and no operation "
                        "is left that could settle it");
  return torpor__fail(vm, TORPOR_DEADLOCK,
                      "the promise is pending, and no job is left; %zu "
                      "operations are pending: settle one with "
                      "torpor_operation_settle and await it again",
                      pending);
}

/* What an awaited promise has come to. */
static torpor_status settle_await(torpor_vm *vm, uint64_t state, uint64_t bits,
                                  torpor_value *result) {
  if (vm->broken) return TORPOR_TRAPPED;
  vm->result[0] = bits;
  switch (state) {
  case TORPOR_FULFILLED:
    return torpor__give_value(vm, TORPOR_OK, result);
  case TORPOR_REJECTED:
    return torpor__throw_value(vm, torpor__value_of(vm, bits), true);
  case TORPOR_PENDING:
    return fail_deadlock(vm);
  default:
    return torpor__fail_damaged(vm, "the state of a promise");
  }
}

torpor_status torpor_await(torpor_vm *vm, torpor_value promise,
                           torpor_value *result) {
  uint64_t state, bits;
  torpor_status status;
  if (result) *result = torpor_undefined();
  status = begin_jobs(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, promise);
  if (status == TORPOR_OK) status = TORPOR__INVOKE(vm, await, promise.bits);
  if (status == TORPOR_UNSUPPORTED) status = await_by_steps(vm, promise);
  if (status == TORPOR_WRONG_TYPE) {
    if (result) *result = promise;
    return torpor__end(vm, TORPOR_OK);
  }
  state = vm->result[0], bits = vm->result[1];
  if (status == TORPOR_OK) status = tell_rejections(vm);
  if (status == TORPOR_OK) status = settle_await(vm, state, bits, result);
  return torpor__end(vm, status);
}

/* For older engines, which need a handle for it. */
static torpor_status look_by_handle(torpor_vm *vm, torpor_token token) {
  uint64_t scope = torpor__scope_open(vm);
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
  return torpor__end(vm, torpor__fail_token(vm, status, token));
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

torpor_status torpor_rejection_dropped(torpor_vm *vm, uint64_t *count) {
  torpor_status status;
  if (count) *count = 0;
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, rejection_dropped, 0);
  if (status == TORPOR_OK && count) *count = vm->result[0];
  return torpor__end(vm, status == TORPOR_UNSUPPORTED ? TORPOR_OK : status);
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
