/* SPDX-License-Identifier: MIT */
/* run-vm-console.c - what the program of a run writes to the console in a step,
 * kept until its commit.
 *
 * On the VM's thread. */
#include <stdlib.h>

#include "common/array.h"
#include "run/vm/run-vm-state.h"

/* Most bytes of lines in the host's memory until the commit, each counted with
 * LINE_COST for keeping it. A step that has written OUTPUT_SHARE ends with the
 * job that runs. */
#define OUTPUT_MIB 64
#define OUTPUT_LARGEST ((size_t)OUTPUT_MIB << 20)
#define OUTPUT_SHARE ((size_t)8 << 20)
#define LINE_COST (sizeof(struct torpor__line) + 32)

static void add_line(struct torpor__run_vm *run_vm, torpor_level level,
                     const char *text, size_t size) {
  run_vm->line_bytes += size + LINE_COST;
  void *copy = torpor__array_copy(text, size);
  if (copy == NULL ||
      !torpor__array_reserve(&run_vm->lines, &run_vm->line_capacity,
                             run_vm->line_count + 1, sizeof *run_vm->lines)) {
    free(copy);
    run_vm->lines_lost = true;
    return;
  }
  run_vm->lines[run_vm->line_count++] = (struct torpor__line){
      .level = level, .text = {.data = copy, .size = size}};
}

/* Leaves out what one job writes beyond the limit, since the console has no way
 * to refuse it; the last line says so. */
static void refuse_lines(struct torpor__run_vm *run_vm) {
  char text[128];
  int size = snprintf(text, sizeof text,
                      "torpor: more than %d MiB were written to the console "
                      "at once; what follows in this step was left out",
                      OUTPUT_MIB);
  if (!run_vm->lines_refused)
    add_line(run_vm, TORPOR_LEVEL_ERROR, text, (size_t)size);
  run_vm->lines_refused = true;
}

void torpor__run_vm_print(void *user, torpor_level level, const char *text,
                          size_t size) {
  struct torpor__run_vm *run_vm = user;
  if (run_vm->lines_refused || size > OUTPUT_LARGEST ||
      run_vm->line_bytes + LINE_COST > OUTPUT_LARGEST - size)
    refuse_lines(run_vm);
  else
    add_line(run_vm, level, text, size);
}

bool torpor__run_vm_printed_enough(const struct torpor__run_vm *run_vm) {
  return run_vm->line_bytes >= OUTPUT_SHARE;
}

void torpor__run_vm_forget_lines(struct torpor__run_vm *run_vm) {
  for (size_t i = 0; i < run_vm->line_count; i++)
    free((void *)run_vm->lines[i].text.data);
  run_vm->line_count = 0;
  run_vm->line_bytes = 0;
  run_vm->lines_lost = run_vm->lines_refused = false;
}
