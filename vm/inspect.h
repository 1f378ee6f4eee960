/* SPDX-License-Identifier: MIT */
/* inspect.h - looking into a VM. */
#ifndef TORPOR_VM_INSPECT_H
#define TORPOR_VM_INSPECT_H

#include "vm/vm.h"

/* Where each suspended function waits: what TORPOR_SECTION_WAITING of a
 * snapshot holds. */
torpor_status torpor__inspect_waiting(torpor_vm *vm, torpor_bytes *out);

#endif
