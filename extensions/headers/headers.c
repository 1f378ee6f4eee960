/* SPDX-License-Identifier: MIT */
/* headers.c - class Headers and its iterators (see headers.h).
 *
 * All Headers have the guard "none" of the standard: there are no requests and
 * responses here that would hold others. A guard would be asked where methods
 * and the constructor put and remove. */
#include "headers.h"

#include <string.h>

TORPOR_EXTENSION("headers", "1.0")

/* What both classes have: Headers a list, iterators the rest. */
typedef struct {
  headers_list list;
  JSValue target; /* the Headers that is iterated */
  uint32_t index;
  int kind; /* ENTRIES, KEYS or VALUES */
} headers_state;

static JSClassID headers_class, iterator_class;

static void finalize(JSRuntime *rt, JSValueConst object) {
  JSClassID id;
  headers_state *state = JS_GetAnyOpaque(object, &id);
  if (state == NULL) return;
  for (uint32_t i = 0; i < state->list.count; i++) {
    js_free_rt(rt, state->list.entries[i].name);
    JS_FreeValueRT(rt, state->list.entries[i].value);
  }
  js_free_rt(rt, state->list.entries);
  JS_FreeValueRT(rt, state->target);
  js_free_rt(rt, state);
}

static void mark(JSRuntime *rt, JSValueConst object, JS_MarkFunc *mark) {
  JSClassID id;
  headers_state *state = JS_GetAnyOpaque(object, &id);
  if (state != NULL) JS_MarkValue(rt, state->target, mark);
}

/* An object with nothing in it; 'prototype' is freed. */
static JSValue make_object(JSContext *ctx, JSValue prototype, JSClassID id,
                           headers_state **state) {
  JSValue object = JS_EXCEPTION;
  if (!JS_IsException(prototype)) {
    *state = js_mallocz(ctx, sizeof **state);
    if (*state != NULL) object = JS_NewObjectProtoClass(ctx, prototype, id);
    if (JS_IsException(object))
      js_free(ctx, *state);
    else
      JS_SetOpaque(object, *state);
  }
  JS_FreeValue(ctx, prototype);
  return object;
}

/* ---- Methods --------------------------------------------------------------*/

/* In the order of 'methods'. */
enum {
  APPEND,
  DELETE,
  GET,
  GET_SET_COOKIE,
  HAS,
  SET,
  ENTRIES,
  FOR_EACH,
  KEYS,
  VALUES,
  METHOD_COUNT
};
static const char methods[] =
    "append\0delete\0get\0getSetCookie\0has\0set\0entries\0forEach\0keys\0"
    "values";
static const char arguments[] = {2, 1, 1, 0, 1, 2, 0, 1, 0, 0};

/* One pair, or a part of it. */
static JSValue give(JSContext *ctx, const headers_entry *entry, int kind) {
  if (kind == KEYS) return JS_NewString(ctx, entry->name);
  JSValue value = JS_DupValue(ctx, entry->value);
  if (kind != ENTRIES) return value;
  JSValue pair[] = {JS_NewString(ctx, entry->name), value};
  return JS_NewArrayFrom(ctx, 2, pair);
}

/* The values of a name: joined, or null for none. */
static JSValue get(JSContext *ctx, const headers_list *list, uint32_t at,
                   uint32_t end) {
  if (at == end) return JS_NULL;
  JSValue value = JS_DupValue(ctx, list->entries[at].value);
  while (++at < end && !JS_IsException(value))
    value = headers__join(ctx, value, list->entries[at].value);
  return value;
}

static JSValue get_set_cookie(JSContext *ctx, const headers_list *list) {
  uint32_t end, at = headers__find(list, headers__set_cookie, &end);
  JSValue array = JS_NewArray(ctx);
  for (uint32_t i = 0; at < end && !JS_IsException(array); at++, i++) {
    JSValue value = JS_DupValue(ctx, list->entries[at].value);
    if (JS_DefinePropertyValueUint32(ctx, array, i, value, JS_PROP_C_W_E) >= 0)
      continue;
    JS_FreeValue(ctx, array);
    array = JS_EXCEPTION;
  }
  return array;
}

static JSValue for_each(JSContext *ctx, JSValueConst self,
                        const headers_list *list, JSValueConst callback,
                        JSValueConst receiver) {
  if (!JS_IsFunction(ctx, callback))
    return JS_ThrowTypeError(ctx, "forEach takes a function");
  for (uint32_t i = 0; i < list->count; i++) {
    JSValue args[] = {give(ctx, &list->entries[i], VALUES),
                      give(ctx, &list->entries[i], KEYS), self};
    JSValue done = JS_EXCEPTION;
    if (!JS_IsException(args[0]) && !JS_IsException(args[1]))
      done = JS_Call(ctx, callback, receiver, 3, (JSValueConst *)args);
    JS_FreeValue(ctx, args[0]);
    JS_FreeValue(ctx, args[1]);
    if (JS_IsException(done)) return done;
    JS_FreeValue(ctx, done);
  }
  return JS_UNDEFINED;
}

static JSValue iterate(JSContext *ctx, JSValueConst self, int kind) {
  headers_state *state;
  JSValue iterator = make_object(ctx, JS_GetClassProto(ctx, iterator_class),
                                 iterator_class, &state);
  if (JS_IsException(iterator)) return iterator;
  state->target = JS_DupValue(ctx, self);
  state->kind = kind;
  return iterator;
}

/* Methods that take a name. */
static JSValue call_with_name(JSContext *ctx, headers_list *list, int magic,
                              JSValueConst value) {
  char room[HEADERS_ROOM];
  char *name = headers__name(ctx, value, room);
  if (name == NULL) return JS_EXCEPTION;
  uint32_t end, at = headers__find(list, name, &end);
  if (name != room) js_free(ctx, name);
  if (magic == GET) return get(ctx, list, at, end);
  if (magic == HAS) return JS_NewBool(ctx, at < end);
  headers__remove(ctx, list, at, end);
  return JS_UNDEFINED;
}

/* Methods that take a name and a value. */
static JSValue call_with_both(JSContext *ctx, headers_list *list, int magic,
                              JSValueConst *args) {
  headers_entry entry = {headers__raw_name(ctx, args[0]), JS_EXCEPTION};
  if (entry.name != NULL) entry.value = headers__raw_value(ctx, args[1]);
  if (JS_IsException(entry.value)) {
    js_free(ctx, entry.name);
    return JS_EXCEPTION;
  }
  if (headers__put(ctx, list, entry, magic == SET) < 0) return JS_EXCEPTION;
  return JS_UNDEFINED;
}

static JSValue call_method(JSContext *ctx, JSValueConst self, int count,
                           JSValueConst *args, int magic) {
  headers_state *state = JS_GetOpaque2(ctx, self, headers_class);
  if (state == NULL) return JS_EXCEPTION;
  if (count < arguments[magic])
    return JS_ThrowTypeError(ctx, "%d argument(s) required", arguments[magic]);
  if (magic == GET_SET_COOKIE) return get_set_cookie(ctx, &state->list);
  if (magic == FOR_EACH)
    return for_each(ctx, self, &state->list, args[0],
                    count > 1 ? args[1] : JS_UNDEFINED);
  if (magic >= ENTRIES) return iterate(ctx, self, magic);
  if (arguments[magic] == 2)
    return call_with_both(ctx, &state->list, magic, args);
  return call_with_name(ctx, &state->list, magic, args[0]);
}

/* What is appended meanwhile is seen, at its place in the order. */
static JSValue next(JSContext *ctx, JSValueConst self, int count,
                    JSValueConst *args, int *done, int magic) {
  headers_state *state = JS_GetOpaque2(ctx, self, iterator_class);
  if (state == NULL) return JS_EXCEPTION;
  headers_state *target = JS_GetOpaque(state->target, headers_class);
  *done = state->index >= target->list.count;
  if (*done) return JS_UNDEFINED;
  return give(ctx, &target->list.entries[state->index++], state->kind);
}

/* ---- The constructor ------------------------------------------------------*/

/* Moves what was read to the list that it is for. */
static int fill(JSContext *ctx, headers_list *list, headers_list *from) {
  for (uint32_t i = 0; i < from->count; i++) {
    headers_entry entry = from->entries[i];
    if (entry.name == NULL) {
      JS_ThrowTypeError(ctx, "a header is not a pair");
      return -1;
    }
    from->entries[i] = (headers_entry){NULL, JS_UNDEFINED};
    if (headers__put(ctx, list, entry, false) < 0) return -1;
  }
  return 0;
}

static JSValue construct(JSContext *ctx, JSValueConst new_target, int count,
                         JSValueConst *args) {
  headers_list read = {NULL, 0};
  headers_state *state;
  JSValue object = JS_EXCEPTION;
  if (count == 0 || JS_IsUndefined(args[0]) ||
      headers__read(ctx, args[0], &read) == 0) {
    JSValue prototype = JS_GetPropertyStr(ctx, new_target, "prototype");
    if (!JS_IsObject(prototype) && !JS_IsException(prototype)) {
      JS_FreeValue(ctx, prototype);
      prototype = JS_GetClassProto(ctx, headers_class);
    }
    object = make_object(ctx, prototype, headers_class, &state);
    if (!JS_IsException(object) && fill(ctx, &state->list, &read) < 0) {
      JS_FreeValue(ctx, object);
      object = JS_EXCEPTION;
    }
  }
  headers__remove(ctx, &read, 0, read.count);
  js_free(ctx, read.entries);
  return object;
}

/* ---- Loading --------------------------------------------------------------*/

/* A class and its prototype, which inherits from 'parent' and has a tag. */
static JSValue make_class(JSContext *ctx, JSClassID *id, const char *name,
                          JSValueConst parent, JSAtom tag) {
  JSClassDef definition = {name, .finalizer = finalize, .gc_mark = mark};
  JSRuntime *rt = JS_GetRuntime(ctx);
  JS_NewClassID(rt, id);
  if (JS_NewClass(rt, *id, &definition) < 0) return JS_EXCEPTION;
  JSValue prototype = JS_NewObjectProto(ctx, parent);
  JS_DefinePropertyValue(ctx, prototype, tag, JS_NewString(ctx, name),
                         JS_PROP_CONFIGURABLE);
  JS_SetClassProto(ctx, *id, JS_DupValue(ctx, prototype));
  return prototype;
}

static void define_methods(JSContext *ctx, JSValueConst prototype) {
  const char *name = methods;
  for (int i = 0; i < METHOD_COUNT; i++) {
    JSValue method = JS_NewCFunctionMagic(ctx, call_method, name, arguments[i],
                                          JS_CFUNC_generic_magic, i);
    if (i == ENTRIES)
      JS_DefinePropertyValue(ctx, prototype, headers__iterator,
                             JS_DupValue(ctx, method),
                             JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValueStr(ctx, prototype, name, method, JS_PROP_C_W_E);
    name += strlen(name) + 1;
  }
}

/* What iterators of builtins inherit from, for which the engine has no name. */
static JSValue find_iterator_prototype(JSContext *ctx) {
  JSValue array = JS_NewArray(ctx);
  JSValue method = JS_GetProperty(ctx, array, headers__iterator);
  JSValue object = JS_Call(ctx, method, array, 0, NULL);
  for (int i = 0; i < 2; i++) {
    JSValue above = JS_GetPrototype(ctx, object);
    JS_FreeValue(ctx, object);
    object = above;
  }
  JS_FreeValue(ctx, method);
  JS_FreeValue(ctx, array);
  return object;
}

TORPOR_EXTENSION_INIT(headers) {
  if (headers__read_start(ctx) < 0) return -1;
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue symbol = JS_GetPropertyStr(ctx, global, "Symbol");
  JSValue tag = JS_GetPropertyStr(ctx, symbol, "toStringTag");
  JSAtom tag_name = JS_ValueToAtom(ctx, tag);
  JSValue parent = find_iterator_prototype(ctx), object = JS_NewObject(ctx);
  JSValue above = JS_GetPrototype(ctx, object);
  JSValue iterator =
      make_class(ctx, &iterator_class, "Headers Iterator", parent, tag_name);
  JSValue headers = make_class(ctx, &headers_class, "Headers", above, tag_name);
  JSValue constructor =
      JS_NewCFunction2(ctx, construct, "Headers", 0, JS_CFUNC_constructor, 0);
  define_methods(ctx, headers);
  JSCFunctionType function = {.iterator_next = next};
  JS_DefinePropertyValueStr(ctx, iterator, "next",
                            JS_NewCFunction2(ctx, function.generic, "next", 0,
                                             JS_CFUNC_iterator_next, 0),
                            JS_PROP_C_W_E);
  JS_SetConstructor(ctx, constructor, headers);
  int status =
      JS_DefinePropertyValueStr(ctx, global, "Headers", constructor,
                                JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  JS_FreeAtom(ctx, tag_name);
  JSValue used[] = {global, symbol, tag,      parent,
                    object, above,  iterator, headers};
  for (size_t i = 0; i < sizeof used / sizeof *used; i++)
    JS_FreeValue(ctx, used[i]);
  return status < 0 ? -1 : 0;
}
