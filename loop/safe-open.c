/* SPDX-License-Identifier: MIT */
/* safe-open.c - opening what a resolved path means. See safe-open.h.
 *
 * Linux 5.6 and later do it in one call, openat2 with RESOLVE_NO_SYMLINKS from
 * the root. Elsewhere, and where a sandbox around this process does not know
 * that call, each part is opened from the one above it, without following. A
 * link in the place of a folder is then ENOTDIR, not ELOOP.
 *
 *  (1) Parts are looked up from the root down, each in the folder that was
 *      found: one that is moved meanwhile is followed, a link is not.
 *
 * No state but whether the kernel has openat2; any thread. */
#define _GNU_SOURCE /* O_PATH */
#include "loop/safe-open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  OPEN_FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

/* The 'flags' of open with those that are always there. */
static int all_flags(int flags) {
  return flags | O_NOFOLLOW | O_CLOEXEC | ((flags & O_PATH) ? 0 : O_NOCTTY);
}

/* ---- openat2 -------------------------------------------------------------*/

/* 0: not known yet; 1: it is there; -1: it is not. */
static atomic_int has_openat2;

#ifdef TORPOR_TESTING
void torpor__safe_without_openat2(bool without) {
  atomic_store(&has_openat2, without ? -1 : 0);
}
#endif

/* A descriptor, or a negated errno. */
static int open_at_once(const char *path, int flags, unsigned mode) {
  bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  struct open_how how = {
      .flags = (unsigned)all_flags(flags),
      .mode = makes ? mode & 07777 : 0,
      .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  long fd;
  do {
    fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN) &&
           (flags & O_NONBLOCK) == 0);
  return fd < 0 ? -errno : (int)fd;
}

static bool can_open_at_once(void) {
  int known = atomic_load(&has_openat2);
  if (known != 0) return known > 0;
  int fd = open_at_once("/", O_PATH | O_DIRECTORY, 0);
  if (fd >= 0) close(fd);
  /* Out of descriptors: that says nothing about the call. */
  if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM) return true;
  atomic_store(&has_openat2, fd >= 0 ? 1 : -1);
  return fd >= 0;
}

/* ---- Part by part --------------------------------------------------------*/

int torpor__safe_entry(int folder, const char *name, int flags, unsigned mode) {
  int fd;
  do {
    fd = openat(folder, name, all_flags(flags), (mode_t)mode);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

/* Opens the folder 'name' in 'folder', which it closes. */
static int open_part(int folder, const char *name) {
  int part = torpor__safe_entry(folder, name, OPEN_FOLDER, 0);
  close(folder);
  return part;
}

/* As torpor__safe_folder. */
static int walk_to_parent(const char *path, const char **name) {
  char part[NAME_MAX + 1];
  int folder = torpor__safe_entry(AT_FDCWD, "/", OPEN_FOLDER, 0);
  if (folder < 0) return folder;
  for (const char *at = path + 1;; at = *name + 1) {
    size_t size = strcspn(at, "/");
    *name = *at == '\0' ? "." : at;
    if (at[size] == '\0') return folder;
    if (size > NAME_MAX) {
      close(folder);
      return -ENAMETOOLONG;
    }
    memcpy(part, at, size);
    part[size] = '\0';
    folder = open_part(folder, part);
    if (folder < 0) return folder;
    *name = at + size;
  }
}

/* ---- Both ----------------------------------------------------------------*/

/* Where the last part of 'path' begins. */
static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash[1] == '\0' ? "." : slash + 1;
}

int torpor__safe_folder(const char *path, const char **name) {
  char folder[PATH_MAX];
  if (path[0] != '/') return -EINVAL;
  if (!can_open_at_once()) return walk_to_parent(path, name);
  *name = last_part(path);
  size_t size = strcmp(*name, ".") == 0 ? 1 : (size_t)(*name - path);
  if (size >= sizeof(folder)) return -ENAMETOOLONG;
  memcpy(folder, path, size);
  folder[size] = '\0';
  return open_at_once(folder, OPEN_FOLDER, 0);
}

int torpor__safe_open(const char *path, int flags, unsigned mode) {
  if (path[0] != '/') return -EINVAL;
  if (can_open_at_once()) return open_at_once(path, flags, mode);
  const char *name;
  int folder = walk_to_parent(path, &name);
  if (folder < 0) return folder;
  int fd = torpor__safe_entry(folder, name, flags, mode);
  close(folder);
  return fd;
}
