// SPDX-License-Identifier: MIT
//
// search-params-init.cpp - what the constructor of URLSearchParams takes: a
// string, a sequence of pairs, or a record (an object with strings), told apart
// as Web IDL does.
//
//  (1) Everything is read before anything is added; only then it is seen whether
//      each item of a sequence is a pair.

#include "search-params.h"

namespace torpor {

namespace {

// A value with its end.
struct local {
  JSValue value;
  explicit local(JSValue taken) : value(taken) {
  }
  ~local() {
    JS_FreeValue(context, value);
  }
  local(const local &) = delete;
  local &operator=(const local &) = delete;
  operator JSValueConst() const {
    return value;
  }
  bool failed() const {
    return JS_IsException(value);
  }
};

bool append(params_state *params, const text &key, const text &value) {
  reserve memory(key.room() + value.room() + params->room_to_grow());
  if (!memory.ok) return false;
  params->append(key.view(), value.view());
  return true;
}

// Walks what 'method', the value's Symbol.iterator, gives. 'visit' (value, index)
// gives false when it has thrown.
template <typename Visit>
bool walk(JSValueConst value, JSValueConst method, Visit visit) {
  local iterator(JS_Call(context, method, value, 0, nullptr));
  if (iterator.failed()) return false;
  if (!JS_IsObject(iterator)) {
    JS_ThrowTypeError(context, "an iterator must be an object");
    return false;
  }
  local next(JS_GetPropertyStr(context, iterator, "next"));
  if (next.failed()) return false;
  for (uint32_t index = 0;; index++) {
    local step(JS_Call(context, next, iterator, 0, nullptr));
    if (step.failed()) return false;
    if (!JS_IsObject(step)) {
      JS_ThrowTypeError(context, "what an iterator gives must be an object");
      return false;
    }
    local done(JS_GetPropertyStr(context, step, "done"));
    int is_done = done.failed() ? -1 : JS_ToBool(context, done);
    if (is_done != 0) return is_done > 0;
    local item(JS_GetPropertyStr(context, step, "value"));
    if (item.failed() || !visit(item, index)) return false;
  }
}

// One item of the sequence, as an array of strings at the end of 'pairs'.
bool read_pair(JSValueConst pairs, JSValueConst item, uint32_t index) {
  if (!JS_IsObject(item)) {
    JS_ThrowTypeError(context, "item %u given to URLSearchParams is not a pair",
                      index);
    return false;
  }
  local method(JS_GetProperty(context, item, iterator_symbol));
  if (method.failed()) return false;
  if (!JS_IsFunction(context, method)) {
    JS_ThrowTypeError(context, "item %u given to URLSearchParams is not a pair",
                      index);
    return false;
  }
  JSValue strings = JS_NewArray(context);
  if (JS_IsException(strings) ||
      JS_DefinePropertyValueUint32(context, pairs, index, strings,
                                   JS_PROP_C_W_E) < 0)
    return false;
  return walk(item, method, [&](JSValueConst value, uint32_t at) {
    JSValue string = JS_ToString(context, value);
    return !JS_IsException(string) &&
           JS_DefinePropertyValueUint32(context, strings, at, string,
                                        JS_PROP_C_W_E) >= 0;
  });
}

bool append_pair(params_state *params, JSValueConst strings, int64_t index) {
  int64_t length;
  if (JS_GetLength(context, strings, &length) < 0) return false;
  if (length != 2) {
    JS_ThrowTypeError(context,
                      "item %d given to URLSearchParams has %d values, not 2: "
                      "each is to be a pair of name and value",
                      static_cast<int>(index), static_cast<int>(length));
    return false;
  }
  local first(JS_GetPropertyUint32(context, strings, 0));
  local second(JS_GetPropertyUint32(context, strings, 1));
  text key, value;
  return key.take(first) && value.take(second) && append(params, key, value);
}

bool fill_from_sequence(params_state *params, JSValueConst init,
                        JSValueConst method) {
  local pairs(JS_NewArray(context));
  int64_t count;
  if (pairs.failed() ||
      !walk(init, method,
            [&](JSValueConst item, uint32_t index) {
              return read_pair(pairs, item, index);
            }) ||
      JS_GetLength(context, pairs, &count) < 0)
    return false;
  for (int64_t i = 0; i < count; i++) {
    local strings(
        JS_GetPropertyUint32(context, pairs, static_cast<uint32_t>(i)));
    if (!append_pair(params, strings, i)) return false;
  }
  return true;
}

// One property of a record. Of keys that become equal by losing surrogates the
// first keeps its place, and the last its value.
bool append_property(params_state *params, JSValueConst init, JSAtom name) {
  JSPropertyDescriptor property;
  int there = JS_GetOwnProperty(context, &property, init, name);
  if (there <= 0) return there == 0;
  JS_FreeValue(context, property.value);
  JS_FreeValue(context, property.getter);
  JS_FreeValue(context, property.setter);
  if ((property.flags & JS_PROP_ENUMERABLE) == 0) return true;
  local key_value(JS_AtomToValue(context, name));
  text key, value;
  if (key_value.failed() || !key.take(key_value)) return false;
  local of(JS_GetProperty(context, init, name));
  if (of.failed() || !value.take(of)) return false;
  if (!params->list.has(key.view())) return append(params, key, value);
  reserve memory(value.room());
  if (!memory.ok) return false;
  params->set(key.view(), value.view());
  return true;
}

bool fill_from_record(params_state *params, JSValueConst init) {
  JSPropertyEnum *keys;
  uint32_t count;
  if (JS_GetOwnPropertyNames(context, &keys, &count, init,
                             JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK) < 0)
    return false;
  bool done = true;
  for (uint32_t i = 0; i < count && done; i++)
    done = append_property(params, init, keys[i].atom);
  JS_FreePropertyEnum(context, keys, count);
  return done;
}

bool fill_from_string(params_state *params, JSValueConst init) {
  text query;
  if (!query.take(init)) return false;
  std::string_view view = query.view();
  reserve memory(query.room() + 64 * view.size());
  if (!memory.ok) return false;
  params->reset(view);
  return true;
}

} // namespace

bool fill_params(params_state *params, JSValueConst init) {
  if (!JS_IsObject(init)) return fill_from_string(params, init);
  local method(JS_GetProperty(context, init, iterator_symbol));
  if (method.failed()) return false;
  if (JS_IsUndefined(method) || JS_IsNull(method))
    return fill_from_record(params, init);
  if (!JS_IsFunction(context, method)) {
    JS_ThrowTypeError(context,
                      "what URLSearchParams was given has a Symbol.iterator "
                      "that is no function");
    return false;
  }
  return fill_from_sequence(params, init, method);
}

} // namespace torpor
