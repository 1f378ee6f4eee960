/* SPDX-License-Identifier: MIT */
/* assertion.c - shows that assertions can fail. See assertion.h. */
#include "assertion.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* How a process that does 'what' ends. */
static int run(void (*what)(void)) {
  pid_t child;
  int status;
  fflush(NULL);
  child = fork();
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

void test_assertions_fire(const struct test_assertion *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int status = run(cases[i].break_it);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
      fail_msg("not noticed: %s (%#x)", cases[i].name, (unsigned)status);
  }
}

void test_nothing_fires(void (*what)(void)) {
  assert_int_equal(run(what), 0);
}
