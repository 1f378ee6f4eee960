/* SPDX-License-Identifier: MIT */
/* open.c - opening and closing VMs, and facts about one.
 *
 * What a new VM enters first is its engine's 'open', which seeds Math.random;
 * after that it is as any other. Closing one in a call only notes that it is to
 * go when the call ends. */
#include <stdio.h>

#include "torpor-engine.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/engines/engine.h"
#include "vm/life.h"
#include "vm/load.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/options.h"
#include "vm/settings.h"
#include "vm/vm.h"

/* The first entry: seeds Math.random, sets the time origin. */
static torpor_status start_program(torpor_vm *vm) {
  bool untold = vm->untold;
  torpor_status status;
  vm->untold = false; /* until it is open */
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, open, 0);
  if (status == TORPOR_OK && untold) status = torpor__settings_tell(vm);
  return torpor__end(vm, status);
}

torpor_status torpor_vm_open(const torpor_options *options, torpor_vm **out) {
  const torpor__engine *engine;
  torpor__image *image;
  torpor_options own;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  status = torpor__options_take(&options, &own);
  if (status == TORPOR_OK)
    status = torpor__options_engine(options, NULL, &engine);
  if (status == TORPOR_OK) status = torpor__engine_baseline(engine, &image);
  if (status == TORPOR_OK) status = torpor__vm_take(image, options, out);
  if (status != TORPOR_OK) return status;
  status = torpor__load_when_touched(*out);
  if (status == TORPOR_OK) status = start_program(*out);
  if (status == TORPOR_OK) return TORPOR_OK;
  torpor__fail(NULL, status, "%s", torpor_last_error(*out));
  torpor__vm_give(*out);
  *out = NULL;
  return status;
}

void torpor_vm_close(torpor_vm *vm) {
  if (!vm || vm->closed || vm->closing) return;
  if (vm->calls > 0 || vm->in_callback)
    vm->closing = true;
  else
    torpor__vm_give(vm);
}

/* ---- Facts about a VM -----------------------------------------------------*/

const char *torpor_vm_engine(const torpor_vm *vm) {
  return vm && !vm->closed ? vm->engine->id : "";
}

torpor_status torpor_engine_of(torpor_vm *vm, torpor_engine_info *info) {
  torpor_engine_info own = TORPOR_ENGINE_INFO_INIT;
  TORPOR__REQUIRE(vm, vm);
  TORPOR__REQUIRE(vm, info);
  TORPOR__REQUIRE_SIZE(vm, info, "TORPOR_ENGINE_INFO_INIT");
  if (vm->closed) return TORPOR_MISUSE; /* the sentence is there */
  snprintf(own.id, sizeof(own.id), "%s", vm->engine->id);
  snprintf(own.quickjs, sizeof(own.quickjs), "%s", vm->engine->quickjs);
  own.abi = vm->engine->abi_version;
  torpor__sized_give(info, &own, sizeof(own));
  return TORPOR_OK;
}

const char *torpor_engine_id(void) {
  return torpor__engine_builtin.id;
}

torpor_status torpor_vm_options(torpor_vm *vm, torpor_options *out) {
  torpor_options own;
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_OPTIONS_INIT");
  if (status != TORPOR_OK) return status;
  own = vm->options;
  own.memory_max = vm->memory_max;
  own.deadline_ms = vm->deadline_ms;
  own.fuel = torpor_vm_fuel(vm);
  own.engine = vm->engine->id;
  own.memory = vm->mapped ? TORPOR_MEMORY_MAPPED : TORPOR_MEMORY_POOLED;
  own.wake = vm->wake;
  torpor__sized_give(out, &own, sizeof(own));
  return TORPOR_OK;
}

void torpor_vm_set_user(torpor_vm *vm, void *user) {
  if (vm && !vm->closed) vm->user = user;
}

void *torpor_vm_user(const torpor_vm *vm) {
  return vm ? vm->user : NULL;
}

torpor_status torpor_vm_usage(torpor_vm *vm, torpor_usage *out) {
  const torpor_abi_control *control;
  torpor_usage usage = TORPOR_USAGE_INIT;
  uint64_t heap = 0;
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_USAGE_INIT");
  torpor__sized_give(out, &usage, sizeof(usage));
  if (status != TORPOR_OK) return status;
  control = vm->control;
  if (control->heap_break > control->heap_base)
    heap = control->heap_break - control->heap_base;
  usage.memory = torpor__memory_size(vm);
  usage.heap_used = control->heap_used < heap ? control->heap_used : heap;
  usage.heap_free = heap - usage.heap_used;
  usage.handles = control->handles;
  usage.operations = torpor_operation_count(vm);
  torpor__sized_give(out, &usage, sizeof(usage));
  return TORPOR_OK;
}

torpor_status torpor_vm_collect(torpor_vm *vm) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, collect, 0);
  if (status == TORPOR_OK && vm->calls == 1) torpor__memory_trim(vm);
  return torpor__end(vm, status);
}

torpor_status torpor_vm_set_collect(torpor_vm *vm, uint64_t bytes) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status =
      TORPOR__INVOKE(vm, collector, bytes < UINT32_MAX ? bytes : UINT32_MAX, 1);
  if (status == TORPOR_OK) vm->options.collect = bytes;
  if (status == TORPOR_UNSUPPORTED)
    torpor__fail(vm, status, "the VM's engine is older than this function");
  return torpor__end(vm, status);
}
