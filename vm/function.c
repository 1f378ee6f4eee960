/* SPDX-License-Identifier: MIT */
/* function.c - making functions that call the host, and binding what they
 * call. */
#include <string.h>

#include "common/sized.h"
#include "vm/border/binding.h"
#include "vm/border/enter.h"
#include "vm/border/function-make.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

#define FLAGS_ENTRY                                                            \
  (TORPOR_FUNCTION_CONSTRUCTOR | TORPOR_FUNCTION_ASYNC |                       \
   TORPOR_FUNCTION_GETTER | TORPOR_FUNCTION_SETTER | TORPOR_FUNCTION_UNBIND)
#define FLAGS_DEF                                                              \
  (TORPOR_FUNCTION_CONSTRUCTOR | TORPOR_FUNCTION_ASYNC |                       \
   TORPOR_FUNCTION_UNBIND | TORPOR_FUNCTION_CAPTURES)
#define FLAGS_HOST (TORPOR_FUNCTION_UNBIND | TORPOR_FUNCTION_CAPTURES)

static torpor_status fail_name(torpor_vm *vm) {
  return torpor__fail(vm, TORPOR_MISUSE,
                      "a host function needs a name of 1 to %d bytes, a "
                      "function, and a length of 0 or more",
                      TORPOR__NAME_LARGEST);
}

/* ---- Binding --------------------------------------------------------------*/

/* Does not wake a VM that is asleep. */
static torpor_status bind(torpor_vm *vm, const char *name,
                          const torpor__bound *to) {
  torpor_status status;
  if (torpor__name_size(name) == 0 || !to->function) return fail_name(vm);
  status = torpor__begin_outside(vm);
  if (status != TORPOR_OK) return status;
  return torpor__end(
      vm, torpor__binding_add(vm, name, torpor__name_size(name), to));
}

torpor_status torpor_function_bind(torpor_vm *vm, const char *name,
                                   torpor_host_fn function, void *user,
                                   void (*finalize)(void *user)) {
  return bind(vm, name,
              &(torpor__bound){
                  .function = function, .user = user, .finalize = finalize});
}

static torpor_status
check_table(torpor_vm *vm, const torpor_function_entry *table, size_t count) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (count > 0) TORPOR__REQUIRE(vm, table);
  for (size_t i = 0; i < count; i++) {
    if (torpor__name_size(table[i].name) == 0 || !table[i].function ||
        table[i].length < 0)
      return fail_name(vm);
    if (table[i].flags & ~(unsigned)FLAGS_ENTRY)
      return torpor__fail(vm, TORPOR_MISUSE,
                          "'%s' has flags that a function of a table cannot "
                          "have",
                          table[i].name);
  }
  return TORPOR_OK;
}

static torpor_status
bind_entry(torpor_vm *vm, const torpor_function_entry *entry, void *user) {
  return bind(
      vm, entry->name,
      &(torpor__bound){.function = entry->function,
                       .user = user,
                       .unbind = entry->flags & TORPOR_FUNCTION_UNBIND});
}

torpor_status torpor_function_bind_all(torpor_vm *vm,
                                       const torpor_function_entry *table,
                                       size_t count, void *user) {
  torpor_status status = check_table(vm, table, count);
  for (size_t i = 0; i < count && status == TORPOR_OK; i++)
    status = bind_entry(vm, &table[i], user);
  return status;
}

/* ---- Making ---------------------------------------------------------------*/

static torpor__function_making start_making(const char *name, int length,
                                            unsigned flags) {
  size_t size = torpor__name_size(name);
  return (torpor__function_making){
      .name = name,
      .name_size = size,
      .shown_size = torpor__name_shown(name, size),
      .length = length,
      .flags = flags & ~(unsigned)FLAGS_HOST,
      .captured = torpor_undefined(),
      .target = torpor_undefined(),
  };
}

torpor_status torpor_function_new(torpor_vm *vm, const char *name, int length,
                                  torpor_value *out) {
  torpor__function_making making;
  torpor_status status;
  if (out) *out = torpor_undefined();
  if (torpor__name_size(name) == 0 || length < 0) return fail_name(vm);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  making = start_making(name, length, 0);
  return torpor__end(vm, torpor__function_make(vm, &making, out));
}

/* Makes the function of 'entry' a property of 'target'. */
static torpor_status add_to(torpor_vm *vm, torpor_value target,
                            const torpor_function_entry *entry) {
  torpor__function_making making =
      start_making(entry->name, entry->length, entry->flags);
  bool old = !vm->engine->exports.torpor_function_make;
  torpor_value made;
  torpor_status status;
  making.target = target;
  status = torpor__function_make(vm, &making, &made);
  if (status == TORPOR_OK && old)
    status = torpor_set(
        vm, target, making.name + making.name_size - making.shown_size, made);
  return status;
}

static torpor_status add_entry(torpor_vm *vm, torpor_value target,
                               const torpor_function_entry *entry, void *user) {
  uint64_t scope = torpor__scope_open(vm);
  torpor_status status =
      torpor__scope_end(vm, scope, add_to(vm, target, entry));
  return status == TORPOR_OK ? bind_entry(vm, entry, user) : status;
}

torpor_status torpor_function_add_all(torpor_vm *vm, torpor_value target,
                                      const torpor_function_entry *table,
                                      size_t count, void *user) {
  torpor_status status = check_table(vm, table, count);
  if (status != TORPOR_OK) return status;
  status = torpor__begin_running_on(vm, target);
  if (status != TORPOR_OK) return status;
  if (torpor_value_type(target) == TORPOR_TYPE_UNDEFINED)
    status = TORPOR_WRONG_TYPE;
  for (size_t i = 0; i < count && status == TORPOR_OK; i++)
    status = add_entry(vm, target, &table[i], user);
  if (status == TORPOR_WRONG_TYPE)
    torpor__fail(vm, status,
                 "functions can be added to an object only; torpor_global "
                 "gives the global one");
  return torpor__end(vm, status);
}

torpor_status torpor_function_add(torpor_vm *vm, const char *name,
                                  torpor_host_fn function, void *user) {
  const torpor_function_entry entry = {name, function, 0, 0};
  torpor_value global;
  uint64_t scope;
  torpor_status status = check_table(vm, &entry, 1);
  if (status == TORPOR_OK) status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  scope = torpor__scope_open(vm);
  status = torpor_global(vm, &global);
  if (status == TORPOR_OK)
    status = torpor_function_add_all(vm, global, &entry, 1, user);
  return torpor__end(vm, torpor__scope_end(vm, scope, status));
}

/* ---- All that a function can be -------------------------------------------*/

static torpor_status check_def(torpor_vm *vm, const torpor_function_def *def,
                               torpor_function_def *own) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  TORPOR__REQUIRE(vm, def);
  if (!torpor__sized_take(own, sizeof(*own), def))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_function_def has an impossible size, or sets a "
                        "field that this version does not know: start from "
                        "TORPOR_FUNCTION_DEF_INIT");
  if (torpor__name_size(own->name) == 0 || own->length < 0)
    return fail_name(vm);
  if (own->flags & ~(unsigned)FLAGS_DEF)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "'%s' has flags that only functions of a table have",
                        own->name);
  return TORPOR_OK;
}

static torpor_status bind_def(torpor_vm *vm, const torpor_function_def *def) {
  return bind(vm, def->name,
              &(torpor__bound){.function = def->function,
                               .user = def->user,
                               .finalize = def->finalize,
                               .unbind = def->flags & TORPOR_FUNCTION_UNBIND});
}

torpor_status torpor_function_bind_with(torpor_vm *vm,
                                        const torpor_function_def *def) {
  torpor_function_def own;
  torpor_status status = check_def(vm, def, &own);
  return status == TORPOR_OK ? bind_def(vm, &own) : status;
}

torpor_status torpor_function_new_with(torpor_vm *vm,
                                       const torpor_function_def *def,
                                       torpor_value *out) {
  torpor_function_def own;
  torpor__function_making making;
  torpor_status status = check_def(vm, def, &own);
  if (out) *out = torpor_undefined();
  if (status == TORPOR_OK) status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  making = start_making(own.name, own.length, own.flags);
  if (own.flags & TORPOR_FUNCTION_CAPTURES) making.captured = own.captured;
  status = torpor__function_make(vm, &making, out);
  if (status == TORPOR_OK && own.function) status = bind_def(vm, &own);
  if (status != TORPOR_OK && out) *out = torpor_undefined();
  return torpor__end(vm, status);
}
