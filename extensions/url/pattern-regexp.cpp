// SPDX-License-Identifier: MIT
//
// pattern-regexp.cpp - see pattern-regexp.h.
//
//  (1) A result of exec is looked at with suspicion: a program may have replaced
//      exec before this extension was loaded.

#include "pattern-regexp.h"

namespace torpor {

namespace {

JSValue regexp_constructor = JS_UNDEFINED;
JSValue regexp_exec = JS_UNDEFINED;

// What exec gives for an input: an array, null, or an exception.
JSValue run(std::string_view input, JSValueConst regexp) {
  JSValue string = string_of(input);
  if (JS_IsException(string)) return string;
  JSValue result = JS_Call(context, regexp_exec, regexp, 1, &string);
  JS_FreeValue(context, string);
  return result;
}

// Capture 'index'; false when something was thrown.
bool read_group(JSValueConst match, uint32_t index,
                std::optional<std::string> *group) {
  JSValue value = JS_GetPropertyUint32(context, match, index);
  if (JS_IsUndefined(value)) return true;
  text found;
  bool done = !JS_IsException(value) && found.take(value);
  JS_FreeValue(context, value);
  if (!done) return false;
  *group = std::string(found.view());
  return true;
}

} // namespace

std::optional<guest_regexp>
regexp_provider::create_instance(std::string_view pattern, bool ignore_case) {
  if (JS_HasException(context)) return std::nullopt;
  JSValue args[] = {string_of(pattern), string_of(ignore_case ? "vi" : "v")};
  JSValue regexp =
      JS_IsException(args[0]) || JS_IsException(args[1])
          ? JS_EXCEPTION
          : JS_CallConstructor(context, regexp_constructor, 2, args);
  for (JSValue arg : args) JS_FreeValue(context, arg);
  if (JS_IsException(regexp)) return std::nullopt;
  return guest_regexp(regexp);
}

// The captures, without the whole match.
std::optional<regexp_provider::groups>
regexp_provider::regex_search(std::string_view input,
                              const guest_regexp &regexp) {
  if (JS_HasException(context)) return std::nullopt;
  JSValue match = run(input, regexp.value);
  std::optional<groups> found;
  int64_t count = 0;
  if (JS_IsObject(match) && JS_GetLength(context, match, &count) >= 0) {
    found.emplace();
    for (int64_t i = 1; i < count && found; i++) {
      std::optional<std::string> group;
      if (read_group(match, static_cast<uint32_t>(i), &group))
        found->push_back(std::move(group));
      else
        found.reset();
    }
  }
  JS_FreeValue(context, match);
  return found;
}

bool regexp_provider::regex_match(std::string_view input,
                                  const guest_regexp &regexp) {
  if (JS_HasException(context)) return false;
  JSValue match = run(input, regexp.value);
  bool found = JS_IsObject(match);
  JS_FreeValue(context, match);
  return found;
}

bool prepare_regexps() {
  static const char code[] = "/a/v";
  JSValue regexp = JS_Eval(context, code, sizeof code - 1, "<url>", 0);
  if (JS_IsException(regexp)) return false;
  JSValue proto = JS_GetPrototype(context, regexp);
  JS_FreeValue(context, regexp);
  regexp_constructor = JS_GetPropertyStr(context, proto, "constructor");
  regexp_exec = JS_GetPropertyStr(context, proto, "exec");
  JS_FreeValue(context, proto);
  return !JS_IsException(regexp_constructor) && !JS_IsException(regexp_exec);
}

} // namespace torpor
