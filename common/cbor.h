/* SPDX-License-Identifier: MIT */
/* cbor.h - writing and reading CBOR (RFC 8949) on the host.
 *
 * For what the host itself puts together or looks into; values of a VM are
 * encoded by the guest. Numbers take their shortest exact form, as the guest's
 * do. The reader gives one head after the other and never looks beyond the end;
 * whoever uses it limits depth. */
#ifndef TORPOR_COMMON_CBOR_H
#define TORPOR_COMMON_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* Deepest nesting that the host reads: all that a VM writes, which is 512
 * values inside each other (guest/cbor.h), each with up to three tags or arrays
 * around it. A level takes some 400 bytes of stack. */
#define TORPOR__CBOR_DEPTH 2048
/* Deepest nesting of JSON; a VM reads and writes what comes of it. */
#define TORPOR__JSON_DEPTH 500

typedef enum torpor__major {
  TORPOR__CBOR_UNSIGNED,
  TORPOR__CBOR_NEGATIVE, /* -1 - value */
  TORPOR__CBOR_BYTES,
  TORPOR__CBOR_TEXT,
  TORPOR__CBOR_ARRAY,
  TORPOR__CBOR_MAP,
  TORPOR__CBOR_TAG,
  TORPOR__CBOR_SIMPLE,
} torpor__major;

/* Simple values, and tags that the host knows. */
enum {
  TORPOR__CBOR_FALSE = 20,
  TORPOR__CBOR_TRUE = 21,
  TORPOR__CBOR_NULL = 22,
  TORPOR__CBOR_UNDEFINED = 23,

  TORPOR__TAG_DATE = 1,
  TORPOR__TAG_BIGINT = 2,
  TORPOR__TAG_BIGINT_NEGATIVE = 3,
  TORPOR__TAG_CBOR = 24,
  TORPOR__TAG_SHARED = 28,
  TORPOR__TAG_REFERENCE = 29,
};

/* ---- Writing --------------------------------------------------------------*/

void torpor__cbor_head(torpor__buffer *writer, torpor__major major,
                       uint64_t value);
void torpor__cbor_bytes(torpor__buffer *writer, torpor__major major,
                        const void *data, size_t size);
void torpor__cbor_string(torpor__buffer *writer, const char *text);
void torpor__cbor_number(torpor__buffer *writer, double number);

/* ---- Reading --------------------------------------------------------------*/

typedef struct torpor__cbor_reader {
  const uint8_t *start, *at, *end;
} torpor__cbor_reader;

typedef struct torpor__cbor_item {
  torpor__major major;
  bool indefinite; /* array, map, text or bytes: ends with a break */
  bool is_break;
  bool is_number; /* a float, in 'number' */
  uint64_t value; /* number, count, size, tag or simple value */
  double number;
  const uint8_t *data; /* of text and bytes */
} torpor__cbor_item;

/* The next head; text and bytes of definite size are passed over with it.
 * false: what comes is not well-formed or cut off; 'at' is where. */
bool torpor__cbor_next(torpor__cbor_reader *reader, torpor__cbor_item *item);
/* Passes over one whole item. */
bool torpor__cbor_skip(torpor__cbor_reader *reader);

/* The size of the valid UTF-8 character at 'text', of at most 'size' bytes; 0:
 * there is none. */
size_t torpor__utf8_step(const uint8_t *text, size_t size);
bool torpor__utf8_valid(const uint8_t *text, size_t size);

#endif
