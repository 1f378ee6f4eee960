/* SPDX-License-Identifier: MIT */
/* pool.h - recycling VMs. */
#ifndef TORPOR_VM_POOL_H
#define TORPOR_VM_POOL_H

#include "vm/vm.h"

/* A VM in the state of 'image', mapped onto it or a copy; NULL: no memory. */
torpor_vm *torpor__pool_take(torpor__image *image, uint32_t pages_max,
                             bool mapped);
void torpor__pool_give(torpor_vm *vm);
/* Closes the VMs that wait to be used again: those of 'image', or all. */
void torpor__pool_drop(const torpor__image *image);
/* Copies of images that are in use. */
size_t torpor__pool_copies(void);
#ifdef TORPOR_TESTING
/* Frees all VMs that wait, and the structs of closed ones; counts the first. */
void torpor__pool_drain(void);
size_t torpor__pool_count(void);
#endif

#endif
