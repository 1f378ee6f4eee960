/* SPDX-License-Identifier: MIT */
/* wake.c - waking up, and what a program may want to know of it.
 *
 * A VM does not notice that it slept. A program that listens for torpor's
 * "wake" event (js/wake.js) is told how long, and whether it is a copy; for
 * that the wall clock is noted whenever the host leaves.
 *
 *  (1) While nobody listens nothing is noted and nothing happens at waking, so
 *      that the bytes of a VM do not depend on how often it slept.
 *  (2) The event is dispatched in a job of its own, which goes before all jobs
 *      that wait, but for such events that wait already: the program learns of
 *      it before anything else happens.
 *  (3) A program that hands over to another one (state.c) was told, too.
 *  (4) Randomness changes only when the host asks for it. */

static struct {
  JSValue tell; /* the library's function (slept, clone) */
  bool listening;
  double left; /* wall clock when the host left last; 0: nobody listens */
} waking = {.tell = JS_UNDEFINED};

static double wall_clock(void) {
  return torpor__time_sane(torpor__host_clock(TORPOR_CLOCK_WALL));
}

/* The host leaves; called at the end of each outermost entry. */
static void torpor__wake_note(void) {
  if (waking.listening) waking.left = wall_clock();
}

static void torpor__wake_listen(bool listening) {
  waking.listening = listening;
  if (!listening) waking.left = 0;
}

static void torpor__wake_tell_with(JSValueConst function) {
  JS_FreeValue(torpor__ctx, waking.tell);
  waking.tell = js_dup(function);
}

static JSValue wake_job(JSContext *ctx, int count, JSValueConst *args) {
  return JS_Call(ctx, waking.tell, JS_UNDEFINED, count, args);
}

static bool job_is_wake(const struct list_head *link) {
  return link != &torpor__rt->job_list &&
         list_entry(link, JSJobEntry, link)->job_func == wake_job;
}

/* Puts the job that tells the program before all others, behind its like. */
static torpor_status wake_enqueue(double slept, bool clone) {
  JSValue args[] = {js_number(slept > 0 ? slept : 0), js_bool(clone)};
  struct list_head *jobs = &torpor__rt->job_list, *before = jobs, *job;
  if (JS_EnqueueJob(torpor__ctx, wake_job, 2, vc(args)) < 0) {
    torpor__exception_drop();
    return TORPOR_LIMIT;
  }
  job = jobs->prev;
  list_del(job);
  while (job_is_wake(before->next)) before = before->next;
  list_add(job, before);
  return TORPOR_OK;
}

/* Dispatches the events that wait. */
static torpor_status torpor__wake_first(void) {
  while (job_is_wake(torpor__rt->job_list.next)) {
    torpor_status status = torpor__job_run_first();
    if (status) return status;
  }
  return TORPOR_OK;
}

static void random_reseed(void) {
  uint64_t *state = &torpor__ctx->random_state;
  torpor__host_random(state, sizeof(*state));
  if (*state == 0) *state = 1;
}

EXPORT(torpor_wake)
torpor_status export_wake(uint32_t flags) {
  torpor_status status = TORPOR_OK;
  torpor__handles_release();
  torpor__settings_reset();
  torpor__clock_rebase();
  if (flags & TORPOR_ABI_WAKE_RESEED) random_reseed();
  if (waking.listening)
    status =
        wake_enqueue(wall_clock() - waking.left, flags & TORPOR_ABI_WAKE_CLONE);
  torpor__publish();
  return status;
}

EXPORT(torpor_reseed)
torpor_status export_reseed(void) {
  random_reseed();
  return TORPOR_OK;
}
