/* SPDX-License-Identifier: MIT */
/* native.c - native code of extensions that a run brings with it.
 *
 * The module goes into a file of a folder of its own, for as long as the kit
 * works on it. */
#define _GNU_SOURCE /* mkdtemp */
#include "cli/executable/native.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/executable/kit.h"
#include "cli/exit.h"
#include "cli/text/output.h"
#include "common/file.h"

static const struct cli_kit kit = {"extensions/kit/build.py",
                                   "making native code of an extension",
                                   ", wasm2c and a C compiler"};

static bool write_module(const char *path, const void *module, size_t size) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int failed = file < 0 ? -errno : torpor__file_write(file, module, size, NULL);
  if (file >= 0) close(file);
  if (failed != 0)
    cli_complain("%s cannot be written: %s", path, strerror(-failed));
  return failed == 0;
}

static bool make_from(const char *path) {
  const char *words[] = {"--quiet", "--uninstrumented", path,
#ifdef TORPOR_SOFT_BOUNDS
                         "--soft-bounds",
#endif
                         NULL};
  return cli_kit_run(&kit, words) == CLI_EXIT_DONE;
}

bool cli_native_make(void *user, const void *module, size_t size) {
  const char *temporary = getenv("TMPDIR");
  char folder[PATH_MAX], path[PATH_MAX + 16];
  (void)user;
  if (temporary == NULL || temporary[0] == '\0') temporary = "/tmp";
  int length = snprintf(folder, sizeof(folder), "%s/torpor-XXXXXX", temporary);
  if (length >= (int)sizeof(folder) || mkdtemp(folder) == NULL) {
    cli_complain("no folder for an extension in %s: %s", temporary,
                 strerror(length < (int)sizeof(folder) ? errno : ENAMETOOLONG));
    return false;
  }
  snprintf(path, sizeof(path), "%s/module.wasm", folder);
  bool made = write_module(path, module, size) && make_from(path);
  unlink(path);
  rmdir(folder);
  return made;
}
