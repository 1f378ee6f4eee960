/* SPDX-License-Identifier: MIT */
/* reflect.h - properties, iterators and methods by way of torpor_reflect. */
#ifndef TORPOR_VM_REFLECT_H
#define TORPOR_VM_REFLECT_H

#include "vm/border/loan.h"
#include "vm/vm.h"

/* The guest's form of 'key', whose text is lent. MISUSE, STALE, LIMIT. */
torpor_status torpor__key_lend(torpor_vm *vm, torpor__loan *loan,
                               torpor_key key, uint64_t *bits);

/* Runs TORPOR_ABI_ 'op' of abi.h in a call that has begun; vm->result has what
 * it gave. 'key' may be NULL; 'value' is a border value or an integer. */
torpor_status torpor__reflect(torpor_vm *vm, uint32_t op, torpor_value object,
                              const torpor_key *key, uint64_t value);

#endif
