/* SPDX-License-Identifier: MIT */
/* buffer.c - bytes: buffers and views of them, made, looked at and written.
 *
 * What the guest tells of a buffer holds until the next entry; bytes are copied
 * where it says that they lie. */
#include "torpor.h"

#include <string.h>

#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
#include "vm/vm.h"

/* ---- Making ---------------------------------------------------------------*/

static size_t element_size(torpor_brand brand) {
  switch (brand) {
  case TORPOR_BRAND_INT16_ARRAY:
  case TORPOR_BRAND_UINT16_ARRAY:
  case TORPOR_BRAND_FLOAT16_ARRAY:
    return 2;
  case TORPOR_BRAND_INT32_ARRAY:
  case TORPOR_BRAND_UINT32_ARRAY:
  case TORPOR_BRAND_FLOAT32_ARRAY:
    return 4;
  case TORPOR_BRAND_BIGINT64_ARRAY:
  case TORPOR_BRAND_BIGUINT64_ARRAY:
  case TORPOR_BRAND_FLOAT64_ARRAY:
    return 8;
  default:
    return 1;
  }
}

static bool is_plain_buffer(torpor_brand brand) {
  return brand == TORPOR_BRAND_ARRAY_BUFFER ||
         brand == TORPOR_BRAND_SHARED_ARRAY_BUFFER;
}

static bool is_view(torpor_brand brand) {
  return torpor_brand_is_typed_array(brand) || brand == TORPOR_BRAND_DATA_VIEW;
}

static torpor_status check_brand(torpor_vm *vm, bool good) {
  return good ? TORPOR_OK
              : torpor__fail(vm, TORPOR_MISUSE,
                             "the brand is none of those that are made so");
}

/* For engines that copy bytes into a Uint8Array only. */
static torpor_status make_uint8(torpor_vm *vm, const void *data, size_t size) {
  torpor__loan loan = {0};
  uint64_t address;
  torpor_status status = torpor__loan_add(vm, &loan, data, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, buffer_new, address, size);
  torpor__loan_end(vm, &loan);
  return status;
}

/* Makes a buffer of zeros and fills it, in a call that has begun. */
static torpor_status make_filled(torpor_vm *vm, torpor_brand brand,
                                 const void *data, size_t size) {
  bool plain = is_plain_buffer(brand);
  torpor__making making = {0};
  torpor_status status;
  uint8_t *place;
  if (plain) {
    torpor__making_add(&making, size);
    torpor__making_add(&making, UINT64_MAX);
    torpor__making_add(&making, brand);
  } else {
    torpor__making_add(&making, brand);
    torpor__making_add(&making, size / element_size(brand));
  }
  status = torpor__make(
      vm, TORPOR_OK, plain ? TORPOR_ABI_MAKE_BUFFER : TORPOR_ABI_MAKE_VIEW_NEW,
      &making);
  if (status == TORPOR_UNSUPPORTED && brand == TORPOR_BRAND_UINT8_ARRAY && data)
    return make_uint8(vm, data, size);
  if (status != TORPOR_OK || !data || size == 0) return status;
  place = vm->result[1] <= UINT32_MAX
              ? torpor__memory_to(vm, (uint32_t)vm->result[1], size)
              : NULL;
  if (!place) return torpor__fail_damaged(vm, "where a buffer is");
  memcpy(place, data, size);
  return TORPOR_OK;
}

torpor_status torpor_buffer_new_as(torpor_vm *vm, torpor_brand brand,
                                   const void *data, size_t size,
                                   torpor_value *out) {
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__check_open(vm);
  if (status == TORPOR_OK)
    status = check_brand(vm, is_plain_buffer(brand) || is_view(brand));
  if (status == TORPOR_OK && size % element_size(brand) != 0)
    status = torpor__fail(vm, TORPOR_MISUSE,
                          "%zu bytes are not whole elements of %zu", size,
                          element_size(brand));
  if (status == TORPOR_OK) status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = make_filled(vm, brand, data, size);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor_buffer_new(torpor_vm *vm, const void *data, size_t size,
                                torpor_value *out) {
  torpor__put(out, torpor_undefined());
  if (size > 0) TORPOR__REQUIRE(vm, data);
  return torpor_buffer_new_as(vm, TORPOR_BRAND_UINT8_ARRAY, data ? data : "",
                              size, out);
}

torpor_status torpor_buffer_new_resizable(torpor_vm *vm, size_t size,
                                          size_t largest, torpor_value *out) {
  torpor__making making = {0};
  torpor__making_add(&making, size);
  torpor__making_add(&making, largest < SIZE_MAX ? largest : SIZE_MAX - 1);
  torpor__making_add(&making, TORPOR_BRAND_ARRAY_BUFFER);
  return torpor__make_call(vm, TORPOR_ABI_MAKE_BUFFER, &making, out);
}

torpor_status torpor_buffer_new_view(torpor_vm *vm, torpor_brand brand,
                                     torpor_value buffer, size_t offset,
                                     size_t count, torpor_value *out) {
  torpor__making making = {0};
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__check_open(vm);
  if (status == TORPOR_OK) status = check_brand(vm, is_view(brand));
  if (status == TORPOR_OK) status = torpor__begin_on(vm, buffer);
  if (status != TORPOR_OK) return status;
  torpor__making_add(&making, brand);
  torpor__making_add(&making, buffer.bits);
  torpor__making_add(&making, offset);
  torpor__making_add(&making, count < SIZE_MAX ? count : UINT64_MAX);
  return torpor__make_end(vm, status, TORPOR_ABI_MAKE_VIEW, &making, out);
}

/* ---- Reading and writing --------------------------------------------------*/

static torpor_status fail_gone(torpor_vm *vm) {
  return torpor__fail(vm, TORPOR_WRONG_TYPE,
                      "the buffer is detached, or the view out of bounds");
}

torpor_status torpor_buffer_read(torpor_vm *vm, torpor_value buffer,
                                 torpor_bytes *out) {
  torpor_bytes bytes = {NULL, 0};
  torpor_status status;
  if (out) *out = bytes;
  status = torpor__begin_on(vm, buffer);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, buffer_read, buffer.bits);
  vm->result[2] = 0; /* borrowed, nothing to release */
  if (status == TORPOR_OK) status = torpor__text_take(vm, &bytes);
  if (out)
    *out = bytes;
  else
    torpor_bytes_free(&bytes);
  return torpor__end(vm, status);
}

torpor_status torpor_buffer_look(torpor_vm *vm, torpor_value buffer,
                                 torpor_slice *out) {
  torpor_status status;
  const uint8_t *bytes;
  if (out) *out = (torpor_slice){NULL, 0};
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BUFFER, buffer);
  if (status != TORPOR_OK) return status;
  if (vm->result[3] & 1) return torpor__end(vm, fail_gone(vm));
  bytes = torpor__looked_at(vm);
  if (!bytes) return torpor__end(vm, TORPOR_TRAPPED);
  if (out) *out = (torpor_slice){bytes, (size_t)vm->result[1]};
  return torpor__end(vm, TORPOR_OK);
}

/* Writes to the buffer that was looked at. */
static torpor_status write_bytes(torpor_vm *vm, size_t offset, const void *data,
                                 size_t size) {
  uint64_t address = vm->result[0], room = vm->result[1];
  uint8_t *place = NULL;
  if (vm->result[3] & 1) return fail_gone(vm);
  if (vm->result[3] & 4)
    return torpor__fail(vm, TORPOR_WRONG_TYPE, "the buffer is immutable");
  if (offset > room || size > room - offset)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "%zu bytes at %zu do not fit into a buffer of %llu",
                        size, offset, (unsigned long long)room);
  if (size == 0) return TORPOR_OK;
  if (address <= UINT32_MAX && room <= UINT32_MAX)
    place = torpor__memory_to(vm, (uint32_t)address, room);
  if (!place) return torpor__fail_damaged(vm, "where a buffer is");
  memcpy(place + offset, data, size);
  return TORPOR_OK;
}

torpor_status torpor_buffer_write(torpor_vm *vm, torpor_value buffer,
                                  size_t offset, const void *data,
                                  size_t size) {
  torpor_status status;
  if (size > 0) TORPOR__REQUIRE(vm, data);
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BUFFER, buffer);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, write_bytes(vm, offset, data, size));
}

/* ---- What is known of one -------------------------------------------------*/

/* What the last look found, without the brand. */
static void fill_info(const torpor_vm *vm, torpor_buffer_info *info) {
  uint64_t flags = vm->result[3];
  info->bytes = (size_t)vm->result[1];
  info->offset = (size_t)vm->result[2];
  info->is_gone = flags & 1;
  info->is_immutable = flags & 4;
  info->is_shared = flags & 8;
  info->is_tracking = flags & 16;
  if (flags & 2) info->largest = (size_t)(flags >> 32);
}

static torpor_status inspect(torpor_vm *vm, torpor_value buffer,
                             torpor_buffer_info *info) {
  torpor_status status = torpor__look(vm, TORPOR_ABI_LOOK_BUFFER, buffer);
  if (status != TORPOR_OK) return status;
  fill_info(vm, info);
  status = torpor__look(vm, TORPOR_ABI_LOOK_BRAND, buffer);
  if (status != TORPOR_OK) return status;
  if (vm->result[0] > (uint64_t)TORPOR_BRAND_LAST)
    return torpor__fail_damaged(vm, "the brand of a buffer");
  info->brand = (torpor_brand)vm->result[0];
  info->element_size = element_size(info->brand);
  info->count = info->bytes / info->element_size;
  return TORPOR_OK;
}

torpor_status torpor_buffer_inspect(torpor_vm *vm, torpor_value buffer,
                                    torpor_buffer_info *out) {
  torpor_buffer_info info = TORPOR_BUFFER_INFO_INIT;
  torpor_status status;
  if (out) {
    TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_BUFFER_INFO_INIT");
    torpor__sized_give(out, &info, sizeof(info));
  }
  status = torpor__begin_on(vm, buffer);
  if (status != TORPOR_OK) return status;
  status = inspect(vm, buffer, &info);
  if (status == TORPOR_OK && out) torpor__sized_give(out, &info, sizeof(info));
  return torpor__end(vm, status);
}

torpor_status torpor_buffer_viewed(torpor_vm *vm, torpor_value view,
                                   torpor_value *out) {
  return torpor__look_value(vm, TORPOR_ABI_LOOK_VIEWED, view, out);
}
