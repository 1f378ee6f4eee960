/* SPDX-License-Identifier: MIT */
/* inspect.h - what a VM holds, and where it waits. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_INSPECT_H
#define TORPOR_PUBLIC_INSPECT_H

#include "vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What 'vm' holds and where it waits, as CBOR (docs/inspect.md): suspended
 * functions, the heap by class, the largest objects and what holds them. It
 * looks at a copy and runs no code of the program. TORPOR_BUSY while guest code
 * is on the stack; TORPOR_LIMIT when there is too little memory for that;
 * TORPOR_FORMAT when the VM's memory contradicts itself.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_vm_inspect(torpor_vm *vm, torpor_bytes *out);

/* The places at which functions wait, as text for a sentence: "load
 * (app.js:12:3), main.js:4:1 and 3 more"; empty when none waits. Errors as
 * above.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_vm_waiting(torpor_vm *vm, torpor_bytes *out);

#ifdef __cplusplus
}
#endif

#endif
