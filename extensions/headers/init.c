/* SPDX-License-Identifier: MIT */
/* init.c - what the constructor of Headers takes: a sequence of pairs (which a
 * Headers is, too) or a record, converted as Web IDL says, which is before any
 * of it is looked at (see headers.h). */
#include "headers.h"

#include "../webidl.h"

/* ---- Sequences ------------------------------------------------------------*/

typedef struct {
  headers_list *list;
  headers_entry entry; /* the pair that is being read */
  uint32_t count;      /* of its elements */
} reader;

static int take_element(JSContext *ctx, JSValueConst element, void *data) {
  reader *reader = data;
  if (reader->count++ == 0) {
    reader->entry.name = headers__raw_name(ctx, element);
    return reader->entry.name == NULL ? -1 : 0;
  }
  JSValue value = headers__raw_value(ctx, element);
  if (JS_IsException(value)) return -1;
  JS_FreeValue(ctx, reader->entry.value);
  reader->entry.value = value;
  return 0;
}

static int take_pair(JSContext *ctx, JSValueConst element, void *data) {
  reader *reader = data;
  reader->entry = (headers_entry){NULL, JS_UNDEFINED};
  reader->count = 0;
  JSValue method = JS_UNDEFINED;
  if (JS_IsObject(element)) method = webidl_method(ctx, element);
  if (JS_IsException(method)) return -1;
  if (JS_IsUndefined(method)) {
    JS_ThrowTypeError(ctx, "a header is not a pair");
    return -1;
  }
  int status = webidl_each(ctx, element, method, take_element, reader);
  if (status < 0 || reader->count != 2) {
    js_free(ctx, reader->entry.name);
    reader->entry.name = NULL;
  }
  if (status < 0) {
    JS_FreeValue(ctx, reader->entry.value);
    return -1;
  }
  return headers__insert(ctx, reader->list, reader->entry, reader->list->count);
}

/* ---- Records --------------------------------------------------------------*/

static int take_property(JSContext *ctx, JSValueConst record, JSAtom atom,
                         headers_list *list) {
  JSPropertyDescriptor found;
  headers_entry entry = {NULL, JS_EXCEPTION};
  int status = JS_GetOwnProperty(ctx, &found, record, atom);
  if (status <= 0) return status;
  JS_FreeValue(ctx, found.value);
  JS_FreeValue(ctx, found.getter);
  JS_FreeValue(ctx, found.setter);
  if ((found.flags & JS_PROP_ENUMERABLE) == 0) return 0;
  JSValue name = JS_AtomToValue(ctx, atom);
  entry.name = headers__raw_name(ctx, name);
  JS_FreeValue(ctx, name);
  if (entry.name == NULL) return -1;
  JSValue value = JS_GetProperty(ctx, record, atom);
  if (!JS_IsException(value)) entry.value = headers__raw_value(ctx, value);
  JS_FreeValue(ctx, value);
  if (!JS_IsException(entry.value))
    return headers__insert(ctx, list, entry, list->count);
  js_free(ctx, entry.name);
  return -1;
}

static int read_record(JSContext *ctx, JSValueConst record,
                       headers_list *list) {
  JSPropertyEnum *names;
  uint32_t count;
  int status = JS_GetOwnPropertyNames(ctx, &names, &count, record,
                                      JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK);
  if (status < 0) return -1;
  for (uint32_t i = 0; i < count && status >= 0; i++)
    status = take_property(ctx, record, names[i].atom, list);
  JS_FreePropertyEnum(ctx, names, count);
  return status;
}

/* ---- Both -----------------------------------------------------------------*/

JSAtom headers__iterator;

int headers__read(JSContext *ctx, JSValueConst init, headers_list *list) {
  reader reader = {.list = list};
  if (!JS_IsObject(init)) {
    JS_ThrowTypeError(ctx, "headers come as pairs or as an object");
    return -1;
  }
  JSValue method = webidl_method(ctx, init);
  if (JS_IsException(method)) return -1;
  if (JS_IsUndefined(method)) return read_record(ctx, init, list);
  return webidl_each(ctx, init, method, take_pair, &reader);
}

int headers__read_start(JSContext *ctx) {
  int status = webidl_start(ctx);
  headers__iterator = webidl_iterator;
  return status;
}
