/* SPDX-License-Identifier: MIT */
/* request.h - reading an operation's request, writing its result.
 *
 * Requests are CBOR that guest code made, so nothing about them is certain. The
 * map has a definite length. What is passed over in it may be any well-formed
 * CBOR, also of indefinite length, that is nested at most TORPOR__CBOR_DEPTH
 * deep.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_REQUEST_H
#define TORPOR_LOOP_REQUEST_H

#include "common/cbor.h"

/* The bytes of a text or byte string, within the request. */
struct torpor__field {
  const uint8_t *data; /* NULL: there is none */
  size_t size;
  bool text;
};

/* Finds the value of the text key 'key' in the map that 'request' is. False
 * when it is no map, has no such key, or the value is no string of definite
 * length; tags in front of map and value are skipped. */
bool torpor__request_field(const void *request, size_t size, const char *key,
                           struct torpor__field *out);

/* Most bytes that torpor__result_head writes. */
enum { TORPOR__RESULT_HEAD = 2 + TORPOR__CBOR_HEAD };

/* Writes the head of a Uint8Array of 'size' bytes (RFC 8746, tag 64) so that it
 * ends just before 'end', and gives its first byte. */
uint8_t *torpor__result_head(uint8_t *end, uint64_t size);

#endif
