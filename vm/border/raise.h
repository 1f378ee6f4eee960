/* SPDX-License-Identifier: MIT */
/* raise.h - errors that the host makes. */
#ifndef TORPOR_VM_RAISE_H
#define TORPOR_VM_RAISE_H

#include "vm/vm.h"

/* A new error, as torpor_error_new makes it, in a call that has begun. '*out'
 * is left alone when there is none. */
torpor_status torpor__error_make(torpor_vm *vm, const char *name,
                                 const char *message, torpor_value *out);

/* Makes 'value' what was thrown; THROWN, or why it cannot. 'own': the last
 * entry made it for us. */
torpor_status torpor__throw_value(torpor_vm *vm, torpor_value value, bool own);

#endif
