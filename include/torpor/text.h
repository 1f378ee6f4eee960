/* SPDX-License-Identifier: MIT */
/* text.h - strings, and bytes. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_TEXT_H
#define TORPOR_PUBLIC_TEXT_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 'text' is UTF-8; invalid sequences become U+FFFD. With the size SIZE_MAX it
 * ends with a zero byte.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_string_new(torpor_vm *vm, const char *text,
                                           size_t size, torpor_value *out);

/* The string that JavaScript's String(value) gives, as UTF-8 (lone surrogates
 * become U+FFFD). May run guest code.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_string_read(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);

/* Makes a Uint8Array with a copy of 'data'; reads a copy of the bytes that an
 * ArrayBuffer, typed array or DataView covers.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_buffer_new(torpor_vm *vm, const void *data,
                                           size_t size, torpor_value *out);
/* Reads such bytes; TORPOR_WRONG_TYPE for other values.
 * [fails] */
TORPOR_API torpor_status torpor_buffer_read(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);

#ifdef __cplusplus
}
#endif

#endif
