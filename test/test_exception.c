/* SPDX-License-Identifier: MIT */
/* test_exception.c - what was thrown is there when a call has said so, whatever
 * else the library or the program did for that call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/one-vm.h"

static torpor_status run(const char *source) {
  return torpor_eval(vm, source, SIZE_MAX, "test.js", TORPOR_SCRIPT, NULL);
}

/* Asserts that 'status' is THROWN, and that what was thrown can be read. */
static void assert_thrown(torpor_status status, const char *name,
                          const char *message) {
  torpor_error error = TORPOR_ERROR_INIT;
  test_status(vm, status, TORPOR_THROWN);
  test_ok(vm, torpor_error_read(vm, torpor_exception(vm), &error));
  assert_string_equal(error.name, name);
  if (message) assert_string_equal(error.message, message);
  torpor_error_free(&error);
}

static torpor_status nothing(torpor_vm *given,
                             const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  (void)given, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

/* ---- Functions of the library that work in several steps ------------------*/

static const char fixed[] =
    "Object.defineProperty(globalThis, 'fixed', {value: 1})";

static void test_functions(void **state) {
  const torpor_function_entry table[] = {{"fixed", nothing, 0, 0}};
  torpor_value trapped;
  (void)state;
  test_ok(vm, run(fixed));
  assert_thrown(torpor_function_add(vm, "fixed", nothing, NULL), "TypeError",
                NULL);
  trapped = test_eval(vm,
                      "new Proxy({}, {defineProperty() { throw new "
                      "RangeError('no') }})");
  assert_thrown(torpor_function_add_all(vm, trapped, table, 1, NULL),
                "RangeError", "no");
}

static torpor_status throw_late(torpor_vm *of, torpor_value value,
                                const torpor_instance *instance, void *user) {
  (void)value, (void)user;
  if (instance->id != 2) return TORPOR_OK;
  return torpor_throw(of, "RangeError", "object %d", (int)instance->id);
}

static void test_classes(void **state) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_instance instance = {0};
  torpor_value held[3];
  (void)state;
  def.name = "fixed";
  test_ok(vm, run(fixed));
  assert_thrown(torpor_class_add(vm, &def), "TypeError", NULL);
  def.name = "Good";
  test_ok(vm, torpor_class_add(vm, &def));
  for (instance.id = 1; instance.id < 4; instance.id++)
    test_ok(vm,
            torpor_instance_new(vm, "Good", &instance, &held[instance.id - 1]));
  assert_thrown(torpor_instance_each(vm, "Good", throw_late, NULL),
                "RangeError", "object 2");
}

/* ---- In host functions ----------------------------------------------------*/

/* Throws, lets the program call what is not bound, and looks at the first. */
static torpor_status look_back(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_value first;
  (void)arguments, (void)result, (void)user;
  assert_thrown(run("throw new RangeError('first')"), "RangeError", "first");
  first = torpor_exception(given);
  test_ok(given, run("let said; try { missing() } catch (e) { said = e.message "
                     "}; if (!said.includes('not bound')) throw said"));
  assert_true(torpor_exception(given).bits == first.bits);
  assert_thrown(TORPOR_THROWN, "RangeError", "first");
  return TORPOR_THROWN;
}

static void test_function_that_is_not_bound(void **state) {
  torpor_value missing, global;
  (void)state;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_function_new(vm, "missing", 0, &missing));
  test_ok(vm, torpor_set(vm, global, "missing", missing));
  test_ok(vm, torpor_function_add(vm, "lookBack", look_back, NULL));
  assert_thrown(run("lookBack()"), "RangeError", "first");
}

/* ---- Reading errors -------------------------------------------------------*/

static void test_reading_is_stopped(void **state) {
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_value value =
      test_eval(vm,
                "Object.defineProperty(new Error, 'message', {get() { for "
                "(;;); }})");
  (void)state;
  torpor_vm_set_deadline(vm, 20);
  test_status(vm, torpor_error_read(vm, value, &error), TORPOR_INTERRUPTED);
  assert_non_null(strstr(torpor_last_error(vm), "deadline"));
  assert_null(error.name);
  torpor_vm_set_deadline(vm, 0);
  test_ok(vm, run("1"));
}

/* Values of an error: 'source' has them in cause, code and errors, as numbers,
 * where they are not -1. */
static void assert_parts(const char *source, double cause, double code,
                         double errors) {
  torpor_error error = TORPOR_ERROR_INIT;
  const double expected[] = {cause, code, errors};
  torpor_value value = test_eval(vm, source), parts[3];
  test_ok(vm, torpor_error_read(vm, value, &error));
  parts[0] = error.cause, parts[1] = error.code, parts[2] = error.errors;
  for (int i = 0; i < 3; i++)
    if (expected[i] == -1)
      assert_int_equal(torpor_value_type(parts[i]), TORPOR_TYPE_UNDEFINED);
    else
      assert_true(torpor_value_number(parts[i]) == expected[i]);
  torpor_error_free(&error);
}

static void test_parts(void **state) {
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_value value;
  uint64_t length;
  (void)state;
  assert_parts("new Error('a')", -1, -1, -1);
  assert_parts(
      "Object.assign(new Error('a', {cause: 1}), {code: 2, errors: "
      "3})",
      1, 2, 3);
  assert_parts("({get cause() { throw 1 }, get code() { throw 2 }, errors: 3})",
               -1, -1, 3);
  assert_parts(
      "({get code() { return {}.x.y }, get errors() { return 4 }, "
      "cause: 5})",
      5, -1, 4);
  assert_parts("'text'", -1, -1, -1);
  value = test_eval(vm,
                    "Object.assign(new AggregateError([1, 2], 'm'.repeat("
                    "9000)), {code: 'EBOTH'})");
  test_ok(vm, torpor_error_read(vm, value, &error));
  test_ok(vm, torpor_length(vm, error.errors, &length));
  assert_int_equal(length, 2);
  assert_int_equal(torpor_value_type(error.code), TORPOR_TYPE_STRING);
  assert_int_equal(strlen(error.message), 9000);
  torpor_error_free(&error);
}

/* A program that was built when an error had fewer parts. */
static void test_parts_of_an_older_program(void **state) {
  torpor_error error = {.size = offsetof(torpor_error, code)};
  torpor_value value =
      test_eval(vm, "Object.assign(new Error('a'), {code: 2})");
  (void)state;
  error.code = torpor_number(7);
  test_ok(vm, torpor_error_read(vm, value, &error));
  assert_string_equal(error.message, "a");
  assert_true(torpor_value_number(error.code) == 7);
  torpor_error_free(&error);
}

/* Reading an error does not replace what was thrown. */
static torpor_status read_and_pass_on(torpor_vm *given,
                                      const torpor_arguments *arguments,
                                      torpor_value *result, void *user) {
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status status = run("throw new RangeError('mine')");
  (void)result, (void)user;
  test_ok(given,
          torpor_error_read(given, torpor_argument(arguments, 0), &error));
  torpor_error_free(&error);
  return status;
}

static void test_reading_throws(void **state) {
  (void)state;
  test_ok(vm, torpor_function_add(vm, "pass", read_and_pass_on, NULL));
  assert_thrown(run("const e = new Error; for (const k of ['name', 'message', "
                    "'cause', 'code', 'errors']) Object.defineProperty(e, k, "
                    "{get() { throw new TypeError(k) }}); pass(e)"),
                "RangeError", "mine");
}

/* What is read by an entry that counts as interrupted is not kept. */
static void test_no_text_is_lost(void **state) {
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_bytes text;
  torpor_value value =
      test_eval(vm,
                "globalThis.forever = async () => { for (;;); };"
                "globalThis.large = 'm'.repeat(100000);"
                "({toString() { forever(); return large }})");
  torpor_value bad = test_eval(
      vm,
      "Object.defineProperty(new Error, 'message', {get() { forever(); "
      "return large }})");
  (void)state;
  for (int i = 0; i < 12; i++) {
    torpor_vm_set_fuel(vm, 3);
    test_status(vm, torpor_string_read(vm, value, &text), TORPOR_INTERRUPTED);
    assert_null(text.data);
    torpor_vm_set_fuel(vm, 3);
    test_status(vm, torpor_error_read(vm, bad, &error), TORPOR_INTERRUPTED);
    torpor_vm_set_fuel(vm, 0);
    if (i == 1) test_ok(vm, torpor_vm_usage(vm, &before));
  }
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_true(after.heap_used < before.heap_used + 100000);
}

/* ---- The sentence ---------------------------------------------------------*/

static void ask_in_vain(const torpor_instance *instance, void *user) {
  torpor_value out;
  int *asked = user;
  (void)instance;
  test_status(vm, torpor_object_new(vm, &out), TORPOR_BUSY);
  assert_non_null(strstr(torpor_last_error(vm), "finalizers"));
  ++*asked;
}

/* What a finalizer asked for does not hide why the call failed. */
static void test_sentence_is_of_the_call(void **state) {
  const torpor_instance instance = {0};
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_value made, global;
  torpor_scope scope;
  int asked = 0;
  (void)state;
  def.name = "Short";
  def.finalize = ask_in_vain;
  def.user = &asked;
  test_ok(vm, torpor_class_add(vm, &def));
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_instance_new(vm, "Short", &instance, &made));
  test_ok(vm, torpor_set(vm, global, "short", made));
  test_ok(vm, torpor_scope_close(vm, scope));
  assert_thrown(run("short = null; throw new Error('mine')"), "Error", "mine");
  assert_int_equal(asked, 1);
  assert_non_null(strstr(torpor_last_error(vm), "mine"));
}

static torpor_status eval_in_host(torpor_vm *of,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  static const char source[] = "(() => new Error().stack)()";
  const torpor_eval_options *options = user;
  torpor_bytes code;
  torpor_status status;
  (void)arguments;
  if (!options->strip)
    return torpor_eval_with(of, source, SIZE_MAX, options, result);
  test_ok(of, torpor_compile(of, source, SIZE_MAX, options, &code));
  status = torpor_bytecode_run(of, code.data, code.size, result);
  torpor_bytes_free(&code);
  return status;
}

/* A stack shows who called the code, unless it is the barrier. */
static void test_eval_barrier(void **state) {
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  (void)state;
  options.file = "inner.js";
  test_ok(vm, torpor_function_add(vm, "inside", eval_in_host, &options));
  test_eval(vm, "function outer() { return inside() }");
  for (int i = 0; i < 2; i++) {
    options.barrier = false;
    options.strip = i == 1;
    test_eval_is(vm, "String(/outer/.test(outer()))", "true");
    options.barrier = true;
    test_eval_is(vm, "String(/outer/.test(outer()))", "false");
    test_eval_is(vm, "String(/\\n.*at .*\\n.*at /.test(outer()))", "false");
  }
  options.strip = false;
  test_eval_is(vm, "String(outer().match(/inner.js/g).length)", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_functions),
      TEST(test_classes),
      TEST(test_function_that_is_not_bound),
      TEST(test_reading_is_stopped),
      TEST(test_parts),
      TEST(test_parts_of_an_older_program),
      TEST(test_reading_throws),
      TEST(test_no_text_is_lost),
      TEST(test_sentence_is_of_the_call),
      TEST(test_eval_barrier),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
