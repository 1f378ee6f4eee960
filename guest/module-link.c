/* SPDX-License-Identifier: MIT */
/* module-link.c - walking a graph of modules, and linking one that is complete.
 *
 * The engine links and evaluates; what it would do by recursion without a limit
 * is done here before, and an error of linking is made to say who imports what
 * is missing.
 *
 *  (1) Walks run no code of the program, and no two at a time. */

/* ---- Walking -------------------------------------------------------------*/

/* All modules of a graph that are not evaluated, each once. Two fields that the
 * engine uses while it links and evaluates are a mark and a queue. */
typedef struct walk {
  JSModuleDef *first, *last;
  int mark;
} walk;

static int walk_mark; /* below 0: the engine's numbers are not */

static walk walk_begin(void) {
  return (walk){.mark = --walk_mark};
}

static bool module_is_linking(const JSModuleDef *module) {
  return module->status == JS_MODULE_STATUS_LINKING ||
         module->status == JS_MODULE_STATUS_EVALUATING;
}

static void walk_add(walk *walk, JSModuleDef *module) {
  if ((module->status != JS_MODULE_STATUS_UNLINKED &&
       module->status != JS_MODULE_STATUS_LINKED) ||
      module->dfs_index == walk->mark)
    return;
  module->dfs_index = walk->mark;
  module->stack_prev = NULL;
  if (walk->last != NULL)
    walk->last->stack_prev = module;
  else
    walk->first = module;
  walk->last = module;
}

static JSModuleDef *walk_take(walk *walk) {
  JSModuleDef *module = walk->first;
  if (module == NULL) return NULL;
  walk->first = module->stack_prev;
  if (walk->first == NULL) walk->last = NULL;
  module->stack_prev = NULL;
  return module;
}

static void walk_end(walk *walk) {
  while (walk_take(walk) != NULL) continue;
}

/* ---- Linking -------------------------------------------------------------*/

/* An import that cannot be linked. */
typedef struct unlinkable {
  JSModuleDef *importer; /* NULL: none was found */
  JSModuleDef *from;
  JSAtom name;
  JSResolveResultEnum why;
  int line, column; /* of the importer; 0: not known */
} unlinkable;

/* Whether the import that 'it' says can be linked; a namespace always can. */
static bool import_links(unlinkable *it, int request) {
  JSModuleDef *in;
  JSExportEntry *what;
  if (it->name == JS_ATOM__star_) return true;
  it->from = it->importer->req_module_entries[request].module;
  it->why = js_resolve_export(torpor__ctx, &in, &what, it->from, it->name);
  return it->why == JS_RESOLVE_RES_FOUND;
}

#ifdef TORPOR_UNPATCHED
#define PLACE_OF(entry) .line = 0
#else
#define PLACE_OF(entry) .line = (entry)->line_num, .column = (entry)->col_num
#endif

/* What 'module' itself imports, or exports of another. */
static unlinkable find_unlinkable_in(JSModuleDef *module) {
  for (int i = 0; i < module->import_entries_count; i++) {
    const JSImportEntry *entry = &module->import_entries[i];
    unlinkable it = {
        .importer = module, .name = entry->import_name, PLACE_OF(entry)};
    if (!import_links(&it, entry->req_module_idx)) return it;
  }
  for (int i = 0; i < module->export_entries_count; i++) {
    const JSExportEntry *entry = &module->export_entries[i];
    unlinkable it = {
        .importer = module, .name = entry->local_name, PLACE_OF(entry)};
    if (entry->export_type == JS_EXPORT_TYPE_INDIRECT &&
        !import_links(&it, entry->u.req_module_idx))
      return it;
  }
  return (unlinkable){.importer = NULL};
}

/* The first in the graph of 'root'. */
static unlinkable find_unlinkable(JSModuleDef *root) {
  walk walk = walk_begin();
  JSModuleDef *module;
  unlinkable found = {.importer = NULL};
  walk_add(&walk, root);
  while (found.importer == NULL && (module = walk_take(&walk)) != NULL) {
    found = find_unlinkable_in(module);
    for (int i = 0; i < module->req_module_entries_count; i++)
      walk_add(&walk, module->req_module_entries[i].module);
  }
  walk_end(&walk);
  return found;
}

/* Has the error of linking 'root' say who imports what is missing, where. */
static void note_unlinkable(JSModuleDef *root) {
  JSContext *ctx = torpor__ctx;
  JSValue error = JS_GetException(ctx), name = JS_UNDEFINED;
  unlinkable it = find_unlinkable(root);
  if (it.importer != NULL && it.why != JS_RESOLVE_RES_EXCEPTION) {
    name = JS_AtomToString(ctx, it.importer->module_name);
    js_resolve_export_throw_error(ctx, it.why, it.from, it.name);
    JS_FreeValue(ctx, error);
    module_note(name);
    if (it.line > 0) module_note_place(name, it.line, it.column);
  } else {
    if (JS_HasException(ctx)) torpor__exception_drop();
    JS_Throw(ctx, error);
  }
  JS_FreeValue(ctx, name);
}

/* Makes what the exports of a module of objects are kept in. */
static bool create_variables(JSModuleDef *module) {
  for (int i = 0; i < module->export_entries_count; i++) {
    JSExportEntry *entry = &module->export_entries[i];
    if (entry->u.local.var_ref != NULL) continue;
    entry->u.local.var_ref = js_create_module_var(torpor__ctx, false);
    if (entry->u.local.var_ref == NULL) return false;
  }
  return true;
}

/* Makes the functions of all modules of a graph. The engine would do so itself,
 * by recursion without a limit, and never for what it had no memory for at the
 * first time. False: thrown. */
static bool create_functions(JSModuleDef *root) {
  walk walk = walk_begin();
  JSModuleDef *module;
  bool fine = true;
  walk_add(&walk, root);
  while (fine && (module = walk_take(&walk)) != NULL) {
    if (!module->func_created)
      fine = module->func_created =
          module->init_func
              ? create_variables(module)
              : js_create_module_bytecode_function(torpor__ctx, module) == 0;
    for (int i = 0; fine && i < module->req_module_entries_count; i++)
      walk_add(&walk, module->req_module_entries[i].module);
  }
  walk_end(&walk);
  return fine;
}

/* Rejects the promise of a module that failed by being interrupted, which the
 * engine cannot do as long as everything is. */
static void module_reject(JSModuleDef *module) {
  JSContext *ctx = torpor__ctx;
  JSValue result;
  if (module == NULL || !module->eval_has_exception ||
      !JS_IsPromise(module->promise) ||
      JS_PromiseState(ctx, module->promise) != JS_PROMISE_PENDING)
    return;
  result = JS_Call(ctx, module->resolving_funcs[1], JS_UNDEFINED, 1,
                   vc(&module->eval_exception));
  if (JS_IsException(result)) torpor__exception_drop();
  JS_FreeValue(ctx, result);
}

/* Links and evaluates a graph that is complete: a promise of its end; thrown
 * when it cannot be linked. Those that import later what was interrupted are
 * not, but fail with that error. */
static JSValue module_run(JSModuleDef *root) {
  JSValue done;
  if (!create_functions(root)) return JS_EXCEPTION;
  if (root->status == JS_MODULE_STATUS_EVALUATED)
    module_reject(root->cycle_root);
  done = JS_EvalFunction(torpor__ctx, JS_NewModuleValue(torpor__ctx, root));
  if (JS_IsException(done) && root->status == JS_MODULE_STATUS_UNLINKED)
    note_unlinkable(root);
  if (root->eval_has_exception)
    JS_ClearUncatchableError(torpor__ctx, root->eval_exception);
  return done;
}
