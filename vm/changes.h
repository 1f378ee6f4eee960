/* SPDX-License-Identifier: MIT */
/* changes.h - what of a VM's memory differs from its baseline, as runs.
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
#ifndef TORPOR_VM_CHANGES_H
#define TORPOR_VM_CHANGES_H

#include "vm/buffer.h"
#include "vm/vm.h"

#define TORPOR__RUN_GAP 16

/* Adds the runs of 'vm' to 'out'. */
void torpor__changes_write(torpor_vm *vm, torpor__buffer *out);

/* Puts the runs in 'data' over the memory of 'vm', which is that of the
 * baseline. FORMAT, NOMEM; then some may have been put. */
torpor_status torpor__changes_read(torpor_vm *vm, const uint8_t *data,
                                   size_t size);

#endif
