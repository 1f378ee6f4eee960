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
#include "loop/files/disk.h"
#include "loop/files/file-task.h"
#include "loop/job.h"
#include "loop/path.h"
#include "loop/task-end.h"

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

static const char *word_of(const struct job *job) {
  return job->write ? "writing" : "reading";
}

static void fail_job(const struct job *job) {
  torpor_task *task = job->job.task;
  if (job->job.failure != TORPOR__FILE_LARGE) {
    torpor__file_task_fail(task, word_of(job), job->path, job->job.failure);
    return;
  }
  torpor_bytes message;
  torpor_status status =
      torpor__format(&message, "%s %s: the limit is %zu MiB for a file",
                     word_of(job), job->path, FILE_LARGEST >> 20);
  torpor_task_fail(task, "Error",
                   status == TORPOR_OK ? (char *)message.data : word_of(job),
                   torpor__disk_code(TORPOR__FILE_LARGE));
  torpor_bytes_free(&message);
}

static void complete_job(struct torpor__job *base) {
  struct job *job = of(base);
  if (base->failure != 0) {
    fail_job(job);
  } else if (job->write) {
    torpor__task_finish_empty(base->task);
  } else {
    torpor__task_finish_bytes(base->task, job->content.data,
                              job->content.size - TORPOR__RESULT_HEAD);
    job->content.data = NULL;
  }
}

/* ---- Starting ------------------------------------------------------------*/

/* Copies what is to be written: the task may be gone before it is. */
static bool copy_data(struct torpor__job *base) {
  struct job *job = of(base);
  return !job->write || torpor__file_task_data(base->task, word_of(job),
                                               job->path, &job->content);
}

static const struct torpor__job_type job_type = {
    .prepare = copy_data,
    .perform = perform_job,
    .complete = complete_job,
    .free = free_job,
};

static void start_job(torpor_task *task, bool write) {
  if (write && !torpor__file_task_has_data(task)) return;
  char *path = torpor__file_task_path(
      task, "path", write ? TORPOR__MAY_WRITE : TORPOR__MAY_READ);
  if (path == NULL) return;
  struct job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    torpor__file_task_fail(task, write ? "writing" : "reading", path,
                           UV_ENOMEM);
    free(path);
    return;
  }
  job->job.type = &job_type;
  job->write = write;
  job->path = path;
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
