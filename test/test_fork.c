/* SPDX-License-Identifier: MIT */
/* test_fork.c - copies of live VMs. */
#include <string.h>

#include "test/support/save.h"
#include "test/support/vm.h"

static torpor_vm *fork_vm(torpor_vm *vm) {
  torpor_vm *copy;
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  return copy;
}

static void assert_same(torpor_vm *a, torpor_vm *b) {
  torpor_bytes first = test_save(a), second = test_save(b);
  assert_int_equal(first.size, second.size);
  assert_memory_equal(first.data, second.data, first.size);
  torpor_bytes_free(&first);
  torpor_bytes_free(&second);
}

static void test_both_go_on(void **state) {
  torpor_vm *vm = test_vm_open(NULL), *copy;
  (void)state;
  test_eval(vm,
            "globalThis.a = [1]; globalThis.big = new Uint8Array(3 << 20)"
            ".fill(5); 0");
  copy = fork_vm(vm);
  assert_same(vm, copy);
  test_eval(copy, "a.push('copy')");
  test_eval(vm, "a.push('first')");
  test_eval_is(copy, "a.join() + big[77]", "1,copy5");
  test_eval_is(vm, "a.join() + big[77]", "1,first5");
  torpor_vm_close(vm);
  test_eval_is(copy, "a.join()", "1,copy");
  torpor_vm_close(copy);
}

/* Copies of every kind of VM are the same, also of large and of copied ones. */
static void test_every_kind(void **state) {
  static const torpor_memory kinds[] = {TORPOR_MEMORY_POOLED,
                                        TORPOR_MEMORY_MAPPED};
  (void)state;
  for (int i = 0; i < 4; i++) {
    torpor_options from = TORPOR_OPTIONS_INIT, to = TORPOR_OPTIONS_INIT;
    torpor_vm *vm, *copy, *second;
    torpor_bytes bytes;
    from.memory = kinds[i % 2];
    to.memory = kinds[i / 2];
    vm = test_vm_open(&from);
    test_eval(vm,
              "globalThis.a = Array.from({length: 60000}, (_, i) => ({i}))"
              "; 0");
    test_ok(vm, torpor_vm_fork(vm, &to, &copy));
    assert_same(vm, copy);
    test_ok(copy, torpor_vm_fork(copy, &from, &second));
    torpor_vm_close(copy);
    assert_same(vm, second);
    bytes = test_save(vm);
    torpor_vm_close(vm);
    test_eval_is(second, "a[7].i = 'x'; a[7].i + a[8].i", "x8");
    torpor_vm_close(second);
    vm = test_restore(&bytes, &from); /* large: it has an image of its own */
    test_ok(vm, torpor_vm_fork(vm, &to, &copy));
    assert_same(vm, copy);
    torpor_vm_close(vm);
    test_eval_is(copy, "a[59999].i", "59999");
    torpor_vm_close(copy);
    torpor_bytes_free(&bytes);
  }
}

/* The heap has shrunk below what the VM was opened from: what its program gave
 * back is not in the copy, and new memory of it is zero. */
static void test_shrunk(void **state) {
  static const char fill[] =
      "globalThis.big = Array.from({length: 40}, "
      "(_, i) => new Uint8Array(100000).fill(i + 1)); 0";
  static const char look[] = "new Uint8Array(1e6).findIndex(byte => byte)";
  torpor_vm *vm = test_vm_open(NULL), *copy, *woken;
  torpor_bytes bytes, whole, delta;
  torpor_slice slice;
  torpor_base *base;
  (void)state;
  test_eval(vm, fill);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  slice = (torpor_slice){bytes.data, bytes.size};
  test_ok(NULL, torpor_base_open(&slice, 1, NULL, &base));
  for (int i = 0; i < 6; i++) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    options.memory = (torpor_memory)(i / 2);
    if (i % 2)
      vm = test_restore(&bytes, &options);
    else
      test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
    test_eval(vm, "big = null; 0");
    test_ok(vm, torpor_vm_collect(vm));
    test_ok(vm, torpor_vm_fork(vm, &options, &copy));
    assert_same(vm, copy);
    test_ok(copy, torpor_snapshot_save_with(copy, TEST_SAVE(TORPOR_SAVE_PARENT),
                                            &whole));
    test_eval_is(vm, look, "-1");
    test_eval_is(copy, look, "-1");
    test_eval(copy, fill);
    test_ok(copy, torpor_snapshot_save_with(copy, TEST_SAVE(TORPOR_SAVE_DELTA),
                                            &delta));
    torpor_slice chain[] = {{whole.data, whole.size}, {delta.data, delta.size}};
    test_ok(NULL, torpor_snapshot_restore_chain(chain, 2, &options, &woken));
    assert_same(copy, woken);
    torpor_vm_close(woken);
    torpor_vm_close(copy);
    torpor_vm_close(vm);
    torpor_bytes_free(&whole);
    torpor_bytes_free(&delta);
  }
  torpor_base_close(base);
  torpor_bytes_free(&bytes);
}

static void test_operations_pend_in_both(void **state) {
  torpor_vm *vm = test_vm_open(NULL), *copy;
  (void)state;
  test_eval(vm, "setTimeout(() => 1, 5); 0");
  copy = fork_vm(vm);
  assert_int_equal(torpor_operation_count(vm), 1);
  assert_int_equal(torpor_operation_count(copy), 1);
  torpor_vm_close(vm);
  torpor_vm_close(copy);
}

/* A copy that is made without options has its original's limits, also when
 * nothing is left of the fuel; one that is made with options has those. */
static void test_limits(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT, none = TORPOR_OPTIONS_INIT;
  torpor_vm *vm, *copy, *free_copy;
  (void)state;
  options.memory_max = 16 << 20;
  options.deadline_ms = 50;
  vm = test_vm_open(&options);
  test_eval(vm, "globalThis.a = []; 0");
  copy = fork_vm(vm);
  test_status(copy, test_eval_status(copy, "for (;;);"), TORPOR_INTERRUPTED);
  assert_non_null(strstr(torpor_last_error(copy), "50 ms"));
  test_status(copy, test_eval_status(copy, "new Uint8Array(17 << 20)"),
              TORPOR_THROWN);
  torpor_vm_close(copy);
  torpor_vm_set_fuel(vm, 1000);
  copy = fork_vm(vm);
  assert_int_equal(torpor_vm_fuel(copy), torpor_vm_fuel(vm));
  torpor_vm_close(copy);
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  copy = fork_vm(vm);
  test_status(copy, test_eval_status(copy, "for (;;);"), TORPOR_INTERRUPTED);
  assert_non_null(strstr(torpor_last_error(copy), "fuel"));
  test_ok(vm, torpor_vm_fork(vm, &none, &free_copy));
  test_eval(free_copy, "a.length = 1e5; a.fill(0); for (const i of a); 0");
  torpor_vm_close(free_copy);
  torpor_vm_close(copy);
  torpor_vm_close(vm);
}

static torpor_status try_fork(torpor_vm *vm, const torpor_arguments *arguments,
                              torpor_value *result, void *user) {
  torpor_vm *copy;
  (void)arguments, (void)user;
  *result = torpor_number(torpor_vm_fork(vm, NULL, &copy));
  assert_null(copy);
  return TORPOR_OK;
}

static void test_refused(void **state) {
  torpor_vm *vm = test_vm_open(NULL), *copy;
  torpor_options options = TORPOR_OPTIONS_INIT;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "tryFork", try_fork, NULL));
  assert_int_equal((int)test_eval_number(vm, "tryFork()"), TORPOR_BUSY);
  test_eval(vm, "globalThis.big = new Uint8Array(64 << 20); 0");
  options.memory_max = 16 << 20;
  test_status(vm, torpor_vm_fork(vm, &options, &copy), TORPOR_LIMIT);
  assert_null(copy);
  options.size = 3;
  test_status(vm, torpor_vm_fork(vm, &options, &copy), TORPOR_MISUSE);
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_go_on),
      cmocka_unit_test(test_every_kind),
      cmocka_unit_test(test_shrunk),
      cmocka_unit_test(test_operations_pend_in_both),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
