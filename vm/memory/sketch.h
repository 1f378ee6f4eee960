/* SPDX-License-Identifier: MIT */
/* sketch.h - a stored snapshot without the bytes of memory that it holds.
 *
 * Those lie in the image that was made of it. So the snapshot's id, which takes
 * longer to make than all else that waking needs, can be made when it is asked
 * for, though the snapshot's own bytes are gone. */
#ifndef TORPOR_VM_SKETCH_H
#define TORPOR_VM_SKETCH_H

#include "vm/vm.h"

typedef struct torpor__sketch torpor__sketch;

/* The sketch of 'snapshot', in which the runs 'runs' lie; to be freed by
 * torpor__alloc_free. NULL: it would be large, or there is no memory. */
torpor__sketch *torpor__sketch_new(const torpor_slice *snapshot,
                                   const uint8_t *runs, size_t size);

/* The id of the snapshot that was put into 'memory'. */
torpor_status torpor__sketch_identify(const torpor__sketch *sketch,
                                      const uint8_t *memory,
                                      uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);

#endif
