/* SPDX-License-Identifier: MIT */
/* function-make.h - functions that call the host, made in the guest. */
#ifndef TORPOR_VM_FUNCTION_MAKE_H
#define TORPOR_VM_FUNCTION_MAKE_H

#include "vm/vm.h"

/* A function to be made; zero but for what is wanted. */
typedef struct torpor__function_making {
  const char *name; /* what it calls */
  size_t name_size;
  size_t shown_size; /* JavaScript sees so much of its end */
  int length;
  unsigned flags;        /* TORPOR_ABI_FUNCTION_ */
  uint32_t class;        /* the guest's number of its class + 1 */
  torpor_value captured; /* or undefined */
  torpor_value target;   /* gets it as a property; or undefined */
} torpor__function_making;

/* How much of the end of a name JavaScript sees: what follows the last dot. */
size_t torpor__name_shown(const char *name, size_t size);

/* Makes it; 'out' may be NULL. An older engine makes only functions that just
 * call the host: UNSUPPORTED. In a call that has begun. */
torpor_status torpor__function_make(torpor_vm *vm,
                                    const torpor__function_making *making,
                                    torpor_value *out);

#endif
