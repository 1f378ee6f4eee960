/* SPDX-License-Identifier: MIT */
/* identify.h - the id of a snapshot that does not lie in one piece. */
#ifndef TORPOR_VM_IDENTIFY_H
#define TORPOR_VM_IDENTIFY_H

#include "torpor.h"

/* As torpor_snapshot_identify, of the parts one after another. */
torpor_status torpor__identify_parts(const torpor_slice *parts, size_t count,
                                     uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);

#endif
