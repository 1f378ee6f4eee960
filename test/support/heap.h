/* SPDX-License-Identifier: MIT */
/* heap.h - whether what a program freed is zero, as guest/alloc.c promises. */
#ifndef TORPOR_TEST_HEAP_H
#define TORPOR_TEST_HEAP_H

#include <stdint.h>

#include "torpor.h"

/* Asserts that each free block of 'vm' is zero but for its link. 'vm', which is
 * between turns, stays as it is: a copy is looked at. */
void test_heap_check(torpor_vm *vm);

/* The address of a byte in a free block that is no link. */
uint32_t test_heap_find_free(torpor_vm *vm);

#endif
