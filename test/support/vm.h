/* SPDX-License-Identifier: MIT */
/* vm.h - what tests of libtorpor share.
 *
 * A group of tests runs between test_vm_setup and test_vm_teardown; the latter
 * asserts that nothing is left: no block of the host's heap, no VM in use. The
 * helpers below assert that what they do succeeds. */
#ifndef TORPOR_TEST_VM_H
#define TORPOR_TEST_VM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "torpor.h"

/* Takes seconds within the engine and looks at no deadline: what is declared
 * in one function is compared with all that was declared before. To be run
 * with a deadline that making the text of it, some milliseconds, does not
 * reach. */
#define TEST_LONG_BUILTIN                                                      \
  "eval('let a' + Object.keys('x'.repeat(3e4)).join(';let a'))"

int test_vm_setup(void **state);
int test_vm_teardown(void **state);

/* Asserts that 'status' is 'expected', and shows the VM's sentence if not. */
#define test_status(vm, status, expected)                                      \
  test_status_at((vm), (status), (expected), __FILE__, __LINE__)
#define test_ok(vm, status) test_status((vm), (status), TORPOR_OK)
void test_status_at(const torpor_vm *vm, torpor_status status,
                    torpor_status expected, const char *file, int line);

torpor_vm *test_vm_open(const torpor_options *options);

/* Evaluates a script named "test.js". */
torpor_value test_eval(torpor_vm *vm, const char *source);
/* Evaluates a module named "main.mjs" and runs its jobs. */
torpor_value test_eval_module(torpor_vm *vm, const char *source);
double test_eval_number(torpor_vm *vm, const char *source);
/* Asserts that String(result) is 'expected'. */
void test_eval_is(torpor_vm *vm, const char *source, const char *expected);
/* Makes 'value' the global v, and asserts what String('source') is. */
void test_is(torpor_vm *vm, torpor_value value, const char *source,
             const char *expected);
/* Asserts that the VM's last sentence has 'words' in it. */
void test_says(const torpor_vm *vm, const char *words);
/* Asserts that 'string' is 'expected'. */
void test_text_is(torpor_vm *vm, torpor_value string, const char *expected);
/* Evaluates and gives the status; the exception is dropped. */
torpor_status test_eval_status(torpor_vm *vm, const char *source);

/* Does what a hostile program does first: from here on nothing that a program
 * can replace can be relied on. What uses it all the same throws, and sets the
 * global 'touched'. */
void test_turn_hostile(torpor_vm *vm);

/* Runs all jobs. */
void test_run_jobs(torpor_vm *vm);
/* Restores with 'options' (NULL: none). */
torpor_vm *test_restore(const torpor_bytes *snapshot,
                        const torpor_options *options);
torpor_bytes test_save(torpor_vm *vm);
/* What a VM that ran 'source' is asleep. */
torpor_bytes test_save_after(const char *source);

/* A generator of numbers that is the same everywhere. */
typedef struct test_random {
  uint64_t state;
} test_random;
uint64_t test_random_next(test_random *random);

/* The number in environment variable 'name', else 'quick', or 'full' in the
 * full tier. */
unsigned test_count(const char *name, unsigned quick, unsigned full);

#endif
