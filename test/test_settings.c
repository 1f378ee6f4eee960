/* SPDX-License-Identifier: MIT */
/* test_settings.c - what a VM sees of the world: each option works, is given
 * anew when the VM is restored or forked, and can be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"
#include "vm/engines/engine.h"
#include "vm/memory/image.h"
#include "vm/vm.h"

/* What the callbacks below were told. */
typedef struct told {
  char text[4096];
  torpor_vm *vm;
} told;

static void tell(told *told, const char *text) {
  strncat(told->text, text, sizeof(told->text) - strlen(told->text) - 1);
}

static void assert_told(told *told, const char *expected) {
  assert_string_equal(told->text, expected);
  told->text[0] = 0;
}

static torpor_options options_for(told *told) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = told;
  return options;
}

/* A copy of 'vm' that slept, with 'options'; 'vm' is closed. */
static torpor_vm *sleep_and_wake(torpor_vm *vm, const torpor_options *options) {
  torpor_bytes bytes = test_save(vm);
  torpor_vm *woken = test_restore(&bytes, options);
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
  return woken;
}

/* ---- Leaving out ----------------------------------------------------------*/

static torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  static const char text[] = "export default 6 * 7";
  (void)user, (void)request;
  answer->text.size = strlen(text);
  answer->text.data = malloc(answer->text.size);
  if (!answer->text.data) return TORPOR_NOMEM;
  memcpy(answer->text.data, text, answer->text.size);
  return TORPOR_OK;
}

static const char left_out[] =
    "const fails = f => { try { f(); return 'works' } "
    "catch (e) { return e.name } };"
    "[typeof eval, typeof Date, typeof Math.random, typeof Math.max,"
    " fails(() => Function('1')), fails(() => (() => 1).constructor('1')),"
    " fails(() => (async () => 1).constructor('1'))].join()";

static void test_omit(void **state) {
  static const char expected[] =
      "undefined,undefined,undefined,function,"
      "TypeError,TypeError,TypeError";
  torpor_options options = TORPOR_OPTIONS_INIT, other = TORPOR_OPTIONS_INIT;
  torpor_vm *vm, *copy;
  (void)state;
  options.omit = " eval  Date Math.random none Math.none.more 1.2 . ";
  options.module = give_module;
  vm = test_vm_open(&options);
  test_eval_is(vm, left_out, expected);
  test_eval_module(vm,
                   "import n from 'six'; globalThis.n = n;"
                   "import('seven').then(m => globalThis.m = m.default)");
  test_eval_is(vm, "n + m", "84"); /* the host's code, and its modules, run */
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  test_eval_is(copy, "typeof eval + typeof Date", "undefinedundefined");
  torpor_vm_close(copy);
  vm = sleep_and_wake(vm, NULL);
  test_eval_is(vm, "typeof eval + typeof RegExp", "undefinedfunction");
  test_eval_is(vm, "fails(() => Function('1'))", "TypeError");
  other.omit = "RegExp";
  vm = sleep_and_wake(vm, &other);
  test_eval_is(vm, "typeof eval + typeof RegExp", "undefinedundefined");
  torpor_vm_close(vm);
  vm = test_vm_open(NULL); /* whose memory it may have been */
  test_eval_is(vm, "typeof eval + typeof Date + eval('1')",
               "functionfunction1");
  torpor_vm_close(vm);
}

/* What the program put in the place of what was left out is its own: a host
 * that says the same options again when it wakes the VM leaves it there. */
static void test_omit_once(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm, *copy;
  (void)state;
  options.omit = "Date Math.random";
  vm = test_vm_open(&options);
  test_eval(vm, "globalThis.Date = () => 1; Math.random = () => 2; 0");
  vm = sleep_and_wake(vm, &options);
  test_eval_is(vm, "Date() + Math.random()", "3");
  options.omit = "Math.random Dat Math.max random Date";
  vm = sleep_and_wake(vm, &options);
  test_eval_is(vm, "Date() + Math.random() + typeof Math.max", "3undefined");
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  test_eval_is(copy, "Date() + Math.random() + typeof Math.max", "3undefined");
  torpor_vm_close(copy);
  torpor_vm_close(vm);
}

/* Leaving out runs no code of the program. */
static void test_omit_runs_nothing(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_eval(vm,
            "globalThis.ran = 0; const h = {get: () => ran++,"
            "deleteProperty: () => ran++,"
            "getOwnPropertyDescriptor: () => { ran++ }};"
            "globalThis.p = new Proxy({}, h);"
            "Object.defineProperty(globalThis, 'g', {configurable: true,"
            "get() { ran++; return {x: 1} }}); globalThis.o = {p}; 0");
  options.omit = "p.x p.x.y o.p.x g.x g";
  vm = sleep_and_wake(vm, &options);
  test_eval_is(vm, "ran + typeof p + typeof g", "0objectundefined");
  torpor_vm_close(vm);
}

/* ---- Time zone ------------------------------------------------------------*/

static void test_zone(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.zone_is = TORPOR_ZONE_FIXED;
  options.zone_minutes = 90;
  vm = test_vm_open(&options);
  test_eval_is(vm, "new Date(0).getTimezoneOffset()", "-90");
  options.zone_minutes = -600;
  vm = sleep_and_wake(vm, &options);
  test_eval_is(vm, "new Date(0).getTimezoneOffset()", "600");
  torpor_vm_close(vm);
}

/* ---- Console --------------------------------------------------------------*/

static void write_stream(void *user, int stream, const char *data,
                         size_t size) {
  char text[256];
  snprintf(text, sizeof(text), "%d:%.*s|", stream, (int)size, data);
  tell(user, text);
}

static void write_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  char line[256];
  snprintf(line, sizeof(line), "%d:%.*s|", level, (int)size, text);
  tell(user, line);
}

static void test_write(void **state) {
  told told = {.text = ""};
  torpor_options options = options_for(&told);
  torpor_vm *vm;
  (void)state;
  options.write = write_stream;
  vm = test_vm_open(&options);
  test_eval(vm, "console.log('a', 1); console.warn('b'); 0");
  assert_told(&told, "1:a 1|1:\n|2:b|2:\n|");
  options.console = write_console; /* which goes before */
  vm = sleep_and_wake(vm, &options);
  test_eval(vm, "console.log('a', 1); console.error('b'); 0");
  assert_told(&told, "1:a 1|4:b|");
  torpor_vm_close(vm);
}

/* Writes what each value is; of objects, their property x. */
static void take_values(void *user, torpor_vm *vm, torpor_level level,
                        const torpor_value *values, size_t count) {
  char text[64];
  snprintf(text, sizeof(text), "%d(", level);
  tell(user, text);
  for (size_t i = 0; i < count; i++) {
    torpor_value x = values[i];
    torpor_bytes bytes;
    if (torpor_value_type(x) == TORPOR_TYPE_OBJECT)
      test_ok(vm, torpor_get(vm, x, "x", &x));
    test_ok(vm, torpor_string_read(vm, x, &bytes));
    tell(user, (const char *)bytes.data);
    tell(user, ";");
    torpor_bytes_free(&bytes);
  }
  tell(user, ")");
}

static void test_console_values(void **state) {
  static const char program[] =
      "globalThis.say = () => { console.log({x: 7}, 'text', 1n);"
      "console.error(); console.count('c');"
      "console.log('%d', 5); return 'well' }; say()";
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  told told = {.text = ""};
  torpor_options options = options_for(&told), texts = options;
  torpor_vm *vm;
  (void)state;
  options.console_values = take_values;
  options.console = write_console;
  texts.console = write_console;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_vm_usage(vm, &before));
  test_eval(vm, program);
  assert_told(&told, "1(7;text;1;)4()1:c: 1|1(%d;5;)");
  test_eval(vm, "say(); 0");
  assert_told(&told, "1(7;text;1;)4()1:c: 2|1(%d;5;)");
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(after.handles, before.handles + 1); /* 'well' */
  vm = sleep_and_wake(vm, &texts);
  test_eval(vm, "say(); 0");
  assert_told(&told, "1:{ x: 7 } text 1n|4:|1:c: 3|1:5|");
  vm = sleep_and_wake(vm, &options);
  test_eval(vm, "say(); 0");
  assert_told(&told, "1(7;text;1;)4()1:c: 4|1(%d;5;)");
  torpor_vm_close(vm);
}

static void interrupt_it(void *user, torpor_vm *vm, torpor_level level,
                         const torpor_value *values, size_t count) {
  (void)user, (void)level, (void)values, (void)count;
  torpor_vm_interrupt(vm);
}

/* A console can stop the program, as a host function can. */
static void test_console_stops(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.console_values = interrupt_it;
  vm = test_vm_open(&options);
  test_status(vm, test_eval_status(vm, "for (;;) console.log(1)"),
              TORPOR_INTERRUPTED);
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
}

/* ---- Stack, collector -----------------------------------------------------*/

static double depth(torpor_vm *vm) {
  return test_eval_number(vm,
                          "let n = 0; (function () {"
                          "  function f() { n++; f() }"
                          "  try { f() } catch (e) {"
                          "    if (!(e instanceof RangeError)) throw e }"
                          "})(); n");
}

static void test_stack(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  double all = depth(vm), some;
  (void)state;
  torpor_vm_close(vm);
  options.stack = 64 << 10;
  vm = test_vm_open(&options);
  some = depth(vm);
  assert_true(some > 20 && some < all / 3);
  options.stack = 16384;
  test_eval(vm, "n = undefined; 0");
  vm = sleep_and_wake(vm, &options);
  test_eval_is(vm, "JSON.stringify([{a: /b/.test('b')}])", "[{\"a\":true}]");
  torpor_vm_close(vm);
}

static void test_collect(void **state) {
  static const char litter[] =
      "for (let i = 0; i < 20000; i++) { let a = {}; a.a = a } 0";
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_heap heap = TORPOR_HEAP_INIT;
  uint64_t early;
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_eval(vm, litter);
  test_ok(vm, torpor_vm_heap(vm, &heap));
  early = heap.used;
  options.collect = 16 << 20;
  vm = sleep_and_wake(vm, &options);
  test_eval(vm, litter);
  test_ok(vm, torpor_vm_heap(vm, &heap));
  assert_int_equal(heap.collect, 16 << 20);
  assert_true(heap.used > early + 1000000); /* the litter is there */
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_heap(vm, &heap));
  assert_true(heap.used < early);
  torpor_vm_close(vm);
}

static uint64_t collect_at(torpor_vm *vm) {
  torpor_heap heap = TORPOR_HEAP_INIT;
  test_ok(vm, torpor_vm_heap(vm, &heap));
  return heap.collect;
}

/* At any time, up and down; a host that comes later begins anew. */
static void test_set_collect(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  const torpor__engine *engine = vm->engine;
  torpor__engine older = *engine;
  uint64_t usual = collect_at(vm);
  (void)state;
  test_ok(vm, torpor_vm_set_collect(vm, 16 << 20));
  assert_int_equal(collect_at(vm), 16 << 20);
  test_ok(vm, torpor_vm_options(vm, &options));
  assert_int_equal(options.collect, 16 << 20);
  test_eval(vm, "let kept = new Array(100).fill(0).map(() => [])");
  test_ok(vm, torpor_vm_set_collect(vm, 1 << 20));
  assert_int_equal(collect_at(vm), 1 << 20);
  test_eval(vm, "for (let i = 0; i < 20000; i++) { let a = {}; a.a = a } 0");
  assert_true(collect_at(vm) >= 1 << 20 && collect_at(vm) < 2 << 20);
  test_ok(vm, torpor_vm_set_collect(vm, UINT64_MAX));
  assert_int_equal(collect_at(vm), UINT32_MAX);
  test_ok(vm, torpor_vm_set_collect(vm, 0));
  assert_true(collect_at(vm) < 4 * usual);
  test_ok(vm, torpor_vm_set_collect(vm, UINT64_MAX));
  vm = sleep_and_wake(vm, NULL);
  test_eval(vm, "0");
  assert_true(collect_at(vm) < 4 * usual);
  older.exports.torpor_collector = NULL;
  vm->engine = vm->image->engine = &older;
  test_status(vm, torpor_vm_set_collect(vm, 1), TORPOR_UNSUPPORTED);
  test_says(vm, "older");
  vm->engine = vm->image->engine = engine;
  torpor_vm_close(vm);
}

static void test_heap(void **state) {
  torpor_heap before = TORPOR_HEAP_INIT, after = TORPOR_HEAP_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_ok(vm, torpor_vm_heap(vm, &before));
  test_eval(vm,
            "globalThis.kept = [new Uint8Array(1 << 20), [],"
            " 'x'.repeat(1 << 18)];"
            "for (let i = 0; i < 1000; i++) kept[1].push({[`p${i}`]: i});"
            "0");
  test_ok(vm, torpor_vm_heap(vm, &after));
  assert_true(after.buffer_bytes >= before.buffer_bytes + (1 << 20));
  assert_true(after.objects >= before.objects + 1000);
  assert_true(after.names >= before.names + 1000);
  assert_true(after.used >= before.used + (1 << 20) + (1 << 18));
  assert_true(after.functions >= before.functions);
  torpor_vm_close(vm);
}

/* ---- Reading, refusing ----------------------------------------------------*/

static void test_readable(void **state) {
  told told = {.text = ""};
  torpor_options options = options_for(&told), read = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  char names[] = "eval";
  (void)state;
  options.omit = names;
  options.fuel = 1000000;
  options.deadline_ms = 5000;
  options.memory_max = 64 << 20;
  options.zone_is = TORPOR_ZONE_FIXED;
  options.console = write_console;
  options.memory = TORPOR_MEMORY_POOLED;
  vm = test_vm_open(&options);
  names[0] = 'X'; /* the VM has its own */
  torpor_vm_set_deadline(vm, 6000);
  test_ok(vm, torpor_vm_options(vm, &read));
  assert_int_equal(read.size, sizeof(read));
  assert_string_equal(read.omit, "eval");
  assert_string_equal(read.engine, torpor_engine_id());
  assert_int_equal(read.deadline_ms, 6000);
  assert_int_equal(read.memory_max, 64 << 20);
  assert_int_equal(read.zone_is, TORPOR_ZONE_FIXED);
  assert_int_equal(read.memory, TORPOR_MEMORY_POOLED);
  assert_ptr_equal(read.user, &told);
  assert_true(read.console == write_console && !read.write);
  assert_true(read.fuel <= 1000000 && read.fuel > 900000);
  vm = sleep_and_wake(vm, NULL);
  test_ok(vm, torpor_vm_options(vm, &read));
  assert_true(!read.console && !read.omit && !read.user);
  assert_int_equal(read.memory_max, TORPOR_MEMORY_DEFAULT);
  torpor_vm_close(vm);
}

/* A copy made without options has those that are no callbacks. */
static void test_copied(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT, read = TORPOR_OPTIONS_INIT;
  torpor_vm *vm, *copy;
  (void)state;
  options.omit = "Math.random";
  options.stack = 20000;
  options.collect = 1 << 20;
  options.deadline_ms = 5000;
  options.memory_max = 64 << 20;
  options.zone_is = TORPOR_ZONE_FIXED;
  options.zone_minutes = 90;
  options.console = write_console;
  options.user = &options;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  torpor_vm_close(vm);
  test_ok(copy, torpor_vm_options(copy, &read));
  assert_string_equal(read.omit, "Math.random");
  assert_int_equal(read.stack, 20000);
  assert_int_equal(read.collect, 1 << 20);
  assert_int_equal(read.deadline_ms, 5000);
  assert_int_equal(read.memory_max, 64 << 20);
  assert_true(!read.console && !read.user);
  test_eval_is(
      copy,
      "let deep = 0; const f = () => { deep++; f() };"
      "try { f() } catch { } `${deep < 300},${new Date(0).getHours()}`",
      "true,1");
  torpor_vm_close(copy);
}

static void test_bad_options(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  char *names = malloc(5000);
  (void)state;
  assert_non_null(names);
  memset(names, 'x', 4999);
  names[4999] = 0;
  options.omit = names;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_LIMIT);
  free(names);
  options.omit = NULL;
  options.stack = 100;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_MISUSE);
  options.stack = 0;
  options.zone_minutes = 5000;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_MISUSE);
  options.zone_minutes = 0;
  options.zone_is = (torpor_zone)7;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_MISUSE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_omit),
      cmocka_unit_test(test_omit_once),
      cmocka_unit_test(test_omit_runs_nothing),
      cmocka_unit_test(test_zone),
      cmocka_unit_test(test_write),
      cmocka_unit_test(test_set_collect),
      cmocka_unit_test(test_console_values),
      cmocka_unit_test(test_console_stops),
      cmocka_unit_test(test_stack),
      cmocka_unit_test(test_collect),
      cmocka_unit_test(test_heap),
      cmocka_unit_test(test_readable),
      cmocka_unit_test(test_copied),
      cmocka_unit_test(test_bad_options),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
