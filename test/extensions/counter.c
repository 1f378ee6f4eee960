/* SPDX-License-Identifier: MIT */
/* counter.c - an extension for tests: a class with a finalizer, a callback into
 * JavaScript, static data with pointers, and state of its own. */
#include <torpor-extension.h>

TORPOR_EXTENSION("counter", "1.0")

typedef struct counter {
  int count;
  JSValue callback;
} counter;

static JSClassID counter_class;
static const char *const names[] = {"zero", "one", "two"};
static int finalized;

static void finalize(JSRuntime *rt, JSValueConst value) {
  counter *self = JS_GetOpaque(value, counter_class);
  if (!self) return;
  JS_FreeValueRT(rt, self->callback);
  js_free_rt(rt, self);
  finalized++;
}

static void mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark_func) {
  counter *self = JS_GetOpaque(value, counter_class);
  if (self) JS_MarkValue(rt, self->callback, mark_func);
}

static JSClassDef definition = {"Counter", .finalizer = finalize,
                                .gc_mark = mark};

static JSValue make(JSContext *ctx, JSValueConst target, int argc,
                    JSValueConst *argv) {
  JSValue prototype = JS_GetPropertyStr(ctx, target, "prototype");
  JSValue made;
  counter *self;
  if (JS_IsException(prototype)) return JS_EXCEPTION;
  made = JS_NewObjectProtoClass(ctx, prototype, counter_class);
  JS_FreeValue(ctx, prototype);
  if (JS_IsException(made)) return JS_EXCEPTION;
  self = js_mallocz(ctx, sizeof(*self));
  if (!self) {
    JS_FreeValue(ctx, made);
    return JS_EXCEPTION;
  }
  self->callback = JS_DupValue(ctx, argc > 0 ? argv[0] : JS_UNDEFINED);
  JS_SetOpaque(made, self);
  return made;
}

/* Gives its count as a word, as a number, or what the callback makes of it. */
static JSValue increment(JSContext *ctx, JSValueConst value, int argc,
                         JSValueConst *argv) {
  counter *self = JS_GetOpaque2(ctx, value, counter_class);
  JSValue count;
  (void)argc;
  (void)argv;
  if (!self) return JS_EXCEPTION;
  self->count++;
  count = JS_NewInt32(ctx, self->count);
  if (JS_IsFunction(ctx, self->callback))
    return JS_Call(ctx, self->callback, JS_UNDEFINED, 1,
                   (JSValueConst *)&count);
  return self->count < 3 ? JS_NewString(ctx, names[self->count]) : count;
}

static JSValue get_finalized(JSContext *ctx, JSValueConst self) {
  (void)self;
  return JS_NewInt32(ctx, finalized);
}

static const JSCFunctionListEntry methods[] = {
    JS_CFUNC_DEF("increment", 0, increment),
    JS_CGETSET_DEF("finalized", get_finalized, NULL),
};

TORPOR_EXTENSION_INIT(counter) {
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue prototype = JS_NewObject(ctx);
  JSValue constructor =
      JS_NewCFunction2(ctx, make, "Counter", 1, JS_CFUNC_constructor, 0);
  int done = -1;
  JS_NewClassID(rt, &counter_class);
  if (JS_NewClass(rt, counter_class, &definition) == 0 &&
      JS_SetPropertyFunctionList(ctx, prototype, methods, 2) == 0 &&
      JS_SetConstructor(ctx, constructor, prototype) == 0)
    done = JS_SetPropertyStr(ctx, global, "Counter", constructor);
  JS_SetClassProto(ctx, counter_class, prototype);
  JS_FreeValue(ctx, global);
  return done < 0 ? -1 : 0;
}
