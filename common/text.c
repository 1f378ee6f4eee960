/* SPDX-License-Identifier: MIT */
/* text.c - text between UTF-8, Latin-1 and UTF-16. See text.h. */
#include "common/text.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define NOT_ASCII_UNITS UINT64_C(0xff80ff80ff80ff80)
#define NOT_LATIN1_UNITS UINT64_C(0xff00ff00ff00ff00)
#define REPLACEMENT 0xfffdu

static uint64_t load(const void *at) {
  uint64_t word;
  memcpy(&word, at, sizeof(word));
  return word;
}

static uint32_t unit_at(const uint8_t *units, size_t index) {
  uint16_t unit;
  memcpy(&unit, units + index * sizeof(unit), sizeof(unit));
  return unit;
}

static uint8_t *put_unit(uint8_t *out, uint32_t value) {
  uint16_t unit = (uint16_t)value;
  memcpy(out, &unit, sizeof(unit));
  return out + sizeof(unit);
}

/* How many of the first bytes are ASCII. */
static size_t ascii_run(const uint8_t *text, size_t size) {
  size_t at = 0;
  for (; size - at >= 64; at += 64) {
    const uint8_t *p = text + at;
    uint64_t low = load(p) | load(p + 8) | load(p + 16) | load(p + 24);
    uint64_t high = load(p + 32) | load(p + 40) | load(p + 48) | load(p + 56);
    if ((low | high) & HIGH_BITS) break;
  }
  while (size - at >= 8 && !(load(text + at) & HIGH_BITS)) at += 8;
  while (at < size && text[at] < 0x80) at++;
  return at;
}

bool torpor__text_is_ascii(const void *text, size_t size) {
  return ascii_run(text, size) == size;
}

bool torpor__text_is_narrow(const void *units, size_t count) {
  const uint8_t *at = units;
  for (; count >= 16; count -= 16, at += 32)
    if ((load(at) | load(at + 8) | load(at + 16) | load(at + 24)) &
        NOT_LATIN1_UNITS)
      return false;
  for (size_t i = 0; i < count; i++)
    if (unit_at(at, i) > 0xff) return false;
  return true;
}

/* ---- To UTF-8 -------------------------------------------------------------*/

static uint8_t *put_point(uint8_t *out, uint32_t point) {
  if (point < 0x80) {
    *out++ = (uint8_t)point;
  } else if (point < 0x800) {
    *out++ = (uint8_t)(0xc0 | point >> 6);
    *out++ = (uint8_t)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *out++ = (uint8_t)(0xe0 | point >> 12);
    *out++ = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    *out++ = (uint8_t)(0x80 | (point & 0x3f));
  } else {
    *out++ = (uint8_t)(0xf0 | point >> 18);
    *out++ = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    *out++ = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    *out++ = (uint8_t)(0x80 | (point & 0x3f));
  }
  return out;
}

size_t torpor__latin1_utf8_size(const void *text, size_t size) {
  size_t total = size, ascii = ascii_run(text, size);
  const uint8_t *in = (const uint8_t *)text + ascii;
  size -= ascii;
  for (; size >= 8; size -= 8, in += 8) {
    uint64_t high = (load(in) & HIGH_BITS) >> 7; /* 1 in each such byte */
    total += (size_t)(high * UINT64_C(0x0101010101010101) >> 56);
  }
  for (size_t i = 0; i < size; i++) total += in[i] >> 7;
  return total;
}

/* Eight bytes; also writes one byte behind what it takes. */
static uint8_t *put_eight(uint8_t *out, const uint8_t *in) {
  if (!(load(in) & HIGH_BITS)) {
    memcpy(out, in, 8);
    return out + 8;
  }
  for (size_t i = 0; i < 8; i++) {
    uint8_t byte = in[i], high = byte >> 7;
    out[0] = high ? (uint8_t)(0xc0 | byte >> 6) : byte;
    out[1] = (uint8_t)(0x80 | (byte & 0x3f));
    out += 1 + high;
  }
  return out;
}

void torpor__latin1_to_utf8(const void *text, size_t size, uint8_t *out) {
  const uint8_t *in = text;
  for (; size > 8; size -= 8, in += 8) out = put_eight(out, in);
  for (size_t i = 0; i < size; i++) out = put_point(out, in[i]);
}

/* The code point at '*at', which moves on; a lone surrogate as it is. */
static uint32_t next_point(const uint8_t *units, size_t count, size_t *at) {
  uint32_t first = unit_at(units, (*at)++), second;
  if (first < 0xd800 || first > 0xdbff || *at == count) return first;
  second = unit_at(units, *at);
  if (second < 0xdc00 || second > 0xdfff) return first;
  ++*at;
  return 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff));
}

/* How many of the first units are ASCII. */
static size_t ascii_units(const uint8_t *units, size_t count) {
  size_t at = 0;
  while (count - at >= 4 && !(load(units + at * 2) & NOT_ASCII_UNITS)) at += 4;
  while (at < count && unit_at(units, at) < 0x80) at++;
  return at;
}

/* U+FFFD takes as many bytes as a surrogate. */
size_t torpor__utf16_utf8_size(const void *units, size_t count) {
  size_t at = 0, total = 0;
  while (at < count) {
    size_t run = ascii_units((const uint8_t *)units + at * 2, count - at);
    at += run;
    total += run;
    while (at < count && unit_at(units, at) >= 0x80) {
      uint32_t point = next_point(units, count, &at);
      total += point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    }
  }
  return total;
}

void torpor__utf16_to_utf8(const void *units, size_t count, bool lone,
                           uint8_t *out) {
  size_t at = 0;
  while (at < count) {
    size_t run = ascii_units((const uint8_t *)units + at * 2, count - at);
    torpor__utf16_to_latin1((const uint8_t *)units + at * 2, run, out);
    at += run;
    out += run;
    while (at < count && unit_at(units, at) >= 0x80) {
      uint32_t point = next_point(units, count, &at);
      if (!lone && point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT;
      out = put_point(out, point);
    }
  }
}

/* ---- From UTF-8 -----------------------------------------------------------*/

/* What the second byte may be after 'first', as table 3-7 of the Unicode
 * Standard says; with 'lone', a surrogate's too. */
static bool fits_second(uint8_t first, uint8_t second, bool lone) {
  uint8_t low = 0x80, high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xf0) low = 0x90;
  if (first == 0xed && !lone) high = 0x9f;
  if (first == 0xf4) high = 0x8f;
  return second >= low && second <= high;
}

/* The code point at '*at', which is not ASCII; '*at' moves on. */
static uint32_t decode_point(const uint8_t *text, size_t size, size_t *at,
                             bool lone) {
  uint8_t first = text[(*at)++];
  uint32_t point;
  int more;
  if (first < 0xc2 || first > 0xf4) return REPLACEMENT;
  more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  point = first & (0x3fu >> more);
  if (*at == size || !fits_second(first, text[*at], lone)) return REPLACEMENT;
  point = point << 6 | (text[(*at)++] & 0x3f);
  while (--more > 0) {
    if (*at == size || (text[*at] & 0xc0) != 0x80) return REPLACEMENT;
    point = point << 6 | (text[(*at)++] & 0x3f);
  }
  return point;
}

torpor__text_shape torpor__utf8_shape(const void *text, size_t size,
                                      bool lone) {
  const uint8_t *in = text;
  torpor__text_shape shape = {0, false};
  size_t at = 0;
  while (at < size) {
    size_t run = ascii_run(in + at, size - at);
    at += run;
    shape.units += run;
    while (at < size && in[at] >= 0x80) {
      uint32_t point = decode_point(in, size, &at, lone);
      shape.units += point < 0x10000 ? 1 : 2;
      shape.wide |= point > 0xff;
    }
  }
  return shape;
}

void torpor__utf8_to_latin1(const void *text, size_t size, uint8_t *out) {
  const uint8_t *in = text;
  size_t at = 0;
  while (at < size) {
    size_t run = ascii_run(in + at, size - at);
    memcpy(out, in + at, run);
    at += run;
    out += run;
    while (at < size && in[at] >= 0x80)
      *out++ = (uint8_t)decode_point(in, size, &at, false);
  }
}

static uint8_t *put_utf16(uint8_t *out, uint32_t point) {
  if (point < 0x10000) return put_unit(out, point);
  out = put_unit(out, 0xd800 + ((point - 0x10000) >> 10));
  return put_unit(out, 0xdc00 | (point & 0x3ff));
}

void torpor__utf8_to_utf16(const void *text, size_t size, bool lone,
                           uint8_t *out) {
  const uint8_t *in = text;
  size_t at = 0;
  while (at < size) {
    size_t run = ascii_run(in + at, size - at);
    torpor__latin1_to_utf16(in + at, run, out);
    at += run;
    out += run * 2;
    while (at < size && in[at] >= 0x80)
      out = put_utf16(out, decode_point(in, size, &at, lone));
  }
}

/* ---- Between the other two ------------------------------------------------*/

/* Four units, or bytes, at a time; the first is the lowest. */

void torpor__utf16_to_latin1(const void *units, size_t count, uint8_t *out) {
  const uint8_t *in = units;
  for (; count >= 4; count -= 4, in += 8, out += 4) {
    uint64_t word = load(in) & UINT64_C(0x00ff00ff00ff00ff);
    uint32_t bytes;
    word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
    bytes = (uint32_t)(word | word >> 16);
    memcpy(out, &bytes, sizeof(bytes));
  }
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)unit_at(in, i);
}

void torpor__latin1_to_utf16(const void *text, size_t size, uint8_t *out) {
  const uint8_t *in = text;
  for (; size >= 4; size -= 4, in += 4, out += 8) {
    uint32_t bytes;
    uint64_t word;
    memcpy(&bytes, in, sizeof(bytes));
    word = (bytes | (uint64_t)bytes << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    memcpy(out, &word, sizeof(word));
  }
  for (size_t i = 0; i < size; i++) put_unit(out + i * 2, in[i]);
}
