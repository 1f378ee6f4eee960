/* SPDX-License-Identifier: MIT */
/* disk-remove.c - removing files and folders. See disk-verbs.h.
 *
 * A folder is emptied from within: it is opened without following a link, and
 * what is in it is removed by name in what was opened. So whatever others put
 * in the place of a folder meanwhile, nothing outside of it is removed.
 *
 * No state; any thread. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/files/disk-verbs.h"
#include "loop/loop.h"
#include "loop/safe-open.h"

enum { DEPTH_MAX = 256 /* of folders in folders; each is open meanwhile */ };

struct removal {
  const atomic_bool *cancelled;
  char path[2 * PATH_MAX]; /* of what is removed; for reservations only */
  size_t size;
};

static int empty_folder(struct removal *removal, int fd, int depth);

/* Whether the file, whose path is in 'removal', must stay. */
static bool is_reserved(const struct removal *removal, int folder,
                        const char *name) {
  struct stat found;
  return fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(found.st_mode) && torpor__access_reserved(removal->path);
}

/* Removes the folder 'name' in 'folder' with all that is in it. */
static int remove_folder(struct removal *removal, int folder, const char *name,
                         int depth) {
  if (depth >= DEPTH_MAX) return -ENAMETOOLONG;
  int fd =
      torpor__safe_entry(folder, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
  if (fd < 0) return fd;
  int failure = empty_folder(removal, fd, depth + 1);
  if (failure == 0 && unlinkat(folder, name, AT_REMOVEDIR) != 0)
    failure = -errno;
  return failure;
}

static int remove_entry(struct removal *removal, int folder, const char *name,
                        int depth) {
  if (is_reserved(removal, folder, name)) return -EACCES;
  if (unlinkat(folder, name, 0) == 0) return 0;
  /* For a folder, Linux says EISDIR; POSIX EPERM. */
  if (errno != EISDIR && errno != EPERM) return -errno;
  int failure = -errno;
  int done = remove_folder(removal, folder, name, depth);
  return done == -ENOTDIR ? failure : done;
}

/* Removes all that is in the folder 'fd', which it closes. */
static int empty_folder(struct removal *removal, int fd, int depth) {
  DIR *folder = fdopendir(fd);
  const struct dirent *entry;
  int failure = 0, found;
  size_t size = removal->size;
  if (folder == NULL) {
    failure = -errno;
    close(fd);
    return failure;
  }
  while (failure == 0 && (found = torpor__disk_next(folder, &entry)) != 0) {
    if (found < 0) failure = found;
    if (failure == 0 && atomic_load(removal->cancelled)) failure = -ECANCELED;
    if (failure != 0) break;
    size_t more = strlen(entry->d_name) + 1;
    if (size + more >= sizeof(removal->path)) failure = -ENAMETOOLONG;
    if (failure != 0) break;
    snprintf(removal->path + size, sizeof(removal->path) - size, "/%s",
             entry->d_name);
    removal->size = size + more;
    failure = remove_entry(removal, dirfd(folder), entry->d_name, depth);
    if (failure == -ENOENT) failure = 0; /* somebody else was faster */
    removal->path[size] = '\0';
    removal->size = size;
  }
  closedir(folder);
  return failure;
}

int torpor__disk_remove(const char *path, bool recursive,
                        const atomic_bool *cancelled) {
  static const atomic_bool never = false;
  struct removal removal = {.cancelled =
                                cancelled == NULL ? &never : cancelled};
  const char *name;
  int folder = torpor__safe_folder(path, &name);
  if (folder < 0) return folder;
  removal.size = strlen(path);
  memcpy(removal.path, path, removal.size + 1);
  int failure = 0;
  if (strcmp(name, ".") == 0) {
    failure = -EBUSY; /* the root */
  } else if (recursive) {
    failure = remove_entry(&removal, folder, name, 0);
  } else if (unlinkat(folder, name, 0) != 0) {
    failure = -errno;
    if ((failure == -EISDIR || failure == -EPERM) &&
        unlinkat(folder, name, AT_REMOVEDIR) == 0)
      failure = 0;
    else if (failure == -EISDIR)
      failure = -errno;
  }
  close(folder);
  return failure;
}
