/* SPDX-License-Identifier: MIT */
/* field.h - single values out of an operation's request.
 *
 * A request is an object that guest code made, so nothing about it is certain:
 * what is missing or of another type is as if it were not there.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_FIELD_H
#define TORPOR_LOOP_FIELD_H

#include "torpor-loop.h"

/* The text under 'key', which the caller frees; NULL: there is none, it has
 * U+0000 in it, or memory ran out. */
char *torpor__field_text(const torpor_operation *operation, const char *key);

/* The number under 'key'; false: there is none, or it is not finite. */
bool torpor__field_number(const torpor_operation *operation, const char *key,
                          double *out);

/* The count under 'key', a whole number up to 2^53; 'otherwise': there is none.
 */
uint64_t torpor__field_count(const torpor_operation *operation, const char *key,
                             uint64_t otherwise);

/* The count before which 'reader' stands, likewise. */
uint64_t torpor__field_here(torpor_reader *reader, uint64_t otherwise);

/* Whether 'key' is there and true. */
bool torpor__field_flag(const torpor_operation *operation, const char *key);

#endif
