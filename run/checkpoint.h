/* SPDX-License-Identifier: MIT */
/* checkpoint.h - reading a state from the store so that a run can go on from
 * it.
 *
 * A state that is a difference is merged with those before it into one whole
 * snapshot. What it waits for is read from a VM that is restored from it; so
 * its engine must be here.
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_CHECKPOINT_H
#define TORPOR_RUN_CHECKPOINT_H

#include "run/branch.h"
#include "run/state/state-chain.h"
#include "run/store.h"

/* Version of what an exported run has beside its snapshot. */
enum { TORPOR__EXPORT_VERSION = 1 };

/* For branch.h; 'user' is the store. */
struct torpor__checkpoint_reader torpor__checkpoint_reader(torpor_store *store);

/* The state of 'chain' as one whole snapshot. */
torpor_status torpor__checkpoint_merge(torpor_store *store,
                                       const struct torpor__state_chain *chain,
                                       torpor_vm *vm, torpor_bytes *out);

/* Fills 'out' from a VM that was just restored: snapshot, engine, operations.
 * Step and branch are the caller's to fill in. The reader closes it. */
torpor_status torpor__checkpoint_take(torpor_store *store, torpor_vm *vm,
                                      struct torpor__checkpoint *out);

/* Restores a VM from 'chain' to look at it, without the run's limits. */
torpor_status torpor__checkpoint_wake(torpor_store *store,
                                      const struct torpor__state_chain *chain,
                                      torpor_vm **vm);

#endif
