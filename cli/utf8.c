/* SPDX-License-Identifier: MIT */
/* utf8.c - texts that somebody else made, a character at a time. */
#include "utf8.h"

#include "common/utf8.h"

struct cli_character cli_utf8_read(const char *text, size_t size) {
  const uint8_t *byte = (const uint8_t *)text;
  size_t length = torpor__utf8_step(byte, size);
  if (length == 0) return (struct cli_character){.size = 1};
  bool control =
      byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);
  return (struct cli_character){length, true, control};
}

size_t cli_utf8_count(const char *text, size_t size) {
  size_t count = 0;
  for (size_t at = 0; at < size; count++)
    at += cli_utf8_read(text + at, size - at).size;
  return count;
}
