/* SPDX-License-Identifier: MIT */
/* test_mappings.c - the regions of a process leave it mappings enough, and go
 * by the system's pages; whatever the size of these, and however many mappings
 * there are, every VM gives the same bytes.
 * ctest: serial timeout=180 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "wasm/region.h"

static long count_mappings(void) {
  FILE *file = fopen("/proc/self/maps", "re");
  long count = 0;
  int c;
  assert_non_null(file);
  while ((c = getc(file)) != EOF) count += c == '\n';
  fclose(file);
  return count;
}

static long read_most(void) {
  FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
  long count = 0;
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld", &count), 1);
  fclose(file);
  return count;
}

static void *do_nothing(void *user) {
  return user;
}

/* What the program itself needs is there: a stack, and memory. */
static void assert_room(void) {
  pthread_t thread;
  void *block = malloc(3 << 20);
  long count = count_mappings();
  assert_non_null(block);
  free(block);
  assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
  pthread_join(thread, NULL);
  print_message("%ld mappings, %ld counted\n", count, torpor__mappings_count());
  assert_true(count < read_most() * 3 / 4);
  /* The system does not join all that it could. */
  assert_true(count < torpor__mappings_count() * 3 / 2 + 2000);
}

static double stand_still(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1e12;
}

static torpor_base *open_base(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_base *base;
  torpor_bytes bytes;
  options.clock = stand_still;
  vm = test_vm_open(&options);
  test_eval(vm, "globalThis.a = new Uint8Array(32 << 20).fill(1); 0");
  bytes = test_save(vm);
  test_ok(NULL, torpor_base_open(&(torpor_slice){bytes.data, bytes.size}, 1,
                                 NULL, &base));
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
  return base;
}

/* Pages, then chunks, each with a neighbour that stays as it is. */
static const char scatter[] =
    "for (let i = 0; i < 130; i++) a[i * 8192] = 7;"
    "for (let i = 9; i < 200; i++) a[i << 17] = 7; a.indexOf(1, 1 << 24)";

static void test_pooled_vms_of_a_base(void **state) {
  enum { VMS = 300 };
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_base *base = open_base();
  torpor_vm *vms[VMS];
  (void)state;
  options.memory = TORPOR_MEMORY_POOLED;
  for (int i = 0; i < VMS; i++) {
    test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vms[i]));
    assert_true(test_eval_number(vms[i], scatter) == (1 << 24) + 1);
  }
  assert_room();
  for (int i = 0; i < VMS; i++) {
    test_eval_is(vms[i], "a[8192] + a[9 << 17] + a[5]", "15");
    torpor_vm_close(vms[i]);
  }
  torpor_base_close(base);
}

/* Memory that is touched here and there: the program's choice. */
static void test_scattered_memory(void **state) {
  enum { VMS = 12 };
  torpor_vm *vms[VMS];
  (void)state;
  for (int i = 0; i < VMS; i++) {
    vms[i] = test_vm_open(NULL);
    test_eval(vms[i],
              "globalThis.a = new Uint8Array(420 << 20);"
              "for (let i = 0; i < a.length; i += 1 << 17) a[i] = 1; 0");
  }
  assert_room();
  for (int i = 0; i < VMS; i++) {
    test_eval_is(vms[i], "a[5 << 17] + a[7]", "1");
    torpor_vm_close(vms[i]);
  }
}

/* ---- The same bytes -------------------------------------------------------*/

static torpor_bytes save_with(torpor_vm *vm, unsigned flags) {
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
  return bytes;
}

/* A life with everything that tracks, shares, dirties and gives back pages;
 * gives what it is at its end. */
static torpor_bytes live(torpor_memory memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_base *base = open_base();
  torpor_bytes bytes[6];
  torpor_slice chain[6];
  torpor_vm *vm, *copy;
  options.memory = memory;
  options.clock = stand_still;
  test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
  test_eval(vm, scatter);
  for (unsigned i = 0; i < 6; i++) {
    bytes[i] = save_with(vm, TORPOR_SAVE_PARENT | (i ? TORPOR_SAVE_DELTA : 0));
    chain[i] = (torpor_slice){bytes[i].data, bytes[i].size};
    test_eval(vm,
              "a[123 << 10]++; a[77777]++; globalThis.b ||= [];"
              "b.push({x: 'y'.repeat(b.length * 3000)}); 0");
    if (i == 2) test_eval(vm, "a.fill(3, 5 << 20, 6 << 20); 0");
    if (i == 3) test_eval(vm, "b.length = 0; 0");
    test_ok(vm, torpor_vm_collect(vm));
  }
  torpor_vm_close(vm);
  test_ok(NULL, torpor_snapshot_restore_chain(chain, 6, &options, &vm));
  test_ok(vm, torpor_vm_fork(vm, &options, &copy));
  test_eval(vm, "a.fill(9); 0");
  torpor_vm_close(vm);
  test_eval(copy, "a[99]++; 0");
  for (unsigned i = 0; i < 6; i++) torpor_bytes_free(&bytes[i]);
  bytes[0] = test_save(copy);
  torpor_vm_close(copy);
  torpor_base_close(base);
  return bytes[0];
}

static void compare_lives(torpor_bytes expected[2]) {
  for (int i = 0; i < 2; i++) {
    torpor_bytes bytes = live(i ? TORPOR_MEMORY_MAPPED : TORPOR_MEMORY_POOLED);
    if (!expected[i].data) expected[i] = bytes;
    assert_int_equal(bytes.size, expected[i].size);
    assert_memory_equal(bytes.data, expected[i].data, bytes.size);
    if (bytes.data != expected[i].data) torpor_bytes_free(&bytes);
  }
  torpor_pool_drain();
}

static void test_same_bytes(void **state) {
  torpor_bytes expected[2] = {{NULL, 0}, {NULL, 0}};
  (void)state;
  torpor_pool_drain();
  compare_lives(expected);
  for (long most = 0; most <= 300; most += 150) {
    torpor__mappings_allow(most);
    compare_lives(expected);
  }
  torpor__mappings_allow(read_most() / 2);
  for (uint32_t page = 16384; page <= 65536; page *= 4) {
    torpor__system_page_force(page);
    compare_lives(expected);
  }
  torpor__system_page_force(0);
  compare_lives(expected);
  torpor_bytes_free(&expected[0]);
  torpor_bytes_free(&expected[1]);
}

/* All of it is given back. */
static void test_count_ends_as_it_began(void **state) {
  (void)state;
  torpor_pool_drain();
  assert_int_equal(torpor__mappings_count(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pooled_vms_of_a_base),
      cmocka_unit_test(test_scattered_memory),
      cmocka_unit_test(test_same_bytes),
      cmocka_unit_test(test_count_ends_as_it_began),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
