/* SPDX-License-Identifier: MIT */
/* test_fuel.c - what built-ins count of the fuel, as the table of
 * docs/embedding.md says, and that however long they would take, they end. */
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
    {"Array(1e4).fill(1)", "x.sort()"},
    {"'a'.repeat(1e4)", "x.replace(/a/g, () => 'b')"},
    {"new Uint8Array(1e4)", "x.map(n => n)"},
    {"Array(1e4)", "x.indexOf(1)"},
    {"Array(1e4)", "x.lastIndexOf(1)"},
    {"Array(1e4)", "x.includes(1)"},
    {"({ length: 2 ** 53 - 1 })", "[].indexOf.call(x, 1)"},
    {"Array(1e4)", "x.join()"},
    {"Array(1e4)", "x.fill(1)"},
    {"Array(2e4)", "x.reverse()"},
    {"Array(1e4)", "x.slice()"},
    {"Array(1e4)", "x.splice(0)"},
    {"Array(1e4 + 1)", "x.shift()"},
    {"Array(1e4)", "[].concat(x)"},
    {"[Array(1e4)]", "x.flat()"},
    {"Array(1e4 + 1)", "x.copyWithin(1, 0)"},
    {"Array(1e4)", "[...x]"},
    {"Array(1e4)", "new Set(x)"},
    {"Array(1e4)", "for (const y of x);"},
    {"({ length: 1e4 })", "Array.from(x)"},
    {"({ length: 1e4 })", "[].with.call(x, 0, 1)"},
    {"({ length: 1e4 })", "[].toReversed.call(x)"},
    {"({ length: 1e4 })", "[].toSorted.call(x)"},
    {"({ length: 1e4 })", "[].toSpliced.call(x, 0, 0, 1)"},
    {"new Uint8Array(1e4)", "x.join()"},
    {"new Uint8Array(1e4)", "Object.entries(x)"},
    {"new Uint8Array(1e4)", "Object.getOwnPropertyDescriptors(x)"},
    {"({ length: 1e4 })", "new Uint8Array(1e4).set(x)"},
    {"({ raw: { length: 1e4 } })", "String.raw(x)"},
    {"Array(1e4).fill(1).values()", "x.drop(1e4).next()"},
    {"'a'.repeat(1e4)", "x.replaceAll('a', 'bb')"},
    {"'a'.repeat(1e4)", "/b/.test(x)"},
    {"'a'.repeat(2e4)", "x.indexOf('a'.repeat(1e4) + 'b')"},
    {"'a'.repeat(2e4)", "x.lastIndexOf('b' + 'a'.repeat(1e4))"},
    {"Array(1e4).fill({ a: 1 })", "JSON.stringify(x)"},
    {"'[' + '1,'.repeat(1e4) + '1]'", "JSON.parse(x)"},
    {"({ get a() { return 1 } })", "for (let i = 0; i < 5000; i++) x.a"},
};

/* What has a step for each 128 bytes that it reads or writes, when 'x' is
 * LENGTH long. Of what is counted at once more than 10,000 are 10,000. */
static const struct {
  work work;
  unsigned least;
} measured[] = {
    {{"Array(1e4).fill(1)", "x.indexOf(2)"}, 1000},
    {{"Array(1e4).fill(1)", "x.includes(2)"}, 1000},
    {{"Array(1e4).fill(1)", "x.lastIndexOf(2)"}, 1000},
    {{"Array(1e4).fill(1)", "x.reverse()"}, 600},
    {{"Array(1e4).fill(1)", "x.shift()"}, 600},
    {{"Array(1e4).fill(1)", "x.unshift(1)"}, 600},
    {{"Array(1e4).fill(1)", "Object.keys(x)"}, 10000},
    {{"new Uint8Array(1e4)", "x.fill(1)"}, 70},
    {{"new Uint8Array(1e4)", "x.indexOf(1)"}, 70},
    {{"new Uint8Array(1e4)", "x.reverse()"}, 70},
    {{"new Uint8Array(1e4)", "x.copyWithin(1, 0)"}, 70},
    {{"new Uint8Array(1e4)", "x.set(x)"}, 70},
    {{"new Uint8Array(1e4)", "x.slice()"}, 70},
    {{"new Float64Array(1e4)", "x.sort()"}, 9000},
    {{"'a'", "x.repeat(1e4)"}, 70},
    {{"'a'", "x.padStart(1e4)"}, 70},
    {{"' '.repeat(1e4)", "x.trim()"}, 70},
    {{"'a'.repeat(1e4)", "x.split('')"}, 600},
    {{"'a'.repeat(1e4)", "x.indexOf('b')"}, 70},
    {{"'a'.repeat(1e4)", "x === 'a'.repeat(1e4)"}, 140},
    {{"'a'.repeat(1e4)", "x < 'a'.repeat(1e4)"}, 140},
    {{"'a'.repeat(1e4)", "new Map().get(x)"}, 70},
    {{"'1'.repeat(1e4)", "+x"}, 70},
    {{"'a'.repeat(1e4)", "({})[x]"}, 70},
    {{"'\\u1234'.repeat(1e4)", "x.isWellFormed()"}, 70},
    {{"'e\\u0301'.repeat(1e4)", "x.normalize('NFC')"}, 600},
    {{"'a'.repeat(1e4)", "x.toUpperCase()"}, 70},
    {{"'\\u1234'.repeat(1e4)", "encodeURIComponent(x)"}, 600},
    {{"1n << 100000n", "x * x"}, 60000},
    {{"1n << 100000n", "(x * x) / x"}, 120000},
    {{"1n << 30000n", "x.toString()"}, 60000},
    {{"'9'.repeat(1e4)", "BigInt(x)"}, 10000},
    {{"'a|'.repeat(1e5)", "new RegExp(x)"}, 100000},
};

/* What has no more than a call, however long it is. */
static const work uncounted[] = {
    {"'a'.repeat(1e4)", "x.at(5000)"},
    {"Array(1e4).fill(1)", "x.length = 0"},
    {"Array(1e4).fill(1)", "x.pop()"},
    {"new Uint8Array(1e4)", "x.subarray(1)"},
    {"'a'.repeat(1e4)", "x.startsWith('b')"},
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

static void test_measured(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(measured); i++) {
    uint64_t used = used_by(&measured[i].work);
    if (used < measured[i].least)
      fail_msg("%s: %llu", measured[i].work.source, (unsigned long long)used);
  }
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

/* However long a built-in would take, it comes back: by its fuel or deadline
 * where it looks at them, else by the watchdog. */
static void test_bounds(void **state) {
  static const char *const endless[] = {
      "Array(4e8).join()",
      "Array(4e8).sort()",
      "[].reverse.call({ length: 2 ** 53 - 1 })",
      "[].copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)",
      "[].concat(Array(4e9))",
      "[Array(4e9)].flat()",
      "String.raw({ raw: { length: 1e9 } })",
      "Array(4e9).values().drop(4e9).next()",
      "new Set([1]).isDisjointFrom({ size: 0, has() {}, keys() {"
      " return Array(4e9).values() } })",
      "JSON.stringify(Array(4e9))",
      "'a'.repeat(2e6).indexOf('a'.repeat(1e6) + 'b')",
      "'a'.repeat(2e6).lastIndexOf('b' + 'a'.repeat(1e6))",
      "((1n << 1000000n) - 1n).toString()",
      "BigInt('9'.repeat(300000))",
      "3n ** 600000n",
      "new RegExp('a|'.repeat(1e6))",
      "for (const s = 'a'.repeat(1e6); ; ) s.indexOf('b')",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(endless); i++)
    if (ends_as(endless[i]) != TORPOR_INTERRUPTED) fail_msg("%s", endless[i]);
  assert_int_equal(ends_as(TEST_LONG_BUILTIN), TORPOR_TRAPPED);
  assert_int_equal(ends_as("'a'.repeat(5e8)"), TORPOR_THROWN);
  assert_int_equal(ends_as("new Uint8Array(5e8)"), TORPOR_THROWN);
  assert_int_equal(ends_as("1n << 2000000n"), TORPOR_THROWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counted),
      cmocka_unit_test(test_measured),
      cmocka_unit_test(test_uncounted),
      cmocka_unit_test(test_bounds),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
