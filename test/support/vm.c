/* SPDX-License-Identifier: MIT */
/* vm.c - helpers for tests of libtorpor; see vm.h. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "test/support/vm.h"
#include "vm/memory/check.h"
#include "vm/pool.h"

/* At one operation of so many all that can be asserted of a VM is. */
#define CHECKED_EVERY 61

static long live_before;

/* The image of an engine is made once and stays, as does what is known of an
 * extension, so they are made first. */
int test_vm_setup(void **state) {
  torpor_vm *vm;
  (void)state;
  torpor__check_set((torpor__check_depth){.every = CHECKED_EVERY});
  vm = test_vm_open(NULL);
  test_ok(vm, torpor_vm_load_extension(vm, "headers", NULL));
  torpor_vm_close(vm);
  torpor__pool_drain();
  live_before = torpor__alloc_live();
  return 0;
}

int test_vm_teardown(void **state) {
  (void)state;
  torpor__alloc_fail(-1);
  torpor__pool_drain();
  torpor__region_drain();
  assert_int_equal(torpor__alloc_live(), live_before);
  return 0;
}

void test_status_at(const torpor_vm *vm, torpor_status status,
                    torpor_status expected, const char *file, int line) {
  if (status == expected) return;
  print_error("%s where %s was expected: %s\n", torpor_status_name(status),
              torpor_status_name(expected), torpor_last_error(vm));
  _fail(file, line);
}

torpor_vm *test_vm_open(const torpor_options *options) {
  torpor_vm *vm = NULL;
  test_ok(NULL, torpor_vm_open(options, &vm));
  assert_non_null(vm);
  return vm;
}

torpor_value test_eval(torpor_vm *vm, const char *source) {
  torpor_value value;
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "test.js", TORPOR_SCRIPT, &value);
  test_ok(vm, status);
  return value;
}

torpor_value test_eval_module(torpor_vm *vm, const char *source) {
  torpor_value value;
  test_ok(vm, torpor_eval(vm, source, strlen(source), "main.mjs", TORPOR_MODULE,
                          &value));
  test_run_jobs(vm);
  return value;
}

double test_eval_number(torpor_vm *vm, const char *source) {
  torpor_value value = test_eval(vm, source);
  assert_int_equal(torpor_value_type(value), TORPOR_TYPE_NUMBER);
  return torpor_value_number(value);
}

void test_text_is(torpor_vm *vm, torpor_value string, const char *expected) {
  torpor_bytes text;
  test_ok(vm, torpor_string_read(vm, string, &text));
  assert_string_equal((const char *)text.data, expected);
  assert_int_equal(text.size, strlen(expected));
  torpor_bytes_free(&text);
}

void test_eval_is(torpor_vm *vm, const char *source, const char *expected) {
  torpor_value value = test_eval(vm, source);
  test_text_is(vm, value, expected);
  test_ok(vm, torpor_value_release(vm, value));
}

void test_is(torpor_vm *vm, torpor_value value, const char *source,
             const char *expected) {
  torpor_value global;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "v", value));
  test_eval_is(vm, source, expected);
}

void test_says(const torpor_vm *vm, const char *words) {
  if (!strstr(torpor_last_error(vm), words))
    fail_msg("'%s' is not in: %s", words, torpor_last_error(vm));
}

torpor_status test_eval_status(torpor_vm *vm, const char *source) {
  return torpor_eval(vm, source, SIZE_MAX, "test.js", TORPOR_SCRIPT, NULL);
}

static const char hostile[] =
    "{ const all = [Map, Set, WeakMap, WeakSet, Date, RegExp, Array, Error,"
    "  TypeError, AggregateError, Symbol, BigInt, ArrayBuffer, DataView,"
    "  Uint8Array, Object.getPrototypeOf(Uint8Array), Promise, Function,"
    "  Object];"
    "const {ownKeys, defineProperty} = Reflect;"
    "const trap = () => { touched = true; throw new Error('trapped') };"
    "for (let i = 0; i < all.length; i++) {"
    "  const keys = ownKeys(all[i].prototype);"
    "  for (let k = 0; k < keys.length; k++)"
    "    defineProperty(all[i].prototype, keys[k], {__proto__: null, get: trap,"
    "      set: trap});"
    "}"
    "const names = ['Map', 'Set', 'Date', 'RegExp', 'Array', 'Error', 'Symbol',"
    "  'BigInt', 'ArrayBuffer', 'Uint8Array', 'DataView'];"
    "for (let i = 0; i < names.length; i++)"
    "  globalThis[names[i]] = new Proxy(function () {}, new Proxy({__proto__:"
    "    null}, {__proto__: null, get: trap})); }"
    "0";

void test_turn_hostile(torpor_vm *vm) {
  test_eval(vm, "var touched = false; 0");
  test_eval(vm, hostile);
}

void test_run_jobs(torpor_vm *vm) {
  test_ok(vm, torpor_job_run(vm, 0, NULL));
  assert_false(torpor_job_pending(vm));
}

torpor_vm *test_restore(const torpor_bytes *snapshot,
                        const torpor_options *options) {
  torpor_vm *vm = NULL;
  test_ok(NULL, torpor_snapshot_restore(snapshot->data, snapshot->size, options,
                                        &vm));
  return vm;
}

torpor_bytes test_save(torpor_vm *vm) {
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save(vm, &bytes));
  return bytes;
}

/* splitmix64: every seed is good. */
uint64_t test_random_next(test_random *random) {
  uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

unsigned test_count(const char *name, unsigned quick, unsigned full) {
  const char *given = getenv(name), *tier = getenv("TORPOR_TIER");
  if (given) return (unsigned)strtoul(given, NULL, 10);
  return tier && strcmp(tier, "full") == 0 ? full : quick;
}

torpor_bytes test_save_after(const char *source) {
  torpor_vm *vm = test_vm_open(NULL);
  test_eval(vm, source);
  torpor_bytes bytes = test_save(vm);
  torpor_vm_close(vm);
  return bytes;
}
