/* SPDX-License-Identifier: MIT */
/* changes.h - what of a VM's memory differs from its baseline, as runs. */
#ifndef TORPOR_VM_CHANGES_H
#define TORPOR_VM_CHANGES_H

#include "common/buffer.h"
#include "vm/format/checksum.h"
#include "vm/format/pieces.h"
#include "vm/vm.h"

/* Adds the runs of 'vm' to 'out': against the baseline of its engine, or
 * against the state that it remembers. A large one is written whole as fast as
 * it can be copied, and 'sum' follows, which begins behind what is in 'out', or
 * is NULL; else as few bytes are written as can be. */
void torpor__changes_write(torpor_vm *vm, torpor__buffer *out,
                           torpor__running_checksum *sum);
/* The same in pieces, of which the pages of a large one are lent by the VM: as
 * they are until it is entered or closed. */
void torpor__changes_lend(torpor_vm *vm, torpor__pieces *pieces);
void torpor__changes_write_since(torpor_vm *vm, torpor__buffer *out);

#endif
