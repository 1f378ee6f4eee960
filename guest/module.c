/* SPDX-License-Identifier: MIT */
/* module.c - evaluation, and where modules come from.
 *
 * Names that start with "./" or "../" are resolved against their importer;
 * all others stay as they are. "torpor:" names are the library's: objects
 * whose own properties are the exports, never asked of the host. An import
 * with { type: "json" } gives the parsed text as default export. The sources
 * of all other modules come from the host.
 *
 * A module that the library or JSON makes keeps its object as private value
 * until it is evaluated. */

enum { IMPORTER_LARGEST = 256 };

/* The library's modules: an object without prototype, by name. */
static JSValue torpor__module_library = JS_UNDEFINED;

/* The importer of the name that was resolved last, for messages. */
static char module_importer[IMPORTER_LARGEST];

/* ---- Names ---------------------------------------------------------------*/

/* Removes the last segment of 'path', which is "" or ends with a slash;
 * returns the new length. Above the start, "../" piles up. */
static size_t path_up(char *path, size_t size) {
  size_t start = size > 0 ? size - 1 : 0;
  while (start > 0 && path[start - 1] != '/') start--;
  if (size == 1 && path[0] == '/') return size;
  if (size - start == 2 && path[start] == '.') {
    size = start;
  } else if (size > 0 && strncmp(path + start, "../", size - start) != 0) {
    return start;
  }
  memcpy(path + size, "../", 3);
  return size + 3;
}

/* Writes 'name' resolved against 'base' to 'path', which has room for both
 * and three bytes for each segment. */
static void path_join(const char *base, const char *name, char *path) {
  const char *slash = strrchr(base, '/');
  size_t size = slash ? (size_t)(slash - base) + 1 : 0;
  memcpy(path, base, size);
  for (;;) {
    size_t length = strcspn(name, "/");
    bool last = name[length] == '\0';
    if (length == 2 && memcmp(name, "..", 2) == 0) {
      size = path_up(path, size);
    } else if (!(length == 1 && name[0] == '.')) {
      memcpy(path + size, name, length);
      size += length;
      if (!last) path[size++] = '/';
    }
    if (last) break;
    name += length + 1;
  }
  path[size] = '\0';
}

static bool name_is_relative(const char *name) {
  return strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0;
}

static char *module_normalize(JSContext *ctx, const char *base,
                              const char *name, void *opaque) {
  char *path;
  (void)opaque;
  memset(module_importer, 0, sizeof(module_importer));
  strncpy(module_importer, base, sizeof(module_importer) - 1);
  if (!name_is_relative(name)) return js_strdup(ctx, name);
  path = js_malloc(ctx, strlen(base) + 2 * strlen(name) + 8);
  if (path != NULL) path_join(base, name, path);
  return path;
}

/* ---- Modules made from objects -------------------------------------------*/

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

/* A module that exports the own properties of 'object', whose reference it
 * takes; NULL: thrown. Half of one must not stay in the list of modules, where
 * the next import would find it. */
static JSModuleDef *object_module_new(const char *name, JSValue object) {
  JSContext *ctx = torpor__ctx;
  JSModuleDef *module = JS_NewCModule(ctx, name, object_module_init);
  if (module == NULL) {
    JS_FreeValue(ctx, object);
    return NULL;
  }
  JS_SetModulePrivateValue(ctx, module, object);
  if (object_exports_add(module, object)) return module;
  js_free_module_def(ctx, module);
  return NULL;
}

static JSModuleDef *library_module_load(const char *name) {
  JSValue object = JS_GetPropertyStr(torpor__ctx, torpor__module_library, name);
  if (JS_IsException(object)) return NULL;
  if (JS_IsObject(object)) return object_module_new(name, object);
  JS_ThrowReferenceError(torpor__ctx,
                         "there is no library module '%s' (imported by '%s')",
                         name, module_importer);
  return NULL;
}

static JSModuleDef *json_module_new(const char *name, const char *source,
                                    size_t size) {
  JSContext *ctx = torpor__ctx;
  JSValue object, value = JS_ParseJSON(ctx, source, size, name);
  if (JS_IsException(value)) return NULL;
  object = JS_NewObjectProto(ctx, JS_NULL);
  if (JS_IsException(object)) {
    JS_FreeValue(ctx, value);
    return NULL;
  }
  if (JS_DefinePropertyValue(ctx, object, JS_ATOM_default, value,
                             JS_PROP_C_W_E) < 0) {
    JS_FreeValue(ctx, object);
    return NULL;
  }
  return object_module_new(name, object);
}

/* ---- Modules from the host -----------------------------------------------*/

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
  default:
    return "the host gives no modules";
  }
}

/* A module that lacks its URL would be another one. */
static void module_url_set(JSModuleDef *module) {
  JSContext *ctx = torpor__ctx;
  JSValue meta;
  JSAtom name = JS_GetModuleName(ctx, module);
  torpor__sure_begin();
  meta = JS_GetImportMeta(ctx, module);
  JS_DefinePropertyValueStr(ctx, meta, "url", JS_AtomToString(ctx, name),
                            JS_PROP_C_W_E);
  torpor__sure_end();
  JS_FreeAtom(ctx, name);
  JS_FreeValue(ctx, meta);
}

static JSModuleDef *source_module_new(const char *name, const char *source,
                                      size_t size) {
  JSModuleDef *module;
  JSValue compiled = torpor__compile(source, size, name, JS_EVAL_TYPE_MODULE);
  if (JS_IsException(compiled)) return NULL;
  module = JS_VALUE_GET_PTR(compiled);
  module_url_set(module);
  JS_FreeValue(torpor__ctx, compiled); /* the list of modules holds it */
  return module;
}

static bool attributes_say_json(JSValueConst attributes) {
  bool json = false;
  JSValue type;
  if (!JS_IsObject(attributes)) return false;
  type = JS_GetPropertyStr(torpor__ctx, attributes, "type");
  if (JS_IsString(type)) {
    const char *text = JS_ToCString(torpor__ctx, type);
    json = text != NULL && strcmp(text, "json") == 0;
    JS_FreeCString(torpor__ctx, text);
  }
  JS_FreeValue(torpor__ctx, type);
  return json;
}

static JSModuleDef *module_load(JSContext *ctx, const char *name, void *opaque,
                                JSValueConst attributes) {
  uint64_t *result = torpor_control.host.result;
  JSModuleDef *module;
  torpor_status status;
  char *source;
  (void)opaque;
  if (strncmp(name, "torpor:", 7) == 0) return library_module_load(name);
  torpor__pause();
  status = torpor__host_module(name, (uint32_t)strlen(name));
  torpor__resume();
  torpor__look();
  if (status != TORPOR_OK) {
    JS_ThrowReferenceError(ctx,
                           "cannot load module '%s' (imported by '%s'): %s",
                           name, module_importer, module_failure(status));
    return NULL;
  }
  source = (char *)(uintptr_t)result[0];
  if (attributes_say_json(attributes))
    module = json_module_new(name, source, (size_t)result[1]);
  else
    module = source_module_new(name, source, (size_t)result[1]);
  torpor_release(source);
  return module;
}

/* An unknown attribute of a declaration is an error of its syntax; import()
 * rejects with a TypeError, as both do for another type. */
static int module_check_attributes(JSContext *ctx, void *opaque,
                                   JSValueConst attributes) {
  static const char text[] = "the only import attribute is { type: \"json\" }";
  JSPropertyEnum *keys;
  uint32_t count;
  bool known = true;
  (void)opaque;
  if (JS_GetOwnPropertyNames(ctx, &keys, &count, attributes,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return -1;
  for (uint32_t i = 0; i < count; i++) {
    const char *key = JS_AtomToCString(ctx, keys[i].atom);
    known = known && key != NULL && strcmp(key, "type") == 0;
    JS_FreeCString(ctx, key);
  }
  JS_FreePropertyEnum(ctx, keys, count);
  if (known && (count == 0 || attributes_say_json(attributes))) return 0;
  if (known || reserve.compiling == 0)
    JS_ThrowTypeError(ctx, "%s", text);
  else
    JS_ThrowSyntaxError(ctx, "%s", text);
  return -1;
}

/* ---- Evaluation ----------------------------------------------------------*/

static JSValue namespace_of(JSContext *ctx, JSValueConst self, int count,
                            JSValueConst *args, int magic, JSValueConst *data) {
  (void)ctx, (void)self, (void)count, (void)args, (void)magic;
  return js_dup(data[0]);
}

/* Evaluates a compiled module: a promise of its namespace. */
static JSValue module_evaluate(JSValue compiled) {
  JSContext *ctx = torpor__ctx;
  JSModuleDef *module = JS_VALUE_GET_PTR(compiled);
  JSValue done, space, then, promise = JS_EXCEPTION;
  module_url_set(module);
  done = JS_EvalFunction(ctx, compiled);
  if (JS_IsException(done)) return done;
  space = JS_GetModuleNamespace(ctx, module);
  then = JS_IsException(space)
             ? JS_EXCEPTION
             : JS_NewCFunctionData(ctx, namespace_of, 0, 0, 1, vc(&space));
  if (!JS_IsException(then))
    promise = JS_PromiseThen(ctx, done, then, JS_UNDEFINED);
  JS_FreeValue(ctx, then);
  JS_FreeValue(ctx, space);
  JS_FreeValue(ctx, done);
  return promise;
}

static JSValue source_evaluate(const char *source, uint32_t size,
                               const char *file, uint32_t mode) {
  int type = mode == TORPOR_MODULE ? JS_EVAL_TYPE_MODULE : JS_EVAL_TYPE_GLOBAL;
  JSValue compiled = torpor__compile(source, size, file, type);
  if (JS_IsException(compiled)) return compiled;
  if (mode == TORPOR_MODULE) return module_evaluate(compiled);
  return JS_EvalFunction(torpor__ctx, compiled);
}

EXPORT(torpor_eval)
torpor_status export_eval(const char *source, uint32_t size, const char *file,
                          uint32_t file_size, uint32_t mode) {
  (void)file_size;
  if (mode != TORPOR_SCRIPT && mode != TORPOR_MODULE) return TORPOR_MISUSE;
  torpor__enter();
  return torpor__leave(torpor__give(source_evaluate(source, size, file, mode)));
}

static bool torpor__modules_start(void) {
  JS_SetModuleLoaderFunc2(torpor__rt, module_normalize, module_load,
                          module_check_attributes, NULL);
  torpor__module_library = JS_NewObjectProto(torpor__ctx, JS_NULL);
  return !JS_IsException(torpor__module_library);
}
