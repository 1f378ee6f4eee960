/* SPDX-License-Identifier: MIT */
/* settings.c - telling the guest what its host wants of it (guest/settings.c):
 * what to leave out, when to collect, values for the console.
 *
 * That happens when a VM is opened or, as the guest forgets it when it wakes,
 * when it is first entered: until then it equals its snapshot. */
#include "vm/settings.h"

#include <string.h>

#include "vm/border/binding.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/vm.h"

/* The host function that the guest's console calls. */
static torpor_status give_values(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  double level = torpor_value_number(torpor_argument(arguments, 0));
  (void)result, (void)user;
  if (!vm->options.console_values || !(level >= TORPOR_LEVEL_DEBUG) ||
      level > TORPOR_LEVEL_ERROR)
    return TORPOR_OK;
  vm->options.console_values(vm->options.user, vm, (torpor_level)level,
                             arguments->args + 1, arguments->count - 1);
  return TORPOR_OK;
}

bool torpor__settings_are_any(const torpor_options *options) {
  return options->omit || options->collect || options->console_values ||
         options->rejected || options->extensions || options->library ||
         options->colors;
}

torpor_status torpor__settings_tell(torpor_vm *vm) {
  const torpor_options *options = &vm->options;
  const char *names = options->omit ? options->omit : "";
  uint64_t address, flags = 0;
  torpor__loan loan = {0};
  torpor_status status = TORPOR_OK;
  if (options->rejected) flags |= TORPOR_ABI_LATE;
  if (options->console_values) {
    flags |= TORPOR_ABI_CONSOLE;
    status = torpor__binding_add(vm, TORPOR_ABI_CONSOLE_NAME,
                                 strlen(TORPOR_ABI_CONSOLE_NAME),
                                 &(torpor__bound){.function = give_values});
  }
  if (options->extensions) flags |= TORPOR_ABI_EXTENSIONS;
  if (options->library) flags |= TORPOR_ABI_LIBRARY;
  if (options->colors & TORPOR_COLORS_OUT) flags |= TORPOR_ABI_COLORS_OUT;
  if (options->colors & TORPOR_COLORS_ERROR) flags |= TORPOR_ABI_COLORS_ERROR;
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, names, strlen(names), &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(
        vm, configure, address, strlen(names),
        options->collect < UINT32_MAX ? options->collect : UINT32_MAX, flags);
  torpor__loan_end(vm, &loan);
  vm->untold = status != TORPOR_OK;
  if (status != TORPOR_UNSUPPORTED) return status;
  return torpor__fail(vm, status,
                      "the engine of this VM is older than the options omit, "
                      "collect, console_values, rejected, extensions and "
                      "library");
}
