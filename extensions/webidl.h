/* SPDX-License-Identifier: MIT */
/* webidl.h - what extensions share of Web IDL: the sequences that constructors
 * and methods of web interfaces take.
 *
 *   webidl_start(ctx)     once, when the extension is loaded
 *   webidl_method(...)    asks whether a value is a sequence
 *   webidl_each(...)      gives its elements
 *
 * As Web IDL has it, an iterator is not closed when an element is refused. */
#ifndef TORPOR_EXTENSIONS_WEBIDL_H
#define TORPOR_EXTENSIONS_WEBIDL_H

#include "torpor-extension.h"

static JSAtom webidl_iterator; /* Symbol.iterator */

static int webidl_start(JSContext *ctx) {
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue symbol = JS_GetPropertyStr(ctx, global, "Symbol");
  JSValue iterator = JS_GetPropertyStr(ctx, symbol, "iterator");
  webidl_iterator = JS_ValueToAtom(ctx, iterator);
  JS_FreeValue(ctx, iterator);
  JS_FreeValue(ctx, symbol);
  JS_FreeValue(ctx, global);
  return webidl_iterator == JS_ATOM_NULL ? -1 : 0;
}

/* The method that gives an iterator of 'value'; undefined: no sequence. */
static JSValue webidl_method(JSContext *ctx, JSValueConst value) {
  JSValue method = JS_GetProperty(ctx, value, webidl_iterator);
  if (JS_IsNull(method)) return JS_UNDEFINED;
  if (JS_IsUndefined(method) || JS_IsException(method) ||
      JS_IsFunction(ctx, method))
    return method;
  JS_FreeValue(ctx, method);
  return JS_ThrowTypeError(ctx, "Symbol.iterator is not a function");
}

static JSValue webidl_object(JSContext *ctx, JSValue value) {
  if (JS_IsException(value) || JS_IsObject(value)) return value;
  JS_FreeValue(ctx, value);
  return JS_ThrowTypeError(ctx, "an iterator is not an object");
}

/* The next element; JS_UNINITIALIZED at the end. */
static JSValue webidl_next(JSContext *ctx, JSValueConst iterator,
                           JSValueConst next) {
  JSValue step = webidl_object(ctx, JS_Call(ctx, next, iterator, 0, NULL));
  if (JS_IsException(step)) return step;
  JSValue value = JS_GetPropertyStr(ctx, step, "done");
  if (!JS_IsException(value)) {
    bool done = JS_ToBool(ctx, value);
    JS_FreeValue(ctx, value);
    value = done ? JS_UNINITIALIZED : JS_GetPropertyStr(ctx, step, "value");
  }
  JS_FreeValue(ctx, step);
  return value;
}

/* Is given an element; not 0: it threw, which ends it. */
typedef int webidl_take(JSContext *ctx, JSValueConst element, void *data);

/* Gives each element of 'value' to 'take'. Frees 'method', which came from
 * webidl_method. */
static int webidl_each(JSContext *ctx, JSValueConst value, JSValue method,
                       webidl_take *take, void *data) {
  JSValue iterator = webidl_object(ctx, JS_Call(ctx, method, value, 0, NULL));
  JS_FreeValue(ctx, method);
  if (JS_IsException(iterator)) return -1;
  JSValue next = JS_GetPropertyStr(ctx, iterator, "next");
  int status = JS_IsException(next) ? -1 : 0;
  while (status == 0) {
    JSValue element = webidl_next(ctx, iterator, next);
    if (JS_IsUninitialized(element)) break;
    status = JS_IsException(element) ? -1 : take(ctx, element, data);
    JS_FreeValue(ctx, element);
  }
  JS_FreeValue(ctx, next);
  JS_FreeValue(ctx, iterator);
  return status;
}

#endif
