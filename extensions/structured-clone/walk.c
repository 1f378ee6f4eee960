/* SPDX-License-Identifier: MIT */
/* walk.c - plain objects and arrays, and the stack of objects that are being
 * filled (see clone.h). */
#include "clone.h"

/* ---- Properties -----------------------------------------------------------*/

static JSValue make_object(JSContext *ctx, JSValueConst source, bool is_array,
                           clone_frame *frame) {
  if (JS_GetOwnPropertyNames(ctx, &frame->names, &frame->count, source,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return JS_EXCEPTION;
  if (!is_array) return JS_NewObject(ctx);
  JSValue clone = JS_NewArray(ctx);
  if (clone__failed(clone)) return clone;
  int64_t length = 0;
  JS_GetLength(ctx, source, &length);
  JS_SetLength(ctx, clone, length);
  return clone;
}

/* An own property: the value, or of an accessor what asking gives.
 * JS_UNINITIALIZED: there is none. */
static JSValue read_own(JSContext *ctx, JSValueConst object, JSAtom name) {
  JSPropertyDescriptor found;
  int status = JS_GetOwnProperty(ctx, &found, object, name);
  if (status <= 0) return status < 0 ? JS_EXCEPTION : JS_UNINITIALIZED;
  if ((found.flags & JS_PROP_GETSET) == 0) return found.value;
  JSValue value = JS_UNDEFINED;
  if (!clone__undefined(found.getter))
    value = JS_Call(ctx, found.getter, object, 0, NULL);
  JS_FreeValue(ctx, found.getter);
  JS_FreeValue(ctx, found.setter);
  return value;
}

/* A property that a getter has taken away is left out. */
static int put_property(clone_walk *walk, clone_frame *frame) {
  JSContext *ctx = walk->ctx;
  JSAtom name = frame->names[frame->next++].atom;
  JSValue value = read_own(ctx, frame->source, name);
  if (JS_IsUninitialized(value)) return 0;
  JSValue clone = clone__value(walk, value);
  JS_FreeValue(ctx, value);
  if (clone__failed(clone)) return -1;
  return JS_DefinePropertyValue(ctx, frame->clone, name, clone, JS_PROP_C_W_E);
}

/* ---- The walk -------------------------------------------------------------*/

static JSValue make_other(clone_walk *walk, JSValueConst source) {
  JSContext *ctx = walk->ctx;
  JSAtom name = JS_GetClassName(JS_GetRuntime(ctx), JS_GetClassID(source));
  JSValue args[] = {source, JS_AtomToString(ctx, name), walk->state};
  JS_FreeAtom(ctx, name);
  JSValue clone = clone__ask(ctx, CLONE_MAKE, 3, args);
  JS_FreeValue(ctx, args[1]);
  return clone;
}

/* The first classes of the engine. */
enum { CLASS_OBJECT = 1, CLASS_ARRAY };

static JSValue make_clone(clone_walk *walk, JSValueConst source,
                          clone_frame *frame) {
  JSClassID id = JS_GetClassID(source);
  if (id == CLASS_OBJECT || id == CLASS_ARRAY)
    return make_object(walk->ctx, source, id == CLASS_ARRAY, frame);
  return make_other(walk, source);
}

static int remember(clone_walk *walk, JSValueConst source, JSValueConst clone) {
  JSValueConst args[] = {source, clone};
  JSValue done = clone__call(walk->ctx, CLONE_SET, walk->memory, 2, args);
  JS_FreeValue(walk->ctx, done);
  return clone__failed(done) ? -1 : 0;
}

static void free_frame(JSContext *ctx, clone_frame *frame) {
  if (frame->names != NULL)
    JS_FreePropertyEnum(ctx, frame->names, frame->count);
  JS_FreeValue(ctx, frame->source);
  JS_FreeValue(ctx, frame->clone);
  js_free(ctx, frame);
}

JSValue clone__value(clone_walk *walk, JSValueConst value) {
  JSContext *ctx = walk->ctx;
  if (JS_IsSymbol(value)) return make_other(walk, value);
  if (!clone__object(value)) return JS_DupValue(ctx, value);
  JSValue clone = clone__call(ctx, CLONE_GET, walk->memory, 1, &value);
  if (!clone__undefined(clone)) return clone;
  clone_frame *frame = js_mallocz(ctx, sizeof *frame);
  if (frame == NULL) return JS_EXCEPTION;
  frame->source = JS_DupValue(ctx, value);
  clone = make_clone(walk, value, frame);
  frame->clone = JS_DupValue(ctx, clone);
  if (!clone__failed(clone) && remember(walk, value, clone) == 0) {
    frame->below = walk->top;
    walk->top = frame;
    return clone;
  }
  free_frame(ctx, frame);
  JS_FreeValue(ctx, clone);
  return JS_EXCEPTION;
}

/* Fills what was made, depth first. Frees the stack in any case. */
int clone__finish(clone_walk *walk) {
  int status = 0;
  while (walk->top != NULL) {
    clone_frame *frame = walk->top;
    if (status >= 0 && frame->next < frame->count) {
      status = put_property(walk, frame);
    } else {
      walk->top = frame->below;
      free_frame(walk->ctx, frame);
    }
  }
  return status;
}
