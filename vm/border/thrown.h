/* SPDX-License-Identifier: MIT */
/* thrown.h - what JavaScript threw. */
#ifndef TORPOR_VM_THROWN_H
#define TORPOR_VM_THROWN_H

#include "vm/border/enter.h"

/* Makes vm->exception the VM's sentence. It enters the guest, but runs no code
 * of the program. */
void torpor__fail_thrown(torpor_vm *vm);
/* INTERRUPTED, with a sentence that says by what and, if the guest says it,
 * where. */
torpor_status torpor__fail_interrupted(torpor_vm *vm);
/* Makes 'value' the VM's exception, in the place of the one before. 'own': it
 * is ours to release. */
void torpor__exception_put(torpor_vm *vm, torpor_value value, bool own);
/* An error that says nothing. */
torpor_error torpor__error_none(void);
/* What torpor_error_read gives, without a sentence when it fails. 'export' is
 * torpor_error_read_all, torpor_error_read, which older engines have, or, to
 * run no code of the program, torpor_error_look. */
torpor_status torpor__error_take(torpor_vm *vm, torpor__export export,
                                 torpor_value value, torpor_error *out);

#endif
