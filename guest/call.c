/* SPDX-License-Identifier: MIT */
/* call.c - calls by the host. function.c has those by the guest. */

enum { CALL_ARGS_STACK = 64 };

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
