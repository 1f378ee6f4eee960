/* SPDX-License-Identifier: MIT */
/* utf8.c - texts that somebody else made. See utf8.h.
 *
 * How wide a character is the C library knows, in a locale whose characters are
 * those of Unicode. The locale of the process stays as it is. */
#define _GNU_SOURCE /* wcwidth */
#include "cli/text/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <wchar.h>

#include "common/utf8.h"

static locale_t unicode; /* (locale_t)0: there is none */

static void open_locale(void) {
  unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* What the C library has no width for counts as one. */
static unsigned columns_of(uint32_t point) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, open_locale);
  if (unicode == (locale_t)0) return 1;
  locale_t former = uselocale(unicode);
  int width = wcwidth((wchar_t)point);
  uselocale(former);
  return width < 0 ? 1 : (unsigned)width;
}

/* The code point of a well-formed character of 'size' bytes. */
static uint32_t decode(const uint8_t *byte, size_t size) {
  uint32_t point = size == 1 ? byte[0] : byte[0] & (0x7fu >> size);
  for (size_t i = 1; i < size; i++) point = point << 6 | (byte[i] & 0x3f);
  return point;
}

/* Separators of lines, and what sets the direction of text. */
static bool is_turning(uint32_t point) {
  return (point >= 0x2028 && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

struct cli_character cli_utf8_read(const char *text, size_t size) {
  const uint8_t *byte = (const uint8_t *)text;
  struct cli_character character = {.size = 1, .columns = 1};
  size_t length = torpor__utf8_step(byte, size);
  if (length == 0) return character;
  uint32_t point = decode(byte, length);
  character.size = length;
  character.valid = true;
  character.control = point < 0x20 || (point >= 0x7f && point < 0xa0);
  character.turns = is_turning(point);
  if (point >= 0xa0 && !character.turns) character.columns = columns_of(point);
  return character;
}

size_t cli_utf8_columns(const char *text, size_t size) {
  size_t columns = 0;
  for (size_t at = 0; at < size;) {
    struct cli_character next = cli_utf8_read(text + at, size - at);
    columns += next.columns;
    at += next.size;
  }
  return columns;
}

size_t cli_utf8_fit(const char *text, size_t size, size_t most) {
  size_t at = 0, columns = 0;
  while (at < size) {
    struct cli_character next = cli_utf8_read(text + at, size - at);
    columns += next.columns;
    if (columns > most) break;
    at += next.size;
  }
  return at;
}
