/* SPDX-License-Identifier: MIT */
/* test_base.c - many VMs from one base. */
#include <string.h>

#include "test/support/vm.h"
#include "vm/vm.h"

static torpor_bytes sleep_after(const char *source) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes bytes;
  test_eval(vm, source);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  return bytes;
}

static torpor_vm *open_from(torpor_base *base, const torpor_bytes *delta) {
  torpor_slice slice = {0};
  torpor_vm *vm;
  if (delta) slice = (torpor_slice){delta->data, delta->size};
  test_ok(NULL, torpor_base_restore(base, &slice, delta != NULL, NULL, &vm));
  return vm;
}

static torpor_base *open_base(const torpor_bytes *bytes) {
  torpor_slice slice = {bytes->data, bytes->size};
  torpor_base *base;
  test_ok(NULL, torpor_base_open(&slice, 1, NULL, &base));
  return base;
}

/* VMs of a base know nothing of each other, and outlive it. */
static void test_many(void **state) {
  torpor_bytes bytes =
      sleep_after("globalThis.a = Array.from({length: 9999}, (_, i) => i); 0");
  torpor_base *base = open_base(&bytes);
  torpor_vm *vms[10];
  (void)state;
  for (int i = 0; i < 10; i++) {
    torpor_bytes again;
    vms[i] = open_from(base, NULL);
    again = test_save(vms[i]);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    torpor_bytes_free(&again);
  }
  for (int i = 0; i < 10; i++) test_eval(vms[i], "a.push(1)");
  torpor_base_close(base);
  for (int i = 0; i < 10; i++) {
    test_eval_is(vms[i], "a.length", "10000");
    torpor_vm_close(vms[i]);
  }
  torpor_bytes_free(&bytes);
}

static void test_deltas(void **state) {
  torpor_bytes bytes = sleep_after("globalThis.a = [1]; 0"), delta;
  torpor_base *base = open_base(&bytes);
  torpor_vm *vm = open_from(base, NULL);
  (void)state;
  test_eval(vm, "a.push(2)");
  test_ok(vm, torpor_snapshot_save_with(vm, TORPOR_SAVE_DELTA, &delta));
  torpor_vm_close(vm);
  vm = open_from(base, &delta);
  test_eval_is(vm, "a.join()", "1,2");
  torpor_vm_close(vm);
  torpor_base_close(base);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&delta);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_deltas),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
