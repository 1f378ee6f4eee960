/* SPDX-License-Identifier: MIT */
/* test_refused.c - a system that refuses memory: what it is asked for in the
 * life of a VM is refused at each place in turn, once or from there on. Then an
 * error comes out, or all goes on; and whatever can be saved is saved right.
 * ctest: full timeout=60 */
#include <string.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/pool.h"
#include "vm/vm.h"

extern _Atomic uint32_t torpor__share_from, torpor__copy_most;

static const char start[] =
    "globalThis.a = new Uint32Array(30000).map((_, i) => i * 2654435761);"
    "globalThis.sum = () => a.reduce((x, y) => (x * 31 + y) % 4294967291, 7);"
    "globalThis.list = []; sum()";
static const char change[] =
    "for (let i = 0; i < a.length / 2; i += 256) a[i] ^= list.length + 1;"
    "list.push('x'.repeat(3000) + list.length); sum()";
static const char change_all[] =
    "for (let i = 0; i < a.length; i += 256) a[i]++;"
    "globalThis.b = new Uint8Array(300000).fill(list.length); sum()";
static const char shrink[] = "globalThis.b = null; a[5]++; sum()";

/* Whether 'status' is one of those that come when memory is refused. */
static bool is_told(torpor_status status) {
  return status == TORPOR_OK || status == TORPOR_NOMEM ||
         status == TORPOR_THROWN || status == TORPOR_TRAPPED ||
         status == TORPOR_BROKEN || status == TORPOR_NOT_FOUND ||
         status == TORPOR_LIMIT;
}

static bool eval(torpor_vm *vm, const char *source, double *number) {
  torpor_value value = torpor_number(0);
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "x.js", TORPOR_SCRIPT, &value);
  if (!is_told(status)) test_ok(vm, status);
  if (status == TORPOR_OK && number) *number = torpor_value_number(value);
  return status == TORPOR_OK;
}

/* What 'vm' says it holds is what a snapshot of it holds, and a copy. Nothing
 * is refused. */
static void assert_saved_right(torpor_vm *vm) {
  torpor_bytes bytes;
  torpor_vm *copies[2];
  double sum, found;
  torpor_status status = torpor_snapshot_save(vm, &bytes);
  if (status != TORPOR_OK) {
    assert_int_equal(status, TORPOR_BROKEN);
    return;
  }
  test_ok(vm, torpor_vm_fork(vm, NULL, &copies[0]));
  copies[1] = test_restore(&bytes, NULL);
  torpor_bytes_free(&bytes);
  if (!eval(vm, "typeof sum == 'function' ? sum() : -1", &sum)) return;
  for (int i = 0; i < 2; i++) {
    assert_true(
        eval(copies[i], "typeof sum == 'function' ? sum() : -1", &found));
    assert_true(sum == found);
    torpor_vm_close(copies[i]);
  }
}

static void save(torpor_vm *vm, unsigned flags, torpor_bytes *bytes) {
  torpor_status status = torpor_snapshot_save_with(vm, TEST_SAVE(flags), bytes);
  if (!is_told(status)) test_ok(vm, status);
}

/* A chain of two differences gives what the VM holds. */
static void assert_chain(const torpor_bytes *bytes, double sum) {
  torpor_slice slices[3];
  torpor_vm *copy;
  double found;
  for (int i = 0; i < 3; i++) {
    if (!bytes[i].data) return;
    slices[i] = (torpor_slice){bytes[i].data, bytes[i].size};
  }
  test_ok(NULL, torpor_snapshot_restore_chain(slices, 3, NULL, &copy));
  assert_true(eval(copy, "sum()", &found));
  assert_true(found == sum);
  torpor_vm_close(copy);
}

/* Everything that changes what memory lets happen; what comes out is in
 * 'bytes'. true: 'sum' is that of the last. */
static bool live(torpor_vm *vm, torpor_bytes bytes[4], double *sum) {
  torpor_base *base;
  torpor_vm *other;
  torpor_slice slice;
  bool good = eval(vm, start, sum);
  save(vm, TORPOR_SAVE_PARENT, &bytes[0]);
  good = eval(vm, change, sum) && good;
  save(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA, &bytes[1]);
  good = eval(vm, change_all, sum) && good;
  good = eval(vm, shrink, sum) && good;
  good = eval(vm, change, sum) && good;
  save(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA, &bytes[2]);
  if (torpor_vm_fork(vm, NULL, &other) == TORPOR_OK) {
    eval(other, change, NULL);
    torpor_vm_close(other);
  }
  slice = (torpor_slice){bytes[0].data, bytes[0].size};
  if (bytes[0].data && torpor_snapshot_restore(slice.data, slice.size, NULL,
                                               &other) == TORPOR_OK) {
    eval(other, change, NULL);
    save(other, TORPOR_SAVE_DELTA, &bytes[3]);
    torpor_vm_close(other);
  }
  if (bytes[0].data && torpor_base_open(&slice, 1, NULL, &base) == TORPOR_OK) {
    if (torpor_base_restore(base, NULL, 0, NULL, &other) == TORPOR_OK) {
      eval(other, change, NULL);
      torpor_vm_close(other);
    }
    torpor_base_close(base);
  }
  return good;
}

/* How much was asked. */
static unsigned live_refused(torpor_memory memory, unsigned passed,
                             unsigned refused) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_bytes bytes[4] = {{NULL, 0}};
  torpor_vm *vm;
  unsigned asked;
  double sum = 0;
  options.memory = memory;
  torpor_pool_drain();
  torpor__os_refuse(passed, refused);
  if (torpor_vm_open(&options, &vm) == TORPOR_OK) {
    bool good = live(vm, bytes, &sum);
    asked = torpor__os_asked();
    torpor__os_refuse(UINT32_MAX, 0);
    if (good) assert_chain(bytes, sum);
    assert_saved_right(vm);
    eval(vm, change_all, NULL);
    assert_saved_right(vm);
    torpor__os_refuse(passed > asked ? passed - asked : 0, refused);
    torpor_vm_close(vm);
    torpor__os_refuse(UINT32_MAX, 0);
  } else {
    asked = torpor__os_asked();
    torpor__os_refuse(UINT32_MAX, 0);
  }
  for (int i = 0; i < 4; i++) torpor_bytes_free(&bytes[i]);
  return asked;
}

static void refuse_in_turn(torpor_memory memory) {
  unsigned all = live_refused(memory, UINT32_MAX, 0);
  unsigned step = test_count("TORPOR_REFUSED_STEP", 23, 1);
  for (unsigned i = 0; i < all + 3; i += step) {
    live_refused(memory, i, 1);
    live_refused(memory, i, 2);
    live_refused(memory, i, UINT32_MAX);
  }
}

static void test_pooled(void **state) {
  (void)state;
  refuse_in_turn(TORPOR_MEMORY_POOLED);
}

static void test_mapped(void **state) {
  (void)state;
  refuse_in_turn(TORPOR_MEMORY_MAPPED);
}

static int set_up(void **state) {
  torpor__share_from = 4;
  torpor__copy_most = 8;
  return test_vm_setup(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pooled),
      cmocka_unit_test(test_mapped),
  };
  return cmocka_run_group_tests(tests, set_up, test_vm_teardown);
}
