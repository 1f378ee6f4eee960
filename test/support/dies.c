/* SPDX-License-Identifier: MIT */
/* dies.c - code that is to abort, in a process of its own. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/dies.h"

int test_fork(void (*what)(void)) {
  int status;
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL); /* cmocka's is to fail the test */
    if (!freopen("/dev/null", "w", stderr)) _exit(2);
    what();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

void test_assert_dies(const struct test_dies *what) {
  int status = test_fork(what->run);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
    fail_msg("not noticed: %s (%#x)", what->name, (unsigned)status);
}
