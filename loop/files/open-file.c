/* SPDX-License-Identifier: MIT */
/* open-file.c - the drivers of operations on regular files that are open. The
 * place in a file at which a program reads and writes is the program's: it
 * sleeps in guest memory, and each operation says where.
 *
 *   file-open      {fd, path, read, write, append, create, exclusive, truncate,
 *                   mode}       opens it as descriptor 'fd'
 *   file-get       {fd, at, largest}   bytes from there; null at the end
 *   file-put       {fd, at, data}      without 'at': at the end of a file that
 *                                      was opened to append
 *   file-truncate  {fd, size}
 *   file-sync      {fd}          what was written survives a power cut
 *   file-look      {fd}          as file-stat
 *
 * Each is one job (job.h).
 *
 *  (1) A file is closed when neither its world nor a job has it any more.
 *      'holders' counts them, on the loop's thread.
 *
 * Waking: getting is repeated, and so is opening, unless the file must be new.
 * When the file is not open any more, the program is told by a LostError, and
 * may open it again. The others are lost.
 *
 * Runs on the loop's thread; 'perform' on a thread of the pool. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "loop/descriptor.h"
#include "loop/field.h"
#include "loop/files/disk.h"
#include "loop/files/file-task.h"
#include "loop/files/stat-write.h"
#include "loop/job.h"
#include "loop/path.h"
#include "loop/request.h"
#include "loop/task-end.h"

struct open_file {
  struct torpor__descriptor descriptor; /* first */
  int fd;
  size_t holders; /* see (1) */
  char *path;     /* resolved; for sentences */
};

struct file_job;

struct verb {
  const char *kind;
  const char *doing; /* for sentences */
  torpor_waking waking;
  bool (*read)(struct file_job *job, const torpor_operation *operation);
  int (*perform)(struct file_job *job);
};

struct file_job {
  struct torpor__job job; /* first */
  const struct verb *verb;
  struct open_file *file; /* held; NULL: it is to be opened */
  uint64_t number;
  char *path; /* of what is to be opened */
  int flags, fd;
  unsigned mode;
  uint64_t at; /* UINT64_MAX: at the end */
  size_t size;
  struct torpor__file_bytes data; /* behind a head when it was read */
  torpor_writer *result;
};

static struct file_job *of(struct torpor__job *job) {
  return (struct file_job *)job;
}

/* ---- Files ---------------------------------------------------------------*/

static void release_file(struct open_file *file) {
  if (file == NULL || --file->holders > 0) return;
  close(file->fd);
  free(file->path);
  free(file);
}

static void close_file(struct torpor__descriptor *descriptor) {
  release_file((struct open_file *)descriptor);
}

/* No task waits in the file itself. */
static void cancel_nothing(struct torpor__descriptor *descriptor,
                           torpor_task *task) {
  (void)descriptor, (void)task;
}

/* torpor__descriptor_type.file */
static int file_of(struct torpor__descriptor *descriptor) {
  return ((struct open_file *)descriptor)->fd;
}

static const struct torpor__descriptor_type file_type = {
    .name = "a file",
    .cancel = cancel_nothing,
    .file = file_of,
    .close = close_file,
};

static struct open_file *find_file(torpor_world *world, uint64_t number) {
  struct torpor__descriptor *found = torpor__descriptor_find(world, number);
  return found != NULL && found->type == &file_type ? (struct open_file *)found
                                                    : NULL;
}

static void free_job(struct torpor__job *base) {
  struct file_job *job = of(base);
  if (job->fd >= 0) close(job->fd);
  release_file(job->file);
  torpor_writer_close(job->result);
  free(job->data.data);
  free(job->path);
  free(job);
}

/* ---- What they do --------------------------------------------------------*/

static int perform_open(struct file_job *job) {
  job->fd = torpor__disk_open(job->path, job->flags, job->mode);
  return job->fd < 0 ? job->fd : 0;
}

static int perform_get(struct file_job *job) {
  uint8_t *room = malloc(TORPOR__RESULT_HEAD + job->size);
  if (room == NULL) return -ENOMEM;
  ssize_t size;
  do {
    size = pread(job->file->fd, room + TORPOR__RESULT_HEAD, job->size,
                 (off_t)job->at);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    int failure = -errno;
    free(room);
    return failure;
  }
  uint8_t *less = realloc(room, TORPOR__RESULT_HEAD + (size_t)size);
  job->data.data = less == NULL ? room : less;
  job->data.size = (size_t)size;
  return 0;
}

static int perform_put(struct file_job *job) {
  const uint8_t *data = job->data.data;
  size_t left = job->data.size;
  uint64_t at = job->at;
  if (at == UINT64_MAX)
    return torpor__file_write(job->file->fd, data, left, NULL);
  while (left > 0) {
    ssize_t size = pwrite(job->file->fd, data, left, (off_t)at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return -errno;
    data += size;
    left -= (size_t)size;
    at += (uint64_t)size;
  }
  return 0;
}

static int perform_truncate(struct file_job *job) {
  return ftruncate(job->file->fd, (off_t)job->at) == 0 ? 0 : -errno;
}

/* A new file needs its folder to be synced, too. Where it was moved to another
 * one meanwhile, that is for whoever did it. */
static int perform_sync(struct file_job *job) {
  if (fsync(job->file->fd) != 0) return -errno;
  int failure = torpor__disk_sync_folder(job->file->path);
  return failure == -EIO || failure == -ENOSPC ? failure : 0;
}

static int perform_look(struct file_job *job) {
  struct torpor__disk_stat stat;
  int failure = torpor__disk_stat_open(job->file->fd, &stat);
  return failure == 0 ? torpor__stat_write(&stat, &job->result) : failure;
}

/* ---- Reading requests ----------------------------------------------------*/

static bool refuse(const struct file_job *job, const char *message) {
  return torpor__file_task_refuse(job->job.task, message);
}

static bool read_flags(struct file_job *job,
                       const torpor_operation *operation) {
  static const struct {
    const char *key;
    int flag;
  } flags[] = {{"append", O_APPEND},
               {"create", O_CREAT},
               {"exclusive", O_CREAT | O_EXCL},
               {"truncate", O_TRUNC}};
  bool reads = torpor__field_flag(operation, "read");
  bool writes = torpor__field_flag(operation, "write");
  if (!reads && !writes)
    return refuse(job, "a file is opened to read or write");
  job->flags = reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
  for (size_t i = 0; writes && i < sizeof(flags) / sizeof(*flags); i++)
    if (torpor__field_flag(operation, flags[i].key))
      job->flags |= flags[i].flag;
  job->mode = (unsigned)torpor__field_count(operation, "mode", 0666);
  return job->mode <= 0777 || refuse(job, "a mode is a number from 0 to 0o777");
}

static bool read_open(struct file_job *job, const torpor_operation *operation) {
  if (!read_flags(job, operation)) return false;
  int way = job->flags & O_ACCMODE;
  job->path =
      torpor__file_task_path(job->job.task, "path",
                             (way == O_WRONLY ? 0U : TORPOR__MAY_READ) |
                                 (way == O_RDONLY ? 0U : TORPOR__MAY_WRITE));
  return job->path != NULL;
}

/* Most that the system takes for a place in a file. */
static const uint64_t PLACE_LARGEST = INT64_MAX >> 1;

static bool read_get(struct file_job *job, const torpor_operation *operation) {
  job->at = torpor__field_count(operation, "at", UINT64_MAX);
  job->size = (size_t)torpor__field_count(operation, "largest", 65536);
  if (job->size < 1) job->size = 1;
  if (job->size > TORPOR__READ_LARGEST) job->size = TORPOR__READ_LARGEST;
  return job->at <= PLACE_LARGEST ||
         refuse(job, "a place in a file is a whole number from 0");
}

static bool read_put(struct file_job *job, const torpor_operation *operation) {
  job->at = torpor__field_count(operation, "at", UINT64_MAX);
  return torpor__file_task_data(job->job.task, job->verb->doing,
                                job->file->path, &job->data);
}

static bool read_truncate(struct file_job *job,
                          const torpor_operation *operation) {
  job->at = torpor__field_count(operation, "size", UINT64_MAX);
  return job->at <= PLACE_LARGEST ||
         refuse(job, "the size of a file is a whole number from 0");
}

/* ---- The drivers ---------------------------------------------------------*/

static int perform_job(struct torpor__job *base) {
  struct file_job *job = of(base);
  return job->verb->perform(job);
}

static void fail_job(const struct file_job *job) {
  torpor__file_task_fail(job->job.task, job->verb->doing,
                         job->file == NULL ? job->path : job->file->path,
                         job->job.failure);
}

/* Makes what was opened a descriptor. */
static void complete_open(struct file_job *job) {
  struct open_file *file = calloc(1, sizeof(*file));
  if (file == NULL) {
    job->job.failure = -ENOMEM;
    fail_job(job);
    return;
  }
  *file = (struct open_file){.descriptor.type = &file_type,
                             .fd = job->fd,
                             .holders = 1,
                             .path = job->path};
  job->fd = -1;
  job->path = NULL;
  if (torpor__descriptor_add(torpor_task_world(job->job.task), job->number,
                             &file->descriptor)) {
    torpor__task_finish_empty(job->job.task);
    return;
  }
  release_file(file);
  refuse(job,
         "the number of a file is in use, or the program has too many "
         "descriptors");
}

static void complete_get(struct file_job *job) {
  uint8_t *memory = job->data.data;
  if (job->data.size == 0) {
    torpor__task_finish_null(job->job.task);
    return;
  }
  job->data.data = NULL;
  torpor__task_finish_bytes(job->job.task, memory, job->data.size);
}

static void complete_job(struct torpor__job *base) {
  struct file_job *job = of(base);
  if (base->failure != 0) {
    fail_job(job);
  } else if (job->verb->perform == perform_open) {
    complete_open(job);
  } else if (job->verb->perform == perform_get) {
    complete_get(job);
  } else if (job->result != NULL) {
    torpor__task_finish_written(base->task, job->result);
    job->result = NULL;
  } else {
    torpor__task_finish_empty(base->task);
  }
}

static const struct torpor__job_type job_type = {
    .perform = perform_job, .complete = complete_job, .free = free_job};

/* Finds the open file that 'job' is for; false after failing the task. */
static bool hold_file(struct file_job *job) {
  torpor_task *task = job->job.task;
  job->file = find_file(torpor_task_world(task), job->number);
  if (job->file == NULL) {
    torpor__task_fail_lost(task, job->number);
    return false;
  }
  job->file->holders++;
  return true;
}

static void start(torpor_task *task, void *user) {
  const torpor_operation *operation = torpor_task_operation(task);
  struct file_job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    torpor__task_fail_system(task, "working on a file", UV_ENOMEM);
    return;
  }
  job->job.type = &job_type;
  job->job.task = task;
  job->verb = user;
  job->fd = -1;
  job->number = torpor__field_count(operation, "fd", UINT64_MAX);
  bool good = job->verb->perform == perform_open || hold_file(job);
  if (good && (job->verb->read == NULL || job->verb->read(job, operation)))
    torpor__job_start(&job->job, task);
  else
    free_job(&job->job);
}

/* Opening a file that must be new tells whether it was; done again, it would
 * tell the opposite. Nothing was written meanwhile that could be cut off. */
static torpor_waking opening(const torpor_operation *operation, void *user) {
  (void)user;
  return torpor__field_flag(operation, "exclusive") ? TORPOR_LOST
                                                    : TORPOR_REPEAT;
}

torpor_status torpor__open_file_add(torpor_loop *loop) {
  static const struct verb verbs[] = {
      {"file-open", "opening", TORPOR_REPEAT, read_open, perform_open},
      {"file-get", "reading", TORPOR_REPEAT, read_get, perform_get},
      {"file-put", "writing", TORPOR_LOST, read_put, perform_put},
      {"file-truncate", "cutting", TORPOR_LOST, read_truncate,
       perform_truncate},
      {"file-sync", "syncing", TORPOR_LOST, NULL, perform_sync},
      {"file-look", "looking at", TORPOR_REPEAT, NULL, perform_look},
  };
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
    bool opens = verbs[i].perform == perform_open;
    torpor_driver driver = TORPOR_DRIVER_INIT;
    driver.kind = verbs[i].kind;
    driver.waking = verbs[i].waking;
    driver.waking_of = opens ? opening : NULL;
    driver.start = start;
    driver.cancel = torpor__job_cancel;
    driver.drop = opens ? torpor__descriptor_drop : NULL;
    driver.user = (void *)(uintptr_t)&verbs[i];
    if (status == TORPOR_OK) status = torpor_loop_add_driver(loop, &driver);
  }
  return status;
}
