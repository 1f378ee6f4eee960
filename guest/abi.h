/* SPDX-License-Identifier: MIT */
/* abi.h - the border between an engine and its host.
 *
 * The one header that both sides include. An engine is a wasm module that
 * imports only module "torpor" (below) and exports memory "memory", table
 * "__indirect_function_table", global "__stack_pointer", the address global
 * "torpor_control", and the functions below. The interface has a version and
 * is only ever extended.
 *
 * Everything is little-endian. Addresses are offsets in linear memory. A value
 * at the border is 64 bits as include/torpor.h describes: numbers as they are,
 * tags, handles, whose lower 48 bits are the guest's affair.
 *
 * The host trusts nothing that it reads here: addresses are checked, counts
 * capped, bytes copied before use.
 *
 *  (1) Everything between 'host' and the end of the control block is set by the
 *      host or is transfer space: it is zero in a snapshot and in the baseline.
 *  (2) Memory that the heap has not handed out is zero, except for the links of
 *      its free lists. So what a program freed is in no snapshot, and equal
 *      histories give equal bytes.
 *  (3) Between entries the shadow stack, [0, stack_size), is dead; a snapshot
 *      leaves it out and a restored VM has zeros there. */
#ifndef TORPOR_ABI_H
#define TORPOR_ABI_H

#include <stdint.h>

#define TORPOR_ABI_VERSION 4

#define TORPOR_ABI_RESULTS 4
#define TORPOR_ABI_SLOTS 64
#define TORPOR_ABI_WINDOW 8192
/* Handles that may live at once, scoped ones and retained ones each. */
#define TORPOR_ABI_HANDLES 4194304u
/* Arguments of a call; the engine has no more. */
#define TORPOR_ABI_ARGUMENTS 65535u
/* The version of what extensions may call
 * (include/torpor/extension-functions.h). */
#define TORPOR_ABI_EXTENSION_INTERFACE 1u

/* A key is a border value, which is converted as by obj[key], or a text of up
 * to TORPOR_ABI_TEXT_LARGEST bytes: this tag in the bits 48..63 (no value has
 * it), the size in 32..47, and the address below. */
#define TORPOR_ABI_TEXT 0xfff8u
#define TORPOR_ABI_TEXT_LARGEST 0xffffu

/* One pending operation; control.operations points to an array of
 * control.operation_count addresses of these, in order of ids. Strings are not
 * terminated. The guest keeps its promise functions behind these fields. */
typedef struct torpor_abi_operation {
  uint64_t id;
  double due;   /* wall-clock milliseconds, 0: none */
  double begun; /* wall-clock milliseconds */
  uint32_t kind, kind_size;
  uint32_t request, request_size; /* CBOR */
} torpor_abi_operation;

/* A host function's name; control.functions points to an array of these. Guest
 * functions hold the index. Both are 0 where there is none. */
typedef struct torpor_abi_name {
  uint32_t text, size;
} torpor_abi_name;

/* A function that torpor_function_make is to make. It becomes a property of
 * 'target'; or, as a member of a class, of its prototype, with STATIC of its
 * constructor; of nothing when both are missing. */
typedef struct torpor_abi_function {
  uint64_t captured;          /* border value that stays with it */
  uint64_t target;            /* border value; undefined: none */
  uint32_t name, name_size;   /* of what it calls */
  uint32_t shown, shown_size; /* what JavaScript calls it */
  uint32_t length;
  uint32_t flags; /* TORPOR_ABI_FUNCTION_ */
  uint32_t class; /* of a member: its number + 1 */
  uint32_t unused;
} torpor_abi_function;

/* CLASS is a class's constructor, which torpor_class_make makes. */
enum {
  TORPOR_ABI_FUNCTION_CONSTRUCTOR = 1,
  TORPOR_ABI_FUNCTION_ASYNC = 2, /* gives a promise whatever happens */
  TORPOR_ABI_FUNCTION_GETTER = 4,
  TORPOR_ABI_FUNCTION_SETTER = 8,
  TORPOR_ABI_FUNCTION_STATIC = 16,
  TORPOR_ABI_FUNCTION_CLASS = 32,
};

/* Added to the index that import "invoke" is given: the call has more. */
#define TORPOR_ABI_CALL_MORE 0x80000000u

enum { TORPOR_ABI_COLLECTED_NAME = 1, TORPOR_ABI_COLLECTED_INSTANCE = 2 };

typedef struct torpor_abi_control {
  /* Guest state, read by the host. */
  uint32_t version;    /* TORPOR_ABI_VERSION */
  uint32_t stack_size; /* the shadow stack is [0, stack_size) */
  uint32_t heap_base;  /* first byte that the allocator may use */
  uint32_t heap_break; /* bytes from here on are not in use and zero */
  uint32_t operations; /* address of uint32_t[operation_count] */
  uint32_t operation_count;
  uint64_t operation_last; /* id of the newest ever begun; ids start at 1 */
  uint32_t functions;      /* address of torpor_abi_name[function_count] */
  uint32_t function_count;
  uint32_t jobs;         /* 1 while the job queue is not empty, updated at the
                            end of each entry */
  uint32_t rejections;   /* unhandled ones that can be taken; likewise */
  uint32_t heap_used;    /* bytes handed out */
  uint32_t handles;      /* live handles */
  double monotonic_last; /* newest monotonic time that the guest has seen; it
                            does not go back behind that after a restore */

  /* Set by the host before an entry; zero in snapshots. */
  struct torpor_abi_host {
    uint64_t fuel;        /* polls left; 0: no limit. The guest counts down and
                            interrupts at 1, so that 0 never means "used up" */
    uint32_t memory_max;  /* the heap's break may not pass this; 0: no limit */
    uint32_t interrupted; /* guest: set to 1 when the last status was
                             INTERRUPTED by fuel, 2 by poll; with
                             TORPOR_ABI_INTERRUPTED_AT the window has the stack
                             of what ran, a zero byte behind it */
    double monotonic_offset; /* guest: its monotonic time less the host's; kept
                                here because it differs from host to host */
    uint64_t generation;     /* guest: number of the newest handle; handles end
                            with the host that holds them */
    uint64_t cancelled; /* guest: lower half: one more than there are cancelled
                           operations that can be taken, updated with
                           'rejections'; 0: not known, which is what older
                           engines leave. Upper half: how many things were
                           collected of which the host is to be told */
    uint32_t stack; /* bytes of shadow stack that an entry may use from where it
                       begins; 0: all that the guest has */
    uint16_t hurry; /* 1: the next poll is to ask, since an import took long */
    uint16_t retain; /* 1: what entries give are retained handles, which no
                        scope ends; what calls of host functions give stays in
                        the scope of the call. Engines that lack
                        torpor_collector know of none of this */

    /* Results of an entry, arguments of torpor_call and of the import. */
    uint64_t result[TORPOR_ABI_RESULTS];
    uint64_t slots[TORPOR_ABI_SLOTS];
    /* Small texts both ways: in by the host before an entry, out by the guest
     * (then result[2] is 0: nothing to free). Larger ones are allocated. */
    uint8_t window[TORPOR_ABI_WINDOW];
  } host;
} torpor_abi_control;

enum { TORPOR_ABI_INTERRUPTED_AT = 4 };

/* ---- Exports ---------------------------------------------------------------
 *
 * Unless noted they return a torpor_status (THROWN: result[0] is the exception;
 * INTERRUPTED: host.interrupted says by what) and leave what they give in
 * result[]. "text out" means result[0] = address, result[1] = size, result[2] =
 * 1 when the host must torpor_release the address after copying, else 0. Bytes
 * given in (address, size) are borrowed for the call and may lie in the window.
 *
 * New ones go to the end: a host that is newer than its engine knows by that
 * which it lacks.
 *
 * X(return, name, parameters): i = i32, l = i64, d = f64, v = none. */

/* Runs at bake time only, before there is an engine: makes runtime, realm and
 * library. (log, heat, count): both have 'count' entries, one for each
 * allocation in turn, or are 0. 'log' is the address of uint32_t[2]s that get
 * its address and size; 'heat' of bytes: 0 where the block is freed again, 1
 * where it stays, 2 where programs write it, 3 where steps of them do
 * (guest/placement.c). */
#define TORPOR_ABI_BAKE(X) X(i, torpor_bake, iii)

/* How code is compiled and run; flags. STRIP: without what stack traces need.
 * BARRIER: stacks of errors end with the code, whoever called it. */
enum {
  TORPOR_ABI_EVAL_MODULE = 1,
  TORPOR_ABI_EVAL_STRICT = 2,
  TORPOR_ABI_EVAL_ASYNC = 4,
  TORPOR_ABI_EVAL_STRIP = 8,
  TORPOR_ABI_EVAL_BARRIER = 16,
};

#define TORPOR_ABI_EXPORTS(X)                                                  \
  /* After opening from the baseline: seeds Math.random from the wall clock \
     and sets the time origin. */  \
  X(i, torpor_open, v)                                                         \
  /* First entry after a restore, with TORPOR_ABI_WAKE_: releases handles, \
     sets monotonic time by the wall clock (never back), keeps everything \
     else; a program that listens is told, in a job. */   \
  X(i, torpor_wake, i)                                                         \
  /* (size) -> address, 0 when memory is exhausted. */                         \
  X(i, torpor_allocate, i)                                                     \
  /* (address) -> 0. */                                                        \
  X(i, torpor_release, i)                                                      \
  /* () -> mark (not a status); (mark) -> 0, or STALE. */                      \
  X(i, torpor_scope_open, v)                                                   \
  X(i, torpor_scope_close, i)                                                  \
  /* (value) -> result[0] handle outside scopes; (value). */                   \
  X(i, torpor_value_retain, l)                                                 \
  X(i, torpor_value_release, l)                                                \
  /* (value) -> result[0] a token, plain integer >= 1, that names the value \
     also after a restore; (token) -> handle, NOT_FOUND; (token) forgets. \
     torpor_token_... call these. */  \
  X(i, torpor_value_export, l)                                                 \
  X(i, torpor_value_import, i)                                                 \
  X(i, torpor_value_forget, i)                                                 \
  /* (address, size): UTF-8 -> string. */                                      \
  X(i, torpor_string_new, ii)                                                  \
  /* (value): String(value) as UTF-8, text out. */                             \
  X(i, torpor_string_read, l)                                                  \
  /* (address, size) -> Uint8Array; (value) -> result[0] address, result[1] \
     size of the bytes it covers, valid until the next entry. */  \
  X(i, torpor_buffer_new, ii)                                                  \
  X(i, torpor_buffer_read, l)                                                  \
  /* (value) -> result[0] a torpor_brand as plain integer. */                  \
  X(i, torpor_object_class, l)                                                 \
  X(i, torpor_global, v)                                                       \
  X(i, torpor_object_new, v)                                                   \
  X(i, torpor_array_new, v)                                                    \
  /* (object, key address, key size) -> value; (.., value). */                 \
  X(i, torpor_get, lii)                                                        \
  X(i, torpor_set, liil)                                                       \
  X(i, torpor_get_index, li)                                                   \
  X(i, torpor_set_index, lil)                                                  \
  /* (function, self, address of count border values, count). */               \
  X(i, torpor_call, llii)                                                      \
  /* (value): name, message, stack: result[0] = address of three uint32_t \
     sizes followed by the three texts, result[1] = total size, result[2] = \
     1 when to be released, result[3] = cause, a border value. No throw. */    \
  X(i, torpor_error_read, l)                                                   \
  /* (name address, size, message address, size) -> error. */                  \
  X(i, torpor_error_new, iiii)                                                 \
  /* (name address, size, length) -> function that calls "invoke" with \
     the index of that name in control.functions. */       \
  X(i, torpor_function_new, iii)                                               \
  /* (source address, size, file address, size, torpor_mode). A zero byte \
     follows both texts. MODULE: result[0] is a promise of its \
     namespace. */    \
  X(i, torpor_eval, iiiii)                                                     \
  /* (max) -> result[0] jobs that ran, plain integer. */                       \
  X(i, torpor_job_run, i)                                                      \
  /* (promise) -> result[0] torpor_promise_state, result[1] value. */          \
  X(i, torpor_promise_read, l)                                                 \
  /* () -> result[0] promise, result[1] resolve, result[2] reject. */          \
  X(i, torpor_promise_new, v)                                                  \
  /* () -> result[0] reason; NOT_FOUND. */                                     \
  X(i, torpor_rejection_take, v)                                               \
  /* (value), text out; (address, size) -> value. */                           \
  X(i, torpor_cbor_encode, l)                                                  \
  X(i, torpor_cbor_decode, ii)                                                 \
  /* (kind address, size, request value, due) -> result[0] id, result[1] \
     promise. */     \
  X(i, torpor_operation_begin, iild)                                           \
  /* () -> result[0] id; NOT_FOUND. */                                         \
  X(i, torpor_operation_cancelled, v)                                          \
  /* (id, torpor_outcome, value); (id, outcome, address, size of CBOR). \
     NOT_FOUND when it is not pending. */      \
  X(i, torpor_operation_settle, lil)                                           \
  X(i, torpor_operation_settle_cbor, liii)                                     \
  X(i, torpor_collect, v)                                                      \
  /* (address, max pairs) -> count (not a status) of free ranges; writes \
     pairs of uint32_t (address, size) of the first max. */     \
  X(i, torpor_heap_free, ii)                                                   \
  /* Math.random from the host's randomness. */                                \
  X(i, torpor_reseed, v)                                                       \
  /* (TORPOR_ABI_INSPECT_): what the VM holds and where it waits, CBOR, text \
     out. Runs no code of the program, but takes memory: for copies. */ \
  X(i, torpor_inspect, i)                                                      \
  /* () -> result[0] what the program gives to its successor; NOT_FOUND when \
     it registered no function for that. */ \
  X(i, torpor_export_state, v)                                                 \
  /* (token) -> result[0] torpor_promise_state of the promise it names. */     \
  X(i, torpor_promise_look, i)                                                 \
  /* (n, more), for tests: of the allocations to come, 'n' succeed, the next \
     one fails as if memory had run out and, unless 'more' is 0, all others. \
     -1: none fails any more. result[0]: how many there were. */ \
  X(i, torpor_allocation_fail, ii)                                             \
  /* (promise): its rejection is the host's to see and not unhandled. */       \
  X(i, torpor_promise_handle, l)                                               \
  /* (value) -> THROWN, with it in result[0]; the host function that runs \
     throws it when it answers THROWN. */    \
  X(i, torpor_throw, l)                                                        \
  /* (value): as torpor_error_read, without cause, from what is plain data: \
     no code of the program runs. */  \
  X(i, torpor_error_look, l)                                                   \
  /* (value, serial): closes the scope as torpor_scope_end does; 'value', if \
     it is a handle in it, goes into the outer one. result[0] is it from \
     then on: unchanged or, with host.retain, a retained handle. */ \
  X(i, torpor_scope_leave, ll)                                                 \
  /* (value): ends a handle that nobody wants; a scoped one, if it is the \
     newest. */    \
  X(i, torpor_value_drop, l)                                                   \
  /* (op, object, key, value): TORPOR_ABI_GET and so on. WRONG_TYPE: not an \
     object, where one is needed. */  \
  X(i, torpor_reflect, illl)                                                   \
  /* (object, address of keys, count up to TORPOR_ABI_SLOTS) -> host.slots, \
     read in order. */  \
  X(i, torpor_get_each, lii)                                                   \
  /* (object, key, flags of torpor_descriptor, address of value, getter and \
     setter). */  \
  X(i, torpor_define, llii)                                                    \
  /* (constructor, new.target, address of border values, count). */            \
  X(i, torpor_construct, llii)                                                 \
  /* (object, key, address of border values, count). */                        \
  X(i, torpor_call_method, llii)                                               \
  /* (names address, size, collect, CONSOLE | LATE...): leaves \
     out the globals of these names, divided by spaces; no collection before \
     the heap has 'collect' bytes. Until the VM wakes. */               \
  X(i, torpor_configure, iiii)                                                 \
  /* (promise): marks it as handled and runs jobs until it is settled or \
     none is left: result[0] torpor_promise_state, result[1] value. */     \
  X(i, torpor_await, l)                                                        \
  /* () -> result[0] reason, result[1] promise, or undefined; result[2] 1 \
     when a rejection that was given is handled by now; NOT_FOUND. */    \
  X(i, torpor_rejection_next, v)                                               \
  /* () -> result[0] how many unhandled rejections were not kept, as they \
     were too many, a plain integer; counts from 0 again. */    \
  X(i, torpor_rejection_dropped, v)                                            \
  /* () -> what the heap is made of: an array of uint64_t in the order of \
     torpor_heap, text out. */    \
  X(i, torpor_heap, v)                                                         \
  /* (TORPOR_ABI_MAKE_, count): a new value, of what the first 'count' of \
     host.slots say. */    \
  X(i, torpor_make, ii)                                                        \
  /* (TORPOR_ABI_LOOK_, value): what the value is, or holds. */                \
  X(i, torpor_look, il)                                                        \
  /* (TORPOR_ABI_APPLY_, value, value, value). */                              \
  X(i, torpor_apply, illl)                                                     \
  /* (address of a torpor_abi_function) -> function. */                        \
  X(i, torpor_function_make, i)                                                \
  /* (name address, size, length) -> result[0] constructor, result[1] \
     number, result[2] 1 when it was there and has its members. If not it is \
     made, and after its members: (number, 1 to make it a global). (name \
     address, size): the same of one that is there; NOT_FOUND. */        \
  X(i, torpor_class_make, iii)                                                 \
  X(i, torpor_class_finish, ii)                                                \
  X(i, torpor_class_find, ii)                                                  \
  /* (id, number of the class) -> object, result[1] serial number. */          \
  X(i, torpor_instance_make, li)                                               \
  /* (value) -> result[0] serial number, result[1] id, result[2] index of \
     the name of its class; WRONG_TYPE. */    \
  X(i, torpor_instance_read, l)                                                \
  /* (number of the class) -> array of all its objects that live, result[1] \
     how many. */  \
  X(i, torpor_instance_list, i)                                                \
  /* () -> result[0] TORPOR_ABI_COLLECTED_. INSTANCE: result[1] serial \
     number of an object that is gone. NAME: no function has it any more; \
     result[1] its index, which is free from now on, result[2] address, \
     result[3] size of its text. NOT_FOUND: nothing more. */       \
  X(i, torpor_collected_take, v)                                               \
  /* As torpor_eval, with TORPOR_ABI_EVAL_ flags, not a mode, and the number \
     of the first line. ASYNC: result[0] is a promise of the value. */ \
  X(i, torpor_eval_with, iiiiii)                                               \
  /* The same arguments: the code compiled, text out. */                       \
  X(i, torpor_compile, iiiiii)                                                 \
  /* (address, size, TORPOR_ABI_EVAL_ as it was compiled with): runs it. */    \
  X(i, torpor_bytecode_run, iii)                                               \
  /* (name address, size, object): makes its properties the exports of a \
     module of that name. A zero byte follows the name. EXISTS. */     \
  X(i, torpor_module_new, iil)                                                 \
  /* (object, key address, key size, value): a property for that, made \
     without running code of the program. */       \
  X(i, torpor_module_export, liil)                                             \
  /* (serial): releases the scoped handles that are newer. A host that keeps \
     host.generation opens a scope by that, and need not close one in which it \
     stayed the same. STALE: some are not the running host function's. */ \
  X(i, torpor_scope_end, l)                                                    \
  /* (value, TORPOR_ABI_CBOR_), text out. */                                   \
  X(i, torpor_cbor_encode_with, li)                                            \
  /* (value), text out; WRONG_TYPE: it has no JSON. */                         \
  X(i, torpor_json_encode, l)                                                  \
  /* (address, size), a zero byte behind it -> value. */                       \
  X(i, torpor_json_decode, ii)                                                 \
  /* (value): as torpor_error_read, and the first two host.slots: code and \
     errors. */   \
  X(i, torpor_error_read_all, l)                                               \
  /* (bytes, 1: to set it): no collection before the heap has so many bytes, \
     and the next one then; 0: when it has grown by half. result[0] how many \
     it has when the next one begins. */ \
  X(i, torpor_collector, ii)                                                   \
  /* (address, size, TORPOR_ABI_CBOR_) -> value. LIVE: STALE, when it has a \
     handle that has ended. */  \
  X(i, torpor_cbor_decode_with, iii)                                           \
  /* () -> address (not a status) of uint32_t indexes in the function \
     table, of what include/torpor/extension-functions.h lists; result[0] \
     the version of that interface, result[1] how many there are, result[2] \
     address of the int32_t that code counts down. */        \
  X(i, torpor_extension_functions, v)                                          \
  /* (size, alignment, a power of two) -> result[0] address of memory that \
     is zero, for the data of an extension; 0 for no bytes. */   \
  X(i, torpor_extension_memory, ii)                                            \
  /* Indexes in the function table, 0: none: calls void(void), void(void), \
     int(JSContext *, JSRuntime *). */   \
  X(i, torpor_extension_start, iii)

/* ---- Imports from module "torpor" ------------------------------------------
 *
 *  invoke(function index, address of self and args, count) -> status
 *      'count' border values follow self. No parameter has 64 bits: one costs a
 *      host in JavaScript an object for each call. Engines before version 4
 *      have call(function index, self, address of args, count).
 *      result[0] in: undefined; out, with OK: the result. THROWN: what was
 *      thrown last below this call, by any export or torpor_throw, is thrown
 *      on (engines that lack torpor_throw: result[0]). INTERRUPTED: what runs
 *      is interrupted; engines that are older throw then. Other codes become an
 *      Error that the host makes with torpor_error_new and throws.
 *      With TORPOR_ABI_CALL_MORE in the index: result[1] the value captured by
 *      the function, result[2] new.target, result[3] the serial number of the
 *      object of a class of the host's, or 0. A constructor of such a class
 *      gives the id of its new object, which is not a value, in result[0].
 *  source(name address, size, torpor_module_type, importer address, size)
 *      -> status, or TORPOR_ABI_LATER: the guest begins an operation of kind
 *      "module". OK: result[0] = address, result[1] = size of the source,
 *      allocated with torpor_allocate, a zero byte behind it; the guest
 *      releases it. TORPOR_ABI_COMPILED: the same with what torpor_compile made
 *      of a module of this name; since version 3. Else the same for the host's
 *      own words, address 0 for none. With TORPOR_ABI_SOURCE_LIBRARY as the
 *      type: a file of the host's library.
 *  resolve(name address, size, importer address, size) -> status
 *      The same with the name that it means; address 0: by the guest's rules.
 *      result[0] in: 1 when code that runs asks, by import() or
 *      import.meta.resolve; 0 when a module that is compiled does. Engines
 *      before version 4 do not say it.
 *      Engines that are older have module(name address, size) instead of both.
 *  poll() -> 1 to interrupt, 0 to go on. Every 10,000 polls.
 *  clock(which) -> f64 milliseconds (torpor_clock)
 *  zone(f64 ms) -> i32 minutes that local time is ahead at that moment of UTC
 *  random(address, size)
 *  console(level, address, size)
 *  trap(code, address, size): ends guest code for good; does not return.
 *
 * X(return, name, parameters) as above. */
#define TORPOR_ABI_IMPORTS(X)                                                  \
  X(i, invoke, iii)                                                            \
  X(i, source, iiiii)                                                          \
  X(i, resolve, iiii)                                                          \
  X(i, poll, v)                                                                \
  X(d, clock, i)                                                               \
  X(i, zone, d)                                                                \
  X(v, random, ii)                                                             \
  X(v, console, iii)                                                           \
  X(v, trap, iii)

/* What torpor_reflect does; numbers are never reused. What is not said to be an
 * integer is a border value; a parameter that an op does not take is 0. */
enum {
  /* Those with a key. */
  TORPOR_ABI_GET = 1, /* -> result[0] value */
  TORPOR_ABI_SET,     /* (value); throws when it cannot be set */
  TORPOR_ABI_HAS,     /* -> result[0] boolean, as are the next two */
  TORPOR_ABI_HAS_OWN,
  TORPOR_ABI_DELETE, /* false: it cannot be deleted */
  TORPOR_ABI_OWN,    /* -> result[0] flags of torpor_descriptor as an integer, 0
                        when there is none; result[1..3] value, getter and
                        setter */
  /* Those without. */
  TORPOR_ABI_KEYS,           /* (torpor_keys as an integer) -> array */
  TORPOR_ABI_LENGTH,         /* -> number */
  TORPOR_ABI_PROTOTYPE,      /* -> object or null */
  TORPOR_ABI_PROTOTYPE_SET,  /* (object or null) */
  TORPOR_ABI_INTEGRITY_SET,  /* (torpor_integrity as an integer) */
  TORPOR_ABI_INTEGRITY_TEST, /* (the same) -> boolean */
  TORPOR_ABI_ITERATE,        /* -> result[0] iterator, result[1] its 'next' */
  TORPOR_ABI_ITERATE_NEXT,   /* (that) -> result[0] value, result[1] 1 when it
                                is done, as an integer */
  TORPOR_ABI_ITERATE_END,    /* (1 as an integer: something was thrown already,
                                which stays): calls 'return' */
};

enum { TORPOR_ABI_LATER = 1000, TORPOR_ABI_COMPILED = 1001 };

/* MEMORY: memory ran out where no error could be thrown. */
enum {
  TORPOR_ABI_TRAP_ABORT = 1,
  TORPOR_ABI_TRAP_ASSERT = 2,
  TORPOR_ABI_TRAP_MEMORY = 3,
  TORPOR_ABI_TRAP_INTERRUPTED = 4, /* in an extension, which cannot unwind */
};

/* LEAVE_OUT: what is no data is not refused. COPY_VIEWS: each view is the bytes
 * that it covers, even where views share a buffer. LIVE, in both directions:
 * for the host of this VM alone (docs/cbor.md), whatever else is said; each
 * promise is a retained handle, which the host has to release. */
enum {
  TORPOR_ABI_CBOR_LEAVE_OUT = 1,
  TORPOR_ABI_CBOR_COPY_VIEWS = 2,
  TORPOR_ABI_CBOR_LIVE = 4,
};

enum { TORPOR_ABI_WAKE_CLONE = 1, TORPOR_ABI_WAKE_RESEED = 2 };

/* CONSOLE: the console gives its host the values, by the host function of this
 * name (level, ...values). LATE: rejections that are handled after they were
 * given are given once more. EXTENSIONS: globals that come with an extension
 * have the host load it when they are first touched; that lasts. LIBRARY: the
 * same for globals that come with files of a library that the host keeps.
 * COLORS: the console writes values in colours, on its levels up to info, and
 * from warn on. */
enum {
  TORPOR_ABI_CONSOLE = 1,
  TORPOR_ABI_LATE = 2,
  TORPOR_ABI_EXTENSIONS = 4,
  TORPOR_ABI_LIBRARY = 8,
  TORPOR_ABI_COLORS_OUT = 16,
  TORPOR_ABI_COLORS_ERROR = 32,
};
#define TORPOR_ABI_CONSOLE_NAME "torpor:console"
/* What import "source" asks for besides a torpor_module_type. */
enum { TORPOR_ABI_SOURCE_LIBRARY = 4 };
/* The host function that loads the extension of its argument's name. */
#define TORPOR_ABI_EXTENSION_NAME "torpor:extension"

/* WAITING: an array with where each suspended function waits. ALL: the report
 * that docs/inspect.md describes. */
enum { TORPOR_ABI_INSPECT_WAITING = 1, TORPOR_ABI_INSPECT_ALL = 2 };

/* ---- torpor_make ------------------------------------------------------------
 *
 * What lies in the slots; (text) is two of them, address and size. Unless noted
 * result[0] is the value. Where result[1] is an address the host may fill what
 * lies there, before anything else is entered. An integer is a plain one. */
enum {
  /* (count): a string of so many bytes of Latin-1, or units of UTF-16, all of
   * them 0. result[1]: where they are; 0 when there are none. */
  TORPOR_ABI_MAKE_LATIN1 = 1,
  TORPOR_ABI_MAKE_UTF16 = 2,
  /* (text): a new symbol; an address of 0: without a description. */
  TORPOR_ABI_MAKE_SYMBOL = 3,
  /* (text): Symbol.for(text). */
  TORPOR_ABI_MAKE_SYMBOL_FOR = 4,
  /* (text): Symbol[text]; NOT_FOUND. */
  TORPOR_ABI_MAKE_SYMBOL_KNOWN = 5,
  /* (negative, address of count 32-bit words, count): the lowest word first. */
  TORPOR_ABI_MAKE_BIGINT = 6,
  /* (text): BigInt(text). */
  TORPOR_ABI_MAKE_BIGINT_TEXT = 7,
  /* (double): the bits of the milliseconds. */
  TORPOR_ABI_MAKE_DATE = 8,
  /* (length): an array of so many holes. */
  TORPOR_ABI_MAKE_ARRAY = 9,
  /* (address of count border values, count). */
  TORPOR_ABI_MAKE_ARRAY_OF = 10,
  /* (text, text): source and flags. */
  TORPOR_ABI_MAKE_REGEXP = 11,
  /* (size, most, kind): zeros; most: 2^64 - 1, or how large it may become;
   * kind: TORPOR_BRAND_ARRAY_BUFFER or _SHARED_ARRAY_BUFFER. result[1]: where
   * the bytes are. */
  TORPOR_ABI_MAKE_BUFFER = 12,
  /* (kind, buffer, offset, count): a typed array, or DataView, of the
   * torpor_brand 'kind'. count: 2^64 - 1: up to the end. */
  TORPOR_ABI_MAKE_VIEW = 13,
  /* (kind, count): the same with a buffer of its own. result[1]: where the
   * bytes are. */
  TORPOR_ABI_MAKE_VIEW_NEW = 14,
  /* (kind, address of count border values, count): a collection of the
   * torpor_brand 'kind'; key, value, key, value for maps. */
  TORPOR_ABI_MAKE_COLLECTION = 15,
  /* (text, text, text, dom, cause, code, errors): name, message and stack; a
   * stack at address 0: the one that is there now; dom 1: a DOMException;
   * border values, undefined where there is none. */
  TORPOR_ABI_MAKE_ERROR = 16,
};

/* ---- torpor_look ------------------------------------------------------------
 *
 * WRONG_TYPE when the value is not of that kind. Only NUMBER and TEXT run code
 * of the program. */
enum {
  /* A string, made flat: result[0] address, result[1] how many characters,
   * result[2] bytes of each, 1 (Latin-1) or 2 (UTF-16). Valid until the next
   * entry. */
  TORPOR_ABI_LOOK_STRING = 1,
  /* result[0] torpor_brand, result[1] the engine's class, result[2] 1: can be
   * called, 2: is a constructor, 4: no property can be added. Any value. */
  TORPOR_ABI_LOOK_BRAND = 2,
  /* The name of its class in the engine, text out. An object. */
  TORPOR_ABI_LOOK_CLASS = 3,
  /* A symbol: result[0] its description, result[1] its key in Symbol.for, each
   * a string or undefined. */
  TORPOR_ABI_LOOK_SYMBOL = 4,
  /* A BigInt: its 32-bit words, the lowest first, as text out; result[3] 1:
   * negative. Without leading zeros; 0 has one word. */
  TORPOR_ABI_LOOK_BIGINT = 5,
  /* result[0] the bits of a Date's milliseconds. */
  TORPOR_ABI_LOOK_DATE = 6,
  /* A RegExp: result[0] source, result[1] flags, strings. */
  TORPOR_ABI_LOOK_REGEXP = 7,
  /* A proxy: result[0] target, result[1] handler; null once it is revoked. */
  TORPOR_ABI_LOOK_PROXY = 8,
  /* A buffer or a view of one: result[0] address, result[1] size, valid until
   * the next entry; result[2] offset; result[3] 1: it is detached or out of
   * bounds, 2: it can be resized, 4: immutable, 8: shared, 16: grows with its
   * buffer; in the upper half how large it may become. */
  TORPOR_ABI_LOOK_BUFFER = 9,
  /* The buffer that a view looks at. */
  TORPOR_ABI_LOOK_VIEWED = 10,
  /* The entries of a collection that is not weak, in order: border values, as
   * text out. */
  TORPOR_ABI_LOOK_ENTRIES = 11,
  /* result[0] how many entries or elements: collection, array, typed array. */
  TORPOR_ABI_LOOK_COUNT = 12,
  /* Number(value), but of a BigInt it throws; Boolean(value); String(value),
   * but of a symbol it throws. */
  TORPOR_ABI_LOOK_NUMBER = 13,
  TORPOR_ABI_LOOK_BOOLEAN = 14,
  TORPOR_ABI_LOOK_TEXT = 15,
  /* The value as a person reads it, in one line, text out. */
  TORPOR_ABI_LOOK_DESCRIBE = 16,
  /* What a Number, String, Boolean, Symbol or BigInt object holds. */
  TORPOR_ABI_LOOK_BOXED = 17,
  /* result[0] an integer that is the same for two handles of the same string,
     symbol, BigInt or object, and no other that lives; 0: the value has none,
     as it is not on the heap. Any value; holds as long as a handle of it. */
  TORPOR_ABI_LOOK_IDENTITY = 18,
  /* What an error has besides texts, cause and errors, and a function besides
   * its name, as " { code: 5 }", in one line, text out; empty: nothing. An
   * object. */
  TORPOR_ABI_LOOK_REST = 19,
};

/* ---- torpor_apply -----------------------------------------------------------
 *
 * No code of the program runs. Values that are not named are not looked at. */
enum {
  /* (a, b): result[0] 1: they are the same by ===, Object.is, or as keys of a
   * Map are. */
  TORPOR_ABI_APPLY_EQUAL = 1,
  TORPOR_ABI_APPLY_SAME = 2,
  TORPOR_ABI_APPLY_SAME_KEY = 3,
  /* (collection, key, value), with undefined for sets; (collection, key): the
   * value; result[0] 1: it is there; the same, and it is no more. */
  TORPOR_ABI_APPLY_PUT = 4,
  TORPOR_ABI_APPLY_GET = 5,
  TORPOR_ABI_APPLY_HAS = 6,
  TORPOR_ABI_APPLY_REMOVE = 7,
  /* (collection): not of a weak one. */
  TORPOR_ABI_APPLY_CLEAR = 8,
};

#endif
