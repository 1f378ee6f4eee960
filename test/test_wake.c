/* SPDX-License-Identifier: MIT */
/* test_wake.c - what a program learns of its sleep: the wake event in VMs that
 * were restored, copied, and opened from a base; time; randomness.
 *
 * The clocks are the test's own. */
#include <string.h>

#include "test/support/vm.h"

typedef struct clocks {
  double wall, monotonic;
} clocks;

static double read_clock(void *user, torpor_clock which) {
  const clocks *now = user;
  return which == TORPOR_CLOCK_WALL ? now->wall : now->monotonic;
}

static void fill_random(void *user, void *data, size_t size) {
  (void)user;
  memset(data, 0x5a, size);
}

static torpor_options options_with(clocks *now) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = now;
  options.clock = read_clock;
  options.random = fill_random;
  return options;
}

static const char listener[] =
    "globalThis.seen = [];"
    "torpor.onwake = (e) => seen.push(`${e.type} ${e.slept} ${e.clone}`); 0";

static torpor_vm *open_listening(clocks *now) {
  torpor_options options = options_with(now);
  torpor_vm *vm = test_vm_open(&options);
  test_eval(vm, listener);
  return vm;
}

/* ---- The event ------------------------------------------------------------*/

static void test_restored(void **state) {
  clocks now = {1.7e12, 50}, later = {1.7e12 + 90000, 7};
  torpor_options options = options_with(&later);
  torpor_vm *vm = open_listening(&now);
  torpor_bytes bytes = test_save(vm);
  (void)state;
  torpor_vm_close(vm);
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 90000 false");
  later.wall += 1000;
  test_eval_is(vm, "seen", "wake 90000 false");
  bytes = test_save(vm);
  torpor_vm_close(vm);
  later.wall += 5;
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 90000 false,wake 5 false");
  torpor_vm_close(vm);
}

static void test_wall_clock_set_back(void **state) {
  clocks now = {1.7e12, 50}, earlier = {1.6e12, 1};
  torpor_options options = options_with(&earlier);
  torpor_vm *vm = open_listening(&now);
  torpor_bytes bytes = test_save(vm);
  (void)state;
  torpor_vm_close(vm);
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 0 false");
  torpor_vm_close(vm);
}

static void test_forked(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = open_listening(&now), *copy, *copy_of_copy;
  (void)state;
  now.wall += 12;
  test_ok(vm, torpor_vm_fork(vm, &options, &copy));
  test_run_jobs(copy);
  test_eval_is(copy, "seen", "wake 12 true");
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "");
  test_ok(copy, torpor_vm_fork(copy, &options, &copy_of_copy));
  torpor_vm_close(copy);
  torpor_vm_close(vm);
  test_run_jobs(copy_of_copy);
  test_eval_is(copy_of_copy, "seen", "wake 12 true,wake 0 true");
  torpor_vm_close(copy_of_copy);
}

static void test_from_base(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = open_listening(&now);
  torpor_bytes bytes = test_save(vm);
  torpor_slice chain = {bytes.data, bytes.size};
  torpor_base *base;
  (void)state;
  torpor_vm_close(vm);
  test_ok(NULL, torpor_base_open(&chain, 1, NULL, &base));
  now.wall += 3;
  test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 3 false");
  torpor_vm_close(vm);
  options.wake = TORPOR_WAKE_CLONE;
  test_ok(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 3 true");
  torpor_vm_close(vm);
  torpor_base_close(base);
  torpor_bytes_free(&bytes);
}

/* Before what came, and before the jobs that were waiting. */
static void test_comes_first(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = open_listening(&now);
  torpor_value promise, global;
  torpor_bytes bytes;
  uint64_t id;
  (void)state;
  test_ok(vm,
          torpor_operation_begin(vm, "demo", torpor_null(), 0, &id, &promise));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "result", promise));
  test_eval(vm,
            "result.then(() => seen.push('result'));"
            "Promise.resolve().then(() => seen.push('job')); 0");
  bytes = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  test_ok(vm,
          torpor_operation_settle(vm, id, TORPOR_RESOLVE, torpor_number(1)));
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 0 false,job,result");
  torpor_vm_close(vm);
}

/* Callbacks, getters of 'then' and of what an error is made of: all that may be
 * called when something is settled. */
static const char listening_everywhere[] =
    "globalThis.seen = [];"
    "const say = (what) => seen.push(what);"
    "torpor.onwake = (e) => say(`wake ${e.clone}`);"
    "const trap = (object, key) => Object.defineProperty(object, key,"
    "  { configurable: true, get() { say('get ' + key); } });"
    "globalThis.thenable = { get then() { say('then'); } };"
    "globalThis.thrower = { then() { say('called'); } };"
    "trap(Object.prototype, 'then');"
    "trap(Object.prototype, 'name'); trap(Object.prototype, 'code');"
    "Error.prepareStackTrace = () => say('prepared');"
    "Error.stackTraceLimit = { valueOf() { say('limit'); return 5; } };"
    "setTimeout(() => say('timeout'), 1);"
    "const interval = setInterval(() => say('interval'), 1);"
    "AbortSignal.timeout(1).onabort = () => say('abort');"
    "0";

enum { SETTLED = 7 };

/* Settles the operation that was begun as number 'which'. */
static void settle_one(torpor_vm *vm, int which) {
  static const uint8_t error[] =
      "\xa2\x64name\x65"
      "Error\x67message\x61x";
  uint64_t id = (uint64_t)which + 1;
  torpor_value value = torpor_undefined(), global;
  torpor_status status;
  if (which == 3 || which == 4) {
    test_ok(vm, torpor_global(vm, &global));
    test_ok(vm, torpor_get(vm, global, which == 3 ? "thenable" : "thrower",
                           &value));
  }
  if (which < 5)
    status = torpor_operation_settle(vm, id, TORPOR_RESOLVE, value);
  else if (which == 5)
    status = torpor_operation_settle_cbor(vm, id, TORPOR_RESOLVE, "\xa0", 1);
  else
    status = torpor_operation_settle_cbor(vm, id, TORPOR_REJECT, error,
                                          sizeof(error) - 1);
  test_ok(vm, status);
}

static torpor_vm *open_listening_everywhere(clocks *now) {
  torpor_options options = options_with(now);
  torpor_vm *vm = test_vm_open(&options);
  torpor_value promise, global;
  uint64_t id;
  test_eval(vm, listening_everywhere);
  test_ok(vm, torpor_global(vm, &global));
  for (int i = 3; i < SETTLED; i++) {
    char name[] = {'p', (char)('0' + i), 0};
    test_ok(vm, torpor_operation_begin(vm, "demo", torpor_null(), 0, &id,
                                       &promise));
    assert_int_equal(id, i + 1);
    test_ok(vm, torpor_set(vm, global, name, promise));
  }
  test_eval(vm,
            "p3.then(() => say('p3')); p5.then(() => say('p5'));"
            "p6.catch(() => say('p6')); seen.length = 0; 0");
  test_run_jobs(vm);
  return vm;
}

/* A VM that wakes as 'how' says: restored, copied before or after what is
 * settled. */
static torpor_vm *wake_and_settle(torpor_vm *vm, const torpor_options *options,
                                  int how, int first, int step) {
  torpor_vm *woken;
  torpor_bytes bytes;
  if (how == 0) {
    bytes = test_save(vm);
    woken = test_restore(&bytes, options);
    torpor_bytes_free(&bytes);
  } else {
    test_ok(vm, torpor_vm_fork(vm, options, &woken));
  }
  for (int i = 0; i < SETTLED; i++)
    settle_one(woken, (first + i * step) % SETTLED);
  if (how < 2) return woken;
  torpor_vm *settled = woken;
  test_ok(settled, torpor_vm_fork(settled, options, &woken));
  torpor_vm_close(settled);
  return woken;
}

/* In every way to wake, with results in many orders: settling runs nothing,
 * and the event comes before whatever that brings about. */
static void test_comes_before_results(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = open_listening_everywhere(&now), *woken;
  (void)state;
  now.wall += 1000;
  for (int round = 0; round < 3 * SETTLED * (SETTLED - 1); round++) {
    int how = round % 3, first = round / 3 % SETTLED;
    woken = wake_and_settle(vm, &options, how, first, 1 + round / 3 / SETTLED);
    test_eval_is(woken, "seen.length", "0");
    test_run_jobs(woken);
    test_eval_is(woken,
                 "seen.filter((s, i) => s.startsWith('wake') !="
                 "  (i < 1))",
                 how < 2 ? "" : "wake true");
    test_eval_is(woken, "seen[0]", how == 0 ? "wake false" : "wake true");
    test_eval_is(woken,
                 "['timeout', 'interval', 'abort', 'then', 'called', 'p5',"
                 " 'p6'].filter((what) => !seen.includes(what))",
                 "");
    torpor_vm_close(woken);
  }
  torpor_vm_close(vm);
}

/* What a listener clears or aborts is not seen, though it was settled; what a
 * host gave for a wait is not lost by aborting it then. */
static void test_clears_what_is_due(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = test_vm_open(&options);
  torpor_bytes bytes;
  (void)state;
  static const char source[] =
      "import { signal } from 'torpor:run';"
      "globalThis.seen = [];"
      "const timeout = setTimeout(() => seen.push('timeout'), 1);"
      "const interval = setInterval(() => seen.push('interval'), 1);"
      "const controller = new AbortController();"
      "signal('a', controller).then((v) => seen.push(v));"
      "signal('b', controller).catch((e) => seen.push(e.name));"
      "torpor.onwake = () => { seen.push('wake'); clearTimeout(timeout);"
      "  clearInterval(interval); controller.abort(); };";
  test_eval_module(vm, source);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  for (uint64_t id = 1; id <= 3; id++)
    test_ok(vm,
            torpor_operation_settle(vm, id, TORPOR_RESOLVE, torpor_number(7)));
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake,AbortError,7");
  assert_int_equal(torpor_operation_count(vm), 0);
  torpor_vm_close(vm);
}

/* Several that wait are told in the order of the sleeps. */
static void test_several(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = open_listening(&now), *copy;
  torpor_value value;
  (void)state;
  test_eval(vm, "Promise.resolve().then(() => seen.push('job')); 0");
  for (int i = 1; i <= 3; i++) {
    now.wall += i;
    test_ok(vm, torpor_vm_fork(vm, &options, &copy));
    test_ok(copy, torpor_global(copy, &value)); /* it wakes */
    torpor_vm_close(vm);
    vm = copy;
  }
  test_run_jobs(vm);
  test_eval_is(vm, "seen", "wake 1 true,wake 3 true,wake 6 true,job");
  torpor_vm_close(vm);
}

/* Before a program hands over. */
static void test_comes_before_export(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = test_vm_open(&options);
  torpor_value value;
  torpor_bytes bytes;
  (void)state;
  static const char source[] =
      "import { exportState } from 'torpor:run';"
      "globalThis.seen = [];"
      "torpor.onwake = () => seen.push('wake');"
      "exportState(() => { seen.push('export'); return 1; });";
  test_eval_module(vm, source);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  test_ok(vm, torpor_state_hand_over(vm, &value));
  test_eval_is(vm, "seen", "wake,export");
  torpor_vm_close(vm);
}

static void test_listeners(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = test_vm_open(&options);
  torpor_value reason;
  torpor_bytes bytes;
  (void)state;
  test_eval(vm,
            "globalThis.seen = [];"
            "const add = (name, options) => torpor.addEventListener('wake',"
            "  () => { seen.push(name); if (name === 'b') throw 'oops' },"
            "  options);"
            "add('a'); add('b', { once: true }); add('c'); 0");
  for (int i = 0; i < 2; i++) {
    bytes = test_save(vm);
    torpor_vm_close(vm);
    vm = test_restore(&bytes, &options);
    torpor_bytes_free(&bytes);
    test_run_jobs(vm);
    test_status(vm, torpor_rejection_take(vm, &reason),
                i == 0 ? TORPOR_OK : TORPOR_NOT_FOUND);
  }
  test_eval_is(vm, "seen", "a,b,c,a,c");
  torpor_vm_close(vm);
}

/* A save, a restore, and what it then saves once it was entered. */
static void assert_sleep_changes_nothing(const char *source) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = test_vm_open(&options);
  torpor_bytes before, after;
  test_eval(vm, source);
  test_run_jobs(vm);
  before = test_save(vm);
  torpor_vm_close(vm);
  now.wall += 1e6;
  now.monotonic = 3;
  vm = test_restore(&before, &options);
  test_run_jobs(vm);
  after = test_save(vm);
  torpor_vm_close(vm);
  assert_int_equal(before.size, after.size);
  assert_memory_equal(before.data, after.data, before.size);
  torpor_bytes_free(&before);
  torpor_bytes_free(&after);
}

static void test_nobody_listens(void **state) {
  (void)state;
  assert_sleep_changes_nothing("0");
  assert_sleep_changes_nothing("globalThis.a = [1, 2, 3]; 0");
  /* Not any more: */
  assert_sleep_changes_nothing(
      "const f = () => {}; torpor.addEventListener('wake', f);"
      "torpor.removeEventListener('wake', f); torpor.onwake = f;"
      "torpor.onwake = null; 0");
  /* For something else: */
  assert_sleep_changes_nothing("torpor.addEventListener('sleep', () => {}); 0");
}

/* ---- Time and randomness --------------------------------------------------*/

/* Whatever the clocks of the next host say. */
static void test_monotonic(void **state) {
  static const clocks next[] = {
      {1.7e12 + 60000, 5}, {1.6e12, 1e9}, {1.7e12 + 1, 0}, {0, 0}, {9e15, 1}};
  clocks now = {1.7e12, 1000};
  torpor_options options = options_with(&now);
  torpor_vm *vm = test_vm_open(&options), *copy;
  double last = 0;
  (void)state;
  now.monotonic += 25;
  now.wall += 25;
  for (size_t i = 0; i < sizeof(next) / sizeof(*next); i++) {
    torpor_bytes bytes;
    double seen = test_eval_number(vm, "performance.now()");
    assert_true(seen >= last);
    if (i == 1) assert_true(seen >= 60000);
    last = seen;
    now.monotonic += 10;
    seen = test_eval_number(vm, "performance.now()");
    assert_true(seen >= last + 9.9);
    last = seen;
    test_ok(vm, torpor_vm_fork(vm, &options, &copy));
    assert_true(test_eval_number(copy, "performance.now()") >= last);
    torpor_vm_close(copy);
    bytes = test_save(vm);
    torpor_vm_close(vm);
    now = next[i];
    vm = test_restore(&bytes, &options);
    torpor_bytes_free(&bytes);
  }
  assert_true(test_eval_number(vm, "performance.now()") >= last);
  torpor_vm_close(vm);
}

static void test_randomness(void **state) {
  clocks now = {1.7e12, 50};
  torpor_options options = options_with(&now);
  torpor_vm *vm = test_vm_open(&options), *same, *other;
  double drawn;
  (void)state;
  test_ok(vm, torpor_vm_fork(vm, &options, &same));
  options.wake = TORPOR_WAKE_RESEED;
  test_ok(vm, torpor_vm_fork(vm, &options, &other));
  drawn = test_eval_number(vm, "Math.random()");
  assert_true(drawn == test_eval_number(same, "Math.random()"));
  assert_true(drawn != test_eval_number(other, "Math.random()"));
  test_ok(same, torpor_vm_reseed(same));
  test_ok(vm, torpor_vm_reseed(vm));
  drawn = test_eval_number(vm, "Math.random()");
  assert_true(drawn >= 0 && drawn < 1);
  assert_true(drawn == test_eval_number(same, "Math.random()"));
  torpor_vm_close(vm);
  torpor_vm_close(same);
  torpor_vm_close(other);
}

/* ---- Handing over ---------------------------------------------------------*/

static torpor_status give_upgrade(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const char *source = user;
  (void)arguments;
  if (source == NULL) return TORPOR_OK;
  return torpor_eval(vm, source, strlen(source), "upgrade.js", TORPOR_SCRIPT,
                     result);
}

static void test_export_state(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value value;
  torpor_bytes json;
  (void)state;
  test_status(vm, torpor_state_hand_over(vm, &value), TORPOR_NOT_FOUND);
  test_eval_module(
      vm,
      "import { exportState } from 'torpor:run';"
      "let n = 1;"
      "exportState(() => { throw new Error('no') });"
      "globalThis.again = () => exportState(() => ({ n: n++ }));"
      "try { exportState(1) } catch (e) { globalThis.e = e.name }");
  test_eval_is(vm, "e", "TypeError");
  test_status(vm, torpor_state_hand_over(vm, &value), TORPOR_THROWN);
  test_eval(vm, "again(); 0");
  json = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&json, NULL);
  torpor_bytes_free(&json);
  for (int n = 1; n < 3; n++) {
    torpor_value got;
    test_ok(vm, torpor_state_hand_over(vm, &value));
    test_ok(vm, torpor_get(vm, value, "n", &got));
    assert_true(torpor_value_number(got) == n);
  }
  torpor_vm_close(vm);
}

static void test_on_upgrade(void **state) {
  static const char program[] =
      "import { onUpgrade } from 'torpor:run';"
      "globalThis.got = onUpgrade((state, from) => state.n + from.step);";
  static char upgrade[] = "[{ n: 40 }, { engine: 'e', program: 'p', step: 2 }]";
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_ok(vm, torpor_function_bind(vm, "torpor:run.upgrade", give_upgrade, NULL,
                                   NULL));
  test_eval_module(vm, program);
  test_eval_is(vm, "got", "undefined");
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  test_ok(vm, torpor_function_bind(vm, "torpor:run.upgrade", give_upgrade,
                                   upgrade, NULL));
  test_eval_module(vm, program);
  test_eval_is(vm, "got", "42");
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_restored),
      cmocka_unit_test(test_wall_clock_set_back),
      cmocka_unit_test(test_forked),
      cmocka_unit_test(test_from_base),
      cmocka_unit_test(test_comes_first),
      cmocka_unit_test(test_comes_before_results),
      cmocka_unit_test(test_clears_what_is_due),
      cmocka_unit_test(test_several),
      cmocka_unit_test(test_comes_before_export),
      cmocka_unit_test(test_listeners),
      cmocka_unit_test(test_nobody_listens),
      cmocka_unit_test(test_monotonic),
      cmocka_unit_test(test_randomness),
      cmocka_unit_test(test_export_state),
      cmocka_unit_test(test_on_upgrade),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
