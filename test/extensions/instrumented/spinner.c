/* SPDX-License-Identifier: MIT */
/* spinner.c - an extension for tests whose loops and recursion poll. */
#include <torpor-extension.h>

TORPOR_EXTENSION("spinner", "1.0")

static volatile uint32_t turns;

/* spin(count): that many turns; without end when it is 0. */
static JSValue spin(JSContext *ctx, JSValueConst self, int argc,
                    JSValueConst *argv) {
  uint32_t count = 0;
  (void)self;
  (void)argc;
  if (JS_ToUint32(ctx, &count, argv[0]) < 0) return JS_EXCEPTION;
  for (turns = 0; count == 0 || turns < count; turns++) {
  }
  return JS_NewUint32(ctx, turns);
}

static uint32_t fibonacci(uint32_t n) {
  turns++;
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/* recurse(n) */
static JSValue recurse(JSContext *ctx, JSValueConst self, int argc,
                       JSValueConst *argv) {
  uint32_t n = 0;
  (void)self;
  (void)argc;
  if (JS_ToUint32(ctx, &n, argv[0]) < 0) return JS_EXCEPTION;
  return JS_NewUint32(ctx, fibonacci(n));
}

TORPOR_EXTENSION_INIT(spinner) {
  JSValue global = JS_GetGlobalObject(ctx);
  (void)rt;
  JS_SetPropertyStr(ctx, global, "spin", JS_NewCFunction(ctx, spin, "spin", 1));
  JS_SetPropertyStr(ctx, global, "recurse",
                    JS_NewCFunction(ctx, recurse, "recurse", 1));
  JS_FreeValue(ctx, global);
  return 0;
}
