/* SPDX-License-Identifier: MIT */
/* process.h - what others ask about programs that run outside (process.c). */
#ifndef TORPOR_LOOP_PROCESS_H
#define TORPOR_LOOP_PROCESS_H

#include "descriptor.h"

/* Whether the process of that descriptor has ended; with 'wait' when it has. 1:
 * how; 0: it runs; or a negated errno. */
int torpor__process_wait(torpor_world *world, uint64_t number, bool wait,
                         int *code, int *signal);

#endif
