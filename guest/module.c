/* SPDX-License-Identifier: MIT */
/* module.c - evaluation of scripts and modules.
 *
 * A module is compiled, and then loaded with all that it imports
 * (module-load.c), which may take until the host has answered. */

/* The flags of the engine for TORPOR_ABI_EVAL_. */
static int eval_flags(uint32_t flags) {
  int type = flags & TORPOR_ABI_EVAL_MODULE ? JS_EVAL_TYPE_MODULE
                                            : JS_EVAL_TYPE_GLOBAL;
  if (flags & TORPOR_ABI_EVAL_STRICT) type |= JS_EVAL_FLAG_STRICT;
  if (flags & TORPOR_ABI_EVAL_ASYNC) type |= JS_EVAL_FLAG_ASYNC;
  if (flags & TORPOR_ABI_EVAL_BARRIER) type |= JS_EVAL_FLAG_BACKTRACE_BARRIER;
  return type;
}

/* A script that awaits gives its value in an object, so that a promise as its
 * value is told apart. */
static JSValue async_value(JSContext *ctx, JSValueConst self, int count,
                           JSValueConst *args) {
  (void)ctx, (void)self;
  return count > 0 ? js_dup(torpor__own_data(args[0], JS_ATOM_value))
                   : JS_UNDEFINED;
}

/* Runs an async script: a promise of its value. */
static JSValue async_run(JSValue compiled) {
  JSContext *ctx = torpor__ctx;
  JSValue done = JS_EvalFunction(ctx, compiled), then, promise = JS_EXCEPTION;
  if (JS_IsException(done)) return done;
  then = JS_NewCFunction(ctx, async_value, "", 1);
  if (!JS_IsException(then))
    promise = JS_PromiseThen(ctx, done, then, JS_UNDEFINED);
  JS_FreeValue(ctx, then);
  JS_FreeValue(ctx, done);
  return promise;
}

/* Runs what was compiled, whose reference it takes. */
static JSValue compiled_run(JSValue compiled, uint32_t flags) {
  if (flags & TORPOR_ABI_EVAL_MODULE) {
    JSModuleDef *module = JS_VALUE_GET_PTR(compiled);
    JS_FreeValue(torpor__ctx, compiled); /* the list of modules holds it */
    return module_start(module);
  }
  if (flags & TORPOR_ABI_EVAL_ASYNC) return async_run(compiled);
  return JS_EvalFunction(torpor__ctx, compiled);
}

static JSValue source_evaluate(const char *source, uint32_t size,
                               const char *file, uint32_t flags,
                               uint32_t line) {
  JSValue compiled =
      source_compile(source, size, file, eval_flags(flags), line);
  if (JS_IsException(compiled)) return compiled;
  return compiled_run(compiled, flags);
}

EXPORT(torpor_eval)
torpor_status export_eval(const char *source, uint32_t size, const char *file,
                          uint32_t file_size, uint32_t mode) {
  (void)file_size;
  if (mode != TORPOR_SCRIPT && mode != TORPOR_MODULE) return TORPOR_MISUSE;
  torpor__enter();
  return torpor__leave(torpor__give(
      source_evaluate(source, size, file,
                      mode == TORPOR_MODULE ? TORPOR_ABI_EVAL_MODULE : 0, 1)));
}

EXPORT(torpor_eval_with)
torpor_status export_eval_with(const char *source, uint32_t size,
                               const char *file, uint32_t file_size,
                               uint32_t flags, uint32_t line) {
  (void)file_size;
  torpor__enter();
  return torpor__leave(
      torpor__give(source_evaluate(source, size, file, flags, line)));
}
