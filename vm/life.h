/* SPDX-License-Identifier: MIT */
/* life.h - how a VM's life begins and ends. */
#ifndef TORPOR_VM_LIFE_H
#define TORPOR_VM_LIFE_H

#include "vm/vm.h"

/* A VM whose memory is that of 'image', with what 'options' say. */
torpor_status torpor__vm_take(torpor__image *image,
                              const torpor_options *options, torpor_vm **out);
/* The baseline of 'engine'; this thread's error says what is wrong. */
torpor_status torpor__engine_baseline(const torpor__engine *engine,
                                      torpor__image **out);
/* Makes known what 'engine' has for extensions. As above. */
torpor_status torpor__engine_know(const torpor__engine *engine);
/* Runs finalizers, frees what hangs on 'vm' and gives it to the pool. */
void torpor__vm_give(torpor_vm *vm);

#endif
