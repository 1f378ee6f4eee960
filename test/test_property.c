/* SPDX-License-Identifier: MIT */
/* test_property.c - properties of objects through the border: by every kind of
 * key, with descriptors, on proxies and other exotic objects, and with programs
 * that have replaced what JavaScript itself would use. What happens while other
 * things happen is in test_property_moments.c. */
#include <stdio.h>
#include <string.h>

#include "test/support/one-vm.h"
#include "vm/vm.h"

/* Asserts that 'check', a function, says true of 'value'. */
static void assert_holds(torpor_value value, const char *check) {
  torpor_value out;
  test_ok(vm, torpor_call(vm, test_eval(vm, check), torpor_undefined(), &value,
                          1, &out));
  if (!torpor_value_is_true(out)) fail_msg("not so: %s", check);
}

static torpor_key name(const char *text) {
  return torpor_key_name(text);
}

static torpor_key value_key(const char *source) {
  return torpor_key_value(test_eval(vm, source));
}

static double get_number(torpor_value object, torpor_key key) {
  torpor_value out;
  test_ok(vm, torpor_get_key(vm, object, key, &out));
  return torpor_value_number(out);
}

/* Asserts that what was thrown is an error whose sentence has 'part'. */
static void assert_thrown(torpor_status status, const char *part) {
  test_status(vm, status, TORPOR_THROWN);
  if (!strstr(torpor_last_error(vm), part))
    fail_msg("'%s' has no '%s'", torpor_last_error(vm), part);
  assert_int_not_equal(torpor_value_type(torpor_exception(vm)),
                       TORPOR_TYPE_UNDEFINED);
}

/* ---- Keys -----------------------------------------------------------------*/

static void test_keys_of_every_kind(void **state) {
  static const struct {
    const char *key;
    const char *check;
  } keys[] = {
      {"'plain'", "o => o.plain === 7"},
      {"7", "o => o[7] === 7 && Object.keys(o)[0] === '7'"},
      {"4294967294", "o => o['4294967294'] === 7"},
      {"4294967295", "o => o['4294967295'] === 7"},
      {"2 ** 53", "o => o['9007199254740992'] === 7"},
      {"-1", "o => o['-1'] === 7"},
      {"-0", "o => o['0'] === 7"},
      {"0.5", "o => o['0.5'] === 7"},
      {"NaN", "o => o.NaN === 7"},
      {"1e21", "o => o['1e+21'] === 7"},
      {"null", "o => o['null'] === 7"},
      {"undefined", "o => o.undefined === 7"},
      {"true", "o => o['true'] === 7"},
      {"10n", "o => o['10'] === 7"},
      {"Symbol.for('s')", "o => o[Symbol.for('s')] === 7"},
      {"Symbol.iterator", "o => o[Symbol.iterator] === 7"},
      {"'\\ud800x'", "o => o['\\ud800x'] === 7"},
      {"'\\udc00'", "o => o['\\udc00'] === 7 && !('\\ufffd' in o)"},
      {"'nul\\0inside'", "o => o['nul\\0inside'] === 7"},
      {"'\\u00e9\\u{1f600}'", "o => o['\\u00e9\\u{1f600}'] === 7"},
      {"''", "o => o[''] === 7"},
      {"'x'.repeat(100000)", "o => o['x'.repeat(100000)] === 7"},
      {"({toString() { return 'made' }})", "o => o.made === 7"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
    torpor_value object, out;
    torpor_key key = value_key(keys[i].key);
    bool has;
    test_ok(vm, torpor_object_new(vm, &object));
    test_ok(vm, torpor_get_key(vm, object, key, &out));
    if (strcmp(keys[i].key, "undefined") != 0)
      assert_int_equal(torpor_value_type(out), TORPOR_TYPE_UNDEFINED);
    test_ok(vm, torpor_set_key(vm, object, key, torpor_number(7)));
    assert_holds(object, keys[i].check);
    assert_true(get_number(object, key) == 7);
    test_ok(vm, torpor_has_own(vm, object, key, &has));
    assert_true(has);
    test_ok(vm, torpor_delete(vm, object, key, &has));
    assert_true(has);
    test_ok(vm, torpor_has(vm, object, key, &has));
    assert_false(has);
  }
}

static void test_keys_of_text(void **state) {
  static char longest[TORPOR_ABI_TEXT_LARGEST + 2];
  torpor_value object = test_eval(vm, "({})");
  bool has;
  (void)state;
  test_ok(vm, torpor_set_key(vm, object, torpor_key_text("a\0b", 3),
                             torpor_number(1)));
  assert_holds(object, "o => o['a\\0b'] === 1");
  test_ok(vm, torpor_set_key(vm, object, torpor_key_text("ab", 1),
                             torpor_number(2)));
  assert_holds(object, "o => o.a === 2");
  test_ok(vm, torpor_set_key(vm, object, torpor_key_text(NULL, 0),
                             torpor_number(3)));
  assert_holds(object, "o => o[''] === 3");
  test_ok(vm,
          torpor_set_key(vm, object, torpor_key_index(5), torpor_number(4)));
  assert_holds(object, "o => o[5] === 4");
  memset(longest, 'k', sizeof(longest) - 1);
  test_status(vm, torpor_has(vm, object, name(longest), &has), TORPOR_LIMIT);
  longest[TORPOR_ABI_TEXT_LARGEST] = 0;
  test_ok(vm, torpor_set_key(vm, object, name(longest), torpor_number(5)));
  assert_holds(object, "o => o['k'.repeat(65535)] === 5");
  longest[9000] = 0; /* more than the window has */
  test_ok(vm, torpor_set(vm, object, longest, torpor_number(6)));
  assert_true(get_number(object, name(longest)) == 6);
  test_status(vm, torpor_has(vm, object, name(NULL), &has), TORPOR_MISUSE);
  test_status(vm, torpor_has(vm, object, torpor_key_text(NULL, 3), &has),
              TORPOR_MISUSE);
}

/* The bytes of a key are not taken for characters, whatever keys there are. */
static void test_keys_beyond_ascii(void **state) {
  torpor_value object = test_eval(
      vm, "({'\\u00c3\\u00a9': 1, '\\u00e9': 2, '\\u00ed\\u00a0\\u0080': 3})");
  torpor_value out;
  bool has;
  (void)state;
  test_ok(vm, torpor_get(vm, object, "\xc3\xa9", &out));
  assert_true(torpor_value_number(out) == 2);
  assert_true(get_number(object, name("\xc3\xa9")) == 2);
  assert_true(get_number(object, name("\xc3\x83\xc2\xa9")) == 1);
  test_ok(vm, torpor_has(vm, object, name("\xed\xa0\x80"), &has));
  assert_false(has); /* U+FFFD, as in strings */
  test_ok(vm, torpor_set(vm, object, "\xff", torpor_number(4)));
  assert_holds(object, "o => o['\\ufffd'] === 4");
}

/* Numbers of the host's with bits that no number of ours has. */
static void test_strange_numbers(void **state) {
  torpor_value object = test_eval(vm, "({NaN: 'nan'})"), out;
  (void)state;
  for (uint64_t tag = 0xfff0; tag < 0xfff9; tag++) {
    torpor_value strange = {tag << 48 | UINT64_C(0x7fff00000010), 0};
    test_ok(vm, torpor_get_key(vm, object, torpor_key_value(strange), &out));
    assert_int_equal(torpor_value_type(out), TORPOR_TYPE_STRING);
  }
}

/* ---- Reading and writing --------------------------------------------------*/

static void test_primitives_have_properties(void **state) {
  torpor_value text = test_eval(vm, "'h\\u00e9'"), out;
  uint64_t length;
  bool has;
  (void)state;
  test_ok(vm, torpor_length(vm, text, &length));
  assert_int_equal(length, 2);
  test_ok(vm, torpor_get_index(vm, text, 0, &out));
  assert_holds(out, "c => c === 'h'");
  test_ok(vm, torpor_keys(vm, text, TORPOR_KEYS_PLAIN, &out));
  assert_holds(out, "k => k.join() === '0,1'");
  test_ok(vm, torpor_prototype_get(vm, text, &out));
  assert_holds(out, "p => p === String.prototype");
  test_status(vm, torpor_has(vm, text, name("length"), &has),
              TORPOR_WRONG_TYPE);
  assert_non_null(strstr(torpor_last_error(vm), "type"));
  test_status(vm, torpor_has_own(vm, torpor_null(), name("x"), &has),
              TORPOR_WRONG_TYPE);
  assert_thrown(torpor_get_key(vm, torpor_undefined(), name("x"), &out),
                "undefined");
  assert_thrown(torpor_length(vm, torpor_null(), &length), "null");
  assert_thrown(torpor_set_key(vm, text, torpor_key_index(0), torpor_null()),
                "TypeError");
}

static void test_inherited_and_own(void **state) {
  torpor_value object =
      test_eval(vm,
                "Object.create({up: 1, get x() { return this.own }}, "
                "{own: {value: 2, enumerable: true}})");
  bool has;
  (void)state;
  assert_true(get_number(object, name("up")) == 1);
  assert_true(get_number(object, name("x")) == 2);
  test_ok(vm, torpor_has(vm, object, name("up"), &has));
  assert_true(has);
  test_ok(vm, torpor_has_own(vm, object, name("up"), &has));
  assert_false(has);
  test_ok(vm, torpor_delete(vm, object, name("own"), &has));
  assert_false(has);
  test_ok(vm, torpor_delete(vm, object, name("up"), &has));
  assert_true(has);
  assert_thrown(torpor_set_key(vm, object, name("own"), torpor_number(1)),
                "read-only");
  assert_thrown(torpor_set(vm, object, "x", torpor_number(1)), "setter");
}

static void test_typed_arrays(void **state) {
  torpor_value bytes = test_eval(vm, "new Uint8Array([1, 2, 3])"), out;
  uint64_t length;
  bool has;
  (void)state;
  assert_true(get_number(bytes, torpor_key_index(1)) == 2);
  test_ok(vm,
          torpor_set_key(vm, bytes, torpor_key_index(1), torpor_number(300)));
  assert_true(get_number(bytes, torpor_key_index(1)) == 44);
  test_ok(vm, torpor_has(vm, bytes, torpor_key_index(3), &has));
  assert_false(has);
  test_ok(vm, torpor_has(vm, bytes, value_key("'-0'"), &has));
  assert_false(has);
  test_ok(vm, torpor_delete(vm, bytes, torpor_key_index(0), &has));
  assert_false(has);
  test_ok(vm, torpor_length(vm, bytes, &length));
  assert_int_equal(length, 3);
  test_ok(vm, torpor_keys(vm, bytes, TORPOR_KEYS_ALL, &out));
  assert_holds(out, "k => k.join() === '0,1,2'");
  assert_thrown(torpor_integrity_set(vm, bytes, TORPOR_FROZEN), "");
}

static void test_sparse_array(void **state) {
  torpor_value array = test_eval(vm, "globalThis.a = []; a"), out;
  uint64_t length;
  (void)state;
  test_ok(vm, torpor_set_key(vm, array, torpor_key_index(4294967294),
                             torpor_number(1)));
  test_ok(vm, torpor_length(vm, array, &length));
  assert_int_equal(length, 4294967295);
  test_ok(vm, torpor_set_key(vm, array, torpor_key_index(4294967295),
                             torpor_number(2)));
  test_ok(vm, torpor_length(vm, array, &length));
  assert_int_equal(length, 4294967295);
  test_ok(vm, torpor_set_index(vm, array, 4000000000, torpor_number(3)));
  test_ok(vm, torpor_keys(vm, array, TORPOR_KEYS_ALL, &out));
  assert_holds(out,
               "k => k.join() === '4000000000,4294967294,length,4294967295'");
  test_ok(vm, torpor_get_index(vm, array, 4294967294, &out));
  assert_true(torpor_value_number(out) == 1);
  assert_thrown(torpor_set(vm, array, "length", torpor_number(-1)), "length");
}

static void test_length_of_anything(void **state) {
  static const struct {
    const char *source;
    uint64_t length;
  } of[] = {{"({})", 0},
            {"({length: -5})", 0},
            {"({length: 3.9})", 3},
            {"({length: '12'})", 12},
            {"({length: 2 ** 60})", 9007199254740991},
            {"({length: NaN})", 0},
            {"(a, b) => 1", 2}};
  uint64_t length;
  (void)state;
  for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
    test_ok(vm, torpor_length(vm, test_eval(vm, of[i].source), &length));
    assert_int_equal(length, of[i].length);
  }
}

/* ---- Several at once ------------------------------------------------------*/

static void test_several(void **state) {
  enum { MANY = 300 };
  static const char *const few[] = {"id", "name", "missing"};
  static char texts[MANY][80];
  static const char *keys[MANY];
  static torpor_value out[MANY];
  torpor_value object =
      test_eval(vm,
                "globalThis.log = []; ({id: 7, get name() { log.push('n');"
                "return 'x' }})");
  (void)state;
  test_ok(vm, torpor_get_each(vm, object, few, 3, out));
  assert_true(torpor_value_number(out[0]) == 7);
  assert_holds(out[1], "x => x === 'x' && log.join() === 'n'");
  assert_int_equal(torpor_value_type(out[2]), TORPOR_TYPE_UNDEFINED);
  test_ok(vm, torpor_get_each(vm, object, NULL, 0, NULL));
  object = test_eval(vm,
                     "Object.fromEntries(Array.from({length: 300}, (_, i) =>"
                     "['key'.repeat(20) + i, i]))");
  for (int i = 0; i < MANY; i++) {
    for (int k = 0; k < 20; k++) memcpy(texts[i] + 3 * (size_t)k, "key", 3);
    snprintf(texts[i] + 60, sizeof(texts[i]) - 60, "%d", i);
    keys[i] = texts[i];
  }
  test_ok(vm, torpor_get_each(vm, object, keys, MANY, out));
  for (int i = 0; i < MANY; i++) assert_true(torpor_value_number(out[i]) == i);
  keys[170] = NULL;
  test_status(vm, torpor_get_each(vm, object, keys, MANY, out), TORPOR_MISUSE);
}

static void assert_none(const torpor_value *values, int count) {
  for (int i = 0; i < count; i++)
    assert_int_equal(torpor_value_type(values[i]), TORPOR_TYPE_UNDEFINED);
}

/* One that throws, or is not read at all, takes all others with it. */
static void test_several_or_none(void **state) {
  enum { MANY = 200 };
  static torpor_value out[MANY];
  const char *keys[] = {"good", "bad"}, *wrong[] = {"good", NULL};
  torpor_value object = test_eval(vm, "({good: 1, get bad() { throw 'up' }})");
  torpor_value list = test_eval(
      vm,
      "new Proxy([], {get(t, k) { if (k === '150') throw 'up'; return 1 "
      "}})");
  (void)state;
  for (int i = 0; i < MANY; i++) out[i] = torpor_number(5);
  assert_thrown(torpor_get_each(vm, object, keys, 2, out), "up");
  assert_none(out, 2);
  out[0] = torpor_number(5);
  test_status(vm, torpor_get_each(vm, object, wrong, 2, out), TORPOR_MISUSE);
  assert_none(out, 2);
  assert_thrown(torpor_get_elements(vm, list, 0, MANY, out), "up");
  assert_none(out, MANY);
  out[0] = torpor_number(5);
  assert_int_not_equal(torpor_get_elements(NULL, list, 0, MANY, out),
                       TORPOR_OK);
  assert_none(out, MANY);
}

static void test_several_of_one_size(void **state) {
  static char large[3][9000];
  const char *keys[] = {"a", large[0], large[1], large[2], "b"};
  torpor_value out[5], object = test_eval(vm, "({a: 1, b: 2})");
  (void)state;
  for (int i = 0; i < 3; i++) {
    memset(large[i], 'a' + i, sizeof(large[i]) - 1);
    test_ok(vm, torpor_set(vm, object, large[i], torpor_number(10 + i)));
  }
  large[0][8190] = 0; /* just what the window takes */
  test_ok(vm, torpor_set(vm, object, large[0], torpor_number(10)));
  test_ok(vm, torpor_get_each(vm, object, keys, 5, out));
  assert_true(torpor_value_number(out[0]) == 1);
  for (int i = 0; i < 3; i++)
    assert_true(torpor_value_number(out[1 + i]) == 10 + i);
  assert_true(torpor_value_number(out[4]) == 2);
}

static void test_elements(void **state) {
  enum { MANY = 200 };
  static torpor_value out[MANY];
  torpor_value array =
      test_eval(vm, "Array.from({length: 190}, (_, i) => i * i)");
  (void)state;
  test_ok(vm, torpor_get_elements(vm, array, 0, MANY, out));
  for (int i = 0; i < 190; i++)
    assert_true(torpor_value_number(out[i]) == i * i);
  for (int i = 190; i < MANY; i++)
    assert_int_equal(torpor_value_type(out[i]), TORPOR_TYPE_UNDEFINED);
  test_ok(vm, torpor_get_elements(vm, array, 100, 1, out));
  assert_true(torpor_value_number(out[0]) == 10000);
  array = test_eval(vm, "({4294967295: 1, 4294967296: 2})");
  test_ok(vm, torpor_get_elements(vm, array, UINT32_MAX, 2, out));
  assert_true(torpor_value_number(out[0]) == 1);
  assert_true(torpor_value_number(out[1]) == 2);
  assert_thrown(
      torpor_get_elements(vm,
                          test_eval(vm,
                                    "[1, , 3].with ? new Proxy([], {get() {"
                                    "throw Error('trap') }}) : 0"),
                          0, 3, out),
      "trap");
}

/* ---- Descriptors ----------------------------------------------------------*/

static torpor_descriptor own(torpor_value object, torpor_key key) {
  torpor_descriptor out;
  test_ok(vm, torpor_get_own(vm, object, key, &out));
  return out;
}

static void test_descriptors(void **state) {
  const unsigned has_all =
      TORPOR_HAS_WRITABLE | TORPOR_HAS_ENUMERABLE | TORPOR_HAS_CONFIGURABLE;
  torpor_value object = test_eval(vm, "globalThis.o = {}; o");
  torpor_value getter = test_eval(vm, "(() => globalThis.ran = 1)");
  torpor_descriptor d;
  (void)state;
  for (unsigned flags = 0; flags < 8; flags++) {
    d = torpor_descriptor_data(torpor_number(flags), flags);
    test_ok(vm, torpor_define(vm, object, torpor_key_index(flags), &d));
    d = own(object, torpor_key_index(flags));
    assert_int_equal(d.flags, flags | has_all | TORPOR_HAS_VALUE);
    assert_true(torpor_value_number(d.value) == flags);
    assert_int_equal(torpor_value_type(d.getter), TORPOR_TYPE_UNDEFINED);
  }
  d = torpor_descriptor_accessor(getter, torpor_undefined(), TORPOR_ENUMERABLE);
  test_ok(vm, torpor_define(vm, object, name("x"), &d));
  d = own(object, name("x"));
  assert_int_equal(d.flags, TORPOR_ENUMERABLE | TORPOR_HAS_ENUMERABLE |
                                TORPOR_HAS_CONFIGURABLE | TORPOR_HAS_GET |
                                TORPOR_HAS_SET);
  assert_holds(d.getter,
               "f => f === Object.getOwnPropertyDescriptor(o, 'x')"
               ".get && !('ran' in globalThis)");
  assert_int_equal(torpor_value_type(d.setter), TORPOR_TYPE_UNDEFINED);
  assert_int_equal(own(object, name("none")).flags, 0);
  assert_int_equal(own(object, name("toString")).flags, 0);
  test_status(vm, torpor_get_own(vm, object, name("x"), NULL), TORPOR_MISUSE);
}

static void test_absent_fields_stay(void **state) {
  torpor_value object = test_eval(vm, "({a: 1})");
  torpor_descriptor d = {0};
  (void)state;
  test_ok(vm, torpor_define(vm, object, name("a"), &d));
  assert_int_equal(own(object, name("a")).flags & 7, 7);
  d.flags = TORPOR_HAS_ENUMERABLE;
  test_ok(vm, torpor_define(vm, object, name("a"), &d));
  assert_int_equal(own(object, name("a")).flags & 7,
                   TORPOR_WRITABLE | TORPOR_CONFIGURABLE);
  assert_true(get_number(object, name("a")) == 1);
  d.flags = TORPOR_HAS_VALUE;
  d.value = torpor_number(2);
  test_ok(vm, torpor_define(vm, object, name("a"), &d));
  assert_true(get_number(object, name("a")) == 2);
  test_ok(vm, torpor_define(vm, object, name("new"), &d));
  assert_int_equal(own(object, name("new")).flags & 7, 0);
  d.flags = 0; /* what does not count may be anything */
  d.value = (torpor_value){UINT64_C(0xffff) << 48 | 99, 12345};
  test_ok(vm, torpor_define(vm, object, name("b"), &d));
  d.flags = TORPOR_HAS_GET; /* the setter is kept */
  d.getter = test_eval(vm, "(() => 5)");
  object = test_eval(vm, "({set a(x) { this.b = x }})");
  test_ok(vm, torpor_define(vm, object, name("a"), &d));
  test_ok(vm, torpor_set(vm, object, "a", torpor_number(6)));
  assert_holds(object, "o => o.a === 5 && o.b === 6");
}

static void test_definitions_refused(void **state) {
  torpor_value object = test_eval(vm, "Object.freeze({a: 1})");
  torpor_descriptor d = torpor_descriptor_data(torpor_number(2), 0);
  (void)state;
  assert_thrown(torpor_define(vm, object, name("a"), &d), "");
  assert_thrown(torpor_define(vm, object, name("b"), &d), "extensible");
  object = test_eval(vm, "({})");
  d.flags |= TORPOR_HAS_GET;
  assert_thrown(torpor_define(vm, object, name("b"), &d), "cannot have");
  d = torpor_descriptor_accessor(torpor_number(1), torpor_undefined(), 0);
  assert_thrown(torpor_define(vm, object, name("b"), &d), "getter");
  d = torpor_descriptor_accessor(torpor_undefined(), object, 0);
  assert_thrown(torpor_define(vm, object, name("b"), &d), "setter");
  d = (torpor_descriptor){.flags = 512};
  test_status(vm, torpor_define(vm, object, name("b"), &d), TORPOR_MISUSE);
  test_status(vm, torpor_define(vm, object, name("b"), NULL), TORPOR_MISUSE);
  d.flags = 0;
  test_status(vm, torpor_define(vm, torpor_number(1), name("b"), &d),
              TORPOR_WRONG_TYPE);
}

/* ---- Keys of an object ----------------------------------------------------*/

static void test_own_keys(void **state) {
  torpor_value out,
      object =
          test_eval(vm,
                    "globalThis.s = Symbol('s'); Object.defineProperty("
                    "{z: 1, 10: 1, [s]: 1, 2: 1, a: 1, [Symbol.iterator]: 1},"
                    "'hidden', {value: 1})");
  static const struct {
    unsigned which;
    const char *check;
  } all[] = {
      {TORPOR_KEYS_PLAIN, "k => k.join() === '2,10,z,a'"},
      {TORPOR_KEYS_STRINGS, "k => k.join() === '2,10,z,a,hidden'"},
      {TORPOR_KEYS_SYMBOLS, "k => k.length === 2 && k[0] === s"},
      {TORPOR_KEYS_ALL, "k => k.length === 7 && k[6] === Symbol.iterator"},
      {TORPOR_KEYS_ALL | TORPOR_KEYS_ENUMERABLE, "k => k.length === 6"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
    test_ok(vm, torpor_keys(vm, object, all[i].which, &out));
    assert_holds(out, all[i].check);
  }
  test_status(vm, torpor_keys(vm, object, 0, &out), TORPOR_MISUSE);
  test_status(vm, torpor_keys(vm, object, TORPOR_KEYS_ENUMERABLE, &out),
              TORPOR_MISUSE);
  test_status(vm, torpor_keys(vm, object, 8, &out), TORPOR_MISUSE);
  assert_thrown(torpor_keys(vm, torpor_null(), TORPOR_KEYS_ALL, &out), "");
}

/* ---- Proxies --------------------------------------------------------------*/

static void test_proxies_lie(void **state) {
  torpor_value out;
  bool has;
  (void)state;
  test_ok(vm, torpor_keys(vm,
                          test_eval(vm,
                                    "new Proxy({}, {ownKeys() {"
                                    "return ['a', 'b'] }})"),
                          TORPOR_KEYS_ALL, &out));
  assert_holds(out, "k => k.join() === 'a,b'");
  test_ok(vm, torpor_keys(vm,
                          test_eval(vm,
                                    "new Proxy({}, {ownKeys() {"
                                    "return ['a', 'b'] }})"),
                          TORPOR_KEYS_PLAIN, &out));
  assert_holds(out, "k => k.length === 0");
  assert_thrown(torpor_keys(vm,
                            test_eval(vm,
                                      "new Proxy({}, {ownKeys() {"
                                      "return ['a', 'a'] }})"),
                            TORPOR_KEYS_ALL, &out),
                "");
  assert_thrown(torpor_keys(vm,
                            test_eval(vm,
                                      "new Proxy({}, {ownKeys() {"
                                      "return [1] }})"),
                            TORPOR_KEYS_ALL, &out),
                "");
  assert_thrown(torpor_has(vm,
                           test_eval(vm,
                                     "new Proxy(Object.freeze({a: 1}),"
                                     "{has() { return false }})"),
                           name("a"), &has),
                "");
  test_ok(vm, torpor_delete(vm,
                            test_eval(vm,
                                      "new Proxy({a: 1}, "
                                      "{deleteProperty() {}})"),
                            name("a"), &has));
  assert_false(has);
}

/* Every trap throws, and what it throws arrives. */
static void test_traps_throw(void **state) {
  torpor_value out,
      proxy = test_eval(vm,
                        "new Proxy({}, new Proxy({}, {get(t, k) {"
                        "return () => { throw Error('in ' + k) } }}))");
  torpor_descriptor d = torpor_descriptor_data(torpor_null(), 0);
  torpor_iterator iterator;
  bool has;
  (void)state;
  assert_thrown(torpor_get_key(vm, proxy, name("x"), &out), "in get");
  assert_thrown(torpor_set_key(vm, proxy, name("x"), torpor_null()), "in set");
  assert_thrown(torpor_has(vm, proxy, name("x"), &has), "in has");
  assert_thrown(torpor_has_own(vm, proxy, name("x"), &has), "in getOwn");
  assert_thrown(torpor_get_own(vm, proxy, name("x"), &d), "in getOwn");
  d = torpor_descriptor_data(torpor_null(), 0);
  assert_thrown(torpor_delete(vm, proxy, name("x"), &has), "in delete");
  assert_thrown(torpor_define(vm, proxy, name("x"), &d), "in define");
  assert_thrown(torpor_keys(vm, proxy, TORPOR_KEYS_ALL, &out), "in ownKeys");
  assert_thrown(torpor_prototype_get(vm, proxy, &out), "in getPrototype");
  assert_thrown(torpor_prototype_set(vm, proxy, torpor_null()), "in setProto");
  assert_thrown(torpor_integrity_set(vm, proxy, TORPOR_INEXTENSIBLE),
                "in preventExtensions");
  assert_thrown(torpor_integrity_set(vm, proxy, TORPOR_FROZEN),
                "in preventExtensions");
  assert_thrown(torpor_integrity_test(vm, proxy, TORPOR_INEXTENSIBLE, &has),
                "in isExtensible");
  assert_thrown(torpor_integrity_test(vm, proxy, TORPOR_FROZEN, &has),
                "in ownKeys");
  assert_thrown(torpor_iterator_open(vm, proxy, &iterator), "in get");
  assert_thrown(torpor_length(vm, proxy, NULL), "in get");
  assert_thrown(torpor_call_method(vm, proxy, "x", NULL, 0, &out), "in get");
}

static void test_revoked_proxy(void **state) {
  torpor_value out,
      proxy = test_eval(
          vm,
          "var r = Proxy.revocable(function () {}, {}); r.revoke(); r.proxy");
  torpor_descriptor d = torpor_descriptor_data(torpor_null(), 0);
  bool has;
  (void)state;
  assert_thrown(torpor_get_key(vm, proxy, name("x"), &out), "revoked");
  assert_thrown(torpor_has(vm, proxy, name("x"), &has), "revoked");
  assert_thrown(torpor_define(vm, proxy, name("x"), &d), "revoked");
  assert_thrown(torpor_keys(vm, proxy, TORPOR_KEYS_ALL, &out), "revoked");
  assert_thrown(torpor_prototype_get(vm, proxy, &out), "revoked");
  assert_thrown(torpor_integrity_set(vm, proxy, TORPOR_SEALED), "revoked");
  assert_thrown(torpor_call(vm, proxy, proxy, NULL, 0, &out), "revoked");
  assert_thrown(torpor_construct(vm, proxy, proxy, NULL, 0, &out), "revoked");
}

/* ---- Programs that replaced everything ------------------------------------*/

static void test_nothing_is_looked_up(void **state) {
  torpor_value out, object, item;
  torpor_descriptor d = torpor_descriptor_data(torpor_number(2), 7);
  torpor_iterator iterator;
  bool has;
  (void)state;
  object =
      test_eval(vm,
                "var bad = () => { throw Error('replaced') };"
                "var kept = {a: 1, list: [1, 2]}, all = Reflect.ownKeys;"
                "for (const c of [Object, Reflect, Array])"
                "  for (const k of all(c))"
                "    try { c[k] = bad } catch {}"
                "for (const c of [Object.prototype, Array.prototype, "
                "    Function.prototype])"
                "  for (const k of all(c))"
                "    if (k !== Symbol.iterator && k !== 'constructor')"
                "      try { c[k] = bad } catch {}"
                "globalThis.Object = globalThis.Reflect = globalThis.Array ="
                "globalThis.Proxy = globalThis.Symbol = bad; kept");
  test_status(vm, test_eval_status(vm, "Reflect.ownKeys({})"), TORPOR_THROWN);
  test_ok(vm, torpor_get_key(vm, object, name("list"), &item));
  test_ok(vm, torpor_has(vm, object, name("a"), &has));
  test_ok(vm, torpor_has_own(vm, object, name("a"), &has));
  test_ok(vm, torpor_define(vm, object, name("b"), &d));
  test_ok(vm, torpor_get_own(vm, object, name("b"), &d));
  test_ok(vm, torpor_keys(vm, object, TORPOR_KEYS_ALL, &out));
  test_ok(vm, torpor_get_index(vm, out, 2, &out));
  test_ok(vm, torpor_delete(vm, object, torpor_key_value(out), &has));
  test_ok(vm, torpor_prototype_get(vm, object, &out));
  test_ok(vm, torpor_prototype_set(vm, object, torpor_null()));
  test_ok(vm, torpor_length(vm, item, NULL));
  test_ok(vm, torpor_iterator_open(vm, item, &iterator));
  test_ok(vm, torpor_iterator_next(vm, &iterator, &out));
  test_ok(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK));
  test_ok(vm, torpor_integrity_set(vm, object, TORPOR_FROZEN));
  test_ok(vm, torpor_integrity_test(vm, object, TORPOR_FROZEN, &has));
  assert_true(has);
}

/* ---- Objects as a whole ---------------------------------------------------*/

static void test_prototypes(void **state) {
  torpor_value object = test_eval(vm, "globalThis.o = {}; o"), out;
  (void)state;
  test_ok(vm, torpor_prototype_set(vm, object, test_eval(vm, "({up: 1})")));
  assert_true(get_number(object, name("up")) == 1);
  test_ok(vm, torpor_prototype_set(vm, object, torpor_null()));
  test_ok(vm, torpor_prototype_get(vm, object, &out));
  assert_int_equal(torpor_value_type(out), TORPOR_TYPE_NULL);
  assert_thrown(torpor_prototype_set(vm, object, torpor_number(1)), "");
  assert_thrown(torpor_prototype_set(vm, object, torpor_undefined()), "");
  assert_thrown(
      torpor_prototype_set(vm, object, test_eval(vm, "({__proto__: o})")),
      "circular");
  assert_thrown(
      torpor_prototype_set(vm, test_eval(vm, "Object.prototype"), object), "");
}

static void test_integrity(void **state) {
  static const char *const made[] = {
      "({a: 1})", "Object.preventExtensions({a: 1})", "Object.seal({a: 1})",
      "Object.freeze({a: 1})"};
  torpor_value object;
  bool is;
  (void)state;
  for (int is_at = 0; is_at <= 3; is_at++)
    for (int level = 1; level <= 3; level++) {
      object = test_eval(vm, made[is_at]);
      test_ok(vm,
              torpor_integrity_test(vm, object, (torpor_integrity)level, &is));
      assert_int_equal(is, is_at >= level);
      test_ok(vm, torpor_integrity_set(vm, object, (torpor_integrity)level));
      for (int k = 1; k <= 3; k++) {
        test_ok(vm,
                torpor_integrity_test(vm, object, (torpor_integrity)k, &is));
        assert_int_equal(is, is_at >= k || level >= k);
      }
    }
  test_status(vm, torpor_integrity_set(vm, object, (torpor_integrity)0),
              TORPOR_MISUSE);
  test_status(vm, torpor_integrity_test(vm, object, (torpor_integrity)4, &is),
              TORPOR_MISUSE);
  assert_thrown(torpor_integrity_set(vm,
                                     test_eval(vm,
                                               "new Proxy({}, "
                                               "{preventExtensions() {}})"),
                                     TORPOR_INEXTENSIBLE),
                "prevent");
}

static void test_module_namespace(void **state) {
  torpor_value out, promise = test_eval_module(
                        vm,
                        "export let a = 1; export default 2; export { later };"
                        "let later = 3;");
  torpor_promise_state settled;
  torpor_descriptor d;
  bool has;
  (void)state;
  test_ok(vm, torpor_promise_read(vm, promise, &settled, &out));
  assert_int_equal(settled, TORPOR_FULFILLED);
  d = own(out, name("a"));
  assert_true(torpor_value_number(d.value) == 1);
  assert_int_equal(d.flags & 7, TORPOR_WRITABLE | TORPOR_ENUMERABLE);
  assert_thrown(torpor_set_key(vm, out, name("a"), torpor_number(2)), "");
  assert_thrown(torpor_integrity_set(vm, out, TORPOR_FROZEN), "freeze");
  test_ok(vm, torpor_delete(vm, out, name("a"), &has));
  assert_false(has);
  test_ok(vm, torpor_keys(vm, out, TORPOR_KEYS_STRINGS, &out));
  assert_holds(out, "k => k.join() === 'a,default,later'");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_keys_of_every_kind),
      TEST(test_keys_of_text),
      TEST(test_keys_beyond_ascii),
      TEST(test_strange_numbers),
      TEST(test_primitives_have_properties),
      TEST(test_inherited_and_own),
      TEST(test_typed_arrays),
      TEST(test_sparse_array),
      TEST(test_length_of_anything),
      TEST(test_several),
      TEST(test_several_or_none),
      TEST(test_several_of_one_size),
      TEST(test_elements),
      TEST(test_descriptors),
      TEST(test_absent_fields_stay),
      TEST(test_definitions_refused),
      TEST(test_own_keys),
      TEST(test_proxies_lie),
      TEST(test_traps_throw),
      TEST(test_revoked_proxy),
      TEST(test_nothing_is_looked_up),
      TEST(test_prototypes),
      TEST(test_integrity),
      TEST(test_module_namespace),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
