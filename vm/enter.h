/* SPDX-License-Identifier: MIT */
/* enter.h - the ways into guest code. */
#ifndef TORPOR_VM_ENTER_H
#define TORPOR_VM_ENTER_H

#include "vm/vm.h"

typedef enum torpor__export {
#define X(result, name, parameters) TORPOR__EXPORT_##name,
  TORPOR_ABI_EXPORTS(X)
#undef X
} torpor__export;

/* Runs the guest's function 'export'. Arguments are 64 bits each, doubles by
 * their bits. OK, with what it returned in vm->returned; TRAPPED, and the VM is
 * broken; LIMIT when the thread has too little stack, NOMEM. */
torpor_status torpor__enter(torpor_vm *vm, torpor__export export,
                            const uint64_t *arguments);

/* A scope for handles that we make for ourselves; the VM's sentence stays as it
 * is. */
uint64_t torpor__scope_open(torpor_vm *vm);
torpor_status torpor__scope_close(torpor_vm *vm, uint64_t mark);

#endif
