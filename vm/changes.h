/* SPDX-License-Identifier: MIT */
/* changes.h - what of a VM's memory differs from its baseline, as runs. */
#ifndef TORPOR_VM_CHANGES_H
#define TORPOR_VM_CHANGES_H

#include "common/buffer.h"
#include "vm/vm.h"

/* Adds the runs of 'vm' to 'out': against the baseline of its engine, or
 * against the state that it remembers. 'fast': if it is large, whole pages, so
 * that it takes no longer than copying; else the fewest bytes. */
void torpor__changes_write(torpor_vm *vm, bool fast, torpor__buffer *out);
void torpor__changes_write_since(torpor_vm *vm, torpor__buffer *out);

#endif
