/* SPDX-License-Identifier: MIT */
/* case.h - the cases of test/cases/ for a host in C.
 *
 * case.c reads what a case says of itself, case-run.c runs it on virtual time,
 * also with sleeping and waking in between. test/cases/README.md is the
 * contract, for other hosts too. Only include/torpor.h is used.
 *
 * One thread. Running out of memory ends the test program. */
#ifndef TORPOR_TEST_CASE_H
#define TORPOR_TEST_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

/* Text that grows; always ends with a zero byte once something was added. */
typedef struct test_text {
  char *data;
  size_t size, capacity;
} test_text;

void test_text_add(test_text *text, const char *data, size_t size);
void test_text_print(test_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void test_text_free(test_text *text);

/* How a case ends. */
#define TEST_EXIT_LIST(X)                                                      \
  X(DONE, "done")                                                              \
  X(THROWN, "thrown")                                                          \
  X(INTERRUPTED, "interrupted")                                                \
  X(TRAPPED, "trapped")                                                        \
  X(DEADLOCK, "deadlock")

typedef enum test_exit {
#define X(name, text) TEST_EXIT_##name,
  TEST_EXIT_LIST(X)
#undef X
} test_exit;

const char *test_exit_name(test_exit exit);

/* A signal that arrives 'at' milliseconds after the start. */
typedef struct test_signal {
  double at;
  char *name;
  char *json;
} test_signal;

/* A file that the program may read. */
typedef struct test_file {
  char *path;
  test_text bytes;
} test_file;

typedef struct test_case {
  char *folder; /* where imports are looked up */
  char *file;   /* name in that folder */
  test_text source;
  bool is_module;
  bool is_exact;      /* false: where it ends depends on real time */
  test_text expected; /* lines, each with its end */
  test_text error;    /* each line must be found in the error */
  test_exit exit;
  uint64_t fuel, memory, deadline;
  char *input;          /* JSON or NULL */
  test_signal *signals; /* in order of time */
  size_t signal_count;
  test_file *files;
  size_t file_count;
} test_case;

/* Reads 'file' of 'folder'. Returns NULL, or what is wrong with it. */
const char *test_case_load(const char *folder, const char *file,
                           test_case *out);
void test_case_free(test_case *test);

/* How a VM is put away and another one taken in its place; case-sleep.c. */
#define TEST_WAY_LIST(X)                                                       \
  X(WHOLE, "whole")                                                            \
  X(MAPPED, "into mapped memory")                                              \
  X(CHAIN, "in a chain of differences")                                        \
  X(BASE, "from a base")                                                       \
  X(FORK, "as a copy")

typedef enum test_way {
#define X(name, text) TEST_WAY_##name,
  TEST_WAY_LIST(X)
#undef X
} test_way;

#define X(name, text) +1
enum { TEST_WAY_COUNT = TEST_WAY_LIST(X) };
#undef X

const char *test_way_name(test_way way);

/* When a run sleeps and wakes. Boundaries are the moments between jobs and
 * before results, counted from 0. */
typedef struct test_plan {
  enum { TEST_SLEEP_NEVER, TEST_SLEEP_ONCE, TEST_SLEEP_EVERY } sleep;
  uint64_t boundary; /* ONCE: at this one; EVERY: at its multiples */
  test_way way;
} test_plan;

typedef struct test_result {
  test_exit exit;
  test_text output; /* as in test_case.expected */
  test_text error;  /* name, message and stack, or why it was stopped */
  uint64_t boundaries;
  torpor_bytes final; /* snapshot at the end; empty after a trap */
} test_result;

/* Runs 'test'. Returns NULL, or which call of the host's failed. */
const char *test_case_run(const test_case *test, test_plan plan,
                          test_result *out);
void test_result_free(test_result *result);

#endif
