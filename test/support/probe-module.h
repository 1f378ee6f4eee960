/* SPDX-License-Identifier: MIT */
/* probe-module.h - a C module with one of everything, for tests.
 *
 *   add(a, b), default, promised   functions; the last is async
 *   later(), settle(v), reject(v)  a promise, and what settles it
 *   never()                        one that nobody settles
 *   squared(n)                     by a thread: n * n; below zero a RangeError
 *                                  with code "NEG", of 0 no answer
 *   readable(fd, how)              a promise of a byte; how: 1 thrown, 2 failed
 *   watch(fd, f), take(), unwatch()   a descriptor: f(events), a byte of it
 *   Box, Lasting                   classes with 'id'; Lasting has 'restore'
 *   answer, text, list             42, "grüße", [1, 2, 3] */
#ifndef TORPOR_TEST_PROBE_MODULE_H
#define TORPOR_TEST_PROBE_MODULE_H

#include "torpor-module.h"

/* What has happened, of all instances of the module. */
struct test_probe_counts {
  int started, finalized;
  int cancelled; /* of never() */
  int given_up;  /* of squared() */
  int made;      /* values of 'list' */
  int boxes;     /* that live */
};
extern struct test_probe_counts test_probe;

/* Its torpor_module_init, and what it starts with. */
const torpor_module_def *torpor_module_init_probe(void);
torpor_status test_probe_start(torpor_module *module);
/* A host function of it. */
torpor_status test_probe_add(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user);
/* Waits for its threads. */
void test_probe_join(void);

#endif
