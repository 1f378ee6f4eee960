/* SPDX-License-Identifier: MIT */
/* checkpoint.h - opening a state in the store so that a run can go on from it.
 *
 * The states that lead to it become one whole snapshot; what it waits for is
 * read from the VM that sleeps in it, whose engine must be here for that.
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_CHECKPOINT_H
#define TORPOR_RUN_CHECKPOINT_H

#include "branch.h"
#include "store.h"
#include "state-chain.h"

/* Of what an exported run says beside its snapshot. */
enum { TORPOR__EXPORT_VERSION = 1 };

/* For branch.h; 'user' is the store. */
struct torpor__checkpoint_reader torpor__checkpoint_reader(torpor_store *store);

/* The state of 'chain' as one whole snapshot. */
torpor_status torpor__checkpoint_merge(torpor_store *store,
                                       const struct torpor__state_chain *chain,
                                       torpor_vm *vm, torpor_bytes *out);

/* Makes 'out' of a VM that was just opened: its snapshot, engine and what it
 * waits for; step and branch are the caller's to say. The reader closes it. */
torpor_status torpor__checkpoint_take(torpor_store *store, torpor_vm *vm,
                                      struct torpor__checkpoint *out);

/* Opens the VM of 'chain' to look at it, with no limits of the run's. */
torpor_status torpor__checkpoint_wake(torpor_store *store,
                                      const struct torpor__state_chain *chain,
                                      torpor_vm **vm);

#endif
