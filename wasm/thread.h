/* SPDX-License-Identifier: MIT */
/* thread.h - what the files of wasm/ share: regions and threads inside.
 *
 * Every thread that ever entered guest code has a record, which the fault and
 * watchdog handlers reach without a lock, and which the watchdog finds in a
 * list. It is made by torpor__runtime_start and ends with the thread. */
#ifndef TORPOR_WASM_THREAD_H
#define TORPOR_WASM_THREAD_H

#include <pthread.h>

#include "wasm/runtime.h"

struct torpor__thread {
  torpor__entry *entry; /* the innermost; written by this thread only */
  /* For the watchdog: entry->deadline, UINT64_MAX without entry. */
  _Atomic uint64_t deadline;
  /* Set by the watchdog's handler when it came while the host was running. */
  volatile sig_atomic_t late;
  /* Bounds of the stack; 0 when unknown. */
  uintptr_t stack_low, stack_high;
  void *signal_stack; /* ours, or NULL when the thread had one */
  pthread_t id;
  struct torpor__thread *next, **link; /* in the watchdog's list */
};

/* In signal handlers it must be there without allocating: initial-exec. */
extern _Thread_local struct torpor__thread *torpor__thread_self
    __attribute__((tls_model("initial-exec")));

/* The record of this thread, made when it is missing. NULL: no memory. */
struct torpor__thread *torpor__thread_find(void);

/* Installs the fault handlers unless they are there. */
void torpor__fault_install(void);

/* Leaves 'entry' with 'trap'; the second from a signal handler, whose third
 * argument 'context' is. */
_Noreturn void torpor__entry_leave(torpor__entry *entry, torpor__trap trap);
_Noreturn void torpor__entry_leave_signal(torpor__entry *entry,
                                          torpor__trap trap,
                                          const void *context);

/* Whether 'entry', the innermost, is past its deadline. With a watchdog the
 * clock is asked only after it called. */
bool torpor__entry_late(const torpor__entry *entry);

/* What the fault handler asks a region about an address. */
typedef enum torpor__touch {
  TORPOR__TOUCH_FOREIGN,   /* not in linear memory */
  TORPOR__TOUCH_COMMITTED, /* let in now: try again */
  TORPOR__TOUCH_BOUNDS,    /* beyond the memory's size */
  TORPOR__TOUCH_FAILED,    /* the system did not give the page */
} torpor__touch;
torpor__touch torpor__region_touch(torpor__region *region, uintptr_t address);

/* The watchdog's list. 'add' and 'remove' are for the thread itself. */
void torpor__watchdog_add(struct torpor__thread *thread);
void torpor__watchdog_remove(struct torpor__thread *thread);
/* Sets the deadline that the watchdog sees for this thread. */
void torpor__watchdog_watch(struct torpor__thread *thread, uint64_t deadline);

#endif
