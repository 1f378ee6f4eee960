/* SPDX-License-Identifier: MIT */
/* test_extension.c - native extensions: loading, sleeping, and what goes wrong.
 *
 * ctest: timeout=180 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/forged.h"
#include "test/support/file.h"
#include "test/support/save.h"
#include "test/support/vm.h"

#include "common/alloc.h"
#include "common/buffer.h"
#include "common/cbor.h"
#include "vm/extensions/extension-find.h"
#include "vm/extensions/linking.h"
#include "vm/extensions/manifest.h"
#include "vm/format/container.h"
#include "vm/life.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

static const char *path_of(const char *name) {
  static _Thread_local char path[4096];
  snprintf(path, sizeof(path), "%s/test-extensions/%s.so",
           getenv("TORPOR_BUILD"), name);
  return path;
}

static void load(torpor_vm *vm, const char *name) {
  test_ok(vm, torpor_vm_load_extension(vm, path_of(name), NULL));
}

static torpor_vm *open_with(const char *first, const char *second) {
  torpor_vm *vm = test_vm_open(NULL);
  load(vm, first);
  if (second) load(vm, second);
  return vm;
}

static void assert_same_bytes(const torpor_bytes *a, const torpor_bytes *b) {
  assert_int_equal(a->size, b->size);
  assert_memory_equal(a->data, b->data, a->size);
}

/* ---- Working --------------------------------------------------------------*/

static void test_works(void **state) {
  torpor_vm *vm = open_with("counter", "greeter");
  torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
  (void)state;
  test_eval_is(vm,
               "c = new Counter; [c.increment(), c.increment(), "
               "c.increment()].join()",
               "one,two,3");
  test_eval_is(vm, "new Counter(n => n * 10).increment()", "10");
  test_eval_is(vm, "c.finalized", "1");
  test_eval_is(vm, "class D extends Counter {} new D().increment()", "one");
  test_eval_is(vm, "lastGreeted()", "42");
  test_eval_is(vm, "greet(1, 'you') + lastGreeted()", "hello, youyou");
  assert_int_equal(torpor_vm_extension_count(vm), 2);
  test_ok(vm, torpor_vm_extension_at(vm, 0, &info));
  assert_string_equal(info.name, "counter");
  assert_string_equal(info.version, "1.0");
  assert_int_equal(strlen(info.hash), 64);
  test_ok(vm, torpor_vm_extension_at(vm, 1, &info));
  assert_string_equal(info.name, "greeter");
  assert_string_equal(info.version, "");
  test_status(vm, torpor_vm_extension_at(vm, 2, &info), TORPOR_NOT_FOUND);
  torpor_vm_close(vm);
}

/* After code ran, while jobs wait, and from inside a host function. */
static torpor_status load_inside(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  (void)arguments, (void)result, (void)user;
  return torpor_vm_load_extension(vm, path_of("counter"), NULL);
}

static void test_loads_late(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_eval(vm,
            "kept = Array.from({length: 5000}, (_, i) => ({i})); "
            "Promise.resolve().then(() => seen = typeof greet); 0");
  load(vm, "greeter");
  test_run_jobs(vm);
  test_eval_is(vm, "seen + kept[77].i", "function77");
  test_ok(vm, torpor_function_add(vm, "load", load_inside, NULL));
  test_eval_is(vm, "load(); new Counter().increment()", "one");
  torpor_vm_close(vm);
}

/* ---- Sleeping -------------------------------------------------------------*/

static void test_sleeps(void **state) {
  static const torpor_memory kinds[] = {
      TORPOR_MEMORY_AUTO, TORPOR_MEMORY_POOLED, TORPOR_MEMORY_MAPPED};
  (void)state;
  for (int order = 0; order < 2; order++) {
    torpor_vm *vm =
        open_with(order ? "counter" : "greeter", order ? "greeter" : "counter");
    torpor_bytes asleep, again;
    test_eval(vm,
              "c = new Counter(n => n + 'x'); c.increment(); "
              "plain = new Counter; greet(0, 'me')");
    asleep = test_save(vm);
    torpor_vm_close(vm);
    for (int i = 0; i < 6; i++) {
      torpor_options options = TORPOR_OPTIONS_INIT;
      options.memory = kinds[i % 3];
      vm = test_restore(&asleep, &options);
      again = test_save(vm);
      assert_same_bytes(&asleep, &again);
      torpor_bytes_free(&again);
      test_eval_is(vm, "c.increment() + lastGreeted() + plain.increment()",
                   "2xmeone");
      test_eval_is(vm, "new Counter().increment() + greet(1, 'b')",
                   "onehello, b");
      torpor_vm_close(vm);
    }
    torpor_bytes_free(&asleep);
  }
}

/* A large VM is mapped onto an image of its own. */
static void test_sleeps_large(void **state) {
  torpor_vm *vm = open_with("counter", NULL), *copy;
  torpor_bytes asleep;
  (void)state;
  test_eval(vm,
            "c = new Counter; c.increment(); "
            "big = new Uint8Array(5 << 20).fill(7); 0");
  asleep = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&asleep, NULL);
  test_eval_is(vm, "`${c.increment()} ${big[1000]}`", "two 7");
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  torpor_vm_close(vm);
  test_eval_is(copy, "`${c.increment()} ${big[1000]}`", "3 7");
  torpor_vm_close(copy);
  torpor_bytes_free(&asleep);
}

static void test_forks(void **state) {
  torpor_vm *vm = open_with("counter", NULL), *copy, *second;
  torpor_bytes a, b;
  (void)state;
  test_eval(vm, "c = new Counter; c.increment()");
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  a = test_save(vm);
  b = test_save(copy);
  assert_same_bytes(&a, &b);
  load(copy, "greeter");
  test_ok(copy, torpor_vm_fork(copy, NULL, &second));
  test_eval_is(vm, "c.increment() + typeof greet", "twoundefined");
  torpor_vm_close(vm);
  test_eval_is(copy, "c.increment() + typeof greet", "twofunction");
  torpor_vm_close(copy);
  test_eval_is(second, "c.increment() + greet(0, 'a')", "twoa");
  torpor_vm_close(second);
  torpor_bytes_free(&a);
  torpor_bytes_free(&b);
}

/* Differences: of data, and of one more extension. */
static void test_differences(void **state) {
  torpor_vm *vm = open_with("counter", NULL);
  torpor_bytes parts[3];
  torpor_slice chain[3];
  torpor_base *base;
  (void)state;
  test_eval(vm, "c = new Counter; c.increment()");
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_PARENT),
                                        &parts[0]));
  for (int i = 1; i < 3; i++) {
    if (i == 2) load(vm, "greeter");
    test_eval(vm, "c.increment()");
    test_ok(vm, torpor_snapshot_save_with(
                    vm, TEST_SAVE(TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA),
                    &parts[i]));
  }
  torpor_vm_close(vm);
  for (int i = 0; i < 3; i++)
    chain[i] = (torpor_slice){parts[i].data, parts[i].size};
  test_ok(NULL, torpor_snapshot_restore_chain(chain, 3, NULL, &vm));
  test_eval_is(vm, "c.increment() + greet(0, 'z')", "4z");
  torpor_vm_close(vm);
  test_ok(NULL, torpor_base_open(chain, 2, NULL, &base));
  for (int i = 0; i < 3; i++) {
    test_ok(NULL, torpor_base_restore(base, chain + 2, i % 2, NULL, &vm));
    test_eval_is(vm, "c.increment() + typeof greet",
                 i % 2 ? "4function" : "3undefined");
    torpor_vm_close(vm);
  }
  torpor_base_close(base);
  for (int i = 0; i < 3; i++) torpor_bytes_free(&parts[i]);
}

/* Memory that is used again knows nothing of the one before. */
static void test_is_recycled(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes asleep, clean = test_save(vm), again;
  torpor_base *base;
  (void)state;
  torpor_vm_close(vm);
  for (int i = 0; i < 20; i++) {
    vm = open_with("counter", i % 2 ? "greeter" : NULL);
    test_eval(vm, "new Counter().increment()");
    if (i == 0) asleep = test_save(vm);
    torpor_vm_close(vm);
    vm = test_vm_open(NULL);
    assert_int_equal(torpor_vm_extension_count(vm), 0);
    test_eval_is(vm, "typeof Counter", "undefined");
    torpor_vm_close(vm);
  }
  test_ok(NULL, torpor_base_open(&(torpor_slice){asleep.data, asleep.size}, 1,
                                 NULL, &base));
  for (int i = 0; i < 20; i++) {
    test_ok(NULL, torpor_base_restore(base, NULL, 0, NULL, &vm));
    again = test_save(vm);
    assert_same_bytes(&asleep, &again);
    torpor_bytes_free(&again);
    if (i % 3 == 0) load(vm, "greeter");
    torpor_vm_close(vm);
  }
  torpor_base_close(base);
  torpor_bytes_free(&asleep);
  torpor_bytes_free(&clean);
}

/* ---- Manifests ------------------------------------------------------------*/

typedef struct manifest {
  const char *name;
  uint8_t hash[32];
  int64_t memory, memory_size, table, table_size;
} manifest;

static void write_manifest(torpor__buffer *out, const manifest *m, int count) {
  torpor__cbor_head(out, TORPOR__CBOR_ARRAY, (uint64_t)count);
  for (int i = 0; i < count; i++, m++) {
    torpor__cbor_head(out, TORPOR__CBOR_ARRAY, 7);
    torpor__cbor_string(out, m->name);
    torpor__cbor_string(out, "1.0");
    torpor__cbor_bytes(out, TORPOR__CBOR_BYTES, m->hash, 32);
    torpor__cbor_integer(out, m->memory);
    torpor__cbor_integer(out, m->memory_size);
    torpor__cbor_integer(out, m->table);
    torpor__cbor_integer(out, m->table_size);
  }
}

static torpor_status restore_forged(const torpor_bytes *asleep,
                                    const void *content, size_t size) {
  torpor_bytes forged;
  torpor_status status;
  torpor_vm *vm = NULL;
  test_ok(NULL, torpor__container_replace(asleep->data, asleep->size,
                                          TORPOR__SECTION_EXTENSIONS, content,
                                          size, &forged));
  status = torpor_snapshot_restore(forged.data, forged.size, NULL, &vm);
  if (status == TORPOR_OK) test_eval_status(vm, "new Counter().increment()");
  torpor_vm_close(vm);
  torpor_bytes_free(&forged);
  return status;
}

static torpor_status restore_with(const torpor_bytes *asleep, const manifest *m,
                                  int count) {
  torpor__buffer out = {0};
  torpor_status status;
  write_manifest(&out, m, count);
  status = restore_forged(asleep, out.data, out.size);
  torpor__buffer_free(&out);
  return status;
}

static void test_forged(void **state) {
  torpor_vm *vm = open_with("counter", "greeter");
  manifest good[2], bad[2];
  torpor_bytes asleep = test_save(vm);
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    const torpor__link *link = torpor__link_at(vm, i);
    good[i] = (manifest){link->name,   {0},
                         link->memory, link->known->extension->memory_size,
                         link->table,  link->known->extension->table_size};
    memcpy(good[i].hash, link->known->hash, 32);
  }
  assert_int_equal(restore_with(&asleep, good, 2), TORPOR_OK);
#define BAD(change, status)                                                    \
  memcpy(bad, good, sizeof(bad));                                              \
  change;                                                                      \
  assert_int_equal(restore_with(&asleep, bad, 2), (status))
  BAD(bad[1].hash[5] ^= 1, TORPOR_EXTENSION);
  test_says(NULL, "greeter");
  test_says(NULL, "TORPOR_EXTENSION_PATH");
  BAD(bad[0] = good[1]; bad[1] = good[0], TORPOR_FORMAT);
  BAD(bad[1] = good[0], TORPOR_FORMAT);
  BAD(bad[0].table--, TORPOR_FORMAT);
  BAD(bad[1].table++, TORPOR_FORMAT);
  BAD(bad[0].table = 0, TORPOR_FORMAT);
  BAD(bad[0].table_size++, TORPOR_FORMAT);
  BAD(bad[0].memory_size--, TORPOR_FORMAT);
  BAD(bad[0].memory++, TORPOR_FORMAT);
  BAD(bad[0].memory = UINT32_MAX - 15, TORPOR_FORMAT);
  BAD(bad[0].memory = -16, TORPOR_FORMAT);
  BAD(bad[0].memory = INT64_C(1) << 33, TORPOR_FORMAT);
  BAD(bad[0].name = "", TORPOR_FORMAT);
  BAD(bad[0].name =
          "a-name-that-is-much-longer-than-what-anybody-would-call-an"
          "-extension-of-theirs",
      TORPOR_FORMAT);
#undef BAD
  assert_int_equal(restore_with(&asleep, good, 1), TORPOR_FORMAT);
  assert_int_equal(restore_with(&asleep, good, 0), TORPOR_FORMAT);
  assert_int_equal(restore_forged(&asleep, "", 0), TORPOR_FORMAT);
  torpor_vm_close(vm);
  torpor_bytes_free(&asleep);
}

/* Bytes that are changed at random are refused, or give a VM that runs. */
static void test_forged_at_random(void **state) {
  torpor_vm *vm = open_with("counter", "greeter");
  torpor_bytes asleep = test_save(vm);
  torpor__buffer out = {0};
  (void)state;
  torpor__manifest_write(vm, &out);
  torpor_vm_close(vm);
  for (unsigned seed = 1; seed <= 2000; seed++) {
    uint8_t *bytes = malloc(out.size);
    srand(seed);
    memcpy(bytes, out.data, out.size);
    for (int i = rand() % 3; i >= 0; i--)
      bytes[(size_t)rand() % out.size] = (uint8_t)rand();
    restore_forged(&asleep, bytes, out.size - (size_t)(rand() % 4 == 0));
    free(bytes);
  }
  torpor__buffer_free(&out);
  torpor_bytes_free(&asleep);
}

/* ---- Refused --------------------------------------------------------------*/

static void expect_refused(torpor_vm *vm, const char *extension,
                           const char *init, torpor_status expected,
                           const char *words) {
  test_status(vm, torpor_vm_load_extension(vm, extension, init), expected);
  test_says(vm, words);
  test_eval_is(vm, "1 + 1", "2");
}

static void test_is_refused(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  expect_refused(vm, "nothing", NULL, TORPOR_EXTENSION, "ships");
  expect_refused(vm, "./nothing.so", NULL, TORPOR_EXTENSION, "cannot be");
  expect_refused(vm, "./nothing.wasm", NULL, TORPOR_EXTENSION, "read");
  expect_refused(vm, path_of("missing"), NULL, TORPOR_EXTENSION, "frobnicate");
  expect_refused(vm, path_of("mistaken"), NULL, TORPOR_EXTENSION,
                 "JS_NewObject");
  expect_refused(vm, path_of("counter"), "nothing", TORPOR_EXTENSION,
                 "nothing");
  expect_refused(vm, path_of("rogue"), "mistyped", TORPOR_EXTENSION,
                 "mistyped");
  assert_int_equal(torpor_vm_extension_count(vm), 0);
  load(vm, "counter");
  expect_refused(vm, path_of("counter"), NULL, TORPOR_EXISTS, "counter");
  assert_int_equal(torpor_vm_extension_count(vm), 1);
  test_status(vm, torpor_vm_load_extension(vm, NULL, NULL), TORPOR_MISUSE);
  torpor_vm_close(vm);
}

static void test_init_fails(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_status(vm, torpor_vm_load_extension(vm, path_of("rogue"), "throwing"),
              TORPOR_THROWN);
  test_says(vm, "not today");
  test_eval_is(vm, "1 + 1", "2");
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  test_status(vm, torpor_vm_load_extension(vm, path_of("rogue"), "failing"),
              TORPOR_THROWN);
  test_says(vm, "7");
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  test_status(vm, torpor_vm_load_extension(vm, path_of("rogue"), "trapping"),
              TORPOR_TRAPPED);
  test_status(vm, test_eval_status(vm, "1"), TORPOR_BROKEN);
  torpor_vm_close(vm);
}

/* ---- Rogues ---------------------------------------------------------------*/

static torpor_vm *open_rogue(uint64_t fuel, uint64_t deadline_ms) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.memory_max = (uint64_t)32 << 20;
  vm = test_vm_open(&options);
  load(vm, "rogue");
  torpor_vm_set_fuel(vm, fuel);
  torpor_vm_set_deadline(vm, deadline_ms);
  return vm;
}

static void expect_end(const char *source, uint64_t fuel, uint64_t deadline_ms,
                       torpor_status expected) {
  torpor_vm *vm = open_rogue(fuel, deadline_ms);
  assert_int_equal(test_eval_status(vm, source), expected);
  if (expected == TORPOR_TRAPPED)
    assert_int_equal(test_eval_status(vm, "1"), TORPOR_BROKEN);
  else
    test_eval_is(vm, "1 + 1", "2");
  torpor_vm_close(vm);
}

static void test_rogues(void **state) {
  (void)state;
  expect_end("rogue.trap()", 0, 0, TORPOR_TRAPPED);
  expect_end("rogue.stop()", 0, 0, TORPOR_TRAPPED);
  expect_end("rogue.stray()", 0, 0, TORPOR_TRAPPED);
  expect_end("rogue.recurse()", 0, 1000, TORPOR_TRAPPED);
#ifndef TORPOR_SOFT_BOUNDS /* where nothing ends code that never polls */
  expect_end("rogue.recurseBare()", 0, 100, TORPOR_TRAPPED);
#endif
  expect_end("rogue.loop()", 1000000, 0, TORPOR_TRAPPED);
  expect_end("rogue.loop()", 0, 50, TORPOR_TRAPPED);
  expect_end("try { for (;;) rogue.leak(1000000) } catch (e) { e.message }", 0,
             0, TORPOR_OK);
  expect_end("const f = () => rogue.call(f); f()", 0, 0, TORPOR_THROWN);
  expect_end("rogue.leakObjects()", 0, 0, TORPOR_OK);
}

/* What is found by name, path or hash is the same, before and after loading. */
static void test_found(void **state) {
  (void)state;
  torpor_extension_info named = TORPOR_EXTENSION_INFO_INIT, hashed = named;
  torpor_vm *vm = test_vm_open(NULL);
  test_ok(NULL, torpor_extension_find("headers", &named));
  test_ok(NULL, torpor_extension_find(named.hash, &hashed));
  assert_string_equal(hashed.name, "headers");
  assert_string_equal(hashed.hash, named.hash);
  test_ok(NULL, torpor_extension_find(path_of("rogue"), &hashed));
  assert_string_not_equal(hashed.hash, named.hash);
  test_ok(vm, torpor_vm_load_extension(vm, named.hash, NULL));
  test_eval_is(vm, "typeof Headers", "function");
  named.hash[0] ^= 1;
  test_status(NULL, torpor_extension_find(named.hash, &hashed),
              TORPOR_EXTENSION);
  test_says(NULL, named.hash);
  test_status(NULL, torpor_extension_find("none", &hashed), TORPOR_EXTENSION);
  torpor_vm_close(vm);
}

/* The module of one that ships is the one that was made here. */
static void test_module(void **state) {
  torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
  char path[4096];
  torpor_bytes module, made;
  torpor_status status = TORPOR_NOMEM;
  (void)state;
  snprintf(path, sizeof(path), "%s/extensions/headers.wasm",
           getenv("TORPOR_BUILD"));
  made = test_file_read(path);
  assert_non_null(made.data);
  for (long after = 0; status != TORPOR_OK; after++) {
    torpor__alloc_fail(after);
    status = torpor_extension_module("headers", &module);
    torpor__alloc_fail(-1);
    if (status == TORPOR_OK) break;
    assert_int_equal(status, TORPOR_NOMEM);
    assert_null(module.data);
  }
  assert_same_bytes(&module, &made);
  torpor_bytes_free(&module);
  free(made.data);
  test_ok(NULL, torpor_extension_find("headers", &info));
  test_status(NULL, torpor_extension_module("none", &module), TORPOR_EXTENSION);
  test_says(NULL, "no extension 'none' ships");
  test_status(NULL, torpor_extension_module(info.hash, &module),
              TORPOR_EXTENSION);
  test_status(NULL, torpor_extension_module(path, &module), TORPOR_EXTENSION);
  assert_null(module.data);
}

/* Without memory an extension is not taken for one that is not there, whatever
 * it is asked for by. */
static void test_found_without_memory(void **state) {
  (void)state;
  torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
  torpor_status status;
  long allocations = 0;
  do {
    torpor__alloc_fail(allocations++);
    status = torpor_extension_find("structured-clone", &info);
    torpor__alloc_fail(-1);
    if (status != TORPOR_OK) assert_int_equal(status, TORPOR_NOMEM);
    if (status != TORPOR_OK) test_says(NULL, "no memory");
  } while (status != TORPOR_OK);
  assert_true(allocations > 3);
  char path[4096 + 8];
  test_ok(NULL, torpor_extension_find(path_of("counter"), &info));
  snprintf(path, sizeof(path), "%s", path_of("counter"));
  memcpy(path + strlen(path) - 2, "wasm", sizeof("wasm"));
  torpor__alloc_fail(0);
  status = torpor_extension_find(path, &info);
  torpor__alloc_fail(-1);
  assert_int_equal(status, TORPOR_NOMEM);
  test_ok(NULL, torpor_extension_find(path, &info));
}

/* A deadline that is reached in C code is told from other traps. */
static void test_timed_out(void **state) {
  (void)state;
  static const struct {
    const char *source, *says;
    uint64_t fuel, deadline_ms;
  } cases[] = {
      {"rogue.loop()", "past its deadline of 50 ms inside an ext", 0, 50},
      {"rogue.loop()", "its fuel is used up inside an extension", 100000, 0},
      {"rogue.trap()", "ended", 0, 10000},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    torpor_vm *vm = open_rogue(cases[i].fuel, cases[i].deadline_ms);
    test_status(vm, test_eval_status(vm, cases[i].source), TORPOR_TRAPPED);
    test_says(vm, cases[i].says);
    assert_int_equal(torpor_vm_timed_out(vm), i == 0);
    torpor_vm_close(vm);
  }
}

/* Every index of the table: what has no such type traps, and nothing else
 * happens. */
static void test_jumps(void **state) {
  torpor_vm *vm = open_rogue(0, 0);
  uint32_t end = vm->engine->table_size(vm->instance);
  (void)state;
  torpor_vm_close(vm);
  for (uint32_t index = 0; index < end + 5; index += 1 + index % 7) {
    char source[64];
    vm = open_rogue(1000000, 1000);
    snprintf(source, sizeof(source), "rogue.jump(%u)", index);
    test_eval_status(vm, source);
    torpor_vm_close(vm);
  }
}

/* ---- Hosts ----------------------------------------------------------------*/

/* Another engine, as far as anybody can tell. Engines stay for ever. */
static struct forged *forged;

/* Two engines in one process, each with the same extension. */
static void test_two_engines(void **state) {
  torpor__image *image;
  torpor_vm *other, *vm = open_with("counter", NULL);
  (void)state;
  test_ok(NULL, torpor__engine_baseline(&forged->engine, &image));
  test_ok(NULL, torpor__vm_take(image, NULL, &other));
  load(other, "greeter");
  load(other, "counter");
  test_eval(vm, "c = new Counter; c.increment()");
  test_eval_is(other, "new Counter().increment() + greet(0, 'x')", "onex");
  test_eval_is(vm, "c.increment()", "two");
  torpor_vm_close(vm);
  torpor_vm_close(other);
  torpor_pool_drain();
  torpor__image_forget(&forged->engine);
}

/* Any allocation of the host's fails. */
static void test_no_memory(void **state) {
  torpor_vm *vm = open_with("counter", "greeter");
  torpor_bytes asleep = test_save(vm);
  torpor_status status = TORPOR_NOMEM;
  (void)state;
  torpor_vm_close(vm);
  for (long after = 0; status != TORPOR_OK; after++) {
    torpor_pool_drain();
    torpor__alloc_fail(after);
    status = torpor_snapshot_restore(asleep.data, asleep.size, NULL, &vm);
    torpor__alloc_fail(-1);
    if (status != TORPOR_OK) assert_null(vm);
  }
  test_eval_is(vm, "new Counter().increment()", "one");
  torpor_vm_close(vm);
  status = TORPOR_NOMEM;
  for (long after = 0; status != TORPOR_OK; after++) {
    vm = test_vm_open(NULL);
    torpor__alloc_fail(after);
    status = torpor_vm_load_extension(vm, path_of("counter"), NULL);
    torpor__alloc_fail(-1);
    if (status == TORPOR_OK)
      test_eval_is(vm, "new Counter().increment()", "one");
    torpor_vm_close(vm);
  }
  torpor_bytes_free(&asleep);
}

/* As a program does that can write anywhere in its memory, in the first VM of
 * an engine: what the process knows of the engine must not come from there. */
static void forget_functions(torpor_vm *vm) {
  uint64_t *result = vm->control->host.result;
  uint32_t address =
      vm->engine->exports.torpor_extension_functions(vm->instance);
  size_t size = 4 * (size_t)result[1];
  memset(torpor__memory_to(vm, address, size), 0xff, size);
  memset(result, 0, sizeof(vm->control->host.result));
}

/* What a process knows of extensions and engines stays, so it is made first. */
static int setup(void **state) {
  static const char *const names[] = {"counter", "greeter", "missing",
                                      "mistaken", "rogue"};
  const torpor__extension_known *known;
  torpor__image *image;
  torpor_vm *vm;
  int failed = test_vm_setup(state);
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
    if (torpor__extension_added(path_of(names[i]), &known) != TORPOR_OK)
      return -1;
  torpor_vm_close(open_with("counter", NULL));
  forged = forged_new();
  memset(forged->engine.id, 'a', 64);
  test_ok(NULL, torpor__engine_baseline(&forged->engine, &image));
  test_ok(NULL, torpor__vm_take(image, NULL, &vm));
  forget_functions(vm);
  load(vm, "counter");
  test_eval_is(vm, "new Counter().increment()", "one");
  torpor_vm_close(vm);
  torpor_pool_drain();
  torpor__image_forget(&forged->engine);
  return failed ? failed : test_vm_setup(state);
}

int main(void) {
  const struct CMUnitTest first[] = {
      cmocka_unit_test(test_found_without_memory),
  };
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_works),
      cmocka_unit_test(test_loads_late),
      cmocka_unit_test(test_sleeps),
      cmocka_unit_test(test_sleeps_large),
      cmocka_unit_test(test_forks),
      cmocka_unit_test(test_differences),
      cmocka_unit_test(test_is_recycled),
      cmocka_unit_test(test_forged),
      cmocka_unit_test(test_forged_at_random),
      cmocka_unit_test(test_is_refused),
      cmocka_unit_test(test_init_fails),
      cmocka_unit_test(test_rogues),
      cmocka_unit_test(test_timed_out),
      cmocka_unit_test(test_found),
      cmocka_unit_test(test_module),
      cmocka_unit_test(test_jumps),
      cmocka_unit_test(test_two_engines),
      cmocka_unit_test(test_no_memory),
  };
  int failed = cmocka_run_group_tests_name("none is known", first, NULL, NULL);
  return failed + cmocka_run_group_tests(tests, setup, test_vm_teardown);
}
