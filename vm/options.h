/* SPDX-License-Identifier: MIT */
/* options.h - what callers ask for when they open a VM. */
#ifndef TORPOR_VM_OPTIONS_H
#define TORPOR_VM_OPTIONS_H

#include "torpor.h"

#include "vm/engine.h"

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
