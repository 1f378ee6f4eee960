/* SPDX-License-Identifier: MIT */
/* test_limit.c - fuel, deadline, interrupt, memory, stack; and what is left of
 * a VM after each.
 * ctest: serial timeout=120 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/support/vm.h"
#include "vm/engines/engine.h"
#include "wasm/region.h"
#include "wasm/runtime.h"

static double now_ms(void) {
  return (double)torpor__os_now() / 1e6;
}

static void assert_error_says(const torpor_vm *vm, const char *text) {
  if (strstr(torpor_last_error(vm), text)) return;
  print_error("'%s' lacks '%s'\n", torpor_last_error(vm), text);
  fail();
}

/* ---- Fuel -----------------------------------------------------------------*/

static void test_fuel(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  torpor_vm_set_fuel(vm, 100000);
  test_eval(vm, "for (let i = 0; i < 1000; i++); 0");
  assert_true(torpor_vm_fuel(vm) < 100000);
  assert_true(torpor_vm_fuel(vm) > 90000);
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  assert_error_says(vm, "fuel");
  assert_int_equal(torpor_vm_fuel(vm), 0);
  /* It stays in force. */
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 0);
  test_eval_is(vm, "let n = 0; while (n < 1e6) n++; n", "1000000");
  torpor_vm_close(vm);
}

/* The same program with the same fuel stops at the same place. */
static void test_fuel_is_exact(void **state) {
  double first = 0;
  (void)state;
  for (int round = 0; round < 3; round++) {
    torpor_vm *vm = test_vm_open(NULL);
    double reached;
    test_eval(vm, "globalThis.n = 0; 0");
    torpor_vm_set_fuel(vm, 12345);
    test_status(vm, test_eval_status(vm, "for (;;) n++"), TORPOR_INTERRUPTED);
    torpor_vm_set_fuel(vm, 0);
    reached = test_eval_number(vm, "n");
    if (round == 0) first = reached;
    assert_true(reached == first);
    assert_true(reached > 12000 && reached < 12400);
    torpor_vm_close(vm);
  }
}

static void test_fuel_in_jobs(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  torpor_vm_set_fuel(vm, 50000);
  test_eval(vm, "(function again() { Promise.resolve().then(again) })(); 0");
  test_status(vm, torpor_job_run(vm, 0, NULL), TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 0);
  test_eval_is(vm, "'usable'", "usable");
  torpor_vm_close(vm);
}

/* ---- Time -----------------------------------------------------------------*/

static void assert_deadline_ends(const char *source) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  double start, took;
  torpor_status status;
  options.deadline_ms = 50;
  vm = test_vm_open(&options);
  start = now_ms();
  status = test_eval_status(vm, source);
  if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
  took = now_ms() - start;
  if (status != TORPOR_INTERRUPTED && status != TORPOR_TRAPPED) {
    print_error("%s: %s\n", source, torpor_status_name(status));
    fail();
  }
  assert_true(took >= 49);
  assert_true(took < 50 + TORPOR_WATCHDOG_GRACE_MS + 2000);
  assert_error_says(vm, "deadline of 50 ms");
  assert_int_equal(torpor_vm_timed_out(vm), status == TORPOR_TRAPPED);
  if (status == TORPOR_TRAPPED) {
    torpor_value out;
    test_status(vm, torpor_eval(vm, "1", 1, "x", TORPOR_SCRIPT, &out),
                TORPOR_BROKEN);
  } else {
    test_eval_is(vm, "'usable'", "usable");
  }
  torpor_vm_close(vm);
}

static void test_deadline(void **state) {
  (void)state;
  assert_deadline_ends("for (;;);");
  assert_deadline_ends("try { for (;;); } catch { } finally { for (;;); }");
  assert_deadline_ends("(function f() { Promise.resolve().then(f) })(); 0");
  assert_deadline_ends("(async () => { for (;;) await 0 })(); 0");
  assert_deadline_ends("/^(a+)+$/.test('a'.repeat(60) + 'b')");
  assert_deadline_ends("[1, 2].sort(() => { for (;;); })");
  assert_deadline_ends("JSON.stringify({toJSON() { for (;;); }})");
}

/* Code that polls never or rarely is ended by the watchdog. */
static void test_watchdog(void **state) {
  (void)state;
  assert_deadline_ends(TEST_LONG_BUILTIN);
  assert_deadline_ends("3n ** 9000000n * 7n ** 9000000n; for (;;);");
  assert_deadline_ends("'x'.repeat(2 ** 27).split('').length; for (;;);");
}

/* The deadline is for each outermost call anew. */
static void test_deadline_is_per_call(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  double start = now_ms();
  (void)state;
  options.deadline_ms = 200;
  vm = test_vm_open(&options);
  while (now_ms() - start < 500)
    test_eval(vm, "{ let i = 0; while (i < 1e5) i++ }");
  torpor_vm_close(vm);
}

static void *interrupt_later(void *user) {
  const struct timespec delay = {.tv_nsec = 30 * 1000000};
  nanosleep(&delay, NULL);
  torpor_vm_interrupt(user);
  return NULL;
}

static void test_interrupt(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  pthread_t thread;
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, interrupt_later, vm), 0);
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  assert_error_says(vm, "host");
  pthread_join(thread, NULL);
  test_eval_is(vm, "'usable'", "usable");
  /* When none runs, the next one. */
  torpor_vm_interrupt(vm);
  test_status(vm, test_eval_status(vm, "1"), TORPOR_INTERRUPTED);
  test_eval_is(vm, "'usable'", "usable");
  torpor_vm_close(vm);
}

static bool stop_third_time(void *user) {
  return ++*(int *)user == 3;
}

static void test_interrupt_callback(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  int polls = 0;
  (void)state;
  options.user = &polls;
  options.interrupt = stop_third_time;
  vm = test_vm_open(&options);
  test_status(vm, test_eval_status(vm, "globalThis.n = 0; for (;;) n++"),
              TORPOR_INTERRUPTED);
  assert_int_equal(polls, 3);
  assert_true(test_eval_number(vm, "n") > 20000);
  torpor_vm_close(vm);
}

/* A nested call that is interrupted ends what is around it too, and the host
 * function sees it. */
static torpor_status run_nested(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  torpor_value out;
  *(torpor_status *)user =
      torpor_call(vm, arguments->args[0], torpor_undefined(), NULL, 0, &out);
  *result = torpor_number(1);
  return TORPOR_OK;
}

static void test_nested_interrupt(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_status seen = TORPOR_OK;
  double start = now_ms();
  (void)state;
  options.deadline_ms = 50;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_function_add(vm, "nested", run_nested, &seen));
  test_status(vm, test_eval_status(vm, "for (;;) nested(() => { for (;;); })"),
              TORPOR_INTERRUPTED);
  assert_int_equal(seen, TORPOR_INTERRUPTED);
  assert_true(now_ms() - start < 1000);
  torpor_vm_close(vm);
}

/* A trap in a nested call comes back to the host function, which is not jumped
 * over; then the code around it is trapped. */
static void test_nested_trap(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_status seen = TORPOR_OK;
  (void)state;
  options.deadline_ms = 50;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_function_add(vm, "nested", run_nested, &seen));
  test_status(vm,
              test_eval_status(vm, "nested(() => " TEST_LONG_BUILTIN "); 'on'"),
              TORPOR_TRAPPED);
  assert_int_equal(seen, TORPOR_TRAPPED);
  torpor_vm_close(vm);
}

/* ---- The host's time ------------------------------------------------------*/

static void sleep_ms(long ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

static torpor_status sleep_long(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  sleep_ms(250);
  return TORPOR_OK;
}

static void log_slowly(void *user, torpor_level level, const char *text,
                       size_t size) {
  (void)level, (void)text, (void)size;
  ++*(int *)user;
  sleep_ms(250);
}

static torpor_status load_slowly(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  log_slowly(user, TORPOR_LEVEL_LOG, request->name, 0);
  return torpor_module_give(answer, "0", 1);
}

static double tell_time_slowly(void *user, torpor_clock which) {
  (void)which;
  if (*(int *)user >= 0) log_slowly(user, TORPOR_LEVEL_LOG, "", 0);
  return 0;
}

/* What the host takes is not the guest's grace: it is interrupted, the VM can
 * be used, and there is not one more slow call. */
static void assert_interrupted(torpor_mode mode, const char *source) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_value out;
  int calls = -1;
  torpor_status status;
  options.user = &calls;
  options.console = log_slowly;
  options.module = load_slowly;
  options.clock = tell_time_slowly;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_function_add(vm, "slow", sleep_long, NULL));
  torpor_vm_set_deadline(vm, 50);
  calls = 0;
  status = torpor_eval(vm, source, strlen(source), "x.js", mode, &out);
  if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
  test_status(vm, status, TORPOR_INTERRUPTED);
  assert_error_says(vm, "deadline of 50 ms");
  assert_true(calls <= 1);
  calls = -1;
  test_eval_is(vm, "typeof went", "undefined");
  torpor_vm_close(vm);
}

static void test_slow_host(void **state) {
  (void)state;
  assert_interrupted(TORPOR_SCRIPT, "slow(); globalThis.went = 1");
  assert_interrupted(TORPOR_SCRIPT, "for (;;) slow()");
  assert_interrupted(TORPOR_SCRIPT,
                     "for (;;) try { slow() } catch { went = 1 }"
                     " finally { globalThis.went = 1 }");
  assert_interrupted(TORPOR_SCRIPT, "for (;;) console.log(1)");
  assert_interrupted(TORPOR_SCRIPT, "console.log(1); for (;;);");
  assert_interrupted(TORPOR_SCRIPT, "Date.now(); for (;;);");
  assert_interrupted(TORPOR_SCRIPT, "import('a'); for (;;);");
  assert_interrupted(TORPOR_SCRIPT, "[3, 1, 2].sort(() => (slow(), 1))");
  assert_interrupted(TORPOR_SCRIPT, "Promise.resolve().then(slow)");
  assert_interrupted(TORPOR_MODULE, "import 'a'; for (;;);");
}

/* Code that asks the host for little things all the time is interrupted as any
 * other: the VM can be used. */
static void test_asking_for_ever(void **state) {
  static const char *const sources[] = {
      "for (;;) Date.now()",
      "var e = Date.now() + 1e7; while (Date.now() < e);",
      "for (;;) performance.now()",
      "for (;;) new Date().getHours()",
      "for (;;) new Date(2024, 1, 1)",
      "for (;;) Math.random()",
  };
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  for (size_t i = 0; i < 4 * sizeof(sources) / sizeof(*sources); i++) {
    torpor_vm_set_deadline(vm, 20);
    test_status(vm, test_eval_status(vm, sources[i / 4]), TORPOR_INTERRUPTED);
    torpor_vm_set_deadline(vm, 0);
    test_eval_is(vm, "'usable'", "usable");
  }
  torpor_vm_close(vm);
}

/* An interrupt that comes between calls is the next one's, though the VM reads
 * its clocks when it wakes and when an entry ends. */
static void test_interrupt_is_kept(void **state) {
  torpor_vm *vm = test_vm_open(NULL), *woken;
  torpor_value value;
  torpor_bytes bytes;
  (void)state;
  test_eval(vm, "torpor.onwake = () => {}");
  test_ok(vm, torpor_snapshot_save(vm, &bytes));
  for (int i = 0; i < 2; i++) {
    test_ok(NULL,
            torpor_snapshot_restore(bytes.data, bytes.size, NULL, &woken));
    torpor_vm_interrupt(woken);
    if (i == 1) test_ok(woken, torpor_global(woken, &value));
    test_status(woken, test_eval_status(woken, "1 + 1"), TORPOR_INTERRUPTED);
    test_eval_is(woken, "1 + 1", "2");
    torpor_vm_close(woken);
  }
  torpor_vm_interrupt(vm);
  test_ok(vm, torpor_error_new(vm, "Error", "m", &value));
  test_status(vm, test_eval_status(vm, "1 + 1"), TORPOR_INTERRUPTED);
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
}

static torpor_value large_map;

/* Looks at it in vain, once what it called was interrupted. */
static torpor_status look_late(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  static torpor_value entries[4000];
  torpor_bytes code;
  (void)arguments, (void)result, (void)user;
  torpor_vm_set_fuel(vm, 20000);
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  for (int i = 0; i < 20; i++) {
    test_status(vm, torpor_collection_read(vm, large_map, entries, 2000, NULL),
                TORPOR_INTERRUPTED);
    test_status(vm,
                torpor_compile(vm, "f('0123456789')", SIZE_MAX, NULL, &code),
                TORPOR_INTERRUPTED);
  }
  return TORPOR_OK;
}

/* An entry that counts as interrupted keeps nothing for the host. */
static void test_late_texts(void **state) {
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_ok(vm, torpor_function_add(vm, "lookLate", look_late, NULL));
  large_map = test_eval(vm,
                        "new Map(Array.from({length: 2000}, (_, i) =>"
                        " [i, i]))");
  for (int i = 0; i < 2; i++) {
    before = after;
    test_status(vm, test_eval_status(vm, "lookLate()"), TORPOR_INTERRUPTED);
    torpor_vm_set_fuel(vm, 0);
    test_ok(vm, torpor_vm_collect(vm));
    test_ok(vm, torpor_vm_usage(vm, &after));
  }
  assert_true(after.heap_used < before.heap_used + 16000);
  torpor_vm_close(vm);
}

/* ---- A VM inside a host function ---- */

static const char *inner_source;

static torpor_status run_inner(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_vm *inner = user;
  (void)vm, (void)arguments, (void)result;
  test_status(inner, test_eval_status(inner, inner_source), TORPOR_INTERRUPTED);
  assert_error_says(inner, "the VM that called");
  test_eval_is(inner, "'usable'", "usable");
  sleep_ms(50); /* by then the watchdog has seen it */
  return TORPOR_OK;
}

/* The deadline holds for it, and ends neither. */
static void test_vm_inside(void **state) {
  static const char *const sources[] = {"for (;;);", "for (;;) slow()"};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    torpor_vm *vm, *inner = test_vm_open(NULL);
    options.deadline_ms = 50;
    vm = test_vm_open(&options);
    inner_source = sources[i];
    test_ok(inner, torpor_function_add(inner, "slow", sleep_long, NULL));
    test_ok(vm, torpor_function_add(vm, "inner", run_inner, inner));
    test_status(vm, test_eval_status(vm, "try { inner() } catch { 1 }"),
                TORPOR_INTERRUPTED);
    test_eval_is(vm, "'usable'", "usable");
    test_eval_is(inner, "let i = 0; while (i < 3e6) i++; i", "3000000");
    torpor_vm_close(vm);
    torpor_vm_close(inner);
  }
}

/* ---- A process that is stopped ---- */

static int spin_and_tell(int out) {
  torpor_vm *vm;
  torpor_status status = torpor_vm_open(NULL, &vm);
  alarm(60);
  if (status != TORPOR_OK || write(out, "x", 1) != 1) return 1;
  torpor_vm_set_deadline(vm, 60);
  status = test_eval_status(vm, "for (;;);");
  if (status != TORPOR_INTERRUPTED)
    print_error("%s: %s\n", torpor_status_name(status), torpor_last_error(vm));
  return status == TORPOR_INTERRUPTED ? 0 : 1;
}

/* Its deadline passes, and its grace, while nothing of it runs. */
static void test_stopped_process(void **state) {
  (void)state;
  for (int round = 0; round < 8; round++) {
    int ends[2], status;
    char byte;
    pid_t child;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(spin_and_tell(ends[1]));
    assert_int_equal(read(ends[0], &byte, 1), 1);
    sleep_ms(20);
    kill(child, SIGSTOP);
    sleep_ms(250);
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ends[0]);
    close(ends[1]);
  }
}

/* ---- What cannot be caught ---- */

static torpor_status pass_status(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  torpor_status status =
      torpor_call(vm, arguments->args[0], torpor_undefined(), NULL, 0, result);
  return user ? status : TORPOR_OK;
}

static torpor_status refuse(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  return TORPOR_INTERRUPTED;
}

/* An interrupt that passes a host function: by its deadline, by fuel, by its
 * host; whether the function hands it on or not. */
static void test_not_caught(void **state) {
  static const char *const calls[] = {
      "pass(() => { for (;;); })", "swallow(() => { for (;;); })", "refuse()"};
  (void)state;
  for (size_t i = 0; i < 3; i++)
    for (int fuel = 0; fuel < 2; fuel++) {
      char source[200];
      torpor_vm *vm = test_vm_open(NULL);
      test_ok(vm, torpor_function_add(vm, "pass", pass_status, &source));
      test_ok(vm, torpor_function_add(vm, "swallow", pass_status, NULL));
      test_ok(vm, torpor_function_add(vm, "refuse", refuse, NULL));
      snprintf(source, sizeof(source),
               "try { %s } catch { globalThis.caught = 1 } finally "
               "{ globalThis.caught = 1 } 5",
               calls[i]);
      if (fuel)
        torpor_vm_set_fuel(vm, 5000);
      else
        torpor_vm_set_deadline(vm, 30);
      test_status(vm, test_eval_status(vm, source), TORPOR_INTERRUPTED);
      assert_error_says(vm, i == 2 ? "by its host" : fuel ? "fuel" : "30 ms");
      torpor_vm_set_fuel(vm, 0);
      test_eval_is(vm, "typeof caught", "undefined");
      torpor_vm_close(vm);
    }
}

/* ---- Signals --------------------------------------------------------------*/

static void block_all(void) {
  sigset_t all;
  sigfillset(&all);
  assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
}

/* Touches memory that no one has touched, and is ended by the watchdog. */
static void fault_and_overrun(torpor_vm *vm) {
  test_eval_is(vm, "new Uint8Array(9 << 20).fill(7).at(-1)", "7");
  torpor_vm_set_deadline(vm, 100);
  test_status(vm, test_eval_status(vm, TEST_LONG_BUILTIN), TORPOR_TRAPPED);
  torpor_vm_close(vm);
}

/* A thread that began with all signals blocked, as many do: it uses VMs of its
 * own and those of others. */
static void *work_blocked(void *user) {
  torpor_bytes bytes;
  torpor_vm *vm;
  fault_and_overrun(user);
  block_all();
  vm = test_vm_open(NULL);
  block_all();
  test_ok(vm, torpor_vm_fork(vm, NULL, (torpor_vm **)&user));
  fault_and_overrun(user);
  bytes = test_save(vm);
  block_all();
  fault_and_overrun(test_restore(&bytes, NULL));
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
  return NULL;
}

static void test_blocked_signals(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  sigset_t before;
  pthread_t thread;
  (void)state;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  block_all();
  assert_int_equal(pthread_create(&thread, NULL, work_blocked, vm), 0);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_join(thread, NULL);
}

/* ---- Memory and stack -----------------------------------------------------*/

static void assert_out_of_memory(const char *source) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_status status;
  options.memory_max = 16 << 20;
  vm = test_vm_open(&options);
  status = test_eval_status(vm, source);
  assert_true(status == TORPOR_THROWN || status == TORPOR_LIMIT);
  test_ok(vm, torpor_vm_usage(vm, &usage));
  assert_true(usage.memory <= 16 << 20);
  test_eval_is(vm, "'usable'", "usable");
  torpor_vm_close(vm);
}

static void test_memory(void **state) {
  (void)state;
  assert_out_of_memory(
      "(() => { let a = []; for (;;) a.push({x: [1, 2, 3]}) })()");
  assert_out_of_memory("(() => { let s = 'x'; for (;;) s += s + '\u20ac' })()");
  assert_out_of_memory("new Uint8Array(64 << 20)");
  assert_out_of_memory(
      "(() => { let m = new Map; for (let i = 0;; i++) m.set(i, {}) })()");
}

/* The allowance is raised page by page, so that a program that uses most of the
 * engine runs out of memory at many places: each time that is an error with a
 * name. */
static void test_every_allowance(void **state) {
  static const char source[] =
      "globalThis.kept = []; for (let round = 0; round < 40; round++) { class "
      "A { #p = [1, round]; get p() { return this.#p } }; const m = new Map([["
      "1, new A], ['k', {x: /a(b)c/u.exec('abc')}]]); const text = "
      "JSON.stringify([...m]) + `${[...Array(round).keys()].map(i => i * 2)}`; "
      "Promise.all([1, "
      "(async () => 2)()]).then(v => m.set('v', v)); try { null.x } catch (e) "
      "{ m.set('e', e.stack) }; kept.push([text, 10n ** 50n, m, new Date(0)"
      ".toISOString(), eval('(x => x + ' + round + ')'), tree(3)]); function "
      "tree(n) { return n ? {n: tree(n - 1)} : 1 } } 0";
  uint64_t allowed = (uint64_t)torpor__engine_builtin.pages * TORPOR__WASM_PAGE;
  unsigned short_of = 0, done = 0;
  (void)state;
  for (; done < 3; allowed += TORPOR__PAGE) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    torpor_vm *vm;
    torpor_status status;
    options.memory_max = allowed;
    options.deadline_ms = 5000;
    vm = test_vm_open(&options);
    status = test_eval_status(vm, source);
    if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
    if (status == TORPOR_THROWN || status == TORPOR_TRAPPED)
      assert_error_says(vm, "out of memory");
    else if (status != TORPOR_OK)
      assert_int_equal(status, TORPOR_LIMIT);
    assert_int_equal(torpor_vm_exhausted(vm), status == TORPOR_TRAPPED);
    *(status == TORPOR_OK ? &done : &short_of) += 1;
    torpor_vm_close(vm);
    assert_true(short_of < 1000);
  }
  print_message("%u allowances were too small\n", short_of);
  assert_true(short_of > 20);
}

static const char *const deep[] = {
    "(function f() { f() })()",
    "let o = []; for (let i = 0; i < 1e5; i++) o = [o]; JSON.stringify(o)",
    "JSON.parse('['.repeat(1e6))",
    "eval('('.repeat(1e6))",
    "eval('[' + '!'.repeat(1e6) + '1]')",
    "new RegExp('('.repeat(1e5) + ')'.repeat(1e5))",
    "/(?:(?:a|b))*c/.test('ab'.repeat(2000))",
    "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x",
    "let t = {toString() { return '' + this }}; t + ''",
    "let a = []; a[0] = a; let b = []; for (let i = 0; i < 1e5; i++) b = [b];"
    "String(b)",
    "class A extends (function () {}) { constructor() { new A } }; new A",
    "[1].sort.call({get length() { return this.length }})",
};

/* A catchable error, or none where the engine needs no stack for it. */
static void go_deep(torpor_vm *vm, const char *source) {
  torpor_status status = test_eval_status(vm, source);
  if (status != TORPOR_THROWN && status != TORPOR_OK) {
    print_error("%s: %s\n", source, torpor_last_error(vm));
    fail();
  }
  test_eval_is(vm, "'usable'", "usable");
}

static void test_stack(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(deep) / sizeof(*deep); i++) {
    torpor_vm *vm = test_vm_open(NULL);
    go_deep(vm, deep[i]);
    torpor_vm_close(vm);
  }
}

/* On a thread whose stack is small the host's stack would be the first to end:
 * there JavaScript may recurse less, and with too little nothing is entered. */
static void *use_small_stack(void *user) {
  torpor_vm *own, *vm = user;
  torpor_status status = torpor_vm_open(NULL, &own);
  if (status == TORPOR_LIMIT) {
    assert_non_null(strstr(torpor_last_error(NULL), "pthread_attr_setstack"));
    test_status(vm, test_eval_status(vm, "1"), TORPOR_LIMIT);
    return NULL;
  }
  test_ok(NULL, status);
  torpor_vm_close(own);
  for (size_t i = 0; i < sizeof(deep) / sizeof(*deep); i++) {
    go_deep(vm, deep[i]);
    torpor_vm_close(vm);
    vm = test_vm_open(NULL);
  }
  test_eval_is(vm,
               "let s = 0; (function f(n) { s++; n && f(n - 1) })(9); s"
               " + JSON.stringify({a: [1, {b: /x(y)/.exec('xy')}]})",
               "10{\"a\":[1,{\"b\":[\"xy\",\"y\"]}]}");
  torpor_vm_close(vm);
  return vm;
}

static void test_small_host_stack(void **state) {
  size_t refused = 0, usable = 0;
  (void)state;
  for (size_t size = 16 << 10; size <= 4 << 20; size += size / 2) {
    torpor_vm *vm = test_vm_open(NULL);
    void *used;
    pthread_attr_t attributes;
    pthread_t thread;
    size &= ~(size_t)4095;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    if (pthread_attr_setstacksize(&attributes, size) != 0) continue;
    assert_int_equal(pthread_create(&thread, &attributes, use_small_stack, vm),
                     0);
    pthread_join(thread, &used);
    pthread_attr_destroy(&attributes);
    if (used) {
      usable++;
      continue;
    }
    refused = size;
    assert_int_equal(usable, 0); /* the smaller ones */
    test_eval_is(vm, "'usable'", "usable");
    torpor_vm_close(vm);
  }
  assert_true(refused >= 64 << 10 && refused < 400 << 10 && usable > 4);
}

static torpor_status call_back(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  return torpor_call(vm, arguments->args[0], torpor_undefined(), NULL, 0,
                     result);
}

/* Recursion through the host ends in an error as well, or in a trap where the
 * host's stack is the first to end; never in a fault. */
static void test_stack_through_host(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_status status;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "back", call_back, NULL));
  status = test_eval_status(vm, "(function f() { back(f) })()");
  assert_true(status == TORPOR_THROWN || status == TORPOR_TRAPPED);
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  test_eval_is(vm, "'another one'", "another one");
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fuel),
      cmocka_unit_test(test_fuel_is_exact),
      cmocka_unit_test(test_fuel_in_jobs),
      cmocka_unit_test(test_deadline),
      cmocka_unit_test(test_watchdog),
      cmocka_unit_test(test_deadline_is_per_call),
      cmocka_unit_test(test_interrupt),
      cmocka_unit_test(test_interrupt_callback),
      cmocka_unit_test(test_nested_interrupt),
      cmocka_unit_test(test_nested_trap),
      cmocka_unit_test(test_slow_host),
      cmocka_unit_test(test_asking_for_ever),
      cmocka_unit_test(test_interrupt_is_kept),
      cmocka_unit_test(test_late_texts),
      cmocka_unit_test(test_vm_inside),
      cmocka_unit_test(test_stopped_process),
      cmocka_unit_test(test_not_caught),
      cmocka_unit_test(test_blocked_signals),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_every_allowance),
      cmocka_unit_test(test_stack),
      cmocka_unit_test(test_small_host_stack),
      cmocka_unit_test(test_stack_through_host),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
