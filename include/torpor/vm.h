/* SPDX-License-Identifier: MIT */
/* vm.h - a VM: what it sees of the world, opening and closing one, and
 * facts about it. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_VM_H
#define TORPOR_PUBLIC_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct torpor_vm torpor_vm;
struct torpor_value;
struct torpor_rejection;

/* Bytes that the library allocated; release with torpor_bytes_free. Text ends
 * with a zero byte that 'size' does not count. */
typedef struct torpor_bytes {
  uint8_t *data;
  size_t size;
} torpor_bytes;

/* Frees the bytes and sets data to NULL, size to 0; NULL is accepted.
 * [any thread] */
TORPOR_API void torpor_bytes_free(torpor_bytes *bytes);

/* Bytes that belong to somebody else: the caller, or a VM. */
typedef struct torpor_slice {
  const void *data;
  size_t size;
} torpor_slice;

typedef enum torpor_clock {
  TORPOR_CLOCK_WALL,      /* milliseconds since 1970-01-01 UTC */
  TORPOR_CLOCK_MONOTONIC, /* milliseconds since some moment; never goes back */
} torpor_clock;

typedef enum torpor_zone {
  TORPOR_ZONE_SYSTEM, /* that of the system, or what the function 'zone' says */
  TORPOR_ZONE_FIXED,  /* so many minutes ahead of UTC */
} torpor_zone;

typedef enum torpor_level {
  TORPOR_LEVEL_DEBUG,
  TORPOR_LEVEL_LOG,
  TORPOR_LEVEL_INFO,
  TORPOR_LEVEL_WARN,
  TORPOR_LEVEL_ERROR,
} torpor_level;

/* Where the memory of a VM comes from. Pooled memory is recycled from a closed
 * VM: the fastest for short-lived VMs. Mapped memory is shared with other
 * VMs until it is written: the smallest, and opened in the same time however
 * large the snapshot is. AUTO chooses. */
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

/* Where a console writes to a terminal that shows colours; flags. */
typedef enum torpor_colors {
  TORPOR_COLORS_OUT = 1,   /* debug, log, info */
  TORPOR_COLORS_ERROR = 2, /* warn, error */
} torpor_colors;

/* What is asked about a module, and what is answered; see module.h. */
typedef struct torpor_module_request torpor_module_request;
typedef struct torpor_module_answer torpor_module_answer;

/* How a VM is opened, and what it sees of the world. Options are given anew,
 * and may be different, when a VM is restored or forked. A host that was built
 * for an older version knows fewer fields, which count as 0; fields that this
 * version does not know must be 0.
 *
 * Without a function of the host's, a VM uses the system's clock, time zone and
 * randomness; its console writes to standard output (debug, log, info) and
 * standard error (warn, error); it has no modules and no interrupts. 'user' is
 * passed to each function. They run on the VM's thread with guest code on the
 * stack, and must not enter the VM, except for console_values and rejected. */
typedef struct torpor_options {
  size_t size; /* sizeof(torpor_options) */
  void *user;
  /* Milliseconds, with fractions down to microseconds. */
  double (*clock)(void *user, torpor_clock which);
  /* Minutes that local time is ahead of UTC at 'ms' since 1970. */
  int (*zone)(void *user, double ms);
  void (*random)(void *user, void *data, size_t size);
  /* One message, without the line end; 'text' is UTF-8, borrowed. */
  void (*console)(void *user, torpor_level level, const char *text,
                  size_t size);
  /* Gives the source of a module, now or later; see module.h. NULL: there are
   * no modules but the library's and those of torpor_module_new. */
  torpor_status (*module)(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer);
  /* Says which module an import means; NULL: the rules in module.h do. */
  torpor_status (*resolve)(void *user, const char *specifier,
                           const char *importer, torpor_module_answer *answer);
  /* Asked once for 10,000 of fuel (limit.h), also without a limit; true
   * interrupts the program. */
  bool (*interrupt)(void *user);
  uint64_t memory_max;  /* bytes of linear memory; 0: TORPOR_MEMORY_DEFAULT */
  uint64_t fuel;        /* see torpor_vm_set_fuel; 0: no limit */
  uint64_t deadline_ms; /* per entry, see torpor_vm_set_deadline; 0: none */
  const char *engine;   /* engine id in hex; NULL: the built-in engine, or the
                          snapshot's own */
  torpor_memory memory;
  unsigned wake; /* torpor_wake, for restore and fork */
  /* Where the lines of the console go when 'console' is NULL: 'stream' is 1 for
   * standard output, 2 for standard error. May be called more than once for a
   * line. */
  void (*write)(void *user, int stream, const char *data, size_t size);
  /* Takes what console.debug, log, info, warn and error are given, as values,
   * in place of their text. May use the VM as a host function does. */
  void (*console_values)(void *user, torpor_vm *vm, torpor_level level,
                         const struct torpor_value *values, size_t count);
  /* Told of rejections that nobody handles, see torpor_rejection. May use the
   * VM as a host function does. */
  void (*rejected)(void *user, torpor_vm *vm,
                   const struct torpor_rejection *rejection);
  /* Without 'zone': the system's time zone, or 'zone_minutes' ahead of UTC. */
  torpor_zone zone_is;
  int zone_minutes;
  /* Names of globals that are left out, with spaces between them, as "eval
   * Atomics Math.random". Without "eval" the Function constructors refuse as
   * well; the host still runs code. This makes a program's world tidy, not
   * safe: what syntax makes (a regular expression, an async function) still
   * leads to its prototype. What was left out of a VM stays out of its copies;
   * what the program puts in its place since then stays. */
  const char *omit;
  /* Bytes of the guest's own stack that code may use, from 16,384; 0: all,
   * which is 240 KiB. */
  uint32_t stack;
  /* Bytes of heap below which the collector of garbage does not begin; looked
   * at when a call enters the VM. 0: half as much again as it left last. */
  uint64_t collect;
  /* For languages that collect garbage themselves: what calls give while no
   * scope is open are retained handles, which outlive scopes and host functions
   * and are released in any order; see value.h. */
  bool retain_results;
  /* Globals that come with the extensions that ship (URL, TextEncoder, crypto
   * and so on) are there, and load theirs when they are first touched. A VM
   * keeps them in its snapshots and copies, where this is said again. */
  bool extensions;
  /* Gives a file of a library that the host keeps: what module "torpor:NAME"
   * is that the engine does not have, and what defines globals such as fetch.
   * NULL: there are none. torpor_library_source of torpor-loop.h is one. Say it
   * again where a VM wakes; what it has loaded is part of it. */
  torpor_status (*library)(void *user, const char *name,
                           torpor_module_answer *answer);
  unsigned
      colors; /* torpor_colors: where the console shows values in colours */
} torpor_options;

#define TORPOR_OPTIONS_INIT TORPOR_INIT(torpor_options)
#define TORPOR_MEMORY_DEFAULT ((uint64_t)512 << 20)
#define TORPOR_MEMORY_LARGEST ((uint64_t)4095 << 20)

/* Opens a new VM, in the state of its engine's baseline. 'options' may be NULL.
 * Returns OK, NOMEM, MISUSE, ENGINE, or LIMIT on a stack with less than 256 KiB
 * left.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_vm_open(const torpor_options *options,
                                        torpor_vm **out);

/* Ends 'vm' and everything in it. Finalizers of host functions run; they cannot
 * enter the VM (TORPOR_BUSY). From inside a host function this takes effect
 * when the outermost call returns. Using or closing a closed VM is a mistake,
 * which does no harm and gives TORPOR_MISUSE as long as fewer than 256 other
 * VMs were closed since.
 * [-] */
TORPOR_API void torpor_vm_close(torpor_vm *vm);

/* Frees the memory that closed VMs have left for new ones to use. What stays is
 * how torpor_vm_close knows closed ones: about 320 KiB for each of up to 16
 * threads that close VMs at once.
 * [any thread] */
TORPOR_API void torpor_pool_drain(void);

/* A sentence about the last call that did not return TORPOR_OK: what happened,
 * where (file and line if there is one), and what to do. An exception is
 * described from its data; no code of the program runs for that. Valid until
 * the next call for 'vm'. With NULL: the last failure on this thread of a call
 * that had no VM (open, restore, torpor_json_...). Never NULL.
 * [-] */
TORPOR_API const char *torpor_last_error(const torpor_vm *vm);

/* The id of the VM's engine: 64 lower-case hex digits, the SHA-256 of its
 * engine.wasm.
 * [-] */
TORPOR_API const char *torpor_vm_engine(const torpor_vm *vm);
/* The id of the built-in engine.
 * [any thread] */
TORPOR_API const char *torpor_engine_id(void);

/* The options that 'vm' was opened with, and its limits as they are now (fuel:
 * what is left). The strings in 'out' live as long as the VM.
 * [fails] */
TORPOR_API torpor_status torpor_vm_options(torpor_vm *vm, torpor_options *out);

/* A pointer of the host's own, kept with the VM.
 * [-] */
TORPOR_API void torpor_vm_set_user(torpor_vm *vm, void *user);
/* The pointer that was set; NULL at first.
 * [-] */
TORPOR_API void *torpor_vm_user(const torpor_vm *vm);

typedef struct torpor_usage {
  size_t size;         /* sizeof(torpor_usage) */
  uint64_t memory;     /* bytes of linear memory */
  uint64_t heap_used;  /* bytes that the guest's heap has handed out */
  uint64_t heap_free;  /* bytes below the heap's break, not handed out */
  uint64_t operations; /* pending operations */
  uint64_t handles;    /* live handles */
} torpor_usage;

#define TORPOR_USAGE_INIT TORPOR_INIT(torpor_usage)

/* Reads these sizes, without entering the VM.
 * [fails] */
TORPOR_API torpor_status torpor_vm_usage(torpor_vm *vm, torpor_usage *out);

/* Collects garbage now, and gives memory back to the system where it can.
 * [fails] */
TORPOR_API torpor_status torpor_vm_collect(torpor_vm *vm);

/* Sets 'collect' of the options anew: the next collection begins when the heap
 * has 'bytes', and none with fewer. torpor_vm_heap says when the next one is.
 * UNSUPPORTED: the VM's engine is older than this function.
 * [fails] */
TORPOR_API torpor_status torpor_vm_set_collect(torpor_vm *vm, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
