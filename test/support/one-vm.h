/* SPDX-License-Identifier: MIT */
/* one-vm.h - for tests that use one VM each: 'vm' is open in all that are
 * listed by cmocka_unit_test_setup_teardown(test, open_vm, close_vm). */
#ifndef TORPOR_TEST_ONE_VM_H
#define TORPOR_TEST_ONE_VM_H

#include "test/support/vm.h"

static torpor_vm *vm;

static int open_vm(void **state) {
  (void)state;
  vm = test_vm_open(NULL);
  return 0;
}

static int close_vm(void **state) {
  (void)state;
  torpor_vm_close(vm);
  vm = NULL;
  return 0;
}

#endif
