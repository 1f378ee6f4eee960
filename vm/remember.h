/* SPDX-License-Identifier: MIT */
/* remember.h - the state of a VM that its next difference is from. */
#ifndef TORPOR_VM_REMEMBER_H
#define TORPOR_VM_REMEMBER_H

#include "vm/container.h"
#include "vm/vm.h"

/* Notes the next piece of what 'vm' is restored from, which was just put into
 * it: takes over what 'runs' owns, else copies the snapshot in 'data' that they
 * lie in. false: no memory. After the last piece the caller sets 'known', and
 * 'id' when that was not copied. */
bool torpor__remember_piece(torpor_vm *vm, torpor__content *runs,
                            const void *data, size_t size);

/* Makes image and shadow the remembered state. NOT_FOUND, NOMEM. */
torpor_status torpor__remember_ready(torpor_vm *vm);

/* 'vm' remembers the state that it is in; the caller sets the id. NOMEM: it
 * remembers nothing. */
torpor_status torpor__remember_now(torpor_vm *vm);
void torpor__remember_forget(torpor_vm *vm);

#endif
