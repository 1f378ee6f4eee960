// SPDX-License-Identifier: MIT
//
// glue.cpp - see glue.h.

#include "glue.h"

#include <string.h>

namespace torpor {

JSAtom iterator_symbol;
static JSAtom prototype_name;

// Where a surrogate begins in [at, end), or end. In the engine's UTF-8 those
// that stand alone are three bytes, ED A0..BF xx.
static const char *find_surrogate(const char *at, const char *end) {
  while (at < end) {
    at = static_cast<const char *>(memchr(at, 0xED, end - at));
    if (at == nullptr || end - at < 3) return end;
    if (static_cast<unsigned char>(at[1]) >= 0xA0) return at;
    at += 3;
  }
  return end;
}

static bool find_ascii(const char *at, size_t size) {
  const char *end = at + size;
  uint64_t seen = 0, word = 0;
  if (size < sizeof word) {
    for (; at < end; at++) seen |= static_cast<unsigned char>(*at);
    return seen < 0x80;
  }
  for (; at < end - sizeof word; at += sizeof word) {
    __builtin_memcpy(&word, at, sizeof word);
    seen |= word;
  }
  __builtin_memcpy(&word, end - sizeof word, sizeof word);
  return ((seen | word) & 0x8080808080808080) == 0;
}

bool text::take(JSValueConst value) {
  start = JS_ToCStringLen2(context, &size, value, false);
  if (start == nullptr) return false;
  is_ascii = find_ascii(start, size);
  if (is_ascii || find_surrogate(start, start + size) == start + size)
    return true;
  mended = static_cast<char *>(js_malloc(context, size));
  if (mended == nullptr) return false;
  memcpy(mended, start, size);
  char *end = mended + size;
  for (const char *at = mended; (at = find_surrogate(at, end)) != end; at += 3)
    memcpy(const_cast<char *>(at), "\xEF\xBF\xBD", 3);
  return true;
}

static bool is_slash(char c) {
  return c == '/' || c == '\\';
}

// Whether there may be a name that is not ASCII in front of the path, perhaps
// encoded by '%' or by 'xn--'.
static bool has_foreign_name(std::string_view view) {
  size_t at = 0;
  char last = 0;
  for (int part = 0; part < 2; part++) {
    for (; at < view.size() && !is_slash(view[at]); last = view[at++])
      if (view[at] == '%' || (view[at] == '-' && last == '-')) return true;
    while (at < view.size() && is_slash(view[at])) at++;
  }
  return false;
}

// Such names are looked up in tables, which ada unpacks when it first needs
// them, and never again when there was no memory.
size_t text::room_with_host() const {
  bool has_tables = !tables_loaded && (!is_ascii || has_foreign_name(view()));
  return room() + (has_tables ? tables_size + packed_size + 1024 : 0);
}

bool has_arguments(const char *function, int count, int needed) {
  if (count >= needed) return true;
  JS_ThrowTypeError(context, "%s needs %d argument%s, but got %d", function,
                    needed, needed == 1 ? "" : "s", count);
  return false;
}

// As the specifications of JavaScript and Web IDL have it: a constructor whose
// 'prototype' is no object makes objects of the ordinary kind.
JSValue object_of(JSClassID id, JSValueConst new_target) {
  if (JS_IsUndefined(new_target)) return JS_NewObjectClass(context, id);
  JSValue proto = JS_GetProperty(context, new_target, prototype_name);
  if (JS_IsException(proto)) return proto;
  if (!JS_IsObject(proto)) {
    JS_FreeValue(context, proto);
    return JS_NewObjectClass(context, id);
  }
  JSValue object = JS_NewObjectProtoClass(context, proto, id);
  JS_FreeValue(context, proto);
  return object;
}

bool keep_shape(JSClassID id) {
  JSValue proto = JS_GetClassProto(context, id);
  JSValue kept = JS_NewObjectProto(context, proto); // never freed
  JS_FreeValue(context, proto);
  return !JS_IsException(kept);
}

bool define_interface(const interface &what) {
  JS_NewClassID(runtime, what.id);
  if (JS_NewClass(runtime, *what.id, what.definition) < 0) return false;
  JSValue proto = JS_NewObject(context);
  if (JS_IsException(proto)) return false;
  JS_SetClassProto(context, *what.id, proto); // takes it
  if (JS_SetPropertyFunctionList(context, proto, what.members,
                                 what.member_count) < 0)
    return false;
  JSValue constructor = JS_NewCFunction2(context, what.construct, what.name,
                                         what.length, JS_CFUNC_constructor, 0);
  if (JS_IsException(constructor)) return false;
  JSValue global = JS_GetGlobalObject(context);
  bool done = JS_SetConstructor(context, constructor, proto) >= 0 &&
              JS_SetPropertyFunctionList(context, constructor, what.statics,
                                         what.static_count) >= 0 &&
              JS_DefinePropertyValueStr(
                  context, global, what.name, JS_DupValue(context, constructor),
                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) >= 0;
  JS_FreeValue(context, global);
  JS_FreeValue(context, constructor);
  return done;
}

// A list of properties may name well-known symbols; an object that has one is
// asked for its keys.
static bool find_iterator_symbol() {
  static const JSCFunctionListEntry entries[] = {
      JS_PROP_INT32_DEF("[Symbol.iterator]", 0, JS_PROP_CONFIGURABLE)};
  JSPropertyEnum *keys = nullptr;
  uint32_t count = 0;
  JSValue object = JS_NewObject(context);
  if (JS_IsException(object)) return false;
  bool done = JS_SetPropertyFunctionList(context, object, entries, 1) >= 0 &&
              JS_GetOwnPropertyNames(context, &keys, &count, object,
                                     JS_GPN_SYMBOL_MASK) >= 0 &&
              count == 1;
  if (done) iterator_symbol = JS_DupAtom(context, keys[0].atom);
  JS_FreePropertyEnum(context, keys, count);
  JS_FreeValue(context, object);
  return done;
}

static bool define_all() {
  prototype_name = JS_NewAtom(context, "prototype");
  return prototype_name != JS_ATOM_NULL && find_iterator_symbol() &&
         define_url() && define_search_params() &&
         define_search_params_iterator() && define_pattern();
}

} // namespace torpor

TORPOR_EXTENSION("url", "1.0")

TORPOR_EXTENSION_INIT(url) {
  torpor::context = ctx;
  torpor::runtime = rt;
  return torpor::define_all() ? 0 : -1;
}
