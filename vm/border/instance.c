/* SPDX-License-Identifier: MIT */
/* instance.c - which objects of its classes the host knows.
 *
 * What the host gave to an object is kept here, not in guest memory: so that a
 * pointer comes back only as it was given, whatever became of the guest, and
 * so that all are finalized even when the VM is broken. The guest knows an
 * object by its serial number, under which it is in a hash table.
 *
 *  (1) What is in the table was given by the host in this VM, and is finalized
 *      once: when it is taken out.
 *
 * The VM's thread. */
#include "vm/border/instance.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/vm.h"

#define BUCKETS_FIRST 16u

torpor__class *torpor__class_find(torpor_vm *vm, const char *name) {
  torpor__class *class = vm->classes;
  while (class && strcmp(class->name, name) != 0) class = class->next;
  return class;
}

/* Serial numbers follow each other. */
static torpor__object **find_bucket(torpor_vm *vm, uint64_t serial) {
  return &vm->objects[serial & (vm->object_buckets - 1)];
}

/* Room for one more. */
static bool reserve_bucket(torpor_vm *vm) {
  uint32_t count = vm->object_buckets ? vm->object_buckets * 2 : BUCKETS_FIRST;
  torpor__object **buckets;
  if (vm->object_count < vm->object_buckets) return true;
  buckets = torpor__alloc(count * sizeof(*buckets));
  if (!buckets) return false;
  memset(buckets, 0, count * sizeof(*buckets));
  torpor__alloc_free(vm->objects);
  vm->objects = buckets;
  vm->object_buckets = count;
  for (torpor__object *object = vm->newest_object; object;
       object = object->older) {
    torpor__object **bucket = find_bucket(vm, object->serial);
    object->next = *bucket;
    *bucket = object;
  }
  return true;
}

/* Room for an object that is made meanwhile, in a constructor's call of
 * another, is made when that is added: so one bucket may hold a few more. */
torpor__object *torpor__object_new(torpor_vm *vm, torpor__class *class) {
  torpor__object *object =
      reserve_bucket(vm) ? torpor__alloc(sizeof(*object)) : NULL;
  if (object) *object = (torpor__object){.class = class};
  return object;
}

void torpor__object_free(torpor__object *object) {
  torpor__alloc_free(object);
}

void torpor__object_add(torpor_vm *vm, torpor__object *object,
                        uint64_t serial) {
  torpor__object **bucket = find_bucket(vm, serial);
  object->serial = serial;
  object->next = *bucket;
  *bucket = object;
  object->older = vm->newest_object;
  if (vm->newest_object) vm->newest_object->newer = object;
  vm->newest_object = object;
  vm->object_count++;
}

torpor__object *torpor__object_find(torpor_vm *vm, uint64_t serial) {
  torpor__object *object = vm->objects ? *find_bucket(vm, serial) : NULL;
  while (object && object->serial != serial) object = object->next;
  return object;
}

/* A finalizer is a callback: the VM refuses to be entered from it. */
static void end_object(torpor_vm *vm, torpor__object *object) {
  const torpor_class_def *def = &object->class->def;
  torpor__object **link = find_bucket(vm, object->serial);
  while (*link != object) link = &(*link)->next;
  *link = object->next;
  if (object->newer)
    object->newer->older = object->older;
  else
    vm->newest_object = object->older;
  if (object->older) object->older->newer = object->newer;
  vm->object_count--;
  vm->in_callback = true;
  if (def->finalize) def->finalize(&object->instance, def->user);
  vm->in_callback = false;
  torpor__alloc_free(object);
}

void torpor__object_collected(torpor_vm *vm, uint64_t serial) {
  torpor__object *object = torpor__object_find(vm, serial);
  if (object) end_object(vm, object);
}

void torpor__objects_end(torpor_vm *vm) {
  while (vm->newest_object) end_object(vm, vm->newest_object);
  torpor__alloc_free(vm->objects);
  vm->objects = NULL;
  vm->object_buckets = 0;
}

void torpor__classes_end(torpor_vm *vm) {
  while (vm->classes) {
    torpor__class *class = vm->classes;
    vm->classes = class->next;
    vm->in_callback = true;
    if (class->def.release) class->def.release(class->def.user);
    vm->in_callback = false;
    torpor__alloc_free(class);
  }
}
