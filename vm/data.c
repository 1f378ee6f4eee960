/* SPDX-License-Identifier: MIT */
/* data.c - trees of values in one call, as CBOR and as JSON.
 *
 * The guest makes and reads them (guest/cbor-*.c, guest/json.c). What is wrong
 * with a JSON text is said by our own reader of it (json.c), in its words. */
#include <string.h>

#include "common/cbor.h"
#include "common/utf8.h"
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/data/json.h"
#include "vm/make.h"
#include "vm/options.h"
#include "vm/vm.h"

static torpor_status check_size(torpor_vm *vm, const char *what, size_t size) {
  if (size <= TORPOR_DATA_LARGEST) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_LIMIT,
                      "the %s has %zu bytes; the limit is "
                      "%zu",
                      what, size, TORPOR_DATA_LARGEST);
}

/* Takes what the export left, and looks whether it is within the limits. */
static torpor_status take(torpor_vm *vm, bool json, torpor_bytes *out) {
  torpor_status status = torpor__text_take(vm, out);
  if (status == TORPOR_OK)
    status = check_size(vm, json ? "JSON text" : "data", out->size);
  if (status == TORPOR_OK && json && torpor__json_is_deep(out->data, out->size))
    status = torpor__fail(vm, TORPOR_LIMIT,
                          "the JSON text is nested more than %d deep",
                          TORPOR_DATA_DEPTH);
  if (status != TORPOR_OK) torpor_bytes_free(out);
  return status;
}

/* Ends the handles in a live tree. */
static void release_handles(torpor_vm *vm, const uint8_t *data, size_t size) {
  torpor__cbor_reader in = torpor__cbor_read(data, size);
  torpor__cbor_item item;
  bool handle = false;
  while (in.at < in.end && !vm->broken && torpor__cbor_next(&in, &item)) {
    uint64_t bits =
        (uint64_t)TORPOR_TAG_OBJECT << 48 | (item.value & TORPOR__CBOR_HANDLE);
    if (handle && item.major == TORPOR__CBOR_UNSIGNED)
      torpor__enter(vm, TORPOR__EXPORT_torpor_value_release, &bits);
    handle = item.major == TORPOR__CBOR_TAG && item.value == TORPOR__TAG_HANDLE;
  }
}

/* take for a live tree, whose handles end when nobody gets it. */
static torpor_status take_live(torpor_vm *vm, bool wanted, torpor_bytes *out) {
  const uint8_t *data = torpor__looked_at(vm);
  size_t size = (size_t)vm->result[1];
  torpor_status status = TORPOR_TRAPPED;
  if (data) status = torpor__text_copy(vm, out);
  if (status == TORPOR_OK) status = check_size(vm, "data", size);
  if (data && (status != TORPOR_OK || !wanted)) release_handles(vm, data, size);
  torpor__text_end(vm);
  if (status != TORPOR_OK) torpor_bytes_free(out);
  return status;
}

/* The text or bytes that an export makes of a value. */
static torpor_status encode(torpor_vm *vm, torpor__export export,
                            torpor_value value, uint64_t flags,
                            torpor_bytes *out) {
  bool json = export == TORPOR__EXPORT_torpor_json_encode;
  torpor_bytes bytes = {NULL, 0};
  torpor_status status;
  if (out) *out = bytes;
  status = torpor__begin_running_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = torpor__invoke(vm, export, (const uint64_t[]){value.bits, flags});
  if (status == TORPOR_OK && !json && flags & TORPOR_ABI_CBOR_LIVE)
    status = take_live(vm, out != NULL, &bytes);
  else if (status == TORPOR_OK)
    status = take(vm, json, &bytes);
  else if (json && status == TORPOR_WRONG_TYPE)
    torpor__fail(vm, status, "functions, symbols and undefined have no JSON");
  if (out)
    *out = bytes;
  else
    torpor_bytes_free(&bytes);
  return torpor__end(vm, status);
}

static torpor_status fail_older(torpor_vm *vm, torpor_status status) {
  if (status != TORPOR_UNSUPPORTED) return status;
  return torpor__fail(vm, status, "the VM's engine is older than TORPOR_LIVE");
}

torpor_status torpor_cbor_encode(torpor_vm *vm, torpor_value value,
                                 torpor_bytes *out) {
  return encode(vm, TORPOR__EXPORT_torpor_cbor_encode, value, 0, out);
}

torpor_status torpor_cbor_encode_with(torpor_vm *vm, torpor_value value,
                                      const torpor_cbor_options *options,
                                      torpor_bytes *out) {
  torpor_cbor_options own;
  torpor_status status = torpor__check_open(vm);
  uint64_t flags = 0;
  if (out) *out = (torpor_bytes){NULL, 0};
  if (status == TORPOR_OK)
    status = torpor__options_take_cbor(vm, options, &own);
  if (status != TORPOR_OK) return status;
  if (own.not_data == TORPOR_LEAVE_OUT) flags |= TORPOR_ABI_CBOR_LEAVE_OUT;
  if (own.views == TORPOR_VIEWS_COPY) flags |= TORPOR_ABI_CBOR_COPY_VIEWS;
  if (own.not_data == TORPOR_LIVE) {
    flags |= TORPOR_ABI_CBOR_LIVE;
    if (!vm->engine->exports.torpor_cbor_decode_with)
      return fail_older(vm, TORPOR_UNSUPPORTED);
  }
  if (flags == 0) return torpor_cbor_encode(vm, value, out);
  return encode(vm, TORPOR__EXPORT_torpor_cbor_encode_with, value, flags, out);
}

/* The value that an export makes of 'size' bytes. */
static torpor_status decode(torpor_vm *vm, torpor__export export,
                            const void *data, size_t size, uint64_t flags,
                            torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t arguments[3] = {0, size, flags};
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, data, size, &arguments[0]);
  if (status == TORPOR_OK) status = torpor__invoke(vm, export, arguments);
  if (flags) status = fail_older(vm, status);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

torpor_status torpor_cbor_decode_with(torpor_vm *vm, const void *data,
                                      size_t size,
                                      const torpor_cbor_options *options,
                                      torpor_value *out) {
  torpor_cbor_options own;
  torpor_status status = torpor__check_open(vm);
  if (out) *out = torpor_undefined();
  if (status == TORPOR_OK)
    status = torpor__options_take_cbor(vm, options, &own);
  if (status != TORPOR_OK) return status;
  if (size > 0) TORPOR__REQUIRE(vm, data);
  status = check_size(vm, "data", size);
  if (status != TORPOR_OK) return status;
  if (own.not_data != TORPOR_LIVE)
    return decode(vm, TORPOR__EXPORT_torpor_cbor_decode, data, size, 0, out);
  return decode(vm, TORPOR__EXPORT_torpor_cbor_decode_with, data, size,
                TORPOR_ABI_CBOR_LIVE, out);
}

torpor_status torpor_cbor_decode(torpor_vm *vm, const void *data, size_t size,
                                 torpor_value *out) {
  return torpor_cbor_decode_with(vm, data, size, NULL, out);
}

/* ---- JSON -----------------------------------------------------------------*/

torpor_status torpor_json_encode(torpor_vm *vm, torpor_value value,
                                 torpor_bytes *out) {
  return encode(vm, TORPOR__EXPORT_torpor_json_encode, value, 0, out);
}

/* Throws what is wrong with the text, if our reader of it finds something; else
 * 'status' stands. */
static torpor_status throw_mistake(torpor_vm *vm, const char *json, size_t size,
                                   torpor_status status) {
  char mistake[128];
  if (!torpor__json_mistake(json, size, mistake, sizeof(mistake)))
    return status;
  return torpor_throw(vm, "SyntaxError", "%s", mistake);
}

torpor_status torpor_json_decode(torpor_vm *vm, const char *json, size_t size,
                                 torpor_value *out) {
  torpor_status status = torpor__check_open(vm);
  if (out) *out = torpor_undefined();
  if (status != TORPOR_OK) return status;
  if (size > 0) TORPOR__REQUIRE(vm, json);
  if (size == SIZE_MAX) size = strlen(json);
  status = check_size(vm, "JSON text", size);
  if (status != TORPOR_OK) return status;
  if (torpor__json_is_deep(json, size) || !torpor__utf8_valid(json, size))
    return throw_mistake(vm, json, size, TORPOR_FORMAT);
  status = decode(vm, TORPOR__EXPORT_torpor_json_decode, json, size, 0, out);
  if (status != TORPOR_THROWN) return status;
  return throw_mistake(vm, json, size, status);
}
