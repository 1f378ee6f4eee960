/* SPDX-License-Identifier: MIT */
/* terminal.h - terminals of a program: their size, their mode. */
#ifndef TORPOR_LOOP_TERMINAL_H
#define TORPOR_LOOP_TERMINAL_H

#include "loop/descriptor.h"

/* The size in characters. 0, or a negated errno. */
int torpor__terminal_size(struct torpor__descriptor *descriptor, int *columns,
                          int *rows);

/* Gives the program each key as it is pressed, without echo; signals that keys
 * send still come. The world sets it back when it closes. 0, or a negated
 * errno. */
int torpor__terminal_raw(struct torpor__descriptor *descriptor);

/* Sets back what the world's program has changed. */
void torpor__terminals_restore(torpor_world *world);

#endif
