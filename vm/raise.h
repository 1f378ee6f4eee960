/* SPDX-License-Identifier: MIT */
/* raise.h - errors that the host makes. */
#ifndef TORPOR_VM_RAISE_H
#define TORPOR_VM_RAISE_H

#include "vm/vm.h"

/* A new error, as torpor_error_new makes it, in a call that has begun. '*out'
 * is left alone when there is none. */
torpor_status torpor__error_make(torpor_vm *vm, const char *name,
                                 const char *message, torpor_value *out);

#endif
