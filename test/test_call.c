/* SPDX-License-Identifier: MIT */
/* test_call.c - calls of functions, methods and constructors by the host. */
#include <string.h>

#include "test/support/one-vm.h"
#include "vm/vm.h"

static void assert_holds(torpor_value value, const char *check) {
  torpor_value out;
  test_ok(vm, torpor_call(vm, test_eval(vm, check), torpor_undefined(), &value,
                          1, &out));
  if (!torpor_value_is_true(out)) fail_msg("not so: %s", check);
}

static void assert_thrown(torpor_status status, const char *part) {
  test_status(vm, status, TORPOR_THROWN);
  if (!strstr(torpor_last_error(vm), part))
    fail_msg("'%s' has no '%s'", torpor_last_error(vm), part);
}

static void test_methods(void **state) {
  torpor_value out, args[2] = {torpor_number(2), torpor_number(3)};
  torpor_value object =
      test_eval(vm,
                "({n: 1, sum(a, b) { return this.n + a + b }, get made() {"
                "return () => 'made' }, no: 5, '\\u00e9': () => 'e'})");
  (void)state;
  test_ok(vm, torpor_call_method(vm, object, "sum", args, 2, &out));
  assert_true(torpor_value_number(out) == 6);
  test_ok(vm, torpor_call_method(vm, object, "made", NULL, 0, &out));
  assert_holds(out, "x => x === 'made'");
  test_ok(vm, torpor_call_method(vm, object, "\xc3\xa9", NULL, 0, &out));
  test_ok(vm,
          torpor_call_method(vm, object, "hasOwnProperty",
                             (torpor_value[]){test_eval(vm, "'n'")}, 1, &out));
  assert_true(torpor_value_is_true(out));
  test_ok(vm, torpor_call_method(vm, test_eval(vm, "'text'"), "toUpperCase",
                                 NULL, 0, &out));
  assert_holds(out, "x => x === 'TEXT'");
  test_ok(vm, torpor_call_method(vm, torpor_number(255), "toString",
                                 (torpor_value[]){torpor_number(16)}, 1, &out));
  assert_holds(out, "x => x === 'ff'");
  assert_thrown(torpor_call_method(vm, object, "no", NULL, 0, &out),
                "no is not a function");
  assert_thrown(torpor_call_method(vm, object, "none", NULL, 0, &out),
                "none is not a function");
  assert_thrown(torpor_call_method(vm, torpor_null(), "x", NULL, 0, &out),
                "null");
  test_status(vm, torpor_call_method(vm, object, NULL, NULL, 0, &out),
              TORPOR_MISUSE);
  test_status(vm, torpor_call_method(vm, object, "sum", NULL, 1, &out),
              TORPOR_MISUSE);
}

/* The arguments are read before a getter of the method runs. */
static torpor_status overwrite(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_value args[64], out;
  (void)arguments, (void)user;
  for (int i = 0; i < 64; i++) args[i] = torpor_number(-1);
  test_ok(given, torpor_call_method(given, test_eval(given, "[]"), "push", args,
                                    64, &out));
  *result = test_eval(given, "((...a) => a.join())");
  return TORPOR_OK;
}

static void test_getter_of_a_method(void **state) {
  torpor_value out,
      args[3] = {torpor_number(1), torpor_number(2), torpor_number(3)};
  (void)state;
  test_ok(vm, torpor_function_add(vm, "overwrite", overwrite, NULL));
  test_ok(vm, torpor_call_method(
                  vm, test_eval(vm, "({get m() { return overwrite() }})"), "m",
                  args, 3, &out));
  assert_holds(out, "x => x === '1,2,3'");
}

static void test_constructors(void **state) {
  torpor_value out, args[2] = {torpor_number(3), torpor_number(4)};
  torpor_value class =
      test_eval(vm,
                "globalThis.C = class { constructor(a, b) { this.s = a + b;"
                "this.target = new.target } }; C");
  torpor_value other = test_eval(vm, "globalThis.D = class extends C {}; D");
  (void)state;
  test_ok(vm, torpor_construct(vm, class, torpor_undefined(), args, 2, &out));
  assert_holds(out, "o => o instanceof C && o.s === 7 && o.target === C");
  test_ok(vm, torpor_construct(vm, class, other, args, 2, &out));
  assert_holds(out, "o => o instanceof D && o.target === D");
  test_ok(vm, torpor_construct(vm, other, torpor_undefined(), args, 2, &out));
  assert_holds(out, "o => o instanceof D && o.s === 7 && o.target === D");
  test_ok(vm, torpor_construct(vm, test_eval(vm, "Map"), torpor_undefined(),
                               NULL, 0, &out));
  assert_holds(out, "m => m instanceof Map");
  test_ok(vm, torpor_construct(vm, test_eval(vm, "Date"), torpor_undefined(),
                               args, 1, &out));
  assert_holds(out, "d => d.getTime() === 3");
  test_ok(vm, torpor_construct(vm, test_eval(vm, "C.bind(null, 1)"),
                               torpor_undefined(), args, 1, &out));
  assert_holds(out, "o => o.s === 4");
  test_ok(vm, torpor_construct(vm,
                               test_eval(vm,
                                         "new Proxy(C, {construct: (t, a, "
                                         "n) => ({n, t})})"),
                               torpor_undefined(), args, 2, &out));
  assert_holds(out, "o => o.t === C && o.n !== C");
}

static void test_no_constructors(void **state) {
  static const char *const sources[] = {
      "(() => 1)",         "({m() {}}).m", "Math.max", "(async function () {})",
      "(function* () {})", "({})",         "5",        "'text'",
      "undefined",         "Symbol()"};
  torpor_value out, class = test_eval(vm, "(class {})");
  (void)state;
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
    torpor_value value = test_eval(vm, sources[i]);
    assert_thrown(torpor_construct(vm, value, class, NULL, 0, &out), "");
    if (torpor_value_type(value) != TORPOR_TYPE_UNDEFINED)
      assert_thrown(torpor_construct(vm, class, value, NULL, 0, &out), "");
  }
  assert_thrown(torpor_construct(vm,
                                 test_eval(vm,
                                           "(class { constructor() {"
                                           "throw Error('in it') } })"),
                                 torpor_undefined(), NULL, 0, &out),
                "in it");
  test_status(vm,
              torpor_construct(vm, class, torpor_undefined(), NULL, 1, &out),
              TORPOR_MISUSE);
}

static void test_many_arguments(void **state) {
  static torpor_value args[TORPOR_ABI_ARGUMENTS + 1];
  const size_t counts[] = {0, 1, 63, 64, 65, 1000, TORPOR_ABI_ARGUMENTS};
  torpor_value out,
      object = test_eval(
          vm,
          "globalThis.o = {count(...a) { return a.length + a.reduce((x, y) => x"
          " + y, 0) }, C: class { constructor(...a) { this.n = a.length } }};"
          "o");
  torpor_value class;
  (void)state;
  test_ok(vm, torpor_get(vm, object, "C", &class));
  for (size_t i = 0; i <= TORPOR_ABI_ARGUMENTS; i++) args[i] = torpor_number(1);
  for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    double count = (double)counts[i];
    test_ok(vm, torpor_call_method(vm, object, "count", args, counts[i], &out));
    assert_true(torpor_value_number(out) == 2 * count);
    test_ok(vm, torpor_construct(vm, class, torpor_undefined(), args, counts[i],
                                 &out));
    test_ok(vm, torpor_get(vm, out, "n", &out));
    assert_true(torpor_value_number(out) == count);
  }
  test_status(vm,
              torpor_call_method(vm, object, "count", args,
                                 TORPOR_ABI_ARGUMENTS + 1, &out),
              TORPOR_LIMIT);
  test_status(
      vm,
      torpor_construct(vm, class, torpor_undefined(), args, SIZE_MAX / 2, &out),
      TORPOR_LIMIT);
  assert_non_null(strstr(torpor_last_error(vm), "65535"));
  test_status(vm, torpor_call(vm, class, class, args, UINT64_C(1) << 32, &out),
              TORPOR_LIMIT);
}

/* A result that nobody wants is no handle; one that is thrown is. */
static void test_results_not_wanted(void **state) {
  torpor_value function = test_eval(vm, "(() => ({}))");
  torpor_value object = test_eval(vm, "({m() { return {} }, C: class {}})");
  torpor_value class, thrower = test_eval(vm, "(() => { throw Error('x') })");
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  (void)state;
  test_ok(vm, torpor_get(vm, object, "C", &class));
  test_ok(vm, torpor_vm_usage(vm, &before));
  for (int i = 0; i < 10; i++) {
    test_ok(vm, torpor_call(vm, function, object, &object, 1, NULL));
    test_ok(vm, torpor_call_method(vm, object, "m", &object, 1, NULL));
    test_ok(vm, torpor_construct(vm, class, torpor_undefined(), NULL, 0, NULL));
  }
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(before.handles, after.handles);
  assert_thrown(torpor_call(vm, thrower, object, NULL, 0, NULL), "Error: x");
}

/* The place of the result may be one of the arguments. */
static void test_result_in_arguments(void **state) {
  torpor_value args[2] = {torpor_number(1), torpor_number(2)};
  torpor_value math = test_eval(vm, "({add: (a, b) => a + b})"), add;
  (void)state;
  test_ok(vm, torpor_get(vm, math, "add", &add));
  test_ok(vm, torpor_call(vm, add, math, args, 2, &args[0]));
  assert_true(torpor_value_number(args[0]) == 3);
  test_ok(vm, torpor_call_method(vm, math, "add", args, 2, &args[1]));
  assert_true(torpor_value_number(args[1]) == 5);
  test_ok(vm, torpor_construct(vm, test_eval(vm, "Array"), torpor_undefined(),
                               args, 2, &args[0]));
  assert_holds(args[0], "a => a.join() === '3,5'");
  args[0] = math;
  test_status(vm, torpor_call(vm, math, math, args, 1, &args[0]),
              TORPOR_THROWN);
  assert_int_equal(torpor_value_type(args[0]), TORPOR_TYPE_UNDEFINED);
}

/* Thrown, interrupted and trapped are told apart. */
static void test_outcomes(void **state) {
  torpor_value out, loop = test_eval(vm,
                                     "(() => { try { for (;;); } catch {} "
                                     "})");
  torpor_value object = test_eval(vm, "({get m() { for (;;); }})");
  torpor_value class = test_eval(vm, "(class { constructor() { for (;;); } })");
  torpor_value grows = test_eval(
      vm, "(() => { const a = []; for (;;) a.push(new ArrayBuffer(1e6)) })");
  (void)state;
  assert_thrown(torpor_call(vm, test_eval(vm, "(() => { throw Error('x') })"),
                            loop, NULL, 0, &out),
                "x");
  torpor_vm_set_fuel(vm, 100000);
  test_status(vm, torpor_call(vm, loop, loop, NULL, 0, &out),
              TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 100000);
  test_status(vm, torpor_call_method(vm, object, "m", NULL, 0, &out),
              TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 100000);
  test_status(vm,
              torpor_construct(vm, class, torpor_undefined(), NULL, 0, &out),
              TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 0);
  torpor_vm_interrupt(vm);
  test_status(vm, torpor_call_method(vm, object, "m", NULL, 0, &out),
              TORPOR_INTERRUPTED);
  assert_thrown(torpor_call(vm, grows, loop, NULL, 0, &out), "memory");
  test_eval_is(vm, "'well'", "well");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_methods),
      TEST(test_getter_of_a_method),
      TEST(test_constructors),
      TEST(test_no_constructors),
      TEST(test_many_arguments),
      TEST(test_results_not_wanted),
      TEST(test_result_in_arguments),
      TEST(test_outcomes),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
