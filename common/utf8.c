/* SPDX-License-Identifier: MIT */
/* utf8.c - checking UTF-8. See utf8.h. */
#include "common/utf8.h"

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

bool torpor__utf8_valid(const void *text, size_t size) {
  size_t step;
  for (size_t at = 0; at < size; at += step) {
    step = torpor__utf8_step((const uint8_t *)text + at, size - at);
    if (step == 0) return false;
  }
  return true;
}
