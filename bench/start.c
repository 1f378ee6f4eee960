/* SPDX-License-Identifier: MIT */
/* start.c - how long a command takes from its start to its end, and the most
 * memory that it has.
 *
 *   bench-start MILLISECONDS VERSION COMMAND...
 *
 * The command must print "hello" and end with 0. Prints milliseconds (see
 * probe.h), and the most resident memory in KB as "memory". This program is
 * small, so that what the system counts of it before the command begins does
 * not matter. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/probe.h"

extern char **environ;

struct start {
  char **words;
  long memory; /* KB, the most of all starts */
};

/* Whether all that comes out of 'from' is the line "hello". */
static bool says_hello(int from) {
  static const char hello[] = "hello\n";
  char text[64];
  size_t size = 0;
  ssize_t part;
  while (size < sizeof text &&
         (part = read(from, text + size, sizeof text - size)) > 0)
    size += (size_t)part;
  return size == sizeof hello - 1 && memcmp(text, hello, size) == 0;
}

/* probe_work_fn */
static bool start_once(void *data) {
  struct start *start = data;
  struct rusage usage;
  posix_spawn_file_actions_t actions;
  pid_t child;
  int ends[2], status;
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  int failed = posix_spawnp(&child, start->words[0], &actions, NULL,
                            start->words, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  bool good = failed == 0 && says_hello(ends[0]);
  close(ends[0]);
  if (failed != 0 || wait4(child, &status, 0, &usage) < 0) return false;
  if (usage.ru_maxrss > start->memory) start->memory = usage.ru_maxrss;
  return good && status == 0;
}

int main(int count, char **args) {
  struct probe probe = {0};
  if (count < 4)
    probe_fail("usage: bench-start MILLISECONDS VERSION COMMAND...");
  struct start start = {.words = args + 3};
  if (!probe_repeat(&probe, strtod(args[1], NULL), start_once, &start))
    probe_fail("%s did not print hello, or failed", args[3]);
  for (size_t i = 0; i < probe.count; i++) probe.samples[i] /= 1000;
  probe_note(&probe, "memory", (double)start.memory);
  return probe_print(&probe, "ms", "hello", args[2]);
}
