/* SPDX-License-Identifier: MIT */
/* limit.h - how long guest code may run: fuel, deadline, interrupts.
 * Included by torpor.h. */
#ifndef TORPOR_PUBLIC_LIMIT_H
#define TORPOR_PUBLIC_LIMIT_H

#include "vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fuel counts what running code does (calls, loop ends, steps of regular
 * expressions) and is the same on every host. When it is used up, guest code is
 * interrupted. Stays in force until set again; 0 means no limit.
 * [-] */
TORPOR_API void torpor_vm_set_fuel(torpor_vm *vm, uint64_t fuel);
/* What is left; 0: no limit, or used up.
 * [-] */
TORPOR_API uint64_t torpor_vm_fuel(const torpor_vm *vm);

/* True when the VM trapped because it ran out of memory_max where no error
 * could be thrown.
 * [-] */
TORPOR_API bool torpor_vm_exhausted(const torpor_vm *vm);
/* Interrupts each outermost entry into the VM after 'ms' milliseconds, together
 * with the VMs that its host functions run. Guest code that never polls is
 * trapped, once it has computed for TORPOR_WATCHDOG_GRACE_MS more. 0: no
 * deadline.
 * [-] */
TORPOR_API void torpor_vm_set_deadline(torpor_vm *vm, uint64_t ms);
#define TORPOR_WATCHDOG_GRACE_MS 100

/* Interrupts the guest code that is running; if none is, the next entry. From
 * any thread, while the VM is certainly open.
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
/* NULL is accepted.
 * [any thread] */
TORPOR_API void torpor_stop_close(torpor_stop *stop);

#ifdef __cplusplus
}
#endif

#endif
