/* SPDX-License-Identifier: MIT */
/* install.c - putting an engine's .so into a folder.
 *
 * The .so is made in the folder itself, under a name that nobody looks for:
 * copied, or translated from an engine.wasm by translate.py. Then it is loaded,
 * which tells its id, and renamed. So what has an engine's name is whole. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/executable/kit.h"
#include "cli/install.h"
#include "cli/text/output.h"
#include "common/file.h"

#define SUFFIX ".so"
#define WASM_SUFFIX ".wasm"

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), length = strlen(end);
  return size > length && strcmp(text + size - length, end) == 0;
}

static int complain_file(const char *path) {
  cli_complain("%s: %s", path, strerror(errno));
  return errno == ENOMEM || errno == EMFILE ? CLI_EXIT_HOST : CLI_EXIT_FILE;
}

/* ---- Translating ----------------------------------------------------------*/

static int translate(const struct cli_install *install, const char *out) {
  static const struct cli_kit kit = {
      "engine/translate.py", "translating an engine",
      ", wasm2c (of wabt 1.0.32) and a C compiler"};
  const char *words[8];
  size_t count = 0;
  if (install->quick) words[count++] = "--quick";
#ifdef TORPOR_SOFT_BOUNDS
  words[count++] = "--soft-bounds";
#endif
  words[count++] = "--";
  words[count++] = install->from;
  words[count++] = out;
  words[count] = NULL;
  return cli_kit_run(&kit, words);
}

/* ---- Copying --------------------------------------------------------------*/

static int copy_file(const char *from, int to, const char *path) {
  struct torpor__file_bytes bytes;
  int failure = torpor__file_load(from, SIZE_MAX, &bytes);
  if (failure != 0) {
    errno = -failure;
    return complain_file(from);
  }
  failure = torpor__file_write(to, bytes.data, bytes.size, NULL);
  free(bytes.data);
  errno = -failure;
  return failure == 0 ? CLI_EXIT_DONE : complain_file(path);
}

/* ---- Installing -----------------------------------------------------------*/

/* Makes 'folder' and those around it. */
static bool make_folder(const char *folder) {
  char path[PATH_MAX];
  if (strlen(folder) >= sizeof(path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  strcpy(path, folder);
  for (char *at = path + 1; *at != '\0'; at++) {
    if (*at != '/') continue;
    *at = '\0';
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return false;
    *at = '/';
  }
  return mkdir(path, 0777) == 0 || errno == EEXIST;
}

/* A new empty file in the folder; -1 after saying what is wrong. */
static int open_stage(const char *folder, char path[PATH_MAX]) {
  int file = -1;
  int length = snprintf(path, PATH_MAX, "%s/.engine-XXXXXX" SUFFIX, folder);
  if (length >= PATH_MAX)
    errno = ENAMETOOLONG;
  else if (make_folder(folder))
    file = mkstemps(path, (int)strlen(SUFFIX));
  if (file < 0)
    cli_complain("cannot write to %s: %s; name another folder with --to",
                 folder, strerror(errno));
  return file;
}

/* Gives the file at 'stage', which is whole, the name of its engine. */
static int settle(const char *stage, const struct cli_install *install,
                  char path[PATH_MAX], torpor_engine_info *info) {
  if (torpor_engine_read(stage, info) != TORPOR_OK) {
    cli_complain("%s is not an engine that this Torpor can use: %s",
                 install->from, info->unusable);
    return CLI_EXIT_FILE;
  }
  int length =
      snprintf(path, PATH_MAX, "%s/%s" SUFFIX, install->folder, info->id);
  if (length >= PATH_MAX) errno = ENAMETOOLONG;
  if (length >= PATH_MAX || chmod(stage, 0644) != 0 || rename(stage, path) != 0)
    return complain_file(install->folder);
  info->path = path;
  return CLI_EXIT_DONE;
}

int cli_install(const struct cli_install *install, char path[PATH_MAX],
                torpor_engine_info *info) {
  char stage[PATH_MAX];
  if (access(install->from, R_OK) != 0) return complain_file(install->from);
  int file = open_stage(install->folder, stage);
  if (file < 0) return CLI_EXIT_FILE;
  int code = ends_with(install->from, WASM_SUFFIX)
                 ? translate(install, stage)
                 : copy_file(install->from, file, stage);
  if (close(file) != 0 && code == CLI_EXIT_DONE) code = complain_file(stage);
  if (code == CLI_EXIT_DONE) code = settle(stage, install, path, info);
  if (code != CLI_EXIT_DONE) unlink(stage);
  return code;
}
