/* SPDX-License-Identifier: MIT */
/* resting.h - the structs of closed VMs, which stay for a while.
 *
 * A host may still have a pointer to one: whoever closes a VM twice, or goes on
 * using it, is told so, instead of meeting somebody else's VM. So a struct is
 * not used again before TORPOR__RESTING other VMs were closed. */
#ifndef TORPOR_VM_RESTING_H
#define TORPOR_VM_RESTING_H

#include "vm/vm.h"

/* As torpor_vm_close says. */
#define TORPOR__RESTING 256

/* The place for the struct of the next VM that this thread closes; in it is
 * NULL or the struct that has been there longest, which can be used again. */
torpor_vm *_Atomic *torpor__resting_place(void);

#ifdef TORPOR_TESTING
/* Frees all of them, and what threads that have ended left. */
void torpor__resting_drain(void);
#endif

#endif
