/* SPDX-License-Identifier: MIT */
/* utf8.h - texts that somebody else made, a character at a time. */
#ifndef TORPOR_CLI_UTF8_H
#define TORPOR_CLI_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct cli_character {
  size_t size;  /* in bytes; 1 for a byte that is no UTF-8 */
  bool valid;   /* false: such a byte */
  bool control; /* U+0000 to U+001F, U+007F to U+009F */
};

/* What 'text', of 'size' bytes and not empty, begins with. */
struct cli_character cli_utf8_read(const char *text, size_t size);

/* How many characters there are: columns, if each takes one. */
size_t cli_utf8_count(const char *text, size_t size);

#endif
