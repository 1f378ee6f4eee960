/* SPDX-License-Identifier: MIT */
/* spawn.c - running another program, and waiting for it. */
#include "cli/executable/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>

#include "cli/exit.h"

extern char **environ;

/* Waits for a child that says for itself what goes wrong; Ctrl-C is its. */
static int wait_for(pid_t child) {
  int state;
  while (waitpid(child, &state, 0) < 0)
    if (errno != EINTR) return CLI_EXIT_HOST;
  if (WIFSIGNALED(state)) return 128 + WTERMSIG(state);
  if (WEXITSTATUS(state) == CLI_EXIT_STOPPED) return CLI_EXIT_STOPPED;
  return WEXITSTATUS(state) == 0 ? CLI_EXIT_DONE : CLI_EXIT_FILE;
}

int cli_spawn(const char *const *words, int *failed) {
  posix_spawnattr_t attributes;
  sigset_t given;
  pid_t child;
  *failed = 0;
  sigemptyset(&given);
  sigaddset(&given, SIGINT);
  sigaddset(&given, SIGPIPE);
  sigaddset(&given, SIGXFSZ);
  if (posix_spawnattr_init(&attributes) != 0) return CLI_EXIT_HOST;
  posix_spawnattr_setsigdefault(&attributes, &given);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  void (*former)(int) = signal(SIGINT, SIG_IGN);
  *failed = posix_spawnp(&child, words[0], NULL, &attributes,
                         (char *const *)words, environ);
  int code = *failed == 0 ? wait_for(child) : CLI_EXIT_FILE;
  signal(SIGINT, former);
  posix_spawnattr_destroy(&attributes);
  return code;
}
