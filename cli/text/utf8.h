/* SPDX-License-Identifier: MIT */
/* utf8.h - texts that somebody else made, a character at a time, as a terminal
 * shows them. */
#ifndef TORPOR_CLI_UTF8_H
#define TORPOR_CLI_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct cli_character {
  size_t size;  /* in bytes; 1 for a byte that is no UTF-8 */
  bool valid;   /* false: such a byte */
  bool control; /* U+0000 to U+001F, U+007F to U+009F */
  bool turns;   /* ends a line, or turns the direction of what is around it */
  unsigned columns; /* 0 to 2: what a terminal gives it; 1 for what is shown as
                       something else, as the members above say */
};

/* What 'text', of 'size' bytes and not empty, begins with. */
struct cli_character cli_utf8_read(const char *text, size_t size);

/* How many columns of a terminal it takes. */
size_t cli_utf8_columns(const char *text, size_t size);

/* How many bytes of it take at most 'most' columns. */
size_t cli_utf8_fit(const char *text, size_t size, size_t most);

#endif
