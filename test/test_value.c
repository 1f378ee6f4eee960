/* SPDX-License-Identifier: MIT */
/* test_value.c - values at the border: immediates, handles, scopes, tokens,
 * strings, bytes, objects, plain data. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "test/support/one-vm.h"
#include "vm/vm.h"

static torpor_value call(const char *function, torpor_value argument) {
  torpor_value result;
  test_ok(vm, torpor_call(vm, test_eval(vm, function), torpor_undefined(),
                          &argument, 1, &result));
  return result;
}

static bool is_same(torpor_value a, torpor_value b) {
  return a.bits == b.bits;
}

/* ---- Immediates -----------------------------------------------------------*/

static void test_immediates(void **state) {
  const double numbers[] = {0,
                            -0.0,
                            1,
                            -1,
                            1.5,
                            2147483647,
                            -2147483648.0,
                            2147483648.0,
                            4294967296.0,
                            1e300,
                            5e-324,
                            (double)INFINITY,
                            -(double)INFINITY};
  (void)state;
  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
    torpor_value number = torpor_number(numbers[i]);
    assert_true(is_same(call("(x => x)", number), number));
  }
  assert_true(
      is_same(call("(x => x)", torpor_undefined()), torpor_undefined()));
  assert_true(is_same(call("(x => x)", torpor_null()), torpor_null()));
  assert_true(
      is_same(call("(x => !x)", torpor_boolean(false)), torpor_boolean(true)));
  assert_true(is_same(test_eval(vm, "-0"), torpor_number(-0.0)));
  assert_true(is_same(test_eval(vm, "0/0"), torpor_number((double)NAN)));
  assert_true(is_same(test_eval(vm, "1e3"), torpor_number(1000)));
  assert_true(is_same(call("(x => Object.is(x, -0))", torpor_number(-0.0)),
                      torpor_boolean(true)));
}

/* No bits that a host may give break the guest. */
static void test_strange_bits(void **state) {
  test_random random = {3};
  torpor_value function = test_eval(vm, "(x => typeof x)");
  (void)state;
  for (int i = 0; i < 20000; i++) {
    torpor_value strange = {test_random_next(&random), vm->owner}, result;
    torpor_status status;
    if (i % 2) strange.bits |= UINT64_C(0xfff9) << 48;
    status = torpor_call(vm, function, strange, &strange, 1, &result);
    assert_true(status == TORPOR_OK || status == TORPOR_STALE);
    if (status == TORPOR_OK) test_ok(vm, torpor_value_release(vm, result));
  }
  test_eval_is(vm, "'fine'", "fine");
}

static void test_types(void **state) {
  (void)state;
  assert_int_equal(torpor_value_type(test_eval(vm, "undefined")),
                   TORPOR_TYPE_UNDEFINED);
  assert_int_equal(torpor_value_type(test_eval(vm, "null")), TORPOR_TYPE_NULL);
  assert_int_equal(torpor_value_type(test_eval(vm, "true")),
                   TORPOR_TYPE_BOOLEAN);
  assert_int_equal(torpor_value_type(test_eval(vm, "'s'")), TORPOR_TYPE_STRING);
  assert_int_equal(torpor_value_type(test_eval(vm, "Symbol.iterator")),
                   TORPOR_TYPE_SYMBOL);
  assert_int_equal(torpor_value_type(test_eval(vm, "2n ** 70n")),
                   TORPOR_TYPE_BIGINT);
  assert_int_equal(torpor_value_type(test_eval(vm, "7n")), TORPOR_TYPE_BIGINT);
  assert_int_equal(torpor_value_type(test_eval(vm, "({})")),
                   TORPOR_TYPE_OBJECT);
}

/* ---- Handles --------------------------------------------------------------*/

static void test_release(void **state) {
  torpor_value object = test_eval(vm, "({a: 1})"), first, second, out;
  (void)state;
  test_ok(vm, torpor_value_retain(vm, object, &first));
  test_ok(vm, torpor_value_retain(vm, first, &second));
  test_ok(vm, torpor_value_release(vm, first));
  test_status(vm, torpor_get(vm, first, "a", &out), TORPOR_STALE);
  test_status(vm, torpor_value_release(vm, first), TORPOR_STALE);
  test_ok(vm, torpor_get(vm, second, "a", &out));
  assert_true(torpor_value_number(out) == 1);
  test_ok(vm, torpor_value_release(vm, second));
  test_status(vm, torpor_get(vm, second, "a", &out), TORPOR_STALE);
  test_ok(vm, torpor_value_retain(vm, object, &first)); /* its slot again */
  test_status(vm, torpor_get(vm, second, "a", &out), TORPOR_STALE);
  test_ok(vm, torpor_value_release(vm, first));
  /* Immediates and handles of a scope have nothing to release. */
  test_ok(vm, torpor_value_release(vm, torpor_number(1)));
  test_ok(vm, torpor_value_release(vm, object));
  test_ok(vm, torpor_get(vm, object, "a", &out));
}

static void test_scopes(void **state) {
  torpor_scope outer, inner;
  torpor_value in_outer, in_inner, kept, out;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &outer));
  in_outer = test_eval(vm, "({a: 1})");
  test_ok(vm, torpor_scope_open(vm, &inner));
  in_inner = test_eval(vm, "({a: 2})");
  test_ok(vm, torpor_value_retain(vm, in_inner, &kept));
  test_ok(vm, torpor_scope_close(vm, inner));
  test_status(vm, torpor_get(vm, in_inner, "a", &out), TORPOR_STALE);
  test_ok(vm, torpor_get(vm, in_outer, "a", &out));
  test_ok(vm, torpor_get(vm, kept, "a", &out));
  test_ok(vm, torpor_scope_open(vm, &inner));
  in_inner = test_eval(vm, "({a: 2})");
  test_ok(vm, torpor_scope_close(vm, outer)); /* and the inner one */
  test_status(vm, torpor_get(vm, in_inner, "a", &out), TORPOR_STALE);
  test_status(vm, torpor_get(vm, in_outer, "a", &out), TORPOR_STALE);
  test_status(vm, torpor_scope_close(vm, inner), TORPOR_STALE);
  test_ok(vm, torpor_get(vm, kept, "a", &out));
  test_ok(vm, torpor_value_release(vm, kept));
}

static torpor_status leave_handles(torpor_vm *given,
                                   const torpor_arguments *arguments,
                                   torpor_value *result, void *user) {
  (void)arguments, (void)user;
  for (int i = 0; i < 10; i++) torpor_object_new(given, result);
  return TORPOR_OK;
}

static void test_no_handle_is_left(void **state) {
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_scope scope;
  torpor_promise_state promise_state;
  torpor_value promise = test_eval(vm, "Promise.resolve({})"), kept;
  (void)state;
  test_ok(vm, torpor_vm_usage(vm, &before));
  test_ok(vm, torpor_function_add(vm, "leave", leave_handles, NULL));
  test_ok(vm, torpor_scope_open(vm, &scope));
  for (int i = 0; i < 1000; i++) {
    test_eval(vm, "[{}, 'x', 1n]");
    assert_int_equal(test_eval_status(vm, "throw new Error('x', {cause: {}})"),
                     TORPOR_THROWN);
  }
  test_ok(vm, torpor_scope_close(vm, scope));
  for (int i = 0; i < 1000; i++) {
    test_eval(vm, "leave(); 1");
    test_ok(vm, torpor_promise_read(vm, promise, &promise_state, NULL));
    test_ok(vm, torpor_value_retain(vm, promise, &kept));
    test_ok(vm, torpor_value_release(vm, kept));
  }
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(after.handles, before.handles);
}

/* A value leaves its scope, whatever it is and wherever in it. */
static void test_leave(void **state) {
  static const char *const sources[] = {"({a: 1})", "'text'", "1n", "5",
                                        "undefined"};
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_scope outer, scope;
  torpor_value value, kept, first;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &outer));
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
    for (int where = 0; where < 3; where++) {
      bool is_handle = i < 3;
      test_ok(vm, torpor_vm_usage(vm, &before));
      test_ok(vm, torpor_scope_open(vm, &scope));
      first = test_eval(vm, "'first'");
      for (int k = 0; k < where * 40; k++) test_eval(vm, "({})");
      value = test_eval(vm, sources[i]);
      for (int k = 0; k < (2 - where) * 40; k++) test_eval(vm, "({})");
      test_ok(vm, torpor_scope_leave(vm, scope, &value));
      test_ok(vm, torpor_vm_usage(vm, &after));
      assert_int_equal(after.handles, before.handles + is_handle);
      test_status(vm, torpor_value_retain(vm, first, &kept), TORPOR_STALE);
      test_status(vm, torpor_scope_close(vm, scope), TORPOR_STALE);
      test_ok(vm, torpor_value_retain(vm, value, &kept));
      test_ok(vm, torpor_value_release(vm, kept));
      assert_int_equal(torpor_value_type(value),
                       torpor_value_type(test_eval(vm, sources[i])));
    }
  value = test_eval(vm, "({})"); /* of the outer scope already */
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_value_retain(vm, value, &kept)); /* of none */
  test_ok(vm, torpor_scope_leave(vm, scope, &value));
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_scope_leave(vm, scope, &kept));
  test_ok(vm, torpor_scope_close(vm, outer));
  test_status(vm, torpor_value_retain(vm, value, &first), TORPOR_STALE);
  test_ok(vm, torpor_value_release(vm, kept));
}

/* A failed leave leaves the scope open. */
static void test_leave_stale(void **state) {
  torpor_scope scope, inner;
  torpor_value value, stale;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_scope_open(vm, &inner));
  stale = test_eval(vm, "({})");
  test_ok(vm, torpor_scope_close(vm, inner));
  value = test_eval(vm, "({})");
  test_status(vm, torpor_scope_leave(vm, scope, &stale), TORPOR_STALE);
  test_status(vm, torpor_scope_leave(vm, inner, &value), TORPOR_STALE);
  test_ok(vm, torpor_scope_leave(vm, scope, &value));
  test_ok(vm, torpor_get(vm, value, "x", NULL));
}

/* An exception is one handle, also when it has a cause. */
static void test_exceptions_are_handles(void **state) {
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  (void)state;
  test_ok(vm, torpor_vm_usage(vm, &before));
  for (int i = 0; i < 100; i++)
    test_eval_status(vm, "throw new Error('x', {cause: {}})");
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(after.handles, before.handles + 100);
}

/* Exported promises are looked at without a handle. */
static void test_look(void **state) {
  static const struct {
    const char *code;
    torpor_status status;
    torpor_promise_state is;
  } cases[] = {
      {"new Promise(() => {})", TORPOR_OK, TORPOR_PENDING},
      {"Promise.resolve({})", TORPOR_OK, TORPOR_FULFILLED},
      {"globalThis.p = Promise.reject(1); p.catch(() => 0); p", TORPOR_OK,
       TORPOR_REJECTED},
      {"({then() {}})", TORPOR_WRONG_TYPE, TORPOR_PENDING},
      {"5", TORPOR_WRONG_TYPE, TORPOR_PENDING},
  };
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_promise_state found;
  torpor_token token;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_ok(vm, torpor_token_add(vm, test_eval(vm, cases[i].code), &token));
    test_ok(vm, torpor_vm_usage(vm, &before));
    test_status(vm, torpor_promise_look(vm, token, &found), cases[i].status);
    test_ok(vm, torpor_vm_usage(vm, &after));
    assert_int_equal(found, cases[i].is);
    assert_int_equal(after.handles, before.handles);
    test_ok(vm, torpor_token_remove(vm, token));
    test_status(vm, torpor_promise_look(vm, token, &found), TORPOR_NOT_FOUND);
    test_says(vm, "the VM has no token");
  }
}

static void test_tokens(void **state) {
  torpor_token token, other;
  torpor_value value;
  torpor_bytes snapshot;
  torpor_vm *copy;
  (void)state;
  test_ok(vm, torpor_token_add(vm, test_eval(vm, "({a: 5})"), &token));
  test_ok(vm, torpor_token_add(vm, torpor_number(6), &other));
  assert_true(token != 0 && other != 0 && token != other);
  snapshot = test_save(vm);
  copy = test_restore(&snapshot, NULL);
  torpor_bytes_free(&snapshot);
  test_ok(copy, torpor_token_value(copy, token, &value));
  test_ok(copy, torpor_get(copy, value, "a", &value));
  assert_true(torpor_value_number(value) == 5);
  test_ok(copy, torpor_token_value(copy, other, &value));
  assert_true(torpor_value_number(value) == 6);
  test_ok(copy, torpor_token_remove(copy, token));
  test_status(copy, torpor_token_value(copy, token, &value), TORPOR_NOT_FOUND);
  test_ok(vm, torpor_token_value(vm, token, &value));
  torpor_vm_close(copy);
}

/* ---- Strings and bytes ----------------------------------------------------*/

static void assert_comes_back(const char *text, size_t size,
                              const char *expected, size_t expected_size) {
  torpor_value string;
  torpor_bytes out;
  test_ok(vm, torpor_string_new(vm, text, size, &string));
  test_ok(vm, torpor_string_read(vm, string, &out));
  assert_int_equal(out.size, expected_size);
  assert_memory_equal(out.data, expected, expected_size);
  assert_int_equal(out.data[out.size], 0);
  torpor_bytes_free(&out);
  test_ok(vm, torpor_value_release(vm, string));
}

static void test_strings(void **state) {
  static const char euro[] = "\xe2\x82\xac\xf0\x9f\x98\x80\0z";
  char *large = malloc(1 << 20);
  (void)state;
  assert_comes_back("", 0, "", 0);
  assert_comes_back("abc", 3, "abc", 3);
  assert_comes_back(euro, sizeof(euro) - 1, euro, sizeof(euro) - 1);
  assert_comes_back("a\xff", 2, "a\xef\xbf\xbd", 4);
  test_eval_is(vm, "'\\ud800'", "\xef\xbf\xbd");
  for (int i = 0; i < 1 << 20; i++) large[i] = (char)('a' + i % 26);
  /* Around the size of the window, and far beyond. */
  for (size_t size = 8180; size < 8200; size++)
    assert_comes_back(large, size, large, size);
  assert_comes_back(large, 1 << 20, large, 1 << 20);
  free(large);
  torpor_bytes out;
  test_status(vm,
              torpor_string_read(
                  vm, test_eval(vm, "({toString() { throw 'no' }})"), &out),
              TORPOR_THROWN);
  assert_null(out.data);
  assert_int_equal(torpor_value_type(torpor_exception(vm)), TORPOR_TYPE_STRING);
}

static void test_buffers(void **state) {
  uint8_t bytes[20000];
  torpor_value buffer;
  torpor_bytes out;
  (void)state;
  for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)(i * 7);
  test_ok(vm, torpor_buffer_new(vm, bytes, sizeof(bytes), &buffer));
  test_ok(vm, torpor_buffer_read(vm, buffer, &out));
  assert_int_equal(out.size, sizeof(bytes));
  assert_memory_equal(out.data, bytes, sizeof(bytes));
  torpor_bytes_free(&out);
  test_ok(vm, torpor_buffer_read(
                  vm, test_eval(vm, "new Uint16Array([1,2,3,4]).subarray(1,3)"),
                  &out));
  assert_int_equal(out.size, 4);
  assert_memory_equal(out.data, "\2\0\3\0", 4);
  torpor_bytes_free(&out);
  test_ok(vm,
          torpor_buffer_read(
              vm, test_eval(vm, "new DataView(new ArrayBuffer(9), 2)"), &out));
  assert_int_equal(out.size, 7);
  torpor_bytes_free(&out);
  test_status(vm, torpor_buffer_read(vm, test_eval(vm, "({})"), &out),
              TORPOR_WRONG_TYPE);
}

/* ---- Objects --------------------------------------------------------------*/

static void test_objects(void **state) {
  torpor_value object, array, out, global;
  (void)state;
  test_ok(vm, torpor_object_new(vm, &object));
  test_ok(vm, torpor_array_new(vm, &array));
  test_ok(vm, torpor_set(vm, object, "list", array));
  for (uint32_t i = 0; i < 10; i++)
    test_ok(vm, torpor_set_index(vm, array, i, torpor_number(i * i)));
  test_ok(vm, torpor_get_index(vm, array, 9, &out));
  assert_true(torpor_value_number(out) == 81);
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "o", object));
  test_eval_is(vm, "JSON.stringify(o)",
               "{\"list\":[0,1,4,9,16,25,36,49,64,81]}");
  test_status(vm, torpor_get(vm, torpor_undefined(), "x", &out), TORPOR_THROWN);
  test_status(vm, torpor_get(vm, object, NULL, &out), TORPOR_MISUSE);
  test_status(vm, torpor_set(vm, object, NULL, out), TORPOR_MISUSE);
  test_eval(vm,
            "Object.defineProperty(o, 'p', {get() { throw 'get' }, "
            "set(v) { throw 'set' + v }}); 0");
  test_status(vm, torpor_get(vm, object, "p", &out), TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "get");
  test_status(vm, torpor_set(vm, object, "p", torpor_number(1)), TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "set1");
}

static void test_classes(void **state) {
  static const struct {
    const char *source;
    torpor_brand expected;
  } cases[] = {
      {"1", TORPOR_BRAND_NONE},
      {"'s'", TORPOR_BRAND_NONE},
      {"({})", TORPOR_BRAND_OBJECT},
      {"new (class A {})", TORPOR_BRAND_OBJECT},
      {"[]", TORPOR_BRAND_ARRAY},
      {"(() => 1)", TORPOR_BRAND_FUNCTION},
      {"class B {}; B", TORPOR_BRAND_FUNCTION},
      {"Math.max", TORPOR_BRAND_FUNCTION},
      {"new TypeError", TORPOR_BRAND_ERROR},
      {"Promise.resolve()", TORPOR_BRAND_PROMISE},
      {"new Date", TORPOR_BRAND_DATE},
      {"/x/", TORPOR_BRAND_REGEXP},
      {"new Map", TORPOR_BRAND_MAP},
      {"new Set", TORPOR_BRAND_SET},
      {"new ArrayBuffer(1)", TORPOR_BRAND_ARRAY_BUFFER},
      {"new Float64Array(1)", TORPOR_BRAND_FLOAT64_ARRAY},
      {"new DataView(new ArrayBuffer(1))", TORPOR_BRAND_DATA_VIEW},
      {"new Proxy({}, {})", TORPOR_BRAND_PROXY},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    torpor_brand brand;
    test_ok(vm, torpor_value_brand(vm, test_eval(vm, cases[i].source), &brand));
    assert_int_equal(brand, cases[i].expected);
  }
}

/* ---- Plain data -----------------------------------------------------------*/

static void test_data(void **state) {
  torpor_value value;
  torpor_bytes cbor, json;
  (void)state;
  value = test_eval(vm,
                    "({n: 1, list: [true, null, -0.5], text: '\u20ac', "
                    "date: new Date(0), set: new Set([1])})");
  test_ok(vm, torpor_cbor_encode(vm, value, &cbor));
  test_ok(NULL, torpor_cbor_to_json(cbor.data, cbor.size, &json));
  assert_string_equal((const char *)json.data,
                      "{\"n\":1,\"list\":[true,null,-0.5],"
                      "\"text\":\"\u20ac\","
                      "\"date\":\"1970-01-01T00:00:00.000Z\",\"set\":[1]}");
  torpor_bytes_free(&json);
  test_ok(vm, torpor_cbor_decode(vm, cbor.data, cbor.size, &value));
  torpor_bytes_free(&cbor);
  value = call(
      "(v => JSON.stringify([v.n, v.list, v.date.getTime(), "
      "v.set.has(1)]))",
      value);
  torpor_bytes text;
  test_ok(vm, torpor_string_read(vm, value, &text));
  assert_string_equal((const char *)text.data, "[1,[true,null,-0.5],0,true]");
  torpor_bytes_free(&text);
}

static void test_data_from_json(void **state) {
  static const char text[] = "{\"a\":[1,2.5,{\"b\":\"\\u20ac\"}],\"c\":1e300}";
  torpor_bytes cbor;
  torpor_value value;
  (void)state;
  test_ok(NULL, torpor_json_to_cbor(text, strlen(text), &cbor));
  test_ok(vm, torpor_cbor_decode(vm, cbor.data, cbor.size, &value));
  torpor_bytes_free(&cbor);
  value = call("(v => v.a[1] + v.a[2].b.length + v.c)", value);
  assert_true(torpor_value_number(value) == 1e300);
}

static void test_data_refused(void **state) {
  torpor_bytes cbor;
  torpor_value value;
  (void)state;
  test_status(vm, torpor_cbor_encode(vm, test_eval(vm, "({f() {}})"), &cbor),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "TypeError"));
  test_status(vm, torpor_cbor_decode(vm, "\x9f", 1, &value), TORPOR_THROWN);
  test_status(vm, torpor_cbor_decode(vm, "", 0, &value), TORPOR_THROWN);
}

/* ---- JSON -----------------------------------------------------------------*/

/* Objects of few names, one in another, as JSON. */
static void add_random_json(torpor__buffer *to, test_random *random,
                            int depth) {
  static const char *const names[] = {
      "\"a\":", "\"\\u0061\":", "\"b\":", "\"1\" :", "\"\":", "\"0\": "};
  uint64_t chosen = test_random_next(random);
  char number[24];
  bool map = chosen % 4 != 0;
  if (depth == 0 || chosen % 8 == 7) {
    snprintf(number, sizeof(number), "%u", (unsigned)(chosen >> 8 & 0xffff));
    torpor__buffer_add(to, number, strlen(number));
    return;
  }
  torpor__buffer_add(to, map ? "{" : "[", 1);
  for (uint64_t left = chosen >> 16 & 3; left > 0; left--) {
    const char *name = names[test_random_next(random) % 6];
    if (map) torpor__buffer_add(to, name, strlen(name));
    add_random_json(to, random, depth - 1);
    if (left > 1) torpor__buffer_add(to, ",", 1);
  }
  torpor__buffer_add(to, map ? "}" : "]", 1);
}

/* What the program sees is what JSON.parse would have given it. */
static void test_names_twice_as_parsed(void **state) {
  test_random random = {7};
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value global, value;
  torpor_scope scope;
  (void)state;
  for (int i = 0; i < 2000; i++) {
    torpor__buffer text = {0};
    torpor_bytes json, cbor;
    add_random_json(&text, &random, 6);
    test_ok(NULL, torpor__buffer_finish(&text, &json));
    test_ok(NULL, torpor_json_to_cbor((char *)json.data, json.size, &cbor));
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_ok(vm, torpor_global(vm, &global));
    test_ok(vm, torpor_cbor_decode(vm, cbor.data, cbor.size, &value));
    test_ok(vm, torpor_set(vm, global, "got", value));
    test_ok(vm, torpor_string_new(vm, (char *)json.data, json.size, &value));
    test_ok(vm, torpor_set(vm, global, "text", value));
    test_eval_is(vm,
                 "JSON.stringify(got) === JSON.stringify(JSON.parse(text))"
                 " ? '' : text",
                 "");
    test_ok(vm, torpor_scope_close(vm, scope));
    torpor_bytes_free(&json);
    torpor_bytes_free(&cbor);
  }
  torpor_vm_close(vm);
}

int main(void) {
#define WITH_VM(test) cmocka_unit_test_setup_teardown(test, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      WITH_VM(test_immediates),
      WITH_VM(test_strange_bits),
      WITH_VM(test_types),
      WITH_VM(test_release),
      WITH_VM(test_scopes),
      WITH_VM(test_no_handle_is_left),
      WITH_VM(test_leave),
      WITH_VM(test_leave_stale),
      WITH_VM(test_exceptions_are_handles),
      WITH_VM(test_look),
      WITH_VM(test_tokens),
      WITH_VM(test_strings),
      WITH_VM(test_buffers),
      WITH_VM(test_objects),
      WITH_VM(test_classes),
      WITH_VM(test_data),
      WITH_VM(test_data_from_json),
      WITH_VM(test_data_refused),
      cmocka_unit_test(test_names_twice_as_parsed),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
