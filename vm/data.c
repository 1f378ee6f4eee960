/* SPDX-License-Identifier: MIT */
/* data.c - trees of values in one call, as CBOR and as JSON.
 *
 * The guest makes and reads them (guest/cbor-*.c, guest/json.c). What is wrong
 * with a JSON text is said by our own reader of it (json.c), in its words. */
#include <string.h>

#include "common/utf8.h"
#include "vm/enter.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/json.h"
#include "vm/loan.h"
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
  if (status == TORPOR_OK)
    status = take(vm, json, &bytes);
  else if (json && status == TORPOR_WRONG_TYPE)
    torpor__fail(vm, status, "functions, symbols and undefined have no JSON");
  if (out)
    *out = bytes;
  else
    torpor_bytes_free(&bytes);
  return torpor__end(vm, status);
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
  if (flags == 0) return torpor_cbor_encode(vm, value, out);
  return encode(vm, TORPOR__EXPORT_torpor_cbor_encode_with, value, flags, out);
}

/* The value that an export makes of 'size' bytes. */
static torpor_status decode(torpor_vm *vm, torpor__export export,
                            const void *data, size_t size, torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t arguments[2] = {0, size};
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__loan_add(vm, &loan, data, size, &arguments[0]);
  if (status == TORPOR_OK) status = torpor__invoke(vm, export, arguments);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

torpor_status torpor_cbor_decode(torpor_vm *vm, const void *data, size_t size,
                                 torpor_value *out) {
  torpor_status status = torpor__check_open(vm);
  if (out) *out = torpor_undefined();
  if (status != TORPOR_OK) return status;
  if (size > 0) TORPOR__REQUIRE(vm, data);
  status = check_size(vm, "data", size);
  if (status != TORPOR_OK) return status;
  return decode(vm, TORPOR__EXPORT_torpor_cbor_decode, data, size, out);
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
  status = decode(vm, TORPOR__EXPORT_torpor_json_decode, json, size, out);
  if (status != TORPOR_THROWN) return status;
  return throw_mistake(vm, json, size, status);
}
