/* SPDX-License-Identifier: MIT */
/* structured-clone.c - structuredClone(value, { transfer }), by the HTML
 * Standard (see clone.h).
 *
 * Buffers that are transferred are copied, and detached when all is cloned:
 * getters see them whole until then, and an error leaves them as they are. */
#include <string.h>

#include "clone.h"

TORPOR_EXTENSION("structured-clone", "1.0")

JSValue clone__builtins[CLONE_BUILTIN_COUNT];
JSClassID clone__classes[CLONE_BUILTIN_COUNT];
JSValue clone__errors;

bool clone__failed(JSValueConst value) {
  return JS_IsException(value);
}

bool clone__undefined(JSValueConst value) {
  return JS_IsUndefined(value);
}

bool clone__absent(JSValueConst value) {
  return JS_IsUninitialized(value);
}

bool clone__object(JSValueConst value) {
  return JS_IsObject(value);
}

JSValue clone__refuse(JSContext *ctx, const char *what) {
  return JS_ThrowDOMException(ctx, "DataCloneError", "%s cannot be cloned",
                              what);
}

JSValue clone__refuse_instead(JSContext *ctx, const char *what) {
  JS_FreeValue(ctx, JS_GetException(ctx));
  return clone__refuse(ctx, what);
}

JSValue clone__call(JSContext *ctx, int builtin, JSValueConst self, int count,
                    JSValueConst *args) {
  return JS_Call(ctx, clone__builtins[builtin], self, count, args);
}

int clone__measure(JSContext *ctx, int builtin, JSValueConst self) {
  int32_t number = -1;
  JSValue answer = clone__call(ctx, builtin, self, 0, NULL);
  if (!clone__failed(answer)) JS_ToInt32(ctx, &number, answer);
  JS_FreeValue(ctx, answer);
  return number;
}

JSValue clone__own(JSContext *ctx, JSValueConst object, JSAtom name, int how) {
  JSPropertyDescriptor found;
  int status = JS_GetOwnProperty(ctx, &found, object, name);
  if (status <= 0) return status < 0 ? JS_EXCEPTION : JS_UNINITIALIZED;
  if ((found.flags & JS_PROP_GETSET) == 0) return found.value;
  JSValue value = found.getter;
  if (how == CLONE_DATA) value = JS_UNINITIALIZED;
  if (how == CLONE_ASK && !clone__undefined(value))
    value = JS_Call(ctx, found.getter, object, 0, NULL);
  if (how != CLONE_GETTER) JS_FreeValue(ctx, found.getter);
  JS_FreeValue(ctx, found.setter);
  return value;
}

/* ---- What is transferred --------------------------------------------------*/

/* Spreading into an array is the one thing of the language that iterates as
 * Web IDL does and asks no property of a builtin for it. */
static JSValue spread;

static int spread_start(JSContext *ctx) {
  static const char code[] = "(a=>[...a])";
  spread = JS_Eval(ctx, code, sizeof code - 1, "transfer", JS_EVAL_TYPE_GLOBAL);
  return clone__failed(spread) ? -1 : 0;
}

static JSValue refuse_arguments(JSContext *ctx) {
  return JS_ThrowTypeError(ctx, "takes a value and { transfer: [buffers] }");
}

/* An array that nobody else has, or undefined. */
static JSValue read_transfer(JSContext *ctx, JSValueConst options) {
  if (clone__undefined(options) || JS_IsNull(options)) return JS_UNDEFINED;
  if (!clone__object(options)) return refuse_arguments(ctx);
  JSValue value = JS_GetPropertyStr(ctx, options, "transfer");
  if (clone__undefined(value) || clone__failed(value)) return value;
  JSValue list = clone__object(value)
                     ? JS_Call(ctx, spread, JS_UNDEFINED, 1, &value)
                     : refuse_arguments(ctx);
  JS_FreeValue(ctx, value);
  return list;
}

typedef int for_buffer(clone_walk *walk, JSValueConst source);

static int must_be_object(clone_walk *walk, JSValueConst source) {
  if (clone__object(source)) return 0;
  refuse_arguments(walk->ctx);
  return -1;
}

/* Makes a buffer of the same length. One that is detached already is an error
 * only when all is cloned. */
static int start_transfer(clone_walk *walk, JSValueConst source) {
  JSContext *ctx = walk->ctx;
  JSValue clone = clone__call(ctx, CLONE_MAP_GET, walk->memory, 1, &source);
  if (JS_GetClassID(source) != clone__classes[CLONE_BUFFER] ||
      JS_IsImmutableArrayBuffer(source) || !clone__undefined(clone)) {
    JS_FreeValue(ctx, clone);
    clone__refuse(ctx, "what is to be transferred");
    return -1;
  }
  clone = clone__buffer(ctx, source);
  if (clone__failed(clone)) {
    JS_FreeValue(ctx, JS_GetException(ctx));
    clone = JS_NewArrayBufferCopy(ctx, NULL, 0);
  }
  int status = clone__remember(walk, source, clone);
  JS_FreeValue(ctx, clone);
  return status;
}

/* Copies what getters may have changed meanwhile, and detaches. */
static int finish_transfer(clone_walk *walk, JSValueConst source) {
  JSContext *ctx = walk->ctx;
  JSValue clone = clone__call(ctx, CLONE_MAP_GET, walk->memory, 1, &source);
  size_t size, has;
  uint8_t *to = JS_GetArrayBuffer(ctx, &has, clone);
  uint8_t *from = JS_GetArrayBuffer(ctx, &size, source);
  if (from != NULL && to != NULL && has != size) {
    clone__resize(ctx, clone, size);
    to = JS_GetArrayBuffer(ctx, &has, clone);
    from = JS_GetArrayBuffer(ctx, &size, source);
  }
  int status = -1;
  if (from == NULL || to == NULL || has != size) {
    clone__refuse_instead(ctx, "detached ArrayBuffer");
  } else {
    memcpy(to, from, size);
    JS_DetachArrayBuffer(ctx, source);
    status = 0;
  }
  JS_FreeValue(ctx, clone);
  return status;
}

/* 'list' is an array that nobody else has, or undefined. */
static int each_buffer(clone_walk *walk, JSValueConst list, for_buffer *work) {
  int64_t count = 0;
  int status = 0;
  if (clone__object(list)) JS_GetLength(walk->ctx, list, &count);
  for (uint32_t i = 0; status == 0 && i < count; i++) {
    JSValue source = JS_GetPropertyUint32(walk->ctx, list, i);
    status = work(walk, source);
    JS_FreeValue(walk->ctx, source);
  }
  return status;
}

/* ---- The function ---------------------------------------------------------*/

static JSValue structured_clone(JSContext *ctx, JSValueConst self, int count,
                                JSValueConst *args) {
  clone_walk walk = {.ctx = ctx};
  JSValue clone = JS_EXCEPTION;
  if (count < 1) return refuse_arguments(ctx);
  JSValue list = read_transfer(ctx, count > 1 ? args[1] : JS_UNDEFINED);
  walk.memory = JS_CallConstructor(ctx, clone__builtins[CLONE_MAP], 0, NULL);
  if (!clone__failed(list) && each_buffer(&walk, list, must_be_object) == 0 &&
      each_buffer(&walk, list, start_transfer) == 0)
    clone = clone__value(&walk, args[0]);
  if (clone__finish(&walk) < 0 ||
      (!clone__failed(clone) &&
       each_buffer(&walk, list, finish_transfer) < 0)) {
    JS_FreeValue(ctx, clone);
    clone = JS_EXCEPTION;
  }
  JS_FreeValue(ctx, walk.memory);
  JS_FreeValue(ctx, list);
  return clone;
}

/* ---- Loading --------------------------------------------------------------*/

/* A property of 'object' or of what it inherits from. */
static JSValue find_builtin(JSContext *ctx, JSValueConst object,
                            const char *name) {
  JSAtom atom = JS_NewAtom(ctx, name);
  JSValue at = JS_DupValue(ctx, object), found = JS_UNDEFINED;
  while (clone__object(at)) {
    found = clone__own(ctx, at, atom, CLONE_GETTER);
    JSValue above = JS_GetPrototype(ctx, at);
    JS_FreeValue(ctx, at);
    at = above;
    if (!clone__absent(found)) break;
  }
  JS_FreeValue(ctx, at);
  JS_FreeAtom(ctx, atom);
  return found;
}

/* What is not there stays undefined, and is not needed then. */
static void find_builtins(JSContext *ctx, JSValueConst global) {
#define HOLDER(name, text) "\0" text "\0"
#define PROPERTY(name, text) text "\0"
  static const char builtins[] = CLONE_BUILTINS(HOLDER, PROPERTY);
#undef HOLDER
#undef PROPERTY
  JSValue prototype = JS_UNDEFINED;
  const char *name = builtins;
  for (int i = 0; i < CLONE_BUILTIN_COUNT; i++) {
    JSValue found;
    if (*name != 0) {
      found = find_builtin(ctx, prototype, name);
    } else {
      found = JS_GetPropertyStr(ctx, global, ++name);
      JS_FreeValue(ctx, prototype);
      prototype = JS_GetPropertyStr(ctx, found, "prototype");
      JSValue sample = JS_CallConstructor(ctx, found, 0, NULL);
      clone__classes[i] = JS_GetClassID(sample);
      JS_FreeValue(ctx, sample);
    }
    JS_FreeValue(ctx, JS_GetException(ctx));
    clone__builtins[i] = found;
    name += strlen(name) + 1;
  }
  JS_FreeValue(ctx, prototype);
  /* Clones of errors are made of this, so it has to be right. */
  JS_ThrowTypeError(ctx, " ");
  prototype = JS_GetException(ctx);
  clone__classes[CLONE_ERROR] = JS_GetClassID(prototype);
  JS_FreeValue(ctx, prototype);
}

static void find_errors(JSContext *ctx, JSValueConst global) {
  const char *name =
      "Error\0EvalError\0RangeError\0ReferenceError\0"
      "SyntaxError\0TypeError\0URIError\0";
  clone__errors = JS_NewObject(ctx);
  for (; *name != 0; name += strlen(name) + 1) {
    JSValue constructor = JS_GetPropertyStr(ctx, global, name);
    JSValue prototype = JS_GetPropertyStr(ctx, constructor, "prototype");
    JS_DefinePropertyValueStr(ctx, clone__errors, name, prototype, 0);
    JS_FreeValue(ctx, constructor);
  }
}

TORPOR_EXTENSION_INIT(structured_clone) {
  JSValue global = JS_GetGlobalObject(ctx);
  find_builtins(ctx, global);
  find_errors(ctx, global);
  clone__walk_start(ctx);
  int status = spread_start(ctx) |
               JS_DefinePropertyValueStr(
                   ctx, global, "structuredClone",
                   JS_NewCFunction(ctx, structured_clone, "structuredClone", 1),
                   JS_PROP_C_W_E);
  JS_FreeValue(ctx, global);
  return status < 0 ? -1 : 0;
}
