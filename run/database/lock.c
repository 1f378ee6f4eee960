/* SPDX-License-Identifier: MIT */
/* lock.c - locks between processes, by open file descriptions. See lock.h.
 *
 * Any thread, one at a time. */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include "run/database/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/fault.h"

int torpor__lock_open(const char *path) {
  return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
}

int torpor__lock_look(const char *path) {
  return open(path, O_RDONLY | O_CLOEXEC);
}

void torpor__lock_close(int file) {
  if (file >= 0) close(file);
}

static struct flock describe(int64_t place, short type) {
  return (struct flock){
      .l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
}

int torpor__lock_take(int file, int64_t place, bool shared) {
  if (TORPOR__BROKEN(NO_LOCK) && !shared) return 0;
  struct flock lock = describe(place, shared ? F_RDLCK : F_WRLCK);
  if (fcntl(file, F_OFD_SETLK, &lock) == 0) return 0;
  if (errno == EACCES) errno = EAGAIN;
  return -1;
}

void torpor__lock_drop(int file, int64_t place) {
  struct flock lock = describe(place, F_UNLCK);
  fcntl(file, F_OFD_SETLK, &lock);
}

/* Where that fails they find out by looking now and then. */
void torpor__lock_touch(int file) {
  futimens(file, NULL);
}

bool torpor__lock_taken(int file, int64_t place) {
  struct flock lock = describe(place, F_WRLCK);
  return fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
