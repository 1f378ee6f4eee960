/* SPDX-License-Identifier: MIT */
/* torpor.h - a JavaScript VM that can be put to sleep and woken anywhere.
 *
 * A first program:
 *
 *   torpor_vm *vm;
 *   torpor_value answer;
 *   if (torpor_vm_open(NULL, &vm) != TORPOR_OK) return 1;
 *   if (torpor_eval(vm, "6 * 7", 5, "answer.js", TORPOR_SCRIPT, &answer)
 *       == TORPOR_OK)
 *     printf("%g\n", torpor_value_number(answer));
 *   else
 *     fprintf(stderr, "%s\n", torpor_last_error(vm));
 *   torpor_vm_close(vm);
 *
 * Under valgrind it needs --vex-iropt-register-updates=allregs-at-mem-access.
 *
 * Ownership: what goes in is borrowed for the call, what comes out is the
 * caller's to release, every close and free accepts NULL, and closing a VM
 * releases everything in it. A NULL argument where NULL is not allowed gives
 * TORPOR_MISUSE.
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
 * meaning within one major version; new functions, new codes, and new fields at
 * the end of torpor_options may be added. */
#ifndef TORPOR_H
#define TORPOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "torpor-value.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TORPOR_API __attribute__((visibility("default")))
#else
#define TORPOR_API
#endif

/* ---- Version -------------------------------------------------------------*/

#define TORPOR_VERSION_MAJOR 0
#define TORPOR_VERSION_MINOR 1
#define TORPOR_VERSION_PATCH 0
#define TORPOR_VERSION "0.1.0"

/* The version of the library that is linked, as "0.1.0". */
TORPOR_API const char *torpor_version(void);

/* ---- Errors --------------------------------------------------------------*/

/* All status codes: number, name, and a sentence that says what it means and
 * what to do. Numbers are never reused. Functions that can fail return one of
 * them. */
#define TORPOR_STATUS_LIST(X)                                                  \
  X(0, OK, "done")                                                             \
  X(1, THROWN, "JavaScript threw; the out value is the exception")             \
  X(2, INTERRUPTED,                                                            \
    "guest code was stopped by its fuel, deadline or an interrupt; the VM "    \
    "may be used, but what was running did not finish")                        \
  X(3, TRAPPED,                                                                \
    "guest code was ended by a fault, the watchdog or lack of memory; the "    \
    "VM is broken: close it or restore a snapshot")                            \
  X(4, BROKEN, "the VM trapped earlier; close it or restore a snapshot")       \
  X(5, BUSY, "not possible while guest code is on the stack; return first")    \
  X(6, NOMEM, "out of memory on the host")                                     \
  X(7, MISUSE, "an argument is wrong; see torpor_last_error")                  \
  X(8, STALE, "the handle's scope is closed or it was released")               \
  X(9, TYPE, "the value is of another type than the call needs")               \
  X(10, LIMIT, "a limit was reached; see torpor_last_error for which")         \
  X(11, IO, "reading or writing failed")                                       \
  X(12, NOT_FOUND, "there is no such thing")                                   \
  X(13, FORMAT, "the bytes are not a snapshot or are damaged")                 \
  X(14, NEWER, "made by a newer version; use that version to read it")         \
  X(15, ENGINE, "needs an engine that is not installed")                       \
  X(16, EXTENSION, "needs an extension that is missing or different")          \
  X(17, CHECKSUM, "the checksum does not match: the bytes were altered")       \
  X(18, DEADLOCK,                                                              \
    "the program waits for a promise that nothing can settle any more")        \
  X(19, DENIED, "access was not granted; see torpor_last_error for the flag")  \
  X(20, FULL, "the disk or the database is full")                              \
  X(21, LOCKED, "another process works on it")                                 \
  X(22, CORRUPT, "the store is damaged")                                       \
  X(23, CANCELLED, "cancelled")                                                \
  X(24, EXISTS, "there is one already")                                        \
  X(25, UNSUPPORTED, "not supported on this system or in this build")          \
  X(26, READONLY, "the store cannot be written; check its permissions")        \
  X(27, FENCED, "the run was taken over or killed; its last commit stands")    \
  X(28, ENDED, "the run has ended already")                                    \
  X(29, KEY,                                                                   \
    "the key or context is another or missing, or the bytes were altered")     \
  X(30, PARENT,                                                                \
    "is a difference from a snapshot that was not given; give the whole "      \
    "chain, the base first")

typedef enum torpor_status {
#define X(number, name, text) TORPOR_##name = number,
  TORPOR_STATUS_LIST(X)
#undef X
} torpor_status;

/* The name of a code, as "THROWN" ("UNKNOWN" if it is not in the list), and its
 * sentence. */
TORPOR_API const char *torpor_status_name(torpor_status status);
TORPOR_API const char *torpor_status_text(torpor_status status);

/* ---- The VM --------------------------------------------------------------*/

typedef struct torpor_vm torpor_vm;

/* Bytes that the library allocated; release with torpor_bytes_free. Text ends
 * with a zero byte that 'size' does not count. */
typedef struct torpor_bytes {
  uint8_t *data;
  size_t size;
} torpor_bytes;

TORPOR_API void torpor_bytes_free(torpor_bytes *bytes);

typedef enum torpor_clock {
  TORPOR_CLOCK_WALL,      /* milliseconds since 1970-01-01 UTC */
  TORPOR_CLOCK_MONOTONIC, /* milliseconds since some moment; never goes back */
} torpor_clock;

typedef enum torpor_level {
  TORPOR_LEVEL_DEBUG,
  TORPOR_LEVEL_LOG,
  TORPOR_LEVEL_INFO,
  TORPOR_LEVEL_WARN,
  TORPOR_LEVEL_ERROR,
} torpor_level;

/* What a VM sees of the world. A NULL function stands for the system's clock,
 * time zone or randomness; for console output to standard output (debug, log,
 * info) and standard error (warn, error); for no modules; for no interrupts.
 * 'user' is passed to each. The callbacks run on the VM's thread with guest
 * code on the stack and must not enter the VM. */
typedef struct torpor_host {
  void *user;
  /* Milliseconds, with fractions down to microseconds. */
  double (*clock)(void *user, torpor_clock which);
  /* Minutes that local time is ahead of UTC at 'ms' since 1970. */
  int (*zone)(void *user, double ms);
  void (*random)(void *user, void *data, size_t size);
  /* One message, without the line end; 'text' is UTF-8, borrowed. */
  void (*console)(void *user, torpor_level level, const char *text,
                  size_t size);
  /* Gives the source of module 'name' (already resolved against its
   * importer): fills 'source' with bytes from malloc, which the VM frees.
   * Returns TORPOR_OK, TORPOR_NOT_FOUND, TORPOR_DENIED, TORPOR_IO or
   * TORPOR_LIMIT; the guest sees an error that names the module. */
  torpor_status (*module)(void *user, const char *name, torpor_bytes *source);
  /* Asked once in 10,000 polls of running code; true interrupts it. */
  bool (*interrupt)(void *user);
} torpor_host;

/* What the memory of a VM is made of. Pooled memory is recycled from a closed
 * VM: the fastest for short-lived VMs. Mapped memory is shared with other VMs
 * until it is written: the smallest, and opened in the same time however large
 * the snapshot is. AUTO chooses. */
typedef enum torpor_memory {
  TORPOR_MEMORY_AUTO,
  TORPOR_MEMORY_POOLED,
  TORPOR_MEMORY_MAPPED, /* pooled where the system cannot map it */
} torpor_memory;

/* What else to do when a VM is woken; flags. */
typedef enum torpor_wake {
  TORPOR_WAKE_CLONE = 1,  /* tell it that it is a copy: another one lives on */
  TORPOR_WAKE_RESEED = 2, /* seed Math.random from the host's randomness */
} torpor_wake;

/* How a VM is opened. Start from TORPOR_OPTIONS_INIT. Fields that a program
 * built for an older version lacks count as 0; fields that this version does
 * not know must be 0. */
typedef struct torpor_options {
  size_t size; /* sizeof(torpor_options): lets fields be added */
  torpor_host host;
  uint64_t memory_max;  /* bytes of linear memory; 0: TORPOR_MEMORY_DEFAULT */
  uint64_t fuel;        /* see torpor_vm_set_fuel; 0: no limit */
  uint64_t deadline_ms; /* per entry, see torpor_vm_set_deadline; 0: none */
  const char *engine;   /* engine id in hex; NULL: the built-in engine, or the
                          snapshot's own */
  torpor_memory memory;
  unsigned wake; /* torpor_wake, for restore and fork */
} torpor_options;

#define TORPOR_OPTIONS_INIT {.size = sizeof(torpor_options)}
#define TORPOR_MEMORY_DEFAULT ((uint64_t)512 << 20)
#define TORPOR_MEMORY_LARGEST ((uint64_t)4095 << 20)

/* Opens a new VM, in the state of its engine's baseline. 'options' may be NULL.
 * Returns OK, NOMEM, MISUSE, ENGINE, or LIMIT on a stack with less than 256 KiB
 * left. */
TORPOR_API torpor_status torpor_vm_open(const torpor_options *options,
                                        torpor_vm **out);

/* Ends 'vm' and everything in it. Finalizers of host functions run; they cannot
 * enter the VM (TORPOR_BUSY). From inside a host function this takes effect
 * when the outermost call returns. Using or closing a closed VM is a mistake,
 * which does no harm and gives TORPOR_MISUSE as long as fewer than 256 other
 * VMs were closed since. */
TORPOR_API void torpor_vm_close(torpor_vm *vm);

/* Frees what closed VMs have left for new ones to use. From any thread. */
TORPOR_API void torpor_pool_drain(void);

/* A sentence about the last call that did not return TORPOR_OK: what happened,
 * where (file and line if there is one), and what to do. An exception is
 * described from its data; no code of the program runs for that. Valid until
 * the next call for 'vm'. With NULL: the last failure on this thread of a call
 * that had no VM (open, restore, torpor_json_...). Never NULL. */
TORPOR_API const char *torpor_last_error(const torpor_vm *vm);

/* The id of an engine: 64 lower-case hex digits, SHA-256 of engine.wasm. */
TORPOR_API const char *torpor_vm_engine(const torpor_vm *vm);
TORPOR_API const char *torpor_engine_id(void); /* of the built-in engine */

/* A pointer of the host's own, kept with the VM. */
TORPOR_API void torpor_vm_set_user(torpor_vm *vm, void *user);
TORPOR_API void *torpor_vm_user(const torpor_vm *vm);

typedef struct torpor_usage {
  uint64_t memory;     /* bytes of linear memory */
  uint64_t heap_used;  /* bytes that the guest's heap has handed out */
  uint64_t heap_free;  /* bytes below the heap's break, not handed out */
  uint64_t operations; /* pending operations */
  uint64_t handles;    /* live handles */
} torpor_usage;

TORPOR_API torpor_status torpor_vm_usage(torpor_vm *vm, torpor_usage *out);

/* Collects garbage now, and gives memory back to the system where it can. */
TORPOR_API torpor_status torpor_vm_collect(torpor_vm *vm);

/* ---- Limits --------------------------------------------------------------*/

/* Fuel counts what running code does (calls, loop ends, steps of regular
 * expressions) and is the same on every host. When it is used up, guest code is
 * interrupted. Stays in force until set again; 0 means no limit. */
TORPOR_API void torpor_vm_set_fuel(torpor_vm *vm, uint64_t fuel);
TORPOR_API uint64_t torpor_vm_fuel(const torpor_vm *vm); /* what is left */

/* True when the VM trapped because it ran out of memory_max where no error
 * could be thrown. */
TORPOR_API bool torpor_vm_exhausted(const torpor_vm *vm);
/* Interrupts each outermost entry into the VM after 'ms' milliseconds, together
 * with the VMs that its host functions run. Guest code that never polls is
 * trapped, once it has computed for TORPOR_WATCHDOG_GRACE_MS more. 0: no
 * deadline. */
TORPOR_API void torpor_vm_set_deadline(torpor_vm *vm, uint64_t ms);
#define TORPOR_WATCHDOG_GRACE_MS 100

/* Interrupts the guest code that is running; if none is, the next entry. From
 * any thread. */
TORPOR_API void torpor_vm_interrupt(torpor_vm *vm);

/* ---- Values --------------------------------------------------------------*/

/* torpor-value.h, which this header includes, has what needs no VM: it makes
 * and reads undefined, null, booleans and numbers, and tells the type of a
 * value. */

/* Scopes nest. Handles made after torpor_scope_open belong to that scope and
 * are released by its close; each call of a host function has a scope of its
 * own, and its result is kept for the caller. Handles made outside of all
 * scopes live until the VM is closed; 4,194,304 may live at once. Closing an
 * outer scope closes the inner ones. A handle that was released or is of
 * another VM, and a scope that is closed, are never mistaken for others:
 * TORPOR_STALE. */
typedef uint64_t torpor_scope;
TORPOR_API torpor_status torpor_scope_open(torpor_vm *vm, torpor_scope *out);
TORPOR_API torpor_status torpor_scope_close(torpor_vm *vm, torpor_scope scope);

/* A handle to the same value that outlives scopes; release it. */
TORPOR_API torpor_status torpor_value_retain(torpor_vm *vm, torpor_value value,
                                             torpor_value *out);
TORPOR_API torpor_status torpor_value_release(torpor_vm *vm,
                                              torpor_value value);

/* Handles are gone after a restore. A token names a value in the VM it was
 * exported from and in every VM restored from its later snapshots, until it is
 * forgotten. Tokens are never 0. NOT_FOUND: no such token. */
typedef uint32_t torpor_token;
TORPOR_API torpor_status torpor_value_export(torpor_vm *vm, torpor_value value,
                                             torpor_token *out);
TORPOR_API torpor_status torpor_value_import(torpor_vm *vm, torpor_token token,
                                             torpor_value *out);
TORPOR_API torpor_status torpor_value_forget(torpor_vm *vm, torpor_token token);

/* ---- Strings and bytes ---------------------------------------------------*/

/* 'text' is UTF-8; invalid sequences become U+FFFD. */
TORPOR_API torpor_status torpor_string_new(torpor_vm *vm, const char *text,
                                           size_t size, torpor_value *out);

/* The string that JavaScript's String(value) gives, as UTF-8 (lone surrogates
 * become U+FFFD). May run guest code. TORPOR_THROWN leaves 'out' empty; the
 * exception is in torpor_exception. */
TORPOR_API torpor_status torpor_string_read(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);

/* Makes a Uint8Array with a copy of 'data'; reads a copy of the bytes that an
 * ArrayBuffer, typed array or DataView covers. */
TORPOR_API torpor_status torpor_buffer_new(torpor_vm *vm, const void *data,
                                           size_t size, torpor_value *out);
TORPOR_API torpor_status torpor_buffer_read(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);

/* ---- Objects -------------------------------------------------------------*/

typedef enum torpor_class {
  TORPOR_CLASS_NONE, /* not an object */
  TORPOR_CLASS_OBJECT,
  TORPOR_CLASS_ARRAY,
  TORPOR_CLASS_FUNCTION,
  TORPOR_CLASS_ERROR,
  TORPOR_CLASS_PROMISE,
  TORPOR_CLASS_DATE,
  TORPOR_CLASS_REGEXP,
  TORPOR_CLASS_MAP,
  TORPOR_CLASS_SET,
  TORPOR_CLASS_BUFFER, /* ArrayBuffer, typed array, DataView */
  TORPOR_CLASS_PROXY,
} torpor_class;

TORPOR_API torpor_status torpor_object_class(torpor_vm *vm, torpor_value value,
                                             torpor_class *out);
TORPOR_API torpor_status torpor_global(torpor_vm *vm, torpor_value *out);
TORPOR_API torpor_status torpor_object_new(torpor_vm *vm, torpor_value *out);
TORPOR_API torpor_status torpor_array_new(torpor_vm *vm, torpor_value *out);

/* Reads and writes as obj[key] does in JavaScript, so getters, setters and
 * proxies run. 'key' ends with zero. */
TORPOR_API torpor_status torpor_get(torpor_vm *vm, torpor_value object,
                                    const char *key, torpor_value *out);
TORPOR_API torpor_status torpor_set(torpor_vm *vm, torpor_value object,
                                    const char *key, torpor_value value);
TORPOR_API torpor_status torpor_get_index(torpor_vm *vm, torpor_value object,
                                          uint32_t index, torpor_value *out);
TORPOR_API torpor_status torpor_set_index(torpor_vm *vm, torpor_value object,
                                          uint32_t index, torpor_value value);

/* ---- Calls and host functions --------------------------------------------*/

/* Calls 'function' with 'self' as this. Returns TORPOR_OK with the result,
 * TORPOR_THROWN with the exception in 'out', or another code. */
TORPOR_API torpor_status torpor_call(torpor_vm *vm, torpor_value function,
                                     torpor_value self,
                                     const torpor_value *args, size_t count,
                                     torpor_value *out);

/* The exception of the last call that returned TORPOR_THROWN, for the calls
 * that have no out value. undefined when there is none. Like other handles it
 * ends with the scope that was open then. */
TORPOR_API torpor_value torpor_exception(const torpor_vm *vm);

/* Makes 'value' the exception; returns TORPOR_THROWN, or why it cannot. In a
 * host function: return torpor_throw(vm, error); */
TORPOR_API torpor_status torpor_throw(torpor_vm *vm, torpor_value value);

/* What an error says. All text is UTF-8, zero-terminated, and never NULL once
 * read; 'cause' is undefined when there is none. A value that is not an error
 * has the name "" and its string as message. Release with torpor_error_free. */
typedef struct torpor_error {
  char *name;
  char *message;
  char *stack;
  torpor_value cause;
} torpor_error;

TORPOR_API torpor_status torpor_error_read(torpor_vm *vm, torpor_value value,
                                           torpor_error *out);
TORPOR_API void torpor_error_free(torpor_error *error);

/* A new error; 'name' is "Error", "TypeError", "RangeError", ...; other names
 * give an Error with that name. */
TORPOR_API torpor_status torpor_error_new(torpor_vm *vm, const char *name,
                                          const char *message,
                                          torpor_value *out);

/* A call that guest code makes; 'args' and 'self' belong to the scope of that
 * call. The first TORPOR_ARGUMENTS_LEAST of 'args' may always be read; those
 * beyond 'count' are undefined. */
typedef struct torpor_arguments {
  torpor_value self;
  const torpor_value *args;
  size_t count;
} torpor_arguments;
#define TORPOR_ARGUMENTS_LEAST 8

/* Argument 'index'; undefined when the call has fewer. */
static inline torpor_value torpor_argument(const torpor_arguments *arguments,
                                           size_t index) {
  return index < arguments->count ? arguments->args[index] : torpor_undefined();
}

/* A host function. It returns TORPOR_OK with 'result', which is undefined at
 * entry. TORPOR_THROWN throws what was thrown last in this host function, by
 * torpor_throw or by a call that returned TORPOR_THROWN: the status of a failed
 * call can simply be returned, even after the scope of that call was closed.
 * TORPOR_INTERRUPTED interrupts the guest. For any other code the guest sees an
 * Error with that code's text. */
typedef torpor_status (*torpor_host_fn)(torpor_vm *vm,
                                        const torpor_arguments *arguments,
                                        torpor_value *result, void *user);

/* Binds 'name' to 'function' on the host's side. Guest functions know host
 * functions by name only: bind them again after a restore; calling one that is
 * not bound throws an Error that names it. Binding a name again replaces it.
 * 'finalize' (may be NULL) is called with 'user' when the binding ends, and may
 * not enter the VM. 'name' has at most 255 bytes. */
TORPOR_API torpor_status torpor_function_bind(torpor_vm *vm, const char *name,
                                              torpor_host_fn function,
                                              void *user,
                                              void (*finalize)(void *user));

/* A JavaScript function of this name and length that calls the host function
 * 'name'. */
TORPOR_API torpor_status torpor_function_new(torpor_vm *vm, const char *name,
                                             int length, torpor_value *out);

/* Binds, makes the function, and sets it as a global of that name. */
TORPOR_API torpor_status torpor_function_add(torpor_vm *vm, const char *name,
                                             torpor_host_fn function,
                                             void *user);

/* ---- Evaluation and modules ----------------------------------------------*/

typedef enum torpor_mode {
  TORPOR_SCRIPT, /* a script; the result is its completion value */
  TORPOR_MODULE, /* an ES module; the result is a promise of its namespace, for
                    which torpor_promise_handle may be wanted */
} torpor_mode;

/* Evaluates 'source' (UTF-8, 'size' bytes, at most TORPOR_SOURCE_LARGEST);
 * 'file' names it in stack traces, and a module's relative imports are resolved
 * against it. TORPOR_THROWN: 'out' is the exception. */
TORPOR_API torpor_status torpor_eval(torpor_vm *vm, const char *source,
                                     size_t size, const char *file,
                                     torpor_mode mode, torpor_value *out);
#define TORPOR_SOURCE_LARGEST ((size_t)256 << 20)

/* ---- Jobs and promises ---------------------------------------------------*/

/* Runs up to 'max' jobs of the queue (0: until it is empty). 'ran' (may be
 * NULL) is how many ran. Returns TORPOR_OK, TORPOR_INTERRUPTED,
 * TORPOR_TRAPPED, or TORPOR_BUSY. What a job throws becomes an unhandled
 * rejection. A checkpoint is possible between any two jobs. */
TORPOR_API torpor_status torpor_job_run(torpor_vm *vm, uint32_t max,
                                        uint32_t *ran);
TORPOR_API bool torpor_job_pending(const torpor_vm *vm);

typedef enum torpor_promise_state {
  TORPOR_PENDING,
  TORPOR_FULFILLED,
  TORPOR_REJECTED
} torpor_promise_state;

/* State and, once settled, the value or reason ('result' may be NULL).
 * TORPOR_TYPE when 'promise' is not a promise. */
TORPOR_API torpor_status torpor_promise_read(torpor_vm *vm,
                                             torpor_value promise,
                                             torpor_promise_state *state,
                                             torpor_value *result);

/* The state of an exported promise, cheaper than importing and reading it: for
 * hosts that ask again and again. NOT_FOUND: no such token; TYPE as above. */
TORPOR_API torpor_status torpor_promise_look(torpor_vm *vm, torpor_token token,
                                             torpor_promise_state *state);

/* A promise and the functions that settle it ('resolve', 'reject' are called
 * with torpor_call). For what must survive a snapshot use an operation. */
TORPOR_API torpor_status torpor_promise_new(torpor_vm *vm,
                                            torpor_value *promise,
                                            torpor_value *resolve,
                                            torpor_value *reject);

/* Marks 'promise' as handled by the host: torpor_rejection_take does not give
 * its rejection then. TORPOR_TYPE when it is not a promise. */
TORPOR_API torpor_status torpor_promise_handle(torpor_vm *vm,
                                               torpor_value promise);

/* Takes the oldest promise rejected without a handler by the time the job
 * queue was empty, and its reason. TORPOR_NOT_FOUND when there is none. */
TORPOR_API torpor_status torpor_rejection_take(torpor_vm *vm,
                                               torpor_value *reason);

/* ---- Data ----------------------------------------------------------------*/

/* Plain data as CBOR (RFC 8949; typed arrays RFC 8746; docs/cbor.md). Cycles
 * and shared references are kept; functions, symbols and objects of the
 * program's own classes are refused with TORPOR_THROWN (a TypeError says
 * where). */
TORPOR_API torpor_status torpor_cbor_encode(torpor_vm *vm, torpor_value value,
                                            torpor_bytes *out);
TORPOR_API torpor_status torpor_cbor_decode(torpor_vm *vm, const void *data,
                                            size_t size, torpor_value *out);

/* The same data without a VM: JSON text to CBOR (of equal names in an object
 * the last counts), and CBOR to JSON text, as docs/cbor.md says. On
 * TORPOR_FORMAT the error names the offset. */
TORPOR_API torpor_status torpor_json_to_cbor(const char *json, size_t size,
                                             torpor_bytes *out);
TORPOR_API torpor_status torpor_cbor_to_json(const void *data, size_t size,
                                             torpor_bytes *out);

/* ---- Operations ----------------------------------------------------------*/

/* A promise that the outside has to settle. The table of pending ones lies in
 * guest memory, so they sleep and wake with the VM. */
typedef struct torpor_operation {
  uint64_t id;      /* never reused within a VM and its copies */
  const char *kind; /* "timer", "signal", "file-read", ...; zero-terminated */
  const uint8_t *request; /* CBOR */
  size_t request_size;
  double due;   /* wall-clock milliseconds; 0 when it has none */
  double begun; /* wall-clock milliseconds */
} torpor_operation;

#define TORPOR_KIND_LARGEST 63

/* Begins an operation of 'kind' with the plain data 'request' and gives its
 * promise. 'due' in wall-clock milliseconds, finite, 0 for none. */
TORPOR_API torpor_status torpor_operation_begin(torpor_vm *vm, const char *kind,
                                                torpor_value request,
                                                double due, uint64_t *id,
                                                torpor_value *promise);

/* The next pending operation that this host has not been given yet, in the
 * order of ids; after a restore it gives all that are pending. 'out' is
 * borrowed until the next call into the VM. TORPOR_NOT_FOUND: no more. */
TORPOR_API torpor_status torpor_operation_next(torpor_vm *vm,
                                               torpor_operation *out);

/* Takes the id of one operation that guest code has cancelled. Only those that
 * torpor_operation_next gave are reported. TORPOR_NOT_FOUND: no more. */
TORPOR_API torpor_status torpor_operation_take_cancelled(torpor_vm *vm,
                                                         uint64_t *id);

/* Pending operations, for listing: 'index' counts from 0 in order of ids. */
TORPOR_API size_t torpor_operation_count(const torpor_vm *vm);
TORPOR_API torpor_status torpor_operation_at(torpor_vm *vm, size_t index,
                                             torpor_operation *out);

typedef enum torpor_outcome {
  TORPOR_RESOLVE,
  TORPOR_REJECT,
} torpor_outcome;

/* Settles operation 'id' with a value of the VM or with CBOR data. The program
 * goes on in a job: none of its code runs in this call. TORPOR_NOT_FOUND:
 * settled already, or cancelled. */
TORPOR_API torpor_status torpor_operation_settle(torpor_vm *vm, uint64_t id,
                                                 torpor_outcome outcome,
                                                 torpor_value value);
TORPOR_API torpor_status torpor_operation_settle_cbor(torpor_vm *vm,
                                                      uint64_t id,
                                                      torpor_outcome outcome,
                                                      const void *data,
                                                      size_t size);

/* CBOR of an error, to reject an operation with; 'code' may be NULL. */
TORPOR_API torpor_status torpor_cbor_error(const char *name,
                                           const char *message,
                                           const char *code, torpor_bytes *out);

/* ---- Snapshots -----------------------------------------------------------*/

/* Makes a snapshot of 'vm': its difference from the engine's baseline
 * (docs/snapshot-format.md). 'vm' may go on running. Possible between any two
 * jobs. TORPOR_BUSY while guest code is on the stack. */
TORPOR_API torpor_status torpor_snapshot_save(torpor_vm *vm, torpor_bytes *out);

/* How to save; flags. */
typedef enum torpor_save {
  /* Remember this state in 'vm': the next difference is from it. */
  TORPOR_SAVE_PARENT = 1,
  /* Save the difference from the state that 'vm' remembers, or else from what
   * it was restored from: time and size depend on what was written since. */
  TORPOR_SAVE_DELTA = 2,
  /* Add where each suspended function waits: section WAITING. */
  TORPOR_SAVE_WAITING = 4,
} torpor_save;

/* As torpor_snapshot_save, with 'flags' of torpor_save. TORPOR_NOT_FOUND: there
 * is no state to take the difference from; save a whole snapshot first. */
TORPOR_API torpor_status torpor_snapshot_save_with(torpor_vm *vm,
                                                   unsigned flags,
                                                   torpor_bytes *out);

/* The same in two steps. After the first, 'vm' may go on running; the second
 * packs the bytes, on any thread, and ends the job whatever it returns. A job
 * that is not wanted any more is freed instead. A difference cannot be finished
 * before the job of the state that it is from: TORPOR_MISUSE. */
typedef struct torpor_snapshot_job torpor_snapshot_job;
TORPOR_API torpor_status torpor_snapshot_save_start(torpor_vm *vm,
                                                    unsigned flags,
                                                    torpor_snapshot_job **out);
TORPOR_API torpor_status torpor_snapshot_job_finish(torpor_snapshot_job *job,
                                                    torpor_bytes *out);
TORPOR_API void torpor_snapshot_job_free(torpor_snapshot_job *job);

/* Opens a VM from a snapshot. Handles are gone, host functions have to be bound
 * again, operations are still pending. Nothing is produced unless all of the
 * bytes are valid. Returns TORPOR_OK, TORPOR_FORMAT, TORPOR_NEWER,
 * TORPOR_ENGINE, TORPOR_EXTENSION, TORPOR_CHECKSUM, TORPOR_LIMIT, TORPOR_NOMEM,
 * or TORPOR_PARENT for a difference. */
TORPOR_API torpor_status torpor_snapshot_restore(const void *data, size_t size,
                                                 const torpor_options *options,
                                                 torpor_vm **out);

/* Bytes that belong to the caller. */
typedef struct torpor_slice {
  const void *data;
  size_t size;
} torpor_slice;

#define TORPOR_CHAIN_LARGEST 1024

/* Opens a VM from a chain: a whole snapshot, then differences, each from the
 * one before it; at most TORPOR_CHAIN_LARGEST in all. As
 * torpor_snapshot_restore, and TORPOR_PARENT when they do not fit together. */
TORPOR_API torpor_status
torpor_snapshot_restore_chain(const torpor_slice *chain, size_t count,
                              const torpor_options *options, torpor_vm **out);

/* The id of a snapshot: the SHA-256 of its bytes. A difference carries the id
 * of the snapshot that it is from. */
#define TORPOR_SNAPSHOT_ID_SIZE 32
TORPOR_API
torpor_status torpor_snapshot_identify(const void *data, size_t size,
                                       uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);

typedef struct torpor_section_size {
  uint64_t raw, stored; /* bytes, before and after compression */
} torpor_section_size;

/* Sections have numbers below this (docs/snapshot-format.md). */
#define TORPOR_SNAPSHOT_SECTIONS 7

/* What can be known of a snapshot without an engine. */
typedef struct torpor_snapshot_info {
  char engine[65]; /* hex */
  uint32_t version;
  uint64_t memory;     /* bytes of linear memory when awake */
  uint64_t bytes;      /* of memory that are stored, before compression */
  uint32_t operations; /* pending */
  bool has_parent;     /* it is a difference from 'parent' */
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  uint8_t parent[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_section_size sections[TORPOR_SNAPSHOT_SECTIONS]; /* by their number */
} torpor_snapshot_info;

/* Reads what can be known of a snapshot without waking it. 'operations' (may be
 * NULL) is CBOR: an array of maps with id, kind, request, due and begun.
 * Release it. */
TORPOR_API torpor_status torpor_snapshot_read(const void *data, size_t size,
                                              torpor_snapshot_info *info,
                                              torpor_bytes *operations);

/* Sections of a snapshot (docs/snapshot-format.md): CBOR, except memory. */
typedef enum torpor_section {
  TORPOR_SECTION_OPERATIONS = 3, /* array: what it waits for */
  TORPOR_SECTION_WAITING = 4,    /* array: where; TORPOR_SAVE_WAITING */
  TORPOR_SECTION_MEMORY = 5,     /* unpacked: as large as the memory */
  TORPOR_SECTION_RUN = 6,        /* map: torpor_snapshot_attach */
} torpor_section;

/* The content of one section; release 'out'. NOT_FOUND when it is not there;
 * otherwise as torpor_snapshot_read. */
TORPOR_API torpor_status torpor_snapshot_section(const void *data, size_t size,
                                                 torpor_section section,
                                                 torpor_bytes *out);

/* Makes a copy of a snapshot with the CBOR map 'run' as its section RUN, to
 * travel with it; restoring ignores that section. The copy has another id. */
TORPOR_API torpor_status torpor_snapshot_attach(const void *data, size_t size,
                                                const void *run,
                                                size_t run_size,
                                                torpor_bytes *out);

/* A snapshot that is laid out in memory once. Any number of VMs can be opened
 * from it, each in a time that does not grow with its size; they share what
 * they do not write. Safe from any thread. */
typedef struct torpor_base torpor_base;

/* Makes a base of 'chain', see torpor_snapshot_restore_chain. Of 'options' (may
 * be NULL) only memory_max and engine count. */
TORPOR_API torpor_status torpor_base_open(const torpor_slice *chain,
                                          size_t count,
                                          const torpor_options *options,
                                          torpor_base **out);
/* VMs that were opened from it live on. */
TORPOR_API void torpor_base_close(torpor_base *base);

/* Opens a VM from 'base' and the differences 'deltas' (may be none) that
 * continue it; otherwise as torpor_snapshot_restore_chain. */
TORPOR_API torpor_status torpor_base_restore(torpor_base *base,
                                             const torpor_slice *deltas,
                                             size_t count,
                                             const torpor_options *options,
                                             torpor_vm **out);

/* Makes a copy of 'vm', which goes on living. In the copy handles are gone and
 * host functions have to be bound again; operations are pending in both.
 * Cheaper than saving and restoring. The copy is told that it is one when it is
 * first entered. 'options' NULL: the original's limits, but none of its
 * callbacks. TORPOR_BUSY while guest code is on the stack. */
TORPOR_API torpor_status torpor_vm_fork(torpor_vm *vm,
                                        const torpor_options *options,
                                        torpor_vm **out);

/* Seeds Math.random from the host's randomness, so that copies draw different
 * numbers. */
TORPOR_API torpor_status torpor_vm_reseed(torpor_vm *vm);

/* What 'vm' holds and where it waits, as CBOR (docs/inspect.md): suspended
 * functions, the heap by class, the largest objects and what holds them. It
 * looks at a copy and runs no code of the program. TORPOR_BUSY while guest code
 * is on the stack; TORPOR_LIMIT when there is too little memory for that;
 * TORPOR_FORMAT when the VM's memory contradicts itself. */
TORPOR_API torpor_status torpor_vm_inspect(torpor_vm *vm, torpor_bytes *out);

/* The places at which functions wait, as text for a sentence: "load
 * (app.js:12:3), main.js:4:1 and 3 more"; empty when none waits. Errors as
 * above. */
TORPOR_API torpor_status torpor_vm_waiting(torpor_vm *vm, torpor_bytes *out);

/* What the program hands over to its successor: calls the function that it
 * registered with exportState. TORPOR_NOT_FOUND when it has none. */
TORPOR_API torpor_status torpor_state_export(torpor_vm *vm, torpor_value *out);

/* Protection with the caller's key, so that whoever keeps a snapshot need not
 * be trusted: AES-256-GCM under a key derived from 'key' and random salt with
 * HKDF-SHA256. AUTHENTICATE leaves the bytes readable. */
typedef enum torpor_protection {
  TORPOR_AUTHENTICATE = 1,
  TORPOR_ENCRYPT = 2,
} torpor_protection;
#define TORPOR_KEY_SIZE 32

/* 'context' (may be empty) says what the bytes belong to and is bound to them:
 * whoever opens them must give the same. */
TORPOR_API torpor_status torpor_snapshot_protect(
    const void *data, size_t size, const uint8_t key[TORPOR_KEY_SIZE],
    torpor_protection how, const void *context, size_t context_size,
    torpor_bytes *out);
/* TORPOR_KEY when key, context or bytes are not those of the protecting call;
 * TORPOR_FORMAT when the bytes are not protected. */
TORPOR_API torpor_status torpor_snapshot_unprotect(
    const void *data, size_t size, const uint8_t key[TORPOR_KEY_SIZE],
    const void *context, size_t context_size, torpor_bytes *out);
TORPOR_API bool torpor_snapshot_is_protected(const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
