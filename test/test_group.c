/* SPDX-License-Identifier: MIT */
/* test_group.c - a test program fails with its group's setup and teardown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void passes(void **state) {
  (void)state;
}

static int assert_in_vain(void **state) {
  (void)state;
  assert_true(false);
  return 0;
}

static int give_failure(void **state) {
  (void)state;
  return 1;
}

/* What this program does with an argument: runs a group that must fail. */
static int run_group(const char *how) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(passes)};
  CMFixtureFunction fails = how[0] == 'a' ? assert_in_vain : give_failure;
  if (strcmp(how + 1, "none") == 0)
    return cmocka_run_group_tests(tests, NULL, NULL);
  return strcmp(how + 1, "setup") == 0
             ? cmocka_run_group_tests(tests, fails, NULL)
             : cmocka_run_group_tests(tests, NULL, fails);
}

static int exit_code_of(const char *how) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    execl("/proc/self/exe", "test_group", how, (char *)NULL);
    _exit(127);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void groups_fail_with_their_fixtures(void **state) {
  (void)state;
  assert_int_equal(exit_code_of(" none"), 0);
  assert_int_not_equal(exit_code_of("asetup"), 0);
  assert_int_not_equal(exit_code_of("gsetup"), 0);
  assert_int_not_equal(exit_code_of("ateardown"), 0);
  assert_int_not_equal(exit_code_of("gteardown"), 0);
}

int main(int count, char **words) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(groups_fail_with_their_fixtures),
  };
  return count > 1 ? run_group(words[1])
                   : cmocka_run_group_tests(tests, NULL, NULL);
}
