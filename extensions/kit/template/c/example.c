/* SPDX-License-Identifier: MIT */
/* example-name - an extension to begin with.
 *
 *   new Example(onChange?)   a list of numbers, kept in memory of its own
 *   .push(number)            adds one, calls onChange(number, length)
 *   .length, .sum()
 *   exampleSize(length)      a word for it */
#include <torpor-extension.h>

TORPOR_EXTENSION("example-name", "0.1.0")

/* An object of the class. All of it lies in the VM's memory, so it sleeps and
 * wakes with the VM. */
struct list {
  double *numbers; /* memory of its own */
  uint32_t length, capacity;
  JSValue on_change; /* a function of JavaScript, or undefined */
};

static JSClassID class_id;

/* Data with pointers in them: those are right wherever the VM puts them. */
static const struct {
  uint32_t least;
  const char *word;
} sizes[] = {{1000, "many"}, {2, "some"}, {1, "one"}, {0, "none"}};

/* ---- What the engine calls about objects ----------------------------------*/

/* The collector frees the object: so do we what it owns. No JavaScript may run
 * here. */
static void finalize(JSRuntime *rt, JSValueConst value) {
  struct list *list = JS_GetOpaque(value, class_id);
  if (list == NULL) return;
  js_free_rt(rt, list->numbers);
  JS_FreeValueRT(rt, list->on_change);
  js_free_rt(rt, list);
}

/* Tells the collector what the object holds, so that it finds circles. */
static void mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *visit) {
  struct list *list = JS_GetOpaque(value, class_id);
  if (list != NULL) JS_MarkValue(rt, list->on_change, visit);
}

static const JSClassDef class_def = {"Example", .finalizer = finalize,
                                     .gc_mark = mark};

/* ---- The class ------------------------------------------------------------*/

static JSValue construct(JSContext *ctx, JSValueConst target, int count,
                         JSValueConst *args) {
  JSValueConst on_change = count > 0 ? args[0] : JS_UNDEFINED;
  if (!JS_IsUndefined(on_change) && !JS_IsFunction(ctx, on_change))
    return JS_ThrowTypeError(ctx, "onChange is not a function");
  JSValue prototype = JS_GetPropertyStr(ctx, target, "prototype");
  if (JS_IsException(prototype)) return prototype;
  JSValue object = JS_NewObjectProtoClass(ctx, prototype, class_id);
  JS_FreeValue(ctx, prototype);
  if (JS_IsException(object)) return object;
  struct list *list = js_mallocz(ctx, sizeof(*list));
  if (list == NULL) {
    JS_FreeValue(ctx, object);
    return JS_EXCEPTION;
  }
  list->on_change = JS_DupValue(ctx, on_change);
  JS_SetOpaque(object, list);
  return object;
}

/* Makes room for one more; false: an exception is pending. */
static bool grow(JSContext *ctx, struct list *list) {
  if (list->length < list->capacity) return true;
  uint32_t capacity = list->capacity != 0 ? 2 * list->capacity : 8;
  double *numbers =
      js_realloc(ctx, list->numbers, capacity * sizeof(*list->numbers));
  if (numbers == NULL) return false;
  list->numbers = numbers;
  list->capacity = capacity;
  return true;
}

static JSValue push(JSContext *ctx, JSValueConst self, int count,
                    JSValueConst *args) {
  double number;
  struct list *list = JS_GetOpaque2(ctx, self, class_id);
  if (list == NULL || JS_ToFloat64(ctx, &number, args[0]) < 0)
    return JS_EXCEPTION;
  if (!grow(ctx, list)) return JS_EXCEPTION;
  list->numbers[list->length++] = number;
  if (JS_IsUndefined(list->on_change)) return JS_UNDEFINED;
  /* 'self' is borrowed for this call, so 'list' lives through the call of
   * JavaScript, whatever that does. */
  JSValue with[] = {JS_NewFloat64(ctx, number),
                    JS_NewUint32(ctx, list->length)};
  return JS_Call(ctx, list->on_change, self, 2, (JSValueConst *)with);
}

static JSValue get_length(JSContext *ctx, JSValueConst self) {
  struct list *list = JS_GetOpaque2(ctx, self, class_id);
  if (list == NULL) return JS_EXCEPTION;
  return JS_NewUint32(ctx, list->length);
}

static JSValue sum(JSContext *ctx, JSValueConst self, int count,
                   JSValueConst *args) {
  struct list *list = JS_GetOpaque2(ctx, self, class_id);
  double total = 0;
  if (list == NULL) return JS_EXCEPTION;
  for (uint32_t i = 0; i < list->length; i++) total += list->numbers[i];
  return JS_NewFloat64(ctx, total);
}

static const JSCFunctionListEntry methods[] = {
    JS_CFUNC_DEF("push", 1, push),
    JS_CFUNC_DEF("sum", 0, sum),
    JS_CGETSET_DEF("length", get_length, NULL),
};

/* ---- A function -----------------------------------------------------------*/

static JSValue size_of(JSContext *ctx, JSValueConst self, int count,
                       JSValueConst *args) {
  uint32_t length;
  const char *word = "";
  if (JS_ToUint32(ctx, &length, args[0]) < 0) return JS_EXCEPTION;
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    word = sizes[i].word;
    if (length >= sizes[i].least) break;
  }
  return JS_NewString(ctx, word);
}

/* ---- Loading --------------------------------------------------------------*/

static int add_class(JSContext *ctx, JSRuntime *rt, JSValueConst global) {
  JS_NewClassID(rt, &class_id);
  if (JS_NewClass(rt, class_id, &class_def) < 0) return -1;
  JSValue prototype = JS_NewObject(ctx);
  if (JS_IsException(prototype)) return -1;
  JS_SetPropertyFunctionList(ctx, prototype, methods,
                             sizeof(methods) / sizeof(*methods));
  JS_SetClassProto(ctx, class_id, prototype);
  JSValue constructor =
      JS_NewCFunction2(ctx, construct, "Example", 0, JS_CFUNC_constructor, 0);
  if (JS_IsException(constructor)) return -1;
  JS_SetConstructor(ctx, constructor, prototype);
  return JS_DefinePropertyValueStr(ctx, global, "Example", constructor,
                                   JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

static int add_function(JSContext *ctx, JSValueConst global) {
  return JS_DefinePropertyValueStr(
      ctx, global, "exampleSize",
      JS_NewCFunction(ctx, size_of, "exampleSize", 1),
      JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

/* Runs once, when a VM loads the extension; not when a VM wakes. */
TORPOR_EXTENSION_INIT(example) {
  JSValue global = JS_GetGlobalObject(ctx);
  int failed = add_class(ctx, rt, global) < 0 || add_function(ctx, global) < 0;
  JS_FreeValue(ctx, global);
  return failed ? -1 : 0;
}
