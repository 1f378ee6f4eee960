/* SPDX-License-Identifier: MIT */
/* sweep.h - removing the rows of runs that are gone, in pieces.
 *
 * A run that was taken away (run_remove of database.h) has left most of its
 * rows behind, where they are in nobody's way. Who took it away removes them;
 * should its process die, then the next one that opens the store for writing.
 *
 * On the thread of the database. */
#ifndef TORPOR_RUN_SWEEP_H
#define TORPOR_RUN_SWEEP_H

#include "run/database/database.h"

/* Bytes of states, and a KiB for each row, that one transaction removes: other
 * writers wait no longer than for that. */
#define TORPOR__SWEEP_PIECE (INT64_C(4) << 20)

/* Sleeps as long as the piece took that was begun at 'begun_us', by
 * torpor__clock_us: who waits to write is not asked in turn, and would find the
 * moment between two pieces by chance only. */
void torpor__sweep_pause(double begun_us);

/* Removes all that is left of these runs, whose locks the caller has. OK, or
 * what the database says. */
torpor_status torpor__sweep(struct torpor__database *database,
                            const int64_t *runs, size_t count);

/* Removes what processes that are gone have left of runs; what goes wrong is
 * for the next one that does this. */
void torpor__sweep_leftovers(struct torpor__database *database);

#endif
