/* SPDX-License-Identifier: MIT */
/* test_watchdog.c - guest code that never polls ends at its deadline. Not under
 * the thread sanitizer, which holds back signals that code it has not compiled
 * does not wait for. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/wasm/probe.h"

#define MS UINT64_C(1000000)

static uint64_t in_ms(uint64_t ms) {
  return torpor__os_now() + ms * MS;
}

static uint32_t sleep_in_host(void *user, uint32_t ms) {
  struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
  (void)user;
  assert_int_equal(nanosleep(&left, NULL), 0);
  return ms;
}

/* Code that calls the host is ended too, by the time the host returns. */
static void test_loop_that_calls(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  uint64_t start = torpor__os_now();
  PROBE_ENTER_UNTIL(probe, in_ms(30), trap,
                    Z_probeZ_spin_calling(probe->instance));
  assert_int_equal(trap, TORPOR__TRAP_WATCHDOG);
  assert_true(torpor__os_now() - start >= 30 * MS);
}

static uint32_t work_in_host(void *user, uint32_t ms) {
  uint64_t end = in_ms(ms);
  (void)user;
  while (torpor__os_now() < end) {
  }
  return ms;
}

/* The host is not cut short, not even by a signal, and what it takes is not the
 * guest's: that goes on. */
static void test_host_that_takes_long(void **state) {
  static uint32_t (*const ways[])(void *user, uint32_t ms) = {sleep_in_host,
                                                              work_in_host};
  probe *probe = *state;
  for (size_t i = 0; i < 2; i++) {
    torpor__trap trap;
    volatile uint32_t result = 0;
    uint64_t start = torpor__os_now();
    probe->host.call = ways[i];
    PROBE_ENTER_UNTIL(probe, in_ms(20), trap,
                      result = Z_probeZ_call_host(probe->instance, 300));
    assert_int_equal(trap, TORPOR__TRAP_NONE);
    assert_int_equal(result, 301);
    assert_true(torpor__os_now() - start >= 300 * MS);
  }
}

static void divide_in_time(probe *probe) {
  torpor__trap trap;
  volatile uint32_t result = 0;
  PROBE_ENTER_UNTIL(probe, in_ms(10000), trap,
                    result = Z_probeZ_divide(probe->instance, 84, 2));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(result, 42);
}

static void test_deadline_that_is_met(void **state) {
  for (int i = 0; i < 1000; i++) divide_in_time(*state);
}

#ifndef TORPOR_SOFT_BOUNDS

static void spin_until_ended(probe *probe) {
  torpor__trap trap;
  uint64_t start = torpor__os_now();
  PROBE_ENTER_UNTIL(probe, in_ms(20), trap, Z_probeZ_spin(probe->instance));
  assert_int_equal(trap, TORPOR__TRAP_WATCHDOG);
  assert_true(torpor__os_now() - start >= 20 * MS);
}

static void test_loop(void **state) {
  for (int i = 0; i < 5; i++) spin_until_ended(*state);
}

static void test_deadline_that_has_passed(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  PROBE_ENTER_UNTIL(probe, 1, trap, Z_probeZ_spin(probe->instance));
  assert_int_equal(trap, TORPOR__TRAP_WATCHDOG);
}

/* An earlier deadline comes while the watchdog sleeps until a later one. */
static void *spin_in_thread(void *user) {
  probe probe;
  torpor__trap trap;
  (void)user;
  probe_open(&probe);
  PROBE_ENTER_UNTIL(&probe, in_ms(30), trap, Z_probeZ_spin(probe.instance));
  assert_int_equal(trap, TORPOR__TRAP_WATCHDOG);
  probe_close(&probe);
  return NULL;
}

static uint32_t join_spinner(void *user, uint32_t argument) {
  pthread_t thread;
  (void)user;
  assert_int_equal(pthread_create(&thread, NULL, spin_in_thread, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  return argument;
}

static void test_earlier_deadline_elsewhere(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  probe->host.call = join_spinner;
  PROBE_ENTER_UNTIL(probe, in_ms(60000), trap,
                    Z_probeZ_call_host(probe->instance, 0));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
}

struct nest {
  probe *probe;
  torpor__trap inner;
};

static uint32_t spin_inside(void *user, uint32_t argument) {
  struct nest *nest = user;
  PROBE_ENTER(nest->probe, nest->inner, Z_probeZ_spin(nest->probe->instance));
  return argument;
}

/* The outer deadline holds for an inner entry that has none; to the outer one
 * that is time of the host's. */
static void test_deadline_of_the_outer_entry(void **state) {
  probe *probe = *state;
  struct nest nest = {probe, TORPOR__TRAP_NONE};
  torpor__trap trap;
  probe->host = (struct Z_host_instance_t){spin_inside, &nest};
  PROBE_ENTER_UNTIL(probe, in_ms(20), trap,
                    Z_probeZ_call_host(probe->instance, 0));
  assert_int_equal(nest.inner, TORPOR__TRAP_WATCHDOG);
  assert_int_equal(trap, TORPOR__TRAP_NONE);
}

/* After fork the child has a watchdog of its own. */
static void test_fork(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  int status;
  PROBE_ENTER_UNTIL(probe, in_ms(10), trap, Z_probeZ_spin(probe->instance));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    alarm(20);
    PROBE_ENTER_UNTIL(probe, in_ms(10), trap, Z_probeZ_spin(probe->instance));
    _exit(trap == TORPOR__TRAP_WATCHDOG ? 7 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* Threads that come and go while others are watched. */
static void test_many_threads(void **state) {
  enum { THREADS = 8 };
  pthread_t threads[THREADS];
  (void)state;
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < THREADS; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, spin_in_thread, NULL),
                       0);
    for (size_t i = 0; i < THREADS; i++)
      assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
}

#endif

int main(void) {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, probe_set_up, probe_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_loop_that_calls),
      TEST(test_host_that_takes_long),
      TEST(test_deadline_that_is_met),
#ifndef TORPOR_SOFT_BOUNDS
      TEST(test_loop),
      TEST(test_deadline_that_has_passed),
      TEST(test_earlier_deadline_elsewhere),
      TEST(test_deadline_of_the_outer_entry),
      TEST(test_fork),
      TEST(test_many_threads),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
