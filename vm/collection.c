/* SPDX-License-Identifier: MIT */
/* collection.c - arrays, maps and sets, made, read and changed in one call. */
#include "torpor.h"

#include <string.h>

#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/value.h"
#include "vm/vm.h"

/* ---- Making ---------------------------------------------------------------*/

/* Makes of 'count' values what 'making' begins. */
static torpor_status make_of_values(torpor_vm *vm, uint32_t what,
                                    torpor__making *making,
                                    const torpor_value *values, size_t count,
                                    torpor_value *out) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  if (count > UINT32_MAX / sizeof(uint64_t))
    status =
        torpor__fail(vm, TORPOR_LIMIT,
                     "%zu values are more than a VM can take at once", count);
  else
    status = torpor__making_values(vm, making, values, count);
  return torpor__make_end(vm, status, what, making, out);
}

torpor_status torpor_array_new_of(torpor_vm *vm, const torpor_value *values,
                                  size_t count, torpor_value *out) {
  torpor__making making = {0};
  torpor__put(out, torpor_undefined());
  if (count > 0) TORPOR__REQUIRE(vm, values);
  return make_of_values(vm, TORPOR_ABI_MAKE_ARRAY_OF, &making, values, count,
                        out);
}

torpor_status torpor_array_new_sized(torpor_vm *vm, uint32_t length,
                                     torpor_value *out) {
  torpor__making making = {0};
  torpor__making_add(&making, length);
  return torpor__make_call(vm, TORPOR_ABI_MAKE_ARRAY, &making, out);
}

static bool is_map(torpor_brand brand) {
  return brand == TORPOR_BRAND_MAP || brand == TORPOR_BRAND_WEAK_MAP;
}

torpor_status torpor_collection_new(torpor_vm *vm, torpor_brand brand,
                                    const torpor_value *entries, size_t count,
                                    torpor_value *out) {
  torpor__making making = {0};
  torpor__put(out, torpor_undefined());
  if (count > 0) TORPOR__REQUIRE(vm, entries);
  if (!is_map(brand) && brand != TORPOR_BRAND_SET &&
      brand != TORPOR_BRAND_WEAK_SET) {
    torpor_status status = torpor__check_open(vm);
    return status != TORPOR_OK ? status
                               : torpor__fail(vm, TORPOR_MISUSE,
                                              "the brand is no collection's");
  }
  torpor__making_add(&making, brand);
  if (is_map(brand)) count = count > SIZE_MAX / 2 ? SIZE_MAX : count * 2;
  return make_of_values(vm, TORPOR_ABI_MAKE_COLLECTION, &making, entries, count,
                        out);
}

/* ---- Entries --------------------------------------------------------------*/

torpor_status torpor_collection_put(torpor_vm *vm, torpor_value collection,
                                    torpor_value key, torpor_value value) {
  torpor_status status =
      torpor__apply_begin(vm, TORPOR_ABI_APPLY_PUT, collection, key, value);
  return status == TORPOR_OK ? torpor__end(vm, status) : status;
}

torpor_status torpor_collection_get(torpor_vm *vm, torpor_value map,
                                    torpor_value key, torpor_value *out) {
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__apply_begin(vm, TORPOR_ABI_APPLY_GET, map, key,
                               torpor_undefined());
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

/* One that gives whether the key was there. */
static torpor_status apply_to_key(torpor_vm *vm, uint32_t what,
                                  torpor_value collection, torpor_value key,
                                  bool *out) {
  torpor_status status;
  if (out) *out = false;
  status = torpor__apply_begin(vm, what, collection, key, torpor_undefined());
  if (status != TORPOR_OK) return status;
  if (out) *out = vm->result[0] == 1;
  return torpor__end(vm, TORPOR_OK);
}

torpor_status torpor_collection_has(torpor_vm *vm, torpor_value collection,
                                    torpor_value key, bool *out) {
  return apply_to_key(vm, TORPOR_ABI_APPLY_HAS, collection, key, out);
}

torpor_status torpor_collection_remove(torpor_vm *vm, torpor_value collection,
                                       torpor_value key, bool *found) {
  return apply_to_key(vm, TORPOR_ABI_APPLY_REMOVE, collection, key, found);
}

torpor_status torpor_collection_clear(torpor_vm *vm, torpor_value collection) {
  torpor_status status =
      torpor__apply_begin(vm, TORPOR_ABI_APPLY_CLEAR, collection,
                          torpor_undefined(), torpor_undefined());
  return status == TORPOR_OK ? torpor__end(vm, status) : status;
}

/* ---- Reading --------------------------------------------------------------*/

/* How many entries or elements 'value' has, in a call that has begun. */
static torpor_status look_count(torpor_vm *vm, torpor_value value,
                                uint64_t *count) {
  torpor_status status = torpor__look(vm, TORPOR_ABI_LOOK_COUNT, value);
  if (status == TORPOR_OK) *count = vm->result[0];
  return status;
}

torpor_status torpor_array_length(torpor_vm *vm, torpor_value array,
                                  uint32_t *out) {
  uint64_t count = 0;
  torpor_status status;
  if (out) *out = 0;
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BRAND, array);
  if (status != TORPOR_OK) return status;
  status = vm->result[0] == TORPOR_BRAND_ARRAY
               ? look_count(vm, array, &count)
               : torpor__fail(vm, TORPOR_WRONG_TYPE, "the value is no array");
  if (out) *out = (uint32_t)count;
  return torpor__end(vm, status);
}

torpor_status torpor_collection_count(torpor_vm *vm, torpor_value collection,
                                      size_t *out) {
  uint64_t count = 0, brand;
  torpor_status status;
  if (out) *out = 0;
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BRAND, collection);
  if (status != TORPOR_OK) return status;
  brand = vm->result[0];
  status =
      brand == TORPOR_BRAND_MAP || brand == TORPOR_BRAND_SET ||
              brand == TORPOR_BRAND_WEAK_MAP || brand == TORPOR_BRAND_WEAK_SET
          ? look_count(vm, collection, &count)
          : torpor__fail(vm, TORPOR_WRONG_TYPE, "the value is no collection");
  if (out) *out = (size_t)count;
  return torpor__end(vm, status);
}

static torpor_value value_at(const torpor_vm *vm, torpor_bytes bytes,
                             size_t index) {
  uint64_t bits;
  memcpy(&bits, bytes.data + index * sizeof(bits), sizeof(bits));
  return torpor__value_of(vm, bits);
}

/* Gives the values whose bits are 'bytes', as far as there is room. */
static void give_values(torpor_vm *vm, torpor_bytes bytes, torpor_value *values,
                        size_t room) {
  size_t count = bytes.size / sizeof(uint64_t);
  for (; count > room; count--) { /* the newest first */
    torpor_value value = value_at(vm, bytes, count - 1);
    torpor__values_drop(vm, &value, 1);
  }
  for (size_t i = 0; i < count; i++) values[i] = value_at(vm, bytes, i);
}

/* Reads the entries, of 'width' values each, in a call that has begun. */
static torpor_status read_entries(torpor_vm *vm, torpor_value collection,
                                  size_t width, torpor_value *entries,
                                  size_t room, uint64_t *count) {
  torpor_bytes bytes = {NULL, 0};
  torpor_status status = torpor__look(vm, TORPOR_ABI_LOOK_ENTRIES, collection);
  if (status == TORPOR_OK) status = torpor__text_take(vm, &bytes);
  if (status != TORPOR_OK) return status;
  give_values(vm, bytes, entries, room > SIZE_MAX / 2 ? room : room * width);
  *count = bytes.size / sizeof(uint64_t) / width;
  torpor_bytes_free(&bytes);
  return vm->broken ? TORPOR_TRAPPED : TORPOR_OK;
}

/* One that only counts makes no handles. */
torpor_status torpor_collection_read(torpor_vm *vm, torpor_value collection,
                                     torpor_value *entries, size_t room,
                                     size_t *count) {
  uint64_t found = 0;
  torpor_status status;
  bool is_map;
  if (count) *count = 0;
  if (room > 0) TORPOR__REQUIRE(vm, entries);
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BRAND, collection);
  if (status != TORPOR_OK) return status;
  is_map = vm->result[0] == TORPOR_BRAND_MAP;
  if (room == 0 && (is_map || vm->result[0] == TORPOR_BRAND_SET))
    status = look_count(vm, collection, &found);
  else
    status =
        read_entries(vm, collection, is_map ? 2 : 1, entries, room, &found);
  if (count) *count = (size_t)found;
  return torpor__end(vm, status);
}
