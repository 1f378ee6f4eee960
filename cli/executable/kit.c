/* SPDX-License-Identifier: MIT */
/* kit.c - running the Python programs that are installed with the command. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/executable/kit.h"
#include "cli/executable/spawn.h"
#include "cli/exit.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"

/* Where share/torpor is, from the folder of the program: once installed, and in
 * the build folder. */
static const char *const places[] = {"../share/torpor", "share/torpor"};

/* Python without what the environment or the user's home adds, which writes no
 * compiled files beside the program. */
static const char *const python[] = {"python3", "-E", "-s", "-B"};

enum { PYTHON = sizeof(python) / sizeof(*python) };

/* Where the program lies; false: nowhere. */
static bool find_program(const char *program, char path[PATH_MAX]) {
  char own[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
  own[size > 0 ? size : 0] = '\0';
  char *slash = strrchr(own, '/');
  if (slash == NULL) return false;
  *slash = '\0';
  for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
    int length = snprintf(path, PATH_MAX, "%s/%s/%s", own, places[i], program);
    if (length < PATH_MAX && access(path, R_OK) == 0) return true;
  }
  return false;
}

static int run_python(const struct cli_kit *kit, const char **words) {
  int failed = 0, code = cli_spawn(words, &failed);
  if (failed != 0)
    cli_complain("%s needs python3%s; python3: %s", kit->work, kit->needs,
                 strerror(failed));
  return code;
}

int cli_kit_run(const struct cli_kit *kit, const char *const *words) {
  char path[PATH_MAX];
  size_t count = 0;
  if (!find_program(kit->program, path)) {
    cli_complain(
        "%s is not installed with this command: there is no "
        "share/torpor/%s beside it",
        kit->work, kit->program);
    return CLI_EXIT_FILE;
  }
  while (words[count] != NULL) count++;
  const char **all = calloc(PYTHON + count + 2, sizeof(*all));
  if (all == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  memcpy(all, python, sizeof(python));
  all[PYTHON] = path;
  memcpy(all + PYTHON + 1, words, count * sizeof(*words));
  if (!cli_output_flush()) {
    free(all);
    return CLI_EXIT_PIPE;
  }
  cli_progress(kit->work, "");
  int code = run_python(kit, all);
  free(all);
  return code;
}
