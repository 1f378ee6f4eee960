// SPDX-License-Identifier: MIT
//
// glue.h - between ada's classes and the engine's: strings both ways, classes
// whose properties are as Web IDL wants them.
//
// Functions that may throw follow the engine: they give JS_EXCEPTION, nullptr
// or false, with the error pending.

#ifndef TORPOR_URL_GLUE_H
#define TORPOR_URL_GLUE_H

#include "ada.h"
#include "reserve.h"

#include <optional>
#include <string>
#include <string_view>

namespace torpor {

// How much ada may allocate for an input of this size: a few copies of it, each
// percent-encoded, in strings that double their room. What is not ASCII may be
// a host, which is mapped and normalised as 32-bit characters.
inline size_t room_for(size_t size, bool is_ascii = true) {
  return 256 + size * (is_ascii ? 8 : 64);
}

// A value as a USVString, in UTF-8: what String(value) gives, with U+FFFD for
// each surrogate that stands alone.
class text {
public:
  text() = default;
  text(const text &) = delete;
  text &operator=(const text &) = delete;
  ~text() {
    if (start != nullptr) JS_FreeCString(context, start);
    if (mended != nullptr) js_free(context, mended);
  }

  // False when the conversion has thrown.
  bool take(JSValueConst value);

  std::string_view view() const {
    return {mended != nullptr ? mended : start, size};
  }
  const std::string_view *pointer() {
    shown = view();
    return &shown;
  }
  // How much ada may allocate for it; and when it has a host, whose name may
  // have to be looked up.
  size_t room() const {
    return room_for(size, is_ascii);
  }
  size_t room_with_host() const;

private:
  const char *start = nullptr;
  char *mended = nullptr;
  size_t size = 0;
  bool is_ascii = true;
  std::string_view shown;
};

inline JSValue string_of(std::string_view view) {
  return JS_NewStringLen(context, view.data(), view.size());
}

// Clears what lies behind the end of a short std::string: it was moved here as
// it lay on the stack, and equal histories are to give equal bytes. The view is
// of all of it.
inline void settle(std::string_view view) {
  constexpr size_t room = 11; // that every string has, with its end
  if (view.size() < room)
    __builtin_memset(const_cast<char *>(view.data()) + view.size(), 0,
                     room - view.size());
}

// Throws when fewer than 'needed' arguments were given.
bool has_arguments(const char *function, int count, int needed);

// Whether an optional argument is there; undefined is not.
inline bool is_given(int count, JSValueConst *args, int index) {
  return index < count && !JS_IsUndefined(args[index]);
}

// An object of class 'id' whose prototype is that of 'new_target', or the
// class's own without one.
JSValue object_of(JSClassID id, JSValueConst new_target);

// What the engine knows of objects that have the prototype of class 'id' and no
// properties is made with the first of them, and gone with the last. This makes
// an object that stays, for programs that look at one address after the other.
bool keep_shape(JSClassID id);

// Makes interface object and prototype, and defines the former as a global.
struct interface {
  const char *name;
  JSClassID *id;
  const JSClassDef *definition;
  JSCFunction *construct;
  int length;
  const JSCFunctionListEntry *members;
  int member_count;
  const JSCFunctionListEntry *statics;
  int static_count;
};
bool define_interface(const interface &what);

// The well-known symbol Symbol.iterator, whatever the program has done to the
// global Symbol.
extern JSAtom iterator_symbol;

bool define_url();
bool define_search_params();
bool define_search_params_iterator();
bool define_pattern();

} // namespace torpor

// Members of an interface: enumerable, unlike those of the language itself.
#define TORPOR_MEMBER                                                          \
  (JS_PROP_WRITABLE | JS_PROP_ENUMERABLE | JS_PROP_CONFIGURABLE)
#define TORPOR_METHOD(name, length, function)                                  \
  JS_CFUNC_DEF2(name, length, function, TORPOR_MEMBER)
#define TORPOR_ATTRIBUTE(name, get, set, magic)                                \
  JS_CGETSET_MAGIC_DEF2(name, get, set, magic,                                 \
                        JS_PROP_ENUMERABLE | JS_PROP_CONFIGURABLE)
#define TORPOR_TAG(name)                                                       \
  JS_PROP_STRING_DEF("[Symbol.toStringTag]", name, JS_PROP_CONFIGURABLE)

#endif
