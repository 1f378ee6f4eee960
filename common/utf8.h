/* SPDX-License-Identifier: MIT */
/* utf8.h - checking and writing UTF-8.
 *
 * Well-formed is what table 3-7 of the Unicode Standard lists: no surrogates,
 * no more bytes than are needed, nothing above U+10FFFF.
 *
 * No state; any thread. */
#ifndef TORPOR_COMMON_UTF8_H
#define TORPOR_COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of the well-formed character at 'text', of at most 'size' bytes; 0:
 * there is none. */
size_t torpor__utf8_step(const uint8_t *text, size_t size);
bool torpor__utf8_valid(const void *text, size_t size);
/* The same for text in which lone surrogates are written like characters. */
bool torpor__wtf8_valid(const void *text, size_t size);
/* Writes a code point, also that of a lone surrogate, to 'to'; gives how many
 * bytes that are, at most 4. */
size_t torpor__utf8_put(uint8_t *to, uint32_t point);

#endif
