/* SPDX-License-Identifier: MIT */
/* torpor-module.h - C modules: what a program imports, and C answers.
 *
 * A whole module, sum.c:
 *
 *   #include <torpor-module.h>
 *
 *   static torpor_status sum(torpor_vm *vm, const torpor_arguments *arguments,
 *                            torpor_value *result, void *user) {
 *     double total = 0;
 *     for (size_t i = 0; i < arguments->count; i++)
 *       total += torpor_value_number(arguments->args[i]);
 *     *result = torpor_number(total);
 *     return TORPOR_OK;
 *   }
 *
 *   static torpor_status start(torpor_module *module) {
 *     return torpor_module_add_function(module, "sum", 2, sum);
 *   }
 *
 *   TORPOR_MODULE_DEFINE(sum, start, TORPOR_MODULE_PURE)
 *
 * It becomes a shared object, and a program imports that:
 *
 *   cc -shared -fPIC sum.c -o sum.so $(pkg-config --cflags torpor-loop)
 *   torpor --allow-ffi=sum.so main.mjs      import { sum } from "./sum.so";
 *
 * Nothing else is linked to it: it uses the Torpor that loads it. The same
 * file can be linked into a program instead, see torpor_module_register.
 * docs/c-modules.md goes on from here step by step; examples/process-module is
 * a larger one.
 *
 * The functions of a module are host functions (torpor/function.h), and its
 * classes are classes of the host (torpor/class.h); all of torpor.h and
 * torpor-loop.h may be used. The sections below are in reading order: making a
 * module known, what it exports, its own data, calling back, promises,
 * descriptors.
 *
 * A module is native code in the process of its host. No sandbox holds it, and
 * what it does wrong, it does to the host.
 *
 * Life: a module is started once in each VM that imports it, before the first
 * line of it runs. It ends when the VM is closed, after its last object was
 * finalized. When the VM is detached from its loop before that, all that the
 * module waited for has ended: its descriptors are watched no longer, its
 * promises stay pending, and functions that need a loop are refused. The shared
 * object stays in the process until that ends.
 *
 * Sleep: a snapshot has the module's functions and objects, by name, and none
 * of what C has for them. When a VM that was restored is attached with a loader
 * its modules are started anew, from the same files, whose permission is asked
 * for again, and their functions are bound. What the program held is lost: a
 * promise of the module that was pending is rejected with an error named
 * "LostError" whose code is "LOST", and so ends the use of an object whose
 * class has no 'restore', with an error of that name. A module that numbers its
 * things itself says the same of a number that it does not know:
 * torpor_module_lost.
 *
 * Durable runs repeat what was under way when their process died. So they
 * refuse C modules; but see TORPOR_MODULE_PURE.
 *
 * Threads: all of it is called on the VM's thread, and is used there, but for
 * what says [any thread]. */
#ifndef TORPOR_MODULE_H
#define TORPOR_MODULE_H

#include "torpor-loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Making a module known -----------------------------------------------*/

/* A module in one VM. */
typedef struct torpor_module torpor_module;

/* Says what the module exports, by the functions of the next section, and makes
 * what it needs. It cannot use the VM yet, which is in the middle of an import:
 * calls for it return TORPOR_BUSY. When it does not return TORPOR_OK the import
 * fails; torpor_module_fail gives the words. */
typedef torpor_status (*torpor_module_start_fn)(torpor_module *module);

/* What a module promises; flags. */
typedef enum torpor_module_flag {
  /* Its functions have no effects outside of the VM, wait for nothing, and give
   * the same for the same arguments: doing one twice does no harm. */
  TORPOR_MODULE_PURE = 1,
} torpor_module_flag;

/* The version of what is declared here for modules. One that was compiled for
 * another is not loaded. */
#define TORPOR_MODULE_INTERFACE 1

/* What a module says of itself; made by TORPOR_MODULE_DEFINE. */
typedef struct torpor_module_def {
  size_t size;        /* sizeof(torpor_module_def) */
  unsigned interface; /* TORPOR_MODULE_INTERFACE */
  unsigned flags;     /* torpor_module_flag */
  const char *name;
  torpor_module_start_fn start;
} torpor_module_def;

/* The one function that a module's file has to have, "torpor_module_init". */
typedef const torpor_module_def *(*torpor_module_init_fn)(void);

/* Defines the module 'name', an identifier. Functions are bound as "NAME.F".
 * The file gets torpor_module_init_NAME, for a host that it is linked into, and
 * torpor_module_init, which is weak, so that several modules may be linked into
 * one program. Once in a module, outside of functions. */
#ifdef __cplusplus
#define TORPOR_MODULE_LINKAGE extern "C"
#else
#define TORPOR_MODULE_LINKAGE extern
#endif
#define TORPOR_MODULE_DEFINE(name, start, flags)                               \
  static const torpor_module_def *torpor_module_def_##name(void) {             \
    static const torpor_module_def def = {sizeof(torpor_module_def),           \
                                          TORPOR_MODULE_INTERFACE, flags,      \
                                          #name, start};                       \
    return &def;                                                               \
  }                                                                            \
  TORPOR_MODULE_FUNCTION(torpor_module_init_##name, , name)                    \
  TORPOR_MODULE_FUNCTION(torpor_module_init, __attribute__((weak)), name)
#define TORPOR_MODULE_FUNCTION(function, kind, name)                           \
  TORPOR_MODULE_LINKAGE TORPOR_API kind const torpor_module_def *function(     \
      void);                                                                   \
  const torpor_module_def *function(void) {                                    \
    return torpor_module_def_##name();                                         \
  }

/* Lets VMs import 'name' and get a module that is linked into the program,
 * without a grant: 'init' is its torpor_module_init_NAME. For the whole
 * process, before VMs are attached. 'name' stands in imports as it is: it has 1
 * to 63 letters, digits, '_' and '-', and may be another than that which
 * TORPOR_MODULE_DEFINE says, by which functions and classes are called.
 * TORPOR_OK, also when the same was said before; TORPOR_EXISTS: another module
 * has that name; TORPOR_NEWER or TORPOR_FORMAT: it is for another
 * TORPOR_MODULE_INTERFACE; TORPOR_MISUSE, TORPOR_NOMEM.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_module_register(const char *name,
                                                torpor_module_init_fn init);

/* Lets 'vm', which is attached to no loop, import C modules that 'loader'
 * gives, as torpor_loop_attach does of an attached one: only such as have all
 * of 'flags', and none that needs a loop. In a VM that was restored they are
 * started and bound anew. 'loader' is of no other VM and must outlive this one.
 * Durable runs do this with TORPOR_MODULE_PURE.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_loader_bind(torpor_loader *loader,
                                            torpor_vm *vm, unsigned flags);

/* Whether 'request' means a C module: a file ".so", or what was registered.
 * [any thread] */
TORPOR_API bool torpor_loader_is_native(const torpor_module_request *request);

/* Gives 'vm', which is attached to 'loop', such a module at once, for hosts
 * without a loader: it is there as if torpor_module_new had made it, under the
 * name that TORPOR_MODULE_DEFINE says. In a VM that has it already, as one that
 * was restored, it is bound and nothing else happens. TORPOR_MISUSE: the VM is
 * not attached. TORPOR_EXISTS: it has another module of that name. When 'start'
 * fails this gives what that gave.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_module_open(torpor_loop *loop, torpor_vm *vm,
                                            torpor_module_init_fn init);

/* ---- What a module exports -----------------------------------------------*/

/* To be called by 'start'. An export's name is an identifier, or "default";
 * each name once, at most TORPOR_MODULE_EXPORTS_LARGEST of them:
 * TORPOR_MISUSE, TORPOR_EXISTS, TORPOR_LIMIT. TORPOR_BUSY: 'start' has
 * returned. */
#define TORPOR_MODULE_EXPORTS_LARGEST 4096

/* A function. Its 'user' is the torpor_module.
 * [fails] */
TORPOR_API torpor_status torpor_module_add_function(torpor_module *module,
                                                    const char *name,
                                                    int length,
                                                    torpor_host_fn function);
/* Several, of a table, which may have the flags TORPOR_FUNCTION_ASYNC and
 * TORPOR_FUNCTION_CONSTRUCTOR.
 * [fails] */
TORPOR_API torpor_status torpor_module_add_functions(
    torpor_module *module, const torpor_function_entry *table, size_t count);

/* A class. Its functions and callbacks have the torpor_module as 'user'; 'user'
 * and 'release' of 'def' are not set. In the VM it is called "MODULE.NAME",
 * which torpor_instance_new wants to know. The texts and the table of members
 * that 'def' names must stay: they are best static.
 * [fails] */
TORPOR_API torpor_status torpor_module_add_class(torpor_module *module,
                                                 const torpor_class_def *def);

/* A number, a boolean, null or undefined.
 * [fails] */
TORPOR_API torpor_status torpor_module_add_constant(torpor_module *module,
                                                    const char *name,
                                                    torpor_value value);
/* A string, which is copied; 'size' may be SIZE_MAX.
 * [fails] */
TORPOR_API torpor_status torpor_module_add_text(torpor_module *module,
                                                const char *name,
                                                const char *text, size_t size);

/* Any value, which 'make' makes when the program links the module: the VM can
 * be used then. It answers as a host function does. A VM that slept has it
 * still, and does not ask again. */
typedef torpor_status (*torpor_module_make_fn)(torpor_vm *vm,
                                               torpor_module *module,
                                               torpor_value *result);
/* [fails] */
TORPOR_API torpor_status torpor_module_add_value(torpor_module *module,
                                                 const char *name,
                                                 torpor_module_make_fn make);

/* Says why 'start' fails, as printf does: return torpor_module_fail(...).
 * Returns TORPOR_UNSUPPORTED.
 * [fails] */
TORPOR_API torpor_status torpor_module_fail(torpor_module *module,
                                            const char *format, ...)
    TORPOR_PRINTF(2, 3);

/* ---- Its own data --------------------------------------------------------*/

/* Keeps a pointer of the module's own. 'finalize' (may be NULL) is called with
 * it when the module ends; the VM cannot be entered then, and its loop may be
 * gone. Setting another one finalizes nothing.
 * [-] */
TORPOR_API void torpor_module_set_user(torpor_module *module, void *user,
                                       void (*finalize)(void *user));
/* The pointer that was set; NULL at first.
 * [-] */
TORPOR_API void *torpor_module_user(const torpor_module *module);
/* The module's VM.
 * [-] */
TORPOR_API torpor_vm *torpor_module_vm(const torpor_module *module);
/* The loop that the VM is attached to; NULL: none any more.
 * [-] */
TORPOR_API torpor_loop *torpor_module_loop(const torpor_module *module);

/* Throws a LostError with code "LOST" that says 'what' is gone: in a function
 * that was given the number, or what else, of a thing from before a sleep.
 * Returns TORPOR_THROWN, or why it cannot.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_module_lost(torpor_module *module,
                                            const char *what);

/* ---- Calling back --------------------------------------------------------*/

/* Calls 'function' from a callback of the loop, as torpor_call does with
 * undefined as this. What it throws is told as a rejection that nobody handles
 * (torpor_attachment.rejected), and what ends the VM ends the turn; so the
 * caller need not look at the status. Keep functions with torpor_value_retain.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_module_call(torpor_module *module,
                                            torpor_value function,
                                            const torpor_value *args,
                                            size_t count);

/* ---- Promises ------------------------------------------------------------*/

/* An asynchronous function gives a promise at once, and settles it later. What
 * it keeps meanwhile is a *deferred*. Each is ended by exactly one of resolve,
 * reject, complete, fail and close, also when the program is gone by then. A
 * loop with one runs. */
typedef struct torpor_deferred torpor_deferred;

/* Begins one: 'promise' is to be the function's result. 'what' says in errors
 * what is under way, as "read". Throws when the VM is attached to no loop.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_deferred_open(torpor_module *module,
                                              const char *what,
                                              torpor_value *promise,
                                              torpor_deferred **out);

/* Calls 'cancel' when nobody waits any more, since the VM was detached or
 * closed: the moment to stop what is under way. The deferred is still to be
 * ended, in 'cancel' or later. Not called after it was ended; but another
 * thread may be about to end it just then, so what both use needs a lock.
 * [-] */
TORPOR_API void torpor_deferred_on_cancel(torpor_deferred *deferred,
                                          void (*cancel)(void *user),
                                          void *user);

/* Fulfils or rejects the promise with a value of the VM, and ends 'deferred'.
 * The program goes on in a job. TORPOR_CANCELLED: nobody waits any more.
 * [fails] */
TORPOR_API torpor_status torpor_deferred_resolve(torpor_deferred *deferred,
                                                 torpor_value value);
/* [fails] */
TORPOR_API torpor_status torpor_deferred_reject(torpor_deferred *deferred,
                                                torpor_value reason);

/* The same from any thread, with data as CBOR (torpor/writer.h), which is
 * copied, or with an error; 'code' may be NULL. The program goes on in a later
 * turn of the loop, which is woken for that.
 * [any thread] */
TORPOR_API void torpor_deferred_complete(torpor_deferred *deferred,
                                         torpor_outcome outcome,
                                         const void *data, size_t size);
/* [any thread] */
TORPOR_API void torpor_deferred_fail(torpor_deferred *deferred,
                                     const char *name, const char *message,
                                     const char *code);
/* Ends it without an answer. If somebody waits, the promise is rejected with an
 * Error that says so. NULL is accepted.
 * [any thread] */
TORPOR_API void torpor_deferred_close(torpor_deferred *deferred);

/* ---- Descriptors ---------------------------------------------------------*/

/* Gives a promise that is settled when 'descriptor' is ready for one of
 * 'events' (torpor_poll_event): 'answer' is called then, once, and answers as a
 * host function does; what it throws rejects the promise. 'finalize' (may be
 * NULL) is called with 'user' afterwards, or when the VM is detached before:
 * the descriptor must stay open until then. When this fails, 'user' is still
 * the caller's. Throws when the VM is attached to no loop, when the same
 * descriptor is waited for already, and for files, which are always ready. */
typedef torpor_status (*torpor_module_answer_fn)(torpor_vm *vm,
                                                 torpor_module *module,
                                                 torpor_value *result,
                                                 void *user);
/* [fails] [throws] [runs] */
TORPOR_API torpor_status
torpor_module_await(torpor_module *module, const char *what, int descriptor,
                    unsigned events, torpor_module_answer_fn answer, void *user,
                    void (*finalize)(void *user), torpor_value *promise);

/* Calls 'ready' again and again, as torpor_poll_open does, on the module's
 * loop. When the VM is detached nothing is watched any more; torpor_poll_close
 * is needed all the same. Throws when the VM is attached to no loop.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_module_watch(torpor_module *module,
                                             int descriptor, unsigned events,
                                             torpor_ready_fn ready, void *user,
                                             torpor_poll **out);

#ifdef __cplusplus
}
#endif

#endif
