/* SPDX-License-Identifier: MIT */
/* std-functions.c - what module "std" asks of its host besides files.
 *
 *   torpor:std.eval(source, name, async, barrier)   runs a script
 *   torpor:std.gc()
 *   torpor:std.strerror(number)
 *   torpor:std.exit(code)                           does not come back
 *
 * Runs on the VM's thread. */
#include <stdio.h>
#include <string.h>

#include "loop/at-once/bind.h"

static torpor_status eval_script(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  torpor_bytes source = {0};
  char *name = NULL;
  (void)user;
  torpor_status status =
      torpor_string_read(vm, torpor_argument(arguments, 0), &source);
  if (status == TORPOR_OK) status = torpor__take_text(vm, arguments, 1, &name);
  options.file = name;
  options.mode = TORPOR_SCRIPT;
  options.async = torpor_value_is_true(torpor_argument(arguments, 2));
  options.barrier = torpor_value_is_true(torpor_argument(arguments, 3));
  if (status == TORPOR_OK)
    status = torpor_eval_with(vm, (char *)source.data, source.size, &options,
                              result);
  free(name);
  torpor_bytes_free(&source);
  return status;
}

static torpor_status collect(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  (void)arguments, (void)result, (void)user;
  return torpor_vm_collect(vm);
}

static torpor_status describe_error(torpor_vm *vm,
                                    const torpor_arguments *arguments,
                                    torpor_value *result, void *user) {
  char text[128];
  (void)user;
  int64_t number = torpor__take_integer(arguments, 0, -1);
  if (number < 0 || number > 4095)
    snprintf(text, sizeof(text), "Unknown error");
  else if (strerror_r((int)number, text, sizeof(text)) != 0)
    snprintf(text, sizeof(text), "Unknown error %d", (int)number);
  return torpor_string_new(vm, text, SIZE_MAX, result);
}

static torpor_status exit_program(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const torpor_world *world = user;
  (void)result;
  int64_t code = torpor__take_integer(arguments, 0, 0);
  torpor_status status = torpor__refuse_durable(
      vm, world, "std.exit", "let the program come to its end, or throw");
  if (status != TORPOR_OK) return status;
  if (world->options.exit == NULL)
    return torpor_throw(vm, "NotSupportedError",
                        "std.exit: the host of this program does not let it "
                        "end itself; let it come to its end, or throw");
  world->options.exit(world->options.user, (int)(code & 255));
  return TORPOR_INTERRUPTED;
}

static const torpor_function_entry functions[] = {
    {"torpor:std.eval", eval_script, 4, 0},
    {"torpor:std.gc", collect, 0, 0},
    {"torpor:std.strerror", describe_error, 1, 0},
    {"torpor:std.exit", exit_program, 1, 0},
};
const struct torpor__functions torpor__std_functions = {
    functions, sizeof(functions) / sizeof(*functions)};
