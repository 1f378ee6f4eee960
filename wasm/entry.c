/* SPDX-License-Identifier: MIT */
/* entry.c - entering guest code and leaving it.
 *
 * An entry is a call of guest code, and the place to jump back to when that is
 * ended. The entries of a thread nest: guest code calls the host, which may
 * enter guest code again, of this VM or another.
 *
 *  (1) The innermost entry is the one whose guest code may be running; the
 *      thread's in_guest says whether it is.
 *  (2) Only the innermost entry is left by a jump. Those around it end when
 *      their host code returns.
 *  (3) The deadline of an entry is never later than that of its outer one.
 *  (4) The register for the base of memory has that of the innermost entry, and
 *      after the last what the embedder's code had in it. If that was nothing
 *      it keeps what it has, so that the next entry of the VM need not set it.
 *      What a new thread inherits of its maker's counts as the embedder's.
 *
 * Everything here runs on the entry's thread; handlers of that thread read what
 * is volatile. */
#include "wasm/runtime.h"

#include <assert.h>

#include "wasm/thread.h"

/* Bytes of stack that are left for host code which guest code calls. */
#define STACK_RESERVE (128u << 10)

/* Guest frames may not lie below this address; 0 when this runs on a stack that
 * is not the thread's own. */
static uintptr_t find_stack_limit(const struct torpor__thread *thread,
                                  uintptr_t here) {
  if (here < thread->stack_low || here >= thread->stack_high) return 0;
  return thread->stack_low + STACK_RESERVE;
}

static void note_stack(torpor__entry *entry,
                       const struct torpor__thread *thread) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  uintptr_t limit = find_stack_limit(thread, here);
  torpor__region_memory(entry->region)->stack_limit = limit;
  entry->stack = here > limit ? here - limit : 0;
  if (limit == 0) entry->stack = SIZE_MAX;
}

static uintptr_t base_of(const torpor__entry *entry) {
  return (uintptr_t)torpor__region_memory(entry->region) +
         TORPOR__MEMORY_DISTANCE;
}

static bool set_base(torpor__entry *entry,
                     const struct torpor__thread *thread) {
  uintptr_t base = base_of(entry), before = torpor__os_base();
  bool kept = entry->outer == NULL && (before == 0 || before == thread->base);
  entry->base = kept ? base : before;
  return before == base || torpor__os_base_set(base);
}

static void restore_base(const torpor__entry *entry,
                         struct torpor__thread *thread) {
  uintptr_t base = base_of(entry);
  assert(torpor__os_base() == base || torpor__os_base() == 0); /* (4) */
  if (entry->base != base) torpor__os_base_set(entry->base);
  thread->base = base;
}

bool torpor__entry_start(torpor__entry *entry, torpor__region *region,
                         uint64_t deadline) {
  struct torpor__thread *thread = torpor__thread_find();
  entry->trap = TORPOR__TRAP_MEMORY;
  if (thread == NULL) return false;
#ifdef TORPOR_TESTING
  torpor__fault_install(); /* the test framework takes signals for each test */
#endif
  entry->region = region;
  entry->trap = TORPOR__TRAP_NONE;
  entry->stops = 0;
  entry->in_guest = &thread->in_guest;
  entry->deadline = deadline != 0 ? deadline : UINT64_MAX;
  entry->outer = thread->entry;
  if (entry->outer != NULL && entry->outer->deadline < entry->deadline)
    entry->deadline = entry->outer->deadline;
  note_stack(entry, thread);
  if (!set_base(entry, thread)) {
    entry->trap = TORPOR__TRAP_REGISTER;
    return false;
  }
  atomic_signal_fence(memory_order_seq_cst); /* handlers see it whole */
  thread->entry = entry;
  torpor__watchdog_watch(thread, entry->deadline);
  return true;
}

torpor__trap torpor__entry_end(torpor__entry *entry) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *outer = entry->outer;
  assert(thread->entry == entry);
  torpor__guest_stop(thread);
  restore_base(entry, thread);
  thread->entry = outer;
  if (outer == NULL || outer->deadline == UINT64_MAX) {
    torpor__watchdog_watch(thread, UINT64_MAX);
  } else if (outer->deadline != entry->deadline) {
    torpor__watchdog_watch(thread, outer->deadline);
    atomic_store_explicit(&thread->late, true, memory_order_relaxed);
  }
  return entry->trap;
}

uint64_t torpor__entry_deadline(void) {
  const struct torpor__thread *thread = torpor__thread_self;
  return thread != NULL && thread->entry != NULL ? thread->entry->deadline
                                                 : UINT64_MAX;
}

torpor__entry *torpor__host_begin(void) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *entry = thread->entry;
  torpor__guest_stop(thread);
  torpor__grace_pause(thread);
  uintptr_t limit = torpor__region_memory(entry->region)->stack_limit;
  if (limit != 0 && (uintptr_t)__builtin_frame_address(0) < limit)
    torpor__entry_leave(entry, TORPOR__TRAP_STACK);
  return entry;
}

bool torpor__entry_is_late(const torpor__entry *entry) {
#ifndef TORPOR_SOFT_BOUNDS
  if (!atomic_load_explicit(&torpor__thread_self->late, memory_order_relaxed))
    return false;
#endif
  return entry->deadline != UINT64_MAX && torpor__os_now() >= entry->deadline;
}

void torpor__host_end(torpor__entry *entry) {
  torpor__grace_go_on(torpor__thread_self);
  torpor__guest_begin(entry);
}
