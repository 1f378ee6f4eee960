/* SPDX-License-Identifier: MIT */
/* check.h - test builds assert what the top comments of vm/ and wasm/ say. */
#ifndef TORPOR_VM_CHECK_H
#define TORPOR_VM_CHECK_H

#include "vm/vm.h"

#ifdef TORPOR_TESTING

/* How much is looked at. The records of a VM are at every call; all of its
 * memory is at one call of 'every' (0: never, as at first), which is for all
 * threads. */
typedef struct torpor__check_depth {
  unsigned every;
  bool guest; /* also what our code in the guest promises, which a test that
                 writes into its memory does not keep */
} torpor__check_depth;

torpor__check_depth torpor__check_set(torpor__check_depth depth);

/* At the end of an operation on 'vm', which no guest code is running in. */
void torpor__vm_check(torpor_vm *vm);
/* 'vm' was reset and goes to the pool. */
void torpor__vm_check_clean(torpor_vm *vm);
/* 'copy' was made of 'vm', and neither was entered since. */
void torpor__vm_check_copy(torpor_vm *vm, torpor_vm *copy);
/* 'vm' remembers the state that it is in. */
void torpor__vm_check_remembers(torpor_vm *vm);

#else

static inline void torpor__vm_check(torpor_vm *vm) {
  (void)vm;
}
static inline void torpor__vm_check_clean(torpor_vm *vm) {
  (void)vm;
}
static inline void torpor__vm_check_copy(torpor_vm *vm, torpor_vm *copy) {
  (void)vm, (void)copy;
}
static inline void torpor__vm_check_remembers(torpor_vm *vm) {
  (void)vm;
}

#endif

#endif
