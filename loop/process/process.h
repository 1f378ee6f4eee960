/* SPDX-License-Identifier: MIT */
/* process.h - programs that run outside, as descriptors (process.c). */
#ifndef TORPOR_LOOP_PROCESS_H
#define TORPOR_LOOP_PROCESS_H

#include "loop/descriptor.h"

/* Starts a process with 'options', whose 'exit_cb' is set here, and gives its
 * number in the system. NULL: 'failure' is what libuv says. */
struct torpor__descriptor *torpor__process_open(torpor_loop *loop,
                                                uv_process_options_t *options,
                                                int *pid, int *failure);
/* Ends one that is in no world yet. */
void torpor__process_discard(struct torpor__descriptor *process);

/* Whether the process of that descriptor has ended; with 'wait' when it has. 1:
 * how; 0: it runs; or a negated errno. */
int torpor__process_wait(torpor_world *world, uint64_t number, bool wait,
                         int *code, int *signal);

/* Does what 'task', "process-signal" {fd, signal}, asks for. */
void torpor__process_signal(torpor_task *task);

#endif
