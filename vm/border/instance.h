/* SPDX-License-Identifier: MIT */
/* instance.h - classes of the host, and which of their objects it knows. */
#ifndef TORPOR_VM_INSTANCE_H
#define TORPOR_VM_INSTANCE_H

#include "vm/vm.h"

/* A class that is bound. It stays until the VM is closed. */
struct torpor__class {
  torpor_class_def def; /* without name and members */
  struct torpor__class *next;
  uint32_t number; /* the guest's + 1; 0: not known yet */
  size_t name_size;
  char name[];
};

/* An object of one that the host knows. */
struct torpor__object {
  torpor_instance instance;
  torpor__class *class;
  uint64_t serial;                      /* the guest's number of it */
  struct torpor__object *next;          /* in its bucket */
  struct torpor__object *older, *newer; /* by when the host got to know it */
};

/* NULL: no such class is bound. */
torpor__class *torpor__class_find(torpor_vm *vm, const char *name);

/* An object that will be known; free it, or add it, which cannot fail. NULL: no
 * memory. */
torpor__object *torpor__object_new(torpor_vm *vm, torpor__class *class);
void torpor__object_free(torpor__object *object);
void torpor__object_add(torpor_vm *vm, torpor__object *object, uint64_t serial);
/* NULL: the host does not know it. */
torpor__object *torpor__object_find(torpor_vm *vm, uint64_t serial);

/* Object 'serial' was collected: its finalizer, if the host knows it. */
void torpor__object_collected(torpor_vm *vm, uint64_t serial);
/* The VM is closed: all finalizers, the newest object first. */
void torpor__objects_end(torpor_vm *vm);
/* After that, and after all bindings: frees the classes. */
void torpor__classes_end(torpor_vm *vm);

#endif
