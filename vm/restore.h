/* SPDX-License-Identifier: MIT */
/* restore.h - laying snapshots out as images, and opening VMs from those. */
#ifndef TORPOR_VM_RESTORE_H
#define TORPOR_VM_RESTORE_H

#include "vm/vm.h"

/* The image that 'chain' makes, and the id of its last piece. */
torpor_status torpor__restore_image(const torpor_slice *chain, size_t count,
                                    const torpor_options *options,
                                    torpor__image **out,
                                    uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);

/* A sleeping VM of 'image', which snapshot 'id' made, and of the differences
 * from it. */
torpor_status torpor__restore_onto(torpor__image *image,
                                   const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE],
                                   const torpor_slice *deltas, size_t count,
                                   const torpor_options *options,
                                   torpor_vm **out);

#endif
