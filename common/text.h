/* SPDX-License-Identifier: MIT */
/* text.h - text between UTF-8 and what JavaScript engines hold: Latin-1, and
 * UTF-16 whose surrogates need not be paired.
 *
 * Runs of ASCII, which is most text, are copied eight bytes at a time or whole.
 * What is not well-formed UTF-8 becomes U+FFFD in the way of the web: one for
 * each maximal part of a character (as TextDecoder does). *Lone* says that a
 * surrogate without its other half is kept as three bytes ("WTF-8"); else it
 * becomes U+FFFD, too.
 *
 * UTF-16 is in the order of this machine and may lie at any address.
 *
 * No state; any thread. */
#ifndef TORPOR_COMMON_TEXT_H
#define TORPOR_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool torpor__text_is_ascii(const void *text, size_t size);
/* Whether none of 'count' units is above 0xff. */
bool torpor__text_is_narrow(const void *units, size_t count);

/* ---- To UTF-8: how many bytes it takes, and writing them ------------------*/

size_t torpor__latin1_utf8_size(const void *text, size_t size);
void torpor__latin1_to_utf8(const void *text, size_t size, uint8_t *out);
size_t torpor__utf16_utf8_size(const void *units, size_t count);
void torpor__utf16_to_utf8(const void *units, size_t count, bool lone,
                           uint8_t *out);

/* ---- From UTF-8 -----------------------------------------------------------*/

typedef struct torpor__text_shape {
  size_t units; /* of UTF-16, or bytes of Latin-1 */
  bool wide;    /* needs UTF-16 */
} torpor__text_shape;

torpor__text_shape torpor__utf8_shape(const void *text, size_t size, bool lone);
/* Writes as many bytes, or units, as the shape of 'text' says. */
void torpor__utf8_to_latin1(const void *text, size_t size, uint8_t *out);
void torpor__utf8_to_utf16(const void *text, size_t size, bool lone,
                           uint8_t *out);

/* ---- Between the other two ------------------------------------------------*/

void torpor__utf16_to_latin1(const void *units, size_t count, uint8_t *out);
void torpor__latin1_to_utf16(const void *text, size_t size, uint8_t *out);

#endif
