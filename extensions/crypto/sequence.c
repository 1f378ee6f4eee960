/* SPDX-License-Identifier: MIT */
/* sequence.c - a sequence of Web IDL: what an iterable gives. */
#include "crypto.h"

static JSAtom symbol_iterator;

/* Steps an iterator: 1 with a value, 0 at the end. */
static int iterator_step(JSContext *ctx, JSValueConst iterator,
                         JSValueConst next, JSValue *value) {
  JSValue step = JS_Call(ctx, next, iterator, 0, NULL);
  if (JS_IsException(step)) return -1;
  if (!JS_IsObject(step)) {
    JS_FreeValue(ctx, step);
    return fail(ctx, TYPE_ERROR, "an iterator gave what is no object");
  }
  JSValue done = JS_GetPropertyStr(ctx, step, "done");
  int is_done = JS_IsException(done) ? -1 : JS_ToBool(ctx, done);
  JS_FreeValue(ctx, done);
  if (is_done == 0) *value = JS_GetPropertyStr(ctx, step, "value");
  JS_FreeValue(ctx, step);
  if (is_done != 0) return is_done < 0 ? -1 : 0;
  return JS_IsException(*value) ? -1 : 1;
}

static int read_iterator(JSContext *ctx, JSValueConst iterator,
                         take_value *take, void *data) {
  JSValue next = JS_GetPropertyStr(ctx, iterator, "next");
  JSValue value = JS_UNDEFINED;
  int result = JS_IsException(next) ? -1 : 1;
  while (result > 0) {
    torpor_extension_poll();
    result = iterator_step(ctx, iterator, next, &value);
    if (result <= 0) break;
    if (take(ctx, value, data) < 0) result = -1;
    JS_FreeValue(ctx, value);
  }
  JS_FreeValue(ctx, next);
  return result;
}

void sequence_start(JSContext *ctx, JSValueConst global) {
  JSValue symbol = JS_GetPropertyStr(ctx, global, "Symbol");
  JSValue key = JS_GetPropertyStr(ctx, symbol, "iterator");
  symbol_iterator = JS_ValueToAtom(ctx, key);
  JS_FreeValue(ctx, key);
  JS_FreeValue(ctx, symbol);
}

static JSValue get_iterator(JSContext *ctx, JSValueConst sequence) {
  JSValue method = JS_GetProperty(ctx, sequence, symbol_iterator);
  if (JS_IsException(method)) return method;
  JSValue iterator = JS_Call(ctx, method, sequence, 0, NULL);
  JS_FreeValue(ctx, method);
  return iterator;
}

int sequence_read(JSContext *ctx, JSValueConst sequence, take_value *take,
                  void *data) {
  if (!JS_IsObject(sequence))
    return fail(ctx, TYPE_ERROR, "what is to be a sequence is no object");
  JSValue iterator = get_iterator(ctx, sequence);
  if (JS_IsException(iterator)) return -1;
  int result = read_iterator(ctx, iterator, take, data);
  JS_FreeValue(ctx, iterator);
  return result;
}
