/* SPDX-License-Identifier: MIT */
/* cbor.c - CBOR on the host: heads, and numbers in their shortest form. See
 * cbor.h. */
#include "common/cbor.h"

#include <math.h>
#include <string.h>

#include "common/buffer.h"
#include "common/utf8.h"

/* ---- Writing --------------------------------------------------------------*/

/* A head whose value takes 1, 2, 4 or 8 bytes, the highest first. */
static size_t put_long(uint8_t *to, unsigned first, uint64_t value,
                       unsigned size) {
  to[0] = (uint8_t)first;
  for (unsigned i = size; i > 0; i--, value >>= 8) to[i] = (uint8_t)value;
  return size + 1;
}

size_t torpor__cbor_put(uint8_t *to, torpor__major major, uint64_t value) {
  unsigned top = (unsigned)major << 5;
  if (value < 24) {
    to[0] = (uint8_t)(top | value);
    return 1;
  }
  if (value <= UINT8_MAX) return put_long(to, top | 24, value, 1);
  if (value <= UINT16_MAX) return put_long(to, top | 25, value, 2);
  if (value <= UINT32_MAX) return put_long(to, top | 26, value, 4);
  return put_long(to, top | 27, value, 8);
}

void torpor__cbor_head(torpor__buffer *writer, torpor__major major,
                       uint64_t value) {
  uint8_t head[TORPOR__CBOR_HEAD];
  torpor__buffer_add(writer, head, torpor__cbor_put(head, major, value));
}

void torpor__cbor_bytes(torpor__buffer *writer, torpor__major major,
                        const void *data, size_t size) {
  torpor__cbor_head(writer, major, size);
  torpor__buffer_add(writer, data, size);
}

void torpor__cbor_string(torpor__buffer *writer, const char *text) {
  torpor__cbor_bytes(writer, TORPOR__CBOR_TEXT, text, strlen(text));
}

void torpor__cbor_integer(torpor__buffer *writer, int64_t number) {
  if (number >= 0)
    torpor__cbor_head(writer, TORPOR__CBOR_UNSIGNED, (uint64_t)number);
  else
    torpor__cbor_head(writer, TORPOR__CBOR_NEGATIVE, ~(uint64_t)number);
}

void torpor__cbor_boolean(torpor__buffer *writer, bool value) {
  torpor__cbor_head(writer, TORPOR__CBOR_SIMPLE,
                    value ? TORPOR__CBOR_TRUE : TORPOR__CBOR_FALSE);
}

/* The half float that equals the float with 'bits', if there is one. */
static bool float_to_half(uint32_t bits, uint16_t *half) {
  uint32_t sign = bits >> 16 & 0x8000, mantissa = bits & 0x7fffff;
  int exponent = (int)(bits >> 23 & 0xff) - 127;
  unsigned shift;
  if ((bits & 0x7fffffff) == 0 || exponent == 128) {
    *half = (uint16_t)(sign | (exponent == 128 ? 0x7c00 : 0));
    return mantissa == 0;
  }
  if (exponent > 15 || exponent < -24) return false;
  shift = exponent >= -14 ? 13 : (unsigned)(-1 - exponent);
  if (exponent < -14) mantissa |= 0x800000;
  if (mantissa & ((1u << shift) - 1)) return false;
  mantissa >>= shift;
  if (exponent >= -14) mantissa |= (uint32_t)(exponent + 15) << 10;
  *half = (uint16_t)(sign | mantissa);
  return true;
}

static size_t put_float(uint8_t *to, double number) {
  const unsigned top = (unsigned)TORPOR__CBOR_SIMPLE << 5;
  bool fits = isinf(number) || fabs(number) <= (double)3.4028234663852886e38F;
  float single = fits ? (float)number : 0;
  uint32_t bits;
  uint64_t long_bits;
  uint16_t half;
  if ((double)single != number) {
    memcpy(&long_bits, &number, sizeof(long_bits));
    return put_long(to, top | 27, long_bits, 8);
  }
  memcpy(&bits, &single, sizeof(bits));
  if (float_to_half(bits, &half)) return put_long(to, top | 25, half, 2);
  return put_long(to, top | 26, bits, 4);
}

size_t torpor__cbor_put_number(uint8_t *to, double number) {
  const double safe = 9007199254740991.0; /* 2^53 - 1 */
  if (isnan(number)) {
    memcpy(to, "\xf9\x7e\x00", 3);
    return 3;
  }
  if (number != floor(number) || fabs(number) > safe ||
      (number == 0 && signbit(number)))
    return put_float(to, number);
  if (number < 0)
    return torpor__cbor_put(to, TORPOR__CBOR_NEGATIVE, (uint64_t)(-1 - number));
  return torpor__cbor_put(to, TORPOR__CBOR_UNSIGNED, (uint64_t)number);
}

void torpor__cbor_number(torpor__buffer *writer, double number) {
  uint8_t head[TORPOR__CBOR_HEAD];
  torpor__buffer_add(writer, head, torpor__cbor_put_number(head, number));
}

size_t torpor__cbor_element(uint64_t tag) {
  switch (tag) {
  case TORPOR_VIEW_UINT8:
  case TORPOR_VIEW_UINT8_CLAMPED:
  case TORPOR_VIEW_INT8:
  case TORPOR_VIEW_BUFFER:
  case TORPOR_VIEW_DATA:
    return 1;
  case TORPOR_VIEW_UINT16:
  case TORPOR_VIEW_INT16:
  case TORPOR_VIEW_FLOAT16:
    return 2;
  case TORPOR_VIEW_UINT32:
  case TORPOR_VIEW_INT32:
  case TORPOR_VIEW_FLOAT32:
    return 4;
  case TORPOR_VIEW_BIGUINT64:
  case TORPOR_VIEW_BIGINT64:
  case TORPOR_VIEW_FLOAT64:
    return 8;
  default:
    return 0;
  }
}

/* ---- Reading whatever comes ----------------------------------------------*/

torpor__cbor_reader torpor__cbor_read(const void *data, size_t size) {
  const uint8_t *start = data;
  return (torpor__cbor_reader){
      .start = start, .at = start, .end = start + size};
}

static uint64_t left_of(const torpor__cbor_reader *reader) {
  return (uint64_t)(reader->end - reader->at);
}

static uint64_t read_big_endian(const uint8_t *from, unsigned size) {
  uint64_t value = 0;
  for (unsigned i = 0; i < size; i++) value = value << 8 | from[i];
  return value;
}

static double half_to_double(uint16_t half) {
  int exponent = half >> 10 & 0x1f;
  double mantissa = half & 0x3ff, number;
  if (exponent == 0)
    number = ldexp(mantissa, -24);
  else if (exponent < 31)
    number = ldexp(mantissa + 1024, exponent - 25);
  else
    number = mantissa == 0 ? (double)INFINITY : (double)NAN;
  return half & 0x8000 ? -number : number;
}

static void read_float(torpor__cbor_item *item, unsigned size) {
  item->is_number = true;
  if (size == 2) {
    item->number = half_to_double((uint16_t)item->value);
  } else if (size == 4) {
    uint32_t bits = (uint32_t)item->value;
    float single;
    memcpy(&single, &bits, sizeof(single));
    item->number = (double)single;
  } else {
    memcpy(&item->number, &item->value, sizeof(item->number));
  }
}

/* What the low five bits 31 mean for the major type. */
static bool read_indefinite(torpor__cbor_item *item) {
  switch (item->major) {
  case TORPOR__CBOR_BYTES:
  case TORPOR__CBOR_TEXT:
  case TORPOR__CBOR_ARRAY:
  case TORPOR__CBOR_MAP:
    item->indefinite = true;
    return true;
  case TORPOR__CBOR_SIMPLE:
    item->is_break = true;
    return true;
  default:
    return false;
  }
}

/* Reads the value that the low five bits of the first byte say or announce;
 * '*size' is how many bytes it took behind that. */
static bool read_value(torpor__cbor_reader *reader, torpor__cbor_item *item,
                       unsigned *size) {
  unsigned low = *reader->at++ & 31;
  *size = 0;
  item->value = low;
  if (low < 24) return true;
  item->value = 0;
  if (low == 31) return read_indefinite(item);
  *size = 1u << (low - 24);
  if (low > 27 || left_of(reader) < *size) return false;
  item->value = read_big_endian(reader->at, *size);
  reader->at += *size;
  return true;
}

bool torpor__cbor_next(torpor__cbor_reader *reader, torpor__cbor_item *item) {
  const uint8_t *start = reader->at;
  unsigned size;
  if (left_of(reader) == 0) return false;
  *item = (torpor__cbor_item){.major = (torpor__major)(*start >> 5)};
  bool good = read_value(reader, item, &size);
  if (good && item->major == TORPOR__CBOR_SIMPLE) {
    good = size != 1 || item->value >= 32;
    if (size > 1) read_float(item, size);
  } else if (good && !item->indefinite &&
             (item->major == TORPOR__CBOR_BYTES ||
              item->major == TORPOR__CBOR_TEXT)) {
    good = item->value <= left_of(reader);
    item->data = reader->at;
    if (good) reader->at += item->value;
  }
  if (!good) reader->at = start;
  return good;
}

/* ---- Skipping ------------------------------------------------------------*/

/* The pieces of a text or of bytes up to the break. */
static bool skip_pieces(torpor__cbor_reader *reader, torpor__major major) {
  torpor__cbor_item piece;
  while (torpor__cbor_next(reader, &piece)) {
    if (piece.is_break) return true;
    if (piece.major != major || piece.indefinite) return false;
  }
  return false;
}

/* The items that are open: arrays, maps and tags around what comes next. */
typedef enum level_kind { COUNTED, OPEN_ARRAY, OPEN_MAP } level_kind;

typedef struct nesting {
  size_t depth;
  uint64_t count[TORPOR__CBOR_DEPTH + 1]; /* to come; those in OPEN_ so far */
  uint8_t kind[TORPOR__CBOR_DEPTH + 1];   /* a level_kind */
} nesting;

/* false: too deep. */
static bool open_level(nesting *n, level_kind kind, uint64_t count) {
  if (n->depth == TORPOR__CBOR_DEPTH) return false;
  n->depth++;
  n->kind[n->depth] = (uint8_t)kind;
  n->count[n->depth] = count;
  return true;
}

/* Items of which there are 'most' at the most: each takes a byte at least. */
static bool open_counted(nesting *n, uint64_t count, uint64_t most,
                         unsigned items) {
  if (count > most) return false;
  return count == 0 || open_level(n, COUNTED, count * items);
}

/* Passes over what follows the head 'item', but for the items in it. */
static bool skip_body(torpor__cbor_reader *reader,
                      const torpor__cbor_item *item, nesting *n) {
  switch (item->major) {
  case TORPOR__CBOR_BYTES:
  case TORPOR__CBOR_TEXT:
    return !item->indefinite || skip_pieces(reader, item->major);
  case TORPOR__CBOR_ARRAY:
    if (item->indefinite) return open_level(n, OPEN_ARRAY, 0);
    return open_counted(n, item->value, left_of(reader), 1);
  case TORPOR__CBOR_MAP:
    if (item->indefinite) return open_level(n, OPEN_MAP, 0);
    return open_counted(n, item->value, left_of(reader) / 2, 2);
  case TORPOR__CBOR_TAG:
    return open_level(n, COUNTED, 1);
  default:
    return !item->is_break;
  }
}

/* Whether the innermost level is over; its break is read then. */
static bool is_over(torpor__cbor_reader *reader, const nesting *n) {
  if (n->kind[n->depth] == COUNTED) return n->count[n->depth] == 0;
  if (reader->at == reader->end || *reader->at != 0xff) return false;
  if (n->kind[n->depth] == OPEN_MAP && n->count[n->depth] % 2 != 0)
    return false; /* a key without a value: its break is no item */
  reader->at++;
  return true;
}

static void count_item(nesting *n) {
  if (n->kind[n->depth] == COUNTED)
    n->count[n->depth]--;
  else
    n->count[n->depth]++;
}

bool torpor__cbor_skip(torpor__cbor_reader *reader) {
  nesting n;
  n.depth = 0;
  n.kind[0] = COUNTED;
  n.count[0] = 1;
  for (;;) {
    torpor__cbor_item item;
    for (; is_over(reader, &n); n.depth--)
      if (n.depth == 0) return true;
    count_item(&n);
    if (!torpor__cbor_next(reader, &item) || !skip_body(reader, &item, &n))
      return false;
  }
}

bool torpor__slice_equals(torpor_slice text, const char *word, size_t size) {
  return text.size == size && (size == 0 || memcmp(text.data, word, size) == 0);
}

bool torpor__slice_is(torpor_slice text, const char *word) {
  return torpor__slice_equals(text, word, strlen(word));
}

bool torpor__cbor_is_text(const torpor__cbor_item *item, const char *text) {
  return item->major == TORPOR__CBOR_TEXT && !item->indefinite &&
         torpor__slice_is((torpor_slice){item->data, (size_t)item->value},
                          text);
}

/* ---- Reading what is known -----------------------------------------------*/

/* The next head, if it is of type 'wanted'; else an empty one and a bad
 * reader. */
static torpor__cbor_item get_head(torpor__cbor_reader *reader,
                                  torpor__major wanted) {
  torpor__cbor_item item;
  if (!reader->bad && torpor__cbor_next(reader, &item) &&
      item.major == wanted && !item.indefinite && !item.is_break &&
      !item.is_number)
    return item;
  reader->bad = true;
  return (torpor__cbor_item){.major = wanted, .data = (const uint8_t *)""};
}

int64_t torpor__cbor_get_integer(torpor__cbor_reader *reader) {
  bool negative = left_of(reader) > 0 &&
                  *reader->at >> 5 == (unsigned)TORPOR__CBOR_NEGATIVE;
  uint64_t value =
      get_head(reader, negative ? TORPOR__CBOR_NEGATIVE : TORPOR__CBOR_UNSIGNED)
          .value;
  if (value > INT64_MAX) reader->bad = true;
  if (reader->bad) return 0;
  return negative ? -(int64_t)value - 1 : (int64_t)value;
}

bool torpor__cbor_get_boolean(torpor__cbor_reader *reader) {
  uint64_t value = get_head(reader, TORPOR__CBOR_SIMPLE).value;
  if (value != TORPOR__CBOR_TRUE && value != TORPOR__CBOR_FALSE)
    reader->bad = true;
  return !reader->bad && value == TORPOR__CBOR_TRUE;
}

torpor_slice torpor__cbor_get_bytes(torpor__cbor_reader *reader) {
  torpor__cbor_item item = get_head(reader, TORPOR__CBOR_BYTES);
  return (torpor_slice){.data = item.data, .size = (size_t)item.value};
}

torpor_slice torpor__cbor_get_text(torpor__cbor_reader *reader) {
  torpor__cbor_item item = get_head(reader, TORPOR__CBOR_TEXT);
  size_t size = (size_t)item.value;
  if (memchr(item.data, 0, size) == NULL && torpor__utf8_valid(item.data, size))
    return (torpor_slice){.data = item.data, .size = size};
  reader->bad = true;
  return (torpor_slice){.data = "", .size = 0};
}

static size_t get_count(torpor__cbor_reader *reader, torpor__major wanted) {
  uint64_t count = get_head(reader, wanted).value;
  if (count > left_of(reader)) reader->bad = true;
  return reader->bad ? 0 : (size_t)count;
}

size_t torpor__cbor_get_array(torpor__cbor_reader *reader) {
  return get_count(reader, TORPOR__CBOR_ARRAY);
}

size_t torpor__cbor_get_map(torpor__cbor_reader *reader) {
  return get_count(reader, TORPOR__CBOR_MAP);
}

void torpor__cbor_get_past(torpor__cbor_reader *reader) {
  if (!reader->bad) reader->bad = !torpor__cbor_skip(reader);
}
