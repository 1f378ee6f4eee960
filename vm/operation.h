/* SPDX-License-Identifier: MIT */
/* operation.h - the operations that a VM waits for. */
#ifndef TORPOR_VM_OPERATION_H
#define TORPOR_VM_OPERATION_H

#include "vm/vm.h"

void torpor__operation_forget(torpor_vm *vm);

#endif
