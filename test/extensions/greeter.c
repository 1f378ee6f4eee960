/* SPDX-License-Identifier: MIT */
/* greeter.c - an extension for tests that says nothing of itself and knows the
 * engine's own header alone. It has a constructor, functions and a function of
 * the engine by address, memory of its own, and data that is aligned. */
#include "quickjs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef JSValue greet_fn(JSContext *ctx, const char *name);

static JSValue greet_short(JSContext *ctx, const char *name) {
  return JS_NewString(ctx, name);
}

static JSValue greet_long(JSContext *ctx, const char *name) {
  char text[64];
  snprintf(text, sizeof(text), "hello, %s", name);
  return JS_NewString(ctx, text);
}

static greet_fn *const greetings[] = {greet_short, greet_long};
static void *(*volatile const allocate)(size_t) = malloc;
static volatile _Alignas(64) char zeros[100];
static char *last;
static int constructed;

__attribute__((constructor)) static void construct(void) {
  constructed = 40 + (zeros[99] == 0) + ((size_t)zeros % 64 == 0);
}

/* greet(which, name) */
static JSValue greet(JSContext *ctx, JSValueConst self, int argc,
                     JSValueConst *argv, int magic) {
  uint32_t which;
  const char *name;
  (void)self;
  (void)magic;
  if (argc < 2 || JS_ToUint32(ctx, &which, argv[0]) < 0 || which > 1)
    return JS_ThrowRangeError(ctx, "there are two greetings");
  name = JS_ToCString(ctx, argv[1]);
  if (!name) return JS_EXCEPTION;
  free(last);
  last = allocate(strlen(name) + 1);
  if (last) memcpy(last, name, strlen(name) + 1);
  JS_FreeCString(ctx, name);
  return last ? greetings[which](ctx, last) : JS_ThrowOutOfMemory(ctx);
}

static JSValue get_last(JSContext *ctx, JSValueConst self, int argc,
                        JSValueConst *argv) {
  (void)self;
  (void)argc;
  (void)argv;
  return last ? JS_NewString(ctx, last) : JS_NewInt32(ctx, constructed);
}

__attribute__((visibility("default"))) int qjs_ext_greeter_init(JSContext *ctx,
                                                                JSRuntime *rt) {
  JSValue global = JS_GetGlobalObject(ctx);
  (void)rt;
  JS_SetPropertyStr(
      ctx, global, "greet",
      JS_NewCFunctionMagic(ctx, greet, "greet", 2, JS_CFUNC_generic_magic, 0));
  JS_SetPropertyStr(ctx, global, "lastGreeted",
                    JS_NewCFunction(ctx, get_last, "lastGreeted", 0));
  JS_FreeValue(ctx, global);
  return 0;
}
