/* SPDX-License-Identifier: MIT */
/* limit.h - how long guest code may run: fuel, deadline, interrupts.
 * Included by torpor.h. */
#ifndef TORPOR_PUBLIC_LIMIT_H
#define TORPOR_PUBLIC_LIMIT_H

#include "vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fuel counts what running code does (calls, ends of loops, steps of regular
 * expressions by 10,000; in built-ins elements, or 128 bytes that they read or
 * write: docs/embedding.md has a table) and is the same on every host. When
 * fuel is used up, guest code is interrupted. Stays in force until set again;
 * 0: no limit.
 * [-] */
TORPOR_API void torpor_vm_set_fuel(torpor_vm *vm, uint64_t fuel);
/* What is left; 0: no limit, or used up.
 * [-] */
TORPOR_API uint64_t torpor_vm_fuel(const torpor_vm *vm);

/* True when the VM trapped because it ran out of memory_max where no error
 * could be thrown.
 * [-] */
TORPOR_API bool torpor_vm_exhausted(const torpor_vm *vm);

/* Interrupts each outermost call into the VM after 'ms' milliseconds, together
 * with the VMs that its host functions run. Guest code looks at the deadline
 * once for 10,000 of fuel; if it does not, as in some built-ins, it is trapped
 * once it has computed for TORPOR_WATCHDOG_GRACE_MS more. 0: no deadline.
 * [-] */
TORPOR_API void torpor_vm_set_deadline(torpor_vm *vm, uint64_t ms);
#define TORPOR_WATCHDOG_GRACE_MS 100
/* True when the VM trapped for that, or reached its deadline in an extension,
 * whose C code cannot be unwound.
 * [-] */
TORPOR_API bool torpor_vm_timed_out(const torpor_vm *vm);

/* Interrupts the guest code that is running, or else the next that will. Only
 * while the VM is certainly open.
 * [any thread] */
TORPOR_API void torpor_vm_interrupt(torpor_vm *vm);

/* The same where another thread may close the VM: a stop belongs to one VM and
 * outlives it. Close it. */
typedef struct torpor_stop torpor_stop;
/* Makes a stop for 'vm'.
 * [fails] */
TORPOR_API torpor_status torpor_stop_open(torpor_vm *vm, torpor_stop **out);
/* Interrupts its VM as torpor_vm_interrupt does. False: that is closed, and
 * nothing was done, whoever has its memory now.
 * [any thread] */
TORPOR_API bool torpor_stop_request(torpor_stop *stop);
/* Frees the stop, not its VM.
 * [any thread] */
TORPOR_API void torpor_stop_close(torpor_stop *stop);

#ifdef __cplusplus
}
#endif

#endif
