/* SPDX-License-Identifier: MIT */
/* test_fuel.c - which built-ins count fuel, as the table of docs/embedding.md
 * says, and that memory, or else the watchdog, bounds the others. */
#include <stdio.h>

#include "test/support/vm.h"

#define FUEL 1000000
#define LENGTH 10000 /* the elements or steps of what follows */

typedef struct work {
  const char *before; /* makes 'x' */
  const char *source;
} work;

/* What has a step of fuel for each of LENGTH elements at least. */
static const work counted[] = {
    {"Array(1e4).fill(1)", "x.map(n => n)"},
    {"Array(1e4).fill(1)", "x.sort((a, b) => a - b)"},
    {"'a'.repeat(1e4)", "x.replace(/a/g, () => 'b')"},
    {"new Uint8Array(1e4)", "x.map(n => n)"},
    {"Array(1e4)", "x.indexOf(1)"},
    {"Array(1e4)", "x.lastIndexOf(1)"},
    {"Array(1e4)", "x.includes(1)"},
    {"({ length: 2 ** 53 - 1 })", "[].indexOf.call(x, 1)"},
    {"Array(1e4)", "new Set(x)"},
    {"'a'.repeat(1e4)", "/b/.test(x)"},
    {"({ get a() { return 1 } })", "for (let i = 0; i < 5000; i++) x.a"},
};

/* What has no more than a call. */
static const work uncounted[] = {
    {"Array(1e4)", "x.join()"},
    {"Array(1e4)", "x.fill(1)"},
    {"Array(1e4)", "x.reverse()"},
    {"Array(1e4)", "x.slice()"},
    {"Array(1e4)", "[].concat(x)"},
    {"[Array(1e4)]", "x.flat()"},
    {"Array(1e4)", "x.copyWithin(1, 0)"},
    {"Array(1e4).fill(1)", "x.sort()"},
    {"Array(1e4).fill(1)", "x.indexOf(2)"},
    {"Array(1e4)", "[...x]"},
    {"({ length: 1e4 })", "Array.from(x)"},
    {"({ raw: { length: 1e4 } })", "String.raw(x)"},
    {"Array(1e4).fill(1).values()", "Iterator.prototype.drop.call(x, 1e4)"},
    {"new Uint8Array(1e4)", "x.fill(1)"},
    {"new Uint8Array(1e4)", "x.indexOf(1)"},
    {"new Float64Array(1e4)", "x.sort()"},
    {"'a'", "x.repeat(1e4)"},
    {"'a'", "x.padStart(1e4)"},
    {"'a'.repeat(1e4)", "x.split('')"},
    {"'a'.repeat(1e4)", "x.replaceAll('a', 'bb')"},
    {"'e\\u0301'.repeat(1e4)", "x.normalize('NFC')"},
    {"'a'.repeat(1e4)", "x.toUpperCase()"},
    {"'\\u1234'.repeat(1e4)", "encodeURIComponent(x)"},
    {"'a'.repeat(1e4)", "x.indexOf('a'.repeat(5e3) + 'b')"},
    {"1n << 100000n", "x * x"},
    {"1n << 100000n", "x.toString()"},
    {"'9'.repeat(1e4)", "BigInt(x)"},
    {"Array(1e4).fill({ a: 1 })", "JSON.stringify(x)"},
    {"'[' + '1,'.repeat(1e4) + '1]'", "JSON.parse(x)"},
    {"'1;'.repeat(1e4)", "(0, eval)(x)"},
    {"Array(1e4).fill(1)", "Object.keys(x)"},
};

static uint64_t used_by(const work *w) {
  torpor_vm *vm = test_vm_open(NULL);
  char before[256];
  uint64_t used;
  torpor_status status;
  snprintf(before, sizeof(before), "globalThis.x = %s; 0", w->before);
  test_eval(vm, before);
  torpor_vm_set_fuel(vm, FUEL);
  status = test_eval_status(vm, w->source);
  if (status != TORPOR_INTERRUPTED) test_ok(vm, status);
  used = FUEL - torpor_vm_fuel(vm);
  torpor_vm_close(vm);
  return used;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void test_counted(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(counted); i++)
    if (used_by(&counted[i]) < LENGTH) fail_msg("%s", counted[i].source);
}

static void test_uncounted(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(uncounted); i++)
    if (used_by(&uncounted[i]) > 20) fail_msg("%s", uncounted[i].source);
}

static torpor_status ends_as(const char *source) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_status status;
  options.memory_max = 32 << 20;
  options.deadline_ms = 50;
  options.fuel = FUEL;
  vm = test_vm_open(&options);
  status = test_eval_status(vm, source);
  torpor_vm_close(vm);
  return status;
}

/* However long a built-in would take, it comes back. */
static void test_bounds(void **state) {
  static const char *const endless[] = {
      "Array(4e8).join()",
      "Array(4e8).sort()",
      "[].reverse.call({ length: 2 ** 53 - 1 })",
      "[].copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)",
      "String.raw({ raw: { length: 1e9 } })",
      "'a'.repeat(2e6).indexOf('a'.repeat(1e6) + 'b')",
      "((1n << 1000000n) - 1n).toString()",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(endless); i++)
    if (ends_as(endless[i]) != TORPOR_TRAPPED) fail_msg("%s", endless[i]);
  assert_int_equal(ends_as("'a'.repeat(5e8)"), TORPOR_THROWN);
  assert_int_equal(ends_as("new Uint8Array(5e8)"), TORPOR_THROWN);
  assert_int_equal(ends_as("1n << 2000000n"), TORPOR_THROWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counted),
      cmocka_unit_test(test_uncounted),
      cmocka_unit_test(test_bounds),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
