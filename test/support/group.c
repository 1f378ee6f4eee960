/* SPDX-License-Identifier: MIT */
/* group.c - a group of tests whose setup or teardown fails has failed.
 *
 * cmocka prints what a group's teardown asserts in vain, and does not count
 * it. So this stands before its function that runs a group (the linker's
 * --wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static CMFixtureFunction given_setup, given_teardown;
static bool failed;

/* An assertion that fails does not come back from 'fixture'. */
static int run_fixture(CMFixtureFunction fixture, void **state) {
  if (fixture == NULL) return 0;
  bool before = failed;
  failed = true;
  int code = fixture(state);
  failed = before || code != 0;
  return code;
}

static int set_up(void **state) {
  return run_fixture(given_setup, state);
}

static int tear_down(void **state) {
  return run_fixture(given_teardown, state);
}

int __real__cmocka_run_group_tests(const char *name,
                                   const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup,
                                   CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name,
                                   const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup,
                                   CMFixtureFunction teardown);

int __wrap__cmocka_run_group_tests(const char *name,
                                   const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup,
                                   CMFixtureFunction teardown) {
  given_setup = setup;
  given_teardown = teardown;
  failed = false;
  int failures =
      __real__cmocka_run_group_tests(name, tests, count, set_up, tear_down);
  return failures + failed;
}
