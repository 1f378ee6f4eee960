/* SPDX-License-Identifier: MIT */
/* ctest: slow timeout=300 engine=older */
/* test_engine_older.c - an engine of an older QuickJS beside the built-in one.
 *
 * It is the real one: made of the older source that tools/setup brings, with
 * the guest of today (test/support/engines.py, which keeps it), and loaded as
 * any installed engine is. Both live in this process. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/abi.h"
#include "test/support/vm.h"
#include "torpor-engine.h"

static char library[PATH_MAX];
static char older[65];

/* Its file, as the Python script prints it. */
static void find_library(void) {
  char command[PATH_MAX];
  const char *source = getenv("TORPOR_SOURCE");
  assert_non_null(source);
  snprintf(command, sizeof(command), "python3 %s/test/support/engines.py older",
           source);
  FILE *said = popen(command, "r");
  assert_non_null(said);
  assert_non_null(fgets(library, sizeof(library), said));
  assert_int_equal(pclose(said), 0);
  library[strcspn(library, "\n")] = 0;
}

static double fixed_clock(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1700000000000.0;
}

static torpor_options fixed_options(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.clock = fixed_clock;
  return options;
}

static torpor_vm *open_older(void) {
  torpor_options options = fixed_options();
  options.engine = older;
  return test_vm_open(&options);
}

static int setup(void **state) {
  torpor_engine_info info = TORPOR_ENGINE_INFO_INIT;
  char folder[PATH_MAX];
  find_library();
  assert_int_equal(torpor_engine_read(library, &info), TORPOR_OK);
  memcpy(older, info.id, sizeof(older));
  memcpy(folder, library, sizeof(folder));
  *strrchr(folder, '/') = 0;
  assert_int_equal(setenv("TORPOR_ENGINE_PATH", folder, 1), 0);
  /* An engine's image stays: made now, it is not taken for a leak. */
  torpor_vm_close(open_older());
  return test_vm_setup(state);
}

struct seen {
  unsigned built_in, older;
};

static bool see(void *user, const torpor_engine_info *info) {
  struct seen *seen = user;
  if (!info->path) {
    assert_string_equal(info->id, torpor_engine_id());
    assert_string_equal(info->quickjs, "0.17.0");
    assert_null(info->unusable);
    seen->built_in++;
  } else if (strcmp(info->id, older) == 0) {
    assert_string_equal(info->path, library);
    assert_string_equal(info->quickjs, "0.16.2");
    assert_int_equal(info->abi, TORPOR_ABI_VERSION);
    assert_null(info->unusable);
    seen->older++;
  }
  return true;
}

static void test_is_listed(void **state) {
  struct seen seen = {0};
  (void)state;
  torpor_engine_each(see, &seen);
  assert_int_equal(seen.built_in, 1);
  assert_int_equal(seen.older, 1);
}

/* The length of DOMException is 2 in the older one, as it should not be. */
static void test_both_at_once(void **state) {
  torpor_vm *first = open_older(), *second = test_vm_open(NULL);
  (void)state;
  assert_string_equal(torpor_vm_engine(first), older);
  assert_string_equal(torpor_vm_engine(second), torpor_engine_id());
  for (int i = 0; i < 3; i++) {
    test_eval_is(first, "DOMException.length", "2");
    test_eval_is(second, "DOMException.length", "0");
  }
  torpor_vm_close(first);
  torpor_vm_close(second);
}

/* What its package lacks, and engine/fit-builtins.py makes. */
static void test_compiled_builtins(void **state) {
  torpor_vm *vm = open_older();
  (void)state;
  test_eval_is(vm, "[...Iterator.zip([[1, 2], ['a', 'b']])].join(';')",
               "1,a;2,b");
  test_eval_is(vm, "JSON.stringify([...Iterator.zipKeyed({a: [1], b: [2]})])",
               "[{\"a\":1,\"b\":2}]");
  test_eval(vm,
            "Array.fromAsync([1, Promise.resolve(2)])"
            ".then(all => globalThis.all = all.join())");
  test_run_jobs(vm);
  test_eval_is(vm, "all", "1,2");
  torpor_vm_close(vm);
}

/* Its limits are ours: recursion ends as an error, garbage is collected. */
static void test_limits(void **state) {
  torpor_vm *vm = open_older();
  torpor_usage usage = TORPOR_USAGE_INIT;
  (void)state;
  test_eval_is(vm,
               "function f() { return f() + 1 }"
               "try { f() } catch (e) { e.name }",
               "RangeError");
  test_eval(vm,
            "for (let i = 0; i < 200000; i++) {"
            "  const a = {}, b = {a}; a.b = b }");
  torpor_vm_usage(vm, &usage);
  assert_true(usage.heap_used < 8 << 20);
  torpor_vm_close(vm);
}

static const char *const steps[] = {
    "globalThis.it = (function* () { let n = 0; while (true) yield ++n })(); 0",
    "it.next().value",
    "globalThis.map = new Map([[1, 'a'], [2, 'b']]); map.size",
    "globalThis.key = map.keys(); key.next().value",
    "globalThis.n = 0; (async () => { await null; await null; n++ })(); 0",
    "map.delete(1); [...key].join()",
    "Math.random() < 1 && it.next().value",
};

#define STEPS (sizeof(steps) / sizeof(*steps))

static void run_steps(torpor_vm *vm, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    torpor_scope scope;
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_eval(vm, steps[i]);
    test_run_jobs(vm);
    test_ok(vm, torpor_scope_close(vm, scope));
  }
}

/* Run n = run k, save, restore, run n - k; whoever restores names no engine. */
static void test_same_bytes(void **state) {
  const torpor_options options = fixed_options();
  torpor_vm *vm = open_older();
  torpor_bytes whole;
  (void)state;
  run_steps(vm, 0, STEPS);
  whole = test_save(vm);
  torpor_vm_close(vm);
  for (size_t k = 0; k <= STEPS; k++) {
    torpor_bytes part, end;
    vm = open_older();
    run_steps(vm, 0, k);
    part = test_save(vm);
    torpor_vm_close(vm);
    vm = test_restore(&part, &options);
    assert_string_equal(torpor_vm_engine(vm), older);
    run_steps(vm, k, STEPS);
    end = test_save(vm);
    assert_int_equal(end.size, whole.size);
    assert_memory_equal(end.data, whole.data, end.size);
    torpor_vm_close(vm);
    torpor_bytes_free(&part);
    torpor_bytes_free(&end);
  }
  torpor_bytes_free(&whole);
}

/* A snapshot of one engine is nothing to the other. */
static void test_other_engine(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = open_older();
  torpor_bytes bytes = test_save(vm);
  (void)state;
  torpor_vm_close(vm);
  options.engine = torpor_engine_id();
  assert_int_equal(
      torpor_snapshot_restore(bytes.data, bytes.size, &options, &vm),
      TORPOR_ENGINE);
  assert_non_null(strstr(torpor_last_error(NULL), older));
  torpor_bytes_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_is_listed),
      cmocka_unit_test(test_both_at_once),
      cmocka_unit_test(test_compiled_builtins),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_same_bytes),
      cmocka_unit_test(test_other_engine),
  };
  return cmocka_run_group_tests(tests, setup, test_vm_teardown);
}
