// SPDX-License-Identifier: MIT
//
// pattern-regexp.h - the regular expressions of URLPattern: the program's own.
//
// ada compiles a pattern to the source of a JavaScript regular expression and
// leaves it to us to make one and to run it. What the engine throws meanwhile
// stays pending, since ada can only be told "no": whoever called ada looks.

#ifndef TORPOR_URL_PATTERN_REGEXP_H
#define TORPOR_URL_PATTERN_REGEXP_H

#include "glue.h"

#include <vector>

namespace torpor {

// A RegExp object that no program ever sees.
class guest_regexp {
public:
  guest_regexp() = default;
  explicit guest_regexp(JSValue taken) : value(taken) {
  }
  guest_regexp(const guest_regexp &from)
      : value(JS_DupValue(context, from.value)) {
  }
  guest_regexp(guest_regexp &&from) noexcept : value(from.value) {
    from.value = JS_UNDEFINED;
  }
  guest_regexp &operator=(guest_regexp from) noexcept {
    std::swap(value, from.value);
    return *this;
  }
  ~guest_regexp() {
    JS_FreeValueRT(runtime, value);
  }

  JSValue value = JS_UNDEFINED;
};

class regexp_provider {
public:
  using regex_type = guest_regexp;
  using groups = std::vector<std::optional<std::string>>;

  static std::optional<regex_type> create_instance(std::string_view pattern,
                                                   bool ignore_case);
  static std::optional<groups> regex_search(std::string_view input,
                                            const regex_type &regexp);
  static bool regex_match(std::string_view input, const regex_type &regexp);
};

// Finds RegExp and its exec.
bool prepare_regexps();

} // namespace torpor

#endif
