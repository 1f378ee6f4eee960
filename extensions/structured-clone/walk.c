/* SPDX-License-Identifier: MIT */
/* walk.c - objects that hold values: plain ones, arrays, maps and sets, and the
 * stack of those that are being filled (see clone.h). */
#include "clone.h"

static JSValue gatherer; /* what forEach of maps and sets calls */

static void free_frame(JSContext *ctx, clone_frame *frame) {
  if (frame->names != NULL)
    JS_FreePropertyEnum(ctx, frame->names, frame->count);
  JS_FreeValue(ctx, frame->items);
  JS_FreeValue(ctx, frame->source);
  JS_FreeValue(ctx, frame->clone);
  js_free(ctx, frame);
}

int clone__add_item(JSContext *ctx, clone_frame *frame, JSValue value) {
  if (frame->count == 0) frame->items = JS_NewArray(ctx);
  if (clone__failed(frame->items)) {
    JS_FreeValue(ctx, value);
    return -1;
  }
  return JS_DefinePropertyValueUint32(ctx, frame->items, frame->count++, value,
                                      JS_PROP_C_W_E);
}

/* ---- Maps and sets --------------------------------------------------------*/

/* The frame that gets what gather() is given; NULL: none. */
static clone_frame *gathering;

static JSValue gather(JSContext *ctx, JSValueConst self, int count,
                      JSValueConst *args) {
  clone_frame *frame = gathering;
  if (frame == NULL) return JS_UNDEFINED;
  if ((frame->fill == CLONE_MAP_SET &&
       clone__add_item(ctx, frame, JS_DupValue(ctx, args[1])) < 0) ||
      clone__add_item(ctx, frame, JS_DupValue(ctx, args[0])) < 0)
    return JS_EXCEPTION;
  return JS_UNDEFINED;
}

/* Only what is in it now is cloned, whatever getters then do. 'kind' is the
 * constructor; the builtins for filling and for reading come behind it. */
static JSValue make_collection(JSContext *ctx, JSValueConst source, int kind,
                               clone_frame *frame) {
  clone_frame *outer = gathering;
  frame->fill = kind + 1;
  gathering = frame;
  JSValue each = clone__call(ctx, kind + 2, source, 1, &gatherer);
  gathering = outer;
  if (clone__failed(each)) return each;
  JS_FreeValue(ctx, each);
  return JS_CallConstructor(ctx, clone__builtins[kind], 0, NULL);
}

/* Clones the next item and puts it where it goes. A key stays among the items
 * until its value is there. */
static int put_item(clone_walk *walk, clone_frame *frame) {
  JSContext *ctx = walk->ctx;
  uint32_t i = frame->next++;
  bool is_map = frame->fill == CLONE_MAP_SET;
  JSValue item = JS_GetPropertyUint32(ctx, frame->items, i);
  JSValue args[] = {JS_UNDEFINED, clone__value(walk, item)};
  JS_FreeValue(ctx, item);
  if (clone__failed(args[1])) return -1;
  if (frame->fill == CLONE_CAUSE)
    return JS_DefinePropertyValueStr(ctx, frame->clone, "cause", args[1],
                                     JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  if (is_map && i % 2 == 0)
    return JS_DefinePropertyValueUint32(ctx, frame->items, i, args[1],
                                        JS_PROP_C_W_E);
  if (is_map) args[0] = JS_GetPropertyUint32(ctx, frame->items, i - 1);
  JSValue done =
      clone__call(ctx, frame->fill, frame->clone, 1 + is_map, args + !is_map);
  JS_FreeValue(ctx, args[0]);
  JS_FreeValue(ctx, args[1]);
  JS_FreeValue(ctx, done);
  return clone__failed(done) ? -1 : 0;
}

/* ---- Properties -----------------------------------------------------------*/

static JSValue make_object(JSContext *ctx, JSValueConst source, bool is_array,
                           clone_frame *frame) {
  if (JS_GetOwnPropertyNames(ctx, &frame->names, &frame->count, source,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return JS_EXCEPTION;
  if (!is_array) return JS_NewObject(ctx);
  JSValue clone = JS_NewArray(ctx);
  if (clone__failed(clone)) return clone;
  JSValue length = JS_GetPropertyStr(ctx, source, "length");
  JS_DefinePropertyValueStr(ctx, clone, "length", length, JS_PROP_WRITABLE);
  return clone;
}

/* A property that a getter has taken away is left out. */
static int put_property(clone_walk *walk, clone_frame *frame) {
  JSContext *ctx = walk->ctx;
  JSAtom name = frame->names[frame->next++].atom;
  JSValue value = clone__own(ctx, frame->source, name, CLONE_ASK);
  if (clone__absent(value)) return 0;
  JSValue clone = value;
  if (clone__object(value) || JS_IsSymbol(value)) {
    clone = clone__value(walk, value);
    JS_FreeValue(ctx, value);
  }
  if (clone__failed(clone)) return -1;
  return JS_DefinePropertyValue(ctx, frame->clone, name, clone, JS_PROP_C_W_E);
}

/* ---- The walk -------------------------------------------------------------*/

static JSValue make_clone(clone_walk *walk, JSValueConst source,
                          clone_frame *frame) {
  JSContext *ctx = walk->ctx;
  JSClassID id = JS_GetClassID(source);
  if (id == clone__classes[CLONE_OBJECT] || id == clone__classes[CLONE_LIST])
    return make_object(ctx, source, id == clone__classes[CLONE_LIST], frame);
  if (id == clone__classes[CLONE_MAP])
    return make_collection(ctx, source, CLONE_MAP, frame);
  if (id == clone__classes[CLONE_SET])
    return make_collection(ctx, source, CLONE_SET, frame);
  return clone__other(walk, source, id, frame);
}

int clone__remember(clone_walk *walk, JSValueConst source, JSValueConst clone) {
  JSValueConst args[] = {source, clone};
  JSValue done = clone__call(walk->ctx, CLONE_MAP_SET, walk->memory, 2, args);
  JS_FreeValue(walk->ctx, done);
  return clone__failed(done) ? -1 : 0;
}

JSValue clone__value(clone_walk *walk, JSValueConst value) {
  JSContext *ctx = walk->ctx;
  if (JS_IsSymbol(value)) return clone__refuse(ctx, "Symbol");
  if (!clone__object(value)) return JS_DupValue(ctx, value);
  JSValue clone = clone__call(ctx, CLONE_MAP_GET, walk->memory, 1, &value);
  if (!clone__undefined(clone)) return clone;
  clone_frame *frame = js_mallocz(ctx, sizeof *frame);
  if (frame == NULL) return JS_EXCEPTION;
  frame->source = JS_DupValue(ctx, value);
  clone = make_clone(walk, value, frame);
  frame->clone = JS_DupValue(ctx, clone);
  if (!clone__failed(clone) && clone__remember(walk, value, clone) == 0) {
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
    if (status < 0 || frame->next == frame->count) {
      walk->top = frame->below;
      free_frame(walk->ctx, frame);
    } else {
      status = frame->names != NULL ? put_property(walk, frame)
                                    : put_item(walk, frame);
    }
  }
  return status;
}

void clone__walk_start(JSContext *ctx) {
  gatherer = JS_NewCFunction(ctx, gather, "", 2);
}
