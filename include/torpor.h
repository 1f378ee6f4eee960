/* SPDX-License-Identifier: MIT */
/* torpor.h - a JavaScript VM that can be put to sleep and woken anywhere.
 *
 * A first program:
 *
 *   torpor_vm *vm;
 *   torpor_value answer;
 *   if (torpor_vm_open(NULL, &vm) != TORPOR_OK) return 1;
 *   if (torpor_eval(vm, "6 * 7", SIZE_MAX, "answer.js", TORPOR_SCRIPT,
 *                   &answer) == TORPOR_OK)
 *     printf("%g\n", torpor_value_number(answer));
 *   else
 *     fprintf(stderr, "%s\n", torpor_last_error(vm));
 *   torpor_vm_close(vm);
 *
 * Under valgrind it needs --vex-iropt-register-updates=allregs-at-mem-access.
 *
 * Ownership: what goes in is borrowed for the call, what comes out is the
 * caller's to release, every close and free accepts NULL, and closing a VM
 * releases everything in it.
 *
 * Results: an out parameter for a value, a number or a state may be NULL: not
 * wanted. Those for bytes, structs and what has to be closed, released or
 * removed again may not. Unless a call returns TORPOR_OK they are undefined, 0
 * or NULL, and nothing has to be released. NULL in any other place where it is
 * not allowed gives TORPOR_MISUSE.
 *
 * Exceptions: TORPOR_THROWN says that JavaScript threw; what it threw is in
 * torpor_exception(vm), and nowhere else. A host function may return the status
 * of any call that failed as it is.
 *
 * Threads: a VM is used by one thread at a time; different VMs may be used by
 * different threads at once. Only torpor_vm_interrupt may be called from any
 * thread.
 *
 * Signals: Torpor handles SIGSEGV and SIGBUS to notice accesses to a VM's
 * memory, and passes on those with another cause; deadlines use SIGURG. It
 * unblocks them in a thread that opens a VM or first uses one; they must stay
 * unblocked, or the system ends the process.
 *
 * Host functions run while guest code is on the stack. From inside one, the
 * functions of the sections values, strings, objects, calls, evaluation,
 * promises (but not torpor_job_run), data and operations may be called for the
 * same VM; torpor_job_run, torpor_snapshot_save, torpor_vm_fork and
 * torpor_vm_close may not, and return TORPOR_BUSY (torpor_vm_close, which
 * returns nothing, takes effect when the outermost call into the VM returns).
 *
 * What may change: nothing that is declared here is removed or changes its
 * meaning or layout within one major version; new functions, new codes, and new
 * fields at the end of structs that begin with their size may be added. */
#ifndef TORPOR_H
#define TORPOR_H

#define TORPOR_VERSION_MAJOR 0
#define TORPOR_VERSION_MINOR 1
#define TORPOR_VERSION_PATCH 0
#define TORPOR_VERSION "0.1.0"

/* ---- The parts, in reading order -----------------------------------------*/

/* clang-format off */
#include "torpor/status.h"        /* what a call answers */
#include "torpor/vm.h"            /* opening a VM */
#include "torpor/value.h"         /* values and scopes */
#include "torpor/limit.h"         /* fuel, deadlines */
#include "torpor/module.h"        /* running scripts and modules */
#include "torpor/text.h"          /* strings and bytes */
#include "torpor/object.h"        /* objects and properties */
#include "torpor/function.h"      /* calling, and being called */
#include "torpor/exception.h"     /* what was thrown */
#include "torpor/promise.h"       /* jobs and promises */
#include "torpor/data.h"          /* trees of values in one call */
#include "torpor/writer.h"        /* trees written without a VM */
#include "torpor/reader.h"        /* trees read without one */
#include "torpor/operation.h"     /* what a sleeping VM waits for */
#include "torpor/snapshot.h"      /* sleeping and waking */
#include "torpor/base.h"          /* many VMs from one snapshot; copies */
#include "torpor/protect.h"       /* snapshots under a key */
#include "torpor/inspect.h"       /* looking into a VM */
/* clang-format on */

#endif
