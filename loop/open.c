/* SPDX-License-Identifier: MIT */
/* open.c - opening a loop, with the drivers that every loop has, and closing
 * it.
 *
 *  (1) Closing gives back everything: libuv has no handle left.
 *
 * Runs on the loop's thread. */
#include <assert.h>
#include <errno.h>

#include "common/sized.h"
#include "loop/loop.h"
#include "loop/mail.h"
#include "loop/room.h"
#include "loop/world.h"

/* Waking libuv was all that was wanted: it makes a turn. */
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
  if (status == TORPOR_OK) status = torpor__descriptor_add_drivers(loop);
  if (status == TORPOR_OK) status = torpor__process_add(loop);
  if (status == TORPOR_OK) status = torpor__fetch_add(loop);
  if (status == TORPOR_OK) status = torpor__fs_add(loop);
  if (status == TORPOR_OK) status = torpor__open_file_add(loop);
  if (status == TORPOR_OK) status = torpor__watch_add(loop);
  if (status == TORPOR_OK) status = torpor__connect_add(loop);
  if (status == TORPOR_OK) status = torpor__listen_add(loop);
  if (status == TORPOR_OK) status = torpor__deferred_add(loop);
  if (status == TORPOR_OK) status = torpor__os_signal_add(loop);
  if (status == TORPOR_OK) status = torpor__writable_add(loop);
  if (status == TORPOR_OK) status = torpor__worker_add(loop);
  return status;
}

/* libuv's failures are errno below 0. */
static torpor_status fail_system(int failure) {
  errno = -failure;
  return failure == UV_ENOMEM ? TORPOR_NOMEM : TORPOR_IO;
}

static torpor_status init_handles(torpor_loop *loop) {
  int failure = torpor__room_for_loop();
  if (failure == 0) failure = uv_loop_init(&loop->uv);
  if (failure != 0) return fail_system(failure);
  failure = uv_async_init(&loop->uv, &loop->wake, ignore_wake);
  if (failure != 0) {
    uv_loop_close(&loop->uv);
    return fail_system(failure);
  }
  uv_timer_init(&loop->uv, &loop->timer);
  loop->timer.data = loop;
  return TORPOR_OK;
}

torpor_status torpor_loop_open(const torpor_loop_options *options,
                               torpor_loop **out) {
  if (out == NULL) return TORPOR_MISUSE;
  *out = NULL;
  torpor_loop_options own = TORPOR_LOOP_OPTIONS_INIT;
  if (options != NULL && !torpor__sized_take(&own, sizeof(own), options))
    return TORPOR_MISUSE;
  torpor_loop *loop = calloc(1, sizeof(*loop));
  if (loop == NULL) return TORPOR_NOMEM;
  loop->clock = read_system_clock;
  if (own.clock != NULL) {
    loop->clock = own.clock;
    loop->clock_user = own.user;
  }
  torpor__list_init(&loop->started);
  torpor__list_init(&loop->completed);
  torpor__list_init(&loop->background);
  torpor__list_init(&loop->attached);
  torpor__list_init(&loop->worlds);
  torpor__list_init(&loop->jobs.waiting);
  torpor__list_init(&loop->polls);
  loop->stirred = true;
  torpor_status status = init_handles(loop);
  if (status != TORPOR_OK) {
    free(loop);
    return status;
  }
  torpor__alarms_init(loop);
  status = torpor__mail_open(loop);
  if (status != TORPOR_OK) {
    torpor_loop_close(loop);
    return status;
  }
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
  torpor__polls_cut(loop, NULL);
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
  torpor__worlds_close(loop);
  torpor__fetch_close(loop);
  torpor__alarms_free(loop);
  torpor__mail_close(loop);
  close_handles(loop);
  for (size_t i = 0; i < loop->driver_count; i++) free(loop->drivers[i]);
  free(loop->drivers);
  torpor_bytes_free(&loop->exhausted);
  free(loop);
}
