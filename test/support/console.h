/* SPDX-License-Identifier: MIT */
/* console.h - what a program writes to its console, kept as one text of lines,
 * for tests that compare it. */
#ifndef TORPOR_TEST_CONSOLE_H
#define TORPOR_TEST_CONSOLE_H

#include "vm.h"

/* Zeroed is empty. A struct that is given as 'user' has it as first member. */
struct test_console {
  size_t size;
  char text[8192]; /* ends with NUL */
};

/* torpor_console_fn: a line more. Asserts that there is room. */
void test_console_write(void *console, torpor_level level, const char *text,
                        size_t size);
/* torpor_rejection_fn: the message of what was thrown, as a line. */
void test_console_reject(void *console, torpor_vm *vm, torpor_value reason);
void test_console_clear(struct test_console *console);
/* Asserts that this, and no more, was written since it was empty; then it is
 * empty again. */
void test_console_expect(struct test_console *console, const char *text);

#endif
