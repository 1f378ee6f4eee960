/* SPDX-License-Identifier: MIT */
/* string.c - text and bytes across the border.
 *
 * Text is UTF-8 outside and Latin-1 or UTF-16 inside; what cannot be a
 * character becomes U+FFFD in both directions. Text that goes out lies in the
 * window of the control block when it fits, else in a block that the host
 * releases. */

/* The flat string of a string value, with a reference; NULL: thrown. */
static JSString *torpor__flat(JSValueConst value) {
  JSValue flat;
  if (JS_VALUE_GET_TAG(value) == JS_TAG_STRING_ROPE) {
    flat = js_linearize_string_rope(torpor__ctx, value);
    if (JS_IsException(flat)) return NULL;
  } else {
    flat = js_dup(value);
  }
  return JS_VALUE_GET_STRING(flat);
}

/* The code point at '*at', which moves on. */
static uint32_t code_point(const uint16_t *units, uint32_t size, uint32_t *at) {
  uint32_t c = units[(*at)++];
  if (c < 0xd800 || c > 0xdfff) return c;
  if (c < 0xdc00 && *at < size && is_lo_surrogate(units[*at]))
    return from_surrogate(c, units[(*at)++]);
  return 0xfffd;
}

static uint64_t torpor__utf8_size(JSString *string) {
  uint64_t size = string->len;
  if (string->is_wide_char) {
    const uint16_t *units = str16(string);
    size = 0;
    for (uint32_t i = 0; i < string->len;) {
      uint32_t c = code_point(units, string->len, &i);
      size += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }
  } else {
    const uint8_t *bytes = str8(string);
    for (uint32_t i = 0; i < string->len; i++) size += bytes[i] >> 7;
  }
  return size;
}

static void utf8_write_latin1(const uint8_t *in, uint32_t size, uint8_t *out) {
  for (uint32_t i = 0; i < size; i++) {
    if (in[i] < 0x80) {
      *out++ = in[i];
    } else {
      *out++ = (uint8_t)(0xc0 | in[i] >> 6);
      *out++ = (uint8_t)(0x80 | (in[i] & 0x3f));
    }
  }
}

/* Writes torpor__utf8_size(string) bytes. */
static void torpor__utf8_write(JSString *string, uint8_t *out) {
  if (!string->is_wide_char) {
    utf8_write_latin1(str8(string), string->len, out);
  } else {
    const uint16_t *units = str16(string);
    for (uint32_t i = 0; i < string->len;)
      out += utf8_encode(out, code_point(units, string->len, &i));
  }
}

/* A place for 'size' bytes that go out, as "text out" of abi.h says. */
static uint8_t *torpor__text_place(uint64_t size) {
  uint64_t *result = torpor_control.host.result;
  uint8_t *place = torpor_control.host.window;
  bool large = size > TORPOR_ABI_WINDOW;
  torpor_control.host.interrupted &= ~(uint32_t)TORPOR_ABI_INTERRUPTED_AT;
  if (large) place = size > INT32_MAX ? NULL : torpor_allocate((uint32_t)size);
  result[0] = (uintptr_t)place;
  result[1] = size;
  result[2] = large;
  return place;
}

/* torpor__leave for an entry that gives text out, which the host does not take
 * when the entry counts as interrupted. */
static torpor_status torpor__leave_text(torpor_status status) {
  const uint64_t *result = torpor_control.host.result;
  torpor_status left = torpor__leave(status);
  if (status == TORPOR_OK && left != TORPOR_OK && result[2])
    torpor_release((void *)(uintptr_t)result[0]);
  return left;
}

static torpor_status text_give(JSString *string) {
  uint8_t *place = torpor__text_place(torpor__utf8_size(string));
  if (place == NULL) return TORPOR_LIMIT;
  torpor__utf8_write(string, place);
  return TORPOR_OK;
}

/* The engine keeps surrogates that were encoded like characters; here they
 * are as invalid as other bytes. 'string' is new, nobody else has it. */
static void surrogates_replace(JSString *string) {
  uint16_t *units = str16(string);
  for (uint32_t i = 0; i < string->len;) {
    uint32_t at = i;
    if (code_point(units, string->len, &i) == 0xfffd) units[at] = 0xfffd;
  }
}

/* The string of UTF-8 text. */
static JSValue torpor__text_string(const char *text, uint32_t size) {
  JSValue value = JS_NewStringLen(torpor__ctx, text, size);
  if (JS_IsString(value) && JS_VALUE_GET_STRING(value)->is_wide_char)
    surrogates_replace(JS_VALUE_GET_STRING(value));
  return value;
}

EXPORT(torpor_string_new)
torpor_status export_string_new(const char *text, uint32_t size) {
  return torpor__give(torpor__text_string(text, size));
}

/* A string of zeros for the host to fill: its address in result[1]. */
static torpor_status torpor__string_blank(uint64_t length, bool wide) {
  uint64_t *result = torpor_control.host.result;
  JSString *string;
  torpor_status status;
  if (length > JS_STRING_LEN_MAX) {
    JS_ThrowRangeError(torpor__ctx, "invalid string length");
    return torpor__thrown();
  }
  result[1] = 0;
  if (length == 0) return torpor__give(js_empty_string(torpor__rt));
  string = js_alloc_string(torpor__ctx, (int)length, wide);
  if (string == NULL) return torpor__thrown();
  status = torpor__give(JS_MKPTR(JS_TAG_STRING, string));
  if (status == TORPOR_OK) result[1] = (uintptr_t)strv(string);
  return status;
}

/* The characters of a string, as they lie there. There are two references to
 * it: only so the engine keeps in it what it made flat. */
static torpor_status torpor__string_look(JSValueConst value) {
  uint64_t *result = torpor_control.host.result;
  JSString *string;
  if (!JS_IsString(value)) return TORPOR_WRONG_TYPE;
  string = torpor__flat(value);
  if (string == NULL) return torpor__thrown();
  result[0] = (uintptr_t)strv(string);
  result[1] = string->len;
  result[2] = string->is_wide_char ? 2 : 1;
  js_free_string(torpor__rt, string);
  return TORPOR_OK;
}

static torpor_status string_read(uint64_t bits) {
  JSValue value, text;
  JSString *string;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  text = JS_IsSymbol(value) ? js_symbol_toString(torpor__ctx, value, 0, NULL)
                            : JS_ToString(torpor__ctx, value);
  if (JS_IsException(text)) return torpor__thrown();
  string = torpor__flat(text);
  JS_FreeValue(torpor__ctx, text);
  if (string == NULL) return torpor__thrown();
  status = text_give(string);
  js_free_string(torpor__rt, string);
  return status;
}

EXPORT(torpor_string_read)
torpor_status export_string_read(uint64_t bits) {
  torpor__enter();
  return torpor__leave_text(string_read(bits));
}

/* ---- Bytes ---------------------------------------------------------------*/

EXPORT(torpor_buffer_new)
torpor_status export_buffer_new(const uint8_t *data, uint32_t size) {
  return torpor__give(JS_NewUint8ArrayCopy(torpor__ctx, data, size));
}

/* Those of a typed array are whole elements, also where it follows the end of a
 * buffer that has some more. */
static bool view_bytes(JSObject *object, uint8_t **data, uint32_t *size) {
  const JSTypedArray *view = object->u.typed_array;
  const JSArrayBuffer *buffer = view->buffer->u.array_buffer;
  uint64_t end = (uint64_t)view->offset + view->length;
  if (view->track_rab) end = (uint32_t)buffer->byte_length;
  if (buffer->detached || end > (uint32_t)buffer->byte_length) return false;
  if (view->offset > end) return false;
  *data = buffer->data + view->offset;
  *size = (uint32_t)end - view->offset;
  if (is_typed_array(object->class_id))
    *size &= ~0u << typed_array_size_log2(object->class_id);
  return true;
}

/* The bytes that an ArrayBuffer, typed array or DataView covers; false when
 * it is none or its memory is gone. */
static bool torpor__bytes(JSValueConst value, uint8_t **data, uint32_t *size) {
  JSClassID class = JS_GetClassID(value);
  JSObject *object;
  if (class == JS_INVALID_CLASS_ID) return false;
  object = JS_VALUE_GET_OBJ(value);
  if (class == JS_CLASS_ARRAY_BUFFER || class == JS_CLASS_SHARED_ARRAY_BUFFER) {
    const JSArrayBuffer *buffer = object->u.array_buffer;
    *data = buffer->data;
    *size = (uint32_t)buffer->byte_length;
    return !buffer->detached;
  }
  if (class < JS_CLASS_UINT8C_ARRAY || class > JS_CLASS_DATAVIEW) return false;
  return view_bytes(object, data, size);
}

EXPORT(torpor_buffer_read)
torpor_status export_buffer_read(uint64_t bits) {
  JSValue value;
  uint8_t *data;
  uint32_t size;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  if (!torpor__bytes(value, &data, &size)) return TORPOR_WRONG_TYPE;
  torpor_control.host.result[0] = (uintptr_t)data;
  torpor_control.host.result[1] = size;
  return TORPOR_OK;
}
