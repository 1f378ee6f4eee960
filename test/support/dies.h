/* SPDX-License-Identifier: MIT */
/* dies.h - code that is to abort, in a process of its own. */
#ifndef TORPOR_TEST_DIES_H
#define TORPOR_TEST_DIES_H

#include "test/support/vm.h"

struct test_dies {
  const char *name; /* of what is wrong */
  void (*run)(void);
};

/* How a process that does 'what' ends, as waitpid says; 0: it returned. */
int test_fork(void (*what)(void));

/* Fails unless an assertion ends what 'what' runs. */
void test_assert_dies(const struct test_dies *what);

#endif
