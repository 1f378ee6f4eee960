/* SPDX-License-Identifier: MIT */
/* buffer.c - buffers and views of them: made by the host, and looked at.
 *
 * The host fills and reads bytes where they lie. A buffer may be detached or
 * resized whenever the program runs, so what is told of one holds until the
 * next entry; then its views may be out of bounds. */

#define BUFFER_TO_END UINT64_MAX

/* ---- Making --------------------------------------------------------------*/

static bool class_is_buffer(JSClassID class) {
  return class == JS_CLASS_ARRAY_BUFFER ||
         class == JS_CLASS_SHARED_ARRAY_BUFFER;
}

static bool class_is_view(JSClassID class) {
  return class >= JS_CLASS_UINT8C_ARRAY && class <= JS_CLASS_DATAVIEW;
}

static uint32_t view_element(JSClassID class) {
  return is_typed_array(class) ? 1u << typed_array_size_log2(class) : 1u;
}

/* Gives a new buffer, or view, and where its bytes are. */
static torpor_status buffer_give(JSValue value) {
  uint8_t *data = NULL;
  uint32_t size;
  torpor_status status;
  if (!JS_IsException(value)) torpor__bytes(value, &data, &size);
  status = torpor__give(value);
  torpor_control.host.result[1] = (uintptr_t)data;
  return status;
}

static torpor_status torpor__buffer_make(uint64_t size, uint64_t most,
                                         uint64_t brand) {
  JSClassID class = torpor__brand_class(brand);
  uint64_t *limit = most == UINT64_MAX ? NULL : &most;
  if (!class_is_buffer(class)) return TORPOR_WRONG_TYPE;
  if (limit && most < size) {
    JS_ThrowRangeError(torpor__ctx, "invalid array buffer max length");
    return torpor__thrown();
  }
  return buffer_give(js_array_buffer_constructor2(torpor__ctx, JS_UNDEFINED,
                                                  size, limit, class));
}

/* A number of the engine; what is too large stays so. */
static JSValue index_of(uint64_t number) {
  return number > MAX_SAFE_INTEGER ? js_float64((double)number)
                                   : js_int64((int64_t)number);
}

/* All arguments are numbers, or a buffer: nothing of the program runs. */
static JSValue view_make(JSClassID class, JSValueConst buffer, uint64_t offset,
                         uint64_t count) {
  JSValueConst arguments[3] = {buffer, index_of(offset), JS_UNDEFINED};
  if (count != BUFFER_TO_END) arguments[2] = index_of(count);
  if (class == JS_CLASS_DATAVIEW)
    return js_dataview_constructor(torpor__ctx, JS_UNDEFINED, 3, arguments);
  return js_typed_array_constructor(torpor__ctx, JS_UNDEFINED, 3, arguments,
                                    (int)class);
}

static torpor_status torpor__view_make(uint64_t brand, uint64_t bits,
                                       uint64_t offset, uint64_t count) {
  JSClassID class = torpor__brand_class(brand);
  JSValue buffer;
  torpor_status status = torpor__value(bits, &buffer);
  if (status) return status;
  if (!class_is_view(class) || !class_is_buffer(JS_GetClassID(buffer)))
    return TORPOR_WRONG_TYPE;
  return torpor__give(view_make(class, buffer, offset, count));
}

static torpor_status torpor__view_make_new(uint64_t brand, uint64_t count) {
  JSClassID class = torpor__brand_class(brand);
  JSValue buffer, view;
  if (!class_is_view(class)) return TORPOR_WRONG_TYPE;
  if (count > INT32_MAX) count = INT32_MAX; /* is too large as well */
  buffer = js_array_buffer_constructor2(torpor__ctx, JS_UNDEFINED,
                                        count * view_element(class), NULL,
                                        JS_CLASS_ARRAY_BUFFER);
  if (JS_IsException(buffer)) return torpor__thrown();
  view = view_make(class, buffer, 0, BUFFER_TO_END);
  JS_FreeValue(torpor__ctx, buffer);
  return buffer_give(view);
}

/* ---- Looking -------------------------------------------------------------*/

static uint32_t buffer_flags(const JSArrayBuffer *buffer) {
  return (buffer->detached ? 1u : 0u) |
         (array_buffer_is_resizable(buffer) ? 2u : 0u) |
         (buffer->immutable ? 4u : 0u) | (buffer->shared ? 8u : 0u);
}

static torpor_status torpor__look_buffer(JSValueConst value) {
  uint64_t *result = torpor_control.host.result;
  JSClassID class = JS_GetClassID(value);
  const JSObject *object;
  const JSArrayBuffer *buffer;
  uint8_t *data = NULL;
  uint32_t size = 0, flags;
  if (!class_is_buffer(class) && !class_is_view(class))
    return TORPOR_WRONG_TYPE;
  object = JS_VALUE_GET_OBJ(value);
  buffer = class_is_view(class) ? object->u.typed_array->buffer->u.array_buffer
                                : object->u.array_buffer;
  flags = buffer_flags(buffer);
  if (!torpor__bytes(value, &data, &size)) flags |= 1u;
  if (class_is_view(class) && object->u.typed_array->track_rab) flags |= 16u;
  result[0] = (uintptr_t)data;
  result[1] = flags & 1u ? 0 : size;
  result[2] = class_is_view(class) ? object->u.typed_array->offset : 0;
  result[3] = flags;
  if (flags & 2u)
    result[3] |= (uint64_t)(uint32_t)buffer->max_byte_length << 32;
  return TORPOR_OK;
}

static torpor_status torpor__look_viewed(JSValueConst value) {
  JSObject *buffer;
  if (!class_is_view(JS_GetClassID(value))) return TORPOR_WRONG_TYPE;
  buffer = JS_VALUE_GET_OBJ(value)->u.typed_array->buffer;
  return torpor__give(js_dup(JS_MKPTR(JS_TAG_OBJECT, buffer)));
}
