/* SPDX-License-Identifier: MIT */
/* limit.h - what stops guest code. */
#ifndef TORPOR_VM_LIMIT_H
#define TORPOR_VM_LIMIT_H

#include "vm/vm.h"

/* An outermost call begins: its deadline runs from now on. */
void torpor__limit_arm(torpor_vm *vm);
/* Whether guest code, which asks, has to stop; vm->stop says why. From then on
 * the answer is yes until the outermost call ends. */
bool torpor__limit_poll(torpor_vm *vm);
/* Whether the fuel is used up: it is one more than what is left. */
static inline bool torpor__limit_is_used_up(const torpor_vm *vm) {
  return vm->control->host.fuel == 1;
}
/* The same as torpor__limit_poll after a host function, where something may
 * stop guest code: torpor_options.interrupt is not asked, and the clock only
 * where 'entry' may be late. */
bool torpor__limit_settle(torpor_vm *vm, const torpor__entry *entry);
/* The same, without a call where nothing does. */
static inline bool torpor__limit_after(torpor_vm *vm,
                                       const torpor__entry *entry) {
  if (vm->stop == TORPOR__STOP_NONE && !vm->deadline_ns &&
      !atomic_load_explicit(&vm->interrupt, memory_order_relaxed) &&
      !torpor__limit_is_used_up(vm))
    return false;
  return torpor__limit_settle(vm, entry);
}
/* Whether torpor__limit_after would say yes. Changes nothing. */
bool torpor__limit_is_due(const torpor_vm *vm, const torpor__entry *entry);
/* The running host function answered that guest code has to stop. */
void torpor__limit_stop(torpor_vm *vm);
/* Whether guest code that was stopped was so by a deadline. */
bool torpor__limit_is_time(const torpor_vm *vm);
/* Whether torpor_vm_interrupt was called since this was asked last. */
bool torpor__limit_requested(torpor_vm *vm);
/* INTERRUPTED, with a sentence that says by what. 'at' is where that was, as
 * " (file:line:column)", or "". */
torpor_status torpor__limit_interrupted(torpor_vm *vm, const char *at);

#endif
