/* SPDX-License-Identifier: MIT */
/* test_still.c - pages that stay the same between snapshots: what is known of
 * them changes no byte of any snapshot, and nothing that is written to them is
 * missed. */
#include <string.h>

#include "test/support/vm.h"
#include "vm/memory.h"
#include "vm/still.h"
#include "vm/vm.h"

enum { STEPS = 60 };

static double fixed_clock(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1700000000000.0;
}

/* Writes little at most steps, and then where nothing was written for long. */
static const char program[] =
    "globalThis.n = 0; globalThis.list = Array.from({length: 300}, (_, i) => "
    "({i, s: 's' + i})); globalThis.bytes = new Uint8Array(40000).fill(1);"
    "globalThis.step = (i) => { n += i; Promise.resolve(i).then(v => n += v);"
    "if (i % 9 === 8) list[i].s = 'was ' + i;"
    "if (bytes && i % 13 === 12) bytes[i * 600] = i;"
    "if (i % 17 === 16) list[i + 100] = null;"
    "if (i % 29 === 28) for (const o of list) if (o) o.t = i;"
    "if (i === 40) bytes = null; return n }; 0";

static torpor_vm *open_program(torpor_memory memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.host.clock = fixed_clock;
  options.memory = memory;
  vm = test_vm_open(&options);
  test_eval(vm, program);
  test_run_jobs(vm);
  return vm;
}

static void run_step(torpor_vm *vm, int i) {
  torpor_value step, global, result, index = torpor_number(i);
  torpor_scope scope;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_get(vm, global, "step", &step));
  test_ok(vm, torpor_call(vm, step, global, &index, 1, &result));
  test_run_jobs(vm);
  test_ok(vm, torpor_scope_close(vm, scope));
  if (i % 25 == 24) test_ok(vm, torpor_vm_collect(vm));
}

static unsigned count_quiet(const torpor_vm *vm) {
  unsigned count = 0;
  for (uint32_t page = 0; page < torpor__memory_limit(vm) / TORPOR__PAGE;
       page++)
    count += torpor__region_is_quiet(vm->region, page);
  return count;
}

/* Saves 'vm' as if never before. */
static torpor_bytes save_afresh(torpor_vm *vm) {
  torpor__still_forget(vm);
  vm->saves = 0;
  return test_save(vm);
}

static void assert_equal(const torpor_bytes *a, const torpor_bytes *b) {
  assert_int_equal(a->size, b->size);
  assert_memory_equal(a->data, b->data, a->size);
}

static void compare(torpor_memory memory) {
  torpor_vm *known = open_program(memory), *fresh = open_program(memory);
  unsigned most = 0;
  for (int i = 0; i < STEPS; i++) {
    torpor_bytes a, b;
    run_step(known, i);
    run_step(fresh, i);
    a = test_save(known);
    b = save_afresh(fresh);
    assert_equal(&a, &b);
    torpor_bytes_free(&a);
    torpor_bytes_free(&b);
    assert_int_equal(count_quiet(fresh), 0);
    if (count_quiet(known) > most) most = count_quiet(known);
  }
#ifndef TORPOR_SOFT_BOUNDS
  if (memory == TORPOR_MEMORY_POOLED) assert_true(most > 8);
#endif
  torpor_vm_close(known);
  torpor_vm_close(fresh);
}

static void test_same_bytes(void **state) {
  (void)state;
  compare(TORPOR_MEMORY_POOLED);
  compare(TORPOR_MEMORY_MAPPED);
}

/* Every whole snapshot wakes, whatever was known when it was taken. */
static void test_wakes(void **state) {
  torpor_vm *vm = open_program(TORPOR_MEMORY_POOLED);
  double expected = 0;
  (void)state;
  for (int i = 0; i < STEPS; i++) {
    torpor_bytes bytes;
    torpor_vm *woken;
    run_step(vm, i);
    expected += 2 * i;
    bytes = test_save(vm);
    woken = test_restore(&bytes, NULL);
    assert_true(test_eval_number(woken, "n") == expected);
    torpor_vm_close(woken);
    torpor_bytes_free(&bytes);
  }
  torpor_vm_close(vm);
}

/* Differences in between change what pages are sealed for. */
static void test_with_differences(void **state) {
  torpor_vm *vm = open_program(TORPOR_MEMORY_POOLED);
  torpor_vm *fresh = open_program(TORPOR_MEMORY_POOLED);
  (void)state;
  for (int i = 0; i < STEPS; i++) {
    torpor_bytes a, b;
    unsigned flags = i % 5 == 1   ? TORPOR_SAVE_PARENT
                     : i % 5 == 2 ? TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA
                                  : 0;
    run_step(vm, i);
    run_step(fresh, i);
    test_ok(vm, torpor_snapshot_save_with(vm, flags, &a));
    torpor_bytes_free(&a);
    a = test_save(vm);
    b = save_afresh(fresh);
    assert_equal(&a, &b);
    torpor_bytes_free(&a);
    torpor_bytes_free(&b);
  }
  torpor_vm_close(vm);
  torpor_vm_close(fresh);
}

/* What the host writes into a page that is known is in the next snapshot. */
static void test_host_writes(void **state) {
  torpor_vm *vm = open_program(TORPOR_MEMORY_POOLED);
  (void)state;
  for (int i = 0; i < 12; i++) {
    torpor_bytes bytes = test_save(vm);
    torpor_bytes_free(&bytes);
  }
  for (uint32_t page = 0; page < torpor__memory_limit(vm) / TORPOR__PAGE;
       page++) {
    torpor_bytes before, after, again;
    uint8_t *place;
    if (!torpor__region_is_quiet(vm->region, page)) continue;
    before = test_save(vm);
    place = torpor__memory_to(vm, page * TORPOR__PAGE + 100, 1);
    assert_non_null(place);
    *place ^= 0x80;
    after = test_save(vm);
    assert_true(before.size != after.size ||
                memcmp(before.data, after.data, after.size) != 0);
    *torpor__memory_to(vm, page * TORPOR__PAGE + 100, 1) ^= 0x80;
    again = test_save(vm);
    assert_equal(&before, &again);
    torpor_bytes_free(&before);
    torpor_bytes_free(&after);
    torpor_bytes_free(&again);
  }
  torpor_vm_close(vm);
}

/* A page that moved is still again, when it stayed the same for long. */
static void test_still_again(void **state) {
  torpor_vm *vm = open_program(TORPOR_MEMORY_POOLED);
  uint32_t page = 0;
  (void)state;
#ifdef TORPOR_SOFT_BOUNDS
  torpor_vm_close(vm);
  skip(); /* nothing is quiet */
#endif
  for (int i = 0; i < 300; i++) {
    torpor_bytes bytes;
    if (i == 20) {
      while (!torpor__region_is_quiet(vm->region, page)) page++;
      *torpor__memory_to(vm, page * TORPOR__PAGE + 100, 1) ^= 0x80;
    }
    bytes = test_save(vm);
    torpor_bytes_free(&bytes);
    if (i == 60) assert_false(torpor__region_is_quiet(vm->region, page));
  }
  assert_true(torpor__region_is_quiet(vm->region, page));
  torpor_bytes known = test_save(vm), afresh = save_afresh(vm);
  assert_equal(&known, &afresh);
  torpor_bytes_free(&known);
  torpor_bytes_free(&afresh);
  torpor_vm_close(vm);
}

/* However often a page rests and moves, it does so alone. */
static void test_rests_for_ever(void **state) {
  torpor_vm *vm = open_program(TORPOR_MEMORY_POOLED);
  uint32_t page = 0;
  unsigned quiet;
  (void)state;
#ifdef TORPOR_SOFT_BOUNDS
  torpor_vm_close(vm);
  skip(); /* nothing is quiet */
#endif
  for (int i = 0; i < 12; i++) {
    torpor_bytes bytes = test_save(vm);
    torpor_bytes_free(&bytes);
  }
  quiet = count_quiet(vm);
  while (!torpor__region_is_quiet(vm->region, page)) page++;
  for (int i = 0; i < 500; i++) {
    *torpor__memory_to(vm, page * TORPOR__PAGE + 100, 1) ^= 0x80;
    assert_false(torpor__region_is_quiet(vm->region, page));
    assert_true(torpor__region_quiet(vm->region, page));
  }
  assert_int_equal(count_quiet(vm), quiet);
  torpor_vm_close(vm);
}

/* A VM that is recycled is as a new one, whatever was quiet in it. */
static void test_recycled(void **state) {
  torpor_bytes first = {0};
  (void)state;
  for (int round = 0; round < 3; round++) {
    torpor_vm *vm = open_program(TORPOR_MEMORY_POOLED);
    torpor_bytes bytes = test_save(vm);
    assert_int_equal(count_quiet(vm), 0);
    if (round == 0)
      first = bytes;
    else
      assert_equal(&first, &bytes);
    if (round > 0) torpor_bytes_free(&bytes);
    for (int i = 0; i < 12; i++) {
      bytes = test_save(vm);
      torpor_bytes_free(&bytes);
    }
    torpor_vm_close(vm);
  }
  torpor_bytes_free(&first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bytes),
      cmocka_unit_test(test_wakes),
      cmocka_unit_test(test_with_differences),
      cmocka_unit_test(test_host_writes),
      cmocka_unit_test(test_still_again),
      cmocka_unit_test(test_rests_for_ever),
      cmocka_unit_test(test_recycled),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
