/* SPDX-License-Identifier: MIT */
/* remember.h - the state of a VM that its next difference is from. */
#ifndef TORPOR_VM_REMEMBER_H
#define TORPOR_VM_REMEMBER_H

#include "vm/container.h"
#include "vm/vm.h"

/* Notes, of the snapshot in 'data' that was just put into 'vm', the next piece
 * of what it was restored from: takes over what 'runs' owns. false: no memory.
 * After the last piece the caller sets 'known', and 'id' when 'runs' was
 * compressed. */
bool torpor__remember_piece(torpor_vm *vm, torpor__content *runs,
                            const void *data, size_t size);

/* Makes image and shadow the remembered state. NOT_FOUND, NOMEM. */
torpor_status torpor__remember_ready(torpor_vm *vm);

/* 'vm' remembers the state that it is in; the caller sets the id. NOMEM: it
 * remembers nothing. */
torpor_status torpor__remember_now(torpor_vm *vm);
void torpor__remember_forget(torpor_vm *vm);

#endif
