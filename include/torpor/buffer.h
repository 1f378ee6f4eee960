/* SPDX-License-Identifier: MIT */
/* buffer.h - bytes: ArrayBuffer, SharedArrayBuffer, typed arrays and DataViews,
 * which are all called buffers here. Included by torpor.h.
 *
 * A program may detach a buffer, or resize it so that a view is out of bounds.
 * Such a buffer has no bytes: what needs them answers TORPOR_WRONG_TYPE, as it
 * does for what is no buffer. */
#ifndef TORPOR_PUBLIC_BUFFER_H
#define TORPOR_PUBLIC_BUFFER_H

#include "brand.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A Uint8Array with a copy of 'data'.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_buffer_new(torpor_vm *vm, const void *data,
                                           size_t size, torpor_value *out);
/* A buffer of any brand with a copy of 'data', whose size is that of whole
 * elements; 'data' NULL: zeros.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_buffer_new_as(torpor_vm *vm, torpor_brand brand,
                                              const void *data, size_t size,
                                              torpor_value *out);
/* An ArrayBuffer of 'size' zeros that the program may resize, up to 'largest'.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_buffer_new_resizable(torpor_vm *vm, size_t size,
                                                     size_t largest,
                                                     torpor_value *out);
/* A typed array or DataView of 'count' elements (SIZE_MAX: up to the end, also
 * when that moves) of an ArrayBuffer, shared or not, from byte 'offset' on.
 * What does not lie in it is TORPOR_THROWN, a RangeError.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_buffer_new_view(torpor_vm *vm,
                                                torpor_brand brand,
                                                torpor_value buffer,
                                                size_t offset, size_t count,
                                                torpor_value *out);

/* A copy of the bytes that a buffer covers.
 * [fails] */
TORPOR_API torpor_status torpor_buffer_read(torpor_vm *vm, torpor_value buffer,
                                            torpor_bytes *out);
/* The bytes where the VM has them, valid until the next call into it.
 * [fails] */
TORPOR_API torpor_status torpor_buffer_look(torpor_vm *vm, torpor_value buffer,
                                            torpor_slice *out);
/* Writes 'data' over the bytes of 'buffer' from its byte 'offset' on.
 * TORPOR_MISUSE: the buffer is too short; TORPOR_WRONG_TYPE: it is immutable.
 * [fails] */
TORPOR_API torpor_status torpor_buffer_write(torpor_vm *vm, torpor_value buffer,
                                             size_t offset, const void *data,
                                             size_t size);

/* What is known of a buffer. */
typedef struct torpor_buffer_info {
  size_t size; /* of this struct */
  torpor_brand brand;
  size_t bytes;        /* that it covers */
  size_t element_size; /* bytes; 1 for those that have no elements */
  size_t count;        /* elements */
  size_t offset;       /* in the ArrayBuffer that it is a view of */
  size_t largest;      /* that the ArrayBuffer may become; 0: not resizable */
  bool is_gone;        /* detached, or out of bounds */
  bool is_shared;
  bool is_immutable;
  bool is_tracking; /* a view that goes to the end wherever that is */
} torpor_buffer_info;
#define TORPOR_BUFFER_INFO_INIT TORPOR_INIT(torpor_buffer_info)

/* Tells it.
 * [fails] */
TORPOR_API torpor_status torpor_buffer_inspect(torpor_vm *vm,
                                               torpor_value buffer,
                                               torpor_buffer_info *out);
/* The ArrayBuffer that a typed array or DataView is a view of.
 * [fails] */
TORPOR_API torpor_status torpor_buffer_viewed(torpor_vm *vm, torpor_value view,
                                              torpor_value *out);

#ifdef __cplusplus
}
#endif

#endif
