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

#include "cli/text/output.h"
#include "cli/text/whole.h"
#include "common/file.h"

/* No snapshot is larger than its VM's memory and what describes it. */
#define SIZE_LARGEST ((size_t)TORPOR_MEMORY_LARGEST + ((size_t)512 << 20))

/* ---- Reading -------------------------------------------------------------*/

static int fail_read(const char *path, int failure) {
  cli_complain("'%s' cannot be read: %s", path,
               failure == TORPOR__FILE_LARGE ? "it is too large"
                                             : strerror(-failure));
  return CLI_EXIT_FILE;
}

int cli_whole_read(const char *path, torpor_bytes *out) {
  struct torpor__file_bytes bytes = {0};
  int failure =
      strcmp(path, "-") == 0
          ? torpor__file_read(STDIN_FILENO, SIZE_LARGEST, NULL, &bytes)
          : torpor__file_load(path, SIZE_LARGEST, &bytes);
  if (failure != 0) {
    free(bytes.data);
    bytes = (struct torpor__file_bytes){0};
  }
  *out = (torpor_bytes){bytes.data, bytes.size};
  return failure == 0 ? CLI_EXIT_DONE : fail_read(path, failure);
}

/* ---- Writing -------------------------------------------------------------*/

/* False with errno. */
static bool write_all(int file, const torpor_bytes *bytes) {
  int failure = torpor__file_write(file, bytes->data, bytes->size, NULL);
  errno = -failure;
  return failure == 0;
}

static bool is_output(const char *path) {
  return path == NULL || strcmp(path, "-") == 0;
}

int cli_whole_check(const char *path) {
  if (!is_output(path) || !isatty(STDOUT_FILENO)) return CLI_EXIT_DONE;
  cli_complain(
      "a snapshot is binary, and standard output is a terminal; write it to a "
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
