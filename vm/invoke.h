/* SPDX-License-Identifier: MIT */
/* invoke.h - entries that answer with a status. */
#ifndef TORPOR_VM_INVOKE_H
#define TORPOR_VM_INVOKE_H

#include "vm/enter.h"

/* Enters at an export that returns a status, and gives that, with the results
 * in vm->result and, unless it is OK, a sentence as the VM's error. */
torpor_status torpor__invoke(torpor_vm *vm, torpor__export export,
                             const uint64_t *arguments);

/* TORPOR__INVOKE(vm, string_new, address, size); one 0 when it takes none. */
#define TORPOR__INVOKE(vm, name, ...)                                          \
  torpor__invoke((vm), TORPOR__EXPORT_torpor_##name,                           \
                 (const uint64_t[]){__VA_ARGS__})

#endif
