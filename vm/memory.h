/* SPDX-License-Identifier: MIT */
/* memory.h - the way from guest addresses to pointers. */
#ifndef TORPOR_VM_MEMORY_H
#define TORPOR_VM_MEMORY_H

#include "vm/vm.h"

/* The bytes [address, address + size) of guest memory, to read; and to write.
 * NULL when they do not lie in it. Valid until the next entry. 'size' 0 gives a
 * valid pointer. */
const uint8_t *torpor__memory_at(torpor_vm *vm, uint32_t address,
                                 uint64_t size);
uint8_t *torpor__memory_to(torpor_vm *vm, uint32_t address, uint64_t size);
uint64_t torpor__memory_size(const torpor_vm *vm);
/* The same as torpor__memory_at for what sleeps with the VM: not the stack, the
 * host's part of the control block, or what lies beyond the heap's break. */
const uint8_t *torpor__memory_kept(torpor_vm *vm, uint32_t address,
                                   uint64_t size);
/* Where that ends. */
uint32_t torpor__memory_limit(const torpor_vm *vm);
/* The same for a heap with that break, in 'size' bytes of memory that began as
 * 'baseline'. */
uint32_t torpor__memory_limit_of(const torpor__image *baseline,
                                 uint32_t heap_break, uint64_t size);
/* Makes [limit, end) zero in 'vm', which was not entered yet: the guest takes
 * all from its break on for zeros. false: no memory. */
bool torpor__memory_cut(torpor_vm *vm, uint32_t end);

/* Gives pages that a mapped VM has of its own, and need not, back to the
 * system. No guest code is on the stack. */
void torpor__memory_trim(torpor_vm *vm);

#endif
