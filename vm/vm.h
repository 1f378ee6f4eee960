/* SPDX-License-Identifier: MIT */
/* vm.h - the VM: what it consists of, and what every call into one begins and
 * ends with (vm.c).
 *
 * A VM is an address space (a region, see wasm/runtime.h) with an instance of
 * an engine in it. Both are costly to make and cheap to clean, so they are
 * recycled (pool.c): closing a VM resets its memory to the image that it was
 * opened from, and opening one takes memory that is clean.
 *
 *     closed --open--> idle <--begin/end--> in a call --trap--> broken
 *       ^               |                                          |
 *       +----close------+------------------close-------------------+
 *
 * A VM that was restored or forked is idle and *asleep*: the first call that
 * enters it wakes it, so that until then it equals its snapshot.
 *
 *  (1) Every public function that enters the guest does so between
 *      torpor__begin and torpor__end; 'calls' counts how many are on the
 *      stack. Deadline and deferred close belong to the outermost one.
 *  (2) Guest code is entered in one place, torpor__enter (border/enter.c).
 *  (3) A guest address becomes a pointer in one place, memory/memory.c, which
 *      checks it. 'control' and 'memory' are the exceptions: set when a VM is
 *      made, by what the engine says, not by the guest.
 *  (4) What is read from guest memory is capped before it is used, even where
 *      only our own code in the guest writes: it may have been overwritten.
 *
 * The files of this folder are a ladder: each calls only files that stand
 * further down. Each has its declarations in the header of its name, those that
 * programs call in include/.
 *
 *   What programs call:
 *     snapshot.c       saving a VM as bytes
 *     inspect.c        a report of what a VM holds and where it waits
 *     base.c           snapshots that many VMs are opened from
 *     restore.c        VMs of snapshots, and of chains of them
 *     snapshot-read.c  what a snapshot says of itself, without an engine
 *     module.c         modules made by the host, answers about others
 *     function.c       functions that call the host
 *     class.c          classes of the host
 *     open.c           opening and closing VMs, and facts about one
 *     fork.c           a copy of a VM that goes on living
 *     load.c           loading extensions
 *     eval.c           scripts and modules, bytecode
 *     data.c           trees of values in one call
 *     call.c           calling functions, methods and constructors
 *     iterate.c        what can be iterated
 *     property.c       properties of objects, and objects as a whole
 *     object.c         making objects
 *     value.c          scopes, handles, tokens
 *     brand.c          what a value is; conversions
 *     string.c         strings
 *     symbol.c         symbols, regular expressions, proxies
 *     bigint.c         integers of any size, dates
 *     buffer.c         bytes
 *     collection.c     arrays, maps, sets
 *     exception.c      what was thrown, or is to be
 *     job.c            jobs and promises
 *     operation.c      the operations that a VM waits for
 *     make.c           values made and looked at, for those above
 *
 *   What a call begins and ends with:
 *     vm.c             begin and end
 *     life.c           out of the pool, and back into it
 *     pool.c           memory that is recycled
 *     resting.c        structs of closed VMs
 *     options.c        what callers ask for
 *     settings.c       what the guest is told of that
 *
 *   extensions/: C code inside VMs
 *     manifest.c       which ones a VM has, in a snapshot
 *     linking.c        the same, bound to its instance
 *     extension-find.c  finding the one that is needed
 *
 *   engines/: JavaScript engines
 *     engine.c         finding the one that is needed
 *     engine-file.c    loading one from a file
 *     engine-check.c   whether what one says of itself makes sense
 *     folder.c         where these and extensions lie
 *
 *   border/: into guest code, and out of it
 *     import.c         what it calls on its host
 *     raise.c          errors that the host makes
 *     attach.c         getting to know objects of the host's classes
 *     function-make.c  functions, made in the guest
 *     reflect.c        what the guest does with a property
 *     invoke.c         entries that answer with a status
 *     collected.c      what the guest let go of
 *     thrown.c         reading what JavaScript threw
 *     loan.c           bytes into guest memory, and out of it
 *     instance.c       which objects of its classes the host knows
 *     binding.c        which host function a name stands for
 *     given.c          which operations the host was given
 *     stop.c           stopping a VM that may be closed already
 *     limit.c          fuel, deadline, interrupts
 *     enter.c          the one way in
 *
 *   memory/: what a VM's memory holds, and what of it changed
 *     check.c          assertions, in test builds
 *     changes.c        what differs from the baseline, or since the last save
 *     remember.c       the state at the last save
 *     sketch.c         the id of a snapshot that only its image is left of
 *     runs.c           reading what differs
 *     memory.c         guest addresses to pointers
 *     image.c          memory that never changes, which VMs start from
 *     image-window.c   writing the file of an image
 *
 *   format/: snapshots and bytecode as bytes
 *     container.c      header, sections and checksum of a snapshot
 *     pack.c           compressing sections
 *     pieces.c         content that does not lie in one place
 *     bytecode.c       header and checksum of bytecode
 *     checksum.c       the checksum of a snapshot, in pieces
 *     protect.c        snapshots under a caller's key
 *     identify.c       the id of a snapshot
 *
 *   data/: values without a VM
 *     writer.c         trees of values, written call by call
 *     reader.c         trees of values, read where they lie
 *     json.c           JSON to CBOR
 *     json-write.c     CBOR to JSON
 *     cbor-error.c     an error as plain data
 *     number.c         numbers as text
 *
 *   common/:
 *     bytes.c          giving bytes back
 *     error.c          the sentence about the last failure
 *
 * Below them lie common/ and wasm/. One call goes up: guest code calls imports,
 * through the table that pool.c gives to each instance, and imports call what
 * programs bound, which may call anything here. */
#ifndef TORPOR_VM_H
#define TORPOR_VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

#include "guest/abi.h"
#include "vm/engines/engine.h"
#include "wasm/runtime.h"

#define TORPOR__ERROR_SIZE 512

/* What VMs start from (image.h). */
typedef struct torpor__image torpor__image;
/* A host function bound by name (binding.h). */
typedef struct torpor__binding torpor__binding;
/* A class of the host's, and an object of one (instance.h). */
typedef struct torpor__class torpor__class;
typedef struct torpor__object torpor__object;
/* An extension that is bound to a VM (linking.c). */
typedef struct torpor__linked torpor__linked;
/* A snapshot that a VM was restored from; what names a state (remember.h). */
typedef struct torpor__piece torpor__piece;
typedef struct torpor__name torpor__name;
/* A scope that the host has open (value.h). */
typedef struct torpor__scope torpor__scope;

/* ---- The VM ---------------------------------------------------------------*/

/* What the next difference is from (remember.c). */
typedef struct torpor__remembered {
  bool known; /* there is such a state */
  uint32_t limit;
  torpor__piece *pieces, *last;
  torpor__name *name; /* set once 'pieces' is empty, unless the image has a
                         sketch that it can be made of */
#ifdef TORPOR_TESTING
  uint64_t sum; /* of the state, for assertions (check.c) */
  bool is_summed;
#endif
} torpor__remembered;

/* Why guest code was last told to stop. */
typedef enum torpor__stop {
  TORPOR__STOP_NONE,
  TORPOR__STOP_DEADLINE,
  TORPOR__STOP_OUTER,    /* the deadline of a VM whose host function runs us */
  TORPOR__STOP_REQUEST,  /* torpor_vm_interrupt */
  TORPOR__STOP_CALLBACK, /* options.interrupt */
} torpor__stop;

struct torpor_vm {
  /* Goes on to the next VM that takes over the memory (pool.c). */
  const torpor__engine *engine;
  torpor__image *image; /* a reference */
  torpor__region *region;
  torpor__instance *instance;
  uint8_t *memory;
  torpor_abi_control *control;
  uint32_t table_size;   /* of the engine alone */
  uint32_t table_end;    /* with the extensions of its image */
  torpor__linked *links; /* its extensions (linking.c) */
  uint32_t link_count, link_room;
  uint64_t tracked;        /* bytes reset since writes were tracked anew */
  bool mapped;             /* onto the image's file; else a copy of it */
  bool reset_failed;       /* so it is not used again */
  struct torpor_vm **seat; /* points to the VM whose memory this is now; guest
                              code gives it to imports */
  struct torpor_vm *next;  /* in the pool */

  /* Zero in a VM of the pool: all from here on. */
  torpor_options options; /* as it was opened with; the limits below */
  char *omit;             /* options.omit is this copy */
  torpor_stop *stops;     /* under a lock (stop.c) */
  void *user;
  uint64_t deadline_ms;
  uint64_t deadline_ns;   /* of the outermost call; 0: none */
  bool deadline_is_outer; /* it is that of a VM whose host function runs us */
  uint64_t memory_max;
  _Atomic bool interrupt;
  torpor__stop stop;
  uint32_t calls;   /* public calls on the stack, see (1) */
  bool in_callback; /* a callback of torpor_options is running */
  bool asleep;      /* restored, not entered yet */
  bool untold;      /* the guest does not know its settings yet */
  bool broken;
  bool exhausted; /* broken because memory ran out */
  bool timed_out; /* broken by the watchdog */
  bool closing;   /* it closes when the outermost call returns, or just now */
  bool closed;    /* only the struct is left (pool.c), so that using it fails */
  unsigned wake;  /* torpor_wake: what it is told when it wakes */
  torpor__remembered remembered;
  uint64_t owner; /* in its handles; not used twice in this process */

  /* What the last entry left. */
  uint32_t returned;
  uint64_t result[TORPOR_ABI_RESULTS];
  torpor_value exception;
  bool exception_own;   /* a retained handle that is ours to release */
  char *error;          /* the sentence; 'error_short' or allocated */
  torpor_status failed; /* the code of the call that 'error' is about; OK: none
                           failed since the host function that runs began */
  uint32_t sentences;   /* how many there were */
  char error_short[TORPOR__ERROR_SIZE];

  torpor__scope *scopes;
  uint32_t scope_count;
  size_t scope_room;
  uint32_t scope_floor; /* those below are not the running host function's */
  uint32_t scope_last;  /* how many were opened */
  uint32_t scopes_own;  /* scopes that nobody sees (enter.h) */

  torpor__binding **buckets; /* by name */
  torpor__binding *newest;
  uint32_t bucket_count; /* a power of two, or 0 */
  uint32_t binding_count;
  torpor__binding *retired;
  /* By index of the guest's function table: what it is bound to. */
  torpor__binding **bound;
  uint32_t bound_count;

  torpor__class *classes;   /* that are bound */
  torpor__object **objects; /* of theirs that the host knows, by number */
  torpor__object *newest_object;
  uint32_t object_buckets; /* a power of two, or 0 */
  uint32_t object_count;

  uint64_t operation_cursor; /* the last id that was given */
  uint32_t operation_place;  /* where it was in the table */
  uint64_t operation_woken;  /* the last id that was begun when it slept */
  uint64_t *given; /* those given; marked: settled or cancelled since; sorted */
  size_t given_count, given_gone, given_room; /* those marked: given.c */
  char operation_kind[TORPOR_KIND_LARGEST + 1];
};

/* ---- Calls ----------------------------------------------------------------*/

/* OK when 'vm' is there and neither closed nor broken. */
torpor_status torpor__check_open(torpor_vm *vm);

/* Starts a public call that enters the guest: OK, BROKEN, or BUSY. Wakes a VM
 * that is asleep. */
torpor_status torpor__begin(torpor_vm *vm);
/* The same for calls that do not enter it. */
torpor_status torpor__begin_outside(torpor_vm *vm);
/* The same for calls that may run the program's code, which are those that
 * torpor_vm_interrupt interrupts: INTERRUPTED, too. */
torpor_status torpor__begin_running(torpor_vm *vm);
/* Whether the control block says how things are: the guest brings it up to date
 * at the end of an entry, so not while guest code is on the stack. */
bool torpor__is_published(const torpor_vm *vm);
/* OK when 'vm' is between turns; else BROKEN, or BUSY with a sentence that
 * begins with 'what'. */
torpor_status torpor__check_idle(torpor_vm *vm, const char *what);
/* Ends a call that was begun; gives back 'status'. 'vm' may be gone then. */
torpor_status torpor__end(torpor_vm *vm, torpor_status status);
/* torpor__begin and torpor__begin_running for a call with 'value': STALE when
 * it is another VM's. */
torpor_status torpor__begin_on(torpor_vm *vm, torpor_value value);
torpor_status torpor__begin_running_on(torpor_vm *vm, torpor_value value);

#endif
