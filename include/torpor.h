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
 * docs/embedding.md is a guide with an example of everything; examples/ has
 * whole programs. Under valgrind a program with a VM needs
 * --vex-iropt-register-updates=allregs-at-mem-access.
 *
 * Words: the *host* is the program in C, which opens VMs; the *program*, or
 * *guest code*, is the JavaScript in one. A call *enters* a VM when it runs
 * something in it. A *scalar* is undefined, null, a boolean or a number; every
 * other value is a *handle* (value.h).
 *
 * Ownership: what goes in is borrowed for the call, what comes out is the
 * caller's to release, every close and free accepts NULL, and closing a VM
 * releases everything in it.
 *
 * Results: an out parameter for a value, a number or a state may be NULL when
 * it is not wanted. One for bytes, for a struct, or for what has to be closed,
 * released or removed may not. When a call does not return TORPOR_OK, its out
 * parameters are undefined, 0 or NULL, and nothing has to be released. NULL
 * where it is not allowed gives TORPOR_MISUSE.
 *
 * Sizes are in bytes and come after the pointer that they belong to. SIZE_MAX
 * says that a text ends with a zero byte. Text is UTF-8.
 *
 * Exceptions: TORPOR_THROWN says that JavaScript threw; what it threw is in
 * torpor_exception(vm), and nowhere else. A host function may return the status
 * of any call that failed as it is.
 *
 * Threads: a VM is used by one thread at a time; different VMs may be used by
 * different threads at once. What may be called from any thread says so.
 *
 * Signals: Torpor handles SIGSEGV and SIGBUS to notice accesses to a VM's
 * memory, and passes on those with another cause; deadlines use SIGURG. It
 * unblocks them in a thread that opens a VM or first uses one; they must stay
 * unblocked, or the system ends the process.
 *
 * Stack: guest code runs on the stack of the thread that calls. A call needs
 * 128 KiB of it (opening a VM 256, a call in a host function 32), and returns
 * TORPOR_LIMIT otherwise. With 2 MiB guest code has all that it can use; with
 * less, its recursion ends sooner, in an error that JavaScript can catch. Of
 * its own, Torpor gives a thread a stack of 64 KiB for signals, if it has none.
 *
 * Registers: on x86-64 the base of GS is Torpor's while guest code runs and in
 * host functions. What else it was set to is set again before a call returns.
 *
 * Host functions run while guest code is on the stack. From inside one, all
 * functions may be called for the same VM but those marked [outside], which
 * return TORPOR_BUSY. torpor_vm_close, which returns nothing, then takes effect
 * when the outermost call into the VM returns.
 *
 * Each declaration ends with what its function can do:
 *
 *   [fails]       returns a status that may be an error of host or caller
 *   [throws]      may return TORPOR_THROWN
 *   [runs]        may run code of the program: getters, proxies, functions
 *   [outside]     not from inside a host function: returns TORPOR_BUSY
 *   [any thread]  also while another thread uses the VM, if it has one
 *   [-]           none of these
 *
 * Structs: those that may grow begin with 'size'. Yours begin with their _INIT
 * macro, which sets it; in what a callback is given it is the library's. (What
 * torpor-run.h gives to callbacks may grow at its end and has none.)
 *
 * What may change: nothing that is declared here is removed or changes its
 * meaning or layout within one major version; new functions, new codes, and new
 * fields at the end of structs that may grow, may be added. */
#ifndef TORPOR_H
#define TORPOR_H

#define TORPOR_VERSION_MAJOR 0
#define TORPOR_VERSION_MINOR 1
#define TORPOR_VERSION_PATCH 0
#define TORPOR_VERSION "0.1.0"

/* ---- The parts, in reading order -----------------------------------------*/

/* clang-format off */
#include "torpor/status.h"        /* what a call returns */
#include "torpor/vm.h"            /* opening a VM */
#include "torpor/value.h"         /* values and scopes */
#include "torpor/limit.h"         /* fuel, deadlines */
#include "torpor/module.h"        /* running scripts and modules */
#include "torpor/brand.h"         /* what a value is */
#include "torpor/text.h"          /* strings, symbols, regular expressions */
#include "torpor/number.h"        /* integers of any size, dates */
#include "torpor/buffer.h"        /* bytes */
#include "torpor/collection.h"    /* arrays, maps, sets */
#include "torpor/object.h"        /* objects and properties */
#include "torpor/function.h"      /* calling, and being called */
#include "torpor/class.h"         /* classes of the host */
#include "torpor/exception.h"     /* what was thrown */
#include "torpor/promise.h"       /* jobs and promises */
#include "torpor/data.h"          /* trees of values in one call */
#include "torpor/writer.h"        /* trees written without a VM */
#include "torpor/reader.h"        /* trees read without one */
#include "torpor/operation.h"     /* what a sleeping VM waits for */
#include "torpor/snapshot.h"      /* sleeping and waking */
#include "torpor/base.h"          /* many VMs from one snapshot; copies */
#include "torpor/protect.h"       /* snapshots under a key */
#include "torpor/extension.h"     /* C code inside a VM */
#include "torpor/inspect.h"       /* looking into a VM */
/* clang-format on */

#endif
