/* SPDX-License-Identifier: MIT */
/* module-name.c - names of modules: how an import's is resolved, and the URL
 * that import.meta gives.
 *
 * The host may resolve names itself (options.resolve). Where it does not,
 * names that start with "./" or "../" are resolved against their importer, as
 * paths; all others stay as they are. A name may be a URL, whose scheme and
 * authority are then its root, which no "../" leaves:
 *
 *     https://host/lib/a.js?v=1   imports   ../b.js?v=2
 *     [   root   ][  path ]                 https://host/b.js?v=2
 *
 *  (1) "torpor:" names are the library's: the host is not asked about them.
 *  (2) Nothing here depends on what a program may replace. */

/* The size of "scheme:" at the beginning of 'name'; 0: there is none. */
static size_t url_scheme(const char *name) {
  size_t size = 0;
  if (!lre_is_id_start_byte((uint8_t)name[0]) || name[0] == '_' ||
      name[0] == '$')
    return 0;
  while ((name[size] >= 'a' && name[size] <= 'z') ||
         (name[size] >= 'A' && name[size] <= 'Z') ||
         (name[size] >= '0' && name[size] <= '9') ||
         (name[size] != '\0' && strchr("+-.", name[size])))
    size++;
  return name[size] == ':' ? size + 1 : 0;
}

/* The size of the root of a URL that has a path; 0: 'name' is none. */
static size_t url_root(const char *name) {
  size_t scheme = url_scheme(name);
  if (scheme == 0 || strncmp(name + scheme, "//", 2) != 0) return 0;
  return scheme + 2 + strcspn(name + scheme + 2, "/?#");
}

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

/* Puts the path 'name' of 'length' bytes behind the 'size' bytes that lie in
 * 'path', which are none or end with a slash; gives the new size. */
static size_t path_append(char *path, size_t size, const char *name,
                          size_t length) {
  const char *end = name + length;
  for (;;) {
    size_t segment = 0;
    bool last;
    while (name + segment < end && name[segment] != '/') segment++;
    last = name + segment == end;
    if (segment == 2 && memcmp(name, "..", 2) == 0) {
      size = path_up(path, size);
    } else if (!(segment == 1 && name[0] == '.')) {
      memcpy(path + size, name, segment);
      size += segment;
      if (!last) path[size++] = '/';
    }
    if (last) return size;
    name += segment + 1;
  }
}

/* The size of the folder at the beginning of 'path'. */
static size_t path_folder(const char *path, size_t size) {
  while (size > 0 && path[size - 1] != '/') size--;
  return size;
}

/* Writes 'name' resolved against the URL 'base' to 'out'. */
static void url_join(const char *base, size_t root, const char *name,
                     char *out) {
  size_t path = strcspn(base + root, "?#");
  size_t length = strcspn(name, "?#"), size;
  memcpy(out, base, root);
  out += root;
  size = name[0] == '/' ? 0 : path_folder(base + root, path);
  memcpy(out, base + root, size);
  if (size == 0) out[size++] = '/';
  if (name[0] == '/') name++, length--;
  size = path_append(out, size, name, length);
  strcpy(out + size, name + length);
}

static bool name_is_relative(const char *name) {
  return strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0 ||
         strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 'name' resolved by the rules above, for js_free; NULL: thrown. */
static char *name_join(JSContext *ctx, const char *base, const char *name) {
  size_t root = url_root(base), scheme = url_scheme(base), size;
  bool relative = name_is_relative(name);
  char *out;
  if (!relative && !(root > 0 && name[0] == '/')) return js_strdup(ctx, name);
  if (relative && root == 0 && strncmp(base, "data:", 5) == 0) {
    JS_ThrowTypeError(ctx, "'%s' cannot be resolved against a data: URL", name);
    return NULL;
  }
  out = js_malloc(ctx, strlen(base) + 2 * strlen(name) + 8);
  if (out == NULL) return NULL;
  if (root > 0 && strncmp(name, "//", 2) == 0) {
    memcpy(out, base, scheme);
    strcpy(out + scheme, name);
  } else if (root > 0) {
    url_join(base, root, name, out);
  } else {
    size = path_folder(base, strlen(base));
    memcpy(out, base, size);
    out[path_append(out, size, name, strlen(name))] = '\0';
  }
  return out;
}

/* ---- What the host says --------------------------------------------------*/

static bool name_is_library(const char *name) {
  return strncmp(name, "torpor:", 7) == 0;
}

/* Code that runs asks for a name, by import() or import.meta.resolve. Else a
 * module that is compiled does. */
static bool code_asks;

/* What the host says about 'name': a copy for js_free; NULL without an
 * exception when it says nothing. */
static char *name_ask(JSContext *ctx, const char *base, const char *name) {
  uint64_t *result = torpor_control.host.result;
  torpor_status status;
  char *text, *copy = NULL;
  torpor__pause();
  result[0] = code_asks;
  status = torpor__host_resolve(name, (uint32_t)strlen(name), base,
                                (uint32_t)strlen(base));
  torpor__resume();
  torpor__look();
  text = (char *)(uintptr_t)result[0];
  if (status != TORPOR_OK) {
    module_refuse(name, base, status, text, (size_t)result[1]);
  } else if (text != NULL) {
    if (strlen(text) != (size_t)result[1])
      JS_ThrowTypeError(ctx, "the name of a module contains U+0000");
    else
      copy = js_strdup(ctx, text);
  }
  torpor_release(text);
  return copy;
}

/* The importer of the name that was resolved last, for messages. */
static char module_importer[IMPORTER_LARGEST];

static char *module_normalize(JSContext *ctx, const char *base,
                              const char *name, void *opaque) {
  char *said;
  (void)opaque;
  memset(module_importer, 0, sizeof(module_importer));
  strncpy(module_importer, base, sizeof(module_importer) - 1);
  if (name_is_library(name)) return js_strdup(ctx, name);
  said = name_ask(ctx, base, name);
  if (said != NULL || JS_HasException(ctx)) return said;
  return name_join(ctx, base, name);
}

/* ---- URLs ----------------------------------------------------------------*/

/* Bytes of a path that stand for themselves in a URL. */
static bool url_keeps(uint8_t byte) {
  return byte > ' ' && byte < 0x7f && !strchr("\"#<>?`{}^%\\", byte);
}

/* The URL of the module 'name': a name that begins with a slash is a file's. */
static JSValue module_url(JSContext *ctx, const char *name) {
  static const char digits[] = "0123456789ABCDEF";
  JSValue url;
  DynBuf text;
  if (name[0] != '/') return JS_NewString(ctx, name);
  js_dbuf_init(ctx, &text);
  dbuf_putstr(&text, "file://");
  for (; *name != '\0'; name++) {
    uint8_t byte = (uint8_t)*name;
    if (!url_keeps(byte)) {
      dbuf_putc(&text, '%');
      dbuf_putc(&text, (uint8_t)digits[byte >> 4]);
      byte = (uint8_t)digits[byte & 15];
    }
    dbuf_putc(&text, byte);
  }
  url = dbuf_error(&text)
            ? JS_ThrowOutOfMemory(ctx)
            : JS_NewStringLen(ctx, (const char *)text.buf, text.size);
  dbuf_free(&text);
  return url;
}

/* import.meta.resolve of the module named 'data[0]'. */
static JSValue meta_resolve(JSContext *ctx, JSValueConst self, int count,
                            JSValueConst *args, int magic, JSValueConst *data) {
  const char *base = JS_ToCString(ctx, data[0]), *name = NULL;
  char *path = NULL;
  JSValue url = JS_EXCEPTION;
  size_t size = 0;
  (void)self, (void)magic;
  if (base != NULL)
    name = JS_ToCStringLen(ctx, &size, count > 0 ? args[0] : JS_UNDEFINED);
  if (name != NULL && strlen(name) != size)
    JS_ThrowTypeError(ctx, "the name of a module contains U+0000");
  else if (name != NULL) {
    code_asks = true;
    path = module_normalize(ctx, base, name, NULL);
    code_asks = false;
  }
  if (path != NULL) url = module_url(ctx, path);
  js_free(ctx, path);
  JS_FreeCString(ctx, name);
  JS_FreeCString(ctx, base);
  return url;
}

/* Fills import.meta of a module that was compiled. One that lacks it would be
 * another module, so this does not fail. */
static void module_meta_set(JSModuleDef *module, bool main) {
  JSContext *ctx = torpor__ctx;
  JSValue meta, name, resolve;
  const char *text;
  torpor__sure_begin();
  meta = JS_GetImportMeta(ctx, module);
  name = JS_AtomToString(ctx, module->module_name);
  text = JS_ToCString(ctx, name);
  JS_DefinePropertyValueStr(ctx, meta, "url", module_url(ctx, text),
                            JS_PROP_C_W_E);
  JS_DefinePropertyValueStr(ctx, meta, "main", js_bool(main), JS_PROP_C_W_E);
  resolve = JS_NewCFunctionData(ctx, meta_resolve, 1, 0, 1, vc(&name));
  JS_DefinePropertyValueStr(ctx, meta, "resolve", resolve, JS_PROP_C_W_E);
  torpor__sure_end();
  JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, name);
  JS_FreeValue(ctx, meta);
}
