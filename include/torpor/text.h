/* SPDX-License-Identifier: MIT */
/* text.h - strings, symbols, regular expressions. Included by torpor.h.
 *
 * A string of JavaScript is a list of 16-bit units, which need not be valid
 * UTF-16: a *lone surrogate* is a unit from d800 to dfff without its other
 * half. Zeros are characters like others. A VM keeps a string in one byte per
 * character where that suffices, else in two; the functions here copy it at the
 * speed of memory where it need not be converted. */
#ifndef TORPOR_PUBLIC_TEXT_H
#define TORPOR_PUBLIC_TEXT_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Strings --------------------------------------------------------------*/

typedef enum torpor_encoding {
  TORPOR_UTF8,   /* lone surrogates become U+FFFD */
  TORPOR_WTF8,   /* the same with lone surrogates as they are: three bytes */
  TORPOR_UTF16,  /* two bytes each, in the order of this machine */
  TORPOR_LATIN1, /* one byte each; not every string has this form */
} torpor_encoding;

/* 'text' is UTF-8; what is not becomes U+FFFD, as in the web's TextDecoder.
 * SIZE_MAX: it ends with zero.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_string_new(torpor_vm *vm, const char *text,
                                           size_t size, torpor_value *out);
/* The same in any form; 'size' is in bytes, and SIZE_MAX says that 'data' ends
 * with a zero of the form's width.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_string_new_as(torpor_vm *vm, const void *data,
                                              size_t size,
                                              torpor_encoding encoding,
                                              torpor_value *out);

/* The string that JavaScript's String(value) gives, as UTF-8, with a zero
 * behind it.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_string_read(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);
/* The string 'value' in any form, with a zero of the form's width behind it.
 * TORPOR_WRONG_TYPE: it is no string, or has no such form.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_string_read_as(torpor_vm *vm,
                                               torpor_value value,
                                               torpor_encoding encoding,
                                               torpor_bytes *out);

/* The characters of a string where the VM has them: 'width' 1 means Latin-1, 2
 * UTF-16 in the order of this machine. */
typedef struct torpor_string_view {
  const void *data;
  size_t length; /* characters, not bytes */
  unsigned width;
} torpor_string_view;

/* Looks at the string 'value' without copying it. The view is valid until the
 * next call into the VM. TORPOR_WRONG_TYPE: it is no string.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_string_look(torpor_vm *vm, torpor_value value,
                                            torpor_string_view *out);

/* ---- Symbols --------------------------------------------------------------*/

/* A new symbol, equal to no other. 'description' is UTF-8; NULL: it has none.
 * SIZE_MAX: it ends with zero.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_symbol_new(torpor_vm *vm,
                                           const char *description, size_t size,
                                           torpor_value *out);
/* Symbol.for(key).
 * [fails] [throws] */
TORPOR_API torpor_status torpor_symbol_for(torpor_vm *vm, const char *key,
                                           size_t size, torpor_value *out);
/* Symbol.iterator and the like, by their name, "iterator". TORPOR_NOT_FOUND:
 * there is none of that name.
 * [fails] */
TORPOR_API torpor_status torpor_symbol_known(torpor_vm *vm, const char *name,
                                             size_t size, torpor_value *out);
/* The description, and the key in Symbol.for, each a string or undefined.
 * TORPOR_WRONG_TYPE: it is no symbol.
 * [fails] */
TORPOR_API torpor_status torpor_symbol_read(torpor_vm *vm, torpor_value symbol,
                                            torpor_value *description,
                                            torpor_value *key);

/* ---- Regular expressions --------------------------------------------------*/

/* A RegExp; 'flags' may be NULL. A pattern that is wrong is TORPOR_THROWN, a
 * SyntaxError.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_regexp_new(torpor_vm *vm, const char *source,
                                           size_t source_size,
                                           const char *flags, size_t flags_size,
                                           torpor_value *out);
/* Its source and flags, strings. TORPOR_WRONG_TYPE: it is no RegExp.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_regexp_read(torpor_vm *vm, torpor_value regexp,
                                            torpor_value *source,
                                            torpor_value *flags);

#ifdef __cplusplus
}
#endif

#endif
