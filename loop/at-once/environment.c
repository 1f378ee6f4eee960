/* SPDX-License-Identifier: MIT */
/* environment.c - the environment variables of this process, for programs.
 *
 *   torpor:env.get(name)   its value, or undefined; needs --allow-env=NAME
 *   torpor:env.all()       {name: value}; needs --allow-env for all
 *
 * A program changes only what it hands to others, in its own memory
 * (library/os.js).
 *
 * Runs on the VM's thread. */
#include <stdlib.h>
#include <string.h>

#include "loop/at-once/bind.h"

extern char **environ;

static torpor_status get_variable(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const torpor_world *world = user;
  torpor_bytes name, checked;
  torpor_status status =
      torpor_string_read(vm, torpor_argument(arguments, 0), &name);
  if (status != TORPOR_OK) return status;
  status = torpor_access_check(torpor_world_access(world), TORPOR_ENV,
                               (const char *)name.data, &checked);
  if (status != TORPOR_OK) {
    torpor_bytes_free(&name);
    return torpor__throw_access(vm, status, &checked);
  }
  const char *value = getenv((const char *)name.data);
  if (value != NULL) status = torpor_string_new(vm, value, SIZE_MAX, result);
  torpor_bytes_free(&checked);
  torpor_bytes_free(&name);
  return status;
}

static torpor_status set_variable(torpor_vm *vm, torpor_value to,
                                  const char *variable) {
  const char *equals = strchr(variable, '=');
  torpor_value value;
  if (equals == NULL || equals == variable) return TORPOR_OK;
  torpor_status status = torpor_string_new(vm, equals + 1, SIZE_MAX, &value);
  char *name = strndup(variable, (size_t)(equals - variable));
  if (name == NULL) return TORPOR_NOMEM;
  if (status == TORPOR_OK) status = torpor_set(vm, to, name, value);
  free(name);
  return status;
}

static torpor_status get_all(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  const torpor_world *world = user;
  (void)arguments;
  if (!torpor_access_allows_all(torpor_world_access(world), TORPOR_ENV))
    return torpor_throw(vm, "NotAllowedError",
                        "reading all environment variables is not allowed; run "
                        "with --allow-env");
  torpor_status status = torpor_object_new(vm, result);
  for (char **variable = environ; *variable != NULL; variable++)
    if (status == TORPOR_OK) status = set_variable(vm, *result, *variable);
  return status;
}

static const torpor_function_entry functions[] = {
    {"torpor:env.get", get_variable, 1, 0},
    {"torpor:env.all", get_all, 0, 0},
};
const struct torpor__functions torpor__environment_functions = {
    functions, sizeof(functions) / sizeof(*functions)};
