/* SPDX-License-Identifier: MIT */
/* binding.c - which host function a name stands for.
 *
 * The guest has a table of names in its memory, which sleeps and wakes with the
 * VM, and calls the host by index into it. The host binds names to functions:
 * a hash table. What an index is bound to is kept after the first call, so that
 * a call needs no search.
 *
 *  (1) A binding that is replaced may be running: it is retired, and freed when
 *      the outermost call ends.
 *  (2) What is kept for an index is bound still, and to that index's name: the
 *      guest gives an index another name only after it has told us that nobody
 *      has the old one.
 *
 * The VM's thread. */
#include "vm/border/binding.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

/* Indexes from here on are searched for at every call; no honest guest has so
 * many. */
#define BOUND_LARGEST 65536u
#define BUCKETS_FIRST 16u

size_t torpor__name_size(const char *name) {
  size_t size = name ? strnlen(name, TORPOR__NAME_LARGEST + 1) : 0;
  return size <= TORPOR__NAME_LARGEST ? size : 0;
}

/* FNV-1a. */
static uint32_t hash_name(const char *name, size_t size) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ (uint8_t)name[i]) * 16777619u;
  return hash;
}

static torpor__binding **find_bucket(torpor_vm *vm, uint32_t hash) {
  return &vm->buckets[hash & (vm->bucket_count - 1)];
}

static torpor__binding *find_named(torpor_vm *vm, const char *name,
                                   size_t size) {
  uint32_t hash = hash_name(name, size);
  torpor__binding *found = vm->buckets ? *find_bucket(vm, hash) : NULL;
  while (found && (found->hash != hash || found->name_size != size ||
                   memcmp(found->name, name, size) != 0))
    found = found->next;
  return found;
}

/* A finalizer is a callback: the VM refuses to be entered from it. */
static void end_binding(torpor_vm *vm, torpor__binding *binding) {
  vm->in_callback = true;
  if (binding->to.finalize) binding->to.finalize(binding->to.user);
  vm->in_callback = false;
  torpor__alloc_free(binding);
}

/* Takes 'binding' out of all tables. */
static void remove_binding(torpor_vm *vm, torpor__binding *binding) {
  torpor__binding **link = find_bucket(vm, binding->hash);
  while (*link != binding) link = &(*link)->next;
  *link = binding->next;
  if (binding->newer)
    binding->newer->older = binding->older;
  else
    vm->newest = binding->older;
  if (binding->older) binding->older->newer = binding->newer;
  vm->binding_count--;
}

void torpor__binding_sweep(torpor_vm *vm, bool all) {
  while (vm->retired) {
    torpor__binding *binding = vm->retired;
    vm->retired = binding->next;
    end_binding(vm, binding);
  }
  if (!all) return;
  while (vm->newest) {
    torpor__binding *binding = vm->newest;
    remove_binding(vm, binding);
    end_binding(vm, binding);
  }
  torpor__alloc_free(vm->buckets);
  torpor__alloc_free(vm->bound);
  vm->buckets = NULL;
  vm->bound = NULL;
  vm->bucket_count = 0;
  vm->bound_count = 0;
}

/* What is kept of 'binding' is kept no longer. */
static void forget(torpor_vm *vm, torpor__binding *binding) {
  if (binding->index != TORPOR__NO_INDEX) vm->bound[binding->index] = NULL;
  binding->index = TORPOR__NO_INDEX;
}

static void retire(torpor_vm *vm, torpor__binding *binding) {
  remove_binding(vm, binding);
  forget(vm, binding);
  binding->next = vm->retired;
  vm->retired = binding;
}

/* Room for one more. */
static bool reserve_bucket(torpor_vm *vm) {
  uint32_t count = vm->bucket_count ? vm->bucket_count * 2 : BUCKETS_FIRST;
  torpor__binding **buckets;
  if (vm->binding_count < vm->bucket_count) return true;
  buckets = torpor__alloc(count * sizeof(*buckets));
  if (!buckets) return false;
  memset(buckets, 0, count * sizeof(*buckets));
  torpor__alloc_free(vm->buckets);
  vm->buckets = buckets;
  vm->bucket_count = count;
  for (torpor__binding *binding = vm->newest; binding;
       binding = binding->older) {
    torpor__binding **bucket = find_bucket(vm, binding->hash);
    binding->next = *bucket;
    *bucket = binding;
  }
  return true;
}

static void insert(torpor_vm *vm, torpor__binding *binding) {
  torpor__binding **bucket = find_bucket(vm, binding->hash);
  binding->next = *bucket;
  *bucket = binding;
  binding->older = vm->newest;
  if (vm->newest) vm->newest->newer = binding;
  vm->newest = binding;
  vm->binding_count++;
}

static torpor__binding *new_binding(const char *name, size_t size,
                                    const torpor__bound *to) {
  torpor__binding *binding = torpor__alloc(sizeof(*binding) + size + 1);
  if (!binding) return NULL;
  *binding = (torpor__binding){
      .to = *to,
      .hash = hash_name(name, size),
      .index = TORPOR__NO_INDEX,
      .name_size = size,
  };
  memcpy(binding->name, name, size);
  binding->name[size] = 0;
  return binding;
}

torpor_status torpor__binding_add(torpor_vm *vm, const char *name, size_t size,
                                  const torpor__bound *to) {
  torpor__binding *same = find_named(vm, name, size), *binding;
  if (same && same->to.class)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "'%s' belongs to a class of the host; choose another "
                        "name, with a part in front that ends in a dot",
                        name);
  binding = reserve_bucket(vm) ? new_binding(name, size, to) : NULL;
  if (!binding) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  if (same) retire(vm, same);
  insert(vm, binding);
  return TORPOR_OK;
}

void torpor__binding_remove_class(torpor_vm *vm, const torpor__class *class) {
  torpor__binding *binding = vm->newest, *older;
  for (; binding; binding = older) {
    older = binding->older;
    if (binding->to.class != class) continue;
    remove_binding(vm, binding);
    forget(vm, binding);
    torpor__alloc_free(binding);
  }
}

void torpor__binding_collected(torpor_vm *vm, uint32_t index, const char *name,
                               size_t size) {
  torpor__binding *found = find_named(vm, name, size);
  if (index < vm->bound_count && vm->bound[index]) forget(vm, vm->bound[index]);
  if (found && found->to.unbind) retire(vm, found);
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
  forget(vm, binding);
  if (vm->bound[index]) forget(vm, vm->bound[index]);
  vm->bound[index] = binding;
  binding->index = index;
}

const torpor__binding *torpor__binding_search(torpor_vm *vm, uint32_t index,
                                              char *name) {
  size_t size = read_name(vm, index, name);
  torpor__binding *found = size > 0 ? find_named(vm, name, size) : NULL;
  if (found) remember(vm, index, found);
  return found;
}
