/* SPDX-License-Identifier: MIT */
/* test_resting.c - a VM that was closed is known to be, whichever threads close
 * others, and however many of them there are. */
/* ctest: thread */
#include <pthread.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "test/support/vm.h"
#include "vm/pool.h"
#include "wasm/os.h"

/* Closes that many VMs, and gives the first. */
static void *close_some(void *user) {
  torpor_vm *first = NULL;
  for (int i = 0; i < *(int *)user; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_vm_close(vm);
    if (!first) first = vm;
  }
  return first;
}

static torpor_vm *close_in_thread(int count) {
  pthread_t thread;
  void *first;
  assert_int_equal(pthread_create(&thread, NULL, close_some, &count), 0);
  pthread_join(thread, &first);
  return first;
}

static void assert_closed(torpor_vm *vm) {
  test_status(vm, torpor_eval(vm, "1", 1, "a.js", TORPOR_SCRIPT, NULL),
              TORPOR_MISUSE);
  torpor_vm_close(vm);
}

/* A VM that was closed is known to be until many others were: whichever threads
 * close them, also those that come after the one that closed it. Then its
 * struct is used again. */
static void test_closed_by_threads(void **state) {
  torpor_vm *theirs, *own;
  long live;
  (void)state;
  torpor__pool_drain();
  own = test_vm_open(NULL);
  torpor_vm_close(own);
  theirs = close_in_thread(1);
  for (int i = 0; i < 5; i++) {
    close_in_thread(50);
    assert_closed(theirs);
    assert_closed(own);
  }
  close_in_thread(300);
  live = torpor__alloc_live();
  close_in_thread(600);
  assert_int_equal(torpor__alloc_live(), live);
  assert_closed(own);
  for (int i = 0; i < 300; i++) torpor_vm_close(test_vm_open(NULL));
  live = torpor__alloc_live();
  for (int i = 0; i < 600; i++) torpor_vm_close(test_vm_open(NULL));
  assert_int_equal(torpor__alloc_live(), live);
}

typedef struct closer {
  pthread_barrier_t *all;
  torpor_vm *closed;
} closer;

static void *close_together(void *user) {
  closer *c = user;
  c->closed = close_some(&(int){20});
  pthread_barrier_wait(c->all);
  assert_closed(c->closed);
  return NULL;
}

/* More threads at once than have rings of their own: the others share one. */
static void test_closed_by_many(void **state) {
  enum { MANY = 24 };
  pthread_barrier_t all;
  pthread_t threads[MANY];
  closer closers[MANY];
  (void)state;
  torpor__pool_drain();
  pthread_barrier_init(&all, NULL, MANY);
  for (int i = 0; i < MANY; i++) {
    closers[i].all = &all;
    assert_int_equal(
        pthread_create(&threads[i], NULL, close_together, &closers[i]), 0);
  }
  for (int i = 0; i < MANY; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&all);
  torpor__pool_drain();
}

/* Nor where the system or the heap has nothing for a thread. */
static void *close_without(void *user) {
  torpor_vm *vm = test_vm_open(NULL), *other = test_vm_open(NULL);
  bool heap = *(bool *)user;
  if (heap)
    torpor__alloc_fail(0);
  else
    torpor__os_refuse(0, 1000);
  torpor_vm_close(vm);
  torpor_vm_close(other);
  torpor__alloc_fail(-1);
  torpor__os_refuse(0, 0);
  assert_closed(vm);
  assert_closed(other);
  return NULL;
}

static void test_closed_without(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    bool heap = i == 0;
    pthread_t thread;
    torpor__pool_drain();
    assert_int_equal(pthread_create(&thread, NULL, close_without, &heap), 0);
    pthread_join(thread, NULL);
  }
  torpor__pool_drain();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_closed_by_threads),
      cmocka_unit_test(test_closed_by_many),
      cmocka_unit_test(test_closed_without),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
