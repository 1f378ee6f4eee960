/* SPDX-License-Identifier: MIT */
/* test_bytecode_fuzz.c - bytecode that was altered at random, with a checksum
 * that is right all the same (test/fuzz/target-bytecode.c). Whatever it does to
 * its VM, the host and other VMs go on.
 *
 * TORPOR_BYTECODES: how many; TORPOR_SEED: of the first.
 * ctest: full */
#include "test/fuzz/target.h"
#include "test/support/vm.h"

enum { STEP = 6, STEPS_MOST = 4 };

static void test_altered(void **state) {
  unsigned count = test_count("TORPOR_BYTECODES", 400, 20000), ran = 0;
  uint64_t first = test_count("TORPOR_SEED", 1, 1);
  torpor_vm *neighbour = test_vm_open(NULL);
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    uint8_t recipe[1 + STEPS_MOST * STEP];
    test_random random = {(first + i) * UINT64_C(0x9e3779b97f4a7c15)};
    size_t steps = 1 + test_random_next(&random) % STEPS_MOST;
    for (size_t k = 0; k < sizeof(recipe); k++)
      recipe[k] = (uint8_t)test_random_next(&random);
    ran += fuzz_bytecode.run(recipe, 1 + steps * STEP);
  }
  print_message("%u of %u ran\n", ran, count);
  assert_true(ran > count / 20 && ran < count);
  test_eval_is(neighbour, "[1, 2].join()", "1,2");
  torpor_vm_close(neighbour);
}

static int setup(void **state) {
  int failed = test_vm_setup(state);
  fuzz_bytecode.setup();
  return failed;
}

static int teardown(void **state) {
  fuzz_bytecode.teardown();
  return test_vm_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_altered)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
