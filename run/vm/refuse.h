/* SPDX-License-Identifier: MIT */
/* refuse.h - rejects an operation of a run's VM that no run can keep, or for
 * which something came that the program cannot have; and says what went wrong
 * in a VM.
 *
 * A rejection is made in the VM, as if a driver had answered: the program can
 * catch it, and no commit knows of an operation that was begun and refused in
 * one step.
 *
 * On the VM's thread. */
#ifndef TORPOR_RUN_REFUSE_H
#define TORPOR_RUN_REFUSE_H

#include "run/database/database.h"

/* Rejects operation 'id' with an error of this name, message and code. OK, also
 * when the VM does not wait for it; or NOMEM or what the VM says, with a
 * sentence in 'message'. */
torpor_status torpor__refuse(torpor_vm *vm, uint64_t id, const char *name,
                             const char *text, const char *code,
                             char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* The same with what the VM has just thrown when it was to read what came; or
 * because that has 'size' bytes, for which there is no room. */
torpor_status torpor__refuse_unread(torpor_vm *vm, uint64_t id,
                                    char message[TORPOR__DATABASE_MESSAGE_MAX]);
torpor_status torpor__refuse_large(torpor_vm *vm, uint64_t id, size_t size,
                                   char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* Returns 'status', with what the VM says of it in 'message': without what it
 * advises its owner to do, behind a semicolon, which is done anyway. */
torpor_status torpor__refuse_fail(torpor_vm *vm, torpor_status status,
                                  char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* Returns NOMEM, with a sentence. */
torpor_status
torpor__refuse_fail_memory(char message[TORPOR__DATABASE_MESSAGE_MAX]);

/* Removes the first bytes of a character whose other bytes were cut off. */
void torpor__refuse_trim(char *text);

#endif
