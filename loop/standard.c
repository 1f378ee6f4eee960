/* SPDX-License-Identifier: MIT */
/* standard.c - descriptors 0, 1 and 2. See standard.h.
 *
 * Each is opened when it is first asked for, so a program that does not read
 * its standard input leaves it as it is for others.
 *
 *  (1) What is shared with other processes is not set to O_NONBLOCK: a pipe is
 *      opened a second time through /proc, a terminal by libuv. A socket cannot
 *      be: there the flag is set.
 *  (2) Output goes through the host or through stdio, in order with the
 *      console.
 *
 * Runs on the loop's thread. */
#include "loop/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/at-once/os-file.h"
#include "loop/stream.h"
#include "loop/task-end.h"
#include "loop/world.h"

/* ---- Output --------------------------------------------------------------*/

static int write_stdio(FILE *file, const void *data, size_t size) {
  errno = 0;
  if (file == stderr) fflush(stdout);
  if (fwrite(data, 1, size, file) == size) return 0;
  clearerr(file);
  return errno == 0 ? -EIO : -errno;
}

int torpor__standard_write(const torpor_world *world, int stream,
                           const void *data, size_t size) {
  if (world->options.output != NULL)
    return world->options.output(world->options.user, stream, data, size)
               ? 0
               : -EPIPE;
  return write_stdio(stream == 1 ? stdout : stderr, data, size);
}

static void write_output(struct torpor__descriptor *descriptor,
                         torpor_task *task, torpor_slice data) {
  int failure = torpor__standard_write(
      descriptor->world, (int)descriptor->number, data.data, data.size);
  if (failure == 0)
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "writing", failure);
}

static int64_t write_now(struct torpor__descriptor *descriptor,
                         const void *data, size_t size, int64_t position,
                         bool wait) {
  (void)wait;
  if (position >= 0) return -ESPIPE;
  int failure = torpor__standard_write(descriptor->world,
                                       (int)descriptor->number, data, size);
  return failure < 0 ? failure : (int64_t)size;
}

/* Everything is written when it was asked for. */
static void end_output(struct torpor__descriptor *descriptor,
                       torpor_task *task) {
  (void)descriptor;
  torpor__task_finish_empty(task);
}

static void cancel(struct torpor__descriptor *descriptor, torpor_task *task) {
  (void)descriptor, (void)task;
}

static void close_output(struct torpor__descriptor *descriptor) {
  free(descriptor);
}

static int file_of(struct torpor__descriptor *descriptor) {
  fflush(descriptor->number == 1 ? stdout : stderr);
  return (int)descriptor->number;
}

static const struct torpor__descriptor_type output_type = {
    .name = "standard output",
    .write = write_output,
    .end = end_output,
    .cancel = cancel,
    .close = close_output,
    .write_now = write_now,
    .file = file_of,
};

static struct torpor__descriptor *open_output(void) {
  struct torpor__descriptor *output = calloc(1, sizeof(*output));
  if (output != NULL) output->type = &output_type;
  return output;
}

/* ---- Input ---------------------------------------------------------------*/

/* The same pipe once more, see (1). */
static int open_again(void) {
  int file = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  return file >= 0 ? file : fcntl(0, F_DUPFD_CLOEXEC, 3);
}

static struct torpor__descriptor *open_input(torpor_loop *loop) {
  int failure;
  uv_handle_type type = uv_guess_handle(0);
  if (type != UV_TTY && type != UV_NAMED_PIPE && type != UV_TCP)
    return torpor__os_file_standard();
  int file = type == UV_TTY ? 0 : open_again();
  if (file < 0) return NULL;
  struct torpor__stream *stream = torpor__stream_of(loop, file, &failure);
  if (stream == NULL && file > 0) close(file);
  return (struct torpor__descriptor *)stream;
}

struct torpor__descriptor *torpor__standard_open(torpor_world *world,
                                                 int number) {
  struct torpor__descriptor *made =
      number == 0 ? open_input(world->loop) : open_output();
  if (made == NULL) return NULL;
  if (torpor__descriptor_add(world, (uint64_t)number, made)) return made;
  made->type->close(made);
  return NULL;
}
