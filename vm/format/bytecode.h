/* SPDX-License-Identifier: MIT */
/* bytecode.h - what is put around an engine's bytecode. */
#ifndef TORPOR_VM_BYTECODE_H
#define TORPOR_VM_BYTECODE_H

#include "vm/vm.h"

/* Puts a header before 'inner', which the engine of 'vm' wrote for code with
 * TORPOR_ABI_EVAL_ 'flags'. */
torpor_status torpor__bytecode_wrap(torpor_vm *vm, uint32_t flags,
                                    const torpor_bytes *inner,
                                    torpor_bytes *out);
/* Checks 'data' and gives what is in it: FORMAT, NEWER, ENGINE, CHECKSUM. */
torpor_status torpor__bytecode_open(torpor_vm *vm, const void *data,
                                    size_t size, uint32_t *flags,
                                    torpor_slice *inner);

#endif
