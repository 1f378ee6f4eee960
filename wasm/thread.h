/* SPDX-License-Identifier: MIT */
/* thread.h - what the files about threads, and about entering and leaving guest
 * code, share.
 *
 * A thread that uses the runtime has a record, from its first use until it
 * ends. Its handlers find it without a lock, the watchdog in a list.
 *
 *     entry.c     the way into guest code
 *     start.c     what a thread needs before it uses a region
 *     watchdog.c  deadlines
 *     fault.c     what is done about an access that faults
 *     thread.c    the records
 *     leave.c     the way out of guest code
 *
 * Each calls only those further down. */
#ifndef TORPOR_WASM_THREAD_H
#define TORPOR_WASM_THREAD_H

#include "wasm/runtime.h"

struct torpor__thread {
  torpor__entry *entry; /* the innermost; written by this thread only */
  /* What the last entry left in the register for the base of memory. */
  uintptr_t base;
  /* Guest code of the innermost entry is running, and not the host. */
  _Atomic bool in_guest;
  /* For the watchdog: entry->deadline, UINT64_MAX without entry. */
  _Atomic uint64_t deadline;
  /* The deadline may have passed: look at the clock. */
  _Atomic bool late;
  /* From the watchdog: leave guest code that has this deadline. */
  _Atomic uint64_t doomed;
  /* The watchdog's: for which deadline it counts, what guest code has used of
   * its grace, and the thread's processor time when it looked last (ns). */
  uint64_t counted, used, cpu;
  /* Bounds of the stack; 0 when unknown. */
  uintptr_t stack_low, stack_high;
  void *handler_stack; /* ours, or NULL when the thread had one */
  torpor__os_thread os;
  struct torpor__thread *next, **link; /* among all */
};

/* In signal handlers it must be there without allocating: initial-exec. */
extern _Thread_local struct torpor__thread *torpor__thread_self
    __attribute__((tls_model("initial-exec")));

/* The record of this thread, made when it is missing. NULL: no memory. */
struct torpor__thread *torpor__thread_find(void);

/* All records, by 'next'. Under TORPOR__MUTEX_THREADS. */
extern struct torpor__thread *torpor__threads;

/* Makes us the first to handle faults, unless we are. */
void torpor__fault_install(void);

/* From here on the watchdog makes this thread leave nothing. */
static inline void torpor__guest_stop(struct torpor__thread *thread) {
  atomic_store_explicit(&thread->in_guest, false, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
}

/* Leaves 'entry' with 'trap'; the second from a handler, which interrupted
 * 'context'. */
_Noreturn void torpor__entry_leave(torpor__entry *entry, torpor__trap trap);
_Noreturn void torpor__entry_leave_handler(torpor__entry *entry,
                                           torpor__trap trap,
                                           const torpor__os_context *context);

/* What the fault handler asks a region about an address. */
typedef enum torpor__touch {
  TORPOR__TOUCH_FOREIGN,   /* not in linear memory */
  TORPOR__TOUCH_COMMITTED, /* let in now: try again */
  TORPOR__TOUCH_BOUNDS,    /* beyond the memory's size */
  TORPOR__TOUCH_FAILED,    /* the system did not give the page */
} torpor__touch;
torpor__touch torpor__region_touch(torpor__region *region, uintptr_t address);

/* Before the first deadline, without a lock: children know from then on that
 * they have no watchdog. */
void torpor__watchdog_prepare(void);
/* Sets the deadline of this thread that the watchdog looks at. */
void torpor__watchdog_watch(struct torpor__thread *thread, uint64_t deadline);

/* Without a watchdog: guest code calls the host, and is left when its grace is
 * used up; guest code goes on. */
#ifdef TORPOR_SOFT_BOUNDS
void torpor__grace_pause(struct torpor__thread *thread);
void torpor__grace_go_on(struct torpor__thread *thread);
#else
static inline void torpor__grace_pause(struct torpor__thread *thread) {
  (void)thread;
}
static inline void torpor__grace_go_on(struct torpor__thread *thread) {
  (void)thread;
}
#endif

#endif
