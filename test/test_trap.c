/* SPDX-License-Identifier: MIT */
/* test_trap.c - each way in which guest code ends early, and what the host can
 * rely on afterwards; several threads at once.
 * ctest: thread */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/wasm/probe.h"

/* What every test ends with: guest code runs, and is entered from outside. */
static void check_usable(probe *probe) {
  torpor__trap trap;
  volatile uint32_t result = 0;
  PROBE_ENTER(probe, trap, result = Z_probeZ_divide(probe->instance, 84, 2));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(result, 42);
}

static void test_arithmetic(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  PROBE_ENTER(probe, trap, Z_probeZ_divide(probe->instance, 1, 0));
  assert_int_equal(trap, TORPOR__TRAP_ARITHMETIC);
  PROBE_ENTER(probe, trap,
              Z_probeZ_divide(probe->instance, 0x80000000, 0xffffffff));
  assert_int_equal(trap, TORPOR__TRAP_ARITHMETIC);
  PROBE_ENTER(probe, trap, Z_probeZ_truncate(probe->instance, 1e10));
  assert_int_equal(trap, TORPOR__TRAP_ARITHMETIC);
  PROBE_ENTER(probe, trap,
              Z_probeZ_truncate(probe->instance, __builtin_nan("")));
  assert_int_equal(trap, TORPOR__TRAP_ARITHMETIC);
  PROBE_ENTER(probe, trap, Z_probeZ_truncate(probe->instance, -2147483648.9));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  check_usable(probe);
}

static void test_unreachable(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  PROBE_ENTER(probe, trap, Z_probeZ_unreachable(probe->instance));
  assert_int_equal(trap, TORPOR__TRAP_UNREACHABLE);
  check_usable(probe);
}

static torpor__trap call_indirect(probe *probe, uint32_t index,
                                  uint32_t *value) {
  torpor__trap trap;
  volatile uint32_t result = 0;
  PROBE_ENTER(probe, trap,
              result = Z_probeZ_indirect(probe->instance, index, 21));
  *value = result;
  return trap;
}

static void test_indirect_calls(void **state) {
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(call_indirect(probe, 1, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 42);
  /* An empty entry, one of another type, and beyond the table. */
  assert_int_equal(call_indirect(probe, 0, &value), TORPOR__TRAP_SIGNATURE);
  assert_int_equal(call_indirect(probe, 2, &value), TORPOR__TRAP_SIGNATURE);
  assert_int_equal(call_indirect(probe, 4, &value), TORPOR__TRAP_SIGNATURE);
  assert_int_equal(call_indirect(probe, UINT32_MAX, &value),
                   TORPOR__TRAP_SIGNATURE);
  check_usable(probe);
}

/* The same signature has one number, whoever asks. */
static void test_function_types(void **state) {
  uint32_t first =
      wasm_rt_register_func_type(2, 1, WASM_RT_I32, WASM_RT_I64, WASM_RT_F64);
  (void)state;
  assert_int_not_equal(first, 0);
  assert_int_equal(
      wasm_rt_register_func_type(2, 1, WASM_RT_I32, WASM_RT_I64, WASM_RT_F64),
      first);
  assert_int_not_equal(
      wasm_rt_register_func_type(1, 2, WASM_RT_I32, WASM_RT_I64, WASM_RT_F64),
      first);
  assert_int_not_equal(
      wasm_rt_register_func_type(2, 1, WASM_RT_I32, WASM_RT_I64, WASM_RT_F32),
      first);
}

/* ---- The stack ------------------------------------------------------------*/

static void check_stack_overflow(probe *probe) {
  torpor__trap trap;
  PROBE_ENTER(probe, trap, Z_probeZ_recurse(probe->instance, 0));
  assert_int_equal(trap, TORPOR__TRAP_STACK);
  check_usable(probe);
}

static void test_stack_overflow(void **state) {
  check_stack_overflow(*state);
  check_stack_overflow(*state);
}

static void *overflow_in_thread(void *state) {
  check_stack_overflow(state);
  return NULL;
}

static void test_stack_overflow_in_thread(void **state) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  assert_int_equal(pthread_attr_setstacksize(&attributes, 512u << 10), 0);
  assert_int_equal(
      pthread_create(&thread, &attributes, overflow_in_thread, *state), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attributes);
}

/* Calls the guest again without end: each time round host code needs stack. */
static uint32_t enter_again(void *user, uint32_t depth) {
  probe *probe = user;
  volatile char room[4096];
  torpor__trap trap;
  room[depth % sizeof room] = 1;
  PROBE_ENTER(probe, trap, Z_probeZ_call_host(probe->instance, depth + 1));
  if (trap != TORPOR__TRAP_NONE) torpor__trap_raise(trap);
  return room[depth % sizeof room];
}

static void test_stack_left_for_the_host(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  probe->host = (struct Z_host_instance_t){enter_again, probe};
  PROBE_ENTER(probe, trap, Z_probeZ_call_host(probe->instance, 0));
  assert_int_equal(trap, TORPOR__TRAP_STACK);
  check_usable(probe);
}

/* ---- Nesting --------------------------------------------------------------*/

struct nest {
  probe *probe;
  torpor__trap inner;
};

static uint32_t trap_inside(void *user, uint32_t divisor) {
  struct nest *nest = user;
  Z_probe_instance_t *instance = nest->probe->instance;
  PROBE_ENTER(nest->probe, nest->inner, Z_probeZ_divide(instance, 8, divisor));
  return 10;
}

/* A trap ends at the innermost entry; the host function goes on. */
static void test_trap_in_a_host_function(void **state) {
  probe *probe = *state;
  struct nest nest = {probe, TORPOR__TRAP_NONE};
  torpor__trap trap;
  volatile uint32_t result = 0;
  probe->host = (struct Z_host_instance_t){trap_inside, &nest};
  PROBE_ENTER(probe, trap, result = Z_probeZ_call_host(probe->instance, 0));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(result, 11);
  assert_int_equal(nest.inner, TORPOR__TRAP_ARITHMETIC);
  PROBE_ENTER(probe, trap, result = Z_probeZ_call_host(probe->instance, 2));
  assert_int_equal(nest.inner, TORPOR__TRAP_NONE);
  check_usable(probe);
}

static uint32_t end_guest(void *user, uint32_t trap) {
  (void)user;
  torpor__trap_raise((torpor__trap)trap);
}

static void test_host_ends_guest(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  probe->host = (struct Z_host_instance_t){end_guest, NULL};
  PROBE_ENTER(probe, trap,
              Z_probeZ_call_host(probe->instance, TORPOR__TRAP_HOST));
  assert_int_equal(trap, TORPOR__TRAP_HOST);
  check_usable(probe);
}

static void test_texts(void **state) {
  (void)state;
  for (int i = TORPOR__TRAP_NONE; i <= TORPOR__TRAP_MEMORY; i++) {
    const char *text = torpor__trap_text((torpor__trap)i);
    assert_string_not_equal(text, torpor__trap_text((torpor__trap)99));
    for (int j = TORPOR__TRAP_NONE; j < i; j++)
      assert_string_not_equal(text, torpor__trap_text((torpor__trap)j));
  }
}

/* ---- Faults that are not ours ---------------------------------------------*/

#ifndef TORPOR_SOFT_BOUNDS

static void fault_elsewhere(void) {
  int *volatile nowhere = (int *)16;
  *nowhere = 1;
}

static uint32_t fault_in_host(void *user, uint32_t argument) {
  (void)user;
  fault_elsewhere();
  return argument;
}

static void exit_with_42(int number) {
  _exit(number == SIGSEGV ? 42 : 1);
}

static void exit_with_43(int number, siginfo_t *info, void *context) {
  (void)context;
  _exit(number == SIGSEGV && info->si_addr == (void *)16 ? 43 : 1);
}

/* A handler that was put before ours, and that passes on to us. */
static struct sigaction theirs;
static volatile sig_atomic_t seen;
static void pass_back(int number, siginfo_t *info, void *context) {
  if (++seen > 10) _exit(2); /* the chain has no end */
  theirs.sa_sigaction(number, info, context);
}

static void block_and_pass_back(int number, siginfo_t *info, void *context) {
  seen++;
  theirs.sa_sigaction(number, info, context);
}

static void handle_simple(void) {
  signal(SIGSEGV, exit_with_42);
  torpor__runtime_start();
  fault_elsewhere();
}

static void handle_informed(void) {
  struct sigaction action = {.sa_sigaction = exit_with_43,
                             .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  torpor__runtime_start();
  fault_elsewhere();
}

static void handle_in_host_function(void) {
  probe probe;
  torpor__trap trap;
  signal(SIGSEGV, exit_with_42);
  torpor__runtime_start();
  probe_open(&probe);
  probe.host.call = fault_in_host;
  PROBE_ENTER(&probe, trap, Z_probeZ_call_host(probe.instance, 0));
  (void)trap;
}

static void handle_nothing(void) {
  signal(SIGSEGV, SIG_DFL);
  torpor__runtime_start();
  fault_elsewhere();
}

static void handle_sent(void) {
  signal(SIGSEGV, SIG_DFL);
  torpor__runtime_start();
  raise(SIGSEGV);
}

static void handle_between(void) {
  struct sigaction action = {.sa_sigaction = pass_back,
                             .sa_flags = SA_SIGINFO | SA_NODEFER};
  probe probe;
  torpor__trap trap;
  signal(SIGSEGV, exit_with_42);
  probe_open(&probe);
  sigaction(SIGSEGV, &action, &theirs);
  torpor__runtime_start();
  PROBE_ENTER(&probe, trap, Z_probeZ_load(probe.instance, 0xffffffff));
  if (trap != TORPOR__TRAP_BOUNDS || seen != 0) _exit(3);
  fault_elsewhere();
}

/* Our handler is called by one that runs with the signal blocked. */
static uint32_t take_signal(void *user, uint32_t argument) {
  struct sigaction action = {.sa_sigaction = block_and_pass_back,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK};
  (void)user;
  sigaction(SIGSEGV, &action, &theirs);
  return argument;
}

static void handle_while_blocked(void) {
  probe probe;
  torpor__trap trap;
  probe_open(&probe);
  probe.host.call = take_signal;
  PROBE_ENTER(&probe, trap, Z_probeZ_call_host(probe.instance, 0);
              Z_probeZ_load(probe.instance, 0xffffffff));
  if (trap != TORPOR__TRAP_BOUNDS || seen != 1) _exit(3);
  PROBE_ENTER(&probe, trap, Z_probeZ_load(probe.instance, 0xffffffff));
  _exit(trap == TORPOR__TRAP_BOUNDS ? 44 : 3);
}

/* What this program does instead of its tests, by its argument: the handlers of
 * a process that uses the runtime for the first time. */
static const struct role {
  const char *name;
  void (*run)(void);
} roles[] = {
    {"simple", handle_simple},
    {"informed", handle_informed},
    {"host", handle_in_host_function},
    {"nothing", handle_nothing},
    {"sent", handle_sent},
    {"between", handle_between},
    {"blocked", handle_while_blocked},
};

static int run_role(const char *name) {
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (strcmp(roles[i].name, name) == 0) roles[i].run();
  return 4;
}

/* Runs this program in that role and gives its wait status. */
static int play(const char *role) {
  pid_t child = fork();
  int status = 0;
  assert_true(child >= 0);
  if (child == 0) {
    execl("/proc/self/exe", "test_trap", role, (char *)NULL);
    _exit(5);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void check_exit(const char *role, int code) {
  int status = play(role);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
    fail_msg("%s: wait status %#x", role, (unsigned)status);
}

static void test_other_faults_are_passed_on(void **state) {
  (void)state;
  check_exit("simple", 42);
  check_exit("informed", 43);
  check_exit("host", 42);
  check_exit("between", 42);
  check_exit("blocked", 44);
}

static void test_other_faults_end_the_process(void **state) {
  (void)state;
  int status = play("nothing");
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  status = play("sent");
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* Leaving by a jump from the handler leaves no signal blocked. */
static void test_no_signal_stays_blocked(void **state) {
  probe *probe = *state;
  sigset_t before, after;
  torpor__trap trap;
  sigemptyset(&before);
  sigemptyset(&after);
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  PROBE_ENTER(probe, trap, Z_probeZ_load(probe->instance, 0xffffffff));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int i = 1; i < NSIG; i++)
    assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

#endif

/* ---- Threads --------------------------------------------------------------*/

enum { THREADS = 8, ROUNDS = 40 };

static uint32_t load(probe *probe, uint32_t address) {
  torpor__trap trap;
  volatile uint32_t value = 0;
  PROBE_ENTER(probe, trap, value = Z_probeZ_load(probe->instance, address));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  return value;
}

/* Each thread fills its own memory, provokes traps, and must find its bytes. */
static void work_alone(probe *probe, uint32_t seed) {
  torpor__trap trap;
  Z_probe_instance_t *instance = probe->instance;
  PROBE_ENTER(probe, trap,
              for (uint32_t at = 0; at < 4 * 65536; at += 1024)
                  Z_probeZ_store(instance, at, seed + at));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  PROBE_ENTER(probe, trap, Z_probeZ_load(instance, 0xffff0000));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  PROBE_ENTER(probe, trap, Z_probeZ_divide(instance, seed, 0));
  assert_int_equal(trap, TORPOR__TRAP_ARITHMETIC);
  PROBE_ENTER(probe, trap, Z_probeZ_grow(instance, 1));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  for (uint32_t at = 0; at < 4 * 65536; at += 1024)
    assert_int_equal(load(probe, at), seed + at);
}

static void *run_thread(void *argument) {
  for (uint32_t round = 0; round < ROUNDS; round++) {
    probe probe;
    probe_open(&probe);
    work_alone(&probe, (uint32_t)(uintptr_t)argument * 1000003 + round);
    probe_close(&probe);
  }
  return NULL;
}

static void test_threads(void **state) {
  pthread_t threads[THREADS];
  (void)state;
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(
        pthread_create(&threads[i], NULL, run_thread, (void *)(i + 1)), 0);
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(int count, char **arguments) {
#ifndef TORPOR_SOFT_BOUNDS
  if (count == 2) return run_role(arguments[1]);
#else
  (void)count, (void)arguments;
#endif
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, probe_set_up, probe_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_arithmetic),
      TEST(test_unreachable),
      TEST(test_indirect_calls),
      TEST(test_function_types),
      TEST(test_stack_overflow),
      TEST(test_stack_overflow_in_thread),
      TEST(test_stack_left_for_the_host),
      TEST(test_trap_in_a_host_function),
      TEST(test_host_ends_guest),
      TEST(test_texts),
#ifndef TORPOR_SOFT_BOUNDS
      TEST(test_other_faults_are_passed_on),
      TEST(test_other_faults_end_the_process),
      TEST(test_no_signal_stays_blocked),
#endif
      TEST(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
