/* SPDX-License-Identifier: MIT */
/* module-object.c - modules that are made from objects instead of code.
 *
 *   torpor:NAME      the library's
 *   others by name   the host's (torpor_module_new): present in the VM, asleep
 *                    or awake, and never asked of the host
 *   JSON, text, bytes   of a source that was imported with that type
 *
 * The exports are the own enumerable properties of an object, which the module
 * keeps as private value until it is evaluated. */

typedef enum module_type {
  MODULE_UNKNOWN = -1,
  MODULE_CODE = TORPOR_MODULE_CODE,
  MODULE_JSON = TORPOR_MODULE_JSON,
  MODULE_TEXT = TORPOR_MODULE_TEXT,
  MODULE_BYTES = TORPOR_MODULE_BYTES,
} module_type;

static const char *const module_types[] = {
    [MODULE_CODE] = "javascript",
    [MODULE_JSON] = "json",
    [MODULE_TEXT] = "text",
    [MODULE_BYTES] = "bytes",
};

/* What is known of a module that is empty, and its type: they lie in a field
 * that the engine uses only from linking on. */
typedef enum module_progress {
  MODULE_WANTED, /* nobody was asked for it, or in vain */
  MODULE_ASKED,  /* an operation for it is pending */
  MODULE_FAILED, /* for a moment: eval_exception has the error */
} module_progress;

enum { MODULE_STATES = 4 };

static module_progress module_state(const JSModuleDef *module) {
  return (module_progress)(module->dfs_ancestor_index % MODULE_STATES);
}

static module_type module_type_of(const JSModuleDef *module) {
  return (module_type)(module->dfs_ancestor_index / MODULE_STATES);
}

static void module_set_state(JSModuleDef *module, module_progress state) {
  module->dfs_ancestor_index =
      (int)module_type_of(module) * MODULE_STATES + (int)state;
}

/* The library's modules and the host's: an object without prototype, by name.
 */
static JSValue torpor__module_library = JS_UNDEFINED;

/* The object $ of library.c, and the names of the host's files that ran, which
 * are properties of an object without prototype. */
static JSValue torpor__intrinsics = JS_UNDEFINED;
static JSValue torpor__library_loaded = JS_UNDEFINED;

/* ---- Attributes ----------------------------------------------------------*/

/* What the import attribute 'type' says; CODE when there is none. */
static module_type attributes_type(JSValueConst attributes) {
  module_type found = MODULE_UNKNOWN;
  JSAtom key;
  JSValue type;
  const char *text;
  if (!JS_IsObject(attributes)) return MODULE_CODE;
  key = JS_NewAtom(torpor__ctx, "type");
  type = js_dup(torpor__own_data(attributes, key));
  JS_FreeAtom(torpor__ctx, key);
  if (JS_IsUndefined(type)) return MODULE_CODE;
  text = JS_ToCString(torpor__ctx, type);
  for (int i = MODULE_JSON; text != NULL && i <= MODULE_BYTES; i++)
    if (strcmp(text, module_types[i]) == 0) found = (module_type)i;
  JS_FreeCString(torpor__ctx, text);
  JS_FreeValue(torpor__ctx, type);
  return found;
}

/* An unknown attribute of a declaration is an error of its syntax; import()
 * rejects with a TypeError, as both do for another type. */
static int module_check_attributes(JSContext *ctx, void *opaque,
                                   JSValueConst attributes) {
  static const char types[] =
      "an import attribute 'type' is \"json\", \"text\" or \"bytes\"";
  JSPropertyEnum *keys;
  uint32_t count;
  int status = 0;
  (void)opaque;
  if (JS_GetOwnPropertyNames(ctx, &keys, &count, attributes,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return -1;
  for (uint32_t i = 0; status == 0 && i < count; i++) {
    const char *key = JS_AtomToCString(ctx, keys[i].atom);
    if (key == NULL || strcmp(key, "type") != 0) status = -1;
    if (status && key != NULL && reserve.compiling == 0)
      JS_ThrowTypeError(ctx, "there is no import attribute '%s'", key);
    else if (status && key != NULL)
      JS_ThrowSyntaxError(ctx, "there is no import attribute '%s'", key);
    JS_FreeCString(ctx, key);
  }
  JS_FreePropertyEnum(ctx, keys, count);
  if (status == 0 && attributes_type(attributes) == MODULE_UNKNOWN) {
    JS_ThrowTypeError(ctx, "%s", types);
    status = -1;
  }
  return status;
}

/* ---- Exports -------------------------------------------------------------*/

static int object_module_init(JSContext *ctx, JSModuleDef *module) {
  JSValue object = JS_GetModulePrivateValue(ctx, module);
  JSPropertyEnum *keys;
  uint32_t count;
  int status = JS_GetOwnPropertyNames(ctx, &keys, &count, object,
                                      JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);
  for (uint32_t i = 0; status == 0 && i < count; i++) {
    const char *name = JS_AtomToCString(ctx, keys[i].atom);
    JSValue value = JS_GetProperty(ctx, object, keys[i].atom);
    if (name == NULL || JS_IsException(value)) {
      JS_FreeValue(ctx, value);
      status = -1;
    } else {
      status = JS_SetModuleExport(ctx, module, name, value);
    }
    JS_FreeCString(ctx, name);
  }
  if (keys) JS_FreePropertyEnum(ctx, keys, count);
  JS_FreeValue(ctx, object);
  JS_SetModulePrivateValue(ctx, module, JS_UNDEFINED);
  return status;
}

static bool object_exports_add(JSModuleDef *module, JSValueConst object) {
  JSContext *ctx = torpor__ctx;
  JSPropertyEnum *keys;
  uint32_t count;
  bool added = true;
  if (JS_GetOwnPropertyNames(ctx, &keys, &count, object,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return false;
  for (uint32_t i = 0; added && i < count; i++) {
    const char *key = JS_AtomToCString(ctx, keys[i].atom);
    added = key != NULL && JS_AddModuleExport(ctx, module, key) == 0;
    JS_FreeCString(ctx, key);
  }
  JS_FreePropertyEnum(ctx, keys, count);
  return added;
}

/* Takes the exports away again that 'module' was given. */
static void object_exports_clear(JSModuleDef *module) {
  while (module->export_entries_count > 0) {
    JSExportEntry *entry =
        &module->export_entries[--module->export_entries_count];
    JS_FreeAtom(torpor__ctx, entry->export_name);
    JS_FreeAtom(torpor__ctx, entry->local_name);
    memset(entry, 0, sizeof(*entry));
  }
}

/* Makes the own properties of 'object', whose reference it takes, the exports
 * of 'module'. False: thrown, and the module is as it was. */
static bool object_module_fill(JSModuleDef *module, JSValue object) {
  if (!object_exports_add(module, object)) {
    object_exports_clear(module);
    JS_FreeValue(torpor__ctx, object);
    return false;
  }
  JS_SetModulePrivateValue(torpor__ctx, module, object);
  module->init_func = object_module_init;
  return true;
}

/* ---- The library's and the host's ----------------------------------------*/

/* The object that stands for the module 'name' of the library or the host;
 * undefined: there is none. A reference. */
static JSValue library_module_find(const char *name) {
  return JS_GetPropertyStr(torpor__ctx, torpor__module_library, name);
}

/* The same, of a file that the host keeps if need be; exception: thrown. */
static JSValue library_module_bring(const char *name) {
  JSValue object = library_module_find(name);
  if (!JS_IsUndefined(object) || !name_is_library(name)) return object;
  if (torpor__library_load(name + strlen("torpor:")) < 0) return JS_EXCEPTION;
  return library_module_find(name);
}

/* Fills 'module', imported as 'type', with 'object', whose reference it takes.
 * False: thrown. */
static bool library_module_fill(JSModuleDef *module, const char *name,
                                JSValue object, module_type type) {
  if (type == MODULE_CODE) return object_module_fill(module, object);
  JS_FreeValue(torpor__ctx, object);
  JS_ThrowTypeError(torpor__ctx,
                    "module '%s' is made by the %s: it cannot be imported as "
                    "%s",
                    name, name_is_library(name) ? "library" : "host",
                    module_types[type]);
  return false;
}

/* Whether 'module' stands for one whose source is not there. One that an
 * extension made, by JS_NewCModule, is always there. */
static bool module_is_empty(const JSModuleDef *module) {
  if (module->status != JS_MODULE_STATUS_UNLINKED) return false;
  if (module->init_func == object_module_init)
    return !JS_IsObject(module->private_value);
  return !module->init_func && JS_IsUndefined(module->func_obj);
}

/* Whether no module of that name is there, or is on its way. */
static bool name_is_free(JSAtom name) {
  struct list_head *link;
  list_for_each(link, &torpor__ctx->loaded_modules) {
    const JSModuleDef *module = list_entry(link, JSModuleDef, link);
    if (module->module_name == name &&
        !(module_is_empty(module) && module_state(module) == MODULE_WANTED))
      return false;
  }
  return true;
}

/* What the host made is a module of that name from now on. It is no proxy, as
 * its keys are read in a walk. EXISTS: result[0] is 1 if the host made that
 * one, too. */
static torpor_status module_new(const char *name, uint64_t bits) {
  JSContext *ctx = torpor__ctx;
  JSValue object, known;
  JSAtom key;
  torpor_status status = torpor__value(bits, &object);
  if (status) return status;
  if (!JS_IsObject(object) || JS_IsProxy(object)) return TORPOR_WRONG_TYPE;
  if (name_is_library(name)) return TORPOR_MISUSE;
  key = JS_NewAtom(ctx, name);
  if (key == JS_ATOM_NULL) return torpor__thrown();
  known = library_module_find(name);
  torpor_control.host.result[0] = !JS_IsUndefined(known);
  if (!JS_IsUndefined(known) || !name_is_free(key))
    status = TORPOR_EXISTS;
  else if (JS_DefinePropertyValue(ctx, torpor__module_library, key,
                                  js_dup(object), JS_PROP_C_W_E) < 0)
    status = torpor__thrown();
  JS_FreeValue(ctx, known);
  JS_FreeAtom(ctx, key);
  return status;
}

static torpor_status module_export(uint64_t object_bits, const char *key,
                                   uint32_t size, uint64_t value_bits) {
  JSContext *ctx = torpor__ctx;
  JSValue object, value;
  JSAtom name;
  torpor_status status = torpor__value(object_bits, &object);
  if (status == TORPOR_OK) status = torpor__value(value_bits, &value);
  if (status) return status;
  if (JS_GetClassID(object) != JS_CLASS_OBJECT) return TORPOR_WRONG_TYPE;
  name = JS_NewAtomLen(ctx, key, size);
  if (name == JS_ATOM_NULL) return torpor__thrown();
  if (JS_DefinePropertyValue(ctx, object, name, js_dup(value), JS_PROP_C_W_E) <
      0)
    status = torpor__thrown();
  JS_FreeAtom(ctx, name);
  return status;
}

EXPORT(torpor_module_export)
torpor_status export_module_export(uint64_t object, const char *key,
                                   uint32_t size, uint64_t value) {
  torpor__enter();
  return torpor__leave(module_export(object, key, size, value));
}

EXPORT(torpor_module_new)
torpor_status export_module_new(const char *name, uint32_t size,
                                uint64_t object) {
  (void)size;
  torpor__enter();
  return torpor__leave(module_new(name, object));
}

/* ---- Modules of data -----------------------------------------------------*/

/* Text of a source: without the mark at its beginning. */
static void skip_mark(const char **source, size_t *size) {
  if (*size < 3 || memcmp(*source, "\xef\xbb\xbf", 3) != 0) return;
  *source += 3;
  *size -= 3;
}

/* A Uint8Array whose buffer cannot be changed. */
static JSValue bytes_value(const char *source, size_t size) {
  JSValue bytes =
      JS_NewUint8ArrayCopy(torpor__ctx, (const uint8_t *)source, size);
  if (JS_IsException(bytes)) return bytes;
  JS_VALUE_GET_OBJ(bytes)->u.typed_array->buffer->u.array_buffer->immutable =
      true;
  return bytes;
}

static JSValue data_value(module_type type, const char *name,
                          const char *source, size_t size) {
  JSContext *ctx = torpor__ctx;
  if (type == MODULE_BYTES) return bytes_value(source, size);
  skip_mark(&source, &size);
  if (type == MODULE_TEXT) return JS_NewStringLen(ctx, source, size);
  return JS_ParseJSON(ctx, source, size, name);
}

/* Fills 'module' with what its source, a zero byte behind it, says: its default
 * export. False: thrown, and it is as it was. */
static bool data_module_fill(JSModuleDef *module, module_type type,
                             const char *source, size_t size) {
  JSContext *ctx = torpor__ctx;
  const char *name = JS_AtomToCString(ctx, module->module_name);
  JSValue object, value;
  if (name == NULL) return false;
  value = data_value(type, name, source, size);
  JS_FreeCString(ctx, name);
  if (JS_IsException(value)) return false;
  object = JS_NewObjectProto(ctx, JS_NULL);
  if (JS_IsException(object)) {
    JS_FreeValue(ctx, value);
    return false;
  }
  if (JS_DefinePropertyValue(ctx, object, JS_ATOM_default, value,
                             JS_PROP_C_W_E) < 0) {
    JS_FreeValue(ctx, object);
    return false;
  }
  return object_module_fill(module, object);
}
