/* SPDX-License-Identifier: MIT */
/* file.c - the drivers of kinds "file-read" and "file-write": whole files.
 *
 *   file-read   {path}         gives the bytes as Uint8Array
 *   file-write  {path, data}   data: bytes or text; gives undefined
 *
 * The path is checked against the task's access. Each file is one job, done
 * from end to end on a thread of libuv's pool (see disk.c):
 *
 *   waiting ---------> working ---------> its task is complete
 *      | cancel           | cancel
 *      v                  v
 *    gone              abandoned: ends soon, tells nobody
 *
 *  (1) At most JOBS_MAX jobs are working, so that a program which asks for many
 *      files at once cannot fill the host's memory; the others wait in order.
 *  (2) A cancelled write is either done whole or not at all.
 *  (3) A job that is abandoned holds nothing of its task.
 *
 * Waking: TORPOR_REPEAT for both. Reading again sees the file as it is then.
 * Writing again writes the same bytes; what another program wrote there since
 * is overwritten, as by any write.
 *
 * Errors are Errors with the code of the system (ENOENT, EACCES...) and the
 * path in their message; a NotAllowedError names the flag.
 *
 * Runs on the loop's thread; perform_job on a thread of the pool. */
#include <assert.h>

#include "common/array.h"
#include "disk.h"
#include "loop.h"
#include "path.h"
#include "request.h"

/* Largest file that is read or written; a VM could hold hardly more. */
#define FILE_LARGEST ((size_t)1 << 30)

enum { JOBS_MAX = 8 };

struct job {
  struct torpor__link link; /* first: a link is its job */
  uv_work_t work;
  torpor_loop *loop;
  torpor_task *task; /* NULL: abandoned */
  bool write;
  bool working;
  atomic_bool cancelled;
  char *path;                        /* resolved */
  struct torpor__file_bytes content; /* behind a head when it was read */
  int failure;
};

static void free_job(struct job *job) {
  free(job->content.data);
  free(job->path);
  free(job);
}

/* ---- Performing ----------------------------------------------------------*/

static void perform_job(uv_work_t *work) {
  struct job *job = work->data;
  if (job->write) {
    job->failure = torpor__disk_write(job->path, job->content.data,
                                      job->content.size, &job->cancelled);
  } else {
    job->failure =
        torpor__disk_read(job->path, TORPOR__RESULT_HEAD, FILE_LARGEST,
                          &job->cancelled, &job->content);
  }
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
  torpor__task_finish(job->task, TORPOR_RESOLVE,
                      (struct torpor__result){
                          .memory = content.data,
                          .data = head,
                          .size = content.size - (size_t)(head - content.data),
                      });
}

static void complete_job(struct job *job) {
  static const uint8_t undefined = 0xf7;
  if (job->failure != 0) {
    fail_task(job->task, job->write ? "writing" : "reading", job->path,
              job->failure);
  } else if (job->write) {
    torpor_task_complete(job->task, TORPOR_RESOLVE, &undefined, 1);
  } else {
    complete_read(job);
  }
}

static void work_on_waiting(torpor_loop *loop);

static void finish_job(uv_work_t *work, int status) {
  struct job *job = work->data;
  torpor_loop *loop = job->loop;
  if (status != 0) job->failure = status;
  loop->files.working--;
  assert(job->working && (job->task == NULL) == atomic_load(&job->cancelled));
  if (job->task != NULL) complete_job(job);
  free_job(job);
  work_on_waiting(loop);
}

/* ---- Starting and cancelling ---------------------------------------------*/

/* Copies what is to be written: the task may be gone before it is. */
static bool copy_data(struct job *job) {
  const torpor_operation *operation = torpor_task_operation(job->task);
  struct torpor__field data;
  torpor__request_field(operation->request, operation->request_size, "data",
                        &data);
  job->content.data = torpor__array_copy(data.data, data.size);
  job->content.size = data.size;
  return job->content.data != NULL;
}

static void work_on(struct job *job) {
  if (job->write && !copy_data(job)) {
    fail_task(job->task, "writing", job->path, UV_ENOMEM);
    free_job(job);
    return;
  }
  job->work.data = job;
  job->working = true;
  job->loop->files.working++;
  uv_queue_work(&job->loop->uv, &job->work, perform_job, finish_job);
}

static void work_on_waiting(torpor_loop *loop) {
  struct torpor__files *files = &loop->files;
  while (files->working < JOBS_MAX && !torpor__list_empty(&files->waiting)) {
    struct job *job = (struct job *)files->waiting.next;
    torpor__link_remove(&job->link);
    work_on(job);
  }
}

#ifdef TORPOR_TESTING
/* Asserts (1), and that what waits is not begun and belongs to a task. */
void torpor__files_check(const torpor_loop *loop) {
  const struct torpor__files *files = &loop->files;
  assert(files->working <= JOBS_MAX);
  assert(files->working == JOBS_MAX || torpor__list_empty(&files->waiting));
  for (const struct torpor__link *link = files->waiting.next;
       link != &files->waiting; link = link->next) {
    const struct job *job = (const struct job *)link;
    assert(!job->working && job->task != NULL && job->loop == loop);
  }
}
#endif

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
  job->loop = torpor_task_loop(task);
  job->task = task;
  job->write = write;
  job->path = resolved;
  torpor_task_set_state(task, job);
  torpor__list_append(&job->loop->files.waiting, &job->link);
  work_on_waiting(job->loop);
}

static void start_read(torpor_task *task, void *user) {
  (void)user;
  start_job(task, false);
}

static void start_write(torpor_task *task, void *user) {
  (void)user;
  start_job(task, true);
}

static void cancel_job(torpor_task *task, void *user) {
  struct job *job = torpor_task_state(task);
  (void)user;
  if (!job->working) {
    torpor__link_remove(&job->link);
    free_job(job);
    return;
  }
  job->task = NULL;
  atomic_store(&job->cancelled, true);
  uv_cancel((uv_req_t *)&job->work);
}

torpor_status torpor__file_add(torpor_loop *loop) {
  static const torpor_driver drivers[] = {
      {.size = sizeof(torpor_driver),
       .kind = "file-read",
       .waking = TORPOR_REPEAT,
       .start = start_read,
       .cancel = cancel_job},
      {.size = sizeof(torpor_driver),
       .kind = "file-write",
       .waking = TORPOR_REPEAT,
       .start = start_write,
       .cancel = cancel_job},
  };
  torpor_status status = torpor_loop_add_driver(loop, &drivers[0]);
  if (status != TORPOR_OK) return status;
  return torpor_loop_add_driver(loop, &drivers[1]);
}
