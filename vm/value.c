/* SPDX-License-Identifier: MIT */
/* value.c - scopes, handles and tokens.
 *
 * Handles lie in a table in guest memory. The host passes them on, and the
 * guest says which are stale. Numbers, booleans and the like are no handles:
 * what concerns them alone does not enter the guest. */
#include "vm/value.h"

#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/vm.h"

/* ---- Scopes and handles ---------------------------------------------------*/

torpor_status torpor_scope_open(torpor_vm *vm, torpor_scope *out) {
  torpor_status status;
  uint64_t mark;
  TORPOR__REQUIRE(vm, out);
  *out = 0;
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  if (!torpor__array_reserve_by(torpor__alloc_resize, &vm->scopes,
                                &vm->scope_room, vm->scope_count + 1,
                                sizeof(*vm->scopes)))
    return torpor__end(vm, torpor__fail(vm, TORPOR_NOMEM, "out of memory"));
  mark = torpor__scope_mark(vm);
  if (vm->broken) return torpor__end(vm, TORPOR_TRAPPED);
  *out = (vm->owner << 32) + ++vm->scope_last;
  vm->scopes[vm->scope_count++] = (torpor__scope){*out, mark};
  return torpor__end(vm, TORPOR_OK);
}

/* Gives in 'index' where in vm->scopes 'scope' lies. */
static torpor_status find_scope(torpor_vm *vm, torpor_scope scope,
                                uint32_t *index) {
  uint32_t above = vm->scope_count;
  while (above > vm->scope_floor && vm->scopes[above - 1].number != scope)
    above--;
  if (above == vm->scope_floor)
    return torpor__fail(vm, TORPOR_STALE,
                        "the scope is closed already, or was not opened here");
  *index = above - 1;
  return TORPOR_OK;
}

static torpor_status end_scope(torpor_vm *vm, uint32_t index) {
  torpor_status status = torpor__scope_cut(vm, vm->scopes[index].mark);
  if (status != TORPOR_STALE) return status;
  return torpor__fail(vm, status,
                      "the scope was not opened in this host function");
}

torpor_status torpor_scope_close(torpor_vm *vm, torpor_scope scope) {
  torpor_status status = torpor__begin(vm);
  uint32_t index = 0;
  if (status != TORPOR_OK) return status;
  status = find_scope(vm, scope, &index);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  vm->scope_count = index;
  return torpor__end(vm, end_scope(vm, index));
}

/* For older engines: a token carries the value. */
static torpor_status leave_by_token(torpor_vm *vm, uint32_t index,
                                    torpor_value *value) {
  uint64_t token;
  torpor_status status = TORPOR__INVOKE(vm, value_export, value->bits);
  if (status != TORPOR_OK) return status;
  token = vm->result[0];
  vm->scope_count = index;
  status = end_scope(vm, index);
  if (status == TORPOR_OK) status = TORPOR__INVOKE(vm, value_import, token);
  if (status == TORPOR_OK) *value = torpor__value_of(vm, vm->result[0]);
  return vm->broken ? TORPOR_TRAPPED : TORPOR__INVOKE(vm, value_forget, token);
}

torpor_status torpor_scope_leave(torpor_vm *vm, torpor_scope scope,
                                 torpor_value *value) {
  uint32_t index = 0, count = vm ? vm->scope_count : 0;
  torpor_status status;
  TORPOR__REQUIRE(vm, value);
  status = torpor__begin_on(vm, *value);
  if (status != TORPOR_OK) return status;
  status = find_scope(vm, scope, &index);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  vm->scope_count = index; /* where the value goes */
  status = TORPOR__INVOKE(vm, scope_leave, value->bits, vm->scopes[index].mark);
  if (status == TORPOR_OK && torpor__retains(vm))
    *value = torpor__value_of(vm, vm->result[0]);
  if (status == TORPOR_UNSUPPORTED) status = leave_by_token(vm, index, value);
  if (status != TORPOR_OK) vm->scope_count = count;
  return torpor__end(vm, status);
}

torpor_status torpor_value_retain(torpor_vm *vm, torpor_value value,
                                  torpor_value *out) {
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = value;
  if (!torpor__is_handle(value)) return torpor__check_open(vm);
  *out = torpor_undefined();
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, value_retain, value.bits);
  if (status == TORPOR_OK) *out = torpor__value_of(vm, vm->result[0]);
  return torpor__end(vm, status);
}

torpor_status torpor_value_release(torpor_vm *vm, torpor_value value) {
  torpor_status status;
  if (!torpor__is_handle(value)) return torpor__check_open(vm);
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, value_release, value.bits);
  return torpor__end(vm, status);
}

torpor_status torpor_token_add(torpor_vm *vm, torpor_value value,
                               torpor_token *out) {
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = 0;
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, value_export, value.bits);
  if (status == TORPOR_OK) *out = (torpor_token)vm->result[0];
  return torpor__end(vm, status);
}

torpor_status torpor_token_value(torpor_vm *vm, torpor_token token,
                                 torpor_value *out) {
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status =
      torpor__fail_token(vm, TORPOR__INVOKE(vm, value_import, token), token);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor_token_remove(torpor_vm *vm, torpor_token token) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, value_forget, token);
  return torpor__end(vm, torpor__fail_token(vm, status, token));
}
