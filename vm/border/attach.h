/* SPDX-License-Identifier: MIT */
/* attach.h - getting to know objects of the host's classes. */
#ifndef TORPOR_VM_ATTACH_H
#define TORPOR_VM_ATTACH_H

#include "vm/vm.h"

/* The object that 'value' is, which the host is asked for if it does not know
 * it in this VM. TYPE: it is none; NOT_FOUND: its class is not bound; or what
 * the host answers. In a call that has begun. */
torpor_status torpor__attach(torpor_vm *vm, torpor_value value,
                             torpor__object **out);

#endif
