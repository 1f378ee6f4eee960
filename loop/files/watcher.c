/* SPDX-License-Identifier: MIT */
/* watcher.c - the driver of kind "watch": what changes in a folder, or a file.
 *
 *   {fd, path}    a watcher as descriptor 'fd'. Its next events are an array:
 *                 a kind, the name in the folder (empty: the thing itself), the
 *                 next kind...
 *
 *   create   a name is there that was not
 *   change   what is in it, or its mode or times
 *   remove   a name is not there any more
 *   gone     the thing itself was removed or moved: nothing more comes
 *   missed   there were more changes than the system keeps
 *
 * This asks inotify itself, not through libuv, which neither says that events
 * were lost nor watches what was opened: the path could lead elsewhere by then.
 * A watcher has an inotify instance of its own, of which Linux gives a user 128
 * unless told otherwise (/proc/sys/fs/inotify/max_user_instances).
 *
 *  (1) What nobody waits for stays in the system's queue, 16,384 events by
 *      default; beyond that they are 'missed'.
 *
 * Waking: TORPOR_REPEAT, which watches anew. The library says then that events
 * may have been missed.
 *
 * Runs on the loop's thread. */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/utf8.h"
#include "loop/descriptor.h"
#include "loop/field.h"
#include "loop/files/file-task.h"
#include "loop/path.h"
#include "loop/safe-open.h"
#include "loop/task-end.h"

struct watcher {
  struct torpor__descriptor descriptor; /* first */
  uv_poll_t poll;
  int inotify;
  torpor_task *waiter; /* NULL: nobody waits */
  bool missed;         /* events were read that nobody got */
  bool gone;
};

static struct watcher *of(struct torpor__descriptor *descriptor) {
  return (struct watcher *)descriptor;
}

/* ---- Events --------------------------------------------------------------*/

static const char *kind_of(uint32_t mask) {
  if (mask & IN_Q_OVERFLOW) return "missed";
  if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
    return "gone";
  if (mask & (IN_CREATE | IN_MOVED_TO)) return "create";
  if (mask & (IN_DELETE | IN_MOVED_FROM)) return "remove";
  return "change";
}

/* Events as they were read. */
struct events {
  union {
    char bytes[16384];
    struct inotify_event first;
  };
  size_t size;
};

/* Walks through the events: the next one behind 'at', which it moves. Several
 * of the same in a row are one. */
static const struct inotify_event *next_event(const struct events *events,
                                              size_t *at) {
  const struct inotify_event *event = NULL;
  while (*at < events->size) {
    const struct inotify_event *next =
        (const struct inotify_event *)(const void *)(events->bytes + *at);
    const char *name = next->len == 0 ? "" : next->name;
    if (event != NULL &&
        (kind_of(event->mask) != kind_of(next->mask) ||
         strcmp(event->len == 0 ? "" : event->name, name) != 0))
      break;
    event = next;
    *at += sizeof(*next) + next->len;
  }
  return event;
}

/* What is not UTF-8 cannot be told; the event is. */
static void write_name(torpor_writer *writer, const char *name) {
  bool valid = torpor__utf8_valid(name, strlen(name));
  torpor_writer_string(writer, valid ? name : "\xef\xbf\xbd", SIZE_MAX);
}

/* Completes 'task' with the events; with "missed" first, if that is so. */
static void tell(struct watcher *watcher, torpor_task *task,
                 const struct events *events) {
  torpor_writer *writer = NULL;
  size_t count = watcher->missed ? 1 : 0, at = 0;
  while (next_event(events, &at) != NULL) count++;
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_array(writer, 2 * count);
  if (watcher->missed) {
    torpor_writer_string(writer, "missed", SIZE_MAX);
    torpor_writer_string(writer, "", 0);
  }
  watcher->missed = false;
  at = 0;
  for (const struct inotify_event *event = next_event(events, &at);
       event != NULL; event = next_event(events, &at)) {
    const char *kind = kind_of(event->mask);
    torpor_writer_string(writer, kind, SIZE_MAX);
    write_name(writer, event->len == 0 ? "" : event->name);
    if (strcmp(kind, "gone") == 0) watcher->gone = true;
  }
  torpor_writer_end(writer);
  torpor__task_finish_written(task, writer);
}

/* Reads what there is and tells 'task'; false: there is nothing yet. */
static bool read_events(struct watcher *watcher, torpor_task *task) {
  struct events events = {.size = 0};
  ssize_t size = watcher->gone ? 0
                               : read(watcher->inotify, events.bytes,
                                      sizeof(events.bytes));
  if (size < 0 && (errno == EAGAIN || errno == EINTR) && !watcher->missed)
    return false;
  if (size < 0 && errno != EAGAIN && errno != EINTR) {
    torpor__task_fail_system(task, "watching", -errno);
    return true;
  }
  events.size = size < 0 ? 0 : (size_t)size;
  tell(watcher, task, &events);
  return true;
}

/* uv_poll_cb */
static void look(uv_poll_t *poll, int status, int what) {
  struct watcher *watcher = poll->data;
  (void)status, (void)what;
  torpor_task *task = watcher->waiter;
  if (task == NULL || !read_events(watcher, task)) return;
  watcher->waiter = NULL;
  uv_poll_stop(poll);
}

static void wait_for_events(struct torpor__descriptor *descriptor,
                            torpor_task *task) {
  struct watcher *watcher = of(descriptor);
  if (watcher->waiter != NULL) {
    torpor_task_fail(task, "Error", "the watcher is being waited for already",
                     "EBUSY");
    return;
  }
  if (read_events(watcher, task)) return;
  watcher->waiter = task;
  int failure = uv_poll_start(&watcher->poll, UV_READABLE, look);
  if (failure == 0) return;
  watcher->waiter = NULL;
  torpor__task_fail_system(task, "watching", failure);
}

static void cancel_wait(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  struct watcher *watcher = of(descriptor);
  if (watcher->waiter != task) return;
  watcher->waiter = NULL;
  uv_poll_stop(&watcher->poll);
}

/* Nobody got the events that were read. */
static void untake(struct torpor__descriptor *descriptor, const void *data,
                   size_t size) {
  (void)data, (void)size;
  of(descriptor)->missed = true;
}

/* ---- Ending --------------------------------------------------------------*/

/* uv_close_cb */
static void free_watcher(uv_handle_t *handle) {
  struct watcher *watcher = handle->data;
  close(watcher->inotify);
  free(watcher);
}

static void close_watcher(struct torpor__descriptor *descriptor) {
  struct watcher *watcher = of(descriptor);
  if (watcher->waiter != NULL) torpor__task_fail_closed(watcher->waiter);
  watcher->waiter = NULL;
  uv_close((uv_handle_t *)&watcher->poll, free_watcher);
}

static const struct torpor__descriptor_type watcher_type = {
    .name = "a watcher",
    .next = wait_for_events,
    .cancel = cancel_wait,
    .untake = untake,
    .close = close_watcher,
};

/* ---- Beginning -----------------------------------------------------------*/

/* Has 'inotify' watch 'path', a resolved one. 0, or a negated errno. */
static int add_watch(int inotify, const char *path) {
  const uint32_t mask = IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB |
                        IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                        IN_MOVE_SELF;
  char open[64];
  int fd = torpor__safe_open(path, O_PATH, 0);
  if (fd < 0) return fd;
  snprintf(open, sizeof(open), "/proc/self/fd/%d", fd);
  int failure = inotify_add_watch(inotify, open, mask) < 0 ? -errno : 0;
  close(fd);
  return failure;
}

/* A watcher of 'path', or NULL with '*failure'. */
static struct watcher *make_watcher(torpor_loop *loop, const char *path,
                                    int *failure) {
  struct watcher *watcher = calloc(1, sizeof(*watcher));
  *failure = -ENOMEM;
  if (watcher == NULL) return NULL;
  watcher->descriptor.type = &watcher_type;
  watcher->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  *failure = watcher->inotify < 0 ? -errno : add_watch(watcher->inotify, path);
  if (*failure == 0)
    *failure = uv_poll_init(&loop->uv, &watcher->poll, watcher->inotify);
  if (*failure == 0) {
    watcher->poll.data = watcher;
    return watcher;
  }
  if (watcher->inotify >= 0) close(watcher->inotify);
  free(watcher);
  return NULL;
}

static void fail_watch(torpor_task *task, const char *path, int failure) {
  torpor_bytes message;
  if (failure == -EMFILE)
    torpor__format(&message,
                   "watching %s: there are too many watchers on this machine; "
                   "close some, or raise fs.inotify.max_user_instances",
                   path);
  else if (failure == -ENOSPC)
    torpor__format(&message,
                   "watching %s: too much is watched on this machine; raise "
                   "fs.inotify.max_user_watches",
                   path);
  else
    torpor__format(&message, "watching %s: %s", path, uv_strerror(failure));
  torpor_task_fail(task, "Error",
                   message.data == NULL ? "watching" : (char *)message.data,
                   uv_err_name(failure));
  torpor_bytes_free(&message);
}

static void start_at(torpor_task *task, const char *path) {
  int failure;
  uint64_t number =
      torpor__field_count(torpor_task_operation(task), "fd", UINT64_MAX);
  struct watcher *watcher =
      make_watcher(torpor_task_loop(task), path, &failure);
  if (watcher == NULL) {
    fail_watch(task, path, failure);
  } else if (torpor__descriptor_add(torpor_task_world(task), number,
                                    &watcher->descriptor)) {
    torpor__task_finish_empty(task);
  } else {
    close_watcher(&watcher->descriptor);
    torpor_task_fail(task, "TypeError",
                     "the number of a watcher is in use, or the program has "
                     "too many descriptors",
                     "EINVAL");
  }
}

static void start(torpor_task *task, void *user) {
  (void)user;
  char *path = torpor__file_task_path(task, "path", TORPOR__MAY_READ);
  if (path == NULL) return;
  start_at(task, path);
  free(path);
}

/* It is complete when it was started. */
static void cancel(torpor_task *task, void *user) {
  (void)task, (void)user;
}

torpor_status torpor__watch_add(torpor_loop *loop) {
  static const torpor_driver driver = {.size = sizeof(torpor_driver),
                                       .kind = "watch",
                                       .waking = TORPOR_REPEAT,
                                       .start = start,
                                       .cancel = cancel,
                                       .drop = torpor__descriptor_drop};
  return torpor_loop_add_driver(loop, &driver);
}
