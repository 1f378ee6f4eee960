/* SPDX-License-Identifier: MIT */
/* manifest.h - the section of a snapshot that names its extensions. */
#ifndef TORPOR_VM_MANIFEST_H
#define TORPOR_VM_MANIFEST_H

#include "vm/extensions/linking.h"

void torpor__manifest_write(const torpor_vm *vm, torpor__buffer *out);

/* Reads a manifest, and finds what it names, for a VM of which the engine's own
 * function table has 'table_size' entries and which has 'memory' bytes. 'out'
 * is the caller's to free with torpor__alloc_free. FORMAT, EXTENSION, NOMEM,
 * with this thread's error. */
torpor_status torpor__manifest_read(const uint8_t *data, size_t size,
                                    uint32_t table_size, uint64_t memory,
                                    torpor__link_list **out);

#endif
