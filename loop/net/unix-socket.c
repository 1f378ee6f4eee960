/* SPDX-License-Identifier: MIT */
/* unix-socket.c - sockets in the file system. See unix-socket.h.
 *
 * No state; any thread. */
#define _GNU_SOURCE /* O_PATH, SOCK_CLOEXEC */
#include "loop/net/unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/safe-open.h"

static int make_socket(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

/* The address of what is open as 'fd'; of 'name' in it, unless that is NULL.
 * False: the name is too long. */
static bool make_address(int fd, const char *name, struct sockaddr_un *out) {
  *out = (struct sockaddr_un){.sun_family = AF_UNIX};
  int size = snprintf(out->sun_path, sizeof(out->sun_path),
                      name == NULL ? "/proc/self/fd/%d" : "/proc/self/fd/%d/%s",
                      fd, name);
  return size > 0 && (size_t)size < sizeof(out->sun_path);
}

/* Connects a new socket to the one that is open (O_PATH) as 'target'. */
static int connect_to(int target) {
  struct sockaddr_un address;
  int fd = make_socket();
  if (fd < 0) return fd;
  make_address(target, NULL, &address);
  int failure;
  do {
    failure = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0
                  ? 0
                  : -errno;
  } while (failure == -EINTR);
  if (failure == 0) return fd;
  close(fd);
  return failure;
}

int torpor__unix_connect(const char *path) {
  struct stat found;
  int target = torpor__safe_open(path, O_PATH, 0);
  if (target < 0) return target;
  int fd = fstat(target, &found) == 0 && S_ISSOCK(found.st_mode)
               ? connect_to(target)
               : -ENOTSOCK;
  close(target);
  return fd;
}

/* Whether 'name' is a socket at which nobody listens. */
static bool is_left(int folder, const char *name) {
  struct stat found;
  int target = torpor__safe_entry(folder, name, O_PATH, 0);
  if (target < 0) return false;
  bool left = false;
  if (fstat(target, &found) == 0 && S_ISSOCK(found.st_mode)) {
    int fd = connect_to(target);
    left = fd == -ECONNREFUSED;
    if (fd >= 0) close(fd);
  }
  close(target);
  return left;
}

static int bind_name(int fd, const struct torpor__unix_name *name) {
  struct sockaddr_un address;
  if (!make_address(name->folder, name->name, &address)) return -ENAMETOOLONG;
  const struct sockaddr *any = (struct sockaddr *)&address;
  if (bind(fd, any, sizeof(address)) == 0) return 0;
  if (errno != EADDRINUSE || !is_left(name->folder, name->name)) return -errno;
  if (unlinkat(name->folder, name->name, 0) != 0) return -errno;
  return bind(fd, any, sizeof(address)) == 0 ? 0 : -errno;
}

int torpor__unix_bind(const char *path, struct torpor__unix_name *out) {
  const char *name;
  struct stat made;
  *out = (struct torpor__unix_name){.folder = torpor__safe_folder(path, &name)};
  if (out->folder < 0) return out->folder;
  out->name = strdup(name);
  int fd = out->name == NULL ? -ENOMEM : make_socket();
  if (fd < 0) return fd;
  int failure = bind_name(fd, out);
  if (failure != 0) {
    close(fd);
    return failure;
  }
  if (fstatat(out->folder, out->name, &made, AT_SYMLINK_NOFOLLOW) == 0) {
    out->device = made.st_dev;
    out->inode = made.st_ino;
  }
  return fd;
}

void torpor__unix_remove(struct torpor__unix_name *name) {
  struct stat found;
  if (name->folder < 0) return;
  if (name->name != NULL && name->inode != 0 &&
      fstatat(name->folder, name->name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
      found.st_dev == name->device && found.st_ino == name->inode)
    unlinkat(name->folder, name->name, 0);
  close(name->folder);
  free(name->name);
  *name = (struct torpor__unix_name){.folder = -1};
}
