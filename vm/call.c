/* SPDX-License-Identifier: MIT */
/* call.c - calling guest functions, and binding host functions.
 *
 * Guest functions know host functions by index into a table of names in guest
 * memory, which sleeps and wakes with the VM; the host binds names. What an
 * index is bound to is remembered after the first call, so that a call costs no
 * search. A binding that is replaced may be running: it is retired, and ended
 * when the outermost call is over. */
#include <stdio.h>
#include <string.h>

#include "vm/alloc.h"
#include "vm/binding.h"
#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/loan.h"
#include "vm/memory.h"
#include "vm/value.h"
#include "vm/vm.h"

/* An index above is looked up at every call; no honest guest has so many. */
#define BOUND_LARGEST 65536u
/* The guest's own limit (guest/call.c). */
#define ARGUMENTS_LARGEST 65535u

/* Writes the arguments as border values. */
static torpor_status write_arguments(torpor_vm *vm, const torpor_value *args,
                                     size_t count, uint64_t *border) {
  for (size_t i = 0; i < count; i++) {
    torpor_status status = torpor__check_value(vm, args[i]);
    if (status != TORPOR_OK) return status;
    border[i] = args[i].bits;
  }
  return TORPOR_OK;
}

static torpor_status lend_arguments(torpor_vm *vm, torpor__loan *loan,
                                    const torpor_value *args, size_t count,
                                    uint64_t *address) {
  uint64_t *border;
  torpor_status status;
  if (count > ARGUMENTS_LARGEST)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "a call has %zu arguments; the limit is %u", count,
                        ARGUMENTS_LARGEST);
  border = torpor__alloc(count * sizeof(*border));
  if (!border) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  status = write_arguments(vm, args, count, border);
  if (status == TORPOR_OK)
    status =
        torpor__loan_add(vm, loan, border, count * sizeof(*border), address);
  torpor__alloc_free(border);
  return status;
}

torpor_status torpor_call(torpor_vm *vm, torpor_value function,
                          torpor_value self, const torpor_value *args,
                          size_t count, torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t address, *slots;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = torpor_undefined();
  if (count > 0) TORPOR__REQUIRE(vm, args);
  status = torpor__begin_running_on(vm, function);
  if (status != TORPOR_OK) return status;
  slots = vm->control->host.slots;
  address = (uint64_t)((uint8_t *)slots - vm->memory);
  status = torpor__check_value(vm, self);
  if (status == TORPOR_OK)
    status = count <= TORPOR_ABI_SLOTS
                 ? write_arguments(vm, args, count, slots)
                 : lend_arguments(vm, &loan, args, count, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, call, function.bits, self.bits, address, count);
  if (status == TORPOR_OK) *out = torpor__value_of(vm, vm->result[0]);
  if (status == TORPOR_THROWN) *out = vm->exception;
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

/* ---- Bindings -------------------------------------------------------------*/

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

static bool make_room(torpor_vm *vm) {
  uint32_t room = vm->binding_room ? vm->binding_room * 2 : 8;
  torpor__binding **larger;
  if (vm->binding_count < vm->binding_room) return true;
  larger = torpor__alloc_resize(vm->bindings, room * sizeof(*larger));
  if (!larger) return false;
  vm->bindings = larger;
  vm->binding_room = room;
  return true;
}

static torpor__binding *new_binding(const char *name, size_t size) {
  torpor__binding *binding = torpor__alloc(sizeof(*binding) + size + 1);
  if (!binding) return NULL;
  *binding = (torpor__binding){.name_size = size};
  memcpy(binding->name, name, size + 1);
  return binding;
}

static torpor_status bind(torpor_vm *vm, const char *name, size_t size,
                          torpor_host_fn function, void *user,
                          void (*finalize)(void *user)) {
  torpor__binding *binding, **same;
  binding = make_room(vm) ? new_binding(name, size) : NULL;
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

/* A VM that is asleep is not woken by it. */
torpor_status torpor_function_bind(torpor_vm *vm, const char *name,
                                   torpor_host_fn function, void *user,
                                   void (*finalize)(void *user)) {
  size_t size = name ? strlen(name) : 0;
  torpor_status status;
  if (size == 0 || size > TORPOR__NAME_LARGEST || !function)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "a host function needs a name of 1 to %d bytes and "
                        "a function",
                        TORPOR__NAME_LARGEST);
  status = torpor__begin_outside(vm);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, bind(vm, name, size, function, user, finalize));
}

/* Copies the name of the guest's function 'index'; its size, 0 when there is
 * no such function. */
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

torpor_status torpor_function_new(torpor_vm *vm, const char *name, int length,
                                  torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t address;
  size_t size = name ? strlen(name) : 0;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = torpor_undefined();
  if (size == 0 || size > TORPOR__NAME_LARGEST || length < 0)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "a function needs a name of 1 to %d bytes and a "
                        "length of at least 0",
                        TORPOR__NAME_LARGEST);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, name, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, function_new, address, size, (uint32_t)length);
  if (status == TORPOR_OK) *out = torpor__value_of(vm, vm->result[0]);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

/* Sets a new function for the bound 'name' as a global. */
static torpor_status add_global(torpor_vm *vm, const char *name) {
  uint32_t scope = torpor__scope_open(vm);
  torpor_value made, global;
  torpor_status status = torpor_function_new(vm, name, 0, &made);
  if (status == TORPOR_OK) status = torpor_global(vm, &global);
  if (status == TORPOR_OK) status = torpor_set(vm, global, name, made);
  torpor__scope_close(vm, scope);
  return status;
}

torpor_status torpor_function_add(torpor_vm *vm, const char *name,
                                  torpor_host_fn function, void *user) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor_function_bind(vm, name, function, user, NULL);
  if (status == TORPOR_OK) status = add_global(vm, name);
  return torpor__end(vm, status);
}
