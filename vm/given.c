/* SPDX-License-Identifier: MIT */
/* given.c - which pending operations the host was given.
 *
 * That is the host's own knowledge and in no snapshot; after a restore all
 * pending ones are given again. */
#include "vm/given.h"

#include <assert.h>
#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "common/search.h"
#include "vm/vm.h"

bool torpor__given_add(torpor_vm *vm, uint64_t id) {
  if (!torpor__array_reserve_by(torpor__alloc_resize, &vm->given,
                                &vm->given_room, vm->given_count + 1,
                                sizeof(*vm->given)))
    return false;
  assert(vm->given_count == 0 || vm->given[vm->given_count - 1] < id);
  vm->given[vm->given_count++] = id;
  return true;
}

bool torpor__given_remove(torpor_vm *vm, uint64_t id) {
  uint64_t *place = torpor__find(&id, vm->given, vm->given_count,
                                 sizeof(*vm->given), torpor__compare_u64);
  if (!place) return false;
  vm->given_count--;
  memmove(place, place + 1,
          (size_t)(vm->given + vm->given_count - place) * sizeof(*place));
  return true;
}

void torpor__given_forget(torpor_vm *vm) {
  torpor__alloc_free(vm->given);
  vm->given = NULL;
  vm->given_count = vm->given_room = 0;
}
