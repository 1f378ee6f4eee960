/* SPDX-License-Identifier: MIT */
/* test_delta.c - differences between states of a VM, and chains of them.
 * ctest: timeout=120 full thread */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/memory/remember.h"
#include "vm/pool.h"
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
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
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
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_bytes whole;
  chain c = {.count = 0};
  (void)state;
  test_eval(vm, "globalThis.a = [1]; globalThis.b = 'b'.repeat(1e4); 0");
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
  test_status(
      vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &none),
      TORPOR_NOT_FOUND);
  test_status(vm, torpor_snapshot_save_with(vm, TEST_SAVE(1u << 20), &none),
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

/* ---- Every way gives the same bytes ---------------------------------------*/

/* How a VM comes to be, what its memory is, and how changes are found. */
typedef struct way {
  enum { OPENED, RESTORED, FROM_BASE, COPIED, WAYS_OF_ORIGIN } origin;
  torpor_memory memory;
  torpor__finder finder;
  bool no_files;
} way;

static double still_clock(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1700000000000.0;
}

static torpor_options options_of(const way *w) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.memory = w->memory;
  options.clock = still_clock;
  return options;
}

/* A program that has enough to be shared (remember.c), and steps that change
 * little, much, and give back what they took. */
static const char start_source[] =
    "globalThis.h = []; for (let i = 0; i < 30000; i++) h.push({i}); 0";
static const char *const step_sources[] = {
    "h[7].x = 1; 0",
    "0",
    "for (let i = 0; i < h.length; i += 3) h[i].i = -i; 0",
    "globalThis.big = new Uint8Array(2 << 20).fill(3); 0",
    "big[12345] = 4; h[8].x = 'y'; 0",
    "big = null; h.length = 100; 0",
    "h.push('end'); 0",
};
enum { STEPS = sizeof(step_sources) / sizeof(*step_sources) };

/* The VM at its start, which remembers that; its whole snapshot goes to 'c'. */
static torpor_vm *begin(const way *w, chain *c) {
  torpor_options options = options_of(w);
  torpor_vm *vm = test_vm_open(&options), *other;
  torpor_base *base;
  test_eval(vm, start_source);
  chain_add(c, save_with(vm, 0));
  switch (w->origin) {
  case RESTORED:
    torpor_vm_close(vm);
    return test_restore(&c->bytes[0], &options);
  case FROM_BASE:
    torpor_vm_close(vm);
    test_ok(NULL, torpor_base_open(c->slices, 1, NULL, &base));
    test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
    torpor_base_close(base);
    return vm;
  case COPIED:
    test_ok(vm, torpor_vm_fork(vm, &options, &other));
    torpor_vm_close(vm);
    vm = other;
    break;
  default:
    break;
  }
  assert_saves_to(vm, &c->bytes[0]);
  torpor_bytes again = save_with(vm, TORPOR_SAVE_PARENT);
  torpor_bytes_free(&again);
  return vm;
}

/* All that a history of steps leaves: the start, a difference for each step,
 * and the whole at the end. */
static void live(const way *w, chain *c) {
  torpor_vm *vm;
  torpor__finder_force(w->finder);
  torpor__image_refuse_files(w->no_files);
  vm = begin(w, c);
  for (int i = 0; i < STEPS; i++) {
    test_eval(vm, step_sources[i]);
    if (i % 2) test_ok(vm, torpor_vm_collect(vm)); /* gives pages back */
    chain_add(c, save_with(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA));
  }
  chain_add(c, save_with(vm, 0));
  torpor_vm_close(vm);
  torpor__finder_force(TORPOR__FINDER_BEST);
  torpor__image_refuse_files(false);
}

static void assert_same_chain(const chain *a, const chain *b, const way *w) {
  assert_int_equal(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    if (a->bytes[i].size == b->bytes[i].size &&
        memcmp(a->bytes[i].data, b->bytes[i].data, a->bytes[i].size) == 0)
      continue;
    fail_msg("piece %zu differs: origin %d, memory %d, finder %d, files %d", i,
             w->origin, w->memory, w->finder, !w->no_files);
  }
}

static void test_every_way(void **state) {
#ifdef __SANITIZE_THREAD__
  const torpor__finder finders = TORPOR__FINDER_BEST; /* one thread does it */
#else
  const torpor__finder finders = TORPOR__FINDER_EVERYTHING;
#endif
  way plain = {.memory = TORPOR_MEMORY_POOLED};
  chain expected = {.count = 0};
  (void)state;
  live(&plain, &expected);
  for (way w = {0}; w.origin < WAYS_OF_ORIGIN; w.origin++)
    for (w.memory = 0; w.memory <= TORPOR_MEMORY_MAPPED; w.memory++)
      for (w.finder = 0; w.finder <= finders; w.finder++)
        for (int files = 0; files < 2; files++) {
          chain c = {.count = 0};
          w.no_files = !files;
          live(&w, &c);
          assert_same_chain(&c, &expected, &w);
          chain_free(&c);
        }
  /* And the pieces make the whole. */
  expected.count--;
  torpor_vm *vm = chain_restore(&expected);
  assert_saves_to(vm, &expected.bytes[expected.count]);
  torpor_vm_close(vm);
  expected.count++;
  chain_free(&expected);
}

/* Bytes at random places, where no program would write, and a heap that ends
 * now here, now there: the chain still gives what the VM would be. */
static void test_random_writes(void **state) {
  unsigned rounds = test_count("TORPOR_DELTA_ROUNDS", 12, 300);
  test_random random = {11};
  (void)state;
  for (unsigned round = 0; round < rounds; round++) {
    way w = {.memory = round % 3 ? TORPOR_MEMORY_MAPPED : TORPOR_MEMORY_POOLED};
    torpor_options options = options_of(&w);
    torpor_vm *vm = test_vm_open(&options);
    chain c = {.count = 0};
    uint32_t low = vm->image->host_end, top;
    test_eval(vm, "globalThis.big = new Uint8Array(3 << 20).fill(1); 0");
    top = vm->control->heap_break;
    chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT));
    for (int step = 0; step < 6; step++) {
      torpor_bytes whole;
      torpor_vm *copy;
      uint64_t writes = test_random_next(&random) % 400;
      while (writes-- > 0)
        *torpor__memory_to(
            vm, low + (uint32_t)(test_random_next(&random) % (top - low)), 1) =
            (uint8_t)test_random_next(&random);
      uint8_t *end = torpor__memory_to(
          vm, vm->engine->control + offsetof(torpor_abi_control, heap_break),
          4);
      uint32_t heap_break =
          top - (uint32_t)(test_random_next(&random) % (2 << 20));
      memcpy(end, &heap_break, 4);
      torpor__memory_to(
          vm, vm->engine->control + offsetof(torpor_abi_control, operations),
          8);
      vm->control->operation_count = 0;
      chain_add(&c, save_with(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA));
      whole = save_with(vm, 0);
      copy = chain_restore(&c);
      assert_saves_to(copy, &whole);
      torpor_vm_close(copy);
      torpor_bytes_free(&whole);
    }
    torpor_vm_close(vm);
    chain_free(&c);
  }
}

/* A heap that ends below the image's when it is remembered, and then gets what
 * the image has there: that differs from what is remembered, which is zero. */
static void shrink_and_regrow(torpor_memory memory) {
  static const char fill[] =
      "globalThis.big = Array.from({length: 40}, "
      "(_, i) => new Uint8Array(100000).fill(i + 1)); 0";
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = test_vm_open(&options), *woken;
  chain first = {.count = 0}, second = {.count = 0};
  torpor_bytes bytes;
  torpor_base *base;
  options.memory = memory;
  test_eval(vm, fill);
  chain_add(&first, save_with(vm, TORPOR_SAVE_PARENT));
  test_eval(vm, "big = null; 0");
  test_ok(vm, torpor_vm_collect(vm));
  chain_add(&first, save_with(vm, TORPOR_SAVE_DELTA));
  torpor_vm_close(vm);
  test_ok(NULL, torpor_base_open(first.slices, 1, NULL, &base));
  test_ok(NULL, torpor_base_restore(base, first.slices + 1, 1, &options, &vm));
  chain_add(&second, save_with(vm, TORPOR_SAVE_PARENT));
  for (int i = 0; i < 3; i++) {
    test_eval(vm, fill);
    test_ok(vm, torpor_vm_collect(vm)); /* gives back what the image has */
    chain_add(&second, save_with(vm, TORPOR_SAVE_DELTA |
                                         (i > 0 ? TORPOR_SAVE_PARENT : 0)));
    bytes = save_with(vm, 0);
    woken = chain_restore(&second);
    assert_saves_to(woken, &bytes);
    torpor_vm_close(woken);
    torpor_bytes_free(&bytes);
    if (i == 0) torpor_bytes_free(&second.bytes[--second.count]);
    test_eval(vm, "big = null; 0");
    test_ok(vm, torpor_vm_collect(vm));
    if (i == 0) continue;
    chain_add(&second, save_with(vm, TORPOR_SAVE_DELTA | TORPOR_SAVE_PARENT));
  }
  torpor_vm_close(vm);
  torpor_base_close(base);
  chain_free(&first);
  chain_free(&second);
}

static void test_shrunk_below_base(void **state) {
  (void)state;
  for (torpor_memory memory = 0; memory <= TORPOR_MEMORY_MAPPED; memory++)
    shrink_and_regrow(memory);
}

/* ---- Jobs -----------------------------------------------------------------*/

typedef struct packing {
  torpor_snapshot_job *job;
  torpor_bytes bytes;
  torpor_status status;
} packing;

static void *pack(void *user) {
  packing *p = user;
  p->status = torpor_snapshot_job_finish(p->job, &p->bytes);
  return NULL;
}

/* The VM runs on while its snapshot is packed. */
static void test_jobs(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  chain c = {.count = 0};
  (void)state;
  test_eval(vm, start_source);
  for (int i = 0; i < 10; i++) {
    unsigned flags = TORPOR_SAVE_PARENT | (i > 0 ? TORPOR_SAVE_DELTA : 0);
    torpor_bytes expected = {NULL, 0};
    packing p = {0};
    pthread_t thread;
    if (i == 0) expected = save_with(vm, 0);
    test_ok(vm, torpor_snapshot_save_start(vm, TEST_SAVE(flags), &p.job));
    assert_int_equal(pthread_create(&thread, NULL, pack, &p), 0);
    test_eval(vm, "h.push(1)");
    pthread_join(thread, NULL);
    test_ok(NULL, p.status);
    if (i == 0) {
      assert_int_equal(p.bytes.size, expected.size);
      assert_memory_equal(p.bytes.data, expected.data, expected.size);
      torpor_bytes_free(&expected);
    }
    chain_add(&c, p.bytes);
  }
  torpor_vm_close(vm);
  vm = chain_restore(&c);
  test_eval_is(vm, "h.length", "30009");
  torpor_vm_close(vm);
  chain_free(&c);
}

static void test_jobs_in_order(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_snapshot_job *first, *second;
  torpor_bytes bytes;
  (void)state;
  test_ok(vm, torpor_snapshot_save_start(vm, TEST_SAVE(TORPOR_SAVE_PARENT),
                                         &first));
  test_ok(vm, torpor_snapshot_save_start(vm, TEST_SAVE(TORPOR_SAVE_DELTA),
                                         &second));
  test_status(NULL, torpor_snapshot_job_finish(second, &bytes), TORPOR_MISUSE);
  assert_null(bytes.data);
  torpor_vm_close(vm); /* jobs need no VM */
  test_ok(NULL, torpor_snapshot_job_finish(first, &bytes));
  torpor_bytes_free(&bytes);
  vm = test_vm_open(NULL);
  test_ok(vm, torpor_snapshot_save_start(vm, TEST_SAVE(TORPOR_SAVE_PARENT),
                                         &first));
  torpor_snapshot_job_free(first);
  torpor_snapshot_job_free(NULL);
  test_status(
      vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &bytes),
      TORPOR_MISUSE);
  torpor_vm_close(vm);
}

/* ---- Memory that runs out -------------------------------------------------*/

static torpor_status save_and_restore(torpor_vm *vm) {
  torpor_bytes bytes[4] = {{NULL, 0}};
  torpor_slice slices[3];
  torpor_vm *copy = NULL;
  torpor_status status = TORPOR_OK;
  size_t count = 0;
  for (; count < 3 && status == TORPOR_OK; count++) {
    unsigned delta = count > 0 ? TORPOR_SAVE_DELTA : 0;
    status = torpor_snapshot_save_with(
        vm, TEST_SAVE(TORPOR_SAVE_PARENT | delta), &bytes[count]);
    slices[count] = (torpor_slice){bytes[count].data, bytes[count].size};
  }
  if (status == TORPOR_OK)
    status = torpor_snapshot_restore_chain(slices, count, NULL, &copy);
  if (status == TORPOR_OK)
    status = torpor_snapshot_save_with(copy, TEST_SAVE(TORPOR_SAVE_DELTA),
                                       &bytes[3]);
  torpor_vm_close(copy);
  for (size_t i = 0; i < 4; i++) torpor_bytes_free(&bytes[i]);
  return status;
}

static void run_out(const char *source) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes before, after;
  long live_blocks;
  test_eval(vm, source);
  before = save_with(vm, 0);
  torpor__pool_drain();
  live_blocks = torpor__alloc_live();
  for (long allowed = 0;; allowed++) {
    torpor_status status;
    long made;
    torpor__alloc_fail(allowed);
    status = save_and_restore(vm);
    made = torpor__alloc_count();
    torpor__alloc_fail(-1);
    torpor__remember_forget(vm);
    torpor__pool_drain();
    assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
    assert_int_equal(torpor__alloc_live(), live_blocks);
    if (made < allowed) break;
    assert_true(allowed < 200);
  }
  after = save_with(vm, 0);
  assert_int_equal(before.size, after.size);
  assert_memory_equal(before.data, after.data, after.size);
  torpor_bytes_free(&before);
  torpor_bytes_free(&after);
  torpor_vm_close(vm);
}

static void test_out_of_memory(void **state) {
  (void)state;
  run_out("globalThis.a = 1; 0");
  run_out(start_source);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one),
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_wrong_chains),
      cmocka_unit_test(test_every_way),
      cmocka_unit_test(test_random_writes),
      cmocka_unit_test(test_shrunk_below_base),
      cmocka_unit_test(test_jobs),
      cmocka_unit_test(test_jobs_in_order),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
