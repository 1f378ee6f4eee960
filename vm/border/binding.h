/* SPDX-License-Identifier: MIT */
/* binding.h - host functions, bound by name. */
#ifndef TORPOR_VM_BINDING_H
#define TORPOR_VM_BINDING_H

#include "vm/vm.h"

#define TORPOR__NAME_LARGEST 255
#define TORPOR__NO_INDEX UINT32_MAX

/* What a name is bound to. */
typedef struct torpor__bound {
  torpor_host_fn function; /* NULL: the constructor of 'class' */
  void *user;
  void (*finalize)(void *user);
  torpor__class *class; /* of a member, or its constructor; or NULL */
  bool is_method;       /* it is called on objects of 'class' only */
  bool unbind;          /* it ends with the last function of the name */
} torpor__bound;

/* A host function bound by name. */
struct torpor__binding {
  torpor__bound to;
  struct torpor__binding *next;          /* in its bucket; of retired ones */
  struct torpor__binding *older, *newer; /* by when they were bound */
  uint32_t hash;
  uint32_t index; /* where in vm->bound it is; TORPOR__NO_INDEX: nowhere */
  size_t name_size;
  char name[];
};

/* The size of a name; 0: it is NULL, empty, or too long. */
size_t torpor__name_size(const char *name);

/* Binds 'name', in place of what it was bound to. NOMEM; MISUSE: it belongs to
 * a class. */
torpor_status torpor__binding_add(torpor_vm *vm, const char *name, size_t size,
                                  const torpor__bound *to);
/* Takes back what is bound for 'class'; nothing of it has run. */
void torpor__binding_remove_class(torpor_vm *vm, const torpor__class *class);
/* What number 'index' of the guest's table of names is bound to. NULL: nothing;
 * then 'name' (TORPOR__NAME_LARGEST + 1 bytes) gets that name. Only the first
 * time is there anything to search. */
const torpor__binding *torpor__binding_search(torpor_vm *vm, uint32_t index,
                                              char *name);
static inline const torpor__binding *
torpor__binding_find(torpor_vm *vm, uint32_t index, char *name) {
  if (index < vm->bound_count && vm->bound[index]) return vm->bound[index];
  return torpor__binding_search(vm, index, name);
}
/* The guest has no function of 'name' left, which was number 'index'. */
void torpor__binding_collected(torpor_vm *vm, uint32_t index, const char *name,
                               size_t size);
/* Frees the bindings that were replaced, after their finalizers; all of them
 * when 'all'. */
void torpor__binding_sweep(torpor_vm *vm, bool all);

#endif
