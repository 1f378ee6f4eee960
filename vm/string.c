/* SPDX-License-Identifier: MIT */
/* string.c - strings made and read.
 *
 * The engine has two forms of strings, Latin-1 and UTF-16. Text is brought into
 * the shorter one here, in native code, and written straight into a string that
 * the guest made; it is read from where the guest has it. So each byte of ASCII
 * is copied once. Engines that are older take and give UTF-8 only. */
#include "torpor.h"

#include <string.h>

#include "common/alloc.h"
#include "common/text.h"
#include "vm/border/enter.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
#include "vm/vm.h"

/* ---- Making ---------------------------------------------------------------*/

/* A text that is to be a string. */
typedef struct text {
  const void *data;
  size_t size; /* bytes */
  torpor_encoding encoding;
} text;

/* Sets the size of a text that ends with zero. */
static void measure_text(text *text) {
  if (text->size != SIZE_MAX) return;
  if (text->encoding != TORPOR_UTF16) {
    text->size = strlen(text->data);
    return;
  }
  text->size = 0;
  for (uint16_t unit = 1; unit != 0; text->size += sizeof(unit))
    memcpy(&unit, (const char *)text->data + text->size, sizeof(unit));
  text->size -= sizeof(uint16_t);
}

static torpor_status check_text(torpor_vm *vm, text *text) {
  if (!text->data && text->size > 0) return torpor__fail_missing(vm, "text");
  if (text->encoding < TORPOR_UTF8 || text->encoding > TORPOR_LATIN1)
    return torpor__fail(vm, TORPOR_MISUSE, "%d is not a torpor_encoding",
                        (int)text->encoding);
  measure_text(text);
  if (text->encoding == TORPOR_UTF16 && text->size % 2 != 0)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "the size of UTF-16 is in bytes, and %zu is odd",
                        text->size);
  return TORPOR_OK;
}

/* More than the characters of any string have, in any form. */
#define TEXT_LARGEST ((size_t)3 << 30)

static torpor__text_shape shape_text(const text *text) {
  torpor__text_shape shape = {text->size, false};
  if (text->encoding == TORPOR_LATIN1) return shape;
  if (text->size > TEXT_LARGEST) return shape; /* the VM says what is wrong */
  if (text->encoding == TORPOR_UTF16) {
    shape.units = text->size / 2;
    shape.wide = !torpor__text_is_narrow(text->data, shape.units);
    return shape;
  }
  return torpor__utf8_shape(text->data, text->size,
                            text->encoding == TORPOR_WTF8);
}

static void write_text(const text *text, torpor__text_shape shape,
                       uint8_t *out) {
  if (shape.units == text->size && !shape.wide)
    memcpy(out, text->data, text->size); /* ASCII, or Latin-1 as it is */
  else if (text->encoding == TORPOR_UTF16 && shape.wide)
    memcpy(out, text->data, text->size);
  else if (text->encoding == TORPOR_UTF16)
    torpor__utf16_to_latin1(text->data, shape.units, out);
  else if (shape.wide)
    torpor__utf8_to_utf16(text->data, text->size, text->encoding == TORPOR_WTF8,
                          out);
  else
    torpor__utf8_to_latin1(text->data, text->size, out);
}

/* For engines that take UTF-8 only. */
static torpor_status make_utf8(torpor_vm *vm, const text *text) {
  torpor__loan loan = {0};
  uint64_t address;
  torpor_status status =
      torpor__loan_add(vm, &loan, text->data, text->size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, string_new, address, text->size);
  torpor__loan_end(vm, &loan);
  return status;
}

static torpor_status make_string(torpor_vm *vm, const text *text) {
  torpor__text_shape shape = shape_text(text);
  torpor__making making = {0};
  torpor_status status;
  uint64_t size = (uint64_t)shape.units << shape.wide;
  uint8_t *place;
  torpor__making_add(&making, shape.units);
  status = torpor__make(
      vm, TORPOR_OK,
      shape.wide ? TORPOR_ABI_MAKE_UTF16 : TORPOR_ABI_MAKE_LATIN1, &making);
  if (status == TORPOR_UNSUPPORTED && text->encoding == TORPOR_UTF8)
    return make_utf8(vm, text);
  if (status != TORPOR_OK) return status;
  if (size > 0) {
    place = vm->result[1] <= UINT32_MAX
                ? torpor__memory_to(vm, (uint32_t)vm->result[1], size)
                : NULL;
    if (!place) return torpor__fail_damaged(vm, "where a string is");
    write_text(text, shape, place);
  }
  return TORPOR_OK;
}

torpor_status torpor_string_new_as(torpor_vm *vm, const void *data, size_t size,
                                   torpor_encoding encoding,
                                   torpor_value *out) {
  text text = {data, size, encoding};
  torpor_status status;
  torpor__put(out, torpor_undefined());
  status = torpor__check_open(vm);
  if (status == TORPOR_OK) status = check_text(vm, &text);
  if (status == TORPOR_OK) status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = make_string(vm, &text);
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

torpor_status torpor_string_new(torpor_vm *vm, const char *text, size_t size,
                                torpor_value *out) {
  return torpor_string_new_as(vm, text, size, TORPOR_UTF8, out);
}

/* ---- Reading --------------------------------------------------------------*/

/* Looks at a string, in a call that has begun. */
static torpor_status look_at(torpor_vm *vm, torpor_value value,
                             torpor_string_view *view) {
  torpor_status status = torpor__look(vm, TORPOR_ABI_LOOK_STRING, value);
  if (status != TORPOR_OK) return status;
  if (vm->result[1] > UINT32_MAX)
    return torpor__fail_damaged(vm, "the length of a string");
  view->length = (size_t)vm->result[1];
  view->width = vm->result[2] == 2 ? 2 : 1;
  vm->result[1] *= view->width;
  view->data = torpor__looked_at(vm);
  return view->data ? TORPOR_OK : TORPOR_TRAPPED;
}

torpor_status torpor_string_look(torpor_vm *vm, torpor_value value,
                                 torpor_string_view *out) {
  torpor_string_view view = {NULL, 0, 0};
  torpor_status status;
  if (out) *out = view;
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = look_at(vm, value, &view);
  if (out && status == TORPOR_OK) *out = view;
  return torpor__end(vm, status);
}

static size_t encoded_size(const torpor_string_view *view,
                           torpor_encoding encoding) {
  if (encoding == TORPOR_LATIN1) return view->length;
  if (encoding == TORPOR_UTF16) return view->length * 2;
  return view->width == 1 ? torpor__latin1_utf8_size(view->data, view->length)
                          : torpor__utf16_utf8_size(view->data, view->length);
}

static void encode(const torpor_string_view *view, torpor_encoding encoding,
                   size_t size, uint8_t *out) {
  bool utf16 = encoding == TORPOR_UTF16, latin1 = encoding == TORPOR_LATIN1;
  if (view->width == 1 && size == view->length)
    memcpy(out, view->data, size); /* ASCII, or Latin-1 as it is */
  else if (view->width == 1 && utf16)
    torpor__latin1_to_utf16(view->data, view->length, out);
  else if (view->width == 1)
    torpor__latin1_to_utf8(view->data, view->length, out);
  else if (utf16)
    memcpy(out, view->data, size);
  else if (latin1)
    torpor__utf16_to_latin1(view->data, view->length, out);
  else
    torpor__utf16_to_utf8(view->data, view->length, encoding == TORPOR_WTF8,
                          out);
}

static torpor_status copy_view(torpor_vm *vm, const torpor_string_view *view,
                               torpor_encoding encoding, torpor_bytes *out) {
  size_t size, ending = encoding == TORPOR_UTF16 ? 2 : 1;
  uint8_t *copy;
  if (encoding == TORPOR_LATIN1 && view->width == 2 &&
      !torpor__text_is_narrow(view->data, view->length))
    return torpor__fail(vm, TORPOR_WRONG_TYPE,
                        "the string has characters that are not in Latin-1");
  size = encoded_size(view, encoding);
  copy = torpor__alloc(size + ending);
  if (!copy) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  encode(view, encoding, size, copy);
  memset(copy + size, 0, ending);
  *out = (torpor_bytes){copy, size};
  return TORPOR_OK;
}

/* Reads a string by its characters, in a call that has begun. */
static torpor_status read_string(torpor_vm *vm, torpor_value value,
                                 torpor_encoding encoding, torpor_bytes *out) {
  torpor_string_view view = {NULL, 0, 0};
  torpor_status status = look_at(vm, value, &view);
  if (status != TORPOR_OK) return status;
  return copy_view(vm, &view, encoding, out);
}

/* Gives 'bytes' to the caller, who may not want them. */
static torpor_status give_bytes(torpor_vm *vm, torpor_status status,
                                torpor_bytes bytes, torpor_bytes *out) {
  if (out)
    *out = bytes;
  else
    torpor_bytes_free(&bytes);
  return torpor__end(vm, status);
}

torpor_status torpor_string_read_as(torpor_vm *vm, torpor_value value,
                                    torpor_encoding encoding,
                                    torpor_bytes *out) {
  torpor_bytes bytes = {NULL, 0};
  torpor_status status;
  if (out) *out = bytes;
  status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (encoding < TORPOR_UTF8 || encoding > TORPOR_LATIN1)
    return torpor__fail(vm, TORPOR_MISUSE, "%d is not a torpor_encoding",
                        (int)encoding);
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = read_string(vm, value, encoding, &bytes);
  return give_bytes(vm, status, bytes, out);
}

torpor_status torpor_string_read(torpor_vm *vm, torpor_value value,
                                 torpor_bytes *out) {
  torpor_bytes bytes = {NULL, 0};
  torpor_status status;
  if (out) *out = bytes;
  status = torpor__begin_running_on(vm, value);
  if (status != TORPOR_OK) return status;
  status = TORPOR_UNSUPPORTED;
  if (torpor_value_type(value) == TORPOR_TYPE_STRING)
    status = read_string(vm, value, TORPOR_UTF8, &bytes);
  if (status == TORPOR_UNSUPPORTED) {
    status = TORPOR__INVOKE(vm, string_read, value.bits);
    if (status == TORPOR_OK) status = torpor__text_take(vm, &bytes);
  }
  return give_bytes(vm, status, bytes, out);
}
