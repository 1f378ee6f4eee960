/* SPDX-License-Identifier: MIT */
/* assertion.h - shows that what test builds assert can fail: each case breaks
 * something in a process of its own, which has to abort. */
#ifndef TORPOR_TEST_ASSERTION_H
#define TORPOR_TEST_ASSERTION_H

#include <stddef.h>

struct test_assertion {
  const char *name;
  void (*break_it)(void);
};

/* Fails the test unless each of 'count' cases aborts. */
void test_assertions_fire(const struct test_assertion *cases, size_t count);

/* Fails the test if 'what' does not end well: nothing is broken in it. */
void test_nothing_fires(void (*what)(void));

#endif
