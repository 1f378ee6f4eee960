/* SPDX-License-Identifier: MIT */
/* structured-clone.c - structuredClone(value, { transfer }), by the HTML
 * Standard (see clone.h).
 *
 * Buffers that are transferred are copied, and detached when all is cloned:
 * getters see them whole until then, and an error leaves them as they are. */
#include "clone.h"

#include "kernel.h"

TORPOR_EXTENSION("structured-clone", "1.1")

static const char function_name[] = "structuredClone";

static JSValue kernel[CLONE_PARTS]; /* from the first call on */
static clone_walk *walking;         /* the innermost one */

bool clone__failed(JSValueConst value) {
  return JS_IsException(value);
}

bool clone__undefined(JSValueConst value) {
  return JS_IsUndefined(value);
}

bool clone__object(JSValueConst value) {
  return JS_IsObject(value);
}

JSValue clone__call(JSContext *ctx, int what, JSValueConst self, int count,
                    JSValueConst *args) {
  return JS_Call(ctx, kernel[what], self, count, args);
}

JSValue clone__ask(JSContext *ctx, int what, int count, JSValueConst *args) {
  JSValue answer = clone__call(ctx, what, JS_UNDEFINED, count, args);
  if (!JS_IsString(answer)) return answer;
  const char *text = JS_ToCString(ctx, answer);
  JS_ThrowDOMException(ctx, "DataCloneError", "%s cannot be cloned", text);
  JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, answer);
  return JS_EXCEPTION;
}

static int start_kernel(JSContext *ctx);

/* ---- The function ---------------------------------------------------------*/

static JSValue structured_clone(JSContext *ctx, int count, JSValueConst *args) {
  clone_walk walk = {.ctx = ctx, .outer = walking};
  /* No object, so that the kernel refuses it. */
  JSValueConst nothing = JS_FALSE;
  if (!clone__object(kernel[CLONE_MAKE]) && start_kernel(ctx) < 0)
    return JS_EXCEPTION;
  walk.state = clone__ask(ctx, CLONE_BEGIN, count > 1 || count == 0,
                          count > 1 ? args + 1 : &nothing);
  if (clone__failed(walk.state)) return walk.state;
  walk.memory = JS_GetPropertyUint32(ctx, walk.state, 0);
  walking = &walk;
  JSValue clone = clone__value(&walk, args[0]), end = clone;
  if (clone__finish(&walk) < 0 || clone__failed(clone))
    end = JS_EXCEPTION;
  else
    end = clone__ask(ctx, CLONE_FINISH, 1, &walk.state);
  walking = walk.outer;
  if (clone__failed(end)) {
    JS_FreeValue(ctx, clone);
    clone = end;
  }
  JS_FreeValue(ctx, walk.memory);
  JS_FreeValue(ctx, walk.state);
  return clone;
}

/* ---- The kernel -----------------------------------------------------------*/

/* The kernel gets all but the last, which is structuredClone itself. */
enum { CLONE, REWRITE, ARRAY, NATIVES, FUNCTION = NATIVES };

/* The engine's writer and reader know boxed values, dates and regular
 * expressions without their properties. */
static JSValue rewrite(JSContext *ctx, JSValueConst value) {
  size_t size;
  uint8_t *bytes = JS_WriteObject(ctx, &size, value, 0);
  if (bytes == NULL) return JS_EXCEPTION;
  JSValue clone = JS_ReadObject(ctx, bytes, size, 0);
  js_free(ctx, bytes);
  return clone;
}

/* A program may get hold of it, as a function on a stack: it must not do harm,
 * whoever calls it. */
static JSValue serve(JSContext *ctx, JSValueConst self, int count,
                     JSValueConst *args, int what) {
  switch (what) {
  case CLONE:
    if (walking == NULL) return JS_UNDEFINED;
    return clone__value(walking, args[0]);
  case REWRITE:
    return rewrite(ctx, args[0]);
  case FUNCTION:
    return structured_clone(ctx, count, args);
  default:
    return JS_NewTypedArray(ctx, count - 1, args + 1,
                            JS_GetTypedArrayType(args[0]));
  }
}

static JSValue make_native(JSContext *ctx, int what) {
  return JS_NewCFunctionMagic(ctx, serve, function_name, 1,
                              JS_CFUNC_generic_magic, what);
}

/* Compiles the kernel and asks for its parts: at the first call, since few that
 * load the extension need it at once, and it takes 24 KB. */
static int start_kernel(JSContext *ctx) {
  JSValue natives[NATIVES];
  for (int i = 0; i < NATIVES; i++) natives[i] = make_native(ctx, i);
  JSValue start = JS_Eval(ctx, kernel_text, sizeof kernel_text - 1,
                          function_name, JS_EVAL_TYPE_GLOBAL);
  /* A failure is passed on as it is: it may be that code was stopped. */
  JSValue parts = clone__failed(start)
                      ? JS_EXCEPTION
                      : JS_Call(ctx, start, JS_UNDEFINED, NATIVES, natives);
  JS_FreeValue(ctx, start);
  for (int i = 0; i < NATIVES; i++) JS_FreeValue(ctx, natives[i]);
  if (clone__failed(parts)) return -1;
  for (uint32_t i = 0; i < CLONE_PARTS; i++)
    kernel[i] = JS_GetPropertyUint32(ctx, parts, i);
  JS_FreeValue(ctx, parts);
  return 0;
}

TORPOR_EXTENSION_INIT(structured_clone) {
  JSValue global = JS_GetGlobalObject(ctx);
  int status = JS_DefinePropertyValueStr(
      ctx, global, function_name, make_native(ctx, FUNCTION), JS_PROP_C_W_E);
  JS_FreeValue(ctx, global);
  return status < 0 ? -1 : 0;
}
