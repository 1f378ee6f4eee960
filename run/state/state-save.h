/* SPDX-License-Identifier: MIT */
/* state-save.h - saving the VM of a run, for a store or for travelling. */
#ifndef TORPOR_RUN_STATE_SAVE_H
#define TORPOR_RUN_STATE_SAVE_H

#include "torpor.h"

/* A state for a store, with 'flags' of torpor_save: packed by the calling
 * thread alone, since a worker's others have runs of their own. */
torpor_status torpor__state_save(torpor_vm *vm, unsigned flags,
                                 torpor_bytes *out);

/* A state that is exported, with where its functions wait. Packed on several
 * threads: someone waits for it. */
torpor_status torpor__state_save_export(torpor_vm *vm, torpor_bytes *out);

#endif
