/* SPDX-License-Identifier: MIT */
/* enter.c - the one place where guest code is entered.
 *
 * An entry ends in one of two ways: the exported function returns, or a trap
 * leaves it with siglongjmp. What a trap jumps over is guest code alone, which
 * holds nothing of the host's: host functions run between torpor__host_begin
 * and torpor__host_end (import.c) and are never jumped over. After a trap the
 * VM is broken: its memory may be in the middle of any change.
 *
 * Guest code uses the host's stack as well as its own. With too little of it
 * nothing is entered; with less than guest code could use, the guest is told
 * how much it may, so that recursion ends in an error that JavaScript can
 * catch.
 *
 * The exports have nineteen signatures; arguments come as an array of 64 bits
 * each and are unpacked by the letters of abi.h. */
#include "vm/border/enter.h"

#include <assert.h>
#include <string.h>

#include "vm/common/error.h"
#include "vm/engines/engine.h"
#include "vm/value.h"
#include "vm/vm.h"

/* Of the host's stack: the least for an outermost entry, and for one below a
 * host function; what the engine's C code may need in places where it does not
 * look for the end of the stack; and more than guest code can use. It needs at
 * most two bytes for one of its own stack (guest/stack.h). */
#define STACK_LEAST (UINT32_C(128) << 10)
#define STACK_NESTED (UINT32_C(32) << 10)
#define STACK_UNASKED (UINT32_C(64) << 10)
#define STACK_MOST (UINT32_C(2) << 20)

static double to_double(uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof(number));
  return number;
}

#define I(n) (uint32_t)a[n]
#define L(n) a[n]
#define D(n) to_double(a[n])
#define PASS_v
#define PASS_i , I(0)
#define PASS_ii , I(0), I(1)
#define PASS_il , I(0), L(1)
#define PASS_iii , I(0), I(1), I(2)
#define PASS_iiii , I(0), I(1), I(2), I(3)
#define PASS_iil , I(0), I(1), L(2)
#define PASS_iiiii , I(0), I(1), I(2), I(3), I(4)
#define PASS_iiiiii , I(0), I(1), I(2), I(3), I(4), I(5)
#define PASS_l , L(0)
#define PASS_ll , L(0), L(1)
#define PASS_li , L(0), I(1)
#define PASS_lii , L(0), I(1), I(2)
#define PASS_lil , L(0), I(1), L(2)
#define PASS_liil , L(0), I(1), I(2), L(3)
#define PASS_liii , L(0), I(1), I(2), I(3)
#define PASS_illl , I(0), L(1), L(2), L(3)
#define PASS_llii , L(0), L(1), I(2), I(3)
#define PASS_iild , I(0), I(1), L(2), D(3)

/* An export that an older engine lacks is NULL. */
static uint32_t call_export(const torpor__engine_exports *exports,
                            torpor__instance *instance, torpor__export export,
                            const uint64_t *a) {
  switch (export) {
#define X(result, name, parameters)                                            \
  case TORPOR__EXPORT_##name:                                                  \
    return exports->name ? exports->name(instance PASS_##parameters)           \
                         : (uint32_t)TORPOR_UNSUPPORTED;
    TORPOR_ABI_EXPORTS(X)
#undef X
  }
  return TORPOR_MISUSE;
}

static torpor_status fail_trapped(torpor_vm *vm, torpor__trap trap) {
  vm->broken = true;
  vm->engine->set_stack_pointer(vm->instance, vm->engine->stack_pointer);
  if (trap == TORPOR__TRAP_HOST) return TORPOR_TRAPPED; /* it said why */
  vm->timed_out = trap == TORPOR__TRAP_WATCHDOG;
  if (vm->timed_out)
    return torpor__fail(
        vm, TORPOR_TRAPPED,
        "guest code was ended: it ran past its deadline of %llu "
        "ms inside a built-in; close this VM or restore a "
        "snapshot",
        (unsigned long long)vm->deadline_ms);
  return torpor__fail(vm, TORPOR_TRAPPED,
                      "guest code was ended: %s; close this VM or restore a "
                      "snapshot",
                      torpor__trap_text(trap));
}

static torpor_status fail_stack(torpor_vm *vm, const torpor__entry *entry) {
  return torpor__fail(vm, TORPOR_LIMIT,
                      "this thread has %zu KiB of stack left for guest code, "
                      "which needs %u; give it more with "
                      "pthread_attr_setstacksize, or recurse less through host "
                      "functions",
                      entry->stack >> 10, STACK_LEAST >> 10);
}

static bool has_stack(const torpor__entry *entry) {
  return entry->stack >= (entry->outer ? STACK_NESTED : STACK_LEAST);
}

/* How much of its own stack the guest may use; 0: all. */
static uint32_t share_stack(const torpor__entry *entry, uint32_t most) {
  uint32_t share = 1;
  if (entry->stack >= STACK_MOST) return most;
  if (entry->stack >= STACK_UNASKED + 2)
    share = (uint32_t)(entry->stack - STACK_UNASKED) / 2;
  return most != 0 && most < share ? most : share;
}

/* Guest code was not entered. */
static torpor_status fail_entry(torpor_vm *vm, torpor__trap why) {
  if (why != TORPOR__TRAP_REGISTER)
    return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  return torpor__fail(vm, TORPOR_UNSUPPORTED,
                      "this system does not let a thread set its register GS, "
                      "by which guest memory is addressed; build Torpor with "
                      "-DTORPOR_SOFT_BOUNDS=ON");
}

torpor_status torpor__enter(torpor_vm *vm, torpor__export export,
                            const uint64_t *arguments) {
  torpor__entry entry;
  torpor__trap trap;
  assert(vm->calls > 0 && !vm->in_callback && !vm->broken);
  if (!torpor__entry_start(&entry, vm->region, vm->deadline_ns))
    return fail_entry(vm, entry.trap);
  if (!has_stack(&entry)) {
    torpor__entry_end(&entry);
    return fail_stack(vm, &entry);
  }
  vm->control->host.stack = share_stack(&entry, vm->options.stack);
  vm->control->host.retain = torpor__retains(vm);
  if (TORPOR__OS_MARK(entry.leave) == 0) {
    torpor__guest_begin(&entry);
    vm->returned =
        call_export(&vm->engine->exports, vm->instance, export, arguments);
  }
  trap = torpor__entry_end(&entry);
  return trap == TORPOR__TRAP_NONE ? TORPOR_OK : fail_trapped(vm, trap);
}

/* ---- Scopes ---------------------------------------------------------------*/

/* A scope is what is newer than the newest handle was. An older engine counts
 * the handles instead. */
uint64_t torpor__scope_mark(torpor_vm *vm) {
  torpor_status status = TORPOR_BROKEN;
  if (vm->engine->exports.torpor_scope_end) return vm->control->host.generation;
  if (!vm->broken)
    status = torpor__enter(vm, TORPOR__EXPORT_torpor_scope_open, NULL);
  return status == TORPOR_OK ? vm->returned : 0;
}

torpor_status torpor__scope_cut(torpor_vm *vm, uint64_t mark) {
  torpor_status status;
  if (vm->broken) return TORPOR_BROKEN;
  if (!vm->engine->exports.torpor_scope_end)
    status = torpor__enter(vm, TORPOR__EXPORT_torpor_scope_close, &mark);
  else if (vm->control->host.generation == mark)
    return TORPOR_OK;
  else
    status = torpor__enter(vm, TORPOR__EXPORT_torpor_scope_end, &mark);
  return status == TORPOR_OK ? (torpor_status)vm->returned : status;
}

uint64_t torpor__scope_open(torpor_vm *vm) {
  vm->scopes_own++;
  return torpor__scope_mark(vm);
}

torpor_status torpor__scope_close(torpor_vm *vm, uint64_t mark) {
  assert(vm->scopes_own > 0);
  vm->scopes_own--;
  return torpor__scope_cut(vm, mark);
}

void torpor__values_drop(torpor_vm *vm, const torpor_value *values,
                         size_t count) {
  while (count-- > 0 && !vm->broken) /* the newest first */
    if (torpor__is_handle(values[count]))
      torpor__enter(vm, TORPOR__EXPORT_torpor_value_drop, &values[count].bits);
}
