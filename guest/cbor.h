/* SPDX-License-Identifier: MIT */
/* cbor.h - the parts of CBOR that the writer and the reader share.
 *
 * The format, with all that is ours in it, is specified in docs/cbor.md. */
#ifndef TORPOR_GUEST_CBOR_H
#define TORPOR_GUEST_CBOR_H

enum cbor_major {
  CBOR_UNSIGNED,
  CBOR_NEGATIVE,
  CBOR_BYTES,
  CBOR_TEXT,
  CBOR_ARRAY,
  CBOR_MAP,
  CBOR_TAG,
  CBOR_SIMPLE,
};

enum cbor_simple {
  CBOR_FALSE = 20,
  CBOR_TRUE = 21,
  CBOR_NULL = 22,
  CBOR_UNDEFINED = 23,
  CBOR_HALF = 25,
  CBOR_FLOAT = 26,
  CBOR_DOUBLE = 27,
};

enum cbor_tag {
  CBOR_TAG_DATE = 1,
  CBOR_TAG_BIGINT = 2,
  CBOR_TAG_BIGINT_NEGATIVE = 3,
  CBOR_TAG_SHARED = 28,
  CBOR_TAG_REFERENCE = 29,
  CBOR_TAG_HOLE = 31,
  CBOR_TAG_SET = 258,
  CBOR_TAG_MAP = 259,
  CBOR_TAG_WTF8 = 273,
  CBOR_TAG_REGEXP = 21066,
  CBOR_TAG_BUFFER = 7630690,
  CBOR_TAG_ERROR = 7630693,
  CBOR_TAG_HANDLE = 7630696,
  CBOR_TAG_BOXED = 7630703,
  CBOR_TAG_PART = 7630704,
  CBOR_TAG_SYMBOL = 7630707,
  CBOR_TAG_VIEW = 7630710,
  CBOR_TAG_WHOLE = 7630711,
};

enum { CBOR_HEAD = 9 }; /* most bytes of a head */

/* Writes an initial byte and 'size' bytes of 'number', big-endian; gives how
 * many bytes that are. Where 'size' is known there is no loop. */
static inline __attribute__((always_inline)) size_t cbor_put(
    uint8_t *to, enum cbor_major major, int info, uint64_t number, int size) {
  to[0] = (uint8_t)((int)major << 5 | info);
  for (int i = 0; i < size; i++)
    to[1 + i] = (uint8_t)(number >> 8 * (size - 1 - i));
  return 1 + (size_t)size;
}

/* The same for a head of the shortest form. */
static size_t cbor_put_head(uint8_t *to, enum cbor_major major,
                            uint64_t number) {
  if (number < 24) return cbor_put(to, major, (int)number, 0, 0);
  if (number <= UINT8_MAX) return cbor_put(to, major, 24, number, 1);
  if (number <= UINT16_MAX) return cbor_put(to, major, 25, number, 2);
  if (number <= UINT32_MAX) return cbor_put(to, major, 26, number, 4);
  return cbor_put(to, major, 27, number, 8);
}

/* Values inside each other, as far as they are written; and items, as far as
 * they are read: a value may have up to three tags or arrays around it. */
enum { CBOR_DEPTH = TORPOR_DATA_DEPTH, CBOR_DEPTH_READ = 4 * CBOR_DEPTH };

/* Objects of up to so many keys are read and written with what is known of the
 * last ones that had the same. */
enum { CBOR_FORM_KEYS = 8 };

/* The keys of a shape as CBOR: where they stand in the bytes that are read or
 * written. */
typedef struct cbor_form {
  JSShape *shape; /* with a reference; NULL: unused */
  uint32_t at[CBOR_FORM_KEYS], size[CBOR_FORM_KEYS];
} cbor_form;

static void form_keep(cbor_form *place, const cbor_form *form) {
  JSShape *before = place->shape;
  *place = *form;
  js_dup_shape(place->shape);
  if (before) js_free_shape(torpor__rt, before);
}

static void forms_end(cbor_form *forms, int count) {
  for (int i = 0; i < count; i++)
    if (forms[i].shape) js_free_shape(torpor__rt, forms[i].shape);
}

/* RFC 8746's tag of each typed array, little-endian. */
static const uint8_t cbor_typed_tag[JS_TYPED_ARRAY_COUNT] = {
    [JS_TYPED_ARRAY_UINT8C] = 68,     [JS_TYPED_ARRAY_INT8] = 72,
    [JS_TYPED_ARRAY_UINT8] = 64,      [JS_TYPED_ARRAY_INT16] = 77,
    [JS_TYPED_ARRAY_UINT16] = 69,     [JS_TYPED_ARRAY_INT32] = 78,
    [JS_TYPED_ARRAY_UINT32] = 70,     [JS_TYPED_ARRAY_BIG_INT64] = 79,
    [JS_TYPED_ARRAY_BIG_UINT64] = 71, [JS_TYPED_ARRAY_FLOAT16] = 84,
    [JS_TYPED_ARRAY_FLOAT32] = 85,    [JS_TYPED_ARRAY_FLOAT64] = 86,
};

/* Regular expression flags in the order in which JavaScript shows them. */
static const struct {
  char letter;
  uint16_t flag;
} cbor_regexp_flags[] = {
    {'d', LRE_FLAG_INDICES},      {'g', LRE_FLAG_GLOBAL},
    {'i', LRE_FLAG_IGNORECASE},   {'m', LRE_FLAG_MULTILINE},
    {'s', LRE_FLAG_DOTALL},       {'u', LRE_FLAG_UNICODE},
    {'v', LRE_FLAG_UNICODE_SETS}, {'y', LRE_FLAG_STICKY},
};

#endif
