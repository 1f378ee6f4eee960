/* SPDX-License-Identifier: MIT */
/* restore.h - making images of snapshots, and opening VMs from those. */
#ifndef TORPOR_VM_RESTORE_H
#define TORPOR_VM_RESTORE_H

#include "vm/vm.h"

/* The image that 'chain' makes, and the id of its last piece. */
torpor_status torpor__restore_image(const torpor_slice *chain, size_t count,
                                    const torpor_options *options,
                                    torpor__image **out,
                                    uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);

/* A sleeping VM of 'image', which was made of the snapshot with this 'id', and
 * of the differences that follow that. */
torpor_status torpor__restore_onto(torpor__image *image,
                                   const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE],
                                   const torpor_slice *deltas, size_t count,
                                   const torpor_options *options,
                                   torpor_vm **out);

#endif
