/* SPDX-License-Identifier: MIT */
/* operation.h - an operation of a VM, copied into the form that a store keeps.
 *
 * What a VM says of its operations comes from guest memory: nothing of it is
 * believed but what the types force.
 *
 * On the VM's thread. */
#ifndef TORPOR_RUN_OPERATION_H
#define TORPOR_RUN_OPERATION_H

#include "store.h"

/* Copies kind, request and, for a signal, the name that it waits for into one
 * block, which 'copy->kind' owns. OK, LIMIT, NOMEM or what the VM says, with a
 * sentence in 'message'. Calls into 'vm', so that 'operation' is void then. */
torpor_status torpor__operation_copy(torpor_vm *vm,
                                     const torpor_operation *operation,
                                     struct torpor__operation *copy,
                                     char message[TORPOR__STORE_MESSAGE_MAX]);

/* Frees 'count' such copies; not the array. */
void torpor__operation_free(struct torpor__operation *copies, size_t count);

#endif
