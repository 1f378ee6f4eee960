/* SPDX-License-Identifier: MIT */
/* runs.h - how a snapshot keeps what differs in memory: as runs.
 *
 * A run is a stretch of bytes to be put over the baseline. In order of
 * addresses, each is
 *
 *     varint gap       bytes between the end of the last run (first: 0) and it
 *     varint n         2 * length, plus 1 when all its bytes are zero
 *     length bytes     unless they are all zero
 *
 * with varints of seven bits, the lowest first, as in LEB128. Runs that lie
 * closer than TORPOR__RUN_GAP are one. */
#ifndef TORPOR_VM_RUNS_H
#define TORPOR_VM_RUNS_H

#include "vm/vm.h"

#define TORPOR__RUN_GAP 16

/* Goes over runs, one by one; begins with 'at' and 'end' set. */
typedef struct torpor__run_reader {
  const uint8_t *at, *end;
  bool heads_alone; /* the runs have no bytes, only what stands before them */
  const uint8_t *head,
      *content; /* of the run: where it begins, and its bytes */
  uint64_t address, length;
  bool is_zero;
} torpor__run_reader;
/* Reads the next run. false: there is none, which is good when 'at' is 'end'.
 * Nothing is known of its address and length but that its bytes are there. */
bool torpor__runs_next(torpor__run_reader *reader);

/* Calls 'put' for each run in 'data', in order; 'bytes' is NULL for zeros.
 * Gives what 'put' gives when that is not OK; FORMAT when a run reaches beyond
 * 'memory' bytes, or into what snapshots of VMs of 'image' leave out. */
typedef torpor_status torpor__put_fn(void *user, uint32_t start, uint32_t size,
                                     const uint8_t *bytes);
torpor_status torpor__runs_read(const torpor__image *image, uint64_t memory,
                                const uint8_t *data, size_t size,
                                torpor__put_fn *put, void *user);

#endif
