/* SPDX-License-Identifier: MIT */
/* stat-write.h - what is known of a file, as the result of an operation.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_STAT_WRITE_H
#define TORPOR_LOOP_STAT_WRITE_H

#include "loop/files/disk-verbs.h"
#include "torpor-loop.h"

/* A tree {kind, size, mode...} of 'stat' in a new writer, which the caller
 * closes. 0 or -ENOMEM. */
int torpor__stat_write(const struct torpor__disk_stat *stat,
                       torpor_writer **out);

#endif
