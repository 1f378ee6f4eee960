/* SPDX-License-Identifier: MIT */
/* disk.c - whole files, read and written by blocking calls.
 *
 *  (1) A write is seen whole or not at all, also after a power cut: the bytes
 *      go into a new file ".torpor-PID-N" in the same folder, are synced, then
 *      the file is renamed and the folder synced. A file that is replaced hands
 *      its mode on. A process that is killed may leave the new file behind.
 *  (2) Only regular files: reading a device or a pipe may never end.
 *  (3) Links are not followed, in no part of a path (safe-open.h). What is then
 *      done to the file is done through its folder, even if another one has
 *      that name by now.
 *
 * No state; any thread. */
#define _GNU_SOURCE /* copy_file_range */
#define _GNU_SOURCE /* copy_file_range */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "loop/files/disk.h"
#include "loop/safe-open.h"

static bool is_cancelled(const atomic_bool *cancelled) {
  return cancelled != NULL && atomic_load(cancelled);
}

/* ---- Reading -------------------------------------------------------------*/

/* Reads 'file' behind the bytes that are in 'out'. */
static int read_open_file(int file, size_t largest,
                          const atomic_bool *cancelled,
                          struct torpor__file_bytes *out) {
  struct stat found;
  if (fstat(file, &found) != 0) return -errno;
  if (S_ISDIR(found.st_mode)) return -EISDIR;
  if (!S_ISREG(found.st_mode)) return TORPOR__DISK_IRREGULAR;
  if (found.st_size < 0 || (uintmax_t)found.st_size > largest)
    return TORPOR__FILE_LARGE;
  /* One byte more shows the end without growing. */
  out->capacity = out->size + (size_t)found.st_size + 1;
  out->data = malloc(out->capacity);
  if (out->data == NULL) return -ENOMEM;
  return torpor__file_read(file, largest, cancelled, out);
}

int torpor__disk_read(const char *path, size_t room, size_t largest,
                      const atomic_bool *cancelled,
                      struct torpor__file_bytes *out) {
  *out = (struct torpor__file_bytes){.size = room};
  /* O_NONBLOCK: opening a pipe must not wait for its other end. */
  int file = torpor__safe_open(path, O_RDONLY | O_NONBLOCK, 0);
  int failure = file < 0 ? file : read_open_file(file, largest, cancelled, out);
  if (file >= 0) close(file);
  if (failure != 0) {
    free(out->data);
    *out = (struct torpor__file_bytes){0};
    return failure;
  }
  out->data[out->size] = 0;
  return 0;
}

/* ---- Writing -------------------------------------------------------------*/

/* What a writer has open: a new file beside the one that it is to be. */
struct draft {
  int folder;
  const char *target; /* its name to be, in 'folder' */
  char name[64];
  int file;
};

/* The mode of what the draft replaces; -1 when it is new. A negated errno, or
 * IRREGULAR, when it cannot be replaced. */
static int find_mode(const struct draft *draft, int *mode) {
  struct stat found;
  *mode = -1;
  if (fstatat(draft->folder, draft->target, &found, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 : -errno;
  if (S_ISDIR(found.st_mode)) return -EISDIR;
  if (S_ISLNK(found.st_mode)) return -ELOOP;
  if (!S_ISREG(found.st_mode)) return TORPOR__DISK_IRREGULAR;
  *mode = (int)(found.st_mode & 0777);
  return 0;
}

/* Names are numbered; one that a former process of this id left is skipped. */
static int open_draft(struct draft *draft, int mode) {
  static atomic_uint count;
  do {
    snprintf(draft->name, sizeof(draft->name), ".torpor-%ld-%u", (long)getpid(),
             atomic_fetch_add(&count, 1));
    draft->file = openat(draft->folder, draft->name,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         mode < 0 ? 0666 : mode);
  } while (draft->file < 0 && errno == EEXIST);
  return draft->file < 0 ? -errno : 0;
}

/* What goes into a draft: bytes, or what is in an open file. */
struct source {
  const void *data;
  size_t size;
  int file; /* -1: none */
};

/* Copies all of 'from', from where it stands. The system does it without
 * bringing it here, where it can. */
static int copy_file(int from, int to, const atomic_bool *cancelled) {
  enum { PART = 1 << 20 };
  while (!is_cancelled(cancelled)) {
    ssize_t size = copy_file_range(from, NULL, to, NULL, PART, 0);
    if (size < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
                     errno == EOPNOTSUPP))
      size = sendfile(to, from, NULL, PART);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0 ? 0 : -errno;
  }
  return -ECANCELED;
}

static int fill_draft(const struct draft *draft, const struct source *source,
                      int mode, const atomic_bool *cancelled) {
  int failure = source->file >= 0
                    ? copy_file(source->file, draft->file, cancelled)
                    : torpor__file_write(draft->file, source->data,
                                         source->size, cancelled);
  if (failure != 0) return failure;
  if (mode >= 0 && fchmod(draft->file, (mode_t)mode) != 0) return -errno;
  if (fsync(draft->file) != 0) return -errno;
  return is_cancelled(cancelled) ? -ECANCELED : 0;
}

/* Renames the draft; the folder's sync makes that last. File systems that
 * cannot sync a folder say EINVAL. */
static int publish_draft(const struct draft *draft) {
  if (renameat(draft->folder, draft->name, draft->folder, draft->target) != 0)
    return -errno;
  int folder =
      torpor__safe_entry(draft->folder, ".", O_RDONLY | O_DIRECTORY, 0);
  if (folder < 0) return 0;
  int failure = fsync(folder) != 0 && errno != EINVAL ? -errno : 0;
  close(folder);
  return failure;
}

/* Makes the draft, whose folder is open, and gives it its name. */
static int write_draft(struct draft *draft, const struct source *source,
                       const atomic_bool *cancelled) {
  struct stat found;
  int mode;
  int failure = find_mode(draft, &mode);
  if (source->file >= 0 && mode < 0 && fstat(source->file, &found) == 0)
    mode = (int)(found.st_mode & 0777);
  if (failure == 0) failure = open_draft(draft, mode);
  if (failure != 0) return failure;
  failure = fill_draft(draft, source, mode, cancelled);
  if (close(draft->file) != 0 && failure == 0) failure = -errno;
  if (failure == 0) failure = publish_draft(draft);
  if (failure != 0) unlinkat(draft->folder, draft->name, 0);
  return failure;
}

/* Makes 'path' a file of what 'source' has. */
static int write_source(const char *path, const struct source *source,
                        const atomic_bool *cancelled) {
  struct draft draft;
  draft.folder = torpor__safe_folder(path, &draft.target);
  if (draft.folder < 0) return draft.folder;
  int failure = write_draft(&draft, source, cancelled);
  close(draft.folder);
  return failure;
}

int torpor__disk_write(const char *path, const void *data, size_t size,
                       const atomic_bool *cancelled) {
  const struct source source = {.data = data, .size = size, .file = -1};
  return write_source(path, &source, cancelled);
}

int torpor__disk_open(const char *path, int flags, unsigned mode) {
  struct stat found;
  /* O_NONBLOCK: opening a pipe must not wait for its other end. */
  int file = torpor__safe_open(path, flags | O_NONBLOCK, mode);
  if (file < 0) return file;
  int failure = fstat(file, &found) != 0  ? -errno
                : S_ISDIR(found.st_mode)  ? -EISDIR
                : !S_ISREG(found.st_mode) ? TORPOR__DISK_IRREGULAR
                                          : 0;
  if (failure == 0) return file;
  close(file);
  return failure;
}

int torpor__disk_copy(const char *from, const char *to,
                      const atomic_bool *cancelled) {
  struct source source = {.file = torpor__disk_open(from, O_RDONLY, 0)};
  if (source.file < 0) return source.file;
  int failure = write_source(to, &source, cancelled);
  close(source.file);
  return failure;
}

int torpor__disk_append(const char *path, const void *data, size_t size,
                        unsigned mode, bool sync) {
  int file = torpor__disk_open(path, O_WRONLY | O_APPEND | O_CREAT, mode);
  if (file < 0) return file;
  int failure = torpor__file_write(file, data, size, NULL);
  if (failure == 0 && sync && fsync(file) != 0) failure = -errno;
  if (close(file) != 0 && failure == 0) failure = -errno;
  return failure;
}

/* ---- Words ---------------------------------------------------------------*/

const char *torpor__disk_code(int failure) {
  if (failure == TORPOR__DISK_IRREGULAR) return "EINVAL";
  if (failure == TORPOR__FILE_LARGE) return "EFBIG";
  return uv_err_name(failure);
}

const char *torpor__disk_text(int failure) {
  if (failure == TORPOR__DISK_IRREGULAR) return "not a regular file";
  if (failure == TORPOR__FILE_LARGE) return "the file is too large";
  return uv_strerror(failure);
}
