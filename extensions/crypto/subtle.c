/* SPDX-License-Identifier: MIT */
/* subtle.c - SubtleCrypto: reads arguments, calls, and makes a promise of it.
 *
 * The work is done before the promise is returned, which is settled then: a VM
 * has one thread. All errors are rejections. */
#include "crypto.h"

static JSClassID subtle_class;

static const JSClassDef subtle_definition = {"SubtleCrypto"};

static const struct {
  subtle_method *run;
  uint8_t needed; /* arguments */
} methods[] = {
    {subtle_decrypt, 3},      {subtle_derive_bits, 2}, {subtle_derive_key, 5},
    {subtle_digest, 2},       {subtle_encrypt, 3},     {subtle_export_key, 2},
    {subtle_generate_key, 3}, {subtle_import_key, 5},  {subtle_sign, 3},
    {subtle_unwrap_key, 7},   {subtle_verify, 4},      {subtle_wrap_key, 4},
};

enum { ARGUMENTS_MOST = 7 };

static JSValue run_method(JSContext *ctx, JSValueConst self, int count,
                          JSValueConst *args, int which) {
  JSValueConst filled[ARGUMENTS_MOST];
  if (JS_GetClassID(self) != subtle_class)
    return JS_ThrowTypeError(ctx, "not a SubtleCrypto");
  if (count < methods[which].needed)
    return JS_ThrowTypeError(ctx, "%d arguments are needed, there are %d",
                             methods[which].needed, count);
  for (int i = 0; i < ARGUMENTS_MOST; i++)
    filled[i] = i < count ? args[i] : JS_UNDEFINED;
  return methods[which].run(ctx, filled);
}

static JSValue call_method(JSContext *ctx, JSValueConst self, int count,
                           JSValueConst *args, int which) {
  JSValue value = run_method(ctx, self, count, args, which);
  bool is_thrown = JS_IsException(value);
  if (is_thrown) {
    value = JS_GetException(ctx);
    if (JS_IsUncatchableError(value)) return JS_Throw(ctx, value);
  }
  JSValue promise = JS_NewSettledPromise(ctx, is_thrown, value);
  JS_FreeValue(ctx, value);
  return promise;
}

#define METHOD(name, needed, which)                                            \
  {                                                                            \
    name, JS_PROP_C_W_E, JS_DEF_CFUNC, which, {                                \
      .func = {                                                                \
        needed,                                                                \
        JS_CFUNC_generic_magic,                                                \
        {.generic_magic = call_method}                                         \
      }                                                                        \
    }                                                                          \
  }
static const JSCFunctionListEntry subtle_members[] = {
    METHOD("decrypt", 3, 0),     METHOD("deriveBits", 2, 1),
    METHOD("deriveKey", 5, 2),   METHOD("digest", 2, 3),
    METHOD("encrypt", 3, 4),     METHOD("exportKey", 2, 5),
    METHOD("generateKey", 3, 6), METHOD("importKey", 5, 7),
    METHOD("sign", 3, 8),        METHOD("unwrapKey", 7, 9),
    METHOD("verify", 4, 10),     METHOD("wrapKey", 4, 11),
};

JSValue subtle_start(JSContext *ctx, JSRuntime *rt, JSValueConst global) {
  enum { COUNT = sizeof subtle_members / sizeof *subtle_members };
  JS_NewClassID(rt, &subtle_class);
  if (JS_NewClass(rt, subtle_class, &subtle_definition) < 0 ||
      class_start(ctx, subtle_class, "SubtleCrypto", global, subtle_members,
                  COUNT) < 0)
    return JS_EXCEPTION;
  return JS_NewObjectClass(ctx, (int)subtle_class);
}
