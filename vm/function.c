/* SPDX-License-Identifier: MIT */
/* function.c - making functions that call the host, and binding what they
 * call. */
#include <string.h>

#include "vm/binding.h"
#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/loan.h"
#include "vm/value.h"
#include "vm/vm.h"

/* Does not wake a VM that is asleep. */
torpor_status torpor_function_bind(torpor_vm *vm, const char *name,
                                   torpor_host_fn function, void *user,
                                   void (*finalize)(void *user)) {
  size_t size = name ? strlen(name) : 0;
  torpor_status status;
  if (size == 0 || size > TORPOR__NAME_LARGEST || !function)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "a host function needs a name of 1 to %d bytes and "
                        "a function",
                        TORPOR__NAME_LARGEST);
  status = torpor__begin_outside(vm);
  if (status != TORPOR_OK) return status;
  return torpor__end(
      vm, torpor__binding_add(vm, name, size, function, user, finalize));
}

torpor_status torpor_function_new(torpor_vm *vm, const char *name, int length,
                                  torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t address;
  size_t size = name ? strlen(name) : 0;
  torpor_status status;
  if (out) *out = torpor_undefined();
  if (size == 0 || size > TORPOR__NAME_LARGEST || length < 0)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "a function needs a name of 1 to %d bytes and a "
                        "length of at least 0",
                        TORPOR__NAME_LARGEST);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, name, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, function_new, address, size, (uint32_t)length);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

/* Sets a new function for the bound 'name' as a global. */
static torpor_status add_global(torpor_vm *vm, const char *name) {
  uint32_t scope = torpor__scope_open(vm);
  torpor_value made, global;
  torpor_status status = torpor_function_new(vm, name, 0, &made);
  if (status == TORPOR_OK) status = torpor_global(vm, &global);
  if (status == TORPOR_OK) status = torpor_set(vm, global, name, made);
  torpor__scope_close(vm, scope);
  return status;
}

torpor_status torpor_function_add(torpor_vm *vm, const char *name,
                                  torpor_host_fn function, void *user) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor_function_bind(vm, name, function, user, NULL);
  if (status == TORPOR_OK) status = add_global(vm, name);
  return torpor__end(vm, status);
}
