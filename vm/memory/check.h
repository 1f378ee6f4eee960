/* SPDX-License-Identifier: MIT */
/* check.h - test builds assert what the top comments of vm/ and wasm/ say. */
#ifndef TORPOR_VM_CHECK_H
#define TORPOR_VM_CHECK_H

#include "vm/vm.h"

#ifdef TORPOR_TESTING

/* How much is checked, by all threads: what the host keeps of a VM at every
 * call, all of its memory at one call of 'every' (0: never, as at first). */
typedef struct torpor__check_depth {
  unsigned every;
  bool guest; /* and what our code in the guest promises; not for tests that
                 write into its memory */
} torpor__check_depth;

torpor__check_depth torpor__check_set(torpor__check_depth depth);

/* 'vm' is between calls. */
void torpor__vm_check(torpor_vm *vm);
/* A checksum of all that a snapshot of 'vm' keeps; 0: not at this call. And the
 * assertion that it is the same still; of 0 there is none. */
uint64_t torpor__vm_check_sum(const torpor_vm *vm);
void torpor__vm_check_same(const torpor_vm *vm, uint64_t sum);
/* 'vm' was reset and goes to the pool, or comes out of it. */
void torpor__vm_check_clean(torpor_vm *vm);
/* 'copy' was made of 'vm', and neither was entered since. */
void torpor__vm_check_copy(torpor_vm *vm, torpor_vm *copy);
/* 'vm' remembers the state that it is in. */
void torpor__vm_check_remembers(torpor_vm *vm);

#else

static inline void torpor__vm_check(torpor_vm *vm) {
  (void)vm;
}
static inline uint64_t torpor__vm_check_sum(const torpor_vm *vm) {
  (void)vm;
  return 0;
}
static inline void torpor__vm_check_same(const torpor_vm *vm, uint64_t sum) {
  (void)vm, (void)sum;
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
