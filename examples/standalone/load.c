/* SPDX-License-Identifier: MIT */
/* load.c - a C module that is linked into the program:
 *
 *   import { average, minutes } from "load";
 *
 *   average()   how many processes were running or wanted to, of late
 *   minutes     over how long that is taken */
#include <stdlib.h>
#include <torpor-module.h>

enum { COUNT = 3 };

static torpor_status give_numbers(torpor_vm *vm, const double *numbers,
                                  torpor_value *result) {
  torpor_status status = torpor_array_new(vm, result);
  for (uint32_t i = 0; i < COUNT && status == TORPOR_OK; i++)
    status = torpor_set_index(vm, *result, i, torpor_number(numbers[i]));
  return status;
}

static torpor_status average(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  double loads[COUNT];
  (void)arguments, (void)user;
  if (getloadavg(loads, COUNT) != COUNT)
    return torpor_throw(vm, "Error", "this system does not tell its load");
  return give_numbers(vm, loads, result);
}

static torpor_status minutes(torpor_vm *vm, torpor_module *module,
                             torpor_value *result) {
  static const double numbers[COUNT] = {1, 5, 15};
  (void)module;
  return give_numbers(vm, numbers, result);
}

static torpor_status start(torpor_module *module) {
  torpor_status status =
      torpor_module_add_function(module, "average", 0, average);
  if (status != TORPOR_OK) return status;
  return torpor_module_add_value(module, "minutes", minutes);
}

TORPOR_MODULE_DEFINE(load, start, TORPOR_MODULE_PURE)
