/* SPDX-License-Identifier: MIT */
/* stop.h - stopping a VM from any thread. */
#ifndef TORPOR_VM_STOP_H
#define TORPOR_VM_STOP_H

#include "vm/vm.h"

/* 'vm' is closing: no request reaches it, or its memory, from here on. */
void torpor__stop_forget(torpor_vm *vm);

#endif
