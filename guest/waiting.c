/* SPDX-License-Identifier: MIT */
/* waiting.c - where each suspended function waits.
 *
 * A suspended function lives in a frame on the heap, which knows the place in
 * the program. Which operation it waits for is found the other way round, by
 * following what settling an operation would bring about:
 *
 *   operation ─ resolve ─> promise ─ reaction ─> function that goes on
 *                             ^                          │
 *                             └── promise of its result ─┘
 *
 * through promises that were derived from others and through what the library
 * puts between. What a program's own callbacks would do cannot be known.
 *
 *  (1) No code of the program runs, no count of references changes.
 *  (2) The list is bounded: functions that await come before generators, which
 *      may be many and wait for nobody. */

enum { WAITING_MOST = 1000 };

typedef struct suspended {
  const void *owner; /* what settling reaches: JSAsyncFunctionData, or the
                        object of a generator */
  const JSStackFrame *frame;
  const char *kind;
} suspended;

/* ---- What an operation leads to ------------------------------------------*/

typedef struct consequences {
  pointers reached;
  uint32_t *starts; /* for each operation: its first in 'reached' */
  uint32_t count;
  bool fits;
} consequences;

static void consequence_add(consequences *all, const void *reached) {
  if (reached != NULL && !pointers_add(&all->reached, reached))
    all->fits = false;
}

/* Only what passes results on is followed. */
static void consequence_add_value(consequences *all, JSValueConst value) {
  switch (JS_GetClassID(value)) {
  case JS_CLASS_PROMISE:
  case JS_CLASS_PROMISE_RESOLVE_FUNCTION:
  case JS_CLASS_PROMISE_REJECT_FUNCTION:
  case JS_CLASS_ASYNC_FUNCTION_RESOLVE:
  case JS_CLASS_ASYNC_FUNCTION_REJECT:
  case JS_CLASS_ASYNC_GENERATOR:
  case JS_CLASS_C_FUNCTION_DATA:
    consequence_add(all, JS_VALUE_GET_OBJ(value));
    break;
  default:
    break;
  }
}

static void consequence_add_promise(consequences *all,
                                    const JSPromiseData *promise) {
  const struct list_head *link;
  if (promise == NULL) return;
  list_for_each(link, &promise->promise_reactions[0]) {
    const JSPromiseReactionData *reaction =
        list_entry(link, JSPromiseReactionData, link);
    consequence_add_value(all, reaction->handler);
    consequence_add_value(all, reaction->resolving_funcs[0]);
  }
}

/* What waits for the value that an async generator is about to give. */
static void consequence_add_request(consequences *all,
                                    const JSAsyncGeneratorData *generator) {
  if (generator == NULL || list_empty(&generator->queue)) return;
  consequence_add_value(
      all, list_entry(generator->queue.next, JSAsyncGeneratorRequest, link)
               ->resolving_funcs[0]);
}

static void consequence_add_async(consequences *all,
                                  const JSAsyncFunctionData *function) {
  if (function == NULL) return;
  consequence_add(all, function);
  consequence_add_value(all, function->resolving_funcs[0]);
}

static void consequence_add_data(consequences *all,
                                 const JSCFunctionDataRecord *record) {
  for (int i = 0; record != NULL && i < record->data_len; i++)
    consequence_add_value(all, record->data[i]);
}

/* An item that is no object is a JSAsyncFunctionData: its owner was followed
 * already. */
static void consequence_follow(consequences *all, const void *item) {
  const JSObject *object = item;
  if (JS_GC_TYPE(item) != JS_GC_OBJ_TYPE_JS_OBJECT) return;
  switch (object->class_id) {
  case JS_CLASS_PROMISE:
    consequence_add_promise(all, object->u.promise_data);
    break;
  case JS_CLASS_PROMISE_RESOLVE_FUNCTION:
  case JS_CLASS_PROMISE_REJECT_FUNCTION:
    if (object->u.promise_function_data != NULL)
      consequence_add_value(all, object->u.promise_function_data->promise);
    break;
  case JS_CLASS_ASYNC_FUNCTION_RESOLVE:
  case JS_CLASS_ASYNC_FUNCTION_REJECT:
    consequence_add_async(all, object->u.async_function_data);
    break;
  case JS_CLASS_ASYNC_GENERATOR:
    consequence_add_request(all, object->u.async_generator_data);
    break;
  case JS_CLASS_C_FUNCTION_DATA:
    consequence_add_data(all, object->u.c_function_data_record);
    break;
  default:
    break;
  }
}

/* The function that settles an operation may be the library's, which then has
 * the function that settles the promise among its variables. */
static void consequence_add_settler(consequences *all, JSValueConst settler) {
  const JSObject *object;
  consequence_add_value(all, settler);
  if (JS_GetClassID(settler) != JS_CLASS_BYTECODE_FUNCTION) return;
  object = JS_VALUE_GET_OBJ(settler);
  if (object->u.func.var_refs == NULL) return;
  for (int i = 0; i < object->u.func.function_bytecode->closure_var_count;
       i++) {
    const JSVarRef *variable = object->u.func.var_refs[i];
    if (variable != NULL) consequence_add_value(all, *variable->pvalue);
  }
}

/* False: no memory. */
static bool consequences_find(consequences *all) {
  uint32_t next = 0;
  *all = (consequences){.fits = true};
  if (torpor_control.operation_count == 0) return true;
  all->starts = calloc(torpor_control.operation_count, sizeof(uint32_t));
  if (all->starts == NULL) return false;
  for (; all->count < torpor_control.operation_count; all->count++) {
    all->starts[all->count] = next;
    consequence_add_settler(all, operation_table()[all->count]->resolve);
    while (all->fits && next < all->reached.count)
      consequence_follow(all, all->reached.items[next++]);
  }
  return all->fits;
}

static void consequences_free(consequences *all) {
  pointers_free(&all->reached);
  free(all->starts);
}

/* torpor__compare_fn: what starts at 'key' itself belongs before it. */
static int start_compare(const void *key, const void *item) {
  return *(const uint32_t *)item <= *(const uint32_t *)key ? 1 : -1;
}

/* The id of the operation that leads to 'owner'; 0: none is known. */
static uint64_t consequences_operation(const consequences *all,
                                       const void *owner) {
  int32_t number = pointers_find(&all->reached, owner);
  size_t behind;
  if (number == POINTERS_NONE || all->count == 0) return 0;
  behind = torpor__search(&number, all->starts, all->count,
                          sizeof(*all->starts), start_compare);
  return operation_table()[behind - 1]->public.id;
}

/* ---- Suspended functions -------------------------------------------------*/

static const JSFunctionBytecode *frame_code(const JSStackFrame *frame) {
  const JSObject *function;
  if (!JS_IsObject(frame->cur_func)) return NULL;
  function = JS_VALUE_GET_OBJ(frame->cur_func);
  if (!js_class_has_bytecode(function->class_id)) return NULL;
  return function->u.func.function_bytecode;
}

static bool suspended_async(const JSAsyncFunctionData *function,
                            suspended *out) {
  const JSFunctionBytecode *code;
  if (!function->is_active) return false;
  *out = (suspended){function, &function->func_state.frame, "async"};
  code = frame_code(out->frame);
  if (code != NULL && code->func_name == JS_ATOM__eval_) out->kind = "module";
  return true;
}

static bool suspended_generator(const JSObject *object, suspended *out) {
  const JSGeneratorData *generator = object->u.generator_data;
  if (generator == NULL ||
      (generator->state != JS_GENERATOR_STATE_SUSPENDED_YIELD &&
       generator->state != JS_GENERATOR_STATE_SUSPENDED_YIELD_STAR))
    return false;
  *out = (suspended){object, &generator->func_state.frame, "generator"};
  return true;
}

/* One that executes, between turns, awaits something. */
static bool suspended_async_generator(const JSObject *object, suspended *out) {
  const JSAsyncGeneratorData *generator = object->u.async_generator_data;
  if (generator == NULL ||
      (generator->state != JS_ASYNC_GENERATOR_STATE_SUSPENDED_YIELD &&
       generator->state != JS_ASYNC_GENERATOR_STATE_SUSPENDED_YIELD_STAR &&
       generator->state != JS_ASYNC_GENERATOR_STATE_EXECUTING))
    return false;
  *out = (suspended){object, &generator->func_state.frame, "async generator"};
  return true;
}

/* Whether a thing on the heap is a suspended function. */
static bool suspended_read(const JSGCObjectHeader *header, suspended *out) {
  const JSObject *object = (const JSObject *)header;
  bool found = false;
  if (JS_GC_TYPE(header) == JS_GC_OBJ_TYPE_ASYNC_FUNCTION)
    found = suspended_async((const JSAsyncFunctionData *)header, out);
  else if (JS_GC_TYPE(header) != JS_GC_OBJ_TYPE_JS_OBJECT)
    return false;
  else if (object->class_id == JS_CLASS_GENERATOR)
    found = suspended_generator(object, out);
  else if (object->class_id == JS_CLASS_ASYNC_GENERATOR)
    found = suspended_async_generator(object, out);
  return found && out->frame->cur_sp != NULL && frame_code(out->frame) != NULL;
}

/* The name that a function was given when it was made, for want of one of its
 * own: that of the variable that it was assigned to. */
static size_t function_given_name(JSObject *function, char *text) {
  JSProperty *property;
  JSShapeProperty *found = find_own_property(&property, function, JS_ATOM_name);
  if (found == NULL || (found->flags & JS_PROP_TMASK) != JS_PROP_NORMAL ||
      JS_VALUE_GET_TAG(property->u.value) != JS_TAG_STRING)
    return 0;
  return report_utf8(JS_VALUE_GET_STRING(property->u.value), text,
                     REPORT_TEXT_BYTES);
}

/* The name of a function of the program in 'text', of REPORT_TEXT_BYTES; gives
 * its size, 0 for a module. */
static size_t function_name(JSObject *function, char *text) {
  JSAtom name = function->u.func.function_bytecode->func_name;
  size_t size = name == JS_ATOM__eval_ ? 0 : report_atom(name, text);
  return size > 0 ? size : function_given_name(function, text);
}

/* The line at which a frame goes on, and its column. */
static int frame_line(const JSStackFrame *frame, int *column) {
  JSFunctionBytecode *code = (JSFunctionBytecode *)frame_code(frame);
  return find_line_num(torpor__ctx, code,
                       (uint32_t)(frame->cur_pc - code->byte_code_buf - 1),
                       column);
}

static void suspended_write(DynBuf *out, const suspended *function,
                            uint64_t operation) {
  const JSFunctionBytecode *code = frame_code(function->frame);
  JSObject *object = JS_VALUE_GET_OBJ(function->frame->cur_func);
  int column, line = frame_line(function->frame, &column);
  char name[REPORT_TEXT_BYTES];
  report_head(out, CBOR_MAP, operation ? 6 : 5);
  report_literal(out, "function");
  report_text(out, name, function_name(object, name));
  report_atom_text(out, "file", code->filename);
  report_number(out, "line", line > 0 ? (uint64_t)line : 0);
  report_number(out, "column", column > 0 ? (uint64_t)column : 0);
  report_literal(out, "kind");
  report_literal(out, function->kind);
  if (operation) report_number(out, "operation", operation);
}

/* Adds those that are generators, or those that are not, to 'list'. */
static bool waiting_collect(pointers *list, bool generators) {
  const struct list_head *link;
  list_for_each(link, &torpor__rt->gc_obj_list) {
    const JSGCObjectHeader *header = list_entry(link, JSGCObjectHeader, link);
    suspended function;
    if (list->count == WAITING_MOST) break;
    if (!suspended_read(header, &function)) continue;
    if ((strcmp(function.kind, "generator") == 0) != generators) continue;
    if (!pointers_add(list, header)) return false;
  }
  return true;
}

/* Writes the array of suspended functions. False: no memory. */
static bool waiting_write(DynBuf *out) {
  consequences all;
  pointers list = {0};
  bool fits = consequences_find(&all) && waiting_collect(&list, false) &&
              waiting_collect(&list, true);
  report_head(out, CBOR_ARRAY, list.count);
  for (uint32_t i = 0; fits && i < list.count; i++) {
    suspended function;
    suspended_read(list.items[i], &function);
    suspended_write(out, &function,
                    consequences_operation(&all, function.owner));
  }
  pointers_free(&list);
  consequences_free(&all);
  return fits;
}
