/* SPDX-License-Identifier: MIT */
/* executable.c - making an executable of a bundle.
 *
 * It is linked, where a C compiler is there; else the bundle is put behind a
 * copy of an executable that is installed for that, or of this very command.
 *
 *  (1) The file is made beside its place, under a name that nobody looks for,
 *      and renamed when it is whole. */
#define _GNU_SOURCE
#include "cli/executable/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/program/payload.h"
#include "cli/text/output.h"
#include "common/file.h"

static int complain_file(const char *path, int failure) {
  cli_complain("'%s' cannot be written: %s", path, strerror(failure));
  return failure == ENOMEM || failure == EMFILE ? CLI_EXIT_HOST : CLI_EXIT_FILE;
}

int cli_executable_check(const char *path) {
  struct stat found;
  if (lstat(path, &found) != 0) {
    if (errno == ENOENT) return CLI_EXIT_DONE;
    return complain_file(path, errno);
  }
  if (S_ISREG(found.st_mode)) return CLI_EXIT_DONE;
  cli_complain(
      "'%s' is there and is no regular file, which alone is replaced; "
      "name another with -o",
      path);
  return CLI_EXIT_FILE;
}

/* ---- Behind another executable -------------------------------------------*/

/* Reads what the bundle is put behind. */
static int read_runtime(struct torpor__file_bytes *out) {
  char path[PATH_MAX];
  torpor_bytes other;
  const char *wrong;
  if (!cli_executable_place(CLI_PLACE_RUNTIME, path))
    strcpy(path, "/proc/self/exe");
  int failure = torpor__file_load(path, SIZE_MAX, out);
  if (failure != 0) {
    cli_complain("%s: %s", path, strerror(-failure));
    return failure == -ENOMEM ? CLI_EXIT_HOST : CLI_EXIT_FILE;
  }
  enum cli_payload there = cli_payload_read(path, &other, &wrong);
  torpor_bytes_free(&other);
  if (there == CLI_PAYLOAD_NONE) return CLI_EXIT_DONE;
  cli_complain("%s has a program already: install Torpor again", path);
  return CLI_EXIT_FILE;
}

static int append(const struct cli_executable *executable, int file,
                  const char *draft) {
  struct torpor__file_bytes runtime = {0};
  uint8_t foot[CLI_PAYLOAD_FOOT];
  const torpor_bytes *bundle = executable->bundle;
  int code = read_runtime(&runtime), failure = 0;
  if (code == CLI_EXIT_DONE) {
    cli_payload_foot(bundle->size, foot);
    failure = torpor__file_write(file, runtime.data, runtime.size, NULL);
    if (failure == 0)
      failure = torpor__file_write(file, bundle->data, bundle->size, NULL);
    if (failure == 0)
      failure = torpor__file_write(file, foot, sizeof(foot), NULL);
    if (failure != 0) code = complain_file(draft, -failure);
  }
  free(runtime.data);
  return code;
}

/* ---- Linked, or behind another -------------------------------------------*/

static int fill(const struct cli_executable *executable, int file,
                const char *draft) {
  bool tried = false;
  int code = CLI_EXIT_DONE;
  if (!executable->append) code = cli_link(executable, draft, &tried);
  if (tried) return code;
  if (executable->extern_count == 0) return append(executable, file, draft);
  cli_link_complain(executable->append ? ", and no --append" : "");
  return CLI_EXIT_FILE;
}

/* Gives the draft its name. The linker may have put a new file there. */
static int settle(const struct cli_executable *executable, const char *draft) {
  mode_t mask = umask(0);
  umask(mask);
  int file = open(draft, O_RDONLY | O_CLOEXEC);
  bool good = file >= 0 && fchmod(file, 0777 & ~mask) == 0 && fsync(file) == 0;
  int failure = good ? 0 : errno;
  if (file >= 0) close(file);
  if (failure != 0) return complain_file(draft, failure);
  int code = cli_executable_check(executable->path);
  if (code != CLI_EXIT_DONE) return code;
  if (rename(draft, executable->path) == 0) return CLI_EXIT_DONE;
  return complain_file(executable->path, errno);
}

int cli_executable_make(const struct cli_executable *executable) {
  size_t size = strlen(executable->path) + sizeof(".XXXXXX");
  char *draft = malloc(size);
  if (draft == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  snprintf(draft, size, "%s.XXXXXX", executable->path);
  int file = mkostemp(draft, O_CLOEXEC), code;
  if (file < 0) {
    code = complain_file(executable->path, errno);
  } else {
    code = fill(executable, file, draft);
    if (close(file) != 0 && code == CLI_EXIT_DONE)
      code = complain_file(draft, errno);
    if (code == CLI_EXIT_DONE) code = settle(executable, draft);
    if (code != CLI_EXIT_DONE) unlink(draft);
  }
  free(draft);
  return code;
}
