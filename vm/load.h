/* SPDX-License-Identifier: MIT */
/* load.h - extensions that are loaded when a program touches their globals. */
#ifndef TORPOR_VM_LOAD_H
#define TORPOR_VM_LOAD_H

#include "vm/vm.h"

/* Lets a new VM, or one that was restored or copied, do that, if its options
 * say so. The error is the VM's. */
torpor_status torpor__load_when_touched(torpor_vm *vm);

#endif
