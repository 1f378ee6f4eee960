/* SPDX-License-Identifier: MIT */
/* symbol.c - symbols and regular expressions made and read. */
#include "torpor.h"

#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/value.h"
#include "vm/vm.h"

/* Bytes of a name that an error has at most. */
#define NAME_SHOWN ((size_t)60)

/* A value of kind 'what' made of one text. */
static torpor_status make_of_text(torpor_vm *vm, uint32_t what,
                                  const char *text, size_t size,
                                  torpor_value *out) {
  torpor__making making = {0};
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status =
      torpor__making_lend(vm, &making, text, torpor__text_size(text, size));
  return torpor__make_end(vm, status, what, &making, out);
}

torpor_status torpor_symbol_new(torpor_vm *vm, const char *description,
                                size_t size, torpor_value *out) {
  torpor__making making = {0};
  if (description)
    return make_of_text(vm, TORPOR_ABI_MAKE_SYMBOL, description, size, out);
  torpor__making_add(&making, 0);
  torpor__making_add(&making, 0);
  return torpor__make_call(vm, TORPOR_ABI_MAKE_SYMBOL, &making, out);
}

torpor_status torpor_symbol_for(torpor_vm *vm, const char *key, size_t size,
                                torpor_value *out) {
  torpor__put(out, torpor_undefined());
  if (size > 0) TORPOR__REQUIRE(vm, key);
  return make_of_text(vm, TORPOR_ABI_MAKE_SYMBOL_FOR, key, size, out);
}

torpor_status torpor_symbol_known(torpor_vm *vm, const char *name, size_t size,
                                  torpor_value *out) {
  torpor_status status;
  torpor__put(out, torpor_undefined());
  if (size > 0) TORPOR__REQUIRE(vm, name);
  status = make_of_text(vm, TORPOR_ABI_MAKE_SYMBOL_KNOWN, name, size, out);
  if (status != TORPOR_NOT_FOUND) return status;
  size = torpor__text_size(name, size);
  if (size > NAME_SHOWN)
    for (size = NAME_SHOWN; size > 0 && (name[size] & 0xc0) == 0x80;) size--;
  return torpor__fail(vm, status, "there is no symbol Symbol.%.*s", (int)size,
                      name);
}

/* Looks for two values. The handle of one that is not wanted ends, unless only
 * the second is: then the first is not the newest, and ends with its scope. */
static torpor_status look_two(torpor_vm *vm, uint32_t what, torpor_value value,
                              torpor_value *first, torpor_value *second) {
  uint64_t found;
  torpor_status status;
  torpor__put(first, torpor_undefined());
  torpor__put(second, torpor_undefined());
  status = torpor__look_begin(vm, what, value);
  if (status != TORPOR_OK) return status;
  found = vm->result[0];
  vm->result[0] = vm->result[1];
  status = torpor__give_value(vm, status, second);
  vm->result[0] = found;
  return torpor__end(vm, torpor__give_value(vm, status, first));
}

torpor_status torpor_symbol_read(torpor_vm *vm, torpor_value symbol,
                                 torpor_value *description, torpor_value *key) {
  return look_two(vm, TORPOR_ABI_LOOK_SYMBOL, symbol, description, key);
}

torpor_status torpor_regexp_new(torpor_vm *vm, const char *source,
                                size_t source_size, const char *flags,
                                size_t flags_size, torpor_value *out) {
  torpor__making making = {0};
  torpor_status status;
  torpor__put(out, torpor_undefined());
  if (source_size > 0) TORPOR__REQUIRE(vm, source);
  if (!flags) flags_size = 0;
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__making_lend(vm, &making, source,
                               torpor__text_size(source, source_size));
  if (status == TORPOR_OK)
    status = torpor__making_lend(vm, &making, flags,
                                 torpor__text_size(flags, flags_size));
  return torpor__make_end(vm, status, TORPOR_ABI_MAKE_REGEXP, &making, out);
}

torpor_status torpor_regexp_read(torpor_vm *vm, torpor_value regexp,
                                 torpor_value *source, torpor_value *flags) {
  return look_two(vm, TORPOR_ABI_LOOK_REGEXP, regexp, source, flags);
}

torpor_status torpor_proxy_read(torpor_vm *vm, torpor_value proxy,
                                torpor_value *target, torpor_value *handler) {
  return look_two(vm, TORPOR_ABI_LOOK_PROXY, proxy, target, handler);
}
