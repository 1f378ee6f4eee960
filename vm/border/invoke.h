/* SPDX-License-Identifier: MIT */
/* invoke.h - entries that answer with a status. */
#ifndef TORPOR_VM_INVOKE_H
#define TORPOR_VM_INVOKE_H

#include "vm/border/enter.h"

/* Runs an export that returns a status, and gives that: with its results in
 * vm->result or, unless it is OK, a sentence about it. */
torpor_status torpor__invoke(torpor_vm *vm, torpor__export export,
                             const uint64_t *arguments);

/* Gives the caller's 'out' (NULL: it is not wanted, and its handle ends) the
 * value that the last entry left in vm->result[0], if 'status' is OK. Gives
 * back 'status'. */
torpor_status torpor__give_value(torpor_vm *vm, torpor_status status,
                                 torpor_value *out);

/* Closes a scope of torpor__scope_open at the end of what came to 'status',
 * which it gives back. What was thrown is kept for the caller's scope. */
torpor_status torpor__scope_end(torpor_vm *vm, uint64_t mark,
                                torpor_status status);

/* TORPOR__INVOKE(vm, string_new, address, size); 0 for one that takes none. */
#define TORPOR__INVOKE(vm, name, ...)                                          \
  torpor__invoke((vm), TORPOR__EXPORT_torpor_##name,                           \
                 (const uint64_t[]){__VA_ARGS__})

#endif
