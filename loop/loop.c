/* SPDX-License-Identifier: MIT */
/* loop.c - the turns of a loop.
 *
 * A turn goes through the same stations each time:
 *
 *   pump      attached VMs run their jobs; what they began is started
 *   deliver   tasks that are complete settle their operations, one at a time
 *   turned    the host commits what that brought
 *   wait      libuv: alarms ring, drivers complete tasks
 *
 *  (1) Nobody but the turn calls a host's callback for a task; alarms and
 *      watches are called from the last station.
 *  (2) A stop is seen between any two callbacks.
 *
 * Runs on the loop's thread; torpor_loop_stop and torpor_loop_wake on any, and
 * in signal handlers: they use nothing but lock-free atomics and
 * uv_async_send. */
#include <assert.h>

#include "loop.h"

/* A turn has come anyway; that was all that was wanted. */
static void ignore_wake(uv_async_t *wake) {
  (void)wake;
}

static double read_system_clock(void *user, torpor_clock which) {
  (void)user;
  if (which == TORPOR_CLOCK_MONOTONIC) return (double)uv_hrtime() / 1e6;
  uv_timeval64_t now;
  if (uv_gettimeofday(&now) != 0) return 0;
  return (double)now.tv_sec * 1e3 + (double)now.tv_usec / 1e3;
}

static torpor_status add_builtin_drivers(torpor_loop *loop) {
  torpor_status status = torpor__timer_add(loop);
  if (status == TORPOR_OK) status = torpor__file_add(loop);
  return status;
}

static torpor_status init_handles(torpor_loop *loop) {
  if (uv_loop_init(&loop->uv) != 0) return TORPOR_IO;
  if (uv_async_init(&loop->uv, &loop->wake, ignore_wake) != 0) {
    uv_loop_close(&loop->uv);
    return TORPOR_IO;
  }
  uv_timer_init(&loop->uv, &loop->timer);
  loop->timer.data = loop;
  return TORPOR_OK;
}

torpor_status torpor_loop_open(const torpor_loop_options *options,
                               torpor_loop **out) {
  if (out == NULL) return TORPOR_MISUSE;
  *out = NULL;
  if (options != NULL && options->size < sizeof(*options)) return TORPOR_MISUSE;
  torpor_loop *loop = calloc(1, sizeof(*loop));
  if (loop == NULL) return TORPOR_NOMEM;
  loop->clock = read_system_clock;
  if (options != NULL && options->clock != NULL) {
    loop->clock = options->clock;
    loop->clock_user = options->user;
  }
  torpor__list_init(&loop->started);
  torpor__list_init(&loop->completed);
  torpor__list_init(&loop->attached);
  torpor__list_init(&loop->files.waiting);
  torpor_status status = init_handles(loop);
  if (status != TORPOR_OK) {
    free(loop);
    return status;
  }
  torpor__alarms_init(loop);
  status = torpor_cbor_error("RangeError", "out of memory on the host", NULL,
                             &loop->exhausted);
  if (status == TORPOR_OK) status = add_builtin_drivers(loop);
  if (status != TORPOR_OK) {
    torpor_loop_close(loop);
    return status;
  }
  *out = loop;
  return TORPOR_OK;
}

static void close_handles(torpor_loop *loop) {
  torpor__watch_close(loop);
  uv_close((uv_handle_t *)&loop->wake, NULL);
  uv_close((uv_handle_t *)&loop->timer, NULL);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  int left = uv_loop_close(&loop->uv);
  assert(left == 0);
  (void)left;
}

void torpor_loop_close(torpor_loop *loop) {
  if (loop == NULL) return;
  assert(!loop->turning);
  torpor__signals_restore(loop);
  torpor__attached_detach(loop);
  torpor__tasks_cancel(loop);
  torpor__alarms_free(loop);
  close_handles(loop);
  for (size_t i = 0; i < loop->driver_count; i++) free(loop->drivers[i]);
  free(loop->drivers);
  torpor_bytes_free(&loop->exhausted);
  free(loop);
}

/* ---- Turning -------------------------------------------------------------*/

static bool is_idle(const torpor_loop *loop) {
  return torpor__list_empty(&loop->started) &&
         torpor__list_empty(&loop->completed) && loop->alarms.count == 0;
}

/* What ended the turn so far: a stop, a VM's failure, or nothing. */
static torpor_status take_verdict(torpor_loop *loop) {
  torpor_status failure = loop->failure;
  if (failure != TORPOR_OK) {
    loop->failure = TORPOR_OK;
    return failure;
  }
  if (!atomic_load(&loop->stopping)) return TORPOR_OK;
  atomic_store(&loop->stopping, false);
  return TORPOR_CANCELLED;
}

static torpor_status turn(torpor_loop *loop, bool wait) {
  torpor__attached_pump(loop);
  torpor__tasks_deliver(loop);
  torpor_status status = take_verdict(loop);
  if (status != TORPOR_OK) return status;
  bool again = loop->turned != NULL && loop->turned(loop->turned_user);
  status = take_verdict(loop);
  if (status != TORPOR_OK) return status;
  if (is_idle(loop) && !again) return TORPOR_NOT_FOUND;
  bool now = !wait || again || !torpor__list_empty(&loop->completed);
  torpor__alarms_arm(loop);
  uv_run(&loop->uv, now ? UV_RUN_NOWAIT : UV_RUN_ONCE);
  return take_verdict(loop);
}

torpor_status torpor_loop_turn(torpor_loop *loop, bool wait) {
  if (loop->turning) return TORPOR_BUSY;
  loop->turning = true;
  torpor_status status = take_verdict(loop);
  if (status == TORPOR_OK) status = turn(loop, wait);
  loop->turning = false;
  return status;
}

torpor_status torpor_loop_run(torpor_loop *loop) {
  torpor_status status;
  do {
    status = torpor_loop_turn(loop, true);
  } while (status == TORPOR_OK);
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

void torpor_loop_on_turn(torpor_loop *loop, torpor_turned_fn turned,
                         void *user) {
  loop->turned = turned;
  loop->turned_user = user;
}

/* ---- Stopping ------------------------------------------------------------*/

void torpor_loop_wake(torpor_loop *loop) {
  uv_async_send(&loop->wake);
}

void torpor_loop_stop(torpor_loop *loop) {
  atomic_store(&loop->stopping, true);
  torpor_loop_wake(loop);
}

bool torpor_loop_stopping(const torpor_loop *loop) {
  return atomic_load(&loop->stopping);
}

void torpor__loop_signalled(torpor_loop *loop, int signal) {
  atomic_store(&loop->signal, signal);
  torpor_loop_stop(loop);
}

int torpor_loop_signal(const torpor_loop *loop) {
  return atomic_load(&loop->signal);
}

double torpor_loop_now(const torpor_loop *loop, torpor_clock which) {
  return loop->clock(loop->clock_user, which);
}
