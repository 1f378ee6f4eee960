/* SPDX-License-Identifier: MIT */
/* case-sleep.h - the ways in which a VM is put away and another one taken in
 * its place, for cases: none may be noticed by the program. */
#ifndef TORPOR_TEST_CASE_SLEEP_H
#define TORPOR_TEST_CASE_SLEEP_H

#include "case.h"

enum { TEST_LINKS_MAX = 60 };

typedef struct test_sleeper {
  test_way way;
  uint64_t sleeps;
  torpor_bytes
      links[TEST_LINKS_MAX]; /* CHAIN, BASE: a whole one, differences */
  size_t count;
  torpor_base *base; /* of the first link */
} test_sleeper;

/* The first boundary: what later differences are from. Returns NULL, or what
 * went wrong. */
const char *test_sleeper_begin(test_sleeper *sleeper, torpor_vm *vm);

/* Replaces '*vm' by one of the same state, opened with 'options'. As above; the
 * new VM has no host functions yet. */
const char *test_sleeper_sleep(test_sleeper *sleeper, torpor_vm **vm,
                               const torpor_options *options);
void test_sleeper_free(test_sleeper *sleeper);

#endif
