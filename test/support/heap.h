/* SPDX-License-Identifier: MIT */
/* heap.h - the guest's heap: whether what a program freed is zero, as
 * guest/alloc.c promises, and allocations that fail. */
#ifndef TORPOR_TEST_HEAP_H
#define TORPOR_TEST_HEAP_H

#include <stdint.h>

#include "torpor.h"

/* Asserts that each free block of 'vm' is zero but for its link. 'vm', which is
 * between turns, stays as it is: a copy is looked at. */
void test_heap_check(torpor_vm *vm);

/* The address of a byte in a free block that is no link. */
uint32_t test_heap_find_free(torpor_vm *vm);

/* After 'n' allocations the next one fails, and 'more' behind it; UINT32_MAX:
 * none does. Gives how many there were since the last call. */
uint32_t test_fail_allocations(torpor_vm *vm, uint32_t n, uint32_t more);

#endif
