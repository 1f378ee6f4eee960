/* SPDX-License-Identifier: MIT */
/* kinds.c - objects that hold no values: boxed ones, dates, regular
 * expressions, buffers, views on them, errors (see clone.h). */
#include "clone.h"

#include <string.h>

/* ---- Boxed values, dates, regular expressions -----------------------------*/

/* 'kind' is the constructor; the builtin that gives the value is behind it. */
static JSValue clone_boxed(JSContext *ctx, JSValueConst source, int kind) {
  JSValue value = clone__call(ctx, kind + 1, source, 0, NULL);
  if (clone__failed(value)) return value;
  JSValue clone =
      kind == CLONE_BIGINT
          ? JS_ToObject(ctx, value)
          : JS_CallConstructor(ctx, clone__builtins[kind], 1, &value);
  JS_FreeValue(ctx, value);
  return clone;
}

/* Compiling takes source and flags from inside a regular expression. */
static JSValue clone_regexp(JSContext *ctx, JSValueConst source) {
  JSValue clone =
      JS_CallConstructor(ctx, clone__builtins[CLONE_REGEXP], 0, NULL);
  if (clone__failed(clone)) return clone;
  JSValue done = clone__call(ctx, CLONE_REGEXP_COMPILE, clone, 1, &source);
  JS_FreeValue(ctx, clone);
  return done;
}

/* What is none of the others is a boxed BigInt, or refused. */
static JSValue clone_bigint(JSContext *ctx, JSValueConst source, JSClassID id) {
  JSValue clone = clone_boxed(ctx, source, CLONE_BIGINT);
  if (!clone__failed(clone)) return clone;
  JSAtom name = JS_GetClassName(JS_GetRuntime(ctx), id);
  const char *text = JS_AtomToCString(ctx, name);
  JS_FreeAtom(ctx, name);
  clone__refuse_instead(ctx, text);
  JS_FreeCString(ctx, text);
  return JS_EXCEPTION;
}

/* ---- Buffers --------------------------------------------------------------*/

int clone__resize(JSContext *ctx, JSValueConst buffer, size_t size) {
  JSValueConst length = JS_NewInt32(ctx, (int32_t)size);
  JSValue done = clone__call(ctx, CLONE_RESIZE, buffer, 1, &length);
  JS_FreeValue(ctx, done);
  return clone__failed(done) ? -1 : 0;
}

/* Addresses are looked up after all calls of builtins (see clone.h). */
JSValue clone__buffer(JSContext *ctx, JSValueConst value) {
  size_t size, has;
  bool resizable = clone__measure(ctx, CLONE_RESIZABLE, value) > 0;
  int most = clone__measure(ctx, CLONE_MAX_LENGTH, value);
  uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, value);
  if (bytes == NULL) return clone__refuse_instead(ctx, "detached ArrayBuffer");
  if (!resizable) {
    JSValue clone = JS_NewArrayBufferCopy(ctx, bytes, size);
    if (JS_IsImmutableArrayBuffer(value))
      JS_SetImmutableArrayBuffer(clone, true);
    return clone;
  }
  JSValue args[] = {JS_NewInt32(ctx, (int32_t)size), JS_NewObject(ctx)};
  JS_DefinePropertyValueStr(ctx, args[1], "maxByteLength",
                            JS_NewInt32(ctx, most), JS_PROP_C_W_E);
  JSValue clone =
      JS_CallConstructor(ctx, clone__builtins[CLONE_BUFFER], 2, args);
  JS_FreeValue(ctx, args[1]);
  if (clone__failed(clone)) return clone;
  bytes = JS_GetArrayBuffer(ctx, &size, value);
  uint8_t *copy = JS_GetArrayBuffer(ctx, &has, clone);
  if (bytes != NULL && copy != NULL)
    memcpy(copy, bytes, has < size ? has : size);
  return clone;
}

/* ---- Views ----------------------------------------------------------------*/

/* What a view is, as its constructor takes it. */
typedef struct view {
  JSValueConst self;
  JSValue buffer;
  size_t offset, unit;
  int length;
  int type; /* -1: a DataView */
} view;

/* Throws when the view is out of bounds. 'buffer' is to be freed. */
static int look_at(JSContext *ctx, view *view) {
  bool typed = view->type >= 0;
  view->unit = 1;
  view->buffer = typed
                     ? JS_GetTypedArrayBuffer(ctx, view->self, &view->offset,
                                              NULL, &view->unit)
                     : clone__call(ctx, CLONE_VIEW_BUFFER, view->self, 0, NULL);
  if (clone__failed(view->buffer)) return -1;
  if (!typed)
    view->offset = (size_t)clone__measure(ctx, CLONE_VIEW_OFFSET, view->self);
  view->length = clone__measure(
      ctx, typed ? CLONE_ARRAY_LENGTH : CLONE_VIEW_LENGTH, view->self);
  return view->length;
}

/* Whether its length follows that of its buffer. Nothing tells, so the buffer
 * is resized for a moment, which no code of the program sees: by an element
 * more, or where there is no room by a byte less. What is cut off is put back.
 * -1: the engine did not do that. */
static int is_tracking(JSContext *ctx, const view *view) {
  struct view other = *view;
  uint8_t tail[16];
  size_t size, end = view->offset + (size_t)view->length * view->unit;
  bool resizable = clone__measure(ctx, CLONE_RESIZABLE, view->buffer) > 0;
  int most = clone__measure(ctx, CLONE_MAX_LENGTH, view->buffer);
  uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, view->buffer);
  if (bytes == NULL || !resizable || size - end >= view->unit) return 0;
  size_t changed = end + view->unit;
  if ((int)changed > most) {
    if (view->length == 0) return 0; /* and will always be */
    changed = end - 1;
  }
  size_t kept = size < sizeof tail ? size : sizeof tail;
  memcpy(tail, bytes + size - kept, kept);
  if (clone__resize(ctx, view->buffer, changed) < 0) return -1;
  bool tracking = look_at(ctx, &other) >= 0 && other.length != view->length;
  JS_FreeValue(ctx, JS_GetException(ctx));
  JS_FreeValue(ctx, other.buffer);
  if (clone__resize(ctx, view->buffer, size) < 0) return -1;
  bytes = JS_GetArrayBuffer(ctx, &size, view->buffer);
  if (bytes == NULL || size < kept) {
    clone__refuse_instead(ctx, "view");
    return -1;
  }
  memcpy(bytes + size - kept, tail, kept);
  return tracking;
}

static JSValue clone_view(clone_walk *walk, JSValueConst value, int type) {
  JSContext *ctx = walk->ctx;
  view view = {.self = value, .buffer = JS_UNDEFINED, .type = type};
  int tracking = -1;
  JSValue buffer = JS_EXCEPTION;
  if (look_at(ctx, &view) < 0)
    clone__refuse_instead(ctx, "view out of bounds");
  else
    tracking = is_tracking(ctx, &view);
  if (tracking >= 0) buffer = clone__value(walk, view.buffer);
  JS_FreeValue(ctx, view.buffer);
  if (clone__failed(buffer)) return buffer;
  JSValueConst args[] = {buffer, JS_NewInt32(ctx, (int32_t)view.offset),
                         tracking ? JS_UNDEFINED
                                  : JS_NewInt32(ctx, view.length)};
  JSValue clone =
      type < 0 ? JS_CallConstructor(ctx, clone__builtins[CLONE_VIEW], 3, args)
               : JS_NewTypedArray(ctx, 3, args, type);
  JS_FreeValue(ctx, buffer);
  return clone;
}

/* ---- Errors ---------------------------------------------------------------*/

static JSValue own_data(JSContext *ctx, JSValueConst object, const char *name) {
  JSAtom atom = JS_NewAtom(ctx, name);
  JSValue value = clone__own(ctx, object, atom, CLONE_DATA);
  JS_FreeAtom(ctx, atom);
  return value;
}

static void define_text(JSContext *ctx, JSValueConst object, const char *name,
                        JSValue value) {
  if (JS_IsString(value))
    JS_DefinePropertyValueStr(ctx, object, name, value,
                              JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  else
    JS_FreeValue(ctx, value);
}

/* The stack is text that the program sees anyway; accessors of its own are not
 * asked. */
static void copy_stack(JSContext *ctx, JSValueConst source,
                       JSValueConst clone) {
  JSValue stack = own_data(ctx, source, "stack");
  if (clone__absent(stack))
    stack = clone__call(ctx, CLONE_ERROR_STACK, source, 0, NULL);
  define_text(ctx, clone, "stack", stack);
}

/* The prototype of the clone, by the name of its source, if it is a string. */
static JSValue find_prototype(JSContext *ctx, JSValueConst source) {
  JSValue found = JS_UNINITIALIZED;
  JSValue name = JS_GetPropertyStr(ctx, source, "name");
  if (clone__failed(name)) return name;
  if (JS_IsString(name)) {
    JSAtom atom = JS_ValueToAtom(ctx, name);
    found = clone__own(ctx, clone__errors, atom, CLONE_DATA);
    JS_FreeAtom(ctx, atom);
  }
  JS_FreeValue(ctx, name);
  return clone__absent(found) ? own_data(ctx, clone__errors, "Error") : found;
}

/* Its cause is cloned as a property would be. */
static JSValue clone_error(JSContext *ctx, JSValueConst source,
                           clone_frame *frame) {
  JSValue prototype = find_prototype(ctx, source);
  if (clone__failed(prototype)) return prototype;
  JSValue clone =
      JS_NewObjectProtoClass(ctx, prototype, clone__classes[CLONE_ERROR]);
  JS_FreeValue(ctx, prototype);
  if (clone__failed(clone)) return clone;
  JSValue message = own_data(ctx, source, "message");
  if (!clone__absent(message)) {
    JSValue text = JS_ToString(ctx, message);
    JS_FreeValue(ctx, message);
    message = text;
  }
  if (clone__failed(message)) goto failed;
  copy_stack(ctx, source, clone);
  define_text(ctx, clone, "message", message);
  JSValue cause = own_data(ctx, source, "cause");
  frame->fill = CLONE_CAUSE;
  if (clone__absent(cause) || clone__add_item(ctx, frame, cause) >= 0)
    return clone;
failed:
  JS_FreeValue(ctx, clone);
  return JS_EXCEPTION;
}

static JSValue clone_dom_exception(JSContext *ctx, JSValueConst source) {
  JSValue args[] = {clone__call(ctx, CLONE_DOM_MESSAGE, source, 0, NULL),
                    clone__call(ctx, CLONE_DOM_NAME, source, 0, NULL)};
  JSValue clone =
      JS_CallConstructor(ctx, clone__builtins[CLONE_DOM_EXCEPTION], 2, args);
  JS_FreeValue(ctx, args[0]);
  JS_FreeValue(ctx, args[1]);
  if (!clone__failed(clone)) copy_stack(ctx, source, clone);
  return clone;
}

/* ---- All of them ----------------------------------------------------------*/

JSValue clone__other(clone_walk *walk, JSValueConst value, JSClassID id,
                     clone_frame *frame) {
  JSContext *ctx = walk->ctx;
  int type = JS_GetTypedArrayType(value);
  if (type >= 0 || JS_IsDataView(value)) return clone_view(walk, value, type);
  if (id == clone__classes[CLONE_BUFFER]) return clone__buffer(ctx, value);
  if (id == clone__classes[CLONE_ERROR]) return clone_error(ctx, value, frame);
  if (id == clone__classes[CLONE_DOM_EXCEPTION])
    return clone_dom_exception(ctx, value);
  if (id == clone__classes[CLONE_REGEXP]) return clone_regexp(ctx, value);
  for (int kind = CLONE_DATE; kind < CLONE_BIGINT; kind += 2)
    if (id == clone__classes[kind]) return clone_boxed(ctx, value, kind);
  return clone_bigint(ctx, value, id);
}
