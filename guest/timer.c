/* SPDX-License-Identifier: MIT */
/* timer.c - what timers.js makes setTimeout and its counterparts of.
 *
 * A timer is an operation of kind "timer" that is due at a wall-clock moment
 * (operation.c). It is made here and not in JavaScript because programs make
 * thousands: neither closure nor table is needed for one. */

/* Dates end here, and so does every wait. */
static const double TIME_LARGEST = 8.64e15;

/* The moment 'ms' from now; NaN and negative ones mean now. 0 would mean that
 * the operation is never due. */
static double timer_due(double ms) {
  double due = torpor__time_sane(torpor__host_clock(TORPOR_CLOCK_WALL));
  torpor__look();
  if (ms > 0) due += ms;
  if (due > TIME_LARGEST) return TIME_LARGEST;
  return due > 0 ? due : 1;
}

/* (ms) */
static JSValue timer_due_in(JSContext *ctx, JSValueConst self, int count,
                            JSValueConst *args) {
  double ms;
  (void)self, (void)count;
  if (JS_ToFloat64(ctx, &ms, args[0])) return JS_EXCEPTION;
  return js_number(timer_due(ms));
}

static JSValue timer_check(JSContext *ctx, JSValueConst callback) {
  if (JS_IsFunction(ctx, callback)) return JS_UNDEFINED;
  return JS_ThrowTypeError(ctx, "a timer's callback is a function");
}

static JSValue timer_begin(JSContext *ctx, JSValueConst callback, double due,
                           JSValueConst args) {
  uint64_t number = torpor__operation_timer(callback, args, due);
  (void)ctx;
  return number ? js_int64((int64_t)number) : JS_EXCEPTION;
}

/* (callback, due): the timer's number. */
static JSValue timer_at(JSContext *ctx, JSValueConst self, int count,
                        JSValueConst *args) {
  double due;
  (void)self, (void)count;
  if (JS_ToFloat64(ctx, &due, args[1])) return JS_EXCEPTION;
  return timer_begin(ctx, args[0], due, JS_UNDEFINED);
}

/* setTimeout(callback, delay, ...args): the timer's number. */
static JSValue timer_set(JSContext *ctx, JSValueConst self, int count,
                         JSValueConst *args) {
  double delay = 0;
  JSValue extra = JS_UNDEFINED, result;
  (void)self;
  if (JS_IsException(timer_check(ctx, args[0]))) return JS_EXCEPTION;
  if (count > 1 && JS_ToFloat64(ctx, &delay, args[1])) return JS_EXCEPTION;
  if (count > 2) extra = js_create_array(ctx, count - 2, args + 2);
  if (JS_IsException(extra)) return JS_EXCEPTION;
  result = timer_begin(ctx, args[0], timer_due(delay), extra);
  JS_FreeValue(ctx, extra);
  return result;
}

/* (number) */
static JSValue timer_clear(JSContext *ctx, JSValueConst self, int count,
                           JSValueConst *args) {
  double number;
  (void)self, (void)count;
  if (JS_IsNumber(args[0]) && !JS_ToFloat64(ctx, &number, args[0]) &&
      number >= 1 && number <= (double)MAX_SAFE_INTEGER)
    torpor__operation_clear((uint64_t)number);
  return JS_UNDEFINED;
}
