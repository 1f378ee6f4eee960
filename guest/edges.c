/* SPDX-License-Identifier: MIT */
/* edges.c - what each thing on the heap points to, and how a program calls it.
 *
 * A node is an address that is 8-aligned, with its kind in its low bits: an
 * object of the collector (JavaScript objects, code, variables, suspended
 * functions, shapes, realms) or a value that the collector does not know
 * (strings, BigInts).
 *
 * Edges that have a name come first. After them the engine's own marking gives
 * all others, so that nothing which keeps an object alive is missed, whatever
 * its class. Only this file and census.c know the inside of classes.
 *
 *  (1) Looking changes nothing and runs nothing. */

enum node_kind { NODE_OBJECT, NODE_STRING, NODE_ROPE, NODE_BIGINT, NODE_KINDS };

typedef struct edge {
  enum edge_kind {
    EDGE_SILENT,   /* not part of a path that is shown */
    EDGE_PROPERTY, /* atom */
    EDGE_VARIABLE, /* atom */
    EDGE_ELEMENT,  /* index */
    EDGE_ENTRY,    /* key, of a map */
    EDGE_INSIDE,   /* text: what JavaScript has no name for */
  } kind;
  JSAtom atom;
  uint32_t index;
  JSValueConst key;
  const char *text;
} edge;

typedef struct edge_visitor {
  void (*visit)(struct edge_visitor *visitor, const edge *by, const void *node);
} edge_visitor;

static enum node_kind node_kind(const void *node) {
  return (enum node_kind)((uintptr_t)node & 7);
}

static void *node_address(const void *node) {
  return (void *)((uintptr_t)node & ~(uintptr_t)7);
}

/* The node of a value; NULL when it is not on the heap. Atoms are not: their
 * table holds them. */
static const void *node_of(JSValueConst value) {
  uintptr_t address = (uintptr_t)JS_VALUE_GET_PTR(value);
  switch (JS_VALUE_GET_TAG(value)) {
  case JS_TAG_OBJECT:
  case JS_TAG_FUNCTION_BYTECODE:
    return (void *)address;
  case JS_TAG_STRING:
    if (((JSString *)address)->atom_type != 0) return NULL;
    return (void *)(address | NODE_STRING);
  case JS_TAG_STRING_ROPE:
    return (void *)(address | NODE_ROPE);
  case JS_TAG_BIG_INT:
    return (void *)(address | NODE_BIGINT);
  default:
    return NULL;
  }
}

static void visit_node(edge_visitor *visitor, edge by, const void *node) {
  if (node != NULL) visitor->visit(visitor, &by, node);
}

static void visit_value(edge_visitor *visitor, edge by, JSValueConst value) {
  visit_node(visitor, by, node_of(value));
}

static void visit_inside(edge_visitor *visitor, const char *text,
                         JSValueConst value) {
  visit_value(visitor, (edge){.kind = EDGE_INSIDE, .text = text}, value);
}

/* A variable is a thing of the collector when it outlives its function, or
 * belongs to one that can be suspended. */
static void visit_variable(edge_visitor *visitor, edge by,
                           const JSVarRef *variable) {
  if (variable == NULL) return;
  if (variable->is_detached || variable->is_coro)
    visit_node(visitor, by, variable);
  else
    visit_value(visitor, by, *variable->pvalue);
}

/* ---- Parts of objects ----------------------------------------------------*/

static void visit_property(edge_visitor *visitor, JSAtom atom, int flags,
                           const JSProperty *property) {
  edge by = {.kind = EDGE_PROPERTY, .atom = atom};
  switch (flags & JS_PROP_TMASK) {
  case JS_PROP_NORMAL:
    visit_value(visitor, by, property->u.value);
    break;
  case JS_PROP_GETSET:
    visit_node(visitor, by, property->u.getset.getter);
    visit_node(visitor, by, property->u.getset.setter);
    break;
  case JS_PROP_VARREF:
    visit_variable(visitor, by, property->u.var_ref);
    break;
  default:
    break; /* not made yet */
  }
}

static void visit_properties(edge_visitor *visitor, const JSObject *object) {
  const JSShapeProperty *names = get_shape_prop(object->shape);
  for (int i = 0; i < object->shape->prop_count; i++)
    if (names[i].atom != JS_ATOM_NULL)
      visit_property(visitor, names[i].atom, names[i].flags, &object->prop[i]);
}

static void visit_elements(edge_visitor *visitor, const JSObject *object) {
  if (!object->fast_array || object->u.array.u.values == NULL) return;
  for (uint32_t i = 0; i < object->u.array.count; i++)
    visit_value(visitor, (edge){.kind = EDGE_ELEMENT, .index = i},
                object->u.array.u.values[i]);
}

static void visit_captured(edge_visitor *visitor, const JSObject *function) {
  const JSFunctionBytecode *code = function->u.func.function_bytecode;
  JSVarRef **variables = function->u.func.var_refs;
  visit_node(visitor, (edge){.kind = EDGE_SILENT}, code);
  for (int i = 0; variables != NULL && i < code->closure_var_count; i++)
    visit_variable(
        visitor,
        (edge){.kind = EDGE_VARIABLE, .atom = code->closure_var[i].var_name},
        variables[i]);
}

static void visit_entries(edge_visitor *visitor, const JSMapState *map) {
  const struct list_head *link;
  if (map == NULL || map->is_weak) return;
  list_for_each(link, &map->records) {
    const JSMapRecord *record = list_entry(link, JSMapRecord, link);
    edge by = {.kind = EDGE_ENTRY, .key = record->key};
    if (record->empty) continue;
    visit_value(visitor, by, record->value);
    visit_inside(visitor, "[[Key]]", record->key);
  }
}

static void visit_promise(edge_visitor *visitor, const JSPromiseData *promise) {
  if (promise == NULL) return;
  visit_inside(visitor, "[[PromiseResult]]", promise->promise_result);
}

static void visit_bound(edge_visitor *visitor, const JSBoundFunction *bound) {
  visit_inside(visitor, "[[BoundTargetFunction]]", bound->func_obj);
  visit_inside(visitor, "[[BoundThis]]", bound->this_val);
  for (int i = 0; i < bound->argc; i++)
    visit_inside(visitor, "[[BoundArguments]]", bound->argv[i]);
}

static void visit_data(edge_visitor *visitor,
                       const JSCFunctionDataRecord *record) {
  for (int i = 0; record != NULL && i < record->data_len; i++)
    visit_inside(visitor, "[[Captured]]", record->data[i]);
}

static void visit_host_function(edge_visitor *visitor,
                                const host_function *function) {
  if (function != NULL)
    visit_inside(visitor, "[[Captured]]", function->captured);
}

/* What a suspended function keeps: arguments and variables by name, and what
 * it was about to work with. */
static void visit_frame(edge_visitor *visitor, const JSStackFrame *frame) {
  const JSFunctionBytecode *code = frame_code(frame);
  const JSValue *value = frame->arg_buf;
  if (frame->cur_sp == NULL || code == NULL || value == NULL) return;
  for (; value < frame->cur_sp; value++) {
    edge by = {.kind = EDGE_INSIDE, .text = "[[Stack]]"};
    ptrdiff_t variable = value - frame->var_buf, name = -1;
    if (variable >= 0 && variable < code->var_count)
      name = code->arg_count + variable;
    else if (variable < 0 && value - frame->arg_buf < code->arg_count)
      name = value - frame->arg_buf;
    if (name >= 0)
      by = (edge){.kind = EDGE_VARIABLE, .atom = code->vardefs[name].var_name};
    visit_value(visitor, by, *value);
  }
}

static void visit_class(edge_visitor *visitor, const JSObject *object) {
  suspended function;
  switch (object->class_id) {
  case JS_CLASS_ARRAY:
  case JS_CLASS_ARGUMENTS:
    visit_elements(visitor, object);
    break;
  case JS_CLASS_ERROR:
  case JS_CLASS_NUMBER:
  case JS_CLASS_STRING:
  case JS_CLASS_BIG_INT:
    visit_inside(visitor, "[[Data]]", object->u.object_data);
    break;
  case JS_CLASS_MAP:
  case JS_CLASS_SET:
    visit_entries(visitor, object->u.map_state);
    break;
  case JS_CLASS_PROMISE:
    visit_promise(visitor, object->u.promise_data);
    break;
  case JS_CLASS_BOUND_FUNCTION:
    visit_bound(visitor, object->u.bound_function);
    break;
  case JS_CLASS_C_FUNCTION_DATA:
    visit_data(visitor, object->u.c_function_data_record);
    break;
  case JS_CLASS_GENERATOR:
  case JS_CLASS_ASYNC_GENERATOR:
    if (suspended_read(&object->header, &function))
      visit_frame(visitor, function.frame);
    break;
  default:
    if (js_class_has_bytecode(object->class_id))
      visit_captured(visitor, object);
    else if (object->class_id == function_class)
      visit_host_function(visitor, object->u.opaque);
  }
}

static void visit_object(edge_visitor *visitor, const JSObject *object) {
  visit_properties(visitor, object);
  visit_class(visitor, object);
  visit_node(visitor, (edge){.kind = EDGE_INSIDE, .text = "[[Prototype]]"},
             object->shape->proto);
}

/* ---- All edges of a node -------------------------------------------------*/

static edge_visitor *marking; /* the engine's marking takes no argument */

static void visit_marked(JSRuntime *rt, JSGCObjectHeader *header) {
  (void)rt;
  visit_node(marking, (edge){.kind = EDGE_INSIDE, .text = "[[Inside]]"},
             header);
}

static void visit_rest(edge_visitor *visitor, void *header) {
  marking = visitor;
  mark_children(torpor__rt, header, visit_marked);
  marking = NULL;
}

static void visit_collected(edge_visitor *visitor, void *address) {
  const JSFunctionBytecode *code = address;
  const JSVarRef *variable = address;
  switch (JS_GC_TYPE(address)) {
  case JS_GC_OBJ_TYPE_JS_OBJECT:
    visit_object(visitor, address);
    break;
  case JS_GC_OBJ_TYPE_VAR_REF:
    if (variable->is_detached)
      visit_value(visitor, (edge){.kind = EDGE_SILENT}, *variable->pvalue);
    break;
  case JS_GC_OBJ_TYPE_ASYNC_FUNCTION:
    if (((JSAsyncFunctionData *)address)->is_active)
      visit_frame(visitor, &((JSAsyncFunctionData *)address)->func_state.frame);
    break;
  case JS_GC_OBJ_TYPE_FUNCTION_BYTECODE:
    for (int i = 0; i < code->cpool_count; i++)
      visit_inside(visitor, "[[Constants]]", code->cpool[i]);
    break;
  default:
    break;
  }
  visit_rest(visitor, address);
}

static void visit_string(edge_visitor *visitor, JSString *string) {
  JSString *parent;
  if (string->kind != JS_STRING_KIND_SLICE) return;
  parent = ((JSStringSlice *)&string[1])->parent;
  visit_value(visitor, (edge){.kind = EDGE_SILENT},
              JS_MKPTR(JS_TAG_STRING, parent));
}

/* Calls the visitor for each thing that 'node' points to; the same may come
 * several times. */
static void edges_visit(edge_visitor *visitor, const void *node) {
  void *address = node_address(node);
  const JSStringRope *rope = address;
  switch (node_kind(node)) {
  case NODE_OBJECT:
    visit_collected(visitor, address);
    break;
  case NODE_STRING:
    visit_string(visitor, address);
    break;
  case NODE_ROPE:
    visit_value(visitor, (edge){.kind = EDGE_SILENT}, rope->left);
    visit_value(visitor, (edge){.kind = EDGE_SILENT}, rope->right);
    break;
  default:
    break;
  }
}
