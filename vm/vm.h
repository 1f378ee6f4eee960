/* SPDX-License-Identifier: MIT */
/* vm.h - what the files of libtorpor share: the VM itself, the ways into it
 * and the ways to its memory.
 *
 * A VM is a region with an instance of an engine in it. Both are costly to
 * make and cheap to clean, so the whole struct is recycled (pool.c): closing
 * resets it to the baseline, opening takes a clean one.
 *
 *     closed --open--> idle <--begin/end--> in a call --trap--> broken
 *       ^               |                                          |
 *       +----close------+------------------close-------------------+
 *     restore gives an idle VM that is *asleep*: the first call that
 *     enters it lets it wake (vm.c, begin).
 *
 *  (1) Every public function that enters the guest does so between
 *      torpor__begin and torpor__end; 'calls' counts how many are on the
 *      stack. Deadline and deferred close belong to the outermost one.
 *  (2) Guest code is entered in one place, torpor__enter (enter.c).
 *  (3) A guest address becomes a pointer in one place, memory.c, which checks
 *      it. 'control' and 'memory' are the exceptions: set up when a VM is made,
 *      from the engine, not from the guest.
 *  (4) What is read from guest memory is capped before it is used, also what
 *      only our own guest layer writes: it may have been overwritten. */
#ifndef TORPOR_VM_H
#define TORPOR_VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

#include "guest/abi.h"
#include "vm/engine.h"
#include "wasm/runtime.h"

#define TORPOR__ERROR_SIZE 512

/* What VMs start from (image.h). */
typedef struct torpor__image torpor__image;
/* A host function bound by name (binding.h). */
typedef struct torpor__binding torpor__binding;
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
  torpor__name *name; /* set once 'pieces' is empty */
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
  TORPOR__STOP_CALLBACK, /* host.interrupt */
} torpor__stop;

struct torpor_vm {
  /* Goes on to the next VM that takes over the memory (pool.c). */
  const torpor__engine *engine;
  torpor__image *image; /* a reference */
  torpor__region *region;
  torpor__instance *instance;
  uint8_t *memory;
  torpor_abi_control *control;
  uint32_t table_size;
  uint32_t uses;           /* how often it was closed */
  bool mapped;             /* onto the image's file; else a copy of it */
  bool dirty;              /* it could not be reset */
  struct torpor_vm **seat; /* where guest code finds whose memory it is */
  struct torpor_vm *next;  /* in the pool */

  /* Zero in a VM of the pool: all from here on. */
  torpor_host host;
  void *user;
  uint64_t deadline_ms;
  uint64_t deadline_ns;   /* of the outermost call; 0: none */
  bool deadline_is_outer; /* it is that of a VM whose host function runs us */
  uint64_t memory_max;
  _Atomic bool interrupt;
  torpor__stop stop;
  uint32_t calls;   /* public calls on the stack, see (1) */
  bool in_callback; /* a callback of torpor_host is running */
  bool asleep;      /* restored, not entered yet */
  bool broken;
  bool exhausted; /* broken because memory ran out */
  bool closing;  /* close when the outermost call returns; or it is just done */
  bool closed;   /* it rests (pool.c), broken, with no memory */
  unsigned wake; /* torpor_wake: what it is told when it wakes */
  torpor__remembered remembered;
  uint64_t owner; /* in its handles; not used twice in this process */

  /* What the last entry left. */
  uint32_t returned;
  uint64_t result[TORPOR_ABI_RESULTS];
  torpor_value exception;
  char *error; /* the sentence; 'error_short' or allocated */
  char error_short[TORPOR__ERROR_SIZE];

  torpor__scope *scopes;
  uint32_t scope_count, scope_room;
  uint32_t scope_floor; /* those below are not the running host function's */
  uint32_t scope_last;  /* how many were opened */

  torpor__binding **bindings;
  uint32_t binding_count, binding_room;
  torpor__binding *retired;
  /* By index of the guest's function table: what it is bound to. */
  torpor__binding **bound;
  uint32_t bound_count;

  uint64_t operation_cursor; /* the last id that was given */
  uint64_t *given; /* those given and neither settled nor cancelled; sorted */
  size_t given_count, given_room;
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
/* The same for calls that may run the program's code: these are what
 * torpor_vm_interrupt interrupts. */
torpor_status torpor__begin_running(torpor_vm *vm);
/* Whether what the guest published in its control block at the end of an entry
 * is so still: nobody has entered since. */
bool torpor__is_published(const torpor_vm *vm);
/* OK when 'vm' is between turns; else BROKEN, or BUSY with a sentence that
 * begins with 'what'. */
torpor_status torpor__check_idle(torpor_vm *vm, const char *what);
/* Ends a call that was begun; gives back 'status'. 'vm' may be gone then. */
torpor_status torpor__end(torpor_vm *vm, torpor_status status);
/* torpor__begin and torpor__begin_running for a call on 'value'. */
torpor_status torpor__begin_on(torpor_vm *vm, torpor_value value);
torpor_status torpor__begin_running_on(torpor_vm *vm, torpor_value value);

#endif
