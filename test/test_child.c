/* SPDX-License-Identifier: MIT */
/* test_child.c - children of a process whose threads are in the middle of
 * everything: whatever lock one of them holds, a child can do all there is.
 * ctest: nosanitize timeout=120 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/vm.h"
#include "vm/pool.h"

#define THREADS 4

static _Atomic bool over;
#ifndef TORPOR_SOFT_BOUNDS
static _Atomic bool forking, begun; /* a fork; a deadline */
#endif

/* Everything that takes a lock of ours. 0: it worked. */
static int use_everything(uint64_t deadline_ms) {
  torpor_options options = TORPOR_OPTIONS_INIT, unknown = TORPOR_OPTIONS_INIT;
  torpor_value out;
  torpor_bytes bytes;
  torpor_vm *vm, *other;
  char id[65];
  memset(id, 'a', 64);
  id[64] = 0;
  unknown.engine = id;
  options.deadline_ms = deadline_ms;
  if (torpor_vm_open(&unknown, &vm) != TORPOR_ENGINE) return 1;
  if (torpor_vm_open(&options, &vm) != TORPOR_OK) return 2;
  if (torpor_eval(vm, "[1, 2].map(x => x * 3).join()", 29, "x.js",
                  TORPOR_SCRIPT, &out) != TORPOR_OK)
    return 3;
  if (torpor_snapshot_save(vm, &bytes) != TORPOR_OK) return 4;
  if (torpor_snapshot_restore(bytes.data, bytes.size, &options, &other) !=
      TORPOR_OK)
    return 5;
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
  torpor_vm_close(other);
  return 0;
}

static void *use_once(void *user) {
  *(int *)user = use_everything(1000);
  return NULL;
}

/* New threads: records, places in the pool, the watchdog's list. */
static int use_in_thread(void) {
  pthread_t thread;
  int result = 9;
  if (pthread_create(&thread, NULL, use_once, &result) != 0) return 8;
  pthread_join(thread, NULL);
  return result;
}

static void *keep_busy(void *user) {
  (void)user;
  for (unsigned i = 0; !over; i++) {
    assert_int_equal(use_everything(i % 2 ? 1000 : 0), 0);
    if (i % 8 == 0) torpor_pool_drain();
    if (i % 16 == 0) assert_int_equal(use_in_thread(), 0);
  }
  return NULL;
}

/* The watchdog works in a child, where there is one. */
static int spin(void) {
#ifndef TORPOR_SOFT_BOUNDS
  torpor_vm *vm;
  if (torpor_vm_open(NULL, &vm) != TORPOR_OK) return 20;
  torpor_vm_set_deadline(vm, 200);
  if (test_eval_status(vm, TEST_LONG_BUILTIN) != TORPOR_TRAPPED) return 21;
  torpor_vm_close(vm);
#endif
  return 0;
}

static int live_in_child(int number) {
  int result = 0;
  alarm(30);
  for (int i = 0; i < 3 && result == 0; i++) result = use_everything(1000);
  for (int i = 0; i < 3 && result == 0; i++) result = use_in_thread();
  if (result == 0 && number % 16 == 0) result = spin();
  torpor_pool_drain();
  if (torpor__pool_count() != 0) return 30;
  return result;
}

static void test_children(void **state) {
  unsigned count = test_count("TORPOR_CHILDREN", 200, 3000);
  pthread_t threads[THREADS];
  (void)state;
  over = false;
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, keep_busy, NULL), 0);
  for (unsigned i = 0; i < count; i++) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(live_in_child((int)i));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status == 0) continue;
    over = true;
    print_error("child %u: %s %d\n", i, WIFEXITED(status) ? "exit" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    fail();
  }
  over = true;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

#ifndef TORPOR_SOFT_BOUNDS
/* Sets a deadline as soon as a fork has begun. */
static void *start_deadline(void *user) {
  torpor_vm *vm = user;
  while (!forking) continue;
  torpor_vm_set_deadline(vm, 1000);
  test_eval(vm, "1");
  begun = true;
  return NULL;
}

/* Before a fork, and before the library's own handlers: waits until the other
 * thread has set its deadline. */
static void wait_for_deadline(void) {
  forking = true;
  while (!begun) continue;
}

/* Forks while another thread sets the process's first deadline. 0: the child
 * has a watchdog. */
static int fork_at_first_deadline(void) {
  torpor_vm *vm = test_vm_open(NULL);
  pthread_t thread;
  pid_t child;
  int status;
  if (pthread_create(&thread, NULL, start_deadline, vm) != 0 ||
      pthread_atfork(wait_for_deadline, NULL, NULL) != 0)
    return 40;
  child = fork();
  if (child == 0) {
    alarm(10);
    _exit(spin());
  }
  pthread_join(thread, NULL);
  torpor_vm_close(vm);
  return waitpid(child, &status, 0) == child ? status : 41;
}

/* Before any other deadline in this process: its child sets its first. */
static void test_at_first_deadline(void **state) {
  int status;
  pid_t child = fork();
  (void)state;
  assert_true(child >= 0);
  if (child == 0) _exit(fork_at_first_deadline() != 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}
#endif

/* A host function may fork; its child returns to the guest. */
static torpor_status fork_here(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  pid_t child = fork();
  (void)vm, (void)arguments;
  *(pid_t *)user = child;
  *result = torpor_number(child == 0);
  return TORPOR_OK;
}

static void test_in_host_function(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  pid_t child = -1;
  int status;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "fork", fork_here, &child));
  torpor_vm_set_deadline(vm, 5000);
  double is_child = test_eval_number(vm, "const c = fork(); c * 2");
  if (child == 0) _exit(is_child == 2 ? use_everything(0) : 1);
  assert_true(is_child == 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#ifndef TORPOR_SOFT_BOUNDS
      cmocka_unit_test(test_at_first_deadline),
#endif
      cmocka_unit_test(test_children),
      cmocka_unit_test(test_in_host_function),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
