/* SPDX-License-Identifier: MIT */
/* leave.c - the way out of guest code: the innermost entry of a thread is left
 * by a jump, with a trap that says why.
 *
 *  (1) in_guest becomes false before anything else happens, so that the
 *      watchdog does not leave an entry that is being left.
 *
 * The entry's thread, and its handlers. */
#include "wasm/thread.h"

void torpor__entry_leave(torpor__entry *entry, torpor__trap trap) {
  atomic_store_explicit(entry->in_guest, false, memory_order_relaxed);
  entry->trap = trap;
  torpor__os_jump(entry->leave);
}

void torpor__entry_leave_handler(torpor__entry *entry, torpor__trap trap,
                                 const torpor__os_context *context) {
  atomic_store_explicit(entry->in_guest, false, memory_order_relaxed);
  entry->trap = trap;
  torpor__os_jump_out(entry->leave, context);
}

void torpor__trap_raise(torpor__trap trap) {
  torpor__entry_leave(torpor__thread_self->entry, trap);
}

/* Called by translated code. The watchdog must leave nothing from the first
 * line on: the address sanitizer takes a lock before a call that does not
 * return. */
void wasm_rt_trap(wasm_rt_trap_t trap) {
  torpor__guest_stop(torpor__thread_self);
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
  case TORPOR__TRAP_REGISTER:
    return "the system does not let a thread set its register GS";
  }
  return "unknown trap";
}
