/* SPDX-License-Identifier: MIT */
/* crypto.c - the global 'crypto': random values, and the way to the rest. */
#include "crypto.h"

TORPOR_EXTENSION("crypto", "1.0")

enum { QUOTA = 65536 };

static JSClassID crypto_class;
static JSValue subtle;

static const JSClassDef crypto_definition = {"Crypto"};

static bool check_self(JSContext *ctx, JSValueConst self) {
  if (JS_GetClassID(self) == crypto_class) return true;
  JS_ThrowTypeError(ctx, "not a Crypto");
  return false;
}

static bool is_integers(JSValueConst array) {
  int type = JS_GetTypedArrayType(array);
  return type >= 0 && type != JS_TYPED_ARRAY_FLOAT16 &&
         type != JS_TYPED_ARRAY_FLOAT32 && type != JS_TYPED_ARRAY_FLOAT64;
}

static JSValue get_random_values(JSContext *ctx, JSValueConst self, int count,
                                 JSValueConst *args) {
  source opened;
  if (!check_self(ctx, self)) return JS_EXCEPTION;
  if (count < 1 || !bytes_are(ctx, args[0], "array"))
    return count < 1 ? JS_ThrowTypeError(ctx, "an array is needed")
                     : JS_EXCEPTION;
  if (!is_integers(args[0]))
    return JS_ThrowDOMException(ctx, "TypeMismatchError",
                                "the array is not one of integers");
  if (source_open(ctx, args[0], &opened) < 0) return JS_EXCEPTION;
  bytes data = source_bytes(ctx, &opened);
  source_close(ctx, &opened); /* the array holds its buffer */
  if (data.size > QUOTA)
    return JS_ThrowDOMException(ctx, "QuotaExceededError",
                                "more than 65536 bytes at once");
  if (library_check(ctx, random_fill(NULL, data.data, data.size),
                    "the engine has no random bytes") < 0)
    return JS_EXCEPTION;
  return JS_DupValue(ctx, args[0]);
}

/* Version 4 of RFC 9562. */
static JSValue random_uuid(JSContext *ctx, JSValueConst self, int count,
                           JSValueConst *args) {
  static const char digits[] = "0123456789abcdef";
  uint8_t id[16];
  char text[36];
  if (!check_self(ctx, self)) return JS_EXCEPTION;
  if (library_check(ctx, random_fill(NULL, id, sizeof id),
                    "the engine has no random bytes") < 0)
    return JS_EXCEPTION;
  id[6] = (id[6] & 0x0F) | 0x40;
  id[8] = (id[8] & 0x3F) | 0x80;
  for (int i = 0, at = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    text[at++] = digits[id[i] >> 4];
    text[at++] = digits[id[i] & 15];
  }
  return JS_NewStringLen(ctx, text, sizeof text);
}

static JSValue get_subtle(JSContext *ctx, JSValueConst self) {
  return check_self(ctx, self) ? JS_DupValue(ctx, subtle) : JS_EXCEPTION;
}

#define METHOD(name, needed, call)                                             \
  {                                                                            \
    name, JS_PROP_C_W_E, JS_DEF_CFUNC, 0, {                                    \
      .func = { needed, JS_CFUNC_generic, {.generic = call} }                  \
    }                                                                          \
  }
static const JSCFunctionListEntry crypto_members[] = {
    METHOD("getRandomValues", 1, get_random_values),
    METHOD("randomUUID", 0, random_uuid),
    JS_CGETSET_DEF2("subtle", get_subtle, NULL,
                    JS_PROP_CONFIGURABLE | JS_PROP_ENUMERABLE),
};

/* --- classes ------------------------------------------------------------- */

static JSValue refuse(JSContext *ctx, JSValueConst target, int count,
                      JSValueConst *args) {
  return JS_ThrowTypeError(ctx, "Illegal constructor");
}

static int put_tag(JSContext *ctx, JSValueConst proto, JSValueConst global,
                   const char *name) {
  JSValue symbol = JS_GetPropertyStr(ctx, global, "Symbol");
  JSValue tag = JS_GetPropertyStr(ctx, symbol, "toStringTag");
  JSAtom atom = JS_ValueToAtom(ctx, tag);
  int result = JS_DefinePropertyValue(ctx, proto, atom, JS_NewString(ctx, name),
                                      JS_PROP_CONFIGURABLE);
  JS_FreeAtom(ctx, atom);
  JS_FreeValue(ctx, tag);
  JS_FreeValue(ctx, symbol);
  return result;
}

int class_start(JSContext *ctx, JSClassID id, const char *name,
                JSValueConst global, const JSCFunctionListEntry *members,
                int count) {
  JSValue proto = JS_NewObject(ctx);
  JSValue maker =
      JS_NewCFunction2(ctx, refuse, name, 0, JS_CFUNC_constructor_or_func, 0);
  if (JS_IsException(proto) || JS_IsException(maker) ||
      JS_SetPropertyFunctionList(ctx, proto, members, count) < 0 ||
      put_tag(ctx, proto, global, name) < 0) {
    JS_FreeValue(ctx, proto);
    JS_FreeValue(ctx, maker);
    return -1;
  }
  JS_SetConstructor(ctx, maker, proto);
  JS_SetClassProto(ctx, id, proto);
  return JS_DefinePropertyValueStr(ctx, global, name, maker,
                                   JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

static JSValue make_crypto(JSContext *ctx, JSRuntime *rt, JSValueConst global) {
  enum { COUNT = sizeof crypto_members / sizeof *crypto_members };
  JS_NewClassID(rt, &crypto_class);
  if (JS_NewClass(rt, crypto_class, &crypto_definition) < 0 ||
      class_start(ctx, crypto_class, "Crypto", global, crypto_members, COUNT) <
          0)
    return JS_EXCEPTION;
  return JS_NewObjectClass(ctx, (int)crypto_class);
}

static int start(JSContext *ctx, JSRuntime *rt, JSValueConst global) {
  sequence_start(ctx, global);
  if (bytes_start(ctx, global) < 0 || key_start(ctx, rt, global) < 0) return -1;
  subtle = subtle_start(ctx, rt, global);
  if (JS_IsException(subtle)) return -1;
  JSValue crypto = make_crypto(ctx, rt, global);
  if (JS_IsException(crypto)) return -1;
  return JS_DefinePropertyValueStr(ctx, global, "crypto", crypto,
                                   JS_PROP_C_W_E) < 0
             ? -1
             : 0;
}

TORPOR_EXTENSION_INIT(crypto) {
  JSValue global = JS_GetGlobalObject(ctx);
  int result = start(ctx, rt, global);
  JS_FreeValue(ctx, global);
  return result;
}
