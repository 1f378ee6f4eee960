/* SPDX-License-Identifier: MIT */
/* process-memory.h - how much memory a worker may take, and how much it takes.
 *
 * What counts is the whole process, as the system sees it: VMs, states that are
 * about to be written, the store's cache. It is measured, since no sum of what
 * was asked for says what is resident.
 *
 * Any thread. */
#ifndef TORPOR_RUN_PROCESS_MEMORY_H
#define TORPOR_RUN_PROCESS_MEMORY_H

#include <stdint.h>

/* What a process may take unless its owner says, in bytes: the least limit of
 * its control groups, less an eighth as a reserve; where there is none, three
 * quarters of the machine's memory. */
uint64_t torpor__process_memory_default(void);

/* Bytes that are resident now; 0 when the system does not tell. */
uint64_t torpor__process_memory_used(void);

/* Gives back to the system what was freed. */
void torpor__process_memory_trim(void);

#endif
