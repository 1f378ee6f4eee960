/* SPDX-License-Identifier: MIT */
/* limit.h - what stops guest code. */
#ifndef TORPOR_VM_LIMIT_H
#define TORPOR_VM_LIMIT_H

#include "vm/vm.h"

void torpor__limit_arm(torpor_vm *vm);
/* True when guest code is to be interrupted now; says why in vm->stop. Once it
 * was, all that is left of the outermost call is interrupted too. */
bool torpor__limit_poll(torpor_vm *vm);
/* The same when host code has run, without asking the host; the clock only
 * where 'entry' may be late. */
bool torpor__limit_after(torpor_vm *vm, const torpor__entry *entry);
/* The same where guest code cannot be interrupted: takes note of nothing. */
bool torpor__limit_is_due(const torpor_vm *vm, const torpor__entry *entry);
/* The host function that is running says so. */
void torpor__limit_stop(torpor_vm *vm);
/* True when torpor_vm_interrupt was called since; takes note of it. */
bool torpor__limit_requested(torpor_vm *vm);
torpor_status torpor__limit_interrupted(torpor_vm *vm);

#endif
