// SPDX-License-Identifier: MIT
// example-name - an extension in C++ to begin with.
//
//   new Example(onChange?)   a list of numbers, kept in a std::vector
//   .push(number)            adds one, calls onChange(number, length)
//   .length, .sum()
//   exampleSize(length)      a word for it
#include <torpor-extension.h>

#include <memory>
#include <new>
#include <numeric>
#include <string_view>
#include <vector>

TORPOR_EXTENSION("example-name", "0.1.0")

namespace {

// An object of the class. All of it lies in the VM's memory, so it sleeps and
// wakes with the VM.
struct List {
  std::vector<double> numbers;
  JSValue on_change = JS_UNDEFINED; // a function of JavaScript, or undefined
};

JSClassID class_id;

// Data with pointers in them: those are right wherever the VM puts them.
struct Size {
  uint32_t least;
  std::string_view word;
};
constexpr Size sizes[] = {{1000, "many"}, {2, "some"}, {1, "one"}, {0, "none"}};

List *get(JSContext *ctx, JSValueConst self) {
  return static_cast<List *>(JS_GetOpaque2(ctx, self, class_id));
}

// ---- What the engine calls about objects ------------------------------------

// The collector frees the object: so do we what it owns. No JavaScript may run
// here.
void finalize(JSRuntime *rt, JSValueConst value) {
  std::unique_ptr<List> list(
      static_cast<List *>(JS_GetOpaque(value, class_id)));
  if (list) JS_FreeValueRT(rt, list->on_change);
}

// Tells the collector what the object holds, so that it finds circles.
void mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *visit) {
  auto *list = static_cast<List *>(JS_GetOpaque(value, class_id));
  if (list != nullptr) JS_MarkValue(rt, list->on_change, visit);
}

const JSClassDef class_def = {"Example", finalize, mark, nullptr, nullptr};

// ---- The class --------------------------------------------------------------

JSValue construct(JSContext *ctx, JSValueConst target, int count,
                  JSValueConst *args) {
  JSValueConst on_change = count > 0 ? args[0] : JS_UNDEFINED;
  if (!JS_IsUndefined(on_change) && !JS_IsFunction(ctx, on_change))
    return JS_ThrowTypeError(ctx, "onChange is not a function");
  JSValue prototype = JS_GetPropertyStr(ctx, target, "prototype");
  if (JS_IsException(prototype)) return prototype;
  JSValue object = JS_NewObjectProtoClass(ctx, prototype, class_id);
  JS_FreeValue(ctx, prototype);
  if (JS_IsException(object)) return object;
  auto *list = new (std::nothrow) List;
  if (list == nullptr) {
    JS_FreeValue(ctx, object);
    return JS_ThrowOutOfMemory(ctx);
  }
  list->on_change = JS_DupValue(ctx, on_change);
  JS_SetOpaque(object, list);
  return object;
}

JSValue push(JSContext *ctx, JSValueConst self, int, JSValueConst *args) {
  double number;
  List *list = get(ctx, self);
  if (list == nullptr || JS_ToFloat64(ctx, &number, args[0]) < 0)
    return JS_EXCEPTION;
  list->numbers.push_back(number);
  if (JS_IsUndefined(list->on_change)) return JS_UNDEFINED;
  // 'self' is borrowed for this call, so 'list' lives through the call of
  // JavaScript, whatever that does.
  JSValue with[] = {
      JS_NewFloat64(ctx, number),
      JS_NewUint32(ctx, static_cast<uint32_t>(list->numbers.size()))};
  return JS_Call(ctx, list->on_change, self, 2, with);
}

JSValue get_length(JSContext *ctx, JSValueConst self) {
  List *list = get(ctx, self);
  if (list == nullptr) return JS_EXCEPTION;
  return JS_NewUint32(ctx, static_cast<uint32_t>(list->numbers.size()));
}

JSValue sum(JSContext *ctx, JSValueConst self, int, JSValueConst *) {
  List *list = get(ctx, self);
  if (list == nullptr) return JS_EXCEPTION;
  const std::vector<double> &numbers = list->numbers;
  return JS_NewFloat64(ctx,
                       std::accumulate(numbers.begin(), numbers.end(), 0.0));
}

// ---- A function -------------------------------------------------------------

JSValue size_of(JSContext *ctx, JSValueConst, int, JSValueConst *args) {
  uint32_t length;
  std::string_view word;
  if (JS_ToUint32(ctx, &length, args[0]) < 0) return JS_EXCEPTION;
  for (const Size &size : sizes) {
    word = size.word;
    if (length >= size.least) break;
  }
  return JS_NewStringLen(ctx, word.data(), word.size());
}

// ---- Loading ----------------------------------------------------------------

int add_method(JSContext *ctx, JSValueConst prototype, const char *name,
               JSCFunction *function, int length) {
  return JS_DefinePropertyValueStr(ctx, prototype, name,
                                   JS_NewCFunction(ctx, function, name, length),
                                   JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

int add_getter(JSContext *ctx, JSValueConst prototype, const char *name,
               JSValue (*function)(JSContext *, JSValueConst)) {
  JSCFunctionType type;
  type.getter = function;
  JSValue getter =
      JS_NewCFunction2(ctx, type.generic, name, 0, JS_CFUNC_getter, 0);
  JSAtom atom = JS_NewAtom(ctx, name);
  int done = JS_DefinePropertyGetSet(ctx, prototype, atom, getter, JS_UNDEFINED,
                                     JS_PROP_CONFIGURABLE);
  JS_FreeAtom(ctx, atom);
  return done;
}

int add_class(JSContext *ctx, JSRuntime *rt, JSValueConst global) {
  JS_NewClassID(rt, &class_id);
  if (JS_NewClass(rt, class_id, &class_def) < 0) return -1;
  JSValue prototype = JS_NewObject(ctx);
  if (JS_IsException(prototype)) return -1;
  JS_SetClassProto(ctx, class_id, prototype);
  if (add_method(ctx, prototype, "push", push, 1) < 0 ||
      add_method(ctx, prototype, "sum", sum, 0) < 0 ||
      add_getter(ctx, prototype, "length", get_length) < 0)
    return -1;
  JSValue constructor =
      JS_NewCFunction2(ctx, construct, "Example", 0, JS_CFUNC_constructor, 0);
  if (JS_IsException(constructor)) return -1;
  JS_SetConstructor(ctx, constructor, prototype);
  return JS_DefinePropertyValueStr(ctx, global, "Example", constructor,
                                   JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

} // namespace

// Runs once, when a VM loads the extension; not when a VM wakes.
TORPOR_EXTENSION_INIT(example) {
  JSValue global = JS_GetGlobalObject(ctx);
  int failed = add_class(ctx, rt, global) < 0 ||
               add_method(ctx, global, "exampleSize", size_of, 1) < 0;
  JS_FreeValue(ctx, global);
  return failed ? -1 : 0;
}
