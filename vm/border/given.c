/* SPDX-License-Identifier: MIT */
/* given.c - which pending operations the host was given.
 *
 * That is the host's own knowledge and in no snapshot; after a restore all
 * pending ones are given again. One that is removed is marked and stays in its
 * place; when half of them are marked they go. */
#include "vm/border/given.h"

#include <assert.h>

#include "common/alloc.h"
#include "common/array.h"
#include "common/search.h"
#include "vm/vm.h"

#define GONE (UINT64_C(1) << 63)

/* torpor__compare_fn: of ids, marked or not */
static int compare_id(const void *key, const void *item) {
  uint64_t id = *(const uint64_t *)key, other = *(const uint64_t *)item & ~GONE;
  return (id > other) - (id < other);
}

/* Lets those go that are marked. */
static void sweep(torpor_vm *vm) {
  size_t kept = 0;
  for (size_t i = 0; i < vm->given_count; i++)
    if (!(vm->given[i] & GONE)) vm->given[kept++] = vm->given[i];
  vm->given_count = kept;
  vm->given_gone = 0;
}

bool torpor__given_add(torpor_vm *vm, uint64_t id) {
  if (!torpor__array_reserve_by(torpor__alloc_resize, &vm->given,
                                &vm->given_room, vm->given_count + 1,
                                sizeof(*vm->given)))
    return false;
  assert(vm->given_count == 0 || (vm->given[vm->given_count - 1] & ~GONE) < id);
  vm->given[vm->given_count++] = id;
  return true;
}

bool torpor__given_remove(torpor_vm *vm, uint64_t id) {
  uint64_t *place = torpor__find(&id, vm->given, vm->given_count,
                                 sizeof(*vm->given), compare_id);
  if (!place || *place & GONE) return false;
  *place |= GONE;
  if (++vm->given_gone > vm->given_count / 2) sweep(vm);
  return true;
}

void torpor__given_forget(torpor_vm *vm) {
  torpor__alloc_free(vm->given);
  vm->given = NULL;
  vm->given_count = vm->given_gone = vm->given_room = 0;
}
