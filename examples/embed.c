/* SPDX-License-Identifier: MIT */
/* embed.c - JavaScript in a C program, in thirty lines.
 *
 * A function of the host, a script that calls it, its result, and what to do
 * when it throws. Compile and run:
 *
 *   cc embed.c -o embed $(pkg-config --cflags --libs torpor)
 *   ./embed
 */
#include <stdio.h>
#include <torpor.h>

/* area(width, height) */
static torpor_status area(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  double width = torpor_value_number(torpor_argument(arguments, 0));
  double height = torpor_value_number(torpor_argument(arguments, 1));
  (void)user;
  if (!(width >= 0 && height >= 0))
    return torpor_throw(vm, "RangeError", "%g by %g?", width, height);
  *result = torpor_number(width * height);
  return TORPOR_OK;
}

static void run(torpor_vm *vm, const char *source) {
  torpor_value value;
  if (torpor_eval(vm, source, SIZE_MAX, "embed.js", TORPOR_SCRIPT, &value) ==
      TORPOR_OK)
    printf("%s is %g\n", source, torpor_value_number(value));
  else
    printf("%s: %s\n", source, torpor_last_error(vm));
}

int main(void) {
  torpor_vm *vm;
  if (torpor_vm_open(NULL, &vm) != TORPOR_OK ||
      torpor_function_add(vm, "area", area, NULL) != TORPOR_OK)
    return 1;
  run(vm, "area(6, 7)");
  run(vm, "[1, 2, 3].map(n => area(n, n)).reduce((a, b) => a + b)");
  run(vm, "area(6, -7)");
  torpor_vm_close(vm);
  return 0;
}
