/* SPDX-License-Identifier: MIT */
/* given.c - which pending operations the host was given.
 *
 * That is the host's own knowledge and in no snapshot; after a restore all
 * pending ones are given again. */
#include "vm/given.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/vm.h"

bool torpor__given_add(torpor_vm *vm, uint64_t id) {
  if (vm->given_count == vm->given_room) {
    size_t room = vm->given_room ? vm->given_room * 2 : 16;
    uint64_t *larger = torpor__alloc_resize(vm->given, room * sizeof(*larger));
    if (!larger) return false;
    vm->given = larger;
    vm->given_room = room;
  }
  vm->given[vm->given_count++] = id; /* ids come in order */
  return true;
}

bool torpor__given_remove(torpor_vm *vm, uint64_t id) {
  size_t low = 0, high = vm->given_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (vm->given[middle] < id)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == vm->given_count || vm->given[low] != id) return false;
  vm->given_count--;
  memmove(vm->given + low, vm->given + low + 1,
          (vm->given_count - low) * sizeof(*vm->given));
  return true;
}

void torpor__given_forget(torpor_vm *vm) {
  torpor__alloc_free(vm->given);
  vm->given = NULL;
  vm->given_count = vm->given_room = 0;
}
