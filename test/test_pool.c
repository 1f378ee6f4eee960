/* SPDX-License-Identifier: MIT */
/* test_pool.c - a recycled VM equals a new one, byte for byte, whatever its
 * program did.
 * ctest: timeout=120 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/engines/engine.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/pool.h"
#include "vm/vm.h"

static void check_bytes(const torpor_vm *vm, uint32_t start, uint32_t end,
                        const uint8_t *expected) {
  if (memcmp(vm->memory + start, expected, end - start) == 0) return;
  uint32_t at = 0;
  while (vm->memory[start + at] == expected[at]) at++;
  print_error("byte %u is %u, not %u\n", start + at, vm->memory[start + at],
              expected[at]);
  fail();
}

/* Every committed byte of 'vm' against what the engine brings, and zeros. */
static void check_range(void *user, uint32_t start, uint32_t end) {
  static const uint8_t zeros[TORPOR__WASM_PAGE];
  const torpor_vm *vm = user;
  const torpor__image *image = vm->image;
  uint32_t image_end = end < image->size ? end : image->size;
  if (start < image_end) {
    check_bytes(vm, start, image_end, image->bytes + start);
    start = image_end;
  }
  for (uint32_t next; start < end; start = next) {
    next = end - start < sizeof zeros ? end : start + (uint32_t)sizeof zeros;
    check_bytes(vm, start, next, zeros);
  }
}

/* 'vm' as the pool gives it, before it was entered. */
static void assert_clean(torpor_vm *vm) {
  const torpor__engine *engine = vm->engine;
  torpor__region_committed(vm->region, check_range, vm);
  assert_int_equal(torpor__memory_size(vm),
                   (uint64_t)vm->image->pages * TORPOR__WASM_PAGE);
  assert_int_equal(engine->get_stack_pointer(vm->instance),
                   engine->stack_pointer);
  assert_int_equal(engine->table_size(vm->instance), vm->table_size);
}

/* The image is what the segments say, and nothing else. */
static void test_image(void **state) {
  const torpor__engine *engine = &torpor__engine_builtin;
  const torpor__image *image = torpor__image_find(engine);
  uint32_t at = 0;
  (void)state;
  assert_non_null(image);
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    assert_true(segment->address >= at);
    for (; at < segment->address; at++) assert_int_equal(image->bytes[at], 0);
    assert_memory_equal(image->bytes + at, segment->data, segment->size);
    at += segment->size;
  }
  for (; at < image->size; at++) assert_int_equal(image->bytes[at], 0);
  assert_true(image->stack_size > 0);
  for (at = 0; at < image->stack_size; at++)
    assert_int_equal(image->bytes[at], 0);
  for (at = image->host_start; at < image->host_end; at++)
    assert_int_equal(image->bytes[at], 0);
}

/* Closes 'vm'; the pool has just its memory then, and that is clean. */
static void assert_cleaned(torpor_vm *vm) {
  torpor__image *image = torpor__image_find(&torpor__engine_builtin);
  const torpor__region *region = vm->region;
  torpor_vm_close(vm);
  assert_int_equal(torpor__pool_count(), 1);
  vm = torpor__pool_take(image, image->pages, false);
  assert_ptr_equal(vm->region, region);
  assert_clean(vm);
  torpor__pool_give(vm);
}

static void assert_cleaned_after(const char *source) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.deadline_ms = 100;
  torpor__pool_drain();
  vm = test_vm_open(&options);
  test_eval_status(vm, source);
  assert_cleaned(vm);
}

static void test_after_programs(void **state) {
  (void)state;
  assert_cleaned_after("1 + 2");
  assert_cleaned_after(
      "globalThis.a = []; for (let i = 0; i < 1e5; i++) "
      "a.push({i, s: 's' + i})");
  assert_cleaned_after("new Uint8Array(50 << 20).fill(255)");
  assert_cleaned_after("(function f(n) { return n && f(n - 1) + 1 })(1e6)");
  assert_cleaned_after(
      "for (const k of Object.getOwnPropertyNames(globalThis))"
      " delete globalThis[k]");
  assert_cleaned_after("for (;;) ;");
  assert_cleaned_after(TEST_LONG_BUILTIN); /* trapped */
  assert_cleaned_after("setTimeout(() => 1, 5); throw new Error('x')");
}

/* A guest that wrote to every byte it can reach, below and above its break. */
static void test_after_scribbling(void **state) {
  torpor_vm *vm;
  (void)state;
  torpor__pool_drain();
  vm = test_vm_open(NULL);
  assert_true(torpor__region_set_pages(vm->region, 200, 200));
  for (uint32_t at = 0; at < 200 * TORPOR__WASM_PAGE; at += 1 << 16)
    memset(torpor__memory_to(vm, at, 1 << 16), 0xa5, 1 << 16);
  vm->engine->set_stack_pointer(vm->instance, 12345);
  assert_cleaned(vm);
  /* And it works. */
  vm = test_vm_open(NULL);
  test_eval_is(vm, "[1, 2].map(x => x * 2).join()", "2,4");
  torpor_vm_close(vm);
}

/* Random places, so that no rounding goes unnoticed. */
static void test_after_random_writes(void **state) {
  unsigned rounds = test_count("TORPOR_POOL_ROUNDS", 50, 2000);
  test_random random = {5};
  (void)state;
  torpor__pool_drain();
  for (unsigned i = 0; i < rounds; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    uint32_t pages = 20 + (uint32_t)(test_random_next(&random) % 500);
    if (pages < vm->engine->pages) pages = vm->engine->pages;
    assert_true(torpor__region_set_pages(vm->region, pages, pages));
    for (int writes = 0; writes < 200; writes++) {
      uint32_t at = (uint32_t)(test_random_next(&random) %
                               ((uint64_t)pages * TORPOR__WASM_PAGE));
      *torpor__memory_to(vm, at, 1) = (uint8_t)test_random_next(&random);
    }
    assert_cleaned(vm);
  }
}

static void add_size(void *user, uint32_t start, uint32_t end) {
  *(uint64_t *)user += end - start;
}

/* From the second reset on it is the pages that were written, not all. */
static void test_reset_is_small(void **state) {
  uint64_t written = 0, committed = 0;
  torpor_vm *vm;
  (void)state;
  torpor__pool_drain();
  for (int i = 0; i < 3; i++) {
    vm = test_vm_open(NULL);
    test_eval_is(vm, "1 + 2", "3");
    torpor_vm_close(vm);
  }
  vm = test_vm_open(NULL);
  test_eval_is(vm, "1 + 2", "3");
  torpor__region_written(vm->region, add_size, &written);
  torpor__region_committed(vm->region, add_size, &committed);
  assert_true(written > 0);
#ifndef TORPOR_SOFT_BOUNDS
  assert_true(written < committed / 2);
#endif
  assert_cleaned(vm);
}

/* A program that wrote everywhere is forgotten once half a gigabyte was reset
 * for it. */
static void test_track_anew(void **state) {
  torpor_vm *vm;
  uint64_t before = 0, after = 0;
  (void)state;
  torpor__pool_drain();
  test_after_scribbling(state);
  for (int i = 0; i < 2; i++) {
    test_after_scribbling(state);
    vm = test_vm_open(NULL);
    before = 0;
    torpor__region_written(vm->region, add_size, &before);
    torpor_vm_close(vm);
  }
  for (uint64_t reset = 0; reset <= UINT64_C(512) << 20; reset += before)
    torpor_vm_close(test_vm_open(NULL));
  vm = test_vm_open(NULL);
  torpor__region_written(vm->region, add_size, &after);
#ifndef TORPOR_SOFT_BOUNDS
  assert_true(after < before / 2);
#endif
  assert_cleaned(vm);
}

/* The host's own state is as new, too. */
static torpor_status nothing(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

static void test_host_state(void **state) {
  torpor_vm *vm;
  torpor_value function, out;
  (void)state;
  torpor__pool_drain();
  vm = test_vm_open(NULL);
  test_ok(vm, torpor_function_add(vm, "nothing", nothing, NULL));
  test_eval(vm, "nothing(); setTimeout(() => 1, 1); 0");
  torpor_vm_set_user(vm, vm);
  torpor_vm_set_fuel(vm, 5);
  torpor_vm_set_deadline(vm, 5);
  torpor_vm_interrupt(vm);
  const torpor__region *region = vm->region;
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  assert_ptr_equal(vm->region, region);
  assert_null(torpor_vm_user(vm));
  assert_string_equal(torpor_last_error(vm), "");
  assert_int_equal(torpor_value_type(torpor_exception(vm)),
                   TORPOR_TYPE_UNDEFINED);
  assert_int_equal(torpor_vm_fuel(vm), 0);
  assert_int_equal(torpor_operation_count(vm), 0);
  test_eval_is(vm, "typeof nothing", "undefined");
  test_ok(vm, torpor_function_new(vm, "nothing", 0, &function));
  test_status(vm, torpor_call(vm, function, function, NULL, 0, &out),
              TORPOR_THROWN);
  torpor_vm_close(vm);
}

/* ---- Warm bases, and mapped memory ----------------------------------------*/

/* What VMs are opened from: a warm base or (NULL) the baseline; and how. */
typedef struct kind {
  torpor_base *base;
  torpor_memory memory;
} kind;

static torpor_base *open_base(const char *source) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_base *base;
  torpor_bytes bytes;
  test_eval(vm, source);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  test_ok(NULL, torpor_base_open(&(torpor_slice){bytes.data, bytes.size}, 1,
                                 NULL, &base));
  torpor_bytes_free(&bytes);
  return base;
}

static torpor_vm *open_kind(const kind *k) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.memory = k->memory;
  options.deadline_ms = 100;
  if (!k->base) return test_vm_open(&options);
  test_ok(NULL, torpor_base_restore(k->base, NULL, 0, &options, &vm));
  return vm;
}

/* Closes 'vm'; the next one of its kind has the same memory, clean. */
static void assert_recycled(torpor_vm *vm) {
  torpor__image *image = vm->image;
  const torpor__region *region = vm->region;
  bool mapped = vm->mapped;
  torpor_vm *next;
  torpor_vm_close(vm);
  next = torpor__pool_take(image, image->pages, mapped);
  assert_ptr_equal(next->region, region);
  assert_clean(next);
  torpor__pool_give(next);
}

static void remember(torpor_vm *vm, unsigned flags) {
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
  torpor_bytes_free(&bytes);
}

/* Writes to every byte that the guest can reach, and takes back that there is
 * anything. */
static void scribble(torpor_vm *vm) {
  uint64_t size = torpor__memory_size(vm);
  torpor_abi_control *control = vm->control;
  for (uint64_t at = 0; at < size; at += TORPOR__WASM_PAGE)
    memset(torpor__memory_to(vm, (uint32_t)at, TORPOR__WASM_PAGE), 0x5a,
           TORPOR__WASM_PAGE);
  memset(control, 0, sizeof(*control));
  control->stack_size = UINT32_MAX;
  control->heap_break = 0;
}

/* As 'k', for a program that may have no end: that one is ended soon. */
static torpor_vm *open_for(const kind *k, bool ends) {
  torpor_vm *vm = open_kind(k);
  if (!ends) torpor_vm_set_deadline(vm, 50);
  return vm;
}

static void use_and_close(const kind *k, torpor__finder finder) {
  static const char *const sources[] = {
      "1 + 2",
      "globalThis.a = Array.from({length: 50000}, (_, i) => ({i})); 0",
      "new Uint8Array(20 << 20).fill(255)",
      "(function f(n) { return n && f(n - 1) + 1 })(1e6)",
      "for (;;) ;",        /* from here on they have no end */
#ifndef TORPOR_SOFT_BOUNDS /* where nothing ends it */
      TEST_LONG_BUILTIN,
#endif
  };
  torpor__finder_force(finder);
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
    bool ends = i < 4;
    torpor_vm *vm = open_for(k, ends);
    test_eval_status(vm, sources[i]);
    assert_recycled(vm);
    vm = open_kind(k); /* and after pages were shared */
    test_eval_status(vm, sources[1]);
    remember(vm, TORPOR_SAVE_PARENT);
    if (!ends) torpor_vm_set_deadline(vm, 50);
    if (test_eval_status(vm, sources[i]) == TORPOR_OK)
      remember(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA);
    scribble(vm);
    assert_recycled(vm);
    vm = open_kind(k);
    scribble(vm);
    assert_recycled(vm);
  }
  torpor__finder_force(TORPOR__FINDER_BEST);
}

static void test_every_kind(void **state) {
  torpor_base *bases[] = {
      NULL,
      open_base("globalThis.warm = Array.from({length: 5000}, (_, i) => 'v' + "
                "i); 0"),
  };
  (void)state;
  for (size_t i = 0; i < 2; i++)
    for (torpor_memory memory = TORPOR_MEMORY_POOLED;
         memory <= TORPOR_MEMORY_MAPPED; memory++)
      for (torpor__finder finder = 0; finder <= TORPOR__FINDER_EVERYTHING;
           finder++) {
        kind k = {bases[i], memory};
        torpor__pool_drain();
        use_and_close(&k, finder);
      }
  torpor_base_close(bases[1]);
}

/* So large that what was written is given back, not copied back; where there
 * are no files all of it is. */
static void use_large_base(bool no_files) {
  kind k = {.memory = TORPOR_MEMORY_POOLED};
  torpor__pool_drain();
  torpor__image_refuse_files(no_files);
  k.base = open_base("globalThis.warm = new Uint8Array(8 << 20).fill(7); 0");
  use_and_close(&k, TORPOR__FINDER_BEST);
  torpor_base_close(k.base);
  torpor__image_refuse_files(false);
}

static void test_large_base(void **state) {
  (void)state;
  use_large_base(false);
  use_large_base(true);
}

/* ---- Threads --------------------------------------------------------------*/

typedef struct visitor {
  kind k;
  sem_t closed, go_on;
} visitor;

static void *use_and_wait(void *user) {
  visitor *v = user;
  torpor_vm_close(open_kind(&v->k));
  sem_post(&v->closed);
  sem_wait(&v->go_on);
  return NULL;
}

/* Starts a thread that has closed a VM and is there still. */
static pthread_t start_visitor(visitor *v, torpor_base *base) {
  pthread_t thread;
  *v = (visitor){.k = {base, TORPOR_MEMORY_POOLED}};
  sem_init(&v->closed, 0, 0);
  sem_init(&v->go_on, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, use_and_wait, v), 0);
  sem_wait(&v->closed);
  return thread;
}

static void end_visitor(visitor *v, pthread_t thread) {
  sem_post(&v->go_on);
  pthread_join(thread, NULL);
}

/* What another thread has closed waits in the pool, also when that thread has
 * ended, and goes with its base. */
static void test_other_threads(void **state) {
  torpor_base *base = open_base("globalThis.warm = 1; 0");
  kind k = {base, TORPOR_MEMORY_POOLED};
  torpor_vm *vm;
  visitor first, second;
  pthread_t thread;
  (void)state;
  torpor__pool_drain();
  thread = start_visitor(&first, base);
  assert_int_equal(torpor__pool_count(), 1);
  end_visitor(&first, thread);
  assert_int_equal(torpor__pool_count(), 1);
  vm = open_kind(&k);
  assert_int_equal(torpor__pool_count(), 0);
  assert_recycled(vm);
  assert_int_equal(torpor__pool_count(), 1);
  thread = start_visitor(&second, base);
  assert_int_equal(torpor__pool_count(), 2);
  torpor_base_close(base);
  assert_int_equal(torpor__pool_count(), 0);
  end_visitor(&second, thread);
  assert_int_equal(torpor__pool_count(), 0);
}

/* Nothing of a base is left once it and its VMs are closed. */
static void test_closed_base(void **state) {
  kind k = {open_base("globalThis.warm = 1; 0"), TORPOR_MEMORY_POOLED};
  torpor_vm *vm = open_kind(&k), *other = open_kind(&k);
  (void)state;
  torpor__pool_drain();
  torpor_vm_close(other);
  assert_int_equal(torpor__pool_count(), 1);
  torpor_base_close(k.base);
  assert_int_equal(torpor__pool_count(), 0);
  test_eval_is(vm, "warm", "1");
  torpor_vm_close(vm);
  assert_int_equal(torpor__pool_count(), 0);
}

/* A pool full of others takes a new one in, and lets the oldest go. */
static void test_oldest_leaves(void **state) {
  kind warm = {open_base("globalThis.warm = 1; 0"), TORPOR_MEMORY_POOLED};
  torpor_vm *vms[40];
  (void)state;
  for (int i = 0; i < 40; i++) vms[i] = test_vm_open(NULL);
  for (int i = 0; i < 40; i++) torpor_vm_close(vms[i]);
  vms[0] = open_kind(&warm);
  assert_recycled(vms[0]);
  torpor_base_close(warm.base);
}

static void test_bounded(void **state) {
  torpor_vm *vms[100];
  (void)state;
  for (int i = 0; i < 100; i++) vms[i] = test_vm_open(NULL);
  for (int i = 0; i < 100; i++) torpor_vm_close(vms[i]);
  assert_true(torpor__pool_count() <= 64);
  torpor__pool_drain();
  assert_int_equal(torpor__pool_count(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_image),
      cmocka_unit_test(test_after_programs),
      cmocka_unit_test(test_after_scribbling),
      cmocka_unit_test(test_after_random_writes),
      cmocka_unit_test(test_reset_is_small),
      cmocka_unit_test(test_track_anew),
      cmocka_unit_test(test_host_state),
      cmocka_unit_test(test_every_kind),
      cmocka_unit_test(test_large_base),
      cmocka_unit_test(test_other_threads),
      cmocka_unit_test(test_closed_base),
      cmocka_unit_test(test_oldest_leaves),
      cmocka_unit_test(test_bounded),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
