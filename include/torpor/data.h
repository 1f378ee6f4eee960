/* SPDX-License-Identifier: MIT */
/* data.h - trees of values as CBOR and JSON. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_DATA_H
#define TORPOR_PUBLIC_DATA_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of all trees, whoever writes or reads them: values inside each other,
 * and bytes of CBOR or of JSON text. What is read may have up to three tags
 * or arrays more around each value. */
#define TORPOR_DATA_DEPTH 512
#define TORPOR_DATA_LARGEST ((size_t)256 << 20)

/* ---- As CBOR -------------------------------------------------------------*/

/* The tree that begins with 'value' as CBOR (RFC 8949; docs/cbor.md says how
 * each kind of value is written). Cycles, values that occur twice, and views
 * that share a buffer come back as they were.
 * Functions, unique symbols and objects of the program's own classes are no
 * data: they are refused with a TypeError that says where they are. LIMIT,
 * NOMEM.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_cbor_encode(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);

/* What becomes of what is no data. */
typedef enum torpor_not_data {
  TORPOR_REFUSE,    /* a TypeError that says where it is */
  TORPOR_LEAVE_OUT, /* absent in objects, Maps, Sets and errors; in arrays, and
                       as the whole tree, undefined */
  TORPOR_LIVE,      /* for the host to look at, below */
} torpor_not_data;

/* What becomes of a view (typed array or DataView). */
typedef enum torpor_views {
  TORPOR_VIEWS_KEEP, /* all of its buffer goes with it; views of one buffer stay
                        so, with their offsets */
  TORPOR_VIEWS_COPY, /* only the bytes that it covers, of which each view gets a
                        buffer of its own: plain byte strings, for readers that
                        expect those */
} torpor_views;

/* How to encode, and to decode. A TORPOR_LIVE tree shows a host as much as
 * there is: functions and unique symbols are undefined, objects without a form
 * of their own are what properties they have, shared memory is copied, and a
 * promise is a handle, which is retained: release it (torpor_reader_value).
 * Only proxies are refused. Such a tree is for this VM and its host alone,
 * while the handles live, and is never stored. */
typedef struct torpor_cbor_options {
  size_t size; /* sizeof(torpor_cbor_options) */
  torpor_not_data not_data;
  torpor_views views;
} torpor_cbor_options;

#define TORPOR_CBOR_OPTIONS_INIT TORPOR_INIT(torpor_cbor_options)

/* The same with 'options' (NULL: none). UNSUPPORTED: the VM's engine is older
 * than these options.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status
torpor_cbor_encode_with(torpor_vm *vm, torpor_value value,
                        const torpor_cbor_options *options, torpor_bytes *out);

/* Makes the values of a tree. A SyntaxError, with the offset, when 'data' is
 * not one value as docs/cbor.md says; LIMIT.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_cbor_decode(torpor_vm *vm, const void *data,
                                            size_t size, torpor_value *out);

/* The same with 'options' (NULL: none), of which TORPOR_LIVE counts: values of
 * this VM may be in the tree (torpor_writer_value). STALE: one of them has
 * ended. UNSUPPORTED: the VM's engine is older than this.
 * [fails] [throws] */
TORPOR_API torpor_status
torpor_cbor_decode_with(torpor_vm *vm, const void *data, size_t size,
                        const torpor_cbor_options *options, torpor_value *out);

/* ---- As JSON -------------------------------------------------------------*/

/* What JSON.stringify(value) gives, whatever the program did to JSON: getters
 * and toJSON methods run; what a tree has and JSON lacks is lost. WRONG_TYPE: a
 * function, symbol or undefined, which has no JSON; LIMIT.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_json_encode(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);
/* What JSON.parse(text) gives ('size' SIZE_MAX: a zero byte ends the text). A
 * SyntaxError, with the offset and what was expected there, when it is not JSON
 * in UTF-8; LIMIT.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_json_decode(torpor_vm *vm, const char *json,
                                            size_t size, torpor_value *out);

/* ---- Both, without a VM --------------------------------------------------*/

/* JSON text to CBOR, as docs/cbor.md says; of equal names in an object the last
 * counts. FORMAT: it is not JSON, and torpor_last_error(NULL) has the offset;
 * LIMIT; NOMEM.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_json_to_cbor(const char *json, size_t size,
                                             torpor_bytes *out);
/* CBOR to JSON text, with the same errors.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_cbor_to_json(const void *data, size_t size,
                                             torpor_bytes *out);

#ifdef __cplusplus
}
#endif

#endif
