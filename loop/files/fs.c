/* SPDX-License-Identifier: MIT */
/* fs.c - the drivers of operations on names in the file system.
 *
 *   file-stat       {path, link}         what is known of it; 'link': of a link
 *                                        itself
 *   file-list       {path, after, largest}  {entries, more}: a name, its kind,
 *                                        the next name...
 *   file-read-link  {path}               where it leads
 *   file-real-path  {path}               the path without links
 *   file-make-folder  {path, mode, recursive}
 *   file-make-temporary  {path, prefix}  the path of a new folder
 *   file-remove     {path, recursive, force}
 *   file-rename     {path, to}
 *   file-copy       {path, to}
 *   file-link       {path, to}           'to' becomes a second name of 'path'
 *   file-symlink    {target, path}
 *   file-mode       {path, mode}
 *   file-times      {path, accessed, modified}
 *   file-append     {path, data, mode}
 *
 * Each is one job (job.h) that calls what disk-verbs.h has. In a durable run a
 * change has reached the disk when its operation is complete.
 *
 * Access: what a verb needs for each path is in the table 'verbs'. Giving a
 * file another name needs all rights to the old one, since it may be readable
 * and writable under the new. So does a symbolic link to what it leads to: we
 * would follow it nowhere else, but others might.
 *
 * Waking: TORPOR_REPEAT for what only looks, and for changes that do no harm
 * when they are done twice; TORPOR_LOST for the others.
 *
 * Runs on the loop's thread; 'perform' on a thread of the pool. */
#include <errno.h>
#include <string.h>

#include "loop/descriptor.h"
#include "loop/field.h"
#include "loop/files/disk-verbs.h"
#include "loop/files/disk.h"
#include "loop/files/file-task.h"
#include "loop/files/stat-write.h"
#include "loop/job.h"
#include "loop/path.h"
#include "loop/request.h"
#include "loop/task-end.h"
#include "loop/world.h"

enum { LIST_LARGEST = 10000, PREFIX_LARGEST = 64 };

struct name_job;

/* What one path of a verb is for. */
enum want {
  LOOK = TORPOR__MAY_READ,
  CHANGE = TORPOR__MAY_WRITE,
  ENTRY = TORPOR__ENTRY
};

struct verb {
  const char *kind;
  const char *doing;    /* for sentences */
  unsigned path, to;    /* of enum want; 0: it has no such path */
  torpor_waking waking; /* unless 'harmless' is there */
  const char *harmless; /* a flag with which it may be done twice */
  bool (*read)(struct name_job *job, const torpor_operation *operation);
  int (*perform)(struct name_job *job);
};

struct name_job {
  struct torpor__job job; /* first */
  const struct verb *verb;
  char *path, *to; /* resolved */
  char *text;      /* a name, a prefix, what a link leads to */
  struct torpor__file_bytes data;
  unsigned mode;
  uint64_t largest;
  double accessed, modified;
  bool flag;             /* recursive */
  bool force;            /* what is not there is no failure */
  bool sync;             /* the program is a durable run */
  torpor_writer *result; /* NULL: undefined */
};

static struct name_job *of(struct torpor__job *job) {
  return (struct name_job *)job;
}

static void free_job(struct torpor__job *base) {
  struct name_job *job = of(base);
  torpor_writer_close(job->result);
  free(job->path);
  free(job->to);
  free(job->text);
  free(job->data.data);
  free(job);
}

/* ---- What they do --------------------------------------------------------*/

static int write_text(struct name_job *job, const char *text) {
  torpor_status status = torpor_writer_open(NULL, 0, &job->result);
  torpor_writer_string(job->result, text, SIZE_MAX);
  return status == TORPOR_OK ? 0 : -ENOMEM;
}

static int perform_stat(struct name_job *job) {
  struct torpor__disk_stat stat;
  int failure = torpor__disk_stat(job->path, &stat);
  if (failure == 0) failure = torpor__stat_write(&stat, &job->result);
  return failure;
}

static int perform_list(struct name_job *job) {
  struct torpor__disk_entries found;
  int failure = torpor__disk_list(job->path, job->text, (size_t)job->largest,
                                  &job->job.cancelled, &found);
  if (failure == 0 && torpor_writer_open(NULL, 0, &job->result) != TORPOR_OK)
    failure = -ENOMEM;
  if (failure == 0) {
    torpor_writer_object(job->result, 2);
    torpor_writer_key(job->result, "entries", SIZE_MAX);
    torpor_writer_array(job->result, 2 * found.count);
    for (size_t i = 0; i < found.count; i++) {
      torpor_writer_string(job->result, found.entries[i].name, SIZE_MAX);
      torpor_writer_string(job->result,
                           torpor__disk_kind(found.entries[i].mode), SIZE_MAX);
    }
    torpor_writer_end(job->result);
    torpor_writer_key(job->result, "more", SIZE_MAX);
    torpor_writer_boolean(job->result, found.more);
    torpor_writer_end(job->result);
  }
  torpor__disk_entries_free(&found);
  return failure;
}

static int perform_read_link(struct name_job *job) {
  char *target;
  int failure = torpor__disk_read_link(job->path, &target);
  if (failure == 0) failure = write_text(job, target);
  free(target);
  return failure;
}

/* The path was resolved when it was checked; is it there? */
static int perform_real_path(struct name_job *job) {
  struct torpor__disk_stat stat;
  int failure = torpor__disk_stat(job->path, &stat);
  return failure == 0 ? write_text(job, job->path) : failure;
}

/* Ends a change of the name 'path'. */
static int changed(const struct name_job *job, const char *path, int failure) {
  return failure == 0 && job->sync ? torpor__disk_sync_folder(path) : failure;
}

static int perform_make_folder(struct name_job *job) {
  return changed(job, job->path,
                 torpor__disk_make_folder(job->path, job->mode, job->flag));
}

static int perform_make_temporary(struct name_job *job) {
  char *made;
  int failure = torpor__disk_make_temporary(
      job->path, job->text == NULL ? "torpor-" : job->text, &made);
  if (failure != 0) return failure;
  failure = changed(job, made, write_text(job, made));
  free(made);
  return failure;
}

static int perform_remove(struct name_job *job) {
  int failure = torpor__disk_remove(job->path, job->flag, &job->job.cancelled);
  if (failure == -ENOENT && job->force) return 0;
  return changed(job, job->path, failure);
}

static int perform_rename(struct name_job *job) {
  int failure = torpor__disk_rename(job->path, job->to);
  return changed(job, job->to, changed(job, job->path, failure));
}

static int perform_copy(struct name_job *job) {
  return torpor__disk_copy(job->path, job->to, &job->job.cancelled);
}

static int perform_link(struct name_job *job) {
  return changed(job, job->to, torpor__disk_link(job->path, job->to));
}

static int perform_symlink(struct name_job *job) {
  return changed(job, job->path, torpor__disk_symlink(job->text, job->path));
}

static int perform_mode(struct name_job *job) {
  return torpor__disk_set_mode(job->path, job->mode);
}

static int perform_times(struct name_job *job) {
  return torpor__disk_set_times(job->path, job->accessed, job->modified);
}

static int perform_append(struct name_job *job) {
  struct torpor__disk_stat stat;
  bool there = torpor__disk_stat(job->path, &stat) == 0;
  int failure = torpor__disk_append(job->path, job->data.data, job->data.size,
                                    job->mode, job->sync);
  return there ? failure : changed(job, job->path, failure);
}

/* ---- Reading requests ----------------------------------------------------*/

static bool refuse(struct name_job *job, const char *message) {
  return torpor__file_task_refuse(job->job.task, message);
}

/* Bits that would let others run a program as this user are not for programs to
 * set. */
static bool read_mode(struct name_job *job, const torpor_operation *operation,
                      unsigned otherwise) {
  uint64_t mode = torpor__field_count(operation, "mode", otherwise);
  if (mode > 0777) return refuse(job, "a mode is a number from 0 to 0o777");
  job->mode = (unsigned)mode;
  return true;
}

static bool read_list(struct name_job *job, const torpor_operation *operation) {
  job->text = torpor__field_text(operation, "after");
  job->largest = torpor__field_count(operation, "largest", LIST_LARGEST);
  if (job->largest < 1 || job->largest > LIST_LARGEST)
    job->largest = LIST_LARGEST;
  return true;
}

static bool read_make_folder(struct name_job *job,
                             const torpor_operation *operation) {
  job->flag = torpor__field_flag(operation, "recursive");
  return read_mode(job, operation, 0777);
}

static bool read_make_temporary(struct name_job *job,
                                const torpor_operation *operation) {
  job->text = torpor__field_text(operation, "prefix");
  if (job->text != NULL &&
      (strchr(job->text, '/') != NULL || strlen(job->text) > PREFIX_LARGEST))
    return refuse(job, "a prefix has at most 64 bytes, and no slash");
  return true;
}

static bool read_remove(struct name_job *job,
                        const torpor_operation *operation) {
  job->flag = torpor__field_flag(operation, "recursive");
  job->force = torpor__field_flag(operation, "force");
  return true;
}

static bool read_chmod(struct name_job *job,
                       const torpor_operation *operation) {
  return read_mode(job, operation, UINT32_MAX);
}

static bool is_time(double time) {
  return time >= -8.64e15 && time <= 8.64e15;
}

static bool read_times(struct name_job *job,
                       const torpor_operation *operation) {
  if (!torpor__field_number(operation, "accessed", &job->accessed) ||
      !torpor__field_number(operation, "modified", &job->modified) ||
      !is_time(job->accessed) || !is_time(job->modified))
    return refuse(job, "times are milliseconds since 1970");
  return true;
}

static bool read_append(struct name_job *job,
                        const torpor_operation *operation) {
  return torpor__file_task_data(job->job.task, job->verb->doing, job->path,
                                &job->data) &&
         read_mode(job, operation, 0666);
}

/* What a symbolic link leads to has to be allowed, too. */
static bool read_symlink(struct name_job *job,
                         const torpor_operation *operation) {
  torpor_bytes joined = {0};
  job->text = torpor__field_text(operation, "target");
  if (job->text == NULL)
    return refuse(job, "what a link leads to is a text without U+0000");
  const char *slash = strrchr(job->path, '/');
  if (job->text[0] == '/')
    torpor__format(&joined, "%s", job->text);
  else
    torpor__format(&joined, "%.*s/%s", (int)(slash - job->path), job->path,
                   job->text);
  char *resolved = joined.data == NULL
                       ? NULL
                       : torpor__file_task_check(
                             job->job.task, (char *)joined.data, LOOK | CHANGE);
  if (joined.data == NULL)
    torpor__task_fail_system(job->job.task, "making a link", UV_ENOMEM);
  torpor_bytes_free(&joined);
  free(resolved);
  return resolved != NULL;
}

/* ---- The table -----------------------------------------------------------*/

static const struct verb verbs[] = {
    {"file-stat", "looking at", LOOK, 0, TORPOR_REPEAT, NULL, NULL,
     perform_stat},
    {"file-list", "listing", LOOK, 0, TORPOR_REPEAT, NULL, read_list,
     perform_list},
    {"file-read-link", "reading the link", LOOK | ENTRY, 0, TORPOR_REPEAT, NULL,
     NULL, perform_read_link},
    {"file-real-path", "resolving", LOOK, 0, TORPOR_REPEAT, NULL, NULL,
     perform_real_path},
    {"file-make-folder", "making the folder", CHANGE, 0, TORPOR_LOST,
     "recursive", read_make_folder, perform_make_folder},
    {"file-make-temporary", "making a folder in", CHANGE, 0, TORPOR_REPEAT,
     NULL, read_make_temporary, perform_make_temporary},
    {"file-remove", "removing", CHANGE | ENTRY, 0, TORPOR_LOST, "force",
     read_remove, perform_remove},
    {"file-rename", "renaming", LOOK | CHANGE | ENTRY, CHANGE | ENTRY,
     TORPOR_LOST, NULL, NULL, perform_rename},
    {"file-copy", "copying", LOOK, CHANGE, TORPOR_REPEAT, NULL, NULL,
     perform_copy},
    {"file-link", "making a second name of", LOOK | CHANGE | ENTRY,
     CHANGE | ENTRY, TORPOR_LOST, NULL, NULL, perform_link},
    {"file-symlink", "making the link", CHANGE | ENTRY, 0, TORPOR_LOST, NULL,
     read_symlink, perform_symlink},
    {"file-mode", "setting the mode of", CHANGE, 0, TORPOR_REPEAT, NULL,
     read_chmod, perform_mode},
    {"file-times", "setting the times of", CHANGE, 0, TORPOR_REPEAT, NULL,
     read_times, perform_times},
    {"file-append", "appending to", CHANGE, 0, TORPOR_LOST, NULL, read_append,
     perform_append},
};

/* ---- The drivers ---------------------------------------------------------*/

static int perform_job(struct torpor__job *base) {
  struct name_job *job = of(base);
  return job->verb->perform(job);
}

/* "renaming A to B: no such file or directory" */
static void fail_job(const struct name_job *job) {
  torpor_bytes both = {NULL, 0};
  if (job->to != NULL) torpor__format(&both, "%s to %s", job->path, job->to);
  torpor__file_task_fail(job->job.task, job->verb->doing,
                         both.data == NULL ? job->path : (char *)both.data,
                         job->job.failure);
  torpor_bytes_free(&both);
}

static void complete_job(struct torpor__job *base) {
  struct name_job *job = of(base);
  if (base->failure != 0) {
    fail_job(job);
  } else if (job->result == NULL) {
    torpor__task_finish_empty(base->task);
  } else {
    torpor__task_finish_written(base->task, job->result);
    job->result = NULL;
  }
}

static bool has_path(const torpor_operation *operation) {
  char *path = torpor__field_text(operation, "path");
  free(path);
  return path != NULL;
}

/* Where temporary files of this machine lie. */
static const char *temporary_folder(void) {
  const char *folder = getenv("TMPDIR");
  return folder == NULL || folder[0] != '/' ? "/tmp" : folder;
}

/* Reads the request into 'job'; false after failing the task. */
static bool read_job(struct name_job *job) {
  const struct verb *verb = job->verb;
  torpor_task *task = job->job.task;
  const torpor_operation *operation = torpor_task_operation(task);
  unsigned want = verb->path;
  if (strcmp(verb->kind, "file-stat") == 0 &&
      torpor__field_flag(operation, "link"))
    want |= ENTRY;
  job->path = verb->perform == perform_make_temporary && !has_path(operation)
                  ? torpor__file_task_check(task, temporary_folder(), want)
                  : torpor__file_task_path(task, "path", want);
  if (job->path == NULL) return false;
  if (verb->to != 0) {
    job->to = torpor__file_task_path(task, "to", verb->to);
    if (job->to == NULL) return false;
  }
  return verb->read == NULL || verb->read(job, operation);
}

static void start(torpor_task *task, void *user) {
  static const struct torpor__job_type type = {
      .perform = perform_job, .complete = complete_job, .free = free_job};
  const torpor_world *world = torpor_task_world(task);
  struct name_job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    torpor__task_fail_system(task, "starting an operation on a file",
                             UV_ENOMEM);
    return;
  }
  job->job.type = &type;
  job->job.task = task;
  job->verb = user;
  job->sync = world != NULL && world->options.durable;
  if (read_job(job))
    torpor__job_start(&job->job, task);
  else
    free_job(&job->job);
}

static torpor_waking waking_of(const torpor_operation *operation, void *user) {
  const struct verb *verb = user;
  return verb->harmless != NULL && torpor__field_flag(operation, verb->harmless)
             ? TORPOR_REPEAT
             : verb->waking;
}

torpor_status torpor__fs_add(torpor_loop *loop) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
    torpor_driver driver = TORPOR_DRIVER_INIT;
    driver.kind = verbs[i].kind;
    driver.waking = verbs[i].waking;
    driver.waking_of = waking_of;
    driver.start = start;
    driver.cancel = torpor__job_cancel;
    driver.user = (void *)(uintptr_t)&verbs[i];
    if (status == TORPOR_OK) status = torpor_loop_add_driver(loop, &driver);
  }
  return status;
}
