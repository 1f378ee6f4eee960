/* SPDX-License-Identifier: MIT */
/* test_extension_threads.c - many threads load and wake the same extensions.
 *
 * ctest: thread timeout=180 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/support/vm.h"

static torpor_vm *open_with(const char *name) {
  torpor_vm *vm = test_vm_open(NULL);
  char path[4096];
  snprintf(path, sizeof(path), "%s/test-extensions/%s.so",
           getenv("TORPOR_BUILD"), name);
  test_ok(vm, torpor_vm_load_extension(vm, path, NULL));
  return vm;
}

static void *use_thread(void *given) {
  const torpor_bytes *asleep = given;
  for (int i = 0; i < 20; i++) {
    torpor_vm *vm = test_restore(asleep, NULL);
    test_eval_is(vm, "c.increment()", "two");
    torpor_vm_close(vm);
    vm = open_with(i % 2 ? "counter" : "greeter");
    test_eval_is(vm, "typeof Counter", i % 2 ? "function" : "undefined");
    torpor_vm_close(vm);
  }
  return NULL;
}

static void test_threads(void **state) {
  torpor_vm *vm = open_with("counter");
  torpor_bytes asleep;
  pthread_t threads[4];
  (void)state;
  test_eval(vm, "c = new Counter; c.increment()");
  asleep = test_save(vm);
  torpor_vm_close(vm);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use_thread, &asleep), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  torpor_bytes_free(&asleep);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
