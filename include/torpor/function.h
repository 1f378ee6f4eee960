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

/* Calls 'function' with 'self' as this. 'args' may have up to 65,535 values. A
 * result that is not wanted (NULL) leaves no handle, and 'out' may be a place
 * in 'args'.
 * TORPOR_THROWN: it threw, see torpor_exception. TORPOR_INTERRUPTED: a limit
 * stopped it, and the VM may be used. TORPOR_TRAPPED: it was ended, and the VM
 * is broken.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_call(torpor_vm *vm, torpor_value function,
                                     torpor_value self,
                                     const torpor_value *args, size_t count,
                                     torpor_value *out);
/* Calls the method 'name', which is read as torpor_get does.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_call_method(torpor_vm *vm, torpor_value object,
                                            const char *name,
                                            const torpor_value *args,
                                            size_t count, torpor_value *out);
/* Calls a constructor, with 'new_target' as new.target (undefined: the
 * constructor itself).
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_construct(torpor_vm *vm,
                                          torpor_value constructor,
                                          torpor_value new_target,
                                          const torpor_value *args,
                                          size_t count, torpor_value *out);

/* ---- Functions of the host -----------------------------------------------*/

/* What the host gave to an object of one of its classes (class.h). */
typedef struct torpor_instance {
  uint64_t id; /* sleeps with the object */
  void *data;  /* of this VM in this process */
} torpor_instance;

/* A call that guest code makes; the values in it belong to the scope of that
 * call. The first TORPOR_ARGUMENTS_LEAST of 'args' may always be read; those
 * beyond 'count' are undefined. The library makes these. */
typedef struct torpor_arguments {
  size_t size;       /* of this struct in the library */
  torpor_value self; /* 'this'; below 'new', the new object */
  const torpor_value *args;
  size_t count;
  torpor_value captured;    /* what was kept with the function, or undefined */
  torpor_value new_target;  /* what 'new' was called on, or undefined */
  torpor_instance instance; /* in a method of a class: whose object it is */
} torpor_arguments;
#define TORPOR_ARGUMENTS_LEAST 8

/* Argument 'index'; undefined when the call has fewer.
 * [-] */
static inline torpor_value torpor_argument(const torpor_arguments *arguments,
                                           size_t index) {
  return index < arguments->count ? arguments->args[index] : torpor_undefined();
}

/* A host function. It sets 'result', which is undefined before, and returns
 * TORPOR_OK. Or it returns
 *   TORPOR_THROWN       what was thrown last in it, by torpor_throw or by a
 *                       call that returned TORPOR_THROWN, is thrown on
 *   TORPOR_INTERRUPTED  the guest code that called it is interrupted
 *   any other code      an Error is thrown: with the sentence of the call that
 *                       failed last in it if that gave this code, or else with
 *                       the code's text
 * So the status of any call that failed can be returned as it is, also after
 * the scope of that call was closed. */
typedef torpor_status (*torpor_host_fn)(torpor_vm *vm,
                                        const torpor_arguments *arguments,
                                        torpor_value *result, void *user);

/* Binds 'name' to 'function' on the host's side. Guest functions know host
 * functions by name only: bind them again after a restore; calling one that is
 * not bound throws an Error that names it. Binding a name again replaces it.
 * 'finalize' (may be NULL) is called with 'user' when the binding ends, and may
 * not enter the VM. 'name' has at most 255 bytes. A VM that is asleep stays so.
 * [fails] */
TORPOR_API torpor_status torpor_function_bind(torpor_vm *vm, const char *name,
                                              torpor_host_fn function,
                                              void *user,
                                              void (*finalize)(void *user));

/* A JavaScript function that calls the host function 'name'.
 *
 * Two functions of one name call the same host function. A name may have a part
 * in front, up to its last dot, which keeps names apart and which JavaScript
 * does not see: functions of "fs.read" and "db.read" are both called "read".
 * [fails] [throws] */
TORPOR_API torpor_status torpor_function_new(torpor_vm *vm, const char *name,
                                             int length, torpor_value *out);

/* Binds, makes the function, and sets it as a global of that name.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_function_add(torpor_vm *vm, const char *name,
                                             torpor_host_fn function,
                                             void *user);

/* What a function may be; flags. */
typedef enum torpor_function_flag {
  /* 'new' may be called on it, and a class may extend it. Then
   * arguments->new_target is not undefined and arguments->self is the new
   * object, which is what comes out unless the result is another object. */
  TORPOR_FUNCTION_CONSTRUCTOR = 1,
  /* It gives a promise whatever happens, as an async function does: of its
   * result, which may be a promise itself, or of what it throws. */
  TORPOR_FUNCTION_ASYNC = 2,
  /* For a table: a getter or a setter of a property, not a method. */
  TORPOR_FUNCTION_GETTER = 4,
  TORPOR_FUNCTION_SETTER = 8,
  /* For a class's table: a member of the constructor, not of its objects. */
  TORPOR_FUNCTION_STATIC = 16,
  /* The binding ends when no JavaScript function of the name is left; that is
   * how a host is told that its function was collected ('finalize'). */
  TORPOR_FUNCTION_UNBIND = 32,
  /* It keeps torpor_function_def.captured. */
  TORPOR_FUNCTION_CAPTURES = 64,
} torpor_function_flag;

/* One function of a table. */
typedef struct torpor_function_entry {
  const char *name;
  torpor_host_fn function;
  int length;     /* its 'length': how many parameters it says it has */
  unsigned flags; /* torpor_function_flag */
} torpor_function_entry;

/* Binds all functions of 'table', each with 'user', and makes them properties
 * of 'target' (the global object: torpor_global) under the parts of their names
 * that JavaScript sees. When one fails, those before it are there.
 * For a VM that was restored torpor_function_bind_all is enough: the functions
 * are there.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_function_add_all(
    torpor_vm *vm, torpor_value target, const torpor_function_entry *table,
    size_t count, void *user);
/* Binds them only.
 * [fails] */
TORPOR_API torpor_status
torpor_function_bind_all(torpor_vm *vm, const torpor_function_entry *table,
                         size_t count, void *user);

/* All that a function can be. */
typedef struct torpor_function_def {
  size_t size; /* sizeof(torpor_function_def) */
  const char *name;
  torpor_host_fn function; /* NULL: bound already, or later */
  void *user;
  void (*finalize)(void *user); /* when the binding ends; see UNBIND */
  int length;
  unsigned flags; /* torpor_function_flag; not GETTER, SETTER, STATIC */
  /* With CAPTURES: a value that stays with the function, in the VM's memory,
   * and so sleeps with it; each call has it in arguments->captured. */
  torpor_value captured;
} torpor_function_def;

#define TORPOR_FUNCTION_DEF_INIT TORPOR_INIT(torpor_function_def)

/* Makes a function as 'def' says, and binds it. When it fails nothing is bound,
 * and 'user' is still the caller's.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_function_new_with(
    torpor_vm *vm, const torpor_function_def *def, torpor_value *out);
/* Binds as 'def' says and makes nothing: for a VM that was restored.
 * [fails] */
TORPOR_API torpor_status
torpor_function_bind_with(torpor_vm *vm, const torpor_function_def *def);

#ifdef __cplusplus
}
#endif

#endif
