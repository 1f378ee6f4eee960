/* SPDX-License-Identifier: MIT */
/* disk-look.c - looking at names in the file system. See disk-verbs.h.
 *
 * No state; any thread. */
#define _GNU_SOURCE /* statx, O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/array.h"
#include "common/utf8.h"
#include "loop/files/disk-verbs.h"
#include "loop/safe-open.h"

/* ---- One name ------------------------------------------------------------*/

static double milliseconds(const struct statx_timestamp *time) {
  return (double)time->tv_sec * 1e3 + (double)(time->tv_nsec / 1000) / 1e3;
}

static void take_stat(const struct statx *found,
                      struct torpor__disk_stat *out) {
  *out = (struct torpor__disk_stat){
      .mode = found->stx_mode,
      .size = found->stx_size,
      .inode = found->stx_ino,
      .device = makedev(found->stx_dev_major, found->stx_dev_minor),
      .links = found->stx_nlink,
      .uid = found->stx_uid,
      .gid = found->stx_gid,
      .accessed = milliseconds(&found->stx_atime),
      .modified = milliseconds(&found->stx_mtime),
      .changed = milliseconds(&found->stx_ctime),
      .created = (found->stx_mask & STATX_BTIME)
                     ? milliseconds(&found->stx_btime)
                     : (double)NAN,
  };
}

int torpor__disk_stat(const char *path, struct torpor__disk_stat *out) {
  struct statx found;
  const char *name;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  int failure = statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                      STATX_BASIC_STATS | STATX_BTIME, &found) == 0
                    ? 0
                    : -errno;
  close(folder);
  if (failure == 0) take_stat(&found, out);
  return failure;
}

int torpor__disk_stat_open(int fd, struct torpor__disk_stat *out) {
  struct statx found;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found) !=
      0)
    return -errno;
  take_stat(&found, out);
  return 0;
}

const char *torpor__disk_kind(unsigned mode) {
  switch (mode & S_IFMT) {
  case S_IFREG:
    return "file";
  case S_IFDIR:
    return "directory";
  case S_IFLNK:
    return "symlink";
  case S_IFIFO:
    return "fifo";
  case S_IFSOCK:
    return "socket";
  case S_IFCHR:
    return "character-device";
  case S_IFBLK:
    return "block-device";
  default:
    return "unknown";
  }
}

int torpor__disk_read_link(const char *path, char **out) {
  const char *name;
  *out = NULL;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  char *target = malloc(PATH_MAX + 1);
  ssize_t size =
      target == NULL ? -1 : readlinkat(folder, name, target, PATH_MAX);
  int failure = target == NULL ? -ENOMEM : size < 0 ? -errno : 0;
  close(folder);
  if (failure != 0) {
    free(target);
    return failure;
  }
  target[size] = '\0';
  *out = target;
  return 0;
}

/* ---- Folders -------------------------------------------------------------*/

/* 'name' in UTF-8: each byte that belongs to no character becomes U+FFFD. */
static char *copy_name(const char *name) {
  size_t size = strlen(name);
  if (torpor__utf8_valid(name, size)) return strdup(name);
  char *copy = malloc(3 * size + 1), *end = copy;
  if (copy == NULL) return NULL;
  for (size_t at = 0; at < size;) {
    size_t step = torpor__utf8_step((const uint8_t *)name + at, size - at);
    if (step == 0) {
      end += torpor__utf8_put((uint8_t *)end, 0xfffd);
      at++;
    } else {
      memcpy(end, name + at, step);
      end += step;
      at += step;
    }
  }
  *end = '\0';
  return copy;
}

static unsigned type_of(int folder, const struct dirent *entry) {
  struct stat found;
  if (entry->d_type != DT_UNKNOWN) return DTTOIF(entry->d_type);
  return fstatat(folder, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0
             ? found.st_mode & S_IFMT
             : 0;
}

static int compare_entry(const void *one, const void *other) {
  const struct torpor__disk_entry *a = one, *b = other;
  return strcmp(a->name, b->name);
}

/* Sorts what is there, and keeps the first 'largest'. */
static void keep_first(struct torpor__disk_entries *out, size_t largest) {
  if (out->count > 0)
    qsort(out->entries, out->count, sizeof(*out->entries), compare_entry);
  if (out->count > largest) out->more = true;
  while (out->count > largest) free(out->entries[--out->count].name);
}

static int add_entry(struct torpor__disk_entries *out, DIR *folder,
                     const struct dirent *entry, const char *after) {
  char *name = copy_name(entry->d_name);
  if (name == NULL) return -ENOMEM;
  if (after != NULL && strcmp(name, after) <= 0) {
    free(name);
    return 0;
  }
  if (!torpor__array_reserve(&out->entries, &out->capacity, out->count + 1,
                             sizeof(*out->entries))) {
    free(name);
    return -ENOMEM;
  }
  out->entries[out->count++] =
      (struct torpor__disk_entry){name, type_of(dirfd(folder), entry)};
  return 0;
}

int torpor__disk_next(DIR *folder, const struct dirent **entry) {
  do {
    errno = 0;
    *entry = readdir(folder);
    if (*entry == NULL) return errno == 0 ? 0 : -errno;
  } while (strcmp((*entry)->d_name, ".") == 0 ||
           strcmp((*entry)->d_name, "..") == 0);
  return 1;
}

/* Memory for twice as many as are wanted is the most that is in use. */
static int read_entries(DIR *folder, const char *after, size_t largest,
                        const atomic_bool *cancelled,
                        struct torpor__disk_entries *out) {
  const struct dirent *entry;
  int failure = 0, found;
  while (failure == 0 && (found = torpor__disk_next(folder, &entry)) != 0) {
    failure = found < 0 ? found : add_entry(out, folder, entry, after);
    if (out->count >= 2 * largest) keep_first(out, largest);
    if (cancelled != NULL && atomic_load(cancelled)) failure = -ECANCELED;
  }
  keep_first(out, largest);
  return failure;
}

int torpor__disk_list(const char *path, const char *after, size_t largest,
                      const atomic_bool *cancelled,
                      struct torpor__disk_entries *out) {
  *out = (struct torpor__disk_entries){0};
  int fd = torpor__safe_open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
  if (fd < 0) return fd;
  DIR *folder = fdopendir(fd);
  if (folder == NULL) {
    int failure = -errno;
    close(fd);
    return failure;
  }
  int failure = read_entries(folder, after, largest, cancelled, out);
  closedir(folder);
  return failure;
}

void torpor__disk_entries_free(struct torpor__disk_entries *entries) {
  for (size_t i = 0; i < entries->count; i++) free(entries->entries[i].name);
  free(entries->entries);
  *entries = (struct torpor__disk_entries){0};
}
