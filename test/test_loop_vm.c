/* SPDX-License-Identifier: MIT */
/* test_loop_vm.c - VMs on a loop: operations, order, failures, sleeping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/console.h"
#include "support/vm.h"
#include "torpor-loop.h"

/* A VM on a loop, and what it wrote to its console. Time is virtual: it stands
 * still unless a test moves it, and the guest sees the same. */
struct world {
  struct test_console console; /* first */
  double wall, monotonic;
  torpor_loop *loop;
  torpor_access *access;
  torpor_vm *vm;
  int rejections;
  bool stops; /* at a rejection */
};

static double read_clock(void *user, torpor_clock which) {
  const struct world *world = user;
  return which == TORPOR_CLOCK_WALL ? world->wall : world->monotonic;
}

static void advance(struct world *world, double ms) {
  world->wall += ms;
  world->monotonic += ms;
}

static void count_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  struct world *world = user;
  test_console_reject(&world->console, vm, reason);
  world->rejections++;
  if (world->stops) torpor_loop_stop(world->loop);
}

static torpor_options vm_options(struct world *world) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = world;
  options.clock = read_clock;
  options.console = test_console_write;
  options.library = torpor_library_source;
  options.memory_max = (uint64_t)64 << 20;
  return options;
}

static void attach(struct world *world) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  attachment.access = world->access;
  attachment.rejected = count_rejection;
  attachment.user = world;
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof(*world));
  assert_non_null(world);
  world->wall = 1700000000000;
  torpor_loop_options options = TORPOR_LOOP_OPTIONS_INIT;
  options.clock = read_clock;
  options.user = world;
  assert_int_equal(torpor_loop_open(&options, &world->loop), TORPOR_OK);
  assert_int_equal(torpor_access_open("/", &world->access), TORPOR_OK);
  torpor_options vm = vm_options(world);
  assert_int_equal(torpor_vm_open(&vm, &world->vm), TORPOR_OK);
  attach(world);
  *state = world;
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  torpor_loop_close(world->loop);
  torpor_vm_close(world->vm);
  torpor_access_close(world->access);
  free(world);
  return 0;
}

static torpor_value eval(struct world *world, const char *source,
                         torpor_mode mode) {
  torpor_value value = torpor_undefined();
  torpor_status status =
      torpor_eval(world->vm, source, strlen(source), "/test.mjs", mode, &value);
  if (status != TORPOR_OK)
    fail_msg("eval: %s: %s", torpor_status_name(status),
             torpor_last_error(world->vm));
  return value;
}

/* Moves virtual time to each due time in turn until nothing is pending. */
static void run_all(struct world *world) {
  torpor_status status;
  for (int turns = 0; turns < 1000; turns++) {
    status = torpor_loop_turn(world->loop, false);
    if (status == TORPOR_NOT_FOUND) return;
    assert_int_equal(status, TORPOR_OK);
    advance(world, 10);
  }
  fail_msg("it does not end");
}

/* ---- Operations ----------------------------------------------------------*/

static void timers_fire_in_order(void **state) {
  struct world *world = *state;
  eval(world,
       "for (const ms of [30, 10, 20, 10, 0])"
       "  setTimeout((t) => console.log(t), ms, ms);"
       "const no = setTimeout(() => console.log('no'), 15);"
       "setTimeout(() => clearTimeout(no), 10);",
       TORPOR_SCRIPT);
  run_all(world);
  test_console_expect(&world->console, "0\n10\n10\n20\n30\n");
}

/* Both timers are due at once; the first's callback and its jobs come before
 * the second's, and can still cancel it. */
static void results_are_settled_one_at_a_time(void **state) {
  struct world *world = *state;
  eval(world,
       "let no;"
       "setTimeout(async () => { console.log('a'); await 0;"
       "  console.log('b'); clearTimeout(no); }, 1);"
       "setTimeout(() => console.log('c'), 1);"
       "no = setTimeout(() => console.log('no'), 1);",
       TORPOR_SCRIPT);
  run_all(world);
  test_console_expect(&world->console, "a\nb\nc\n");
}

static void finish_gives_the_result(void **state) {
  struct world *world = *state;
  torpor_value main, result;
  eval(world, "globalThis.go = (f) => new Promise(f)", TORPOR_SCRIPT);
  main = eval(world, "Promise.resolve(7)", TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, main, &result),
                   TORPOR_OK);
  assert_true(torpor_value_number(result) == 7);
  main = eval(world, "go(() => {})", TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, main, &result),
                   TORPOR_DEADLOCK);
  main = eval(world, "7", TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, main, NULL),
                   TORPOR_WRONG_TYPE);
}

static void rejections_are_reported_once(void **state) {
  struct world *world = *state;
  eval(world,
       "const late = Promise.reject(new Error('no'));"
       "late.catch(() => {});"
       "Promise.reject(new Error('yes'));",
       TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  test_console_expect(&world->console, "yes\n");
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  assert_int_equal(world->rejections, 1);
}

static void a_rejection_may_stop_the_loop(void **state) {
  struct world *world = *state;
  world->stops = true;
  eval(world,
       "Promise.reject(new Error('1')); Promise.reject(new Error('2'));"
       "setInterval(() => {}, 1);",
       TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_CANCELLED);
  test_console_expect(&world->console, "1\n");
}

/* What is told may be rejected itself: not for ever in one turn. */
static void reject_again(void *user, torpor_vm *vm, torpor_value reason) {
  struct world *world = user;
  (void)reason;
  if (++world->rejections > 5 * TORPOR_REJECTIONS_LARGEST) fail();
  assert_int_equal(torpor_eval(vm, "Promise.reject('again')", SIZE_MAX, "r.js",
                               TORPOR_SCRIPT, NULL),
                   TORPOR_OK);
}

static void a_rejection_may_cause_others(void **state) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  struct world *world = *state;
  attachment.access = world->access;
  attachment.user = world;
  attachment.rejected = reject_again;
  torpor_loop_detach(world->loop, world->vm);
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
  eval(world, "Promise.reject('first')", TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  assert_int_equal(world->rejections, TORPOR_REJECTIONS_LARGEST);
}

/* The host is told of it by what it waits for, or else by 'rejected'; once. */
static void a_rejection_is_told_in_one_way(void **state) {
  static const struct {
    const char *source;
    torpor_mode mode;
  } cases[] = {
      {"(async () => { await 1; throw new Error('why') })()", TORPOR_SCRIPT},
      {"(async () => { throw new Error('why') })()", TORPOR_SCRIPT},
      {"await 1; throw new Error('why')", TORPOR_MODULE},
      {"throw new Error('why')", TORPOR_MODULE},
  };
  struct world *world = *state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    torpor_value promise = eval(world, cases[i].source, cases[i].mode), reason;
    world->rejections = 0;
    assert_int_equal(
        torpor_loop_finish(world->loop, world->vm, promise, &reason),
        TORPOR_THROWN);
    assert_int_equal(world->rejections, 0);
    assert_int_equal(
        strncmp(torpor_last_error(world->vm), "Error: why (/test.mjs:", 22), 0);
    eval(world, cases[i].source, cases[i].mode);
    assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
    assert_int_equal(world->rejections, 1);
  }
}

static void an_unknown_kind_rejects(void **state) {
  struct world *world = *state;
  uint64_t id;
  torpor_value promise, result;
  torpor_error error = TORPOR_ERROR_INIT;
  assert_int_equal(torpor_operation_begin(world->vm, "teleport", torpor_null(),
                                          0, &id, &promise),
                   TORPOR_OK);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, promise, &result),
                   TORPOR_THROWN);
  assert_int_equal(
      torpor_error_read(world->vm, torpor_exception(world->vm), &error),
      TORPOR_OK);
  assert_non_null(strstr(error.message, "teleport"));
  torpor_error_free(&error);
}

static void ten_thousand_timers_are_fast(void **state) {
  struct world *world = *state;
  eval(world,
       "let left = 10000;"
       "for (let i = 0; i < 10000; i++) setTimeout(() => left--, i % 97);"
       "setTimeout(() => console.log(left), 200)",
       TORPOR_SCRIPT);
  run_all(world);
  test_console_expect(&world->console, "0\n");
}

/* ---- Files ---------------------------------------------------------------*/

static void files_need_a_grant(void **state) {
  struct world *world = *state;
  char folder[] = "/tmp/torpor-vm-XXXXXX";
  char source[512], path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof(path), "%s/f", folder);
  snprintf(source, sizeof(source),
           "import { readFile, writeFile } from 'torpor:fs';"
           "try { await writeFile('%s', 'x'); }"
           "catch (e) { console.log(e.name); }",
           path);
  torpor_value main = eval(world, source, TORPOR_MODULE);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, main, NULL),
                   TORPOR_OK);
  test_console_expect(&world->console, "NotAllowedError\n");
  assert_int_not_equal(access(path, F_OK), 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(torpor_access_allow(
                         world->access, i ? TORPOR_READ : TORPOR_WRITE, folder),
                     TORPOR_OK);
  snprintf(source, sizeof(source),
           "import { readFile, writeFile } from 'torpor:fs';"
           "await writeFile('%s', 'h\u00e9');"
           "console.log((await readFile('%s')).length, "
           "await readFile('%s', 'utf8'));",
           path, path, path);
  main = eval(world, source, TORPOR_MODULE);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, main, NULL),
                   TORPOR_OK);
  test_console_expect(&world->console, "3 h\u00e9\n");
  unlink(path);
  rmdir(folder);
}

/* The file is larger than the VM's memory: the program sees an error, and goes
 * on. */
static void a_result_that_does_not_fit_rejects(void **state) {
  struct world *world = *state;
  char path[] = "/tmp/torpor-large-XXXXXX";
  char source[256];
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(ftruncate(file, (off_t)100 << 20), 0);
  close(file);
  assert_int_equal(torpor_access_allow(world->access, TORPOR_READ, path),
                   TORPOR_OK);
  snprintf(source, sizeof(source),
           "import { readFile } from 'torpor:fs';"
           "try { await readFile('%s'); } catch (e) { console.log(e.name); }"
           "console.log('on')",
           path);
  torpor_value main = eval(world, source, TORPOR_MODULE);
  assert_int_equal(torpor_loop_finish(world->loop, world->vm, main, NULL),
                   TORPOR_OK);
  test_console_expect(&world->console, "RangeError\non\n");
  unlink(path);
}

/* ---- Limits --------------------------------------------------------------*/

static void an_interrupt_ends_the_run_only(void **state) {
  struct world *world = *state;
  eval(world, "setTimeout(() => { for (;;); }, 0);", TORPOR_SCRIPT);
  torpor_vm_set_deadline(world->vm, 50);
  torpor_status status;
  do {
    status = torpor_loop_turn(world->loop, true);
  } while (status == TORPOR_OK);
  assert_int_equal(status, TORPOR_INTERRUPTED);
  eval(world, "setTimeout(() => console.log('alive'), 0)", TORPOR_SCRIPT);
  run_all(world);
  test_console_expect(&world->console, "alive\n");
}

static void other_vms_outlive_a_trap(void **state) {
  struct world *world = *state;
  torpor_vm *other;
  torpor_value value;
  const char *code = "setTimeout(() => " TEST_LONG_BUILTIN
                     ", 0);"
                     "setTimeout(() => console.log('never'), 1)";
  eval(world, "setTimeout(() => console.log('alive'), 20)", TORPOR_SCRIPT);
  torpor_options options = vm_options(world);
  options.deadline_ms = 50;
  assert_int_equal(torpor_vm_open(&options, &other), TORPOR_OK);
  assert_int_equal(torpor_loop_attach(world->loop, other, NULL), TORPOR_OK);
  assert_int_equal(torpor_loop_attach(world->loop, other, NULL), TORPOR_EXISTS);
  assert_int_equal(
      torpor_eval(other, code, strlen(code), "/trap.js", TORPOR_SCRIPT, &value),
      TORPOR_OK);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_TRAPPED);
  run_all(world);
  test_console_expect(&world->console, "alive\n");
  torpor_loop_detach(world->loop, other);
  torpor_loop_detach(world->loop, other);
  torpor_vm_close(other);
}

/* ---- Sleeping ------------------------------------------------------------*/

/* A VM that slept longer than its timers: all are due, in order, at once. */
static void timers_go_on_after_a_restore(void **state) {
  struct world *world = *state;
  torpor_bytes snapshot;
  eval(world,
       "for (const ms of [3000, 1000, 99999])"
       "  setTimeout(() => console.log(ms), ms);",
       TORPOR_SCRIPT);
  assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
  assert_int_equal(torpor_snapshot_save(world->vm, &snapshot), TORPOR_OK);
  torpor_loop_detach(world->loop, world->vm);
  torpor_vm_close(world->vm);
  assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_NOT_FOUND);
  advance(world, 5000);
  torpor_options options = vm_options(world);
  assert_int_equal(torpor_snapshot_restore(snapshot.data, snapshot.size,
                                           &options, &world->vm),
                   TORPOR_OK);
  torpor_bytes_free(&snapshot);
  attach(world);
  for (int i = 0; i < 3; i++)
    assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
  test_console_expect(&world->console, "1000\n3000\n");
  advance(world, 95000);
  run_all(world);
  test_console_expect(&world->console, "99999\n");
}

#define VM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      VM_TEST(timers_fire_in_order),
      VM_TEST(results_are_settled_one_at_a_time),
      VM_TEST(finish_gives_the_result),
      VM_TEST(rejections_are_reported_once),
      VM_TEST(a_rejection_may_stop_the_loop),
      VM_TEST(a_rejection_may_cause_others),
      VM_TEST(a_rejection_is_told_in_one_way),
      VM_TEST(an_unknown_kind_rejects),
      VM_TEST(ten_thousand_timers_are_fast),
      VM_TEST(files_need_a_grant),
      VM_TEST(a_result_that_does_not_fit_rejects),
      VM_TEST(an_interrupt_ends_the_run_only),
      VM_TEST(other_vms_outlive_a_trap),
      VM_TEST(timers_go_on_after_a_restore),
  };
  /* Blocks are not counted: the loop has its own of malloc, which the address
   * sanitizer looks after. */
  return cmocka_run_group_tests(tests, test_vm_setup, NULL);
}
