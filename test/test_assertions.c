/* SPDX-License-Identifier: MIT */
/* test_assertions.c - what test builds assert can fail: each group of
 * invariants (vm/memory/check.c, wasm/check.c) is broken in a process of its
 * own, which has to abort. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/heap.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/border/enter.h"
#include "vm/border/given.h"
#include "vm/engines/engine.h"
#include "vm/life.h"
#include "vm/memory/check.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
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
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
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

static void edges_miscounted(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->region->edges++;
  torpor__vm_check(vm);
}

static void tracked_but_not_counted(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->region->is_tracked = false;
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
  uint32_t start = page * TORPOR__PAGE;
  assert_true(torpor__region_share(vm->region, start, start + TORPOR__PAGE));
  torpor__shadow_make_room(vm->region, page);
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
  while (torpor__memory_limit(vm) == torpor__memory_size(vm))
    test_eval(vm, "a.more = [a.more, new Uint8Array(5000)]; 0");
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
  uint32_t limit;
  save(vm, TORPOR_SAVE_PARENT);
  limit = vm->remembered.limit - 1;
  while (vm->memory[limit] == 0 || limit % TORPOR__PAGE == 0) limit--;
  vm->remembered.limit = limit;
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
  const uint8_t last = 1; /* so that it does not end where its memory does */
  assert_non_null(image);
  uint64_t pages = image->pages + UINT64_C(1);
  assert_true(torpor__image_extend(image, pages * TORPOR__WASM_PAGE));
  assert_int_equal(torpor__image_put(image, image->end, 1, &last), TORPOR_OK);
  assert_true(torpor__image_settle(image));
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

static void entered_outside_of_calls(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor__enter(vm, TORPOR__EXPORT_torpor_scope_open, NULL);
}

static void closed_in_a_call(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  assert_int_equal(torpor__begin(vm), TORPOR_OK);
  torpor__vm_give(vm);
}

static void calls_ended_twice(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor__end(vm, TORPOR_OK);
}

/* ---- What the host keeps --------------------------------------------------*/

static void scopes_crossed(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  torpor_scope outer, inner;
  test_ok(vm, torpor_scope_open(vm, &outer));
  test_ok(vm, torpor_scope_open(vm, &inner));
  vm->scopes[0].number = inner;
  torpor__vm_check(vm);
}

static void scope_left_by_a_host_function(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->scope_floor = 1;
  torpor__vm_check(vm);
}

/* A VM that waits for two operations, which the host was given. */
static torpor_vm *open_waiting(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  for (int i = 0; i < 2; i++) {
    torpor_value promise;
    torpor_operation operation = TORPOR_OPERATION_INIT;
    uint64_t id;
    test_ok(vm, torpor_operation_begin(vm, "test", torpor_null(), 0, &id,
                                       &promise));
    test_ok(vm, torpor_operation_next(vm, &operation));
  }
  return vm;
}

static void given_twice(void) {
  torpor_vm *vm = open_waiting();
  torpor__given_add(vm, vm->given[1]);
}

static void given_out_of_order(void) {
  torpor_vm *vm = open_waiting();
  vm->given[0] = vm->given[1] + 1;
  torpor__vm_check(vm);
}

static torpor_status answer(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

static void bound_to_nothing(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  test_ok(vm, torpor_function_add(vm, "answer", answer, NULL));
  test_eval(vm, "answer()");
  vm->newest = NULL;
  vm->binding_count = 0;
  torpor__vm_check(vm);
}

static void image_let_go(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->image->references = 0;
  torpor__vm_check(vm);
}

static void memory_of_another(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  *vm->seat = NULL;
  torpor__vm_check(vm);
}

static void exhausted_but_in_use(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->exhausted = true;
  torpor__vm_check(vm);
}

static void pooled_with_a_program(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.memory_max = 0;
  options.memory = TORPOR_MEMORY_POOLED;
  vm = test_vm_open(&options);
  torpor__vm_check_clean(vm);
}

static void pieces_without_an_end(void) {
  torpor_bytes bytes = test_save(open_vm(TORPOR_MEMORY_POOLED));
  torpor_vm *vm = test_restore(&bytes, NULL);
  vm->remembered.last = NULL;
  torpor__vm_check(vm);
}

static void changed_by_saving(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  uint64_t sum = torpor__vm_check_sum(vm);
  vm->memory[torpor__memory_limit(vm) - 1] ^= 1;
  torpor__vm_check_same(vm, sum);
}

static void broken_but_entered(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  assert_int_equal(torpor__begin(vm), TORPOR_OK);
  vm->broken = true;
  torpor__enter(vm, TORPOR__EXPORT_torpor_scope_open, NULL);
}

static void copied_otherwise(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED), *copy;
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  copy->memory[torpor__memory_limit(vm) - 1] ^= 1;
  torpor__vm_check_copy(vm, copy);
}

/* ---- What the guest promises ----------------------------------------------*/

static void operations_out_of_order(void) {
  torpor_vm *vm = open_waiting();
  uint32_t *table =
      (uint32_t *)torpor__memory_to(vm, vm->control->operations, 8);
  uint32_t first = table[0];
  table[0] = table[1];
  table[1] = first;
  torpor__vm_check(vm);
}

static void heap_used_beyond_its_size(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->control->heap_used = vm->control->heap_break;
  torpor__vm_check(vm);
}

static void handles_without_end(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->control->handles = TORPOR_ABI_HANDLES + 1;
  torpor__vm_check(vm);
}

static void stack_in_use(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  vm->engine->set_stack_pointer(vm->instance, vm->engine->stack_pointer - 16);
  torpor__vm_check(vm);
}

static void freed_but_not_zero(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  test_eval(vm, "a = null; 0");
  test_ok(vm, torpor_vm_collect(vm));
  test_heap_check(vm);
  torpor__check_set((torpor__check_depth){.every = 0});
  *torpor__memory_to(vm, test_heap_find_free(vm), 1) = 1;
  test_heap_check(vm);
}

static void nothing(void) {
  torpor_vm *vm = open_vm(TORPOR_MEMORY_POOLED);
  save(vm, TORPOR_SAVE_PARENT);
  test_eval(vm, "a[7] = 7");
  save(vm, TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA);
  torpor_vm_close(vm);
}

/* ---- How it is seen -------------------------------------------------------*/

/* How a process that does 'what' ends; what it said is in 'said'. */
static int run(void (*what)(void), char *said, size_t size) {
  int ends[2], status;
  size_t length = 0;
  ssize_t got;
  pid_t child;
  fflush(NULL);
  assert_int_equal(pipe(ends), 0);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL); /* cmocka's is to fail the test */
    if (dup2(ends[1], STDERR_FILENO) < 0) _exit(2);
    torpor__check_set((torpor__check_depth){.every = 1, .guest = true});
    what();
    _exit(0);
  }
  close(ends[1]);
  while ((got = read(ends[0], said + length, size - 1 - length)) > 0)
    length += (size_t)got;
  said[length] = 0;
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void test_each_can_fail(void **state) {
  static const struct {
    const char *name;
    void (*run)(void);
    bool by_tracking; /* which there is none of with bounds in software */
    const char *says; /* in the assertion */
  } groups[] = {
      {"a page is dirty, its chunk not tracked", dirty_but_not_tracked, true,
       "!chunk->dirty"},
      {"a chunk is committed beyond the end", committed_beyond_the_end, false,
       "chunk_end"},
      {"edges are miscounted", edges_miscounted, false, "edges"},
      {"a tracked region is not counted", tracked_but_not_counted, true,
       "is_tracked"},
      {"a page is shared and writable", shared_and_writable, false,
       "TORPOR__OS_READ"},
      {"a page is shared and copied", shared_and_copied, true, "shadow_at"},
      {"a page is made writable twice", writable_twice, true,
       "TORPOR__OS_READ"},
      {"a reserved chunk is tracked", tracked_but_reserved, true, "chunk_find"},
      {"a reserved page is shared", shared_but_reserved, true, "is_committed"},
      {"a shared page is decommitted", decommitted_but_shared, true,
       "shares_any"},
      {"a clean page can be written", clean_but_writable, true, "access =="},
      {"a page was written unseen", written_unseen, true, "page_is_the_images"},
      {"memory beyond the limit", not_zero_beyond_the_limit, false,
       "nothing_lies_beyond_the_limit"},
      {"a copy changed", remembered_otherwise, false, "sum"},
      {"the limit changed", remembered_beyond_the_limit, false, "is_same_part"},
      {"a shared page changed", shared_but_changed, true, "remembered"},
      {"a VM in the pool is not clean", pooled_but_not_clean, true,
       "page_is_the_images"},
      {"an image goes on beyond its end", image_with_more, false, "image->end"},
      {"an image has something in its stack", image_with_a_stack, false,
       "image->stack_size"},
      {"entries end crosswise", entries_crossed, false, "entry == entry"},
      {"a call ends twice", calls_ended_twice, false, "vm->calls > 0"},
      {"the guest is entered outside of a call", entered_outside_of_calls,
       false, "vm->calls > 0"},
      {"a VM is closed in a call", closed_in_a_call, false, "vm->calls == 0"},
      {"scopes end crosswise", scopes_crossed, false, "scopes[i].number"},
      {"a host function left its scopes", scope_left_by_a_host_function, false,
       "scope_floor"},
      {"an operation is given twice", given_twice, false, "< id"},
      {"what was given is out of order", given_out_of_order, false,
       "operation_cursor"},
      {"an index is bound to nothing", bound_to_nothing, false, "kept == 0"},
      {"an image was let go", image_let_go, false, "references"},
      {"memory belongs to another VM", memory_of_another, false, "seat"},
      {"a VM without memory is in use", exhausted_but_in_use, false,
       "exhausted"},
      {"a VM in the pool has a program", pooled_with_a_program, false,
       "bytes_are_zero"},
      {"what was restored has no end", pieces_without_an_end, false, "last"},
      {"saving changed a VM", changed_by_saving, false, "sum =="},
      {"a broken VM is entered", broken_but_entered, false, "!vm->broken"},
      {"a copy differs", copied_otherwise, false, "page_is_the_same"},
      {"operations are out of order", operations_out_of_order, false,
       "entry.id"},
      {"more is used than the heap has", heap_used_beyond_its_size, false,
       "heap_used"},
      {"there are too many handles", handles_without_end, false, "handles"},
      {"the guest's stack is in use", stack_in_use, false, "stack_is_empty"},
      {"free memory is not zero", freed_but_not_zero, false,
       "free_memory_is_zero"},
  };
  char said[4096];
  (void)state;
  for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
    int status;
#ifdef TORPOR_SOFT_BOUNDS
    if (groups[i].by_tracking) continue;
#endif
    status = run(groups[i].run, said, sizeof(said));
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
      fail_msg("not noticed: %s (%#x)", groups[i].name, (unsigned)status);
    if (!strstr(said, groups[i].says))
      fail_msg("something else was noticed than: %s: %s", groups[i].name, said);
  }
  assert_int_equal(run(nothing, said, sizeof(said)), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
