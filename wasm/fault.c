/* SPDX-License-Identifier: MIT */
/* fault.c - what is done about an access that faults.
 *
 * A fault in linear memory below its size lets the page in and goes on; one
 * beyond, or at the end of the stack while guest code runs, leaves the entry
 * with a trap. All else goes to whoever was told of faults before.
 *
 *  (1) The handler takes no lock and allocates nothing.
 *  (2) While it works, in_guest is false: the watchdog's handler that comes in
 *      between leaves nothing, and is called again.
 *
 * With TORPOR_SOFT_BOUNDS it is never called. */
#include "wasm/thread.h"

#include "wasm/mutex.h"

/* A fault this close to the stack pointer is the stack's. Frames are probed
 * page by page (-fstack-clash-protection), so that none reaches beyond. */
#define STACK_BELOW 65536u
#define STACK_ABOVE (1u << 20)

static bool is_near_stack(const torpor__os_fault *fault) {
  return fault->address + STACK_BELOW >= fault->stack_pointer &&
         fault->address < fault->stack_pointer + STACK_ABOVE;
}

/* What to do about 'fault': TRAP_NONE with '*ours' set: go on. */
static torpor__trap judge_fault(torpor__entry *entry,
                                const torpor__os_fault *fault, bool in_guest,
                                bool *ours) {
  torpor__touch touch = torpor__region_touch(entry->region, fault->address);
  *ours = true;
  if (touch == TORPOR__TOUCH_COMMITTED) return TORPOR__TRAP_NONE;
  *ours = in_guest;
  if (touch == TORPOR__TOUCH_BOUNDS) return TORPOR__TRAP_BOUNDS;
  if (touch == TORPOR__TOUCH_FAILED) return TORPOR__TRAP_MEMORY;
  *ours = in_guest && is_near_stack(fault);
  return TORPOR__TRAP_STACK;
}

/* Leaves the entry or returns: true when the fault was dealt with. */
static bool handle_fault(const torpor__os_fault *fault) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *entry = thread != NULL ? thread->entry : NULL;
  if (entry == NULL) return false;
  bool in_guest = atomic_load_explicit(&thread->in_guest, memory_order_relaxed);
  bool ours;
  atomic_store_explicit(&thread->in_guest, false, memory_order_relaxed);
  torpor__trap trap = judge_fault(entry, fault, in_guest, &ours);
  if (ours && trap != TORPOR__TRAP_NONE)
    torpor__entry_leave_handler(entry, trap, fault->context);
  atomic_store_explicit(&thread->in_guest, in_guest, memory_order_relaxed);
  return ours;
}

/* Asked for every VM, and nearly always done already: then without the lock. */
void torpor__fault_install(void) {
  if (torpor__os_faults_are_caught()) return;
  torpor__mutex_take(TORPOR__MUTEX_FAULT);
  torpor__os_faults_catch(handle_fault);
  torpor__mutex_give(TORPOR__MUTEX_FAULT);
}
