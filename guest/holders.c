/* SPDX-License-Identifier: MIT */
/* holders.c - what holds each thing on the heap: the shortest path to it.
 *
 * A search in breadth from where a program's data lives: the roots, in the
 * order of root_kind. Each node knows the one that it was reached from; the
 * names along a path are looked up only for those that are shown, by visiting
 * the edges once more.
 *
 *   nodes    | a | b | c | ...       in the order in which they were reached
 *   parents  | r0| r0| a |           a node's number, or HOLDERS_ROOT + root's
 *
 *  (1) What no root reaches is garbage; it comes last, held by nothing. */

enum {
  HOLDERS_ROOT = 1 << 30,
  HOLDERS_NOTHING = HOLDERS_ROOT - 1,
  PATH_HEAD = 16, /* parts of a long path that are shown */
  PATH_TAIL = 16,
};

typedef struct root {
  enum root_kind {
    ROOT_GLOBAL,
    ROOT_LEXICAL,
    ROOT_MODULE,    /* JSModuleDef */
    ROOT_SUSPENDED, /* JSGCObjectHeader */
    ROOT_OPERATION, /* operation */
    ROOT_JOBS,
    ROOT_HOST,
    ROOT_ENGINE,
  } kind;
  const void *thing;
} root;

typedef struct holders {
  edge_visitor visitor; /* must come first */
  pointers nodes;
  uint32_t *parents;
  uint32_t parents_room;
  root *roots;
  uint32_t root_count, root_room;
  uint32_t parent; /* of what is being visited */
  bool fits;
} holders;

/* ---- Roots ---------------------------------------------------------------*/

static void root_add(holders *all, enum root_kind kind, const void *thing) {
  if (all->root_count == all->root_room) {
    uint32_t room = all->root_room ? all->root_room * 2 : 64;
    root *larger = realloc(all->roots, room * sizeof(*larger));
    if (larger == NULL) {
      all->fits = false;
      return;
    }
    all->roots = larger;
    all->root_room = room;
  }
  all->roots[all->root_count++] = (root){kind, thing};
}

static void roots_add_modules(holders *all) {
  const struct list_head *link;
  list_for_each(link, &torpor__ctx->loaded_modules)
      root_add(all, ROOT_MODULE, list_entry(link, JSModuleDef, link));
}

static void roots_find(holders *all) {
  pointers functions = {0};
  root_add(all, ROOT_GLOBAL, NULL);
  root_add(all, ROOT_LEXICAL, NULL);
  roots_add_modules(all);
  all->fits &=
      waiting_collect(&functions, false) && waiting_collect(&functions, true);
  for (uint32_t i = 0; i < functions.count; i++)
    root_add(all, ROOT_SUSPENDED, functions.items[i]);
  pointers_free(&functions);
  for (uint32_t i = 0; i < torpor_control.operation_count; i++)
    root_add(all, ROOT_OPERATION, operation_table()[i]);
  root_add(all, ROOT_JOBS, NULL);
  root_add(all, ROOT_HOST, NULL);
  root_add(all, ROOT_ENGINE, NULL);
}

static void visit_silent(edge_visitor *visitor, JSValueConst value) {
  visit_value(visitor, (edge){.kind = EDGE_SILENT}, value);
}

static void visit_module(edge_visitor *visitor, const JSModuleDef *module) {
  if (JS_IsObject(module->func_obj))
    visit_captured(visitor, JS_VALUE_GET_OBJ(module->func_obj));
  for (int i = 0; i < module->export_entries_count; i++) {
    const JSExportEntry *entry = &module->export_entries[i];
    if (entry->export_type == JS_EXPORT_TYPE_LOCAL)
      visit_variable(visitor,
                     (edge){.kind = EDGE_VARIABLE, .atom = entry->export_name},
                     entry->u.local.var_ref);
  }
  visit_inside(visitor, "[[Namespace]]", module->module_ns);
  visit_inside(visitor, "import.meta", module->meta_obj);
  visit_inside(visitor, "[[Error]]", module->eval_exception);
}

static void visit_jobs(edge_visitor *visitor) {
  const struct list_head *link;
  list_for_each(link, &torpor__rt->job_list) {
    const JSJobEntry *job = list_entry(link, JSJobEntry, link);
    for (int i = 0; i < job->argc; i++) visit_silent(visitor, job->argv[i]);
  }
}

static void visit_handles(edge_visitor *visitor, handle_table *table) {
  for (uint32_t i = 0; i < table->count; i++)
    visit_silent(visitor, table_slots(table)[i].value);
}

static void visit_host(edge_visitor *visitor) {
  visit_handles(visitor, &scoped);
  visit_handles(visitor, &retained);
  for (uint32_t i = 0; i < tokens.count; i++)
    visit_silent(visitor, tokens.items[i].value);
  for (uint32_t i = 0; i < classes.count; i++) {
    visit_inside(visitor, "[[Class]]", classes.items[i].constructor);
    visit_inside(visitor, "[[Class]]", classes.items[i].prototype);
  }
}

static void visit_engine(edge_visitor *visitor) {
  visit_inside(visitor, "[[Upgrade]]", state_exporter);
  for (uint32_t i = 0; i < rejections.count; i++) {
    visit_inside(visitor, "[[Rejections]]", rejections.items[i].promise);
    visit_inside(visitor, "[[Rejections]]", rejections.items[i].reason);
  }
  visit_silent(visitor, waking.tell);
  visit_silent(visitor, settings.console);
  visit_silent(visitor, late_extensions);
  visit_silent(visitor, late_library);
  visit_silent(visitor, error_describe);
  visit_silent(visitor, torpor__module_library);
  visit_silent(visitor, torpor__intrinsics);
  visit_silent(visitor, torpor__library_loaded);
  visit_silent(visitor, torpor__rt->current_exception);
  visit_node(visitor, (edge){.kind = EDGE_SILENT}, torpor__ctx);
}

static void visit_root(edge_visitor *visitor, const root *from) {
  const operation *pending = from->thing;
  suspended function;
  switch (from->kind) {
  case ROOT_GLOBAL:
    visit_silent(visitor, torpor__ctx->global_obj);
    break;
  case ROOT_LEXICAL:
    visit_silent(visitor, torpor__ctx->global_var_obj);
    break;
  case ROOT_MODULE:
    visit_module(visitor, from->thing);
    break;
  case ROOT_SUSPENDED:
    if (suspended_read(from->thing, &function))
      visit_frame(visitor, function.frame);
    break;
  case ROOT_OPERATION:
    visit_silent(visitor, pending->resolve);
    visit_silent(visitor, pending->reject);
    break;
  case ROOT_JOBS:
    visit_jobs(visitor);
    break;
  case ROOT_HOST:
    visit_host(visitor);
    break;
  case ROOT_ENGINE:
    visit_engine(visitor);
    break;
  }
}

/* ---- The search ----------------------------------------------------------*/

static bool parents_grow(holders *all) {
  uint32_t room = all->nodes.room, *larger;
  if (room == all->parents_room) return true;
  larger = realloc(all->parents, room * sizeof(*larger));
  if (larger == NULL) return false;
  all->parents = larger;
  all->parents_room = room;
  return true;
}

static void reach(edge_visitor *visitor, const edge *by, const void *node) {
  holders *all = (holders *)visitor;
  uint32_t number = all->nodes.count;
  (void)by;
  if (!all->fits) return;
  all->fits = pointers_add(&all->nodes, node) && parents_grow(all);
  if (all->fits && all->nodes.count > number)
    all->parents[number] = all->parent;
}

/* Goes on until all that can be reached was visited. */
static void reach_all(holders *all, uint32_t *next) {
  for (; all->fits && *next < all->nodes.count; ++*next) {
    all->parent = *next;
    edges_visit(&all->visitor, all->nodes.items[*next]);
  }
}

static void reach_garbage(holders *all, uint32_t *next) {
  const struct list_head *link;
  list_for_each(link, &torpor__rt->gc_obj_list) {
    all->parent = HOLDERS_NOTHING;
    reach(&all->visitor, NULL, list_entry(link, JSGCObjectHeader, link));
    reach_all(all, next);
  }
}

/* False: no memory. */
static bool holders_find(holders *all) {
  uint32_t next = 0;
  *all = (holders){.visitor = {reach}, .fits = true};
  roots_find(all);
  for (uint32_t i = 0; all->fits && i < all->root_count; i++) {
    all->parent = HOLDERS_ROOT + i;
    visit_root(&all->visitor, &all->roots[i]);
  }
  reach_all(all, &next);
  reach_garbage(all, &next);
  return all->fits;
}

static void holders_free(holders *all) {
  pointers_free(&all->nodes);
  free(all->parents);
  free(all->roots);
}

/* ---- Paths as text -------------------------------------------------------*/

typedef struct edge_finder {
  edge_visitor visitor; /* must come first */
  const void *wanted;
  edge found;
  bool is_found;
} edge_finder;

static void find_wanted(edge_visitor *visitor, const edge *by,
                        const void *node) {
  edge_finder *finder = (edge_finder *)visitor;
  if (finder->is_found || node != finder->wanted) return;
  finder->found = *by;
  finder->is_found = true;
}

/* A text of at most REPORT_TEXT_BYTES between two others. */
static void write_part(DynBuf *out, const char *before, const char *text,
                       size_t size, const char *after) {
  report_head(out, CBOR_TEXT, strlen(before) + size + strlen(after));
  dbuf_put(out, (const uint8_t *)before, strlen(before));
  dbuf_put(out, (const uint8_t *)text, size);
  dbuf_put(out, (const uint8_t *)after, strlen(after));
}

static void write_property(DynBuf *out, JSAtom atom) {
  char text[REPORT_TEXT_BYTES];
  size_t size = report_atom(atom, text);
  bool symbol = !__JS_AtomIsTaggedInt(atom) &&
                JS_AtomGetKind(torpor__ctx, atom) == JS_ATOM_KIND_SYMBOL;
  if (__JS_AtomIsTaggedInt(atom))
    write_part(out, "[", text, size, "]");
  else if (symbol)
    write_part(out, "[Symbol(", text, size, ")]");
  else
    write_part(out, ".", text, size, "");
}

static void write_entry(DynBuf *out, JSValueConst key) {
  char text[REPORT_TEXT_BYTES];
  size_t size;
  switch (JS_VALUE_GET_TAG(key)) {
  case JS_TAG_STRING:
    size = report_utf8(JS_VALUE_GET_STRING(key), text, sizeof(text));
    write_part(out, "get(\"", text, size, "\")");
    break;
  case JS_TAG_INT:
    size = (size_t)snprintf(text, sizeof(text), "%d", JS_VALUE_GET_INT(key));
    write_part(out, "get(", text, size, ")");
    break;
  default:
    report_literal(out, "get(\xe2\x80\xa6)");
  }
}

static void write_edge(DynBuf *out, const edge *by) {
  char text[REPORT_TEXT_BYTES];
  size_t size;
  switch (by->kind) {
  case EDGE_SILENT:
    break;
  case EDGE_PROPERTY:
    write_property(out, by->atom);
    break;
  case EDGE_VARIABLE:
    size = report_atom(by->atom, text);
    write_part(out, "(", text, size, ")");
    break;
  case EDGE_ELEMENT:
    size = (size_t)snprintf(text, sizeof(text), "%u", (unsigned)by->index);
    write_part(out, "[", text, size, "]");
    break;
  case EDGE_ENTRY:
    write_entry(out, by->key);
    break;
  case EDGE_INSIDE:
    report_literal(out, by->text);
    break;
  }
}

static void write_suspended(DynBuf *out, const void *header) {
  char text[2 * REPORT_TEXT_BYTES + 32], name[REPORT_TEXT_BYTES],
      file[REPORT_TEXT_BYTES];
  suspended function;
  size_t name_size, file_size;
  int column, size;
  if (!suspended_read(header, &function)) return;
  name_size = function_name(JS_VALUE_GET_OBJ(function.frame->cur_func), name);
  file_size = report_atom(frame_code(function.frame)->filename, file);
  size = snprintf(text, sizeof(text), "%.*s%s%.*s:%d", (int)name_size, name,
                  name_size > 0 ? " " : "", (int)file_size, file,
                  frame_line(function.frame, &column));
  write_part(out, "suspended ", text, (size_t)size, "");
}

static void write_root(DynBuf *out, const root *from) {
  char text[REPORT_TEXT_BYTES];
  size_t size;
  switch (from->kind) {
  case ROOT_GLOBAL:
    report_literal(out, "globalThis");
    break;
  case ROOT_LEXICAL:
    report_literal(out, "(global)");
    break;
  case ROOT_MODULE:
    size = report_atom(((JSModuleDef *)from->thing)->module_name, text);
    write_part(out, "module ", text, size, "");
    break;
  case ROOT_SUSPENDED:
    write_suspended(out, from->thing);
    break;
  case ROOT_OPERATION:
    size = (size_t)snprintf(text, sizeof(text), "%llu",
                            ((operation *)from->thing)->public.id);
    write_part(out, "operation ", text, size, "");
    break;
  case ROOT_JOBS:
    report_literal(out, "job");
    break;
  case ROOT_HOST:
    report_literal(out, "host");
    break;
  case ROOT_ENGINE:
    report_literal(out, "(engine)");
    break;
  }
}

/* Writes the part of the path that leads from its parent to node 'number';
 * false: none is shown. */
static bool write_step(const holders *all, DynBuf *out, uint32_t number) {
  uint32_t parent = all->parents[number];
  edge_finder finder = {.visitor = {find_wanted},
                        .wanted = all->nodes.items[number]};
  if (parent >= HOLDERS_ROOT)
    visit_root(&finder.visitor, &all->roots[parent - HOLDERS_ROOT]);
  else
    edges_visit(&finder.visitor, all->nodes.items[parent]);
  if (!finder.is_found || finder.found.kind == EDGE_SILENT) return false;
  write_edge(out, &finder.found);
  return true;
}

/* The nodes on the path to 'number', from the root on: all, or the first and
 * the last of a long one. Gives how many there are in all; 0: garbage. */
static uint32_t path_find(const holders *all, uint32_t number,
                          uint32_t steps[PATH_HEAD + PATH_TAIL]) {
  uint32_t length = 1, cut, last = number;
  for (; all->parents[last] < HOLDERS_NOTHING; last = all->parents[last])
    length++;
  if (all->parents[last] == HOLDERS_NOTHING) return 0;
  cut = length > PATH_HEAD + PATH_TAIL ? length - PATH_HEAD - PATH_TAIL : 0;
  for (uint32_t at = number, place = length; place-- > 0;
       at = all->parents[at]) {
    if (place < PATH_HEAD)
      steps[place] = at;
    else if (place >= PATH_HEAD + cut)
      steps[place - cut] = at;
  }
  return length;
}

/* Writes the path to node 'number' as an array. */
static void path_write(const holders *all, DynBuf *out, uint32_t number) {
  uint32_t steps[PATH_HEAD + PATH_TAIL], parts = 1;
  uint32_t length = path_find(all, number, steps);
  bool cut = length > PATH_HEAD + PATH_TAIL;
  DynBuf text;
  if (length == 0) {
    report_head(out, CBOR_ARRAY, 0);
    return;
  }
  dbuf_init(&text);
  write_root(&text, &all->roots[all->parents[steps[0]] - HOLDERS_ROOT]);
  if (cut) length = PATH_HEAD + PATH_TAIL;
  for (uint32_t i = 0; i < length; i++) {
    if (cut && i == PATH_HEAD) {
      report_literal(&text, "\xe2\x80\xa6");
      parts++;
    }
    parts += write_step(all, &text, steps[i]);
  }
  report_head(out, CBOR_ARRAY, parts);
  dbuf_put(out, text.buf, text.size);
  if (dbuf_error(&text)) dbuf_set_error(out);
  dbuf_free(&text);
}
