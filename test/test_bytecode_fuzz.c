/* SPDX-License-Identifier: MIT */
/* test_bytecode_fuzz.c - bytecode that was altered, with a checksum that is
 * right all the same. Whatever it does to its VM, the host and other VMs go on.
 *
 * TORPOR_BYTECODES: how many; TORPOR_SEED: of the first. */
#include <stdio.h>
#include <string.h>

#include "test/support/vm.h"

enum { SUM_AT = 88, HEADER = 120, CHANGES_MOST = 4 };

static const struct {
  const char *source;
  torpor_mode mode;
} seeds[] = {
    {"let s = 0; for (let i = 0; i < 9; i++) { s += i } s", TORPOR_SCRIPT},
    {"class A { #x = 1; get x() { return this.#x } static y = [1, 2.5, 'z'] }"
     "new A().x + A.y.map((v) => `${v}`).join()",
     TORPOR_SCRIPT},
    {"function* g(a, {b} = {b: 2}) { try { yield a + b } finally { yield 3n } }"
     "[...g(1)].length; /a(b)+/u.exec('xabb'); ({a: 1, ...{c: 2}})",
     TORPOR_SCRIPT},
    {"import { x } from './x.js'; import d from './d' with { type: 'json' };"
     "export const y = x; export * from './z.js'; await d; export default y",
     TORPOR_MODULE},
};
enum { SEEDS = sizeof(seeds) / sizeof(*seeds) };

static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  (void)user;
  return torpor_module_give(
      answer, request->type == TORPOR_MODULE_JSON ? "1" : "export let x = 1",
      SIZE_MAX);
}

static torpor_vm *open_vm(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.module = give;
  options.memory_max = 32 << 20;
  options.fuel = 100000;
  options.deadline_ms = 2000;
  return test_vm_open(&options);
}

static torpor_bytes compile_seed(unsigned number) {
  torpor_vm *vm = open_vm();
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  torpor_bytes code;
  options.mode = seeds[number].mode;
  options.file = "seed.js";
  test_ok(vm,
          torpor_compile(vm, seeds[number].source, SIZE_MAX, &options, &code));
  torpor_vm_close(vm);
  return code;
}

/* Alters a byte, moves some, or takes some away; gives the new size. */
static size_t alter(test_random *random, uint8_t *data, size_t size) {
  uint64_t bits = test_random_next(random);
  size_t room = size - HEADER;
  uint8_t *at = data + HEADER + bits % room;
  size_t behind = (size_t)(data + size - at), some = 1 + (bits >> 32) % 8;
  switch (bits >> 60) {
  case 0:
    if (some >= behind) return size;
    memmove(at, at + some, behind - some);
    return size - some;
  case 1:
    memmove(at, data + HEADER + (bits >> 20) % room,
            some < behind && (bits >> 20) % room + some < room ? some : 1);
    return size;
  case 2:
    *at ^= (uint8_t)(1 << (bits >> 40) % 8);
    return size;
  case 3:
    *at = 0xff;
    return size;
  default:
    *at = (uint8_t)(bits >> 40);
    return size;
  }
}

/* Makes size and checksum of what was altered right. */
static void make_right(uint8_t *data, size_t size) {
  uint8_t sum[32];
  for (unsigned i = 0; i < 8; i++)
    data[16 + i] = (uint8_t)((uint64_t)(size - HEADER) >> 8 * i);
  memset(data + SUM_AT, 0, sizeof(sum));
  assert_int_equal(torpor_snapshot_identify(data, size, sum), TORPOR_OK);
  memcpy(data + SUM_AT, sum, sizeof(sum));
}

static void run_code(const uint8_t *data, size_t size) {
  torpor_vm *vm = open_vm();
  torpor_value value;
  torpor_status status = torpor_bytecode_run(vm, data, size, &value);
  assert_int_not_equal(status, TORPOR_CHECKSUM);
  assert_int_not_equal(status, TORPOR_ENGINE);
  if (status == TORPOR_OK) torpor_job_run(vm, 0, NULL);
  assert_non_null(torpor_last_error(vm));
  torpor_vm_close(vm);
}

static void test_altered(void **state) {
  unsigned count = test_count("TORPOR_BYTECODES", 400, 20000);
  uint64_t first = test_count("TORPOR_SEED", 1, 1);
  torpor_vm *neighbour = test_vm_open(NULL);
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    torpor_bytes code = compile_seed((unsigned)(first + i) % SEEDS);
    test_random random = {(first + i) * UINT64_C(0x9e3779b97f4a7c15)};
    uint64_t changes = 1 + test_random_next(&random) % CHANGES_MOST;
    while (changes-- > 0 && code.size > HEADER + 8)
      code.size = alter(&random, code.data, code.size);
    make_right(code.data, code.size);
    run_code(code.data, code.size);
    torpor_bytes_free(&code);
  }
  test_eval_is(neighbour, "[1, 2].join()", "1,2");
  torpor_vm_close(neighbour);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_altered)};
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
