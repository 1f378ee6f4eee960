/* SPDX-License-Identifier: MIT */
/* base.h - many VMs from one snapshot, and copies of a VM that goes on
 * living. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_BASE_H
#define TORPOR_PUBLIC_BASE_H

#include "snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A snapshot that is laid out in memory once. Any number of VMs can be opened
 * from it, each in a time that does not grow with its size; they share what
 * they do not write. Different threads may use one base at once. */
typedef struct torpor_base torpor_base;

/* Makes a base of 'chain', see torpor_snapshot_restore_chain. Of 'options' (may
 * be NULL) only memory_max and engine count.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_base_open(const torpor_slice *chain,
                                          size_t count,
                                          const torpor_options *options,
                                          torpor_base **out);
/* Closes a base. VMs that were opened from it live on.
 * [any thread] */
TORPOR_API void torpor_base_close(torpor_base *base);

/* Opens a VM from 'base' and the differences 'deltas' (may be none) that
 * continue it; otherwise as torpor_snapshot_restore_chain.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_base_restore(torpor_base *base,
                                             const torpor_slice *deltas,
                                             size_t count,
                                             const torpor_options *options,
                                             torpor_vm **out);

/* Makes a copy of 'vm', which goes on living. In the copy handles are gone and
 * host functions have to be bound again; operations are pending in both.
 * Cheaper than saving and restoring. The copy is told that it is one when it is
 * first entered. 'options' NULL: the original's limits, zone_is, omit, stack
 * and collect, but none of its callbacks. TORPOR_BUSY while guest code is on
 * the stack.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_vm_fork(torpor_vm *vm,
                                        const torpor_options *options,
                                        torpor_vm **out);

/* Seeds Math.random from the host's randomness, so that copies draw different
 * numbers.
 * [fails] */
TORPOR_API torpor_status torpor_vm_reseed(torpor_vm *vm);

#ifdef __cplusplus
}
#endif

#endif
