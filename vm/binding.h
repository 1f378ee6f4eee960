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
/* What number 'index' of the guest's table of names is bound to. NULL: nothing;
 * then 'name' (TORPOR__NAME_LARGEST + 1 bytes) gets that name. */
const torpor__binding *torpor__binding_find(torpor_vm *vm, uint32_t index,
                                            char *name);
/* Frees the bindings that were replaced, after their finalizers; all of them
 * when 'all'. */
void torpor__binding_sweep(torpor_vm *vm, bool all);

#endif
