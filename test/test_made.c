/* SPDX-License-Identifier: MIT */
/* test_made.c - values of every kind: made by the host and seen by the program,
 * made by the program and seen by the host; and that a program can neither fake
 * what it is nor notice. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/heap.h"
#include "test/support/one-vm.h"
#include "vm/vm.h"

static bool is_undefined(torpor_value value) {
  return torpor_value_type(value) == TORPOR_TYPE_UNDEFINED;
}

static torpor_value number(double value) {
  return torpor_number(value);
}

/* ---- Symbols and regular expressions --------------------------------------*/

static void test_symbols(void **state) {
  static const char *const known[] = {"iterator",
                                      "asyncIterator",
                                      "hasInstance",
                                      "toPrimitive",
                                      "toStringTag",
                                      "species",
                                      "isConcatSpreadable",
                                      "match",
                                      "matchAll",
                                      "replace",
                                      "search",
                                      "split",
                                      "unscopables",
                                      "dispose",
                                      "asyncDispose"};
  torpor_value symbol, same, description, key;
  char source[100];
  bool equal;
  (void)state;
  test_ok(vm, torpor_symbol_new(vm, "na\xc3\xafve", SIZE_MAX, &symbol));
  test_is(vm, symbol, "[typeof v, v.description, Symbol.keyFor(v)].join()",
          "symbol,na\xc3\xafve,");
  test_ok(vm, torpor_symbol_read(vm, symbol, &description, &key));
  test_text_is(vm, description, "na\xc3\xafve");
  assert_true(is_undefined(key));
  test_ok(vm, torpor_symbol_new(vm, "", 0, &symbol));
  test_is(vm, symbol, "v.description === ''", "true");
  test_ok(vm, torpor_symbol_new(vm, NULL, 0, &symbol));
  test_is(vm, symbol, "v.description === undefined", "true");
  test_ok(vm, torpor_symbol_read(vm, symbol, &description, NULL));
  assert_true(is_undefined(description));
  test_ok(vm, torpor_symbol_for(vm, "app.\0key", 8, &symbol));
  test_is(vm, symbol, "v === Symbol.for('app.\\0key')", "true");
  test_ok(vm, torpor_symbol_for(vm, "app.\0key", 8, &same));
  test_ok(vm, torpor_value_same(vm, symbol, same, TORPOR_SAME_STRICT, &equal));
  assert_true(equal);
  test_ok(vm, torpor_symbol_read(vm, symbol, NULL, &key));
  assert_int_equal(torpor_value_type(key), TORPOR_TYPE_STRING);
  test_ok(vm, torpor_symbol_new(vm, "app.\0key", 8, &same));
  test_ok(vm, torpor_value_same(vm, symbol, same, TORPOR_SAME_STRICT, &equal));
  assert_false(equal);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    test_ok(vm, torpor_symbol_known(vm, known[i], SIZE_MAX, &symbol));
    snprintf(source, sizeof source, "v === Symbol.%s", known[i]);
    test_is(vm, symbol, source, "true");
  }
  /* None is missing. */
  snprintf(source, sizeof source, "%zu", sizeof known / sizeof *known);
  test_eval_is(vm,
               "Object.getOwnPropertyNames(Symbol).filter(k => typeof "
               "Symbol[k] === 'symbol').length",
               source);
  test_status(vm, torpor_symbol_known(vm, "nothing", SIZE_MAX, &symbol),
              TORPOR_NOT_FOUND);
  assert_true(is_undefined(symbol));
  test_status(vm, torpor_symbol_read(vm, number(1), &description, &key),
              TORPOR_WRONG_TYPE);
}

static void test_regexps(void **state) {
  torpor_value regexp, source, flags;
  (void)state;
  test_ok(vm, torpor_regexp_new(vm, "a/(?<n>b+)\n", SIZE_MAX, "dgimsuy",
                                SIZE_MAX, &regexp));
  test_is(vm, regexp, "[v.source, v.flags, v.lastIndex].join()",
          "a\\/(?<n>b+)\\n,dgimsuy,0");
  test_ok(vm, torpor_regexp_read(vm, regexp, &source, &flags));
  test_text_is(vm, source, "a\\/(?<n>b+)\\n");
  test_text_is(vm, flags, "dgimsuy");
  test_ok(vm,
          torpor_regexp_new(vm, "[\\p{L}--[a-z]]", SIZE_MAX, "v", 1, &regexp));
  test_is(vm, regexp, "v.test('A') && !v.test('a')", "true");
  test_ok(vm, torpor_regexp_new(vm, "", 0, NULL, 0, &regexp));
  test_ok(vm, torpor_regexp_read(vm, regexp, &source, &flags));
  test_text_is(vm, source, "(?:)");
  test_text_is(vm, flags, "");
  test_status(vm, torpor_regexp_new(vm, "(", SIZE_MAX, NULL, 0, &regexp),
              TORPOR_THROWN);
  assert_true(is_undefined(regexp));
  assert_non_null(strstr(torpor_last_error(vm), "SyntaxError"));
  test_status(vm, torpor_regexp_new(vm, "a", SIZE_MAX, "gg", 2, &regexp),
              TORPOR_THROWN);
  test_status(
      vm,
      torpor_regexp_read(vm, test_eval(vm, "({source: 'a'})"), &source, &flags),
      TORPOR_WRONG_TYPE);
}

/* ---- Numbers --------------------------------------------------------------*/

static void check_words(const char *literal, bool negative,
                        const uint64_t *words, size_t count) {
  torpor_value made, value;
  uint64_t read[8];
  size_t found;
  bool below, equal;
  char source[300];
  snprintf(source, sizeof source, "%s", literal);
  value = test_eval(vm, source);
  test_ok(vm, torpor_bigint_read_words(vm, value, &below, read, 8, &found));
  assert_int_equal(found, count);
  assert_int_equal(below, negative);
  assert_memory_equal(read, words, count * sizeof(*words));
  test_ok(vm, torpor_bigint_new_words(vm, negative, words, count, &made));
  assert_int_equal(torpor_value_type(made), TORPOR_TYPE_BIGINT);
  test_ok(vm, torpor_value_same(vm, made, value, TORPOR_SAME_STRICT, &equal));
  assert_true(equal);
  /* The engine has one form of each number: arithmetic goes on from it. */
  snprintf(source, sizeof source,
           "v === %s && v + 1n === %s + 1n && new Map([[v, 1]]).has(%s)",
           literal, literal, literal);
  test_is(vm, made, source, "true");
}

static void test_bigints(void **state) {
  static const struct {
    const char *literal;
    bool negative;
    uint64_t words[4];
    size_t count;
  } cases[] = {
      {"0n", false, {0}, 1},
      {"1n", false, {1}, 1},
      {"(-1n)", true, {1}, 1},
      {"0x7fffffffn", false, {0x7fffffff}, 1},
      {"0x80000000n", false, {0x80000000}, 1},
      {"(-0x80000000n)", true, {0x80000000}, 1},
      {"(-0x80000001n)", true, {0x80000001}, 1},
      {"0xffffffffn", false, {0xffffffff}, 1},
      {"0x100000000n", false, {UINT64_C(1) << 32}, 1},
      {"0x7fffffffffffffffn", false, {INT64_MAX}, 1},
      {"0xffffffffffffffffn", false, {UINT64_MAX}, 1},
      {"(-0x8000000000000000n)", true, {UINT64_C(1) << 63}, 1},
      {"(-0x8000000000000001n)", true, {(UINT64_C(1) << 63) + 1}, 1},
      {"0x10000000000000000n", false, {0, 1}, 2},
      {"(-0x10000000000000000n)", true, {0, 1}, 2},
      {"0x123456789abcdef0fedcba9876543210aan",
       false,
       {0xdcba9876543210aa, 0x3456789abcdef0fe, 0x12},
       3},
      {"(-0xffffffffffffffffffffffffn)", true, {UINT64_MAX, 0xffffffff}, 2},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_words(cases[i].literal, cases[i].negative, cases[i].words,
                cases[i].count);
}

static void test_bigint_limits(void **state) {
  static uint64_t many[20000];
  torpor_value value;
  uint64_t words[2] = {9, 9}, large;
  int64_t small;
  size_t count;
  bool negative;
  (void)state;
  /* Zeros above do not count. */
  test_ok(vm,
          torpor_bigint_new_words(vm, true, (uint64_t[]){5, 0, 0}, 3, &value));
  test_is(vm, value, "v === -5n", "true");
  test_ok(vm, torpor_bigint_new_words(vm, true, NULL, 0, &value));
  test_is(vm, value, "v === 0n", "true");
  test_ok(vm, torpor_bigint_new_int64(vm, INT64_MIN, &value));
  test_is(vm, value, "v === -(2n ** 63n)", "true");
  test_ok(vm, torpor_bigint_read_int64(vm, value, &small));
  assert_true(small == INT64_MIN);
  test_status(vm, torpor_bigint_read_uint64(vm, value, &large), TORPOR_LIMIT);
  test_ok(vm, torpor_bigint_new_int64(vm, -7, &value));
  test_ok(vm, torpor_bigint_read_int64(vm, value, &small));
  assert_true(small == -7);
  test_ok(vm, torpor_bigint_new_uint64(vm, UINT64_MAX, &value));
  test_is(vm, value, "v === 2n ** 64n - 1n", "true");
  test_ok(vm, torpor_bigint_read_uint64(vm, value, &large));
  assert_true(large == UINT64_MAX);
  test_status(vm, torpor_bigint_read_int64(vm, value, &small), TORPOR_LIMIT);
  value = test_eval(vm, "-(2n ** 63n) - 1n");
  test_status(vm, torpor_bigint_read_int64(vm, value, &small), TORPOR_LIMIT);
  /* Less room than words. */
  value = test_eval(vm, "3n + (5n << 64n) + (7n << 128n)");
  test_ok(vm, torpor_bigint_read_words(vm, value, &negative, words, 2, &count));
  assert_int_equal(count, 3);
  assert_true(words[0] == 3 && words[1] == 5);
  test_ok(vm, torpor_bigint_read_words(vm, value, NULL, NULL, 0, &count));
  assert_int_equal(count, 3);
  /* A large one there and back, and one that is too large. */
  for (size_t i = 0; i < 16000; i++) many[i] = i * UINT64_C(0x9e3779b97f4a7c15);
  many[15999] |= 1;
  test_ok(vm, torpor_bigint_new_words(vm, true, many, 16000, &value));
  static uint64_t back[20000];
  test_ok(vm,
          torpor_bigint_read_words(vm, value, &negative, back, 20000, &count));
  assert_int_equal(count, 16000);
  assert_true(negative);
  assert_memory_equal(back, many, 16000 * sizeof(*many));
  many[19999] = 1;
  test_status(vm, torpor_bigint_new_words(vm, false, many, 20000, &value),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "RangeError"));
  test_status(
      vm, torpor_bigint_read_words(vm, number(1), &negative, words, 2, &count),
      TORPOR_WRONG_TYPE);
}

static void test_bigint_text(void **state) {
  torpor_value value;
  (void)state;
  test_ok(vm, torpor_bigint_new_text(vm, "-123456789012345678901234567890",
                                     SIZE_MAX, &value));
  test_is(vm, value, "v === -123456789012345678901234567890n", "true");
  test_ok(vm, torpor_bigint_new_text(vm, "0xffZZ", 4, &value));
  test_is(vm, value, "v === 255n", "true");
  test_ok(vm, torpor_bigint_new_text(vm, "", 0, &value));
  test_is(vm, value, "v === 0n", "true");
  test_status(vm, torpor_bigint_new_text(vm, "12x", SIZE_MAX, &value),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "SyntaxError"));
}

static void test_dates(void **state) {
  torpor_value date;
  double ms;
  (void)state;
  test_ok(vm, torpor_date_new(vm, 1700000000000.0, &date));
  test_is(vm, date, "v instanceof Date && v.toISOString()",
          "2023-11-14T22:13:20.000Z");
  test_ok(vm, torpor_date_read(vm, date, &ms));
  assert_true(ms == 1700000000000.0);
  test_ok(vm, torpor_date_new(vm, -1.9, &date));
  test_ok(vm, torpor_date_read(vm, date, &ms));
  assert_true(ms == -1);
  test_ok(vm, torpor_date_new(vm, (double)NAN, &date));
  test_ok(vm, torpor_date_read(vm, date, &ms));
  assert_true(isnan(ms));
  test_ok(vm, torpor_date_new(vm, 9e15, &date));
  test_is(vm, date, "String(v)", "Invalid Date");
  test_status(
      vm, torpor_date_read(vm, test_eval(vm, "new Proxy(new Date, {})"), &ms),
      TORPOR_WRONG_TYPE);
}

/* ---- Arrays and collections -----------------------------------------------*/

static void test_arrays(void **state) {
  torpor_value items[200], array, other;
  uint32_t length;
  (void)state;
  for (int i = 0; i < 200; i++) items[i] = number(i);
  items[7] = test_eval(vm, "({seven: 7})");
  test_ok(vm, torpor_array_new_of(vm, items, 200, &array));
  test_is(vm, array, "[Array.isArray(v), v.length, v[7].seven, v[199]].join()",
          "true,200,7,199");
  test_is(vm, array, "v.push(1); v.length = 3; v.map(x => x + 1).join()",
          "1,2,3");
  test_ok(vm, torpor_array_length(vm, array, &length));
  assert_int_equal(length, 3);
  test_ok(vm, torpor_array_new_of(vm, NULL, 0, &array));
  test_is(vm, array, "v.push(5), v.join()", "5");
  test_ok(vm, torpor_array_new_sized(vm, 4, &array));
  test_is(vm, array, "v.length + ' ' + Object.keys(v).length", "4 0");
  test_ok(vm, torpor_array_new_sized(vm, UINT32_MAX, &array));
  test_ok(vm, torpor_array_length(vm, array, &length));
  assert_true(length == UINT32_MAX);
  test_ok(vm, torpor_array_new_sized(vm, 0, &array));
  test_is(vm, array, "v.length", "0");
  test_status(vm,
              torpor_array_length(vm, test_eval(vm, "new Set([1])"), &length),
              TORPOR_WRONG_TYPE);
  test_status(
      vm, torpor_array_length(vm, test_eval(vm, "new Uint8Array(3)"), &length),
      TORPOR_WRONG_TYPE);
  /* A stale value, and one of another VM. */
  torpor_vm *second = test_vm_open(NULL);
  test_ok(second, torpor_object_new(second, &other));
  items[100] = other;
  test_status(vm, torpor_array_new_of(vm, items, 200, &array), TORPOR_STALE);
  torpor_vm_close(second);
  test_ok(vm, torpor_value_retain(vm, items[7], &other));
  test_ok(vm, torpor_value_release(vm, other));
  items[100] = other;
  test_status(vm, torpor_array_new_of(vm, items, 200, &array), TORPOR_STALE);
  assert_true(is_undefined(array));
}

static void test_maps(void **state) {
  torpor_value key = test_eval(vm, "globalThis.k = {}"), map, value;
  torpor_value entries[6] = {number(-0.0), number(1), key, number(2)};
  torpor_value out[6];
  size_t count;
  bool found;
  (void)state;
  test_ok(vm, torpor_string_new(vm, "name", 4, &entries[4]));
  entries[5] = torpor_undefined();
  test_ok(vm, torpor_collection_new(vm, TORPOR_BRAND_MAP, entries, 3, &map));
  test_is(vm, map,
          "[v.size, v.get(0), Object.is([...v.keys()][0], 0), v.get(k), "
          "v.has('name')].join()",
          "3,1,true,2,true");
  test_ok(vm, torpor_collection_put(vm, map, number((double)NAN), key));
  test_ok(vm, torpor_collection_get(vm, map, number((double)NAN), &value));
  test_is(vm, value, "v === k", "true");
  test_ok(vm, torpor_collection_put(vm, map, key, number(3)));
  test_ok(vm, torpor_collection_get(vm, map, key, &value));
  assert_true(torpor_value_number(value) == 3);
  test_ok(vm, torpor_collection_has(vm, map, number(77), &found));
  assert_false(found);
  test_ok(vm, torpor_collection_get(vm, map, number(77), &value));
  assert_true(is_undefined(value));
  test_ok(vm, torpor_collection_remove(vm, map, number(0), &found));
  assert_true(found);
  test_ok(vm, torpor_collection_remove(vm, map, number(0), &found));
  assert_false(found);
  test_ok(vm, torpor_collection_count(vm, map, &count));
  assert_int_equal(count, 3);
  /* In order; with room for less than all. */
  test_ok(vm, torpor_collection_read(vm, map, out, 3, &count));
  assert_int_equal(count, 3);
  assert_true(torpor_value_number(out[1]) == 3);
  test_text_is(vm, out[2], "name");
  assert_true(isnan(torpor_value_number(out[4])));
  out[2] = number(5);
  test_ok(vm, torpor_collection_read(vm, map, out, 1, &count));
  assert_int_equal(count, 3);
  assert_true(torpor_value_number(out[2]) == 5);
  test_ok(vm, torpor_collection_clear(vm, map));
  test_ok(vm, torpor_collection_read(vm, map, out, 3, &count));
  assert_int_equal(count, 0);
}

/* Counting the entries makes no handles of them. */
static void test_counting(void **state) {
  const char *const sources[] = {"new Map([[{}, {}], [{}, {}], [1, {}]])",
                                 "new Set([{}, {}, 'a'])"};
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  size_t count;
  (void)state;
  for (int i = 0; i < 2; i++) {
    torpor_value value = test_eval(vm, sources[i]);
    test_ok(vm, torpor_vm_usage(vm, &before));
    test_ok(vm, torpor_collection_read(vm, value, NULL, 0, &count));
    assert_int_equal(count, 3);
    test_ok(vm, torpor_vm_usage(vm, &after));
    assert_int_equal(after.handles, before.handles);
  }
  test_status(
      vm,
      torpor_collection_read(vm, test_eval(vm, "new WeakMap"), NULL, 0, &count),
      TORPOR_WRONG_TYPE);
  test_status(vm, torpor_collection_read(vm, torpor_null(), NULL, 0, &count),
              TORPOR_WRONG_TYPE);
}

static void test_sets(void **state) {
  torpor_value values[3000], set, out[3000], weak;
  size_t count;
  bool found;
  (void)state;
  for (int i = 0; i < 3000; i++) values[i] = number(i * 2 % 2500);
  test_ok(vm, torpor_collection_new(vm, TORPOR_BRAND_SET, values, 3000, &set));
  test_is(vm, set, "v.size", "1250");
  test_ok(vm, torpor_collection_read(vm, set, out, 3000, &count));
  assert_int_equal(count, 1250);
  assert_true(torpor_value_number(out[1249]) == 2498);
  test_ok(vm, torpor_collection_put(vm, set, number(1), torpor_undefined()));
  test_is(vm, set, "v.has(1) && v.size === 1251", "true");
  test_status(vm, torpor_collection_get(vm, set, number(1), &out[0]),
              TORPOR_WRONG_TYPE);
  /* An iterator that stands in the middle goes on. */
  test_eval(vm, "globalThis.it = v.values(); it.next(); it.next()");
  test_ok(vm, torpor_collection_remove(vm, set, number(2), &found));
  test_ok(vm, torpor_collection_remove(vm, set, number(4), &found));
  test_ok(vm, torpor_collection_read(vm, set, out, 3000, &count));
  assert_int_equal(count, 1249);
  test_eval_is(vm, "it.next().value", "6");
  /* Weak ones. */
  values[0] = test_eval(vm, "globalThis.w = {}");
  test_ok(vm,
          torpor_collection_new(vm, TORPOR_BRAND_WEAK_SET, values, 1, &weak));
  test_is(vm, weak, "v instanceof WeakSet && v.has(w)", "true");
  values[1] = number(5);
  test_ok(vm,
          torpor_collection_new(vm, TORPOR_BRAND_WEAK_MAP, values, 1, &weak));
  test_is(vm, weak, "v.get(w)", "5");
  test_status(vm, torpor_collection_put(vm, weak, number(1), number(1)),
              TORPOR_THROWN);
  test_status(vm, torpor_collection_read(vm, weak, out, 1, &count),
              TORPOR_WRONG_TYPE);
  test_status(vm, torpor_collection_clear(vm, weak), TORPOR_WRONG_TYPE);
  test_ok(vm, torpor_collection_count(vm, weak, &count));
  assert_int_equal(count, 1);
  test_status(
      vm,
      torpor_collection_new(vm, TORPOR_BRAND_WEAK_SET, &values[1], 1, &weak),
      TORPOR_THROWN);
  test_status(vm,
              torpor_collection_new(vm, TORPOR_BRAND_DATE, values, 1, &weak),
              TORPOR_MISUSE);
  test_status(vm, torpor_collection_count(vm, test_eval(vm, "[1]"), &count),
              TORPOR_WRONG_TYPE);
}

/* ---- Errors ---------------------------------------------------------------*/

static void test_errors(void **state) {
  static const char *const classes[] = {
      "Error",          "TypeError",     "RangeError",
      "SyntaxError",    "EvalError",     "URIError",
      "ReferenceError", "InternalError", "AggregateError"};
  torpor_error_parts parts = TORPOR_ERROR_PARTS_INIT;
  torpor_value error, cause = test_eval(vm, "({why: 1})"), code = number(0);
  torpor_value errors = test_eval(vm, "[new Error('a'), 2]");
  char source[200];
  (void)state;
  parts.message = "mess\xc3\xa4ge";
  parts.cause = &cause;
  parts.code = &code;
  parts.stack = "    at somewhere (else.js:1)\n";
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    parts.name = classes[i];
    test_ok(vm, torpor_error_new_with(vm, &parts, &error));
    snprintf(source, sizeof source,
             "[v instanceof %s, v.constructor === %s, v.name, v.message, "
             "v.cause.why, v.code, v.stack, Object.keys(v)].join('|')",
             classes[i], classes[i]);
    char expected[200];
    snprintf(expected, sizeof expected,
             "true|true|%s|mess\xc3\xa4ge|1|0|    at somewhere (else.js:1)\n|",
             classes[i]);
    test_is(vm, error, source, expected);
  }
  parts.name = "AggregateError";
  parts.errors = &errors;
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  test_is(vm, error, "v.errors.length + v.errors[0].message", "2a");
  parts = (torpor_error_parts)TORPOR_ERROR_PARTS_INIT;
  parts.name = "OwnError";
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  test_is(vm, error,
          "[v.constructor === Error, v.name, v.message, 'cause' in v, 'code' "
          "in v, typeof v.stack].join('|')",
          "true|OwnError||false|false|string");
  parts.name = "DataCloneError";
  parts.message = "no";
  parts.is_dom = true;
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  test_is(vm, error,
          "[v instanceof DOMException, v.name, v.message, v.code].join('|')",
          "true|DataCloneError|no|25");
  parts.stack = "here";
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  test_is(vm, error, "v.stack", "here");
  /* Nothing of the program runs for its stack. */
  parts.stack = NULL;
  test_eval(vm, "Error.prepareStackTrace = () => { throw 'ran' }");
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  parts.is_dom = false;
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  test_ok(vm, torpor_error_new(vm, "Error", "plain", &error));
  test_is(vm, error, "typeof v.stack + v.message", "stringplain");
  parts = (torpor_error_parts)TORPOR_ERROR_PARTS_INIT;
  test_ok(vm, torpor_error_new_with(vm, &parts, &error));
  test_is(vm, error, "v.name + '|' + v.message", "Error|");
  parts.size = 5;
  test_status(vm, torpor_error_new_with(vm, &parts, &error), TORPOR_MISUSE);
}

/* ---- Hostile programs, and memory that is refused -------------------------*/

/* Whether a call did what it should, or said that memory ran out. */
static void check_call(torpor_status status, const char *call) {
  if (status == TORPOR_OK) return;
  if ((status == TORPOR_THROWN || status == TORPOR_LIMIT) &&
      strstr(torpor_last_error(vm), "memory"))
    return;
  fail_msg("%s: %s, %s", call, torpor_status_name(status),
           torpor_last_error(vm));
}

#define CALL(call) check_call(call, #call)

static void make_numbers(torpor_value value) {
  static const uint64_t words[] = {1, 2, 3};
  uint64_t read[3];
  size_t count;
  bool flag;
  CALL(torpor_bigint_read_words(vm, value, &flag, read, 3, &count));
  CALL(torpor_bigint_new_words(vm, true, words, 3, NULL));
  CALL(torpor_bigint_new_text(vm, "123456789012345678901234567890", SIZE_MAX,
                              NULL));
  CALL(torpor_date_new(vm, 5, NULL));
}

static void make_texts(torpor_value regexp) {
  CALL(torpor_string_new(vm, "a string \xe2\x82\xac", SIZE_MAX, NULL));
  CALL(torpor_symbol_new(vm, "symbol", SIZE_MAX, NULL));
  CALL(torpor_symbol_for(vm, "key", SIZE_MAX, NULL));
  CALL(torpor_symbol_known(vm, "iterator", SIZE_MAX, NULL));
  CALL(torpor_regexp_new(vm, "(a|b)+c{2,3}", SIZE_MAX, "giu", 3, NULL));
  CALL(torpor_regexp_read(vm, regexp, NULL, NULL));
}

static void make_buffers(torpor_value buffer) {
  for (int brand = TORPOR_BRAND_ARRAY_BUFFER; brand <= TORPOR_BRAND_LAST;
       brand++)
    CALL(torpor_buffer_new_as(vm, (torpor_brand)brand, "12345678", 8, NULL));
  CALL(torpor_buffer_new_resizable(vm, 8, 16, NULL));
  CALL(
      torpor_buffer_new_view(vm, TORPOR_BRAND_INT16_ARRAY, buffer, 2, 2, NULL));
  CALL(torpor_buffer_new_view(vm, TORPOR_BRAND_DATA_VIEW, buffer, 2, SIZE_MAX,
                              NULL));
  CALL(torpor_buffer_write(vm, buffer, 1, "x", 1));
}

static void make_collections(torpor_value map) {
  torpor_value pair[2] = {number(1), number(2)}, out[2];
  size_t count;
  bool flag;
  CALL(torpor_array_new_of(vm, pair, 2, NULL));
  CALL(torpor_array_new_sized(vm, 5, NULL));
  CALL(torpor_collection_new(vm, TORPOR_BRAND_SET, pair, 2, NULL));
  CALL(torpor_collection_new(vm, TORPOR_BRAND_MAP, pair, 1, NULL));
  for (int i = 0; i < 20; i++)
    CALL(torpor_collection_put(vm, map, number(i), number(i)));
  CALL(torpor_collection_read(vm, map, out, 1, &count));
  CALL(torpor_collection_get(vm, map, number(3), NULL));
  CALL(torpor_collection_remove(vm, map, number(3), &flag));
  CALL(torpor_collection_clear(vm, map));
}

static void make_errors(void) {
  const torpor_value one = number(1);
  torpor_error_parts parts = TORPOR_ERROR_PARTS_INIT;
  CALL(torpor_error_new_with(vm, &parts, NULL));
  parts.stack = "stack";
  parts.cause = parts.code = &one;
  CALL(torpor_error_new_with(vm, &parts, NULL));
  parts.is_dom = true;
  CALL(torpor_error_new_with(vm, &parts, NULL));
}

/* Makes and reads one of everything; 'n' allocations succeed, the next one or
 * all others fail. Gives how many there were. */
static uint32_t make_everything(uint32_t n, uint32_t more) {
  torpor_value map, buffer, regexp, bigint;
  torpor_scope scope;
  uint32_t count;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_collection_new(vm, TORPOR_BRAND_MAP, NULL, 0, &map));
  test_ok(vm, torpor_buffer_new_resizable(vm, 8, 8, &buffer));
  test_ok(vm, torpor_regexp_new(vm, "a", 1, "g", 1, &regexp));
  test_ok(vm,
          torpor_bigint_new_words(vm, true, (uint64_t[]){0, 5}, 2, &bigint));
  test_fail_allocations(vm, n, more);
  make_numbers(bigint);
  make_texts(regexp);
  make_buffers(buffer);
  make_collections(map);
  make_errors();
  count = test_fail_allocations(vm, UINT32_MAX, 0);
  test_ok(vm, torpor_scope_close(vm, scope));
  return count;
}

static void test_hostile_program(void **state) {
  (void)state;
  test_turn_hostile(vm);
  make_everything(UINT32_MAX - 1, 0);
  test_eval_is(vm, "touched", "false");
}

/* Every allocation fails in turn, one alone and all from there on: the VM goes
 * on as if nothing had happened, and no handle is left. */
static void test_every_allocation(void **state) {
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  uint32_t count;
  (void)state;
  make_everything(UINT32_MAX - 1, 0);
  count = make_everything(UINT32_MAX - 1, 0);
  assert_true(count > 100);
  test_ok(vm, torpor_vm_usage(vm, &before));
  for (uint32_t more = 0; more < 2; more++)
    for (uint32_t n = 0; n < count; n++) {
      make_everything(n, more);
      test_ok(vm, torpor_vm_usage(vm, &after));
      assert_int_equal(after.handles, before.handles);
    }
  test_eval_is(vm, "[1, 2].map(x => x * 2).join()", "2,4");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_symbols),          TEST(test_regexps),
      TEST(test_bigints),          TEST(test_bigint_limits),
      TEST(test_bigint_text),      TEST(test_dates),
      TEST(test_arrays),           TEST(test_maps),
      TEST(test_counting),         TEST(test_sets),
      TEST(test_errors),           TEST(test_hostile_program),
      TEST(test_every_allocation),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
