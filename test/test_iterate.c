/* SPDX-License-Identifier: MIT */
/* test_iterate.c - taking values out of what can be iterated: to the end and
 * not, from iterators of the program that throw, lie and come back. */
#include <string.h>

#include "test/support/one-vm.h"

static torpor_iterator open_on(const char *source) {
  torpor_iterator iterator;
  test_ok(vm, torpor_iterator_open(vm, test_eval(vm, source), &iterator));
  assert_false(iterator.done);
  return iterator;
}

/* Takes all, and asserts that joined they are 'expected'. */
static void assert_items(const char *source, const char *expected) {
  torpor_iterator iterator = open_on(source);
  torpor_value list = test_eval(vm, "globalThis.list = []; list"), item, length;
  torpor_status status;
  while ((status = torpor_iterator_next(vm, &iterator, &item)) == TORPOR_OK)
    test_ok(vm, torpor_call_method(vm, list, "push", &item, 1, &length));
  test_status(vm, status, TORPOR_NOT_FOUND);
  assert_true(iterator.done);
  assert_int_equal(torpor_value_type(item), TORPOR_TYPE_UNDEFINED);
  test_status(vm, torpor_iterator_next(vm, &iterator, &item), TORPOR_NOT_FOUND);
  assert_true(torpor_last_error(vm)[0] != 0);
  test_ok(vm, torpor_iterator_close(vm, &iterator, status));
  test_eval_is(vm, "list.map(String).join('|')", expected);
}

static void test_what_can_be_iterated(void **state) {
  (void)state;
  assert_items("[1, , 'x']", "1|undefined|x");
  assert_items("[]", "");
  assert_items("new Set([3, 3, 4])", "3|4");
  assert_items("new Map([[1, 2], ['a', {}]])", "1,2|a,[object Object]");
  assert_items("'a\\u{1f600}\\ud800'", "a|\xf0\x9f\x98\x80|\xef\xbf\xbd");
  assert_items("new Uint8Array([7, 8])", "7|8");
  assert_items("(function* () { yield 1; yield* [2, 3]; return 4 })()",
               "1|2|3");
  assert_items("(function () { return arguments })(5, 6)", "5|6");
  assert_items("({*[Symbol.iterator]() { yield this.n }, n: 9})", "9");
  assert_items("[1, 2, 3].values().map(x => x * 2)", "2|4|6");
  assert_items("new Proxy([1, 2], {})", "1|2");
  assert_items(
      "({[Symbol.iterator]() { let n = 0; return {next() {"
      "return n++ < 2 ? {value: n} : {done: 'yes', value: 3} }} }})",
      "1|2");
  assert_items(
      "({[Symbol.iterator]: () => ({next: () => ({get done() {"
      "return true }, get value() { throw 1 }})})})",
      "");
}

static void test_what_cannot(void **state) {
  static const char *const sources[] = {
      "({})",
      "5",
      "null",
      "undefined",
      "Symbol()",
      "({[Symbol.iterator]: 1})",
      "({[Symbol.iterator]() { return 1 }})",
      "({[Symbol.iterator]() { throw Error() }})",
      "({get [Symbol.iterator]() { throw Error() }})",
      "({[Symbol.iterator]: () => ({get next() { throw Error() }})})",
      "(async function* () {})()",
  };
  torpor_iterator iterator;
  (void)state;
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
    test_status(vm,
                torpor_iterator_open(vm, test_eval(vm, sources[i]), &iterator),
                TORPOR_THROWN);
    assert_true(iterator.done);
  }
  test_status(vm, torpor_iterator_open(vm, torpor_null(), NULL), TORPOR_MISUSE);
}

/* An iterable that tells what is called on its iterator. */
static const char telling[] =
    "globalThis.log = [];"
    "({[Symbol.iterator]() { return {n: 0,"
    "  next(...a) { log.push('next' + a.length);"
    "    return {value: this.n++} },"
    "  return(...a) { log.push('return' + a.length);"
    "    return globalThis.answer ? answer() : {} }} }})";

static void test_left_early(void **state) {
  torpor_iterator iterator = open_on(telling);
  torpor_value item;
  (void)state;
  test_ok(vm, torpor_iterator_next(vm, &iterator, &item));
  test_ok(vm, torpor_iterator_next(vm, &iterator, &item));
  assert_true(torpor_value_number(item) == 1);
  test_ok(vm, torpor_iterator_next(vm, &iterator, NULL));
  test_ok(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK));
  assert_true(iterator.done);
  test_ok(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK));
  test_eval_is(vm, "log.join()", "next0,next0,next0,return0");
  iterator = open_on("[1, 2]"); /* has no 'return' */
  test_ok(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK));
}

static void test_return_throws(void **state) {
  torpor_iterator iterator = open_on(telling);
  (void)state;
  test_eval(vm, "globalThis.answer = () => { throw Error('in return') }");
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "in return"));
  iterator = open_on(telling);
  test_eval(vm, "globalThis.answer = () => 5");
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "object"));
}

/* What was thrown first stays, whatever 'return' does. */
static void test_return_does_not_count(void **state) {
  torpor_iterator iterator = open_on(telling);
  torpor_value name;
  torpor_bytes text;
  (void)state;
  test_eval(vm, "globalThis.answer = () => { throw Error('in return') }; 0");
  test_status(vm, torpor_throw(vm, "RangeError", "first"), TORPOR_THROWN);
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_THROWN),
              TORPOR_THROWN);
  test_ok(vm, torpor_get(vm, torpor_exception(vm), "message", &name));
  test_ok(vm, torpor_string_read(vm, name, &text));
  assert_string_equal((const char *)text.data, "first");
  torpor_bytes_free(&text);
  test_eval_is(vm, "log.join()", "return0");
  iterator = open_on(telling);
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_NOMEM),
              TORPOR_NOMEM);
}

static torpor_status take_two(torpor_vm *given,
                              const torpor_arguments *arguments,
                              torpor_value *result, void *user) {
  torpor_iterator iterator;
  torpor_status status =
      torpor_iterator_open(given, torpor_argument(arguments, 0), &iterator);
  (void)user;
  for (int i = 0; i < 2 && status == TORPOR_OK; i++)
    status = torpor_iterator_next(given, &iterator, result);
  if (status == TORPOR_OK && torpor_value_number(*result) == 1)
    status = torpor_throw(given, "RangeError", "enough");
  return torpor_iterator_close(given, &iterator, status);
}

static void test_in_host_functions(void **state) {
  (void)state;
  test_ok(vm, torpor_function_add(vm, "takeTwo", take_two, NULL));
  test_eval(vm, telling);
  test_eval(vm,
            "globalThis.t = (x) => { try { return takeTwo(x) }"
            "catch (e) { return String(e) } }; globalThis.tells = "
            "({[Symbol.iterator]() { let n = 0; return {"
            "next: () => ({value: n++}), return() { throw Error('r') }} "
            "}}); 0");
  test_eval_is(vm, "t([5, 6, 7])", "6");
  test_eval_is(vm, "String(t([5]))", "undefined");
  test_eval_is(vm, "t(tells)", "RangeError: enough");
  test_eval_is(vm, "t({})", "TypeError: value is not iterable");
  test_eval_is(vm,
               "t({[Symbol.iterator]: () => ({next() { throw 'thrown' },"
               "return() { throw 'not asked' }})})",
               "thrown");
}

static void test_next_throws(void **state) {
  torpor_iterator iterator = open_on(
      "globalThis.log = []; ({[Symbol.iterator]: () => ({next() { throw Error("
      "'in next') }, return() { log.push('return') }})})");
  torpor_value item;
  (void)state;
  test_status(vm, torpor_iterator_next(vm, &iterator, &item), TORPOR_THROWN);
  assert_true(iterator.done);
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_THROWN),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "in next"));
  test_eval_is(vm, "log.join()", "");
  iterator = open_on("({[Symbol.iterator]: () => ({next: () => 5})})");
  test_status(vm, torpor_iterator_next(vm, &iterator, &item), TORPOR_THROWN);
  iterator = open_on("({[Symbol.iterator]: () => ({next: 5})})");
  test_status(vm, torpor_iterator_next(vm, &iterator, &item), TORPOR_THROWN);
}

/* A 'next' that takes from the same iterator by way of the host, and one that
 * interrupts. */
static torpor_iterator *shared;

static torpor_status come_back(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  if (torpor_value_is_true(torpor_argument(arguments, 0)))
    return TORPOR_INTERRUPTED;
  return torpor_iterator_next(given, shared, result);
}

static void test_next_comes_back(void **state) {
  torpor_iterator iterator;
  torpor_value item;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "comeBack", come_back, NULL));
  iterator = open_on(
      "({[Symbol.iterator]() { let n = 0; return {next() {"
      "return {value: ++n < 5 ? comeBack() : n} }} }})");
  shared = &iterator;
  test_ok(vm, torpor_iterator_next(vm, &iterator, &item));
  assert_true(torpor_value_number(item) == 5);
  iterator = open_on("(function* () { yield comeBack() })()");
  test_status(vm, torpor_iterator_next(vm, &iterator, &item), TORPOR_THROWN);
  iterator = open_on(
      "({[Symbol.iterator]: () => ({next() { comeBack(true) },"
      "return() { comeBack(true) }})})");
  test_status(vm, torpor_iterator_next(vm, &iterator, &item),
              TORPOR_INTERRUPTED);
  assert_true(iterator.done);
  iterator.done = false;
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_THROWN),
              TORPOR_INTERRUPTED);
  test_eval_is(vm, "'well'", "well");
}

/* Handles end with their scope; iterators do not know. */
static void test_scopes(void **state) {
  torpor_iterator iterator;
  torpor_value item, list = test_eval(vm, "[1, 2]");
  torpor_scope scope;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_iterator_open(vm, list, &iterator));
  test_ok(vm, torpor_scope_close(vm, scope));
  test_status(vm, torpor_iterator_next(vm, &iterator, &item), TORPOR_STALE);
  assert_false(iterator.done);
  test_status(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK),
              TORPOR_STALE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_what_can_be_iterated),
      TEST(test_what_cannot),
      TEST(test_left_early),
      TEST(test_return_throws),
      TEST(test_return_does_not_count),
      TEST(test_in_host_functions),
      TEST(test_next_throws),
      TEST(test_next_comes_back),
      TEST(test_scopes),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
