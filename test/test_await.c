/* SPDX-License-Identifier: MIT */
/* test_await.c - awaiting promises, running jobs for a time, being told of
 * rejections; and stopping a VM that may be closed already. */
/* ctest: thread */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"
#include "wasm/os.h"

/* ---- Awaiting -------------------------------------------------------------*/

static torpor_status await_source(torpor_vm *vm, const char *source,
                                  torpor_value *result) {
  return torpor_await(vm, test_eval(vm, source), result);
}

static void test_await(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value result;
  (void)state;
  test_ok(vm,
          await_source(vm, "(async () => { await 1; return 42 })()", &result));
  assert_true(torpor_value_number(result) == 42);
  test_ok(vm, await_source(vm, "5", &result)); /* no promise */
  assert_true(torpor_value_number(result) == 5);
  test_ok(vm, await_source(vm, "({then() { throw 1 }})", &result));
  assert_int_equal(torpor_value_type(result), TORPOR_TYPE_OBJECT);
  test_status(vm,
              await_source(vm, "(async () => { await 1; throw 7 })()", &result),
              TORPOR_THROWN);
  assert_true(torpor_value_number(torpor_exception(vm)) == 7);
  assert_int_equal(torpor_value_type(result), TORPOR_TYPE_UNDEFINED);
  test_run_jobs(vm);
  test_status(vm, torpor_rejection_take(vm, NULL), TORPOR_NOT_FOUND);
  torpor_vm_close(vm);
}

/* Jobs run until it is settled, and no longer. */
static void test_await_no_further(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_ok(vm, await_source(vm,
                           "(async () => { for (;;) await 1 })();"
                           "(async () => { await 1; await 2 })()",
                           NULL));
  assert_true(torpor_job_pending(vm));
  torpor_vm_close(vm);
}

static void test_deadlock(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value promise, result;
  uint64_t id;
  (void)state;
  test_status(vm, await_source(vm, "new Promise(() => {})", &result),
              TORPOR_DEADLOCK);
  test_says(vm, "no operation");
  test_ok(vm, torpor_operation_begin(vm, "x", torpor_null(), 0, &id, &promise));
  test_status(vm, torpor_await(vm, promise, &result), TORPOR_DEADLOCK);
  test_says(vm, "1 operations are pending");
  test_ok(vm,
          torpor_operation_settle(vm, id, TORPOR_RESOLVE, torpor_number(3)));
  test_ok(vm, torpor_await(vm, promise, &result));
  assert_true(torpor_value_number(result) == 3);
  torpor_vm_close(vm);
}

static void test_await_stopped(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.deadline_ms = 50;
  vm = test_vm_open(&options);
  test_status(vm,
              await_source(vm, "(async () => { for (;;) await 1 })()", NULL),
              TORPOR_INTERRUPTED);
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
}

static void test_run_for(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  uint64_t begun;
  uint32_t ran;
  (void)state;
  test_eval(vm, "(async () => { for (let i = 0; i < 9; i++) await 1 })(); 0");
  test_ok(vm, torpor_job_run_for(vm, 60000, &ran));
  assert_true(ran >= 9);
  assert_false(torpor_job_pending(vm));
  test_eval(vm, "(async () => { for (;;) await 1 })(); 0");
  begun = torpor__os_now();
  test_ok(vm, torpor_job_run_for(vm, 20, &ran));
  assert_true(torpor__os_now() - begun >= UINT64_C(20000000));
  assert_true(ran > 0 && torpor_job_pending(vm));
  test_ok(vm, torpor_job_run_for(vm, 0, &ran));
  assert_int_equal(ran, 0);
  torpor_vm_close(vm);
}

/* ---- Rejections -----------------------------------------------------------*/

typedef struct told {
  char text[256];
  unsigned count, handled;
} told;

static void note(void *user, torpor_vm *vm, const torpor_rejection *rejection) {
  told *told = user;
  torpor_bytes reason;
  torpor_promise_state state;
  assert_int_equal(torpor_job_run(vm, 0, NULL), TORPOR_BUSY);
  told->count++;
  told->handled += rejection->handled;
  test_ok(vm, torpor_string_read(vm, rejection->reason, &reason));
  if (strlen(told->text) < 200) {
    strcat(told->text, rejection->handled ? "+" : "-");
    strncat(told->text, (const char *)reason.data, 20);
  }
  torpor_bytes_free(&reason);
  assert_int_equal(rejection->size, sizeof(*rejection));
  if (torpor_value_type(rejection->promise) == TORPOR_TYPE_UNDEFINED) return;
  test_ok(vm, torpor_promise_read(vm, rejection->promise, &state, NULL));
  assert_int_equal(state, TORPOR_REJECTED);
}

static void assert_told(told *told, const char *expected) {
  assert_string_equal(told->text, expected);
  memset(told, 0, sizeof(*told));
}

static void test_rejected(void **state) {
  told told = {.text = ""};
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.user = &told;
  options.rejected = note;
  vm = test_vm_open(&options);
  test_eval(vm,
            "globalThis.a = Promise.reject('a');"
            "globalThis.b = Promise.reject('b');"
            "globalThis.c = Promise.reject('c'); c.catch(() => 0); 0");
  assert_told(&told, ""); /* not before the queue is empty */
  test_ok(vm, torpor_vm_usage(vm, &before));
  test_run_jobs(vm);
  assert_told(&told, "-a-b");
  test_eval(vm, "b.catch(() => 0); 0");
  test_run_jobs(vm);
  assert_told(&told, "+b");
  test_eval(vm, "b.catch(() => 0); 0"); /* it is known */
  test_ok(vm, torpor_await(vm, torpor_number(1), NULL));
  test_ok(vm, torpor_job_run_for(vm, 10000, NULL));
  assert_told(&told, "");
  test_eval(vm, "setTimeout; queueMicrotask(() => { throw 'd' }); 0");
  test_run_jobs(vm);
  assert_told(&told, "-d");
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(after.handles, before.handles);
  /* What is awaited is not unhandled, also when it was told. */
  test_status(vm, torpor_await(vm, test_eval(vm, "a"), NULL), TORPOR_THROWN);
  assert_int_equal(torpor_value_type(torpor_exception(vm)), TORPOR_TYPE_STRING);
  torpor_vm_close(vm);
}

/* A handler whose code is rejected itself is told of that, but not for ever. */
static void reject_again(void *user, torpor_vm *vm,
                         const torpor_rejection *rejection) {
  (void)rejection;
  ++*(int *)user;
  if (*(int *)user > 5 * TORPOR_REJECTIONS_LARGEST) fail();
  test_eval(vm, "Promise.reject('again'); 0");
}

static void test_rejected_again(void **state) {
  int count = 0;
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.user = &count;
  options.rejected = reject_again;
  vm = test_vm_open(&options);
  test_eval(vm, "Promise.reject('first'); 0");
  test_run_jobs(vm);
  assert_int_equal(count, TORPOR_REJECTIONS_LARGEST);
  test_run_jobs(vm);
  assert_int_equal(count, 2 * TORPOR_REJECTIONS_LARGEST);
  torpor_vm_close(vm);
}

/* A handler that closes its VM is told nothing more. */
static void close_it(void *user, torpor_vm *vm,
                     const torpor_rejection *rejection) {
  (void)rejection;
  ++*(int *)user;
  torpor_vm_close(vm);
}

static void test_close_when_rejected(void **state) {
  int count = 0;
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.user = &count;
  options.rejected = close_it;
  vm = test_vm_open(&options);
  test_eval(vm, "Promise.reject(1); Promise.reject(2); 0");
  torpor_job_run(vm, 0, NULL);
  assert_int_equal(count, 1);
}

/* A million rejections take bounded memory, and time that grows as they do. */
static void test_bounded(void **state) {
  static const char many[] =
      "globalThis.list = []; let n = 0;"
      "function go(count, keep) { for (let i = 0; i < count; i++) {"
      "  const p = Promise.reject(i); if (keep) list.push(p) } } 0";
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_value reason;
  uint64_t dropped;
  unsigned taken = 0;
  torpor_vm *vm;
  (void)state;
  options.memory_max = 16 << 20;
  vm = test_vm_open(&options);
  test_eval(vm, many);
  test_eval(vm, "go(1000000, false); 0");
  test_run_jobs(vm);
  test_ok(vm, torpor_vm_usage(vm, &usage));
  assert_true(usage.heap_used < 2 << 20);
  test_ok(vm, torpor_rejection_take(vm, &reason));
  assert_true(torpor_value_number(reason) == 0); /* the oldest are kept */
  while (torpor_rejection_take(vm, NULL) == TORPOR_OK) taken++;
  assert_int_equal(taken, TORPOR_REJECTIONS_LARGEST - 1);
  test_ok(vm, torpor_rejection_dropped(vm, &dropped));
  assert_int_equal(dropped, 1000000 - TORPOR_REJECTIONS_LARGEST);
  test_ok(vm, torpor_rejection_dropped(vm, &dropped));
  assert_int_equal(dropped, 0);
  /* Handled in time, in the order that takes longest: none is left. */
  test_eval(vm, "go(20000, true); for (const p of list) p.catch(() => n++); 0");
  test_run_jobs(vm);
  assert_true(test_eval_number(vm, "n") == 20000);
  test_status(vm, torpor_rejection_take(vm, NULL), TORPOR_NOT_FOUND);
  test_ok(vm, torpor_rejection_dropped(vm, &dropped));
  assert_int_equal(dropped, 0);
  torpor_vm_close(vm);
}

/* ---- Stops ----------------------------------------------------------------*/

static void test_stop(void **state) {
  torpor_vm *vm = test_vm_open(NULL), *next;
  torpor_stop *first, *second, *third;
  (void)state;
  test_ok(vm, torpor_stop_open(vm, &first));
  test_ok(vm, torpor_stop_open(vm, &second));
  test_ok(vm, torpor_stop_open(vm, &third));
  torpor_stop_close(second);
  assert_true(torpor_stop_request(first));
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
  next = test_vm_open(NULL); /* in the same memory */
  assert_false(torpor_stop_request(first));
  assert_false(torpor_stop_request(third));
  test_eval_is(next, "'untouched'", "untouched");
  torpor_stop_close(first);
  torpor_stop_close(third);
  torpor_vm_close(next);
}

static void *request_soon(void *user) {
  torpor__os_now();
  return torpor_stop_request(user) ? user : NULL;
}

/* While one thread stops a VM another closes it: the next one runs. */
static void test_stop_races(void **state) {
  (void)state;
  for (int i = 0; i < 200; i++) {
    torpor_vm *vm = test_vm_open(NULL), *next;
    torpor_stop *stop;
    pthread_t thread;
    test_ok(vm, torpor_stop_open(vm, &stop));
    assert_int_equal(pthread_create(&thread, NULL, request_soon, stop), 0);
    torpor_vm_close(vm);
    next = test_vm_open(NULL);
    test_eval_is(next, "let s = 0; for (let i = 0; i < 20000; i++) s += i; s",
                 "199990000");
    assert_int_equal(pthread_join(thread, NULL), 0);
    test_eval_is(next, "'untouched'", "untouched");
    torpor_stop_close(stop);
    torpor_vm_close(next);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_await),
      cmocka_unit_test(test_await_no_further),
      cmocka_unit_test(test_deadlock),
      cmocka_unit_test(test_await_stopped),
      cmocka_unit_test(test_run_for),
      cmocka_unit_test(test_rejected),
      cmocka_unit_test(test_rejected_again),
      cmocka_unit_test(test_close_when_rejected),
      cmocka_unit_test(test_bounded),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_stop_races),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
