/* SPDX-License-Identifier: MIT */
/* utf8.c - checking and writing UTF-8. See utf8.h. */
#include "common/utf8.h"

#include <string.h>

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

/* How many bytes at 'text' are ASCII, counted by eights as far as all are. */
static size_t count_ascii(const uint8_t *text, size_t size) {
  size_t count = 0;
  for (; size - count >= 8; count += 8) {
    uint64_t eight;
    memcpy(&eight, text + count, sizeof(eight));
    if (eight & UINT64_C(0x8080808080808080)) break;
  }
  return count;
}

bool torpor__utf8_valid(const void *text, size_t size) {
  const uint8_t *bytes = text;
  size_t at = count_ascii(bytes, size), step;
  for (; at < size; at += step) {
    step = torpor__utf8_step(bytes + at, size - at);
    if (step == 0) return false;
    if (step == 1) step += count_ascii(bytes + at + 1, size - at - 1);
  }
  return true;
}

/* Whether three bytes at 'text' are a surrogate. */
static bool is_surrogate(const uint8_t *text, size_t size) {
  return size >= 3 && text[0] == 0xed && text[1] >= 0xa0 && text[1] <= 0xbf &&
         (text[2] & 0xc0) == 0x80;
}

bool torpor__wtf8_valid(const void *text, size_t size) {
  const uint8_t *bytes = text;
  size_t step;
  for (size_t at = 0; at < size; at += step) {
    step = torpor__utf8_step(bytes + at, size - at);
    if (step == 0 && is_surrogate(bytes + at, size - at)) step = 3;
    if (step == 0) return false;
  }
  return true;
}

size_t torpor__utf8_put(uint8_t *to, uint32_t point) {
  size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  if (size == 1) {
    to[0] = (uint8_t)point;
    return 1;
  }
  for (size_t i = size - 1; i > 0; i--, point >>= 6)
    to[i] = (uint8_t)(0x80 | (point & 0x3f));
  to[0] = (uint8_t)(0xf00u >> size | point);
  return size;
}
