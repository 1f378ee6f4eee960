/* SPDX-License-Identifier: MIT */
/* vm.c - what every call into a VM begins and ends with.
 *
 * Public calls may nest, through host functions; what concerns the program as a
 * whole happens at the outermost one: the deadline is armed when it begins, and
 * a VM that was closed below it goes when it ends.
 *
 * A restored VM sleeps until something enters it, so that until then it equals
 * its snapshot. */
#include "vm/vm.h"

#include <assert.h>
#include <string.h>

#include "vm/border/binding.h"
#include "vm/border/collected.h"
#include "vm/border/invoke.h"
#include "vm/border/limit.h"
#include "vm/common/error.h"
#include "vm/life.h"
#include "vm/memory/check.h"
#include "vm/settings.h"
#include "vm/value.h"

torpor_status torpor__check_open(torpor_vm *vm) {
  TORPOR__REQUIRE(vm, vm);
  if (!vm->broken) {
    if (!torpor__region_is_torn(vm->region)) return TORPOR_OK;
    vm->broken = true;
    return torpor__fail(vm, TORPOR_BROKEN,
                        "the system refused memory to this VM in the middle of "
                        "a change; close it or restore a snapshot");
  }
  return vm->closed ? TORPOR_MISUSE : TORPOR_BROKEN; /* the sentence is there */
}

static torpor_status check_usable(torpor_vm *vm) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (vm->in_callback)
    return torpor__fail(
        vm, TORPOR_BUSY,
        "callbacks of torpor_options and finalizers may not enter "
        "the VM");
  if (vm->closing)
    return torpor__fail(vm, TORPOR_BUSY, "the VM is being closed");
  return TORPOR_OK;
}

bool torpor__is_published(const torpor_vm *vm) {
  return vm->calls == 0 && !vm->asleep && !vm->broken && !vm->in_callback &&
         !vm->closing;
}

torpor_status torpor__check_idle(torpor_vm *vm, const char *what) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls == 0 && !vm->in_callback && !vm->closing) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_BUSY,
                      "%s while guest code is on the stack; return from the "
                      "host function first",
                      what);
}

torpor_status torpor__begin(torpor_vm *vm) {
  torpor_status status = check_usable(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls++ == 0) torpor__limit_arm(vm);
  if (!vm->asleep && !vm->untold) return TORPOR_OK;
  if (vm->asleep) {
    vm->operation_woken = vm->control->operation_last;
    status = TORPOR__INVOKE(vm, wake, vm->wake);
  }
  if (status != TORPOR_OK) return torpor__end(vm, status);
  vm->asleep = false;
  if (vm->untold) status = torpor__settings_tell(vm);
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

torpor_status torpor__begin_outside(torpor_vm *vm) {
  torpor_status status = check_usable(vm);
  if (status == TORPOR_OK) vm->calls++;
  return status;
}

torpor_status torpor__begin_running(torpor_vm *vm) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls > 1 || !torpor__limit_requested(vm)) return TORPOR_OK;
  return torpor__end(vm, torpor__limit_interrupted(vm, ""));
}

torpor_status torpor__begin_on(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

torpor_status torpor__begin_running_on(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

/* What the guest let go of in this call. No limit is in force any more. */
static void tell_collected(torpor_vm *vm) {
  vm->deadline_ns = 0;
  torpor__collected_tell(vm);
}

torpor_status torpor__end(torpor_vm *vm, torpor_status status) {
  assert(vm->calls > 0);
  if (vm->calls == 1 && torpor__collected_count(vm) > 0 && !vm->broken &&
      !vm->asleep && !vm->closing)
    tell_collected(vm);
  if (--vm->calls > 0) return status;
  torpor__vm_check(vm);
  vm->deadline_ns = 0;
  if (vm->retired) torpor__binding_sweep(vm, false);
  if (vm->closing) torpor__vm_give(vm);
  return status;
}
