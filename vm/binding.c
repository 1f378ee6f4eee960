/* SPDX-License-Identifier: MIT */
/* binding.c - which host function a name stands for.
 *
 * The guest has a table of names in its memory, which sleeps and wakes with the
 * VM, and calls the host by index into it. The host binds names to functions.
 * What an index is bound to is kept after the first call, so that a call needs
 * no search.
 *
 *  (1) A binding that is replaced may be running: it is retired, and freed when
 *      the outermost call ends.
 *  (2) What is kept for an index is bound still.
 *
 * The VM's thread. */
#include "vm/binding.h"

#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "vm/error.h"
#include "vm/memory.h"
#include "vm/vm.h"

/* Indexes from here on are searched for at every call; no honest guest has so
 * many. */
#define BOUND_LARGEST 65536u

static torpor__binding **find_named(torpor_vm *vm, const char *name,
                                    size_t size) {
  for (uint32_t i = 0; i < vm->binding_count; i++) {
    torpor__binding *binding = vm->bindings[i];
    if (binding->name_size == size && memcmp(binding->name, name, size) == 0)
      return &vm->bindings[i];
  }
  return NULL;
}

/* A finalizer is a callback: the VM refuses to be entered from it. */
static void end_binding(torpor_vm *vm, torpor__binding *binding) {
  vm->in_callback = true;
  if (binding->finalize) binding->finalize(binding->user);
  vm->in_callback = false;
  torpor__alloc_free(binding);
}

void torpor__binding_sweep(torpor_vm *vm, bool all) {
  while (vm->retired) {
    torpor__binding *binding = vm->retired;
    vm->retired = binding->next;
    end_binding(vm, binding);
  }
  if (!all) return;
  while (vm->binding_count > 0)
    end_binding(vm, vm->bindings[--vm->binding_count]);
  torpor__alloc_free(vm->bindings);
  torpor__alloc_free(vm->bound);
  vm->bindings = NULL;
  vm->bound = NULL;
  vm->binding_room = 0;
  vm->bound_count = 0;
}

static void retire(torpor_vm *vm, torpor__binding *binding) {
  if (vm->bound_count > 0)
    memset(vm->bound, 0, vm->bound_count * sizeof(*vm->bound));
  binding->next = vm->retired;
  vm->retired = binding;
}

static torpor__binding *new_binding(const char *name, size_t size) {
  torpor__binding *binding = torpor__alloc(sizeof(*binding) + size + 1);
  if (!binding) return NULL;
  *binding = (torpor__binding){.name_size = size};
  memcpy(binding->name, name, size + 1);
  return binding;
}

torpor_status torpor__binding_add(torpor_vm *vm, const char *name, size_t size,
                                  torpor_host_fn function, void *user,
                                  void (*finalize)(void *user)) {
  torpor__binding *binding = NULL, **same;
  if (torpor__array_reserve_by(torpor__alloc_resize, &vm->bindings,
                               &vm->binding_room, vm->binding_count + 1,
                               sizeof(*vm->bindings)))
    binding = new_binding(name, size);
  if (!binding) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  binding->function = function;
  binding->user = user;
  binding->finalize = finalize;
  same = find_named(vm, name, size);
  if (same) {
    torpor__binding *old = *same;
    *same = binding;
    retire(vm, old);
  } else {
    vm->bindings[vm->binding_count++] = binding;
  }
  return TORPOR_OK;
}

/* Copies name number 'index' of the guest's table. Gives its size, 0 when there
 * is none. */
static size_t read_name(torpor_vm *vm, uint32_t index, char *name) {
  torpor_abi_name entry;
  const uint8_t *table, *text;
  uint64_t size = ((uint64_t)index + 1) * sizeof(entry);
  name[0] = 0;
  if (index >= vm->control->function_count) return 0;
  table = torpor__memory_at(vm, vm->control->functions, size);
  if (!table) return 0;
  memcpy(&entry, table + size - sizeof(entry), sizeof(entry));
  text = torpor__memory_at(vm, entry.text, entry.size);
  if (!text || entry.size > TORPOR__NAME_LARGEST) return 0;
  memcpy(name, text, entry.size);
  name[entry.size] = 0;
  return entry.size;
}

static void remember(torpor_vm *vm, uint32_t index, torpor__binding *binding) {
  uint32_t count = (index | 15) + 1;
  torpor__binding **larger;
  if (index >= BOUND_LARGEST) return;
  if (index >= vm->bound_count) {
    larger = torpor__alloc_resize(vm->bound, count * sizeof(*larger));
    if (!larger) return;
    memset(larger + vm->bound_count, 0,
           (count - vm->bound_count) * sizeof(*larger));
    vm->bound = larger;
    vm->bound_count = count;
  }
  vm->bound[index] = binding;
}

const torpor__binding *torpor__binding_find(torpor_vm *vm, uint32_t index,
                                            char *name) {
  torpor__binding **found;
  size_t size;
  if (index < vm->bound_count && vm->bound[index]) return vm->bound[index];
  size = read_name(vm, index, name);
  found = size > 0 ? find_named(vm, name, size) : NULL;
  if (!found) return NULL;
  remember(vm, index, *found);
  return *found;
}
