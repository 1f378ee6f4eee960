/* SPDX-License-Identifier: MIT */
/* file.c - the drivers of kinds "file-read" and "file-write": whole files.
 *
 *   file-read   {path}         gives the bytes as Uint8Array
 *   file-write  {path, data}   data: bytes or text; gives undefined
 *
 * The path is checked against the task's access. Each file is one job, done
 * from end to end on a thread of libuv's pool (job.h, disk.c).
 *
 *  (1) A cancelled write is either done whole or not at all.
 *
 * Waking: TORPOR_REPEAT for both. Reading again sees the file as it is then.
 * Writing again writes the same bytes; what another program wrote there since
 * is overwritten, as by any write.
 *
 * Errors are Errors with the code of the system (ENOENT, EACCES...) and the
 * path in their message; a NotAllowedError names the flag.
 *
 * Runs on the loop's thread; perform_job on a thread of the pool. */
#include "common/array.h"
#include "loop/files/disk.h"
#include "loop/job.h"
#include "loop/path.h"
#include "loop/request.h"

/* Largest file that is read or written; a VM could hold hardly more. */
#define FILE_LARGEST ((size_t)1 << 30)

struct job {
  struct torpor__job job; /* first */
  bool write;
  char *path;                        /* resolved */
  struct torpor__file_bytes content; /* behind a head when it was read */
};

static struct job *of(struct torpor__job *job) {
  return (struct job *)job;
}

static void free_job(struct torpor__job *base) {
  struct job *job = of(base);
  free(job->content.data);
  free(job->path);
  free(job);
}

/* ---- Performing ----------------------------------------------------------*/

static int perform_job(struct torpor__job *base) {
  struct job *job = of(base);
  return job->write
             ? torpor__disk_write(job->path, job->content.data,
                                  job->content.size, &base->cancelled)
             : torpor__disk_read(job->path, TORPOR__RESULT_HEAD, FILE_LARGEST,
                                 &base->cancelled, &job->content);
}

/* Fails 'task' with what libuv or disk.c say, and the path. */
static void fail_task(torpor_task *task, const char *doing, const char *path,
                      int failure) {
  torpor_bytes message;
  torpor_status status =
      failure == TORPOR__FILE_LARGE
          ? torpor__format(&message, "%s %s: the limit is %zu MiB for a file",
                           doing, path, FILE_LARGEST >> 20)
          : torpor__format(&message, "%s %s: %s", doing, path,
                           torpor__disk_text(failure));
  torpor_task_fail(task, "Error",
                   status == TORPOR_OK ? (char *)message.data : doing,
                   torpor__disk_code(failure));
  torpor_bytes_free(&message);
}

/* Hands what was read to the task, without a copy. */
static void complete_read(struct job *job) {
  struct torpor__file_bytes content = job->content;
  uint8_t *file = content.data + TORPOR__RESULT_HEAD;
  uint8_t *head = torpor__result_head(file, content.size - TORPOR__RESULT_HEAD);
  job->content.data = NULL;
  torpor__task_finish(job->job.task, TORPOR_RESOLVE,
                      (struct torpor__result){
                          .memory = content.data,
                          .data = head,
                          .size = content.size - (size_t)(head - content.data),
                      });
}

static void complete_job(struct torpor__job *base) {
  static const uint8_t undefined = 0xf7;
  struct job *job = of(base);
  if (base->failure != 0) {
    fail_task(base->task, job->write ? "writing" : "reading", job->path,
              base->failure);
  } else if (job->write) {
    torpor_task_complete(base->task, TORPOR_RESOLVE, &undefined, 1);
  } else {
    complete_read(job);
  }
}

/* ---- Starting ------------------------------------------------------------*/

/* Copies what is to be written: the task may be gone before it is. */
static bool copy_data(struct torpor__job *base) {
  struct job *job = of(base);
  const torpor_operation *operation = torpor_task_operation(base->task);
  struct torpor__field data;
  if (!job->write) return true;
  torpor__request_field(operation->request, operation->request_size, "data",
                        &data);
  job->content.data = torpor__array_copy(data.data, data.size);
  job->content.size = data.size;
  if (job->content.data != NULL) return true;
  fail_task(base->task, "writing", job->path, UV_ENOMEM);
  return false;
}

static const struct torpor__job_type job_type = {
    .prepare = copy_data,
    .perform = perform_job,
    .complete = complete_job,
    .free = free_job,
};

/* The path of the task's request, ending in zero; NULL after failing the task,
 * when it has none. */
static char *read_path(torpor_task *task, bool write) {
  const torpor_operation *operation = torpor_task_operation(task);
  const void *request = operation->request;
  size_t size = operation->request_size;
  struct torpor__field path, data;
  if (!torpor__request_field(request, size, "path", &path) || !path.text ||
      memchr(path.data, '\0', path.size) != NULL) {
    torpor_task_fail(task, "TypeError",
                     "the path of a file must be a text without U+0000",
                     "EINVAL");
    return NULL;
  }
  if (write && !torpor__request_field(request, size, "data", &data)) {
    torpor_task_fail(task, "TypeError",
                     "what is written to a file must be text or bytes",
                     "EINVAL");
    return NULL;
  }
  char *text = strndup((const char *)path.data, path.size);
  if (text == NULL) torpor_task_fail(task, "RangeError", "out of memory", NULL);
  return text;
}

/* 'path' resolved, if the task may touch it; NULL after failing the task. */
static char *check_path(torpor_task *task, const char *path, bool write) {
  torpor_bytes checked;
  torpor_status status =
      torpor_access_check(torpor_task_access(task),
                          write ? TORPOR_WRITE : TORPOR_READ, path, &checked);
  if (status == TORPOR_OK) return (char *)checked.data;
  const char *message =
      checked.data == NULL ? "out of memory" : (char *)checked.data;
  if (status == TORPOR_DENIED) {
    torpor_task_fail(task, "NotAllowedError", message, "EACCES");
  } else {
    torpor_task_fail(task, "Error", message,
                     status == TORPOR_MISUSE ? "EINVAL" : "ENOENT");
  }
  torpor_bytes_free(&checked);
  return NULL;
}

static void start_job(torpor_task *task, bool write) {
  char *path = read_path(task, write);
  if (path == NULL) return;
  char *resolved = check_path(task, path, write);
  free(path);
  if (resolved == NULL) return;
  struct job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    fail_task(task, write ? "writing" : "reading", resolved, UV_ENOMEM);
    free(resolved);
    return;
  }
  job->job.type = &job_type;
  job->write = write;
  job->path = resolved;
  torpor__job_start(&job->job, task);
}

static void start_read(torpor_task *task, void *user) {
  (void)user;
  start_job(task, false);
}

static void start_write(torpor_task *task, void *user) {
  (void)user;
  start_job(task, true);
}

torpor_status torpor__file_add(torpor_loop *loop) {
  static const torpor_driver drivers[] = {
      {.size = sizeof(torpor_driver),
       .kind = "file-read",
       .waking = TORPOR_REPEAT,
       .start = start_read,
       .cancel = torpor__job_cancel},
      {.size = sizeof(torpor_driver),
       .kind = "file-write",
       .waking = TORPOR_REPEAT,
       .start = start_write,
       .cancel = torpor__job_cancel},
  };
  torpor_status status = torpor_loop_add_driver(loop, &drivers[0]);
  if (status != TORPOR_OK) return status;
  return torpor_loop_add_driver(loop, &drivers[1]);
}
