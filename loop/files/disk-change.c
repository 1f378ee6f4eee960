/* SPDX-License-Identifier: MIT */
/* disk-change.c - changing names in the file system. See disk-verbs.h.
 *
 * No state but a seed for names; any thread. */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/files/disk-verbs.h"
#include "loop/safe-open.h"

/* ---- Making --------------------------------------------------------------*/

static int make_folder(const char *path, unsigned mode) {
  const char *name;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  int failure = mkdirat(folder, name, (mode_t)mode) == 0 ? 0 : -errno;
  close(folder);
  return failure;
}

static bool is_folder(const char *path) {
  int fd = torpor__safe_open(path, O_PATH | O_DIRECTORY, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* Makes those above 'path', which has at least one slash, as far as they are
 * missing. */
static int make_above(const char *path, unsigned mode) {
  char above[PATH_MAX];
  size_t size = strlen(path);
  if (size >= sizeof(above)) return -ENAMETOOLONG;
  for (size_t i = 1; i < size; i++) {
    if (path[i] != '/') continue;
    memcpy(above, path, i);
    above[i] = '\0';
    if (is_folder(above)) continue;
    int failure = make_folder(above, mode);
    if (failure != 0 && failure != -EEXIST) return failure;
  }
  return 0;
}

int torpor__disk_make_folder(const char *path, unsigned mode, bool recursive) {
  int failure = make_folder(path, mode);
  if (!recursive) return failure;
  if (failure == -ENOENT) {
    failure = make_above(path, mode);
    if (failure == 0) failure = make_folder(path, mode);
  }
  return failure == -EEXIST && is_folder(path) ? 0 : failure;
}

/* Writes six letters or digits by chance to 'out'. */
static int make_letters(char *out) {
  static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 */
  unsigned char random[6];
  if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
    return -EIO;
  for (size_t i = 0; i < sizeof(random); i++) out[i] = letters[random[i] % 32];
  out[sizeof(random)] = '\0';
  return 0;
}

int torpor__disk_make_temporary(const char *folder, const char *prefix,
                                char **out) {
  enum { TRIES = 100 };
  char letters[7];
  size_t size = strlen(folder) + strlen(prefix) + sizeof(letters) + 1;
  char *path = malloc(size);
  if (path == NULL) return -ENOMEM;
  int failure = -EEXIST;
  for (int i = 0; i < TRIES && failure == -EEXIST; i++) {
    failure = make_letters(letters);
    snprintf(path, size, "%s/%s%s", strcmp(folder, "/") == 0 ? "" : folder,
             prefix, letters);
    if (failure == 0) failure = make_folder(path, 0700);
  }
  if (failure != 0) {
    free(path);
    return failure;
  }
  *out = path;
  return 0;
}

int torpor__disk_symlink(const char *target, const char *path) {
  const char *name;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  int failure = symlinkat(target, folder, name) == 0 ? 0 : -errno;
  close(folder);
  return failure;
}

/* ---- Moving --------------------------------------------------------------*/

/* Two names, each in its folder. */
struct pair {
  int from, to;
  const char *from_name, *to_name;
};

static int open_pair(const char *from, const char *to, struct pair *pair) {
  pair->from = torpor__safe_folder(from, &pair->from_name);
  if (pair->from < 0) return pair->from;
  pair->to = torpor__safe_folder(to, &pair->to_name);
  if (pair->to >= 0) return 0;
  close(pair->from);
  return pair->to;
}

static void close_pair(const struct pair *pair) {
  close(pair->from);
  close(pair->to);
}

int torpor__disk_rename(const char *from, const char *to) {
  struct pair pair;
  int failure = open_pair(from, to, &pair);
  if (failure != 0) return failure;
  if (renameat(pair.from, pair.from_name, pair.to, pair.to_name) != 0)
    failure = -errno;
  close_pair(&pair);
  return failure;
}

int torpor__disk_link(const char *from, const char *to) {
  struct pair pair;
  int failure = open_pair(from, to, &pair);
  if (failure != 0) return failure;
  if (linkat(pair.from, pair.from_name, pair.to, pair.to_name, 0) != 0)
    failure = -errno;
  close_pair(&pair);
  return failure;
}

/* ---- What is known of them -----------------------------------------------*/

int torpor__disk_set_mode(const char *path, unsigned mode) {
  const char *name;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  int failure =
      fchmodat(folder, name, (mode_t)(mode & 07777), AT_SYMLINK_NOFOLLOW) == 0
          ? 0
          : -errno;
  close(folder);
  return failure;
}

static struct timespec timespec_of(double milliseconds) {
  double seconds = floor(milliseconds / 1e3);
  return (struct timespec){
      .tv_sec = (time_t)seconds,
      .tv_nsec = (long)((milliseconds - seconds * 1e3) * 1e6),
  };
}

int torpor__disk_set_times(const char *path, double accessed, double modified) {
  const struct timespec times[] = {timespec_of(accessed),
                                   timespec_of(modified)};
  const char *name;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  int failure =
      utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
  close(folder);
  return failure;
}

/* File systems that cannot sync a folder say EINVAL. */
int torpor__disk_sync_folder(const char *path) {
  const char *name;
  int above = torpor__safe_folder(path, &name);
  if (above < 0) return above;
  int folder = torpor__safe_entry(above, ".", O_RDONLY | O_DIRECTORY, 0);
  close(above);
  if (folder < 0) return 0; /* one that may be changed but not read */
  int failure = fsync(folder) == 0 || errno == EINVAL ? 0 : -errno;
  close(folder);
  return failure;
}
