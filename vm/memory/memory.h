/* SPDX-License-Identifier: MIT */
/* memory.h - the way from guest addresses to pointers. */
#ifndef TORPOR_VM_MEMORY_H
#define TORPOR_VM_MEMORY_H

#include "vm/vm.h"

/* The bytes [address, address + size) of guest memory: at, to read them, and
 * to, to write them. NULL when they do not lie in it; 'size' may be 0. Valid
 * until the next entry. */
static inline const uint8_t *torpor__memory_at(torpor_vm *vm, uint32_t address,
                                               uint64_t size);
uint8_t *torpor__memory_to(torpor_vm *vm, uint32_t address, uint64_t size);
static inline uint64_t torpor__memory_size(const torpor_vm *vm);
/* The same as torpor__memory_at for what a snapshot keeps: not the stack, not
 * the host's part of the control block, nothing beyond the limit. */
const uint8_t *torpor__memory_kept(torpor_vm *vm, uint32_t address,
                                   uint64_t size);
/* The end of what a snapshot keeps: where the heap ends, or the baseline. */
uint32_t torpor__memory_limit(const torpor_vm *vm);
/* The same for a heap that ends at 'heap_break', in 'size' bytes of memory that
 * began as 'baseline'. */
uint32_t torpor__memory_limit_of(const torpor__image *baseline,
                                 uint32_t heap_break, uint64_t size);
/* Makes [limit, end) zero in 'vm', which was not entered yet, since the guest
 * relies on zeros behind its heap. false: no memory. */
bool torpor__memory_cut(torpor_vm *vm, uint32_t end);

/* Gives pages back to the system of which a mapped VM need not have a copy of
 * its own. No guest code is on the stack. */
void torpor__memory_trim(torpor_vm *vm);

/* ---- In line -------------------------------------------------------------*/

static inline uint64_t torpor__memory_size(const torpor_vm *vm) {
  return (uint64_t)torpor__region_memory(vm->region)->pages * TORPOR__WASM_PAGE;
}

static inline const uint8_t *torpor__memory_at(torpor_vm *vm, uint32_t address,
                                               uint64_t size) {
  uint64_t end = (uint64_t)address + size;
  if (end > torpor__memory_size(vm)) return NULL;
  if (!torpor__region_reach(vm->region, address, (uint32_t)end)) return NULL;
  return vm->memory + address;
}

#endif
