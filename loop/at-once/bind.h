/* SPDX-License-Identifier: MIT */
/* bind.h - the functions that modules of the library call at once, without an
 * operation. Each file that has some gives its table here.
 *
 * They run on the VM's thread, with guest code on the stack; 'user' is the
 * world of the program, which is open. The VM's thread is the loop's, but for
 * durable runs: long steps are computed on a thread of the pool while the loop
 * goes on. So a function may look at the options of a world whenever it likes,
 * and at its descriptors and its loop only where 'durable' is not set. Those
 * that change something outside refuse to in a durable run. */
#ifndef TORPOR_LOOP_BIND_H
#define TORPOR_LOOP_BIND_H

#include "loop/world.h"

struct torpor__functions {
  const torpor_function_entry *entries;
  size_t count;
};

/* environment.c, navigator.c, path-functions.c, file-functions.c,
 * std-functions.c, at-once.c */
extern const struct torpor__functions torpor__environment_functions;
extern const struct torpor__functions torpor__navigator_functions;
extern const struct torpor__functions torpor__path_functions;
extern const struct torpor__functions torpor__file_functions;
extern const struct torpor__functions torpor__std_functions;
extern const struct torpor__functions torpor__at_once_functions;

/* ---- Arguments -----------------------------------------------------------*/

/* Argument 'index' as text without U+0000 in it, to be freed. A TypeError is
 * thrown otherwise. */
torpor_status torpor__take_text(torpor_vm *vm,
                                const torpor_arguments *arguments, size_t index,
                                char **out);
/* Argument 'index' as an integer; 'otherwise' when it is none that a double
 * holds exactly. */
int64_t torpor__take_integer(const torpor_arguments *arguments, size_t index,
                             int64_t otherwise);

/* ---- Failures ------------------------------------------------------------*/

/* Throws that 'what' is nothing for a durable run, which does better what
 * 'instead' says; TORPOR_OK when the world is none. */
torpor_status torpor__refuse_durable(torpor_vm *vm, const torpor_world *world,
                                     const char *what, const char *instead);

/* Gives a count or a negated errno to the program. -ECANCELED interrupts it. */
torpor_status torpor__give_result(int64_t value, torpor_value *result);

/* Throws what access says: 'sentence', which is freed, is what a check gave
 * with 'status'. */
torpor_status torpor__throw_access(torpor_vm *vm, torpor_status status,
                                   torpor_bytes *sentence);
/* Throws what libuv or the system said: "DOING: no such file or directory",
 * with its name as the code. */
torpor_status torpor__throw_system(torpor_vm *vm, const char *doing,
                                   int failure);

#endif
