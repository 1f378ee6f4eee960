/* SPDX-License-Identifier: MIT */
/* given.h - which pending operations the host was given. */
#ifndef TORPOR_VM_GIVEN_H
#define TORPOR_VM_GIVEN_H

#include "vm/vm.h"

/* Notes that operation 'id' was given. Ids come in ascending order. false: no
 * memory. */
bool torpor__given_add(torpor_vm *vm, uint64_t id);
/* Forgets it again: it was settled or cancelled. false: it was not given. */
bool torpor__given_remove(torpor_vm *vm, uint64_t id);
/* Forgets all, and frees what they were kept in. */
void torpor__given_forget(torpor_vm *vm);

#endif
