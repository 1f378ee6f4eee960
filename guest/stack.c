/* SPDX-License-Identifier: MIT */
/* stack.c - the engine's stack limit; stack.h says why it is as it is.
 *
 * Nested entries share one stack. The limit is the same for all, but where the
 * host has less than what that needs: then it is nearer, for one entry. While
 * source is parsed it is nearer still; what was parsed runs with the old one.
 */

static uintptr_t stack_limit(void) {
  return (uintptr_t)&__stack_high - STACK_USABLE;
}

/* The limit for an entry that may use 'most' bytes from here; 0: all. */
static uintptr_t torpor__stack_limit(uint32_t most) {
  uintptr_t here = (uintptr_t)torpor__stack_address();
  uintptr_t limit = stack_limit();
  return most != 0 && here > limit && here - limit > most ? here - most : limit;
}

/* Whether the stack is used up. For a function whose depth is bounded by a
 * count as well: its frames are not made larger, as others that ask are. */
static inline bool torpor__stack_spent(void) {
  char here;
  __asm__ volatile("" : : "r"(&here));
  return (uintptr_t)&here < torpor__rt->stack_limit;
}

/* The limit for parsing from here. */
static uintptr_t stack_limit_parser(uintptr_t limit) {
  uintptr_t here = (uintptr_t)torpor__stack_address();
  uintptr_t left = here > limit ? here - limit : 0;
  return here - left / STACK_PARSER_SHARE;
}

/* Takes the place of the engine's eval: parses and runs, in two steps. A
 * direct eval runs in the frame of the function that called it. */
static JSValue stack_eval(JSContext *ctx, JSValueConst self, const char *source,
                          size_t size, const char *file, int line, int flags,
                          int scope) {
  JSRuntime *rt = ctx->rt;
  bool direct = (flags & JS_EVAL_TYPE_MASK) == JS_EVAL_TYPE_DIRECT;
  JSStackFrame *frame = direct ? rt->current_stack_frame : NULL;
  JSVarRef **variables = NULL;
  uintptr_t limit = rt->stack_limit;
  JSValue compiled;
  if (direct) variables = JS_VALUE_GET_OBJ(frame->cur_func)->u.func.var_refs;
  rt->stack_limit = stack_limit_parser(limit);
  compiled = __JS_EvalInternal(ctx, self, source, size, file, line,
                               flags | JS_EVAL_FLAG_COMPILE_ONLY, scope);
  rt->stack_limit = limit;
  if (JS_IsException(compiled) || (flags & JS_EVAL_FLAG_COMPILE_ONLY))
    return compiled;
  return JS_EvalFunctionInternal(ctx, compiled, self, variables, frame);
}

static void torpor__stack_start(JSContext *ctx) {
  ctx->rt->stack_limit = stack_limit();
  ctx->eval_internal = stack_eval;
}
