/* SPDX-License-Identifier: MIT */
/* reader.h - a tree of values, read from CBOR without a VM. A reader is a
 * cursor: it stands before a value, or at the end of what it is in. Nothing is
 * copied, and no scalar takes memory. Included by torpor.h.
 *
 *   torpor_reader *r;
 *   torpor_slice name;
 *   double born;
 *   if (torpor_reader_open(data, size, &r) != TORPOR_OK) return;
 *   torpor_reader_enter(r);
 *   if (torpor_reader_find(r, "name", 4)) name = torpor_reader_string(r);
 *   if (torpor_reader_find(r, "born", 4)) born = torpor_reader_number(r);
 *   if (torpor_reader_status(r) != TORPOR_OK) ...
 *   torpor_reader_close(r);
 *
 * What is of another kind than was asked for makes the reader bad: it gives
 * zeros and empty texts from then on, is at its end, and torpor_reader_status
 * says what happened first. The same goes for a reader that is NULL. */
#ifndef TORPOR_PUBLIC_READER_H
#define TORPOR_PUBLIC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A place in a tree. */
typedef struct torpor_reader torpor_reader;

/* What stands at a place. */
typedef enum torpor_data_type {
  TORPOR_DATA_END, /* nothing: the array, object or tree is over */
  TORPOR_DATA_UNDEFINED,
  TORPOR_DATA_NULL,
  TORPOR_DATA_BOOLEAN,
  TORPOR_DATA_NUMBER,
  TORPOR_DATA_BIGINT,
  TORPOR_DATA_STRING,
  TORPOR_DATA_WTF8,   /* a string with lone surrogates: torpor_reader_wtf8 */
  TORPOR_DATA_SYMBOL, /* Symbol.for; in it: its key */
  TORPOR_DATA_ARRAY,
  TORPOR_DATA_OBJECT,
  TORPOR_DATA_MAP,
  TORPOR_DATA_SET,
  TORPOR_DATA_DATE,
  TORPOR_DATA_REGEXP, /* in it: source and flags */
  TORPOR_DATA_ERROR,  /* in it: "name", "message" and so on, like an object */
  TORPOR_DATA_VIEW,   /* bytes: typed array, ArrayBuffer, DataView */
  TORPOR_DATA_BOXED,  /* in it: the primitive */
  TORPOR_DATA_HOLE,   /* an item of an array that is not there */
  TORPOR_DATA_REFERENCE,
  TORPOR_DATA_TAG,   /* one that is none of these: torpor_reader_tag */
  TORPOR_DATA_VALUE, /* a handle in a TORPOR_LIVE tree */
} torpor_data_type;

/* Opens a reader before the value in 'data', which must live as long. All of it
 * is checked: FORMAT, with the offset, when it is not one value as docs/cbor.md
 * says; LIMIT when it is larger than TORPOR_DATA_LARGEST; NOMEM.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_reader_open(const void *data, size_t size,
                                            torpor_reader **out);
/* [any thread] */
TORPOR_API void torpor_reader_close(torpor_reader *reader);
/* OK; WRONG_TYPE: a value was of another kind than was asked for; MISUSE,
 * LIMIT, NOMEM. The sentence is torpor_last_error(NULL).
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_reader_status(const torpor_reader *reader);

/* What the reader stands before. It stays there.
 * [any thread] */
TORPOR_API torpor_data_type torpor_reader_type(const torpor_reader *reader);
/* Whether that has a number to which references lead, and which.
 * [any thread] */
TORPOR_API bool torpor_reader_is_shared(const torpor_reader *reader,
                                        uint32_t *number);

/* ---- Going about ---------------------------------------------------------*/

/* Enters what has values in it, and gives how many: items of an array or Set,
 * or pairs: of an object, Map or error keys and values come in turn. What is
 * not read before torpor_reader_leave is passed over.
 * [any thread] */
TORPOR_API size_t torpor_reader_enter(torpor_reader *reader);
/* Goes behind what was entered last.
 * [any thread] */
TORPOR_API void torpor_reader_leave(torpor_reader *reader);
/* Passes over the value.
 * [any thread] */
TORPOR_API void torpor_reader_skip(torpor_reader *reader);
/* In an object or error: goes before the value of that key, wherever it is.
 * False, and the reader stays, when there is none.
 * [any thread] */
TORPOR_API bool torpor_reader_find(torpor_reader *reader, const char *key,
                                   size_t size);
/* At a reference: its number. Then the reader stands behind it.
 * [any thread] */
TORPOR_API uint32_t torpor_reader_reference(torpor_reader *reader);
/* At a reference: enters it, as if it had the value in it that it leads to.
 * [any thread] */
TORPOR_API void torpor_reader_follow(torpor_reader *reader);
/* At a tag: passes over it, to the value behind it; gives its number.
 * [any thread] */
TORPOR_API uint64_t torpor_reader_tag(torpor_reader *reader);

/* ---- Values --------------------------------------------------------------*/

/* Each reads a value of its kind and goes behind it.
 * [any thread] */
TORPOR_API bool torpor_reader_boolean(torpor_reader *reader);
/* [any thread] */
TORPOR_API double torpor_reader_number(torpor_reader *reader);
/* A number without fraction, or a BigInt, that is exactly one of int64_t.
 * [any thread] */
TORPOR_API int64_t torpor_reader_integer(torpor_reader *reader);
/* A BigInt: the lowest 'room' words of its magnitude, the lowest first; gives
 * how many it has. With a room of 0 the reader stays.
 * [any thread] */
TORPOR_API size_t torpor_reader_bigint(torpor_reader *reader, bool *negative,
                                       uint64_t *words, size_t room);
/* Text in UTF-8, borrowed; no zero byte ends it. torpor_reader_wtf8 also reads
 * strings with lone surrogates, each of which is three bytes, as if it were a
 * character.
 * [any thread] */
TORPOR_API torpor_slice torpor_reader_string(torpor_reader *reader);
/* [any thread] */
TORPOR_API torpor_slice torpor_reader_wtf8(torpor_reader *reader);
/* Milliseconds since 1970; NaN: an invalid Date.
 * [any thread] */
TORPOR_API double torpor_reader_date(torpor_reader *reader);
/* The bytes that a typed array, ArrayBuffer or DataView covers, borrowed;
 * '*kind' is what they are.
 * [any thread] */
TORPOR_API torpor_slice torpor_reader_view(torpor_reader *reader,
                                           torpor_view *kind);
/* A promise that torpor_cbor_encode_with wrote with TORPOR_LIVE, as the handle
 * of 'vm' that it is. Each of them is released once, which torpor_reader_type
 * and references tell apart: what a reference leads to is the same one.
 * [-] */
TORPOR_API torpor_value torpor_reader_value(torpor_reader *reader,
                                            const torpor_vm *vm);

#ifdef __cplusplus
}
#endif

#endif
