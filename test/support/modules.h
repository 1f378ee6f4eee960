/* SPDX-License-Identifier: MIT */
/* modules.h - a host that gives modules out of a table, for tests.
 *
 * A name that begins with "later/" is answered later, by test_modules_answer.
 */
#ifndef TORPOR_TEST_MODULES_H
#define TORPOR_TEST_MODULES_H

#include "test/support/vm.h"

typedef struct test_module {
  const char *name, *source; /* source NULL: refused, in the host's own words */
} test_module;

typedef struct test_modules {
  const test_module *table; /* ends with a NULL name */
  unsigned asked;           /* how often a source was asked for */
  char last[256];           /* "NAME TYPE IMPORTER" of the last request */
} test_modules;

/* Options whose modules are those of 'modules'. */
torpor_options test_modules_options(test_modules *modules);

/* Settles all operations of kind "module" that are pending, the newest first if
 * 'backwards'; gives how many there were. Runs no jobs. */
unsigned test_modules_answer(torpor_vm *vm, const test_modules *modules,
                             bool backwards);

/* Evaluates 'source' as the module "main.js", runs its jobs and answers until
 * nothing is pending. Gives in 'text' of 512 bytes String(globalThis.out), or
 * "Name: message [code]" of how it failed. */
void test_modules_run(torpor_vm *vm, const test_modules *modules,
                      const char *source, char *text);
/* Writes the same of an error that is at hand. */
void test_modules_error(torpor_vm *vm, torpor_value error, char *text);

#endif
