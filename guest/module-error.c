/* SPDX-License-Identifier: MIT */
/* module-error.c - errors about modules, which say who wanted the module:
 *
 *     cannot load module 'c.js' (imported by 'b.js', imported by 'main.js'):
 *     there is no such module
 *
 * For that a module of the program keeps the name of its first importer as
 * private value; one that the host evaluated has none. An importer without a
 * name is not spoken of. */

enum { IMPORTER_LARGEST = 256, CHAIN_LONGEST = 16 };

static const char *module_status_name(torpor_status status) {
  switch (status) {
#define X(number, name, text)                                                  \
  case TORPOR_##name:                                                          \
    return #name;
    TORPOR_STATUS_LIST(X)
#undef X
  }
  return "UNKNOWN";
}

/* What is said for a host that has no words of its own. */
static const char *module_failure(torpor_status status) {
  switch (status) {
  case TORPOR_NOT_FOUND:
    return "there is no such module";
  case TORPOR_DENIED:
    return "access was not granted";
  case TORPOR_IO:
    return "it could not be read";
  case TORPOR_LIMIT:
    return "it is too large";
  case TORPOR_UNSUPPORTED:
    return "the host gives no modules";
  default:
    return "the host could not give it";
  }
}

/* ---- Who imports whom ----------------------------------------------------*/

/* The name of the importer of the module 'name', undefined if nobody is
 * known; a reference. */
static JSValue importer_of(JSValueConst name) {
  JSContext *ctx = torpor__ctx;
  JSAtom atom = JS_ValueToAtom(ctx, name);
  JSModuleDef *module =
      atom == JS_ATOM_NULL ? NULL : js_find_loaded_module_by_name(ctx, atom);
  JS_FreeAtom(ctx, atom);
  if (module == NULL || !JS_IsString(module->private_value))
    return JS_UNDEFINED;
  return js_dup(module->private_value);
}

/* Adds " (imported by 'a.js', imported by 'main.js')"; nothing when 'importer'
 * is no string. */
static void chain_write(DynBuf *out, JSValueConst importer) {
  JSContext *ctx = torpor__ctx;
  JSValue name = js_dup(importer);
  int length = 0;
  while (JS_IsString(name)) {
    JSValue next = importer_of(name);
    const char *text = JS_ToCString(ctx, name);
    if (text != NULL && text[0] == '\0') {
      JS_FreeCString(ctx, text);
      JS_FreeValue(ctx, next);
      break;
    }
    if (length == CHAIN_LONGEST) {
      dbuf_putstr(out, ", and others");
    } else {
      dbuf_putstr(out, length == 0 ? " (imported by '" : ", imported by '");
      if (text != NULL) dbuf_putstr(out, text);
      dbuf_putc(out, '\'');
    }
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, name);
    name = next;
    if (length++ == CHAIN_LONGEST) break;
  }
  JS_FreeValue(ctx, name);
  if (length > 0) dbuf_putc(out, ')');
}

/* ---- Throwing ------------------------------------------------------------*/

/* Throws the error that 'message', which is freed, says. 'code' and 'cause' may
 * be undefined. Takes no reference. */
static void module_throw(DynBuf *message, JSValueConst code,
                         JSValueConst cause) {
  static const char name[] = "ReferenceError";
  JSContext *ctx = torpor__ctx;
  JSValue error = JS_EXCEPTION;
  if (dbuf_error(message))
    JS_ThrowOutOfMemory(ctx);
  else
    error = torpor__error_new(name, sizeof(name) - 1, (char *)message->buf,
                              message->size);
  dbuf_free(message);
  if (JS_IsException(error)) return;
  if ((!JS_IsUndefined(code) &&
       JS_DefinePropertyValueStr(ctx, error, "code", js_dup(code),
                                 JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) <
           0) ||
      (!JS_IsUndefined(cause) && error_define(error, JS_ATOM_cause, cause) < 0))
    JS_FreeValue(ctx, error);
  else
    JS_Throw(ctx, error);
}

/* Begins "cannot load module 'NAME' (imported by ...): ". */
static void module_message(DynBuf *out, const char *name,
                           JSValueConst importer) {
  js_dbuf_init(torpor__ctx, out);
  dbuf_putstr(out, "cannot load module '");
  dbuf_putstr(out, name);
  dbuf_putc(out, '\'');
  chain_write(out, importer);
  dbuf_putstr(out, ": ");
}

/* Throws what the host answered instead of the module 'name': 'status', and its
 * own words unless 'text' is NULL. */
static void module_refuse_with(const char *name, JSValueConst importer,
                               torpor_status status, const char *text,
                               size_t size) {
  JSContext *ctx = torpor__ctx;
  JSValue code = JS_NewString(ctx, module_status_name(status));
  DynBuf message;
  if (JS_IsException(code)) return;
  module_message(&message, name, importer);
  if (text != NULL)
    dbuf_put(&message, text, size);
  else
    dbuf_putstr(&message, module_failure(status));
  module_throw(&message, code, JS_UNDEFINED);
  JS_FreeValue(ctx, code);
}

static void module_refuse(const char *name, const char *importer,
                          torpor_status status, const char *text, size_t size) {
  JSValue value =
      *importer ? JS_NewString(torpor__ctx, importer) : JS_UNDEFINED;
  if (JS_IsException(value)) return;
  module_refuse_with(name, value, status, text, size);
  JS_FreeValue(torpor__ctx, value);
}

/* Throws that the host settled the operation for a module with 'reason', which
 * becomes the error's cause. */
static void module_refuse_for(const char *name, JSValueConst importer,
                              JSValueConst reason) {
  JSContext *ctx = torpor__ctx;
  JSAtom key = JS_NewAtom(ctx, "code");
  JSValue text, code;
  DynBuf message;
  const char *words = NULL;
  if (key == JS_ATOM_NULL) return;
  text = JS_IsString(reason)
             ? js_dup(reason)
             : js_dup(torpor__own_data(reason, JS_ATOM_message));
  code = js_dup(torpor__own_data(reason, key));
  JS_FreeAtom(ctx, key);
  module_message(&message, name, importer);
  if (JS_IsString(text)) words = JS_ToCString(ctx, text);
  dbuf_putstr(&message, words ? words : module_failure(TORPOR_OK));
  module_throw(&message, code, JS_IsObject(reason) ? reason : JS_UNDEFINED);
  JS_FreeCString(ctx, words);
  JS_FreeValue(ctx, text);
  JS_FreeValue(ctx, code);
}

/* Adds to the message of the pending exception, if it is a SyntaxError, who
 * imports the module that it is about. */
static void module_note(JSValueConst importer) {
  JSContext *ctx = torpor__ctx;
  JSValue error, message, longer;
  DynBuf text;
  const char *words;
  if (!JS_IsString(importer) || !JS_HasException(ctx)) return;
  error = JS_GetException(ctx);
  message = js_dup(torpor__own_data(error, JS_ATOM_message));
  if (JS_GetClassID(error) == JS_CLASS_ERROR && JS_IsString(message) &&
      JS_VALUE_GET_OBJ(error)->shape->proto ==
          JS_VALUE_GET_OBJ(ctx->native_error_proto[JS_SYNTAX_ERROR]) &&
      (words = JS_ToCString(ctx, message)) != NULL) {
    js_dbuf_init(ctx, &text);
    dbuf_putstr(&text, words);
    chain_write(&text, importer);
    JS_FreeCString(ctx, words);
    longer = dbuf_error(&text)
                 ? JS_EXCEPTION
                 : JS_NewStringLen(ctx, (char *)text.buf, text.size);
    dbuf_free(&text);
    if (!JS_IsException(longer)) {
      error_define(error, JS_ATOM_message, longer);
      JS_FreeValue(ctx, longer);
    }
  }
  if (JS_HasException(ctx)) torpor__exception_drop(); /* memory: left short */
  JS_FreeValue(ctx, message);
  JS_Throw(ctx, error);
}

/* Begins the stack of the pending exception with a place in the module 'name'.
 */
static void module_note_place(JSValueConst name, int line, int column) {
  JSContext *ctx = torpor__ctx;
  JSValue error = JS_GetException(ctx), stack;
  const char *text = JS_ToCString(ctx, name);
  DynBuf out;
  if (text != NULL && JS_GetClassID(error) == JS_CLASS_ERROR) {
    JSObject *object = JS_VALUE_GET_OBJ(error);
    js_dbuf_init(ctx, &out);
    dbuf_printf(&out, "    at %s:%d:%d\n", text, line, column);
    stack = dbuf_error(&out) ? JS_EXCEPTION
                             : JS_NewStringLen(ctx, (char *)out.buf, out.size);
    dbuf_free(&out);
    if (!JS_IsException(stack)) {
      JS_FreeValue(ctx, object->u.object_data);
      object->u.object_data = stack;
    }
  }
  JS_FreeCString(ctx, text);
  if (JS_HasException(ctx)) torpor__exception_drop(); /* memory: left without */
  JS_Throw(ctx, error);
}
