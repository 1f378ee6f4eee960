/* SPDX-License-Identifier: MIT */
/* rogue.c - an extension for tests whose functions trap, recurse, loop and
 * leak, with init functions that fail in each way. */
#include <torpor-extension.h>

#include <stdlib.h>
#include <string.h>

TORPOR_EXTENSION("rogue", "0.1-test")

#define FUNCTION(name)                                                         \
  static JSValue name(JSContext *ctx, JSValueConst self, int argc,             \
                      JSValueConst *argv)
#define UNUSED ((void)ctx, (void)self, (void)argc, (void)argv)

static volatile int zero;

FUNCTION(trap) {
  UNUSED;
  __builtin_trap();
}

FUNCTION(stop) {
  UNUSED;
  abort();
}

/* Reads where no memory is. */
FUNCTION(stray) {
  UNUSED;
  return JS_NewInt32(ctx, *(volatile int *)(0xfffffff0 + (size_t)zero));
}

/* Calls what lies in the table at an index, as a function without a result. */
FUNCTION(jump) {
  uint32_t index = 0;
  UNUSED;
  if (JS_ToUint32(ctx, &index, argv[0]) == 0) ((void (*)(void))index)();
  return JS_UNDEFINED;
}

static int deeper(int depth) {
  volatile char frame[256];
  frame[zero] = (char)depth;
  return zero ? depth : deeper(depth + 1) + frame[zero];
}

FUNCTION(recurse) {
  UNUSED;
  return JS_NewInt32(ctx, deeper(0));
}

/* The same in the host's stack alone. */
static int deeper_by_calls(int depth) {
  return zero ? depth : deeper_by_calls(depth + 1) * 3 + 1;
}

FUNCTION(recurse_bare) {
  UNUSED;
  return JS_NewInt32(ctx, deeper_by_calls(0));
}

FUNCTION(call) {
  UNUSED;
  return JS_Call(ctx, argv[0], JS_UNDEFINED, 0, NULL);
}

FUNCTION(loop) {
  UNUSED;
  while (!zero) torpor_extension_poll();
  return JS_UNDEFINED;
}

static char *volatile leaked;

/* Takes that many bytes and forgets them. */
FUNCTION(leak) {
  uint32_t size = 0;
  UNUSED;
  if (JS_ToUint32(ctx, &size, argv[0]) < 0) return JS_EXCEPTION;
  leaked = malloc(size);
  if (!leaked) return JS_ThrowOutOfMemory(ctx);
  memset(leaked, 0x55, size);
  return JS_TRUE;
}

/* Objects that nobody frees. */
FUNCTION(leak_objects) {
  UNUSED;
  for (int i = 0; i < 100; i++) JS_NewObject(ctx);
  return JS_UNDEFINED;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("trap", 0, trap),
    JS_CFUNC_DEF("stop", 0, stop),
    JS_CFUNC_DEF("stray", 0, stray),
    JS_CFUNC_DEF("jump", 1, jump),
    JS_CFUNC_DEF("recurse", 0, recurse),
    JS_CFUNC_DEF("recurseBare", 0, recurse_bare),
    JS_CFUNC_DEF("call", 1, call),
    JS_CFUNC_DEF("loop", 0, loop),
    JS_CFUNC_DEF("leak", 1, leak),
    JS_CFUNC_DEF("leakObjects", 0, leak_objects),
};

TORPOR_EXTENSION_INIT(rogue) {
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue rogue = JS_NewObject(ctx);
  int count = sizeof(functions) / sizeof(*functions);
  (void)rt;
  JS_SetPropertyFunctionList(ctx, rogue, functions, count);
  JS_SetPropertyStr(ctx, global, "rogue", rogue);
  JS_FreeValue(ctx, global);
  return 0;
}

/* ---- Those that fail ------------------------------------------------------*/

#define INIT(name)                                                             \
  __attribute__((visibility("default"))) int name(JSContext *ctx, JSRuntime *rt)

INIT(throwing) {
  qjs_ext_rogue_init(ctx, rt);
  JS_ThrowRangeError(ctx, "not today");
  return -1;
}

INIT(failing) {
  (void)ctx;
  (void)rt;
  return 7;
}

INIT(trapping) {
  (void)ctx;
  (void)rt;
  __builtin_trap();
}

INIT(looping) {
  (void)ctx;
  (void)rt;
  while (!zero) torpor_extension_poll();
  return 0;
}

__attribute__((visibility("default"))) void mistyped(void) {
}
