/* SPDX-License-Identifier: MIT */
/* enter.h - the ways into guest code. */
#ifndef TORPOR_VM_ENTER_H
#define TORPOR_VM_ENTER_H

#include <assert.h>

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

/* Whether what entries give is retained: the host wants that, and no scope is
 * open in the host function that runs, or at all. */
static inline bool torpor__retains(const torpor_vm *vm) {
  return vm->options.retain_results && vm->scopes_own == 0 &&
         vm->scope_count == vm->scope_floor;
}

/* Where a scope begins, and its end; the VM's sentence stays as it is. */
uint64_t torpor__scope_mark(torpor_vm *vm);
torpor_status torpor__scope_cut(torpor_vm *vm, uint64_t mark);

/* A scope that nobody sees, for handles that we make for ourselves. */
uint64_t torpor__scope_open(torpor_vm *vm);
torpor_status torpor__scope_close(torpor_vm *vm, uint64_t mark);

/* Ends the handles among 'values', which nobody gets after all. */
void torpor__values_drop(torpor_vm *vm, const torpor_value *values,
                         size_t count);

/* A callback that may use the VM runs between these: what it makes is its own,
 * even if it runs in a scope of ours. */
static inline uint32_t torpor__callback_begin(torpor_vm *vm) {
  uint32_t outer = vm->scopes_own;
  vm->scopes_own = 0;
  return outer;
}
static inline void torpor__callback_end(torpor_vm *vm, uint32_t outer) {
  assert(vm->scopes_own == 0);
  vm->scopes_own = outer;
}

#endif
