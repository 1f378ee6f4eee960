/* SPDX-License-Identifier: MIT */
/* run-vm-host.c - what the program of a run may ask of us: its input, its id,
 * the number of its step, what an older program handed to it, its modules.
 *
 *  (1) An answer is the same whenever the program asks, but for the number of
 *      its step. Nothing else reaches out of the VM but operations.
 *
 * On the VM's thread. */
#include "run/vm/run-vm-state.h"

#include "torpor-module.h"

static torpor_status give_input(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  (void)arguments;
  if (run_vm->context.input.size == 0) return TORPOR_OK;
  return torpor_cbor_decode(vm, run_vm->context.input.data,
                            run_vm->context.input.size, result);
}

static torpor_status give_id(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  (void)arguments;
  return torpor_string_new(vm, run_vm->context.id, strlen(run_vm->context.id),
                           result);
}

static torpor_status give_step(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  (void)vm;
  (void)arguments;
  *result = torpor_number((double)run_vm->step);
  return TORPOR_OK;
}

static torpor_status give_upgrade(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  torpor_bytes handed = {0};
  (void)arguments;
  torpor_status status = run_vm->context.upgrade(run_vm->context.user, &handed);
  if (status == TORPOR_OK && handed.size > 0)
    status = torpor_cbor_decode(vm, handed.data, handed.size, result);
  torpor_bytes_free(&handed);
  return status;
}

/* C modules are no part of what a run keeps. */
static torpor_status give_native(const struct torpor__run_vm *run_vm,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  torpor_status status = torpor_loader_source(run_vm->loader, request, answer);
  if (status != TORPOR_NOT_FOUND) return status;
  return torpor_module_refuse(answer, status, "%s",
                              torpor_loader_error(run_vm->loader));
}

torpor_status torpor__run_vm_give_module(void *user,
                                         const torpor_module_request *request,
                                         torpor_module_answer *answer) {
  const struct torpor__run_vm *run_vm = user;
  if (torpor_loader_is_native(request))
    return give_native(run_vm, request, answer);
  torpor_status status = run_vm->context.module(run_vm->context.user,
                                                request->name, &answer->text);
  if (status != TORPOR_NOT_FOUND) return status;
  return torpor_module_refuse(answer, status,
                              "there is no such module in the run, which keeps "
                              "those that its program imports statically");
}

/* Of C modules, which a step may repeat. */
static torpor_status bind_modules(struct torpor__run_vm *run_vm) {
  torpor_bytes none;
  torpor_status status =
      torpor_loader_open(NULL, run_vm->context.access, &run_vm->loader, &none);
  return status == TORPOR_OK ? torpor_loader_bind(run_vm->loader, run_vm->vm,
                                                  TORPOR_MODULE_PURE)
                             : status;
}

torpor_status torpor__run_vm_bind(struct torpor__run_vm *run_vm) {
  static const struct {
    const char *name;
    torpor_host_fn function;
  } functions[] = {{"torpor:run.input", give_input},
                   {"torpor:run.id", give_id},
                   {"torpor:run.step", give_step},
                   {"torpor:run.upgrade", give_upgrade}};
  torpor_status status = TORPOR_OK;
  for (size_t i = 0;
       status == TORPOR_OK && i < sizeof functions / sizeof functions[0]; i++)
    status = torpor_function_bind(run_vm->vm, functions[i].name,
                                  functions[i].function, run_vm, NULL);
  if (status == TORPOR_OK && run_vm->context.world != NULL)
    status = torpor_world_bind(run_vm->context.world, run_vm->vm);
  return status == TORPOR_OK ? bind_modules(run_vm) : status;
}
