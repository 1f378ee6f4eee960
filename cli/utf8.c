/* SPDX-License-Identifier: MIT */
/* utf8.c - texts that somebody else made, a character at a time.
 *
 * Well-formed is what table 3-7 of the Unicode Standard lists: no surrogates,
 * no more bytes than are needed, nothing above U+10FFFF. */
#include "utf8.h"

/* Bytes of the character that begins with 'first'; 0: none does. */
static size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/* Whether 'second' may follow 'first' in a character of several bytes. */
static bool follows(unsigned char first, unsigned char second) {
  unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most;
}

struct cli_character cli_utf8_read(const char *text, size_t size) {
  const unsigned char *byte = (const unsigned char *)text;
  struct cli_character none = {.size = 1};
  size_t length = length_of(byte[0]);
  if (length == 0 || length > size) return none;
  if (length > 1 && !follows(byte[0], byte[1])) return none;
  for (size_t i = 2; i < length; i++)
    if ((byte[i] & 0xc0) != 0x80) return none;
  bool control =
      byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);
  return (struct cli_character){length, true, control};
}
