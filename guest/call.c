/* SPDX-License-Identifier: MIT */
/* call.c - calls across the border, both ways.
 *
 * A host function is a JavaScript function that knows the index of a name in
 * control.functions. What the name is bound to is the host's affair, so such
 * functions sleep and wake with the VM. Each call has a scope of its own. */

enum { CALL_ARGS_STACK = 64 };
/* The largest 'length' of a function that the engine stores as it is. */
enum { CALL_LENGTH_KEPT = 255 };

static uint32_t function_capacity;

static torpor_abi_name *function_names(void) {
  return (torpor_abi_name *)(uintptr_t)torpor_control.functions;
}

/* The index of 'text' in control.functions, added if need be; -1: thrown. */
static int64_t function_index(const char *text, uint32_t size) {
  torpor_abi_name *names = function_names();
  uint32_t count = torpor_control.function_count;
  char *copy;
  for (uint32_t i = 0; i < count; i++)
    if (names[i].size == size &&
        memcmp((char *)(uintptr_t)names[i].text, text, size) == 0)
      return i;
  if (js_resize_array(torpor__ctx, (void **)&names, sizeof(*names),
                      (int *)&function_capacity, (int)count + 1))
    return -1;
  torpor_control.functions = (uint32_t)(uintptr_t)names;
  copy = js_malloc(torpor__ctx, size ? size : 1);
  if (copy == NULL) return -1;
  memcpy(copy, text, size);
  names[count] = (torpor_abi_name){(uint32_t)(uintptr_t)copy, size};
  return torpor_control.function_count++;
}

/* The result of a host function that returned 'status'; takes both references.
 */
static JSValue host_outcome(torpor_status status, JSValue value,
                            JSValue thrown) {
  if (status == TORPOR_OK) {
    JS_FreeValue(torpor__ctx, thrown);
    return value;
  }
  JS_FreeValue(torpor__ctx, value);
  if (!JS_IsUninitialized(thrown)) return JS_Throw(torpor__ctx, thrown);
  return JS_ThrowTypeError(torpor__ctx,
                           "a host function answered TORPOR_THROWN, but "
                           "nothing was thrown; torpor_throw throws");
}

/* Calls the host; the handles made meanwhile are cut by the caller. */
static JSValue host_call(int index, JSValueConst self, int count,
                         JSValueConst *values, uint64_t *args) {
  uint64_t *result = torpor_control.host.result, self_bits;
  uintptr_t stack_limit = torpor__rt->stack_limit;
  JSValue value, thrown, outer = carrier.value;
  torpor_status status;
  bool nested = carrier.running;
  bool fits = torpor__border(js_dup(self), &self_bits);
  for (int i = 0; i < count; i++)
    fits &= torpor__border(js_dup(values[i]), &args[i]);
  if (!fits) return JS_ThrowOutOfMemory(torpor__ctx);
  result[0] = torpor_undefined().bits;
  carrier.value = JS_UNINITIALIZED;
  carrier.running = true;
  torpor__pause();
  status = torpor__host_call((uint32_t)index, self_bits, args, (uint32_t)count);
  torpor__rt->stack_limit = stack_limit; /* entries meanwhile had their own */
  torpor__resume();
  thrown = carrier.value;
  carrier.value = outer;
  carrier.running = nested;
  if (status == TORPOR_INTERRUPTED) {
    JS_FreeValue(torpor__ctx, thrown);
    return torpor__interrupt();
  }
  if (status == TORPOR_OK && torpor__value(result[0], &value) != TORPOR_OK) {
    JS_FreeValue(torpor__ctx, thrown);
    return JS_ThrowTypeError(torpor__ctx,
                             "a host function gave a value that is no longer "
                             "valid, or of another VM");
  }
  return host_outcome(
      status, status == TORPOR_OK ? js_dup(value) : JS_UNDEFINED, thrown);
}

static JSValue call_host_function(JSContext *ctx, JSValueConst self, int count,
                                  JSValueConst *values, int index,
                                  JSValueConst *data) {
  call_scope scope;
  uint64_t *args;
  JSValue value;
  (void)data;
  if (js_check_stack_overflow(ctx->rt, (size_t)count * sizeof(*args)))
    return JS_ThrowStackOverflow(ctx);
  args = alloca((size_t)count * sizeof(*args));
  scope = torpor__scope_begin();
  value = host_call(index, self, count, values, args);
  torpor__scope_end(scope);
  return value;
}

/* A function that calls the host function of that name. */
static JSValue torpor__host_function(const char *text, uint32_t size,
                                     int length) {
  JSValue function;
  JSAtom atom;
  int64_t index = function_index(text, size);
  if (index < 0) return JS_EXCEPTION;
  function = JS_NewCFunctionData(torpor__ctx, call_host_function,
                                 length <= CALL_LENGTH_KEPT ? length : 0,
                                 (int)index, 0, NULL);
  atom = JS_NewAtomLen(torpor__ctx, text, size);
  if (JS_IsException(function) || atom == JS_ATOM_NULL) {
    JS_FreeValue(torpor__ctx, function);
    JS_FreeAtom(torpor__ctx, atom);
    return JS_EXCEPTION;
  }
  JS_DefinePropertyValue(torpor__ctx, function, JS_ATOM_name,
                         JS_AtomToString(torpor__ctx, atom),
                         JS_PROP_CONFIGURABLE);
  JS_FreeAtom(torpor__ctx, atom);
  if (length > CALL_LENGTH_KEPT)
    JS_DefinePropertyValue(torpor__ctx, function, JS_ATOM_length,
                           js_int32(length), JS_PROP_CONFIGURABLE);
  return function;
}

EXPORT(torpor_function_new)
torpor_status export_function_new(const char *text, uint32_t size,
                                  int32_t length) {
  return torpor__give_made(torpor__host_function(text, size, length));
}

/* ---- Calls by the host ---------------------------------------------------*/

/* Fills 'values' from 'args', with references; on failure with none. */
static torpor_status args_take(const uint64_t *args, uint32_t count,
                               JSValue *values) {
  for (uint32_t i = 0; i < count; i++) {
    torpor_status status = torpor__value(args[i], &values[i]);
    if (status) {
      while (i-- > 0) JS_FreeValue(torpor__ctx, values[i]);
      return status;
    }
    js_dup(values[i]);
  }
  return TORPOR_OK;
}

/* What is called, held while it runs. */
typedef struct callee {
  enum callee_kind { CALLEE_FUNCTION, CALLEE_CONSTRUCTOR, CALLEE_METHOD } kind;
  JSValue target; /* the function, or the object whose method it is */
  JSValue second; /* this, or new.target */
  JSAtom name;    /* of the method */
} callee;

static void callee_free(const callee *called) {
  JS_FreeAtom(torpor__ctx, called->name);
  JS_FreeValue(torpor__ctx, called->target);
  JS_FreeValue(torpor__ctx, called->second);
}

/* 'second' is a key when a method is called. With OK, to be freed. */
static torpor_status callee_take(enum callee_kind kind, uint64_t target,
                                 uint64_t second, callee *out) {
  torpor_status status;
  *out = (callee){kind, JS_UNDEFINED, JS_UNDEFINED, JS_ATOM_NULL};
  status = torpor__value(target, &out->target);
  if (status == TORPOR_OK && kind != CALLEE_METHOD)
    status = torpor__value(second, &out->second);
  if (status) return status;
  js_dup(out->target);
  js_dup(out->second);
  if (kind == CALLEE_METHOD) out->name = torpor__key_atom(second, &status);
  if (status) callee_free(out);
  return status;
}

static JSValue call_method(const callee *called, int count,
                           JSValueConst *values) {
  JSContext *ctx = torpor__ctx;
  JSValue function = JS_GetProperty(ctx, called->target, called->name);
  if (JS_IsException(function)) return function;
  if (!JS_IsFunction(ctx, function)) {
    JS_FreeValue(ctx, function);
    return JS_ThrowTypeErrorAtom(ctx, "%s is not a function", called->name);
  }
  return JS_CallFree(ctx, function, called->target, count, values);
}

static JSValue call_run(const callee *called, int count, JSValueConst *values) {
  JSContext *ctx = torpor__ctx;
  switch (called->kind) {
  case CALLEE_FUNCTION:
    return JS_Call(ctx, called->target, called->second, count, values);
  case CALLEE_METHOD:
    return call_method(called, count, values);
  default:
    if (!JS_IsConstructor(ctx, called->second))
      return JS_ThrowTypeErrorNotAConstructor(ctx, called->second);
    return JS_CallConstructor2(ctx, called->target, called->second, count,
                               values);
  }
}

/* 'values' has room for the arguments. They are read before anything runs,
 * since host functions may overwrite where they lie. */
static torpor_status call_with(enum callee_kind kind, uint64_t target,
                               uint64_t second, const uint64_t *args,
                               uint32_t count, JSValue *values) {
  callee called;
  JSValue result = JS_UNDEFINED;
  torpor_status status = args_take(args, count, values);
  if (status) return status;
  status = callee_take(kind, target, second, &called);
  if (status == TORPOR_OK) {
    result = call_run(&called, (int)count, vc(values));
    callee_free(&called);
  }
  for (uint32_t i = 0; i < count; i++) JS_FreeValue(torpor__ctx, values[i]);
  return status ? status : torpor__give(result);
}

static torpor_status call(enum callee_kind kind, uint64_t target,
                          uint64_t second, const uint64_t *args,
                          uint32_t count) {
  JSValue few[CALL_ARGS_STACK], *many;
  torpor_status status;
  if (count <= CALL_ARGS_STACK)
    return call_with(kind, target, second, args, count, few);
  if (count > TORPOR_ABI_ARGUMENTS) return TORPOR_LIMIT;
  many = js_malloc(torpor__ctx, count * sizeof(*many));
  if (many == NULL) return torpor__thrown();
  status = call_with(kind, target, second, args, count, many);
  js_free(torpor__ctx, many);
  return status;
}

EXPORT(torpor_call)
torpor_status export_call(uint64_t function, uint64_t self,
                          const uint64_t *args, uint32_t count) {
  torpor__enter();
  return torpor__leave(call(CALLEE_FUNCTION, function, self, args, count));
}

EXPORT(torpor_construct)
torpor_status export_construct(uint64_t constructor, uint64_t new_target,
                               const uint64_t *args, uint32_t count) {
  torpor__enter();
  return torpor__leave(
      call(CALLEE_CONSTRUCTOR, constructor, new_target, args, count));
}

EXPORT(torpor_call_method)
torpor_status export_call_method(uint64_t object, uint64_t key,
                                 const uint64_t *args, uint32_t count) {
  torpor__enter();
  return torpor__leave(call(CALLEE_METHOD, object, key, args, count));
}

/* Throws for the host function that runs; outside of one, only tells. */
EXPORT(torpor_throw)
torpor_status export_throw(uint64_t bits) {
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  torpor__carry(value);
  torpor_control.host.result[0] = bits;
  return TORPOR_THROWN;
}
