/* SPDX-License-Identifier: MIT */
/* job.c - the job queue, promises, and rejections that nobody handles.
 *
 * The host runs jobs, a number at a time, so that a checkpoint is possible
 * between any two. A promise that is rejected without a handler is noted, and
 * forgotten again if a handler comes before the queue is empty; only then can
 * the host take the reasons, oldest first. What a job or a callback throws is
 * noted in the same list, without a promise. The list is bounded: beyond that
 * rejections are only counted. */

enum { REJECTIONS_MOST = 512 };

static struct {
  struct rejection {
    JSValue promise, reason;
    uint64_t late; /* 1: it was given, and is handled by now */
  } *items;
  uint32_t count, capacity;
  uint64_t dropped; /* unhandled ones for which there was no room */
} rejections;

static uint32_t torpor__rejection_count(void) {
  return rejections.count;
}

/* Takes both references. None may be lost without a count. */
static void rejection_add(JSValue promise, JSValue reason, bool late) {
  if (rejections.count == REJECTIONS_MOST) {
    rejections.dropped += !late;
    JS_FreeValue(torpor__ctx, promise);
    JS_FreeValue(torpor__ctx, reason);
    return;
  }
  torpor__sure_begin();
  js_resize_array(torpor__ctx, (void **)&rejections.items,
                  sizeof(rejections.items[0]), (int *)&rejections.capacity,
                  (int)rejections.count + 1);
  torpor__sure_end();
  rejections.items[rejections.count++] =
      (struct rejection){promise, reason, late};
}

/* Removes entry 'index'; the caller has its references now. */
static void rejection_cut(uint32_t index) {
  struct rejection *at = rejections.items + index;
  uint32_t behind = --rejections.count - index;
  memmove(at, at + 1, behind * sizeof(*at));
  if (rejections.count == 0) {
    js_free(torpor__ctx, rejections.items);
    rejections.items = NULL;
    rejections.capacity = 0;
  } else {
    memset(at + behind, 0, sizeof(*at));
  }
}

/* False: it is not in the list. That takes bounded time, as the list is. */
static bool rejection_remove(JSValueConst promise) {
  for (uint32_t i = rejections.count; i-- > 0;) {
    struct rejection found = rejections.items[i];
    if (found.late || !JS_IsObject(found.promise) ||
        JS_VALUE_GET_PTR(found.promise) != JS_VALUE_GET_PTR(promise))
      continue;
    rejection_cut(i);
    JS_FreeValue(torpor__ctx, found.promise);
    JS_FreeValue(torpor__ctx, found.reason);
    return true;
  }
  return false;
}

/* A promise that is handled and not in the list was dropped or, if none is
 * known to have been, given to the host. */
static void torpor__rejection_track(JSContext *ctx, JSValueConst promise,
                                    JSValueConst reason, bool handled,
                                    void *opaque) {
  (void)ctx, (void)opaque;
  if (!handled)
    rejection_add(js_dup(promise), js_dup(reason), false);
  else if (rejection_remove(promise))
    return;
  else if (rejections.dropped > 0)
    rejections.dropped--;
  else if (settings.late)
    rejection_add(js_dup(promise), js_dup(reason), true);
}

/* Notes an exception that has no promise; takes the reference. */
static void torpor__report(JSValue reason) {
  rejection_add(JS_UNDEFINED, reason, false);
}

static bool rejection_take(struct rejection *oldest) {
  if (rejections.count == 0 || JS_IsJobPending(torpor__rt)) return false;
  *oldest = rejections.items[0];
  rejection_cut(0);
  return true;
}

EXPORT(torpor_rejection_take)
torpor_status export_rejection_take(void) {
  struct rejection oldest;
  torpor_status status = TORPOR_NOT_FOUND;
  while (status == TORPOR_NOT_FOUND && rejection_take(&oldest)) {
    JS_FreeValue(torpor__ctx, oldest.promise);
    if (oldest.late)
      JS_FreeValue(torpor__ctx, oldest.reason);
    else
      status = torpor__give(oldest.reason);
  }
  torpor__publish();
  return status;
}

EXPORT(torpor_rejection_next)
torpor_status export_rejection_next(void) {
  uint64_t *result = torpor_control.host.result;
  struct rejection oldest;
  torpor_status status;
  if (!rejection_take(&oldest)) return TORPOR_NOT_FOUND;
  status =
      torpor__give_all((JSValue[]){oldest.reason, oldest.promise}, 2, result);
  result[2] = oldest.late;
  torpor__publish();
  return status;
}

EXPORT(torpor_rejection_dropped)
torpor_status export_rejection_dropped(void) {
  uint64_t dropped = rejections.dropped;
  rejections.dropped = 0;
  return torpor__give_integer(dropped);
}

/* ---- Jobs ----------------------------------------------------------------*/

/* Has import() done as module-load.c does it. */
static void job_redirect(void) {
  JSJobEntry *job;
  if (list_empty(&torpor__rt->job_list)) return;
  job = list_entry(torpor__rt->job_list.next, JSJobEntry, link);
  if (job->job_func == js_dynamic_import_job)
    job->job_func = torpor__import_job;
}

/* Runs the first job of the queue, if there is one; INTERRUPTED when that ended
 * it. */
static torpor_status torpor__job_run_first(void) {
  JSContext *ctx;
  JSValue exception;
  job_redirect();
  if (JS_ExecutePendingJob(torpor__rt, &ctx) >= 0)
    return torpor_control.host.interrupted ? TORPOR_INTERRUPTED : TORPOR_OK;
  exception = torpor__exception_take();
  if (JS_IsUncatchableError(exception)) {
    JS_FreeValue(torpor__ctx, exception);
    return TORPOR_INTERRUPTED;
  }
  torpor__report(exception);
  return TORPOR_OK;
}

static torpor_status jobs_run(uint32_t max) {
  uint64_t *ran = &torpor_control.host.result[0];
  torpor_status status = TORPOR_OK;
  uint32_t count = 0;
  while ((max == 0 || count < max) && status == TORPOR_OK &&
         JS_IsJobPending(torpor__rt)) {
    count++;
    status = torpor__job_run_first();
    torpor__check_told();
  }
  *ran = count;
  return status;
}

EXPORT(torpor_job_run)
torpor_status export_job_run(uint32_t max) {
  torpor__enter();
  return torpor__leave(jobs_run(max));
}

/* ---- Promises ------------------------------------------------------------*/

static torpor_status promise_state(JSValueConst promise) {
  JSPromiseStateEnum state;
  if (!JS_IsPromise(promise)) return TORPOR_WRONG_TYPE;
  state = JS_PromiseState(torpor__ctx, promise);
  return torpor__give_integer(state == JS_PROMISE_PENDING ? TORPOR_PENDING
                              : state == JS_PROMISE_FULFILLED
                                  ? TORPOR_FULFILLED
                                  : TORPOR_REJECTED);
}

/* Runs jobs until 'promise' is settled, or none is left. */
static torpor_status await_promise(uint64_t bits) {
  uint64_t *result = torpor_control.host.result;
  JSValue promise;
  torpor_status status = torpor__value(bits, &promise);
  if (status) return status;
  if (!JS_IsPromise(promise)) return TORPOR_WRONG_TYPE;
  js_dup(promise);
  JS_PromiseMarkAsHandled(torpor__ctx, promise);
  rejection_remove(promise);
  while (status == TORPOR_OK && JS_IsJobPending(torpor__rt) &&
         JS_PromiseState(torpor__ctx, promise) == JS_PROMISE_PENDING) {
    status = torpor__job_run_first();
    torpor__check_told();
  }
  if (status == TORPOR_OK) status = promise_state(promise);
  if (status == TORPOR_OK &&
      !torpor__border(JS_PromiseResult(torpor__ctx, promise), &result[1]))
    status = TORPOR_LIMIT;
  JS_FreeValue(torpor__ctx, promise);
  return status;
}

EXPORT(torpor_await)
torpor_status export_await(uint64_t bits) {
  torpor__enter();
  return torpor__leave(await_promise(bits));
}

EXPORT(torpor_promise_look)
torpor_status export_promise_look(torpor_token number) {
  const struct token *found = token_find(number);
  return found == NULL ? TORPOR_NOT_FOUND : promise_state(found->value);
}

EXPORT(torpor_promise_read)
torpor_status export_promise_read(uint64_t bits) {
  uint64_t *result = torpor_control.host.result;
  JSValue promise;
  torpor_status status = torpor__value(bits, &promise);
  if (status == TORPOR_OK) status = promise_state(promise);
  if (status) return status;
  if (!torpor__border(JS_PromiseResult(torpor__ctx, promise), &result[1]))
    return TORPOR_LIMIT;
  return TORPOR_OK;
}

/* From here on the promise's rejection is the host's to handle. */
static torpor_status promise_handle(uint64_t bits) {
  JSValue promise;
  torpor_status status = torpor__value(bits, &promise);
  if (status) return status;
  if (!JS_IsPromise(promise)) return TORPOR_WRONG_TYPE;
  JS_PromiseMarkAsHandled(torpor__ctx, promise);
  rejection_remove(promise);
  torpor__publish();
  return TORPOR_OK;
}

EXPORT(torpor_promise_handle)
torpor_status export_promise_handle(uint64_t bits) {
  return promise_handle(bits);
}

static torpor_status promise_new(void) {
  JSValue made[3]; /* the promise and its functions */
  made[0] = JS_NewPromiseCapability(torpor__ctx, made + 1);
  if (JS_IsException(made[0])) return torpor__thrown();
  if (torpor__made_in_part()) {
    for (int i = 0; i < 3; i++) JS_FreeValue(torpor__ctx, made[i]);
    return torpor__thrown();
  }
  return torpor__give_all(made, 3, torpor_control.host.result);
}

EXPORT(torpor_promise_new)
torpor_status export_promise_new(void) {
  return promise_new();
}
