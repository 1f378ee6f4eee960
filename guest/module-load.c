/* SPDX-License-Identifier: MIT */
/* module-load.c - loading graphs of modules.
 *
 * The engine's own loader wants each source at once. Here it gets an *empty*
 * module for each name that is not known yet, which is filled when its source
 * comes: now, or later by an operation of kind "module", asleep in between.
 *
 *     JS_Eval ── module_load ──> empty ── the host answers ──> filled
 *                                  │ ^                           ^
 *                          'later' v │ in vain                   │
 *                                 asked ── the operation ends ───┘
 *
 * A *load* is one torpor_eval or import(), from its first module to the moment
 * when all that this needs is there; then it is linked and evaluated by the
 * engine. It goes on by walking the graph: the walk asks for what is empty, and
 * has an end when nothing is.
 *
 *  (1) A module is asked for once, however many loads want it.
 *  (2) What failed may be asked for again by a later load; what was filled
 *      stays.
 *  (3) Walks (module-link.c) run no code of the program.
 *  (4) Nothing is linked while a module of its graph is being linked or
 *      evaluated: a load that a host function began then goes on in a job.
 *  (5) A load is not walked for answers that others wait for: with many loads
 *      the time would grow with their square and more. */

typedef struct module_load {
  JSModuleDef *root;
  JSValue resolve, reject;
  JSModuleDef *awaited; /* one of those that it waits for; NULL: none, it was
                           deferred */
  uint32_t lacks;       /* how many it waited for when it was walked last */
  uint32_t pending;     /* answers, to anybody, until it is worth a walk */
  bool stale;           /* it is to be walked */
  bool evaluation; /* by the host: the first module is not kept if it fails */
} module_load;

static struct {
  module_load **items; /* in the order in which they began */
  uint32_t count, capacity;
} loads;

/* ---- Filling -------------------------------------------------------------*/

/* Code before data of the same name, so that the engine, which looks for
 * import.meta by name, finds the code. */
static void module_put_first(JSModuleDef *module) {
  struct list_head *link;
  list_for_each(link, &torpor__ctx->loaded_modules) {
    const JSModuleDef *other = list_entry(link, JSModuleDef, link);
    if (other == module) return;
    if (other->module_name != module->module_name || !other->init_func)
      continue;
    list_del(&module->link);
    list_add_tail(&module->link, link);
    return;
  }
}

/* Moves what was compiled from one to the other, which is empty. */
static void module_adopt(JSModuleDef *to, JSModuleDef *from) {
#define MOVE(field) (to->field = from->field, from->field = 0)
#define MOVE_LIST(list) (MOVE(list), MOVE(list##_count), MOVE(list##_size))
  MOVE_LIST(req_module_entries);
  MOVE_LIST(export_entries);
  MOVE_LIST(star_export_entries);
  MOVE_LIST(import_entries);
  MOVE(has_tla);
#undef MOVE_LIST
#undef MOVE
  to->func_obj = from->func_obj;
  from->func_obj = JS_UNDEFINED;
  js_free_module_def(torpor__ctx, from);
}

/* Whether 'module' is empty, and nobody was asked for it. */
static bool module_is_idle(const JSModuleDef *module) {
  return module_is_empty(module) && module_state(module) == MODULE_WANTED;
}

static void modules_sweep(int mark);
static void module_drop(JSModuleDef *module);
static JSValue bytecode_read(const uint8_t *bytes, uint32_t size,
                             uint32_t flags);

/* The last module of the list. */
static struct list_head *modules_last(void) {
  return torpor__ctx->loaded_modules.prev;
}

/* Frees the idle modules that came behind 'last', of a module that could not be
 * compiled or read. */
static void modules_cut(const struct list_head *last) {
  struct list_head *link = last->next;
  int mark = --walk_mark;
  for (; link != &torpor__ctx->loaded_modules; link = link->next) {
    JSModuleDef *module = list_entry(link, JSModuleDef, link);
    if (module_is_idle(module)) module->dfs_index = mark;
  }
  if (last->next != &torpor__ctx->loaded_modules) modules_sweep(mark);
}

/* The script or module that 'source' is, not run. */
static JSValue source_compile(const char *source, size_t size, const char *file,
                              int flags, uint32_t line) {
  const struct list_head *last = modules_last();
  JSValue compiled = torpor__compile(source, size, file, flags, line);
  if (JS_IsException(compiled)) modules_cut(last);
  return compiled;
}

/* Fills 'module' with bytecode of a module of the same name. */
static bool compiled_module_fill(JSModuleDef *module, const char *bytes,
                                 size_t size) {
  JSValue compiled = bytecode_read((const uint8_t *)bytes, (uint32_t)size,
                                   TORPOR_ABI_EVAL_MODULE);
  JSModuleDef *from;
  if (JS_IsException(compiled)) return false;
  from = JS_VALUE_GET_PTR(compiled);
  JS_FreeValue(torpor__ctx, compiled); /* the list of modules holds it */
  if (from->module_name != module->module_name) {
    module_drop(from);
    JS_ThrowTypeError(torpor__ctx,
                      "the bytecode is of a module of another name");
    return false;
  }
  module_adopt(module, from);
  module_put_first(module);
  module_meta_set(module, false);
  return true;
}

static bool code_module_fill(JSModuleDef *module, const char *source,
                             size_t size) {
  JSContext *ctx = torpor__ctx;
  const char *name = JS_AtomToCString(ctx, module->module_name);
  JSValue compiled;
  if (name == NULL) return false;
  compiled = source_compile(source, size, name, JS_EVAL_TYPE_MODULE, 1);
  JS_FreeCString(ctx, name);
  if (JS_IsException(compiled)) return false;
  JS_FreeValue(ctx, compiled); /* the list of modules holds it */
  module_adopt(module, JS_VALUE_GET_PTR(compiled));
  module_put_first(module);
  module_meta_set(module, false);
  return true;
}

static bool module_fill(JSModuleDef *module, const char *source, size_t size,
                        bool compiled) {
  module_type type = module_type_of(module);
  JSValue importer = js_dup(module->private_value);
  bool filled;
  if (type != MODULE_CODE)
    filled = data_module_fill(module, type, source, size);
  else if (compiled)
    filled = compiled_module_fill(module, source, size);
  else
    filled = code_module_fill(module, source, size);
  if (!filled) module_note(importer);
  JS_FreeValue(torpor__ctx, importer);
  return filled;
}

/* ---- Asking --------------------------------------------------------------*/

static void loads_answered(JSModuleDef *module, bool failed);
static void module_forget(JSModuleDef *module, bool evaluation);

/* What the operation for a module was settled with, as bytes with a zero byte
 * behind them, for js_free; NULL: thrown. */
static char *answer_bytes(JSValueConst value, const char *name, size_t *size) {
  JSContext *ctx = torpor__ctx;
  const char *text = NULL;
  uint8_t *data = NULL;
  uint32_t data_size = 0;
  char *copy;
  if (JS_IsString(value)) {
    text = JS_ToCStringLen(ctx, size, value);
    if (text == NULL) return NULL;
    data = (uint8_t *)text;
  } else if (torpor__bytes(value, &data, &data_size)) {
    *size = data_size;
  } else {
    JS_ThrowTypeError(
        ctx, "module '%s': the host answered neither text nor bytes", name);
    return NULL;
  }
  copy = js_malloc(ctx, *size + 1);
  if (copy != NULL) {
    if (*size > 0) memcpy(copy, data, *size);
    copy[*size] = '\0';
  }
  JS_FreeCString(ctx, text);
  return copy;
}

/* Fills 'module' with what came, or throws. */
static bool answer_take(JSModuleDef *module, JSValueConst value, int outcome) {
  JSContext *ctx = torpor__ctx;
  const char *name = JS_AtomToCString(ctx, module->module_name);
  bool filled = false;
  size_t size;
  char *source;
  if (name == NULL) return false;
  if (outcome == TORPOR_REJECT) {
    module_refuse_for(name, module->private_value, value);
  } else if ((source = answer_bytes(value, name, &size)) != NULL) {
    filled = module_fill(module, source, size, false);
    js_free(ctx, source);
  }
  JS_FreeCString(ctx, name);
  return filled;
}

/* The operation for module 'data[0]' ended. Nobody else has that reference: the
 * other function that had it went with the operation. It is given up, as the
 * module may go. */
static JSValue module_arrived(JSContext *ctx, JSValueConst self, int count,
                              JSValueConst *args, int outcome,
                              JSValueConst *data) {
  JSModuleDef *module;
  bool filled;
  (void)self;
  if (JS_VALUE_GET_TAG(data[0]) != JS_TAG_MODULE) return JS_UNDEFINED;
  module = JS_VALUE_GET_PTR(data[0]);
  JS_FreeValue(ctx, *(JSValue *)data);
  *(JSValue *)data = JS_UNDEFINED;
  if (module_state(module) != MODULE_ASKED || !module_is_empty(module))
    return JS_UNDEFINED;
  module_set_state(module, MODULE_WANTED);
  filled = answer_take(module, count > 0 ? args[0] : JS_UNDEFINED, outcome);
  if (!filled) {
    module->eval_exception = torpor__exception_take();
    module_set_state(module, MODULE_FAILED);
  }
  loads_answered(module, !filled);
  if (!filled) {
    JSValue error = module->eval_exception;
    module->eval_exception = JS_UNDEFINED;
    if (module_is_empty(module)) module_set_state(module, MODULE_WANTED);
    module_forget(module, false);
    JS_FreeValue(ctx, error);
  }
  return JS_UNDEFINED;
}

/* {name, type, importer}; exception: thrown. */
static JSValue ask_request(const char *name, module_type type,
                           const char *importer) {
  JSContext *ctx = torpor__ctx;
  JSValue request = JS_NewObject(ctx);
  if (JS_IsException(request)) return request;
  if (JS_DefinePropertyValueStr(ctx, request, "name", JS_NewString(ctx, name),
                                JS_PROP_C_W_E) >= 0 &&
      JS_DefinePropertyValueStr(ctx, request, "type",
                                JS_NewString(ctx, module_types[type]),
                                JS_PROP_C_W_E) >= 0 &&
      JS_DefinePropertyValueStr(ctx, request, "importer",
                                JS_NewString(ctx, importer),
                                JS_PROP_C_W_E) >= 0)
    return request;
  JS_FreeValue(ctx, request);
  return JS_EXCEPTION;
}

/* Begins the operation for 'module'. False: thrown. */
static bool ask_later(JSModuleDef *module, const char *name, module_type type,
                      const char *importer) {
  static const char kind[] = "module";
  JSContext *ctx = torpor__ctx;
  JSValue itself = JS_NewModuleValue(ctx, module), resolve, reject;
  JSValue request = ask_request(name, type, importer);
  uint64_t id = 0;
  resolve = JS_NewCFunctionData(ctx, module_arrived, 1, TORPOR_RESOLVE, 1,
                                vc(&itself));
  reject = JS_NewCFunctionData(ctx, module_arrived, 1, TORPOR_REJECT, 1,
                               vc(&itself));
  if (!JS_IsException(request) && !JS_IsException(resolve) &&
      !JS_IsException(reject))
    id = torpor__operation_begin(kind, sizeof(kind) - 1, request, 0, resolve,
                                 reject);
  if (id != 0) module_set_state(module, MODULE_ASKED);
  JS_FreeValue(ctx, reject);
  JS_FreeValue(ctx, resolve);
  JS_FreeValue(ctx, request);
  JS_FreeValue(ctx, itself);
  return id != 0;
}

/* Asks the host for the source of 'module'. False: thrown. */
static bool ask_host(JSModuleDef *module, const char *name, module_type type,
                     const char *importer) {
  const uint64_t *result = torpor_control.host.result;
  torpor_status status;
  bool asked = false;
  char *text;
  size_t size;
  torpor__pause();
  status = torpor__host_source(name, (uint32_t)strlen(name), type, importer,
                               (uint32_t)strlen(importer));
  torpor__resume();
  torpor__look();
  if (status == (torpor_status)TORPOR_ABI_LATER)
    return ask_later(module, name, type, importer);
  text = (char *)(uintptr_t)result[0];
  size = (size_t)result[1];
  if (status == TORPOR_OK || status == (torpor_status)TORPOR_ABI_COMPILED)
    asked = module_fill(module, text, size, status != TORPOR_OK);
  else
    module_refuse_with(name, module->private_value, status, text, size);
  torpor_release(text);
  return asked;
}

static bool ask_library(JSModuleDef *module, const char *name, module_type type,
                        JSValue object) {
  if (JS_IsObject(object))
    return library_module_fill(module, name, object, type);
  if (!JS_IsException(object)) {
    DynBuf message;
    js_dbuf_init(torpor__ctx, &message);
    dbuf_putstr(&message, "there is no library module '");
    dbuf_putstr(&message, name);
    dbuf_putc(&message, '\'');
    chain_write(&message, module->private_value);
    module_throw(&message, JS_UNDEFINED, JS_UNDEFINED);
  }
  return false;
}

/* Sees to it that 'module', which is empty and not asked for, is filled or
 * asked for. 'importer' is the name of who wants it, undefined for nobody.
 * False: thrown. */
static bool module_ask(JSModuleDef *module, JSValueConst importer) {
  JSContext *ctx = torpor__ctx;
  module_type type = module_type_of(module);
  const char *name = JS_AtomToCString(ctx, module->module_name);
  const char *from = JS_IsString(importer) ? JS_ToCString(ctx, importer) : NULL;
  bool asked = false;
  if (name != NULL && (from != NULL || !JS_IsString(importer))) {
    JSValue object = library_module_bring(name);
    JS_SetModulePrivateValue(ctx, module, js_dup(importer));
    asked = !JS_IsUndefined(object) || name_is_library(name)
                ? ask_library(module, name, type, object)
                : ask_host(module, name, type, from ? from : "");
  }
  JS_FreeCString(ctx, from);
  JS_FreeCString(ctx, name);
  return asked;
}

/* ---- Loads ---------------------------------------------------------------*/

typedef enum progress {
  LOAD_FAILED, /* thrown */
  LOAD_WAITS,
  LOAD_READY,
  LOAD_DEFERRED, /* see (4) */
} progress;

static void load_free(module_load *load) {
  JS_FreeValue(torpor__ctx, load->resolve);
  JS_FreeValue(torpor__ctx, load->reject);
  js_free(torpor__ctx, load);
}

/* Looks at 'module', which 'importer' needs. False: thrown. */
static bool load_visit(module_load *load, walk *walk, JSModuleDef *module,
                       JSValueConst importer, bool *deferred) {
  if (module_is_empty(module)) {
    if (module_state(module) == MODULE_FAILED) {
      JS_Throw(torpor__ctx, js_dup(module->eval_exception));
      return false;
    }
    if (module_state(module) == MODULE_WANTED && !module_ask(module, importer))
      return false;
    if (module_is_empty(module)) {
      load->lacks += module->dfs_index != walk->mark;
      load->awaited = module;
      module->dfs_index = walk->mark;
      return true;
    }
  }
  *deferred |= module_is_linking(module);
  walk_add(walk, module);
  return true;
}

/* Looks at all that 'module' imports. */
static bool load_visit_all(module_load *load, walk *walk, JSModuleDef *module,
                           bool *deferred) {
  JSValue name = JS_AtomToString(torpor__ctx, module->module_name);
  bool fine = !JS_IsException(name);
  for (int i = 0; fine && i < module->req_module_entries_count; i++)
    fine = load_visit(load, walk, module->req_module_entries[i].module, name,
                      deferred);
  JS_FreeValue(torpor__ctx, name);
  return fine;
}

/* Asks for all that 'load' lacks. 'importer' wants its first module. */
static progress load_walk(module_load *load, JSValueConst importer) {
  walk walk = walk_begin();
  bool deferred = false, fine;
  JSModuleDef *module;
  load->lacks = 0;
  load->awaited = NULL;
  load->stale = false;
  fine = load_visit(load, &walk, load->root, importer, &deferred);
  while (fine && (module = walk_take(&walk)) != NULL)
    fine = load_visit_all(load, &walk, module, &deferred);
  walk_end(&walk);
  load->pending = load->lacks;
  if (!fine) return LOAD_FAILED;
  if (load->lacks > 0) return LOAD_WAITS;
  return deferred ? LOAD_DEFERRED : LOAD_READY;
}

/* Whether something refers to 'module'. */
static bool module_is_wanted(const JSModuleDef *module) {
  struct list_head *link;
  for (uint32_t i = 0; i < loads.count; i++)
    if (loads.items[i]->root == module) return true;
  list_for_each(link, &torpor__ctx->loaded_modules) {
    const JSModuleDef *other = list_entry(link, JSModuleDef, link);
    for (int i = 0; i < other->req_module_entries_count; i++)
      if (other->req_module_entries[i].module == module) return true;
  }
  return false;
}

/* Frees the idle modules with that mark, unless others want them. */
static void modules_sweep(int mark) {
  struct list_head *link, *next;
  for (uint32_t i = 0; i < loads.count; i++)
    if (loads.items[i]->root->dfs_index == mark)
      loads.items[i]->root->dfs_index = 0;
  list_for_each(link, &torpor__ctx->loaded_modules) {
    const JSModuleDef *module = list_entry(link, JSModuleDef, link);
    for (int i = 0; i < module->req_module_entries_count; i++) {
      JSModuleDef *wanted = module->req_module_entries[i].module;
      if (wanted != NULL && wanted->dfs_index == mark) wanted->dfs_index = 0;
    }
  }
  list_for_each_safe(link, next, &torpor__ctx->loaded_modules) {
    JSModuleDef *module = list_entry(link, JSModuleDef, link);
    if (module->dfs_index == mark) js_free_module_def(torpor__ctx, module);
  }
}

/* Frees 'module', and those idle that only it imports. */
static void module_drop(JSModuleDef *module) {
  int mark = --walk_mark, count = 0;
  for (int i = 0; i < module->req_module_entries_count; i++) {
    JSModuleDef *imported = module->req_module_entries[i].module;
    if (imported == NULL || !module_is_idle(imported)) continue;
    imported->dfs_index = mark;
    count++;
  }
  js_free_module_def(torpor__ctx, module);
  if (count > 0) modules_sweep(mark);
}

/* Forgets the first module of a load that failed, unless others want it: an
 * empty one, and one that may be evaluated with another source. */
static void module_forget(JSModuleDef *module, bool evaluation) {
  if (module->status == JS_MODULE_STATUS_UNLINKED &&
      (module_is_empty(module) ? module_is_idle(module) : evaluation) &&
      !module_is_wanted(module))
    module_drop(module);
}

/* ---- Running one ---------------------------------------------------------*/

/* Links and evaluates what 'load' has; then it is resolved with the namespace.
 * False: thrown. */
static bool load_run(const module_load *load) {
  JSContext *ctx = torpor__ctx;
  JSValue none[2] = {JS_UNDEFINED, JS_UNDEFINED}, then[2], itself;
  JSValue done = module_run(load->root);
  JSValueConst data[3];
  if (JS_IsException(done)) return false;
  itself = JS_NewModuleValue(ctx, load->root);
  data[0] = load->resolve;
  data[1] = load->reject;
  data[2] = itself;
  torpor__sure_begin(); /* else the load's promise would be pending for ever */
  then[0] = JS_NewCFunctionData(ctx, js_load_module_fulfilled, 0, 0, 3, data);
  then[1] = JS_NewCFunctionData(ctx, js_load_module_rejected, 0, 0, 3, data);
  perform_promise_then(ctx, done, vc(then), vc(none));
  torpor__sure_end();
  JS_FreeValue(ctx, then[0]);
  JS_FreeValue(ctx, then[1]);
  JS_FreeValue(ctx, itself);
  JS_FreeValue(ctx, done);
  return true;
}

/* Rejects 'load' with the pending exception. */
static void load_reject(const module_load *load) {
  JSContext *ctx = torpor__ctx;
  JSValue error = torpor__exception_take(), result;
  result = JS_Call(ctx, load->reject, JS_UNDEFINED, 1, vc(&error));
  if (JS_IsException(result)) torpor__exception_drop();
  JS_FreeValue(ctx, result);
  JS_FreeValue(ctx, error);
}

/* ---- All loads -----------------------------------------------------------*/

static bool loads_add(module_load *load) {
  if (js_resize_array(torpor__ctx, (void **)&loads.items, sizeof(*loads.items),
                      (int *)&loads.capacity, (int)loads.count + 1))
    return false;
  loads.items[loads.count++] = load;
  return true;
}

static void loads_cut(uint32_t index) {
  uint32_t behind = --loads.count - index;
  memmove(loads.items + index, loads.items + index + 1,
          behind * sizeof(*loads.items));
  loads.items[loads.count] = NULL;
  if (loads.count > 0) return;
  js_free(torpor__ctx, loads.items);
  loads.items = NULL;
  loads.capacity = 0;
}

static void loads_advance(void);

static JSValue deferred_job(JSContext *ctx, int count, JSValueConst *args) {
  (void)ctx, (void)count, (void)args;
  for (uint32_t i = 0; i < loads.count; i++)
    if (loads.items[i]->lacks == 0) loads.items[i]->stale = true;
  loads_advance();
  return JS_UNDEFINED;
}

static void loads_defer(void) {
  torpor__sure_begin();
  JS_EnqueueJob(torpor__ctx, deferred_job, 0, NULL);
  torpor__sure_end();
}

/* Goes on with load 'index'; it may be gone afterwards. */
static void load_advance(uint32_t index) {
  module_load *load = loads.items[index];
  switch (load_walk(load, JS_UNDEFINED)) {
  case LOAD_WAITS:
    return;
  case LOAD_DEFERRED:
    loads_defer();
    return;
  case LOAD_READY:
    loads_cut(index);
    if (load_run(load)) break;
    load_reject(load);
    module_forget(load->root, load->evaluation);
    break;
  case LOAD_FAILED:
    loads_cut(index);
    load_reject(load);
    module_forget(load->root, load->evaluation);
    break;
  }
  load_free(load);
}

/* What is evaluated on the way may begin loads, and come here again: until
 * nothing is stale. */
static void loads_advance(void) {
  bool advanced = true;
  while (advanced) {
    advanced = false;
    for (uint32_t i = 0; i < loads.count;) {
      if (loads.items[i]->stale) {
        load_advance(i); /* which makes it fresh, or takes it out */
        advanced = true;
      } else {
        i++;
      }
    }
  }
}

/* Whether 'load' is to be walked now that 'module', which one of its modules
 * may import, is there or failed. */
static bool load_is_due(const module_load *load, const JSModuleDef *module,
                        bool failed) {
  if (load->lacks == 0) return false;
  if (failed) return load->lacks > 1 || load->awaited == module;
  return load->pending == 0 && !module_is_empty(load->awaited);
}

/* 'module', which was asked for, is there, or failed. */
static void loads_answered(JSModuleDef *module, bool failed) {
  for (uint32_t i = 0; i < loads.count; i++) {
    module_load *load = loads.items[i];
    if (load->pending > 0) load->pending--;
    if (load_is_due(load, module, failed)) load->stale = true;
  }
  loads_advance();
}

/* ---- Beginning one -------------------------------------------------------*/

/* Begins to load 'root', which 'importer' wants; takes 'load'. True: its
 * promise will be settled. False: thrown. */
static bool load_begin(module_load *load, JSValueConst importer) {
  progress progress = load_walk(load, importer);
  bool begun = false;
  if (progress == LOAD_READY) {
    begun = load_run(load);
  } else if (progress != LOAD_FAILED) {
    begun = loads_add(load);
    if (begun && progress == LOAD_DEFERRED) loads_defer();
    if (begun) return true;
  }
  if (!begun) module_forget(load->root, load->evaluation);
  load_free(load);
  return begun;
}

static module_load *load_new(JSModuleDef *root, bool evaluation,
                             JSValueConst resolve, JSValueConst reject) {
  module_load *load = js_mallocz(torpor__ctx, sizeof(*load));
  if (load == NULL) {
    module_forget(root, evaluation);
    return NULL;
  }
  load->root = root;
  load->evaluation = evaluation;
  load->resolve = js_dup(resolve);
  load->reject = js_dup(reject);
  return load;
}

/* Puts 'root', which was compiled, in the place of an empty module of its name
 * that nobody was asked for. */
static JSModuleDef *module_place(JSModuleDef *root) {
  JSModuleDef *known =
      js_find_loaded_module(torpor__ctx, root->module_name, JS_UNDEFINED);
  if (known == NULL || known == root || !module_is_empty(known) ||
      known->init_func || module_state(known) != MODULE_WANTED)
    return root;
  JS_SetModulePrivateValue(torpor__ctx, known, JS_UNDEFINED);
  module_adopt(known, root);
  return known;
}

/* Loads and evaluates 'root', which was compiled: a promise of its namespace;
 * exception: it failed at once. */
static JSValue module_start(JSModuleDef *root) {
  JSContext *ctx = torpor__ctx;
  JSValue functions[2], promise = JS_NewPromiseCapability(ctx, functions);
  module_load *load = NULL;
  root = module_place(root);
  module_put_first(root);
  module_meta_set(root, true);
  if (JS_IsException(promise)) {
    module_forget(root, true);
    return promise;
  }
  load = load_new(root, true, functions[0], functions[1]);
  JS_FreeValue(ctx, functions[0]);
  JS_FreeValue(ctx, functions[1]);
  if (load != NULL && load_begin(load, JS_UNDEFINED)) return promise;
  JS_FreeValue(ctx, promise);
  return JS_EXCEPTION;
}

/* The engine's loader: an empty module for a name that is not known. */
static JSModuleDef *module_load_empty(JSContext *ctx, const char *name,
                                      void *opaque, JSValueConst attributes) {
  module_type type = attributes_type(attributes);
  JSAtom atom;
  JSModuleDef *module;
  (void)opaque;
  if (type == MODULE_UNKNOWN) {
    if (!JS_HasException(ctx))
      JS_ThrowTypeError(ctx, "'%s' is imported as an unknown type", name);
    return NULL;
  }
  atom = JS_NewAtom(ctx, name);
  if (atom == JS_ATOM_NULL) return NULL;
  module = js_new_module_def(ctx, atom);
  if (module == NULL) return NULL;
  module->resolved = true;
  module->dfs_ancestor_index = (int)type * MODULE_STATES;
  if (type != MODULE_CODE) module->init_func = object_module_init;
  return module;
}

/* (resolve, reject, importer, specifier, attributes) */
static bool import_begin(JSContext *ctx, JSValueConst *args) {
  const char *base, *name = NULL;
  JSModuleDef *module = NULL;
  module_load *load;
  if (!JS_IsString(args[2])) {
    JS_ThrowTypeError(ctx, "no function filename for import()");
    return false;
  }
  base = JS_ToCString(ctx, args[2]);
  if (base != NULL) name = JS_ToCString(ctx, args[3]);
  code_asks = true;
  if (name != NULL)
    module = js_host_resolve_imported_module(ctx, base, name, args[4]);
  code_asks = false;
  JS_FreeCString(ctx, name);
  JS_FreeCString(ctx, base);
  if (module == NULL) return false;
  load = load_new(module, false, args[0], args[1]);
  return load != NULL && load_begin(load, args[2]);
}

/* The job of import(), in place of the engine's (job.c). */
static JSValue torpor__import_job(JSContext *ctx, int count,
                                  JSValueConst *args) {
  JSValue error, result;
  (void)count;
  if (import_begin(ctx, args)) return JS_UNDEFINED;
  error = torpor__exception_take();
  result = JS_Call(ctx, args[1], JS_UNDEFINED, 1, vc(&error));
  JS_FreeValue(ctx, result);
  JS_FreeValue(ctx, error);
  return JS_UNDEFINED;
}

static bool torpor__modules_start(void) {
  JS_SetModuleLoaderFunc2(torpor__rt, module_normalize, module_load_empty,
                          module_check_attributes, NULL);
  torpor__module_library = JS_NewObjectProto(torpor__ctx, JS_NULL);
  return !JS_IsException(torpor__module_library);
}
