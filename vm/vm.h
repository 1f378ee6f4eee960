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

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

#include "guest/abi.h"
#include "vm/engine.h"
#include "wasm/runtime.h"

#define TORPOR__ERROR_SIZE 512
#define TORPOR__NAME_LARGEST 255

/* What VMs start from (image.h). */
typedef struct torpor__image torpor__image;
/* Pages that do not change (still.h). */
typedef struct torpor__still torpor__still;

/* ---- The VM ---------------------------------------------------------------*/

/* A host function bound by name. */
typedef struct torpor__binding {
  torpor_host_fn function;
  void *user;
  void (*finalize)(void *user);
  struct torpor__binding *next; /* in the list of retired ones */
  size_t name_size;
  char name[];
} torpor__binding;

/* A snapshot that a VM was restored from, or a difference in its chain. */
typedef struct torpor__piece {
  struct torpor__piece *next;
  uint8_t *owned;      /* what was decompressed, or NULL */
  const uint8_t *runs; /* in 'owned' or in 'bytes' */
  size_t size;         /* of 'runs' */
  size_t copied;       /* of the snapshot; 0 when 'owned' is enough */
  uint8_t bytes[];
} torpor__piece;

/* The id of a state that is remembered; whoever packs its bytes gives it. */
typedef struct torpor__name {
  _Atomic uint32_t references;
  _Atomic bool known;
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
} torpor__name;

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

/* A scope that the host has open. */
typedef struct torpor__scope {
  torpor_scope number;
  uint32_t mark; /* the guest's */
} torpor__scope;

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
  uint64_t owner;       /* in its handles; not used twice in this process */
  torpor__still *still; /* or NULL */
  uint32_t saves;       /* whole snapshots, as far as they are counted */

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

/* A VM in the state of 'image', with what 'options' say. */
torpor_status torpor__vm_take(torpor__image *image,
                              const torpor_options *options, torpor_vm **out);
/* The baseline of 'engine'; this thread's error says what is wrong. */
torpor_status torpor__engine_baseline(const torpor__engine *engine,
                                      torpor__image **out);
/* Runs finalizers, frees what hangs on 'vm' and gives it to the pool. */
void torpor__vm_give(torpor_vm *vm);

/* The engine that 'options' name, else 'id' (NULL: the built-in one). */
torpor_status torpor__options_engine(const torpor_options *options,
                                     const char *id,
                                     const torpor__engine **out);
/* Makes '*options', unless it is NULL, point to 'own', a copy of what a caller
 * of any version gave. MISUSE, with the reason as this thread's error, when
 * they make no sense. */
torpor_status torpor__options_take(const torpor_options **options,
                                   torpor_options *own);
uint64_t torpor__options_memory(const torpor_options *options);

/* ---- Calls ----------------------------------------------------------------*/

/* Returns MISUSE from a public function when an argument that must not be NULL
 * is. */
#define TORPOR__REQUIRE(vm, argument)                                          \
  if (!(argument)) return torpor__fail_missing((vm), #argument)
torpor_status torpor__fail_missing(torpor_vm *vm, const char *argument);
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

/* ---- Entries (enter.c) ----------------------------------------------------*/

typedef enum torpor__export {
#define X(result, name, parameters) TORPOR__EXPORT_##name,
  TORPOR_ABI_EXPORTS(X)
#undef X
} torpor__export;

/* Enters the guest at 'export'. Arguments are 64 bits each, doubles by their
 * bits. OK, with what it returned in vm->returned, or TRAPPED. */
torpor_status torpor__enter(torpor_vm *vm, torpor__export export,
                            const uint64_t *arguments);

/* Enters at an export that returns a status, and gives that, with the results
 * in vm->result and, unless it is OK, a sentence as the VM's error. */
torpor_status torpor__invoke(torpor_vm *vm, torpor__export export,
                             const uint64_t *arguments);

/* TORPOR__INVOKE(vm, string_new, address, size); one 0 when it takes none. */
#define TORPOR__INVOKE(vm, name, ...)                                          \
  torpor__invoke((vm), TORPOR__EXPORT_torpor_##name,                           \
                 (const uint64_t[]){__VA_ARGS__})

/* What an engine calls on us (import.c). */
extern const torpor__engine_imports torpor__imports;

/* ---- Guest memory (memory.c) ----------------------------------------------*/

/* The bytes [address, address + size) of guest memory, to read; and to write.
 * NULL when they do not lie in it. Valid until the next entry. 'size' 0 gives a
 * valid pointer. */
const uint8_t *torpor__memory_at(torpor_vm *vm, uint32_t address,
                                 uint64_t size);
uint8_t *torpor__memory_to(torpor_vm *vm, uint32_t address, uint64_t size);
uint64_t torpor__memory_size(const torpor_vm *vm);
/* The same as torpor__memory_at for what sleeps with the VM: not the stack, the
 * host's part of the control block, or what lies beyond the heap's break. */
const uint8_t *torpor__memory_kept(torpor_vm *vm, uint32_t address,
                                   uint64_t size);
/* Where that ends. */
uint32_t torpor__memory_limit(const torpor_vm *vm);
/* The same for a heap with that break, in 'size' bytes of memory that began as
 * 'baseline'. */
uint32_t torpor__memory_limit_of(const torpor__image *baseline,
                                 uint32_t heap_break, uint64_t size);
/* Makes [limit, end) zero in 'vm', which was not entered yet: the guest takes
 * all from its break on for zeros. false: no memory. */
bool torpor__memory_cut(torpor_vm *vm, uint32_t end);

/* Gives pages that a mapped VM has of its own, and need not, back to the
 * system. No guest code is on the stack. */
void torpor__memory_trim(torpor_vm *vm);

/* Bytes lent to the guest for one call: in the control block's window while
 * they fit, else in memory that the guest allocated. */
typedef struct torpor__loan {
  uint32_t window_used;
  uint32_t count;
  uint32_t allocated[3];
} torpor__loan;

/* Lends a copy of 'data' with a zero byte behind it. LIMIT: the guest has no
 * memory for it. */
torpor_status torpor__loan_add(torpor_vm *vm, torpor__loan *loan,
                               const void *data, size_t size,
                               uint64_t *address);
/* Takes all of it back; vm->result and the error stay as they are. */
void torpor__loan_end(torpor_vm *vm, torpor__loan *loan);

/* Copies the text that the last entry gave out ("text out" of abi.h). */
torpor_status torpor__text_take(torpor_vm *vm, torpor_bytes *out);

/* ---- Errors (error.c) -----------------------------------------------------*/

/* Sets the sentence of 'vm', or of this thread when it is NULL, and gives back
 * 'status'. */
torpor_status torpor__fail(torpor_vm *vm, torpor_status status,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with a sentence as it is; 'vm' is not NULL. */
torpor_status torpor__fail_as(torpor_vm *vm, torpor_status status,
                              const char *text);
/* Describes vm->exception in the VM's sentence; enters the guest, but no code
 * of the program runs. */
void torpor__fail_thrown(torpor_vm *vm);
/* What torpor_error_read gives, without a sentence when it fails; 'export' is
 * that, or torpor_error_look. */
torpor_status torpor__error_take(torpor_vm *vm, torpor__export export,
                                 torpor_value value, torpor_error *out);
/* Guest memory contradicts itself: the VM is broken from here on. */
torpor_status torpor__fail_damaged(torpor_vm *vm, const char *what);
void torpor__error_reset(torpor_vm *vm);

/* ---- Values (value.c) -----------------------------------------------------*/

static inline bool torpor__is_handle(torpor_value value) {
  return value.bits >> 48 >= TORPOR_TAG_STRING;
}
/* A border value of 'vm' as the host sees it. */
static inline torpor_value torpor__value_of(const torpor_vm *vm,
                                            uint64_t bits) {
  torpor_value value = {bits, 0};
  if (torpor__is_handle(value)) value.owner = vm->owner;
  return value;
}
/* OK when 'value' is not a handle of another VM. */
torpor_status torpor__fail_foreign(torpor_vm *vm);
static inline torpor_status torpor__check_value(torpor_vm *vm,
                                                torpor_value value) {
  if (!torpor__is_handle(value) || value.owner == vm->owner) return TORPOR_OK;
  return torpor__fail_foreign(vm);
}
/* torpor__begin and torpor__begin_running for a call on 'value'. */
torpor_status torpor__begin_on(torpor_vm *vm, torpor_value value);
torpor_status torpor__begin_running_on(torpor_vm *vm, torpor_value value);
/* A scope for handles that no one is to see; the error stays as it is. */
uint32_t torpor__scope_open(torpor_vm *vm);
void torpor__scope_close(torpor_vm *vm, uint32_t mark);

/* ---- Limits (limit.c) -----------------------------------------------------*/

void torpor__limit_arm(torpor_vm *vm);
/* True when guest code is to be interrupted now; says why in vm->stop. Once it
 * was, all that is left of the outermost call is interrupted too. */
bool torpor__limit_poll(torpor_vm *vm);
/* The same when host code has run, without asking the host; the clock only
 * where 'entry' may be late. */
bool torpor__limit_after(torpor_vm *vm, const torpor__entry *entry);
/* The same where guest code cannot be interrupted: takes note of nothing. */
bool torpor__limit_is_due(const torpor_vm *vm, const torpor__entry *entry);
/* The host function that is running says so. */
void torpor__limit_stop(torpor_vm *vm);
/* True when torpor_vm_interrupt was called since; takes note of it. */
bool torpor__limit_requested(torpor_vm *vm);
torpor_status torpor__limit_interrupted(torpor_vm *vm);

/* ---- Operations (operation.c) ---------------------------------------------*/

void torpor__operation_forget(torpor_vm *vm);

/* ---- Looking into a VM (inspect.c) ----------------------------------------*/

/* Where each suspended function waits, as section 4 of a snapshot has it. */
torpor_status torpor__inspect_waiting(torpor_vm *vm, torpor_bytes *out);

/* ---- Host functions (call.c) ----------------------------------------------*/

/* What the guest's function 'index' is bound to; NULL: nothing. 'name' (of at
 * least TORPOR__NAME_LARGEST + 1 bytes) gets its name then. */
const torpor__binding *torpor__binding_find(torpor_vm *vm, uint32_t index,
                                            char *name);
/* Ends the bindings that were replaced; all of them when 'all'. */
void torpor__binding_sweep(torpor_vm *vm, bool all);

/* ---- Numbers as text (number.c) -------------------------------------------*/

double torpor__number_parse(const char *text);
/* The shortest text that gives 'number' again; at most 25 bytes. */
void torpor__number_print(double number, char *text, size_t size);

/* ---- The host's heap (alloc.c) --------------------------------------------*/

/* malloc, realloc and free, which a test can make fail. */
void *torpor__alloc(size_t size);
void *torpor__alloc_resize(void *block, size_t size);
void torpor__alloc_free(void *block);
#ifdef TORPOR_TESTING
/* The allocation after the next 'after' fails, and all later ones; negative:
 * none. Counts those made since. For this thread. */
void torpor__alloc_fail(long after);
long torpor__alloc_count(void);
/* Blocks that were not freed yet, of all threads. */
long torpor__alloc_live(void);
#endif

/* ---- Recycling (pool.c) ---------------------------------------------------*/

/* A VM in the state of 'image', mapped onto it or a copy; NULL: no memory. */
torpor_vm *torpor__pool_take(torpor__image *image, uint32_t pages_max,
                             bool mapped);
void torpor__pool_give(torpor_vm *vm);
/* Closes the VMs that wait to be used again: those of 'image', or all; for
 * tests and for hosts that want the memory back. */
void torpor__pool_drop(const torpor__image *image);
void torpor__pool_drain(void);
size_t torpor__pool_count(void);
/* Copies of images that are in use. */
size_t torpor__pool_live(void);

#endif
