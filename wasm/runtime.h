/* SPDX-License-Identifier: MIT */
/* runtime.h - our runtime for code that wasm2c made: regions, traps, entries.
 *
 * Knows no JavaScript. A *region* is one reservation of address space that
 * holds, at fixed distances, an instance and its linear memory:
 *
 *     | region, bitmap | instance | memory, 4 GiB            | guard |
 *                      ^          ^ memory.data = instance + 4096
 *
 * so that translated code finds the memory from the instance without a load
 * (wasm-rt.h; the memory's descriptor is the first member of every instance,
 * which engine/tune.py sees to), and every 32-bit address plus constant offset
 * falls inside the reservation: an access out of bounds hits a page without
 * access and becomes a trap.
 *
 * Pages become accessible when they are first touched: the fault handler lets
 * in accesses below the memory's size, a chunk of TORPOR__CHUNK bytes at a
 * time, and notes the chunk. So the host knows every byte that guest code ever
 * could have written, whatever the guest says.
 *
 *  (1) 'committed' covers everything accessible; a reset covers 'committed'.
 *  (2) Bytes that are not committed are zero when they become so.
 *  (3) Guest code holds nothing of the host's: leaving it by a jump, also from
 *      a signal handler, leaks nothing.
 *  (4) Faults that are not ours are passed on to whoever else is told of them.
 *  (5) The host touches committed bytes only: whatever address it has from the
 *      guest goes through torpor__region_reach or _commit first.
 *
 * With TORPOR_SOFT_BOUNDS memory is checked in code, committed when it grows,
 * and no signal handler is installed; then a deadline ends guest code only when
 * it calls the host.
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

/* Calls 'visit' for each maximal committed range [start, end), ascending;
 * 'visit' may decommit the range that it is given. */
void torpor__region_committed(const torpor__region *region,
                              void (*visit)(void *user, uint32_t start,
                                            uint32_t end),
                              void *user);
/* Makes [start, end) accessible now, for the host's own reads; and for its
 * reads and writes. Cheap when it is. false: no memory, or beyond the memory's
 * size. */
bool torpor__region_reach(torpor__region *region, uint32_t start, uint32_t end);
bool torpor__region_commit(torpor__region *region, uint32_t start,
                           uint32_t end);
/* Tracks what is committed from now on: it is noted, page by page, what is
 * written; each page costs a fault once. What was tracked goes on as it is,
 * unless 'anew'; what is committed later counts as written until it is tracked,
 * too. */
void torpor__region_track(torpor__region *region, bool anew);
/* Calls 'visit' for ranges, in order, that hold every page which may differ
 * from what the region started from: zeros, the file that it lies on, or what
 * was there when it was tracked anew. */
void torpor__region_written(const torpor__region *region,
                            void (*visit)(void *user, uint32_t start,
                                          uint32_t end),
                            void *user);
/* The same without pages that were shared and not written since. */
void torpor__region_written_since(const torpor__region *region,
                                  void (*visit)(void *user, uint32_t start,
                                                uint32_t end),
                                  void *user);

/* Puts the first 'size' bytes of memory (whole chunks) on 'file', privately.
 * What was there before is gone, what lies on the file is committed from then
 * on, and the file is not needed after. 'tracked': it is noted what is written,
 * as after torpor__region_track; else the system is asked for it, so that a
 * first write costs less and finding it more. false: the system refused, or too
 * many regions are tracked. */
bool torpor__region_map(torpor__region *region, torpor__os_file file,
                        uint64_t size, bool tracked);
/* Memory that lies on a file becomes what the file has, all else zero. Its
 * shadow must be forgotten, and what is mapped not be tracked. false: the
 * system refused; close the region. */
bool torpor__region_reset(torpor__region *region);

/* Gives [start, end) back to the system (chunk aligned); it is not accessible
 * and not committed any more, and zero when it comes back. false: the system
 * refused; then it is zero and still committed. What lies on a file stays
 * committed: where it is tracked it becomes what the file has, and clean, or
 * stays as it is. */
bool torpor__region_decommit(torpor__region *region, uint32_t start,
                             uint32_t end);
/* Decommits all that lies on a file and is tracked, so that it is what the file
 * has; nothing else changes. */
void torpor__region_revert(torpor__region *region);
/* Gives the pages of [start, end), whole ones, back to the system: they are as
 * if never written. Only for pages that are so, or whose bytes do not
 * matter. */
void torpor__region_drop(torpor__region *region, uint32_t start, uint32_t end);
/* Sets the size (restore, reset). Bytes below it stay as they are, those beyond
 * go back to the system. false: the system refused; the size is as it was. */
bool torpor__region_set_pages(torpor__region *region, uint32_t pages,
                              uint32_t max_pages);

/* Closes the spare regions. */
void torpor__region_drain(void);

/* ---- Shadows ---------------------------------------------------------------
 *
 * A region's pages as they were at a moment that is remembered. */

/* The copy of 'page', or NULL; and room for one, in which is what was in the
 * last one, or NULL without memory. */
uint8_t *torpor__shadow_at(const torpor__region *region, uint32_t page);
uint8_t *torpor__shadow_copy(torpor__region *region, uint32_t page);
/* Notes that the pages of [start, end), whole ones and committed, are as they
 * are remembered: they become clean, and are copied when they are written.
 * Copies that there were go. false: the system refused, or too many regions do
 * it. */
bool torpor__region_share(torpor__region *region, uint32_t start, uint32_t end);
bool torpor__shadow_shares(const torpor__region *region, uint32_t page);
/* Shares nothing any more: the pages count as written. false: the system
 * refused. */
bool torpor__region_unshare(torpor__region *region);
/* Nothing is remembered any more. false: the system refused; close the
 * region. */
bool torpor__region_forget(torpor__region *region);
void torpor__shadow_close(torpor__region *region);

/* How what was written is found (written.c). BEST: whichever is fastest. */
typedef enum torpor__finder {
  TORPOR__FINDER_BEST,
  TORPOR__FINDER_TRACKED,
  TORPOR__FINDER_PAGEMAP,      /* PAGEMAP_SCAN where it exists */
  TORPOR__FINDER_PAGEMAP_READ, /* /proc/self/pagemap */
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
} torpor__trap;

/* One entry into guest code; lives on the C stack of the caller. Entries of a
 * thread nest (host functions may enter again). */
typedef struct torpor__entry {
  torpor__os_place leave;
  torpor__region *region;
  struct torpor__entry *outer;
  volatile torpor__trap trap;
  _Atomic bool *in_guest; /* of the thread */
  /* Monotonic ns after which the grace begins, the earliest of this entry and
   * those around it; UINT64_MAX: never. */
  uint64_t deadline;
  /* Bytes of the host's stack that are left for guest code; SIZE_MAX when that
   * is not known. */
  size_t stack;
  unsigned stops; /* how often the host has told this guest code to stop */
} torpor__entry;

/* Use:
 *   if (!torpor__entry_start(&entry, region, deadline)) return no memory;
 *   if (TORPOR__OS_MARK(entry.leave) == 0) {
 *     torpor__guest_begin(&entry);
 *     call exports...
 *   }
 *   trap = torpor__entry_end(&entry);
 * 'deadline' is in torpor__os_now; 0: none of its own. */
bool torpor__entry_start(torpor__entry *entry, torpor__region *region,
                         uint64_t deadline);
torpor__trap torpor__entry_end(torpor__entry *entry);

static inline void torpor__guest_begin(torpor__entry *entry) {
  atomic_signal_fence(memory_order_seq_cst); /* handlers see the place to go */
  atomic_store_explicit(entry->in_guest, true, memory_order_relaxed);
}

/* Called by imports at their start and end: between them the host runs, whose
 * time does not count. The start traps when little of the host's stack is
 * left. */
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

/* ---- Watchdog --------------------------------------------------------------
 *
 * A thread that interrupts threads whose innermost entry is past its deadline
 * and has used up its grace: so much of the processor's time in guest code.
 * What the host does, and time in which the process does not run, does not
 * count. The interrupted thread leaves the entry. Started with the first
 * deadline. */
/* A fuzzer, which meets guests that never poll all the time, waits less. */
#ifndef TORPOR__GRACE_MS
#define TORPOR__GRACE_MS 100
#endif

#endif
