/* SPDX-License-Identifier: MIT */
/* function.h - calls into JavaScript, and functions of the host that
 * JavaScript calls. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_FUNCTION_H
#define TORPOR_PUBLIC_FUNCTION_H

#include <stddef.h>
#include <stdint.h>

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Calling -------------------------------------------------------------*/

/* Calls 'function' with 'self' as this; a method of 'object' by its name, read
 * as torpor_get does; a constructor, with 'new_target' as new.target
 * (undefined: the constructor itself). 'args' may have up to 65,535 values. A
 * result that is not wanted (NULL) makes no handle.
 * TORPOR_THROWN: it threw, see torpor_exception. TORPOR_INTERRUPTED: a limit
 * stopped it, and the VM may be used. TORPOR_TRAPPED: it was ended, and the VM
 * is broken.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_call(torpor_vm *vm, torpor_value function,
                                     torpor_value self,
                                     const torpor_value *args, size_t count,
                                     torpor_value *out);
TORPOR_API torpor_status torpor_call_method(torpor_vm *vm, torpor_value object,
                                            const char *name,
                                            const torpor_value *args,
                                            size_t count, torpor_value *out);
TORPOR_API torpor_status torpor_construct(torpor_vm *vm,
                                          torpor_value constructor,
                                          torpor_value new_target,
                                          const torpor_value *args,
                                          size_t count, torpor_value *out);

/* ---- Functions of the host -----------------------------------------------*/

/* A call that guest code makes; 'args' and 'self' belong to the scope of that
 * call. The first TORPOR_ARGUMENTS_LEAST of 'args' may always be read; those
 * beyond 'count' are undefined. */
typedef struct torpor_arguments {
  torpor_value self;
  const torpor_value *args;
  size_t count;
} torpor_arguments;
#define TORPOR_ARGUMENTS_LEAST 8

/* Argument 'index'; undefined when the call has fewer. */
static inline torpor_value torpor_argument(const torpor_arguments *arguments,
                                           size_t index) {
  return index < arguments->count ? arguments->args[index] : torpor_undefined();
}

/* A host function. It returns TORPOR_OK with 'result', which is undefined at
 * entry. TORPOR_THROWN throws what was thrown last in this host function, by
 * torpor_throw or by a call that returned TORPOR_THROWN: the status of a failed
 * call can simply be returned, even after the scope of that call was closed.
 * TORPOR_INTERRUPTED interrupts the guest. For any other code the guest sees an
 * Error with that code's text. */
typedef torpor_status (*torpor_host_fn)(torpor_vm *vm,
                                        const torpor_arguments *arguments,
                                        torpor_value *result, void *user);

/* Binds 'name' to 'function' on the host's side. Guest functions know host
 * functions by name only: bind them again after a restore; calling one that is
 * not bound throws an Error that names it. Binding a name again replaces it.
 * 'finalize' (may be NULL) is called with 'user' when the binding ends, and may
 * not enter the VM. 'name' has at most 255 bytes.
 * [fails] */
TORPOR_API torpor_status torpor_function_bind(torpor_vm *vm, const char *name,
                                              torpor_host_fn function,
                                              void *user,
                                              void (*finalize)(void *user));

/* A JavaScript function of this name and length that calls the host function
 * 'name'.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_function_new(torpor_vm *vm, const char *name,
                                             int length, torpor_value *out);

/* Binds, makes the function, and sets it as a global of that name.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_function_add(torpor_vm *vm, const char *name,
                                             torpor_host_fn function,
                                             void *user);

#ifdef __cplusplus
}
#endif

#endif
