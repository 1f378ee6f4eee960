/* SPDX-License-Identifier: MIT */
/* loader-attach.c - giving a VM the C modules that it has or may come to have,
 * with a loop and without.
 *
 * A VM of which no program can get one, as nothing is granted or linked in, is
 * not entered for that unless it slept with some.
 *
 * Runs on the VM's thread. */
#include "loop/modules/module.h"

static bool may_have(const torpor_access *access) {
  return torpor__access_grants(access, TORPOR_FFI) ||
         torpor__module_any_linked();
}

/* 'attached' NULL: to no loop. */
static torpor_status give_modules(torpor_loader *loader, torpor_vm *vm,
                                  unsigned flags, struct attached *attached) {
  const torpor_access *access = torpor__loader_access(loader);
  struct torpor__modules *modules;
  torpor__loader_use(loader, NULL);
  torpor_status status = torpor__modules_open(vm, may_have(access), &modules);
  if (status == TORPOR_NOT_FOUND) return TORPOR_OK;
  if (status != TORPOR_OK) return status;
  modules->flags = flags;
  if (attached != NULL) torpor__modules_settle(modules, attached);
  torpor__loader_use(loader, modules);
  status = torpor__modules_give_load(modules);
  return status == TORPOR_OK ? torpor__modules_wake(modules, access) : status;
}

torpor_status torpor_loop_attach(torpor_loop *loop, torpor_vm *vm,
                                 const torpor_attachment *options) {
  struct attached *attached;
  torpor_status status = torpor__attached_open(loop, vm, options, &attached);
  if (status != TORPOR_OK) return status;
  torpor_loader *loader = torpor__attached_options(attached)->loader;
  if (loader == NULL) return TORPOR_OK;
  status = give_modules(loader, vm, 0, attached);
  if (status != TORPOR_OK) torpor_loop_detach(loop, vm);
  return status;
}

torpor_status torpor_loader_bind(torpor_loader *loader, torpor_vm *vm,
                                 unsigned flags) {
  if (loader == NULL || vm == NULL ||
      (flags & ~(unsigned)TORPOR_MODULE_PURE) != 0)
    return TORPOR_MISUSE;
  return give_modules(loader, vm, flags, NULL);
}
