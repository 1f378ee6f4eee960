/* SPDX-License-Identifier: MIT */
/* options.h - what callers ask for when they open a VM. */
#ifndef TORPOR_VM_OPTIONS_H
#define TORPOR_VM_OPTIONS_H

#include "torpor.h"

#include "vm/engines/engine.h"

/* The engine that 'options' name, else 'id' (NULL: the built-in one). */
torpor_status torpor__options_engine(const torpor_options *options,
                                     const char *id,
                                     const torpor__engine **out);
/* Copies '*options', of a caller of any version, to 'own', and lets '*options'
 * point there; unless it is NULL. MISUSE, and this thread's sentence says why,
 * when they make no sense. */
torpor_status torpor__options_take(const torpor_options **options,
                                   torpor_options *own);
/* The same for saving, where 'options' may be NULL; the sentence is that of
 * 'vm'. */
torpor_status torpor__options_take_save(torpor_vm *vm,
                                        const torpor_save_options *options,
                                        torpor_save_options *own);
/* The same for encoding. */
torpor_status torpor__options_take_cbor(torpor_vm *vm,
                                        const torpor_cbor_options *options,
                                        torpor_cbor_options *own);
/* memory_max, or its default. */
uint64_t torpor__options_memory(const torpor_options *options);

#endif
