/* SPDX-License-Identifier: MIT */
/* whole.c - files that a command reads or writes whole.
 *
 * A file is written under another name beside it, synced, and renamed; so it is
 * never seen half written, and stays as it was when anything fails. One that is
 * replaced hands its mode on; through a link the file it leads to is replaced,
 * and a device or a pipe is written to as it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whole.h"

/* No snapshot is larger than its VM's memory and what describes it. */
#define SIZE_LARGEST ((size_t)TORPOR_MEMORY_LARGEST + ((size_t)512 << 20))
enum { PART_SIZE = 1 << 16 };

/* ---- Reading -------------------------------------------------------------*/

/* Makes room for another part behind what is there. */
static bool grow(torpor_bytes *bytes, size_t *capacity) {
  if (*capacity - bytes->size >= PART_SIZE) return true;
  size_t larger = 2 * *capacity + PART_SIZE;
  uint8_t *grown = realloc(bytes->data, larger);
  if (grown == NULL) return false;
  bytes->data = grown;
  *capacity = larger;
  return true;
}

static int fail_read(const char *path, const char *why, torpor_bytes *out) {
  cli_complain("'%s' cannot be read: %s", path, why);
  free(out->data);
  *out = (torpor_bytes){NULL, 0};
  return CLI_EXIT_FILE;
}

int cli_whole_read(const char *path, torpor_bytes *out) {
  bool is_input = strcmp(path, "-") == 0;
  size_t capacity = 0;
  ssize_t got;
  *out = (torpor_bytes){NULL, 0};
  int file = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail_read(path, strerror(errno), out);
  do {
    if (!grow(out, &capacity)) {
      got = -1;
      errno = ENOMEM;
      break;
    }
    got = read(file, out->data + out->size, PART_SIZE);
    if (got > 0) out->size += (size_t)got;
  } while ((got > 0 && out->size <= SIZE_LARGEST) ||
           (got < 0 && errno == EINTR));
  int failure = errno;
  if (!is_input) close(file);
  if (got < 0) return fail_read(path, strerror(failure), out);
  if (out->size > SIZE_LARGEST) return fail_read(path, "it is too large", out);
  return CLI_EXIT_DONE;
}

/* ---- Writing -------------------------------------------------------------*/

static bool write_all(int file, const torpor_bytes *bytes) {
  for (size_t at = 0; at < bytes->size;) {
    ssize_t done = write(file, bytes->data + at, bytes->size - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    at += (size_t)done;
  }
  return true;
}

static bool is_output(const char *path) {
  return path == NULL || strcmp(path, "-") == 0;
}

int cli_whole_check(const char *path) {
  if (!is_output(path) || !isatty(STDOUT_FILENO)) return CLI_EXIT_DONE;
  cli_complain(
      "a snapshot is no text, and standard output is a terminal; write it to a "
      "file with '> FILE' or '-o FILE'");
  return CLI_EXIT_USAGE;
}

static int write_output(const torpor_bytes *bytes) {
  if (write_all(STDOUT_FILENO, bytes)) return CLI_EXIT_DONE;
  if (errno == EPIPE) return CLI_EXIT_PIPE;
  cli_complain("writing output: %s", strerror(errno));
  return CLI_EXIT_FILE;
}

/* Where a file is to be written, as 'path' says it. */
struct target {
  char *path;  /* without links; from malloc */
  mode_t mode; /* of the file that will be there */
  bool stream; /* a device or a pipe: nothing that could be replaced */
};

/* False with errno. */
static bool find_target(const char *path, struct target *out) {
  struct stat found;
  mode_t mask = umask(0);
  umask(mask);
  *out = (struct target){.mode = 0666 & ~mask};
  if (lstat(path, &found) != 0) {
    out->path = errno == ENOENT ? strdup(path) : NULL;
    return out->path != NULL;
  }
  out->path = realpath(path, NULL);
  if (out->path == NULL || stat(out->path, &found) != 0) return false;
  out->mode = found.st_mode & 0777;
  out->stream = !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
  return true;
}

static bool write_stream(const struct target *target,
                         const torpor_bytes *bytes) {
  int file = open(target->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return false;
  bool good = write_all(file, bytes);
  int failure = errno;
  if (close(file) != 0 && good) return false;
  errno = failure;
  return good;
}

/* Fills 'file', which was just made, closes it, and gives it its name. */
static bool finish_draft(int file, const char *draft,
                         const struct target *target,
                         const torpor_bytes *bytes) {
  bool good = write_all(file, bytes) && fchmod(file, target->mode) == 0 &&
              fsync(file) == 0;
  int failure = good ? 0 : errno;
  if (close(file) != 0 && failure == 0) failure = errno;
  if (failure == 0 && rename(draft, target->path) == 0) return true;
  if (failure == 0) failure = errno;
  unlink(draft);
  errno = failure;
  return false;
}

static bool replace_file(const struct target *target,
                         const torpor_bytes *bytes) {
  size_t size = strlen(target->path) + sizeof(".XXXXXX");
  char *draft = malloc(size);
  if (draft == NULL) return false;
  snprintf(draft, size, "%s.XXXXXX", target->path);
  int file = mkstemp(draft);
  bool good = file >= 0 && finish_draft(file, draft, target, bytes);
  int failure = errno;
  free(draft);
  errno = failure;
  return good;
}

int cli_whole_write(const char *path, const torpor_bytes *bytes) {
  struct target target;
  if (is_output(path)) return write_output(bytes);
  bool good = find_target(path, &target) &&
              (target.stream ? write_stream : replace_file)(&target, bytes);
  if (!good) cli_complain("'%s' cannot be written: %s", path, strerror(errno));
  free(target.path);
  return good ? CLI_EXIT_DONE : CLI_EXIT_FILE;
}
