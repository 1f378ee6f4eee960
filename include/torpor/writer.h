/* SPDX-License-Identifier: MIT */
/* writer.h - a tree of values, written as CBOR call by call. It needs no VM;
 * torpor_cbor_decode makes all of the tree's values in one call, which is the
 * fast way to give a program many of them. Included by torpor.h.
 *
 *   torpor_writer *w;
 *   torpor_slice cbor;
 *   torpor_writer_open(NULL, 0, &w);
 *   torpor_writer_object(w, 2);
 *   torpor_writer_key(w, "name", SIZE_MAX);
 *   torpor_writer_string(w, "Ada", SIZE_MAX);
 *   torpor_writer_key(w, "born", SIZE_MAX);
 *   torpor_writer_number(w, 1815);
 *   torpor_writer_end(w);
 *   if (torpor_writer_finish(w, &cbor) == TORPOR_OK)
 *     torpor_cbor_decode(vm, cbor.data, cbor.size, &value);
 *   torpor_writer_close(w);
 *
 * Only the first mistake counts: a writer that has one, or is NULL, takes
 * nothing more, and torpor_writer_finish says what it was. So no call between
 * need be looked at. */
#ifndef TORPOR_PUBLIC_WRITER_H
#define TORPOR_PUBLIC_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A tree that is being written. */
typedef struct torpor_writer torpor_writer;

/* Opens a writer, into memory that grows or, when 'buffer' is not NULL, into
 * its 'size' bytes, which must live as long as the writer: what does not fit
 * is TORPOR_LIMIT in the end. NOMEM.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_writer_open(void *buffer, size_t size,
                                            torpor_writer **out);
/* Frees the writer and what it has written.
 * [any thread] */
TORPOR_API void torpor_writer_close(torpor_writer *writer);
/* Begins another tree, in the same memory; what was written is gone.
 * [any thread] */
TORPOR_API void torpor_writer_reset(torpor_writer *writer);
/* Gives the tree as CBOR, borrowed until the writer is reset or closed. Or says
 * what went wrong first: MISUSE (a call at the wrong place, text that is not
 * UTF-8), LIMIT (TORPOR_DATA_DEPTH, TORPOR_DATA_LARGEST, the caller's buffer),
 * NOMEM.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_writer_finish(torpor_writer *writer,
                                              torpor_slice *out);

/* ---- Arrays and objects --------------------------------------------------*/

/* Begins an array of 'count' items, or an object of 'count' properties;
 * SIZE_MAX: as many as come. For each property comes torpor_writer_key and then
 * its value; no key twice. torpor_writer_end ends the one that was begun last.
 * [any thread] */
TORPOR_API void torpor_writer_array(torpor_writer *writer, size_t count);
/* [any thread] */
TORPOR_API void torpor_writer_object(torpor_writer *writer, size_t count);
/* [any thread] */
TORPOR_API void torpor_writer_key(torpor_writer *writer, const char *key,
                                  size_t size);
/* [any thread] */
TORPOR_API void torpor_writer_end(torpor_writer *writer);

/* The same for a JavaScript Map, for which a key of any kind and a value come
 * in turn, and for a Set.
 * [any thread] */
TORPOR_API void torpor_writer_map(torpor_writer *writer, size_t count);
/* [any thread] */
TORPOR_API void torpor_writer_set(torpor_writer *writer, size_t count);

/* ---- Values --------------------------------------------------------------*/

/* An item of an array that is not there.
 * [any thread] */
TORPOR_API void torpor_writer_hole(torpor_writer *writer);
/* [any thread] */
TORPOR_API void torpor_writer_undefined(torpor_writer *writer);
/* [any thread] */
TORPOR_API void torpor_writer_null(torpor_writer *writer);
/* [any thread] */
TORPOR_API void torpor_writer_boolean(torpor_writer *writer, bool value);
/* [any thread] */
TORPOR_API void torpor_writer_number(torpor_writer *writer, double number);
/* A number; beyond 2^53 - 1 a BigInt, so that it is exact.
 * [any thread] */
TORPOR_API void torpor_writer_integer(torpor_writer *writer, int64_t number);
/* A BigInt, whose magnitude is 'count' words, the lowest first.
 * [any thread] */
TORPOR_API void torpor_writer_bigint(torpor_writer *writer, bool negative,
                                     const uint64_t *words, size_t count);
/* Text: UTF-8; and UTF-16, in which lone surrogates are kept.
 * [any thread] */
TORPOR_API void torpor_writer_string(torpor_writer *writer, const char *text,
                                     size_t size);
/* [any thread] */
TORPOR_API void torpor_writer_utf16(torpor_writer *writer,
                                    const uint16_t *units, size_t count);
/* Symbol.for(key); a Date of 'ms' since 1970, NaN: an invalid one; a RegExp.
 * [any thread] */
TORPOR_API void torpor_writer_symbol(torpor_writer *writer, const char *key,
                                     size_t size);
/* [any thread] */
TORPOR_API void torpor_writer_date(torpor_writer *writer, double ms);
/* [any thread] */
TORPOR_API void torpor_writer_regexp(torpor_writer *writer, const char *source,
                                     const char *flags);
/* An Error; 'name' is "Error", "TypeError" and so on, as for torpor_error_new.
 * 'code' NULL: it has none.
 * [any thread] */
TORPOR_API void torpor_writer_error(torpor_writer *writer, const char *name,
                                    const char *message, const char *code);

/* What kind of buffer bytes are. The numbers are the tags of docs/cbor.md. */
typedef enum torpor_view {
  TORPOR_VIEW_UINT8 = 64,
  TORPOR_VIEW_UINT8_CLAMPED = 68,
  TORPOR_VIEW_UINT16 = 69,
  TORPOR_VIEW_UINT32 = 70,
  TORPOR_VIEW_BIGUINT64 = 71,
  TORPOR_VIEW_INT8 = 72,
  TORPOR_VIEW_INT16 = 77,
  TORPOR_VIEW_INT32 = 78,
  TORPOR_VIEW_BIGINT64 = 79,
  TORPOR_VIEW_FLOAT16 = 84,
  TORPOR_VIEW_FLOAT32 = 85,
  TORPOR_VIEW_FLOAT64 = 86,
  TORPOR_VIEW_BUFFER = 7630690, /* an ArrayBuffer */
  TORPOR_VIEW_DATA = 7630710,   /* a DataView */
} torpor_view;

/* 'size' bytes, little-endian, as a typed array, ArrayBuffer or DataView;
 * torpor_writer_bytes: a Uint8Array.
 * [any thread] */
TORPOR_API void torpor_writer_bytes(torpor_writer *writer, const void *data,
                                    size_t size);
/* [any thread] */
TORPOR_API void torpor_writer_view(torpor_writer *writer, torpor_view kind,
                                   const void *data, size_t size);

/* A value of a VM, for torpor_cbor_decode_with and TORPOR_LIVE in that VM: in
 * another one its number may be another value's.
 * [any thread] */
TORPOR_API void torpor_writer_value(torpor_writer *writer, torpor_value value);

/* ---- The same value twice ------------------------------------------------*/

/* The next value, an object of any kind, will be referred to; it may contain
 * references to itself. Gives its number, for torpor_writer_reference.
 * [any thread] */
TORPOR_API uint32_t torpor_writer_share(torpor_writer *writer);
/* The value with that number once more: the same object.
 * [any thread] */
TORPOR_API void torpor_writer_reference(torpor_writer *writer, uint32_t number);
/* A CBOR tag before the next value, for what has no function here.
 * [any thread] */
TORPOR_API void torpor_writer_tag(torpor_writer *writer, uint64_t tag);

#ifdef __cplusplus
}
#endif

#endif
