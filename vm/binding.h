/* SPDX-License-Identifier: MIT */
/* binding.h - host functions, bound by name. */
#ifndef TORPOR_VM_BINDING_H
#define TORPOR_VM_BINDING_H

#include "vm/vm.h"

#define TORPOR__NAME_LARGEST 255

/* A host function bound by name. */
struct torpor__binding {
  torpor_host_fn function;
  void *user;
  void (*finalize)(void *user);
  struct torpor__binding *next; /* in the list of retired ones */
  size_t name_size;
  char name[];
};

/* Binds 'name' to 'function', in place of what it was bound to. NOMEM. */
torpor_status torpor__binding_add(torpor_vm *vm, const char *name, size_t size,
                                  torpor_host_fn function, void *user,
                                  void (*finalize)(void *user));
/* What the guest's function 'index' is bound to; NULL: nothing. 'name' (of at
 * least TORPOR__NAME_LARGEST + 1 bytes) gets its name then. */
const torpor__binding *torpor__binding_find(torpor_vm *vm, uint32_t index,
                                            char *name);
/* Ends the bindings that were replaced; all of them when 'all'. */
void torpor__binding_sweep(torpor_vm *vm, bool all);

#endif
