// SPDX-License-Identifier: MIT
//
// search-params.cpp - class URLSearchParams of the URL Standard
// (https://url.spec.whatwg.org/#interface-urlsearchparams).
//
// A list that belongs to a URL writes each change into it (update), and is told
// when the query changes otherwise (params_reload).

#include "search-params.h"

namespace torpor {

namespace {

JSClassID params_class;

params_state *held_by(JSValueConst value) {
  return static_cast<params_state *>(JS_GetOpaque(value, params_class));
}

void finalize(JSRuntime *, JSValueConst value) {
  params_state *self = held_by(value);
  if (self == nullptr) return;
  release(self->state);
  delete self;
}

// What writing the list into its URL may allocate.
size_t room_to_update(const params_state *self) {
  if (self->state == nullptr) return 0;
  size_t size = room_for(self->state->url.get_href_size());
  for (const auto &[key, value] : self->list)
    size += 8 * (key.size() + value.size());
  return size;
}

size_t room_to_change(const params_state *self, const text &key,
                      const text &value) {
  return key.room() + value.room() + self->room_to_grow() +
         room_to_update(self);
}

void update(params_state *self) {
  if (self->state == nullptr) return;
  self->state->url.set_search(self->list.to_string());
  settle(self->state->url.get_href());
}

// Takes nothing over when it throws.
JSValue wrap(JSValueConst new_target, params_state **made) {
  JSValue object = object_of(params_class, new_target);
  if (JS_IsException(object)) return object;
  reserve memory(sizeof(params_state) + 64);
  if (!memory.ok) {
    JS_FreeValue(context, object);
    return JS_EXCEPTION;
  }
  *made = new params_state;
  JS_SetOpaque(object, *made);
  return object;
}

JSValue construct(JSContext *, JSValueConst new_target, int count,
                  JSValueConst *args) {
  params_state *self;
  JSValue object = wrap(new_target, &self);
  if (JS_IsException(object)) return object;
  if (is_given(count, args, 0) && !fill_params(self, args[0])) {
    JS_FreeValue(context, object);
    return JS_EXCEPTION;
  }
  return object;
}

JSValue append(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  params_state *self = params_self(value);
  text key, to;
  if (self == nullptr || !has_arguments("URLSearchParams.append", count, 2) ||
      !key.take(args[0]) || !to.take(args[1]))
    return JS_EXCEPTION;
  reserve memory(room_to_change(self, key, to));
  if (!memory.ok) return JS_EXCEPTION;
  self->append(key.view(), to.view());
  update(self);
  return JS_UNDEFINED;
}

JSValue set(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  params_state *self = params_self(value);
  text key, to;
  if (self == nullptr || !has_arguments("URLSearchParams.set", count, 2) ||
      !key.take(args[0]) || !to.take(args[1]))
    return JS_EXCEPTION;
  reserve memory(room_to_change(self, key, to));
  if (!memory.ok) return JS_EXCEPTION;
  self->set(key.view(), to.view());
  update(self);
  return JS_UNDEFINED;
}

JSValue remove(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  params_state *self = params_self(value);
  text key, of;
  if (self == nullptr || !has_arguments("URLSearchParams.delete", count, 1) ||
      !key.take(args[0]) || (is_given(count, args, 1) && !of.take(args[1])))
    return JS_EXCEPTION;
  reserve memory(64 + room_to_update(self));
  if (!memory.ok) return JS_EXCEPTION;
  if (is_given(count, args, 1))
    self->list.remove(key.view(), of.view());
  else
    self->list.remove(key.view());
  update(self);
  return JS_UNDEFINED;
}

JSValue has(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  params_state *self = params_self(value);
  text key, of;
  if (self == nullptr || !has_arguments("URLSearchParams.has", count, 1) ||
      !key.take(args[0]) || (is_given(count, args, 1) && !of.take(args[1])))
    return JS_EXCEPTION;
  return JS_NewBool(context, is_given(count, args, 1)
                                 ? self->list.has(key.view(), of.view())
                                 : self->list.has(key.view()));
}

JSValue get(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  params_state *self = params_self(value);
  text key;
  if (self == nullptr || !has_arguments("URLSearchParams.get", count, 1) ||
      !key.take(args[0]))
    return JS_EXCEPTION;
  auto found = self->list.get(key.view());
  return found ? string_of(*found) : JS_NULL;
}

JSValue get_all(JSContext *, JSValueConst value, int count,
                JSValueConst *args) {
  params_state *self = params_self(value);
  text key;
  if (self == nullptr || !has_arguments("URLSearchParams.getAll", count, 1) ||
      !key.take(args[0]))
    return JS_EXCEPTION;
  JSValue array = JS_NewArray(context);
  if (JS_IsException(array)) return array;
  uint32_t found = 0;
  for (const auto &[name, of] : self->list) {
    if (name != key.view()) continue;
    JSValue string = string_of(of);
    if (JS_IsException(string) ||
        JS_DefinePropertyValueUint32(context, array, found++, string,
                                     JS_PROP_C_W_E) < 0) {
      JS_FreeValue(context, array);
      return JS_EXCEPTION;
    }
  }
  return array;
}

JSValue sort(JSContext *, JSValueConst value, int, JSValueConst *) {
  params_state *self = params_self(value);
  if (self == nullptr) return JS_EXCEPTION;
  reserve memory(64 * self->list.size() + 64 + room_to_update(self));
  if (!memory.ok) return JS_EXCEPTION;
  self->list.sort();
  update(self);
  return JS_UNDEFINED;
}

JSValue to_string(JSContext *, JSValueConst value, int, JSValueConst *) {
  params_state *self = params_self(value);
  if (self == nullptr) return JS_EXCEPTION;
  size_t size = 64;
  for (const auto &[key, of] : self->list)
    size += 8 * (key.size() + of.size() + 2);
  reserve memory(size);
  if (!memory.ok) return JS_EXCEPTION;
  return string_of(self->list.to_string());
}

JSValue get_size(JSContext *, JSValueConst value, int) {
  params_state *self = params_self(value);
  if (self == nullptr) return JS_EXCEPTION;
  return JS_NewNumber(context, static_cast<double>(self->list.size()));
}

JSValue iterate(JSContext *, JSValueConst value, int, JSValueConst *,
                int what) {
  if (params_self(value) == nullptr) return JS_EXCEPTION;
  return iterate_params(value, what);
}

// Calls back with one pair; the callback may change the list.
bool call_back(JSValueConst value, params_state *self, size_t index,
               JSValueConst function, JSValueConst self_of_it) {
  const auto &[key, of] = self->at(index);
  JSValue args[] = {string_of(of), string_of(key), JS_DupValue(context, value)};
  bool done = !JS_IsException(args[0]) && !JS_IsException(args[1]);
  if (done) {
    JSValue result = JS_Call(context, function, self_of_it, 3, args);
    done = !JS_IsException(result);
    JS_FreeValue(context, result);
  }
  for (JSValue arg : args) JS_FreeValue(context, arg);
  return done;
}

JSValue for_each(JSContext *, JSValueConst value, int count,
                 JSValueConst *args) {
  params_state *self = params_self(value);
  if (self == nullptr || !has_arguments("URLSearchParams.forEach", count, 1))
    return JS_EXCEPTION;
  if (!JS_IsFunction(context, args[0]))
    return JS_ThrowTypeError(
        context, "URLSearchParams.forEach takes a function to call");
  JSValueConst self_of_it = count > 1 ? args[1] : JS_UNDEFINED;
  for (size_t i = 0; i < self->list.size(); i++)
    if (!call_back(value, self, i, args[0], self_of_it)) return JS_EXCEPTION;
  return JS_UNDEFINED;
}

const JSClassDef definition = {.class_name = "URLSearchParams",
                               .finalizer = finalize};

#define ITERATE(name, what)                                                    \
  {                                                                            \
    name, TORPOR_MEMBER, JS_DEF_CFUNC, what, {                                 \
      .func = { 0, JS_CFUNC_generic_magic, {.generic_magic = iterate} }        \
    }                                                                          \
  }

const JSCFunctionListEntry members[] = {
    TORPOR_ATTRIBUTE("size", get_size, nullptr, 0),
    TORPOR_METHOD("append", 2, append),
    TORPOR_METHOD("delete", 1, remove),
    TORPOR_METHOD("get", 1, get),
    TORPOR_METHOD("getAll", 1, get_all),
    TORPOR_METHOD("has", 1, has),
    TORPOR_METHOD("set", 2, set),
    TORPOR_METHOD("sort", 0, sort),
    TORPOR_METHOD("toString", 0, to_string),
    ITERATE("entries", ENTRIES),
    TORPOR_METHOD("forEach", 1, for_each),
    ITERATE("keys", KEYS),
    ITERATE("values", VALUES),
    JS_ALIAS_DEF("[Symbol.iterator]", "entries"),
    TORPOR_TAG("URLSearchParams"),
};

} // namespace

params_state *params_self(JSValueConst value) {
  return static_cast<params_state *>(
      JS_GetOpaque2(context, value, params_class));
}

JSValue params_of(url_state *state) {
  params_state *self;
  JSValue object = wrap(JS_UNDEFINED, &self);
  if (JS_IsException(object)) return object;
  std::string_view query = state->url.get_search();
  reserve memory(room_for(query.size()) + 64 * query.size());
  if (!memory.ok) {
    JS_FreeValue(context, object);
    return JS_EXCEPTION;
  }
  self->reset(query);
  self->state = state;
  state->count++;
  return object;
}

void params_reload(JSValueConst params, url_state *state) {
  if (!JS_IsUndefined(params)) held_by(params)->reset(state->url.get_search());
}

bool define_search_params() {
  return define_interface({"URLSearchParams", &params_class, &definition,
                           construct, 0, members, std::size(members), nullptr,
                           0});
}

} // namespace torpor
