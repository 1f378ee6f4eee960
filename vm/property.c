/* SPDX-License-Identifier: MIT */
/* property.c - the properties of objects.
 *
 * Properties are read as JavaScript reads them, so getters, setters and proxies
 * run, and everything here may throw or be interrupted. Those by a name that
 * ends with zero or by an index have entries of their own, which are the
 * fastest; all others go by torpor_reflect. */
#include <string.h>

#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/border/reflect.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

/* Ends a call whose result is a value. */
static torpor_status end_with(torpor_vm *vm, torpor_status status,
                              torpor_value *out) {
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

static void clear(torpor_value *out) {
  if (out) *out = torpor_undefined();
}

static void clear_all(torpor_value *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = torpor_undefined();
}

/* ---- By name, by index ----------------------------------------------------*/

torpor_status torpor_get(torpor_vm *vm, torpor_value object, const char *key,
                         torpor_value *out) {
  torpor__loan loan = {0};
  size_t size;
  uint64_t address;
  torpor_status status;
  clear(out);
  TORPOR__REQUIRE(vm, key);
  size = strlen(key);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, key, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, get, object.bits, address, size);
  torpor__loan_end(vm, &loan);
  return end_with(vm, status, out);
}

torpor_status torpor_set(torpor_vm *vm, torpor_value object, const char *key,
                         torpor_value value) {
  torpor__loan loan = {0};
  size_t size;
  uint64_t address;
  torpor_status status;
  TORPOR__REQUIRE(vm, key);
  size = strlen(key);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, key, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, set, object.bits, address, size, value.bits);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

torpor_status torpor_get_index(torpor_vm *vm, torpor_value object,
                               uint32_t index, torpor_value *out) {
  torpor_status status;
  clear(out);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, get_index, object.bits, index);
  return end_with(vm, status, out);
}

torpor_status torpor_set_index(torpor_vm *vm, torpor_value object,
                               uint32_t index, torpor_value value) {
  torpor_status status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, set_index, object.bits, index, value.bits);
  return torpor__end(vm, status);
}

/* ---- Several --------------------------------------------------------------*/

/* Reads 'count' properties, whose keys lie in the slots, into 'out'. */
static torpor_status read_slots(torpor_vm *vm, torpor_value object,
                                uint32_t count, torpor_value *out) {
  const uint64_t *slots = vm->control->host.slots;
  uint64_t address = (uint64_t)((const uint8_t *)slots - vm->memory);
  torpor_status status =
      TORPOR__INVOKE(vm, get_each, object.bits, address, count);
  if (status != TORPOR_OK) return status;
  for (uint32_t i = 0; i < count; i++) out[i] = torpor__value_of(vm, slots[i]);
  return TORPOR_OK;
}

/* Lends as many of the keys as there is room for at once. */
static torpor_status lend_keys(torpor_vm *vm, torpor__loan *loan,
                               const char *const *keys, size_t count,
                               uint32_t *lent) {
  uint64_t *slots = vm->control->host.slots;
  *lent = 0;
  while (*lent < count && *lent < TORPOR_ABI_SLOTS) {
    torpor_status status;
    if (!keys[*lent])
      return torpor__fail(vm, TORPOR_MISUSE, "one of the keys is NULL");
    if (*lent > 0 &&
        strlen(keys[*lent]) >= TORPOR_ABI_WINDOW - loan->window_used)
      break;
    status =
        torpor__key_lend(vm, loan, torpor_key_name(keys[*lent]), &slots[*lent]);
    if (status != TORPOR_OK) return status;
    ++*lent;
  }
  return TORPOR_OK;
}

static torpor_status get_each(torpor_vm *vm, torpor_value object,
                              const char *const *keys, size_t count,
                              torpor_value *out) {
  torpor_status status = TORPOR_OK;
  while (count > 0 && status == TORPOR_OK) {
    torpor__loan loan = {0};
    uint32_t lent;
    status = lend_keys(vm, &loan, keys, count, &lent);
    if (status == TORPOR_OK) status = read_slots(vm, object, lent, out);
    torpor__loan_end(vm, &loan);
    keys += lent;
    out += lent;
    count -= lent;
  }
  return status;
}

/* More than a VM could hold: nobody has room for so many. */
static torpor_status check_count(torpor_vm *vm, size_t count) {
  if (count <= UINT32_MAX / sizeof(uint64_t)) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_LIMIT,
                      "%zu values are more than a VM can give at once", count);
}

torpor_status torpor_get_each(torpor_vm *vm, torpor_value object,
                              const char *const *keys, size_t count,
                              torpor_value *out) {
  torpor_status status;
  if (count > 0) TORPOR__REQUIRE(vm, keys);
  if (count > 0) TORPOR__REQUIRE(vm, out);
  status = check_count(vm, count);
  if (status != TORPOR_OK) return status;
  clear_all(out, count);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = get_each(vm, object, keys, count, out);
  if (status != TORPOR_OK) torpor__values_drop(vm, out, count);
  if (status != TORPOR_OK) clear_all(out, count);
  return torpor__end(vm, status);
}

static torpor_status get_elements(torpor_vm *vm, torpor_value object,
                                  uint64_t first, size_t count,
                                  torpor_value *out) {
  uint64_t *slots = vm->control->host.slots;
  torpor_status status = TORPOR_OK;
  while (count > 0 && status == TORPOR_OK) {
    uint32_t some =
        count < TORPOR_ABI_SLOTS ? (uint32_t)count : TORPOR_ABI_SLOTS;
    for (uint32_t i = 0; i < some; i++)
      slots[i] = torpor_number((double)(first + i)).bits;
    status = read_slots(vm, object, some, out);
    first += some;
    out += some;
    count -= some;
  }
  return status;
}

torpor_status torpor_get_elements(torpor_vm *vm, torpor_value object,
                                  uint32_t first, size_t count,
                                  torpor_value *out) {
  torpor_status status;
  if (count > 0) TORPOR__REQUIRE(vm, out);
  status = check_count(vm, count);
  if (status != TORPOR_OK) return status;
  clear_all(out, count);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = get_elements(vm, object, first, count, out);
  if (status != TORPOR_OK) torpor__values_drop(vm, out, count);
  if (status != TORPOR_OK) clear_all(out, count);
  return torpor__end(vm, status);
}

/* ---- By any key -----------------------------------------------------------*/

torpor_status torpor_get_key(torpor_vm *vm, torpor_value object, torpor_key key,
                             torpor_value *out) {
  torpor_status status;
  clear(out);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_GET, object, &key, 0);
  return end_with(vm, status, out);
}

torpor_status torpor_set_key(torpor_vm *vm, torpor_value object, torpor_key key,
                             torpor_value value) {
  torpor_status status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  if (status == TORPOR_OK)
    status = torpor__reflect(vm, TORPOR_ABI_SET, object, &key, value.bits);
  return torpor__end(vm, status);
}

/* One 'op' that answers with a boolean. */
static torpor_status ask(torpor_vm *vm, uint32_t op, torpor_value object,
                         const torpor_key *key, uint64_t value, bool *out) {
  torpor_status status;
  if (out) *out = false;
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, op, object, key, value);
  if (status == TORPOR_OK && out)
    *out = vm->result[0] == torpor_boolean(true).bits;
  return torpor__end(vm, status);
}

torpor_status torpor_has(torpor_vm *vm, torpor_value object, torpor_key key,
                         bool *out) {
  return ask(vm, TORPOR_ABI_HAS, object, &key, 0, out);
}

torpor_status torpor_has_own(torpor_vm *vm, torpor_value object, torpor_key key,
                             bool *out) {
  return ask(vm, TORPOR_ABI_HAS_OWN, object, &key, 0, out);
}

torpor_status torpor_delete(torpor_vm *vm, torpor_value object, torpor_key key,
                            bool *out) {
  return ask(vm, TORPOR_ABI_DELETE, object, &key, 0, out);
}

/* ---- Descriptors ----------------------------------------------------------*/

#define FLAGS_ALL ((TORPOR_HAS_SET << 1) - 1u)

/* The parts of 'descriptor' that count, in the slots. */
static torpor_status write_parts(torpor_vm *vm,
                                 const torpor_descriptor *descriptor) {
  const unsigned flags[3] = {TORPOR_HAS_VALUE, TORPOR_HAS_GET, TORPOR_HAS_SET};
  const torpor_value parts[3] = {descriptor->value, descriptor->getter,
                                 descriptor->setter};
  if (descriptor->flags > FLAGS_ALL)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "the flags of a descriptor have bits that mean nothing "
                        "(0x%x)",
                        descriptor->flags & ~FLAGS_ALL);
  for (int i = 0; i < 3; i++) {
    torpor_value part =
        descriptor->flags & flags[i] ? parts[i] : torpor_undefined();
    torpor_status status = torpor__check_value(vm, part);
    if (status != TORPOR_OK) return status;
    vm->control->host.slots[i] = part.bits;
  }
  return TORPOR_OK;
}

static torpor_status define(torpor_vm *vm, torpor_value object, torpor_key key,
                            const torpor_descriptor *descriptor) {
  const uint8_t *slots = (const uint8_t *)vm->control->host.slots;
  torpor__loan loan = {0};
  uint64_t bits;
  torpor_status status = torpor__key_lend(vm, &loan, key, &bits);
  if (status == TORPOR_OK) status = write_parts(vm, descriptor);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, define, object.bits, bits, descriptor->flags,
                            (uint64_t)(slots - vm->memory));
  torpor__loan_end(vm, &loan);
  return status;
}

torpor_status torpor_define(torpor_vm *vm, torpor_value object, torpor_key key,
                            const torpor_descriptor *descriptor) {
  torpor_status status;
  TORPOR__REQUIRE(vm, descriptor);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, define(vm, object, key, descriptor));
}

torpor_status torpor_get_own(torpor_vm *vm, torpor_value object, torpor_key key,
                             torpor_descriptor *out) {
  const torpor_value none = torpor_undefined();
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_descriptor){0, none, none, none};
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_OWN, object, &key, none.bits);
  if (status == TORPOR_OK && vm->result[0] > FLAGS_ALL)
    status = torpor__fail_damaged(vm, "the flags of a property");
  if (status == TORPOR_OK)
    *out = (torpor_descriptor){(unsigned)vm->result[0],
                               torpor__value_of(vm, vm->result[1]),
                               torpor__value_of(vm, vm->result[2]),
                               torpor__value_of(vm, vm->result[3])};
  return torpor__end(vm, status);
}

/* ---- Objects as a whole ---------------------------------------------------*/

torpor_status torpor_keys(torpor_vm *vm, torpor_value object, unsigned which,
                          torpor_value *out) {
  torpor_status status;
  clear(out);
  if (which > (TORPOR_KEYS_ALL | TORPOR_KEYS_ENUMERABLE) ||
      !(which & TORPOR_KEYS_ALL))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "which keys: TORPOR_KEYS_STRINGS, TORPOR_KEYS_SYMBOLS "
                        "or both, and perhaps TORPOR_KEYS_ENUMERABLE; not %u",
                        which);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_KEYS, object, NULL, which);
  return end_with(vm, status, out);
}

torpor_status torpor_length(torpor_vm *vm, torpor_value object, uint64_t *out) {
  const double most = 9007199254740991; /* 2^53-1 */
  torpor_status status;
  double length;
  if (out) *out = 0;
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_LENGTH, object, NULL,
                           torpor_undefined().bits);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  length = torpor_value_number(torpor__value_of(vm, vm->result[0]));
  if (!(length >= 0 && length <= most))
    return torpor__end(vm, torpor__fail_damaged(vm, "a length"));
  if (out) *out = (uint64_t)length;
  return torpor__end(vm, TORPOR_OK);
}

torpor_status torpor_prototype_get(torpor_vm *vm, torpor_value object,
                                   torpor_value *out) {
  torpor_status status;
  clear(out);
  status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_PROTOTYPE, object, NULL,
                           torpor_undefined().bits);
  return end_with(vm, status, out);
}

torpor_status torpor_prototype_set(torpor_vm *vm, torpor_value object,
                                   torpor_value prototype) {
  torpor_status status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, prototype);
  if (status == TORPOR_OK)
    status = torpor__reflect(vm, TORPOR_ABI_PROTOTYPE_SET, object, NULL,
                             prototype.bits);
  return torpor__end(vm, status);
}

static torpor_status check_level(torpor_vm *vm, torpor_integrity level) {
  if (level >= TORPOR_INEXTENSIBLE && level <= TORPOR_FROZEN) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_MISUSE, "%d is no torpor_integrity",
                      (int)level);
}

torpor_status torpor_integrity_set(torpor_vm *vm, torpor_value object,
                                   torpor_integrity level) {
  torpor_status status = check_level(vm, level);
  if (status == TORPOR_OK) status = torpor__begin_running_on(vm, object);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_INTEGRITY_SET, object, NULL, level);
  return torpor__end(vm, status);
}

torpor_status torpor_integrity_test(torpor_vm *vm, torpor_value object,
                                    torpor_integrity level, bool *out) {
  torpor_status status = check_level(vm, level);
  if (status != TORPOR_OK) return status;
  return ask(vm, TORPOR_ABI_INTEGRITY_TEST, object, NULL, level, out);
}
