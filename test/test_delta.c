/* SPDX-License-Identifier: MIT */
/* test_delta.c - differences between states of a VM, and chains of them.
 * ctest: timeout=120 */
#include <stdio.h>
#include <string.h>

#include "test/support/vm.h"
#include "vm/vm.h"

#define CHAIN_LARGEST 200

/* A chain that grows. */
typedef struct chain {
  torpor_slice slices[CHAIN_LARGEST];
  torpor_bytes bytes[CHAIN_LARGEST];
  size_t count;
} chain;

static torpor_bytes save_with(torpor_vm *vm, unsigned flags) {
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save_with(vm, flags, &bytes));
  return bytes;
}

static void chain_add(chain *c, torpor_bytes bytes) {
  assert_true(c->count < CHAIN_LARGEST);
  c->bytes[c->count] = bytes;
  c->slices[c->count++] = (torpor_slice){bytes.data, bytes.size};
}

static void chain_free(chain *c) {
  while (c->count > 0) torpor_bytes_free(&c->bytes[--c->count]);
}

static torpor_vm *chain_restore(const chain *c) {
  torpor_vm *vm;
  test_ok(NULL, torpor_snapshot_restore_chain(c->slices, c->count, NULL, &vm));
  return vm;
}

static void assert_saves_to(torpor_vm *vm, const torpor_bytes *expected) {
  torpor_bytes bytes = save_with(vm, 0);
  assert_int_equal(bytes.size, expected->size);
  assert_memory_equal(bytes.data, expected->data, expected->size);
  torpor_bytes_free(&bytes);
}

static void test_one(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_snapshot_info info;
  torpor_bytes whole;
  chain c = {.count = 0};
  (void)state;
  test_eval(vm, "globalThis.a = [1]; 0");
  chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT));
  test_eval(vm, "a.push(2)");
  whole = save_with(vm, 0);
  chain_add(&c, save_with(vm, TORPOR_SAVE_DELTA));
  torpor_vm_close(vm);
  print_message("difference: %zu bytes\n", c.bytes[1].size);
  assert_true(c.bytes[1].size < c.bytes[0].size);
  test_ok(NULL,
          torpor_snapshot_read(c.bytes[0].data, c.bytes[0].size, &info, NULL));
  assert_false(info.has_parent);
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  memcpy(id, info.id, sizeof(id));
  test_ok(NULL,
          torpor_snapshot_read(c.bytes[1].data, c.bytes[1].size, &info, NULL));
  assert_true(info.has_parent);
  assert_memory_equal(info.parent, id, sizeof(id));
  vm = chain_restore(&c);
  assert_saves_to(vm, &whole);
  test_eval_is(vm, "a.join()", "1,2");
  torpor_vm_close(vm);
  torpor_bytes_free(&whole);
  chain_free(&c);
}

/* Each step is a difference from the one before; all of them together are the
 * VM, and what was restored goes on with differences of its own. */
static void test_chain(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  chain c = {.count = 0};
  torpor_bytes whole;
  (void)state;
  test_eval(vm, "globalThis.h = []; globalThis.big = []; 0");
  chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT));
  for (int i = 1; i <= 100; i++) {
    char source[200];
    snprintf(source, sizeof(source),
             "h.push({at: %d}); if (%d %% 10 == 5) big = new Uint8Array(%d "
             "<< 16).fill(%d); if (%d %% 10 == 8) big = null; 0",
             i, i, i, i, i);
    test_eval(vm, source);
    chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA));
    if (i % 20 != 0) continue;
    whole = save_with(vm, 0);
    torpor_vm_close(vm);
    vm = chain_restore(&c);
    assert_saves_to(vm, &whole);
    torpor_bytes_free(&whole);
  }
  test_eval_is(vm, "h.length + ':' + h[99].at", "100:100");
  torpor_vm_close(vm);
  chain_free(&c);
}

static torpor_status restore_status(const torpor_slice *slices, size_t count) {
  torpor_vm *vm = NULL;
  torpor_status status =
      torpor_snapshot_restore_chain(slices, count, NULL, &vm);
  assert_true((status == TORPOR_OK) == (vm != NULL));
  torpor_vm_close(vm);
  return status;
}

/* Pieces that are missing, doubled or in another order. */
static void test_wrong_chains(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes none;
  chain c = {.count = 0};
  torpor_slice s[3];
  (void)state;
  test_status(vm, torpor_snapshot_save_with(vm, TORPOR_SAVE_DELTA, &none),
              TORPOR_NOT_FOUND);
  test_status(vm, torpor_snapshot_save_with(vm, 1u << 20, &none),
              TORPOR_MISUSE);
  chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT));
  for (int i = 0; i < 2; i++) {
    test_eval(vm, "globalThis.n = (globalThis.n ?? 0) + 1");
    chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA));
  }
  torpor_vm_close(vm);
  memcpy(s, c.slices, sizeof(s));
  assert_int_equal(restore_status(s, 3), TORPOR_OK);
  assert_int_equal(restore_status(s, 0), TORPOR_MISUSE);
  assert_int_equal(restore_status(s, 5000), TORPOR_MISUSE);
  assert_int_equal(restore_status(s + 1, 2), TORPOR_PARENT);
  assert_int_equal(restore_status(s + 2, 1), TORPOR_PARENT);
  s[1] = s[2];
  assert_int_equal(restore_status(s, 2), TORPOR_PARENT);
  s[1] = s[0];
  assert_int_equal(restore_status(s, 2), TORPOR_PARENT);
  s[1] = c.slices[1];
  s[2] = c.slices[1];
  assert_int_equal(restore_status(s, 3), TORPOR_PARENT);
  chain_free(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one),
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_wrong_chains),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
