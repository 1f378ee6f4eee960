/* SPDX-License-Identifier: MIT */
/* entry.c - entering guest code and leaving it.
 *
 * An entry is a place to jump back to. Those of a thread form a stack: guest
 * code calls the host, which may enter guest code again, of this VM or another.
 *
 *  (1) The innermost entry is the one whose guest code may be running; in_guest
 *      says whether it is.
 *  (2) Only the innermost is ever left by a jump. What it nests in ends by
 *      returning, as its host code sees fit.
 *  (3) The deadline of an entry is never later than that of its outer one.
 *
 * Everything here runs on the entry's thread; handlers of that thread read what
 * is volatile. */
#include "wasm/runtime.h"

#include <assert.h>
#include <time.h>
#include <ucontext.h>

#include "wasm/thread.h"

/* What host code called by guest code can count on. */
#define STACK_RESERVE (128u << 10)

uint64_t torpor__monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Guest frames may not lie below this address; 0 when this runs on a stack that
 * is not the thread's own. */
static uintptr_t find_stack_limit(const struct torpor__thread *thread) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (here < thread->stack_low || here >= thread->stack_high) return 0;
  return thread->stack_low + STACK_RESERVE;
}

bool torpor__entry_start(torpor__entry *entry, torpor__region *region,
                         uint64_t deadline) {
  struct torpor__thread *thread = torpor__thread_find();
  if (thread == NULL) return false;
#ifdef TORPOR_TESTING
  torpor__fault_install(); /* the test framework takes signals for each test */
#endif
  entry->region = region;
  entry->trap = TORPOR__TRAP_NONE;
  entry->in_guest = 0;
  entry->deadline = deadline != 0 ? deadline : UINT64_MAX;
  entry->outer = thread->entry;
  if (entry->outer != NULL && entry->outer->deadline < entry->deadline)
    entry->deadline = entry->outer->deadline;
  torpor__region_memory(region)->stack_limit = find_stack_limit(thread);
  thread->late = 0;
  atomic_signal_fence(memory_order_seq_cst); /* handlers see it whole */
  thread->entry = entry;
  torpor__watchdog_watch(thread, entry->deadline);
  return true;
}

torpor__trap torpor__entry_end(torpor__entry *entry) {
  struct torpor__thread *thread = torpor__thread_self;
  assert(thread->entry == entry);
  entry->in_guest = 0;
  thread->entry = entry->outer;
  torpor__watchdog_watch(thread, entry->outer != NULL ? entry->outer->deadline
                                                      : UINT64_MAX);
  return entry->trap;
}

void torpor__entry_leave(torpor__entry *entry, torpor__trap trap) {
  entry->in_guest = 0;
  entry->trap = trap;
  siglongjmp(entry->leave, 1);
}

void torpor__entry_leave_signal(torpor__entry *entry, torpor__trap trap,
                                const void *context) {
  const ucontext_t *interrupted = context;
  pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
  torpor__entry_leave(entry, trap);
}

torpor__entry *torpor__host_begin(void) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *entry = thread->entry;
  entry->in_guest = 0;
  uintptr_t limit = torpor__region_memory(entry->region)->stack_limit;
  if (limit != 0 && (uintptr_t)__builtin_frame_address(0) < limit)
    torpor__entry_leave(entry, TORPOR__TRAP_STACK);
  return entry;
}

bool torpor__entry_late(const torpor__entry *entry) {
#ifndef TORPOR_SOFT_BOUNDS
  if (!torpor__thread_self->late) return false;
#endif
  return entry->deadline != UINT64_MAX &&
         torpor__monotonic_ns() >= entry->deadline;
}

void torpor__host_end(torpor__entry *entry) {
  entry->in_guest = 1;
  if (!torpor__entry_late(entry)) return;
  entry->in_guest = 0;
  torpor__entry_leave(entry, TORPOR__TRAP_WATCHDOG);
}

/* ---- Traps ----------------------------------------------------------------*/

void torpor__trap_raise(torpor__trap trap) {
  torpor__entry_leave(torpor__thread_self->entry, trap);
}

/* From the first line on the watchdog leaves nothing: what the address
 * sanitizer does before a call that does not return takes a lock. */
void wasm_rt_trap(wasm_rt_trap_t trap) {
  torpor__thread_self->entry->in_guest = 0;
  switch (trap) {
  case WASM_RT_TRAP_NONE:
  case WASM_RT_TRAP_OOB:
    torpor__trap_raise(TORPOR__TRAP_BOUNDS);
  case WASM_RT_TRAP_INT_OVERFLOW:
  case WASM_RT_TRAP_DIV_BY_ZERO:
  case WASM_RT_TRAP_INVALID_CONVERSION:
    torpor__trap_raise(TORPOR__TRAP_ARITHMETIC);
  case WASM_RT_TRAP_UNREACHABLE:
    torpor__trap_raise(TORPOR__TRAP_UNREACHABLE);
  case WASM_RT_TRAP_CALL_INDIRECT:
    torpor__trap_raise(TORPOR__TRAP_SIGNATURE);
  case WASM_RT_TRAP_EXHAUSTION:
    torpor__trap_raise(TORPOR__TRAP_STACK);
  }
  torpor__trap_raise(TORPOR__TRAP_UNREACHABLE);
}

const char *torpor__trap_text(torpor__trap trap) {
  switch (trap) {
  case TORPOR__TRAP_NONE:
    return "no trap";
  case TORPOR__TRAP_BOUNDS:
    return "memory or table access out of bounds";
  case TORPOR__TRAP_ARITHMETIC:
    return "integer overflow or division by zero";
  case TORPOR__TRAP_UNREACHABLE:
    return "unreachable code was reached";
  case TORPOR__TRAP_SIGNATURE:
    return "indirect call of a function of another type";
  case TORPOR__TRAP_STACK:
    return "the host's stack ran out";
  case TORPOR__TRAP_WATCHDOG:
    return "it ran past its deadline";
  case TORPOR__TRAP_HOST:
    return "the host ended it";
  case TORPOR__TRAP_MEMORY:
    return "the system has no memory left";
  }
  return "unknown trap";
}
