/* SPDX-License-Identifier: MIT */
/* settings.h - telling the guest what its host wants of it. */
#ifndef TORPOR_VM_SETTINGS_H
#define TORPOR_VM_SETTINGS_H

#include "vm/vm.h"

/* Whether the guest has to be told of any. */
bool torpor__settings_are_any(const torpor_options *options);
/* Tells it. In a call that has begun, before code of the program runs. */
torpor_status torpor__settings_tell(torpor_vm *vm);

#endif
