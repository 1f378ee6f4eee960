/* SPDX-License-Identifier: MIT */
/* test_assertions.c - what test builds assert can fail: each group of
 * invariants (vm/check.c, wasm/check.c) is broken in a process of its own,
 * which has to abort. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/vm.h"
#include "vm/check.h"
#include "vm/engine.h"
#include "vm/image.h"
#include "vm/memory.h"
#include "vm/vm.h"
#include "wasm/region.h"

extern _Atomic uint32_t torpor__share_from, torpor__copy_most;

/* ---- What a VM has --------------------------------------------------------*/

static torpor_vm *open_vm(torpor_memory memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.memory = memory;
  vm = test_vm_open(&options);
  test_eval(vm, "globalThis.a = new Uint8Array(200000).fill(1); 0");
  return vm;
}

/* A page of the image that is clean; of the host's own, not the guest's. */
static uint32_t find_clean(const torpor_vm *vm) {
  uint32_t page = vm->image->host_end / TORPOR__PAGE + 1;
  while (torpor__page_is_writable(vm->region, page)) page++;
  assert_true(page < vm->image->size / TORPOR__PAGE);
  return page;
}

/* Writes to 'page' behind the back of all who note that. */
static void write_unseen(const torpor_vm *vm, uint32_t page) {
  uint8_t *bytes = vm->memory + (size_t)page * TORPOR__PAGE;
  assert_int_equal(mprotect(bytes, TORPOR__PAGE, PROT_READ | PROT_WRITE), 0);
  bytes[100] ^= 1;
  assert_int_equal(mprotect(bytes, TORPOR__PAGE, PROT_READ), 0);
}

static void save(torpor_vm *vm, unsigned flags) {
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save_with(vm, flags, &bytes));
  torpor_bytes_free(&bytes);
}

/* ---- What breaks ----------------------------------------------------------*/

static void dirty_but_not_tracked(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor__chunk *chunk = &vm->region->chunks[find_clean(vm) / CHUNK_PAGES];
  chunk->tracked = false;
  chunk->dirty = 1;
  torpor__vm_check(vm);
}

static void committed_beyond_the_end(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->region->chunk_end = CHUNK_COUNT - 1;
  torpor__vm_check(vm);
}

static void shared_and_writable(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  save(vm, TORPOR_SAVE_PARENT);
  torpor__shadow_share(vm->region, vm->engine->control / TORPOR__PAGE);
  torpor__vm_check(vm);
}

static void shared_and_copied(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint32_t page = find_clean(vm);
  save(vm, TORPOR_SAVE_PARENT);
  torpor__shadow_share(vm->region, page);
  torpor__shadow_copy(vm->region, page);
  torpor__vm_check(vm);
}

static void writable_twice(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint32_t page = find_clean(vm);
  torpor__page_make_writable(vm->region, page);
  torpor__page_make_writable(vm->region, page);
}

static void tracked_but_reserved(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint32_t end = vm->region->chunk_end;
  torpor__track_chunks(vm->region, end, end + 1);
}

static void shared_but_reserved(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint32_t start = vm->region->chunk_end * TORPOR__CHUNK;
  torpor__region_share(vm->region, start, start + TORPOR__CHUNK);
}

static void decommitted_but_shared(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint32_t end = vm->region->chunk_end * TORPOR__CHUNK;
  uint32_t start = end - TORPOR__CHUNK;
  torpor__region_share(vm->region, start, start + TORPOR__PAGE);
  torpor__region_decommit(vm->region, start, end);
}

static void clean_but_writable(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint8_t *bytes = vm->memory + (size_t)find_clean(vm) * TORPOR__PAGE;
  mprotect(bytes, TORPOR__PAGE, PROT_READ | PROT_WRITE);
  torpor__vm_check(vm);
}

static void written_unseen(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  write_unseen(vm, find_clean(vm));
  torpor__vm_check(vm);
}

static void not_zero_beyond_the_limit(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_MAPPED);
  *torpor__memory_to(vm, torpor__memory_limit(vm), 1) = 1;
  torpor__vm_check(vm);
}

static void remembered_otherwise(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  save(vm, TORPOR_SAVE_PARENT);
  torpor__shadow_at(vm->region, vm->engine->control / TORPOR__PAGE)[8] ^= 1;
  torpor__vm_check(vm);
}

static void remembered_beyond_the_limit(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  save(vm, TORPOR_SAVE_PARENT);
  vm->remembered.limit -= TORPOR__PAGE;
  torpor__vm_check(vm);
}

static void shared_but_changed(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint32_t page = vm->image->host_end / TORPOR__PAGE;
  torpor__share_from = 0;
  torpor__copy_most = 0;
  save(vm, TORPOR_SAVE_PARENT);
  while (!torpor__shadow_shares(vm->region, page)) page++;
  write_unseen(vm, page);
  torpor__vm_check(vm);
}

static void pooled_but_not_clean(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor__check_set((torpor__check_depth){.every = 0});
  write_unseen(vm, find_clean(vm));
  torpor__check_set((torpor__check_depth){.every = 1});
  torpor_vm_close(vm);
}

static void image_with_more(void) {
  torpor__image *image = torpor__image_start(&torpor__engine_builtin, 8 << 20);
  assert_non_null(image);
  image->bytes[image->end] = 1;
  torpor__image_finish(image, true);
}

static void image_with_a_stack(void) {
  torpor__image *image = torpor__image_start(&torpor__engine_builtin, 8 << 20);
  assert_non_null(image);
  image->bytes[image->stack_size - 1] = 1;
  torpor__image_finish(image, true);
}

static void entries_crossed(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor__entry outer, inner;
  assert_true(torpor__entry_start(&outer, vm->region, 0));
  assert_true(torpor__entry_start(&inner, vm->region, 0));
  torpor__entry_end(&outer);
}

static void calls_ended_twice(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor__end(vm, TORPOR_OK);
}

static void nothing(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  save(vm, TORPOR_SAVE_PARENT);
  test_eval(vm, "a[7] = 7");
  save(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA);
  torpor_vm_close(vm);
}

/* ---- How it is seen -------------------------------------------------------*/

/* How a process that does 'what' ends. */
static int run(void (*what)(void)) {
  pid_t child;
  int status;
  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL); /* cmocka's is to fail the test */
    if (!freopen("/dev/null", "w", stderr)) _exit(2);
    torpor__check_set((torpor__check_depth){.every = 1, .zeros = true});
    what();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void test_each_can_fail(void **state) {
  static const struct {
    const char *name;
    void (*run)(void);
    bool by_tracking; /* which there are none of with bounds in software */
  } groups[] = {
      {"a page is dirty, its chunk not tracked", dirty_but_not_tracked, true},
      {"a chunk is committed beyond the end", committed_beyond_the_end, false},
      {"a page is shared and writable", shared_and_writable, false},
      {"a page is shared and copied", shared_and_copied, true},
      {"a page is made writable twice", writable_twice, true},
      {"a reserved chunk is tracked", tracked_but_reserved, true},
      {"a reserved page is shared", shared_but_reserved, true},
      {"a shared page is decommitted", decommitted_but_shared, true},
      {"a clean page can be written", clean_but_writable, true},
      {"a page was written unseen", written_unseen, true},
      {"memory beyond the limit", not_zero_beyond_the_limit, false},
      {"a copy changed", remembered_otherwise, false},
      {"the limit changed", remembered_beyond_the_limit, false},
      {"a shared page changed", shared_but_changed, true},
      {"a VM in the pool is not clean", pooled_but_not_clean, true},
      {"an image goes on beyond its end", image_with_more, false},
      {"an image has something in its stack", image_with_a_stack, false},
      {"entries end crosswise", entries_crossed, false},
      {"a call ends twice", calls_ended_twice, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
    int status;
#ifdef TORPOR_SOFT_BOUNDS
    if (groups[i].by_tracking) continue;
#endif
    status = run(groups[i].run);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
      fail_msg("not noticed: %s (%#x)", groups[i].name, (unsigned)status);
  }
  assert_int_equal(run(nothing), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
