// SPDX-License-Identifier: MIT
//
// search-params-iterator.cpp - what keys(), values() and entries() of a
// URLSearchParams object give. It looks at the list as it is at each step, so
// what is changed meanwhile shows.

#include "search-params.h"

namespace torpor {

namespace {

struct iterator_object {
  JSValue params; // undefined once it has come to the end
  size_t index;
  int what;
};

JSClassID iterator_class;

void finalize(JSRuntime *rt, JSValueConst value) {
  auto *self =
      static_cast<iterator_object *>(JS_GetOpaque(value, iterator_class));
  if (self == nullptr) return;
  JS_FreeValueRT(rt, self->params);
  js_free_rt(rt, self);
}

void mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *visit) {
  auto *self =
      static_cast<iterator_object *>(JS_GetOpaque(value, iterator_class));
  if (self != nullptr) JS_MarkValue(rt, self->params, visit);
}

JSValue pair_of(const std::pair<std::string, std::string> &pair) {
  JSValue array = JS_NewArray(context);
  if (JS_IsException(array)) return array;
  JSValue key = string_of(pair.first), value = string_of(pair.second);
  bool done = !JS_IsException(key) && !JS_IsException(value);
  if (done) {
    done = JS_DefinePropertyValueUint32(context, array, 0, key,
                                        JS_PROP_C_W_E) >= 0;
    done = JS_DefinePropertyValueUint32(context, array, 1, value,
                                        JS_PROP_C_W_E) >= 0 &&
           done;
  } else {
    JS_FreeValue(context, key);
    JS_FreeValue(context, value);
  }
  if (done) return array;
  JS_FreeValue(context, array);
  return JS_EXCEPTION;
}

JSValue next(JSContext *, JSValueConst value, int, JSValueConst *, int *done,
             int) {
  auto *self = static_cast<iterator_object *>(
      JS_GetOpaque2(context, value, iterator_class));
  *done = 0;
  if (self == nullptr) return JS_EXCEPTION;
  params_state *params =
      JS_IsUndefined(self->params) ? nullptr : params_self(self->params);
  if (params == nullptr || self->index >= params->list.size()) {
    *done = 1;
    JS_FreeValue(context, self->params);
    self->params = JS_UNDEFINED;
    return JS_UNDEFINED;
  }
  const auto &pair = params->at(self->index++);
  if (self->what == ENTRIES) return pair_of(pair);
  return string_of(self->what == KEYS ? pair.first : pair.second);
}

const JSClassDef definition = {.class_name = "URLSearchParams Iterator",
                               .finalizer = finalize,
                               .gc_mark = mark};

const JSCFunctionListEntry members[] = {
    {"next",
     TORPOR_MEMBER,
     JS_DEF_CFUNC,
     0,
     {.func = {0, JS_CFUNC_iterator_next, {.iterator_next = next}}}},
    TORPOR_TAG("URLSearchParams Iterator"),
};

// %IteratorPrototype%: that of the prototype of generators, which are made by
// syntax, so that no program can have replaced them.
JSValue find_iterator_prototype() {
  static const char code[] = "(function* () {})()";
  JSValue generator = JS_Eval(context, code, sizeof code - 1, "<url>", 0);
  for (int i = 0; i < 3 && !JS_IsException(generator); i++) {
    JSValue proto = JS_GetPrototype(context, generator);
    JS_FreeValue(context, generator);
    generator = proto;
  }
  return generator;
}

} // namespace

JSValue iterate_params(JSValueConst params, int what) {
  JSValue object = JS_NewObjectClass(context, iterator_class);
  if (JS_IsException(object)) return object;
  auto *self = static_cast<iterator_object *>(
      js_malloc(context, sizeof(iterator_object)));
  if (self == nullptr) {
    JS_FreeValue(context, object);
    return JS_EXCEPTION;
  }
  *self = {JS_DupValue(context, params), 0, what};
  JS_SetOpaque(object, self);
  return object;
}

bool define_search_params_iterator() {
  JS_NewClassID(runtime, &iterator_class);
  if (JS_NewClass(runtime, iterator_class, &definition) < 0) return false;
  JSValue parent = find_iterator_prototype();
  if (JS_IsException(parent)) return false;
  JSValue proto = JS_NewObjectProto(context, parent);
  JS_FreeValue(context, parent);
  if (JS_IsException(proto)) return false;
  JS_SetClassProto(context, iterator_class, proto); // takes it
  return JS_SetPropertyFunctionList(context, proto, members,
                                    std::size(members)) >= 0;
}

} // namespace torpor
