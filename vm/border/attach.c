/* SPDX-License-Identifier: MIT */
/* attach.c - getting to know objects of the host's classes: those that slept,
 * or are in a copy of a VM, when they are used for the first time.
 *
 * The VM's thread. */
#include "vm/border/attach.h"

#include "vm/border/binding.h"
#include "vm/border/instance.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/vm.h"

static torpor_status fail_unbound(torpor_vm *vm, const char *name) {
  return torpor__fail(vm, TORPOR_NOT_FOUND,
                      "the class '%s' is not bound on this host; see "
                      "torpor_class_bind",
                      name);
}

/* 'restore' is a callback: the VM refuses to be entered from it. */
static torpor_status ask_host(torpor_vm *vm, torpor__class *class,
                              torpor_instance *instance) {
  torpor_status status;
  if (!class->def.restore)
    return torpor__fail(vm, TORPOR_UNSUPPORTED,
                        "what the host had for this object of class '%s' is "
                        "lost since the program slept or moved: the class has "
                        "no 'restore'",
                        class->name);
  vm->in_callback = true;
  status = class->def.restore(vm, instance, class->def.user);
  vm->in_callback = false;
  if (status != TORPOR_OK && status != TORPOR_INTERRUPTED)
    torpor__fail(vm, status, "an object of the class '%s' was not restored: %s",
                 class->name, torpor_status_text(status));
  return status;
}

static torpor_status attach_new(torpor_vm *vm, torpor__class *class,
                                const uint64_t *result, torpor__object **out) {
  const uint64_t serial = result[0], id = result[1];
  torpor__object *object = torpor__object_new(vm, class);
  torpor_status status;
  if (!object) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  object->instance.id = id;
  status = ask_host(vm, class, &object->instance);
  if (status != TORPOR_OK) {
    torpor__object_free(object);
    return status;
  }
  object->instance.id = id;
  torpor__object_add(vm, object, serial);
  *out = object;
  return TORPOR_OK;
}

torpor_status torpor__attach(torpor_vm *vm, torpor_value value,
                             torpor__object **out) {
  char name[TORPOR__NAME_LARGEST + 1];
  const torpor__binding *binding;
  torpor_status status = TORPOR__INVOKE(vm, instance_read, value.bits);
  if (status != TORPOR_OK) return status;
  *out = torpor__object_find(vm, vm->result[0]);
  if (*out) return TORPOR_OK;
  binding = torpor__binding_find(vm, (uint32_t)vm->result[2], name);
  if (!binding || !binding->to.class || binding->to.function)
    return fail_unbound(vm, binding ? binding->name : name);
  return attach_new(vm, binding->to.class, vm->result, out);
}
