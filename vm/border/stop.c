/* SPDX-License-Identifier: MIT */
/* stop.c - stopping a VM from any thread, also when it may be closed already.
 *
 * A stop belongs to one VM. Closing the VM takes the VM out of its stops, under
 * the lock under which a request looks at it: so a request comes before that,
 * to this VM, or after it, to none; never to one that got the memory. */
#include "vm/border/stop.h"

#include "common/alloc.h"
#include "vm/common/error.h"
#include "vm/vm.h"
#include "wasm/mutex.h"

struct torpor_stop {
  torpor_vm *vm;     /* NULL: closed */
  torpor_stop *next; /* of the same VM */
};

torpor_status torpor_stop_open(torpor_vm *vm, torpor_stop **out) {
  torpor_stop *stop;
  TORPOR__REQUIRE(vm, out);
  *out = NULL;
  TORPOR__REQUIRE(vm, vm);
  if (vm->broken) /* the sentence is there */
    return vm->closed ? TORPOR_MISUSE : TORPOR_BROKEN;
  if (vm->closing) return torpor__fail(vm, TORPOR_BUSY, "the VM is closing");
  stop = torpor__alloc(sizeof(*stop));
  if (!stop) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  torpor__mutex_take(TORPOR__MUTEX_STOPS);
  *stop = (torpor_stop){vm, vm->stops};
  vm->stops = stop;
  torpor__mutex_give(TORPOR__MUTEX_STOPS);
  *out = stop;
  return TORPOR_OK;
}

bool torpor_stop_request(torpor_stop *stop) {
  bool reached = false;
  if (!stop) return false;
  torpor__mutex_take(TORPOR__MUTEX_STOPS);
  if (stop->vm) {
    torpor_vm_interrupt(stop->vm);
    reached = true;
  }
  torpor__mutex_give(TORPOR__MUTEX_STOPS);
  return reached;
}

void torpor_stop_close(torpor_stop *stop) {
  if (!stop) return;
  torpor__mutex_take(TORPOR__MUTEX_STOPS);
  if (stop->vm) {
    torpor_stop **place = &stop->vm->stops;
    while (*place != stop) place = &(*place)->next;
    *place = stop->next;
  }
  torpor__mutex_give(TORPOR__MUTEX_STOPS);
  torpor__alloc_free(stop);
}

void torpor__stop_forget(torpor_vm *vm) {
  if (!vm->stops) return;
  torpor__mutex_take(TORPOR__MUTEX_STOPS);
  while (vm->stops) {
    torpor_stop *stop = vm->stops;
    vm->stops = stop->next;
    stop->vm = NULL;
    stop->next = NULL;
  }
  torpor__mutex_give(TORPOR__MUTEX_STOPS);
}
