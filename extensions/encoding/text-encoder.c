/* SPDX-License-Identifier: MIT */
/* text-encoder.c - class TextEncoder: strings to UTF-8.
 *
 * The engine gives strings as UTF-8; of an ASCII one that is the string
 * itself. Surrogates that stand alone it gives as three bytes each, and so
 * is U+FFFD, by which they are replaced. */
#include "encoding.h"

static JSClassID encoder_class;

/* The first byte of one, and of some other characters. */
#define SURROGATE 0xed

static void replace_surrogates(uint8_t *at, size_t size) {
  const uint8_t *end = at + size;
  while ((at = memchr(at, SURROGATE, (size_t)(end - at))) != NULL &&
         end - at >= 3) {
    if (at[1] >= 0xa0) memcpy(at, "\xef\xbf\xbd", 3);
    at += 3;
  }
}

/* How many units of UTF-16 so much UTF-8 is: one for each byte that begins a
 * character, and one more for each that begins four. */
static size_t count_units(const char *utf8, size_t size) {
  size_t count = 0;
  for (uint64_t word; size >= sizeof word; utf8 += sizeof word) {
    memcpy(&word, utf8, sizeof word);
    uint64_t high = word >> 7 & 0x0101010101010101u;
    uint64_t begins_four = high & word >> 6 & word >> 5 & word >> 4;
    count += sizeof word - (size_t)__builtin_popcountll(high & ~(word >> 6)) +
             (size_t)__builtin_popcountll(begins_four);
    size -= sizeof word;
  }
  for (; size > 0; utf8++, size--)
    count += ((*utf8 & 0xc0) != 0x80) + ((*utf8 & 0xf0) == 0xf0);
  return count;
}

static JSValue construct(JSContext *ctx, JSValueConst new_target, int count,
                         JSValueConst *args) {
  (void)count, (void)args;
  JSValue object = encoding_new_object(ctx, new_target, encoder_class);
  if (!JS_IsException(object)) JS_SetOpaque(object, &encoding_registry);
  return object;
}

/* False when it has thrown. */
static bool is_encoder(JSContext *ctx, JSValueConst self) {
  return JS_GetOpaque2(ctx, self, encoder_class) != NULL;
}

static JSValue encode(JSContext *ctx, JSValueConst self, int count,
                      JSValueConst *args) {
  if (!is_encoder(ctx, self)) return JS_EXCEPTION;
  bool is_given = count > 0 && !JS_IsUndefined(args[0]);
  size_t size = 0;
  const char *text = is_given ? JS_ToCStringLen(ctx, &size, args[0]) : "";
  if (text == NULL) return JS_EXCEPTION;
  JSValue array = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, size);
  if (memchr(text, SURROGATE, size) != NULL && !JS_IsException(array))
    replace_surrogates(JS_GetUint8Array(ctx, &size, array), size);
  if (is_given) JS_FreeCString(ctx, text);
  return array;
}

/* Writes whole characters; gives how many bytes they are. */
static size_t write_some(const char *text, size_t size, uint8_t *out,
                         size_t room) {
  if (size > room)
    for (size = room; size > 0 && (text[size] & 0xc0) == 0x80;) size--;
  memcpy(out, text, size);
  replace_surrogates(out, size);
  return size;
}

static int add(JSContext *ctx, JSValueConst object, const char *name,
               size_t number) {
  return JS_DefinePropertyValueStr(
      ctx, object, name, JS_NewNumber(ctx, (double)number), JS_PROP_C_W_E);
}

static JSValue encode_into(JSContext *ctx, JSValueConst self, int count,
                           JSValueConst *args) {
  if (!is_encoder(ctx, self)) return JS_EXCEPTION;
  size_t size, room, written = 0, read = 0;
  const char *text = JS_ToCStringLen(ctx, &size, args[0]);
  if (text == NULL) return JS_EXCEPTION;
  JSValue result = JS_EXCEPTION;
  if (count < 2 || JS_GetTypedArrayType(args[1]) != JS_TYPED_ARRAY_UINT8) {
    JS_ThrowTypeError(ctx, "encodeInto writes to a Uint8Array");
  } else {
    uint8_t *out = JS_GetUint8Array(ctx, &room, args[1]);
    if (out != NULL) {
      written = write_some(text, size, out, room);
      read = count_units(text, written);
    } else {
      encoding_drop_error(ctx); /* it is detached: nothing fits */
    }
    result = JS_NewObject(ctx);
  }
  JS_FreeCString(ctx, text);
  if (!JS_IsException(result) && (add(ctx, result, "read", read) < 0 ||
                                  add(ctx, result, "written", written) < 0)) {
    JS_FreeValue(ctx, result);
    return JS_EXCEPTION;
  }
  return result;
}

static JSValue get_encoding(JSContext *ctx, JSValueConst self, int magic) {
  (void)magic;
  return is_encoder(ctx, self) ? JS_NewString(ctx, "utf-8") : JS_EXCEPTION;
}

static const JSClassDef class = {"TextEncoder"};

static const JSCFunctionListEntry members[] = {
    ENCODING_ATTRIBUTE("encoding", get_encoding, 0),
    ENCODING_METHOD("encode", 0, encode),
    ENCODING_METHOD("encodeInto", 2, encode_into),
    ENCODING_TAG("TextEncoder"),
};

int encoding_define_encoder(JSContext *ctx, JSRuntime *rt) {
  return encoding_define_class(ctx, rt, &encoder_class, &class, construct,
                               members, sizeof members / sizeof *members);
}
