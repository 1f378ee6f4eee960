// SPDX-License-Identifier: MIT
//
// pattern.cpp - class URLPattern of the URL Pattern Standard
// (https://urlpattern.spec.whatwg.org/).

#include "pattern-regexp.h"

namespace torpor {

namespace {

using pattern_type = ada::url_pattern<regexp_provider>;
using component_type = ada::url_pattern_component<regexp_provider>;
using result_type = ada::url_pattern_component_result;
using init_type = ada::url_pattern_init;

JSClassID pattern_class;

// The components, as a dictionary has them: by name.
struct component {
  const char *name;
  component_type pattern_type::*compiled;
  std::optional<std::string> init_type::*init;
  result_type ada::url_pattern_result::*result;
};

#define COMPONENT(name)                                                        \
  {#name, &pattern_type::name##_component, &init_type::name,                   \
   &ada::url_pattern_result::name}

const component components[] = {
    {"baseURL", nullptr, &init_type::base_url, nullptr},
    COMPONENT(hash),
    COMPONENT(hostname),
    {"inputs", nullptr, nullptr, nullptr},
    COMPONENT(password),
    COMPONENT(pathname),
    COMPONENT(port),
    COMPONENT(protocol),
    COMPONENT(search),
    COMPONENT(username),
};

enum {
  HASH = 1,
  HOSTNAME,
  INPUTS,
  PASSWORD,
  PATHNAME,
  PORT,
  PROTOCOL,
  SEARCH,
  USERNAME
};

pattern_type *self_of(JSValueConst value) {
  return static_cast<pattern_type *>(
      JS_GetOpaque2(context, value, pattern_class));
}

void finalize(JSRuntime *, JSValueConst value) {
  delete static_cast<pattern_type *>(JS_GetOpaque(value, pattern_class));
}

void mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *visit) {
  auto *self = static_cast<pattern_type *>(JS_GetOpaque(value, pattern_class));
  if (self == nullptr) return;
  for (const component &each : components)
    if (each.compiled != nullptr)
      JS_MarkValue(rt, (self->*each.compiled).regexp.value, visit);
}

// A URLPatternInput: a string, or a dictionary of components; and the base
// address of a string.
struct arguments {
  text address, base;
  init_type init;
  bool is_text = false, has_base = false;
  size_t size = 24576;

  bool take(JSValueConst value) {
    if (!JS_IsUndefined(value) && !JS_IsNull(value) && !JS_IsObject(value)) {
      is_text = true;
      if (!address.take(value)) return false;
      add(address);
      return true;
    }
    if (!JS_IsObject(value)) return true;
    for (const component &each : components)
      if (each.init != nullptr && !take_member(value, each)) return false;
    return true;
  }

  bool take_member(JSValueConst value, const component &each) {
    JSValue member = JS_GetPropertyStr(context, value, each.name);
    if (JS_IsUndefined(member)) return true;
    text taken;
    bool done = !JS_IsException(member) && taken.take(member);
    JS_FreeValue(context, member);
    if (!done) return false;
    reserve memory(taken.view().size() + 64);
    if (!memory.ok) return false;
    init.*each.init = std::string(taken.view());
    add(taken);
    return true;
  }

  bool take_base(JSValueConst value) {
    has_base = true;
    if (!base.take(value)) return false;
    add(base);
    return true;
  }

  // A pattern is parsed to parts, of which each is a few strings, and these to
  // the source of a regular expression.
  void add(const text &taken) {
    size += 256 * taken.view().size() + taken.room_with_host();
  }

  const std::string_view *base_pointer() {
    return has_base ? base.pointer() : nullptr;
  }

  ada::url_pattern_input input() const {
    if (is_text) return address.view();
    return init;
  }
};

bool take_options(JSValueConst value, ada::url_pattern_options *options) {
  if (JS_IsUndefined(value) || JS_IsNull(value)) return true;
  if (!JS_IsObject(value)) {
    JS_ThrowTypeError(context, "the options of URLPattern must be an object");
    return false;
  }
  JSValue ignore = JS_GetPropertyStr(context, value, "ignoreCase");
  if (JS_IsException(ignore)) return false;
  options->ignore_case = JS_ToBool(context, ignore) > 0;
  JS_FreeValue(context, ignore);
  return true;
}

// (input, base, options) or (input, options): with two arguments the kind of the
// second decides, as Web IDL has it.
bool take_all(int count, JSValueConst *args, arguments *from,
              ada::url_pattern_options *options) {
  if (count > 0 && !from->take(args[0])) return false;
  if (count >= 3)
    return from->take_base(args[1]) && take_options(args[2], options);
  if (count < 2) return true;
  if (JS_IsUndefined(args[1]) || JS_IsNull(args[1]) || JS_IsObject(args[1]))
    return take_options(args[1], options);
  return from->take_base(args[1]);
}

void settle_all(const pattern_type &self) {
  for (const component &each : components) {
    if (each.compiled == nullptr) continue;
    const component_type &compiled = self.*each.compiled;
    settle(compiled.pattern);
    settle(compiled.exact_match_value);
    for (const std::string &name : compiled.group_name_list) settle(name);
  }
}

// An error of the program's own code or of its limits stays; what the regular
// expression has wrong is told.
JSValue throw_invalid(const arguments &from) {
  if (from.has_base && !from.is_text)
    return JS_ThrowTypeError(
        context,
        "URLPattern takes a base address only with a string; put it "
        "into the object, as 'baseURL'");
  if (from.is_text && !from.has_base)
    return JS_ThrowTypeError(
        context,
        "Invalid URL pattern: '%.80s' (one without a scheme needs a "
        "base address)",
        std::string(from.address.view()).c_str());
  return JS_ThrowTypeError(context, "Invalid URL pattern");
}

// What is pending becomes a TypeError if it is a SyntaxError of our RegExp.
JSValue throw_pending() {
  JSValue error = JS_GetException(context);
  JSValue name = JS_GetPropertyStr(context, error, "name");
  JSValue message = JS_GetPropertyStr(context, error, "message");
  text of_name, of_message;
  bool is_syntax = JS_IsError(error) && !JS_IsUncatchableError(error) &&
                   of_name.take(name) && of_name.view() == "SyntaxError" &&
                   of_message.take(message);
  JS_FreeValue(context, name);
  JS_FreeValue(context, message);
  if (!is_syntax) return JS_Throw(context, error);
  JS_FreeValue(context, error);
  return JS_ThrowTypeError(context, "Invalid URL pattern: %.120s",
                           std::string(of_message.view()).c_str());
}

JSValue construct(JSContext *, JSValueConst new_target, int count,
                  JSValueConst *args) {
  arguments from;
  ada::url_pattern_options options;
  if (!take_all(count, args, &from, &options)) return JS_EXCEPTION;
  JSValue object = object_of(pattern_class, new_target);
  if (JS_IsException(object)) return object;
  reserve memory(from.size);
  if (memory.ok) {
    auto parsed = ada::parse_url_pattern<regexp_provider>(
        from.input(), from.base_pointer(), &options);
    if (parsed && !JS_HasException(context)) {
      auto *self = new pattern_type(std::move(*parsed));
      settle_all(*self);
      JS_SetOpaque(object, self);
      return object;
    }
    if (JS_HasException(context))
      throw_pending();
    else
      throw_invalid(from);
  }
  JS_FreeValue(context, object);
  return JS_EXCEPTION;
}

// Arguments of test and exec. An object with a base is refused; what is not a
// valid address just does not match.
bool take_input(int count, JSValueConst *args, arguments *from) {
  if (count > 0 && !from->take(args[0])) return false;
  if (!is_given(count, args, 1)) return true;
  if (!from->take_base(args[1])) return false;
  if (from->is_text) return true;
  throw_invalid(*from);
  return false;
}

JSValue test(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  pattern_type *self = self_of(value);
  arguments from;
  if (self == nullptr || !take_input(count, args, &from)) return JS_EXCEPTION;
  reserve memory(from.size);
  if (!memory.ok) return JS_EXCEPTION;
  auto result = self->test(from.input(), from.base_pointer());
  if (JS_HasException(context)) return JS_EXCEPTION;
  return JS_NewBool(context, result && *result);
}

// Adds a property, and takes the value; false when either has failed.
bool put(JSValueConst object, const char *name, JSValue value) {
  return !JS_IsException(value) &&
         JS_DefinePropertyValueStr(context, object, name, value,
                                   JS_PROP_C_W_E) >= 0;
}

// The value when 'done'; else it is freed.
JSValue give(JSValue value, bool done) {
  if (done) return value;
  JS_FreeValue(context, value);
  return JS_EXCEPTION;
}

// In the order of the groups in the pattern.
JSValue groups_of(const component_type &compiled, const result_type &result) {
  JSValue object = JS_NewObject(context);
  bool done = !JS_IsException(object);
  for (const std::string &name : compiled.group_name_list) {
    auto group = result.groups.find(name);
    if (!done || group == result.groups.end()) continue;
    JSAtom atom = JS_NewAtomLen(context, name.data(), name.size());
    JSValue string = group->second ? string_of(*group->second) : JS_UNDEFINED;
    done = atom != JS_ATOM_NULL && !JS_IsException(string) &&
           JS_DefinePropertyValue(context, object, atom, string,
                                  JS_PROP_C_W_E) >= 0;
    JS_FreeAtom(context, atom);
  }
  return give(object, done);
}

JSValue component_of(const component_type &compiled,
                     const result_type &result) {
  JSValue object = JS_NewObject(context);
  if (JS_IsException(object)) return object;
  return give(object, put(object, "groups", groups_of(compiled, result)) &&
                          put(object, "input", string_of(result.input)));
}

JSValue init_of(const init_type &init) {
  JSValue object = JS_NewObject(context);
  bool done = !JS_IsException(object);
  for (const component &each : components) {
    if (each.init == nullptr || !(init.*each.init)) continue;
    done = done && put(object, each.name, string_of(*(init.*each.init)));
  }
  return give(object, done);
}

JSValue inputs_of(const arguments &from) {
  JSValue array = JS_NewArray(context);
  if (JS_IsException(array)) return array;
  JSValue first =
      from.is_text ? string_of(from.address.view()) : init_of(from.init);
  return give(array, put(array, "0", first) &&
                         (!from.has_base ||
                          put(array, "1", string_of(from.base.view()))));
}

JSValue result_of(const pattern_type &self, const arguments &from,
                  const ada::url_pattern_result &result) {
  JSValue object = JS_NewObject(context);
  bool done = !JS_IsException(object);
  for (const component &each : components) {
    if (each.result != nullptr)
      done =
          done && put(object, each.name,
                      component_of(self.*each.compiled, result.*each.result));
    else if (each.init == nullptr)
      done = done && put(object, each.name, inputs_of(from));
  }
  return give(object, done);
}

JSValue exec(JSContext *, JSValueConst value, int count, JSValueConst *args) {
  pattern_type *self = self_of(value);
  arguments from;
  if (self == nullptr || !take_input(count, args, &from)) return JS_EXCEPTION;
  reserve memory(from.size);
  if (!memory.ok) return JS_EXCEPTION;
  auto result = self->exec(from.input(), from.base_pointer());
  if (JS_HasException(context)) return JS_EXCEPTION;
  if (!result || !*result) return JS_NULL;
  return result_of(*self, from, **result);
}

JSValue get_component(JSContext *, JSValueConst value, int magic) {
  pattern_type *self = self_of(value);
  if (self == nullptr) return JS_EXCEPTION;
  return string_of((self->*components[magic].compiled).pattern);
}

JSValue get_has_groups(JSContext *, JSValueConst value, int) {
  pattern_type *self = self_of(value);
  if (self == nullptr) return JS_EXCEPTION;
  return JS_NewBool(context, self->has_regexp_groups());
}

const JSClassDef definition = {
    .class_name = "URLPattern", .finalizer = finalize, .gc_mark = mark};

const JSCFunctionListEntry members[] = {
    TORPOR_ATTRIBUTE("protocol", get_component, nullptr, PROTOCOL),
    TORPOR_ATTRIBUTE("username", get_component, nullptr, USERNAME),
    TORPOR_ATTRIBUTE("password", get_component, nullptr, PASSWORD),
    TORPOR_ATTRIBUTE("hostname", get_component, nullptr, HOSTNAME),
    TORPOR_ATTRIBUTE("port", get_component, nullptr, PORT),
    TORPOR_ATTRIBUTE("pathname", get_component, nullptr, PATHNAME),
    TORPOR_ATTRIBUTE("search", get_component, nullptr, SEARCH),
    TORPOR_ATTRIBUTE("hash", get_component, nullptr, HASH),
    TORPOR_ATTRIBUTE("hasRegExpGroups", get_has_groups, nullptr, 0),
    TORPOR_METHOD("test", 0, test),
    TORPOR_METHOD("exec", 0, exec),
    TORPOR_TAG("URLPattern"),
};

} // namespace

bool define_pattern() {
  return prepare_regexps() &&
         define_interface({"URLPattern", &pattern_class, &definition, construct,
                           0, members, std::size(members), nullptr, 0});
}

} // namespace torpor
