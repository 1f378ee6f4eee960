/* SPDX-License-Identifier: MIT */
/* cbor.h - writing and reading CBOR (RFC 8949) on the host, without a VM.
 *
 * For what the host itself puts together or looks into; values of a VM are
 * encoded by the guest. Numbers take their shortest exact form, as the guest's
 * do. A head is a major type (3 bits), then 5 bits: a number below 24 itself,
 * or 24 to 27: it follows in 1, 2, 4 or 8 bytes, the highest first, or 31: an
 * indefinite length, which a "break" (0xff) ends.
 *
 * What is read is hostile. There are two ways to read, with one reader:
 *
 *   torpor__cbor_next     gives one head after the other, whatever comes; who
 *                         calls it within itself limits the depth
 *   torpor__cbor_get_...  where one type alone will do. What is of another type
 *                         makes the reader bad, and a bad reader gives nothing
 *                         but zeros: it is enough to look at 'bad' in the end.
 *                         Tags and indefinite lengths are of another type.
 *
 *  (1) Nothing is read from 'end' on: a length is compared with what is left
 *      before it is used.
 *  (2) Items are skipped without recursion: those that are open, arrays, maps
 *      and tags of both lengths, are in a list of TORPOR__CBOR_DEPTH levels,
 *      some 18 KiB. What is nested deeper is refused.
 *
 * No state but the caller's; any thread. */
#ifndef TORPOR_COMMON_CBOR_H
#define TORPOR_COMMON_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* Deepest nesting that the host reads: all that a VM writes, which is 512
 * values inside each other (guest/cbor.h), each with up to three tags or arrays
 * around it. */
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

/* Most bytes of a head. */
enum { TORPOR__CBOR_HEAD = 9 };

/* Writes a head to 'to', and gives its size. */
size_t torpor__cbor_put(uint8_t *to, torpor__major major, uint64_t value);

void torpor__cbor_head(torpor__buffer *writer, torpor__major major,
                       uint64_t value);
void torpor__cbor_bytes(torpor__buffer *writer, torpor__major major,
                        const void *data, size_t size);
void torpor__cbor_string(torpor__buffer *writer, const char *text);
void torpor__cbor_integer(torpor__buffer *writer, int64_t number);
void torpor__cbor_boolean(torpor__buffer *writer, bool value);
void torpor__cbor_number(torpor__buffer *writer, double number);

/* ---- Reading --------------------------------------------------------------*/

/* Begins as {data, data, data + size}. */
typedef struct torpor__cbor_reader {
  const uint8_t *start, *at, *end;
  bool bad; /* something was not of the type that was asked for */
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

torpor__cbor_reader torpor__cbor_read(const void *data, size_t size);

/* The next head; text and bytes of definite size are passed over with it.
 * false: what comes is not well-formed or cut off; 'at' is where. */
bool torpor__cbor_next(torpor__cbor_reader *reader, torpor__cbor_item *item);
/* Passes over one whole item; false: it is not well-formed, cut off, or more
 * than TORPOR__CBOR_DEPTH arrays, maps and tags lie around something in it. */
bool torpor__cbor_skip(torpor__cbor_reader *reader);

/* Whether a text is this one. */
bool torpor__slice_is(torpor_slice text, const char *word);
bool torpor__cbor_is_text(const torpor__cbor_item *item, const char *text);

int64_t torpor__cbor_get_integer(torpor__cbor_reader *reader);
bool torpor__cbor_get_boolean(torpor__cbor_reader *reader);
/* Borrowed from the reader's bytes. A text is UTF-8 without a zero byte, and
 * ends where 'size' says. */
torpor_slice torpor__cbor_get_text(torpor__cbor_reader *reader);
torpor_slice torpor__cbor_get_bytes(torpor__cbor_reader *reader);
/* How many items, or pairs, follow: never more than there are bytes left. */
size_t torpor__cbor_get_array(torpor__cbor_reader *reader);
size_t torpor__cbor_get_map(torpor__cbor_reader *reader);
/* Passes over one whole item; the reader is bad when there is none. */
void torpor__cbor_get_past(torpor__cbor_reader *reader);

#endif
