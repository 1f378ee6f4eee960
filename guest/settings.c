/* SPDX-License-Identifier: MIT */
/* settings.c - what a host decides about the VM besides its limits: what of the
 * language is left out, when the collector runs, how the console speaks.
 *
 *  (1) Settings end with the host that made them: waking takes them back.
 *  (2) What was left out stays out: that is a change of the program's world.
 *      It is left out once: what the program has under that name by the time
 *      that a host says it again, as when it wakes, is the program's.
 *
 * Without 'eval' the engine has no compiler for the program; for the host and
 * its modules there is one all the same (torpor__compile). */

static struct {
  uint32_t collect; /* no collection before the heap has so many bytes */
  uint32_t colors;  /* COLORS_OUT and COLORS_ERROR of abi.h */
  bool late;        /* it wants to know of rejections that are handled late */
  JSValue console;  /* takes what is printed as values; undefined: as texts */
} settings = {.console = JS_UNDEFINED};

/* Names that were left out, with a space behind each, for js_free. */
static struct {
  char *names;
  uint32_t size;
} omitted;

/* Have the globals that come with an extension, and with a file of the host's
 * library (js/late.js). */
static JSValue late_extensions = JS_UNDEFINED, late_library = JS_UNDEFINED;

static void torpor__settings_late_with(JSValueConst extensions,
                                       JSValueConst library) {
  late_extensions = js_dup(extensions);
  late_library = js_dup(library);
}

static bool is_same_object(JSValueConst a, JSValueConst b) {
  return JS_IsObject(a) && JS_IsObject(b) &&
         JS_VALUE_GET_OBJ(a) == JS_VALUE_GET_OBJ(b);
}

/* Puts those that 'flags' say between the global object and its prototype,
 * unless the program has given it another:
 *
 *   global object --> late_library --> late_extensions --> Object.prototype
 *
 * What is there already stays. False: thrown. */
static bool have_late_globals(uint32_t flags) {
  JSContext *ctx = torpor__ctx;
  JSValue plain = ctx->class_proto[JS_CLASS_OBJECT];
  JSValue proto = JS_GetPrototype(ctx, ctx->global_obj), below, next;
  bool extensions = flags & TORPOR_ABI_EXTENSIONS;
  bool library = flags & TORPOR_ABI_LIBRARY;
  bool done = !JS_IsException(proto);
  if (is_same_object(proto, late_library)) {
    library = true;
    below = JS_GetPrototype(ctx, late_library);
    extensions |= is_same_object(below, late_extensions);
    JS_FreeValue(ctx, below);
  } else if (is_same_object(proto, late_extensions)) {
    extensions = true;
  } else if (!is_same_object(proto, plain)) {
    extensions = library = false;
  }
  JS_FreeValue(ctx, proto);
  next = extensions ? late_extensions : plain;
  if (done && library) done = JS_SetPrototype(ctx, late_library, next) >= 0;
  if (done && (extensions || library))
    done = JS_SetPrototype(ctx, ctx->global_obj,
                           library ? late_library : next) >= 0;
  return done;
}

/* The script or module that 'source' is, not run, whether or not the program
 * may compile; 'line' is the number of its first. The engine takes a mark of
 * byte order for a blank, but not before "#!". */
static JSValue torpor__compile(const char *source, size_t size,
                               const char *name, int flags, uint32_t line) {
  static const char marked[] = "\xef\xbb\xbf#!";
  const size_t mark = sizeof(marked) - sizeof("#!");
  JSContext *ctx = torpor__ctx;
  JSEvalOptions options = {
      .version = JS_EVAL_OPTIONS_VERSION,
      .filename = name,
      .line_num = (int)line,
      .eval_flags = flags | JS_EVAL_FLAG_COMPILE_ONLY,
  };
  bool without = ctx->eval_internal == NULL;
  JSValue compiled;
  if (size >= sizeof(marked) - 1 &&
      memcmp(source, marked, sizeof(marked) - 1) == 0) {
    source += mark;
    size -= mark;
  }
  ctx->eval_internal = stack_eval;
  compiled = JS_Eval2(ctx, source, size, &options);
  if (without) ctx->eval_internal = NULL;
  return compiled;
}

/* Before code runs: the collector's next turn is not due earlier. */
static void torpor__settings_enter(void) {
  if (torpor__rt->malloc_gc_threshold < settings.collect)
    torpor__rt->malloc_gc_threshold = settings.collect;
}

/* Where the engine has the next collection begin, if one ended now. */
static size_t collect_usual(void) {
  size_t size = torpor__rt->malloc_state.malloc_size;
  return size + (size >> 1);
}

/* Bytes of heap with which the next collection begins. */
static size_t torpor__collect_at(void) {
  torpor__settings_enter();
  return torpor__rt->malloc_gc_threshold;
}

static void torpor__settings_reset(void) {
  JSValue console = settings.console;
  if (settings.collect && torpor__rt->malloc_gc_threshold <= settings.collect)
    torpor__rt->malloc_gc_threshold = collect_usual();
  settings.console = JS_UNDEFINED;
  settings.collect = 0;
  settings.late = false;
  settings.colors = 0;
  JS_FreeValue(torpor__ctx, console);
}

EXPORT(torpor_collector)
torpor_status export_collector(uint32_t bytes, uint32_t set) {
  size_t *threshold = &torpor__rt->malloc_gc_threshold;
  if (set) {
    settings.collect = bytes;
    *threshold = bytes ? bytes : collect_usual();
  }
  return torpor__give_integer(torpor__collect_at());
}

/* ---- Leaving out ---------------------------------------------------------*/

/* The object that is the value of 'object'[name] as plain data, or undefined;
 * an exception when memory runs out. Runs no code of the program. */
static JSValue object_within(JSValueConst object, JSAtom name) {
  JSProperty *property;
  JSShapeProperty *shape;
  if (!JS_IsObject(object)) return JS_UNDEFINED;
  shape = find_own_property(&property, JS_VALUE_GET_OBJ(object), name);
  if (shape != NULL && (shape->flags & JS_PROP_TMASK) == JS_PROP_AUTOINIT) {
    /* The engine makes it at the first look. */
    JSObject *holder = JS_VALUE_GET_OBJ(object);
    if (JS_AutoInitProperty(torpor__ctx, holder, name, property, shape) < 0)
      return JS_EXCEPTION;
    shape = find_own_property(&property, holder, name);
  }
  if (shape == NULL || (shape->flags & JS_PROP_TMASK) != JS_PROP_NORMAL ||
      !JS_IsObject(property->u.value))
    return JS_UNDEFINED;
  return js_dup(property->u.value);
}

/* Deletes what 'path' names, as "Date" or "Math.random", if it is there. */
static torpor_status leave_out(const char *path, uint32_t size) {
  JSContext *ctx = torpor__ctx;
  JSValue object = JS_GetGlobalObject(ctx);
  const char *end = path + size, *dot;
  int deleted = 0;
  if (size == 4 && memcmp(path, "eval", 4) == 0) ctx->eval_internal = NULL;
  for (;;) {
    JSAtom name;
    JSValue next;
    dot = memchr(path, '.', (size_t)(end - path));
    name = JS_NewAtomLen(ctx, path, (size_t)((dot ? dot : end) - path));
    if (name == JS_ATOM_NULL) {
      JS_FreeValue(ctx, object);
      return torpor__thrown();
    }
    if (dot == NULL) {
      if (JS_IsObject(object) &&
          JS_VALUE_GET_OBJ(object)->class_id != JS_CLASS_PROXY)
        deleted = JS_DeleteProperty(ctx, object, name, 0);
      if (deleted >= 0 &&
          JS_VALUE_GET_OBJ(object) == JS_VALUE_GET_OBJ(ctx->global_obj))
        deleted = JS_DeleteProperty(ctx, late_extensions, name, 0);
      if (deleted >= 0 &&
          JS_VALUE_GET_OBJ(object) == JS_VALUE_GET_OBJ(ctx->global_obj))
        deleted = JS_DeleteProperty(ctx, late_library, name, 0);
      JS_FreeAtom(ctx, name);
      break;
    }
    next = object_within(object, name);
    JS_FreeAtom(ctx, name);
    JS_FreeValue(ctx, object);
    if (JS_IsException(next)) return torpor__thrown();
    object = next;
    path = dot + 1;
  }
  JS_FreeValue(ctx, object);
  return deleted < 0 ? torpor__thrown() : TORPOR_OK;
}

static bool was_left_out(const char *path, uint32_t size) {
  for (uint32_t at = 0; omitted.size - at > size; at++) {
    if (omitted.names[at + size] == ' ' &&
        memcmp(omitted.names + at, path, size) == 0)
      return true;
    while (omitted.names[at] != ' ') at++;
  }
  return false;
}

static torpor_status leave_out_once(const char *path, uint32_t size) {
  torpor_status status;
  char *names;
  if (was_left_out(path, size)) return TORPOR_OK;
  status = leave_out(path, size);
  if (status) return status;
  names = js_realloc(torpor__ctx, omitted.names, omitted.size + size + 1);
  if (names == NULL) return torpor__thrown();
  memcpy(names + omitted.size, path, size);
  names[omitted.size + size] = ' ';
  omitted.names = names;
  omitted.size += size + 1;
  return TORPOR_OK;
}

/* Leaves out all of 'names', which are divided by spaces. */
static torpor_status leave_out_all(const char *names, uint32_t size) {
  const char *end = names + size;
  torpor_status status = TORPOR_OK;
  while (names < end && status == TORPOR_OK) {
    const char *space = memchr(names, ' ', (size_t)(end - names));
    const char *stop = space ? space : end;
    if (stop > names) status = leave_out_once(names, (uint32_t)(stop - names));
    names = space ? space + 1 : end;
  }
  return status;
}

static torpor_status configure(const char *names, uint32_t size,
                               uint32_t collect, uint32_t flags) {
  torpor__settings_reset();
  settings.collect = collect;
  settings.late = (flags & TORPOR_ABI_LATE) != 0;
  settings.colors = flags & (TORPOR_ABI_COLORS_OUT | TORPOR_ABI_COLORS_ERROR);
  if (flags & TORPOR_ABI_CONSOLE) {
    JSValue console = torpor__host_function(
        TORPOR_ABI_CONSOLE_NAME, sizeof(TORPOR_ABI_CONSOLE_NAME) - 1, 0);
    if (JS_IsException(console)) return torpor__thrown();
    settings.console = console;
  }
  if (flags & (TORPOR_ABI_EXTENSIONS | TORPOR_ABI_LIBRARY) &&
      !have_late_globals(flags))
    return torpor__thrown();
  return leave_out_all(names, size);
}

EXPORT(torpor_configure)
torpor_status export_configure(const char *names, uint32_t size,
                               uint32_t collect, uint32_t flags) {
  torpor__enter();
  return torpor__leave(configure(names, size, collect, flags));
}
