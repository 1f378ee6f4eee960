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

/* Plain data as CBOR (RFC 8949; typed arrays RFC 8746; docs/cbor.md). Cycles
 * and shared references are kept; functions, symbols and objects of the
 * program's own classes are refused with TORPOR_THROWN (a TypeError says
 * where).
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_cbor_encode(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);
/* Makes the value that CBOR stands for.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_cbor_decode(torpor_vm *vm, const void *data,
                                            size_t size, torpor_value *out);

/* The same data without a VM: JSON text (which ends with a zero byte when
 * its size is SIZE_MAX) to CBOR (of equal names in an object the last
 * counts), and CBOR to JSON text, as docs/cbor.md says. On TORPOR_FORMAT the
 * error names the offset.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_json_to_cbor(const char *json, size_t size,
                                             torpor_bytes *out);
/* CBOR to JSON text.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_cbor_to_json(const void *data, size_t size,
                                             torpor_bytes *out);

#ifdef __cplusplus
}
#endif

#endif
