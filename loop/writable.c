/* SPDX-License-Identifier: MIT */
/* writable.c - the driver of kind "descriptor-writable": {fd} gives undefined
 * when something can be written to a descriptor without waiting.
 *
 * libuv watches each file once, for the stream that it is: so this watches a
 * copy of its number.
 *
 * Waking: TORPOR_LOST, as of all descriptors.
 *
 * Runs on the loop's thread. */
#include <fcntl.h>
#include <unistd.h>

#include "loop/field.h"
#include "loop/task-end.h"
#include "loop/world.h"

struct watch {
  uv_poll_t handle;
  torpor_task *task; /* NULL: it is over */
  int file;
};

static void free_watch(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  close(watch->file);
  free(watch);
}

static torpor_task *end_watch(struct watch *watch) {
  torpor_task *task = watch->task;
  watch->task = NULL;
  uv_close((uv_handle_t *)&watch->handle, free_watch);
  return task;
}

/* uv_poll_cb. A failure is for the write that follows to find. */
static void report(uv_poll_t *handle, int status, int events) {
  (void)status, (void)events;
  torpor__task_finish_empty(end_watch(handle->data));
}

/* 0, or what libuv says. */
static int begin_watch(torpor_task *task, int file) {
  struct watch *watch = calloc(1, sizeof(*watch));
  if (watch == NULL) return UV_ENOMEM;
  watch->task = task;
  watch->file = fcntl(file, F_DUPFD_CLOEXEC, 3);
  int failure = watch->file < 0 ? UV_EMFILE
                                : uv_poll_init(&torpor_task_loop(task)->uv,
                                               &watch->handle, watch->file);
  if (failure != 0) {
    if (watch->file >= 0) close(watch->file);
    free(watch);
    return failure;
  }
  watch->handle.data = watch;
  torpor_task_set_state(task, watch);
  failure = uv_poll_start(&watch->handle, UV_WRITABLE, report);
  if (failure != 0) end_watch(watch);
  return failure;
}

static void start(torpor_task *task, void *user) {
  (void)user;
  struct torpor__descriptor *found = torpor__descriptor_find(
      torpor_task_world(task),
      torpor__field_count(torpor_task_operation(task), "fd", UINT64_MAX));
  int file = found == NULL ? -1 : torpor__descriptor_file(found);
  if (file < 0) {
    torpor__task_fail_closed(task);
    return;
  }
  int failure = begin_watch(task, file);
  /* A file of a disk can always be written. */
  if (failure == UV_EPERM)
    torpor__task_finish_empty(task);
  else if (failure != 0)
    torpor__task_fail_system(task, "watching a descriptor", failure);
}

static void cancel(torpor_task *task, void *user) {
  (void)user;
  end_watch(torpor_task_state(task));
}

torpor_status torpor__writable_add(torpor_loop *loop) {
  torpor_driver driver = TORPOR_DRIVER_INIT;
  driver.kind = "descriptor-writable";
  driver.waking = TORPOR_LOST;
  driver.start = start;
  driver.cancel = cancel;
  return torpor_loop_add_driver(loop, &driver);
}
