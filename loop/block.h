/* SPDX-License-Identifier: MIT */
/* block.h - waiting at once, with a program on the stack, as plain scripts may.
 *
 * The system's own calls would wait through a signal that stops the loop, or
 * through another thread's stopping it. These look in between, LOOK_MS apart at
 * most, and then end with -ECANCELED.
 *
 * Runs on the loop's thread. */
#ifndef TORPOR_LOOP_BLOCK_H
#define TORPOR_LOOP_BLOCK_H

#include "loop/loop.h"

/* Waits 'ms' milliseconds. 0 or -ECANCELED. */
int torpor__block_sleep(const torpor_loop *loop, double ms);

/* Waits for one of poll's 'events' on 'file'. 0 or -ECANCELED. */
int torpor__block_poll(const torpor_loop *loop, int file, short events);

/* Reads what there is, at most 'size' bytes; with 'wait' at least one, or the
 * end. A negated errno; -EAGAIN without 'wait'. */
int64_t torpor__block_read(const torpor_loop *loop, int file, void *data,
                           size_t size, bool wait);

/* Writes; with 'wait' all of it. How many bytes, or a negated errno. */
int64_t torpor__block_write(const torpor_loop *loop, int file, const void *data,
                            size_t size, bool wait);

/* Waits for the end of our child 'process', and does not reap it. 1: 'status'
 * is what waitpid(2) would say; 0 without 'wait': it runs; or a negated errno.
 */
int torpor__block_child(const torpor_loop *loop, int process, bool wait,
                        int *status);

#endif
