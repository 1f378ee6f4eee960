/* SPDX-License-Identifier: MIT */
/* bytes.c - bytes in and out: buffer sources, results, randomness, errors. */
#include <unistd.h>

#include "crypto.h"
#include "mbedtls/platform_util.h"

enum { VIEW_BUFFER, VIEW_OFFSET, VIEW_LENGTH, VIEW_PARTS };
enum { OF_TYPED_ARRAY, OF_DATA_VIEW, VIEW_KINDS };

/* The getters of views: the engine has no functions for DataView, and none that
 * knows the length of a view whose buffer was resized. A program may have
 * replaced them before the extension was loaded, so that they may run its code
 * and give anything. */
static JSValue view_getters[VIEW_KINDS][VIEW_PARTS];

int bytes_make(JSContext *ctx, bytes *made, size_t size) {
  made->data = js_mallocz(ctx, size + 1); /* never NULL for size 0 */
  made->size = size;
  return made->data == NULL ? -1 : 0;
}

int bytes_copy(JSContext *ctx, bytes *made, const void *data, size_t size) {
  if (bytes_make(ctx, made, size) < 0) return -1;
  if (size > 0) memcpy(made->data, data, size);
  return 0;
}

void bytes_free(JSContext *ctx, bytes *owned) {
  if (owned->data == NULL) return;
  mbedtls_platform_zeroize(owned->data, owned->size);
  js_free(ctx, owned->data);
  owned->data = NULL;
}

/* What the engine calls to give back (size 0) or to resize a buffer of ours. */
static void *resize_buffer(JSRuntime *rt, void *opaque, void *data,
                           size_t size) {
  if (size > 0) return js_realloc_rt(rt, data, size);
  js_free_rt(rt, data);
  return NULL;
}

JSValue bytes_to_buffer(JSContext *ctx, bytes *owned) {
  JSValue buffer = JS_NewArrayBuffer(ctx, owned->data, owned->size, 0,
                                     resize_buffer, NULL, false);
  if (JS_IsException(buffer)) bytes_free(ctx, owned);
  owned->data = NULL;
  return buffer;
}

bool bytes_are(JSContext *ctx, JSValueConst value, const char *name) {
  if (JS_IsArrayBuffer(value) || JS_IsDataView(value) ||
      JS_GetTypedArrayType(value) >= 0)
    return true;
  JS_ThrowTypeError(ctx, "%s is neither an ArrayBuffer nor a view of one",
                    name);
  return false;
}

static int keep_getters(JSContext *ctx, JSValueConst proto, JSValue *getters) {
  static const char names[VIEW_PARTS][12] = {"buffer", "byteOffset",
                                             "byteLength"};
  int result = 0;
  for (int i = 0; i < VIEW_PARTS && result >= 0; i++) {
    JSPropertyDescriptor found = {0};
    JSAtom name = JS_NewAtom(ctx, names[i]);
    result = JS_GetOwnProperty(ctx, &found, proto, name);
    JS_FreeAtom(ctx, name);
    getters[i] = result > 0 ? found.getter : JS_UNDEFINED;
    if (result <= 0) continue;
    JS_FreeValue(ctx, found.setter);
    JS_FreeValue(ctx, found.value);
  }
  return result < 0 ? -1 : 0;
}

static JSValue get_proto(JSContext *ctx, JSValueConst global,
                         const char *name) {
  JSValue made_by = JS_GetPropertyStr(ctx, global, name);
  JSValue proto = JS_GetPropertyStr(ctx, made_by, "prototype");
  JS_FreeValue(ctx, made_by);
  return proto;
}

int bytes_start(JSContext *ctx, JSValueConst global) {
  JSValue view = get_proto(ctx, global, "DataView");
  JSValue array = get_proto(ctx, global, "Uint8Array");
  JSValue typed = JS_GetPrototype(ctx, array);
  int result = keep_getters(ctx, view, view_getters[OF_DATA_VIEW]);
  if (result == 0)
    result = keep_getters(ctx, typed, view_getters[OF_TYPED_ARRAY]);
  JS_FreeValue(ctx, typed);
  JS_FreeValue(ctx, array);
  JS_FreeValue(ctx, view);
  return result;
}

/* A number of a view, or whatever its getter gives for one. */
static size_t view_number(JSContext *ctx, JSValueConst view, JSValueConst get) {
  uint32_t number = UINT32_MAX;
  JSValue value = JS_Call(ctx, get, view, 0, NULL);
  if (JS_IsNumber(value)) JS_ToUint32(ctx, &number, value);
  JS_FreeValue(ctx, value);
  return number;
}

static bool is_detached(JSContext *ctx, JSValueConst buffer) {
  size_t size;
  if (JS_GetArrayBuffer(ctx, &size, buffer) != NULL || !JS_HasException(ctx))
    return false;
  JS_FreeValue(ctx, JS_GetException(ctx));
  return true;
}

/* Which part of its buffer a view is. */
static int read_range(JSContext *ctx, JSValueConst view, const JSValue *getters,
                      source *of) {
  of->offset = view_number(ctx, view, getters[VIEW_OFFSET]);
  if (!JS_HasException(ctx))
    of->length = view_number(ctx, view, getters[VIEW_LENGTH]);
  return JS_HasException(ctx) ? -1 : 0;
}

int source_open(JSContext *ctx, JSValueConst value, source *of) {
  bool is_view = !JS_IsArrayBuffer(value);
  const JSValue *getters =
      view_getters[JS_IsDataView(value) ? OF_DATA_VIEW : OF_TYPED_ARRAY];
  of->offset = 0;
  of->length = SIZE_MAX;
  of->buffer = is_view ? JS_Call(ctx, getters[VIEW_BUFFER], value, 0, NULL)
                       : JS_DupValue(ctx, value);
  if (JS_IsException(of->buffer)) return -1;
  int result = 0;
  if (!JS_IsArrayBuffer(of->buffer))
    result = fail(ctx, TYPE_ERROR, "shared memory is not allowed");
  else if (is_detached(ctx, of->buffer))
    of->length = 0;
  else if (is_view)
    result = read_range(ctx, value, getters, of);
  if (result < 0) source_close(ctx, of);
  return result;
}

bytes source_bytes(JSContext *ctx, const source *of) {
  size_t whole = 0;
  uint8_t *data = NULL;
  if (!is_detached(ctx, of->buffer))
    data = JS_GetArrayBuffer(ctx, &whole, of->buffer);
  if (data == NULL || of->offset > whole) return (bytes){NULL, 0};
  size_t rest = whole - of->offset;
  return (bytes){data + of->offset, of->length < rest ? of->length : rest};
}

void source_close(JSContext *ctx, source *of) {
  JS_FreeValue(ctx, of->buffer);
  of->buffer = JS_UNDEFINED;
}

int random_fill(void *unused, uint8_t *to, size_t size) {
  enum { PIECE = 256 }; /* as much as getentropy gives at once */
  for (size_t n; size > 0; to += n, size -= n) {
    n = size < PIECE ? size : PIECE;
    if (getentropy(to, n) != 0) return -1;
  }
  return 0;
}

int fail(JSContext *ctx, const char *name, const char *message) {
  if (name == TYPE_ERROR)
    JS_ThrowTypeError(ctx, "%s", message);
  else
    JS_ThrowDOMException(ctx, name, "%s", message);
  return -1;
}

/* The codes by which parts of Mbed TLS say that memory was short. */
static bool is_memory_short(int code) {
  return code == -0x0010 || code == -0x5180 || code == -0x4D80 ||
         code == -0x006A;
}

int library_check(JSContext *ctx, int code, const char *message) {
  if (code == 0) return 0;
  if (!is_memory_short(code)) return fail(ctx, OPERATION_ERROR, message);
  JS_ThrowOutOfMemory(ctx);
  return -1;
}
