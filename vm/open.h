/* SPDX-License-Identifier: MIT */
/* open.h - opening and closing VMs. */
#ifndef TORPOR_VM_OPEN_H
#define TORPOR_VM_OPEN_H

#include "vm/vm.h"

/* A VM in the state of 'image', with what 'options' say. */
torpor_status torpor__vm_take(torpor__image *image,
                              const torpor_options *options, torpor_vm **out);
/* The baseline of 'engine'; this thread's error says what is wrong. */
torpor_status torpor__engine_baseline(const torpor__engine *engine,
                                      torpor__image **out);
/* Runs finalizers, frees what hangs on 'vm' and gives it to the pool. */
void torpor__vm_give(torpor_vm *vm);

/* The engine that 'options' name, else 'id' (NULL: the built-in one). */
torpor_status torpor__options_engine(const torpor_options *options,
                                     const char *id,
                                     const torpor__engine **out);
/* Makes '*options', unless it is NULL, point to 'own', a copy of what a caller
 * of any version gave. MISUSE, with the reason as this thread's error, when
 * they make no sense. */
torpor_status torpor__options_take(const torpor_options **options,
                                   torpor_options *own);
uint64_t torpor__options_memory(const torpor_options *options);

#endif
