/* SPDX-License-Identifier: MIT */
/* cbor.c - CBOR on the host: heads, numbers in their shortest form, UTF-8.
 *
 * No state but the caller's; any thread. */
#include "common/cbor.h"

#include <math.h>
#include <string.h>

#include "common/buffer.h"

/* ---- Writing --------------------------------------------------------------*/

/* 'size' bytes of 'value', the highest first. */
static void write_big_endian(uint8_t *to, uint64_t value, unsigned size) {
  for (unsigned i = size; i-- > 0; value >>= 8) to[i] = (uint8_t)value;
}

/* A head whose value takes 1, 2, 4 or 8 bytes. */
static void write_long_head(torpor__buffer *writer, unsigned first,
                            uint64_t value, unsigned size) {
  uint8_t head[9];
  head[0] = (uint8_t)first;
  write_big_endian(head + 1, value, size);
  torpor__buffer_add(writer, head, size + 1);
}

void torpor__cbor_head(torpor__buffer *writer, torpor__major major,
                       uint64_t value) {
  unsigned top = (unsigned)major << 5;
  if (value < 24)
    torpor__buffer_add(writer, &(uint8_t){(uint8_t)(top | value)}, 1);
  else if (value <= UINT8_MAX)
    write_long_head(writer, top | 24, value, 1);
  else if (value <= UINT16_MAX)
    write_long_head(writer, top | 25, value, 2);
  else if (value <= UINT32_MAX)
    write_long_head(writer, top | 26, value, 4);
  else
    write_long_head(writer, top | 27, value, 8);
}

void torpor__cbor_bytes(torpor__buffer *writer, torpor__major major,
                        const void *data, size_t size) {
  torpor__cbor_head(writer, major, size);
  torpor__buffer_add(writer, data, size);
}

void torpor__cbor_string(torpor__buffer *writer, const char *text) {
  torpor__cbor_bytes(writer, TORPOR__CBOR_TEXT, text, strlen(text));
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

static void write_float(torpor__buffer *writer, double number) {
  const unsigned top = (unsigned)TORPOR__CBOR_SIMPLE << 5;
  bool fits = isinf(number) || fabs(number) <= (double)3.4028234663852886e38F;
  float single = fits ? (float)number : 0;
  uint32_t bits;
  uint64_t long_bits;
  uint16_t half;
  if ((double)single != number) {
    memcpy(&long_bits, &number, sizeof(long_bits));
    write_long_head(writer, top | 27, long_bits, 8);
    return;
  }
  memcpy(&bits, &single, sizeof(bits));
  if (float_to_half(bits, &half))
    write_long_head(writer, top | 25, half, 2);
  else
    write_long_head(writer, top | 26, bits, 4);
}

void torpor__cbor_number(torpor__buffer *writer, double number) {
  const double safe = 9007199254740991.0; /* 2^53 - 1 */
  if (isnan(number))
    torpor__buffer_add(writer, "\xf9\x7e\x00", 3);
  else if (number != floor(number) || fabs(number) > safe ||
           (number == 0 && signbit(number)))
    write_float(writer, number);
  else if (number < 0)
    torpor__cbor_head(writer, TORPOR__CBOR_NEGATIVE, (uint64_t)(-1 - number));
  else
    torpor__cbor_head(writer, TORPOR__CBOR_UNSIGNED, (uint64_t)number);
}

/* ---- Reading --------------------------------------------------------------*/

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

bool torpor__cbor_next(torpor__cbor_reader *reader, torpor__cbor_item *item) {
  const uint8_t *at = reader->at;
  size_t left = (size_t)(reader->end - at);
  unsigned low, size = 0;
  if (left == 0) return false;
  *item = (torpor__cbor_item){.major = (torpor__major)(at[0] >> 5)};
  low = at[0] & 31;
  at++;
  left--;
  if (low < 24) {
    item->value = low;
  } else if (low < 28) {
    size = 1u << (low - 24);
    if (left < size) return false;
    item->value = read_big_endian(at, size);
    at += size;
    left -= size;
  } else if (low != 31 || !read_indefinite(item)) {
    return false;
  }
  if (item->major == TORPOR__CBOR_SIMPLE) {
    if (size == 1 && item->value < 32) return false;
    if (size > 1) read_float(item, size);
  }
  if ((item->major == TORPOR__CBOR_BYTES || item->major == TORPOR__CBOR_TEXT) &&
      !item->indefinite) {
    if (item->value > left) return false;
    item->data = at;
    at += item->value;
  }
  reader->at = at;
  return true;
}

/* The pieces of a text or of bytes up to the break. */
static bool skip_pieces(torpor__cbor_reader *reader, torpor__major major) {
  torpor__cbor_item piece;
  while (torpor__cbor_next(reader, &piece)) {
    if (piece.is_break) return true;
    if (piece.major != major || piece.indefinite) return false;
  }
  return false;
}

static bool skip_item(torpor__cbor_reader *reader, unsigned depth);

static bool skip_elements(torpor__cbor_reader *reader, uint64_t count,
                          unsigned depth) {
  /* Each takes a byte at least. */
  if (count > (uint64_t)(reader->end - reader->at)) return false;
  for (uint64_t i = 0; i < count; i++)
    if (!skip_item(reader, depth)) return false;
  return true;
}

static bool skip_to_break(torpor__cbor_reader *reader, bool pairs,
                          unsigned depth) {
  for (uint64_t count = 0;; count++) {
    if (reader->at < reader->end && *reader->at == 0xff) {
      reader->at++;
      return !pairs || count % 2 == 0;
    }
    if (!skip_item(reader, depth)) return false;
  }
}

static bool skip_item(torpor__cbor_reader *reader, unsigned depth) {
  torpor__cbor_item item;
  if (depth > TORPOR__CBOR_DEPTH || !torpor__cbor_next(reader, &item) ||
      item.is_break)
    return false;
  switch (item.major) {
  case TORPOR__CBOR_BYTES:
  case TORPOR__CBOR_TEXT:
    return !item.indefinite || skip_pieces(reader, item.major);
  case TORPOR__CBOR_ARRAY:
    if (item.indefinite) return skip_to_break(reader, false, depth + 1);
    return skip_elements(reader, item.value, depth + 1);
  case TORPOR__CBOR_MAP:
    if (item.indefinite) return skip_to_break(reader, true, depth + 1);
    return item.value <= UINT32_MAX &&
           skip_elements(reader, item.value * 2, depth + 1);
  case TORPOR__CBOR_TAG:
    return skip_item(reader, depth + 1);
  default:
    return true;
  }
}

bool torpor__cbor_skip(torpor__cbor_reader *reader) {
  return skip_item(reader, 0);
}

/* ---- UTF-8 ----------------------------------------------------------------*/

size_t torpor__utf8_step(const uint8_t *text, size_t size) {
  uint32_t point;
  size_t length;
  if (size == 0) return 0;
  if (text[0] < 0x80) return 1;
  if (text[0] < 0xc2 || text[0] > 0xf4) return 0;
  length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
  if (size < length) return 0;
  point = text[0] & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    point = point << 6 | (text[i] & 0x3f);
  }
  if (length == 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000)))
    return 0;
  if (length == 4 && (point < 0x10000 || point > 0x10ffff)) return 0;
  return length;
}

bool torpor__utf8_valid(const uint8_t *text, size_t size) {
  size_t step;
  for (size_t at = 0; at < size; at += step) {
    step = torpor__utf8_step(text + at, size - at);
    if (step == 0) return false;
  }
  return true;
}
