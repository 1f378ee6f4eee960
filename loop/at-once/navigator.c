/* SPDX-License-Identifier: MIT */
/* navigator.c - what this program is, for programs.
 *
 *   torpor:navigator.userAgent()   "Torpor/VERSION"
 *
 * Runs on the VM's thread. */
#include "loop/at-once/bind.h"

static torpor_status get_user_agent(torpor_vm *vm,
                                    const torpor_arguments *arguments,
                                    torpor_value *result, void *user) {
  (void)arguments, (void)user;
  return torpor_string_new(vm, "Torpor/" TORPOR_VERSION, SIZE_MAX, result);
}

static const torpor_function_entry functions[] = {
    {"torpor:navigator.userAgent", get_user_agent, 0, 0},
};
const struct torpor__functions torpor__navigator_functions = {
    functions, sizeof(functions) / sizeof(*functions)};
