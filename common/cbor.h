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

/* Deepest nesting of items that is read: all that is written, which is
 * TORPOR_DATA_DEPTH values inside each other, most of them with less than three
 * tags or arrays around them. */
#define TORPOR__CBOR_DEPTH (4 * TORPOR_DATA_DEPTH)

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
  TORPOR__TAG_HOLE = 31,
  TORPOR__TAG_SET = 258,
  TORPOR__TAG_MAP = 259,
  TORPOR__TAG_WTF8 = 273,
  TORPOR__TAG_REGEXP = 21066,
  TORPOR__TAG_ERROR = 7630693,
  TORPOR__TAG_HANDLE = 7630696,
  TORPOR__TAG_BOXED = 7630703,
  TORPOR__TAG_PART = 7630704,
  TORPOR__TAG_SYMBOL = 7630707,
  TORPOR__TAG_WHOLE = 7630711,
};

/* What TORPOR__TAG_HANDLE stands before: the lower bits of a handle. */
#define TORPOR__CBOR_HANDLE ((UINT64_C(1) << 48) - 1)

/* ---- Writing --------------------------------------------------------------*/

/* Most bytes of a head. */
enum { TORPOR__CBOR_HEAD = 9 };

/* Writes a head to 'to', and gives its size. */
size_t torpor__cbor_put(uint8_t *to, torpor__major major, uint64_t value);
/* The same for a number in its shortest form, which is no longer. */
size_t torpor__cbor_put_number(uint8_t *to, double number);

void torpor__cbor_head(torpor__buffer *writer, torpor__major major,
                       uint64_t value);
void torpor__cbor_bytes(torpor__buffer *writer, torpor__major major,
                        const void *data, size_t size);
void torpor__cbor_string(torpor__buffer *writer, const char *text);
void torpor__cbor_integer(torpor__buffer *writer, int64_t number);
void torpor__cbor_boolean(torpor__buffer *writer, bool value);
void torpor__cbor_number(torpor__buffer *writer, double number);

/* The size of an element of the typed array that has this tag (torpor_view),
 * 1 for other kinds of bytes; 0: it is no such tag. */
size_t torpor__cbor_element(uint64_t tag);

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
bool torpor__slice_equals(torpor_slice text, const char *word, size_t size);
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
