/* SPDX-License-Identifier: MIT */
/* exception.h - what JavaScript threw, and errors. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_EXCEPTION_H
#define TORPOR_PUBLIC_EXCEPTION_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What was thrown by the last call that returned TORPOR_THROWN; a host function
 * sees what its own calls threw. undefined when there is none. Like other
 * handles it ends with the scope that was open when the call was made or, with
 * retain_results of torpor_options, when something else is thrown; to hand it
 * on, a host function returns TORPOR_THROWN and needs no handle.
 * [-] */
TORPOR_API torpor_value torpor_exception(const torpor_vm *vm);

/* Throws a new error, as torpor_error_new makes it, with the text that 'format'
 * gives as printf does. Returns TORPOR_THROWN, or why it cannot. In a host
 * function: return torpor_throw(vm, "TypeError", "%d is no age", age);
 * [fails] [throws] */
TORPOR_API torpor_status torpor_throw(torpor_vm *vm, const char *name,
                                      const char *format, ...)
    TORPOR_PRINTF(3, 4);

/* Throws any value; otherwise as torpor_throw.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_throw_value(torpor_vm *vm, torpor_value value);

/* What an error says. All text is UTF-8, zero-terminated, and never NULL once
 * read; values are undefined where there is none. A value that is not an error
 * has the name "" and its string as message. Release with torpor_error_free. */
typedef struct torpor_error {
  size_t size; /* sizeof(torpor_error) */
  char *name;
  char *message;
  char *stack;
  torpor_value cause;
  torpor_value code;
  torpor_value errors; /* of an AggregateError */
} torpor_error;

#define TORPOR_ERROR_INIT TORPOR_INIT(torpor_error)

/* Reads what an error says, as the program would: its getters run.
 * [fails] [runs] */
TORPOR_API torpor_status torpor_error_read(torpor_vm *vm, torpor_value value,
                                           torpor_error *out);
/* What an error has besides texts, cause and errors, in one line for people to
 * read, as " { code: 5, path: '/a' }"; empty: nothing. UTF-8, zero-terminated,
 * bounded as that of torpor_value_describe; no code of the program runs.
 * Release with torpor_bytes_free. WRONG_TYPE: no object; UNSUPPORTED: an older
 * engine.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_error_properties(torpor_vm *vm,
                                                 torpor_value error,
                                                 torpor_bytes *out);
/* Frees the texts.
 * [any thread] */
TORPOR_API void torpor_error_free(torpor_error *error);

/* A new error; 'name' is "Error", "TypeError", "RangeError", ...; other names
 * give an Error with that name.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_error_new(torpor_vm *vm, const char *name,
                                          const char *message,
                                          torpor_value *out);

/* All that a new error may have. Texts end with a zero byte; NULL: it has no
 * such part. */
typedef struct torpor_error_parts {
  size_t size;      /* sizeof(torpor_error_parts) */
  const char *name; /* as above; NULL: "Error" */
  const char *message;
  const char *stack; /* NULL: that of the guest code which runs now */
  const torpor_value *cause;
  const torpor_value *code;
  const torpor_value *errors; /* an array, of an AggregateError */
  bool is_dom;                /* a DOMException of that name */
} torpor_error_parts;

#define TORPOR_ERROR_PARTS_INIT TORPOR_INIT(torpor_error_parts)

/* A new error with all of these.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_error_new_with(torpor_vm *vm,
                                               const torpor_error_parts *parts,
                                               torpor_value *out);

#ifdef __cplusplus
}
#endif

#endif
