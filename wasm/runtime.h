/* SPDX-License-Identifier: MIT */
/* runtime.h - the runtime for C that wasm2c made: regions of memory, and the
 * ways into guest code and out of it. It knows nothing of JavaScript.
 *
 * A *region* is one reservation of address space that holds, at fixed
 * distances, an instance and its linear memory:
 *
 *     | region, records | instance | memory, 4 GiB            | guard |
 *                       ^          ^ memory.data = instance + 4096
 *
 * So translated code finds the memory from the instance without a load
 * (wasm-rt.h; the memory's descriptor is the first member of every instance,
 * which engine/tune.py sees to). And every 32-bit address plus constant offset
 * falls inside the reservation: an access out of bounds touches a page without
 * access, which is a fault and becomes a trap.
 *
 * Memory becomes accessible when it is first touched: the fault handler commits
 * the chunk of TORPOR__CHUNK bytes around an address below the memory's size,
 * and records it. So the host knows every byte that guest code could have
 * written, whatever the guest says.
 *
 *  (1) Whatever is accessible is recorded as committed, and a reset covers all
 *      that is committed.
 *  (2) Memory is zero when it is committed.
 *  (3) Guest code holds nothing of the host's, so that leaving it by a jump,
 *      even out of a signal handler, leaks nothing.
 *  (4) Faults that are not ours are passed on to whoever handled them before.
 *  (5) The host touches committed memory only: an address that comes from the
 *      guest goes through torpor__region_reach or torpor__region_commit first.
 *
 * With TORPOR_SOFT_BOUNDS addresses are checked in code, memory is committed
 * when it grows, and no handler is installed; a deadline then ends guest code
 * only when it calls the host.
 *
 * Threads: a region and its entries belong to one thread at a time; different
 * regions may be used by different threads at once. */
#ifndef TORPOR_WASM_RUNTIME_H
#define TORPOR_WASM_RUNTIME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasm/layout.h"
#include "wasm/os.h"

/* From a region's start to its memory. */
#define TORPOR__MEMORY_OFFSET (5u * TORPOR__CHUNK)

typedef struct torpor__region torpor__region;

/* A region with 'pages' of memory, growing to at most 'max_pages' (both capped
 * at TORPOR__PAGES_MAX). Memory and instance are zero, but for the memory's
 * descriptor. NULL: no address space or memory. The address space of closed
 * regions is used again. */
torpor__region *torpor__region_open(uint32_t pages, uint32_t max_pages);
void torpor__region_close(torpor__region *region);

/* TORPOR__INSTANCE_MAX bytes, whose first are the memory's descriptor: do not
 * clear them. */
static inline void *torpor__region_instance(const torpor__region *region) {
  return (uint8_t *)region + TORPOR__MEMORY_OFFSET - TORPOR__MEMORY_DISTANCE;
}
static inline torpor__wasm_memory *
torpor__region_memory(const torpor__region *region) {
  return (torpor__wasm_memory *)torpor__region_instance(region);
}

/* Calls 'visit' for each committed range [start, end), in ascending order;
 * neighbours are one range. 'visit' may decommit the range it is given. */
void torpor__region_committed(const torpor__region *region,
                              void (*visit)(void *user, uint32_t start,
                                            uint32_t end),
                              void *user);
/* Make [start, end) accessible to the host: 'reach' to read it, 'commit' to
 * write it, too. Cheap when it is already. false: no memory, or beyond the
 * memory's size. */
bool torpor__region_reach(torpor__region *region, uint32_t start, uint32_t end);
bool torpor__region_commit(torpor__region *region, uint32_t start,
                           uint32_t end);
/* Starts to note which committed pages are written; the first write to each
 * costs a fault. Pages that are tracked already stay as they are, unless
 * 'anew'; what is committed later counts as written until it is tracked. */
void torpor__region_track(torpor__region *region, bool anew);
/* Calls 'visit' for ranges, in ascending order, that cover every page which may
 * differ from what the region started from: zeros, the file that it lies on, or
 * what was there when it was tracked anew. */
void torpor__region_written(const torpor__region *region,
                            void (*visit)(void *user, uint32_t start,
                                          uint32_t end),
                            void *user);
/* The same without pages that are shared: not written since they are
 * remembered. */
void torpor__region_written_since(const torpor__region *region,
                                  void (*visit)(void *user, uint32_t start,
                                                uint32_t end),
                                  void *user);

/* Maps the first 'size' bytes of memory (whole chunks) onto 'file', which other
 * regions see nothing of. What was there before is lost; all of it counts as
 * committed; the file may be closed. 'tracked': writes are noted, as after
 * torpor__region_track; else the system is asked for them, which makes first
 * writes cheaper and finding them dearer. false: the system refused, or too
 * many regions are tracked. */
bool torpor__region_map(torpor__region *region, torpor__os_file file,
                        uint64_t size, bool tracked);
/* Makes what is mapped what the file has, and all else zero. The shadow must
 * have been forgotten, and what is mapped must not be tracked. false: the
 * system refused, or the region is torn; close it. */
bool torpor__region_reset(torpor__region *region);

/* Gives the whole chunks in [start, end) back to the system: they are reserved,
 * and zero when they are committed again. false: the system refused; they are
 * zero, but committed still. Those that are mapped stay so: if they are
 * tracked they become what the file has, and clean, unless the system
 * refuses. */
bool torpor__region_decommit(torpor__region *region, uint32_t start,
                             uint32_t end);
/* Makes what is mapped and tracked what the file has, unless the system
 * refuses. Nothing else changes. */
void torpor__region_revert(torpor__region *region);
/* Gives the whole pages in [start, end) back to the system, as if they had
 * never been written. Only for pages that equal what the region started from,
 * or whose bytes do not matter. */
void torpor__region_drop(torpor__region *region, uint32_t start, uint32_t end);
/* Whether the system refused a change of access in the middle, and to take that
 * back: it is not known what was written. Nothing can be reached or committed
 * any more, and guest code traps when it touches a page for the first time. */
bool torpor__region_is_torn(const torpor__region *region);
/* Sets the memory's size. Bytes below it stay as they are, those beyond go back
 * to the system. false: the system refused; the size is as it was. */
bool torpor__region_set_pages(torpor__region *region, uint32_t pages,
                              uint32_t max_pages);

/* Closes the spare regions. */
void torpor__region_drain(void);

/* ---- Shadows ---------------------------------------------------------------
 *
 * A region's pages as they were at one moment, the remembered state. */

/* The copy of 'page', or NULL. And one that is there from now on, to be filled
 * by the caller, with what the last one had in it; NULL: no memory. */
uint8_t *torpor__shadow_at(const torpor__region *region, uint32_t page);
uint8_t *torpor__shadow_make_room(torpor__region *region, uint32_t page);
/* Remembers the pages of [start, end), whole and committed ones, as they are:
 * they become clean, and are copied when they are written. Copies that they had
 * are dropped. false: the system refused, or too many regions share pages. */
bool torpor__region_share(torpor__region *region, uint32_t start, uint32_t end);
bool torpor__shadow_shares(const torpor__region *region, uint32_t page);
/* Forgets the remembered state, and ends all sharing: pages that were shared
 * count as written. false: the system refused, and some are shared still; try
 * again before anything else is remembered, or close the region. */
bool torpor__region_forget(torpor__region *region);
void torpor__shadow_close(torpor__region *region);

/* The ways to find what was written (written.c). BEST: the fastest there is. */
typedef enum torpor__finder {
  TORPOR__FINDER_BEST,
  TORPOR__FINDER_TRACKED,
  TORPOR__FINDER_TOLD,        /* the system is asked */
  TORPOR__FINDER_TOLD_SLOWLY, /* and as if it knew only the slower way */
  TORPOR__FINDER_EVERYTHING,
} torpor__finder;
#ifdef TORPOR_TESTING
void torpor__finder_force(torpor__finder finder);
/* Asserts that the states of memory of 'region' are as region.h says; 'deep':
 * and that the system lets happen just that. */
void torpor__region_check(torpor__region *region, bool deep);
bool torpor__region_is_committed(const torpor__region *region,
                                 uint32_t address);
#endif

/* ---- Entering and leaving guest code --------------------------------------*/

typedef enum torpor__trap {
  TORPOR__TRAP_NONE,
  TORPOR__TRAP_BOUNDS,     /* memory or table access out of bounds */
  TORPOR__TRAP_ARITHMETIC, /* integer overflow, division by zero */
  TORPOR__TRAP_UNREACHABLE,
  TORPOR__TRAP_SIGNATURE, /* indirect call of another type */
  TORPOR__TRAP_STACK,     /* the host's stack ran out */
  TORPOR__TRAP_WATCHDOG,  /* past its deadline without polling */
  TORPOR__TRAP_HOST,      /* the host ended it (import trap) */
  TORPOR__TRAP_MEMORY,    /* the system has no memory left */
  TORPOR__TRAP_REGISTER,  /* the system does not let GS be set (os.h) */
} torpor__trap;

/* One entry into guest code; lives on the C stack of the caller. Entries of a
 * thread nest (host functions may enter again). */
typedef struct torpor__entry {
  torpor__os_place leave;
  torpor__region *region;
  struct torpor__entry *outer;
  uintptr_t base; /* what the register gets at the end (entry.c) */
  volatile torpor__trap trap;
  _Atomic bool *in_guest; /* of the thread */
  /* When the grace begins (torpor__os_now): the earliest deadline of this entry
   * and those around it; UINT64_MAX: never. */
  uint64_t deadline;
  /* Bytes of the host's stack that are left for guest code; SIZE_MAX when that
   * is not known. */
  size_t stack;
  unsigned stops; /* how often the host has told this guest code to stop */
} torpor__entry;

/* Use:
 *   if (!torpor__entry_start(&entry, region, deadline)) return entry.trap;
 *   if (TORPOR__OS_MARK(entry.leave) == 0) {
 *     torpor__guest_begin(&entry);
 *     call exports...
 *   }
 *   trap = torpor__entry_end(&entry);
 * 'deadline' is a time of torpor__os_now; 0: none of its own. false: nothing
 * was entered, for MEMORY or REGISTER. */
bool torpor__entry_start(torpor__entry *entry, torpor__region *region,
                         uint64_t deadline);
torpor__trap torpor__entry_end(torpor__entry *entry);

static inline void torpor__guest_begin(torpor__entry *entry) {
  atomic_signal_fence(memory_order_seq_cst); /* handlers see the place to go */
  atomic_store_explicit(entry->in_guest, true, memory_order_relaxed);
}

/* Imports call these at their start and end. In between the host runs, and its
 * time does not count. 'begin' traps when little of the stack is left. */
torpor__entry *torpor__host_begin(void);
void torpor__host_end(torpor__entry *entry);

/* Whether 'entry', the innermost, is past its deadline. With a watchdog the
 * clock is asked only after it has seen that. */
bool torpor__entry_is_late(const torpor__entry *entry);
/* The deadline of this thread's innermost entry; UINT64_MAX: none. */
uint64_t torpor__entry_deadline(void);

/* Leaves the innermost entry of this thread with 'trap'. */
_Noreturn void torpor__trap_raise(torpor__trap trap);
const char *torpor__trap_text(torpor__trap trap);

/* Installs the handlers, also when someone else has taken their signals since,
 * lets them in where this thread blocks them, and gives it a stack for them. To
 * be called before a region is used, also one that was used before;
 * torpor__region_open does. false: no memory. */
bool torpor__runtime_start(void);

/* ---- Tables ---------------------------------------------------------------*/

/* Gives 'table' so many entries; new ones are empty. false: no memory, and it
 * is as it was. */
bool torpor__table_resize(wasm_rt_funcref_table_t *table, uint32_t size);
/* The number of the function type with this signature: a letter (i, l, f, d for
 * i32, i64, f32, f64) for each parameter, ':', and one for each result. 0: that
 * is none, or there is no memory. */
uint32_t torpor__type_number(const char *signature);

/* ---- Watchdog --------------------------------------------------------------
 *
 * A thread of its own ends guest code that runs on past its deadline: it
 * interrupts the thread, which leaves its innermost entry. Before, guest code
 * has a grace: so much of the processor's time, in which neither the host nor a
 * process that does not run counts. Started with the first deadline. */

/* A fuzzer, which meets guests that never poll all the time, waits less. */
#ifndef TORPOR__GRACE_MS
#define TORPOR__GRACE_MS 100
#endif

#endif
