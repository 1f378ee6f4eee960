/* SPDX-License-Identifier: MIT */
/* function.c - functions that call the host.
 *
 * A host function is a JavaScript function that knows the index of a name
 * (name.c). What the name is bound to is the host's affair, so such functions
 * sleep and wake with the VM. Each call has a scope of its own.
 *
 * Some have more to say to the host: a value that was kept with the function,
 * what 'new' was called on, which object of a class of the host's it is about.
 * Their calls are marked (TORPOR_ABI_CALL_MORE), so others cost no more for it.
 *
 *  (1) A class of the host's makes its object before it asks the host, and can
 *      do without memory after that: what the host gave is never lost.
 *  (2) A method is called only on objects of its class, by the engine's own
 *      mark, which no program can give to another object. */

typedef struct host_function {
  JSValue captured;
  uint32_t index; /* of its name */
  uint32_t call;  /* what the import is given */
  uint32_t flags; /* TORPOR_ABI_FUNCTION_ */
  uint32_t class; /* of a member: its number + 1 */
} host_function;

static JSClassID function_class; /* the engine's, of all host functions */

static host_function *function_of(JSValueConst value) {
  return JS_GetOpaque(value, function_class);
}

static void function_finalize(JSRuntime *rt, JSValueConst value) {
  host_function *function = function_of(value);
  if (function == NULL) return;
  torpor__name_drop(function->index);
  JS_FreeValueRT(rt, function->captured);
  js_free_rt(rt, function);
}

static void function_mark(JSRuntime *rt, JSValueConst value,
                          JS_MarkFunc *mark) {
  const host_function *function = function_of(value);
  if (function != NULL) JS_MarkValue(rt, function->captured, mark);
}

/* ---- Calls ---------------------------------------------------------------*/

/* What a marked call says to the host. */
typedef struct call_more {
  JSValueConst captured, target;
  instance *made;  /* that a constructor is asked about, or NULL */
  uint64_t serial; /* of the object that a method is called on, or 0 */
} call_more;

static JSValue host_misuse(const char *what) {
  return JS_ThrowTypeError(torpor__ctx, "%s", what);
}

/* What a host function that returned 'status' gives, or JS_EXCEPTION. */
static JSValue host_result(torpor_status status, uint64_t result,
                           JSValueConst thrown, const call_more *more) {
  JSValue value;
  if (status == TORPOR_INTERRUPTED) return torpor__interrupt();
  if (status == TORPOR_OK) {
    if (more && more->made) return JS_UNDEFINED;
    if (!torpor__is_handle(result)) return torpor__value_plain(result);
    if (torpor__value(result, &value) == TORPOR_OK) return js_dup(value);
    return host_misuse(
        "a host function gave a value that is no longer valid, "
        "or of another VM");
  }
  if (!JS_IsUninitialized(thrown)) return JS_Throw(torpor__ctx, js_dup(thrown));
  return host_misuse(
      "a host function answered TORPOR_THROWN, but nothing was "
      "thrown; torpor_throw throws");
}

static bool more_write(const call_more *more, uint64_t *result) {
  result[3] = more->made ? more->made->serial : more->serial;
  return torpor__border_argument(more->captured, &result[1]) &&
         torpor__border_argument(more->target, &result[2]);
}

/* Calls the host; the handles made meanwhile are cut by the caller. 'given' has
 * room for self and the arguments. */
static JSValue host_call(uint32_t index, JSValueConst self, int count,
                         JSValueConst *values, uint64_t *given,
                         const call_more *more) {
  uint64_t *result = torpor_control.host.result;
  uintptr_t stack_limit = torpor__rt->stack_limit;
  JSValue value, outer = carrier.value;
  torpor_status status;
  bool nested = carrier.running;
  bool fits = torpor__border_argument(self, &given[0]);
  for (int i = 0; i < count; i++)
    fits &= torpor__border_argument(values[i], &given[i + 1]);
  if (more) fits &= more_write(more, result);
  if (!fits) return JS_ThrowOutOfMemory(torpor__ctx);
  result[0] = torpor_undefined().bits;
  carrier.value = JS_UNINITIALIZED;
  carrier.running = true;
  if (more && more->made) more->made->known = 1;
  torpor__pause();
  entry.runs = false;
  status = torpor__host_invoke(index, given, (uint32_t)count);
  entry.runs = true;
  torpor__rt->stack_limit = stack_limit; /* entries meanwhile had their own */
  torpor__resume();
  if (more && more->made && status == TORPOR_OK) {
    more->made->id = result[0];
    more->made->complete = 1;
  }
  value = carrier.value;
  carrier.value = outer;
  carrier.running = nested;
  outer = value;
  value = host_result(status, result[0], outer, more);
  JS_FreeValue(torpor__ctx, outer);
  return value;
}

static JSValue call_in_scope(const host_function *function, JSValueConst self,
                             int count, JSValueConst *values,
                             const call_more *more) {
  const size_t size = ((size_t)count + 1) * sizeof(uint64_t);
  call_scope scope;
  uint64_t *given;
  JSValue value;
  if (js_check_stack_overflow(torpor__rt, size))
    return JS_ThrowStackOverflow(torpor__ctx);
  given = alloca(size);
  scope = torpor__scope_begin();
  value = host_call(function->call, self, count, values, given, more);
  torpor__scope_end(scope);
  return value;
}

/* ---- Calls that say more -------------------------------------------------*/

/* The prototype of what 'new' makes; 'otherwise' where there is no object. */
static JSValue target_prototype(JSValueConst target, JSValueConst otherwise) {
  JSContext *ctx = torpor__ctx;
  JSValue prototype = JS_GetProperty(ctx, target, JS_ATOM_prototype);
  if (JS_IsException(prototype) || JS_IsObject(prototype)) return prototype;
  JS_FreeValue(ctx, prototype);
  return js_dup(otherwise);
}

/* 'new' on a function that is a constructor, but no class: as for a function
 * of JavaScript's. */
static JSValue construct_plain(const host_function *function,
                               JSValueConst target, int count,
                               JSValueConst *values) {
  JSContext *ctx = torpor__ctx;
  const call_more more = {function->captured, target, NULL, 0};
  JSValue prototype =
      target_prototype(target, ctx->class_proto[JS_CLASS_OBJECT]);
  JSValue self, value;
  if (JS_IsException(prototype)) return prototype;
  self = JS_NewObjectProto(ctx, prototype);
  JS_FreeValue(ctx, prototype);
  if (JS_IsException(self)) return self;
  value = call_in_scope(function, self, count, values, &more);
  if (JS_IsException(value) || JS_IsObject(value)) {
    JS_FreeValue(ctx, self);
    return value;
  }
  JS_FreeValue(ctx, value);
  return self;
}

static JSValue construct_class(const host_function *function,
                               JSValueConst target, int count,
                               JSValueConst *values) {
  JSContext *ctx = torpor__ctx;
  call_more more = {function->captured, target, NULL, 0};
  uint32_t class = function->class - 1;
  JSValue prototype = target_prototype(target, classes.items[class].prototype);
  JSValue self, value;
  if (JS_IsException(prototype)) return prototype;
  self = instance_make(class, prototype);
  JS_FreeValue(ctx, prototype);
  if (JS_IsException(self)) return self;
  more.made = instance_of(self);
  torpor__publish(); /* how many were collected meanwhile */
  value = call_in_scope(function, self, count, values, &more);
  if (!JS_IsException(value)) return self;
  JS_FreeValue(ctx, self);
  return value;
}

static JSValue throw_without_new(const host_function *function) {
  char name[64];
  class_name(function->class - 1, name, sizeof(name));
  return JS_ThrowTypeError(torpor__ctx, "the class '%s' needs new", name);
}

static JSValue throw_receiver(const host_function *function) {
  char name[64];
  class_name(function->class - 1, name, sizeof(name));
  return JS_ThrowTypeError(
      torpor__ctx, "called on a value that is not an object of the class '%s'",
      name);
}

static JSValue call_member(const host_function *function, JSValueConst self,
                           int count, JSValueConst *values) {
  const instance *found = instance_of(self);
  call_more more = {function->captured, JS_UNDEFINED, NULL, 0};
  if (!(function->flags & TORPOR_ABI_FUNCTION_STATIC)) {
    if (found == NULL || found->class != function->class - 1 ||
        !found->complete)
      return throw_receiver(function);
    more.serial = found->serial;
  }
  return call_in_scope(function, self, count, values, &more);
}

/* 'self' is new.target when 'constructs'. */
static JSValue call_more_kinds(const host_function *function, JSValueConst self,
                               int count, JSValueConst *values,
                               bool constructs) {
  bool is_class = function->flags & TORPOR_ABI_FUNCTION_CLASS;
  const call_more more = {function->captured, JS_UNDEFINED, NULL, 0};
  if (constructs)
    return is_class ? construct_class(function, self, count, values)
                    : construct_plain(function, self, count, values);
  if (is_class) return throw_without_new(function);
  if (function->class) return call_member(function, self, count, values);
  return call_in_scope(function, self, count, values, &more);
}

/* A promise that is rejected with the pending exception. What interrupts goes
 * on. */
static JSValue promise_of_thrown(void) {
  JSContext *ctx = torpor__ctx;
  JSValue thrown = torpor__exception_take(), promise;
  if (JS_IsUncatchableError(thrown)) return JS_Throw(ctx, thrown);
  promise = js_promise_resolve(ctx, ctx->promise_ctor, 1, vc(&thrown), true);
  JS_FreeValue(ctx, thrown);
  return promise;
}

/* A promise of 'value', or of what was thrown; takes the reference. A promise
 * of the program's may throw when it is looked at. */
static JSValue promise_of(JSValue value) {
  JSContext *ctx = torpor__ctx;
  JSValue promise;
  if (JS_IsException(value)) return promise_of_thrown();
  promise = js_promise_resolve(ctx, ctx->promise_ctor, 1, vc(&value), false);
  JS_FreeValue(ctx, value);
  return JS_IsException(promise) ? promise_of_thrown() : promise;
}

/* JSClassCall */
static JSValue function_call(JSContext *ctx, JSValueConst callee,
                             JSValueConst self, int count, JSValueConst *values,
                             int flags) {
  const host_function *function = JS_VALUE_GET_OBJ(callee)->u.opaque;
  JSRuntime *rt = ctx->rt;
  JSStackFrame frame;
  JSValue value;
  frame.prev_frame = rt->current_stack_frame;
  frame.cur_func = unsafe_unconst(callee);
  frame.is_strict_mode = false;
  frame.is_constructor = (flags & JS_CALL_FLAG_CONSTRUCTOR) != 0;
  frame.arg_count = count;
  rt->current_stack_frame = &frame;
  if (function->call & TORPOR_ABI_CALL_MORE)
    value =
        call_more_kinds(function, self, count, values, frame.is_constructor);
  else
    value = call_in_scope(function, self, count, values, NULL);
  if (function->flags & TORPOR_ABI_FUNCTION_ASYNC) value = promise_of(value);
  rt->current_stack_frame = frame.prev_frame;
  return value;
}

static bool torpor__functions_start(void) {
  static const JSClassDef definition = {
      "Function",
      .finalizer = function_finalize,
      .gc_mark = function_mark,
      .call = function_call,
  };
  JS_NewClassID(torpor__rt, &function_class);
  return JS_NewClass(torpor__rt, function_class, &definition) == 0;
}

/* ---- New ones ------------------------------------------------------------*/

/* What the import is given for a function with index 'index'. */
static uint32_t call_number(uint32_t index, JSValueConst captured,
                            uint32_t flags, uint32_t class) {
  bool more =
      !JS_IsUndefined(captured) || class != 0 ||
      (flags & (TORPOR_ABI_FUNCTION_CONSTRUCTOR | TORPOR_ABI_FUNCTION_CLASS));
  return more ? index | TORPOR_ABI_CALL_MORE : index;
}

/* A function without properties that calls what 'name' is bound to. */
static JSValue function_make(const char *name, uint32_t size,
                             JSValueConst captured, uint32_t flags,
                             uint32_t class) {
  JSContext *ctx = torpor__ctx;
  JSValue value =
      JS_NewObjectProtoClass(ctx, ctx->function_proto, function_class);
  host_function *function;
  int64_t index;
  if (JS_IsException(value)) return value;
  function = js_malloc(ctx, sizeof(*function));
  index = function ? torpor__name_take(name, size) : -1;
  if (index < 0) {
    js_free(ctx, function);
    JS_FreeValue(ctx, value);
    return JS_EXCEPTION;
  }
  *function = (host_function){
      .captured = js_dup(captured),
      .index = (uint32_t)index,
      .call = call_number((uint32_t)index, captured, flags, class),
      .flags = flags,
      .class = class,
  };
  JS_SetOpaque(value, function);
  return value;
}

static int define_kept(JSValueConst function, JSAtom key, JSValue value) {
  return JS_DefinePropertyValue(torpor__ctx, function, key, value,
                                JS_PROP_CONFIGURABLE | JS_PROP_THROW);
}

/* Gives 'function' its length, and its name: 'before', a blank if that is not
 * empty, 'name'. */
static bool function_describe(JSValueConst function, const char *before,
                              const char *name, uint32_t size,
                              uint32_t length) {
  JSContext *ctx = torpor__ctx;
  JSValue text = JS_NewStringLen(ctx, name, size);
  if (*before) text = JS_ConcatString3(ctx, before, text, "");
  if (JS_IsException(text)) return false;
  if (define_kept(function, JS_ATOM_length, js_int32((int32_t)length)) < 0) {
    JS_FreeValue(ctx, text);
    return false;
  }
  return define_kept(function, JS_ATOM_name, text) >= 0;
}

/* A constructor that is no class has a prototype as a function of JavaScript's
 * has it. */
static bool function_add_prototype(JSValueConst function) {
  JSContext *ctx = torpor__ctx;
  JSValue prototype = JS_NewObject(ctx);
  bool done;
  if (JS_IsException(prototype)) return false;
  JS_SetConstructorBit(ctx, function, true);
  done = JS_SetConstructor2(ctx, function, prototype, JS_PROP_WRITABLE,
                            JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) >= 0;
  JS_FreeValue(ctx, prototype);
  return done;
}

/* A function that calls the host function of that name. */
static JSValue torpor__host_function(const char *text, uint32_t size,
                                     int length) {
  JSValue function = function_make(text, size, JS_UNDEFINED, 0, 0);
  if (JS_IsException(function)) return function;
  if (function_describe(function, "", text, size, (uint32_t)length))
    return function;
  JS_FreeValue(torpor__ctx, function);
  return JS_EXCEPTION;
}

EXPORT(torpor_function_new)
torpor_status export_function_new(const char *text, uint32_t size,
                                  int32_t length) {
  return torpor__give_made(torpor__host_function(text, size, length));
}
