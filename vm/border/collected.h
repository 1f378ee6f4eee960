/* SPDX-License-Identifier: MIT */
/* collected.h - what the guest let go of. */
#ifndef TORPOR_VM_COLLECTED_H
#define TORPOR_VM_COLLECTED_H

#include "vm/vm.h"

/* How many things the guest has to tell of; updated when it is left. */
static inline uint32_t torpor__collected_count(const torpor_vm *vm) {
  return (uint32_t)(vm->control->host.cancelled >> 32);
}

/* Tells the host of them: finalizers of objects, bindings that end. In a call
 * that has begun; no function of the host's runs that could know them. What the
 * guest gave in control.host.result stays there. */
void torpor__collected_tell(torpor_vm *vm);

#endif
