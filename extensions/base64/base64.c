/* SPDX-License-Identifier: MIT */
/* base64.c - atob, btoa, and the base64 and hex methods of Uint8Array.
 *
 * The engine has all of them. Loading this makes sure that they are there, and
 * replaces the two that it does more than three times as fast: fromHex and
 * setFromHex of Uint8Array (README.md has the figures).
 *
 *  (1) Only what is sure to succeed is done here. All else goes to the engine's
 *      own function, which throws, or writes what comes before an error. */
#include <string.h>

#include "torpor-extension.h"

TORPOR_EXTENSION("base64", "1.0")

static JSValue engine_from_hex, engine_set_from_hex;

/* The value of a digit; 0xff: it is none. */
static uint8_t digits[256];

static void make_digits(void) {
  memset(digits, 0xff, sizeof digits);
  for (uint8_t i = 0; i < 16; i++) {
    uint8_t c = (uint8_t)"0123456789abcdef"[i];
    digits[c] = i;
    if (i > 9) digits[c - 'a' + 'A'] = i;
  }
}

/* ---- Decoding -------------------------------------------------------------*/

/* Eight bytes of sixteen digits; *wrong gets bit 7 when one is none. */
static inline uint64_t decode_eight(const uint8_t *text, uint32_t *wrong) {
  uint64_t word = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    uint32_t high = digits[text[2 * i]], low = digits[text[2 * i + 1]];
    *wrong |= high | low;
    word |= (uint64_t)(high << 4 | low) << (8 * i);
  }
  return word;
}

/* Whether all of 'size' bytes came out; if not, only bytes that are right were
 * written, and none behind the error. */
static bool decode(const uint8_t *text, uint8_t *bytes, size_t size) {
  uint8_t *end = bytes + size;
  uint32_t wrong = 0;
  for (; end - bytes >= 8; bytes += 8, text += 16) {
    uint64_t word = decode_eight(text, &wrong);
    if (wrong & 0x80) return false;
    memcpy(bytes, &word, sizeof word);
  }
  for (; bytes < end; bytes++, text += 2) {
    uint32_t high = digits[text[0]], low = digits[text[1]];
    if ((high | low) & 0x80) return false;
    *bytes = (uint8_t)(high << 4 | low);
  }
  return true;
}

/* ---- The methods ----------------------------------------------------------*/

static JSValue from_hex(JSContext *ctx, JSValueConst self, int count,
                        JSValueConst *args) {
  size_t length, size;
  bool done = false;
  JSValue array = JS_UNDEFINED;
  if (JS_IsString(args[0])) {
    const char *text = JS_ToCStringLen(ctx, &length, args[0]);
    if (text == NULL) return JS_EXCEPTION;
    JSValueConst wanted = JS_NewInt32(ctx, (int32_t)(length / 2));
    if (length % 2 == 0)
      array = JS_NewTypedArray(ctx, 1, &wanted, JS_TYPED_ARRAY_UINT8);
    if (JS_IsObject(array)) {
      uint8_t *bytes = JS_GetUint8Array(ctx, &size, array);
      done = decode((const uint8_t *)text, bytes, size);
    }
    JS_FreeCString(ctx, text);
  }
  if (done || JS_IsException(array)) return array;
  JS_FreeValue(ctx, array);
  return JS_Call(ctx, engine_from_hex, self, count, args);
}

static JSValue tell(JSContext *ctx, size_t read, size_t written) {
  JSValue object = JS_NewObject(ctx);
  if (JS_IsException(object)) return object;
  if (JS_DefinePropertyValueStr(ctx, object, "read",
                                JS_NewInt64(ctx, (int64_t)read),
                                JS_PROP_C_W_E) >= 0 &&
      JS_DefinePropertyValueStr(ctx, object, "written",
                                JS_NewInt64(ctx, (int64_t)written),
                                JS_PROP_C_W_E) >= 0)
    return object;
  JS_FreeValue(ctx, object);
  return JS_EXCEPTION;
}

/* The memory of a Uint8Array that may be written; NULL: it is something else,
 * or out of bounds, or nothing. */
static uint8_t *find_bytes(JSContext *ctx, JSValueConst array, size_t *size) {
  if (JS_GetTypedArrayType(array) != JS_TYPED_ARRAY_UINT8) return NULL;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, array, NULL, NULL, NULL);
  if (JS_IsException(buffer)) {
    JS_FreeValue(ctx, JS_GetException(ctx));
    return NULL;
  }
  bool fixed = JS_IsImmutableArrayBuffer(buffer) > 0;
  JS_FreeValue(ctx, buffer);
  return fixed ? NULL : JS_GetUint8Array(ctx, size, array);
}

static JSValue set_from_hex(JSContext *ctx, JSValueConst self, int count,
                            JSValueConst *args) {
  size_t length, size;
  bool done = false;
  uint8_t *bytes = find_bytes(ctx, self, &size);
  if (bytes != NULL && JS_IsString(args[0])) {
    const char *text = JS_ToCStringLen(ctx, &length, args[0]);
    if (text == NULL) return JS_EXCEPTION;
    if (size > length / 2) size = length / 2;
    done = length % 2 == 0 && decode((const uint8_t *)text, bytes, size);
    JS_FreeCString(ctx, text);
  }
  if (done) return tell(ctx, size * 2, size);
  return JS_Call(ctx, engine_set_from_hex, self, count, args);
}

/* ---- Loading --------------------------------------------------------------*/

/* A function that has to be there; undefined: it is not, which is thrown. */
static JSValue demand(JSContext *ctx, JSValueConst holder, const char *name) {
  JSValue found = JS_UNDEFINED;
  if (JS_IsObject(holder)) found = JS_GetPropertyStr(ctx, holder, name);
  if (JS_IsFunction(ctx, found) || JS_IsException(found)) return found;
  JS_FreeValue(ctx, found);
  return JS_ThrowTypeError(ctx,
                           "the VM has no %s: do not leave out or delete it "
                           "before base64 is loaded",
                           name);
}

static int check_all(JSContext *ctx, JSValueConst holder, const char *names) {
  for (; *names != 0; names += strlen(names) + 1) {
    JSValue found = demand(ctx, holder, names);
    JS_FreeValue(ctx, found);
    if (JS_IsException(found)) return -1;
  }
  return 0;
}

/* Puts 'function' there; gives the engine's. */
static JSValue replace(JSContext *ctx, JSValueConst holder, const char *name,
                       JSCFunction *function) {
  JSValue old = demand(ctx, holder, name);
  if (!JS_IsException(old))
    JS_DefinePropertyValueStr(ctx, holder, name,
                              JS_NewCFunction(ctx, function, name, 1),
                              JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  return old;
}

TORPOR_EXTENSION_INIT(base64) {
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue array = JS_GetPropertyStr(ctx, global, "Uint8Array");
  JSValue prototype = JS_IsObject(array)
                          ? JS_GetPropertyStr(ctx, array, "prototype")
                          : JS_UNDEFINED;
  int status = -1;
  make_digits();
  if (check_all(ctx, global, "atob\0btoa\0") == 0 &&
      check_all(ctx, array, "fromBase64\0fromHex\0") == 0 &&
      check_all(ctx, prototype,
                "setFromBase64\0setFromHex\0toBase64\0toHex\0") == 0) {
    engine_from_hex = replace(ctx, array, "fromHex", from_hex);
    engine_set_from_hex = replace(ctx, prototype, "setFromHex", set_from_hex);
    status = 0;
  }
  JS_FreeValue(ctx, prototype);
  JS_FreeValue(ctx, array);
  JS_FreeValue(ctx, global);
  return status;
}
