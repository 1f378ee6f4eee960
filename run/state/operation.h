/* SPDX-License-Identifier: MIT */
/* operation.h - an operation of a VM, copied into the row that is kept of it.
 *
 * What a VM says of its operations comes from guest memory: it is not trusted
 * beyond what the types guarantee.
 *
 * On the VM's thread. */
#ifndef TORPOR_RUN_OPERATION_H
#define TORPOR_RUN_OPERATION_H

#include "run/database/database.h"

/* Copies kind, request and, for a signal, the name that it waits for into one
 * block, which 'copy->kind' owns. OK, LIMIT (no run can keep such an operation)
 * or NOMEM, with a sentence in 'message'. */
torpor_status
torpor__operation_copy(const torpor_operation *operation,
                       struct torpor__operation *copy,
                       char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* Frees 'count' such copies; not the array. */
void torpor__operation_free(struct torpor__operation *copies, size_t count);

/* torpor__compare_fn for operations in the order of their ids: 'key' is one. */
int torpor__operation_compare(const void *key, const void *operation);

#endif
