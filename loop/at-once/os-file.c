/* SPDX-License-Identifier: MIT */
/* os-file.c - descriptors that are files. See os-file.h.
 *
 *  (1) Standard input is read where it stands, for the processes that share it
 *      read on from there.
 *
 * Runs on the loop's thread. */
#include "loop/at-once/os-file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/block.h"
#include "loop/request.h"
#include "loop/task-end.h"
#include "loop/world.h"

struct open_file {
  struct torpor__descriptor descriptor; /* first */
  int file;
  bool device; /* has no position, and may have to be waited for */
};

static struct open_file *of(struct torpor__descriptor *descriptor) {
  return (struct open_file *)descriptor;
}

static int file_of(struct torpor__descriptor *descriptor) {
  return of(descriptor)->file;
}

static int64_t read_now(struct torpor__descriptor *descriptor, void *data,
                        size_t size, int64_t position, bool wait) {
  const struct open_file *file = of(descriptor);
  if (file->device)
    return torpor__block_read(descriptor->world->loop, file->file, data, size,
                              wait);
  ssize_t got;
  do {
    got = position < 0 ? read(file->file, data, size)
                       : pread(file->file, data, size, position);
  } while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

static int64_t write_now(struct torpor__descriptor *descriptor,
                         const void *data, size_t size, int64_t position,
                         bool wait) {
  const struct open_file *file = of(descriptor);
  if (file->device)
    return torpor__block_write(descriptor->world->loop, file->file, data, size,
                               wait);
  size_t done = 0;
  while (done < size) {
    const char *from = (const char *)data + done;
    ssize_t put = position < 0 ? write(file->file, from, size - done)
                               : pwrite(file->file, from, size - done,
                                        position + (int64_t)done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return done > 0 ? (int64_t)done : -errno;
    done += (size_t)put;
  }
  return (int64_t)done;
}

/* Reads where the file stands, see (1). */
static void read_standing(struct torpor__descriptor *descriptor,
                          torpor_task *task, size_t largest) {
  uint8_t *memory = malloc(TORPOR__RESULT_HEAD + largest);
  int64_t got = memory == NULL
                    ? -ENOMEM
                    : read_now(descriptor, memory + TORPOR__RESULT_HEAD,
                               largest, -1, true);
  if (got > 0) {
    torpor__task_finish_bytes(task, memory, (size_t)got);
    return;
  }
  free(memory);
  if (got == 0)
    torpor__task_finish_null(task);
  else
    torpor__task_fail_system(task, "reading", (int)got);
}

/* Reading is complete when it was started. */
static void cancel(struct torpor__descriptor *descriptor, torpor_task *task) {
  (void)descriptor, (void)task;
}

static void close_file(struct torpor__descriptor *descriptor) {
  if (of(descriptor)->file > STDERR_FILENO) close(of(descriptor)->file);
  free(descriptor);
}

static const struct torpor__descriptor_type file_type = {
    .name = "a file",
    .cancel = cancel,
    .close = close_file,
    .read_now = read_now,
    .write_now = write_now,
    .file = file_of,
};

static const struct torpor__descriptor_type standard_type = {
    .name = "standard input",
    .read = read_standing,
    .cancel = cancel,
    .close = close_file,
    .read_now = read_now,
    .write_now = write_now,
    .file = file_of,
};

static struct torpor__descriptor *
make(int number, const struct torpor__descriptor_type *type) {
  struct stat found;
  struct open_file *file = calloc(1, sizeof(*file));
  if (file == NULL) return NULL;
  file->descriptor.type = type;
  file->file = number;
  file->device = fstat(number, &found) == 0 && !S_ISREG(found.st_mode) &&
                 !S_ISDIR(found.st_mode) && !S_ISBLK(found.st_mode);
  return &file->descriptor;
}

struct torpor__descriptor *torpor__os_file_new(int file) {
  return make(file, &file_type);
}

struct torpor__descriptor *torpor__os_file_standard(void) {
  return make(STDIN_FILENO, &standard_type);
}
