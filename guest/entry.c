/* SPDX-License-Identifier: MIT */
/* entry.c - coming into the guest and leaving it.
 *
 * Every export that may run JavaScript stands between torpor__enter and
 * torpor__leave; a call to a host function stands between torpor__pause and
 * torpor__resume. So the host's count of fuel is right whenever the host can
 * see it, and may be changed by it whenever it runs.
 *
 * The engine counts polls down from what it is granted here:
 *
 *   enter ── grant min(fuel, polls to the next question) ── run ── leave
 *              ^                                             |
 *              └── torpor__interrupt_check: used up, or ask the host ┘
 *
 *  (1) 'granted' less the engine's counter is what was used since the grant.
 *  (2) Fuel ends exactly: the poll that finds 1 left interrupts.
 *  (3) Outside of entries the counters and the stack's limit are as in the
 *      baseline, so that a snapshot does not depend on how often the host came
 *      in, and from where. */

/* One less than what the engine sets its counter to before it asks, so that
 * questions of regular expressions can be told apart; those ask once in
 * POLLS_REGEXP steps, without using the counter. */
enum { POLLS_GRANT = JS_INTERRUPT_COUNTER_INIT - 1, POLLS_REGEXP = 10000 };

static struct {
  int32_t granted; /* to the engine's counter */
  int32_t left;    /* polls until the host is asked again */
  uint32_t depth;  /* of nested entries */
  bool runs;       /* guest code, not a host function that it called */
} entry;

static void torpor__resume(void) {
  uint64_t fuel = torpor_control.host.fuel;
  entry.granted = entry.left;
  if (fuel != 0 && fuel < (uint64_t)entry.granted)
    entry.granted = (int32_t)fuel;
  torpor__ctx->interrupt_counter = entry.granted;
}

static void torpor__pause(void) {
  int32_t used = entry.granted - torpor__ctx->interrupt_counter;
  entry.left -= used;
  if (torpor_control.host.fuel) torpor_control.host.fuel -= (uint32_t)used;
}

/* Takes 'count' of the fuel; false when that is all there is. */
static bool fuel_take(int32_t count) {
  uint64_t *fuel = &torpor_control.host.fuel;
  if (*fuel == 0) return true;
  if (*fuel <= (uint32_t)count) {
    *fuel = 1;
    return false;
  }
  *fuel -= (uint32_t)count;
  return true;
}

/* After an interrupt each further poll asks again. */
static int interrupt_now(uint32_t reason) {
  uint32_t *interrupted = &torpor_control.host.interrupted;
  *interrupted = reason | (*interrupted & TORPOR_ABI_INTERRUPTED_AT);
  entry.left = 1;
  torpor__resume();
  return 1;
}

/* Interrupts what runs, since the host that it called says so; where, is noted
 * anew, as the host may have used the window. */
static JSValue torpor__interrupt(void) {
  torpor_control.host.interrupted = 0;
  interrupt_now(2);
  JS_ThrowInterrupted(torpor__ctx);
  return JS_EXCEPTION;
}

/* After an import that may have taken long: asks at the next poll. */
static void torpor__look(void) {
  if (!torpor_control.host.hurry || entry.depth == 0) return;
  torpor_control.host.hurry = 0;
  torpor__pause();
  entry.left = 1;
  torpor__resume();
}

/* The engine's interrupt handler. Not zero: stop. */
static int torpor__interrupt_check(JSRuntime *rt, void *opaque) {
  bool by_counter = torpor__ctx->interrupt_counter == JS_INTERRUPT_COUNTER_INIT;
  int32_t used = by_counter ? entry.granted : POLLS_REGEXP;
  (void)rt, (void)opaque;
  if (by_counter)
    entry.left -= entry.granted;
  else
    torpor__pause();
  if (!fuel_take(used)) return interrupt_now(1);
  if (!by_counter) entry.left = 0;
  if (entry.left <= 0) {
    entry.left = POLLS_GRANT;
    if (torpor__host_poll()) return interrupt_now(2);
  }
  torpor__resume();
  return 0;
}

/* Whether what the entry is about to give will not be looked at, since it was
 * interrupted. */
static bool torpor__is_in_vain(void) {
  return entry.runs && torpor_control.host.interrupted;
}

static bool torpor__exhausted(void) {
  return torpor__rt && torpor__rt->in_out_of_memory;
}

/* What the host reads after an entry. */
static void torpor__publish(void) {
  bool idle = list_empty(&torpor__rt->job_list);
  torpor_control.jobs = !idle;
  torpor_control.rejections = idle ? torpor__rejection_count() : 0;
  torpor_control.host.cancelled = (uint64_t)torpor__collected_count() << 32 |
                                  (torpor__cancelled_count() + 1);
}

/* Ends the guest when memory ran out and the engine went on as if it had not:
 * what it threw is pending still, and nobody will take it. */
static void torpor__check_told(void) {
  if (!reserve.refused) return;
  reserve.refused = false;
  if (JS_HasException(torpor__ctx)) reserve_end();
}

static void torpor__enter(void) {
  torpor__rt->stack_limit = torpor__stack_limit(torpor_control.host.stack);
  torpor__settings_enter();
  if (entry.depth++ == 0) {
    entry.left = POLLS_GRANT;
    torpor_control.host.interrupted = 0;
  }
  entry.runs = true;
  torpor__resume();
}

/* An interrupt counts even when the call looks complete: the engine ends an
 * async function, also a module's body, without a word to its caller. What it
 * leaves pending then would be met by the next entry. */
static torpor_status torpor__leave(torpor_status status) {
  if (torpor_control.host.interrupted &&
      (status == TORPOR_OK || status == TORPOR_THROWN))
    status = TORPOR_INTERRUPTED;
  torpor__check_told();
  torpor__pause();
  entry.runs = false;
  if (--entry.depth == 0) {
    entry.granted = entry.left = 0;
    if (torpor_control.host.interrupted)
      JS_FreeValue(torpor__ctx, JS_GetException(torpor__ctx));
    torpor__ctx->interrupt_counter = JS_INTERRUPT_COUNTER_INIT;
    torpor__rt->stack_limit = torpor__stack_limit(0);
    torpor__wake_note();
  } else {
    torpor__resume();
  }
  torpor__publish();
  return status;
}

/* ---- What was thrown -----------------------------------------------------*/

/* What a call threw last in the host function that runs, which may hand it on
 * (TORPOR_THROWN); uninitialized: nothing. Between entries there is none. */
static struct {
  JSValue value;
  bool running; /* a host function */
} carrier = {JS_UNINITIALIZED, false};

static void torpor__carry(JSValueConst thrown) {
  JSValue before = carrier.value;
  if (!carrier.running) return;
  carrier.value = js_dup(thrown);
  JS_FreeValue(torpor__ctx, before);
}

/* The pending exception. There is none when there was no memory to make it;
 * by now there may be. */
static JSValue torpor__exception_take(void) {
  JSValue exception = JS_GetException(torpor__ctx);
  if (!JS_IsUninitialized(exception)) return exception;
  JS_ThrowOutOfMemory(torpor__ctx);
  return JS_GetException(torpor__ctx);
}

/* Turns the pending exception into a status and result[0]. */
static torpor_status torpor__thrown(void) {
  JSValue exception = torpor__exception_take();
  if (JS_IsUncatchableError(exception)) {
    JS_FreeValue(torpor__ctx, exception);
    return TORPOR_INTERRUPTED;
  }
  torpor__carry(exception);
  if (!torpor__border(exception, &torpor_control.host.result[0]))
    return TORPOR_LIMIT;
  return TORPOR_THROWN;
}

/* Gives 'value' to the host in result[0]; takes the reference. */
static torpor_status torpor__give(JSValue value) {
  if (JS_IsException(value)) return torpor__thrown();
  return torpor__border(value, &torpor_control.host.result[0]) ? TORPOR_OK
                                                               : TORPOR_LIMIT;
}

/* Whether memory ran out while the engine made something, and it went on as if
 * it had not; what it threw is pending. */
static bool torpor__made_in_part(void) {
  bool refused = reserve.refused;
  reserve.refused = false;
  return refused && JS_HasException(torpor__ctx);
}

/* torpor__give for what was made outside of torpor__enter and torpor__leave. */
static torpor_status torpor__give_made(JSValue value) {
  if (!torpor__made_in_part()) return torpor__give(value);
  JS_FreeValue(torpor__ctx, value);
  return torpor__thrown();
}

/* Gives an integer, not a value, in result[0]. */
static torpor_status torpor__give_integer(uint64_t integer) {
  torpor_control.host.result[0] = integer;
  return TORPOR_OK;
}
