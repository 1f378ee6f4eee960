/* SPDX-License-Identifier: MIT */
/* standard.h - descriptors 0, 1 and 2 of a world that has standard streams. */
#ifndef TORPOR_LOOP_STANDARD_H
#define TORPOR_LOOP_STANDARD_H

#include "loop/descriptor.h"

enum { TORPOR__STANDARD_COUNT = 3 };

/* Opens descriptor 'number' in 'world', where it is not open. NULL: it cannot
 * be. */
struct torpor__descriptor *torpor__standard_open(torpor_world *world,
                                                 int number);

/* Writes to standard output (1) or error (2), in order with what the console
 * has written. 0, or a negated errno. */
int torpor__standard_write(const torpor_world *world, int stream,
                           const void *data, size_t size);

#endif
