/* SPDX-License-Identifier: MIT */
/* heap.c - the guest's heap; see heap.h. */
#include <assert.h>
#include <string.h>

#include "test/support/heap.h"
#include "test/support/vm.h"
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

enum { BLOCKS_MOST = 1 << 16, LINK_SIZE = 2, SMALL_MOST = 256 };

typedef struct block {
  uint32_t address, size;
} block;

typedef bool block_fn(torpor_vm *vm, block found, void *user);

static uint32_t enter(torpor_vm *vm, torpor__export export, uint64_t first,
                      uint64_t second) {
  test_ok(vm, torpor__enter(vm, export, (const uint64_t[]){first, second}));
  return vm->returned;
}

static void visit(torpor_vm *vm, block_fn *each, void *user) {
  uint32_t list =
      enter(vm, TORPOR__EXPORT_torpor_allocate, BLOCKS_MOST * sizeof(block), 0);
  uint32_t count =
      enter(vm, TORPOR__EXPORT_torpor_heap_free, list, BLOCKS_MOST);
  assert(list != 0);
  if (count > BLOCKS_MOST) count = BLOCKS_MOST;
  for (uint32_t i = 0; i < count; i++) {
    block found;
    memcpy(&found,
           torpor__memory_at(vm, list + i * sizeof(found), sizeof(found)),
           sizeof(found));
    if (!each(vm, found, user)) return;
  }
}

/* Visits the free blocks of a copy that was not woken. */
static void visit_copy(torpor_vm *vm, block_fn *each, void *user) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *copy;
  options.memory_max = vm->memory_max + ((uint64_t)16 << 20);
  test_ok(vm, torpor_vm_fork(vm, &options, &copy));
  copy->asleep = false;
  test_ok(copy, torpor__begin(copy));
  visit(copy, each, user);
  test_ok(copy, torpor__end(copy, TORPOR_OK));
  torpor_vm_close(copy);
}

static bool check_block(torpor_vm *vm, block found, void *user) {
  const uint8_t *bytes = torpor__memory_at(vm, found.address, found.size);
  (void)user;
  assert(bytes);
  for (uint32_t i = LINK_SIZE; i < found.size; i++) {
    bool free_memory_is_zero = bytes[i] == 0;
    assert(free_memory_is_zero);
  }
  return true;
}

void test_heap_check(torpor_vm *vm) {
  visit_copy(vm, check_block, NULL);
}

/* A small one: what is large may be free only where the list was made. */
static bool keep_block(torpor_vm *vm, block found, void *user) {
  bool is_small = found.size > LINK_SIZE && found.size <= SMALL_MOST;
  (void)vm;
  if (is_small) *(uint32_t *)user = found.address + LINK_SIZE;
  return !is_small;
}

uint32_t test_heap_find_free(torpor_vm *vm) {
  uint32_t address = 0;
  visit_copy(vm, keep_block, &address);
  return address;
}

uint32_t test_fail_allocations(torpor_vm *vm, uint32_t n, uint32_t more) {
  test_ok(vm, torpor__begin(vm));
  test_ok(vm, torpor__end(vm, TORPOR__INVOKE(vm, allocation_fail, n, more)));
  return (uint32_t)vm->result[0];
}
