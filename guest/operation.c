/* SPDX-License-Identifier: MIT */
/* operation.c - promises that the outside has to settle.
 *
 * The table of pending operations lies here, so that it sleeps and wakes with
 * the VM; the host reads it in place (abi.h). What an operation is, its kind
 * and its request, is fixed when it begins.
 *
 *   begin ──> pending ──> settled by the host: a job calls resolve or reject
 *                   └───> cancelled by the guest: its id waits for the host
 *
 *  (1) The table is in order of ids, which start at 1 and are never reused.
 *  (2) An operation that is settled or cancelled is not in the table.
 *  (3) Neither settling nor cancelling runs code of the program: what it made
 *      of an operation, a callback or a 'then', is called in a job. A program
 *      that was asleep hears of that before it sees a result (wake.c). */

typedef struct operation {
  torpor_abi_operation public; /* must come first: the host sees this */
  JSValue resolve, reject;     /* of a timer: callback, arguments */
  bool timer;
  uint8_t bytes[]; /* kind, then request */
} operation;

/* What the table lies in, with room for so many: it begins there, or later if
 * operations were taken from its front. */
static operation **operation_block;
static uint32_t operation_capacity;

static struct {
  uint64_t *ids;
  uint32_t count, capacity;
} cancelled;

static operation **operation_table(void) {
  return (operation **)(uintptr_t)torpor_control.operations;
}

/* torpor__compare_fn */
static int operation_compare(const void *key, const void *item) {
  uint64_t id = *(const uint64_t *)key;
  const operation *other = *(operation *const *)item;
  return (id > other->public.id) - (id < other->public.id);
}

/* The index of 'id', or the count when it is not pending. */
static uint32_t operation_find(uint64_t id) {
  operation **table = operation_table();
  uint32_t count = torpor_control.operation_count;
  operation **found =
      torpor__find(&id, table, count, sizeof(*table), operation_compare);
  return found == NULL ? count : (uint32_t)(found - table);
}

/* Takes operation 'index' out of the table, whose shorter side moves. */
static operation *operation_take(uint32_t index) {
  operation **table = operation_table();
  operation *taken = table[index];
  uint32_t behind = --torpor_control.operation_count - index;
  if (index < behind) {
    memmove(table + 1, table, index * sizeof(*table));
    table[0] = NULL;
    torpor_control.operations += sizeof(*table);
  } else {
    memmove(table + index, table + index + 1, behind * sizeof(*table));
    table[index + behind] = NULL;
  }
  if (torpor_control.operation_count == 0) {
    js_free(torpor__ctx, operation_block);
    operation_block = NULL;
    torpor_control.operations = operation_capacity = 0;
  }
  return taken;
}

/* Makes room for one more at the end of the table; false: thrown. */
static bool operation_reserve(void) {
  operation **table = operation_table();
  uint32_t count = torpor_control.operation_count;
  uint32_t front = count == 0 ? 0 : (uint32_t)(table - operation_block);
  if (front + count < operation_capacity) return true;
  if (front > count) {
    memcpy(operation_block, table, count * sizeof(*table));
    memset(table, 0, count * sizeof(*table));
    front = 0;
  } else if (js_resize_array(torpor__ctx, (void **)&operation_block,
                             sizeof(*table), (int *)&operation_capacity,
                             (int)(front + count) + 1)) {
    return false;
  }
  torpor_control.operations = (uint32_t)(uintptr_t)(operation_block + front);
  return true;
}

static void operation_free(operation *taken) {
  JS_FreeValue(torpor__ctx, taken->resolve);
  JS_FreeValue(torpor__ctx, taken->reject);
  js_free(torpor__ctx, taken);
}

static operation *operation_new(const char *kind, size_t kind_size,
                                const DynBuf *request) {
  operation *new =
      js_mallocz(torpor__ctx, sizeof(*new) + kind_size + request->size);
  if (new == NULL) return NULL;
  memcpy(new->bytes, kind, kind_size);
  memcpy(new->bytes + kind_size, request->buf, request->size);
  new->public.kind = (uint32_t)(uintptr_t)new->bytes;
  new->public.kind_size = (uint32_t)kind_size;
  new->public.request = new->public.kind + (uint32_t)kind_size;
  new->public.request_size = (uint32_t)request->size;
  return new;
}

/* Adds an operation whose request is encoded; 0: thrown. */
static uint64_t operation_add(const char *kind, size_t kind_size,
                              const DynBuf *request, double due,
                              JSValueConst resolve, JSValueConst reject) {
  operation *new;
  if (!operation_reserve()) return 0;
  new = operation_new(kind, kind_size, request);
  if (new == NULL) return 0;
  new->public.id = ++torpor_control.operation_last;
  new->public.due = due;
  new->public.begun = torpor__host_clock(TORPOR_CLOCK_WALL);
  new->resolve = js_dup(resolve);
  new->reject = js_dup(reject);
  operation_table()[torpor_control.operation_count++] = new;
  return new->public.id;
}

/* Begins an operation; 'resolve' or 'reject' is called when it is settled.
 * 0: thrown. */
static uint64_t torpor__operation_begin(const char *kind, size_t kind_size,
                                        JSValueConst request, double due,
                                        JSValueConst resolve,
                                        JSValueConst reject) {
  DynBuf bytes;
  uint64_t id = 0;
  if (kind_size == 0 || kind_size > TORPOR_KIND_LARGEST) {
    JS_ThrowRangeError(torpor__ctx, "an operation's kind has 1 to %d bytes",
                       TORPOR_KIND_LARGEST);
    return 0;
  }
  if (!(due > 0)) due = 0;
  if (torpor__cbor_write(request, TORPOR_ABI_CBOR_COPY_VIEWS, &bytes) == 0)
    id = operation_add(kind, kind_size, &bytes, due, resolve, reject);
  dbuf_free(&bytes);
  return id;
}

/* The same with a promise, which is given in 'promise'. */
static uint64_t torpor__operation_promise(const char *kind, size_t kind_size,
                                          JSValueConst request, double due,
                                          JSValue *promise) {
  JSValue functions[2];
  uint64_t id;
  *promise = JS_NewPromiseCapability(torpor__ctx, functions);
  if (JS_IsException(*promise)) return 0;
  id = torpor__operation_begin(kind, kind_size, request, due, functions[0],
                               functions[1]);
  JS_FreeValue(torpor__ctx, functions[0]);
  JS_FreeValue(torpor__ctx, functions[1]);
  if (id == 0) JS_FreeValue(torpor__ctx, *promise);
  return id;
}

/* Begins a timer: 'callback' is called when it is settled, with the array
 * 'args', or with nothing if that is undefined. Its number is the operation's
 * id. 0: thrown. */
static uint64_t torpor__operation_timer(JSValueConst callback,
                                        JSValueConst args, double due) {
  static uint8_t null = 0xf6;
  const DynBuf request = {.buf = &null, .size = sizeof(null)};
  uint64_t id = operation_add("timer", 5, &request, due, callback, args);
  if (id) operation_table()[torpor_control.operation_count - 1]->timer = true;
  return id;
}

/* ---- Cancelling ----------------------------------------------------------*/

/* True when 'id' was pending. The host must be told of each. */
static bool torpor__operation_cancel(uint64_t id) {
  uint32_t index = operation_find(id);
  if (index == torpor_control.operation_count) return false;
  operation_free(operation_take(index));
  torpor__sure_begin();
  js_resize_array(torpor__ctx, (void **)&cancelled.ids,
                  sizeof(cancelled.ids[0]), (int *)&cancelled.capacity,
                  (int)cancelled.count + 1);
  torpor__sure_end();
  cancelled.ids[cancelled.count++] = id;
  return true;
}

/* How many timers are settled while the jobs that call them wait. */
static uint32_t timers_ringing;

static JSValue timer_job(JSContext *ctx, int count, JSValueConst *args);

/* Ends timer 'number', if it is one that waits; else its job, if that does. */
static void torpor__operation_clear(uint64_t number) {
  uint32_t index = operation_find(number);
  struct list_head *link;
  if (index < torpor_control.operation_count) {
    if (operation_table()[index]->timer) torpor__operation_cancel(number);
    return;
  }
  if (timers_ringing == 0) return;
  list_for_each(link, &torpor__rt->job_list) {
    JSJobEntry *job = list_entry(link, JSJobEntry, link);
    if (job->job_func != timer_job ||
        JS_VALUE_GET_FLOAT64(job->argv[0]) != (double)number)
      continue;
    JS_FreeValue(torpor__ctx, job->argv[1]);
    job->argv[1] = JS_UNDEFINED;
  }
}

static uint32_t torpor__cancelled_count(void) {
  return cancelled.count;
}

EXPORT(torpor_operation_cancelled)
torpor_status export_operation_cancelled(void) {
  uint64_t *ids = cancelled.ids;
  if (cancelled.count == 0) return TORPOR_NOT_FOUND;
  torpor__give_integer(ids[0]);
  cancelled.count--;
  memmove(ids, ids + 1, cancelled.count * sizeof(*ids));
  ids[cancelled.count] = 0;
  if (cancelled.count == 0) {
    js_free(torpor__ctx, ids);
    cancelled.ids = NULL;
    cancelled.capacity = 0;
  }
  torpor__publish();
  return TORPOR_OK;
}

/* ---- Settling ------------------------------------------------------------*/

/* The own property 'key' of a plain object, undefined if there is none or it is
 * an accessor. */
static JSValue plain_get(JSValueConst object, JSAtom key) {
  JSProperty *property;
  JSShapeProperty *form =
      find_own_property(&property, JS_VALUE_GET_OBJ(object), key);
  if (form == NULL || (form->flags & JS_PROP_TMASK) != JS_PROP_NORMAL)
    return JS_UNDEFINED;
  return js_dup(property->u.value);
}

/* The error that is named 'name' and says 'message', both strings, with 'code'
 * unless that is undefined. */
static JSValue error_with(JSValueConst name, JSValueConst message,
                          JSValueConst code) {
  JSContext *ctx = torpor__ctx;
  size_t name_size, message_size;
  const char *name_text = JS_ToCStringLen(ctx, &name_size, name);
  const char *message_text = JS_ToCStringLen(ctx, &message_size, message);
  JSValue error = JS_EXCEPTION;
  if (name_text && message_text)
    error = torpor__error_new(name_text, name_size, message_text, message_size);
  if (!JS_IsException(error) && !JS_IsUndefined(code) &&
      JS_DefinePropertyValueStr(ctx, error, "code", js_dup(code),
                                JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0) {
    JS_FreeValue(ctx, error);
    error = JS_EXCEPTION;
  }
  JS_FreeCString(ctx, name_text);
  JS_FreeCString(ctx, message_text);
  return error;
}

/* A map with a name and a message is how a host without a VM writes an error;
 * it becomes one. Takes the reference. */
static JSValue error_from_map(JSValue value) {
  JSContext *ctx = torpor__ctx;
  JSValue name, message, code, error = value;
  JSAtom code_key;
  if (JS_GetClassID(value) != JS_CLASS_OBJECT) return value;
  code_key = JS_NewAtom(ctx, "code");
  if (code_key == JS_ATOM_NULL) {
    JS_FreeValue(ctx, value);
    return JS_EXCEPTION;
  }
  name = plain_get(value, JS_ATOM_name);
  message = plain_get(value, JS_ATOM_message);
  code = plain_get(value, code_key);
  JS_FreeAtom(ctx, code_key);
  if (JS_IsString(name) && JS_IsString(message)) {
    error = error_with(name, message, code);
    JS_FreeValue(ctx, value);
  }
  JS_FreeValue(ctx, name);
  JS_FreeValue(ctx, message);
  JS_FreeValue(ctx, code);
  return error;
}

/* Reads what an operation is settled with. Errors that are made on the way, of
 * the data or about it, get a plain stack: what the program has set up for
 * making one would run its code. */
static JSValue outcome_read(const uint8_t *data, uint32_t size,
                            uint32_t outcome) {
  JSContext *ctx = torpor__ctx;
  JSValue prepare = ctx->error_prepare_stack;
  JSValue limit = ctx->error_stack_trace_limit, value;
  ctx->error_prepare_stack = JS_UNDEFINED;
  if (!JS_IsNumber(limit)) ctx->error_stack_trace_limit = js_int32(0);
  value = torpor__cbor_read(data, size);
  if (!JS_IsException(value) && outcome == TORPOR_REJECT)
    value = error_from_map(value);
  ctx->error_prepare_stack = prepare;
  ctx->error_stack_trace_limit = limit;
  return value;
}

/* (function, value) */
static JSValue settle_job(JSContext *ctx, int count, JSValueConst *args) {
  return JS_Call(ctx, args[0], JS_UNDEFINED, count - 1, args + 1);
}

/* Whether a host rejects with it to cancel all that the program waits for.
 * Looks at what the error itself has, so that no code of the program runs. */
static bool is_cancel(JSValueConst error) {
  JSValue name;
  bool is = false;
  if (JS_GetClassID(error) != JS_CLASS_ERROR) return false;
  name = plain_get(error, JS_ATOM_name);
  if (JS_IsString(name)) {
    const char *text = JS_ToCString(torpor__ctx, name);
    is = text != NULL && strcmp(text, "Cancelled") == 0;
    JS_FreeCString(torpor__ctx, text);
  }
  JS_FreeValue(torpor__ctx, name);
  return is;
}

/* (number, callback, arguments) or, of one that was rejected, (number, null,
 * reason); callback undefined: it was cleared meanwhile. When a host cancels
 * all that the program waits for, timers end: nobody could catch it. */
static JSValue timer_job(JSContext *ctx, int count, JSValueConst *args) {
  JSValue result;
  JSValue *list = NULL;
  uint32_t size = 0;
  (void)count;
  timers_ringing--;
  if (JS_IsUndefined(args[1])) return JS_UNDEFINED;
  if (JS_IsNull(args[1]))
    return is_cancel(args[2]) ? JS_UNDEFINED : JS_Throw(ctx, js_dup(args[2]));
  if (!JS_IsUndefined(args[2])) {
    list = build_arg_list(ctx, &size, args[2]);
    if (list == NULL) return JS_EXCEPTION;
  }
  result = JS_Call(ctx, args[1], ctx->global_obj, (int)size, vc(list));
  if (list != NULL) free_arg_list(ctx, list, size);
  return result;
}

/* Puts the job for a settled operation into the queue; not 0: no memory. */
static int settle_enqueue(const operation *found, uint32_t outcome,
                          JSValueConst value) {
  bool rejected = outcome == TORPOR_REJECT;
  if (found->timer) {
    JSValue args[] = {js_float64((double)found->public.id),
                      rejected ? JS_NULL : found->resolve,
                      rejected ? unsafe_unconst(value) : found->reject};
    int failed = JS_EnqueueJob(torpor__ctx, timer_job, 3, vc(args));
    timers_ringing += !failed;
    return failed;
  }
  JSValue args[] = {rejected ? found->reject : found->resolve,
                    unsafe_unconst(value)};
  return JS_EnqueueJob(torpor__ctx, settle_job, 2, vc(args));
}

/* Settles operation 'index' with 'value', whose reference it takes. Without
 * memory for the job it stays pending. */
static torpor_status operation_settle(uint32_t index, uint32_t outcome,
                                      JSValue value) {
  int failed = settle_enqueue(operation_table()[index], outcome, value);
  JS_FreeValue(torpor__ctx, value);
  if (failed) return torpor__thrown();
  operation_free(operation_take(index));
  return TORPOR_OK;
}

static torpor_status settle_value(uint64_t id, uint32_t outcome,
                                  uint64_t bits) {
  JSValue value;
  uint32_t index = operation_find(id);
  torpor_status status = torpor__value(bits, &value);
  if (outcome > TORPOR_REJECT) return TORPOR_MISUSE;
  if (index == torpor_control.operation_count) return TORPOR_NOT_FOUND;
  if (status) return status;
  return operation_settle(index, outcome, js_dup(value));
}

static torpor_status settle_cbor(uint64_t id, uint32_t outcome,
                                 const uint8_t *data, uint32_t size) {
  JSValue value;
  uint32_t index = operation_find(id);
  if (outcome > TORPOR_REJECT) return TORPOR_MISUSE;
  if (index == torpor_control.operation_count) return TORPOR_NOT_FOUND;
  value = outcome_read(data, size, outcome);
  if (JS_IsException(value)) return torpor__thrown();
  return operation_settle(index, outcome, value);
}

EXPORT(torpor_operation_settle)
torpor_status export_operation_settle(uint64_t id, uint32_t outcome,
                                      uint64_t bits) {
  torpor__enter();
  return torpor__leave(settle_value(id, outcome, bits));
}

EXPORT(torpor_operation_settle_cbor)
torpor_status export_operation_settle_cbor(uint64_t id, uint32_t outcome,
                                           const uint8_t *data, uint32_t size) {
  torpor__enter();
  return torpor__leave(settle_cbor(id, outcome, data, size));
}

static torpor_status operation_begin(const char *kind, uint32_t kind_size,
                                     uint64_t bits, double due) {
  uint64_t *result = torpor_control.host.result, id;
  char copy[TORPOR_KIND_LARGEST + 1] = {0};
  JSValue request, promise;
  torpor_status status = torpor__value(bits, &request);
  if (status) return status;
  if (kind_size > TORPOR_KIND_LARGEST) return TORPOR_MISUSE;
  memcpy(copy, kind, kind_size);
  id = torpor__operation_promise(copy, kind_size, request, due, &promise);
  if (id == 0) return torpor__thrown();
  result[0] = id;
  return torpor__border(promise, &result[1]) ? TORPOR_OK : TORPOR_LIMIT;
}

EXPORT(torpor_operation_begin)
torpor_status export_operation_begin(const char *kind, uint32_t kind_size,
                                     uint64_t request, double due) {
  torpor__enter();
  return torpor__leave(operation_begin(kind, kind_size, request, due));
}
