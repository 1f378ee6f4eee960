/* SPDX-License-Identifier: MIT */
/* limit.c - what stops guest code: fuel, the deadline, an interrupt.
 *
 * Fuel is counted by the guest, in its control block. Deadline and interrupts
 * are looked at when running code polls, every 10,000 steps, and when a host
 * function returns. Code that never polls is ended by the watchdog of wasm/,
 * some time after the deadline.
 *
 * A stop holds for the whole outermost call: when a nested call was
 * interrupted, the guest code around it is interrupted as soon as the host
 * function returns. A deadline also holds for other VMs that a host function
 * runs meanwhile.
 *
 * torpor_vm_interrupt may come from any thread; all else runs on the VM's. */
#include "vm/border/limit.h"

#include "vm/common/error.h"
#include "vm/vm.h"

_Static_assert(TORPOR__GRACE_MS <= TORPOR_WATCHDOG_GRACE_MS,
               "the header says how long guest code may take");

#define NS_PER_MS UINT64_C(1000000)
#define DEADLINE_LARGEST (UINT64_C(1) << 40) /* ms: 35 years */

void torpor_vm_set_fuel(torpor_vm *vm, uint64_t fuel) {
  if (!vm || vm->closed) return;
  /* The guest stops at 1, since 0 means no limit. */
  vm->control->host.fuel = fuel == 0 || fuel == UINT64_MAX ? fuel : fuel + 1;
}

uint64_t torpor_vm_fuel(const torpor_vm *vm) {
  uint64_t left = vm && !vm->closed ? vm->control->host.fuel : 0;
  return left == 0 ? 0 : left - 1;
}

bool torpor_vm_exhausted(const torpor_vm *vm) {
  return vm && vm->exhausted;
}

bool torpor_vm_timed_out(const torpor_vm *vm) {
  return vm && vm->timed_out;
}

void torpor_vm_set_deadline(torpor_vm *vm, uint64_t ms) {
  if (!vm || vm->closed) return;
  vm->deadline_ms = ms < DEADLINE_LARGEST ? ms : DEADLINE_LARGEST;
}

void torpor_vm_interrupt(torpor_vm *vm) {
  if (vm) atomic_store_explicit(&vm->interrupt, true, memory_order_release);
}

bool torpor__limit_requested(torpor_vm *vm) {
  /* The load keeps the usual case free of a locked instruction. */
  if (!atomic_load_explicit(&vm->interrupt, memory_order_relaxed)) return false;
  if (!atomic_exchange(&vm->interrupt, false)) return false;
  vm->stop = TORPOR__STOP_REQUEST;
  return true;
}

void torpor__limit_arm(torpor_vm *vm) {
  uint64_t outer = torpor__entry_deadline();
  vm->stop = TORPOR__STOP_NONE;
  vm->deadline_ns = 0;
  vm->deadline_is_outer = false;
  if (vm->deadline_ms != 0)
    vm->deadline_ns = torpor__os_now() + vm->deadline_ms * NS_PER_MS;
  if (outer == UINT64_MAX || (vm->deadline_ns && vm->deadline_ns <= outer))
    return;
  vm->deadline_ns = outer;
  vm->deadline_is_outer = true;
}

static bool ask_host(torpor_vm *vm) {
  bool answer;
  if (!vm->options.interrupt) return false;
  vm->in_callback = true;
  answer = vm->options.interrupt(vm->options.user);
  vm->in_callback = false;
  return answer;
}

static bool is_past_deadline(torpor_vm *vm) {
  if (!vm->deadline_ns || torpor__os_now() < vm->deadline_ns) return false;
  vm->stop = vm->deadline_is_outer ? TORPOR__STOP_OUTER : TORPOR__STOP_DEADLINE;
  return true;
}

bool torpor__limit_poll(torpor_vm *vm) {
  if (vm->stop != TORPOR__STOP_NONE || torpor__limit_requested(vm)) return true;
  if (!is_past_deadline(vm) && ask_host(vm)) vm->stop = TORPOR__STOP_CALLBACK;
  return vm->stop != TORPOR__STOP_NONE;
}

bool torpor__limit_is_time(const torpor_vm *vm) {
  return vm->stop == TORPOR__STOP_DEADLINE || vm->stop == TORPOR__STOP_OUTER;
}

bool torpor__limit_is_due(const torpor_vm *vm, const torpor__entry *entry) {
  return vm->stop != TORPOR__STOP_NONE ||
         atomic_load_explicit(&vm->interrupt, memory_order_relaxed) ||
         torpor__limit_is_used_up(vm) ||
         (vm->deadline_ns && torpor__entry_is_late(entry) &&
          torpor__os_now() >= vm->deadline_ns);
}

bool torpor__limit_settle(torpor_vm *vm, const torpor__entry *entry) {
  if (vm->stop != TORPOR__STOP_NONE || torpor__limit_requested(vm)) return true;
  if (torpor__limit_is_used_up(vm)) return true;
  return vm->deadline_ns && torpor__entry_is_late(entry) &&
         is_past_deadline(vm);
}

void torpor__limit_stop(torpor_vm *vm) {
  if (vm->stop == TORPOR__STOP_NONE && !torpor__limit_is_used_up(vm))
    vm->stop = TORPOR__STOP_CALLBACK;
}

torpor_status torpor__limit_interrupted(torpor_vm *vm, const char *at) {
  switch (vm->stop) {
  case TORPOR__STOP_DEADLINE:
    return torpor__fail(vm, TORPOR_INTERRUPTED,
                        "guest code was interrupted: it ran past its deadline "
                        "of %llu ms%s",
                        (unsigned long long)vm->deadline_ms, at);
  case TORPOR__STOP_OUTER:
    return torpor__fail(vm, TORPOR_INTERRUPTED,
                        "guest code was interrupted: it ran in a host function "
                        "past the deadline of the VM that called that%s",
                        at);
  case TORPOR__STOP_REQUEST:
  case TORPOR__STOP_CALLBACK:
    return torpor__fail(vm, TORPOR_INTERRUPTED,
                        "guest code was interrupted by its host%s", at);
  case TORPOR__STOP_NONE:
    break;
  }
  return torpor__fail(vm, TORPOR_INTERRUPTED,
                      "guest code was interrupted: its fuel is used up%s; give "
                      "more with torpor_vm_set_fuel",
                      at);
}
