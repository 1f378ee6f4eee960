/* SPDX-License-Identifier: MIT */
/* kit.c - running the Python programs that are installed with the command. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit.h"
#include "kit.h"
#include "output.h"

extern char **environ;

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

/* Waits for a child that says for itself what goes wrong; Ctrl-C is its. */
static int wait_for(pid_t child) {
  int state;
  while (waitpid(child, &state, 0) < 0)
    if (errno != EINTR) return CLI_EXIT_HOST;
  if (WIFSIGNALED(state)) return 128 + WTERMSIG(state);
  if (WEXITSTATUS(state) == CLI_EXIT_STOPPED) return CLI_EXIT_STOPPED;
  return WEXITSTATUS(state) == 0 ? CLI_EXIT_DONE : CLI_EXIT_FILE;
}

static int run_python(const struct cli_kit *kit, const char **words) {
  posix_spawnattr_t attributes;
  sigset_t given;
  pid_t child;
  sigemptyset(&given);
  sigaddset(&given, SIGINT);
  sigaddset(&given, SIGPIPE);
  if (posix_spawnattr_init(&attributes) != 0) return CLI_EXIT_HOST;
  posix_spawnattr_setsigdefault(&attributes, &given);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  void (*former)(int) = signal(SIGINT, SIG_IGN);
  int failed = posix_spawnp(&child, words[0], NULL, &attributes, (char **)words,
                            environ);
  int code = CLI_EXIT_FILE;
  if (failed == 0) {
    code = wait_for(child);
  } else {
    cli_complain("%s needs python3%s; python3: %s", kit->work, kit->needs,
                 strerror(failed));
  }
  signal(SIGINT, former);
  posix_spawnattr_destroy(&attributes);
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
  int code = run_python(kit, all);
  free(all);
  return code;
}
