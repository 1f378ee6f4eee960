/* SPDX-License-Identifier: MIT */
/* error.c - errors across the border, both ways.
 *
 * Reading an error may run getters of the program; whatever they throw counts
 * as an empty text, so that reporting an error cannot fail. An object that was
 * thrown and is no error is shown as the console shows it. Looking at one,
 * which the host does whenever something was thrown, runs no code of the
 * program: it takes what lies there as plain data. */

enum { ERROR_TEXTS = 3 };
enum { LOOK_DEPTH = 64 }; /* prototypes that are looked at */

static JSValue error_describe = JS_UNDEFINED; /* the library's inspect */
static JSValue torpor__describe(JSValueConst value);

static void torpor__describe_with(JSValueConst function) {
  JS_FreeValue(torpor__ctx, error_describe);
  error_describe = js_dup(function);
}

static const char *const error_constructor[JS_NATIVE_ERROR_COUNT] = {
    [JS_EVAL_ERROR] = "EvalError",
    [JS_RANGE_ERROR] = "RangeError",
    [JS_REFERENCE_ERROR] = "ReferenceError",
    [JS_SYNTAX_ERROR] = "SyntaxError",
    [JS_TYPE_ERROR] = "TypeError",
    [JS_URI_ERROR] = "URIError",
    [JS_INTERNAL_ERROR] = "InternalError",
    [JS_AGGREGATE_ERROR] = "AggregateError",
    [JS_SUPPRESSED_ERROR] = "SuppressedError",
};

static void torpor__exception_drop(void) {
  JS_FreeValue(torpor__ctx, JS_GetException(torpor__ctx));
}

/* After what the engine does without the memory that it asked for, as making a
 * block smaller or a table larger: it leaves the error of that behind. */
static void torpor__exception_forget(void) {
  if (JS_HasException(torpor__ctx)) torpor__exception_drop();
}

/* Names that the web platform gives to its own exceptions; DOMException is
 * used for those that the library throws. */
static bool name_is_dom(const char *name, size_t size) {
  static const char *const names[] = {"AbortError", "TimeoutError"};
  for (size_t i = 0; i < countof(names); i++)
    if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
      return true;
  return false;
}

/* An error's stack is the text that the engine makes: the program's function
 * that would make something else of it does not run. */
static JSValue prepare_set(JSValue prepare) {
  JSValue before = torpor__ctx->error_prepare_stack;
  torpor__ctx->error_prepare_stack = prepare;
  return before;
}

static JSValue error_new_dom(JSValueConst name, JSValueConst message) {
  JSValueConst args[] = {message, name};
  JSValue prepare = prepare_set(JS_UNDEFINED);
  JSValue error =
      js_domexception_constructor0(torpor__ctx, JS_UNDEFINED, 2, args, 0);
  prepare_set(prepare);
  return error;
}

static JSValueConst error_prototype(const char *name, size_t size) {
  for (int i = 0; i < JS_NATIVE_ERROR_COUNT; i++)
    if (strlen(error_constructor[i]) == size &&
        memcmp(error_constructor[i], name, size) == 0)
      return torpor__ctx->native_error_proto[i];
  return torpor__ctx->class_proto[JS_CLASS_ERROR];
}

static int error_define(JSValueConst error, JSAtom key, JSValueConst value) {
  return JS_DefinePropertyValue(torpor__ctx, error, key, js_dup(value),
                                JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

/* An Error whose name and message are strings of the engine, without a stack.
 */
static JSValue error_build(const char *text, size_t size, JSValueConst name,
                           JSValueConst message) {
  JSValueConst prototype = error_prototype(text, size);
  JSValueConst plain = torpor__ctx->class_proto[JS_CLASS_ERROR];
  JSValue error;
  bool named = JS_VALUE_GET_PTR(prototype) == JS_VALUE_GET_PTR(plain) &&
               !(size == 5 && memcmp(text, "Error", 5) == 0);
  error = JS_NewObjectProtoClass(torpor__ctx, prototype, JS_CLASS_ERROR);
  if (JS_IsException(error)) return error;
  if ((named && error_define(error, JS_ATOM_name, name) < 0) ||
      error_define(error, JS_ATOM_message, message) < 0) {
    JS_FreeValue(torpor__ctx, error);
    return JS_EXCEPTION;
  }
  return error;
}

/* Gives 'error' the stack that is there now. */
static JSValue error_with_stack(JSValue error) {
  JSValue prepare;
  if (JS_IsException(error)) return error;
  prepare = prepare_set(JS_UNDEFINED);
  build_backtrace(torpor__ctx, error, JS_UNDEFINED, NULL, 0, 0, 0);
  prepare_set(prepare);
  return error;
}

/* An error by name: "TypeError" and the like, a DOMException, or an Error of
 * that name. */
static JSValue torpor__error_new(const char *name, size_t name_size,
                                 const char *message, size_t message_size) {
  JSValue error = JS_EXCEPTION;
  JSValue of = torpor__text_string(name, (uint32_t)name_size);
  JSValue text = torpor__text_string(message, (uint32_t)message_size);
  if (!JS_IsException(of) && !JS_IsException(text))
    error = name_is_dom(name, name_size)
                ? error_new_dom(of, text)
                : error_with_stack(error_build(name, name_size, of, text));
  JS_FreeValue(torpor__ctx, of);
  JS_FreeValue(torpor__ctx, text);
  return error;
}

EXPORT(torpor_error_new)
torpor_status export_error_new(const char *name, uint32_t name_size,
                               const char *message, uint32_t message_size) {
  torpor__enter();
  return torpor__leave(
      torpor__give(torpor__error_new(name, name_size, message, message_size)));
}

/* The flat string of 'value', which is freed, or NULL if it is no text. */
static JSString *text_of(JSValue value) {
  JSValue text = JS_UNDEFINED;
  JSString *flat = NULL;
  if (JS_IsException(value))
    torpor__exception_drop();
  else if (!JS_IsUndefined(value) && !JS_IsNull(value))
    text = JS_ToString(torpor__ctx, value);
  if (JS_IsException(text))
    torpor__exception_drop();
  else if (JS_IsString(text) && (flat = torpor__flat(text)) == NULL)
    torpor__exception_drop();
  JS_FreeValue(torpor__ctx, text);
  JS_FreeValue(torpor__ctx, value);
  return flat;
}

static void error_texts(JSValueConst value, JSString *texts[ERROR_TEXTS]) {
  JSContext *ctx = torpor__ctx;
  JSValue text;
  if (JS_IsObject(value) && torpor__brand_of(value) == TORPOR_BRAND_ERROR) {
    texts[0] = text_of(JS_GetProperty(ctx, value, JS_ATOM_name));
    texts[1] = text_of(JS_GetProperty(ctx, value, JS_ATOM_message));
    texts[2] = text_of(JS_GetProperty(ctx, value, JS_ATOM_stack));
    return;
  }
  if (JS_IsObject(value))
    text = JS_Call(ctx, error_describe, JS_UNDEFINED, 1, &value);
  else if (JS_IsSymbol(value))
    text = js_symbol_toString(ctx, value, 0, NULL);
  else
    text = JS_ToString(ctx, value);
  texts[1] = text_of(text);
}

/* The text of a value that is no object. */
static JSString *text_plain(JSValueConst value) {
  JSContext *ctx = torpor__ctx;
  if (JS_IsObject(value)) return NULL;
  return text_of(JS_IsSymbol(value) ? js_symbol_toString(ctx, value, 0, NULL)
                                    : JS_ToString(ctx, value));
}

/* The same of a property; none of one that is not set to anything. */
static JSString *text_set(JSValueConst value) {
  bool none = JS_IsUndefined(value) || JS_IsNull(value);
  return none ? NULL : text_plain(value);
}

/* The text of a property that is plain data, the object's own or inherited. */
static JSString *text_look(JSObject *object, JSAtom key) {
  JSProperty *property;
  for (int depth = 0; object && depth < LOOK_DEPTH; depth++) {
    JSShapeProperty *found;
    if (object->class_id == JS_CLASS_PROXY) return NULL;
    found = find_own_property(&property, object, key);
    if (found && (found->flags & JS_PROP_TMASK) == JS_PROP_AUTOINIT) {
      if (JS_AutoInitProperty(torpor__ctx, object, key, property, found) < 0)
        return torpor__exception_drop(), NULL;
      found = find_own_property(&property, object, key);
    }
    if (found && (found->flags & JS_PROP_TMASK) == JS_PROP_NORMAL)
      return text_set(property->u.value);
    object = object->shape->proto;
  }
  return NULL;
}

static void error_look_texts(JSValueConst value, JSString *texts[ERROR_TEXTS]) {
  const JSDOMExceptionData *dom = JS_GetOpaque(value, JS_CLASS_DOM_EXCEPTION);
  JSObject *object;
  if (!JS_IsObject(value)) {
    texts[1] = text_plain(value);
    return;
  }
  object = JS_VALUE_GET_OBJ(value);
  texts[1] =
      dom ? text_plain(dom->message) : text_look(object, JS_ATOM_message);
  if (texts[1] || torpor__brand_of(value) == TORPOR_BRAND_ERROR) {
    texts[0] = dom ? text_plain(dom->name) : text_look(object, JS_ATOM_name);
    texts[2] = text_look(object, JS_ATOM_stack);
  } else {
    texts[1] = text_of(torpor__describe(value));
  }
  if (object->class_id == JS_CLASS_ERROR && texts[2] == NULL)
    texts[2] = text_set(object->u.object_data);
}

/* Leaves the stack of what is interrupted to the host, if it fits. Called by
 * each function that is left for that; the innermost counts. */
static void torpor__interrupted_note(void) {
  const JSValue error = torpor__rt->current_exception;
  uint8_t *place = torpor_control.host.window;
  JSValue stack = JS_VALUE_GET_OBJ(error)->u.object_data;
  uint64_t size;
  if (torpor_control.host.interrupted & TORPOR_ABI_INTERRUPTED_AT) return;
  if (JS_VALUE_GET_TAG(stack) != JS_TAG_STRING) return;
  size = torpor__utf8_size(JS_VALUE_GET_STRING(stack));
  if (size >= TORPOR_ABI_WINDOW) return;
  torpor__utf8_write(JS_VALUE_GET_STRING(stack), place);
  place[size] = 0;
  torpor_control.host.interrupted |= TORPOR_ABI_INTERRUPTED_AT;
}

static torpor_status error_place(JSString *texts[ERROR_TEXTS]) {
  uint64_t sizes[ERROR_TEXTS], total = ERROR_TEXTS * sizeof(uint32_t);
  uint8_t *place, *out;
  for (int i = 0; i < ERROR_TEXTS; i++) {
    sizes[i] = texts[i] ? torpor__utf8_size(texts[i]) : 0;
    total += sizes[i];
  }
  place = torpor__text_place(total);
  if (place == NULL) return TORPOR_LIMIT;
  out = place + ERROR_TEXTS * sizeof(uint32_t);
  for (int i = 0; i < ERROR_TEXTS; i++) {
    uint32_t size = (uint32_t)sizes[i];
    memcpy(place + (size_t)i * sizeof(size), &size, sizeof(size));
    if (texts[i]) torpor__utf8_write(texts[i], out);
    out += size;
  }
  return TORPOR_OK;
}

static torpor_status error_give(JSString *texts[ERROR_TEXTS], JSValue cause) {
  bool fits = torpor__border(cause, &torpor_control.host.result[3]);
  torpor_status status = fits ? error_place(texts) : TORPOR_LIMIT;
  if (status) handle_drop(torpor_control.host.result[3]);
  for (int i = 0; i < ERROR_TEXTS; i++)
    if (texts[i]) js_free_string(torpor__rt, texts[i]);
  return status;
}

/* A property of an error that is a value; undefined when reading it throws. */
static JSValue error_part(JSValueConst error, JSAtom key) {
  JSValue part = JS_UNDEFINED;
  if (key != JS_ATOM_NULL && JS_IsObject(error))
    part = JS_GetProperty(torpor__ctx, error, key);
  if (key != JS_ATOM_NULL && !JS_IsException(part)) return part;
  torpor__exception_drop();
  return JS_UNDEFINED;
}

/* 'value' is kept by the caller. */
static torpor_status error_read(JSValueConst value) {
  JSString *texts[ERROR_TEXTS] = {0};
  error_texts(value, texts);
  return error_give(texts, error_part(value, JS_ATOM_cause));
}

/* Gives code and errors in the slots, which no host function may use any more
 * after that. */
static torpor_status error_read_all(JSValueConst value) {
  uint64_t *slots = torpor_control.host.slots;
  const uint64_t *result = torpor_control.host.result;
  JSAtom key = JS_NewAtom(torpor__ctx, "code");
  JSValue code = error_part(value, key);
  JSValue errors = error_part(value, JS_ATOM_errors);
  torpor_status status = error_read(value);
  JS_FreeAtom(torpor__ctx, key);
  if (status) {
    JS_FreeValue(torpor__ctx, code);
    JS_FreeValue(torpor__ctx, errors);
    return status;
  }
  status = torpor__give_all((JSValue[]){code, errors}, 2, slots);
  if (status == TORPOR_OK) return status;
  handle_drop(result[3]);
  if (result[2]) torpor_release((void *)(uintptr_t)result[0]);
  return status;
}

static torpor_status error_enter(uint64_t bits,
                                 torpor_status (*read)(JSValueConst value)) {
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  torpor__enter();
  value = js_dup(value);
  status = read(value);
  JS_FreeValue(torpor__ctx, value);
  return torpor__leave_text(status);
}

static torpor_status error_look(uint64_t bits) {
  JSString *texts[ERROR_TEXTS] = {0};
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  error_look_texts(value, texts);
  return error_give(texts, JS_UNDEFINED);
}

/* No code of the program runs, so its fuel is not asked for either. */
EXPORT(torpor_error_look)
torpor_status export_error_look(uint64_t bits) {
  return error_look(bits);
}

EXPORT(torpor_error_read)
torpor_status export_error_read(uint64_t bits) {
  return error_enter(bits, error_read);
}

EXPORT(torpor_error_read_all)
torpor_status export_error_read_all(uint64_t bits) {
  return error_enter(bits, error_read_all);
}
