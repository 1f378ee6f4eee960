/* SPDX-License-Identifier: MIT */
/* stream.c - descriptors that bytes flow through. See stream.h.
 *
 * The system is asked for bytes only while a task waits for them, so what a
 * program does not read stays in the pipe, and its writer waits.
 *
 *  (1) One task reads at a time. libuv reads only while there is one.
 *  (2) A write is complete when the system has taken all of it. Writes go out
 *      in order.
 *  (3) What a cancelled read has brought already lies in 'kept', and is read
 *      next.
 *  (4) A stream is freed when libuv has let go of its handle, which closing
 *      waits for; until then no task knows it.
 *
 * Runs on the loop's thread. */
#include "loop/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/array.h"
#include "loop/block.h"
#include "loop/request.h"
#include "loop/task-end.h"
#include "loop/world.h"

struct torpor__stream {
  struct torpor__descriptor descriptor; /* first */
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
    uv_tty_t tty;
  };
  torpor_task *reader; /* NULL: nobody reads */
  size_t largest;      /* that it wants */
  uint8_t *room;       /* for what comes, behind a head; the reader's */
  torpor_bytes kept;   /* see (3) */
  size_t kept_from;
  struct torpor__link writes;
  torpor_task *ender; /* waits for uv_shutdown */
  uv_shutdown_t shutdown;
};

struct write {
  struct torpor__link link; /* first */
  uv_write_t request;
  struct torpor__stream *stream;
  torpor_task *task; /* NULL: cancelled */
  uint8_t data[];
};

static struct torpor__stream *of(struct torpor__descriptor *descriptor) {
  return (struct torpor__stream *)descriptor;
}

/* ---- Reading -------------------------------------------------------------*/

static torpor_task *take_reader(struct torpor__stream *stream) {
  torpor_task *task = stream->reader;
  stream->reader = NULL;
  uv_read_stop(&stream->stream);
  return task;
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  struct torpor__stream *stream = handle->data;
  (void)suggested;
  if (stream->room == NULL)
    stream->room = malloc(TORPOR__RESULT_HEAD + stream->largest);
  *out = stream->room == NULL
             ? uv_buf_init(NULL, 0)
             : uv_buf_init((char *)stream->room + TORPOR__RESULT_HEAD,
                           (unsigned)stream->largest);
}

static void take_bytes(uv_stream_t *handle, ssize_t size,
                       const uv_buf_t *buffer) {
  struct torpor__stream *stream = handle->data;
  (void)buffer;
  if (size == 0) return; /* nothing yet */
  uint8_t *room = stream->room;
  torpor_task *task = take_reader(stream);
  stream->room = NULL;
  if (size > 0) {
    /* A small one does not hold on to all of the room. */
    uint8_t *less = realloc(room, TORPOR__RESULT_HEAD + (size_t)size);
    torpor__task_finish_bytes(task, less == NULL ? room : less, (size_t)size);
    return;
  }
  free(room);
  /* A terminal or a process that is gone ends a stream, as closing does. */
  if (size == UV_EOF || size == UV_EIO)
    torpor__task_finish_null(task);
  else
    torpor__task_fail_system(task, "reading", (int)size);
}

/* Gives what was kept; false: nothing was. */
static bool read_kept(struct torpor__stream *stream, torpor_task *task,
                      size_t largest) {
  size_t left = stream->kept.size - stream->kept_from;
  size_t size = left < largest ? left : largest;
  if (stream->kept.data == NULL) return false;
  uint8_t *memory = malloc(TORPOR__RESULT_HEAD + size);
  if (memory == NULL) {
    torpor__task_fail_system(task, "reading", UV_ENOMEM);
    return true;
  }
  memcpy(memory + TORPOR__RESULT_HEAD, stream->kept.data + stream->kept_from,
         size);
  stream->kept_from += size;
  if (size == left) {
    torpor_bytes_free(&stream->kept);
    stream->kept_from = 0;
  }
  torpor__task_finish_bytes(task, memory, size);
  return true;
}

static void read_stream(struct torpor__descriptor *descriptor,
                        torpor_task *task, size_t largest) {
  struct torpor__stream *stream = of(descriptor);
  if (stream->reader != NULL) {
    torpor_task_fail(task, "Error", "the stream is being read already",
                     "EBUSY");
    return;
  }
  if (read_kept(stream, task, largest)) return;
  stream->reader = task;
  stream->largest = largest;
  int failure = uv_read_start(&stream->stream, give_room, take_bytes);
  if (failure != 0)
    torpor__task_fail_system(take_reader(stream), "reading", failure);
}

/* Puts the bytes of a result in front of what is kept. */
static void untake(struct torpor__descriptor *descriptor, const void *data,
                   size_t size) {
  struct torpor__stream *stream = of(descriptor);
  torpor_reader *reader;
  torpor_view view;
  if (torpor_reader_open(data, size, &reader) != TORPOR_OK) return;
  if (torpor_reader_type(reader) == TORPOR_DATA_VIEW) {
    torpor_slice bytes = torpor_reader_view(reader, &view);
    size_t left = stream->kept.size - stream->kept_from;
    uint8_t *both = malloc(bytes.size + left + 1);
    if (both != NULL) {
      memcpy(both, bytes.data, bytes.size);
      if (left > 0)
        memcpy(both + bytes.size, stream->kept.data + stream->kept_from, left);
      torpor_bytes_free(&stream->kept);
      stream->kept = (torpor_bytes){both, bytes.size + left};
      stream->kept_from = 0;
    }
  }
  torpor_reader_close(reader);
}

/* ---- Writing -------------------------------------------------------------*/

static void finish_write(uv_write_t *request, int failure) {
  struct write *write = request->data;
  torpor__link_remove(&write->link);
  if (write->task != NULL && failure == 0)
    torpor__task_finish_empty(write->task);
  else if (write->task != NULL)
    torpor__task_fail_system(write->task, "writing", failure);
  free(write);
}

/* Has libuv write 'data', a copy, when the system takes it. */
static void write_later(struct torpor__stream *stream, torpor_task *task,
                        torpor_slice data) {
  struct write *write = malloc(sizeof(*write) + data.size);
  if (write == NULL) {
    torpor__task_fail_system(task, "writing", UV_ENOMEM);
    return;
  }
  *write = (struct write){.stream = stream, .task = task};
  if (data.size > 0) memcpy(write->data, data.data, data.size);
  write->request.data = write;
  uv_buf_t buffer = uv_buf_init((char *)write->data, (unsigned)data.size);
  torpor__list_append(&stream->writes, &write->link);
  int failure =
      uv_write(&write->request, &stream->stream, &buffer, 1, finish_write);
  if (failure != 0) finish_write(&write->request, failure);
}

static void write_stream(struct torpor__descriptor *descriptor,
                         torpor_task *task, torpor_slice data) {
  struct torpor__stream *stream = of(descriptor);
  size_t done = 0;
  if (data.size > UINT32_MAX) {
    torpor__task_fail_system(task, "writing", UV_E2BIG);
    return;
  }
  if (data.size > 0 && torpor__list_empty(&stream->writes)) {
    uv_buf_t buffer =
        uv_buf_init((char *)(uintptr_t)data.data, (unsigned)data.size);
    int written = uv_try_write(&stream->stream, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) {
      torpor__task_fail_system(task, "writing", written);
      return;
    }
    done = written < 0 ? 0 : (size_t)written;
  }
  if (done == data.size && torpor__list_empty(&stream->writes))
    torpor__task_finish_empty(task);
  else
    write_later(
        stream, task,
        (torpor_slice){(const uint8_t *)data.data + done, data.size - done});
}

static void finish_end(uv_shutdown_t *request, int failure) {
  struct torpor__stream *stream = request->data;
  torpor_task *task = stream->ender;
  stream->ender = NULL;
  if (task == NULL) return;
  /* Whoever would have read is gone: there is nothing to end. Or it is a pipe,
   * which closing ends; all that was written before is out. */
  if (failure == 0 || failure == UV_ENOTCONN || failure == UV_EPIPE ||
      failure == UV_ENOTSOCK)
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "ending", failure);
}

static void end_stream(struct torpor__descriptor *descriptor,
                       torpor_task *task) {
  struct torpor__stream *stream = of(descriptor);
  if (stream->ender != NULL || stream->shutdown.data != NULL) {
    torpor_task_fail(task, "Error", "the stream was ended already", "EINVAL");
    return;
  }
  stream->shutdown.data = stream;
  stream->ender = task;
  int failure = uv_shutdown(&stream->shutdown, &stream->stream, finish_end);
  if (failure != 0) finish_end(&stream->shutdown, failure);
}

/* ---- Ending --------------------------------------------------------------*/

static void cancel_task(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  struct torpor__stream *stream = of(descriptor);
  if (stream->reader == task) {
    take_reader(stream);
    free(stream->room);
    stream->room = NULL;
  }
  if (stream->ender == task) stream->ender = NULL;
  struct torpor__link *link = stream->writes.next;
  for (; link != &stream->writes; link = link->next)
    if (((struct write *)link)->task == task)
      ((struct write *)link)->task = NULL;
}

static void free_stream(uv_handle_t *handle) {
  struct torpor__stream *stream = handle->data;
  assert(stream->reader == NULL && torpor__list_empty(&stream->writes));
  torpor_bytes_free(&stream->kept);
  free(stream);
}

static void close_stream(struct torpor__descriptor *descriptor) {
  struct torpor__stream *stream = of(descriptor);
  if (stream->reader != NULL) torpor__task_fail_closed(take_reader(stream));
  free(stream->room);
  stream->room = NULL;
  if (stream->ender != NULL) torpor__task_fail_closed(stream->ender);
  stream->ender = NULL;
  struct torpor__link *link = stream->writes.next;
  for (; link != &stream->writes; link = link->next) {
    struct write *write = (struct write *)link;
    if (write->task != NULL) torpor__task_fail_closed(write->task);
    write->task = NULL;
  }
  uv_close(&stream->handle, free_stream);
}

/* ---- At once -------------------------------------------------------------*/

static int file_of(struct torpor__descriptor *descriptor) {
  uv_os_fd_t file;
  return uv_fileno(&of(descriptor)->handle, &file) == 0 ? file : -1;
}

/* Moves kept bytes to 'data'; how many. */
static size_t take_kept(struct torpor__stream *stream, void *data,
                        size_t largest) {
  size_t left = stream->kept.size - stream->kept_from;
  size_t size = left < largest ? left : largest;
  if (size == 0) return 0;
  memcpy(data, stream->kept.data + stream->kept_from, size);
  stream->kept_from += size;
  if (size == left) {
    torpor_bytes_free(&stream->kept);
    stream->kept_from = 0;
  }
  return size;
}

static int64_t read_now(struct torpor__descriptor *descriptor, void *data,
                        size_t size, int64_t position, bool wait) {
  struct torpor__stream *stream = of(descriptor);
  if (position >= 0) return -ESPIPE;
  if (!uv_is_readable(&stream->stream)) return -EBADF;
  if (stream->reader != NULL) return -EBUSY;
  size_t kept = take_kept(stream, data, size);
  if (kept > 0 || size == 0) return (int64_t)kept;
  int64_t got = torpor__block_read(descriptor->world->loop, file_of(descriptor),
                                   data, size, wait);
  /* A terminal or a process that is gone ends a stream, as closing does. */
  return got == -EIO || got == -ECONNRESET ? 0 : got;
}

static int64_t write_now(struct torpor__descriptor *descriptor,
                         const void *data, size_t size, int64_t position,
                         bool wait) {
  struct torpor__stream *stream = of(descriptor);
  if (position >= 0) return -ESPIPE;
  if (!uv_is_writable(&stream->stream)) return -EBADF;
  if (!torpor__list_empty(&stream->writes)) return -EBUSY;
  return torpor__block_write(descriptor->world->loop, file_of(descriptor), data,
                             size, wait);
}

static const struct torpor__descriptor_type stream_type = {
    .name = "a stream",
    .read = read_stream,
    .write = write_stream,
    .end = end_stream,
    .cancel = cancel_task,
    .untake = untake,
    .close = close_stream,
    .read_now = read_now,
    .write_now = write_now,
    .file = file_of,
};

/* ---- Making --------------------------------------------------------------*/

static void ignore_broken_pipes(void) {
  struct sigaction action;
  if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
    signal(SIGPIPE, SIG_IGN);
}

void torpor__stream_ignore_broken_pipes(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, ignore_broken_pipes);
}

static struct torpor__stream *new_stream(void) {
  torpor__stream_ignore_broken_pipes();
  struct torpor__stream *stream = calloc(1, sizeof(*stream));
  if (stream == NULL) return NULL;
  stream->descriptor.type = &stream_type;
  torpor__list_init(&stream->writes);
  return stream;
}

/* 'stream' after its handle was made, or not. */
static struct torpor__stream *made(struct torpor__stream *stream, int failure) {
  if (failure != 0) {
    free(stream);
    return NULL;
  }
  stream->handle.data = stream;
  return stream;
}

struct torpor__stream *torpor__stream_new_pipe(torpor_loop *loop) {
  struct torpor__stream *stream = new_stream();
  if (stream == NULL) return NULL;
  return made(stream, uv_pipe_init(&loop->uv, &stream->pipe, 0));
}

struct torpor__stream *torpor__stream_new_tcp(torpor_loop *loop) {
  struct torpor__stream *stream = new_stream();
  if (stream == NULL) return NULL;
  return made(stream, uv_tcp_init(&loop->uv, &stream->tcp));
}

struct torpor__stream *torpor__stream_of(torpor_loop *loop, int fd,
                                         int *failure) {
  struct torpor__stream *stream;
  uv_handle_type type = uv_guess_handle(fd);
  *failure = UV_ENOMEM;
  if (type == UV_TTY) {
    stream = new_stream();
    if (stream == NULL) return NULL;
    *failure = uv_tty_init(&loop->uv, &stream->tty, fd, 0);
    /* libuv has opened the terminal again, by its name, if it could. */
    if (*failure == 0 && fd > STDERR_FILENO &&
        file_of(&stream->descriptor) != fd)
      close(fd);
    return made(stream, *failure);
  }
  stream = type == UV_TCP ? torpor__stream_new_tcp(loop)
                          : torpor__stream_new_pipe(loop);
  if (stream == NULL) return NULL;
  *failure = type == UV_TCP          ? uv_tcp_open(&stream->tcp, fd)
             : type == UV_NAMED_PIPE ? uv_pipe_open(&stream->pipe, fd)
                                     : UV_EINVAL;
  if (*failure == 0) return stream;
  torpor__stream_discard(stream);
  return NULL;
}

uv_stream_t *torpor__stream_handle(struct torpor__stream *stream) {
  return &stream->stream;
}

void torpor__stream_discard(struct torpor__stream *stream) {
  if (stream != NULL) close_stream(&stream->descriptor);
}

bool torpor__stream_add(struct torpor__stream *stream, torpor_world *world,
                        uint64_t number) {
  if (torpor__descriptor_add(world, number, &stream->descriptor)) return true;
  torpor__stream_discard(stream);
  return false;
}

struct torpor__stream *torpor__stream_find(torpor_world *world,
                                           uint64_t number) {
  struct torpor__descriptor *found = torpor__descriptor_find(world, number);
  return found != NULL && found->type == &stream_type ? of(found) : NULL;
}
