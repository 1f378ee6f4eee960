/* SPDX-License-Identifier: MIT */
/* test_brand.c - what a value is, whatever the program says: brands, proxies,
 * identity and conversions. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/one-vm.h"

static torpor_value number(double value) {
  return torpor_number(value);
}

/* ---- Brands ---------------------------------------------------------------*/

static const struct {
  const char *source;
  torpor_brand brand;
  const char *class_name;
} kinds[] = {
    {"({})", TORPOR_BRAND_OBJECT, "Object"},
    {"new (class A {})", TORPOR_BRAND_OBJECT, "Object"},
    {"[]", TORPOR_BRAND_ARRAY, "Array"},
    {"new (class B extends Array {})", TORPOR_BRAND_ARRAY, "Array"},
    {"(() => 1)", TORPOR_BRAND_FUNCTION, "Function"},
    {"(class C {})", TORPOR_BRAND_FUNCTION, "Function"},
    {"(function () {}).bind()", TORPOR_BRAND_FUNCTION, "Function"},
    {"Math.max", TORPOR_BRAND_FUNCTION, "Function"},
    {"(async () => 1)", TORPOR_BRAND_ASYNC_FUNCTION, "AsyncFunction"},
    {"(function* () {})", TORPOR_BRAND_GENERATOR_FUNCTION, "GeneratorFunction"},
    {"(async function* () {})", TORPOR_BRAND_ASYNC_GENERATOR_FUNCTION,
     "AsyncGeneratorFunction"},
    {"(function* () {})()", TORPOR_BRAND_GENERATOR, "Generator"},
    {"(async function* () {})()", TORPOR_BRAND_ASYNC_GENERATOR,
     "AsyncGenerator"},
    {"new TypeError", TORPOR_BRAND_ERROR, "Error"},
    {"new DOMException('x')", TORPOR_BRAND_ERROR, "DOMException"},
    {"Promise.resolve()", TORPOR_BRAND_PROMISE, "Promise"},
    {"new Date", TORPOR_BRAND_DATE, "Date"},
    {"/x/", TORPOR_BRAND_REGEXP, "RegExp"},
    {"new Map", TORPOR_BRAND_MAP, "Map"},
    {"new Set", TORPOR_BRAND_SET, "Set"},
    {"new WeakMap", TORPOR_BRAND_WEAK_MAP, "WeakMap"},
    {"new WeakSet", TORPOR_BRAND_WEAK_SET, "WeakSet"},
    {"new WeakRef({})", TORPOR_BRAND_WEAK_REF, "WeakRef"},
    {"new FinalizationRegistry(() => 1)", TORPOR_BRAND_FINALIZATION_REGISTRY,
     "FinalizationRegistry"},
    {"(function () { return arguments })()", TORPOR_BRAND_ARGUMENTS,
     "Arguments"},
    {"(function () { 'use strict'; return arguments })()",
     TORPOR_BRAND_ARGUMENTS, "Arguments"},
    {"new Number(1)", TORPOR_BRAND_NUMBER_OBJECT, "Number"},
    {"new String('x')", TORPOR_BRAND_STRING_OBJECT, "String"},
    {"new Boolean(false)", TORPOR_BRAND_BOOLEAN_OBJECT, "Boolean"},
    {"Object(Symbol('s'))", TORPOR_BRAND_SYMBOL_OBJECT, "Symbol"},
    {"Object(5n)", TORPOR_BRAND_BIGINT_OBJECT, "BigInt"},
    {"[].values()", TORPOR_BRAND_ITERATOR, "Array Iterator"},
    {"new Map().keys()", TORPOR_BRAND_ITERATOR, "Map Iterator"},
    {"new ArrayBuffer(1)", TORPOR_BRAND_ARRAY_BUFFER, "ArrayBuffer"},
    {"new SharedArrayBuffer(1)", TORPOR_BRAND_SHARED_ARRAY_BUFFER,
     "SharedArrayBuffer"},
    {"new DataView(new ArrayBuffer(1))", TORPOR_BRAND_DATA_VIEW, "DataView"},
    {"new Int8Array(1)", TORPOR_BRAND_INT8_ARRAY, "Int8Array"},
    {"new Uint8Array(1)", TORPOR_BRAND_UINT8_ARRAY, "Uint8Array"},
    {"new Uint8ClampedArray(1)", TORPOR_BRAND_UINT8_CLAMPED_ARRAY,
     "Uint8ClampedArray"},
    {"new Int16Array(1)", TORPOR_BRAND_INT16_ARRAY, "Int16Array"},
    {"new Uint16Array(1)", TORPOR_BRAND_UINT16_ARRAY, "Uint16Array"},
    {"new Int32Array(1)", TORPOR_BRAND_INT32_ARRAY, "Int32Array"},
    {"new Uint32Array(1)", TORPOR_BRAND_UINT32_ARRAY, "Uint32Array"},
    {"new BigInt64Array(1)", TORPOR_BRAND_BIGINT64_ARRAY, "BigInt64Array"},
    {"new BigUint64Array(1)", TORPOR_BRAND_BIGUINT64_ARRAY, "BigUint64Array"},
    {"new Float16Array(1)", TORPOR_BRAND_FLOAT16_ARRAY, "Float16Array"},
    {"new Float32Array(1)", TORPOR_BRAND_FLOAT32_ARRAY, "Float32Array"},
    {"new Float64Array(1)", TORPOR_BRAND_FLOAT64_ARRAY, "Float64Array"},
    {"new Proxy({}, {})", TORPOR_BRAND_PROXY, "Proxy"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void check_brand(torpor_value value, size_t i) {
  torpor_object_info info = TORPOR_OBJECT_INFO_INIT;
  torpor_brand brand;
  torpor_bytes name;
  test_ok(vm, torpor_value_brand(vm, value, &brand));
  if (brand != kinds[i].brand) print_error("%s\n", kinds[i].source);
  assert_int_equal(brand, kinds[i].brand);
  test_ok(vm, torpor_object_read(vm, value, &info));
  assert_int_equal(info.brand, brand);
  if (brand != TORPOR_BRAND_PROXY)
    assert_int_equal(info.is_callable, torpor_brand_is_function(brand));
  test_ok(vm, torpor_object_class_name(vm, value, &name));
  assert_string_equal((const char *)name.data, kinds[i].class_name);
  torpor_bytes_free(&name);
}

static void test_brands(void **state) {
  torpor_value values[KINDS];
  torpor_brand brand;
  torpor_bytes name;
  torpor_object_info info = TORPOR_OBJECT_INFO_INIT;
  (void)state;
  for (size_t i = 0; i < KINDS; i++) values[i] = test_eval(vm, kinds[i].source);
  for (size_t i = 0; i < KINDS; i++) check_brand(values[i], i);
  test_turn_hostile(vm);
  for (size_t i = 0; i < KINDS; i++) check_brand(values[i], i);
  test_eval_is(vm, "touched", "false");
  test_ok(vm, torpor_value_brand(vm, number(1), &brand));
  assert_int_equal(brand, TORPOR_BRAND_NONE);
  test_status(vm, torpor_object_read(vm, number(1), &info), TORPOR_WRONG_TYPE);
  test_status(vm, torpor_object_class_name(vm, number(1), &name),
              TORPOR_WRONG_TYPE);
}

/* Each of these claims to be what it is not. */
static void test_fakes(void **state) {
  static const char *const fakes[] = {
      "Object.create(Map.prototype)",
      "Object.setPrototypeOf({}, Uint8Array.prototype)",
      "({get [Symbol.toStringTag]() { touched = true; return 'Map' }})",
      "({__proto__: Promise.prototype, then() {}})",
      "Object.create(Error.prototype, {message: {value: 'x'}})",
  };
  torpor_brand brand;
  (void)state;
  test_eval(vm, "var touched = false");
  for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++) {
    test_ok(vm, torpor_value_brand(vm, test_eval(vm, fakes[i]), &brand));
    assert_int_equal(brand, TORPOR_BRAND_OBJECT);
  }
  /* And this hides what it is. */
  test_ok(vm, torpor_value_brand(
                  vm, test_eval(vm, "Object.setPrototypeOf(new Map, null)"),
                  &brand));
  assert_int_equal(brand, TORPOR_BRAND_MAP);
  test_eval_is(vm, "touched", "false");
}

static void test_object_info(void **state) {
  static const struct {
    const char *source;
    bool callable, constructor, extensible;
  } cases[] = {
      {"({})", false, false, true},
      {"Object.freeze([])", false, false, false},
      {"(() => 1)", true, false, true},
      {"(function () {})", true, true, true},
      {"(class {})", true, true, true},
      {"new Proxy(class {}, {})", true, true, true},
      {"new Proxy({}, {})", false, false, true},
      {"Object.preventExtensions(function () {})", true, true, false},
  };
  torpor_object_info info;
  struct {
    size_t size;
    torpor_brand brand;
    uint8_t guard[64];
  } small = {offsetof(torpor_object_info, class_id), TORPOR_BRAND_NONE, {0}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    info = (torpor_object_info)TORPOR_OBJECT_INFO_INIT;
    test_ok(vm, torpor_object_read(vm, test_eval(vm, cases[i].source), &info));
    assert_int_equal(info.is_callable, cases[i].callable);
    assert_int_equal(info.is_constructor, cases[i].constructor);
    assert_int_equal(info.is_extensible, cases[i].extensible);
    assert_true(info.class_id > 0);
  }
  /* A caller that knows less of the struct. */
  memset(small.guard, 0xee, sizeof small.guard);
  test_ok(vm, torpor_object_read(vm, test_eval(vm, "[]"), (void *)&small));
  assert_int_equal(small.brand, TORPOR_BRAND_ARRAY);
  for (size_t i = 0; i < sizeof small.guard; i++)
    assert_int_equal(small.guard[i], 0xee);
}

static void test_proxies(void **state) {
  torpor_value proxy, target, handler;
  (void)state;
  test_eval(vm,
            "var touched = false; var t = {}; var h = new Proxy({}, {get() { "
            "touched = true }}); var p = new Proxy(t, h);"
            "var r = Proxy.revocable({}, {}); 0");
  proxy = test_eval(vm, "p");
  test_ok(vm, torpor_proxy_read(vm, proxy, &target, &handler));
  test_is(vm, target, "v === t", "true");
  test_is(vm, handler, "v === h && !touched", "true");
  proxy = test_eval(vm, "r.proxy");
  test_ok(vm, torpor_proxy_read(vm, proxy, &target, &handler));
  assert_int_equal(torpor_value_type(target), TORPOR_TYPE_OBJECT);
  test_eval(vm, "r.revoke()");
  test_ok(vm, torpor_proxy_read(vm, proxy, &target, &handler));
  assert_int_equal(torpor_value_type(target), TORPOR_TYPE_NULL);
  assert_int_equal(torpor_value_type(handler), TORPOR_TYPE_NULL);
  test_status(vm, torpor_proxy_read(vm, test_eval(vm, "t"), &target, &handler),
              TORPOR_WRONG_TYPE);
}

static void test_boxes(void **state) {
  torpor_value value;
  (void)state;
  test_ok(vm, torpor_object_unbox(vm, test_eval(vm, "new Number(5)"), &value));
  assert_true(torpor_value_number(value) == 5);
  test_ok(vm,
          torpor_object_unbox(vm, test_eval(vm, "new String('x')"), &value));
  test_text_is(vm, value, "x");
  test_ok(vm, torpor_object_unbox(vm, test_eval(vm, "Object(7n)"), &value));
  test_is(vm, value, "v === 7n", "true");
  test_status(vm, torpor_object_unbox(vm, test_eval(vm, "({})"), &value),
              TORPOR_WRONG_TYPE);
}

/* ---- Identity and conversions ---------------------------------------------*/

static void test_identity(void **state) {
  static const struct {
    const char *a, *b;
    bool strict, value, key;
  } cases[] = {
      {"1", "1", true, true, true},
      {"0", "-0", true, false, true},
      {"NaN", "NaN", false, true, true},
      {"'ab'", "['a', 'b'].join('')", true, true, true},
      {"'\\u20ac'", "'\\u20ac'", true, true, true},
      {"2n ** 70n", "1n << 70n", true, true, true},
      {"1n", "1", false, false, false},
      {"null", "undefined", false, false, false},
      {"({})", "({})", false, false, false},
      {"globalThis", "globalThis", true, true, true},
      {"Symbol.iterator", "Symbol.iterator", true, true, true},
      {"Symbol('a')", "Symbol('a')", false, false, false},
      {"'1'", "1", false, false, false},
  };
  bool same;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    torpor_value a = test_eval(vm, cases[i].a), b = test_eval(vm, cases[i].b);
    test_ok(vm, torpor_value_same(vm, a, b, TORPOR_SAME_STRICT, &same));
    assert_int_equal(same, cases[i].strict);
    test_ok(vm, torpor_value_same(vm, a, b, TORPOR_SAME_VALUE, &same));
    assert_int_equal(same, cases[i].value);
    test_ok(vm, torpor_value_same(vm, a, b, TORPOR_SAME_KEY, &same));
    assert_int_equal(same, cases[i].key);
  }
  test_status(vm, torpor_value_same(vm, number(1), number(1), 3, &same),
              TORPOR_MISUSE);
}

static uint64_t identity(torpor_value value) {
  uint64_t found;
  test_ok(vm, torpor_value_identity(vm, value, &found));
  return found;
}

/* Equal for handles of one value, different for two that live. */
static void test_identities(void **state) {
  static const char *const sources[] = {"({})",
                                        "[]",
                                        "(() => 1)",
                                        "Symbol('a')",
                                        "'text' + Math.random()",
                                        "2n ** 70n",
                                        "new Proxy({}, {})"};
  static const char *const none[] = {"undefined", "null", "true",
                                     "1",         "1.5",  "7n"};
  const size_t count = sizeof(sources) / sizeof(*sources);
  torpor_value values[8], again;
  (void)state;
  for (size_t i = 0; i < count; i++) {
    values[i] = test_eval(vm, sources[i]);
    assert_true(identity(values[i]) != 0);
    test_ok(vm, torpor_value_retain(vm, values[i], &again));
    assert_int_equal(identity(again), identity(values[i]));
    for (size_t k = 0; k < i; k++)
      assert_true(identity(values[k]) != identity(values[i]));
  }
  for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
    assert_int_equal(identity(test_eval(vm, none[i])), 0);
  assert_true(identity(test_eval(vm, "Map")) == identity(test_eval(vm, "Map")));
}

static void test_conversions(void **state) {
  torpor_value value;
  double converted;
  bool truth;
  (void)state;
  test_ok(vm,
          torpor_value_to_number(vm, test_eval(vm, "' 12.5 '"), &converted));
  assert_true(converted == 12.5);
  test_ok(vm,
          torpor_value_to_number(
              vm, test_eval(vm, "({valueOf() { return '7' }})"), &converted));
  assert_true(converted == 7);
  test_ok(vm, torpor_value_to_number(vm, torpor_undefined(), &converted));
  assert_true(isnan(converted));
  test_status(vm, torpor_value_to_number(vm, test_eval(vm, "5n"), &converted),
              TORPOR_THROWN);
  test_status(
      vm,
      torpor_value_to_number(vm, test_eval(vm, "({valueOf() { throw 'no' }})"),
                             &converted),
      TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "no");
  test_ok(vm, torpor_value_to_boolean(vm, test_eval(vm, "''"), &truth));
  assert_false(truth);
  test_ok(vm, torpor_value_to_boolean(
                  vm, test_eval(vm, "new Proxy(() => 1, {})"), &truth));
  assert_true(truth);
  test_ok(vm, torpor_value_to_boolean(vm, test_eval(vm, "0n"), &truth));
  assert_false(truth);
  test_ok(vm, torpor_value_to_string(vm, test_eval(vm, "[1, [2, 3]]"), &value));
  test_text_is(vm, value, "1,2,3");
  test_status(vm, torpor_value_to_string(vm, test_eval(vm, "Symbol()"), &value),
              TORPOR_THROWN);
  assert_int_equal(torpor_value_type(value), TORPOR_TYPE_UNDEFINED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_brands),     TEST(test_fakes),       TEST(test_object_info),
      TEST(test_proxies),    TEST(test_boxes),       TEST(test_identity),
      TEST(test_identities), TEST(test_conversions),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
