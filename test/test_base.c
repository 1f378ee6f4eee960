/* SPDX-License-Identifier: MIT */
/* test_base.c - many VMs from one base.
 * ctest: timeout=120 thread */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/alloc.h"
#include "test/fuzz/draft.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/engines/engine.h"
#include "vm/memory/check.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/pool.h"
#include "vm/vm.h"

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
  torpor_bytes bytes = test_save_after(
      "globalThis.a = Array.from({length: 9999}, (_, i) => i); 0");
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
  torpor_bytes bytes = test_save_after("globalThis.a = [1]; 0"), delta;
  torpor_base *base = open_base(&bytes);
  torpor_vm *vm = open_from(base, NULL);
  (void)state;
  test_eval(vm, "a.push(2)");
  test_ok(vm,
          torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &delta));
  torpor_vm_close(vm);
  vm = open_from(base, &delta);
  test_eval_is(vm, "a.join()", "1,2");
  torpor_vm_close(vm);
  torpor_base_close(base);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&delta);
}

/* A snapshot that says that its heap ends where it does not: what lies beyond
 * is left out, in whatever it is opened. */
static void test_forged_break(void **state) {
  torpor_bytes bytes =
      test_save_after("globalThis.a = new Uint8Array(1e5).fill(7); 0");
  torpor_vm *vms[5];
  torpor_bytes forged;
  torpor_base *base;
  draft d;
  (void)state;
  draft_read(&d, bytes.data, bytes.size);
  for (uint32_t i = 0; i < 4; i++)
    draft_patch(&draft_find(&d, DRAFT_MEMORY)->content,
                torpor__engine_builtin.control + i +
                    (uint32_t)offsetof(torpor_abi_control, heap_break),
                "", 1);
  forged = draft_write(&d, NULL);
  base = open_base(&forged);
  for (torpor_memory memory = 0; memory <= TORPOR_MEMORY_MAPPED; memory++) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    options.memory = memory;
    test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vms[memory]));
  }
  vms[3] = test_restore(&forged, NULL);
  test_ok(vms[0], torpor_vm_fork(vms[0], NULL, &vms[4]));
  for (int i = 0; i < 5; i++) {
    torpor_vm *vm = vms[i];
    uint32_t limit = torpor__memory_limit(vm), size = 1u << 17;
    const uint8_t *rest = torpor__memory_at(vm, limit, size);
    assert_int_equal(limit, vm->image->baseline->size);
    assert_true(rest[0] == 0 && memcmp(rest, rest + 1, size - 1) == 0);
    torpor_vm_close(vm);
  }
  torpor_base_close(base);
  torpor_bytes_free(&forged);
  torpor_bytes_free(&bytes);
  draft_free(&d);
}

/* A large one: mapped where that is asked for and possible, else copied. */
static void use_large(torpor_memory memory, bool no_files) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_bytes bytes, delta, again;
  torpor_slice slice;
  torpor_base *base;
  torpor_vm *vm, *other;
  torpor__image_refuse_files(no_files);
  bytes = test_save_after(
      "globalThis.a = Array.from({length: 100000}, (_, i) => "
      "({i})); 0");
  base = open_base(&bytes);
  options.memory = memory;
  test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
  assert_int_equal(vm->mapped, memory == TORPOR_MEMORY_MAPPED && !no_files);
  again = test_save(vm);
  assert_int_equal(again.size, bytes.size);
  assert_memory_equal(again.data, bytes.data, bytes.size);
  test_eval(vm, "a[99999].i = 'changed'; 0");
  test_ok(vm,
          torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &delta));
  assert_true(delta.size < 2000);
  test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &other));
  test_eval_is(other, "a[99999].i", "99999");
  torpor_vm_close(other);
  slice = (torpor_slice){delta.data, delta.size};
  test_ok(NULL, torpor_base_restore(base, &slice, 1, &options, &other));
  torpor_base_close(base);
  test_eval_is(other, "a[99999].i + a[5].i", "changed5");
  test_eval_is(vm, "a[99999].i + a[5].i", "changed5");
  torpor_vm_close(vm);
  torpor_vm_close(other);
  torpor__image_refuse_files(false);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&delta);
  torpor_bytes_free(&again);
}

static void test_large(void **state) {
  (void)state;
  for (torpor_memory memory = 0; memory <= TORPOR_MEMORY_MAPPED; memory++)
    for (int files = 0; files < 2; files++) use_large(memory, files == 0);
}

static void add_pages(void *user, uint32_t start, uint32_t end) {
  *(uint32_t *)user += (end - start) / TORPOR__PAGE;
}

static double still_clock(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1700000000000.0;
}

/* A VM that wrote much in vain and was collected; 'share' is how much of what
 * it wrote it has still. */
static torpor_vm *open_collected(torpor_memory memory, double *share) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  uint32_t written = 0, left = 0;
  torpor_vm *vm;
  options.memory = memory;
  options.clock = still_clock;
  vm = test_vm_open(&options);
  test_eval(vm,
            "globalThis.f = n => n && f(n - 1); f(100); "
            "globalThis.a = new Uint8Array(1 << 20).fill(1); a.fill(0); 0");
  torpor__finder_force(TORPOR__FINDER_TOLD); /* the pages it really has */
  torpor__region_written(vm->region, add_pages, &written);
  test_ok(vm, torpor_vm_collect(vm));
  torpor__region_written(vm->region, add_pages, &left);
  torpor__finder_force(TORPOR__FINDER_BEST);
  *share = (double)left / written;
  return vm;
}

/* Collecting gives back what a mapped VM wrote in vain, and changes nothing. */
static void test_trimmed(void **state) {
  double all, share;
  torpor__check_depth depth = torpor__check_set((torpor__check_depth){0});
  torpor_vm *copied = open_collected(TORPOR_MEMORY_POOLED, &all);
  torpor_vm *vm = open_collected(TORPOR_MEMORY_MAPPED, &share);
  torpor_bytes expected = test_save(copied), bytes = test_save(vm);
  (void)state;
  assert_int_equal(bytes.size, expected.size);
  assert_memory_equal(bytes.data, expected.data, expected.size);
  assert_true(all >= 1);
  assert_true(share < 0.6);
  torpor__check_set(depth);
  test_eval_is(vm, "a.every(x => x === 0)", "true");
  torpor_vm_close(vm);
  torpor_vm_close(copied);
  torpor_bytes_free(&expected);
  torpor_bytes_free(&bytes);
}

/* Neither guest nor host can write to what VMs share. */
static void test_sealed(void **state) {
  torpor_bytes bytes = test_save_after("globalThis.a = 1; 0");
  torpor_base *base = open_base(&bytes);
  torpor_vm *vm = open_from(base, NULL);
  (void)state;
  assert_true(vm->image->file >= 0);
  assert_int_equal(pwrite(vm->image->file, "x", 1, 0), -1);
  assert_int_equal(ftruncate(vm->image->file, 0), -1);
  assert_int_equal(
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vm->image->file, 0),
      MAP_FAILED);
  torpor_vm_close(vm);
  torpor_base_close(base);
  torpor_bytes_free(&bytes);
}

static torpor_status refused(const torpor_slice *chain, size_t count,
                             const torpor_options *options) {
  torpor_base *base;
  torpor_status status = torpor_base_open(chain, count, options, &base);
  assert_true((status == TORPOR_OK) == (base != NULL));
  torpor_base_close(base);
  return status;
}

static void test_refused(void **state) {
  torpor_bytes bytes = test_save_after("globalThis.a = 1; 0"), other;
  torpor_slice s[2] = {{bytes.data, bytes.size}, {bytes.data, bytes.size}};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_base *base = open_base(&bytes);
  torpor_vm *vm;
  (void)state;
  assert_int_equal(refused(s, 2, NULL), TORPOR_PARENT);
  assert_int_equal(refused(s, 0, NULL), TORPOR_MISUSE);
  assert_int_equal(refused(&(torpor_slice){"x", 1}, 1, NULL), TORPOR_FORMAT);
  test_status(NULL, torpor_base_restore(base, s, 1, NULL, &vm), TORPOR_PARENT);
  assert_null(vm);
  options.memory_max = 65536;
  assert_int_equal(refused(s, 1, &options), TORPOR_LIMIT);
  test_status(NULL, torpor_base_restore(base, NULL, 0, &options, &vm),
              TORPOR_LIMIT);
  options.memory_max = 0;
  options.memory = 77;
  test_status(NULL, torpor_base_restore(base, NULL, 0, &options, &vm),
              TORPOR_MISUSE);
  /* A difference from another snapshot. */
  vm = test_vm_open(NULL);
  test_ok(vm,
          torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_PARENT), &other));
  torpor_bytes_free(&other);
  test_ok(vm,
          torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &other));
  torpor_vm_close(vm);
  s[0] = (torpor_slice){other.data, other.size};
  test_status(NULL, torpor_base_restore(base, s, 1, NULL, &vm), TORPOR_PARENT);
  assert_int_equal(refused(s, 1, NULL), TORPOR_PARENT);
  torpor_bytes_free(&other);
  torpor_base_close(base);
  torpor_base_close(NULL);
  torpor_bytes_free(&bytes);
}

static torpor_status open_and_use(const torpor_bytes *bytes,
                                  torpor_memory memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_slice slice = {bytes->data, bytes->size};
  torpor_vm *vm = NULL, *copy = NULL;
  torpor_base *base;
  torpor_status status = torpor_base_open(&slice, 1, NULL, &base);
  options.memory = memory;
  if (status == TORPOR_OK)
    status = torpor_base_restore(base, NULL, 0, &options, &vm);
  if (status == TORPOR_OK) status = torpor_vm_fork(vm, &options, &copy);
  torpor_vm_close(copy);
  torpor_vm_close(vm);
  torpor_base_close(base);
  return status;
}

static void test_out_of_memory(void **state) {
  torpor_bytes bytes = test_save_after(
      "globalThis.a = Array.from({length: 50000}, (_, i) => i); 0");
  long live = torpor__alloc_live();
  (void)state;
  for (torpor_memory memory = 0; memory <= TORPOR_MEMORY_MAPPED; memory++)
    for (long allowed = 0;; allowed++) {
      torpor_status status;
      long made;
      torpor__pool_drain();
      live = torpor__alloc_live();
      torpor__alloc_fail(allowed);
      status = open_and_use(&bytes, memory);
      made = torpor__alloc_count();
      torpor__alloc_fail(-1);
      torpor__pool_drain();
      assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
      assert_int_equal(torpor__alloc_live(), live);
      if (made < allowed) break;
      assert_true(allowed < 200);
    }
  torpor_bytes_free(&bytes);
}

/* Threads that open VMs of one base at once; NULL: all went well. */
static void *use_base(void *user) {
  for (int i = 0; i < 30; i++) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    torpor_vm *vm;
    torpor_value value;
    options.memory = i % 2 ? TORPOR_MEMORY_MAPPED : TORPOR_MEMORY_POOLED;
    if (torpor_base_restore(user, NULL, 0, &options, &vm) != TORPOR_OK)
      return user;
    if (torpor_eval(vm, "a.push(1)", 9, "x.js", TORPOR_SCRIPT, &value) !=
            TORPOR_OK ||
        torpor_value_number(value) != 10000)
      return user;
    torpor_vm_close(vm);
  }
  return NULL;
}

static void test_threads(void **state) {
  torpor_bytes bytes = test_save_after(
      "globalThis.a = Array.from({length: 9999}, (_, i) => i); 0");
  torpor_base *base = open_base(&bytes);
  pthread_t threads[4];
  (void)state;
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use_base, base), 0);
  for (int i = 0; i < 4; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  torpor_base_close(base);
  torpor_bytes_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_many),         cmocka_unit_test(test_deltas),
      cmocka_unit_test(test_forged_break), cmocka_unit_test(test_large),
      cmocka_unit_test(test_sealed),       cmocka_unit_test(test_trimmed),
      cmocka_unit_test(test_refused),      cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
